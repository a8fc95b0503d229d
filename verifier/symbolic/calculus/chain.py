"""The chain rule over a written program: forward the value of every node, backward the
adjoint of every node.

Linear in the size of the program. What one operation does, and how it stands at an
edge, is left to the arithmetic: `real_chain` and `complex_chain` say it of balls and of
complex balls.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Any

from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic.balls import Ball


class Standing(IntEnum):
    """What can be said of a node's value or adjoint; of several real ones, the largest
    prevails."""

    REGULAR = 0
    UNSURE = 1
    """More precision may decide."""
    POLE = 2
    """Of complex numbers: infinite, at a pole or at a branch point with an infinite
    derivative."""
    LIMIT = 3
    """Exactly at an edge, or on an unknown side of a branch cut: only a limit can
    decide."""
    UNDEFINED = 4


@dataclass(frozen=True, slots=True)
class Known:
    """A ball, meaningful where the standing is REGULAR; of a condition, `ball` is a
    truth value or None."""

    ball: Any
    standing: Standing = Standing.REGULAR
    reason: str | None = None
    on_edge: bool = False
    """The slightest move of an input may turn the condition, or make the number jump:
    something that it is made of stands exactly at a tie or at a jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One evaluation at one precision: values and adjoints by node; an adjoint of None
    is a structural zero."""

    values: tuple[Known, ...]
    adjoints: tuple[Known | None, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """A program, and what can be said of its nodes without a point."""

    program: Program
    constants: Mapping[int, Fraction]
    classes: Sequence[int]
    reached: Sequence[bool]

    @classmethod
    def of(cls, program: Program) -> Structure:
        """The structure of a program."""
        return cls(
            program,
            constant_values(program),
            rewriting.classes(program),
            rewriting.reached(program),
        )


class Chain(ABC):
    """One pass over a program at a point, at the precision in force."""

    def __init__(self, structure: Structure, point: Mapping[str, Any]) -> None:
        self.structure = structure
        self.program = structure.program
        self.point = point
        self.values: list[Known] = []

    def forward(self) -> list[Known]:
        """The value of every node."""
        for index, node in enumerate(self.program.nodes):
            if node.operation == "variable":
                known = self.variable(node.name or "")
            elif node.operation == "constant":
                known = self.constant(index)
            else:
                known = self.apply(index)
            self.values.append(known)
        return self.values

    def backward(self, upstream: Any) -> list[Known | None]:
        """The adjoint of every node, that of the output being `upstream`; after
        `forward`."""
        nodes, output = self.program.nodes, self.program.output
        adjoints: list[Known | None] = [None] * len(nodes)
        adjoints[output] = self.seed(upstream)
        for index in range(output, -1, -1):
            adjoint = adjoints[index]
            if adjoint is None:
                continue
            for operand, argument in enumerate(nodes[index].arguments):
                share = self.share(index, operand, adjoint)
                if share is not None:
                    earlier = adjoints[argument]
                    total = share if earlier is None else self.sum(earlier, share)
                    adjoints[argument] = total
        return adjoints

    def operands(self, index: int) -> list[Known]:
        """The values of a node's operands."""
        return [self.values[at] for at in self.program.nodes[index].arguments]

    def spelt(self, index: int) -> str:
        """A node as it is written, for a reason."""
        return f"`{self.program.text(index)}`"

    @staticmethod
    @abstractmethod
    def written_out(program: Program) -> Program:
        """The program in operations that the arithmetic knows."""

    @staticmethod
    @abstractmethod
    def size(ball: Any) -> Ball:
        """The magnitude of a number, as a real ball."""

    @abstractmethod
    def variable(self, name: str) -> Known:
        """The value of an input."""

    @abstractmethod
    def constant(self, index: int) -> Known:
        """The value of a literal."""

    @abstractmethod
    def apply(self, index: int) -> Known:
        """The value of an operation, those of its operands being known."""

    @abstractmethod
    def seed(self, upstream: Any) -> Known:
        """The adjoint of the output."""

    @abstractmethod
    def share(self, index: int, operand: int, adjoint: Known) -> Known | None:
        """What a node passes back to one operand; None for a structural zero."""

    @abstractmethod
    def sum(self, first: Known, second: Known) -> Known:
        """The sum of two shares."""
