"""What is said with a verdict, the order of verdicts, and laws of them all."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import (
    EPS,
    INFINITE,
    STEP,
    TOLERANCE,
    UNDEFINED,
    Fake,
    Silent,
    about,
    at_edge,
    at_kink,
    cancelling,
    finite,
    judged,
    kink,
)

from verifier.fields import REAL
from verifier.floats import (
    BINARY32,
    BINARY64,
    Format,
    from_ordinal,
    nearest,
    ordinal,
    ulp,
)
from verifier.judgement.comparison import judge
from verifier.judgement.excuses import CONDITIONING_FACTOR
from verifier.judgement.tolerance import Tolerance, allowed
from verifier.records import Judgement, Truth, TruthStatus, Verdict, severity

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


# ── what is told ──────────────────────────────────────────────────────────────────────


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


# ── severity ──────────────────────────────────────────────────────────────────────────


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


# ── properties ────────────────────────────────────────────────────────────────────────


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
