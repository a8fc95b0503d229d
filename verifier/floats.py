"""Binary floating-point formats as data: exact values, rounding, ulps and ordinals.

A number of any of these formats is held in a Python float, which contains all of them
exactly; exact reals are `Fraction`s. Nothing here computes in floating point.
Reference: IEEE Std 754-2019, sections 3 and 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

Number = Any
"""A number of a dtype: a `float`, or of a complex one a `complex`."""
Point = Mapping[str, Number]
"""A number of the dtype for each variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A binary format: `precision_bits` counts the hidden bit; exponents are those of
    1.xxx · 2^e."""

    name: str
    bits: int
    """Of the whole number, sign and exponent included."""
    precision_bits: int
    exponent_min: int
    exponent_max: int
    relative_tolerance: Fraction
    """`torch.testing.assert_close`'s rtol for the dtype."""
    missing: int = 0
    """How many of the largest numbers of the last binade are NaN in the place of
    numbers."""
    overflow: float = math.inf
    """What rounds beyond the largest number: an infinity, or NaN where there is
    none."""

    @property
    def is_small(self) -> bool:
        """Whether its numbers are few enough to try them all."""
        return self.bits <= 16

    @property
    def largest(self) -> Fraction:
        """The largest finite number."""
        return _largest(self.exponent_max, self.precision_bits, self.missing)

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next number."""
        return math.ldexp(1.0, 1 - self.precision_bits)

    @property
    def smallest_normal(self) -> Fraction:
        """The smallest positive normal number."""
        return power_of_two(self.exponent_min)

    @property
    def smallest_subnormal(self) -> Fraction:
        """The smallest positive number, which is also the ulp of zero."""
        return power_of_two(self.exponent_min - self.precision_bits + 1)


@lru_cache
def _largest(exponent_max: int, precision_bits: int, missing: int) -> Fraction:
    grain = power_of_two(exponent_max - precision_bits + 1)
    return power_of_two(exponent_max + 1) - (1 + missing) * grain


@lru_cache(maxsize=8192)
def power_of_two(power: int) -> Fraction:
    """2^power."""
    return Fraction(1 << power) if power >= 0 else Fraction(1, 1 << -power)


BINARY16 = Format(
    name="float16",
    bits=16,
    precision_bits=11,
    exponent_min=-14,
    exponent_max=15,
    relative_tolerance=Fraction(1, 1000),
)
BFLOAT16 = Format(
    name="bfloat16",
    bits=16,
    precision_bits=8,
    exponent_min=-126,
    exponent_max=127,
    relative_tolerance=Fraction(16, 1000),
)
BINARY32 = Format(
    name="float32",
    bits=32,
    precision_bits=24,
    exponent_min=-126,
    exponent_max=127,
    relative_tolerance=Fraction(13, 10_000_000),
)
BINARY64 = Format(
    name="float64",
    bits=64,
    precision_bits=53,
    exponent_min=-1022,
    exponent_max=1023,
    relative_tolerance=Fraction(1, 10_000_000),
)

FORMATS = {
    format_.name: format_ for format_ in (BINARY16, BFLOAT16, BINARY32, BINARY64)
}
SMALL_DTYPES = tuple(name for name, format_ in FORMATS.items() if format_.is_small)
"""Those of which every number can be tried."""
COMPLEX = {"complex64": BINARY32, "complex128": BINARY64}
"""The complex dtypes, by the format of their parts."""
DTYPES = (*FORMATS, *COMPLEX)
"""Every dtype that a case may name."""


def of_parts(dtype: str) -> Format:
    """The format of a dtype's numbers, or of a complex one's parts."""
    return COMPLEX[dtype] if dtype in COMPLEX else FORMATS[dtype]


def exponent(value: Fraction) -> int:
    """The e with 2^e ≤ |value| < 2^(e+1); `value` is not zero."""
    numerator, denominator = abs(value.numerator), value.denominator
    guess = numerator.bit_length() - denominator.bit_length()
    # 2^guess lies within a factor of two of |value|; one comparison settles which side.
    if guess >= 0:
        return guess if numerator >= denominator << guess else guess - 1
    return guess if numerator << -guess >= denominator else guess - 1


def ulp(value: Fraction, format_: Format) -> Fraction:
    """The unit in the last place at `value`: 2^(max(e, e_min) − p + 1) (J.-M. Muller,
    RR-5504, 2005)."""
    if value == 0:
        return format_.smallest_subnormal
    return power_of_two(_grain(value, format_))


def _grain(value: Fraction, format_: Format) -> int:
    """The exponent of the ulp at a value that is not zero."""
    return max(exponent(value), format_.exponent_min) - format_.precision_bits + 1


def nearest(value: Fraction, format_: Format) -> float:
    """The number of the format nearest to `value`, ties to even; where it overflows
    ±inf, or NaN of a format without infinities."""
    if value == 0:
        return 0.0
    grain = _grain(value, format_)
    numerator, denominator = abs(value.numerator), value.denominator
    if grain >= 0:
        denominator <<= grain
    else:
        numerator <<= -grain
    steps, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and steps % 2):
        steps += 1
    if steps.bit_length() + grain - 1 > format_.exponent_max:
        rounded = format_.overflow
    else:
        rounded = math.ldexp(steps, grain)
        if format_.missing and rounded > format_.largest:
            rounded = format_.overflow
    # A tiny negative value rounds to -0.0, as the hardware does.
    return -rounded if value.numerator < 0 else rounded


def is_number(value: float, format_: Format) -> bool:
    """Whether `value` (inf and NaN included) is a number of the format."""
    return not math.isfinite(value) or nearest(Fraction(value), format_) == value


def is_same(first: complex, second: complex) -> bool:
    """Whether two numbers have the same bits; every NaN is the same."""
    if isinstance(first, complex) or isinstance(second, complex):
        return is_same(first.real, second.real) and is_same(first.imag, second.imag)
    if first != first or second != second:
        return first != first and second != second
    return first == second and math.copysign(1, first) == math.copysign(1, second)


def ordinal(value: float, format_: Format) -> int:
    """The position of a number among those of its format; 0 for ±0, odd about 0,
    increasing."""
    if math.isnan(value):
        raise ValueError("NaN has no ordinal")
    sign = -1 if value < 0 else 1
    if math.isinf(value):
        return sign * (ordinal(float(format_.largest), format_) + 1)
    if value == 0:
        return 0
    exact = abs(Fraction(value))
    grain = max(exponent(exact), format_.exponent_min)
    steps = exact / power_of_two(grain - format_.precision_bits + 1)
    binades = grain - format_.exponent_min
    return sign * (int(steps) + (binades << (format_.precision_bits - 1)))


def from_ordinal(position: int, format_: Format) -> float:
    """The number at a position; the inverse of `ordinal`, with +0.0 at 0 and ±inf past
    the largest."""
    hidden = 1 << (format_.precision_bits - 1)
    binades, rest = divmod(abs(position), hidden)
    if binades:  # a normal number: put the hidden bit back
        binades, rest = binades - 1, rest + hidden
    exact = rest * power_of_two(
        format_.exponent_min + binades - format_.precision_bits + 1
    )
    if exact > format_.largest:
        return math.copysign(math.inf, position)
    return math.copysign(float(exact), position) if position else 0.0


def neighbour(value: float, steps: int, format_: Format) -> float:
    """The number `steps` places above `value` (below, if negative), stopping at ±inf,
    or at the largest number of a format without infinities."""
    limit = ordinal(math.inf, format_) - math.isnan(format_.overflow)
    return from_ordinal(
        max(-limit, min(limit, ordinal(value, format_) + steps)), format_
    )


# ── spelling ──────────────────────────────────────────────────────────────────────────


def shortest(value: float, format_: Format) -> str:
    """The shortest decimal that the format rounds to `value`, spelled as Python spells
    floats."""
    if not math.isfinite(value) or format_ is BINARY64:
        return repr(value)
    spellings = (f"{value:.{digits}g}" for digits in range(1, 18))
    return repr(
        next(
            float(text)
            for text in spellings
            if nearest(Fraction(text), format_) == value
        )
    )


def shortest_complex(value: complex, format_: Format) -> str:
    """The number as `1.0+2.0j`, each part spelt as `shortest` does."""
    return joined(*(shortest(part, format_) for part in (value.real, value.imag)))


def joined(real: str, imaginary: str) -> str:
    """The two parts of a complex number, as `1.0+2.0j`."""
    sign = "" if imaginary.startswith("-") else "+"
    return f"{real}{sign}{imaginary}j"


def decimal(value: Fraction, digits: int = 20) -> str:
    """`value` to `digits` significant decimal digits, without trailing zeros; an
    integer of so many digits in full."""
    if value == 0:
        return "0"
    scale = digits - 1 - _decimal_exponent(value)
    rounded = round(value * Fraction(10) ** scale)
    text = str(abs(rounded))
    scale_back = len(text) - 1 - scale
    sign = "-" if value < 0 else ""
    if -5 <= scale_back < digits:
        return sign + _positional(text, scale_back)
    mantissa = (text[0] + "." + text[1:]).rstrip("0").rstrip(".")
    return f"{sign}{mantissa}e{scale_back:+03d}"


def decimal_within(lower: Fraction, upper: Fraction, digits: int = 20) -> str:
    """The middle of an interval to as many of `digits` as it decides: the last one's
    unit is no less than its width."""
    middle, width = (lower + upper) / 2, upper - lower
    if middle and width:
        known = _decimal_exponent(middle) - _decimal_exponent(width)
        digits = max(1, min(digits, known))
    return decimal(middle, digits)


def _positional(digits: str, exponent: int) -> str:
    if exponent < 0:
        return ("0." + "0" * (-exponent - 1) + digits).rstrip("0")
    whole, rest = digits[: exponent + 1], digits[exponent + 1 :].rstrip("0")
    return f"{whole}.{rest}" if rest else whole


def _decimal_exponent(value: Fraction) -> int:
    """The n with 10^n ≤ |value| < 10^(n+1)."""
    guess = math.floor(exponent(value) * math.log10(2))
    # |value| lies in [2^e, 2^(e+1)): the guess is right or one too small.
    return guess + 1 if abs(value) >= Fraction(10) ** (guess + 1) else guess
