"""What real and complex numbers differ in, by hand."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import pytest

from verifier.fields import COMPLEX, REAL, Field
from verifier.floats import BINARY32
from verifier.records import Disc, Enclosure, Rectangle, Truth, TruthStatus

TWO = 2.0**-22
"""Two ulps of 1 in binary32."""


def ends(lower: int, upper: int) -> Enclosure:
    return Enclosure(lower=Fraction(lower), upper=Fraction(upper))


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
def test_a_complex_size_is_rounded_up_by_next_to_nothing(
    number: tuple[Fraction, Fraction], size: Fraction
) -> None:
    found = COMPLEX.size((Fraction(number[0]), Fraction(number[1])))
    assert size <= found <= size * (1 + Fraction(1, 2**100))


@pytest.mark.parametrize("scale", [-1100, -300, 0, 300, 1100])
def test_a_complex_size_is_as_good_at_any_scale(scale: int) -> None:
    part = Fraction(2) ** scale
    found = COMPLEX.size((3 * part, 4 * part))
    assert 5 * part <= found <= 5 * part * (1 + Fraction(1, 2**100))


@pytest.mark.parametrize("field", [REAL, COMPLEX])
def test_a_field_stays_one_object_when_it_is_sent(field: Field) -> None:
    assert pickle.loads(pickle.dumps(field)) is field


def test_the_middle_is_0_where_the_enclosure_holds_it() -> None:
    assert REAL.middle(ends(-1, 3)) == 0
    assert REAL.middle(ends(1, 3)) == 2
    rectangle = Rectangle(real=ends(-1, 3), imaginary=ends(-3, -1))
    assert COMPLEX.middle(rectangle) == (0, -2)


def test_only_a_finite_truth_has_a_middle() -> None:
    known = ends(1, 3)
    assert REAL.of_truth(Truth(status=TruthStatus.FINITE, enclosure=known)) == 2
    assert REAL.of_truth(Truth(status=TruthStatus.KINK, enclosure=known)) is None
    assert COMPLEX.of_truth(Truth(status=TruthStatus.UNDEFINED)) is None


@pytest.mark.parametrize(
    ("field", "reach", "inside", "outside", "farthest"),
    [
        (REAL, ends(1, 3), Fraction(3), Fraction(4), 3),
        (
            COMPLEX,
            Disc(real=Fraction(3), imaginary=Fraction(4), radius=Fraction(1)),
            (Fraction(3), Fraction(5)),
            (Fraction(2), Fraction(5)),
            6,
        ),
    ],
)
def test_how_far_rounding_reaches(
    field: Field, reach: Any, inside: Any, outside: Any, farthest: int
) -> None:
    assert field.contains(reach, inside)
    assert not field.contains(reach, outside)
    assert float(field.farthest(reach, field.zero)) == farthest
    assert field.farthest(field.nowhere, field.zero) == 0


def test_inputs_are_moved_by_two_ulps_to_either_side() -> None:
    below, above = REAL.moves(1.0, 2, BINARY32)
    assert (1 - below, above - 1) == (TWO / 2, TWO)
    assert REAL.moves(math.inf, 2, BINARY32) == []


def test_a_complex_input_stays_on_its_axis() -> None:
    assert COMPLEX.moves(1 + 0j, 2, BINARY32) == [1 - TWO, 1 + TWO]
    assert COMPLEX.moves(-1j, 2, BINARY32) == [-1j - TWO * 1j, -1j + TWO * 1j]
    assert len(COMPLEX.moves(1 + 1j, 2, BINARY32)) == 4
    (moved,) = COMPLEX.moves(complex(-0.0, 0.0), 2, BINARY32)
    assert moved == -2 * 2.0**-149


def test_the_parts_of_numbers() -> None:
    assert REAL.components(1.5) == (1.5,)
    assert COMPLEX.components(1.5 - 2j) == (1.5, -2.0)
    assert COMPLEX.of_float(1.5 - 2j) == COMPLEX.coordinates(
        (Fraction(3, 2), Fraction(-2))
    )
    assert COMPLEX.parts(COMPLEX.zero_enclosure) == (ends(0, 0), ends(0, 0))
    assert not COMPLEX.is_finite(complex(1, math.nan))
