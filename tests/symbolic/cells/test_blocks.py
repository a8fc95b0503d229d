"""Functions of a matrix: held against hand calculation and differences in mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.cell_programs import Builder
from verifier.language.cells import CellProgram
from verifier.symbolic.cells.truth import CellTruth

TIERS = pytest.mark.parametrize("largest", [10**9, 0], ids=["balls", "midpoints"])

A = np.array([[2.0, 0.5, -0.25], [0.5, -1.0, 0.75], [-0.25, 0.75, 0.375]])
U = np.array([[1.0, -0.5, 2.0], [0.25, 1.5, -1.0], [-2.0, 0.5, 0.75]])


def a_program(
    kind: str, matrix: np.ndarray, upstream: np.ndarray, guess: np.ndarray | None = None
) -> CellProgram:
    b = Builder()
    x = b.input("x", matrix)
    result = b.block(kind, x[None], upstream.size)
    b.given("output", upstream.reshape(-1))
    values = np.full(b.size, np.nan)
    if guess is not None:
        values[result] = guess
    return b.program({"output": result}, values=values)


def directional(function: Callable[[Any], Any], direction: np.ndarray) -> mpmath.mpf:
    """How <u, f(A + t D)> moves, at 60 digits."""
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        move = mpmath.matrix(direction.tolist())
        at = mpmath.matrix(A.tolist())
        return (function(at + step * move) - function(at - step * move)) / (2 * step)


def _exponential(x: Any) -> Any:
    found = mpmath.expm(x, method="taylor")
    return sum(U[i, j] * found[i, j] for i in range(3) for j in range(3))


def _eigen(x: Any) -> Any:
    symmetric = (x + x.T) / 2
    values, vectors = mpmath.eigsy(symmetric)
    total = sum((i + 1) * values[i] for i in range(3))
    for j in range(3):
        sign = 1 if vectors[0, j] > 0 else -1
        total += sum(sign * U[i, j] * vectors[i, j] for i in range(3))
    return total


def _eigen_program() -> CellProgram:
    values, vectors = np.linalg.eigh(A)
    vectors = vectors * np.sign(vectors[0])
    upstream = np.concatenate([[1.0, 2.0, 3.0], U.reshape(-1)])
    guess = np.concatenate([values, vectors.reshape(-1)])
    return a_program("eigh", A, upstream, guess)


@TIERS
def test_two_by_two_by_hand(largest: int) -> None:
    matrix = np.array([[2.0, 1.0], [1.0, 2.0]])
    guess = np.array([1.0, 3.0, -0.7, 0.7, 0.7, 0.7])
    upstream = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    truth = CellTruth(a_program("eigh", matrix, upstream, guess), largest_balls=largest)
    root = 2**-0.5
    expected = [1.0, 3.0, -root, root, root, root]
    assert truth.values()["output"].high == pytest.approx(expected, abs=1e-15)
    assert truth.gradients()["x"].high == pytest.approx(np.full((2, 2), 0.5), abs=1e-15)


@TIERS
@pytest.mark.parametrize(
    ("program", "function"),
    [
        (a_program("matrix_exp", A, U), _exponential),
        (_eigen_program(), _eigen),
    ],
    ids=["matrix_exp", "eigh"],
)
def test_gradients_are_those_of_differences(
    program: CellProgram, function: Callable[[Any], Any], largest: int
) -> None:
    found = CellTruth(program, largest_balls=largest).gradients()["x"]
    assert (found.radius < 1e-11).all()
    for i in range(3):
        for j in range(3):
            direction = np.zeros((3, 3))
            direction[i, j] = 1.0
            by = directional(function, direction)
            assert found.high[i, j] == pytest.approx(float(by), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kind", ["matrix_exp", "eigh"])
def test_series_agree_with_reverse_mode_and_with_differences(kind: str) -> None:
    program = _eigen_program() if kind == "eigh" else a_program(kind, A, U)
    truth = CellTruth(program)
    assert truth.witness(4).agrees
    direction = np.array([[1.0, 0.5, 0.0], [0.0, -1.0, 2.0], [0.25, 0.0, 1.0]])
    found = truth.hessian_vector({"x": direction})["x"]
    moved = []
    for side in (-1, 1):
        at = A + side * 2.0**-20 * direction
        upstream = np.asarray(program.records[-1].numbers)
        guess = program.values[program.outputs["output"]]
        again = CellTruth(a_program(kind, at, upstream, guess))
        moved.append(again.gradients()["x"])
    slope = (moved[1].high - moved[0].high) * 2.0**19
    assert found.high == pytest.approx(slope, rel=1e-6, abs=1e-7)


@TIERS
def test_what_is_degenerate_is_undecided(largest: int) -> None:
    guess = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    program = a_program("eigh", np.eye(2), np.ones(6), guess)
    truth = CellTruth(program, largest_balls=largest)
    assert not truth.gradients()["x"].is_known.any()
