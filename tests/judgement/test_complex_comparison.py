"""The verdict on one complex number, norm-wise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import pytest

from verifier.fields import COMPLEX
from verifier.floats import BINARY32, BINARY64
from verifier.judgement.comparison import judge
from verifier.judgement.tolerance import Tolerance
from verifier.records import (
    Disc,
    Enclosure,
    Judgement,
    Rectangle,
    Truth,
    TruthStatus,
    Verdict,
)

TOLERANCE = Tolerance(relative=Fraction(13, 10_000_000))


@dataclass
class Excuse:
    """What the test says may explain an error."""

    within: Disc | None = None
    limited: Disc | None = None
    moved: Fraction = Fraction(0)
    accurate: Disc | None = None
    unit: Fraction | None = None
    nearby: bool = True
    pole: bool = False
    local: Fraction = Fraction(0)

    def rounding(self) -> Disc | None:
        return self.within

    def limited_range(self) -> Disc | None:
        return self.limited

    def movement(self) -> Fraction:
        return self.moved

    def ideal(self) -> Disc | None:
        return self.accurate

    def cancelled(self) -> Fraction | None:
        return self.unit

    def holds_nearby(self, measured: complex, tolerance: Tolerance, steps: int) -> bool:
        return self.nearby

    def ends_nearby(self) -> bool:
        return self.pole

    def local_ulp(self) -> Fraction:
        return self.local


def finite(real: Fraction | int, imaginary: Fraction | int) -> Truth:
    ends = [Enclosure(lower=Fraction(p), upper=Fraction(p)) for p in (real, imaginary)]
    box = Rectangle(real=ends[0], imaginary=ends[1])
    return Truth(status=TruthStatus.FINITE, enclosure=box)


def disc(real: int, imaginary: int, radius: Fraction) -> Disc:
    return Disc(real=Fraction(real), imaginary=Fraction(imaginary), radius=radius)


def verdict(
    measured: complex, truth: Truth, excuse: Excuse, *, written: bool = True
) -> Verdict:
    return judge(
        measured,
        truth,
        BINARY32,
        tolerance=TOLERANCE,
        excuses=excuse,
        field=COMPLEX,
        written=written,
    ).verdict


def test_both_parts_correctly_rounded_are_exact() -> None:
    third, none = Fraction(1, 3), disc(0, 0, Fraction(0))
    measured = complex(0.3333333432674408, -0.3333333432674408)  # binary32
    assert verdict(measured, finite(third, -third), Excuse()) is Verdict.MATCH_EXACT
    assert (
        verdict(measured.conjugate(), finite(third, -third), Excuse(none, none))
        is Verdict.DIFFER_WRONG
    )


def test_an_error_is_the_distance_in_ulps_of_the_norm() -> None:
    step = 2.0**-21  # one ulp of 5 in binary32
    judged = judge(
        complex(3 + 3 * step, 4 + 4 * step),
        finite(3, 4),
        BINARY32,
        tolerance=TOLERANCE,
        excuses=Excuse(disc(3, 4, Fraction(1, 2**17))),
        field=COMPLEX,
    )
    assert judged.verdict is Verdict.MATCH_ROUNDING
    assert judged.error_ulp == pytest.approx(5)


def test_within_tolerance_and_rounding_matches_and_beyond_rounding_is_inaccurate() -> (
    None
):
    measured = complex(3, 4 + 2.0**-21)
    inside, outside = disc(3, 4, Fraction(1, 2**20)), disc(3, 4, Fraction(1, 2**23))
    assert (
        verdict(measured, finite(3, 4), Excuse(inside, inside))
        is Verdict.MATCH_ROUNDING
    )
    assert (
        verdict(measured, finite(3, 4), Excuse(outside, outside))
        is Verdict.DIFFER_INACCURATE
    )


@pytest.mark.parametrize(
    ("ulps", "local", "wanted"),
    [
        (16, 1000, Verdict.MATCH_ROUNDING),
        (17, 1000, Verdict.DIFFER_UNSTABLE),
        (16, 16, Verdict.MATCH_ROUNDING),
        (16, 15, Verdict.DIFFER_UNSTABLE),
    ],
)
def test_what_each_operation_rounds_adds_up_to_sixteen_ulps_at_most(
    ulps: int, local: int, wanted: Verdict
) -> None:
    """At 3 + 4i the tolerance is 13.6 ulps of 2^-21."""
    measured, wide = complex(3, 4 + ulps * 2.0**-21), disc(3, 4, Fraction(1))
    none = disc(3, 4, Fraction(0))
    local_ulp = Fraction(local)
    assert (
        verdict(measured, finite(3, 4), Excuse(wide, wide, local=local_ulp)) is wanted
    )
    assert (
        verdict(measured, finite(3, 4), Excuse(none, none, local=local_ulp))
        is Verdict.DIFFER_WRONG
    )


@pytest.mark.parametrize("is_real", [True, False])
def test_a_truth_known_to_an_ulp_alone_is_undecided(is_real: bool) -> None:
    exact = Enclosure(lower=Fraction(3), upper=Fraction(3))
    loose = Enclosure(lower=Fraction(3), upper=3 + Fraction(1, 2**21))
    sides = (loose, exact) if is_real else (exact, loose)
    truth = Truth(
        status=TruthStatus.FINITE,
        enclosure=Rectangle(real=sides[0], imaginary=sides[1]),
    )
    wide = disc(3, 3, Fraction(1))
    found = verdict(complex(3, 3), truth, Excuse(wide, wide))
    assert found is Verdict.UNDECIDED_PRECISION


def test_beyond_the_tolerance_the_point_or_the_program_is_to_blame() -> None:
    measured, wide = complex(3, 4.5), disc(3, 4, Fraction(1))
    near = disc(3, 4, Fraction(1, 100))
    assert (
        verdict(measured, finite(3, 4), Excuse(wide, wide, Fraction(1, 4)))
        is Verdict.MATCH_CONDITIONING
    )
    assert (
        verdict(measured, finite(3, 4), Excuse(wide, wide)) is Verdict.DIFFER_UNSTABLE
    )
    assert verdict(measured, finite(3, 4), Excuse(near, wide)) is Verdict.DIFFER_RANGE
    assert verdict(measured, finite(3, 4), Excuse(near, near)) is Verdict.DIFFER_WRONG


def test_a_disc_that_leaves_out_the_truth_excuses_nothing() -> None:
    """PyTorch's formula is that of the other side of a cut: rounding of it is no
    excuse."""
    other = disc(0, 1, Fraction(1, 1000))
    judged = judge(
        1j,
        finite(0, -1),
        BINARY32,
        tolerance=TOLERANCE,
        excuses=Excuse(other, other),
        field=COMPLEX,
    )
    assert judged.verdict is Verdict.DIFFER_WRONG
    assert "another branch" in (judged.message or "")


@pytest.mark.parametrize(
    "measured",
    [complex(math.nan, 0), complex(math.inf, math.nan), complex(0, -math.inf)],
)
def test_at_a_pole_whatever_is_not_finite_is_right(measured: complex) -> None:
    pole = Truth(status=TruthStatus.UNDEFINED, reason="a pole")
    assert verdict(measured, pole, Excuse()) is Verdict.MATCH_UNDEFINED
    assert verdict(1 + 1j, pole, Excuse(nearby=False)) is Verdict.DIFFER_SPURIOUS


def test_what_is_not_finite_where_the_truth_is() -> None:
    near = disc(3, 4, Fraction(1, 100))
    measured = complex(math.nan, 4)
    assert (
        verdict(measured, finite(3, 4), Excuse(near, near)) is Verdict.DIFFER_NONFINITE
    )
    assert verdict(measured, finite(3, 4), Excuse(near, None)) is Verdict.DIFFER_RANGE


HUGE = Fraction(2) ** 200


@pytest.mark.parametrize(
    ("measured", "true", "expected"),
    [
        (complex(math.inf, 1), (HUGE, 1), Verdict.MATCH_EXACT),
        # One infinite part makes a number infinite, whatever the other (C17, G.3).
        (complex(math.inf, math.nan), (HUGE, 1), Verdict.MATCH_ROUNDING),
        (complex(math.inf, 3), (HUGE, 1), Verdict.MATCH_ROUNDING),
        (complex(math.nan, -math.inf), (HUGE, -HUGE), Verdict.MATCH_ROUNDING),
        (complex(-math.inf, 1), (HUGE, 1), Verdict.DIFFER_NONFINITE),
        (complex(math.inf, math.inf), (HUGE, 1), Verdict.DIFFER_NONFINITE),
        (complex(math.inf, 1e38), (HUGE, -HUGE), Verdict.DIFFER_NONFINITE),
        (complex(math.nan, 1), (HUGE, 1), Verdict.DIFFER_NONFINITE),
        (complex(math.nan, math.nan), (HUGE, HUGE), Verdict.DIFFER_NONFINITE),
    ],
)
def test_beyond_the_largest_number_the_right_infinity_is_right(
    measured: complex, true: tuple[Fraction | int, Fraction | int], expected: Verdict
) -> None:
    near = disc(3, 4, Fraction(1, 100))
    assert verdict(measured, finite(*true), Excuse(near, near)) is expected


@pytest.mark.parametrize("written", [True, False])
def test_what_is_not_finite_next_to_a_pole_is_conditioning(written: bool) -> None:
    measured, truth = complex(math.nan, math.inf), finite(3, 4)
    pole = Excuse(pole=True, unit=Fraction(0))
    assert verdict(measured, truth, pole, written=written) is Verdict.MATCH_CONDITIONING
    near = disc(3, 4, Fraction(1))
    bounded = Excuse(near, near, accurate=near, pole=True)
    found = verdict(measured, truth, bounded, written=written)
    assert found is Verdict.DIFFER_NONFINITE


@pytest.mark.parametrize("status", [TruthStatus.PRECISION, TruthStatus.LIMIT])
def test_what_is_not_finite_needs_no_digits_of_a_truth_that_is(
    status: TruthStatus,
) -> None:
    sides = Enclosure(lower=Fraction(1), upper=Fraction(2))
    truth = Truth(status=status, enclosure=Rectangle(real=sides, imaginary=sides))
    near = disc(3, 4, Fraction(1))
    found = verdict(complex(math.nan, 0), truth, Excuse(near, near))
    assert found is Verdict.DIFFER_NONFINITE
    assert verdict(9 + 9j, truth, Excuse(near, near)).family == "undecided"
    wide = Enclosure(lower=Fraction(1), upper=HUGE)
    truth = Truth(status=status, enclosure=Rectangle(real=wide, imaginary=sides))
    found = verdict(complex(math.inf, 0), truth, Excuse(near, near))
    assert found.family == "undecided"


def test_a_finite_number_at_a_pole_is_spurious_whatever_rounding_may_do() -> None:
    pole = Truth(status=TruthStatus.UNDEFINED, reason="a pole")
    assert verdict(1 + 1j, pole, Excuse()) is Verdict.DIFFER_SPURIOUS
    assert verdict(1 + 1j, pole, Excuse(), written=False) is Verdict.DIFFER_SPURIOUS


def test_of_a_zero_truth_a_few_ulps_of_what_cancels_are_left() -> None:
    small = disc(0, 0, Fraction(1, 2**10))
    unit = Fraction(1, 2**23)
    excuse = Excuse(small, small, unit=unit)
    for count, expected in (
        (1, Verdict.MATCH_ROUNDING),
        (8, Verdict.MATCH_ROUNDING),
        (9, Verdict.DIFFER_UNSTABLE),
    ):
        found = judge(
            complex(0, count * float(unit)),
            finite(0, 0),
            BINARY32,
            tolerance=TOLERANCE,
            excuses=excuse,
            field=COMPLEX,
        )
        assert found.verdict is expected
        assert found.error_ulp == count
        assert "the truth is 0" in (found.message or "")


def test_of_a_zero_truth_the_rest_is_conditioning_range_or_wrong() -> None:
    small, truth = disc(0, 0, Fraction(1, 2**10)), finite(0, 0)
    unit = Fraction(1, 2**23)
    measured = complex(0, 2.0**-11)
    moved = Excuse(small, small, Fraction(1), unit=unit)
    assert verdict(measured, truth, moved) is Verdict.MATCH_CONDITIONING
    moved.nearby = False
    assert verdict(measured, truth, moved) is Verdict.DIFFER_UNSTABLE
    tight = disc(0, 0, Fraction(0))
    found = verdict(measured, truth, Excuse(tight, small, unit=unit))
    assert found is Verdict.DIFFER_RANGE
    assert verdict(1j, truth, Excuse(small, small, unit=unit)) is Verdict.DIFFER_WRONG


def test_a_subjects_zero_is_what_accurate_derivatives_leave() -> None:
    small, tight = disc(0, 0, Fraction(1, 2**10)), disc(0, 0, Fraction(0))
    truth, unit = finite(0, 0), Fraction(1, 2**23)
    measured = complex(0, float(unit))
    good = Excuse(small, small, accurate=small, unit=unit)
    assert verdict(measured, truth, good, written=False) is Verdict.MATCH_ROUNDING
    bad = Excuse(small, small, accurate=tight, unit=unit)
    assert verdict(measured, truth, bad, written=False) is Verdict.DIFFER_UNSTABLE


def test_a_subject_is_conditioned_only_where_accurate_derivatives_lose_as_much() -> (
    None
):
    """exp at 60 + i: the truth moves by 120 ulps, and exp′ = exp loses none of them."""
    near, wide = disc(3, 4, Fraction(1, 2**22)), disc(3, 4, Fraction(1, 4))
    measured, truth = complex(3, 4.25), finite(3, 4)
    moves = Fraction(1, 4)
    loses = Excuse(near, near, moves, accurate=wide)
    assert verdict(measured, truth, loses, written=False) is Verdict.MATCH_CONDITIONING
    keeps = Excuse(near, near, moves, accurate=near)
    assert verdict(measured, truth, keeps, written=False) is Verdict.DIFFER_WRONG
    away = Excuse(wide, wide, moves, accurate=wide, nearby=False)
    assert verdict(measured, truth, away) is Verdict.DIFFER_UNSTABLE
    assert verdict(measured, truth, away, written=False) is Verdict.DIFFER_UNSTABLE


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (TruthStatus.LIMIT, Verdict.UNDECIDED_LIMIT),
        (TruthStatus.PRECISION, Verdict.UNDECIDED_PRECISION),
        (TruthStatus.ORACLE, Verdict.UNDECIDED_ORACLE),
        (TruthStatus.BUDGET, Verdict.UNDECIDED_BUDGET),
    ],
)
def test_what_is_not_known_is_undecided(status: TruthStatus, expected: Verdict) -> None:
    assert verdict(1j, Truth(status=status), Excuse()) is expected


def test_a_subject_may_lose_a_few_ulps_of_its_own() -> None:
    tight = disc(3, 4, Fraction(0))
    measured = complex(3, 4 + 2.0**-18)
    assert (
        verdict(measured, finite(3, 4), Excuse(tight, tight), written=False)
        is Verdict.MATCH_ROUNDING
    )
    assert (
        verdict(measured, finite(3, 4), Excuse(tight, tight))
        is Verdict.DIFFER_INACCURATE
    )
    far = complex(3, 4.5)
    assert (
        verdict(far, finite(3, 4), Excuse(tight, tight), written=False)
        is Verdict.DIFFER_WRONG
    )


def test_tolerance_is_relative_in_the_component_format() -> None:
    judged = judge(
        complex(0, 2.0**-1074),
        finite(0, Fraction(3, 2**1075)),
        BINARY64,
        tolerance=TOLERANCE,
        excuses=Excuse(disc(0, 0, Fraction(1, 2**1070)), None),
        field=COMPLEX,
    )
    assert judged.verdict.family == "match"


# ── borders ───────────────────────────────────────────────────────────────────────────

ULP = Fraction(1, 2**21)
"""Of 5 in binary32."""
WIDE = disc(3, 4, Fraction(1))
NONE = Disc(real=Fraction(3), imaginary=Fraction(4), radius=Fraction(0))


def judged(
    measured: complex,
    truth: Truth,
    excuse: Excuse,
    *,
    relative: Fraction = TOLERANCE.relative,
    absolute: Fraction = Fraction(0),
    written: bool = True,
) -> Judgement:
    return judge(
        measured,
        truth,
        BINARY32,
        tolerance=Tolerance(relative=relative, absolute=absolute),
        excuses=excuse,
        written=written,
        field=COMPLEX,
    )


def beside(error: Fraction) -> complex:
    """3 + 4i with an error along the number itself, so that its length is exact."""
    return complex(float(3 + error * 3 / 5), float(4 + error * 4 / 5))


def test_a_tolerance_reaches_as_far_as_it_says_and_no_farther() -> None:
    step = Fraction(1, 2**10)
    for count, expected in (
        (1, Verdict.DIFFER_INACCURATE),
        (1 + step, Verdict.DIFFER_WRONG),
    ):
        error = 5 * step * count
        found = judged(beside(error), finite(3, 4), Excuse(NONE, NONE), relative=step)
        assert found.verdict is expected
        found = judged(
            complex(3, float(4 + count * step)),
            finite(3, 4),
            Excuse(NONE, NONE),
            relative=Fraction(0),
            absolute=step,
        )
        assert found.verdict is expected


def test_conditioning_excuses_four_times_what_the_inputs_do_within_eight_ulps() -> None:
    @dataclass
    class Asked(Excuse):
        asked: tuple[Tolerance, int] | None = None

        def holds_nearby(
            self, measured: complex, tolerance: Tolerance, steps: int
        ) -> bool:
            self.asked = tolerance, steps
            return True

    step = Fraction(1, 2**10)
    moved = Asked(WIDE, WIDE, step)
    found = judged(complex(3, float(4 + 4 * step)), finite(3, 4), moved)
    assert found.verdict is Verdict.MATCH_CONDITIONING
    assert moved.asked == (TOLERANCE, 8)
    assert found.message == "a few ulps of the inputs move the truth by 2.05e+03 ulp"
    found = judged(complex(3, float(4 + 4 * step + ULP)), finite(3, 4), moved)
    assert found.verdict is Verdict.DIFFER_UNSTABLE


def test_a_disc_reaches_as_far_as_its_radius_and_no_farther() -> None:
    step = Fraction(1, 2**10)
    near = Disc(real=Fraction(3), imaginary=Fraction(4), radius=step)
    for error, expected in (
        (step, Verdict.DIFFER_UNSTABLE),
        (step + ULP, Verdict.DIFFER_WRONG),
    ):
        measured = complex(3, float(4 + error))
        assert verdict(measured, finite(3, 4), Excuse(near, near)) is expected


@pytest.mark.parametrize("accurate", ["3", "7/2"])
def test_a_subject_is_conditioned_up_to_four_times_what_accurate_derivatives_lose(
    accurate: str,
) -> None:
    """A disc about 3 + 4i, or one half as wide that is off by as much: both reach
    1/8."""
    off = Fraction(0) if accurate == "3" else Fraction(1, 16)
    loses = Disc(real=3 + off, imaginary=Fraction(4), radius=Fraction(1, 8) - off)
    excuse = Excuse(WIDE, WIDE, Fraction(1), accurate=loses)
    for imaginary, expected in (
        (4.5, Verdict.MATCH_CONDITIONING),
        (4.501, Verdict.DIFFER_UNSTABLE),
    ):
        found = verdict(complex(3, imaginary), finite(3, 4), excuse, written=False)
        assert found is expected


def test_a_subject_may_lose_sixty_four_ulps_or_what_the_case_allows() -> None:
    excuse = Excuse(NONE, NONE, accurate=NONE)
    wide = Fraction(1, 2**10)
    for count, expected in (
        (64, Verdict.MATCH_ROUNDING),
        (65, Verdict.DIFFER_INACCURATE),
    ):
        measured = complex(3, float(4 + count * ULP))
        found = judged(measured, finite(3, 4), excuse, relative=wide, written=False)
        assert found.verdict is expected
    measured = complex(3, float(4 + wide))
    for absolute, expected in (
        (wide, Verdict.MATCH_ROUNDING),
        (wide / 2, Verdict.DIFFER_WRONG),
    ):
        found = judged(measured, finite(3, 4), excuse, absolute=absolute, written=False)
        assert found.verdict is expected


def test_a_subject_within_the_tolerance_is_rounding_where_the_truth_moves() -> None:
    wide = Fraction(1, 2**10)
    measured = complex(3, float(4 + 400 * ULP))
    moved = Excuse(NONE, NONE, 100 * ULP, accurate=WIDE)
    found = judged(measured, finite(3, 4), moved, relative=wide, written=False)
    assert found.verdict is Verdict.MATCH_ROUNDING
    assert found.message == "a few ulps of the inputs move the truth by 100 ulp"
    found = judged(measured, finite(3, 4), moved, relative=wide)
    assert found.verdict is Verdict.DIFFER_INACCURATE
    told = "within the tolerance, but rounding of the written program brings it"
    assert (found.message or "").startswith(told)


# ── a truth of 0 once more ────────────────────────────────────────────────────────────

ZERO = finite(0, 0)
NOWHERE = disc(0, 0, Fraction(0))
ABOUT = disc(0, 0, Fraction(1))
UNIT = Fraction(1, 2**23)


def test_a_zero_within_an_absolute_tolerance_is_rounding_or_inaccurate() -> None:
    within = Fraction(1, 8)
    for excuse, written, expected in (
        (Excuse(ABOUT, ABOUT, unit=UNIT), True, Verdict.MATCH_ROUNDING),
        (Excuse(NOWHERE, ABOUT, unit=UNIT), True, Verdict.MATCH_ROUNDING),
        (Excuse(NOWHERE, NOWHERE, unit=UNIT), True, Verdict.DIFFER_INACCURATE),
        (
            Excuse(NOWHERE, NOWHERE, accurate=NOWHERE, unit=UNIT),
            False,
            Verdict.MATCH_ROUNDING,
        ),
    ):
        found = judged(0.125j, ZERO, excuse, absolute=within, written=written)
        assert found.verdict is expected
        found = judged(0.1250001j, ZERO, excuse, absolute=within, written=written)
        assert found.verdict.family == "differ"


def test_the_zero_of_a_subject_is_conditioned_however_few_ulps_are_left() -> None:
    accurate = Disc(real=Fraction(0), imaginary=Fraction(0), radius=3 * UNIT)
    loses = Excuse(ABOUT, ABOUT, Fraction(1), accurate=accurate, unit=UNIT)
    for count, family in ((3, "match"), (5, "match"), (12, "match"), (13, "differ")):
        measured = complex(0, count * float(UNIT))
        assert verdict(measured, ZERO, loses, written=False).family == family


def test_what_is_left_of_a_zero_is_told() -> None:
    left = f"the truth is 0, {float(UNIT):.3g} is left"
    measured = complex(0, float(UNIT))
    found = judged(measured, ZERO, Excuse(ABOUT, ABOUT, unit=UNIT))
    assert found.message == f"{left}: 1 ulp of what cancels"
    assert (found.error_ulp, found.bits_lost) == (1, 0)
    found = judged(measured, ZERO, Excuse(ABOUT, ABOUT))
    assert (found.verdict, found.message) == (Verdict.DIFFER_UNSTABLE, left)
    assert found.error_ulp == 2**126  # of the smallest subnormal, 2^-149
    found = judged(measured, ZERO, Excuse(NOWHERE, NOWHERE))
    told = "rounding of the written program brings it no further than 0"
    assert (found.verdict, found.message) == (
        Verdict.DIFFER_WRONG,
        f"{left}, but {told}",
    )
    moved = Excuse(ABOUT, ABOUT, Fraction(1))
    told = "a few ulps of the inputs move the truth by 1"
    assert judged(measured, ZERO, moved).message == f"{left}; {told}"
    low = Excuse(NOWHERE, ABOUT)
    told = "an intermediate result overflows or underflows"
    assert judged(measured, ZERO, low).message == f"{left}; {told}"


def test_a_tolerance_of_zero_excuses_nothing_that_cancels() -> None:
    excuse = Excuse(ABOUT, ABOUT, unit=UNIT)
    found = judged(complex(0, float(UNIT)), ZERO, excuse, relative=Fraction(0))
    assert found.verdict is Verdict.DIFFER_UNSTABLE


# ── what is told ──────────────────────────────────────────────────────────────────────


def test_an_exact_number_has_its_error_and_an_infinity_none() -> None:
    found = judged(complex(3, 4), finite(3 + ULP / 8, 4), Excuse())
    assert (found.verdict, found.message) == (Verdict.MATCH_EXACT, None)
    assert found.error_ulp == pytest.approx(1 / 8)
    assert found.bits_lost == 0
    found = judged(complex(math.inf, 4), finite(HUGE, 4), Excuse())
    assert (found.verdict, found.error_ulp) == (Verdict.MATCH_EXACT, 0)
    assert found.bits_lost == 0
    assert found.message == "the truth lies beyond the largest float32"
    found = judged(complex(math.inf, math.nan), finite(HUGE, 4), Excuse())
    assert found.verdict is Verdict.MATCH_ROUNDING
    assert found.message == "the truth lies beyond the largest float32"


def test_a_part_beyond_all_digits_of_the_other_is_no_error() -> None:
    tiny = Fraction(1, 2**1074)
    found = judge(
        complex(2.0**1000, 2.0**-1074),
        finite(Fraction(2) ** 1000, tiny * Fraction(2, 5)),
        BINARY64,
        tolerance=TOLERANCE,
        excuses=Excuse(),
        field=COMPLEX,
    )
    assert (found.verdict, found.error_ulp) == (Verdict.MATCH_ROUNDING, 0)
    assert found.bits_lost == 0


def test_what_is_not_finite_is_told_with_its_cause() -> None:
    measured, truth = complex(math.nan, 4), finite(3, 4)
    told = "not finite: an intermediate result overflows or underflows"
    assert judged(measured, truth, Excuse(WIDE, None)).message == told
    told = "not finite where the truth is"
    assert judged(measured, truth, Excuse(WIDE, WIDE)).message == told
    pole = Excuse(pole=True, unit=Fraction(0))
    told = "a pole lies within 2 ulps of the inputs"
    assert judged(measured, truth, pole).message == told
    for excuse in (Excuse(unit=Fraction(0)), Excuse(pole=True)):
        found = judged(measured, truth, excuse)
        assert found.verdict is Verdict.DIFFER_NONFINITE
    undefined = Truth(status=TruthStatus.UNDEFINED, reason="a pole")
    assert judged(measured, undefined, Excuse()).message == "a pole"
    told = "a finite number where the truth is not: a pole"
    assert judged(1j, undefined, Excuse(nearby=False)).message == told


@pytest.mark.parametrize(
    ("part", "other"), [("real", "imaginary"), ("imaginary", "real")]
)
def test_what_may_overflow_or_is_not_known_is_undecided(part: str, other: str) -> None:
    known = Enclosure(lower=Fraction(1), upper=Fraction(2))
    for ends in (
        Enclosure(lower=-HUGE, upper=Fraction(2)),
        Enclosure(lower=Fraction(1), upper=HUGE),
        None,
    ):
        box = None if ends is None else Rectangle(**{part: ends, other: known})
        truth = Truth(status=TruthStatus.PRECISION, reason="why", enclosure=box)
        found = judged(complex(math.nan, 0), truth, Excuse(WIDE, WIDE))
        assert (found.verdict, found.message) == (Verdict.UNDECIDED_PRECISION, "why")


def test_why_rounding_is_no_excuse_is_told() -> None:
    far, truth = complex(9, 9), finite(3, 4)
    found = judged(far, truth, Excuse(WIDE, WIDE))
    told = "rounding of the written program brings it no further than 2.1e+06 ulp"
    assert (found.verdict, found.message) == (Verdict.DIFFER_WRONG, told)
    found = judged(far, truth, Excuse(WIDE, WIDE, accurate=NONE), written=False)
    assert found.message == told.replace("written program", "specification")
    found = judged(complex(3, 4.5), truth, Excuse(WIDE, WIDE))
    told = "rounding on the way loses 20.0 bits that the point does not: "
    told += "a few ulps of the inputs move the truth by 0 ulp"
    assert (found.verdict, found.message) == (Verdict.DIFFER_UNSTABLE, told)
    found = judged(complex(3, 4.5), truth, Excuse(NONE, WIDE))
    told = "an intermediate result overflows or underflows"
    assert (found.verdict, found.message) == (Verdict.DIFFER_RANGE, told)


# ── what has to be there for an excuse ────────────────────────────────────────────────


def test_a_program_is_taken_for_the_written_one() -> None:
    measured = complex(3, float(4 + 2 * ULP))
    found = judge(
        measured,
        finite(3, 4),
        BINARY32,
        tolerance=TOLERANCE,
        excuses=Excuse(NONE, NONE),
        field=COMPLEX,
    )
    assert found.verdict is Verdict.DIFFER_INACCURATE


def test_what_is_not_finite_is_excused_next_to_a_pole_that_rounding_meets() -> None:
    measured, truth, unit = complex(math.nan, 0), finite(3, 4), Fraction(0)
    meets = Excuse(None, WIDE, accurate=WIDE, pole=True, unit=unit)
    assert verdict(measured, truth, meets) is Verdict.MATCH_CONDITIONING
    found = verdict(measured, truth, meets, written=False)
    assert found is Verdict.DIFFER_NONFINITE
    misses = Excuse(WIDE, WIDE, accurate=WIDE, pole=True, unit=unit)
    assert verdict(measured, truth, misses) is Verdict.DIFFER_NONFINITE


def test_beside_an_infinite_part_the_other_is_right_within_the_tolerance() -> None:
    """Just beyond the largest binary32 number, so that the tolerance is no more than
    4.4e32."""
    edge = Fraction(2) ** 128
    wrong = complex(math.inf, -1e33)
    found = verdict(wrong, finite(edge, Fraction(10) ** 33), Excuse(WIDE, WIDE))
    assert found is Verdict.DIFFER_NONFINITE
    for imaginary, expected in (
        (2.0**108, Verdict.MATCH_ROUNDING),
        (-(2.0**108), Verdict.MATCH_ROUNDING),
        (2.0**108 * (1 + 2.0**-20), Verdict.DIFFER_NONFINITE),
    ):
        one = judged(
            complex(math.inf, imaginary),
            finite(edge, 0),
            Excuse(WIDE, WIDE),
            relative=Fraction(1, 2**20),
        )
        assert one.verdict is expected


def test_within_the_tolerance_rounding_or_the_range_explains() -> None:
    measured, truth = complex(3, float(4 + ULP)), finite(3, 4)
    for excuse in (Excuse(WIDE, NONE), Excuse(NONE, WIDE)):
        assert verdict(measured, truth, excuse) is Verdict.MATCH_ROUNDING


def test_conditioning_excuses_the_written_program_only_what_rounding_explains() -> None:
    far, moved = complex(3, 4.5), Fraction(1)
    for truth, center in ((finite(3, 4), NONE), (ZERO, NOWHERE)):
        measured = far if truth is not ZERO else 0.5j
        excuse = Excuse(center, center, moved)
        assert verdict(measured, truth, excuse) is Verdict.DIFFER_WRONG
        found = verdict(measured, truth, excuse, written=False)
        assert found is Verdict.MATCH_CONDITIONING


def test_of_a_zero_only_a_subject_is_asked_for_accurate_derivatives() -> None:
    measured = complex(0, 4 * float(UNIT))
    tight = Excuse(ABOUT, ABOUT, accurate=NOWHERE, unit=UNIT)
    found = judged(measured, ZERO, tight)
    assert (found.verdict, found.bits_lost) == (Verdict.MATCH_ROUNDING, 2)
    found = judged(measured, ZERO, tight, written=False)
    assert found.verdict is Verdict.DIFFER_UNSTABLE
    unbounded = Excuse(ABOUT, ABOUT, accurate=None, unit=UNIT)
    found = judged(measured, ZERO, unbounded, written=False)
    assert found.verdict is Verdict.MATCH_ROUNDING


def test_an_error_beyond_all_doubles_is_infinite() -> None:
    found = judge(
        complex(0, 1e300),
        ZERO,
        BINARY64,
        tolerance=TOLERANCE,
        excuses=Excuse(NOWHERE, NOWHERE),
        field=COMPLEX,
    )
    assert found.error_ulp == math.inf
