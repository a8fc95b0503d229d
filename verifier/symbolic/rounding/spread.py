"""How far rounding may bring the numbers of one point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from verifier.records import Disc, Enclosure, Entry

Reach = TypeVar("Reach", Enclosure, Disc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbounded:
    """Where a program's numbers may be anything, infinite or NaN included.

    Not counted are values of which an operand is smaller than every number of the
    format.
    """

    values: frozenset[int] = frozenset()
    """The nodes whose values may be anything."""
    derivatives: frozenset[tuple[str, int]] = frozenset()
    """The same of adjoints, or of the tangents by each input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread(Generic[Reach]):
    """Where rounding may bring value, gradient and step adjoints of a point.

    Forward mode has no step adjoints.
    """

    reach: Mapping[Entry, Reach | None]
    """None of an entry that rounding may bring anywhere."""
    unbounded: Unbounded = Unbounded()
