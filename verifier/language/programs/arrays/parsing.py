"""Text and shapes → `ArrayProgram`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from verifier.errors import ExpressionError
from verifier.language.operations.table import Operation
from verifier.language.programs.arrays import shapes as arithmetic
from verifier.language.programs.arrays.building import ArrayBuilder
from verifier.language.programs.arrays.calls import constant_plan, plan_array_call
from verifier.language.programs.arrays.indexing import plan_index
from verifier.language.programs.arrays.options import Static
from verifier.language.programs.arrays.program import ArrayProgram, Shape
from verifier.language.programs.arrays.scanning import ArrayScanner
from verifier.language.programs.formulas import Formulas
from verifier.language.programs.names import Names
from verifier.language.programs.parsing import read_expression, read_steps
from verifier.language.programs.plans import Emit, Plan
from verifier.language.programs.source import Source


def parse_arrays(text: str, shapes: Mapping[str, Sequence[int]]) -> ArrayProgram:
    """The program of a single expression of inputs with shapes (`[]` is a number's).

    Raises `ExpressionError`, with line and column, for anything that is not of the
    language, and for shapes that do not fit.
    """
    return _parsed(text, shapes, read_expression)


def parse_array_steps(text: str, shapes: Mapping[str, Sequence[int]]) -> ArrayProgram:
    """The program of named steps, one `name = expression` a line; the last is the
    output."""
    return _parsed(text, shapes, read_steps)


def _parsed(
    text: str,
    given: Mapping[str, Sequence[int]],
    read: Callable[[Formulas], int],
) -> ArrayProgram:
    shapes = {name: _shape(name, sizes) for name, sizes in given.items()}
    source = Source(text, ArrayScanner)
    builder = ArrayBuilder(source, shapes)
    names = Names(shapes, mend="Give its shape in `shapes`, `[]` for a number.")
    output = read(ArrayFormulas(source, builder, names))
    builder.check_indices()
    bounds = {
        str(builder.nodes[index].name): bound for index, bound in builder.bounds.items()
    }
    return ArrayProgram(
        source=text,
        nodes=tuple(builder.nodes),
        inputs=tuple(names.inputs),
        steps=dict(names.steps),
        output=output,
        shapes=shapes,
        integers=tuple(bounds),
        bounds=bounds,
    )


def _shape(name: str, sizes: Sequence[int]) -> Shape:
    for size in sizes:
        if type(size) is not int or size < 1:
            raise ExpressionError(
                f"expected the sizes of `{name}` as integers of 1 or more, found {size!r}"
            )
    try:
        arithmetic.check_size(tuple(sizes))
    except arithmetic.ShapeError as error:
        raise ExpressionError(f"`{name}`: {error}") from None
    return tuple(sizes)


class ArrayFormulas(Formulas):
    """Reads the formulas of one text: those of numbers elementwise, and of arrays."""

    builder: ArrayBuilder

    def _plan(self, node: ast.expr, indices: Mapping[str, int]) -> Plan:
        static = Static(self.builder, self.names, indices)
        match node:
            case ast.BinOp(op=ast.MatMult()):
                return Plan([node.left, node.right], self._product(node))
            case ast.List():
                return Plan(node.elts, self._listed(node))
            case ast.Call():
                return plan_array_call(node, self._context(indices), static)
            case ast.Subscript():
                size = static.integer(node)
                if size is not None:
                    return constant_plan(size, node, static)
                return plan_index(node, static)
            case ast.Attribute(attr="T" | "mT"):
                return Plan([node.value], self._transposed(node))
            case ast.Attribute(attr="values", value=ast.Call()):
                return Plan([node.value], lambda operands: operands[0])
            case ast.Attribute() if not isinstance(
                node.value, (ast.Name, ast.Attribute)
            ):
                place = self.source.member(node)
                self.source.fail(
                    place, f"expected `.T` or a method, found `.{node.attr}`"
                )
        return super()._plan(node, indices)

    def _applying(self, row: Operation, node: ast.expr) -> Emit:
        """With errors of shapes at the operation's sign."""
        emit = super()._applying(row, node)
        if not isinstance(node, ast.BinOp):
            return emit
        place = self.source.sign_after(node.left)

        def placed(operands: list[int]) -> int:
            with self.builder.at(place):
                return emit(operands)

        return placed

    def _product(self, node: ast.BinOp) -> Emit:
        span, place = self.source.span(node), self.source.sign_after(node.left)
        builder = self.builder

        def emit(operands: list[int]) -> int:
            pair = [builder.shape(index) for index in operands]
            with builder.at(place):
                shape = builder.fitting(arithmetic.matmul, *pair)
                return builder.array("matmul", operands, shape, span)

        return emit

    def _listed(self, node: ast.List) -> Emit:
        """A list is an array of what it holds."""
        builder, span = self.builder, self.source.span(node)

        def emit(operands: list[int]) -> int:
            first = builder.shape(operands[0])
            for index, part in zip(operands, node.elts, strict=True):
                if builder.shape(index) != first:
                    found = arithmetic.shown(builder.shape(index))
                    self.source.fail(
                        part,
                        f"expected shape {arithmetic.shown(first)} as of the first, found {found}",
                    )
            return builder.array(
                "stack", operands, (len(operands), *first), span, dim=0
            )

        return emit

    def _transposed(self, node: ast.Attribute) -> Emit:
        builder, span, place = (
            self.builder,
            self.source.span(node),
            self.source.member(node),
        )

        def emit(operands: list[int]) -> int:
            shape = builder.shape(operands[0])
            order = list(range(len(shape)))
            if node.attr == "T":
                order.reverse()
            elif len(shape) < 2:
                self.source.fail(
                    place, f"expected a matrix, found {arithmetic.what(shape)}"
                )
            else:
                order[-2:] = order[:-3:-1]
            sizes = tuple(shape[at] for at in order)
            return builder.array("permute", operands, sizes, span, dims=tuple(order))

        return emit
