"""Each verdict has exactly its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from verifier.judgement.comparison import (
    CONDITIONING_FACTOR,
    Judgement,
    Tolerance,
    allowed,
    error_in_ulp,
    judge,
    severity,
)
from verifier.records import Enclosure, Truth, TruthStatus, Verdict

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
    assert error_in_ulp(1 - 2.0**-53, Fraction(1), BINARY64) == 0.5
    assert error_in_ulp(2.0, Fraction(1), BINARY32) == 2**23
    assert error_in_ulp(1e308, Fraction(1, 10**320), BINARY64) == math.inf


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
        assert found.error_ulp == error_in_ulp(measured, true, format_)
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
