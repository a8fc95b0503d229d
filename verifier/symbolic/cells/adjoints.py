"""Reverse mode over the forward records of a program of cells: the true
vector-Jacobian product."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import KINK, STRADDLES, UNDEFINED
from verifier.language.cells import (
    BLOCKS,
    CONSTANT,
    CONTRACTION,
    INPUT,
    LARGEST,
    STOP,
    SUM,
    Cells,
    Record,
)
from verifier.symbolic.cells import blocks, kinks, rules
from verifier.symbolic.cells.evaluation import Evaluation, moving
from verifier.symbolic.cells.indices import places
from verifier.symbolic.cells.norms import Norms
from verifier.symbolic.cells.series_columns import slope

Bits = npt.NDArray[np.uint8]

MOST_EXPONENTS = 64
"""Different exponents of one record that each get a formula of their own."""


class Reverse:
    """One reverse pass: seeds at outputs, adjoints of all cells that lead to inputs."""

    def __init__(self, evaluation: Evaluation, inputs: Cells) -> None:
        """`inputs` are the cells by which is differentiated."""
        self.evaluation = evaluation
        self.arithmetic = evaluation.arithmetic
        self.program = evaluation.program
        self.adjoints = self.arithmetic.store(self.program.size)
        self.moves = moving(self.program, inputs)
        self.reached = np.zeros(self.program.size, dtype=bool)
        self.marks = np.zeros(self.program.size, dtype=np.uint8)
        self.norms = Norms(self.program, evaluation)
        self.known: dict[Any, tuple[Any, int]] = {}

    def seed(self, cells: Cells, column: Any) -> None:
        """Add the upstream gradient of an output, as a flat column."""
        self._send(cells.reshape(-1), column, None)

    def run(self) -> None:
        """Walk back through the records."""
        for record in reversed(self.program.records):
            if record.in_backward or record.kind in (CONSTANT, INPUT, STOP):
                continue
            here = slice(record.first, record.first + record.count)
            active = self.reached[here] & self.moves[here]
            if not active.any():
                continue
            self.arithmetic.begin(record)
            if record.kind == SUM:
                self._sum(record, active)
            elif record.kind == LARGEST:
                self._largest(record, active)
            elif record.kind == CONTRACTION:
                self._contraction(record)
            elif record.kind in BLOCKS:
                self._block(record)
            else:
                self._row(record, active)

    def gradient(self, cells: Cells) -> tuple[Any, Bits]:
        """The adjoints of cells, and their marks, in their shape."""
        index = places(cells).index
        return self.adjoints[index].reshape(cells.shape), self.marks[cells]

    def _send(self, cells: Cells, column: Any, marks: Bits | None) -> None:
        """Add to the adjoints of cells."""
        where = places(cells)
        self.arithmetic.accumulate(self.adjoints, where, column)
        self.reached[where.index] = True
        if marks is not None and marks.any():
            np.bitwise_or.at(self.marks, cells, marks)

    def _read(self, record: Record, chosen: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
        """The adjoints of the chosen results and their marks."""
        here = slice(record.first, record.first + record.count)
        if chosen.all():
            return self.adjoints[here], self.marks[here]
        return self.adjoints[here][chosen], self.marks[here][chosen]

    def _sum(self, record: Record, active: npt.NDArray[np.bool_]) -> None:
        adjoint, marks = self._read(record, active)
        cells = record.operands[0] if active.all() else record.operands[0][active]
        terms = cells.shape[-1]
        flat = cells.reshape(-1)
        moves = self.moves[flat]
        index = np.repeat(np.arange(len(cells)), terms)
        if not moves.all():
            flat, index = flat[moves], index[moves]
        self._send(flat, adjoint[index], marks[index])

    def _largest(self, record: Record, active: npt.NDArray[np.bool_]) -> None:
        adjoint, marks = self._read(record, active)
        cells = record.operands[0] if active.all() else record.operands[0][active]
        column = self.evaluation.read(cells)
        _, may_be = self.arithmetic.largest(column)
        # A cell that is named several times is tied with nothing but itself.
        first = np.take_along_axis(cells, may_be.argmax(axis=-1)[:, None], axis=-1)
        alone = (~may_be | (cells == first)).all(axis=-1)
        self._send(first[alone, 0], adjoint[alone], marks[alone])
        for row in np.flatnonzero(~alone):
            tied = np.unique(cells[row][may_be[row]])
            tied = tied[self.moves[tied]]
            exact = self.arithmetic.is_exact(self.evaluation.read(tied)).all()
            mark = marks[row] | np.uint8(KINK if exact else STRADDLES)
            hull = self.arithmetic.of_balls(kinks.between(0, 1, len(tied)))
            part = self.arithmetic.times(adjoint[np.full(len(tied), row)], hull)
            self._send(tied, part, np.full(len(tied), mark, dtype=np.uint8))

    def _contraction(self, record: Record) -> None:
        here = slice(record.first, record.first + record.count)
        left, right = record.operands
        shape = (*left.shape[:2], right.shape[2])
        adjoint = self.adjoints[here].reshape(shape)
        marks = self.marks[here].reshape(shape)
        swap = (0, 2, 1)
        if self.moves[left].any():
            other = self.evaluation.read(right).transpose(*swap)
            given = self.arithmetic.contraction(adjoint, other)
            self._spread(left, given, marks, 2)
        if self.moves[right].any():
            other = self.evaluation.read(left).transpose(*swap)
            given = self.arithmetic.contraction(other, adjoint)
            self._spread(right, given, marks, 1)

    def _spread(self, cells: Cells, column: Any, marks: Bits, axis: int) -> None:
        """Send to one operand of a contraction; its marks are those of all results that
        it is in."""
        spread = None
        if marks.any():
            over = np.bitwise_or.reduce(marks, axis=axis, keepdims=True)
            spread = np.broadcast_to(over, cells.shape).reshape(-1)
        flat, column = cells.reshape(-1), column.reshape(-1)
        moves = self.moves[flat]
        if not moves.all():
            flat, column = flat[moves], column[moves]
            spread = None if spread is None else spread[moves]
        self._send(flat, column, spread)

    def _block(self, record: Record) -> None:
        here = slice(record.first, record.first + record.count)
        cells = record.operands[0]
        given = blocks.pullback(
            self.arithmetic,
            record,
            self.evaluation.read(cells),
            self.evaluation.store[here],
            self.adjoints[here],
        )
        marks = np.full(cells.size, np.bitwise_or.reduce(self.marks[here], initial=0))
        unknown = ~self.arithmetic.is_finite(given)
        marks[unknown] |= STRADDLES
        self._send(cells.reshape(-1), given, marks.astype(np.uint8))

    def _row(self, record: Record, active: npt.NDArray[np.bool_]) -> None:
        for place, cells in enumerate(record.operands):
            wanted = active & self.moves[cells]
            if record.kind == "sqrt" and wanted.any():
                wanted = self._norms(record, wanted)
            if not wanted.any():
                continue
            for exponent, chosen in self._exponents(record, place, wanted):
                self._operand(record, place, exponent, chosen)

    def _norms(
        self, record: Record, wanted: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """Send what norms at zero get, the hull of all that a ball of subgradients
        gives; and say which roots are left."""
        arithmetic = self.arithmetic
        if not arithmetic.settles:
            return wanted
        operand = self.evaluation.read(record.operands[0])
        zero = wanted & arithmetic.is_zero(operand)
        rest = wanted.copy()
        for row in np.flatnonzero(zero):
            found = self.norms.of(int(record.operands[0][row]))
            if found is None:
                continue
            cells, scale = found
            hull = arithmetic.of_balls(kinks.between(-1, 1, 1))
            each = arithmetic.times(hull, arithmetic.table["sqrt"](scale))
            here = np.full(len(cells), record.first + row)
            marks = self.marks[here] | np.uint8(KINK)
            given = arithmetic.times(self.adjoints[here], each)
            silent = arithmetic.is_zero(given)
            moves = self.moves[cells]
            marks = np.where(silent, self.marks[here], marks)
            self._send(cells[moves], given[moves], marks[moves])
            rest[row] = False
        return rest

    def _exponents(
        self, record: Record, place: int, wanted: npt.NDArray[np.bool_]
    ) -> list[tuple[Fraction | None, npt.NDArray[np.bool_]]]:
        """Of a power by its base: which results have which constant exponent."""
        if record.kind != "pow" or place:
            return [(None, wanted)]
        cells = record.operands[1]
        still = wanted & ~self.moves[cells]
        groups: list[tuple[Fraction | None, npt.NDArray[np.bool_]]] = []
        rest = wanted.copy()
        distinct = np.unique(cells[still])
        by_number: dict[Fraction, list[int]] = {}
        for cell in distinct[: MOST_EXPONENTS + 1]:
            number = self.arithmetic.rational(self.evaluation.store[cell : cell + 1])
            if number is not None:
                by_number.setdefault(number, []).append(int(cell))
        if len(distinct) <= MOST_EXPONENTS:
            for number, alike in by_number.items():
                chosen = still & np.isin(cells, alike)
                groups.append((number, chosen))
                rest &= ~chosen
        return [*groups, (None, rest)] if rest.any() else groups

    def _operand(
        self,
        record: Record,
        place: int,
        exponent: Fraction | None,
        chosen: npt.NDArray[np.bool_],
    ) -> None:
        adjoint, marks = self._read(record, chosen)
        every = bool(chosen.all())
        cells = record.operands[place] if every else record.operands[place][chosen]
        formula = rules.partial(record.kind, place, exponent)
        number = None if formula is None else rules.constant_of(formula)
        if number is not None and not rules.turns(record.kind, place):
            if number == 1:
                self._send(cells, adjoint, marks)
            elif number == -1:
                self._send(cells, self.arithmetic.negated(adjoint), marks)
            elif number:
                scale = self.arithmetic.literal(None, number)
                self._send(cells, self.arithmetic.times(adjoint, scale), marks)
            return
        operands = [
            self.evaluation.read(other if every else other[chosen])
            for other in record.operands
        ]
        partial, more = self._partial(record, place, formula, chosen, operands)
        if more is not None:
            # What no adjoint is sent through has no part in the result, but for what
            # is undefined.
            silent = self.arithmetic.is_zero(adjoint) & (more & UNDEFINED == 0)
            marks = marks | np.where(silent, 0, more).astype(np.uint8)
        self._send(cells, self.arithmetic.times(adjoint, partial), marks)

    def _partial(
        self,
        record: Record,
        place: int,
        formula: Any,
        chosen: npt.NDArray[np.bool_],
        operands: Sequence[Any],
    ) -> tuple[Any, Bits | None]:
        """The partial derivative by one operand, and its marks."""
        arithmetic = self.arithmetic
        here = slice(record.first, record.first + record.count)
        value = self.evaluation.store[here]
        if not chosen.all():
            value = value[chosen]
        if formula is None:
            partial = arithmetic.nothing(len(operands[0]))
        else:
            partial = arithmetic.partial(formula, operands)
        turning = kinks.turning(arithmetic, record.kind, place, operands)
        special = ~arithmetic.is_finite(partial) | ~arithmetic.is_known(value)
        if turning is not None:
            special |= turning
        if not special.any() or not arithmetic.settles:
            return partial, None
        partial = partial.copy()
        marks = np.zeros(len(special), dtype=np.uint8)
        rows = np.flatnonzero(special)
        known = arithmetic.is_known(value[rows])
        columns = [arithmetic.to_balls(column[rows]) for column in operands]
        results = []
        for index, row in enumerate(rows):
            at = [column[index] for column in columns]
            turns = turning is not None and bool(turning[row])
            ball, marks[row] = self._special(
                record.kind, place, formula, at, turns, bool(known[index])
            )
            results.append(ball)
        found = np.empty(len(results), dtype=object)
        found[:] = results
        partial[rows] = arithmetic.of_balls(found)
        return partial, marks

    def _special(
        self,
        operation: str,
        place: int,
        formula: Any,
        operands: Sequence[Any],
        turns: bool,
        known: bool,
    ) -> tuple[Any, int]:
        """The partial derivative at one point where its formula alone does not do."""
        key = kinks.key(operation, place, operands)
        if key is not None and key in self.known:
            return self.known[key]
        if not known:
            found = kinks.nothing(operands)
        elif turns:
            found = kinks.partial_at(operation, place, formula, operands)
        else:
            ball = slope(operation, place, operands)
            found = (ball, 0) if kinks.says(ball) else kinks.nothing(operands)
        if key is not None:
            self.known[key] = found
        return found
