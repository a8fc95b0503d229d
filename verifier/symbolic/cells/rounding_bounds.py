"""How far rounding may bring every number of a program: midpoints with radii, where an
operation adds to the radius what a faithful kernel of a format may err by.

No truth: functions are the C library's, and what an operand's radius does to a
function's result is taken from the radius' two ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Numbers
from verifier.language.cells import Record
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells import functions, kernel_formulas, units
from verifier.symbolic.cells.indices import Places
from verifier.symbolic.cells.midpoint_columns import Column
from verifier.symbolic.cells.midpoint_radius import MidpointRadius
from verifier.symbolic.cells.units import CellUnits, Precision

Mask = npt.NDArray[np.bool_]

FEW_USES = 16
"""A number that is copied no more often (by padding, unfolding, indexing) may have its
gradient added up in its own dtype; of more terms an accumulator of float32 is
expected."""
ABSOLUTE = {"erf"}
"""Functions whose vectorised kernels err by ulps of 1, not of the result."""
LIPSCHITZ = {"sin": 1.0, "cos": 1.0}
"""Functions that the ends of a wide radius say nothing of."""
DEVIATION = 0.41
"""Of the largest relative error of rounding to nearest, its standard deviation: uniform
within half an ulp, itself between 1/2 and 1 of the largest."""


class RoundingBounds(MidpointRadius):
    """The arithmetic of one model; with `quadratic`, radii are standard deviations of
    independent errors."""

    def __init__(
        self, precision: Precision, cells: CellUnits, *, quadratic: bool = False
    ) -> None:
        super().__init__()
        self.precision, self.cells, self.quadratic = precision, cells, quadratic
        part = DEVIATION if quadratic else 1.0
        self.inner = units.unit(precision.inner) * part
        self.accumulating = units.unit(precision.accumulator) * part
        self.part = part
        self.record: Record | None = None
        self.table = _Table(self)

    def begin(self, record: Record) -> None:
        self.record = record

    # ── combining ─────────────────────────────────────────────────────────────────────

    def both(self, *radii: Numbers | float) -> Numbers:
        """Of several errors, what they come to together."""
        total = np.asarray(radii[0])
        for radius in radii[1:]:
            total = np.hypot(total, radius) if self.quadratic else total + radius
        return np.asarray(total)

    def over_axis(self, radii: Numbers) -> Numbers:
        """The same of all along the last axis."""
        if self.quadratic:
            return np.asarray(np.sqrt(np.square(radii).sum(axis=-1)))
        return np.asarray(radii.sum(axis=-1))

    def with_rounding(
        self, mid: Numbers, rad: Numbers, unit: float | Numbers, least: Any = 0.0
    ) -> Column:
        """A result with what its operands and its own rounding may do; where both say
        nothing, an exact number of the format stays exact."""
        with np.errstate(all="ignore"):
            own = unit * np.abs(mid)
            if self.precision.in_range:
                own = own + least
            own = np.where((rad == 0) & is_short(mid, self._bits), 0.0, own)
            wide = self.both(rad, own)
            infinite = np.isinf(mid) & np.isfinite(rad)
            wide = np.where(infinite, 0.0, wide)
            return Column(mid, np.where(np.isnan(mid) | np.isnan(wide), np.inf, wide))

    @property
    def _bits(self) -> int:
        return self.precision.format.precision_bits

    def basic(self, mid: Numbers, rad: Numbers, ulp: float = 0.5) -> Column:
        """The result of one operation inside a kernel."""
        inner = self.precision.inner
        return self.with_rounding(mid, rad, 2 * ulp * self.inner, units.absolute(inner))

    # ── operations ────────────────────────────────────────────────────────────────────

    def plus(self, x: Column, y: Column) -> Column:
        with np.errstate(all="ignore"):
            return self.basic(x.mid + y.mid, self.both(x.rad, y.rad))

    def times(self, x: Column, y: Column) -> Column:
        with np.errstate(all="ignore"):
            a, b = np.abs(x.mid), np.abs(y.mid)
            first = np.where(y.rad == 0, 0.0, a * y.rad)
            second = np.where(x.rad == 0, 0.0, x.rad * (b + y.rad))
            return self.basic(x.mid * y.mid, self.both(first, second))

    def over(self, x: Column, y: Column) -> Column:
        with np.errstate(all="ignore"):
            mid = x.mid / y.mid
            margin = np.abs(y.mid) - y.rad
            rad = self.both(x.rad, np.abs(mid) * y.rad) / margin
            rad = np.where(margin > 0, rad, np.inf)
            exact = (x.rad == 0) & (y.rad == 0)
            return self.basic(mid, np.where(exact, 0.0, rad))

    def where(self, condition: tuple[Mask, Mask], x: Column, y: Column) -> Column:
        """The branch that is taken; where rounding may take either, the hull of both."""
        yes, no = condition
        with np.errstate(all="ignore"):
            low = np.minimum(x.mid - x.rad, y.mid - y.rad)
            high = np.maximum(x.mid + x.rad, y.mid + y.rad)
            mid = np.where(yes, x.mid, np.where(no, y.mid, (low + high) / 2))
            rad = np.where(yes, x.rad, np.where(no, y.rad, (high - low) / 2))
            return Column(mid, np.where(np.isnan(rad), np.inf, rad))

    def function(self, operation: str) -> Callable[..., Column]:
        """A faithful kernel of an operation."""
        plain = functions.function(operation)
        ulp = kernel_formulas.error_ulp(operation)

        def run(*operands: Column) -> Column:
            with np.errstate(all="ignore"):
                mids = [operand.mid for operand in operands]
                mid = np.asarray(plain(*mids), dtype=np.float64)
                rad = np.zeros(mid.shape)
                for place, operand in enumerate(operands):
                    if not operand.rad.any():
                        continue
                    ends = [
                        plain(*mids[:place], operand.mid + side, *mids[place + 1 :])
                        for side in (operand.rad, -operand.rad)
                    ]
                    far = np.maximum(*(np.abs(end - mid) for end in ends))
                    far = np.maximum(far, LIPSCHITZ.get(operation, 0.0) * operand.rad)
                    still = (operand.rad == 0) | (ends[0] == mid) & (ends[1] == mid)
                    rad = self.both(rad, np.where(still, 0.0, far))
                rad = np.where(np.isnan(rad), np.inf, rad)
                if kernel_formulas.is_exact(operation):
                    return Column(mid, np.where(np.isnan(mid), np.inf, rad))
                # Saturated in float64 already: `tanh` of 20 is not 1, whatever it looks.
                least = (np.abs(mid) == 1) & (mids[0] != 0)
                least |= operation in ABSOLUTE
                rad = self.both(rad, np.where(least, 2 * ulp * self.inner, 0.0))
                return self.basic(mid, rad, ulp)

        return run

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
        if kernel_formulas.is_exact(operation):
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
        left, right = self._factor(left), self._factor(right)
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

    def _factor(self, column: Column) -> Column:
        """As units that multiply matrices take it: of 16 bits in a program of 16 bits,
        as attention's kernels round their probabilities."""
        if self.precision.format.bits > 16:
            return column
        unit = units.unit(self.precision.format) * self.part
        return self.with_rounding(column.mid, column.rad, unit)

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


class _Table(Mapping[str, Callable[..., Any]]):
    """The operations of an arithmetic by name: its own, else functions."""

    def __init__(self, arithmetic: RoundingBounds) -> None:
        kept = ("lt", "le", "gt", "ge", "sign", "above")
        self.known: dict[str, Callable[..., Any]] = {
            name: arithmetic.table[name] for name in kept
        }
        self.known |= {
            "identity": lambda x: x,
            "add": arithmetic.plus,
            "sub": lambda x, y: arithmetic.plus(x, arithmetic.negated(y)),
            "mul": arithmetic.times,
            "div": arithmetic.over,
            "neg": arithmetic.negated,
            "where": arithmetic.where,
            "eq": _equal,
            "ne": lambda x, y: _equal(x, y)[::-1],
            "logical_and": lambda p, q: (p[0] & q[0], p[1] | q[1]),
            "logical_or": lambda p, q: (p[0] | q[0], p[1] & q[1]),
            "logical_not": lambda p: (p[1], p[0]),
        }
        self.arithmetic = arithmetic

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in self.known:
            try:
                self.known[name] = self.arithmetic.function(name)
            except KeyError:
                self.known[name] = self._defined(name)
        return self.known[name]

    def _defined(self, name: str) -> Callable[..., Any]:
        formula = kernel_formulas.definition(name).formula

        def run(*operands: Column) -> Column:
            (found,) = evaluate(
                formula, operands, self.arithmetic.table, self.arithmetic.literal
            )
            result: Column = found
            return result

        return run

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def _equal(x: Column, y: Column) -> tuple[Mask, Mask]:
    """Where two numbers are equal, and where they are not, whatever rounding does."""
    with np.errstate(all="ignore"):
        exact = (x.rad == 0) & (y.rad == 0)
        same = exact & (x.mid == y.mid)
        apart = np.abs(x.mid - y.mid) > x.rad + y.rad
    return same, apart | (exact & ~same)


def is_short(numbers: Numbers, bits: int) -> Mask:
    """Where a float64 has no more than so many significant bits; of 53, half as many:
    of a result that fills a float64 nothing says that it was not rounded."""
    rest = np.int64((1 << (53 - min(bits, 26))) - 1)
    view = np.ascontiguousarray(numbers, dtype=np.float64).view(np.int64)
    return np.asarray((view & rest) == 0)
