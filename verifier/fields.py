"""Real and complex numbers: all in which they differ where one is measured and compared.

A *measured* number is a float or a complex; an *exact* one a `Fraction` or a `Plane`. What
encloses a truth is an `Enclosure` or a `Rectangle`, and what rounding may bring about lies
in an `Enclosure` or a `Disc`.
"""

from __future__ import annotations

import cmath
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, TypeAlias

from verifier import floats
from verifier.floats import Format, nearest, neighbour, ulp
from verifier.records import Disc, Enclosure, Rectangle, Truth, TruthStatus

NORM_BITS = 128
"""Relative accuracy of a norm, which is rounded up."""

Plane: TypeAlias = tuple[Fraction, Fraction]
"""A complex number, exactly: real and imaginary part."""
Measured: TypeAlias = Any
"""A float, or a complex."""
Exact: TypeAlias = Any
"""A `Fraction`, or a `Plane`."""
Reach: TypeAlias = Any
"""Where rounding may bring a number: an `Enclosure`, or a `Disc`."""


class Field(ABC):
    """The numbers that a case is about: `REAL` or `COMPLEX`."""

    name: ClassVar[str]
    formats: ClassVar[Mapping[str, Format]]
    """By dtype; of complex numbers that of the components."""
    zero: ClassVar[Exact]
    nowhere: ClassVar[Reach]
    """The reach of what is 0 however it is rounded."""
    zero_enclosure: ClassVar[Enclosure | Rectangle]

    @staticmethod
    @abstractmethod
    def middle(enclosure: Any) -> Exact:
        """The number to show and to measure from: 0 where the enclosure contains it, else the midpoint."""

    @staticmethod
    @abstractmethod
    def parts(enclosure: Any) -> tuple[Enclosure, ...]:
        """The real intervals that an enclosure is made of."""

    @staticmethod
    @abstractmethod
    def components(measured: Measured) -> tuple[float, ...]:
        """The floats that a measured number is made of."""

    @staticmethod
    @abstractmethod
    def coordinates(number: Exact) -> tuple[Fraction, ...]:
        """The real numbers that an exact number is made of."""

    @staticmethod
    @abstractmethod
    def of_float(measured: Measured) -> Exact:
        """A finite measured number, exactly."""

    @staticmethod
    @abstractmethod
    def is_finite(measured: Measured) -> bool:
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
    def moves(value: Measured, steps: int, format_: Format) -> list[Measured]:
        """The numbers so many ulps away from an input; of an infinite one none."""

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


class _Complex(Field):
    name = "complex"
    formats = floats.COMPLEX
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
        """Along the axes on which the number does not lie, so that no move crosses a cut.

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


def _beside(part: float, step: Fraction, format_: Format) -> Sequence[float]:
    if not part:
        return []
    return [nearest(Fraction(part) + sign * step, format_) for sign in (-1, 1)]


REAL: Field = _Real()
COMPLEX: Field = _Complex()
