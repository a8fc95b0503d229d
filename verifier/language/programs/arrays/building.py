"""The nodes of a program of arrays as they are added, each with its shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from fractions import Fraction
from typing import ParamSpec, TypeVar

from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation, Sort
from verifier.language.programs.arrays import shapes as arithmetic
from verifier.language.programs.arrays.program import ArrayNode, Shape
from verifier.language.programs.arrays.shapes import ShapeError
from verifier.language.programs.building import Builder
from verifier.language.programs.program import Node, Span
from verifier.language.programs.source import Source

_P = ParamSpec("_P")
_R = TypeVar("_R")
_PER_CHANNEL = frozenset({"prelu"})
"""Rows of which PyTorch's function spreads an operand over another axis than
broadcasting would."""


class ArrayBuilder(Builder):
    """Adds nodes of arrays; a row of the table is meant elementwise."""

    def __init__(self, source: Source, shapes: Mapping[str, Shape]) -> None:
        super().__init__(source)
        self.shapes = shapes
        self.bounds: dict[int, int] = {}
        """The inputs that are indices, and how many values each may have."""
        self._place: Span | None = None

    @contextmanager
    def at(self, place: Span) -> Iterator[None]:
        """Show errors of shapes at the sign of an operation."""
        self._place = place
        yield
        self._place = None

    def fitting(
        self,
        function: Callable[_P, _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """What a function of shapes gives; an error stands at the operation in hand."""
        try:
            return function(*args, **kwargs)
        except ShapeError as error:
            self.source.fail(self._place, str(error))

    # ── nodes ───────────────────────────────────────────────────────────────────────

    def shape(self, index: int) -> Shape:
        """That of a node."""
        node = self.nodes[index]
        assert isinstance(node, ArrayNode)
        return node.shape

    def number(self, index: int) -> Fraction | None:
        """The value of a node that is a rational constant."""
        return self._constants.get(index)

    def apply(self, row: Operation, operands: Sequence[int], span: Span) -> int:
        if row.name in _PER_CHANNEL and any(self.shape(at) for at in operands[1:]):
            self.source.fail(
                span,
                f"`{row.name}` takes a single number as `{row.operands[1]}`, found an array. "
                "Write it as `where(x > 0, x, a*x)`.",
            )
        return super().apply(row, operands, span)

    def array(
        self,
        operation: str,
        operands: Sequence[int],
        shape: Shape,
        span: Span,
        **options: object,
    ) -> int:
        """Add an operation on arrays whose shape is known."""
        for index in operands:
            if not self.is_number(index):
                self.source.fail(
                    span,
                    f"`{operation}` expects numbers, found a condition. Write it as `where(condition, 1, 0)`.",
                )
        node = ArrayNode(
            operation=operation,
            arguments=tuple(operands),
            span=span,
            shape=shape,
            options=options,
        )
        return self._add(node, Sort.NUMBER)

    def imaginary(self, number: Fraction, span: Span) -> int:
        self.source.fail(span, "expected a real number, found a complex one")

    def variable(self, name: str, span: Span) -> int:
        node = ArrayNode(
            operation="variable", name=name, span=span, shape=self.shapes[name]
        )
        return self._add(node, Sort.NUMBER)

    def take_as_index(self, index: int, bound: int, span: Span) -> None:
        """Note that an input is of integers from 0 to below a bound."""
        if self.nodes[index].operation != "variable":
            self.source.fail(
                span,
                "expected an input or a list of integers as index, found a formula",
            )
        self.bounds[index] = min(bound, self.bounds.get(index, bound))

    def check_indices(self) -> None:
        """Refuse an input that is both an index and a number to calculate with."""
        for node in self.nodes:
            for place, index in enumerate(node.arguments):
                is_index = place == 1 and node.operation in ("index", "cross_entropy")
                if index in self.bounds and not is_index:
                    name = self.nodes[index].name
                    self.source.fail(
                        node.span,
                        f"`{name}` is an index elsewhere, and so no number to calculate with. "
                        "Give the numbers another name.",
                    )

    def _add(self, node: Node, sort: Sort) -> int:
        if not isinstance(node, ArrayNode):
            given = {f.name: getattr(node, f.name) for f in fields(node)}
            shapes = [self.shape(index) for index in node.arguments]
            self._place = self._place or node.span
            shape = self.fitting(arithmetic.broadcast, *shapes)
            node = ArrayNode(**given, shape=shape)
        self._place = self._place or node.span
        self.fitting(arithmetic.check_size, node.shape)
        self._place = None
        return super()._add(node, sort)


def lifted(
    builder: ArrayBuilder, operation: str, operands: Sequence[int], span: Span
) -> int:
    """Add a row of the table by its name."""
    return builder.apply(operations.OPERATIONS[operation], operands, span)
