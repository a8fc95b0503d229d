"""Columns of float64 midpoints with radii: + − × ÷ √ by NumPy, with radii that hold for
all that was rounded, the rest one by one through balls.

Contractions are S. M. Rump's (Fast and parallel interval arithmetic, BIT 39, 1999):
three products of matrices. Sums and products of any length err by no more than their
length × u × the sum of magnitudes, in whatever order (C.-P. Jeannerod and S. M. Rump,
Improved error bounds for inner products in floating-point arithmetic, SIAM J. Matrix
Anal. Appl. 34, 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Enclosures
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.doubles import INFLATION
from verifier.symbolic.cells import midpoint_columns as columns
from verifier.symbolic.cells.columns import Mask
from verifier.symbolic.cells.indices import Places
from verifier.symbolic.cells.midpoint_choices import TIES
from verifier.symbolic.cells.midpoint_columns import BALLS, BITS, UNIT, Column, Numbers
from verifier.symbolic.cells.midpoint_formulas import Formulas


class MidpointRadius(Formulas):
    """What evaluation asks of an arithmetic, for midpoints with radii.

    `begin` may set the units by record.
    """

    settles = True

    def stopped(self, column: Column) -> Column:
        """The same numbers, without how they move."""
        return column

    def begin(self, record: Any) -> None:
        """Told of each record before it is computed."""

    # ── storing ───────────────────────────────────────────────────────────────────────

    def block(self, record: Any, operand: Column, results: Column) -> Column:
        """The results of a block, as this arithmetic has them."""
        return results

    def store(self, size: int) -> Column:
        """Room for as many cells, each zero."""
        return Column(np.zeros(size), np.zeros(size))

    def numbers(self, numbers: Numbers) -> Column:
        """Exact numbers."""
        mid = np.array(numbers, dtype=np.float64)
        return Column(mid, np.where(np.isnan(mid), np.inf, 0.0))

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
        sums = Column(mid, self.sum_radius(terms, mid, size, rad))
        where = here + low
        before = store[where]
        total = self.plus(before, sums)
        first = (before.mid == 0) & (before.rad == 0)
        total.rad = np.where(first, sums.rad, total.rad)
        store[where] = total

    def total(self, column: Column) -> Column:
        """The sums over the last axis."""
        terms = column.shape[-1]
        if not terms:
            return self.store(int(np.prod(column.shape[:-1])))
        with np.errstate(all="ignore"):
            mid = column.mid.sum(axis=-1)
            size = np.abs(column.mid).sum(axis=-1)
            rad = self.sum_radius(float(terms), mid, size, column.rad.sum(axis=-1))
        return self._mended(
            Column(mid, rad), lambda rows: BALLS.total(self.to_balls(column[rows]))
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
            return BALLS.contraction(
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
        return columns.is_finite(column)

    def is_exact(self, column: Column) -> Mask:
        """Where there is no radius."""
        return np.asarray(column.rad == 0)

    def is_zero(self, column: Column) -> Mask:
        """Where a column is the exact zero."""
        return columns.is_zero(column)

    def nothing(self, count: int) -> Column:
        """A column that says nothing."""
        return Column(np.full(count, np.nan), np.full(count, np.inf))

    def rational(self, column: Column) -> Fraction | None:
        """The number that a column of one is, where it is exact."""
        return columns.only(column)

    def to_balls(self, column: Column) -> Any:
        """The column as one of balls."""
        return columns.to_balls(column)

    def of_balls(self, column: Any) -> Column:
        """A column of balls as one of this arithmetic."""
        return columns.of_balls(column)

    def enclosures(self, column: Column) -> Enclosures:
        """As what passes to the judgement."""
        infinite = ~np.isfinite(column.mid)
        return Enclosures(
            high=column.mid,
            low=np.zeros(column.shape),
            radius=np.where(infinite, np.inf, column.rad),
        )
