"""The formats against the machine's own: `struct` packs them, `math.ulp` and
`math.nextafter` walk binary64."""

from __future__ import annotations

import itertools
import math
import struct
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import floats
from verifier.floats import BFLOAT16, BINARY16, BINARY32, BINARY64, FORMATS, Format

finite_doubles = st.floats(allow_nan=False, allow_infinity=False)
finite_singles = st.floats(width=32, allow_nan=False, allow_infinity=False)
rationals = st.fractions() | st.builds(
    lambda n, e: n * Fraction(2) ** e,
    st.integers(-(2**60), 2**60),
    st.integers(-1200, 1000),
)
any_format = pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)


def of_half_bits(bits: int) -> float:
    return float(struct.unpack("<e", struct.pack("<H", bits))[0])


def of_single_bits(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def single_bits(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def double_bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def is_same(left: float, right: float) -> bool:
    return left == right and math.copysign(1, left) == math.copysign(1, right)


def test_the_formats_are_those_of_ieee_754_table_3_5_and_bfloat16() -> None:
    shapes = {
        name: (f.precision_bits, f.exponent_min, f.exponent_max)
        for name, f in FORMATS.items()
    }
    assert shapes == {
        "float16": (11, -14, 15),
        "bfloat16": (8, -126, 127),
        "float32": (24, -126, 127),
        "float64": (53, -1022, 1023),
    }


def test_the_largest_and_smallest_numbers_are_those_of_the_machine() -> None:
    assert float(BINARY64.largest) == float.fromhex("0x1.fffffffffffffp+1023")
    assert float(BINARY64.smallest_normal) == float.fromhex("0x1p-1022")
    assert float(BINARY64.smallest_subnormal) == 5e-324
    assert float(BINARY32.largest) == of_single_bits(0x7F7FFFFF)
    assert float(BINARY32.smallest_normal) == of_single_bits(0x00800000)
    assert float(BINARY32.smallest_subnormal) == of_single_bits(1)
    assert BINARY16.largest == 65504
    assert float(BFLOAT16.largest) == of_single_bits(0x7F7F0000)


def test_the_positive_ordinals_of_float16_are_its_bit_patterns() -> None:
    for bits in range(0x7C01):  # up to and with infinity
        value = of_half_bits(bits)
        assert floats.from_ordinal(bits, BINARY16) == value
        assert floats.from_ordinal(-bits, BINARY16) == -value
        assert floats.ordinal(value, BINARY16) == bits
        assert floats.ordinal(-value, BINARY16) == -bits


def test_the_positive_ordinals_of_bfloat16_are_the_upper_halves_of_float32() -> None:
    for bits in range(0x7F81):
        value = of_single_bits(bits << 16)
        assert floats.from_ordinal(bits, BFLOAT16) == value
        assert floats.ordinal(value, BFLOAT16) == bits
        assert floats.ordinal(-value, BFLOAT16) == -bits


def test_16_bit_numbers_round_to_themselves_and_their_midpoints_to_the_even_one() -> (
    None
):
    for format_, last in ((BINARY16, 0x7BFF), (BFLOAT16, 0x7F7F)):
        values = [Fraction(floats.from_ordinal(o, format_)) for o in range(last + 1)]
        for position, (low, high) in enumerate(itertools.pairwise(values)):
            even = low if position % 2 == 0 else high
            assert floats.nearest(low, format_) == low
            assert floats.nearest((low + high) / 2, format_) == even
            assert floats.nearest((low + 3 * high) / 4, format_) == high


@settings(derandomize=True)
@given(finite_singles)
def test_the_ordinal_of_a_float32_is_its_bit_pattern(value: float) -> None:
    assert floats.ordinal(abs(value), BINARY32) == single_bits(abs(value))
    assert floats.from_ordinal(single_bits(abs(value)), BINARY32) == abs(value)


@settings(derandomize=True)
@given(finite_doubles)
def test_the_ordinal_of_a_float64_is_its_bit_pattern(value: float) -> None:
    assert floats.ordinal(abs(value), BINARY64) == double_bits(abs(value))
    assert floats.from_ordinal(double_bits(abs(value)), BINARY64) == abs(value)


@settings(derandomize=True)
@given(finite_doubles, finite_doubles)
def test_ordinals_increase_with_their_numbers(left: float, right: float) -> None:
    below = floats.ordinal(left, BINARY64) < floats.ordinal(right, BINARY64)
    assert below == (left < right)


@settings(derandomize=True)
@given(finite_doubles)
def test_the_ulp_is_that_of_the_machine(value: float) -> None:
    assert floats.ulp(Fraction(value), BINARY64) == Fraction(math.ulp(value))


@settings(derandomize=True)
@given(finite_doubles)
def test_the_neighbour_is_that_of_the_machine(value: float) -> None:
    assert floats.neighbour(value, 1, BINARY64) == math.nextafter(value, math.inf)
    assert floats.neighbour(value, -1, BINARY64) == math.nextafter(value, -math.inf)


@settings(derandomize=True)
@given(finite_doubles)
def test_a_double_is_rounded_to_float32_as_the_machine_does(value: float) -> None:
    try:
        expected = float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        expected = math.copysign(math.inf, value)
    assert floats.nearest(Fraction(value), BINARY32) == expected


@settings(derandomize=True)
@given(finite_doubles)
def test_a_double_is_rounded_to_float16_as_the_machine_does(value: float) -> None:
    try:
        expected = float(struct.unpack("<e", struct.pack("<e", value))[0])
    except OverflowError:
        expected = math.copysign(math.inf, value)
    assert floats.nearest(Fraction(value), BINARY16) == expected


@settings(derandomize=True)
@given(rationals)
def test_a_rational_is_rounded_to_float64_as_python_divides(value: Fraction) -> None:
    # CPython divides integers with correct rounding.
    try:
        expected = value.numerator / value.denominator
    except OverflowError:
        expected = math.copysign(math.inf, value)
    assert floats.nearest(value, BINARY64) == expected


@any_format
def test_the_number_halfway_past_the_largest_overflows(format_: Format) -> None:
    halfway = format_.largest + floats.ulp(format_.largest, format_) / 2
    below = halfway - Fraction(1, 10**400)
    assert floats.nearest(halfway, format_) == math.inf
    assert floats.nearest(-halfway, format_) == -math.inf
    assert floats.nearest(below, format_) == format_.largest


@any_format
def test_underflow_keeps_its_sign(format_: Format) -> None:
    half = format_.smallest_subnormal / 2
    assert is_same(floats.nearest(half, format_), 0.0)
    assert is_same(floats.nearest(-half, format_), -0.0)
    assert floats.nearest(half * Fraction(3, 2), format_) == 2 * half


@any_format
def test_the_ulp_of_zero_and_of_subnormals_is_the_smallest_number(
    format_: Format,
) -> None:
    smallest = format_.smallest_subnormal
    assert floats.ulp(Fraction(0), format_) == smallest
    assert floats.ulp(smallest, format_) == smallest
    assert floats.ulp(format_.smallest_normal, format_) == smallest
    assert floats.ulp(2 * format_.smallest_normal, format_) == 2 * smallest


@any_format
def test_the_ulp_just_above_and_below_a_power_of_two_differ_by_a_factor_of_two(
    format_: Format,
) -> None:
    at_one = Fraction(2) ** (1 - format_.precision_bits)
    assert floats.ulp(Fraction(1), format_) == at_one
    assert floats.ulp(Fraction(999, 1000), format_) == at_one / 2
    assert floats.ulp(Fraction(-1), format_) == at_one


@settings(derandomize=True)
@given(rationals.filter(bool))
def test_the_exponent_brackets_its_number(value: Fraction) -> None:
    found = floats.exponent(value)
    assert Fraction(2) ** found <= abs(value) < Fraction(2) ** (found + 1)


@any_format
def test_the_ordinal_past_the_largest_is_infinity_and_steps_stop_there(
    format_: Format,
) -> None:
    largest = float(format_.largest)
    assert floats.ordinal(math.inf, format_) == floats.ordinal(largest, format_) + 1
    assert floats.ordinal(-math.inf, format_) == -floats.ordinal(math.inf, format_)
    assert floats.neighbour(largest, 1, format_) == math.inf
    assert floats.neighbour(largest, 10**30, format_) == math.inf
    assert floats.neighbour(-largest, -(10**30), format_) == -math.inf
    assert floats.neighbour(math.inf, -1, format_) == largest


@any_format
def test_steps_cross_zero(format_: Format) -> None:
    smallest = float(format_.smallest_subnormal)
    assert is_same(floats.neighbour(-smallest, 1, format_), 0.0)
    assert floats.neighbour(-smallest, 2, format_) == smallest
    assert floats.ordinal(-0.0, format_) == 0


def test_nan_has_no_ordinal() -> None:
    with pytest.raises(ValueError, match="NaN has no ordinal"):
        floats.ordinal(math.nan, BINARY32)


def test_what_is_a_number_of_a_format() -> None:
    assert floats.is_number(0.1, BINARY64)
    assert not floats.is_number(0.1, BINARY32)
    assert floats.is_number(of_single_bits(0x3DCCCCCD), BINARY32)
    assert floats.is_number(-0.0, BINARY16)
    assert floats.is_number(math.inf, BINARY16)
    assert floats.is_number(math.nan, BFLOAT16)
    assert not floats.is_number(65536.0, BINARY16)
    assert not floats.is_number(5e-324, BINARY32)


# ── spelling ──────────────────────────────────────────────────────────────────────────


@settings(derandomize=True)
@given(finite_singles)
def test_the_shortest_decimal_of_a_float32_reads_back(value: float) -> None:
    text = floats.shortest(value, BINARY32)
    assert floats.nearest(Fraction(text), BINARY32) == value
    # Nine digits always suffice in binary32 (IEEE 754-2019, section 5.12.2).
    assert len(Decimal(text).normalize().as_tuple().digits) <= 9


@settings(derandomize=True)
@given(st.floats())
def test_a_float64_is_spelt_as_python_spells_it(value: float) -> None:
    assert floats.shortest(value, BINARY64) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (of_single_bits(0x3DCCCCCD), "0.1"),
        (float.fromhex("0x1.921fb6p+1"), "3.1415927"),
        (100.0, "100.0"),
        (-0.0, "-0.0"),
        (math.inf, "inf"),
    ],
)
def test_the_shortest_decimal_of_a_float32_is_short(value: float, text: str) -> None:
    assert floats.shortest(value, BINARY32) == text


@settings(derandomize=True)
@given(rationals.filter(bool), st.integers(1, 30))
def test_a_decimal_is_rounded_as_the_decimal_module_rounds(
    value: Fraction, digits: int
) -> None:
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN, Emax=10**6, Emin=-(10**6))
    expected = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    assert Fraction(floats.decimal(value, digits)) == Fraction(expected)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(369), "369"),
        (Fraction(-1, 3), "-0.33333333333333333333"),
        (Fraction(1, 8), "0.125"),
        (Fraction(10**19), "10000000000000000000"),
        (Fraction(10**20), "1e+20"),
        (Fraction(10**21 - 1, 10), "1e+20"),
        (Fraction(1, 10**5), "0.00001"),
        (Fraction(15, 10**7), "1.5e-06"),
        (Fraction(-25, 10), "-2.5"),
    ],
)
def test_a_decimal_is_positional_near_one_and_has_no_trailing_zeros(
    value: Fraction, text: str
) -> None:
    assert floats.decimal(value) == text


@settings(derandomize=True)
@given(rationals.filter(bool), rationals.filter(bool))
def test_a_decimal_within_an_interval_has_no_digit_finer_than_the_interval(
    middle: Fraction, width: Fraction
) -> None:
    width = min(abs(width), abs(middle) / 10)
    text = floats.decimal_within(middle - width / 2, middle + width / 2)
    unit = Fraction(10) ** int(Decimal(text).as_tuple().exponent)
    finest = abs(middle) / 10**20
    assert unit > max(width, finest)
    assert abs(Fraction(text) - middle) <= max(5 * width, 5 * finest)


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        ("0.333333332", "0.333333334", "0.33333333"),
        ("-2.6566e45", "-2.6313e45", "-2.6e+45"),
        ("0.5000000001", "0.5000000014", "0.5"),
        ("0.25", "0.25", "0.25"),
        ("1", "9", "5"),
        ("1e-1000", "3e-1000", "2e-1000"),
    ],
)
def test_a_decimal_within_an_interval_stops_where_the_interval_does(
    lower: str, upper: str, text: str
) -> None:
    assert floats.decimal_within(Fraction(lower), Fraction(upper)) == text


# ── a format without infinities ───────────────────────────────────────────────────────

E4M3FN = Format(
    name="float8_e4m3fn",
    bits=8,
    precision_bits=4,
    exponent_min=-6,
    exponent_max=8,
    relative_tolerance=Fraction(1, 8),
    missing=1,
    overflow=math.nan,
)
"""Eight bits, of which the code of all ones is NaN (P. Micikevicius et al., FP8 Formats
for Deep Learning, 2022)."""


def test_the_numbers_of_a_format_without_infinities_are_pytorchs() -> None:
    codes = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn)
    numbers = sorted({x for x in codes.float().tolist() if not math.isnan(x)})
    assert (len(numbers), E4M3FN.largest) == (253, 448)
    for lower, upper in itertools.pairwise(numbers):
        assert floats.neighbour(lower, 1, E4M3FN) == upper
        middle = (Fraction(lower) + Fraction(upper)) / 2
        third = (2 * Fraction(lower) + Fraction(upper)) / 3
        assert floats.nearest(middle, E4M3FN) in (lower, upper)
        assert floats.nearest(third, E4M3FN) == lower


def test_what_overflows_without_infinities_is_nan_and_the_largest_has_no_neighbour() -> (
    None
):
    assert floats.nearest(Fraction(463), E4M3FN) == 448
    assert math.isnan(floats.nearest(Fraction(465), E4M3FN))
    assert floats.neighbour(448.0, 1, E4M3FN) == 448
    assert floats.neighbour(-448.0, -3, E4M3FN) == -448
