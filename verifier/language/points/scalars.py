"""Numbers as case files spell them: exact first, rounded to a dtype last.

Nothing here computes in floating point. A decimal is the rational that it spells. A
real number has no imaginary part, which stands for +0 where a complex dtype asks for
one.
"""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn, TypeGuard

from verifier import floats
from verifier.errors import ExpressionError, shortened
from verifier.floats import Number
from verifier.language.operations import table as operations
from verifier.language.points.enclosing import enclose
from verifier.language.programs import parsing
from verifier.language.programs.constants import bits

LONGEST_NUMBER = 4_000
"""Characters of one number; Python refuses to convert integers of more than 4300
digits."""
LARGEST_NUMBER_BITS = 14_000
"""Bits of numerator or denominator: less than 4300 digits, far beyond any format's
range."""
LARGEST_EXPONENT = 14_000
"""The largest exponent that is multiplied out before the bits are counted."""

_FORMS = "a number such as `0.1`, `1/3`, `0x1.8p-3`, `-inf` or `pi/4`"
_DECIMAL = re.compile(
    r"[+-]?(?:\d[\d_]*\.?|\.(?=\d))(?:\d[\d_]*)?(?P<exponent>[eE][+-]?\d+)?"
)
_HEXADECIMAL = re.compile(
    r"(?P<sign>[+-]?)0[xX](?P<whole>[0-9a-fA-F]*)(?P<fraction>\.[0-9a-fA-F]*)?"
    r"(?:[pP](?P<exponent>[+-]?\d+))?"
)
_RATIONAL = re.compile(r"[+-]?\d+/\d+")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_EXPONENT = re.compile(r"[\d.][eE]$|[\da-fA-F.][pP]$")
"""What stands before the sign of an exponent."""
_SPECIALS = {
    "inf": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "nan": math.nan,
    "+nan": math.nan,
    "-nan": math.nan,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """An exact number as it is written.

    `lower` and `upper` enclose its real part and are equal unless that is irrational.
    `special` is given for what no rational says: the infinities and NaN (whose ends are
    0 and mean nothing), and -0.0 (whose ends are 0). Of a complex number, `text` is all
    of it, and both parts are finite.
    """

    text: str
    lower: Fraction
    upper: Fraction
    special: float | None = None
    imaginary: Scalar | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def is_finite(self) -> bool:
        """Whether this is neither an infinity nor NaN."""
        return self.special is None or math.isfinite(self.special)

    @property
    def is_complex(self) -> bool:
        """Whether it is written as a complex number."""
        return self.imaginary is not None

    @property
    def parts(self) -> tuple[Scalar, Scalar]:
        """The real and the imaginary part."""
        if self.imaginary is None:
            return self, _ZERO
        return replace(self, imaginary=None), self.imaginary

    @property
    def exact(self) -> Fraction | None:
        """The rational that the real part is; None where it is irrational or not
        finite."""
        return self.lower if self.is_finite and self.lower == self.upper else None

    def rounded(self, format_: floats.Format, *, is_complex: bool) -> Number:
        """The nearest number of a dtype, complex or real, whose parts are of the
        format."""
        if not is_complex:
            return self.nearest(format_)
        return complex(*(part.nearest(format_) for part in self.parts))

    def nearest(self, format_: floats.Format) -> float:
        """The number of the format nearest to the real part, ties to even.

        ±inf where it overflows. Raises `ExpressionError` where the enclosure is too
        wide to decide, which takes cancellation (`pi - pi`).
        """
        if self.special is not None:
            return self.special
        low = floats.nearest(self.lower, format_)
        if self.lower == self.upper:
            return low
        high = floats.nearest(self.upper, format_)
        if (low, math.copysign(1, low)) != (high, math.copysign(1, high)):
            raise ExpressionError(
                f"expected a constant whose digits decide its {format_.name}, found `{shortened(self.text)}`, "
                "whose digits cancel. Write the number itself."
            )
        return low


_ZERO = Scalar(text="0", lower=Fraction(0), upper=Fraction(0))


def scalar(value: str | int | float | Fraction) -> Scalar:
    """The real number that `value` spells, exactly; a float is the binary number it
    holds.

    Raises `ExpressionError` for what is not one.
    """
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, numbers.Rational) and not isinstance(value, bool):
        number = Fraction(int(value.numerator), int(value.denominator))
        _check_size(number, "an integer" if number.denominator == 1 else "a fraction")
        return Scalar(text=str(number), lower=number, upper=number)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        # Of NumPy's scalars: all of their values are exact.
        return _of_float(float(value))
    raise ExpressionError(f"expected {_FORMS}, found {_kind(value)}.")


def real_or_complex(value: str | int | float | Fraction | complex) -> Scalar:
    """The number that `value` spells: complex where it ends in `j` or is Python's
    complex.

    Such as `1+2j`, `-0.0+1j` or `1/3 - 2/7j`. Raises `ExpressionError` for what is
    none.
    """
    if isinstance(value, complex):
        text = floats.shortest_complex(value, floats.BINARY64)
        return _of_parts(text, scalar(value.real), scalar(value.imag))
    if not ends_in_j(value):
        return scalar(value)
    head, tail = _split(value.strip()[:-1].rstrip().removesuffix("*"))
    blank = tail.replace(" ", "") in ("", "+", "-")
    imaginary = scalar(_joined(tail) + ("1" if blank else ""))
    return _of_parts(value.strip(), scalar(head) if head else _ZERO, imaginary)


def ends_in_j(value: object) -> TypeGuard[str]:
    """Whether a text is meant for a complex number, or for a rectangle of them."""
    return isinstance(value, str) and value.rstrip()[-1:] in ("j", "J")


# ── text → real number ──────────────────────────────────────────────────────────────


@lru_cache(maxsize=4096)
def _of_text(text: str) -> Scalar:
    if len(text) > LONGEST_NUMBER:
        raise ExpressionError(
            f"expected a number of at most {LONGEST_NUMBER} characters, found {len(text)}. Write fewer digits."
        )
    if text in _SPECIALS:
        return _special(text, _SPECIALS[text])
    if not text.isascii():  # `\d` would take the digits of other scripts
        raise ExpressionError(f"expected {_FORMS}, found `{shortened(text)}`.")
    if _is_decimal(text):
        return _of_rational(text, _decimal(text), signed_zero=not text[1:].isdigit())
    if _RATIONAL.fullmatch(text) and int(text.partition("/")[2]):
        return _of_rational(text, Fraction(text), signed_zero=False)
    if _HEXADECIMAL.fullmatch(text):
        return _of_rational(text, _hexadecimal(text), signed_zero=True)
    return _of_expression(text)


def _is_decimal(text: str) -> bool:
    return _DECIMAL.fullmatch(text) is not None and "__" not in text


def _of_rational(text: str, number: Fraction, *, signed_zero: bool) -> Scalar:
    _check_size(number, f"`{shortened(text)}`")
    if signed_zero and number == 0 and text.startswith("-"):
        return _special(text, -0.0)
    return Scalar(text=text, lower=number, upper=number)


def _of_float(value: float) -> Scalar:
    if not math.isfinite(value):
        # One NaN for all, so that equal texts make equal scalars.
        return _special(repr(value), _SPECIALS[repr(value)])
    if value == 0 and math.copysign(1, value) < 0:
        return _special("-0.0", -0.0)
    number = Fraction(value)
    return Scalar(text=repr(value), lower=number, upper=number)


def _special(text: str, value: float) -> Scalar:
    return Scalar(text=text, lower=Fraction(0), upper=Fraction(0), special=value)


def _decimal(text: str) -> Fraction:
    """The rational that a decimal spells, once its exponent is known to be small enough
    to multiply out."""
    mantissa, _, exponent = text.replace("_", "").lower().partition("e")
    _check_exponent(text, exponent)
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def _hexadecimal(text: str) -> Fraction:
    """The rational that a hexadecimal number spells (C17, 6.4.4.2), without rounding or
    overflow."""
    match = _HEXADECIMAL.fullmatch(text)
    assert match is not None
    places = (match["fraction"] or ".")[1:]
    digits = match["whole"] + places
    if not digits:
        raise ExpressionError(
            f"expected {_FORMS}, found `{text}`, which has no digits."
        )
    _check_exponent(text, match["exponent"] or "")
    scale = int(match["exponent"] or 0) - 4 * len(places)
    number = int(digits, 16) * Fraction(2) ** scale
    return -number if match["sign"] == "-" else number


def _check_exponent(text: str, exponent: str) -> None:
    if abs(int(exponent or 0)) > LARGEST_EXPONENT:
        _refuse_size(f"`{shortened(text)}`")


def _check_size(number: Fraction, shown: str) -> None:
    if bits(number) > LARGEST_NUMBER_BITS:
        _refuse_size(shown)


def _refuse_size(shown: str) -> NoReturn:
    raise ExpressionError(
        f"expected a number of at most {LARGEST_NUMBER_BITS} bits, found {shown}, which has more. "
        "Write a number that a format can hold, or `inf`."
    )


def _of_expression(text: str) -> Scalar:
    foreign = [name for name in _NAME.findall(text) if name not in operations.CONSTANTS]
    if not text or (foreign and operations.find(foreign[0]) is None):
        raise ExpressionError(f"expected {_FORMS}, found `{shortened(text)}`.")
    try:
        program = parsing.parse(text, variables=())
    except ExpressionError as error:
        message = f"expected {_FORMS}, found `{shortened(text)}`: {error.message}"
        raise ExpressionError(message, place=error.place) from error
    lower, upper = enclose(program)
    return Scalar(text=text, lower=lower, upper=upper)


# ── text → complex number ───────────────────────────────────────────────────────────


def _of_parts(text: str, real: Scalar, imaginary: Scalar) -> Scalar:
    if not real.is_finite or not imaginary.is_finite:
        raise ExpressionError(
            f"expected a complex number of finite parts, found `{text[:40]}`."
        )
    return replace(real, text=text, imaginary=imaginary)


def _split(text: str) -> tuple[str, str]:
    """The text before the last sign outside numbers and brackets, and the rest."""
    depth = 0
    for index in range(len(text) - 1, 0, -1):
        depth += (text[index] == ")") - (text[index] == "(")
        before = text[:index].rstrip()
        is_sign = (
            text[index] in "+-" and not depth and before[-1:] not in (*"+-*/(", "")
        )
        if is_sign and not _EXPONENT.search(text[:index]):
            return before, text[index:]
    return "", text


def _joined(tail: str) -> str:
    """The imaginary part with its sign beside it, and without a plus."""
    sign, rest = tail[:1], tail[1:].strip()
    return f"{sign.strip('+')}{rest}" if sign in ("+", "-") else tail


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"a value of type `{type(value).__name__}`"
