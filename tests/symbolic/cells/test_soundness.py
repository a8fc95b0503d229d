"""Midpoints with radii enclose balls of 160 bits, on random programs and by each
function; the witness agrees."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cell_programs import Builder
from verifier.enclosures import Enclosures
from verifier.language.cells import CellProgram
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.cells import rules
from verifier.symbolic.cells.columns import BallArithmetic
from verifier.symbolic.cells.midpoint_columns import Column
from verifier.symbolic.cells.midpoint_radius import MidpointRadius
from verifier.symbolic.cells.truth import CellTruth

UNARY = (
    *("exp", "tanh", "sigmoid", "sin", "cos", "relu", "abs", "square", "erf", "gelu"),
    *("silu", "softsign", "atan", "expm1", "log1p", "cosh", "sqrt", "rsqrt", "log"),
    *("reciprocal", "elu", "hardswish", "selu", "mish", "logsigmoid", "sign", "floor"),
)
BINARY = ("add", "sub", "mul", "div", "max", "min", "pow", "hypot", "atan2")


def a_program(seed: int) -> CellProgram:
    """Of up to ten operations on arrays of numbers of several magnitudes."""
    random = np.random.default_rng(seed)
    b = Builder()
    scale = 10.0 ** random.integers(-3, 3)
    made = [b.input(name, random.standard_normal((3, 3)) * scale) for name in "xy"]
    for _ in range(random.integers(2, 10)):
        first, second = (made[i] for i in random.integers(0, len(made), 2))
        match random.integers(0, 7):
            case 0 | 1:
                name = UNARY[random.integers(len(UNARY))]
                row = b.row(name, first, *_parameters(name))
            case 2 | 3:
                row = b.row(BINARY[random.integers(len(BINARY))], first, second)
            case 4:
                row = b.matmul(first, second)
            case 5:
                row = np.broadcast_to(b.sum(first, 1)[:, None], (3, 3))
            case _:
                row = np.broadcast_to(b.largest(second)[:, None], (3, 3))
        made.append(row)
    b.given("output", random.standard_normal((3, 3)))
    return b.program({"output": made[-1]})


def _parameters(name: str) -> list[float]:
    return {"elu": [1.5]}.get(name, [])


def are_apart(first: Enclosures, second: Enclosures) -> bool:
    """Whether some entry's enclosures have no number in common."""
    both = first.is_known & second.is_known
    with np.errstate(all="ignore"):
        apart = np.abs((first.high - second.high) + (first.low - second.low))
        return bool((both & (apart > first.radius + second.radius)).any())


@pytest.mark.parametrize("block", range(8))
def test_midpoints_enclose_balls_and_the_witness_agrees(block: int) -> None:
    decided = 0
    for seed in range(25 * block, 25 * (block + 1)):
        program = a_program(seed)
        fast, sharp = CellTruth(program, largest_balls=0), CellTruth(program)
        assert not are_apart(fast.values()["output"], sharp.values()["output"]), seed
        gradients = sharp.gradients()
        for name, found in fast.gradients().items():
            assert not are_apart(found, gradients[name]), seed
            decided += int(found.is_known.sum())
        assert sharp.witness(seed).agrees is not False, seed
    assert decided > 100


@pytest.mark.parametrize("row", UNARY)
@pytest.mark.parametrize("derivative", [False, True])
def test_tables_enclose_each_function(row: str, derivative: bool) -> None:
    random = np.random.default_rng(5)
    mid = np.concatenate([random.normal(0, s, 4000) for s in (0.1, 1.0, 8.0)])
    rad = np.where(random.random(len(mid)) < 0.5, 0.0, 10.0 ** random.uniform(-18, -3))
    formula = rules.partial(row, 0) if derivative else rules.value(row)
    assert formula is not None
    operands = [Column(mid, rad)]
    operands += [
        Column(np.full(len(mid), p), np.zeros(len(mid))) for p in _parameters(row)
    ]
    with np.errstate(all="ignore"):
        found = MidpointRadius().run(formula, operands)
    chosen = random.choice(len(mid), 300, replace=False)
    for side in (-1.0, 0.0, 1.0):
        with balls.workprec(160):
            arithmetic = BallArithmetic()
            at = arithmetic.numbers(mid[chosen] + side * rad[chosen] * 0.999)
            given = [at, *(arithmetic.numbers(o.mid[chosen]) for o in operands[1:])]
            exact = arithmetic.enclosures(arithmetic.run(formula, given))
        known = np.isfinite(found.rad[chosen]) & exact.is_known
        apart = np.abs(exact.high - found.mid[chosen] + exact.low)
        assert (apart <= found.rad[chosen] + exact.radius)[known].all()
    assert np.isfinite(found.rad).mean() > 0.3
