"""Real and complex numbers: all in which they differ where one is measured and
compared.

A *measured* number is a float or a complex; an *exact* one a `Fraction` or a `Plane`.
What encloses a truth is an `Enclosure` or a `Rectangle`, and what rounding may bring
about lies in an `Enclosure` or a `Disc`.
"""

from __future__ import annotations

import cmath
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, TypeAlias

from verifier import floats
from verifier.floats import (
    Format,
    Number,
    decimal,
    decimal_within,
    joined,
    nearest,
    neighbour,
    power_of_two,
    shortest,
    shortest_complex,
    ulp,
)
from verifier.records import Disc, Enclosure, Rectangle, Truth, TruthStatus

NORM_BITS = 128
"""Relative accuracy of a norm, which is rounded up."""
TIGHT_BITS = 20
"""Bits of an ulp to which a truth has to be known."""
LARGEST_EXPONENT = 20_000
"""Beyond 2^±this, far outside every format, an enclosure is cut off: exp(exp(30)) has
an exponent of 10^13 bits."""

Plane: TypeAlias = tuple[Fraction, Fraction]
"""A complex number, exactly: real and imaginary part."""
Exact: TypeAlias = Any
"""A `Fraction`, or a `Plane`."""
Reach: TypeAlias = Any
"""Where rounding may bring a number: an `Enclosure`, or a `Disc`."""


class Field(ABC):
    """The numbers that a case is about: `REAL` or `COMPLEX`."""

    name: ClassVar[str]
    formats: ClassVar[Mapping[str, Format]]
    """By dtype; of complex numbers that of the components."""
    widest: ClassVar[str]
    """The dtype of most digits."""
    has_branches: ClassVar[bool]
    """Whether a formula may be that of another branch: what rounding makes of it then
    explains nothing."""
    is_ordered: ClassVar[bool]
    """Whether one number may be less than another: else infinities have no
    direction."""
    moved: ClassVar[str]
    """How far the inputs are moved, in words."""
    edges: ClassVar[str]
    """Where functions end, in words."""
    zero: ClassVar[Exact]
    nowhere: ClassVar[Reach]
    """The reach of what is 0 however it is rounded."""
    zero_enclosure: ClassVar[Enclosure | Rectangle]

    @staticmethod
    @abstractmethod
    def middle(enclosure: Any) -> Exact:
        """The number to show and to measure from: 0 where the enclosure contains it,
        else the midpoint."""

    @staticmethod
    @abstractmethod
    def parts(enclosure: Any) -> tuple[Enclosure, ...]:
        """The real intervals that an enclosure is made of."""

    @staticmethod
    @abstractmethod
    def components(measured: Number) -> tuple[float, ...]:
        """The floats that a measured number is made of."""

    @staticmethod
    @abstractmethod
    def coordinates(number: Exact) -> tuple[Fraction, ...]:
        """The real numbers that an exact number is made of."""

    @staticmethod
    @abstractmethod
    def of_float(measured: Number) -> Exact:
        """A finite measured number, exactly."""

    @staticmethod
    @abstractmethod
    def is_finite(measured: Number) -> bool:
        """Whether no component is infinite or NaN."""

    @staticmethod
    @abstractmethod
    def size(number: Exact) -> Fraction:
        """|number|; of a complex one rounded up."""

    @staticmethod
    @abstractmethod
    def distance(first: Exact, second: Exact) -> Fraction:
        """|first − second|; of complex ones rounded up."""

    @staticmethod
    @abstractmethod
    def contains(reach: Reach, number: Exact) -> bool:
        """Whether rounding may bring the result to the number."""

    @staticmethod
    @abstractmethod
    def farthest(reach: Reach, number: Exact) -> Fraction:
        """How far from the number rounding may bring the result."""

    @staticmethod
    @abstractmethod
    def moves(value: Number, steps: int, format_: Format) -> list[Number]:
        """The numbers so many ulps away from an input; of an infinite one none."""

    @staticmethod
    @abstractmethod
    def of_coordinates(coordinates: Sequence[Fraction]) -> Exact:
        """The exact number of a real and an imaginary part."""

    @staticmethod
    @abstractmethod
    def spell_input(measured: Number, format_: Format) -> str:
        """An input or upstream gradient, as a report spells it."""

    @staticmethod
    @abstractmethod
    def spell(measured: Number, format_: Format) -> str:
        """A measured number, as the shortest decimals that round to it."""

    @staticmethod
    @abstractmethod
    def spell_enclosure(enclosure: Any) -> str:
        """A true number, no digit of it beyond what is known."""

    @staticmethod
    @abstractmethod
    def spell_exact(number: Exact) -> str:
        """An exact number, to 20 digits."""

    @staticmethod
    @abstractmethod
    def nonfinite(measured: Number) -> str:
        """What a number is called that is not finite."""

    @staticmethod
    @abstractmethod
    def nonfinite_where_finite(measured: Number) -> str:
        """What is wrong with a number that is not finite where the truth is."""

    def is_rounded(self, measured: Number, true: Exact, format_: Format) -> bool:
        """Whether a measured number is the true one correctly rounded, in each part."""
        pairs = zip(self.components(measured), self.coordinates(true), strict=True)
        return all(
            part == nearest(exact, format_)
            or (math.isnan(part) and math.isnan(nearest(exact, format_)))
            for part, exact in pairs
        )

    def is_overflow(
        self, measured: Number, true: Exact, within: Fraction, format_: Format
    ) -> bool:
        """Whether a number is the infinity that the truth overflows to, though not part
        by part."""
        del measured, true, within, format_
        return False

    def may_overflow(self, enclosure: Any, format_: Format) -> bool:
        """Whether a part of what is enclosed may round to an infinity."""
        return any(
            math.isinf(nearest(end, format_))
            for part in self.parts(enclosure)
            for end in (part.lower, part.upper)
        )

    def is_tight(self, enclosure: Any, format_: Format) -> bool:
        """Whether a truth is known to far less than one ulp, or rounds to one number
        whatever it is."""
        parts = self.parts(enclosure)
        width = max(part.upper - part.lower for part in parts)
        largest = max(max(abs(part.lower), abs(part.upper)) for part in parts)
        if width * 2**TIGHT_BITS <= ulp(largest, format_):
            return True
        return all(
            nearest(part.lower, format_) == nearest(part.upper, format_)
            for part in parts
        )

    def error_in_ulp(self, measured: Number, true: Exact, format_: Format) -> float:
        """|measured − true| in ulps of the truth in the format."""
        error = self.distance(self.of_float(measured), true)
        return as_float(error / ulp(self.size(true), format_))

    def of_truth(self, truth: Truth) -> Exact | None:
        """The middle of a finite truth; None of any other."""
        if truth.status is not TruthStatus.FINITE or truth.enclosure is None:
            return None
        return self.middle(truth.enclosure)

    def __repr__(self) -> str:
        return self.name.upper()

    def __reduce__(self) -> str:
        return self.name.upper()


_NOTHING = Enclosure(lower=Fraction(0), upper=Fraction(0))


class _Real(Field):
    name = "real"
    formats = floats.FORMATS
    widest = "float64"
    has_branches = False
    is_ordered = True
    moved = "±2 ulps"
    edges = "a pole or an end of the domain"
    zero = Fraction(0)
    nowhere = _NOTHING
    zero_enclosure = _NOTHING

    @staticmethod
    def middle(enclosure: Enclosure) -> Fraction:
        if enclosure.lower <= 0 <= enclosure.upper:
            return Fraction(0)
        return (enclosure.lower + enclosure.upper) / 2

    @staticmethod
    def parts(enclosure: Enclosure) -> tuple[Enclosure, ...]:
        return (enclosure,)

    @staticmethod
    def components(measured: float) -> tuple[float, ...]:
        return (measured,)

    @staticmethod
    def coordinates(number: Fraction) -> tuple[Fraction, ...]:
        return (number,)

    @staticmethod
    def of_float(measured: float) -> Fraction:
        return Fraction(measured)

    @staticmethod
    def is_finite(measured: float) -> bool:
        return math.isfinite(measured)

    @staticmethod
    def size(number: Fraction) -> Fraction:
        return abs(number)

    @staticmethod
    def distance(first: Fraction, second: Fraction) -> Fraction:
        return abs(first - second)

    @staticmethod
    def contains(reach: Enclosure, number: Fraction) -> bool:
        return reach.lower <= number <= reach.upper

    @staticmethod
    def farthest(reach: Enclosure, number: Fraction) -> Fraction:
        return max(abs(reach.lower - number), abs(reach.upper - number))

    @staticmethod
    def moves(value: float, steps: int, format_: Format) -> list[float]:
        if not math.isfinite(value):
            return []
        return [neighbour(value, -steps, format_), neighbour(value, steps, format_)]

    @staticmethod
    def of_coordinates(coordinates: Sequence[Fraction]) -> Fraction:
        return coordinates[0]

    @staticmethod
    def spell_input(measured: float, format_: Format) -> str:
        return shortest(measured, format_).removesuffix(".0")

    @staticmethod
    def spell(measured: float, format_: Format) -> str:
        return shortest(measured, format_)

    @staticmethod
    def spell_enclosure(enclosure: Enclosure) -> str:
        number = REAL.middle(enclosure)
        if abs(number) >= power_of_two(LARGEST_EXPONENT):
            return f"{'-' if number < 0 else ''}2^{LARGEST_EXPONENT} or beyond"
        return decimal_within(enclosure.lower, enclosure.upper) if number else "0"

    @staticmethod
    def spell_exact(number: Fraction) -> str:
        return decimal(number)

    @staticmethod
    def nonfinite(measured: float) -> str:
        if math.isnan(measured):
            return "NaN"
        return "infinite" if measured > 0 else "minus infinite"

    @staticmethod
    def nonfinite_where_finite(measured: float) -> str:
        return f"{REAL.nonfinite(measured)} where the truth is finite"

    def is_rounded(self, measured: float, true: Fraction, format_: Format) -> bool:
        rounded = nearest(true, format_)
        return measured == rounded or (math.isnan(measured) and math.isnan(rounded))

    def is_tight(self, enclosure: Enclosure, format_: Format) -> bool:
        """In ulps of the upper end."""
        lower, upper = enclosure.lower, enclosure.upper
        if (upper - lower) * 2**TIGHT_BITS <= ulp(upper, format_):
            return True
        return nearest(lower, format_) == nearest(upper, format_)

    def error_in_ulp(self, measured: float, true: Fraction, format_: Format) -> float:
        return as_float(abs(Fraction(measured) - true) / ulp(true, format_))


class _Complex(Field):
    name = "complex"
    formats = floats.COMPLEX
    widest = "complex128"
    has_branches = True
    is_ordered = False
    moved = "a few ulps"
    edges = "a pole"
    zero = (Fraction(0), Fraction(0))
    nowhere = Disc(real=Fraction(0), imaginary=Fraction(0), radius=Fraction(0))
    zero_enclosure = Rectangle(real=_NOTHING, imaginary=_NOTHING)

    @staticmethod
    def middle(enclosure: Rectangle) -> Plane:
        return REAL.middle(enclosure.real), REAL.middle(enclosure.imaginary)

    @staticmethod
    def parts(enclosure: Rectangle) -> tuple[Enclosure, ...]:
        return enclosure.real, enclosure.imaginary

    @staticmethod
    def components(measured: complex) -> tuple[float, ...]:
        return measured.real, measured.imag

    @staticmethod
    def coordinates(number: Plane) -> tuple[Fraction, ...]:
        return number

    @staticmethod
    def of_float(measured: complex) -> Plane:
        return Fraction(measured.real), Fraction(measured.imag)

    @staticmethod
    def is_finite(measured: complex) -> bool:
        return cmath.isfinite(measured)

    @staticmethod
    def size(number: Plane) -> Fraction:
        square = number[0] ** 2 + number[1] ** 2
        if square == 0:
            return Fraction(0)
        if 0 in number:
            return abs(number[0]) + abs(number[1])
        scale = square.denominator.bit_length() - square.numerator.bit_length()
        shift = max(0, scale + 2 * NORM_BITS)
        shift += shift % 2
        root = math.isqrt(math.ceil(square * 2**shift)) + 1
        return Fraction(root, 2 ** (shift // 2))

    @staticmethod
    def distance(first: Plane, second: Plane) -> Fraction:
        return COMPLEX.size((first[0] - second[0], first[1] - second[1]))

    @staticmethod
    def contains(reach: Disc, number: Plane) -> bool:
        return COMPLEX.distance(number, (reach.real, reach.imaginary)) <= reach.radius

    @staticmethod
    def farthest(reach: Disc, number: Plane) -> Fraction:
        centre = reach.real, reach.imaginary
        return COMPLEX.distance(number, centre) + reach.radius

    @staticmethod
    def moves(value: complex, steps: int, format_: Format) -> list[complex]:
        """Along the axes on which the number does not lie, so that no move crosses a
        cut.

        One axis is enough: an analytic function moves as far along the other. The ulps
        are those of |value|.
        """
        step = steps * ulp(COMPLEX.size(COMPLEX.of_float(value)), format_)
        if not value:
            moved = [complex(math.copysign(float(step), value.real), value.imag)]
        else:
            real, imaginary = value.real, value.imag
            moved = [complex(x, imaginary) for x in _beside(real, step, format_)]
            moved += [complex(real, y) for y in _beside(imaginary, step, format_)]
        return [number for number in moved if cmath.isfinite(number)]

    @staticmethod
    def of_coordinates(coordinates: Sequence[Fraction]) -> Plane:
        return coordinates[0], coordinates[1]

    def is_overflow(
        self, measured: complex, true: Plane, within: Fraction, format_: Format
    ) -> bool:
        """One infinite part makes a complex number infinite, whatever the other (C17,
        G.3): so the other may be NaN. But an infinity has to be that of the truth's
        part, and a finite part right."""
        pairs = list(zip(self.components(measured), true, strict=True))
        if not any(math.isinf(part) for part, _ in pairs):
            return False
        for part, exact in pairs:
            if math.isinf(part) and part != nearest(exact, format_):
                return False
            if math.isfinite(part) and abs(Fraction(part) - exact) > within:
                return False
        return True

    @staticmethod
    def spell_input(measured: complex, format_: Format) -> str:
        return COMPLEX.spell(measured, format_)

    @staticmethod
    def spell(measured: complex, format_: Format) -> str:
        """As `1.0+2.0j`."""
        return shortest_complex(measured, format_)

    @staticmethod
    def spell_enclosure(enclosure: Rectangle) -> str:
        return joined(*map(REAL.spell_enclosure, COMPLEX.parts(enclosure)))

    @staticmethod
    def spell_exact(number: Plane) -> str:
        return joined(*map(decimal, number))

    @staticmethod
    def nonfinite(measured: complex) -> str:
        del measured
        return "not finite"

    @staticmethod
    def nonfinite_where_finite(measured: complex) -> str:
        del measured
        return "not finite where the truth is"


def _beside(part: float, step: Fraction, format_: Format) -> Sequence[float]:
    if not part:
        return []
    return [nearest(Fraction(part) + sign * step, format_) for sign in (-1, 1)]


REAL: Field = _Real()
COMPLEX: Field = _Complex()


def field_of(dtype: str) -> Field:
    """The field of a dtype's numbers."""
    return COMPLEX if dtype in floats.COMPLEX else REAL


def as_float(value: Fraction) -> float:
    """The nearest double; an infinity past the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
