"""A finite number whose truth is finite: exact, within rounding, inaccurate, wrong."""

from __future__ import annotations

import math
from fractions import Fraction

from judged import EPS, FIVE_ULP, NONE, Fake, Silent, few, judged

from verifier.fields import REAL
from verifier.floats import BFLOAT16, BINARY32, BINARY64, neighbour
from verifier.judgement.excuses import CONDITIONING_FACTOR
from verifier.judgement.tolerance import allowed
from verifier.records import Verdict

# ── a few ulps beyond a tolerance of less ─────────────────────────────────────────────


def test_what_the_operations_add_up_to_is_no_instability() -> None:
    rtol = BFLOAT16.relative_tolerance
    found = judged(float(FIVE_ULP), 1, few(5), format_=BFLOAT16, tolerance=rtol)
    assert found.verdict is Verdict.MATCH_ROUNDING
    found = judged(float(FIVE_ULP), 1, few(4), format_=BFLOAT16, tolerance=rtol)
    assert found.verdict is Verdict.DIFFER_UNSTABLE


def test_a_few_ulps_that_no_rounding_explains_are_wrong() -> None:
    rtol = BFLOAT16.relative_tolerance
    narrow = Fake(radius=Fraction(1, 64), local=Fraction(5))
    found = judged(float(FIVE_ULP), 1, narrow, format_=BFLOAT16, tolerance=rtol)
    assert found.verdict is Verdict.DIFFER_WRONG


def test_a_few_ulps_are_no_excuse_from_a_tolerance_that_the_case_demands() -> None:
    found = judged(
        float(FIVE_ULP), 1, few(5), format_=BFLOAT16, tolerance=Fraction(1, 1000)
    )
    assert found.verdict is Verdict.DIFFER_UNSTABLE


def test_many_operations_excuse_no_more_than_sixteen_ulps() -> None:
    measured, rtol = float(1 + Fraction(17, 2**7)), BFLOAT16.relative_tolerance
    wide = Fake(radius=Fraction(1), local=Fraction(1000))
    found = judged(measured, 1, wide, format_=BFLOAT16, tolerance=rtol)
    assert found.verdict is Verdict.DIFFER_UNSTABLE


def test_underflow_by_a_few_ulps_among_subnormals_is_rounding() -> None:
    unit = BINARY32.smallest_subnormal
    underflow = Fake(radius=Fraction(0), limited_radius=3 * unit, local=Fraction(3))
    rtol = BINARY32.relative_tolerance
    found = judged(
        float(102 * unit), 100 * unit, underflow, format_=BINARY32, tolerance=rtol
    )
    assert found.verdict is Verdict.MATCH_ROUNDING
    normal = BINARY32.smallest_normal
    beyond = Fake(limited_radius=50 * unit, local=Fraction(3))
    found = judged(
        float(normal + 40 * unit),
        normal,
        beyond,
        format_=BINARY32,
        tolerance=rtol,
    )
    assert found.verdict is Verdict.DIFFER_RANGE


# ── finite numbers ────────────────────────────────────────────────────────────────────


def test_the_correctly_rounded_number_is_exact_without_any_excuse() -> None:
    found = judged(float(Fraction(1, 3)), Fraction(1, 3), Silent())
    assert found.verdict is Verdict.MATCH_EXACT
    assert found.error_ulp is not None
    assert found.error_ulp <= 0.5
    assert found.bits_lost == 0


def test_zero_and_minus_zero_are_the_same_number() -> None:
    assert judged(-0.0, 0, Silent()).verdict is Verdict.MATCH_EXACT
    assert judged(0.0, -Fraction(1, 2**1080), Silent()).verdict is Verdict.MATCH_EXACT


def test_an_error_that_rounding_explains_within_the_tolerance_is_rounding() -> None:
    found = judged(1 + 4 * float(EPS), 1, Fake(radius=5 * EPS))
    assert found.verdict is Verdict.MATCH_ROUNDING
    assert found.error_ulp == 4
    assert found.bits_lost == 2


def test_an_error_within_the_tolerance_that_underflow_explains_is_rounding() -> None:
    found = judged(
        1 + 4 * float(EPS), 1, Fake(radius=Fraction(0), limited_radius=5 * EPS)
    )
    assert found.verdict is Verdict.MATCH_ROUNDING


def test_more_than_rounding_explains_is_inaccurate_within_the_tolerance() -> None:
    found = judged(1 + 4 * float(EPS), 1, Fake(radius=3 * EPS))
    assert found.verdict is Verdict.DIFFER_INACCURATE
    assert "no further than 3 ulp" in (found.message or "")


def test_more_than_rounding_explains_is_wrong_beyond_the_tolerance() -> None:
    found = judged(1.001, 1, Fake(radius=3 * EPS))
    assert found.verdict is Verdict.DIFFER_WRONG
    assert "no further than 3 ulp" in (found.message or "")


def test_rounding_beyond_the_tolerance_at_an_ill_conditioned_point_is_conditioning() -> (
    None
):
    found = judged(1.001, 1, Fake(radius=Fraction(1, 100), moves=Fraction(1, 1000)))
    assert found.verdict is Verdict.MATCH_CONDITIONING


def test_rounding_beyond_the_tolerance_at_a_well_conditioned_point_is_unstable() -> (
    None
):
    found = judged(1.001, 1, Fake(radius=Fraction(1, 100), moves=Fraction(1, 10**9)))
    assert found.verdict is Verdict.DIFFER_UNSTABLE
    assert "bits" in (found.message or "")


def test_the_border_of_conditioning_is_a_multiple_of_the_movement() -> None:
    error = Fraction(1, 2**10)
    measured = 1 + float(error)
    at_border = Fake(radius=Fraction(1), moves=error / CONDITIONING_FACTOR)
    assert judged(measured, 1, at_border).verdict is Verdict.MATCH_CONDITIONING
    below = Fake(
        radius=Fraction(1), moves=error / CONDITIONING_FACTOR * Fraction(99, 100)
    )
    assert judged(measured, 1, below).verdict is Verdict.DIFFER_UNSTABLE


def test_what_only_underflow_explains_beyond_the_tolerance_is_range() -> None:
    found = judged(1.001, 1, Fake(radius=3 * EPS, limited_radius=Fraction(1, 100)))
    assert found.verdict is Verdict.DIFFER_RANGE
    found = judged(0.0, 1, Fake(radius=3 * EPS, limited_is_anywhere=True))
    assert found.verdict is Verdict.DIFFER_RANGE


def test_a_spread_of_anywhere_explains_any_finite_number_but_excuses_none() -> None:
    found = judged(1.001, 1, Fake(radius=None))
    assert found.verdict is Verdict.DIFFER_UNSTABLE


def test_the_wrong_sign_is_wrong() -> None:
    assert judged(-1.0, 1, Fake(radius=100 * EPS)).verdict is Verdict.DIFFER_WRONG


def test_a_number_where_the_truth_is_zero_is_wrong() -> None:
    found = judged(1e-300, 0, Fake(radius=Fraction(0)))
    assert found.verdict is Verdict.DIFFER_WRONG
    assert found.error_ulp == math.inf or (found.error_ulp or 0) > 1e20


# ── subnormals and tolerance ──────────────────────────────────────────────────────────


def test_a_tolerance_of_zero_is_a_tolerance() -> None:
    close = neighbour(1.0, 1, BINARY64)
    excuses = Fake(radius=5 * EPS)
    assert judged(close, 1, excuses).verdict is Verdict.MATCH_ROUNDING
    strict = judged(close, 1, excuses, tolerance=Fraction(0))
    assert strict.verdict is Verdict.DIFFER_UNSTABLE
    assert (
        judged(1.0, 1, Silent(), tolerance=Fraction(0)).verdict is Verdict.MATCH_EXACT
    )


def test_a_tolerance_of_zero_allows_nothing_among_the_subnormals_either() -> None:
    assert allowed(Fraction(1, 2**1074), BINARY64, NONE) == 0
    assert allowed(Fraction(0), BINARY64, NONE) == 0


def test_one_ulp_is_within_the_tolerance_among_the_subnormals() -> None:
    tiny = 3 * BINARY64.smallest_subnormal
    measured = float(tiny + BINARY64.smallest_subnormal)
    excuses = Fake(radius=BINARY64.smallest_subnormal)
    found = judged(measured, tiny, excuses)
    assert found.verdict is Verdict.MATCH_ROUNDING
    assert found.error_ulp == 1


def test_two_ulps_are_beyond_the_tolerance_among_the_subnormals() -> None:
    tiny = 3 * BINARY64.smallest_subnormal
    measured = float(tiny + 2 * BINARY64.smallest_subnormal)
    assert (
        judged(measured, tiny, Fake(radius=Fraction(0))).verdict is Verdict.DIFFER_WRONG
    )


def test_the_error_is_in_ulps_of_the_truth() -> None:
    assert REAL.error_in_ulp(1 - 2.0**-53, Fraction(1), BINARY64) == 0.5
    assert REAL.error_in_ulp(2.0, Fraction(1), BINARY32) == 2**23
    assert REAL.error_in_ulp(1e308, Fraction(1, 10**320), BINARY64) == math.inf
