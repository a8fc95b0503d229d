"""A program computed with roundings drawn at random: the operations of a model, and how
a library stores, sums and accumulates. The errors of an accumulation of n numbers grow
like √n."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Numbers
from verifier.language.cells import CONSTANT
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells import kernel_formulas, units
from verifier.symbolic.cells.indices import Places
from verifier.symbolic.cells.random_operations import Draws, Mask, RandomOperations
from verifier.symbolic.cells.rounding_bounds import used_few_times
from verifier.symbolic.cells.rounding_operations import is_short


class RandomRounding(RandomOperations):
    """The arithmetic of one model: what an evaluation and a reverse pass ask for."""

    # ── what evaluation asks for ──────────────────────────────────────────────────────

    def store(self, size: int) -> Draws:
        """Room for as many cells, each zero."""
        return Draws(np.zeros((self.count, size)))

    def block(self, record: Any, operand: Draws, results: Draws) -> Draws:
        """The results of a block, as this arithmetic has them."""
        return results

    def stopped(self, draws: Draws) -> Draws:
        """The same numbers."""
        return draws

    def numbers(self, numbers: Numbers) -> Draws:
        """Numbers of the program's own; those given are numbers of the dtype."""
        flat = np.asarray(numbers, dtype=np.float64)
        values = np.array(np.broadcast_to(flat, (self.count, *flat.shape)))
        record = self.record
        if record is None or record.kind != CONSTANT:
            return Draws(values)
        kept = self.precision.accumulator
        if record.stored is not None:
            kept = self.precision.stored(record)
        return Draws(self.constant(values, kept.precision_bits, units.unit(kept)))

    def run(self, formula: Formula, operands: Sequence[Draws]) -> Draws:
        """A formula of draws in the order of its inputs, in the shape of the first."""
        (found,) = evaluate(formula, operands, self.table, self.literal)
        shape = (self.count, *operands[0].shape)
        return Draws(np.broadcast_to(found.values, shape))

    def partial(self, formula: Formula, operands: Sequence[Draws]) -> Draws:
        """A row's partial derivative by its formula."""
        return self.run(formula, operands)

    def value(
        self, operation: str, formula: Formula, operands: Sequence[Draws]
    ) -> Draws:
        """What the kernel makes of a row, stored as the record says."""
        form = kernel_formulas.value(operation)
        if form is None:
            found: Draws = self.table[operation](*operands)
        else:
            names = kernel_formulas.operands(operation)
            named = dict(zip(names, operands, strict=True))
            found = self.run(form.formula, [named[name] for name in form.names])
        if kernel_formulas.is_exact(operation) and operation != "identity":
            return found
        return self._stored(found)

    def _stored(self, draws: Draws) -> Draws:
        record = self.record
        if record is None:
            return draws
        kept = self.precision.stored(record)
        if kept.precision_bits >= self.precision.inner.precision_bits:
            return draws
        return Draws(self.rounded(draws.values, units.unit(kept), units.absolute(kept)))

    def total(self, draws: Draws) -> Draws:
        """The sums over the last axis."""
        values = draws.values
        terms = values.shape[-1]
        with np.errstate(all="ignore"):
            sums = np.asarray(values.sum(axis=-1))
            if self.rounds and terms > 1:
                size = np.sqrt(np.square(values[0]).sum(axis=-1)) + np.abs(sums[0])
                sums = self._accumulated(sums, size, terms)
        return self._stored(self._basic(sums))

    def _accumulated(self, sums: Numbers, size: Numbers, terms: int) -> Numbers:
        error = self.noise(sums) * (self.accumulating * np.sqrt(terms)) * size
        return np.where(is_short(sums, self.bits), sums, sums + error)

    def contraction(self, left: Draws, right: Draws) -> Draws:
        """Matrix products, of shapes (batch, rows, inner) and (batch, inner,
        columns)."""
        left, right = self._factor(left), self._factor(right)
        with np.errstate(all="ignore"):
            sums = left.values @ right.values
            if self.rounds:
                squares = np.square(left.values[0]) @ np.square(right.values[0])
                size = np.sqrt(squares) + np.abs(sums[0])
                sums = self._accumulated(sums, size, left.shape[2])
        return self._stored(self._basic(sums))

    def _factor(self, draws: Draws) -> Draws:
        """As units that multiply matrices take it: of 16 bits in a program of 16
        bits."""
        format_ = self.precision.format
        if format_.bits > 16:
            return draws
        return Draws(self.rounded(draws.values, units.unit(format_)))

    def largest(self, draws: Draws) -> tuple[Draws, Mask]:
        """The largest over the last axis, and which it is in the first draw."""
        top = draws.values.max(axis=-1)
        return Draws(top), draws.values[0] == top[0][..., None]

    def shares_of_largest(self, draws: Draws, adjoint: Draws) -> tuple[Draws, Mask]:
        """Of equal ones an equal part each, as `amax` has it."""
        top = draws.values.max(axis=-1, keepdims=True)
        equal = draws.values == top
        shares = adjoint.values[..., None] * (equal / equal.sum(axis=-1, keepdims=True))
        return Draws(shares), equal.any(axis=0)

    def accumulate(
        self, store: Draws, cells: Places, draws: Draws, *, copied: bool = False
    ) -> None:
        """Add to gradients, each kept in the format of its cell."""
        where, values = cells.index, draws.values
        if not cells.unique:
            where, values = self._gathered(cells, values)
            copied = False
        before = store.values[:, where]
        first = not before.any()
        kept = self.cells.unit[where]
        # A share was rounded as it was computed; a sum of several was not yet.
        if first and (copied or (cells.unique and bool((kept <= self.inner).all()))):
            store.values[:, where] = values
            return
        unit = np.maximum(kept, self.inner)
        with np.errstate(all="ignore"):
            sums = before + values
            store.values[:, where] = self.rounded(
                sums, unit, self.cells.absolute[where]
            )

    def _gathered(
        self, cells: Places, values: Numbers
    ) -> tuple[npt.NDArray[np.int64], Numbers]:
        """Each cell once, with the sum of what is added to it."""
        low = int(cells.cells.min())
        index = cells.cells - low
        counts = np.bincount(index)
        here = np.flatnonzero(counts)
        each_sum = [np.bincount(index, weights=draw)[here] for draw in values]
        sums = np.asarray(each_sum, dtype=np.float64)
        if not self.rounds:
            return here + low, sums
        terms = counts[here].astype(np.float64)
        each = np.where(used_few_times(terms), self.cells.unit[here + low], 0.0)
        each = np.maximum(each, self.accumulating) * np.sqrt(terms - 1)
        with np.errstate(all="ignore"):
            squares = np.bincount(index, weights=np.square(values[0]))[here]
            size = np.sqrt(squares) + np.abs(sums[0])
            error = self.noise(sums) * each * size
            return here + low, np.where(is_short(sums, self.bits), sums, sums + error)

    def sizes(self, cells: Places, draws: Draws) -> Numbers:
        """Not kept count of."""
        return np.zeros(draws.size if cells.unique else int(cells.cells.max()) + 1)

    def terms(self, draws: Draws) -> Numbers:
        """Not kept count of."""
        return np.zeros(draws.size)

    # ── questions ─────────────────────────────────────────────────────────────────────

    def ties(self, operation: str, operands: Sequence[Draws]) -> Mask:
        """A draw is never at a turn."""
        return np.zeros(operands[0].shape, dtype=bool)

    def is_finite(self, draws: Draws) -> Mask:
        """Every draw says what it says."""
        return np.ones(draws.shape, dtype=bool)

    is_known = is_finite

    def is_zero(self, draws: Draws) -> Mask:
        """Where every draw is zero."""
        return np.asarray((draws.values == 0).all(axis=0))

    def rational(self, draws: Draws) -> Fraction | None:
        """The one number that all are."""
        values = draws.values
        if not values.size or not np.isfinite(values.flat[0]):
            return None
        first = float(values.flat[0])
        return Fraction(first) if (values == first).all() else None

    def nothing(self, count: int) -> Draws:
        """What says nothing."""
        return Draws(np.full((self.count, count), np.nan))
