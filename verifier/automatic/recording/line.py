"""The straight line that is being recorded, and what is known of each of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from verifier.automatic.recording.errors import REFERENCE, TooManyCellsError
from verifier.language import cells as language
from verifier.language.cells import (
    Cells,
    Decision,
    GraphNode,
    Record,
    SourceLine,
    Values,
)

Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(slots=True, kw_only=True)
class Entry:
    """A record that is not finished."""

    kind: str
    first: int
    count: int
    operands: tuple[Cells, ...]
    numbers: Values | None
    operation: str
    source: SourceLine | None
    in_backward: bool
    node: GraphNode | None = None
    stored: str | None = None

    def finished(self) -> Record:
        """The record."""
        return Record(
            kind=self.kind,
            first=self.first,
            count=self.count,
            operands=self.operands,
            numbers=self.numbers,
            operation=self.operation,
            source=self.source,
            stored=self.stored,
            in_backward=self.in_backward,
            node=self.node,
        )


class Column:
    """An array that grows, an entry a cell."""

    def __init__(self, dtype: Any) -> None:
        self._data = np.zeros(1024, dtype)

    def grow(self, size: int) -> None:
        """Have at least so many entries."""
        old = len(self._data)
        if size > old:
            # Zeros take no memory until they are written.
            data = np.zeros(max(size, 2 * old), self._data.dtype)
            data[:old] = self._data
            self._data = data

    @property
    def data(self) -> npt.NDArray[Any]:
        """All there is room for."""
        return self._data


class Line:
    """Records, and what is known of each cell."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.size = 0
        self.entries: list[Entry] = []
        self.decisions: list[Decision] = []
        self.operation, self.in_backward = "", False
        self.source: SourceLine | None = None
        self.node: GraphNode | None = None
        self._values = Column(np.float64)
        self._marks = Column(np.uint8)
        self._stops = Column(np.int32)  # 0 is no stop

    # ── what is known of cells ────────────────────────────────────────────────────────

    def values(self, cells: Cells) -> Values:
        """Their numbers, as far as they were computed."""
        return np.asarray(self._values.data[cells])

    def is_active(self, cells: Cells) -> Flags:
        """Whether a derivative flows to an input from them."""
        return (self._marks.data[cells] & _ACTIVE) > 0

    def varies(self, cells: Cells) -> Flags:
        """Whether they hang on an input at all, be it through a stop."""
        return (self._marks.data[cells] & _VARIES) > 0

    def numbers(self, kind: str, numbers: Values, stored: str | None = None) -> Cells:
        """New constants or inputs."""
        numbers = np.array(numbers, np.float64).ravel()
        cells = self._record(kind, (), numbers.size, numbers)
        if kind == language.INPUT:
            self._marks.data[cells] = _ACTIVE | _VARIES
        self.settle(cells, numbers)
        if stored is not None:
            self.entries[-1].stored = stored
        return cells

    def settle(self, cells: Cells, values: Values) -> Cells:
        """Say what the library itself computed; where a cell has another value already,
        it is not what it was taken for: a new one, which has this, is in its place."""
        is_seen = (self._marks.data[cells] & _SEEN) > 0
        if is_seen.any():
            known = self._values.data[cells]
            differs = is_seen & (known != values)
            differs &= ~(np.isnan(known) & np.isnan(values))
            if differs.any():
                cells = cells.copy()
                count = int(differs.sum())
                cells[differs] = self._record("identity", (cells[differs],), count)
        self._values.data[cells] = values
        self._marks.data[cells] |= _HAS_VALUE | _SEEN
        return cells

    def settle_inner(self, cells: Cells, values: Values) -> None:
        """Say what was computed within an operation, for those that have no value."""
        fresh = (self._marks.data[cells] & _HAS_VALUE) == 0
        if fresh.all():
            self._values.data[cells] = values
            self._marks.data[cells] |= _HAS_VALUE
        else:
            self._values.data[cells[fresh]] = values[fresh]
            self._marks.data[cells[fresh]] |= _HAS_VALUE

    def seen_values(self) -> Values:
        """By cell, what the library computed; NaN within operations."""
        is_seen = (self._marks.data[: self.size] & _SEEN) > 0
        return np.where(is_seen, self._values.data[: self.size], np.nan)

    def store(self, cells: Cells, dtype: str, since: int) -> None:
        """The library keeps these in that dtype; of records from the entry `since`
        on."""
        entries = self.entries[since:]
        if not entries:
            return
        fresh = cells[cells >= entries[0].first]
        if not fresh.size:
            return
        last = entries[-1]
        if fresh.min() >= last.first:
            last.stored = dtype
            return
        firsts = np.array([entry.first for entry in entries])
        for at in np.unique(np.searchsorted(firsts, fresh, "right")):
            entries[at - 1].stored = dtype

    def _record(
        self,
        kind: str,
        operands: tuple[Cells, ...],
        count: int,
        numbers: Values | None = None,
    ) -> Cells:
        first, self.size = self.size, self.size + count
        if self.size > self.largest:
            raise TooManyCellsError(
                f"expected at most {self.largest} cells, found more: "
                f"make the inputs smaller, or {REFERENCE}",
                operation=self.operation,
                source=self.source,
            )
        for column in (self._values, self._marks, self._stops):
            column.grow(self.size)
        cells = np.arange(first, self.size, dtype=np.int64)
        if count:
            marks = self._marked(kind, operands, count)
            self._marks.data[first : self.size] = marks & (_ACTIVE | _VARIES)
            self.entries.append(
                Entry(
                    kind=kind,
                    first=first,
                    count=count,
                    operands=operands,
                    numbers=numbers,
                    operation=self.operation,
                    source=self.source,
                    in_backward=self.in_backward,
                    node=self.node,
                )
            )
        return cells

    def _marked(self, kind: str, operands: tuple[Cells, ...], count: int) -> Any:
        """What the results have of their operands' marks."""
        if not operands:
            return np.uint8(0)
        marks = [self._marks.data[operand] for operand in operands]
        join = np.bitwise_or
        if kind == language.STOP:
            return marks[0] & _VARIES
        if kind in (language.SUM, language.LARGEST):
            return join.reduce(marks[0], axis=1)
        if kind == language.CONTRACTION:
            left, right = join.reduce(marks[0], axis=2), join.reduce(marks[1], axis=1)
            return (left[:, :, None] | right[:, None, :]).ravel()
        if kind in language.BLOCKS:
            flat = marks[0].reshape(len(marks[0]), -1)
            return np.repeat(join.reduce(flat, axis=1), count // max(len(flat), 1))
        return join.reduce(marks)


_ACTIVE, _VARIES, _HAS_VALUE, _SEEN = (np.uint8(1 << bit) for bit in range(4))
