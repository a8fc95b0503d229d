"""Arrays of numbers as case files and calls write them: lists of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Where = tuple[int, ...]
"""The index of an entry."""


@dataclass(frozen=True, slots=True)
class Array(Generic[T]):
    """Entries in the order in which they stand, the last index fastest."""

    shape: tuple[int, ...]
    entries: tuple[T, ...]


class RaggedError(Exception):
    """A list among others that has not their shape."""

    def __init__(self, where: Where, message: str) -> None:
        self.where = where
        super().__init__(message)


def shape_of(value: object) -> tuple[int, ...]:
    """The shape of nested lists, going by the first of each."""
    shape = []
    while isinstance(value, (list, tuple)) and value:
        shape.append(len(value))
        value = value[0]
    return tuple(shape)


def entries_of(value: object, shape: tuple[int, ...]) -> Iterator[tuple[object, Where]]:
    """Every entry of nested lists of a shape, with its index. Raises `RaggedError`."""
    yield from _walked(value, shape, ())


def _walked(
    value: object, shape: tuple[int, ...], where: Where
) -> Iterator[tuple[object, Where]]:
    if not shape:
        yield value, where
        return
    if not isinstance(value, (list, tuple)) or len(value) != shape[0]:
        count = len(value) if isinstance(value, (list, tuple)) else None
        found = "a single number" if count is None else f"a list of {count}"
        raise RaggedError(where, f"expected a list of {shape[0]}, found {found}.")
    for index, entry in enumerate(value):
        yield from _walked(entry, shape[1:], (*where, index))


def read_array(value: object, read: Callable[[object, Where], T]) -> Array[T]:
    """The array that nested lists spell. Raises `RaggedError`."""
    shape = shape_of(value)
    entries = tuple(read(entry, where) for entry, where in entries_of(value, shape))
    return Array(shape, entries)
