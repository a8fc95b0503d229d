"""A small program of cells as one expression, differentiated by SymPy as a whole: a
third derivation, which knows no chain rule of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

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
from verifier.language.programs.program import Node, Program, Span
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.calculus.derivative import UntranslatableError, whole
from verifier.symbolic.cells import rules
from verifier.symbolic.cells.evaluation import Evaluation

MOST_CELLS = 200
"""Of a program that is written out."""

MOST_WORK = 20_000
"""Operations with all steps written out, times inputs: SymPy does some 10⁴ a second."""

_NOWHERE = Span(line=1, column=1, end_line=1, end_column=1)


class UnwritableError(Exception):
    """There is no expression in scalars: a function of a matrix, or a number that is not
    finite."""


def gradient(evaluation: Evaluation, seeds: Mapping[str, Any]) -> list[Any] | None:
    """The gradient of the sum of all outputs, weighted by their seeds (flat columns of
    balls), by every cell of the inputs, one after another; None where the program is too
    large, or SymPy has no derivative that balls can read.

    The outputs are to have been computed.
    """
    program = evaluation.program
    writer = Writer(evaluation)
    try:
        written = writer.program(seeds)
    except UnwritableError:
        return None
    if written is None or _size(written) > MOST_WORK:
        return None
    symbolic = whole(written)
    if symbolic is None:
        return None
    every = [cells.reshape(-1) for cells in program.inputs.values()]
    names = [f"c{cell}" for cell in np.concatenate(every)]
    moving = [name for name in dict.fromkeys(names) if name in symbolic.symbols]
    try:
        formula = symbolic.compile(symbolic.gradient(moving))
    except UntranslatableError:
        return None
    found = dict(zip(moving, evaluate(formula, writer.given), strict=True))
    return [found.get(name, balls.zero()) for name in names]


def _size(program: Program) -> int:
    sizes: list[int] = []
    for node in program.nodes:
        own = len(rules.value(node.operation).instructions) if node.arguments else 1
        sizes.append(own + sum(sizes[index] for index in node.arguments))
    return sizes[program.output] * len(program.inputs)


class Writer:
    """Writes the cells that the outputs need as nodes."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.nodes: list[Node] = []
        self.places: dict[int, int] = {}
        self.given: dict[str, Any] = {}
        """The balls of the leaves, by name."""
        inputs = evaluation.program.inputs.values()
        self.moving = {int(cell) for cells in inputs for cell in cells.reshape(-1)}

    def program(self, seeds: Mapping[str, Any]) -> Program | None:
        """The weighted sum of the outputs; None where there are too many cells."""
        program = self.evaluation.program
        outputs = [program.outputs[name].reshape(-1) for name in seeds]
        needed = self._needed(outputs)
        if len(needed) > MOST_CELLS:
            return None
        for record in program.records:
            for index in range(record.count):
                if record.first + index in needed:
                    self.places[record.first + index] = self._cell(record, index)
        terms = []
        for cells, column in zip(outputs, seeds.values(), strict=True):
            for cell, seed in zip(cells, column, strict=True):
                weight = self._leaf(f"u{len(self.given)}", seed)
                terms.append(self._node("mul", weight, self.places[int(cell)]))
        if not terms:
            return None
        output = self._chain("add", terms)
        names = tuple(self.given)
        return Program(source="", nodes=tuple(self.nodes), inputs=names, output=output)

    def _needed(self, outputs: Sequence[Cells]) -> set[int]:
        needed = {int(cell) for cells in outputs for cell in cells}
        for record in reversed(self.evaluation.program.records):
            if record.kind == STOP:
                continue
            for index in range(record.count):
                if record.first + index in needed:
                    needed.update(operands_of(record, index))
            if len(needed) > MOST_CELLS:
                break
        return needed

    def _cell(self, record: Record, index: int) -> int:
        cell = record.first + index
        if record.kind in BLOCKS:
            raise UnwritableError
        if record.kind == CONSTANT or (
            record.kind == INPUT and cell not in self.moving
        ):
            assert record.numbers is not None
            number = float(record.numbers.reshape(-1)[index])
            if not np.isfinite(number):
                raise UnwritableError
            return self._node("constant", number=Fraction(number))
        if record.kind in (INPUT, STOP):
            return self._leaf(f"c{cell}", self.evaluation.store[cell])
        places = [self.places[operand] for operand in operands_of(record, index)]
        if record.kind == SUM:
            return self._chain("add", places)
        if record.kind == LARGEST:
            return self._chain("max", places)
        if record.kind == CONTRACTION:
            pairs = zip(places[::2], places[1::2], strict=True)
            return self._chain("add", [self._node("mul", *pair) for pair in pairs])
        return self._node(record.kind, *places)

    def _leaf(self, name: str, ball: Any) -> int:
        self.given[name] = ball
        return self._node("variable", name=name)

    def _chain(self, operation: str, places: Sequence[int]) -> int:
        if not places:
            return self._node("constant", number=Fraction(0))
        result = places[0]
        for place in places[1:]:
            result = self._node(operation, result, place)
        return result

    def _node(
        self,
        operation: str,
        *arguments: int,
        name: str | None = None,
        number: Fraction | None = None,
    ) -> int:
        self.nodes.append(
            Node(
                operation=operation,
                arguments=arguments,
                name=name,
                number=number,
                span=_NOWHERE,
            )
        )
        return len(self.nodes) - 1


def operands_of(record: Record, index: int) -> Iterator[int]:
    """The cells that one result reads; of a contraction in pairs that are multiplied."""
    if record.kind == CONTRACTION:
        left, right = record.operands
        rows, columns = left.shape[1], right.shape[2]
        batch, rest = divmod(index, rows * columns)
        row, column = divmod(rest, columns)
        pairs = zip(left[batch, row], right[batch, :, column], strict=True)
        return (int(cell) for pair in pairs for cell in pair)
    if record.kind in (SUM, LARGEST):
        return (int(cell) for cell in record.operands[0][index])
    if record.kind in BLOCKS:
        return (int(cell) for cell in record.operands[0].reshape(-1))
    return (int(operand[index]) for operand in record.operands)
