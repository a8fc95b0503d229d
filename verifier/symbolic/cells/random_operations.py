"""Operations with roundings drawn at random, several times at once.

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
from verifier.language.cells import Record
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells import functions, kernel_formulas, units
from verifier.symbolic.cells.rounding_operations import ABSOLUTE, is_short
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


class RandomOperations:
    """The operations of one model: `count` draws, or, of `count` 0, one that does not
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

    def constant(self, values: Numbers, bits: int, unit: float) -> Numbers:
        """The program's own numbers, rounded where they have more bits."""
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
            self.constant(values, accumulator.precision_bits, self.accumulating)
        )


def _aligned(operands: Sequence[Any]) -> list[Any]:
    """The arrays of draws, and of conditions."""
    return [one.values if isinstance(one, Draws) else one for one in operands]


class _Table(Mapping[str, Callable[..., Any]]):
    """The operations of an arithmetic by name."""

    def __init__(self, arithmetic: RandomOperations) -> None:
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
