"""At kinks and edges: the Clarke interval, conventions, the signs of zeros."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from judged import INFINITE, TOLERANCE, Fake, about, at_edge, at_kink, kink

from verifier.floats import BINARY64
from verifier.judgement.comparison import judge
from verifier.records import Judgement, Verdict

THIRD = Fraction(1, 3)


# ── kinks ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("measured", [-1.0, -0.3, 0.0, 1.0, 1.00000001])
def test_every_subgradient_matches_within_the_tolerance(measured: float) -> None:
    found = at_kink(measured, kink(-1, 1)).verdict
    assert found is Verdict.MATCH_SUBGRADIENT


@pytest.mark.parametrize("measured", [-1.001, 1.001, 7.0])
def test_what_is_no_subgradient_breaks_the_convention(measured: float) -> None:
    assert at_kink(measured, kink(-1, 1)).verdict is Verdict.DIFFER_CONVENTION


def test_a_width_is_no_slack_at_an_inexact_tie() -> None:
    """|x/3 − 1/3| at 1: a ball of both branches is as wide as the interval, and 0.9 is
    in neither."""
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


# ── edges ─────────────────────────────────────────────────────────────────────────────


def test_at_an_edge_what_is_within_the_tolerance_matches() -> None:
    assert at_edge(1.0, about(0)).verdict is Verdict.MATCH_EXACT
    assert at_edge(1 + 2.0**-40, about(0)).verdict is Verdict.MATCH_ROUNDING


def test_conventions_that_meet_are_no_rounding() -> None:
    """relu(x) − relu(−x) at 0: the conventions give 0 for 1, and rounding reaches 0
    alone."""
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


# ── signs ─────────────────────────────────────────────────────────────────────────────


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
