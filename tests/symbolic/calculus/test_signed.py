"""The signs of zeros and poles, by IEEE 754-2019, sections 6.3, 7.3 and 9.2.1, and what
they make of verdicts."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from backwards import function

import verifier
from verifier.language.programs.parsing import parse
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.calculus import signed
from verifier.symbolic.calculus.signed_values import Kind, Special

INF = math.inf
PI = math.pi
EITHER = "either infinity"


def _plain(value: Any) -> object:
    """A number, with signs of zeros kept by `repr`."""
    if value is None:
        return None
    if not isinstance(value, Special):
        return balls.midpoint(value)
    if value.kind is Kind.NAN:
        return "nan"
    if value.sign == 0:
        return EITHER if value.kind is Kind.INFINITY else "either zero"
    return math.copysign(0.0 if value.kind is Kind.ZERO else INF, value.sign)


@pytest.mark.parametrize(
    ("text", "point", "value", "slope"),
    [
        ("sqrt(-x)", 0.0, -0.0, INF),
        ("sqrt(-x)", -0.0, 0.0, -INF),
        ("sqrt(x)", 0.0, 0.0, INF),
        ("log(-x)", 0.0, -INF, INF),
        ("1/sqrt(-x)", 0.0, -INF, -INF),
        ("rsqrt(x)", -0.0, -INF, INF),
        ("sqrt(-2*log(x))", 1.0, -0.0, INF),
        ("sqrt(1 - x)", 1.0, 0.0, -INF),
        ("1/x", -0.0, -INF, -INF),
        ("1/x**2", -0.0, INF, "nan"),
        ("x**-3", -0.0, -INF, -INF),
        ("(-x)**0.5", 0.0, "either zero", EITHER),  # by pow, or by the square root
        ("(-x)**-0.5", 0.0, EITHER, INF),
        ("atan(1/x)", 0.0, PI / 2, "nan"),
        ("atan(1/x)", -0.0, -PI / 2, "nan"),
        ("exp(-1/x)", 0.0, 0.0, "nan"),
        ("exp(-1/x)", -0.0, INF, INF),
        ("sign(1/x)", INF, 0.0, 0.0),
        ("sign(1/x)", -INF, -0.0, 0.0),
        ("1/(x + x)", -0.0, -INF, -INF),
        ("1/(x - x)", 3.0, INF, "nan"),
        ("1/(0.1*x - 0.3)", 3.0, EITHER, EITHER),  # rounding decides
        ("x*log(x)", 0.0, "nan", "nan"),
        ("max(x, -x)", 0.0, "either zero", 0.0),
        ("atan2(x, -1)", -0.0, -PI, -1.0),
        ("atan2(x, 1)", -0.0, -0.0, 1.0),
        ("atan2(1/x, -1/x)", 0.0, 3 * PI / 4, "nan"),
        ("atan2(abs(x), -1)", -0.0, PI, 0.0),
        ("acos(x)", 1.0, 0.0, -INF),
        ("tanh(x)", -INF, -1.0, 0.0),
        ("sin(1/x)", 0.0, None, None),  # no rule says what the sine of infinity is
        ("(1 + x)**(1/x)", 0.0, None, None),
        ("log(x)", -1.0, "nan", -1.0),  # the backward formula is grad / x
        ("hypot(x, 1/x)", -0.0, INF, "nan"),
    ],
)
def test_zeros_and_poles_have_the_signs_of_the_standard(
    text: str, point: float, value: object, slope: object
) -> None:
    found = signed.evaluate(parse(text), {"x": point}, 1.0)
    assert repr(_plain(found.value)) == repr(value)
    if slope == 0.0 and isinstance(slope, float):
        assert _plain(found.gradient["x"]) == 0
    elif isinstance(slope, float) and math.isfinite(slope):
        assert _plain(found.gradient["x"]) == pytest.approx(slope)
    else:
        assert _plain(found.gradient["x"]) == slope


def _kinds(run: verifier.Run) -> dict[tuple[str, ...], str]:
    return {one.wrt: str(one.verdict) for one in run.results[0].comparisons}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("sqrt(-x)", {"x": 0}),
        ("log(-x)", {"x": 0}),
        ("(-x)**0.5", {"x": 0}),
        ("1/sqrt(-x)", {"x": 0}),
        ("log(1/3 - x/3)*log(-(x - 1))", {"x": "1/2"}),
        ("sqrt(-2*log(u))*cos(2*pi*v)", {"u": 1, "v": "1/8"}),
        ("log(-log(x))", {"x": 1}),
        ("sign(1/x)", {"x": "inf"}),
        ("z*sign(1/x)", {"x": "-inf", "z": 3}),
        ("acot(x)", {"x": 0}),
        ("acot(x)", {"x": "-0.0"}),
        ("z*acot(x - 1)", {"x": 1, "z": 3}),
        ("z*atan2(y, x)", {"x": "-1.3", "y": "-0.0", "z": "3.7"}),
        ("z*atan2(-y, x)", {"x": "-1.3", "y": "0", "z": "3.7"}),
        ("atan2(y, x)", {"x": -1, "y": 0}),
        ("atan2(y, x)", {"x": -1, "y": "-0.0"}),
        ("atan2(y*w, x)", {"x": -1, "y": 0, "w": -2}),
        ("atan2(abs(y), x)", {"x": -1, "y": 0}),
    ],
)
def test_pytorch_is_right_where_it_follows_the_standard(
    text: str, at: dict[str, Any], dtype: str
) -> None:
    for upstream in (1, -2):
        run = verifier.verify(text, at=at, dtype=dtype, upstream=upstream)
        assert run.ok, str(run)


def test_the_real_cut_is_the_complex_one() -> None:
    """d/dy atan2(y, -2) at either zero is that of the imaginary part of log(-2 ± 0i):
    1/-2."""
    for zero in ("0", "-0.0"):
        run = verifier.verify("atan2(y, x)", at={"x": -2, "y": zero}, dtype="float32")
        (slope,) = [c for c in run.results[0].comparisons if c.wrt == ("y",)]
        assert (slope.true, slope.verdict) == ("-0.5", "match.exact")
    found = verifier.verify("log(z)", at={"z": "-2"}, dtype="complex64").results[0]
    (slope,) = [c for c in found.comparisons if c.wrt == ("z",)]
    assert slope.true == "-0.5+0j"


@pytest.mark.parametrize(
    ("expression", "at", "value", "slope", "verdict"),
    [
        # no zero's sign decides these: the infinity is the wrong one
        ("sqrt(x)", 0.0, torch.sqrt, lambda x: 0*x - INF, "differ.wrong"),
        ("log(x)", 0.0, torch.log, lambda x: 0*x - INF, "differ.wrong"),
        ("1/sqrt(x)", 0.0, torch.rsqrt, lambda x: 0*x + INF, "differ.wrong"),
        ("sqrt(1 - x)", 1.0, lambda x: (1 - x).sqrt(), lambda x: 0*x + INF, "differ.wrong"),
        ("1/x**2", 0.0, lambda x: -INF + 0*x, lambda x: 0*x + math.nan, "differ.wrong"),
        # either of the two is right of these
        ("sqrt(-x)", 0.0, lambda x: (-x).sqrt(), lambda x: 0*x - INF, "match.undefined"),
        ("sqrt(-x)", 0.0, lambda x: (-x).sqrt(), lambda x: 0*x + INF, "match.undefined"),
        ("sqrt(-x)", 0.0, lambda x: (-x).sqrt(), lambda x: 0*x + 3, "differ.spurious"),
        # the other convention: arccot with values from 0 to pi
        ("acot(x)", 0.0, lambda x: PI/2 - torch.atan(x), lambda x: -1/(1 + x*x), "match.undefined"),
        ("acot(x)", 0.0, lambda x: PI/2 - torch.atan(x), lambda x: 1/(1 + x*x), "differ.spurious"),
        # a jump that is no operation's own: the value is one of two limits
        ("1/(1 + exp(1/x))", 0.0, lambda x: 0*x, lambda x: 0*x + math.nan, "differ.spurious"),
        ("atan(1/x)", 0.0, lambda x: PI/2 + 0*x, lambda x: 0*x + math.nan, "differ.spurious"),
        ("acot(x)", 0.0, lambda x: 0*x + 1, lambda x: -1/(1 + x*x), "differ.spurious"),
        ("atan2(x, -1)", 0.0, lambda x: PI - x, lambda x: 0*x - 1, "match.rounding"),
        ("atan2(x, -1)", 0.0, lambda x: PI - x, lambda x: 0*x + 1, "differ.wrong"),
        ("atan2(x, -1)", 0.0, lambda x: -PI - x, lambda x: 0*x - 1, "differ.wrong"),
        ("sign(1/x)", INF, lambda x: 0*(1/x) + 1, lambda x: 0/x, "match.rounding"),
        ("sign(1/x)", INF, lambda x: 0*(1/x) - 1, lambda x: 0/x, "differ.wrong"),
    ],
)  # fmt: skip
def test_a_wrong_infinity_stays_wrong(
    expression: str, at: float, value: Any, slope: Any, verdict: str
) -> None:
    run = verifier.check(
        function(value, lambda grad, x: grad * slope(x)),
        at,
        expression=expression,
        dtype="float32",
    )
    assert run.results[0].verdict.family == verdict.partition(".")[0], str(run)
    if verdict.startswith("differ"):
        assert run.results[0].verdict == verdict, str(run)


def test_a_convention_is_told_only_where_it_may_be_what_was_followed() -> None:
    """`0 at x = y = 0` is no reason for a −1 on the negative axis, nor `1 at both ends`
    for the 0 by an end."""
    told = "convention: 0 at x = y = 0"
    for at, expected in (({"x": -1, "y": 0}, False), ({"x": 0, "y": 0}, True)):
        text = "atan2(y, x) + sign(atan2(y, x) - pi)"
        run = verifier.verify(text, at=at, dtype="float32")
        messages = [one.message or "" for one in run.results[0].comparisons]
        assert any(told in message for message in messages) is expected, messages
    text = "clamp(x, low, 3) + floor(low)"
    run = verifier.verify(text, at={"x": 1, "low": 1}, dtype="float32")
    messages = [one.message or "" for one in run.results[0].comparisons]
    assert any("stands exactly at its edge" in message for message in messages)
    assert not any("1 at both ends" in message for message in messages)


@pytest.mark.parametrize(
    ("function", "expression"), [(torch.sqrt, "sqrt(x)"), (torch.log, "log(x)")]
)
def test_zero_times_an_infinite_derivative_is_no_fault(
    function: Any, expression: str
) -> None:
    """PyTorch's own formulas give NaN at the upstream gradient 0, as 0 · ∞ is."""
    run = verifier.check(function, 0.0, expression=expression, dtype="float32")
    assert run.ok, str(run)
