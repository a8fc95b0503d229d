"""A program run and differentiated by PyTorch's formulas with rounding: the walk that
real and complex numbers share.

What one operation may make of its operands, and how shares add up, is left to the
field.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Generic, Protocol

from verifier.floats import Format
from verifier.language.kernels.compositions import expand
from verifier.language.kernels.kernel import Kernel
from verifier.language.kernels.table import PYTORCH
from verifier.language.kernels.tangents import tangent_form
from verifier.language.operations import table as operations
from verifier.language.operations.operation import tangent_name
from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.records import VALUE, Entry
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.rounding.spread import Reach, Spread, Unbounded

Value = Any
"""A ball, a region of the plane, or the truth of a condition."""


class Arithmetic(Protocol):
    """The operations of a format, with rounding."""

    @property
    def working_bits(self) -> int:
        """The precision of the balls themselves."""

    def follow(self, form: Program, given: Mapping[str, Value]) -> Value:
        """What a kernel's own formula gives, each of its operations rounding."""

    def accumulate(self, shares: Sequence[Value]) -> Value:
        """The sum of shares, in whatever order the engine takes."""


NOTHING: Final = object()
"""In the place of a share or tangent: nothing is passed on, not even a zero."""


class Mode(Enum):
    """The direction in which a program is differentiated."""

    REVERSE = "reverse"
    FORWARD = "forward"


class ProgramModel(ABC, Generic[Reach]):
    """A program as PyTorch is given it (compositions written out), in one format,
    differentiated in one mode.

    With `limited_range`, results also suffer underflow to the format's subnormals and
    overflow past its largest number; without, exponents are unbounded.
    """

    arithmetic: Arithmetic

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        format_: Format,
        *,
        limited_range: bool,
        mode: Mode = Mode.REVERSE,
    ) -> None:
        self.arithmetic = self.arithmetic_of(format_, limited_range=limited_range)
        self.program = expand(program)
        self.wrt = tuple(wrt)
        self.format = format_
        self.limited_range = limited_range
        self.mode = mode
        self.reached = rewriting.reached(self.program)
        self.constants = constant_values(self.program)
        self.leaves = {
            node.name or "": index
            for index, node in enumerate(self.program.nodes)
            if node.operation == "variable"
        }

    def spread(self, point: Mapping[str, Any], upstream: Any) -> Spread[Reach]:
        """All that rounding may make of the program at `point`, whose coordinates are
        numbers of the format."""
        with balls.workprec(self.arithmetic.working_bits):
            values, seed = self.values(point), self.exact(upstream)
            numbers = {VALUE: values[self.program.output]}
            unbounded: set[tuple[str, int]] = set()
            if self.mode is Mode.FORWARD:
                for name in self.wrt:
                    number, nodes = self.forward(values, name, seed)
                    numbers[Entry("gradient", (name,))] = number
                    unbounded |= {(name, node) for node in nodes}
            else:
                adjoints = self.adjoints(values, self.program.output, seed)
                for name in self.wrt:
                    numbers[Entry("gradient", (name,))] = adjoints[self.leaves[name]]
                for name, index in self.program.steps.items():
                    numbers[Entry("step", (name,))] = adjoints[index]
                nodes = self.unbounded(dict(enumerate(adjoints)))
                unbounded = {("", node) for node in nodes}
            return Spread(
                reach={entry: self.reach(n) for entry, n in numbers.items()},
                unbounded=Unbounded(
                    values=self.unbounded_values(values),
                    derivatives=frozenset(unbounded),
                ),
            )

    def adjoints(self, values: Sequence[Any], output: int, seed: Any) -> list[Any]:
        """The adjoint of every node, that of the node `output` being the seed."""
        nodes = self.program.nodes
        shares: list[list[Any]] = [[] for _ in nodes]
        shares[output].append(seed)
        adjoints: list[Any] = [self.exact(0.0)] * len(nodes)
        for index in range(output, -1, -1):
            if not shares[index]:
                continue
            adjoints[index] = self.arithmetic.accumulate(shares[index])
            if not self.reached[index]:
                continue
            for operand, argument in enumerate(nodes[index].arguments):
                if self.reached[argument]:
                    share = self.share(operand, index, adjoints[index], values)
                    if share is not NOTHING:
                        shares[argument].append(share)
        return adjoints

    def tangents(self, values: Sequence[Any], name: str, seed: Any) -> dict[int, Any]:
        """The tangent of each node that has one, where that of the input `name` is the
        seed."""
        tangents: dict[int, Any] = {}
        for index, node in enumerate(self.program.nodes):
            if node.operation == "variable" and node.name == name:
                tangents[index] = seed
            moving = {
                operand: tangents[argument]
                for operand, argument in enumerate(node.arguments)
                if argument in tangents
            }
            if moving:
                tangent = self._tangent(index, moving, values)
                if tangent is not NOTHING:
                    tangents[index] = tangent
        return tangents

    def _tangent(
        self, index: int, moving: Mapping[int, Any], values: Sequence[Any]
    ) -> Any:
        """The tangent of an operation's result, of those of its operands."""
        node = self.program.nodes[index]
        row, kernel = operations.OPERATIONS[node.operation], PYTORCH[node.operation]
        if row.result is operations.Sort.CONDITION:
            return NOTHING
        if not self.has_tangent_form(kernel):
            products = (self.product(i, index, t, values) for i, t in moving.items())
            shares = [share for share in products if share is not NOTHING]
            return self.arithmetic.accumulate(shares) if shares else NOTHING
        form = tangent_form(kernel, frozenset(row.operands[i] for i in moving))
        if form is None:
            return NOTHING
        given = {row.operands[i]: values[a] for i, a in enumerate(node.arguments)}
        given |= {tangent_name(row.operands[i]): t for i, t in moving.items()}
        return self.arithmetic.follow(form, {**given, "result": values[index]})

    def has_tangent_form(self, kernel: Kernel) -> bool:
        """Whether PyTorch has a formula for the tangent that is not the sum of what
        each operand hands on."""
        return kernel.tangent is not None

    def unbounded(self, numbers: Mapping[int, Any]) -> frozenset[int]:
        """The nodes at which a number may be anything, where the field tells."""
        del numbers
        return frozenset()

    def unbounded_values(self, values: Sequence[Any]) -> frozenset[int]:
        """The same of values, but where an operand is smaller than every number of the
        format."""
        del values
        return frozenset()

    # ── what the field says ───────────────────────────────────────────────────────────

    @staticmethod
    @abstractmethod
    def arithmetic_of(format_: Format, *, limited_range: bool) -> Any:
        """The operations of a format."""

    @abstractmethod
    def exact(self, number: Any) -> Any:
        """A number of the format, in balls."""

    @abstractmethod
    def values(self, point: Mapping[str, Any]) -> Sequence[Any]:
        """The value of every node."""

    @abstractmethod
    def forward(
        self, values: Sequence[Any], name: str, upstream: Any
    ) -> tuple[Any, frozenset[int]]:
        """The gradient by an input in forward mode, and the nodes at which a tangent
        may be anything."""

    @abstractmethod
    def share(
        self, operand: int, index: int, adjoint: Any, values: Sequence[Any]
    ) -> Any:
        """What an operation passes back to one operand, or `NOTHING`."""

    @abstractmethod
    def product(
        self, operand: int, index: int, tangent: Any, values: Sequence[Any]
    ) -> Any:
        """A number times the derivative by one operand, by PyTorch's formula, or
        `NOTHING`."""

    @abstractmethod
    def reach(self, number: Any) -> Reach | None:
        """How far the balls let a number come; None where they say nothing."""
