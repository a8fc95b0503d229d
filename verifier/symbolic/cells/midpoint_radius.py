"""Columns of float64 midpoints with radii: + − × ÷ √ by NumPy, with radii that hold for
all that was rounded, the rest one by one through balls.

Contractions are S. M. Rump's (Fast and parallel interval arithmetic, BIT 39, 1999):
three products of matrices. Sums and products of any length err by no more than their
length × u × the sum of magnitudes, in whatever order (C.-P. Jeannerod and S. M. Rump,
Improved error bounds for inner products in floating-point arithmetic, SIAM J. Matrix
Anal. Appl. 34, 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Enclosures
from verifier.symbolic.arithmetic import balls, doubles
from verifier.symbolic.arithmetic.doubles import INFLATION, TINY
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.arithmetic.straight_lines import CompiledFormula
from verifier.symbolic.cells import rules
from verifier.symbolic.cells.columns import BallArithmetic, Mask
from verifier.symbolic.cells.indices import Places

Numbers = npt.NDArray[np.float64]

UNIT = 2.0**-53
"""The unit roundoff of float64."""
BITS = 96
"""The precision of balls in between."""


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


class MidpointRadius:
    """What evaluation asks of an arithmetic, for midpoints with radii.

    With the unit of float64 every radius is proved. With the unit of another format,
    which `begin` may set by record, a radius bounds how far a computation in that
    format may be from the midpoint.
    """

    def __init__(self, unit: float = UNIT, absolute: float = 4 * TINY) -> None:
        self.unit = unit
        """The relative error of one operation."""
        self.sum_unit = unit
        """That of one addition within a sum or a product of matrices."""
        self.absolute = absolute
        """The absolute error of one operation, of underflow."""
        native: dict[str, Callable[..., Any]] = {
            "identity": lambda x: x,
            "add": self.plus,
            "sub": lambda x, y: self.plus(x, self.negated(y)),
            "mul": self.times,
            "div": self.over,
            "neg": self.negated,
            "square": lambda x: self.times(x, x),
            "sqrt": self.root,
            "rsqrt": lambda x: self.over(self.one, self.root(x)),
            "reciprocal": lambda x: self.over(self.one, x),
            "pow": self.power,
            "abs": _magnitude,
            "relu": _positive_part,
            "max": _larger,
            "min": lambda x, y: self.negated(_larger(self.negated(x), self.negated(y))),
            "clamp": self._clamp,
            "above": _above,
            "sign": _sign,
            **{name: _relation(name) for name in ("lt", "le", "gt", "ge")},
            "where": _where,
        }
        self.native = frozenset(native)
        self.table: Mapping[str, Callable[..., Any]] = _Table(native, self)

    one = Column(np.ones(1), np.zeros(1))

    settles = True

    def stopped(self, column: Column) -> Column:
        """The same numbers, without how they move."""
        return column

    def begin(self, record: Any) -> None:
        """Told of each record before it is computed."""

    # ── storing ───────────────────────────────────────────────────────────────────────

    def store(self, size: int) -> Column:
        """Room for as many cells, each zero."""
        return Column(np.zeros(size), np.zeros(size))

    def numbers(self, numbers: Numbers) -> Column:
        """Exact numbers."""
        mid = np.array(numbers, dtype=np.float64)
        return Column(mid, np.where(np.isnan(mid), np.inf, 0.0))

    def literal(self, name: str | None, number: Fraction | None) -> Column:
        """The column of one constant."""
        if number is not None and number == (nearest := float(number)):
            return Column(np.array([nearest]), np.zeros(1))
        return self.of_balls(_literal(name, number))

    def accumulate(self, store: Column, cells: Places, column: Column) -> None:
        """Add to cells, of which some may be named several times."""
        if cells.unique:
            before = store[cells.index]
            sums = self.plus(before, column)
            # What is added to an exact zero is not rounded.
            first = (before.mid == 0) & (before.rad == 0)
            sums.rad = np.where(first, column.rad, sums.rad)
            store[cells.index] = sums
            return
        low = int(cells.cells.min())
        index = cells.cells - low
        count = np.bincount(index)
        here = np.flatnonzero(count)
        terms = count[here].astype(np.float64)
        parts = (column.mid, np.abs(column.mid), column.rad)
        added: list[Any] = [np.bincount(index, weights=part)[here] for part in parts]
        mid, size, rad = added
        sums = Column(mid, self._sum_radius(terms, mid, size, rad))
        where = here + low
        before = store[where]
        total = self.plus(before, sums)
        first = (before.mid == 0) & (before.rad == 0)
        total.rad = np.where(first, sums.rad, total.rad)
        store[where] = total

    # ── arithmetic ────────────────────────────────────────────────────────────────────

    def _rounded(self, mid: Numbers, rad: Numbers) -> Column:
        """A result with the radius that its operands give it, and what rounding adds."""
        with np.errstate(all="ignore"):
            rad = (rad + self.unit * np.abs(mid)) * INFLATION + self.absolute
        return Column(mid, np.where(np.isnan(mid) | np.isnan(rad), np.inf, rad))

    def plus(self, x: Column, y: Column) -> Column:
        """The sums."""
        with np.errstate(all="ignore"):
            sums = self._rounded(x.mid + y.mid, x.rad + y.rad)
        # What cancels to the last bit was not rounded, nor underflows a sum.
        sums.rad[(sums.mid == 0) & (x.rad + y.rad == 0)] = 0.0
        return sums

    def times(self, x: Column, y: Column) -> Column:
        """The products."""
        with np.errstate(all="ignore"):
            a, b = np.abs(x.mid), np.abs(y.mid)
            rad = a * y.rad + x.rad * (b + y.rad)
            products = self._rounded(x.mid * y.mid, rad + _FEW * (rad > 0))
            nothing = (self.is_zero(x) | self.is_zero(y)) & np.isfinite(products.rad)
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
            quotients = self._rounded(mid, rad)
            nothing = self.is_zero(x) & np.isfinite(quotients.rad)
        quotients.rad[nothing] = 0.0
        return quotients

    def root(self, x: Column) -> Column:
        """The square roots; of a ball that reaches below zero nothing is known."""
        with np.errstate(all="ignore"):
            mid = np.sqrt(x.mid)
            rad = np.where(x.rad == 0, 0.0, x.rad / mid * INFLATION + _FEW)
            return self._rounded(mid, np.where(x.rad <= x.mid, rad, np.inf))

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

    def _clamp(self, x: Column, low: Column, high: Column) -> Column:
        return self.negated(_larger(self.negated(_larger(x, low)), self.negated(high)))

    def _sum_radius(
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

    def total(self, column: Column) -> Column:
        """The sums over the last axis."""
        terms = column.shape[-1]
        if not terms:
            return self.store(int(np.prod(column.shape[:-1])))
        with np.errstate(all="ignore"):
            mid = column.mid.sum(axis=-1)
            size = np.abs(column.mid).sum(axis=-1)
            rad = self._sum_radius(float(terms), mid, size, column.rad.sum(axis=-1))
        return self._mended(
            Column(mid, rad), lambda rows: _BALLS.total(self.to_balls(column[rows]))
        )

    def contraction(self, left: Column, right: Column) -> Column:
        """Matrix products, of shapes (batch, rows, inner) and (batch, inner,
        columns)."""
        inner = left.shape[2]
        own = (1 + 4 * UNIT * (inner + 2)) * INFLATION
        with np.errstate(all="ignore"):
            mid = left.mid @ right.mid
            size = np.abs(left.mid), np.abs(right.mid)
            rad = size[0] @ (right.rad + inner * self.sum_unit * size[1])
            if left.rad.any():
                rad += left.rad @ (size[1] + right.rad)
            rad = rad * own + inner * self.absolute
            if self.unit > self.sum_unit:
                rad += self.unit * np.abs(mid)
            rad[np.isnan(mid) | np.isnan(rad)] = np.inf

        def mended(rows: npt.NDArray[np.intp]) -> Any:
            return _BALLS.contraction(
                self.to_balls(left[rows]), self.to_balls(right[rows])
            )

        return self._mended(Column(mid, rad), mended)

    def _mended(self, column: Column, again: Callable[[Any], Any]) -> Column:
        """The column, where an infinity came in, by balls."""
        bad = ~(np.isfinite(column.mid) & np.isfinite(column.rad))
        if not bad.any():
            return column
        rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
        with balls.workprec(BITS):
            column[rows] = self.of_balls(again(rows))
        return column

    # ── rules ─────────────────────────────────────────────────────────────────────────

    def value(
        self, operation: str, formula: Formula, operands: Sequence[Column]
    ) -> Column:
        """A row's value by its formula."""
        column = self.run(formula, operands)
        if operation in ("log", "log2", "log10"):
            zero = (operands[0].mid == 0) & (operands[0].rad == 0)
            if zero.any():
                column[zero] = Column(np.array(-np.inf), np.array(0.0))
        return column

    def partial(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """A row's partial derivative by its formula."""
        return self.run(formula, operands)

    def run(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """A formula of columns in the order of its inputs, in the shape of the first."""
        shape = operands[0].shape
        if not self._is_native(formula, operands):
            return self._one_by_one(formula, operands)
        (found,) = evaluate(formula, operands, self.table, self.literal)
        column = Column(
            np.broadcast_to(found.mid, shape).copy(),
            np.broadcast_to(found.rad, shape).copy(),
        )
        bad = ~(np.isfinite(column.mid) & np.isfinite(column.rad))
        if bad.any():
            column[bad] = self._one_by_one(formula, [given[bad] for given in operands])
        return column

    def _is_native(self, formula: Formula, operands: Sequence[Column]) -> bool:
        steps = formula.instructions
        for step in steps:
            if step.operation in ("input", "constant"):
                continue
            if step.operation not in self.native:
                return False
            if step.operation == "pow":
                power = steps[step.arguments[1]]
                number = power.number
                if power.operation == "input":
                    number = _only(operands[step.arguments[1]])
                if number is None or (2 * number).denominator != 1 or abs(number) > 8:
                    return False
        return True

    def _one_by_one(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """By balls; a formula of its own ready once for all."""
        names = [s.name or "" for s in formula.instructions if s.operation == "input"]
        with balls.workprec(BITS):
            run = CompiledFormula(formula, names, formula.outputs).ready()
            of_double, back = doubles.of_double, doubles.midpoint_and_radius

            def one(*parts: float) -> tuple[float, float]:
                given = [
                    of_double(m, r)
                    for m, r in zip(parts[::2], parts[1::2], strict=True)
                ]
                return back(run(given)[0])

            parts = [part for given in operands for part in (given.mid, given.rad)]
            every: Any = np.frompyfunc(one, len(parts), 2)
            mid, rad = every(*parts)
        column = Column(
            np.asarray(mid, dtype=np.float64), np.asarray(rad, dtype=np.float64)
        )
        if self.unit > UNIT:
            with np.errstate(all="ignore"):
                column.rad += self.unit * np.abs(column.mid) + self.absolute
                column.rad[np.isnan(column.rad)] = np.inf
        return column

    def largest(self, column: Column) -> tuple[Column, Mask]:
        """The largest over the last axis, and which may be it."""
        top = (column.mid + column.rad).max(axis=-1)
        bottom = (column.mid - column.rad).max(axis=-1)
        winner = column.mid.argmax(axis=-1)[..., None]
        may_be = column.mid + column.rad >= bottom[..., None]
        mid = np.take_along_axis(column.mid, winner, axis=-1)[..., 0]
        rad = np.take_along_axis(column.rad, winner, axis=-1)[..., 0]
        wide = np.maximum(np.abs(top - mid), np.abs(mid - bottom)) * INFLATION
        rad = np.where(
            may_be.sum(axis=-1) > 1,
            np.maximum(rad, wide + self.unit * np.abs(mid)),
            rad,
        )
        rad[np.isnan(mid) | np.isnan(rad)] = np.inf
        return Column(mid, rad), may_be

    # ── questions ─────────────────────────────────────────────────────────────────────

    def ties(self, operation: str, operands: Sequence[Column]) -> Mask:
        """Where an operation that may turn is at a turn, or may be."""
        return TIES[operation](*operands)

    def is_known(self, column: Column) -> Mask:
        """Where there is a number: finite, or an infinity that is proved."""
        return np.asarray(~np.isnan(column.mid) & np.isfinite(column.rad))

    def is_finite(self, column: Column) -> Mask:
        """Where a column says anything."""
        return np.asarray(np.isfinite(column.mid) & np.isfinite(column.rad))

    def is_exact(self, column: Column) -> Mask:
        """Where there is no radius."""
        return np.asarray(column.rad == 0)

    def is_zero(self, column: Column) -> Mask:
        """Where a column is the exact zero."""
        return np.asarray((column.mid == 0) & (column.rad == 0))

    def nothing(self, count: int) -> Column:
        """A column that says nothing."""
        return Column(np.full(count, np.nan), np.full(count, np.inf))

    def rational(self, column: Column) -> Fraction | None:
        """The number that a column of one is, where it is exact."""
        return _only(column)

    def to_balls(self, column: Column) -> Any:
        """The column as one of balls."""
        return np.frompyfunc(doubles.of_double, 2, 1)(column.mid, column.rad)

    def of_balls(self, column: Any) -> Column:
        """A column of balls as one of this arithmetic."""
        parts: Any = np.frompyfunc(doubles.midpoint_and_radius, 1, 2)
        mid, rad = parts(column)
        return Column(
            np.asarray(mid, dtype=np.float64), np.asarray(rad, dtype=np.float64)
        )

    def enclosures(self, column: Column) -> Enclosures:
        """As what passes to the judgement."""
        infinite = ~np.isfinite(column.mid)
        return Enclosures(
            high=column.mid,
            low=np.zeros(column.shape),
            radius=np.where(infinite, np.inf, column.rad),
        )


class _Table(dict[str, Callable[..., Any]]):
    """The operations by name; those that are not native one by one through balls."""

    def __init__(
        self, native: Mapping[str, Callable[..., Any]], arithmetic: MidpointRadius
    ) -> None:
        super().__init__(native)
        self.arithmetic = arithmetic

    def __missing__(self, name: str) -> Callable[..., Any]:
        formula = rules.value(name)
        return lambda *operands: self.arithmetic.run(formula, operands)


_BALLS = BallArithmetic()
_FEW = 8 * TINY


def _literal(name: str | None, number: Fraction | None) -> Any:
    with balls.workprec(BITS):
        return _BALLS.literal(name, number)


def _only(column: Column) -> Fraction | None:
    """The one number that all of a column are, exactly."""
    if not column.size:
        return None
    first = column.mid.flat[0]
    alike = (column.mid == first) & (column.rad == 0)
    return Fraction(float(first)) if np.isfinite(first) and alike.all() else None


def _positive_part(x: Column) -> Column:
    return _larger(x, Column(np.zeros(1), np.zeros(1)))


def _larger(x: Column, y: Column) -> Column:
    """The larger of two differs by no more than the operands do."""
    rad = np.maximum(x.rad, y.rad)
    with np.errstate(all="ignore"):
        # Far from a tie the radius is that of the larger one.
        first = x.mid - x.rad > (y.mid + y.rad) + UNIT * np.abs(y.mid) * 4
        second = y.mid - y.rad > (x.mid + x.rad) + UNIT * np.abs(x.mid) * 4
    rad = np.where(first, x.rad, np.where(second, y.rad, rad))
    return Column(np.maximum(x.mid, y.mid), rad)


def _magnitude(x: Column) -> Column:
    return Column(np.abs(x.mid), x.rad + np.zeros(x.shape))


def _compare(x: Column, y: Column) -> tuple[Mask, Mask]:
    """Where x < y and where x > y, proved."""
    with np.errstate(all="ignore"):
        gap = np.abs(x.mid - y.mid)
        both = (x.rad + y.rad) * INFLATION
        apart = gap / INFLATION > both
        same_infinity = np.isinf(x.mid) & (x.mid == y.mid)
    return (x.mid < y.mid) & apart & ~same_infinity, (
        x.mid > y.mid
    ) & apart & ~same_infinity


def _overlapping(x: Column, y: Column) -> Mask:
    less, greater = _compare(x, y)
    return ~(less | greater) & np.isfinite(x.mid) & np.isfinite(y.mid)


def _above(x: Column, y: Column) -> Column:
    less, greater = _compare(x, y)
    # At a tie the balls' own `above` says 0; whoever asks there asks for the hull.
    tie = (x.mid == y.mid) & (x.rad == 0) & (y.rad == 0)
    decided = less | greater | tie
    mid = np.where(decided, greater.astype(np.float64), 0.5)
    return Column(mid, np.where(decided, 0.0, 0.5))


def _sign(x: Column) -> Column:
    with np.errstate(all="ignore"):
        decided = (np.abs(x.mid) > x.rad) | ((x.mid == 0) & (x.rad == 0))
    return Column(np.where(decided, np.sign(x.mid), 0.0), np.where(decided, 0.0, 1.0))


def _relation(name: str) -> Callable[[Column, Column], tuple[Mask, Mask]]:
    """Where a relation is proved, and where its contrary is."""

    def related(x: Column, y: Column) -> tuple[Mask, Mask]:
        less, greater = _compare(x, y)
        tie = (x.mid == y.mid) & (x.rad == 0) & (y.rad == 0)
        return {
            "lt": (less, greater | tie),
            "le": (less | tie, greater),
            "gt": (greater, less | tie),
            "ge": (greater | tie, less),
        }[name]

    return related


def _where(condition: tuple[Mask, Mask], x: Column, y: Column) -> Column:
    """The branch that is taken; nothing is said where that is undecided."""
    yes, no = condition
    mid = np.where(yes, x.mid, np.where(no, y.mid, np.nan))
    return Column(mid, np.where(yes, x.rad, np.where(no, y.rad, np.inf)))


def _contains_integer(x: Column) -> Mask:
    with np.errstate(all="ignore"):
        return np.abs(x.mid - np.rint(x.mid)) <= x.rad * INFLATION + UNIT * np.abs(
            x.mid
        )


def _vanishes(x: Column) -> Mask:
    return np.abs(x.mid) <= x.rad


TIES: dict[str, Callable[..., Mask]] = {
    **dict.fromkeys(("abs", "sign", "relu"), _vanishes),
    **dict.fromkeys(("floor", "ceil"), _contains_integer),
    **dict.fromkeys(("max", "min", "lt", "le", "gt", "ge", "eq", "ne"), _overlapping),
    "clamp": lambda x, low, high: _overlapping(x, low) | _overlapping(x, high),
    "hypot": lambda x, y: _vanishes(x) & _vanishes(y),
    "atan2": lambda y, x: _vanishes(y) & (x.mid - x.rad <= 0),
}
"""Where an operation that may turn may be at a turn."""
