"""Forward evaluation of a program of cells over an arithmetic: what a target needs, once
each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.language.cells import (
    BLOCKS,
    CONSTANT,
    CONTRACTION,
    INPUT,
    LARGEST,
    STOP,
    SUM,
    CellProgram,
    Cells,
    Record,
)
from verifier.symbolic.cells import blocks, rules
from verifier.symbolic.cells.indices import places

Chosen = Any
"""Which results of a record: all of them as a slice, else a mask."""

EVERY = slice(None)


class Evaluation:
    """The values of the cells that have been asked for so far."""

    def __init__(self, program: CellProgram, arithmetic: Any) -> None:
        self.program = program
        self.arithmetic = arithmetic
        self.store = arithmetic.store(program.size)
        self.done = np.zeros(program.size, dtype=bool)

    def set(self, cells: Cells, column: Any) -> None:
        """Give cells other values than those of the program: inputs that move."""
        self.store[cells] = column
        self.done[cells] = True

    def compute(self, *targets: Cells) -> None:
        """Evaluate what these cells need."""
        if all(self.done[target.reshape(-1)].all() for target in targets):
            return
        for record, chosen in self._missing(targets):
            self.arithmetic.begin(record)
            stop = record.first + record.count
            where: Any = slice(record.first, stop)
            if chosen is not EVERY:
                where = record.first + np.flatnonzero(chosen)
            self.store[where] = self._results(record, chosen)
            self.done[where] = True

    def read(self, cells: Cells) -> Any:
        """The column of cells that were computed, in their shape."""
        return self.store[places(cells).index].reshape(cells.shape)

    def _missing(self, targets: tuple[Cells, ...]) -> Iterator[tuple[Record, Chosen]]:
        """The records that have to be run, in their order, and for which results."""
        needed = np.zeros(self.program.size, dtype=bool)
        for target in targets:
            needed[target.reshape(-1)] = True
        found: list[tuple[Record, Chosen]] = []
        for record in reversed(self.program.records):
            here = slice(record.first, record.first + record.count)
            wanted = needed[here] & ~self.done[here]
            if not wanted.any():
                continue
            whole = record.kind == CONTRACTION or record.kind in BLOCKS
            chosen: Chosen = EVERY if whole or wanted.all() else wanted
            for operand in record.operands:
                needed[operand if chosen is EVERY else operand[chosen]] = True
            found.append((record, chosen))
        return reversed(found)

    def _results(self, record: Record, chosen: Chosen) -> Any:
        arithmetic = self.arithmetic
        if record.kind in (CONSTANT, INPUT):
            numbers = record.numbers
            assert numbers is not None
            return arithmetic.numbers(numbers.reshape(-1)[chosen])
        columns = [
            self.read(cells if chosen is EVERY else cells[chosen])
            for cells in record.operands
        ]
        if record.kind == STOP:
            return arithmetic.stopped(columns[0])
        if record.kind == SUM:
            return arithmetic.total(columns[0])
        if record.kind == LARGEST:
            return arithmetic.largest(columns[0])[0]
        if record.kind == CONTRACTION:
            return arithmetic.contraction(*columns).reshape(-1)
        if record.kind in BLOCKS:
            guess = self.program.values[record.first : record.first + record.count]
            found = blocks.value(arithmetic, record, columns[0], guess)
            return arithmetic.block(record, columns[0], found)
        return arithmetic.value(record.kind, rules.value(record.kind), columns)


def moving(program: CellProgram, cells: Cells) -> npt.NDArray[np.bool_]:
    """Which cells of the forward move when these inputs do."""
    moves = np.zeros(program.size, dtype=bool)
    moves[cells] = True
    for record in program.records:
        if record.in_backward or record.kind in (CONSTANT, INPUT, STOP):
            continue
        here = slice(record.first, record.first + record.count)
        moves[here] |= _moves(record, moves)
    return moves


def following(program: CellProgram, cells: Cells) -> npt.NDArray[np.bool_]:
    """Which cells, of the recorded backward too, are computed from these, with
    them."""
    found = np.zeros(program.size, dtype=bool)
    found[cells] = True
    for record in program.records:
        if record.operands:
            here = slice(record.first, record.first + record.count)
            read = _moves(record, found) if record.kind != STOP else None
            found[here] |= found[record.operands[0]] if read is None else read
    return found


def _moves(record: Record, moves: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    read: list[Any] = [moves[cells] for cells in record.operands]
    if record.kind in (SUM, LARGEST):
        return np.asarray(read[0].any(axis=-1))
    if record.kind == CONTRACTION:
        rows, columns = read[0].any(axis=2), read[1].any(axis=1)
        return np.asarray((rows[:, :, None] | columns[:, None, :]).reshape(-1))
    if record.kind in BLOCKS:
        every = read[0].reshape(len(read[0]), -1).any(axis=1)
        return np.repeat(every, record.count // max(1, len(every)))
    return np.asarray(np.logical_or.reduce(read))
