"""Numbers and intervals as they are written."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import mpmath  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import floats
from verifier.errors import ExpressionError
from verifier.floats import BFLOAT16, BINARY16, BINARY32, BINARY64, FORMATS
from verifier.language.points import enclosing
from verifier.language.points.domains import domain
from verifier.language.points.scalars import scalar

# The first 100 decimals: OEIS A000796 and A001113.
PI_100 = "3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679"
E_100 = "2.7182818284590452353602874713526624977572470936999595749669676277240766303535475945713821785251664274"

finite_doubles = st.floats(allow_nan=False, allow_infinity=False)
any_format = pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)


def is_negative_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


# ── numbers ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Fraction(0)),
        ("-0", Fraction(0)),
        ("100", Fraction(100)),
        ("+7", Fraction(7)),
        ("1_000", Fraction(1000)),
        ("0.1", Fraction(1, 10)),
        ("-0.1", Fraction(-1, 10)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1_000.5", Fraction(2001, 2)),
        ("1e-7", Fraction(1, 10**7)),
        ("1.5E3", Fraction(1500)),
        ("1/3", Fraction(1, 3)),
        ("-22/7", Fraction(-22, 7)),
        ("1 / 3", Fraction(1, 3)),
        ("0x1.8p-3", Fraction(3, 16)),
        ("-0X.8P1", Fraction(-1)),
        ("0x10", Fraction(16)),
        ("0x1p-1080", Fraction(1, 2**1080)),
        ("2**10", Fraction(1024)),
        ("2**-3", Fraction(1, 8)),
        ("-(1 + 2)*3/4 - 1", Fraction(-13, 4)),
        ("0**0", Fraction(1)),
        ("  7 ", Fraction(7)),
        ("0.0", Fraction(0)),
    ],
)
def test_a_number_is_the_rational_it_spells(text: str, value: Fraction) -> None:
    assert scalar(text).exact == value
    assert scalar(text).text == text.strip()
    assert scalar(text).is_finite


@settings(derandomize=True)
@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=20)
    | st.decimals(
        allow_nan=False,
        allow_infinity=False,
        min_value=Decimal("-1e300"),
        max_value=Decimal("1e300"),
    )
)
def test_a_decimal_is_the_rational_it_spells(value: Decimal) -> None:
    assert scalar(str(value)).exact == Fraction(value)


@settings(derandomize=True)
@given(finite_doubles)
def test_a_hexadecimal_float_is_read_as_python_reads_it(value: float) -> None:
    assert scalar(value.hex()).exact == Fraction(float.fromhex(value.hex()))


@settings(derandomize=True)
@given(finite_doubles)
def test_a_float_from_python_is_the_binary_number_it_holds(value: float) -> None:
    assert scalar(value).exact == Fraction(value)
    assert is_negative_zero(scalar(value).nearest(BINARY64)) == is_negative_zero(value)


def test_integers_and_fractions_from_python_are_exact() -> None:
    assert scalar(10**400).exact == 10**400
    assert scalar(Fraction(1, 3)).exact == Fraction(1, 3)
    assert scalar(Fraction(1, 3)).text == "1/3"


def test_numbers_of_numpy_are_exact() -> None:
    numpy = pytest.importorskip("numpy")
    assert scalar(numpy.float32(0.1)).exact == Fraction(float(numpy.float32(0.1)))
    assert scalar(numpy.int64(-3)).exact == -3


@pytest.mark.parametrize("value", ["inf", "+inf", math.inf])
def test_infinity_is_not_finite(value: str | float) -> None:
    found = scalar(value)
    assert found.nearest(BINARY32) == math.inf
    assert not found.is_finite
    assert found.exact is None


def test_minus_infinity_and_nan_are_read() -> None:
    assert scalar("-inf").nearest(BINARY32) == -math.inf
    assert scalar(-math.inf).nearest(BINARY32) == -math.inf
    assert math.isnan(scalar("nan").nearest(BINARY32))
    assert scalar("nan") == scalar(math.nan)


@pytest.mark.parametrize("value", ["-0.0", "-0e5", "-.0", "-0x0p0", -0.0])
def test_minus_zero_keeps_its_sign(value: str | float) -> None:
    found = scalar(value)
    assert is_negative_zero(found.nearest(BINARY32))
    assert found.exact == 0
    assert found.is_finite


@pytest.mark.parametrize("value", ["0.0", "-0", 0, 0.0, "-0/3"])
def test_other_zeros_have_no_sign(value: str | float) -> None:
    assert not is_negative_zero(scalar(value).nearest(BINARY64))


@pytest.mark.parametrize(
    ("text", "digits"), [("pi", PI_100), ("e", E_100), ("E", E_100)]
)
def test_the_enclosures_of_pi_and_e_hold_their_published_digits(
    text: str, digits: str
) -> None:
    found = scalar(text)
    assert Fraction(digits) <= found.lower < found.upper
    assert found.upper <= Fraction(digits) + Fraction(1, 10**100)
    assert found.exact is None


@pytest.mark.parametrize(
    "text",
    ["pi", "e", "pi/4", "-2*pi", "pi**2 - e", "e**-3", "1/(pi - 3)", "(pi - 4)**3"],
)
def test_a_constant_expression_is_enclosed_to_400_digits(text: str) -> None:
    found = scalar(text)
    with mpmath.workdps(600):
        reference = eval(text, {"pi": +mpmath.pi, "e": +mpmath.e})
        exact = Fraction(*mpmath.libmp.to_rational(reference._mpf_))
    assert found.lower < exact < found.upper
    assert (found.upper - found.lower) / abs(exact) < Fraction(1, 10**400)


def test_an_even_power_of_what_may_be_zero_is_not_negative() -> None:
    found = scalar("(pi - pi)**2")
    assert found.lower == 0 < found.upper


def test_a_constant_is_rounded_to_the_nearest_number() -> None:
    assert scalar("pi").nearest(BINARY64) == math.pi
    assert scalar("pi/4").nearest(BINARY64) == math.pi / 4
    assert scalar("e").nearest(BINARY64) == math.e
    assert scalar("pi").nearest(BINARY32) == float.fromhex("0x1.921fb6p+1")
    assert scalar("pi").nearest(BINARY16) == 3.140625
    assert scalar("0.1").nearest(BINARY64) == 0.1
    assert scalar("1/3").nearest(BFLOAT16) == float.fromhex("0x1.56p-2")


def test_a_tie_is_rounded_to_even() -> None:
    assert scalar("2049").nearest(BINARY16) == 2048
    assert scalar("2051").nearest(BINARY16) == 2052


def test_what_overflows_is_rounded_to_infinity() -> None:
    assert scalar("1e39").nearest(BINARY32) == math.inf
    assert scalar("-1e400").nearest(BINARY64) == -math.inf


def test_a_constant_whose_digits_cancel_cannot_be_rounded() -> None:
    with pytest.raises(
        ExpressionError, match="whose digits decide its float64, found `pi - pi`"
    ):
        scalar("pi - pi").nearest(BINARY64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a number such as .*, found ``"),
        ("abc", r"expected a number such as `0\.1`.*, found `abc`\.$"),
        ("1.2.3", "found `1.2.3`: expected an operator before `.3`, found none"),
        ("1__0", "found `1__0`"),
        ("٣", "found `٣`"),
        ("0x", "found `0x`, which has no digits"),
        ("0x.p1", "which has no digits"),
        ("1/0", "column 1: expected a divisor that is not 0, found `1/0`"),
        ("1/(pi - pi)", "expected a divisor that is not 0"),
        ("(pi - pi)**-1", "expected a divisor that is not 0"),
        ("0**-1", "expected a divisor that is not 0"),
        ("2**0.5", r"expected an integer exponent, found `2\*\*0\.5`"),
        ("2**pi", "expected an integer exponent"),
        (
            "1 + sin(1)",
            r"column 5: expected only \+ - \* / \*\*, pi and e .* `sin\(1\)`",
        ),
        ("2*inf", "column 3: expected only .* found `inf`"),
        ("1e99999", "at most 14000 bits, found `1e99999`"),
        ("1e-99999999999999999999", "at most 14000 bits"),
        ("1e14000", "at most 14000 bits"),
        ("0x1p99999", "at most 14000 bits"),
        ("9**9**9", "expected constants of at most"),
        ("pi**100000", "expected a smaller constant"),
        ("*".join(["pi"] * 1000), "expected a smaller constant"),
        ("1" * 5000, "at most 4000 characters, found 5000"),
    ],
)
def test_what_is_no_number_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        scalar(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "found `true`"),
        (None, "found a value of type `NoneType`"),
        (10**5000, "found an integer, which has more"),
        (Fraction(1, 10**5000), "found a fraction, which has more"),
    ],
    ids=["bool", "none", "integer", "fraction"],  # pytest cannot print such integers
)
def test_a_python_object_that_is_no_number_is_refused(
    value: object, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        scalar(value)  # type: ignore[arg-type]


# ── intervals ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("[-10, 10]", [-10.0, 0.0, 10.0], [-10.000000000000002, 11.0]),
        ("(0, 5]", [5e-324, 5.0], [0.0, -0.0, 5.000000000000001]),
        ("[0,1)", [0.0, -0.0, 0.9999999999999999], [1.0, -5e-324]),
        ("(0, inf)", [5e-324, 1.7e308], [0.0, math.inf, math.nan]),
        ("(-inf, 0)", [-1.0], [0.0, -math.inf]),
        ("(-inf, inf)", [0.0], [math.inf, math.nan]),
        ("[-pi, pi]", [math.pi, -math.pi], [3.1415926535897936]),
        ("[0.1, 1]", [0.1], [0.09999999999999999]),
        ("[0.3, 1]", [0.30000000000000004], [0.3]),  # the double 0.3 is less than 3/10
        (" [ 1/3 , 0x1p0 ] ", [0.5, 1.0], [0.333]),
    ],
)
def test_an_interval_contains_exactly_its_numbers(
    text: str, inside: list[float], outside: list[float]
) -> None:
    found = domain(text)
    assert [value for value in inside if not found.contains(value)] == []
    assert [value for value in outside if found.contains(value)] == []


def test_an_interval_is_written_as_it_was_read() -> None:
    assert str(domain("(0,  pi/2]")) == "(0, pi/2]"
    assert domain("[0, 1]").is_bounded
    assert not domain("[0, inf)").is_bounded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[4, -4]",
            r"expected lower < upper, found \[4, -4\]\. "
            r"Swap the bounds, or give a single point in `at`\.",
        ),
        ("[4, 4]", "expected lower < upper"),
        ("[pi, pi]", "expected lower < upper"),
        ("(inf, 3)", "expected lower < upper"),
        ("(inf, inf)", "expected lower < upper"),
        ("(3, -inf)", "expected lower < upper"),
        ("[0, inf]", r"open end at infinity, found \[0, inf\]\. .* beside `inf`"),
        ("[-inf, 0]", "open end at infinity"),
        ("(nan, 1)", r"expected ends that are numbers, found \(nan, 1\)"),
        ("", "expected an interval such as .* found ``"),
        ("[", "expected an interval such as"),
        ("[1]", r"expected an interval such as .* found `\[1\]`"),
        ("[1, 2, 3]", "expected an interval"),
        ("1, 2", "expected an interval"),
        ("{1, 2}", "expected an interval"),
        ("[0, abc]", "expected a number such as .* found `abc`"),
    ],
)
def test_what_is_no_interval_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        domain(text)


def test_the_column_of_an_error_in_an_end_counts_within_the_interval() -> None:
    with pytest.raises(ExpressionError) as caught:
        domain(" [0,  1 + sin(1)]")
    assert caught.value.place.column == 1 + " [0,  1 + sin(1)]".index("sin")


def test_the_ordinals_of_an_interval_are_all_its_numbers() -> None:
    for text in ("[-0.1, 1)", "(pi, 4]", "(-inf, -2)"):
        found = domain(text)
        every = [floats.from_ordinal(o, BINARY16) for o in range(-0x7BFF, 0x7C00)]
        inside = [value for value in every if found.contains(value)]
        ordinals = found.ordinals(BINARY16)
        assert [floats.from_ordinal(o, BINARY16) for o in ordinals] == inside


def test_the_enclosures_are_computed_once() -> None:
    scalar("pi + 1")
    before = enclosing.pi.cache_info().misses
    scalar("pi + 2")
    assert enclosing.pi.cache_info().misses == before
