"""A program computed with roundings drawn at random, several times at once.

A rounding is a function of the value: equal values round alike, as they do on a
machine, or a constant gradient would scatter like independent numbers. Functions that
are not correctly rounded err in common besides: by one factor an operation. The errors
of an accumulation of n numbers grow like √n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Numbers
from verifier.language.cells import CONSTANT, Record
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells import functions, kernel_formulas, units
from verifier.symbolic.cells.indices import Places
from verifier.symbolic.cells.rounding_bounds import (
    ABSOLUTE,
    is_short,
    used_few_times,
)
from verifier.symbolic.cells.units import CellUnits, Precision

Mask = npt.NDArray[np.bool_]
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
"""Of the finaliser of MurmurHash3 (A. Appleby, public domain)."""
_SHIFTS = (np.uint64(33), np.uint64(29), np.uint64(11))


class Draws:
    """As many columns as are drawn at once, behind one another; to evaluation it is one
    of the shape of each."""

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = values

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one."""
        return tuple(self.values.shape[1:])

    @property
    def size(self) -> int:
        """Of one."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return int(self.values.shape[1])

    def __getitem__(self, index: Any) -> Draws:
        return Draws(self.values[(slice(None), *_tuple(index))])

    def __setitem__(self, index: Any, draws: Draws) -> None:
        self.values[(slice(None), *_tuple(index))] = draws.values

    def reshape(self, *shape: Any) -> Draws:
        """Each of them."""
        if len(shape) == 1 and isinstance(shape[0], tuple):
            (shape,) = shape
        return Draws(self.values.reshape(len(self.values), *shape))

    def transpose(self, *axes: int) -> Draws:
        """Each of them."""
        return Draws(self.values.transpose(0, *(axis + 1 for axis in axes)))

    def copy(self) -> Draws:
        """As of an array."""
        return Draws(self.values.copy())


def _tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


class RandomRounding:
    """The arithmetic of one model: `count` draws, or, of `count` 0, one that does not
    round."""

    settles = False

    def __init__(
        self, precision: Precision, cells: CellUnits, *, count: int, seed: int = 0
    ) -> None:
        self.precision, self.cells = precision, cells
        self.rounds, self.count = count > 0, max(count, 1)
        self.random = np.random.default_rng(seed)
        self.record: Record | None = None
        self.inner = units.unit(precision.inner)
        self.accumulating = units.unit(precision.accumulator)
        self.bits = precision.format.precision_bits
        self.table = _Table(self)

    def begin(self, record: Record) -> None:
        """Told of each record before it is computed."""
        self.record = record

    # ── noise ─────────────────────────────────────────────────────────────────────────

    def noise(self, values: Numbers) -> Numbers:
        """Between −1 and 1, by value: of each draw and each call another function of
        the number's digits."""
        salts = self.random.integers(0, 1 << 63, self.count, dtype=np.uint64)
        salts = salts.reshape(-1, *([1] * (values.ndim - 1)))
        bits = np.abs(values).view(np.uint64) ^ salts
        for shift, factor in zip(_SHIFTS, _MIX, strict=False):
            bits ^= bits >> shift
            bits *= factor
        bits ^= bits >> _SHIFTS[0]
        drawn = (bits >> _SHIFTS[2]).astype(np.float64)
        drawn *= 2.0**-52
        drawn -= 1.0
        return drawn

    def rounded(
        self, values: Numbers, unit: float | Numbers, least: float | Numbers = 0.0
    ) -> Numbers:
        """Values with a rounding error each; numbers of the dtype have none."""
        if not self.rounds:
            return values
        with np.errstate(all="ignore"):
            drawn = self.noise(values) * unit
            drawn *= values
            drawn += (
                np.sign(values) * self.noise(values) * least if self._small else 0.0
            )
            drawn[is_short(values, self.bits) | ~np.isfinite(values)] = 0.0
            return np.asarray(values + drawn)

    @property
    def _small(self) -> bool:
        """Whether underflow is near in the dtype: that of float16 is."""
        return self.precision.format.exponent_min > -100

    def _basic(self, values: Numbers) -> Draws:
        return Draws(self.rounded(values, self.inner))

    # ── operations ────────────────────────────────────────────────────────────────────

    def arithmetic(self, operation: str) -> Callable[..., Draws]:
        """A correctly rounded operation."""
        plain = functions.function(operation)

        def run(*operands: Draws) -> Draws:
            with np.errstate(all="ignore"):
                return self._basic(plain(*_aligned(operands)))

        return run

    def function(self, operation: str) -> Callable[..., Any]:
        """A faithful kernel of an operation: its own errors are in common, or by
        value."""
        plain = functions.function(operation)
        ulp = kernel_formulas.error_ulp(operation)
        exact = kernel_formulas.is_exact(operation)

        def run(*operands: Any) -> Any:
            with np.errstate(all="ignore"):
                values = np.asarray(plain(*_aligned(operands)))
            if values.dtype == bool:
                return values
            if exact or not self.rounds:
                return Draws(np.array(values, dtype=np.float64))
            values = np.array(np.broadcast_to(values, (self.count, *values.shape[1:])))
            with np.errstate(all="ignore"):
                if ulp > 0.5:
                    common = (
                        self.random.uniform(-1, 1, self.count) * 2 * ulp * self.inner
                    )
                    common = common.reshape(-1, *([1] * (values.ndim - 1)))
                    size = (
                        np.maximum(np.abs(values), 1)
                        if operation in ABSOLUTE
                        else values
                    )
                    inexact = ~is_short(values, self.bits)
                    values += np.where(inexact, common * size, 0.0)
            return self._basic(values)

        return run

    def times(self, x: Draws, y: Draws) -> Draws:
        """The products."""
        return self.table["mul"](x, y)  # type: ignore[no-any-return]

    def negated(self, draws: Draws) -> Draws:
        """With their signs turned."""
        return Draws(-draws.values)

    # ── what evaluation asks for ──────────────────────────────────────────────────────

    def store(self, size: int) -> Draws:
        """Room for as many cells, each zero."""
        return Draws(np.zeros((self.count, size)))

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
        return Draws(self._constant(values, kept.precision_bits, units.unit(kept)))

    def _constant(self, values: Numbers, bits: int, unit: float) -> Numbers:
        if not self.rounds:
            return values
        with np.errstate(all="ignore"):
            error = self.noise(values) * unit * values
            return np.where(
                is_short(values, bits) | ~np.isfinite(values), values, values + error
            )

    def literal(self, name: str | None, number: Fraction | None) -> Draws:
        """One constant."""
        exact = (
            float(number) if number is not None else float(balls.constant(name, None))
        )
        values = np.full((self.count, 1), exact)
        accumulator = self.precision.accumulator
        return Draws(
            self._constant(values, accumulator.precision_bits, self.accumulating)
        )

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
        return found if kernel_formulas.is_exact(operation) else self._stored(found)

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


def _aligned(operands: Sequence[Any]) -> list[Any]:
    """The arrays of draws, and of conditions."""
    return [one.values if isinstance(one, Draws) else one for one in operands]


class _Table(Mapping[str, Callable[..., Any]]):
    """The operations of an arithmetic by name."""

    def __init__(self, arithmetic: RandomRounding) -> None:
        self.arithmetic = arithmetic
        self.known: dict[str, Callable[..., Any]] = {
            name: arithmetic.arithmetic(name) for name in ("add", "sub", "mul", "div")
        }
        self.known["identity"] = lambda x: x

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in self.known:
            try:
                self.known[name] = self.arithmetic.function(name)
            except KeyError:
                formula = kernel_formulas.definition(name).formula
                self.known[name] = lambda *operands: self._defined(formula, operands)
        return self.known[name]

    def _defined(self, formula: Formula, operands: Sequence[Draws]) -> Any:
        (found,) = evaluate(formula, operands, self, self.arithmetic.literal)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)
