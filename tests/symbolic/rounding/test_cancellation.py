"""What one ulp of the terms that cancel last leaves of a zero: by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from entries import slopes

from verifier.floats import BINARY32, BINARY64, Format, ulp
from verifier.language.programs.parsing import parse
from verifier.records import VALUE, Enclosure
from verifier.symbolic.rounding.cancellation import CancellationModel


def spread(
    text: str, point: dict[str, float], format_: Format = BINARY64
) -> tuple[Enclosure | None, dict[str, Enclosure | None]]:
    model = CancellationModel(parse(text), list(point), format_, limited_range=False)
    reach = model.spread(point, 1.0).reach
    return reach[VALUE], slopes(reach)


def reach(enclosure: Enclosure | None) -> float:
    assert enclosure is not None
    return float(max(abs(enclosure.lower), abs(enclosure.upper)))


@pytest.mark.parametrize("format_", [BINARY32, BINARY64])
def test_of_a_sum_one_ulp_of_each_term(format_: Format) -> None:
    value, _ = spread("x - y", {"x": 3.0, "y": 3.0}, format_)
    assert reach(value) == pytest.approx(2 * float(ulp(Fraction(3), format_)))


def test_an_earlier_term_does_not_count() -> None:
    value, gradient = spread("y*((x + 1e30) - 1e30 - x)", {"x": 123456.0, "y": 2.0})
    each = float(ulp(Fraction(123456), BINARY64))
    assert reach(value) == pytest.approx(2 * 2 * each)
    assert reach(gradient["y"]) == pytest.approx(2 * each)


def test_of_an_adjoint_the_shares_count() -> None:
    """The shift of a log-sum-exp: 1 − p − q with p + q = 1."""
    _, gradient = spread(
        "m + log(exp(x - m) + exp(y - m))", {"m": 1.25, "x": 1.0, "y": 0.5}
    )
    assert 2.0**-53 < reach(gradient["m"]) < 2.0**-50


def test_of_a_root_an_ulp_of_the_operand() -> None:
    """sin π, π being what `atan2` gives."""
    value, _ = spread("sin(4*atan(x))", {"x": 1.0})
    assert reach(value) == pytest.approx(float(ulp(Fraction(math.pi), BINARY64)))


def test_what_is_no_zero_is_exact() -> None:
    value, _ = spread("x + y", {"x": 3.0, "y": 0.125})
    assert value == Enclosure(lower=Fraction(25, 8), upper=Fraction(25, 8))


def test_a_zero_without_terms_has_no_reach() -> None:
    value, gradient = spread("x*y", {"x": 0.0, "y": 5.0})
    assert reach(value) == 0
    assert reach(gradient["y"]) == 0


def test_where_a_root_has_no_slope_nothing_is_bounded() -> None:
    value, _ = spread("sqrt(x - y)", {"x": 3.0, "y": 3.0})
    assert value is None
