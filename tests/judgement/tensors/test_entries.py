"""Verdicts on the numbers of a tensor: each rule by a number for which it was worked out
by hand, and against the judgement of single numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verifier.enclosures import Enclosures, Spreads
from verifier.floats import BFLOAT16, BINARY16, BINARY32, BINARY64, Format
from verifier.judgement.tensors.entries import (
    EntryVerdicts,
    Truths,
    judge_entries,
    judge_missing,
)
from verifier.judgement.tolerance import Tolerance
from verifier.records import TruthStatus, Verdict

NAN, INF = np.nan, np.inf


def truth(high: float, radius: float = 0.0, low: float = 0.0, **more: object) -> Truths:
    parts = (np.array([part]) for part in (high, low, radius))
    return Truths(enclosures=Enclosures(*parts), **more)  # type: ignore[arg-type]


def spreads(
    within: float,
    everywhere: float | None = None,
    *,
    within_in_range: float | None = None,
    in_range: float | None = None,
    moved: float = 0.0,
    terms: float = 0.0,
) -> Spreads:
    everywhere = within if everywhere is None else everywhere
    return Spreads(
        within=np.array([within]),
        everywhere=np.array([everywhere]),
        within_in_range=np.array(
            [within if within_in_range is None else within_in_range]
        ),
        everywhere_in_range=np.array([everywhere if in_range is None else in_range]),
        moved=np.array([moved]),
        terms=np.array([terms]),
    )


def judge(
    measured: float, true: Truths, allowance: Spreads, format_: Format = BINARY32
) -> EntryVerdicts:
    tolerance = Tolerance(relative=format_.relative_tolerance)
    return judge_entries(
        np.array([measured]), true, allowance, format_, tolerance=tolerance
    )


ULP = 2.0**-23
"""Of float32 at 1."""


@pytest.mark.parametrize(
    ("measured", "allowance", "verdict"),
    [
        (1.0, spreads(ULP), Verdict.MATCH_EXACT),
        (1 + ULP, spreads(2 * ULP), Verdict.MATCH_ROUNDING),
        # Beyond rtol 1.3e-6 (11 ulps), but no digit is lost that operations do not take.
        (1 + 15 * ULP, spreads(20 * ULP), Verdict.MATCH_ROUNDING),
        (1 + 40 * ULP, spreads(50 * ULP, moved=10 * ULP), Verdict.MATCH_CONDITIONING),
        (1 + 40 * ULP, spreads(50 * ULP, moved=9 * ULP), Verdict.MATCH_ROUNDING),
        # Between the two models.
        (1 + 4 * ULP, spreads(2 * ULP, 50 * ULP), Verdict.DIFFER_INACCURATE),
        (1 + 40 * ULP, spreads(2 * ULP, 50 * ULP), Verdict.DIFFER_UNSTABLE),
        # Beyond both.
        (1 + 4 * ULP, spreads(2 * ULP), Verdict.DIFFER_INACCURATE),
        (1 + 60 * ULP, spreads(2 * ULP, 50 * ULP), Verdict.DIFFER_WRONG),
        (1 + 60 * ULP, spreads(50 * ULP, in_range=70 * ULP), Verdict.DIFFER_RANGE),
        (
            1 + 9 * ULP,
            spreads(2 * ULP, within_in_range=9 * ULP, in_range=9 * ULP),
            Verdict.MATCH_ROUNDING,
        ),
        (NAN, spreads(ULP), Verdict.DIFFER_NONFINITE),
        (INF, spreads(ULP, in_range=INF), Verdict.DIFFER_RANGE),
        (NAN, spreads(INF, in_range=INF), Verdict.DIFFER_NONFINITE),
        (NAN, spreads(INF, in_range=INF, moved=INF), Verdict.MATCH_CONDITIONING),
    ],
)
def test_a_finite_truth(measured: float, allowance: Spreads, verdict: Verdict) -> None:
    assert judge(measured, truth(1.0), allowance).worst is verdict


def test_digits_that_no_point_costs_are_told_beside_a_match() -> None:
    for error, moved, lost in ((40, 9, True), (40, 10, False), (15, 0, False)):
        allowance = spreads(50 * ULP, moved=moved * ULP)
        found = judge(1 + error * ULP, truth(1.0), allowance)
        assert found.lost.tolist() == [lost]


def test_a_zero_is_measured_by_the_terms_that_cancel_to_it() -> None:
    left = judge(3 * ULP, truth(0.0), spreads(4 * ULP, terms=1.0))
    assert left.worst is Verdict.MATCH_ROUNDING
    assert left.error_ulp[0] == 3
    assert judge(3 * ULP, truth(0.0), spreads(ULP)).worst is Verdict.DIFFER_WRONG


def test_a_zero_that_is_known_to_lie_within_rounding_is_a_match() -> None:
    nearly = truth(2e-38, 3e-38)
    assert judge(0.0, nearly, spreads(ULP)).worst is Verdict.MATCH_ROUNDING
    assert judge(0.0, nearly, spreads(1e-40)).worst is Verdict.UNDECIDED_PRECISION


@pytest.mark.parametrize(
    ("measured", "true", "verdict"),
    [
        (INF, truth(1e39), Verdict.MATCH_EXACT),
        (-INF, truth(1e39), Verdict.DIFFER_NONFINITE),
        (3.4028234663852886e38, truth(1e39), Verdict.DIFFER_WRONG),
        (NAN, truth(NAN, NAN, undefined=np.array([True])), Verdict.MATCH_UNDEFINED),
        (0.0, truth(NAN, NAN, undefined=np.array([True])), Verdict.DIFFER_SPURIOUS),
        (INF, truth(INF, INF), Verdict.MATCH_UNDEFINED),
        (NAN, truth(INF, INF), Verdict.MATCH_UNDEFINED),
        (NAN, truth(INF, INF, is_value=True), Verdict.DIFFER_NONFINITE),
        (-INF, truth(INF, INF), Verdict.DIFFER_WRONG),
        (2.0, truth(INF, INF), Verdict.DIFFER_SPURIOUS),
        (2.0, truth(NAN, INF), Verdict.UNDECIDED_LIMIT),
        (
            2.0,
            truth(NAN, INF, unknown=TruthStatus.BUDGET),
            Verdict.UNDECIDED_BUDGET,
        ),
    ],
)
def test_what_has_no_finite_number(
    measured: float, true: Truths, verdict: Verdict
) -> None:
    assert judge(measured, true, spreads(1e-7)).worst is verdict


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (0.0, Verdict.MATCH_SUBGRADIENT),
        (0.5, Verdict.MATCH_SUBGRADIENT),
        (1 + ULP, Verdict.MATCH_SUBGRADIENT),
        (1.5, Verdict.DIFFER_CONVENTION),
        (-0.1, Verdict.DIFFER_CONVENTION),
        (NAN, Verdict.DIFFER_NONFINITE),
    ],
)
def test_a_kink_of_relu(measured: float, verdict: Verdict) -> None:
    interval = truth(0.5, 0.5, kinks=np.array([True]))
    assert judge(measured, interval, spreads(2 * ULP)).worst is verdict


def test_a_wide_enclosure_is_undecided_only_where_a_bound_lies_in_it() -> None:
    near, far = spreads(40 * ULP), spreads(2 * ULP)
    wide = truth(1.0, 20 * ULP)
    assert judge(1 + 30 * ULP, wide, near).worst is Verdict.UNDECIDED_PRECISION
    assert judge(1 + 2.0**-8, wide, far).worst is Verdict.DIFFER_WRONG
    assert judge(1 + 2 * ULP, truth(1.0, ULP / 2), near).worst is Verdict.MATCH_ROUNDING


def test_a_float64_is_exact_only_by_the_low_part() -> None:
    third = Fraction(1, 3)
    high = float(third)
    low = float(third - Fraction(high))
    number, allowance = truth(high, low=low), spreads(2.0**-54)
    assert judge(high, number, allowance, BINARY64).worst is Verdict.MATCH_EXACT
    next_ = float(np.nextafter(high, 1))
    found = judge(next_, number, spreads(2.0**-53), BINARY64)
    assert found.worst is Verdict.MATCH_ROUNDING
    exact = abs(Fraction(next_) - third) * 2**54
    assert found.error_ulp[0] == pytest.approx(float(exact), rel=1e-12)


def test_underflow_to_a_subnormal_of_float16_is_rounding() -> None:
    """10⁻⁶ has an ulp of 2⁻²⁴ there, 6 % of it."""
    true, measured = truth(1e-6), 17 * 2.0**-24
    tight = spreads(1e-9, within_in_range=2.0**-24, in_range=2.0**-24)
    assert judge(measured, true, tight, BINARY16).worst is Verdict.MATCH_EXACT
    next_ = 18 * 2.0**-24
    wide = spreads(1e-9, within_in_range=2.0**-23, in_range=2.0**-23)
    assert judge(next_, true, wide, BINARY16).worst is Verdict.MATCH_ROUNDING


def test_a_none_is_missing_only_where_the_truth_is_not_zero() -> None:
    zeros = np.zeros(3)
    some = Enclosures(np.array([0.0, 0.5, 0.1]), zeros, zeros)
    assert judge_missing(Truths(enclosures=some)) == (Verdict.DIFFER_MISSING, 1)
    none = Enclosures(zeros, zeros, zeros)
    assert judge_missing(Truths(enclosures=none)) == (Verdict.MATCH_EXACT, None)
    maybe = Enclosures(zeros, zeros, np.ones(3))
    verdict, _ = judge_missing(Truths(enclosures=maybe))
    assert verdict is Verdict.UNDECIDED_LIMIT
    hull = Truths(
        enclosures=Enclosures(np.full(3, 0.5), zeros, np.full(3, 0.5)),
        kinks=np.ones(3, dtype=bool),
    )
    assert judge_missing(hull) == (Verdict.MATCH_EXACT, None)


def test_order_and_counts() -> None:
    high = np.array([1.0, 1.0, 1.0, 1.0])
    zeros = np.zeros(4)
    bound = np.full(4, 2.0**-8)
    allowance = Spreads(
        within=bound,
        everywhere=bound,
        within_in_range=bound,
        everywhere_in_range=bound,
        moved=zeros,
        terms=high,
    )
    found = judge_entries(
        np.array([1.0, 1.5, 3.0, 1.0078125]),
        Truths(enclosures=Enclosures(high, zeros, zeros)),
        allowance,
        BFLOAT16,
        tolerance=Tolerance(relative=BFLOAT16.relative_tolerance),
    )
    assert found.ordered() == [2, 1, 3, 0]
    assert found.counts() == {
        "match.exact": 1,
        "differ.inaccurate": 1,
        "differ.wrong": 2,
    }
    assert found.where("differ").tolist() == [False, True, True, True]
    assert found.error_ulp.tolist() == [0.0, 64.0, 256.0, 1.0]


def test_an_empty_tensor_has_no_worst_entry() -> None:
    nothing = np.zeros((0, 3))
    allowance = Spreads(
        within=nothing,
        everywhere=nothing,
        within_in_range=nothing,
        everywhere_in_range=nothing,
        moved=nothing,
        terms=nothing,
    )
    found = judge_entries(
        nothing,
        Truths(enclosures=Enclosures(nothing, nothing, nothing)),
        allowance,
        BINARY32,
        tolerance=Tolerance(relative=BINARY32.relative_tolerance),
    )
    assert found.worst is None
    assert found.ordered() == []
