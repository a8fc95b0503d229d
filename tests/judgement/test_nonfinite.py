"""NaN and infinities where the truth is finite, and what overflows."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from judged import EPS, Fake, Silent, judged

from verifier.floats import BINARY32
from verifier.records import Verdict


def test_infinity_is_exact_where_the_truth_rounds_to_it() -> None:
    assert (
        judged(math.inf, Fraction(10) ** 400, Silent()).verdict is Verdict.MATCH_EXACT
    )
    assert (
        judged(-math.inf, -(Fraction(10) ** 400), Silent()).verdict
        is Verdict.MATCH_EXACT
    )
    assert (
        judged(math.inf, Fraction(10) ** 40, Silent(), format_=BINARY32).verdict
        is Verdict.MATCH_EXACT
    )


def test_the_wrong_infinity_is_no_match() -> None:
    found = judged(-math.inf, Fraction(10) ** 400, Fake(radius=Fraction(1)))
    assert found.verdict.family == "differ"


@pytest.mark.parametrize("measured", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_from_overflow_on_the_way_is_range(measured: float) -> None:
    found = judged(measured, 1, Fake(radius=EPS, limited_is_anywhere=True))
    assert found.verdict is Verdict.DIFFER_RANGE
    assert found.error_ulp is None


@pytest.mark.parametrize("measured", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_from_another_cause_is_nonfinite(measured: float) -> None:
    assert judged(measured, 1, Fake(radius=EPS)).verdict is Verdict.DIFFER_NONFINITE
    both = Fake(radius=None, limited_is_anywhere=True)  # 0·inf, whatever the range
    assert judged(measured, 1, both).verdict is Verdict.DIFFER_NONFINITE


def test_a_finite_number_where_the_truth_overflows_is_judged_by_its_error() -> None:
    assert (
        judged(1e308, Fraction(10) ** 400, Fake(radius=Fraction(1))).verdict
        is Verdict.DIFFER_WRONG
    )
