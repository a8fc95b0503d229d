"""Where a recorded backward first leaves the derivative: the Function, and within it the
line.

What is compared are numbers at an upstream gradient drawn for the purpose, at which no
two tensors of a program are equal but by being the same: a number of the backward that
equals the true adjoint of a cell of the forward (or a part of it, by the operations that
read the cell) is right. This names a suspect for a fault that is proved otherwise; it
proves nothing, and says nothing where it does not point to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.language.cells import (
    CONSTANT,
    INPUT,
    CellProgram,
    Cells,
    GraphNode,
    Record,
    SourceLine,
)
from verifier.symbolic.cells.adjoints import Reverse
from verifier.symbolic.cells.evaluation import Evaluation, following
from verifier.symbolic.cells.midpoint_radius import MidpointRadius

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

LARGEST = 50_000
"""Cells of a program that is looked at."""
MOST_CANDIDATES = 60
"""Operations of one Function's backward that are tried."""
_SCALING = frozenset({"mul", "div", "neg"})
"""Operations that may be at fault though the number they give is known: in the place of
another."""
ALIKE = 1e-9
"""How near two float64 numbers are that are taken for the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """What the fault of a recorded gradient is put down to."""

    node: GraphNode
    """The Function: what it is given is right, what it gives is not."""
    source: SourceLine | None
    """The line within it; where none stands out, that of its backward."""
    operation: str = ""
    """The operation at that line; "" where several are."""
    factor: float | None = None
    """By what its results are to be multiplied for the gradients to be right; None
    where that alone does not do."""

    @property
    def words(self) -> str:
        """The Function with its place, as a report names it."""
        place = "" if self.source is None else f" ({self.source})"
        return f"`{self.node.name}`{place}"


def suspect(program: CellProgram, name: str, *, seed: int = 0) -> Suspect | None:
    """Whose fault it is that the recorded gradient by an input is not the derivative of
    the program's own forward; None where that cannot be told, or it is the derivative."""
    if program.size > LARGEST or program.gradients.get(name) is None:
        return None
    view = _View(program, seed)
    return None if view.is_right(name) else view.suspect(name)


class _Noting(Reverse):
    """Keeps what was sent to each cell."""

    def __init__(self, evaluation: Evaluation, inputs: Cells) -> None:
        super().__init__(evaluation, inputs)
        self.parts: list[Numbers] = []

    def _send(self, cells: Cells, column: Any, marks: Any) -> None:
        super()._send(cells, column, marks)
        # Each edge by itself, and what the cell has by then.
        self.parts += [np.ravel(column.mid), self.adjoints.mid[np.ravel(cells)]]


class _View:
    """A program at an upstream gradient of its own: all of its numbers, the true
    adjoints, and which numbers of the backward are among them."""

    def __init__(self, program: CellProgram, seed: int) -> None:
        self.program = program
        self.firsts = [record.first for record in program.records]
        self.returned = {n: c for n, c in program.gradients.items() if c is not None}
        self.evaluation = self._evaluated(seed)
        self.numbers: Numbers = self.evaluation.store.mid
        reverse = self._reversed()
        self.true = {
            name: reverse.gradient(program.inputs[name])[0].mid
            for name in self.returned
        }
        plain = [
            record.cells
            for record in program.records
            if not record.in_backward or record.kind == CONSTANT
        ]
        sure = [
            reverse.adjoints.mid[reverse.reached],
            self.numbers[np.concatenate(plain)],
        ]
        self.sure = self._are_among(np.concatenate(sure))
        """What is a number of the forward, or the whole adjoint of a cell."""
        self.right = self._are_among(np.concatenate([*sure, *reverse.parts]))
        """Or a part of one: what the Function may have on its way."""

    def _evaluated(self, seed: int) -> Evaluation:
        program, arithmetic = self.program, MidpointRadius()
        evaluation = Evaluation(program, arithmetic)
        random = np.random.default_rng(seed)
        for cells in program.upstream.values():
            drawn = random.uniform(0.5, 2.0, cells.size)
            drawn *= random.choice([-1.0, 1.0], cells.size)
            evaluation.set(cells.reshape(-1), arithmetic.numbers(drawn))
        evaluation.compute(*program.outputs.values(), *self.returned.values())
        return evaluation

    def _reversed(self) -> _Noting:
        program, evaluation = self.program, self.evaluation
        inputs = [cells.reshape(-1) for cells in program.inputs.values()]
        reverse = _Noting(evaluation, np.concatenate(inputs))
        for name, cells in program.upstream.items():
            reverse.seed(program.outputs[name], evaluation.read(cells.reshape(-1)))
        reverse.run()
        return reverse

    def _are_among(self, known: Numbers) -> Flags:
        """Which cells hold one of these numbers; zero says nothing against a number."""
        known = np.unique(known[np.isfinite(known) & (known != 0)])
        numbers, size = self.numbers, np.abs(self.numbers)
        found = size == 0
        at = np.searchsorted(known, numbers)
        for step in (-1, 0) if known.size else ():
            other = known[np.clip(at + step, 0, len(known) - 1)]
            with np.errstate(invalid="ignore"):
                found |= np.abs(other - numbers) <= ALIKE * size
        return np.asarray(found)

    def is_right(self, name: str) -> bool:
        """Whether the recorded gradient by an input is the derivative, as far as float64
        shows."""
        return _alike(self.numbers[self.returned[name]], self.true[name])

    # ── the Function ──────────────────────────────────────────────────────────────────

    def suspect(self, name: str) -> Suspect | None:
        """The one node that is given what is right and gives what is not."""
        needed = self._needed(self.returned[name])
        mine: dict[GraphNode, list[Record]] = {}
        for record in self.program.records:
            here = slice(record.first, record.first + record.count)
            if record.in_backward and record.node is not None and needed[here].any():
                mine.setdefault(record.node, []).append(record)
        written = [node for node in mine if node.source is not None]
        guilty = written
        if len(self._functions()) > 1:
            guilty = [n for n in written if self._is_guilty(n, mine[n], needed)]
        if len(guilty) != 1:
            return None
        (node,) = guilty
        return self._within(node, mine[node], name)

    def _functions(self) -> set[GraphNode]:
        """The user's Functions that ran: where there is one, the fault is its own."""
        nodes = {record.node for record in self.program.records}
        return {node for node in nodes if node is not None and node.source is not None}

    def _is_guilty(
        self, node: GraphNode, records: Sequence[Record], needed: Flags
    ) -> bool:
        own = np.zeros(self.program.size, dtype=bool)
        for record in records:
            own[record.cells] = True
        given, handed = [], np.zeros(self.program.size, dtype=bool)
        for record in self.program.records:
            if not record.in_backward:
                continue
            for operand in record.operands:
                cells = operand.reshape(-1)
                if record.node == node:
                    given.append(cells[~own[cells]])
                else:
                    handed[cells[own[cells]]] = True
        for cells in self.returned.values():
            handed[cells.reshape(-1)[own[cells.reshape(-1)]]] = True
        outside = np.concatenate(given) if given else np.empty(0, np.int64)
        is_given_right = bool(self.sure[outside].all())
        return is_given_right and bool((handed & needed & ~self.sure).any())

    def _needed(self, cells: Cells) -> Flags:
        needed = np.zeros(self.program.size, dtype=bool)
        needed[cells] = True
        for record in reversed(self.program.records):
            here = needed[record.first : record.first + record.count]
            if record.operands and here.any():
                for operand in record.operands:
                    needed[operand if operand.ndim > 1 else operand[here]] = True
        return needed

    # ── the line ──────────────────────────────────────────────────────────────────────

    def _within(
        self, node: GraphNode, records: Sequence[Record], name: str
    ) -> Suspect | None:
        """The operation of the Function's backward that a factor would mend; else the
        Function alone."""
        tried = [
            record
            for record in records
            if record.kind not in (CONSTANT, INPUT)
            and not (self.right[record.cells].all() and record.kind not in _SCALING)
        ]
        found: list[tuple[Record, float]] = []
        for record in tried if len(tried) <= MOST_CANDIDATES else ():
            factor = self._mending(record)
            if factor is not None:
                found.append((record, factor))
        undone = [one for one in found if self._undoes(*one)]
        found = undone if len(undone) == 1 else found
        places = {(one.source.file, one.source.line) for one, _ in found if one.source}
        if len(places) != 1 or len({round(f, 9) for _, f in found}) != 1:
            return Suspect(node=node, source=node.source)
        record, factor = found[0]
        alone = len({one.operation for one, _ in found}) == 1
        return Suspect(
            node=node,
            source=record.source,
            operation=record.operation if alone else "",
            factor=factor,
        )

    def _undoes(self, record: Record, factor: float) -> bool:
        """Whether the record multiplies or divides by one constant that the factor takes
        back."""
        if record.kind not in ("mul", "div") or abs(np.log2(abs(factor))) in (0, 1, 2):
            return False  # too plain a factor to tell one from another
        for operand in record.operands:
            numbers = np.unique(self.numbers[operand])
            is_own = all(
                self._is_constant(int(cell)) for cell in np.unique(operand)[:1]
            )
            if len(numbers) == 1 and is_own:
                by = numbers[0] if record.kind == "mul" else 1 / numbers[0]
                return bool(abs(by * factor - 1) <= ALIKE)
        return False

    def _is_constant(self, cell: int) -> bool:
        at = int(np.searchsorted(self.firsts, cell, "right")) - 1
        return self.program.records[at].kind == CONSTANT

    def _mending(self, record: Record) -> float | None:
        """The factor that, put to all results of a record, makes right all gradients;
        None where there is none."""
        after = following(self.program, record.cells)
        names = [n for n, cells in self.returned.items() if after[cells].any()]
        without, double = self._with(record, 0.0), self._with(record, 2.0)
        base = np.concatenate([np.ravel(without[n]) for n in names])
        twice = np.concatenate([np.ravel(double[n]) for n in names])
        true = np.concatenate([np.ravel(self.true[n]) for n in names])
        slope = (twice - base) / 2
        if not np.isfinite(slope).all() or not slope.any():
            return None
        factor = float(slope @ (true - base) / (slope @ slope))
        if not np.isfinite(factor) or factor == 0 or abs(factor - 1) < ALIKE:
            return None
        mended = self._with(record, factor)
        is_right = all(_alike(mended[n], self.true[n]) for n in names)
        return factor if is_right else None

    def _with(self, record: Record, factor: float) -> dict[str, Numbers]:
        """The recorded gradients where a record's results are multiplied."""
        arithmetic = self.evaluation.arithmetic
        trial = Evaluation(self.program, arithmetic)
        after = following(self.program, record.cells)
        kept = self.evaluation.done & ~after
        cells = np.flatnonzero(kept)
        trial.set(cells, self.evaluation.store[cells])
        trial.set(record.cells, arithmetic.numbers(factor * self.numbers[record.cells]))
        trial.compute(*self.returned.values())
        return {n: trial.store.mid[c] for n, c in self.returned.items()}


def _alike(numbers: Numbers, others: Numbers) -> bool:
    """Whether two tensors are the same, up to roundings of float64."""
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(numbers), np.abs(others))
        floor = 1e-3 * np.max(np.abs(others), initial=0.0)
        near = np.abs(numbers - others) <= ALIKE * np.maximum(size, floor)
    return bool(near[np.isfinite(others)].all())
