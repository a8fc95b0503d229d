"""Domains as case files spell them: intervals, the normal distribution, rectangles."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier import floats
from verifier.errors import ExpressionError, Place, shortened
from verifier.floats import Number
from verifier.language.points.scalars import Scalar, ends_in_j, scalar

NORMAL = "normal"
"""How the domain of the normal distribution is spelled."""

_SIDE = rf"([\[(][^\])]*[\])]|{NORMAL})"
_RECTANGLE = re.compile(rf"\s*{_SIDE}\s*\+\s*{_SIDE}\s*[jJ]\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An interval from which points are drawn; an infinite end is open.

    With `imaginary`, it is that of the real parts of a rectangle in the complex plane.
    """

    lower: Scalar
    upper: Scalar
    lower_closed: bool
    upper_closed: bool
    imaginary: Domain | None = None

    def __str__(self) -> str:
        if self.imaginary is None:
            return self._interval()
        return f"{self._interval()} + {self.imaginary}j"

    def _interval(self) -> str:
        left = "[" if self.lower_closed else "("
        right = "]" if self.upper_closed else ")"
        return f"{left}{self.lower.text}, {self.upper.text}{right}"

    @property
    def sides(self) -> tuple[Domain, ...]:
        """The intervals of the real and, of a rectangle, of the imaginary parts."""
        if self.imaginary is None:
            return (self,)
        return replace(self, imaginary=None), self.imaginary

    @property
    def is_complex(self) -> bool:
        """Whether this is a rectangle in the complex plane."""
        return self.imaginary is not None

    @property
    def is_bounded(self) -> bool:
        """Whether all ends are finite."""
        return all(s.lower.is_finite and s.upper.is_finite for s in self.sides)

    @property
    def is_endless(self) -> bool:
        """Whether a side has an infinite end, so that it can be drawn over floats
        only."""
        return any(not s.is_bounded and not isinstance(s, Normal) for s in self.sides)

    def contains(self, value: Number) -> bool:
        """Whether `value` is proved to lie in it; infinities and NaN never do."""
        if self.imaginary is not None:
            return self._spans(value.real) and self.imaginary.contains(value.imag)
        return self._spans(value)

    def _spans(self, value: float) -> bool:
        """Whether a real part lies in it."""
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
        """The ordinals of the format's finite numbers in the real side, in order.

        Empty where it holds none.
        """
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
        return self._spans(floats.from_ordinal(position, format_))


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal(Domain):
    """All real numbers, from which points are drawn by the normal distribution."""

    def _interval(self) -> str:
        return NORMAL


def domain(text: str) -> Domain:
    """The interval that `text` spells: `[-10, 10]`, `(0, inf)`, `[-pi, pi]`, or
    `normal`.

    Raises `ExpressionError` unless its ends are numbers and lower < upper is proved.
    """
    written = text.strip()
    if written == NORMAL:
        lower, upper = scalar("-inf"), scalar("inf")
        return Normal(lower=lower, upper=upper, lower_closed=False, upper_closed=False)
    ends = written[1:-1].split(",")
    if len(ends) != 2 or written[0] not in "[(" or written[-1] not in "])":
        raise ExpressionError(
            f"expected an interval such as `[-1, 1]` or `(0, inf)`, or `{NORMAL}`, found `{shortened(written)}`."
        )
    start = text.index(written) + 1
    interval = Domain(
        lower=_end(ends[0], start),
        upper=_end(ends[1], start + len(ends[0]) + 1),
        lower_closed=written[0] == "[",
        upper_closed=written[-1] == "]",
    )
    _check_domain(interval)
    return interval


def between(lower: Scalar, upper: Scalar) -> Domain:
    """The interval from one number to another, its finite ends included.

    Raises `ExpressionError` unless lower < upper is proved.
    """
    interval = Domain(
        lower=lower,
        upper=upper,
        lower_closed=lower.is_finite,
        upper_closed=upper.is_finite,
    )
    _check_domain(interval)
    return interval


def interval_or_rectangle(text: str) -> Domain:
    """The domain that `text` spells: one that ends in `j` is `[-2, 2] + [-1, 1]j`.

    Raises `ExpressionError` unless its sides are intervals.
    """
    if not ends_in_j(text):
        return domain(text)
    sides = _RECTANGLE.fullmatch(text)
    if sides is None:
        raise ExpressionError(
            f"expected a rectangle such as `[-2, 2] + [-1, 1]j`, found `{text.strip()[:40]}`."
        )
    return replace(domain(sides[1]), imaginary=domain(sides[2]))


def _ordinal_near(value: Fraction, format_: floats.Format) -> int:
    return floats.ordinal(floats.nearest(value, format_), format_)


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


def _check_domain(interval: Domain) -> None:
    for end, closed in (
        (interval.lower, interval.lower_closed),
        (interval.upper, interval.upper_closed),
    ):
        if end.special is not None and math.isnan(end.special):
            raise ExpressionError(f"expected ends that are numbers, found {interval}.")
        if closed and not end.is_finite:
            raise ExpressionError(
                f"expected an open end at infinity, found {interval}. Write a round bracket beside `{end.text}`."
            )
    if not _is_less(interval.lower, interval.upper):
        raise ExpressionError(
            f"expected lower < upper, found {interval}. Swap the bounds, or give a single point in `at`."
        )


def _is_less(left: Scalar, right: Scalar) -> bool:
    """Whether left < right is proved."""
    if left.is_finite and right.is_finite:
        return left.upper < right.lower
    return _sign(left) < _sign(right)


def _sign(value: Scalar) -> float:
    """0 for a finite number, else the infinity itself."""
    return 0.0 if value.special is None else value.special
