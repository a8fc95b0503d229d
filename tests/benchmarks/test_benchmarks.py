"""Times, each beside a yardstick in its own group: `pytest tests/benchmarks
--benchmark-only`.

Read the ratios within a group; nothing is asserted of a time, for a machine has its
moods.
"""

from __future__ import annotations

import ast
import math
from typing import Any

import mpmath  # type: ignore[import-untyped]
import pytest
import torch
from sympy.core.cache import clear_cache

import verifier
from verifier.floats import FORMATS
from verifier.language.casefile.loading import from_mapping
from verifier.language.points.domains import domain
from verifier.language.points.drawing import draw
from verifier.language.programs import parsing
from verifier.symbolic.truth.deciding import GUARD_BITS
from verifier.symbolic.truth.oracle import Oracle
from verifier.verification.prepare import Prepared, Setting
from verifier.verification.verify import verify as verify_prepared

GAUSSIAN = "exp(-(x - mu)**2 / (2*sigma**2)) / (sigma*sqrt(2*pi))"
DOMAIN = {"x": "[-3, 3]", "mu": "[-1, 1]", "sigma": "[1/2, 2]"}
POINTS = draw(
    {name: domain(text) for name, text in DOMAIN.items()},
    64,
    FORMATS["float64"],
    seed=0,
    name="gaussian",
)
Benchmark = Any
"""The fixture of pytest-benchmark."""


def gaussian(x: Any, mu: Any, sigma: Any) -> Any:
    return torch.exp(-((x - mu) ** 2) / (2 * sigma**2)) / (
        sigma * math.sqrt(2 * math.pi)
    )


# ── a verification: 64 points, 3 inputs, float64 ──────────────────────────────────────

verification = pytest.mark.benchmark(group="verification of 64 points")


@verification
def test_verify(benchmark: Benchmark) -> None:
    """All that a call does: parsing, SymPy's derivative (of an expression that it has
    not seen), truth, judgement."""
    run = benchmark.pedantic(
        verifier.verify,
        args=(GAUSSIAN,),
        kwargs={"at": POINTS, "dtype": "float64"},
        setup=clear_cache,
        rounds=10,
        warmup_rounds=1,
    )
    assert run.ok


@verification
def test_verify_with_the_derivative_at_hand(benchmark: Benchmark) -> None:
    """As for the second dtype or route of a case."""
    case = from_mapping({"expression": GAUSSIAN, "at": POINTS, "dtype": "float64"})
    prepared = Prepared(case, "float64")
    setting = Setting(route="reverse")
    verified = benchmark(verify_prepared, prepared, setting, seed=0)
    assert verified.result.verdict.family == "match"


@verification
@pytest.mark.parametrize("fast", [False, True], ids=["slow", "fast"])
def test_gradcheck(benchmark: Benchmark, fast: bool) -> None:
    """One call for all points: of the slow mode, the time grows with the square of
    their number."""
    columns = _columns()
    assert benchmark(torch.autograd.gradcheck, gaussian, columns, fast_mode=fast)


@verification
def test_gradcheck_point_by_point(benchmark: Benchmark) -> None:
    rows = [[c[i].detach().requires_grad_() for c in _columns()] for i in range(64)]
    assert benchmark(
        lambda: all(torch.autograd.gradcheck(gaussian, row) for row in rows)
    )


def _columns() -> list[torch.Tensor]:
    return [
        torch.tensor(
            [point[name] for point in POINTS], dtype=torch.float64, requires_grad=True
        )
        for name in DOMAIN
    ]


# ── the truth at a point: value and three derivatives, 93 bits ────────────────────────

truth = pytest.mark.benchmark(group="truth at one point, 93 bits")
BITS = FORMATS["float64"].precision_bits + GUARD_BITS


@truth
def test_the_oracle(benchmark: Benchmark) -> None:
    oracle = Oracle(parsing.parse(GAUSSIAN), tuple(DOMAIN))
    found = benchmark(oracle.at, POINTS[0], 1.0, FORMATS["float64"])
    assert len(found) == 4


@truth
def test_mpmath(benchmark: Benchmark) -> None:
    """Difference quotients at a higher precision: as many digits, but no enclosure of
    the error."""

    def formula(x: Any, mu: Any, sigma: Any) -> Any:
        return mpmath.exp(-((x - mu) ** 2) / (2 * sigma**2)) / (
            sigma * mpmath.sqrt(2 * mpmath.pi)
        )

    place = tuple(mpmath.mpf(POINTS[0][name]) for name in DOMAIN)

    def value_and_gradient() -> list[Any]:
        with mpmath.workprec(BITS):
            orders = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
            return [
                formula(*place),
                *(mpmath.diff(formula, place, order) for order in orders),
            ]

    assert len(benchmark(value_and_gradient)) == 4


# ── the parser ────────────────────────────────────────────────────────────────────────

LONG = " + ".join(f"{i}*{GAUSSIAN}" for i in range(1, 21))
parser = pytest.mark.benchmark(group="parsing of 1,200 characters")


@parser
def test_the_parser(benchmark: Benchmark) -> None:
    assert benchmark(parsing.parse, LONG).inputs == ("x", "mu", "sigma")


@parser
def test_the_parser_of_python(benchmark: Benchmark) -> None:
    assert benchmark(ast.parse, LONG, mode="eval").body
