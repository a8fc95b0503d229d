"""What the point itself excuses, and the borders of the verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from judged import (
    EPS,
    NONE,
    STEP,
    TOLERANCE,
    UNDEFINED,
    Fake,
    Silent,
    about,
    at_edge,
    at_kink,
    cancelling,
    judged,
    kink,
    nudged,
)

from verifier.floats import BFLOAT16, BINARY32, BINARY64
from verifier.judgement.comparison import judge
from verifier.judgement.tolerance import Tolerance, allowed, nearby
from verifier.records import Enclosure, Verdict


class Unlimited(Fake):
    """Excuses of which the limited range must not be asked for: it is dear."""

    def limited_range(self) -> Enclosure | None:
        raise AssertionError("asked for the limited range")


# ── conditioning ──────────────────────────────────────────────────────────────────────


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


# ── borders ───────────────────────────────────────────────────────────────────────────


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
    """the manual's page of verdicts has both numbers."""

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
    """the manual's page of verdicts has the number."""
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


# ── finite numbers ────────────────────────────────────────────────────────────────────


def test_the_range_is_asked_only_where_rounding_alone_does_not_explain() -> None:
    found = judged(1 + 4 * float(EPS), 1, Unlimited(radius=5 * EPS))
    assert (found.verdict, found.message) == (Verdict.MATCH_ROUNDING, None)


@pytest.mark.parametrize("sign", [1, -1])
def test_underflow_by_a_few_ulps_is_rounding_of_a_subnormal_truth_alone(
    sign: int,
) -> None:
    """Twelve units: beyond binary32's tolerance for its smallest normal number, which
    are 10.9."""
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
