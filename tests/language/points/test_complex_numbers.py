"""Complex numbers and rectangles of case files, against exact rationals worked out by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from verifier.errors import ExpressionError
from verifier.floats import BINARY32, BINARY64
from verifier.language.points import complex_numbers
from verifier.language.points import scalars as points


@pytest.mark.parametrize(
    ("text", "real", "imaginary"),
    [
        ("1+2j", Fraction(1), Fraction(2)),
        ("1-2j", Fraction(1), Fraction(-2)),
        ("-1.5 + 0.25j", Fraction(-3, 2), Fraction(1, 4)),
        ("1/3 - 2/7j", Fraction(1, 3), Fraction(-2, 7)),
        ("2j", Fraction(0), Fraction(2)),
        ("j", Fraction(0), Fraction(1)),
        ("-j", Fraction(0), Fraction(-1)),
        ("3 - j", Fraction(3), Fraction(-1)),
        ("-2.5J", Fraction(0), Fraction(-5, 2)),
        ("1e-3-1e+2j", Fraction(1, 1000), Fraction(-100)),
        ("0x1.8p-3-0x1p+2j", Fraction(3, 16), Fraction(-4)),
        ("(1/3)j", Fraction(0), Fraction(1, 3)),
        ("1-(2-5)j", Fraction(1), Fraction(3)),
        ("2*3+1j", Fraction(6), Fraction(1)),
        ("-(1+2)-4j", Fraction(-3), Fraction(-4)),
    ],
)
def test_the_parts_are_the_rationals_that_they_spell(
    text: str, real: Fraction, imaginary: Fraction
) -> None:
    found = complex_numbers.complex_scalar(text)
    assert (found.exact, found.imaginary.exact) == (real, imaginary)
    assert found.text == text


def test_an_e_that_is_no_exponent_is_a_constant() -> None:
    found = complex_numbers.nearest(complex_numbers.complex_scalar("e - 2j"), BINARY64)
    assert found == complex(math.e, -2)
    found = complex_numbers.nearest(
        complex_numbers.complex_scalar("pi/4+pi*j"), BINARY64
    )
    assert found == complex(math.pi / 4, math.pi)


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("-0.0+1j", (-1, 1)),
        ("0+1j", (1, 1)),
        ("1-0.0j", (1, -1)),
        ("1+0j", (1, 1)),
        ("-0.0-0.0j", (-1, -1)),
        ("1j", (1, 1)),
    ],
)
def test_zeros_keep_their_signs(text: str, signs: tuple[int, int]) -> None:
    found = complex_numbers.nearest(complex_numbers.complex_scalar(text), BINARY32)
    assert (math.copysign(1, found.real), math.copysign(1, found.imag)) == signs


def test_each_part_is_rounded_to_the_component_format() -> None:
    found = complex_numbers.nearest(
        complex_numbers.complex_scalar("0.1-0.3j"), BINARY32
    )
    # binary32 0.1 = 13421773·2⁻²⁷, 0.3 = 10066330·2⁻²⁵
    assert found == complex(13421773 * 2.0**-27, -10066330 * 2.0**-25)


def test_a_number_of_python_s_is_taken_bit_by_bit() -> None:
    number = complex(0.1, -0.0)
    found = complex_numbers.complex_scalar(number)
    assert found.exact == Fraction(0.1)
    assert repr(complex_numbers.nearest(found, BINARY64)) == repr(number)
    with pytest.raises(ExpressionError):
        complex_numbers.complex_scalar(complex(math.inf, 1))


def test_a_real_number_has_the_imaginary_part_plus_zero() -> None:
    found = complex_numbers.nearest(points.scalar("-0.0"), BINARY64)
    assert math.copysign(1, found.real) == -1
    assert math.copysign(1, found.imag) == 1


@pytest.mark.parametrize(
    "text", ["1 2j", "1+2jj", "x+1j", "1+inf j", "nan+1j", "1//2j", "1+2 3j"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        complex_numbers.complex_scalar(text)


@pytest.mark.parametrize(
    "number", [1 + 2j, -0.0 + 1e-30j, complex(1e22, -0.0), 0.1 - 0.3j]
)
def test_a_spelling_is_read_back_as_the_same_number(number: complex) -> None:
    spelled = complex_numbers.spell(number, BINARY64)
    back = complex_numbers.nearest(complex_numbers.complex_scalar(spelled), BINARY64)
    assert repr(back) == repr(number)


def test_a_rectangle_has_a_side_of_each_kind() -> None:
    found = complex_numbers.complex_domain("[-2, 2) + (0, 1]j")
    assert str(found) == "[-2, 2) + (0, 1]j"
    assert (found.lower.exact, found.upper.exact) == (-2, 2)
    assert (found.imaginary.lower.exact, found.imaginary.upper.exact) == (0, 1)
    assert not found.imaginary.lower_closed


@pytest.mark.parametrize(
    "text", ["[1, 2] + [2, 1]j", "[1, 2] + 3j", "[1, 2][3, 4]j", "[1, 2]j"]
)
def test_what_is_no_rectangle_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        complex_numbers.complex_domain(text)


def test_drawn_points_lie_in_their_rectangle_and_do_not_depend_on_other_variables() -> (
    None
):
    rectangle = complex_numbers.complex_domain("[-2, -1] + [3, 4]j")
    line = points.domain("[0, 1]")
    both = complex_numbers.draw(
        {"z": rectangle, "x": line}, 50, BINARY32, seed=7, name="case"
    )
    alone = complex_numbers.draw({"z": rectangle}, 50, BINARY32, seed=7, name="case")
    assert [point["z"] for point in both] == [point["z"] for point in alone]
    assert all(-2 <= p["z"].real <= -1 and 3 <= p["z"].imag <= 4 for p in both)
    assert len({p["z"] for p in both}) == 50
    assert all(p["x"].imag == 0 for p in both)
