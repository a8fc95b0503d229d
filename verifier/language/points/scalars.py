"""Numbers and intervals as case files spell them: exact first, rounded to a format last.

Nothing here computes in floating point. A decimal is the rational that it spells; pi and e are enclosed by rationals
that integer arithmetic proves, so that a constant such as `pi/4` is known to far more digits than any format holds.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn

from verifier import floats
from verifier.errors import ExpressionError, Place
from verifier.language.operations import table as operations
from verifier.language.programs import parsing
from verifier.language.programs.program import Program

LONGEST_NUMBER = 4_000
"""Characters of one number; Python itself refuses to convert integers of more than 4300 digits."""
LARGEST_NUMBER_BITS = 14_000
"""Bits of numerator or denominator of a rational number: less than 4300 digits, far beyond any format's range."""
LARGEST_EXPONENT = 14_000
"""The largest exponent, of two or of ten, that is multiplied out before the bits are counted."""
LARGEST_ENCLOSURE_BITS = 1 << 16
"""Bits of an end of a constant expression's enclosure, which is never rounded: enough for some forty factors of pi."""
NORMAL = "normal"
"""How the domain of the normal distribution is spelled."""
ENCLOSURE_BITS = 1_600
"""Binary places of the enclosures of pi and e: some 480 decimal digits."""

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
_SPECIALS = {
    "inf": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "nan": math.nan,
    "+nan": math.nan,
    "-nan": math.nan,
}

Enclosure = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """An exact number as it is written; `lower` and `upper` enclose it and are equal unless it is irrational.

    `special` is given for what no rational says: the infinities and NaN (whose ends are 0 and mean nothing), and
    -0.0 (whose ends are 0).
    """

    text: str
    lower: Fraction
    upper: Fraction
    special: float | None = None

    @property
    def is_finite(self) -> bool:
        """Whether this is a real number: neither an infinity nor NaN."""
        return self.special is None or math.isfinite(self.special)

    @property
    def exact(self) -> Fraction | None:
        """The rational that this is; None where it is irrational or not finite."""
        return self.lower if self.is_finite and self.lower == self.upper else None

    def nearest(self, format_: floats.Format) -> float:
        """The number of the format nearest to this, ties to even; ±inf where it overflows.

        Raises `ExpressionError` where the enclosure is too wide to decide, which takes cancellation (`pi - pi`).
        """
        if self.special is not None:
            return self.special
        low = floats.nearest(self.lower, format_)
        if self.lower == self.upper:
            return low
        high = floats.nearest(self.upper, format_)
        if (low, math.copysign(1, low)) != (high, math.copysign(1, high)):
            raise ExpressionError(
                f"expected a constant whose digits decide its {format_.name}, found `{_short(self.text)}`, "
                "whose digits cancel. Write the number itself."
            )
        return low


def scalar(value: str | int | float | Fraction) -> Scalar:
    """The number that `value` spells, exactly; a float is the binary number that it holds.

    Raises `ExpressionError` for what is not a number.
    """
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, numbers.Rational) and not isinstance(value, bool):
        number = Fraction(int(value.numerator), int(value.denominator))
        _check_size(number, "an integer" if number.denominator == 1 else "a fraction")
        return Scalar(text=str(number), lower=number, upper=number)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return _of_float(
            float(value)
        )  # of NumPy's scalars: all of their values are exact
    raise ExpressionError(f"expected {_FORMS}, found {_kind(value)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An interval from which points are drawn; an infinite end is open."""

    lower: Scalar
    upper: Scalar
    lower_closed: bool
    upper_closed: bool

    def __str__(self) -> str:
        left = "[" if self.lower_closed else "("
        right = "]" if self.upper_closed else ")"
        return f"{left}{self.lower.text}, {self.upper.text}{right}"

    @property
    def is_bounded(self) -> bool:
        """Whether both ends are finite."""
        return self.lower.is_finite and self.upper.is_finite

    def contains(self, value: float) -> bool:
        """Whether `value` is proved to lie in the interval; infinities and NaN never do."""
        if not math.isfinite(value):
            return False
        exact = Fraction(value)
        return self._is_above(exact) and self._is_below(exact)

    def _is_above(self, value: Fraction) -> bool:
        end = self.lower
        if not end.is_finite or value > end.upper:
            return True
        return self.lower_closed and value == end.exact

    def _is_below(self, value: Fraction) -> bool:
        end = self.upper
        if not end.is_finite or value < end.lower:
            return True
        return self.upper_closed and value == end.exact

    def ordinals(self, format_: floats.Format) -> range:
        """The ordinals of the format's finite numbers in the interval, in order; empty where it holds none."""
        largest = floats.ordinal(float(format_.largest), format_)
        first, last = -largest, largest
        # The number nearest to an end is the first inside, or the one just before it.
        if self.lower.is_finite:
            first = _ordinal_near(self.lower.upper, format_)
            if first <= largest and not self._inside(first, format_):
                first += 1
        if self.upper.is_finite:
            last = _ordinal_near(self.upper.lower, format_)
            if last >= -largest and not self._inside(last, format_):
                last -= 1
        return range(first, last + 1)

    def _inside(self, position: int, format_: floats.Format) -> bool:
        return self.contains(floats.from_ordinal(position, format_))


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal(Domain):
    """All real numbers, from which points are drawn by the normal distribution."""

    def __str__(self) -> str:
        return NORMAL


def domain(text: str) -> Domain:
    """The interval that `text` spells: `[-10, 10]`, `(0, 5]`, `(0, inf)`, `[-pi, pi]`, or `normal`.

    Raises `ExpressionError` unless its ends are numbers and lower < upper is proved.
    """
    found = text.strip()
    if found == NORMAL:
        lower, upper = _of_text("-inf"), _of_text("inf")
        return Normal(lower=lower, upper=upper, lower_closed=False, upper_closed=False)
    ends = found[1:-1].split(",")
    if len(ends) != 2 or found[0] not in "[(" or found[-1] not in "])":
        raise ExpressionError(
            f"expected an interval such as `[-1, 1]` or `(0, inf)`, or `{NORMAL}`, found `{_short(found)}`."
        )
    start = text.index(found) + 1
    result = Domain(
        lower=_end(ends[0], start),
        upper=_end(ends[1], start + len(ends[0]) + 1),
        lower_closed=found[0] == "[",
        upper_closed=found[-1] == "]",
    )
    _check_domain(result)
    return result


def _ordinal_near(value: Fraction, format_: floats.Format) -> int:
    return floats.ordinal(floats.nearest(value, format_), format_)


# ── text → number ────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=4096)
def _of_text(text: str) -> Scalar:
    if len(text) > LONGEST_NUMBER:
        raise ExpressionError(
            f"expected a number of at most {LONGEST_NUMBER} characters, found {len(text)}. Write fewer digits."
        )
    if text in _SPECIALS:
        return _special(text, _SPECIALS[text])
    if not text.isascii():  # `\d` would take the digits of other scripts
        raise ExpressionError(f"expected {_FORMS}, found `{_short(text)}`.")
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
    _check_size(number, f"`{_short(text)}`")
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
    """The rational that a decimal spells, once its exponent is known to be small enough to multiply out."""
    mantissa, _, exponent = text.replace("_", "").lower().partition("e")
    _check_exponent(text, exponent)
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def _hexadecimal(text: str) -> Fraction:
    """The rational that a hexadecimal number spells (C17, 6.4.4.2), without rounding or overflow."""
    found = _HEXADECIMAL.fullmatch(text)
    assert found is not None
    places = (found["fraction"] or ".")[1:]
    digits = found["whole"] + places
    if not digits:
        raise ExpressionError(
            f"expected {_FORMS}, found `{text}`, which has no digits."
        )
    _check_exponent(text, found["exponent"] or "")
    scale = int(found["exponent"] or 0) - 4 * len(places)
    number = int(digits, 16) * Fraction(2) ** scale
    return -number if found["sign"] == "-" else number


def _check_exponent(text: str, exponent: str) -> None:
    if abs(int(exponent or 0)) > LARGEST_EXPONENT:
        _refuse_size(f"`{_short(text)}`")


def _check_size(number: Fraction, found: str) -> None:
    if max(map(int.bit_length, number.as_integer_ratio())) > LARGEST_NUMBER_BITS:
        _refuse_size(found)


def _refuse_size(found: str) -> NoReturn:
    raise ExpressionError(
        f"expected a number of at most {LARGEST_NUMBER_BITS} bits, found {found}, which has more. "
        "Write a number that a format can hold, or `inf`."
    )


def _end(text: str, offset: int) -> Scalar:
    """An end of an interval; `offset` characters of the interval stand before it."""
    try:
        return scalar(text)
    except ExpressionError as error:
        column = error.place.column
        if column is None:
            raise
        blanks = len(text) - len(text.lstrip())
        place = Place(column=column + offset + blanks)
        raise ExpressionError(error.message, place=place) from error


def _check_domain(found: Domain) -> None:
    for end, closed in (
        (found.lower, found.lower_closed),
        (found.upper, found.upper_closed),
    ):
        if end.special is not None and math.isnan(end.special):
            raise ExpressionError(f"expected ends that are numbers, found {found}.")
        if closed and not end.is_finite:
            raise ExpressionError(
                f"expected an open end at infinity, found {found}. Write a round bracket beside `{end.text}`."
            )
    if not _is_less(found.lower, found.upper):
        raise ExpressionError(
            f"expected lower < upper, found {found}. Swap the bounds, or give a single point in `at`."
        )


def _is_less(left: Scalar, right: Scalar) -> bool:
    """Whether left < right is proved."""
    if left.is_finite and right.is_finite:
        return left.upper < right.lower
    return _sign(left) < _sign(right)


def _sign(value: Scalar) -> float:
    """0 for a finite number, else the infinity itself."""
    return 0.0 if value.special is None else value.special


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"a value of type `{type(value).__name__}`"


# ── constant expressions → enclosures ────────────────────────────────────────────────────────────────────────────


def _of_expression(text: str) -> Scalar:
    foreign = [name for name in _NAME.findall(text) if name not in operations.CONSTANTS]
    if not text or (foreign and operations.find(foreign[0]) is None):
        raise ExpressionError(f"expected {_FORMS}, found `{_short(text)}`.")
    try:
        program = parsing.parse(text, variables=())
    except ExpressionError as error:
        message = f"expected {_FORMS}, found `{_short(text)}`: {error.message}"
        raise ExpressionError(message, place=error.place) from error
    lower, upper = _enclose(program)
    return Scalar(text=text, lower=lower, upper=upper)


def _enclose(program: Program) -> Enclosure:
    """An interval proved to contain the value of a program without variables."""
    known: list[Enclosure] = []
    for index, node in enumerate(program.nodes):
        found = _enclose_node(program, index, [known[at] for at in node.arguments])
        if max(map(_bits, found)) > LARGEST_ENCLOSURE_BITS:
            _refuse(program, index, "expected a smaller constant, found")
        known.append(found)
    return known[program.output]


def _enclose_node(
    program: Program, index: int, operands: Sequence[Enclosure]
) -> Enclosure:
    node = program.nodes[index]
    match node.operation:
        case "constant" if node.number is not None:
            return node.number, node.number
        case "constant" if node.name == "pi":
            return _pi()
        case "constant" if node.name == "e":
            return _e()
        case "neg":
            return -operands[0][1], -operands[0][0]
        case "add":
            return operands[0][0] + operands[1][0], operands[0][1] + operands[1][1]
        case "sub":
            return operands[0][0] - operands[1][1], operands[0][1] - operands[1][0]
        case "mul":
            return _multiply(*operands)
        case "div":
            if _straddles_zero(operands[1]):
                _refuse(program, index, "expected a divisor that is not 0, found")
            return _multiply(operands[0], _invert(operands[1]))
        case "pow":
            return _power(program, index, *operands)
    _refuse(program, index, "expected only + - * / **, pi and e in a number, found")


def _multiply(left: Enclosure, right: Enclosure) -> Enclosure:
    products = [a * b for a in left for b in right]
    return min(products), max(products)


def _invert(value: Enclosure) -> Enclosure:
    return 1 / value[1], 1 / value[0]


def _straddles_zero(value: Enclosure) -> bool:
    return value[0] <= 0 <= value[1]


def _power(
    program: Program, index: int, base: Enclosure, exponent: Enclosure
) -> Enclosure:
    power = exponent[0].numerator
    if exponent[0] != exponent[1] or exponent[0].denominator != 1:
        _refuse(program, index, "expected an integer exponent, found")
    # Bounded before it is multiplied out.
    if max(map(_bits, base)) * abs(power) > LARGEST_ENCLOSURE_BITS:
        _refuse(program, index, "expected a smaller constant, found")
    if power < 0:
        if _straddles_zero(base):
            _refuse(program, index, "expected a divisor that is not 0, found")
        base, power = _invert(base), -power
    ends = [end**power for end in base]
    if power % 2 == 0 and power and _straddles_zero(base):
        ends.append(Fraction(0))
    return min(ends), max(ends)


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _refuse(program: Program, index: int, expected: str) -> NoReturn:
    found = _short(program.text(index))
    raise ExpressionError(
        f"{expected} `{found}`. Write the number itself.",
        place=Place(column=program.nodes[index].span.column),
    )


@lru_cache(maxsize=1)
def _pi() -> Enclosure:
    """Proven rational bounds of pi = 16 arctan(1/5) - 4 arctan(1/239) (J. Machin, 1706)."""
    fifth, fifth_error = _arctangent_of_inverse(5)
    small, small_error = _arctangent_of_inverse(239)
    middle, error = 16 * fifth - 4 * small, 16 * fifth_error + 4 * small_error
    scale = 1 << ENCLOSURE_BITS
    return Fraction(middle - error, scale), Fraction(middle + error, scale)


def _arctangent_of_inverse(number: int) -> tuple[int, int]:
    """arctan(1/number) · 2^ENCLOSURE_BITS, and a bound of its error.

    The floor of a floor's quotient is the floor of the quotient, so that each term is less than 1 too small; the
    tail of an alternating series is smaller than its first term, which is less than 1 here.
    """
    power = (1 << ENCLOSURE_BITS) // number
    total = count = 0
    while power:
        term = power // (2 * count + 1)
        total += term if count % 2 == 0 else -term
        count += 1
        power //= number * number
    return total, count + 1


@lru_cache(maxsize=1)
def _e() -> Enclosure:
    """Proven rational bounds of e = Σ 1/k!: each term is less than 1 too small, the tail less than 2."""
    scale = term = 1 << ENCLOSURE_BITS
    total = count = 0
    while term:
        total += term
        count += 1
        term //= count
    return Fraction(total, scale), Fraction(total + count + 2, scale)
