"""One case from points to verdict: what an interrupt leaves."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from backwards import with_forward_mode

import verifier
from verifier.automatic import lowering
from verifier.floats import BINARY32, nearest
from verifier.language.casefile.case import ROUTES
from verifier.language.casefile.loading import from_mapping
from verifier.running.plan import plan
from verifier.running.run import execute
from verifier.verification import first


@pytest.fixture
def interrupted_at_the_third_point(monkeypatch):
    judge_point = first.judge_point
    calls = []

    def impatient(*args, **kwargs):
        calls.append(None)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return judge_point(*args, **kwargs)

    monkeypatch.setattr(first, "judge_point", impatient)


@pytest.mark.usefixtures("interrupted_at_the_third_point")
def test_an_interrupt_in_the_middle_of_a_case_keeps_the_points_that_were_judged():
    case = from_mapping({"expression": "sin(x)", "domain": {"x": "[0, 1]"}})

    record = execute(plan([case]))

    (result,) = record.results
    assert record.interrupted
    assert (result.points, result.as_expected) == (2, False)
    assert result.message == "interrupted after 2 points"
    assert (result.interrupted, result.broken) == (True, ())


def test_no_digit_of_a_truth_is_shown_beyond_what_is_known():
    # 1 − cos(x) cancels all but the last bits of the precision that decides how the
    # quotient, 1/2, rounds.
    formula, point = "(1 - cos(x)) / (x * x)", {"x": "-0x1.6dec0ep-115"}
    case = from_mapping({"expression": formula, "at": point, "dtype": ["float32"]})

    (result,) = execute(plan([case])).results

    value = next(one for one in result.comparisons if one.quantity == "value")
    assert value.true == "0.5"


# ── each mode has its own range ───────────────────────────────────────────────────────

OUT_OF_RANGE = [
    ("x*y*z/w", {"x": 1.2e-22, "y": -1e-16, "z": 9.4e-35, "w": 8.5e-30}),
    ("x*y*y/z/z", {"x": 1, "y": 1e30, "z": 1e30}),
    ("x/y/z", {"x": 1e-30, "y": 1e30, "z": 1e-30}),
    ("a*b*c*d", {"a": 1e-20, "b": 1e-20, "c": 3e-20, "d": 1e35}),
    ("exp(x)/exp(y)", {"x": 100, "y": 99}),
    ("sqrt(x*x*x)", {"x": 1e20}),
    ("p*p/(2*m)", {"p": 1e-24, "m": 9.1e-31}),
    ("m1*m2*6.67e-11/r**2", {"m1": 5.97e24, "m2": 7.3e22, "r": 3.8e8}),
    ("x**3/y**3", {"x": 1e15, "y": 2e15}),
    ("sqrt(x*x + y*y)", {"x": 3e20, "y": 4e20}),
    ("log(exp(x) + exp(y))", {"x": 100, "y": 90}),
    ("x*y/(x*z)", {"x": 1e-30, "y": 2e-20, "z": 3e-20}),
    ("(x/y)**2*(y/z)**2", {"x": 1e20, "y": 1e-3, "z": 1e20}),
    ("tanh(x*y)/(x*z)", {"x": 1e-25, "y": 1e-18, "z": 1e-16}),
]


@pytest.mark.parametrize(("text", "at"), OUT_OF_RANGE)
def test_what_leaves_the_range_on_the_way_is_range_by_every_route(text, at):
    for order, routes in ROUTES.items():
        eager = [route for route in routes if not route.startswith("compile")]
        run = verifier.verify(text, at=at, dtype="float32", order=order, routes=eager)
        for result in run.results:
            kinds = set(result.counts)
            assert kinds <= {"match.exact", "match.rounding", "differ.range"}, result
            assert "differ.range" in kinds


BEYOND = [
    ("exp(x*x)/exp(x*x)", {"x": 1e15}),
    ("exp(-exp(x))/exp(-exp(x))", {"x": 60}),
    ("log(sinh(exp(x)))/exp(x)", {"x": 40}),
    ("(1 + exp(x))**(1/x)", {"x": 1e20}),
    ("sigmoid(xlogy(tan(y), abs(exp(y))))", {"y": -138406660}),
    ("exp(-x)*exp(x)*y", {"x": 1e12, "y": 3}),
    ("log(exp(-x*x))/x", {"x": 1e10}),
    ("cosh(x)/sinh(x)", {"x": 1e20}),
]
"""Numbers so large that rounding in the argument of an exponential may bring the result
anywhere."""


@pytest.mark.parametrize("route", ["reverse", "forward"])
@pytest.mark.parametrize(("text", "at"), BEYOND)
def test_what_is_not_finite_since_a_number_on_the_way_is_not_is_range(text, at, route):
    run = verifier.verify(text, at=at, dtype="float32", routes=[route])
    kinds = set(run.results[0].counts)
    assert "differ.range" in kinds
    assert "differ.nonfinite" not in kinds


def test_what_the_diagnosis_blames_on_underflow_is_range():
    """(1 + i/n)**n may be anything by rounding; yet NaN is 0/0, for i/n underflows
    (-2.39e-223/1.8e308)."""
    at = {"i": -2.389482411161467e-223, "n": 1.7976931348623155e308}
    run = verifier.verify("((1 + i/n)**n - 1)/(i/n)", at=at, dtype="float64")
    (result,) = run.results
    assert result.verdict.value == "differ.range"
    assert result.counts == {"differ.range": 3}
    assert all("underflows" in (c.message or "") for c in result.comparisons)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("sin(x)/x + exp(-1000 - x)", {"x": 0}),
        ("sqrt(x) - sqrt(x) + exp(x - 200)", {"x": 0}),
        ("log1p(-0.99999999999)*x*exp(-1e5*x)", {"x": 1}),
    ],
)
def test_a_singularity_beside_a_harmless_underflow_is_no_range(text, at):
    run = verifier.verify(text, at=at, dtype="float32")
    kinds = {c.verdict.value for c in run.results[0].comparisons}
    assert "differ.nonfinite" in kinds


def test_forward_mode_underflows_where_reverse_mode_does_not():
    """1·y·z underflows before it is divided by w; from the other end 1/w comes
    first."""
    text, at = OUT_OF_RANGE[0]
    run = verifier.verify(text, at=at, dtype="float32", routes=["reverse", "forward"])
    y, z, w = (Fraction(nearest(Fraction(at[name]), BINARY32)) for name in "yzw")
    kinds = {}
    for result in run.results:
        (one,) = [c for c in result.comparisons if c.wrt == ("x",)]
        assert abs(Fraction(one.true) / (y * z / w) - 1) < 1e-9
        kinds[result.route] = one.verdict.value
    assert kinds == {"reverse": "match.rounding", "forward": "differ.range"}


FACTOR = 1 + 2.0**-14
SLIGHTLY_WRONG_SINE = with_forward_mode(
    torch.sin,
    lambda grad, x: grad * torch.cos(x) * FACTOR,
    lambda tangent, x: tangent * torch.cos(x) * FACTOR,
)
"""Its derivative is off in both modes."""


@pytest.mark.parametrize("route", ["reverse", "forward"])
@pytest.mark.parametrize(
    "text",
    [
        "sin(x)*y",
        "exp(sin(x)) + y*0.5",
        "max(sin(x), y - 9)",
        "y/(2 + sin(x))",
        "hypot(sin(x), y)",
        "atan2(sin(x), y)",
        "lerp(y, sin(x), 0.7)",
        "where(x < 9, sin(x), y)",
        "sin(x)**2.5/y",
        "log(2 + sin(x))*y*1e-20*1e20",
        "clamp(sin(x), -2, y + 9)",
        "addcmul(y, sin(x), x)",
    ],
)
def test_a_derivative_slightly_wrong_is_found_by_both_modes(text, route, monkeypatch):
    monkeypatch.setitem(lowering.OPERATIONS, "sin", SLIGHTLY_WRONG_SINE)
    at = {"x": 0.7, "y": 1.3}
    run = verifier.verify(text, at=at, dtype="float32", routes=[route])
    (result,) = run.results
    assert result.verdict.value == "differ.wrong"
    assert {c.wrt for c in result.comparisons if c.verdict.family == "differ"} == {
        ("x",)
    }
