"""Each verdict has exactly its reason."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.fields import REAL
from verifier.floats import (
    BFLOAT16,
    BINARY32,
    BINARY64,
    Format,
    from_ordinal,
    nearest,
    neighbour,
    ordinal,
    ulp,
)
from verifier.judgement.comparison import judge
from verifier.judgement.excuses import CONDITIONING_FACTOR
from verifier.judgement.tolerance import Tolerance, allowed, nearby
from verifier.records import Enclosure, Judgement, Truth, TruthStatus, Verdict, severity

EPS = Fraction(1, 2**52)
TOLERANCE = Tolerance(relative=Fraction(1, 10**7))
ONE, NONE = Tolerance(relative=Fraction(1)), Tolerance(relative=Fraction(0))


@dataclass
class Fake:
    """Excuses made by hand; what is not asked for is not given."""

    around: Fraction = Fraction(0)
    radius: Fraction | None = Fraction(0)
    limited_radius: Fraction | None = None
    limited_is_anywhere: bool = False
    moves: Fraction = Fraction(0)
    local: Fraction = Fraction(0)
    accurate: Fraction | None = Fraction(0)
    unit: Fraction | None = None
    nearby: bool = True
    least_slack: Fraction = Fraction(0)
    ends: bool = False

    def rounding(self) -> Enclosure | None:
        return _ball(self.around, self.radius)

    def limited_range(self) -> Enclosure | None:
        if self.limited_is_anywhere:
            return None
        return _ball(
            self.around,
            self.radius if self.limited_radius is None else self.limited_radius,
        )

    def movement(self) -> Fraction:
        return self.moves

    def local_ulp(self) -> Fraction:
        return self.local

    def ideal(self) -> Enclosure | None:
        return _ball(self.around, self.accurate)

    def cancelled(self) -> Fraction | None:
        return self.unit

    def holds_nearby(self, measured: float, tolerance: Tolerance, steps: int) -> bool:
        return self.nearby and tolerance.absolute >= self.least_slack

    def ends_nearby(self) -> bool:
        return self.ends


class Silent:
    """Excuses that must not be asked for."""

    def rounding(self) -> Enclosure | None:
        raise AssertionError("asked for rounding")

    def limited_range(self) -> Enclosure | None:
        raise AssertionError("asked for the limited range")

    def movement(self) -> Fraction:
        raise AssertionError("asked for the movement")

    def local_ulp(self) -> Fraction:
        raise AssertionError("asked for the operations' own errors")

    def ideal(self) -> Enclosure | None:
        raise AssertionError("asked for accurate derivatives")

    def cancelled(self) -> Fraction | None:
        raise AssertionError("asked for what cancels")

    def holds_nearby(self, measured: float, tolerance: Tolerance, steps: int) -> bool:
        raise AssertionError("asked for the range nearby")

    def ends_nearby(self) -> bool:
        raise AssertionError("asked for an end nearby")


def _ball(middle: Fraction, radius: Fraction | None) -> Enclosure | None:
    return (
        None
        if radius is None
        else Enclosure(lower=middle - radius, upper=middle + radius)
    )


def finite(value: Fraction | float) -> Truth:
    return Truth(
        status=TruthStatus.FINITE,
        enclosure=Enclosure(lower=Fraction(value), upper=Fraction(value)),
    )


def judged(
    measured: float,
    true: Fraction | float,
    excuses: Fake | Silent | None = None,
    *,
    format_: Format = BINARY64,
    tolerance: Fraction = TOLERANCE.relative,
    absolute: Fraction = Fraction(0),
) -> Judgement:
    if excuses is None:
        excuses = Fake(around=Fraction(true))
    elif isinstance(excuses, Fake):
        excuses.around = Fraction(true)
    within = Tolerance(relative=tolerance, absolute=absolute)
    return judge(measured, finite(true), format_, tolerance=within, excuses=excuses)


# ── a few ulps beyond a tolerance of less ────────────────────────────────────────────────────────────────────────────

FIVE_ULP = 1 + Fraction(5, 2**7)
"""1 in bfloat16, five ulps off: beyond the dtype's rtol, which is two."""


def few(local: int, **excuses: Fraction) -> Fake:
    return Fake(radius=Fraction(1, 8), local=Fraction(local), **excuses)


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


# ── finite numbers ───────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── NaN, infinity, overflow ──────────────────────────────────────────────────────────────────────────────────────────


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


# ── subnormals and tolerance ─────────────────────────────────────────────────────────────────────────────────────────


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


# ── undecided and undefined ──────────────────────────────────────────────────────────────────────────────────────────

UNDECIDED = {
    TruthStatus.LIMIT: Verdict.UNDECIDED_LIMIT,
    TruthStatus.PRECISION: Verdict.UNDECIDED_PRECISION,
    TruthStatus.ORACLE: Verdict.UNDECIDED_ORACLE,
    TruthStatus.BUDGET: Verdict.UNDECIDED_BUDGET,
}


@pytest.mark.parametrize("status", UNDECIDED)
@pytest.mark.parametrize("measured", [0.0, 1.0, math.inf, math.nan])
def test_undecided_is_never_a_pass(status: TruthStatus, measured: float) -> None:
    found = judge(
        measured,
        Truth(status=status, reason="why"),
        BINARY64,
        tolerance=TOLERANCE,
        excuses=Silent(),
    )
    assert found.verdict is UNDECIDED[status]
    assert found.verdict.family == "undecided"
    assert found.message == "why"


def between(
    lower: Fraction | int,
    upper: Fraction | int,
    status: TruthStatus = TruthStatus.FINITE,
) -> Truth:
    ends = Enclosure(lower=Fraction(lower), upper=Fraction(upper))
    return Truth(status=status, enclosure=ends, reason="why")


def judged_between(
    measured: float,
    truth: Truth,
    excuses: Fake | None = None,
) -> Verdict:
    return judge(
        measured, truth, BINARY64, tolerance=TOLERANCE, excuses=excuses or Fake()
    ).verdict


KNOWN_IN_PART = [TruthStatus.FINITE, TruthStatus.PRECISION, TruthStatus.LIMIT]


@pytest.mark.parametrize("status", KNOWN_IN_PART)
@pytest.mark.parametrize("measured", [1.0, 1.25, 1.5])
def test_a_number_inside_a_wide_enclosure_is_undecided(
    measured: float, status: TruthStatus
) -> None:
    truth = between(1, Fraction(3, 2), status)
    assert judged_between(measured, truth).family == "undecided"


@pytest.mark.parametrize("status", KNOWN_IN_PART)
@pytest.mark.parametrize("measured", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_needs_no_digits_of_a_truth_that_is(
    measured: float, status: TruthStatus
) -> None:
    truth = between(1, Fraction(3, 2), status)
    assert judged_between(measured, truth) is Verdict.DIFFER_NONFINITE
    overflow = Fake(radius=EPS, limited_is_anywhere=True)
    assert judged_between(measured, truth, overflow) is Verdict.DIFFER_RANGE


def test_what_may_overflow_is_undecided() -> None:
    truth = between(1, Fraction(10) ** 400)
    assert judged_between(math.inf, truth) is Verdict.UNDECIDED_PRECISION


def test_a_number_that_no_truth_of_a_wide_enclosure_excuses_is_wrong() -> None:
    truth = between(1, Fraction(3, 2))
    assert judged_between(2.0, truth) is Verdict.DIFFER_WRONG
    assert judged_between(2.0, between(-1, 1)) is Verdict.DIFFER_WRONG
    loses = Fake(radius=Fraction(100))
    assert judged_between(2.0, truth, loses) is Verdict.DIFFER_UNSTABLE
    # It may be a zero, of which another error is told.
    assert judged_between(2.0, between(-1, 1), loses) is Verdict.UNDECIDED_PRECISION


def test_a_number_that_every_truth_of_a_wide_enclosure_excuses_matches() -> None:
    truth = between(1, 1 + 2**10 * EPS)
    near = Fake(around=Fraction(1), radius=Fraction(1, 2**20))
    assert judged_between(1 + 2.0**-43, truth, near) is Verdict.MATCH_ROUNDING
    far = 1 + 2.0**-22
    assert judged_between(far, truth, near) is not Verdict.MATCH_ROUNDING


def test_a_wide_enclosure_decides_where_both_ends_round_alike() -> None:
    beyond = Enclosure(lower=Fraction(10) ** 320, upper=Fraction(10) ** 330)
    truth = Truth(status=TruthStatus.FINITE, enclosure=beyond)
    found = judge(math.inf, truth, BINARY64, tolerance=TOLERANCE, excuses=Silent())
    assert found.verdict is Verdict.MATCH_EXACT


@pytest.mark.parametrize("measured", [math.nan, math.inf, -math.inf])
def test_undefined_matches_what_says_so(measured: float) -> None:
    truth = Truth(status=TruthStatus.UNDEFINED, reason="log of -1")
    found = judge(measured, truth, BINARY64, tolerance=TOLERANCE, excuses=Silent())
    assert found.verdict is (Verdict.MATCH_UNDEFINED)


UNDEFINED = Truth(status=TruthStatus.UNDEFINED, reason="log of -1")
INFINITE = Truth(status=TruthStatus.INFINITE, sign=1)


@pytest.mark.parametrize("measured", [0.0, 1.0, -5.0])
def test_a_finite_number_where_the_truth_is_undefined_is_spurious(
    measured: float,
) -> None:
    away = Fake(radius=None, nearby=False)
    found = judge(measured, UNDEFINED, BINARY64, tolerance=TOLERANCE, excuses=away)
    assert found.verdict is Verdict.DIFFER_SPURIOUS
    assert "log of -1" in (found.message or "")
    found = judge(measured, INFINITE, BINARY64, tolerance=TOLERANCE, excuses=away)
    assert found.verdict is Verdict.DIFFER_SPURIOUS


@pytest.mark.parametrize("truth", [UNDEFINED, INFINITE])
def test_what_rounding_brings_from_beyond_an_end_is_true_there(truth: Truth) -> None:
    near = Fake(radius=None, accurate=None)
    assert judged_between(1.5, truth, near) is Verdict.MATCH_CONDITIONING
    exactly = replace(truth, at_edge=True)
    assert judged_between(1.5, exactly, near) is Verdict.DIFFER_SPURIOUS
    elsewhere = Fake(radius=Fraction(1))
    convention = Fake(around=Fraction(3, 2))  # no rounding moves it
    assert judged_between(1.5, truth, convention) is Verdict.DIFFER_SPURIOUS
    assert judged_between(1.5, truth, elsewhere) is Verdict.DIFFER_SPURIOUS
    subject = Fake(radius=None, accurate=Fraction(1))
    found = judge(
        1.5, truth, BINARY64, tolerance=TOLERANCE, excuses=subject, written=False
    )
    assert found.verdict is Verdict.DIFFER_SPURIOUS


# ── kinks ────────────────────────────────────────────────────────────────────────────────────────────────────────────

THIRD = Fraction(1, 3)


def kink(lower: Fraction | int, upper: Fraction | int) -> Truth:
    ends = Enclosure(lower=Fraction(lower), upper=Fraction(upper))
    sides = tuple(Enclosure(lower=e, upper=e) for e in (ends.lower, ends.upper))
    return Truth(status=TruthStatus.KINK, enclosure=ends, sides=sides, reason="a kink")


def at_kink(
    measured: float,
    truth: Truth,
    excuses: Fake | None = None,
    convention: Fraction | str | None = None,
) -> Judgement:
    return judge(
        measured,
        truth,
        BINARY64,
        tolerance=TOLERANCE,
        excuses=excuses or Fake(),
        convention=convention,
    )


@pytest.mark.parametrize("measured", [-1.0, -0.3, 0.0, 1.0, 1.00000001])
def test_every_subgradient_matches_within_the_tolerance(measured: float) -> None:
    found = at_kink(measured, kink(-1, 1)).verdict
    assert found is Verdict.MATCH_SUBGRADIENT


@pytest.mark.parametrize("measured", [-1.001, 1.001, 7.0])
def test_what_is_no_subgradient_breaks_the_convention(measured: float) -> None:
    assert at_kink(measured, kink(-1, 1)).verdict is Verdict.DIFFER_CONVENTION


def test_a_width_is_no_slack_at_an_inexact_tie() -> None:
    """|x/3 − 1/3| at 1: a ball of both branches is as wide as the interval, and 0.9 is in neither."""
    both = Fake(radius=THIRD)
    tie = kink(-THIRD, THIRD)
    assert at_kink(0.9, tie, both).verdict is Verdict.DIFFER_CONVENTION
    assert at_kink(0.2, tie, both).verdict is Verdict.MATCH_SUBGRADIENT


def test_rounding_that_holds_a_subgradient_may_bring_it_out_of_the_interval() -> None:
    around = Fake(around=Fraction(1), radius=Fraction(1, 100))
    assert at_kink(1.005, kink(-1, 1), around).verdict is Verdict.MATCH_SUBGRADIENT
    assert at_kink(1.02, kink(-1, 1), around).verdict is Verdict.DIFFER_CONVENTION
    # A convention that is off by one is no rounding.
    off = Fake(around=Fraction(2), radius=Fraction(1, 100))
    assert at_kink(2.0, kink(-1, 1), off).verdict is Verdict.DIFFER_CONVENTION
    nowhere = Fake(radius=None)
    assert at_kink(2.0, kink(-1, 1), nowhere).verdict is Verdict.DIFFER_CONVENTION


@pytest.mark.parametrize(
    ("convention", "right", "wrong"),
    [("left", -1.0, 0.0), ("right", 1.0, 0.0), (Fraction(0), 0.0, 1.0)],
)
def test_a_demanded_convention_is_held_and_told(
    convention: Fraction | str, right: float, wrong: float
) -> None:
    found = at_kink(right, kink(-1, 1), convention=convention)
    assert found.verdict is Verdict.MATCH_SUBGRADIENT
    found = at_kink(wrong, kink(-1, 1), convention=convention)
    assert found.verdict is Verdict.DIFFER_CONVENTION
    assert f"as the case demands ({convention})" in (found.message or "")


def test_at_a_kink_nan_is_none_and_an_infinity_only_where_a_side_is() -> None:
    assert at_kink(math.nan, kink(-1, 1)).verdict is Verdict.DIFFER_NONFINITE
    assert at_kink(math.inf, kink(-1, 1)).verdict is Verdict.DIFFER_NONFINITE
    steep = kink(-1, Fraction(10) ** 400)
    assert at_kink(math.inf, steep).verdict is Verdict.MATCH_SUBGRADIENT
    assert at_kink(-math.inf, steep).verdict is Verdict.DIFFER_NONFINITE


# ── edges ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def at_edge(measured: float, excuses: Fake, true: Fraction | int = 1) -> Judgement:
    """Rounding is where the test puts it: it need not hold the truth."""
    truth = replace(finite(Fraction(true)), at_edge=True)
    return judge(measured, truth, BINARY64, tolerance=TOLERANCE, excuses=excuses)


def about(middle: Fraction | int, **excuses: Any) -> Fake:
    return Fake(around=Fraction(middle), **excuses)


def test_at_an_edge_what_is_within_the_tolerance_matches() -> None:
    assert at_edge(1.0, about(0)).verdict is Verdict.MATCH_EXACT
    assert at_edge(1 + 2.0**-40, about(0)).verdict is Verdict.MATCH_ROUNDING


def test_conventions_that_meet_are_no_rounding() -> None:
    """relu(x) − relu(−x) at 0: the conventions give 0 for 1, and rounding reaches 0 alone."""
    found = at_edge(0.0, about(0))
    assert found.verdict is Verdict.DIFFER_WRONG
    assert "edge" in (found.message or "")
    assert at_edge(0.0, about(0, radius=None)).verdict is Verdict.DIFFER_WRONG


def test_at_an_edge_rounding_that_holds_the_truth_explains() -> None:
    wide = about(1, radius=Fraction(2))
    found = at_edge(0.5, wide)
    assert found.verdict is Verdict.DIFFER_UNSTABLE
    assert "bits" in (found.message or "")
    moved = about(1, radius=Fraction(2), moves=Fraction(1))
    assert at_edge(0.5, moved).verdict is Verdict.MATCH_CONDITIONING


def test_at_an_edge_the_range_is_asked_too() -> None:
    overflow = about(1, limited_is_anywhere=True)
    assert at_edge(0.5, overflow).verdict is Verdict.DIFFER_RANGE
    reached = about(1, limited_radius=Fraction(1))
    assert at_edge(0.5, reached).verdict is Verdict.DIFFER_RANGE
    unknown = about(1, radius=None, limited_is_anywhere=True)
    assert at_edge(0.5, unknown).verdict is Verdict.DIFFER_WRONG


# ── a truth of 0 ─────────────────────────────────────────────────────────────────────────────────────────────────────


def cancelling(**excuses: Any) -> Fake:
    return Fake(**{"radius": Fraction(10), "unit": EPS, **excuses})


def test_a_few_ulps_of_what_cancels_are_rounding_and_counted() -> None:
    for count in (1, 8):
        found = judged(count * float(EPS), 0, cancelling())
        assert found.verdict is Verdict.MATCH_ROUNDING
        assert found.error_ulp == count
        assert "the truth is 0" in (found.message or "")


def test_more_than_a_few_ulps_of_what_cancels_are_unstable() -> None:
    found = judged(9 * float(EPS), 0, cancelling())
    assert found.verdict is Verdict.DIFFER_UNSTABLE
    assert found.error_ulp == 9
    assert found.bits_lost == math.log2(9)
    found = judged(-3.0, 0, cancelling())
    assert found.verdict is Verdict.DIFFER_UNSTABLE
    assert "3 is left" in (found.message or "")


def test_where_nothing_bounds_what_cancels_nothing_is_excused_by_it() -> None:
    found = judged(1e-300, 0, cancelling(unit=None))
    assert found.verdict is Verdict.DIFFER_UNSTABLE


def test_a_zero_that_moves_as_far_is_conditioning() -> None:
    moved = cancelling(moves=Fraction(1))
    assert judged(-3.0, 0, moved).verdict is Verdict.MATCH_CONDITIONING
    assert judged(-5.0, 0, moved).verdict is Verdict.DIFFER_UNSTABLE
    away = cancelling(moves=Fraction(1), nearby=False)
    assert judged(-3.0, 0, away).verdict is Verdict.DIFFER_UNSTABLE


def test_a_zero_that_no_rounding_leaves_is_wrong_in_plain_numbers() -> None:
    found = judged(20.0, 0, cancelling())
    assert found.verdict is Verdict.DIFFER_WRONG
    assert "no further than 10" in (found.message or "")
    assert "e+30" not in (found.message or "")


def test_a_zero_about_which_rounding_is_not_known_is_no_pass() -> None:
    found = judged(20.0, 0, cancelling(radius=None))
    assert found.verdict is Verdict.DIFFER_UNSTABLE
    few = judged(float(EPS), 0, cancelling(radius=None))
    assert few.verdict is Verdict.MATCH_ROUNDING


def test_a_zero_that_underflow_leaves_is_range_but_for_one_subnormal() -> None:
    least = BINARY64.smallest_subnormal
    low = cancelling(radius=Fraction(0), limited_radius=5 * least, unit=Fraction(0))
    assert judged(float(least), 0, low).verdict is Verdict.MATCH_ROUNDING
    assert judged(float(3 * least), 0, low).verdict is Verdict.DIFFER_RANGE


def test_a_tolerance_of_zero_excuses_nothing_that_cancels() -> None:
    found = judged(float(EPS), 0, cancelling(), tolerance=Fraction(0))
    assert found.verdict is Verdict.DIFFER_UNSTABLE


# ── conditioning ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_distance_alone_is_no_conditioning() -> None:
    """tanh at 44 in bfloat16: the gradient halves within two ulps, and is nowhere 0."""
    flushed = Fake(radius=Fraction(2), moves=Fraction(1), nearby=False)
    assert judged(0.0, 1, flushed).verdict is Verdict.DIFFER_UNSTABLE
    crossing = Fake(radius=Fraction(2), moves=Fraction(1))
    assert judged(0.0, 1, crossing).verdict is Verdict.MATCH_CONDITIONING


def test_one_ulp_is_near_enough_for_a_subnormal_truth_alone() -> None:
    least = BINARY64.smallest_subnormal
    for true, verdict in (
        (BINARY64.smallest_normal, Verdict.DIFFER_UNSTABLE),
        (BINARY64.smallest_normal - least, Verdict.MATCH_CONDITIONING),
    ):
        flushed = Fake(radius=2 * true, moves=true, least_slack=least)
        assert judged(0.0, true, flushed).verdict is verdict


@pytest.mark.parametrize("measured", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_next_to_a_pole_is_conditioning(measured: float) -> None:
    pole = Fake(radius=None, ends=True, unit=Fraction(0))
    assert judged(measured, 1, pole).verdict is Verdict.MATCH_CONDITIONING
    exactly = Fake(radius=None, ends=True)  # 0·∞ without any rounding
    assert judged(measured, 1, exactly).verdict is Verdict.DIFFER_NONFINITE
    bounded = Fake(radius=EPS, ends=True)  # no rounding brings it to the pole
    assert judged(measured, 1, bounded).verdict is Verdict.DIFFER_NONFINITE
    on_it = at_edge(measured, about(1, radius=None, ends=True, unit=Fraction(0)))
    assert on_it.verdict is Verdict.DIFFER_NONFINITE


def test_a_truth_beyond_the_largest_number_is_told() -> None:
    found = judged(math.inf, Fraction(10) ** 400, Silent())
    assert "beyond the largest float64" in (found.message or "")


# ── subjects ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_subject(measured: float, excuses: Fake, true: Fraction | int = 1) -> Judgement:
    excuses.around = Fraction(true)
    return judge(
        measured,
        finite(Fraction(true)),
        BINARY64,
        tolerance=TOLERANCE,
        excuses=excuses,
        written=False,
    )


def test_a_subject_may_lose_a_few_ulps_that_the_specification_does_not() -> None:
    assert of_subject(1 + 64 * float(EPS), Fake()).verdict is Verdict.MATCH_ROUNDING
    found = of_subject(1 + 65 * float(EPS), Fake())
    assert found.verdict is Verdict.DIFFER_INACCURATE
    assert "the specification" in (found.message or "")


def test_a_subject_within_the_tolerance_is_rounding_where_the_truth_moves() -> None:
    moved = Fake(accurate=Fraction(1, 100), moves=100 * EPS)
    found = of_subject(1 + 400 * float(EPS), moved)
    assert found.verdict is Verdict.MATCH_ROUNDING
    found = of_subject(1 + 401 * float(EPS), moved)
    assert found.verdict is Verdict.DIFFER_INACCURATE


def test_a_subject_is_conditioned_only_where_accurate_derivatives_lose_as_much() -> (
    None
):
    moves = Fraction(1, 100)
    wide = Fake(radius=Fraction(1), accurate=Fraction(1, 1024), moves=moves)
    assert of_subject(1 + 4 / 1024, wide).verdict is Verdict.MATCH_CONDITIONING
    assert of_subject(1 + 4.1 / 1024, wide).verdict is Verdict.DIFFER_UNSTABLE
    narrow = Fake(radius=Fraction(0), accurate=None, moves=moves)
    assert of_subject(1.01, narrow).verdict is Verdict.MATCH_CONDITIONING
    away = Fake(radius=Fraction(0), accurate=None, moves=moves, nearby=False)
    assert of_subject(1.01, away).verdict is Verdict.DIFFER_WRONG


def test_a_subject_is_wrong_where_nothing_excuses_it() -> None:
    found = of_subject(1.01, Fake())
    assert found.verdict is Verdict.DIFFER_WRONG
    assert "the specification" in (found.message or "")


def test_the_usual_ulps_are_a_subjects_only_where_accurate_derivatives_lose_them() -> (
    None
):
    rtol = Tolerance(relative=BFLOAT16.relative_tolerance)
    for accurate, verdict in (
        (Fraction(1, 8), Verdict.MATCH_ROUNDING),
        (Fraction(0), Verdict.DIFFER_UNSTABLE),
    ):
        found = judge(
            float(FIVE_ULP),
            finite(1),
            BFLOAT16,
            tolerance=rtol,
            excuses=replace(few(5), around=Fraction(1), accurate=accurate),
            written=False,
        )
        assert found.verdict is verdict


def test_a_subjects_zero_is_what_accurate_derivatives_leave() -> None:
    unit = float(EPS)
    good = cancelling(accurate=Fraction(1))
    assert of_subject(unit, good, 0).verdict is Verdict.MATCH_ROUNDING
    bad = cancelling(accurate=Fraction(0))
    found = of_subject(unit, bad, 0)
    assert found.verdict is Verdict.DIFFER_UNSTABLE
    assert "the truth is 0" in (found.message or "")
    moved = cancelling(radius=Fraction(0), accurate=Fraction(1), moves=Fraction(1))
    assert of_subject(3.0, moved, 0).verdict is Verdict.MATCH_CONDITIONING
    assert of_subject(5.0, moved, 0).verdict is Verdict.DIFFER_WRONG


@pytest.mark.parametrize("measured", [math.inf, math.nan])
def test_a_subject_is_excused_by_a_pole_only_where_accurate_derivatives_meet_it(
    measured: float,
) -> None:
    meets = Fake(radius=None, accurate=None, ends=True, unit=Fraction(0))
    assert of_subject(measured, meets).verdict is Verdict.MATCH_CONDITIONING
    misses = Fake(radius=None, accurate=Fraction(1), ends=True, unit=Fraction(0))
    assert of_subject(measured, misses).verdict is Verdict.DIFFER_NONFINITE


# ── borders ──────────────────────────────────────────────────────────────────────────────────────────────────────────

STEP = Fraction(1, 2**20)


def nudged(number: Fraction, ulps: int = 1) -> float:
    return neighbour(float(number), ulps, BINARY64)


def test_a_tolerance_reaches_as_far_as_it_says_and_no_farther() -> None:
    unexplained = Fake(around=Fraction(1))
    for number, verdict in (
        (float(1 + STEP), Verdict.DIFFER_INACCURATE),
        (nudged(1 + STEP), Verdict.DIFFER_WRONG),
        (float(1 - STEP), Verdict.DIFFER_INACCURATE),
        (nudged(1 - STEP, -1), Verdict.DIFFER_WRONG),
    ):
        assert judged(number, 1, unexplained, tolerance=STEP).verdict is verdict
        found = judged(
            number, 1, unexplained, tolerance=Fraction(0), absolute=STEP
        ).verdict
        assert found is verdict


def test_the_tolerance_at_a_kink_reaches_as_far_as_it_says_and_no_farther() -> None:
    within = Tolerance(relative=STEP)
    for side in (-1, 1):
        for ulps, verdict in (
            (0, Verdict.MATCH_SUBGRADIENT),
            (1, Verdict.DIFFER_CONVENTION),
        ):
            measured = side * nudged(1 + STEP, ulps)
            found = judge(
                measured, kink(-1, 1), BINARY64, tolerance=within, excuses=Fake()
            )
            assert found.verdict is verdict


def test_rounding_reaches_as_far_as_its_enclosure_and_no_farther() -> None:
    wide = Fake(radius=STEP, moves=Fraction(0))
    for number, verdict in (
        (float(1 + STEP), Verdict.DIFFER_UNSTABLE),
        (nudged(1 + STEP), Verdict.DIFFER_WRONG),
        (float(1 - STEP), Verdict.DIFFER_UNSTABLE),
        (nudged(1 - STEP, -1), Verdict.DIFFER_WRONG),
    ):
        assert judged(number, 1, wide, tolerance=Fraction(0)).verdict is verdict


def test_the_tolerance_for_normal_numbers_is_relative_alone() -> None:
    least, normal = BINARY64.smallest_subnormal, BINARY64.smallest_normal
    relative = Tolerance(relative=Fraction(1, 2**60))
    assert allowed(normal, BINARY64, relative) == normal / 2**60
    assert allowed(-normal, BINARY64, relative) == normal / 2**60
    assert allowed(-normal + least, BINARY64, relative) == least
    both = Tolerance(relative=Fraction(1, 8), absolute=Fraction(1, 4))
    assert allowed(Fraction(-16), BINARY64, both) == 2
    assert allowed(Fraction(1), BINARY64, both) == Fraction(1, 4)
    alone = Tolerance(relative=Fraction(0), absolute=least / 4)
    assert allowed(least, BINARY64, alone) == least / 4


def test_a_tolerance_in_absolute_terms_alone_is_one() -> None:
    assert Tolerance(relative=Fraction(0), absolute=STEP)
    assert not NONE
    # so the case did not ask for nothing: a few ulps of what cancels are left
    found = judged(float(EPS), 0, cancelling(), tolerance=Fraction(0), absolute=EPS / 4)
    assert found.verdict is Verdict.MATCH_ROUNDING


def test_conditioning_asks_within_eight_ulps_and_an_end_within_two() -> None:
    """The design's section 6 has both numbers."""

    @dataclass
    class Asked(Fake):
        steps: int | None = None

        def holds_nearby(
            self, measured: float, tolerance: Tolerance, steps: int
        ) -> bool:
            self.steps = steps
            return True

    far = Asked(radius=Fraction(1), moves=Fraction(1))
    found = judged(1.5, 1, far)
    assert (found.verdict, far.steps) == (Verdict.MATCH_CONDITIONING, 8)
    assert found.message == "±2 ulps of the inputs move the truth by 4.5e+15 ulp"
    end = Asked(radius=None)
    told = judge(1.5, UNDEFINED, BINARY64, tolerance=TOLERANCE, excuses=end)
    assert (told.verdict, end.steps) == (Verdict.MATCH_CONDITIONING, 2)
    assert told.message == "true within 2 ulps of the inputs"


def test_conditioning_excuses_four_times_what_the_inputs_do() -> None:
    """The design's section 6 has the number."""
    for error, verdict in (
        (4 * STEP, Verdict.MATCH_CONDITIONING),
        (4 * STEP + EPS, Verdict.DIFFER_UNSTABLE),
    ):
        moved = Fake(radius=Fraction(1), moves=STEP)
        assert judged(float(1 - error), 1, moved).verdict is verdict


def test_sixteen_ulps_of_many_operations_are_rounding() -> None:
    wide = Fake(radius=Fraction(1), local=Fraction(1000))
    found = judged(
        float(1 + Fraction(16, 2**7)),
        1,
        wide,
        format_=BFLOAT16,
        tolerance=BFLOAT16.relative_tolerance,
    )
    assert found.verdict is Verdict.MATCH_ROUNDING
    assert found.message == "the rounding of each operation adds up to 16 ulp"


# ── a truth that is known in part ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("lower", "upper", "shown"),
    [(0, 2, 0), (-2, 0, 0), (-1, 3, 0), (1, 3, 2), (-3, -1, -2)],
)
def test_an_enclosure_is_shown_by_its_middle_or_by_zero(
    lower: int, upper: int, shown: int
) -> None:
    ends = Enclosure(lower=Fraction(lower), upper=Fraction(upper))
    assert REAL.middle(ends) == shown


def test_a_tie_that_no_precision_tells_is_known_to_a_millionth_of_an_ulp() -> None:
    """Half an ulp above 1 the ends round to 1 and to the next number."""
    tie, half = 1 + EPS / 2, EPS / 2**21
    known = between(tie - half, tie + half)
    assert judged_between(1.0, known) is Verdict.MATCH_EXACT
    wider = between(tie - half, tie + half * Fraction(101, 100))
    assert judged_between(1.0, wider) is Verdict.UNDECIDED_PRECISION
    found = judge(1.0, wider, BINARY64, tolerance=TOLERANCE, excuses=Fake())
    assert found.message == "the enclosure is wider than the dtype can tell apart"


def test_what_may_overflow_on_either_side_is_undecided() -> None:
    truth = between(-(Fraction(10) ** 400), -1)
    assert judged_between(-math.inf, truth) is Verdict.UNDECIDED_PRECISION


@pytest.mark.parametrize(
    ("lower", "upper", "measured", "expected"),
    [
        ("1/2", "3/4", 2.0, Verdict.DIFFER_UNSTABLE),
        ("-3/2", "-1", -2.0, Verdict.DIFFER_UNSTABLE),
        ("0", "1", 2.0, Verdict.UNDECIDED_PRECISION),
        ("-1", "0", -2.0, Verdict.UNDECIDED_PRECISION),
        ("-1", "1/2", 2.0, Verdict.UNDECIDED_PRECISION),
        ("-1/2", "1", -2.0, Verdict.UNDECIDED_PRECISION),
        ("1", "2", 1.5, Verdict.UNDECIDED_PRECISION),
    ],
)
def test_of_what_may_be_zero_a_loss_of_digits_is_not_told(
    lower: str, upper: str, measured: float, expected: Verdict
) -> None:
    loses = Fake(radius=Fraction(100))
    truth = between(Fraction(lower), Fraction(upper))
    assert judged_between(measured, truth, loses) is expected


@pytest.mark.parametrize(
    ("measured", "ulps"), [(2.0, 2**52), (0.5, 2**52), (3.0, 2**53)]
)
def test_the_error_told_is_that_from_the_farther_end(
    measured: float, ulps: int
) -> None:
    truth = between(1, Fraction(3, 2))
    found = judge(measured, truth, BINARY64, tolerance=TOLERANCE, excuses=Fake())
    assert found.error_ulp == ulps


@pytest.mark.parametrize("measured", [1, 2, 3, -1, -2, -3])
def test_no_match_is_told_of_a_truth_that_may_be_too_far(measured: int) -> None:
    """Four ulps of 1 in bfloat16, where two are within the tolerance and three what the operations add up to."""
    sign, unit = (-1 if measured < 0 else 1), Fraction(1, 2**7)
    ends = sorted((Fraction(sign), sign * (1 + 4 * unit)))
    found = judge(
        float(sign * (1 + abs(measured) * unit)),
        between(*ends),
        BFLOAT16,
        tolerance=Tolerance(relative=BFLOAT16.relative_tolerance),
        excuses=Fake(radius=Fraction(2), local=Fraction(5)),
    )
    close = abs(measured) == 2
    expected = Verdict.MATCH_ROUNDING if close else Verdict.UNDECIDED_PRECISION
    assert found.verdict is expected


def test_a_number_at_the_border_of_the_tolerance_of_both_ends_matches() -> None:
    truth = between(1, 1 + STEP / 2)
    near = Fake(around=Fraction(1), radius=Fraction(1, 2))
    found = judge(
        float(1 + STEP),
        truth,
        BINARY64,
        tolerance=Tolerance(relative=STEP),
        excuses=near,
    )
    assert found.verdict is Verdict.MATCH_ROUNDING


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("measured", "truth", "message"),
    [
        (math.nan, UNDEFINED, "log of -1"),
        (math.inf, INFINITE, "a pole"),
        (math.nan, INFINITE, "a pole"),
        (-math.inf, INFINITE, "the true limit is infinite"),
        (math.inf, replace(INFINITE, sign=-1), "the true limit is minus infinite"),
        (1.0, INFINITE, "a finite number where the truth is infinite"),
    ],
)
def test_what_an_undefined_or_infinite_truth_makes_of_a_number_is_told(
    measured: float, truth: Truth, message: str
) -> None:
    found = judge(
        measured,
        replace(truth, reason=truth.reason or "a pole"),
        BINARY64,
        tolerance=TOLERANCE,
        excuses=Fake(nearby=False),
    )
    assert found.message == message


def test_what_is_not_finite_is_told_with_its_cause() -> None:
    pole = Fake(radius=None, ends=True, unit=Fraction(0))
    found = judged(math.nan, 1, pole)
    told = "a pole or an end of the domain lies within 2 ulps of the inputs"
    assert found.message == told
    overflow = Fake(radius=EPS, limited_is_anywhere=True)
    found = judged(-math.inf, 1, overflow)
    told = "minus infinite: an intermediate result overflows or underflows"
    assert found.message == told
    assert judged(math.nan, 1).message == "NaN where the truth is finite"
    no_pole = Fake(radius=None, ends=False, unit=Fraction(0))
    assert judged(math.nan, 1, no_pole).verdict is Verdict.DIFFER_NONFINITE


def test_what_is_told_at_a_kink() -> None:
    assert at_kink(0.0, kink(-1, 1)).message == "a kink"
    assert at_kink(2.0, kink(-1, 1)).message == "outside the interval of subgradients"
    steep = kink(-1, Fraction(10) ** 400)
    assert at_kink(math.inf, steep).message == "a one-sided derivative"
    told = "at a kink, where the one-sided derivatives are finite"
    assert at_kink(-math.inf, steep).message == f"minus infinite {told}"
    told = "NaN at a kink, where the one-sided derivatives exist"
    assert at_kink(math.nan, steep).message == told


def test_an_infinity_that_is_exact_has_no_error() -> None:
    found = judged(math.inf, Fraction(10) ** 400, Silent())
    assert (found.error_ulp, found.bits_lost) == (0.0, 0.0)
    assert judged(0.5, Fraction(1, 2), Silent()).message is None


def test_what_is_left_of_a_zero_is_told_with_and_without_a_unit() -> None:
    left = f"the truth is 0, {float(EPS):.3g} is left"
    found = judged(float(EPS), 0, cancelling())
    assert found.message == f"{left}: 1 ulp of what cancels"
    assert found.bits_lost == 0
    found = judged(float(EPS), 0, cancelling(unit=None))
    assert found.message == left
    moved = cancelling(moves=Fraction(1))
    found = judged(3.0, 0, moved)
    assert (found.message or "").endswith("; ±2 ulps of the inputs move the truth by 1")
    low = cancelling(radius=Fraction(0), limited_radius=Fraction(5))
    found = judged(3.0, 0, low)
    told = "; an intermediate result overflows or underflows"
    assert (found.message or "").endswith(told)


def test_a_zero_that_no_rounding_reaches_is_no_conditioning() -> None:
    moved = cancelling(radius=Fraction(0), moves=Fraction(1))
    assert judged(3.0, 0, moved).verdict is Verdict.DIFFER_WRONG


def test_of_rounding_that_leaves_out_the_truth_the_distance_is_told() -> None:
    away = Fake(around=Fraction(2), radius=Fraction(1, 2))
    found = judge(9.0, finite(1), BINARY64, tolerance=TOLERANCE, excuses=away)
    assert (found.message or "").endswith("no further than 6.76e+15 ulp")


def test_no_bound_on_rounding_is_told() -> None:
    edge = at_edge(0.0, about(0, radius=None))
    told = "nothing bounds what rounding of the written program does here"
    assert edge.message == told
    reached = at_edge(2.0, about(1, radius=STEP))
    told = "rounding of the written program brings it no further than 4.29e+09 ulp"
    assert reached.message == told


# ── signs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_answer_by_the_signs_of_zeros_is_told_where_it_is_the_one() -> None:
    other = replace(INFINITE, sign=-1, reason="from below")
    truth = replace(INFINITE, reason="from above", signed=other)

    def found(measured: float) -> Judgement:
        away = Fake(nearby=False)
        return judge(measured, truth, BINARY64, tolerance=TOLERANCE, excuses=away)

    assert found(math.inf).message == found(math.nan).message == "from above"
    told = "right by the signs that IEEE 754 gives zeros and poles"
    assert found(-math.inf).message == told
    assert found(1.0).verdict is Verdict.DIFFER_SPURIOUS


# ── sides ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("convention", "lower", "upper"), [("left", -1, "-3/4"), ("right", "3/4", 1)]
)
def test_of_a_side_known_to_an_interval_every_number_is_right(
    convention: str, lower: str, upper: str
) -> None:
    sides = tuple(
        Enclosure(lower=Fraction(low), upper=Fraction(high))
        for low, high in ((-1, "-3/4"), (0, 0), ("3/4", 1))
    )
    truth = replace(kink(-1, 1), sides=sides)
    for number in (lower, upper):
        found = at_kink(float(Fraction(number)), truth, convention=convention)
        assert found.verdict is Verdict.MATCH_SUBGRADIENT
    assert at_kink(0.0, truth, convention=convention).verdict.family == "differ"


def test_beyond_an_end_rounding_has_to_bring_the_number_and_to_be_about() -> None:
    reaches = Fake(around=Fraction(1), radius=Fraction(1, 2))
    assert judged_between(1.5, UNDEFINED, reaches) is Verdict.MATCH_CONDITIONING
    assert judged_between(1.75, UNDEFINED, reaches) is Verdict.DIFFER_SPURIOUS


# ── edges, zeros and subjects once more ──────────────────────────────────────────────────────────────────────────────


def test_at_an_edge_the_tolerance_alone_is_no_rounding_of_another_number() -> None:
    """Within the tolerance a convention at an edge matches; beyond it only rounding that holds the truth explains."""
    assert at_edge(nudged(1 + STEP), about(5)).verdict is Verdict.DIFFER_WRONG
    here = replace(finite(1), at_edge=False)
    found = judge(
        1 + 2.0**-40, here, BINARY64, tolerance=TOLERANCE, excuses=about(0)
    ).verdict
    assert found is Verdict.DIFFER_INACCURATE
    both = about(1, radius=Fraction(1, 4), limited_radius=Fraction(1, 4))
    assert at_edge(1.5, both).verdict is Verdict.DIFFER_WRONG


def test_a_zero_within_an_absolute_tolerance_is_rounding_or_inaccurate() -> None:
    within = Fraction(1, 8)
    explained = judged(0.125, 0, cancelling(), absolute=within)
    assert explained.verdict is Verdict.MATCH_ROUNDING
    low = cancelling(radius=Fraction(0), limited_radius=Fraction(1))
    assert judged(0.125, 0, low, absolute=within).verdict is Verdict.MATCH_ROUNDING
    neither = judged(0.125, 0, cancelling(radius=Fraction(0)), absolute=within)
    assert neither.verdict is Verdict.DIFFER_INACCURATE
    told = "within the tolerance, but rounding of the written program brings it"
    assert told in (neither.message or "")
    beyond = judged(nudged(within), 0, cancelling(radius=Fraction(0)), absolute=within)
    assert beyond.verdict is Verdict.DIFFER_WRONG


def subjects(
    measured: float, excuses: Fake, true: Fraction | int, absolute: Fraction
) -> Judgement:
    excuses.around = Fraction(true)
    return judge(
        measured,
        finite(Fraction(true)),
        BINARY64,
        tolerance=Tolerance(relative=TOLERANCE.relative, absolute=absolute),
        excuses=excuses,
        written=False,
    )


def test_what_a_case_allows_a_subject_in_absolute_terms_is_rounding() -> None:
    within = Fraction(1, 8)
    for excuses in (cancelling(), cancelling(radius=Fraction(0))):
        assert subjects(0.125, excuses, 0, within).verdict is Verdict.MATCH_ROUNDING
        beyond = subjects(nudged(within), excuses, 0, within)
        assert beyond.verdict.family == "differ"
    assert subjects(1.125, Fake(), 1, within).verdict is Verdict.MATCH_ROUNDING
    assert subjects(1.126, Fake(), 1, within).verdict is Verdict.DIFFER_WRONG


def test_the_zero_of_a_subject_is_conditioned_however_few_ulps_are_left() -> None:
    """Accurate derivatives leave 3 ulps of what cancels, and the truth moves: 5 and 9 are excused alike."""
    for count in (3, 5, 9, 12):
        loses = cancelling(accurate=3 * EPS, moves=Fraction(1))
        found = of_subject(count * float(EPS), loses, 0)
        assert found.verdict.family == "match"
    loses = cancelling(accurate=3 * EPS, moves=Fraction(1))
    assert of_subject(13 * float(EPS), loses, 0).verdict is Verdict.DIFFER_UNSTABLE


def test_of_two_errors_the_larger_never_has_the_better_verdict() -> None:
    """Excuses that are the same for both; families in the order match, differ."""
    source = random.Random(8)
    sizes = [Fraction(0), *(Fraction(2) ** -e for e in range(0, 60, 4))]
    for attempt in range(400):
        true = Fraction(source.choice((0, 0, 1, -3)))
        fake = Fake(
            around=true,
            radius=source.choice(sizes),
            limited_radius=source.choice([None, *sizes]),
            moves=source.choice(sizes),
            local=source.choice(sizes) * 2**30,
            accurate=source.choice([None, *sizes]),
            unit=source.choice([None, *sizes]),
        )
        within = Tolerance(
            relative=source.choice((Fraction(0), TOLERANCE.relative, STEP)),
            absolute=source.choice((Fraction(0), STEP / 2**20)),
        )
        ends = sorted(source.uniform(0, 60) for _ in range(2))
        verdicts = [
            judge(
                float(true) + 2.0**-end,
                finite(true),
                BINARY64,
                tolerance=within,
                excuses=fake,
                written=attempt % 2 == 0,
            ).verdict
            for end in ends
        ]
        if verdicts[0].family == "match":
            assert verdicts[1].family == "match"


# ── finite numbers once more ─────────────────────────────────────────────────────────────────────────────────────────


class Unlimited(Fake):
    """Excuses of which the limited range must not be asked for: it is dear."""

    def limited_range(self) -> Enclosure | None:
        raise AssertionError("asked for the limited range")


def test_the_range_is_asked_only_where_rounding_alone_does_not_explain() -> None:
    found = judged(1 + 4 * float(EPS), 1, Unlimited(radius=5 * EPS))
    assert (found.verdict, found.message) == (Verdict.MATCH_ROUNDING, None)


@pytest.mark.parametrize("sign", [1, -1])
def test_underflow_by_a_few_ulps_is_rounding_of_a_subnormal_truth_alone(
    sign: int,
) -> None:
    """Twelve units: beyond binary32's tolerance for its smallest normal number, which are 10.9."""
    unit, normal = BINARY32.smallest_subnormal, BINARY32.smallest_normal
    for true, limited, verdict in (
        (normal, 20, Verdict.DIFFER_RANGE),
        (normal - unit, 20, Verdict.MATCH_ROUNDING),
        (normal - unit, 0, Verdict.DIFFER_WRONG),
    ):
        underflow = Fake(limited_radius=limited * unit, local=Fraction(16))
        found = judged(
            float(sign * (true - 12 * unit)),
            sign * true,
            underflow,
            format_=BINARY32,
            tolerance=BINARY32.relative_tolerance,
        )
        assert found.verdict is verdict


def test_near_enough_for_a_subnormal_truth_is_one_ulp_or_what_the_case_allows() -> None:
    least, normal = BINARY64.smallest_subnormal, BINARY64.smallest_normal
    wide = Tolerance(relative=STEP, absolute=STEP)
    for sign in (1, -1):
        assert nearby(sign * normal, BINARY64, TOLERANCE) == TOLERANCE
        near = nearby(sign * (normal - least), BINARY64, TOLERANCE)
        assert near == replace(TOLERANCE, absolute=least)
        assert nearby(sign * least, BINARY64, wide) == wide


def test_rounding_may_only_touch_the_interval_of_subgradients() -> None:
    for sign in (1, -1):
        touches = Fake(around=sign * (1 + STEP), radius=STEP)
        found = at_kink(sign * float(1 + 2 * STEP), kink(-1, 1), touches)
        assert found.verdict is Verdict.MATCH_SUBGRADIENT
        misses = Fake(around=sign * (1 + STEP + EPS), radius=STEP)
        found = at_kink(sign * float(1 + 2 * STEP), kink(-1, 1), misses)
        assert found.verdict is Verdict.DIFFER_CONVENTION


@pytest.mark.parametrize("middle_of_spread", ["1/2", "3/2"])
def test_how_far_rounding_reaches_is_told_of_the_farther_side(
    middle_of_spread: str,
) -> None:
    found = at_edge(9.0, about(Fraction(middle_of_spread), radius=Fraction(1)))
    assert (found.message or "").endswith("no further than 6.76e+15 ulp")


# ── subjects once more ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subject_within_the_tolerance_is_rounding_whatever_else_is_true() -> None:
    explained = Fake(radius=Fraction(1), moves=Fraction(1))
    found = of_subject(1 + 2.0**-40, explained)
    assert (found.verdict, found.message) == (Verdict.MATCH_ROUNDING, None)
    for number in (1 + STEP, 1 - STEP):
        border = judge(
            float(number),
            finite(1),
            BINARY64,
            tolerance=Tolerance(relative=STEP),
            excuses=Fake(around=Fraction(1), radius=Fraction(1)),
            written=False,
        )
        assert border.verdict is Verdict.MATCH_ROUNDING


def test_what_excuses_a_subject_is_told() -> None:
    few = of_subject(1 - 64 * float(EPS), Fake())
    assert (few.verdict, few.message) == (Verdict.MATCH_ROUNDING, None)
    assert of_subject(1 - 65 * float(EPS), Fake()).verdict is Verdict.DIFFER_INACCURATE
    moved = Fake(accurate=Fraction(1, 100), moves=100 * EPS)
    told = "±2 ulps of the inputs move the truth by 100 ulp"
    found = of_subject(1 + 400 * float(EPS), moved)
    assert (found.verdict, found.message) == (Verdict.MATCH_ROUNDING, told)
    wide = Fake(accurate=Fraction(1, 100), moves=Fraction(1, 2**10))
    found = of_subject(1 + 2.0**-9, wide)
    assert found.verdict is Verdict.MATCH_CONDITIONING
    assert found.message == "±2 ulps of the inputs move the truth by 4.4e+12 ulp"


def test_an_error_below_one_ulp_loses_no_bits() -> None:
    tie = 1 + EPS * Fraction(5, 8)
    found = judged(1.0, tie, Fake(radius=EPS))
    assert (found.verdict, found.bits_lost) == (Verdict.MATCH_ROUNDING, 0.0)
    assert found.error_ulp == 0.625
    found = judged(1.0, 1 + EPS * Fraction(3, 2), Fake(radius=2 * EPS))
    assert found.bits_lost == pytest.approx(math.log2(1.5))


# ── severity ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_verdict_has_a_rank() -> None:
    assert sorted(severity(verdict) for verdict in Verdict) == list(range(len(Verdict)))


def test_no_match_outranks_what_is_undecided_and_nothing_undecided_what_differs() -> (
    None
):
    ranks = {family: [] for family in ("match", "undecided", "differ", "error")}
    for verdict in Verdict:
        ranks[verdict.family].append(severity(verdict))
    assert max(ranks["match"]) < min(ranks["undecided"])
    assert max(ranks["undecided"]) < min(ranks["differ"])
    assert max(ranks["differ"]) < min(ranks["error"])


def test_what_rounding_may_explain_ranks_below_what_it_cannot() -> None:
    """And what is wrong in all precision ranks above every other difference."""
    names = "inaccurate biased unstable range", "convention spurious nonfinite"
    names += ("unsupported nondeterministic mutated missing", "wrong")
    groups = [
        [severity(Verdict(f"differ.{name}")) for name in group.split()]
        for group in names
    ]
    ranks = [rank for group in groups for rank in sorted(group)]
    assert ranks == sorted(ranks)
    assert len(ranks) == len([one for one in Verdict if one.family == "differ"])


# ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────────

formats = st.sampled_from([BINARY32, BINARY64])
spreads = st.one_of(st.none(), st.integers(0, 40).map(lambda n: Fraction(2**n)))


@st.composite
def situations(draw: st.DrawFn) -> tuple[float, Fraction, Format, Fake]:
    """A measured number near a true one, with any excuses; radii in ulps."""
    format_ = draw(formats)
    top = ordinal(float(format_.largest), format_)
    at = draw(st.integers(-top, top))
    true = Fraction(from_ordinal(at, format_))
    true += Fraction(draw(st.integers(-8, 8)), 16) * ulp(true, format_)
    measured = draw(
        st.one_of(
            st.sampled_from([math.inf, -math.inf, math.nan, 0.0]),
            st.integers(-(2**40), 2**40).map(
                lambda s: from_ordinal(max(-top, min(top, at + s)), format_)
            ),
            st.integers(-16, 16).map(
                lambda s: from_ordinal(max(-top, min(top, at + s)), format_)
            ),
        )
    )
    unit = ulp(true, format_)
    radius, limited = draw(spreads), draw(spreads)
    fake = Fake(
        around=true,
        radius=None if radius is None else radius * unit,
        limited_radius=None if limited is None else limited * unit,
        limited_is_anywhere=limited is None,
        moves=draw(st.integers(0, 40).map(lambda n: 2**n * unit)),
    )
    return measured, true, format_, fake


def _judge(
    situation: tuple[float, Fraction, Format, Fake], tolerance: Fraction
) -> Judgement:
    measured, true, format_, fake = situation
    within = Tolerance(relative=tolerance)
    return judge(measured, finite(true), format_, tolerance=within, excuses=fake)


tolerances = st.one_of(
    st.just(Fraction(0)), st.integers(1, 60).map(lambda n: Fraction(1, 2**n))
)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(situations(), tolerances, tolerances)
def test_raising_the_tolerance_never_turns_a_match_into_a_difference(
    situation: tuple[float, Fraction, Format, Fake], first: Fraction, second: Fraction
) -> None:
    strict, loose = sorted((first, second))
    if _judge(situation, strict).verdict.family == "match":
        assert _judge(situation, loose).verdict.family == "match"


@settings(derandomize=True, deadline=None, max_examples=300)
@given(situations(), tolerances)
def test_a_match_is_exact_explained_or_ill_conditioned(
    situation: tuple[float, Fraction, Format, Fake], tolerance: Fraction
) -> None:
    measured, true, format_, fake = situation
    verdict = _judge(situation, tolerance).verdict
    if measured == nearest(true, format_):
        assert verdict is Verdict.MATCH_EXACT
    elif not math.isfinite(measured):
        assert verdict in (Verdict.DIFFER_RANGE, Verdict.DIFFER_NONFINITE)
    elif verdict is Verdict.MATCH_ROUNDING:
        assert abs(Fraction(measured) - true) <= allowed(
            true, format_, Tolerance(relative=tolerance)
        )
    elif verdict is Verdict.MATCH_CONDITIONING:
        assert abs(Fraction(measured) - true) <= CONDITIONING_FACTOR * fake.moves


@settings(derandomize=True, deadline=None, max_examples=300)
@given(situations(), tolerances)
def test_an_error_is_given_exactly_where_both_sides_are_finite(
    situation: tuple[float, Fraction, Format, Fake], tolerance: Fraction
) -> None:
    measured, true, format_, _ = situation
    found = _judge(situation, tolerance)
    if math.isfinite(measured):
        assert found.error_ulp is not None
        assert found.error_ulp == REAL.error_in_ulp(measured, true, format_)
        assert found.bits_lost is not None
        assert found.bits_lost >= 0
    elif found.verdict is not Verdict.MATCH_EXACT:
        assert found.error_ulp is None


@pytest.mark.parametrize("either", [True, False])
def test_the_other_infinity_is_right_only_where_either_is(either: bool) -> None:
    other = Truth(status=TruthStatus.INFINITE, sign=-1) if either else None
    truth = Truth(status=TruthStatus.INFINITE, sign=1, signed=other)
    found = judge(
        -math.inf, truth, BINARY64, tolerance=TOLERANCE, excuses=Fake()
    ).verdict
    assert found is (Verdict.MATCH_UNDEFINED if either else Verdict.DIFFER_WRONG)
