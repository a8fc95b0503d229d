"""What a program means, places aside; and its places."""

from __future__ import annotations

from typing import Any

from verifier.language.programs.program import Program

Tree = Any
"""`"x"`, `Fraction(1, 2)` or `("add", left, right)`: what a program means, places
aside."""


def tree(program: Program, index: int | None = None) -> Tree:
    """The tree below a node."""
    node = program.nodes[program.output if index is None else index]
    if node.operation == "variable":
        return node.name
    if node.operation == "constant":
        return node.number if node.number is not None else ("constant", node.name)
    return (node.operation, *(tree(program, i) for i in node.arguments))


def place(program: Program, index: int) -> tuple[int, int, int, int]:
    span = program.nodes[index].span
    return span.line, span.column, span.end_line, span.end_column
