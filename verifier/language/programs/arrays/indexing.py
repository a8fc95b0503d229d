"""`x[0]`, `x[:, 1:3]`, `x[..., None]`, `W[i]`: from an index to a node."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from verifier.language.programs.arrays.options import Static
from verifier.language.programs.arrays.program import Shape
from verifier.language.programs.arrays.shapes import shown, what
from verifier.language.programs.plans import Plan
from verifier.language.programs.python_syntax import describe, dotted

Item = tuple[object, ...]
"""`("at", 3)`, `("slice", start, stop, step)`, `("new",)`, `("list", 0, 2)` or, of an
input that is an index, `("input",)`."""


@dataclass(slots=True)
class _Index:
    """An index as it is read, item by item."""

    shape: Shape
    items: list[Item]
    result: list[int]
    axis: int = 0

    def take(self, item: Item, *sizes: int) -> None:
        """An item that uses up an axis, and what it leaves of that."""
        self.items.append(item)
        self.result += sizes
        self.axis += 1


def plan_index(node: ast.Subscript, static: Static) -> Plan:
    """How an index is read."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    inputs = [part for part in parts if _is_formula(part, static)]
    if len(inputs) > 1:
        static.fail(inputs[1], "expected one array among the indices, found several")
    builder = static.builder
    span, place = builder.source.span(node), builder.source.sign_after(node.value)

    def emit(nodes: list[int]) -> int:
        index = _Index(builder.shape(nodes[0]), [], [])
        _check_count(parts, index.shape, static, node)
        arrays = 0
        for part in parts:
            if part in inputs:
                size = index.shape[index.axis]
                builder.take_as_index(nodes[1], size, builder.source.span(part))
                index.take(("input",), *builder.shape(nodes[1]))
                arrays += 1
            else:
                arrays += _read(part, parts, index, static)
        if arrays and (arrays > 1 or any(item[0] == "at" for item in index.items)):
            static.fail(node.slice, "expected slices beside an array of indices")
        left = index.shape[index.axis :]
        with builder.at(place):
            return builder.array(
                "index",
                nodes,
                (*index.result, *left),
                span,
                items=tuple(index.items),
            )

    return Plan([node.value, *inputs], emit)


def _is_formula(part: ast.expr, static: Static) -> bool:
    """Whether a part of an index is none that is written out."""
    return not (
        isinstance(part, (ast.Slice, ast.List))
        or _is_new(part)
        or _is_rest(part)
        or static.integer(part) is not None
        or isinstance(part, (ast.Constant, ast.UnaryOp))
    )


def _is_new(part: ast.expr) -> bool:
    if isinstance(part, ast.Constant):
        return part.value is None
    return dotted(part) in ("newaxis", "np.newaxis", "jnp.newaxis", "numpy.newaxis")


def _is_rest(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is ...


def _check_count(
    parts: Sequence[ast.expr], shape: Shape, static: Static, node: ast.Subscript
) -> None:
    used = sum(not _is_new(part) and not _is_rest(part) for part in parts)
    if used > len(shape):
        static.builder.source.fail(
            static.builder.source.sign_after(node.value),
            f"expected at most {len(shape)} indices of {what(shape)}, found {used}",
        )
    if sum(map(_is_rest, parts)) > 1:
        static.fail(node.slice, "expected one `...`, found several")


def _read(
    part: ast.expr, parts: Sequence[ast.expr], index: _Index, static: Static
) -> int:
    """Read one item; how many arrays of indices it is."""
    if _is_new(part):
        index.items.append(("new",))
        index.result.append(1)
        return 0
    if _is_rest(part):
        others = sum(not _is_new(other) for other in parts) - 1
        for _ in range(len(index.shape) - others):
            index.take(("slice", None, None, None), index.shape[index.axis])
        return 0
    size = index.shape[index.axis]
    if isinstance(part, ast.Slice):
        _slice(part, size, index, static)
        return 0
    if isinstance(part, ast.List):
        numbers = [_within(inner, size, index.shape, static) for inner in part.elts]
        index.take(("list", *numbers), len(numbers))
        return 1
    index.take(("at", _within(part, size, index.shape, static)))
    return 0


def _within(part: ast.expr, size: int, shape: Shape, static: Static) -> int:
    """An index that there is, counted from 0."""
    number = static.integer(part)
    if number is None:
        static.fail(part, f"expected an integer as index, found {describe(part)}")
    if not -size <= number < size:
        static.fail(
            part,
            f"expected an index from {-size} to {size - 1} in the shape {shown(shape)}, found {number}",
        )
    return number % size


def _slice(part: ast.Slice, size: int, index: _Index, static: Static) -> None:
    ends: list[int | None] = []
    for end in (part.lower, part.upper, part.step):
        number = None if end is None else static.integer(end)
        if end is not None and number is None:
            static.fail(end, f"expected an integer in a slice, found {describe(end)}")
        ends.append(number)
    step = ends[2]
    if step is not None and step < 1:
        assert part.step is not None
        static.fail(
            part.step,
            f"expected steps of 1 or more, as PyTorch takes them, found {step}. Write `flip(x, axis)`.",
        )
    start, stop, _ = slice(*ends).indices(size)
    count = len(range(start, stop, step or 1))
    if not count:
        first = next(end for end in (part.lower, part.upper, part) if end is not None)
        static.fail(first, f"expected some of {size} numbers, found an empty slice")
    index.take(("slice", start, stop, step or 1), count)
