"""Operations on midpoints with radii, where each adds to the radius what a faithful
kernel of a format may err by.

No truth: functions are the C library's, and what an operand's radius does to a
function's result is taken from the radius' two ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Numbers
from verifier.language.cells import Record
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.cells import functions, kernel_formulas, units
from verifier.symbolic.cells.midpoint_columns import Column
from verifier.symbolic.cells.midpoint_radius import MidpointRadius
from verifier.symbolic.cells.units import CellUnits, Precision

Mask = npt.NDArray[np.bool_]

ABSOLUTE = {"erf"}
"""Functions whose vectorised kernels err by ulps of 1, not of the result."""
LIPSCHITZ = {"sin": 1.0, "cos": 1.0}
"""Functions that the ends of a wide radius say nothing of."""
DEVIATION = 0.41
"""Of the largest relative error of rounding to nearest, its standard deviation: uniform
within half an ulp, itself between 1/2 and 1 of the largest."""

_ASIDE = 1.0009765625
"""What operands are multiplied with to see whether a result hangs on them: tanh(20) is
1 in float64, a number of few bits, and yet rounded."""


class RoundingOperations(MidpointRadius):
    """The operations of one model, each with its own rounding; with `quadratic`, radii are
    standard deviations of independent errors."""

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
        """The result of one operation inside a kernel; one that overflows there may
        come to anything."""
        inner = self.precision.inner
        if self.precision.in_range:
            with np.errstate(all="ignore"):
                beyond = np.isfinite(mid) & (np.abs(mid) + rad > float(inner.largest))
            rad = np.where(beyond, np.inf, rad)
        return self.with_rounding(mid, rad, 2 * ulp * self.inner, units.absolute(inner))

    # ── operations ────────────────────────────────────────────────────────────────────

    def plus(self, x: Column, y: Column) -> Column:
        with np.errstate(all="ignore"):
            mid = x.mid + y.mid
            lost = (mid - x.mid != y.mid) | (mid - y.mid != x.mid)
            return self.basic(mid, self._lost(lost, mid, self.both(x.rad, y.rad)))

    def _lost(self, lost: Mask, mid: Numbers, rad: Numbers) -> Numbers:
        """Of results that only float64 made short, a radius that says so."""
        own = np.where(lost & np.isfinite(mid), self.inner * np.abs(mid), 0.0)
        return np.where(rad == 0, own, rad)

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

    def factor(self, column: Column) -> Column:
        """As units that multiply matrices take it: of 16 bits in a program of 16 bits,
        as attention's kernels round their probabilities."""
        if self.precision.format.bits > 16:
            return column
        unit = units.unit(self.precision.format) * self.part
        return self.with_rounding(column.mid, column.rad, unit)

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
                moved = plain(*[number * _ASIDE for number in mids])
                rad = self._lost(moved == mid, mid, rad)  # at an asymptote
                if operation in ABSOLUTE:
                    rad = self.both(rad, 2 * ulp * self.inner * np.ones(mid.shape))
                if self.precision.in_range:
                    # 1 / (1 + exp(-x)) is 0 once exp overflows, before it is subnormal.
                    tiny = float(self.precision.inner.smallest_normal)
                    rad = np.where(np.abs(mid) < tiny, self.both(rad, np.abs(mid)), rad)
                return self.basic(mid, rad, ulp)

        return run


class _Table(Mapping[str, Callable[..., Any]]):
    """The operations of an arithmetic by name: its own, else functions."""

    def __init__(self, arithmetic: RoundingOperations) -> None:
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
