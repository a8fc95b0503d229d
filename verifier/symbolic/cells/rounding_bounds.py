"""How far rounding may bring every number of a program: the operations of a model, and
how a library stores, sums and accumulates."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Numbers
from verifier.language.cells import Record
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells import kernel_formulas, units
from verifier.symbolic.cells.indices import Places
from verifier.symbolic.cells.midpoint_columns import Column
from verifier.symbolic.cells.rounding_operations import (
    Mask,
    RoundingOperations,
    is_short,
)

FEW_USES = 16
"""A number that is copied no more often (by padding, unfolding, indexing) may have its
gradient added up in its own dtype; of more terms an accumulator of float32 is
expected."""


MATRIX_UNITS = 4.0
"""Of a function of a matrix, units of its norm times its size."""


class RoundingBounds(RoundingOperations):
    """The arithmetic of one model: what an evaluation and a reverse pass ask for."""

    # ── what evaluation asks for ──────────────────────────────────────────────────────

    def numbers(self, numbers: Numbers) -> Column:
        column = super().numbers(numbers)
        record = self.record
        if record is None or record.kind != "constant":
            return column
        # A Python number that no float32 is, or a tensor of the dtype.
        kept = self.precision.accumulator
        if record.stored is not None:
            kept = self.precision.stored(record)
        short = is_short(column.mid, kept.precision_bits) | ~np.isfinite(column.mid)
        rad = np.where(short, 0.0, units.unit(kept) * self.part * np.abs(column.mid))
        return Column(column.mid, rad)

    def literal(self, name: str | None, number: Fraction | None) -> Column:
        column = super().literal(name, number)
        rad = np.where(
            is_short(column.mid, self.precision.accumulator.precision_bits),
            0.0,
            self.accumulating * np.abs(column.mid),
        )
        return Column(column.mid, rad)

    def run(self, formula: Formula, operands: Sequence[Column]) -> Column:
        shape = operands[0].shape
        (found,) = evaluate(formula, operands, self.table, self.literal)
        return Column(
            np.broadcast_to(found.mid, shape).copy(),
            np.broadcast_to(found.rad, shape).copy(),
        )

    def value(
        self, operation: str, formula: Formula, operands: Sequence[Column]
    ) -> Column:
        """What the kernel makes of a row, stored as the record says."""
        form = kernel_formulas.value(operation)
        if form is None:
            found = self.table[operation](*operands)
            found = Column(np.array(found.mid), np.array(found.rad))
        else:
            names = kernel_formulas.operands(operation)
            named = dict(zip(names, operands, strict=True))
            found = self.run(form.formula, [named[name] for name in form.names])
        # What only moves between numbers of one format stays exact; "identity" is where
        # a number comes to a narrower one.
        if kernel_formulas.is_exact(operation) and operation != "identity":
            return found
        return self._stored(found)

    def _stored(self, column: Column) -> Column:
        """Rounded once more, where the library keeps it in a narrower format."""
        record, inner = self.record, self.precision.inner
        if record is None:
            return column
        kept = self.precision.stored(record)
        if kept.precision_bits < inner.precision_bits:
            unit, least = units.unit(kept) * self.part, units.absolute(kept)
            column = self.with_rounding(column.mid, column.rad, unit, least)
        if self.precision.in_range:
            with np.errstate(all="ignore"):
                beyond = np.abs(column.mid) + column.rad > float(kept.largest)
            rad = np.where(beyond & np.isfinite(column.mid), np.inf, column.rad)
            column = Column(column.mid, rad)
        return column

    def block(self, record: Record, operand: Column, results: Column) -> Column:
        """What LAPACK makes of a matrix: exact for one that is as far from it as its
        rounding, n units of its norm and a few (backward stability)."""
        batch, size, _ = operand.shape
        with np.errstate(all="ignore"):
            norms = np.sqrt(np.square(operand.mid).sum(axis=(1, 2)))[:, None]
            unit = MATRIX_UNITS * size * self.accumulating * np.fmax(norms, 1e-300)
            rows = results.mid.reshape(batch, -1)
            if record.kind == "eigh":
                values = rows[:, :size]
                gaps = np.abs(values[:, :, None] - values[:, None, :])
                gaps[:, np.arange(size), np.arange(size)] = np.inf
                vectors = np.broadcast_to(
                    (unit / gaps.min(axis=2))[:, None, :], (batch, size, size)
                )
                of_values = np.broadcast_to(unit, values.shape)
                own = np.concatenate([of_values, vectors.reshape(batch, -1)], axis=1)
            else:
                largest = np.sqrt(np.square(rows).sum(axis=1))[:, None]
                scale = largest * np.fmax(1.0, 1 / norms)
                own = np.broadcast_to(unit * scale, rows.shape)
            rad = self.both(results.rad, own.reshape(results.mid.shape))
            rad = np.where(np.isnan(rad), np.inf, rad)
        return self._stored(Column(results.mid, rad))

    def total(self, column: Column) -> Column:
        terms = column.shape[-1]
        if not terms:
            return self.store(int(np.prod(column.shape[:-1])))
        with np.errstate(all="ignore"):
            mid = column.mid.sum(axis=-1)
            rad = self.both(
                self.over_axis(column.rad),
                self._accumulation(float(terms - 1), column.mid),
            )
            return self._stored(self.basic(mid, rad))

    def _accumulation(self, count: float, numbers: Numbers) -> Numbers:
        """What adding up along the last axis may err by."""
        if self.quadratic:
            size = np.sqrt(np.square(numbers).sum(axis=-1))
            return np.asarray(self.accumulating * np.sqrt(count) * size)
        return np.asarray(self.accumulating * count * np.abs(numbers).sum(axis=-1))

    def contraction(self, left: Column, right: Column) -> Column:
        inner = left.shape[2]
        left, right = self.factor(left), self.factor(right)
        sizes, radii = (np.abs(left.mid), np.abs(right.mid)), (left.rad, right.rad)
        with np.errstate(all="ignore"):
            mid = left.mid @ right.mid
            if self.quadratic:
                squares = [np.square(part) for part in (*sizes, *radii)]
                own = inner * self.accumulating**2
                rad = np.sqrt(
                    squares[0] @ (squares[3] + own * squares[1])
                    + squares[2] @ squares[1]
                )
                terms = sizes[0] @ sizes[1]
            else:
                terms = sizes[0] @ sizes[1]
                rad = sizes[0] @ radii[1] + inner * self.accumulating * terms
                if radii[0].any():
                    rad += radii[0] @ (sizes[1] + radii[1])
            found = self._stored(self.basic(mid, rad))
        return Summed(found.mid, found.rad, terms)

    def shares_of_largest(self, column: Column, adjoint: Column) -> tuple[Column, Mask]:
        """What flows back to the candidates of each row: all of it to the largest, any
        part of it to those that are tied; and to which."""
        _, may_be = self.largest(column)
        alone = (may_be.sum(axis=-1) == 1)[..., None]
        mid = adjoint.mid[..., None] * np.ones(may_be.shape)
        rad = adjoint.rad[..., None] * np.ones(may_be.shape)
        half = np.abs(mid) / 2
        tied = Column(mid / 2, half + rad)
        shares = Column(np.where(alone, mid, tied.mid), np.where(alone, rad, tied.rad))
        return shares, may_be

    def sizes(self, cells: Places, column: Column) -> Numbers:
        """The magnitude of what is added to each of the cells, or to all cells up to
        their last where some are named several times."""
        if cells.unique:
            return np.nan_to_num(np.abs(column.mid).reshape(-1))
        return np.abs(np.bincount(cells.cells, weights=np.nan_to_num(column.mid)))

    def terms(self, column: Column) -> Numbers:
        """The magnitudes of what adds up to each number."""
        if isinstance(column, Summed):
            return np.nan_to_num(column.terms.reshape(-1))
        return np.nan_to_num(np.abs(column.mid).reshape(-1))

    def accumulate(
        self, store: Column, cells: Places, column: Column, *, copied: bool = False
    ) -> None:
        """Add to gradients, each kept in the format of its cell; `copied`: numbers that
        were kept so already."""
        where = cells.index
        if not cells.unique:
            where, column = self._gathered(cells, column)
            copied = False
        kept = self.cells.unit[where] * self.part
        least = self.cells.absolute[where]
        before = store[where]
        first = (before.mid == 0) & (before.rad == 0)
        with np.errstate(all="ignore"):
            mid = before.mid + column.mid
            rad = np.where(first, column.rad, self.both(before.rad, column.rad))
            # A share was rounded as it was computed; a sum of several was not yet.
            nothing = first & (copied | (cells.unique & (kept <= self.inner)))
            unit = np.where(nothing, 0.0, np.maximum(kept, self.inner))
            sums = self.with_rounding(mid, rad, unit, np.where(nothing, 0.0, least))
            if self.precision.in_range:
                beyond = np.abs(sums.mid) + sums.rad > self.cells.largest[where]
                sums.rad = np.where(beyond, np.inf, sums.rad)
        store[where] = sums

    def _gathered(
        self, cells: Places, column: Column
    ) -> tuple[npt.NDArray[np.int64], Column]:
        """Each cell once, with the sum of what is added to it."""
        low = int(cells.cells.min())
        index = cells.cells - low
        count = np.bincount(index)
        here = np.flatnonzero(count)
        terms = count[here].astype(np.float64)
        where = here + low

        def over(part: Numbers) -> Numbers:
            return np.asarray(np.bincount(index, weights=part)[here])

        kept = self.cells.unit[where] * self.part
        with np.errstate(all="ignore"):
            mid = over(column.mid)
            few = np.where(used_few_times(terms), kept, 0.0)
            each = np.maximum(self.accumulating, few)
            if self.quadratic:
                rad = np.sqrt(over(np.square(column.rad)))
                own = each * np.sqrt((terms - 1) * over(np.square(column.mid)))
            else:
                rad = over(column.rad)
                own = each * (terms - 1) * over(np.abs(column.mid))
            return where, Column(mid, self.both(rad, own))


def used_few_times(terms: Numbers) -> Mask:
    """Of cells that are named so often in one operand, which may have their gradients
    added up in their own dtype.

    Where all are named alike the operand was broadcast, and a reduction takes the sum.
    """
    broadcast = bool((terms == terms[0]).all()) if len(terms) else True
    return np.asarray((terms > 1) & (terms <= FEW_USES) & (not broadcast))


class Summed(Column):
    """A column of sums, with the sum of the magnitudes of each one's terms."""

    __slots__ = ("terms",)

    def __init__(self, mid: Numbers, rad: Numbers, terms: Numbers) -> None:
        super().__init__(mid, rad)
        self.terms = terms

    def __getitem__(self, index: Any) -> Column:
        return Summed(self.mid[index], self.rad[index], self.terms[index])

    def reshape(self, *shape: Any) -> Column:
        return Summed(
            self.mid.reshape(*shape),
            self.rad.reshape(*shape),
            self.terms.reshape(*shape),
        )
