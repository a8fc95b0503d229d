"""The arithmetic of shapes. What does not fit raises `ShapeError`, whose message says
what was expected and found; who calls it knows the place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from verifier.language.programs.arrays.program import Shape

LARGEST_ARRAY = 10**7
"""Numbers in one array."""


class ShapeError(Exception):
    """Shapes that do not fit an operation."""


def shown(shape: Shape) -> str:
    """A shape as messages write it."""
    return "[" + ", ".join(map(str, shape)) + "]"


def what(shape: Shape) -> str:
    """What has that shape, in words."""
    kinds = {0: "a single number", 1: "a vector", 2: "a matrix"}
    kind = kinds.get(len(shape), f"an array of {len(shape)} axes")
    return f"{kind} of shape {shown(shape)}" if shape else kind


def broadcast(*shapes: Shape) -> Shape:
    """The shape of an elementwise operation."""
    result: list[int] = []
    turned = [tuple(reversed(shape)) for shape in shapes]
    for place, sizes in enumerate(zip_longest(*turned, fillvalue=1), 1):
        others = sorted({size for size in sizes if size != 1})
        if len(others) > 1:
            found = " and ".join(shown(shape) for shape in shapes if shape)
            last = "the last sizes" if place == 1 else f"the sizes of axis -{place}"
            unequal = [str(size) for size in sizes if size != 1]
            raise ShapeError(
                f"expected shapes that fit together, found {found}: "
                f"{last} are {' and '.join(dict.fromkeys(unequal))}"
            )
        result.append(others[0] if others else 1)
    return tuple(reversed(result))


def axis(number: int, ndim: int, shape: Shape) -> int:
    """An axis counted from 0."""
    if not -ndim <= number < ndim:
        if not ndim:
            raise ShapeError(
                f"expected an array with axes, found {what(shape)} and the axis {number}"
            )
        raise ShapeError(
            f"expected an axis from {-ndim} to {ndim - 1} of {what(shape)}, found {number}"
        )
    return number % ndim


def axes(numbers: Sequence[int], shape: Shape) -> tuple[int, ...]:
    """Axes counted from 0, each given once."""
    found = tuple(axis(number, len(shape), shape) for number in numbers)
    if len(set(found)) < len(found):
        raise ShapeError(f"expected each axis once, found {list(numbers)}")
    return found


def reduced(shape: Shape, dims: Sequence[int], *, keepdim: bool) -> Shape:
    """What is left after a reduction over axes."""
    if keepdim:
        return tuple(1 if at in dims else size for at, size in enumerate(shape))
    return tuple(size for at, size in enumerate(shape) if at not in dims)


def matmul(left: Shape, right: Shape) -> Shape:
    """The shape of a product of matrices, or stacks of them, or vectors."""
    if not left or not right:
        raise ShapeError(
            f"expected arrays, found {what(left)} and {what(right)}. Write a product of numbers as `*`."
        )
    inner, other = left[-1], right[-2] if len(right) > 1 else right[0]
    if inner != other:
        raise ShapeError(
            f"expected equal inner sizes, found shapes {shown(left)} and {shown(right)}: "
            f"the inner sizes are {inner} and {other}"
        )
    try:
        batch = broadcast(left[:-2], right[:-2])
    except ShapeError:
        raise ShapeError(
            f"expected stacks of matrices that fit together, found shapes {shown(left)} and {shown(right)}"
        ) from None
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    return (*batch, *rows, *columns)


def square(shape: Shape) -> int:
    """The size of a square matrix, or of those in a stack."""
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"expected a square matrix, found {what(shape)}")
    return shape[-1]


def reshaped(shape: Shape, wanted: Sequence[int]) -> Shape:
    """The wanted shape, with -1 for the size that follows from the others."""
    count, unknown = math.prod(shape), [size for size in wanted if size < 0]
    known = math.prod(size for size in wanted if size >= 0)
    fits = not unknown and known == count
    if unknown == [-1] and known and count % known == 0:
        return tuple(count // known if size < 0 else size for size in wanted)
    if not fits:
        raise ShapeError(
            f"expected a shape of {count} numbers, as {shown(shape)} has, found {shown(tuple(wanted))}"
        )
    return tuple(wanted)


def expanded(shape: Shape, wanted: Sequence[int]) -> Shape:
    """The wanted shape, with -1 for a size that stays; the shape must fit into it."""
    offset = len(wanted) - len(shape)
    full = tuple(
        shape[at - offset] if size == -1 and at >= offset else size
        for at, size in enumerate(wanted)
    )
    old = (1,) * offset + shape
    if offset < 0 or any(
        was not in (1, size) or size < 1 for was, size in zip(old, full, strict=True)
    ):
        raise ShapeError(
            f"expected a shape into which {shown(shape)} can be repeated, found {shown(tuple(wanted))}"
        )
    return full


def concatenated(shapes: Sequence[Shape], at: int) -> Shape:
    """The shape of arrays one after the other along an axis."""
    first = shapes[0]
    for shape in shapes:
        rest = [s[:at] + s[at + 1 :] for s in (first, shape)]
        if len(shape) != len(first) or rest[0] != rest[1]:
            raise ShapeError(
                f"expected shapes that are equal but for axis {at}, found {shown(first)} and {shown(shape)}"
            )
    return (*first[:at], sum(shape[at] for shape in shapes), *first[at + 1 :])


def check_size(shape: Shape) -> None:
    """Refuse what no machine should be given."""
    if math.prod(shape) > LARGEST_ARRAY:
        raise ShapeError(
            f"expected at most {LARGEST_ARRAY} numbers in an array, found the shape {shown(shape)}"
        )
    if 0 in shape:
        raise ShapeError(
            f"expected numbers, found an empty array of shape {shown(shape)}"
        )


def einsum(equation: str, shapes: Sequence[Shape]) -> tuple[str, Shape]:
    """The equation with its result written out, and the shape of that."""
    text = equation.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    letters = [character for term in terms for character in term]
    if not all(c.isascii() and c.isalpha() for c in (*letters, *output)):
        raise ShapeError(
            f'expected letters, commas and one `->`, as in "ij,jk->ik", found "{equation}"'
        )
    if len(terms) != len(shapes):
        raise ShapeError(f'"{equation}" is of {len(terms)} arrays, found {len(shapes)}')
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        if len(term) != len(shape):
            raise ShapeError(
                f'expected an array of {len(term)} axes for "{term}", found {what(shape)}'
            )
        for letter, size in zip(term, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise ShapeError(
                    f"expected one size of `{letter}`, found {sizes[letter]} and {size}"
                )
    if not arrow:
        output = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    for letter in output:
        if letter not in sizes or output.count(letter) > 1:
            raise ShapeError(
                f"expected letters of the arrays after `->`, each once, found `{output}`"
            )
    return f"{inputs}->{output}", tuple(sizes[letter] for letter in output)
