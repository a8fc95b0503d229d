"""The words in which a handler says what an operation is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verifier.automatic.recording.line import Line
from verifier.automatic.recording.operands import Operand, float64_of
from verifier.language import cells as language
from verifier.language.cells import Cells, Decision, SourceLine, Values


class Tape(Line):
    """Each word takes arrays of cells in any shape (numbers, and tensors of integers,
    become constants), and returns the cells of the results."""

    def __init__(self, largest: int) -> None:
        super().__init__(largest)
        self.number_dtype: str | None = None
        """To what the operation at hand rounds Python's numbers."""
        self.exits: dict[SourceLine, None] = {}
        """Where numbers that vary left, in order."""
        self._scalars: dict[tuple[bytes, str | None], int] = {}
        self.constants(np.zeros(()))

    def row(self, kind: str, *operands: Any) -> Cells:
        """A row of the table on all elements at once, with broadcasting."""
        arrays = np.broadcast_arrays(*(self.cells(operand) for operand in operands))
        shape = arrays[0].shape
        flat = tuple(array.flatten() for array in arrays)
        return self._record(kind, flat, flat[0].size).reshape(shape)

    def sum(self, operand: Any, axes: Sequence[int], *, keep: bool = False) -> Cells:
        """The sum over some axes (all of them, where none are named)."""
        rows, shape = _last(self.cells(operand), axes, keep)
        count, terms = rows.shape
        if terms == 0:
            return np.full(shape, language.ZERO, np.int64)
        if terms == 1:
            return rows.reshape(shape)
        return self._record(language.SUM, (rows,), count).reshape(shape)

    def largest_of(
        self, operand: Any, axes: Sequence[int], *, keep: bool = False
    ) -> Cells:
        """The largest over some axes, of which none is chosen where several are it."""
        rows, shape = _last(self.cells(operand), axes, keep)
        if rows.shape[1] == 1:
            return rows.reshape(shape)
        return self._record(language.LARGEST, (rows,), len(rows)).reshape(shape)

    def contract(self, left: Any, right: Any) -> Cells:
        """Matrix products of the last two axes; those before are broadcast."""
        left, right = self.cells(left), self.cells(right)
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        rows, inner, columns = left.shape[-2], left.shape[-1], right.shape[-1]
        shape = (*batch, rows, columns)
        if inner == 0 or 0 in shape:
            return np.full(shape, language.ZERO, np.int64)
        if inner == 1:
            return self.row("mul", left, right)
        left = np.broadcast_to(left, (*batch, rows, inner))
        right = np.broadcast_to(right, (*batch, inner, columns))
        operands = (
            np.array(left.reshape(-1, rows, inner)),
            np.array(right.reshape(-1, inner, columns)),
        )
        count = int(np.prod(shape, dtype=np.int64))
        return self._record(language.CONTRACTION, operands, count).reshape(shape)

    def block(self, kind: str, operand: Any, count: int) -> Cells:
        """A function of matrices (batch, n, n) that is no straight line; `count`
        results, flat."""
        return self._record(kind, (np.array(self.cells(operand)),), count)

    def stop(self, operand: Any) -> Cells:
        """The same numbers as constants: no derivative flows through."""
        cells = self.cells(operand)
        flat = cells.ravel()
        fresh = np.unique(flat[self.is_active(flat) & (self._stops.data[flat] == 0)])
        if fresh.size:
            stopped = self._record(language.STOP, (fresh,), fresh.size)
            self._stops.data[fresh] = stopped
            self.settle_inner(stopped, self.values(fresh))
        known = self._stops.data[cells]
        return np.where(self.is_active(cells) & (known > 0), known, cells)

    def constants(self, numbers: Any, stored: str | None = None) -> Cells:
        """The program's own numbers; `stored` where the library rounds them to a
        dtype."""
        array = float64_of(numbers)
        flat = array.ravel()
        bits = flat.view(np.int64)
        if flat.size and (flat.size == 1 or (bits == bits[0]).all()):
            return np.full(array.shape, self._scalar(flat[:1], stored), np.int64)
        both = np.isin(bits, (0, _ONE_BITS))
        if both.all() and flat.size:
            zero, one = self._scalar(np.zeros(1), None), self._scalar(np.ones(1), None)
            return np.where(bits == 0, zero, one).reshape(array.shape)
        return self.numbers(language.CONSTANT, flat, stored).reshape(array.shape)

    def decide(self, kind: str, left: Any, right: Any, outcome: Any) -> None:
        """The path hung on a comparison, where one of the two can vary."""
        sides = np.broadcast_arrays(self.cells(left), self.cells(right))
        flat = [side.ravel() for side in sides]
        is_open = self.varies(flat[0]) | self.varies(flat[1])
        if not is_open.any():
            return
        outcomes = np.broadcast_to(np.asarray(outcome, np.bool_), sides[0].shape)
        self.decisions.append(
            Decision(
                kind=kind,
                left=flat[0][is_open],
                right=flat[1][is_open],
                outcome=outcomes.ravel()[is_open],
                operation=self.operation,
                source=self.source,
                in_backward=self.in_backward,
            )
        )

    def leave(self, operand: Any) -> None:
        """A number leaves what is seen, to come back as a constant."""
        if self.source is not None and self.varies(self.cells(operand)).any():
            self.exits[self.source] = None

    def cells(self, operand: Any) -> Cells:
        """The cells of an operand of any sort."""
        if isinstance(operand, Operand):
            return operand.cells
        if isinstance(operand, np.ndarray) and operand.dtype == np.int64:
            return operand
        if isinstance(operand, int | float) and self.number_dtype is not None:
            with np.errstate(over="ignore"):
                is_rounded = float(np.float32(operand)) != operand
            if is_rounded:
                return self.constants(operand, self.number_dtype)
        return self.constants(operand)

    def _scalar(self, number: Values, stored: str | None) -> int:
        key = number.tobytes(), stored
        if key not in self._scalars:
            cells = self.numbers(language.CONSTANT, number, stored)
            self._scalars[key] = int(cells[0])
        return self._scalars[key]


_ONE_BITS = int(np.ones(1).view(np.int64)[0])


def _last(
    cells: Cells, axes: Sequence[int], keep: bool
) -> tuple[Cells, tuple[int, ...]]:
    """The array as (count, terms), the axes last; and the shape of what is left."""
    rank = cells.ndim
    gone = sorted({axis % rank for axis in axes} or range(rank)) if rank else []
    stay = [axis for axis in range(rank) if axis not in gone]
    shape = tuple(
        (1 if axis in gone else cells.shape[axis])
        for axis in range(rank)
        if keep or axis not in gone
    )
    count = int(np.prod([cells.shape[axis] for axis in stay], dtype=np.int64))
    terms = int(np.prod([cells.shape[axis] for axis in gone], dtype=np.int64))
    moved = cells.transpose([*stay, *gone])
    return np.array(moved.reshape(count, terms)), shape
