"""Truths that are undefined, undecided, infinite, or known in part."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from judged import (
    EPS,
    INFINITE,
    STEP,
    TOLERANCE,
    UNDEFINED,
    Fake,
    Silent,
    at_kink,
    kink,
)

from verifier.fields import REAL
from verifier.floats import BFLOAT16, BINARY64
from verifier.judgement.comparison import judge
from verifier.judgement.tolerance import Tolerance
from verifier.records import Enclosure, Truth, TruthStatus, Verdict

UNDECIDED = {
    TruthStatus.LIMIT: Verdict.UNDECIDED_LIMIT,
    TruthStatus.PRECISION: Verdict.UNDECIDED_PRECISION,
    TruthStatus.ORACLE: Verdict.UNDECIDED_ORACLE,
    TruthStatus.BUDGET: Verdict.UNDECIDED_BUDGET,
}


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


# ── undecided and undefined ───────────────────────────────────────────────────────────


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


# ── a truth that is known in part ─────────────────────────────────────────────────────


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
    """Four ulps of 1 in bfloat16, where two are within the tolerance and three what the
    operations add up to."""
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


# ── sides ─────────────────────────────────────────────────────────────────────────────


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
