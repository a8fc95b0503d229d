"""Boxes of inputs about a point, cut in halves until each tells something."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from typing import TypeAlias, TypeVar

Interval: TypeAlias = tuple[Fraction, Fraction]
Side = TypeVar("Side", bound=Hashable)

MOST_BOXES = 256
"""Boxes looked at; what they do not decide is left to the point's benefit."""
GROWTH = Fraction(1, 1 << 10)
"""Part of the truth by which it has to grow on the way to an edge to be unbounded
there: a logarithm's tenth does."""


def halves(box: Mapping[Side, Interval], depth: int) -> list[dict[Side, Interval]]:
    """Both halves of a box, its sides cut in turn."""
    side = list(box)[depth % len(box)]
    low, high = box[side]
    middle = (low + high) / 2
    return [{**box, side: (low, middle)}, {**box, side: (middle, high)}]


def centre(box: Mapping[Side, Interval]) -> dict[Side, Fraction]:
    """The point in the middle of a box."""
    return {side: (low + high) / 2 for side, (low, high) in box.items()}
