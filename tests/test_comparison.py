"""Each verdict has exactly its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

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


@pytest.mark.parametrize("measured", [1.0, 1.5, 0.0, math.inf, math.nan])
def test_an_enclosure_too_wide_to_tell_is_undecided(measured: float) -> None:
    wide = Truth(
        status=TruthStatus.FINITE,
        enclosure=Enclosure(lower=Fraction(1), upper=Fraction(3, 2)),
    )
    found = judge(measured, wide, BINARY64, tolerance=ONE, excuses=Silent())
    assert found.verdict is Verdict.UNDECIDED_PRECISION


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
    truth = Truth(status=TruthStatus.UNDEFINED, reason="log of -1")
    found = judge(measured, truth, BINARY64, tolerance=TOLERANCE, excuses=Silent())
    assert found.verdict is Verdict.DIFFER_SPURIOUS
    assert "log of -1" in (found.message or "")


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
