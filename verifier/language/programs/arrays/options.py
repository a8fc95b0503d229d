"""What of a call is known when it is read: axes, shapes, numbers and words."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from verifier.language.operations.arrays import ArrayFunction
from verifier.language.programs.arrays import shapes as arithmetic
from verifier.language.programs.arrays.building import ArrayBuilder
from verifier.language.programs.arrays.program import Shape
from verifier.language.programs.constants import decimal
from verifier.language.programs.names import Names
from verifier.language.programs.program import Span
from verifier.language.programs.python_syntax import describe, dotted
from verifier.language.programs.sums import integer

INFINITE = float("inf")
MOST_AXES = 12


@dataclass(frozen=True, slots=True)
class Static:
    """Reads what is a constant in the text."""

    builder: ArrayBuilder
    names: Names
    indices: Mapping[str, int]
    """The values of the indices of the sums around it."""

    def fail(self, node: ast.expr | ast.keyword, message: str) -> NoReturn:
        self.builder.source.fail(node, message)

    def integer(self, node: ast.expr) -> int | None:
        """An integer, or None: of numbers, indices of sums, and sizes of arrays."""
        if isinstance(node, ast.Name) and node.id not in self.indices:
            index = self._node_of(node)
            number = None if index is None else self.builder.number(index)
            whole = number is not None and number.denominator == 1
            return number.numerator if number is not None and whole else None
        size = self._size(node)
        if size is not None:
            return size
        if isinstance(node, ast.BinOp) and isinstance(
            node.op, (ast.Mult, ast.FloorDiv, ast.Add, ast.Sub)
        ):
            return self._calculated(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.integer(node.operand)
            return None if inner is None else -inner
        return integer(node, self.indices)

    def _calculated(self, node: ast.BinOp) -> int | None:
        left, right = self.integer(node.left), self.integer(node.right)
        if left is None or right is None or max(abs(left), abs(right)) > 10**9:
            return None
        match node.op:
            case ast.Mult():
                return left * right
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case _:
                return left // right if right else None

    def _size(self, node: ast.expr) -> int | None:
        """`x.shape[0]`, `x.size(0)`, `len(x)`, of an input or a step."""
        match node:
            case (
                ast.Subscript(value=ast.Attribute(attr="shape", value=array), slice=at)
                | ast.Call(
                    func=ast.Attribute(attr="size", value=array), args=[at], keywords=[]
                )
            ):
                shape, number = self.shape_of(array), self.integer(at)
            case ast.Call(func=ast.Name(id="len"), args=[array], keywords=[]):
                shape, number = self.shape_of(array), 0
            case _:
                return None
        if shape is None or number is None or not -len(shape) <= number < len(shape):
            return None
        return shape[number]

    def shape_of(self, node: ast.expr) -> Shape | None:
        """The shape of an input or a step."""
        if not isinstance(node, ast.Name):
            return None
        index = self._node_of(node)
        if index is not None:
            return self.builder.shape(index)
        name = self.names.meant(self.builder.source.name(node))
        return self.builder.shapes.get(name)

    def _node_of(self, node: ast.Name) -> int | None:
        return self.names.node_of(self.names.meant(self.builder.source.name(node)))

    def integers(self, node: ast.expr) -> list[int] | None:
        """A tuple or list of integers, or a single one; None where it is none."""
        match node:
            case ast.Attribute(attr="shape", value=array):
                shape = self.shape_of(array)
                return None if shape is None else list(shape)
            case ast.Subscript(
                value=ast.Attribute(attr="shape", value=array),
                slice=ast.Slice() as part,
            ):
                return self._sizes(self.shape_of(array), part)
        parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
        numbers = [self.integer(part) for part in parts]
        found = [number for number in numbers if number is not None]
        return found if len(found) == len(numbers) <= MOST_AXES else None

    def _sizes(self, shape: Shape | None, part: ast.Slice) -> list[int] | None:
        """`x.shape[1:]`."""
        if shape is None or part.step is not None:
            return None
        given = [end for end in (part.lower, part.upper) if end is not None]
        if any(self.integer(end) is None for end in given):
            return None
        ends = [
            None if end is None else self.integer(end)
            for end in (part.lower, part.upper)
        ]
        return list(shape[slice(*ends)])

    def is_infinite(self, node: ast.expr) -> bool:
        """`inf`, `np.inf`, `float("inf")` and "inf"."""
        match node:
            case ast.Call(func=ast.Name(id="float"), args=[inner], keywords=[]):
                return self.is_infinite(inner)
            case ast.Constant(value=str() as word):
                return word == "inf"
        name = dotted(node)
        return name.rpartition(".")[2] in ("inf", "oo", "infinity")


@dataclass(frozen=True, slots=True)
class ArrayCall:
    """A call of a function of arrays, of which the operands have nodes by now."""

    written: str
    """What is called, as messages name it."""
    function: ArrayFunction
    library: str
    """The library by whose name it is called; empty where none is."""
    is_method: bool
    static: Static
    span: Span
    place: Span
    """Where what is called is named."""
    options: Mapping[str, ast.expr | Sequence[ast.expr]]
    operands: Mapping[str, int]
    several: Sequence[int] = ()
    """The arrays of an operand that is a list of them."""

    @property
    def builder(self) -> ArrayBuilder:
        return self.static.builder

    def fail(self, message: str) -> NoReturn:
        self.builder.source.fail(self.place, message)

    def shape(self, operand: str = "x") -> Shape:
        return self.builder.shape(self.operands[operand])

    def add(
        self, operation: str, shape: Shape, *operands: int, **options: object
    ) -> int:
        """Add a node; by default of the operand `x`."""
        given = operands or (self.operands["x"],)
        with self.builder.at(self.place):
            return self.builder.array(operation, given, shape, self.span, **options)

    # ── options ─────────────────────────────────────────────────────────────────────

    def option(self, name: str) -> ast.expr | None:
        """What is given for an option; `None` counts as nothing."""
        node = self.options.get(name)
        if not isinstance(node, ast.expr):
            return None
        return None if isinstance(node, ast.Constant) and node.value is None else node

    def axes(self, shape: Shape, name: str = "dim") -> tuple[int, ...] | None:
        """The axes that are asked for, counted from 0; None where none are."""
        node = self.option(name)
        if node is None:
            return None
        numbers = self.static.integers(node)
        if numbers is None:
            self._refuse(node, "an axis or a tuple of axes")
        with self.builder.at(self.builder.source.span(node)):
            return self.builder.fitting(arithmetic.axes, numbers, shape)

    def axis(self, shape: Shape, name: str = "dim") -> int | None:
        """The single axis that is asked for."""
        found = self.axes(shape, name)
        if found is not None and len(found) != 1:
            node = self.option(name)
            assert node is not None
            self._refuse(node, "one axis")
        return None if found is None else found[0]

    def integer(self, name: str, default: int) -> int:
        node = self.option(name)
        if node is None:
            return default
        number = self.static.integer(node)
        if number is None and isinstance(node, ast.Constant):
            if isinstance(node.value, bool):
                number = int(node.value)
        if number is None:
            self._refuse(node, "an integer")
        return number

    def flag(self, name: str) -> bool:
        node = self.option(name)
        if node is None:
            return False
        if isinstance(node, ast.Constant) and node.value in (True, False):
            return bool(node.value)
        self._refuse(node, "`True` or `False`")

    def word(self, name: str, known: Sequence[str]) -> str:
        """One of some words; the first where none is given."""
        node = self.option(name)
        if node is None:
            return known[0]
        if isinstance(node, ast.Constant) and node.value in known:
            return str(node.value)
        self._refuse(node, "one of " + ", ".join(f'"{word}"' for word in known))

    def number(self, name: str, default: Fraction | None) -> Fraction | None:
        """A decimal, an integer or a quotient of such."""
        node = self.option(name)
        if node is None:
            return default
        value = self._rational(node)
        if value is None:
            self._refuse(node, "a number")
        return value

    def _rational(self, node: ast.expr) -> Fraction | None:
        whole = self.static.integer(node)
        if whole is not None:
            return Fraction(whole)
        match node:
            case ast.Constant(value=float()):
                source = self.builder.source
                return decimal(source.at(source.span(node)))
            case ast.UnaryOp(op=ast.USub()):
                inner = self._rational(node.operand)
                return None if inner is None else -inner
            case ast.BinOp(op=ast.Div()):
                left, right = self._rational(node.left), self._rational(node.right)
                return left / right if left is not None and right else None
        return None

    def sizes(self, name: str, *, negative: bool = False) -> list[int]:
        """A shape, given as a tuple or as integers one after the other."""
        given = self.options.get(name, ())
        nodes = [given] if isinstance(given, ast.expr) else list(given)
        if len(nodes) == 1:
            numbers = self.static.integers(nodes[0])
        else:
            sizes = [self.static.integer(node) for node in nodes[: MOST_AXES + 1]]
            numbers = [size for size in sizes if size is not None]
            if len(numbers) < len(nodes):
                numbers = None
        if numbers is None or (not negative and any(size < 0 for size in numbers)):
            wanted = "axes" if name == "dims" else "sizes"
            if nodes:
                self._refuse(nodes[0], f"{wanted}: integers that are written out")
            self.fail(f"expected {wanted}, found none")
        return numbers

    def _refuse(self, node: ast.expr, expected: str) -> NoReturn:
        found = self.builder.source.at(self.builder.source.span(node))[:40]
        if isinstance(node, ast.Constant) and not found:
            found = describe(node)
        self.static.fail(node, f"`{self.written}` expected {expected}, found `{found}`")
