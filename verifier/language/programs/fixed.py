"""Inputs that an operation is not differentiated by: the order of a function, say."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation
from verifier.language.programs.program import Program


def flows(
    program: Program, names: Collection[str]
) -> Iterator[tuple[Operation, str, frozenset[str]]]:
    """Where some inputs reach an operand by which an operation has no derivative: the
    operation, the operand, and which inputs."""
    moved: list[frozenset[str]] = []
    for node in program.nodes:
        own = frozenset({node.name} & set(names)) if node.name else frozenset()
        moved.append(own.union(*(moved[index] for index in node.arguments)))
        row = operations.row(node.operation)
        for operand, index in zip(row.operands, node.arguments, strict=False):
            if operand in row.fixed and moved[index]:
                yield row, operand, moved[index]


def fixed_inputs(program: Program) -> frozenset[str]:
    """The inputs by which some operation of the program has no derivative."""
    return frozenset().union(*(names for *_, names in flows(program, program.inputs)))
