"""A truth of 0, and what is left of it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction

from judged import (
    EPS,
    STEP,
    TOLERANCE,
    Fake,
    about,
    at_edge,
    cancelling,
    finite,
    judged,
    nudged,
    of_subject,
)

from verifier.floats import BINARY64
from verifier.judgement.comparison import judge
from verifier.judgement.tolerance import Tolerance
from verifier.records import Judgement, Verdict


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


# ── a truth of 0 ──────────────────────────────────────────────────────────────────────


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


# ── edges, zeros and subjects ─────────────────────────────────────────────────────────


def test_at_an_edge_the_tolerance_alone_is_no_rounding_of_another_number() -> None:
    """Within the tolerance a convention at an edge matches; beyond it only rounding
    that holds the truth explains."""
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


def test_what_a_case_allows_a_subject_in_absolute_terms_is_rounding() -> None:
    within = Fraction(1, 8)
    for excuses in (cancelling(), cancelling(radius=Fraction(0))):
        assert subjects(0.125, excuses, 0, within).verdict is Verdict.MATCH_ROUNDING
        beyond = subjects(nudged(within), excuses, 0, within)
        assert beyond.verdict.family == "differ"
    assert subjects(1.125, Fake(), 1, within).verdict is Verdict.MATCH_ROUNDING
    assert subjects(1.126, Fake(), 1, within).verdict is Verdict.DIFFER_WRONG


def test_the_zero_of_a_subject_is_conditioned_however_few_ulps_are_left() -> None:
    """Accurate derivatives leave 3 ulps of what cancels, and the truth moves: 5 and 9
    are excused alike."""
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
