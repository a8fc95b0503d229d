"""An entry of a recorded gradient as a formula of the inputs that it hangs on, beside the
derivative."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from verifier.language.cells import INPUT, STOP, CellProgram, Cells, Record
from verifier.language.programs.program import Program
from verifier.symbolic.calculus.side_by_side import SideBySide, side_by_side
from verifier.symbolic.cells.columns import BallArithmetic
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.scalarised import UnwritableError, Writer, operands_of

MOST_CELLS = 80
"""Of an entry that is written out."""
MOST_LEAVES = 6
"""Numbers that it hangs on."""
MOST_TRIED = 12
"""Entries that are held to be of one formula."""

Places = Sequence[int]


def written(
    program: CellProgram,
    name: str,
    differing: Places,
    *,
    forward: CellProgram | None = None,
) -> SideBySide | None:
    """The one formula of the entries of the recorded gradient that differ (by places of
    the flattened tensor), and that of the derivative, of the program's own forward or of
    another's; None where they are of several, or too long."""
    cells = program.gradients.get(name)
    if cells is None or not len(differing):
        return None
    step = max(1, len(differing) // MOST_TRIED)
    pairs = [
        _programs(program, forward or program, name, int(place))
        for place in differing[::step][:MOST_TRIED]
    ]
    if pairs[0] is None or any(pair != pairs[0] for pair in pairs):
        return None
    computed, weighted, by = pairs[0]
    return side_by_side(computed, weighted, by)


def _programs(
    program: CellProgram, other: CellProgram, name: str, place: int
) -> tuple[Program, Program, str] | None:
    """Of one entry: what the backward computes, the weighted sum of the outputs, and by
    which of their inputs that is differentiated."""
    cells = program.gradients[name]
    assert cells is not None
    target = int(cells.reshape(-1)[place])
    source = int(other.inputs[name].reshape(-1)[place])
    backward, pairs = _needed(program, [target]), _outputs(other, source)
    if backward is None or pairs is None:
        return None
    forward = _needed(other, [cell for pair in pairs for cell in pair])
    if forward is None:
        return None
    mine, its = _names(program, backward), _names(other, forward)
    if mine is None or its is None or source not in its:
        return None
    try:
        computed = _Writer(program, mine).one(backward, target)
        weighted = _Writer(other, its).weighted(forward, pairs)
    except UnwritableError:
        return None
    return computed, weighted, its[source]


def _outputs(program: CellProgram, source: int) -> list[tuple[int, int]] | None:
    """The outputs that move with a cell, each with its upstream gradient; None where
    they are more than two."""
    moves = {source}
    for record in program.records:
        if record.in_backward or record.kind == STOP:
            continue
        for index in _reading(record, moves):
            moves.add(record.first + index)
    found = [
        (int(output), int(seed))
        for name, seeds in program.upstream.items()
        for output, seed in zip(
            program.outputs[name].reshape(-1), seeds.reshape(-1), strict=True
        )
        if int(output) in moves
    ]
    return found if 0 < len(found) <= 2 else None


def _reading(record: Record, moves: set[int]) -> list[int]:
    """The results of a record that read one of some cells."""
    if not record.operands:
        return []
    known = np.fromiter(moves, np.int64, len(moves))
    touched = [np.isin(cells, known) for cells in record.operands]
    if not any(one.any() for one in touched):
        return []
    if record.operands[0].ndim == 1:
        return [int(i) for i in np.flatnonzero(np.logical_or.reduce(touched))]
    return [
        index
        for index in range(record.count)
        if not moves.isdisjoint(operands_of(record, index))
    ]


def _needed(program: CellProgram, targets: Sequence[int]) -> set[int] | None:
    """What cells are computed from, with them; None where that is too much."""
    needed, firsts = set(targets), [record.first for record in program.records]
    work = list(needed)
    while work:
        cell = work.pop()
        record = program.records[int(np.searchsorted(firsts, cell, "right")) - 1]
        for operand in operands_of(record, cell - record.first):
            if operand not in needed:
                needed.add(operand)
                work.append(operand)
        if len(needed) > MOST_CELLS:
            return None
    return needed


def _names(program: CellProgram, cells: set[int]) -> dict[int, str] | None:
    """What the leaves are called: by their tensor, where it has but one among them."""
    found: dict[int, str] = {}
    tensors: list[tuple[str, Cells]] = list(program.inputs.items())
    one = len(program.upstream) == 1
    for name, seeds in program.upstream.items():
        short = "grad" if one else f"grad_{name}"
        short = f"upstream_{short}" if short in program.inputs else short
        tensors.append((short, seeds))
    for name, tensor in tensors:
        mine = [int(c) for c in np.unique(tensor) if int(c) in cells]
        word = re.sub(r"\W+", "_", name).strip("_")
        for at, cell in enumerate(mine):
            found[cell] = word if len(mine) == 1 else f"{word}_{at}"
    return found if len(set(found.values())) == len(found) <= MOST_LEAVES else None


class _Writer(Writer):
    """Writes cells of the backward too, leaves by their names."""

    def __init__(self, program: CellProgram, names: Mapping[int, str]) -> None:
        super().__init__(Evaluation(program, BallArithmetic()))
        self.names = names
        self.is_forward = False

    def one(self, needed: set[int], target: int) -> Program:
        self._all(needed)
        return self._program(self.places[target])

    def weighted(self, needed: set[int], pairs: Sequence[tuple[int, int]]) -> Program:
        self.is_forward = True
        self._all(needed)
        terms = [
            self._node("mul", self.places[seed], self.places[output])
            for output, seed in pairs
        ]
        return self._program(self._chain("add", terms))

    def _all(self, needed: set[int]) -> None:
        records = self.evaluation.program.records
        firsts = [record.first for record in records]
        for cell in sorted(needed):  # operands have lower numbers
            record = records[int(np.searchsorted(firsts, cell, "right")) - 1]
            self.places[cell] = self._cell(record, cell - record.first)

    def _cell(self, record: Record, index: int) -> int:
        cell = record.first + index
        if cell in self.names:
            return self._node("variable", name=self.names[cell])
        if record.kind == INPUT or (record.kind == STOP and self.is_forward):
            raise UnwritableError
        if record.kind == STOP:
            return self.places[int(record.operands[0][index])]
        if record.numbers is not None:
            number = float(record.numbers.reshape(-1)[index])
            if not np.isfinite(number):
                raise UnwritableError
            return self._node("constant", number=_short(number))
        return super()._cell(record, index)

    def _program(self, output: int) -> Program:
        names = tuple(dict.fromkeys(n.name for n in self.nodes if n.name is not None))
        return Program(source="", nodes=tuple(self.nodes), inputs=names, output=output)


def _short(number: float) -> Fraction:
    """The decimal that a number was written as: of float32, if it is one."""
    narrow = np.float32(number)
    return Fraction(str(narrow) if float(narrow) == number else repr(number))
