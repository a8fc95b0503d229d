"""Complex numbers and rectangles of case files, against exact rationals worked out by
hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from verifier.errors import ExpressionError
from verifier.floats import BINARY32, BINARY64, Format, shortest_complex
from verifier.language.points.domains import domain, interval_or_rectangle
from verifier.language.points.drawing import draw
from verifier.language.points.scalars import Scalar, real_or_complex, scalar
from verifier.language.points.upstream import gradients


def rounded(number: Scalar, format_: Format = BINARY64) -> complex:
    found = number.rounded(format_, is_complex=True)
    assert isinstance(found, complex)
    return found


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
    found = real_or_complex(text)
    assert tuple(part.exact for part in found.parts) == (real, imaginary)
    assert found.text == text


def test_an_e_that_is_no_exponent_is_a_constant() -> None:
    found = rounded(real_or_complex("e - 2j"), BINARY64)
    assert found == complex(math.e, -2)
    found = rounded(real_or_complex("pi/4+pi*j"), BINARY64)
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
    found = rounded(real_or_complex(text), BINARY32)
    assert (math.copysign(1, found.real), math.copysign(1, found.imag)) == signs


def test_each_part_is_rounded_to_the_component_format() -> None:
    found = rounded(real_or_complex("0.1-0.3j"), BINARY32)
    # binary32 0.1 = 13421773·2⁻²⁷, 0.3 = 10066330·2⁻²⁵
    assert found == complex(13421773 * 2.0**-27, -10066330 * 2.0**-25)


def test_a_number_of_python_s_is_taken_bit_by_bit() -> None:
    number = complex(0.1, -0.0)
    found = real_or_complex(number)
    assert found.exact == Fraction(0.1)
    assert repr(rounded(found, BINARY64)) == repr(number)
    with pytest.raises(ExpressionError):
        real_or_complex(complex(math.inf, 1))


def test_a_real_number_has_the_imaginary_part_plus_zero() -> None:
    found = rounded(scalar("-0.0"), BINARY64)
    assert math.copysign(1, found.real) == -1
    assert math.copysign(1, found.imag) == 1


@pytest.mark.parametrize(
    "text", ["1 2j", "1+2jj", "x+1j", "1+inf j", "nan+1j", "1//2j", "1+2 3j"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        real_or_complex(text)


@pytest.mark.parametrize(
    "number", [1 + 2j, -0.0 + 1e-30j, complex(1e22, -0.0), 0.1 - 0.3j]
)
def test_a_spelling_is_read_back_as_the_same_number(number: complex) -> None:
    spelled = shortest_complex(number, BINARY64)
    back = rounded(real_or_complex(spelled), BINARY64)
    assert repr(back) == repr(number)


def test_a_rectangle_has_a_side_of_each_kind() -> None:
    found = interval_or_rectangle("[-2, 2) + (0, 1]j")
    assert str(found) == "[-2, 2) + (0, 1]j"
    assert (found.lower.exact, found.upper.exact) == (-2, 2)
    _, imaginary = found.sides
    assert (imaginary.lower.exact, imaginary.upper.exact) == (0, 1)
    assert not imaginary.lower_closed


@pytest.mark.parametrize(
    "text", ["[1, 2] + [2, 1]j", "[1, 2] + 3j", "[1, 2][3, 4]j", "[1, 2]j"]
)
def test_what_is_no_rectangle_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        interval_or_rectangle(text)


def test_drawn_points_lie_in_their_rectangle_and_do_not_depend_on_other_variables() -> (
    None
):
    rectangle = interval_or_rectangle("[-2, -1] + [3, 4]j")
    line = domain("[0, 1]")
    both = draw(
        {"z": rectangle, "x": line}, 50, BINARY32, seed=7, name="case", is_complex=True
    )
    alone = draw({"z": rectangle}, 50, BINARY32, seed=7, name="case", is_complex=True)
    assert [point["z"] for point in both] == [point["z"] for point in alone]
    assert all(-2 <= p["z"].real <= -1 and 3 <= p["z"].imag <= 4 for p in both)
    assert len({p["z"] for p in both}) == 50
    assert all(p["x"].imag == 0 for p in both)


def test_real_parts_are_drawn_as_the_real_points_are() -> None:
    line = {"x": domain("[1, 2]")}
    real = draw(line, 20, BINARY32, seed=7, name="case")
    plane = draw(line, 20, BINARY32, seed=7, name="case", is_complex=True)
    assert [point["x"] for point in plane] == [complex(p["x"]) for p in real]


def test_a_rectangle_contains_what_lies_in_both_of_its_sides() -> None:
    rectangle = interval_or_rectangle("[-1, 1] + (0, 2]j")
    assert rectangle.contains(0.5 + 2j)
    assert not rectangle.contains(0.5 + 0j)
    assert not rectangle.contains(1.5 + 1j)
    assert not rectangle.contains(complex("nan+1j"))


def test_a_rectangle_is_endless_where_one_side_is() -> None:
    assert interval_or_rectangle("[-1, 1] + [0, inf)j").is_endless
    assert not interval_or_rectangle("normal + [0, 1]j").is_endless
    assert not interval_or_rectangle("normal + normalj").is_bounded


@pytest.mark.parametrize("word", ["random", "zeros", "huge", "tiny"])
def test_both_parts_of_an_upstream_gradient_are_what_a_word_says(word: str) -> None:
    real, plane = (
        gradients(
            word,
            given=2,
            drawn=3,
            format_=BINARY32,
            seed=1,
            name="case",
            is_complex=is_complex,
        )
        for is_complex in (False, True)
    )
    assert [number.real for number in plane] == real
    imaginary = [number.imag for number in plane]
    if word == "random":
        assert all(2**-4 <= abs(part) <= 2**4 for part in imaginary)
        assert len({*imaginary, *real}) == 10
    else:
        assert imaginary == real


def test_a_list_of_upstream_gradients_may_be_complex() -> None:
    numbers = (real_or_complex("1+2j"), scalar("0.1"))
    found = gradients(
        numbers,
        given=2,
        drawn=1,
        format_=BINARY32,
        seed=1,
        name="case",
        is_complex=True,
    )
    tenth = 13421773 * 2.0**-27
    assert list(map(repr, found)) == list(map(repr, [1 + 2j, complex(tenth), 1 + 2j]))
