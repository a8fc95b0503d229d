"""The entries of a point, by short names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from verifier.records import Entry

T = TypeVar("T")


def gradient(name: str) -> Entry:
    return Entry("gradient", (name,))


def step(name: str) -> Entry:
    return Entry("step", (name,))


def hessian(first: str, second: str) -> Entry:
    return Entry("hessian", (first, second))


def of(quantity: str, numbers: Mapping[Entry, T]) -> dict[tuple[str, ...], T]:
    """The numbers of one quantity, by what it is differentiated by."""
    return {e.wrt: number for e, number in numbers.items() if e.quantity == quantity}


def slopes(numbers: Mapping[Entry, T]) -> dict[str, T]:
    """The gradient, by input."""
    return {wrt[0]: number for wrt, number in of("gradient", numbers).items()}
