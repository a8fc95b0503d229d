"""The verdict on one complex number, norm-wise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import pytest

from verifier.floats import BINARY32, BINARY64
from verifier.judgement.comparison import Tolerance
from verifier.judgement.complex_comparison import judge, norm
from verifier.records import ComplexTruth, Disc, Enclosure, TruthStatus, Verdict

TOLERANCE = Tolerance(relative=Fraction(13, 10_000_000))


@dataclass
class Excuse:
    """What the test says may explain an error."""

    within: Disc | None = None
    limited: Disc | None = None
    moved: Fraction = Fraction(0)

    def rounding(self) -> Disc | None:
        return self.within

    def limited_range(self) -> Disc | None:
        return self.limited

    def movement(self) -> Fraction:
        return self.moved


def finite(real: Fraction | int, imaginary: Fraction | int) -> ComplexTruth:
    ends = [Enclosure(lower=Fraction(p), upper=Fraction(p)) for p in (real, imaginary)]
    return ComplexTruth(status=TruthStatus.FINITE, real=ends[0], imaginary=ends[1])


def disc(real: int, imaginary: int, radius: Fraction) -> Disc:
    return Disc(real=Fraction(real), imaginary=Fraction(imaginary), radius=radius)


def verdict(
    measured: complex, truth: ComplexTruth, excuse: Excuse, *, written: bool = True
) -> Verdict:
    return judge(
        measured, truth, BINARY32, tolerance=TOLERANCE, excuses=excuse, written=written
    ).verdict


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ((3, 4), 5),
        ((-5, 12), 13),
        ((0, -7), 7),
        ((0, 0), 0),
        ((Fraction(3, 7), Fraction(4, 7)), Fraction(5, 7)),
    ],
)
def test_the_norm_is_rounded_up_by_next_to_nothing(
    number: tuple[Fraction, Fraction], size: Fraction
) -> None:
    found = norm((Fraction(number[0]), Fraction(number[1])))
    assert size <= found <= size * (1 + Fraction(1, 2**100))


@pytest.mark.parametrize("scale", [-1100, -300, 0, 300, 1100])
def test_the_norm_is_as_good_at_any_size(scale: int) -> None:
    part = Fraction(2) ** scale
    found = norm((3 * part, 4 * part))
    assert 5 * part <= found <= 5 * part * (1 + Fraction(1, 2**100))


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
    )
    assert (
        judged.verdict is Verdict.DIFFER_UNSTABLE
        or judged.error_ulp == pytest.approx(5)
    )
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
    """PyTorch's formula is that of the other side of a cut: rounding of it is no excuse."""
    other = disc(0, 1, Fraction(1, 1000))
    judged = judge(
        1j, finite(0, -1), BINARY32, tolerance=TOLERANCE, excuses=Excuse(other, other)
    )
    assert judged.verdict is Verdict.DIFFER_WRONG
    assert "another branch" in (judged.message or "")


@pytest.mark.parametrize(
    "measured",
    [complex(math.nan, 0), complex(math.inf, math.nan), complex(0, -math.inf)],
)
def test_at_a_pole_whatever_is_not_finite_is_right(measured: complex) -> None:
    pole = ComplexTruth(status=TruthStatus.UNDEFINED, reason="a pole")
    assert verdict(measured, pole, Excuse()) is Verdict.MATCH_UNDEFINED
    assert verdict(1 + 1j, pole, Excuse()) is Verdict.DIFFER_SPURIOUS


def test_what_is_not_finite_where_the_truth_is() -> None:
    near = disc(3, 4, Fraction(1, 100))
    measured = complex(math.nan, 4)
    assert (
        verdict(measured, finite(3, 4), Excuse(near, near)) is Verdict.DIFFER_NONFINITE
    )
    assert verdict(measured, finite(3, 4), Excuse(near, None)) is Verdict.DIFFER_RANGE
    huge = finite(Fraction(2) ** 200, 1)
    assert (
        verdict(complex(math.inf, math.nan), huge, Excuse(near, near))
        is Verdict.MATCH_ROUNDING
    )
    assert (
        verdict(complex(math.inf, 1), huge, Excuse(near, near)) is Verdict.MATCH_EXACT
    )


def test_of_a_zero_truth_rounding_alone_decides() -> None:
    small = disc(0, 0, Fraction(1, 2**20))
    assert (
        verdict(complex(2.0**-21, 0), finite(0, 0), Excuse(small, small))
        is Verdict.MATCH_ROUNDING
    )
    assert (
        verdict(complex(2.0**-10, 0), finite(0, 0), Excuse(small, small))
        is Verdict.DIFFER_WRONG
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (TruthStatus.LIMIT, Verdict.UNDECIDED_LIMIT),
        (TruthStatus.PRECISION, Verdict.UNDECIDED_PRECISION),
        (TruthStatus.ORACLE, Verdict.UNDECIDED_ORACLE),
    ],
)
def test_what_is_not_known_is_undecided(status: TruthStatus, expected: Verdict) -> None:
    assert verdict(1j, ComplexTruth(status=status), Excuse()) is expected


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
    )
    assert judged.verdict.family == "match"
