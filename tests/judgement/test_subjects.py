"""Callables, which need not compute as their specification does."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from judged import (
    EPS,
    FIVE_ULP,
    STEP,
    Fake,
    cancelling,
    few,
    finite,
    judged,
    of_subject,
)

from verifier.floats import BFLOAT16, BINARY64
from verifier.judgement.comparison import judge
from verifier.judgement.tolerance import Tolerance
from verifier.records import Verdict

# ── subjects ──────────────────────────────────────────────────────────────────────────


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


# ── subjects ──────────────────────────────────────────────────────────────────────────


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
