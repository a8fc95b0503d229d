"""The verdict on a backward as a formula, of enclosures written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from verifier.enclosures import Enclosures, Numbers
from verifier.floats import BFLOAT16, BINARY16, BINARY32, BINARY64, Format
from verifier.judgement.tensors.entries import Truths
from verifier.judgement.tensors.formula import FormulaJudgement, judge_formula
from verifier.judgement.tensors.iteration import Iteration
from verifier.records import Verdict

TRUE = np.array([1.0, -2.0, 0.5, 3.0, 0.0])


def about(numbers: Numbers, radius: float = 2.0**-90) -> Enclosures:
    shape = np.shape(numbers)
    return Enclosures(np.asarray(numbers), np.zeros(shape), np.full(shape, radius))


def judge(
    recorded: Numbers, format_: Format = BINARY32, **more: object
) -> FormulaJudgement:
    return judge_formula(
        about(recorded), Truths(enclosures=about(TRUE)), format_, **more
    )  # type: ignore[arg-type]


def test_overlap_is_a_match() -> None:
    found = judge(TRUE)
    assert (found.verdict, found.delta, found.is_note) == (
        Verdict.MATCH_EXACT,
        0,
        False,
    )


@pytest.mark.parametrize("format_", [BFLOAT16, BINARY16, BINARY32, BINARY64])
def test_a_factor_is_wrong_and_named(format_: Format) -> None:
    found = judge(TRUE * 1.001, format_)
    assert found.verdict is Verdict.DIFFER_WRONG
    assert found.factor == pytest.approx(1.001, rel=1e-9)
    assert (found.differing, found.entries) == (4, 5)
    assert "a proof" in (found.message or "")


@pytest.mark.parametrize(
    ("format_", "delta", "is_wrong"),
    [
        # A 16th of the unit roundoff: 2.4e-4, 3.1e-5, 3.7e-9; in float64 ten digits.
        (BFLOAT16, 2e-4, False),
        (BFLOAT16, 3e-4, True),
        (BINARY16, 2e-5, False),
        (BINARY16, 4e-5, True),
        (BINARY32, 3e-9, False),
        (BINARY32, 5e-9, True),
        (BINARY64, 1e-11, False),
        (BINARY64, 1e-9, True),
    ],
)
def test_what_is_below_a_16th_of_the_dtype_is_a_note(
    format_: Format, delta: float, is_wrong: bool
) -> None:
    found = judge(TRUE * (1 + delta), format_)
    assert found.delta == pytest.approx(delta, rel=1e-5)
    assert (found.verdict is Verdict.DIFFER_WRONG) is is_wrong
    assert found.is_note is not is_wrong


def test_a_number_where_the_truth_is_zero_is_wrong() -> None:
    recorded = TRUE + np.array([0, 0, 0, 0, 1e-30])
    found = judge_formula(
        about(recorded, 0.0), Truths(enclosures=about(TRUE, 0.0)), BINARY32
    )
    assert (found.verdict, found.place) == (Verdict.DIFFER_WRONG, 4)
    assert found.factor is None
    cancelled = judge_formula(
        about(recorded, 0.0),
        Truths(enclosures=about(TRUE, 0.0)),
        BINARY32,
        terms=np.ones(5),
    )
    assert cancelled.is_note


def test_an_iteration_asks_for_a_reference() -> None:
    words = "the forward is an iteration"
    found = judge(TRUE * 2, iteration=Iteration(words=words, excused=np.inf))
    assert found.verdict is Verdict.UNDECIDED_ORACLE
    assert (found.message or "").startswith(words)
    converged = Iteration(words=words, excused=1e-2)
    assert judge(TRUE * 2, iteration=converged).verdict is Verdict.DIFFER_WRONG
    assert judge(TRUE * 1.001, iteration=converged).verdict is Verdict.UNDECIDED_ORACLE
    assert judge(TRUE, iteration=converged).verdict is Verdict.MATCH_EXACT


def test_a_wide_enclosure_proves_no_equality() -> None:
    wide = Truths(enclosures=about(TRUE, 1e-6))
    found = judge_formula(about(TRUE), wide, BINARY32)
    assert found.verdict is Verdict.UNDECIDED_PRECISION
    far = judge_formula(about(TRUE * 1.5), wide, BINARY32)
    assert far.verdict is Verdict.DIFFER_WRONG


def test_a_convention_inside_the_hull_is_no_difference() -> None:
    hull = Truths(
        enclosures=Enclosures(np.full(3, 0.5), np.zeros(3), np.full(3, 0.5)),
        kinks=np.ones(3, dtype=bool),
    )
    inside, outside = np.array([0.0, 1.0, 0.5]), np.array([0.0, 2.0, 0.5])
    assert judge_formula(about(inside), hull, BINARY32).verdict.family == "match"
    assert judge_formula(about(outside), hull, BINARY32).verdict.family == "differ"


def test_nothing_known_is_undecided() -> None:
    unknown = Truths(enclosures=about(TRUE, np.inf))
    found = judge_formula(about(TRUE), unknown, BINARY32)
    assert found.verdict is Verdict.UNDECIDED_ORACLE
