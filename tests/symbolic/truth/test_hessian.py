"""The true Hessian: closed forms, edges, precision, and wrong rules found by the second
derivation."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
import sympy
from entries import hessian as second
from entries import of

from verifier.floats import FORMATS, nearest
from verifier.language.programs.parsing import parse
from verifier.records import Truth, TruthStatus
from verifier.symbolic.arithmetic import balls, taylor
from verifier.symbolic.calculus import sympy_functions
from verifier.symbolic.truth import hessian as second_order
from verifier.symbolic.truth.hessian import HessianOracle

FORMAT = FORMATS["float64"]


def hessian(
    text: str, upstream: float = 1.0, **point: float
) -> dict[tuple[str, str], Truth]:
    program = parse(text)
    return of(
        "hessian", HessianOracle(program, program.inputs).at(point, upstream, FORMAT)
    )


def rounded(truth: Truth) -> float:
    """The truth as a number of the format, which both ends of its enclosure round
    to."""
    assert truth.status is TruthStatus.FINITE, truth
    assert truth.enclosure is not None
    lower = nearest(truth.enclosure.lower, FORMAT)
    assert lower == nearest(truth.enclosure.upper, FORMAT)
    return lower


def test_a_polynomial() -> None:
    found = hessian("x**3 * y", x=2.0, y=5.0)
    assert {pair: rounded(truth) for pair, truth in found.items()} == {
        ("x", "x"): 60,
        ("x", "y"): 12,
        ("y", "x"): 12,
        ("y", "y"): 0,
    }


def test_the_upstream_gradient_multiplies() -> None:
    assert rounded(hessian("x**2", 3.0, x=1.0)["x", "x"]) == 6


def test_only_the_inputs_named() -> None:
    found = HessianOracle(parse("x*y*z"), ["z", "x"]).at(
        {"x": 2.0, "y": 3.0, "z": 5.0}, 1.0, FORMAT
    )
    assert {pair: rounded(truth) for pair, truth in of("hessian", found).items()} == {
        ("z", "z"): 0,
        ("z", "x"): 3,
        ("x", "z"): 3,
        ("x", "x"): 0,
    }


def test_cancellation_raises_the_precision() -> None:
    # By Taylor's theorem −1/3 + x²/10 − …
    x = 2.0**-26
    found = rounded(hessian("sin(x)/x", x=x)["x", "x"])
    assert found == nearest(Fraction(-1, 3) + Fraction(x) ** 2 / 10, FORMAT)


def test_an_exact_zero_is_decided() -> None:
    truth = hessian("tan(x)**2 - 1/cos(x)**2", x=0.75)["x", "x"]
    assert rounded(truth) == 0


@pytest.mark.parametrize(
    ("text", "point", "status"),
    [
        ("abs(x)", {"x": 0.0}, TruthStatus.LIMIT),
        ("x**2.5", {"x": 0.0}, TruthStatus.LIMIT),
        ("sin(x)/x", {"x": 0.0}, TruthStatus.LIMIT),
        ("where(x > 1, x, x**2)", {"x": 1.0}, TruthStatus.LIMIT),
        ("y*x", {"x": math.inf, "y": 1.0}, TruthStatus.LIMIT),
        ("log(x)", {"x": -1.0}, TruthStatus.UNDEFINED),
        ("exp(log(x))", {"x": -1.0}, TruthStatus.UNDEFINED),
        ("x", {"x": math.nan}, TruthStatus.UNDEFINED),
    ],
)
def test_edges(text: str, point: dict[str, float], status: TruthStatus) -> None:
    truth = hessian(text, **point)["x", "x"]
    assert truth.status is status
    assert truth.reason


def test_an_edge_concerns_only_the_inputs_behind_it() -> None:
    found = hessian("y**2 * z + abs(x)", x=0.0, y=3.0, z=5.0)
    assert rounded(found["y", "y"]) == 10
    assert rounded(found["y", "z"]) == 6
    for pair in (("x", "x"), ("x", "y"), ("y", "x"), ("z", "x")):
        assert found[pair].status is TruthStatus.LIMIT


def test_an_edge_behind_a_factor_zero_is_no_number() -> None:
    # y²·|x|: SymPy answers 0 for both entries by x, and the gradient is (0, 0).
    found = hessian("y**2 * abs(x)", x=0.0, y=0.0)
    assert found["x", "x"].status is TruthStatus.LIMIT
    assert rounded(found["y", "y"]) == 0


def test_a_regular_gradient_without_a_series_is_left_to_a_limit() -> None:
    unclear = Truth(status=TruthStatus.PRECISION, reason=second_order.HIDDEN_EDGE)
    assert second_order._settled(unclear).status is TruthStatus.LIMIT
    other = Truth(status=TruthStatus.PRECISION, reason="`x - y`")
    assert second_order._settled(other) is other


def test_a_long_program_has_the_witness_alone() -> None:
    text = "*".join(f"(1 + sin(x*{k}))" for k in range(1, 80))
    program = parse(text)
    oracle = HessianOracle(program, ["x"])
    assert oracle.whole is None
    truth = oracle.at({"x": 0.5}, 1.0, FORMAT)[second("x", "x")]
    rounded(truth)


def test_a_short_program_has_both() -> None:
    assert HessianOracle(parse("sin(x*y)"), ["x", "y"]).whole is not None


# ── planted wrong rules ───────────────────────────────────────────────────────────────


def assert_at_odds(truth: Truth) -> None:
    assert truth.status is TruthStatus.ORACLE
    assert truth.reason is not None
    assert "power series" in truth.reason
    assert "SymPy" in truth.reason


class Crooked(sympy.Function):  # type: ignore[misc]
    """Has tanh's value and first derivative; the second is that of sin."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        return CrookedSlope(self.args[0])


class CrookedSlope(sympy.Function):  # type: ignore[misc]
    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        return -sympy.sin(self.args[0])


@pytest.mark.usefixtures("fresh_rules")
def test_a_wrong_rule_of_sympys_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sympy_functions.OPERATIONS, "tanh", Crooked)
    monkeypatch.setitem(sympy_functions.NAMES, Crooked, "tanh")
    monkeypatch.setitem(sympy_functions.NAMES, CrookedSlope, "sech")
    assert_at_odds(hessian("tanh(x)", x=0.5)["x", "x"])


@pytest.mark.usefixtures("fresh_rules")
def test_a_wrong_builder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sympy_functions.OPERATIONS, "log1p", lambda x: sympy.log(2 + x))
    found = hessian("log1p(x)*y", x=0.5, y=2.0)
    assert_at_odds(found["x", "x"])
    assert_at_odds(found["y", "x"])


def test_a_wrong_rule_of_the_series_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = taylor.FUNCTIONS["exp"]

    def wrong(center: balls.Ball, length: int) -> list[balls.Ball]:
        found = right(center, length)
        slip = balls.exact(Fraction(1_000_001, 1_000_000))
        return [*found[:2], *(slip * ball for ball in found[2:])]

    monkeypatch.setitem(taylor.FUNCTIONS, "exp", wrong)
    assert_at_odds(hessian("exp(x)", x=0.5)["x", "x"])
