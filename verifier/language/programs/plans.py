"""How a part of Python's tree is read: what first, and what to make of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from verifier.language.operations.table import Operation
from verifier.language.programs.building import Builder
from verifier.language.programs.names import Names
from verifier.language.programs.program import Program, Span

Emit = Callable[[list[int]], int]
"""What adds the nodes of a part of a tree, given those of its own parts."""


class Plan(NamedTuple):
    """How a part of a tree is read: its own parts first, then what to do with their
    nodes."""

    parts: Sequence[ast.expr]
    emit: Emit
    indices: Sequence[Mapping[str, int]] | None = None
    """For each part, the values that indices of sums have in it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a call is read in."""

    builder: Builder
    names: Names
    indices: Mapping[str, int]
    """The values of the indices of the sums around it."""
    formula_of: Callable[[str], Program]
    """The formula of a composed name."""

    def fail(self, node: ast.expr | ast.keyword, message: str) -> NoReturn:
        self.builder.source.fail(node, message)


def applying(row: Operation, builder: Builder, span: Span) -> Emit:
    """What applies an operation to all parts."""
    return lambda operands: builder.apply_to_all(row, operands, span)
