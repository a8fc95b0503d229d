"""Programs from programs: definitions written out; what depends on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation
from verifier.language.programs.parsing import parse_form
from verifier.language.programs.program import Node, Program, Span


def define(program: Program) -> Program:
    """The program over the reals: every operation with a definition is written out."""
    return define_in_place(program)[0]


def define_in_place(program: Program) -> tuple[Program, Sequence[int]]:
    """The program with definitions written out, and where each node's value went."""
    nodes: list[Node] = []
    moved: list[int] = []
    for node in program.nodes:
        arguments = tuple(moved[index] for index in node.arguments)
        row = operations.OPERATIONS.get(node.operation)
        if row is None or row.definition is None:
            nodes.append(replace(node, arguments=arguments))
            moved.append(len(nodes) - 1)
        else:
            moved.append(inline(nodes, definition(row), row, arguments, node.span))
    return rewritten(program, nodes, moved), moved


@cache
def definition(row: Operation) -> Program:
    """A row's definition as a program of its operands, in operations without one."""
    return define(parse_form(row.definition or "", row))


def classes(program: Program) -> list[int]:
    """For each node the first that is written alike, operand for operand.

    Such nodes are equal everywhere.
    """
    firsts: dict[tuple[object, ...], int] = {}
    first_alike: list[int] = []
    for index, node in enumerate(program.nodes):
        operands = tuple(first_alike[argument] for argument in node.arguments)
        key = (node.operation, operands, node.name, node.number)
        first_alike.append(firsts.setdefault(key, index))
    return first_alike


def reached(program: Program) -> list[bool]:
    """Whether each node depends on an input, so that a gradient is sent to it."""
    depends: list[bool] = []
    for node in program.nodes:
        variable = node.operation == "variable"
        depends.append(variable or any(depends[index] for index in node.arguments))
    return depends


def rewritten(program: Program, nodes: Sequence[Node], moved: Sequence[int]) -> Program:
    """The program with other nodes; `moved` says where each of its own went."""
    return Program(
        source=program.source,
        nodes=tuple(nodes),
        inputs=program.inputs,
        steps={name: moved[index] for name, index in program.steps.items()},
        output=moved[program.output],
    )


def inline(
    nodes: list[Node],
    form: Program,
    row: Operation,
    arguments: Sequence[int],
    span: Span,
) -> int:
    """Append the nodes of a form of the row's operands, and say which is its result."""
    bound = dict(zip(row.operands, arguments, strict=True))
    placed: list[int] = []
    for node in form.nodes:
        if node.operation == "variable":
            placed.append(bound[node.name or ""])
            continue
        arguments = tuple(placed[index] for index in node.arguments)
        nodes.append(replace(node, arguments=arguments, span=span))
        placed.append(len(nodes) - 1)
    return placed[form.output]
