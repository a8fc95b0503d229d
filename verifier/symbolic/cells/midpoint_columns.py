"""Float64 midpoints with radii: + − × ÷ √, with radii that hold for all that was
rounded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.symbolic.arithmetic import balls, doubles
from verifier.symbolic.arithmetic.doubles import INFLATION, TINY
from verifier.symbolic.cells.columns import BallArithmetic, Mask

Numbers = npt.NDArray[np.float64]

UNIT = 2.0**-53
"""The unit roundoff of float64."""
BITS = 96
"""The precision of balls in between."""
_FEW = 8 * TINY

BALLS = BallArithmetic()


@dataclass(slots=True, eq=False)
class Column:
    """Midpoints and radii of one shape; a radius that is infinite says that nothing is
    known."""

    mid: Numbers
    rad: Numbers

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return self.mid.shape

    @property
    def size(self) -> int:
        """As of an array."""
        return self.mid.size

    def __len__(self) -> int:
        return len(self.mid)

    def __getitem__(self, index: Any) -> Column:
        return Column(self.mid[index], self.rad[index])

    def __setitem__(self, index: Any, column: Column) -> None:
        self.mid[index] = column.mid
        self.rad[index] = column.rad

    def reshape(self, *shape: Any) -> Column:
        """As of an array."""
        return Column(self.mid.reshape(*shape), self.rad.reshape(*shape))

    def transpose(self, *axes: int) -> Column:
        """As of an array."""
        return Column(self.mid.transpose(*axes), self.rad.transpose(*axes))

    def copy(self) -> Column:
        """As of an array."""
        return Column(self.mid.copy(), self.rad.copy())


def of_balls(column: Any) -> Column:
    """A column of balls as midpoints with radii."""
    parts: Any = np.frompyfunc(doubles.midpoint_and_radius, 1, 2)
    mid, rad = parts(column)
    return Column(np.asarray(mid, dtype=np.float64), np.asarray(rad, dtype=np.float64))


def to_balls(column: Column) -> Any:
    """Midpoints with radii as a column of balls."""
    return np.frompyfunc(doubles.of_double, 2, 1)(column.mid, column.rad)


def only(column: Column) -> Fraction | None:
    """The one number that all of a column are, exactly."""
    if not column.size:
        return None
    first = column.mid.flat[0]
    alike = (column.mid == first) & (column.rad == 0)
    return Fraction(float(first)) if np.isfinite(first) and alike.all() else None


def is_zero(column: Column) -> Mask:
    """Where a column is the exact zero."""
    return np.asarray((column.mid == 0) & (column.rad == 0))


def is_finite(column: Column) -> Mask:
    """Where a column says anything."""
    return np.asarray(np.isfinite(column.mid) & np.isfinite(column.rad))


class Elementary:
    """The operations that float64 rounds correctly, and sums of them.

    With the unit of float64 every radius is proved. With the unit of another format a
    radius bounds how far a computation in that format may be from the midpoint.
    """

    one = Column(np.ones(1), np.zeros(1))

    def __init__(self, unit: float = UNIT, absolute: float = 4 * TINY) -> None:
        self.unit = unit
        """The relative error of one operation."""
        self.sum_unit = unit
        """That of one addition within a sum or a product of matrices."""
        self.absolute = absolute
        """The absolute error of one operation, of underflow."""

    def literal(self, name: str | None, number: Fraction | None) -> Column:
        """The column of one constant."""
        if number is not None and number == (nearest := float(number)):
            return Column(np.array([nearest]), np.zeros(1))
        with balls.workprec(BITS):
            return of_balls(BALLS.literal(name, number))

    def rounded(self, mid: Numbers, rad: Numbers) -> Column:
        """A result with the radius that its operands give it, and what rounding adds."""
        with np.errstate(all="ignore"):
            rad = (rad + self.unit * np.abs(mid)) * INFLATION + self.absolute
        return Column(mid, np.where(np.isnan(mid) | np.isnan(rad), np.inf, rad))

    def plus(self, x: Column, y: Column) -> Column:
        """The sums."""
        with np.errstate(all="ignore"):
            sums = self.rounded(x.mid + y.mid, x.rad + y.rad)
        # What cancels to the last bit was not rounded, nor underflows a sum.
        sums.rad[(sums.mid == 0) & (x.rad + y.rad == 0)] = 0.0
        return sums

    def times(self, x: Column, y: Column) -> Column:
        """The products."""
        with np.errstate(all="ignore"):
            a, b = np.abs(x.mid), np.abs(y.mid)
            rad = a * y.rad + x.rad * (b + y.rad)
            products = self.rounded(x.mid * y.mid, rad + _FEW * (rad > 0))
            nothing = (is_zero(x) | is_zero(y)) & np.isfinite(products.rad)
        products.rad[nothing] = 0.0
        return products

    def over(self, x: Column, y: Column) -> Column:
        """The quotients."""
        with np.errstate(all="ignore"):
            mid = x.mid / y.mid
            margin = (np.abs(y.mid) - y.rad) / INFLATION
            rad = (x.rad + (np.abs(mid) * INFLATION + TINY) * y.rad) / margin + _FEW
            rad[(y.rad == 0) & (x.rad == 0)] = 0.0
            rad = np.where(margin > 0, rad, np.inf)
            quotients = self.rounded(mid, rad)
            nothing = is_zero(x) & np.isfinite(quotients.rad)
        quotients.rad[nothing] = 0.0
        return quotients

    def root(self, x: Column) -> Column:
        """The square roots; of a ball that reaches below zero nothing is known."""
        with np.errstate(all="ignore"):
            mid = np.sqrt(x.mid)
            rad = np.where(x.rad == 0, 0.0, x.rad / mid * INFLATION + _FEW)
            return self.rounded(mid, np.where(x.rad <= x.mid, rad, np.inf))

    def power(self, x: Column, y: Column) -> Column:
        """Powers by one number of halves."""
        halves = int(2 * y.mid.flat[0])
        count = abs(halves)
        if halves % 2:
            factor = self.root(x)
        else:
            factor, count = x, count // 2
        result: Column | None = None
        for digit in bin(count)[2:]:
            result = None if result is None else self.times(result, result)
            if digit == "1":
                result = factor if result is None else self.times(result, factor)
        if result is None:
            return Column(np.ones(x.shape), np.zeros(x.shape))
        return self.over(self.one, result) if halves < 0 else result

    def negated(self, column: Column) -> Column:
        """The column with its sign turned."""
        return Column(-column.mid, column.rad)

    def sum_radius(
        self, terms: Any, mid: Numbers, size: Numbers, rad: Numbers
    ) -> Numbers:
        """The radius of sums, by the sum of magnitudes and that of radii."""
        with np.errstate(all="ignore"):
            # The two sums of numbers that are not negative are rounded themselves.
            own = 1 + 2 * UNIT * terms
            rad = (rad + (terms - 1) * self.sum_unit * size) * own * INFLATION
            if self.unit > self.sum_unit:
                rad = rad + self.unit * np.abs(mid)
            unknown = np.isnan(mid) | np.isnan(rad)
            return np.where(unknown, np.inf, rad)
