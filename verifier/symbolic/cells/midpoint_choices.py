"""What chooses between midpoints with radii: the larger of two, comparisons, and
whether something may be at its turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verifier.symbolic.arithmetic.doubles import INFLATION
from verifier.symbolic.cells.columns import Mask
from verifier.symbolic.cells.midpoint_columns import UNIT, Column


def positive_part(x: Column) -> Column:
    """The part above zero."""
    return larger(x, Column(np.zeros(1), np.zeros(1)))


def larger(x: Column, y: Column) -> Column:
    """The larger of two differs by no more than the operands do."""
    rad = np.maximum(x.rad, y.rad)
    with np.errstate(all="ignore"):
        # Far from a tie the radius is that of the larger one.
        first = x.mid - x.rad > (y.mid + y.rad) + UNIT * np.abs(y.mid) * 4
        second = y.mid - y.rad > (x.mid + x.rad) + UNIT * np.abs(x.mid) * 4
    rad = np.where(first, x.rad, np.where(second, y.rad, rad))
    return Column(np.maximum(x.mid, y.mid), rad)


def magnitude(x: Column) -> Column:
    """The magnitudes."""
    return Column(np.abs(x.mid), x.rad + np.zeros(x.shape))


def compare(x: Column, y: Column) -> tuple[Mask, Mask]:
    """Where x < y and where x > y, proved."""
    with np.errstate(all="ignore"):
        gap = np.abs(x.mid - y.mid)
        both = (x.rad + y.rad) * INFLATION
        apart = gap / INFLATION > both
        same_infinity = np.isinf(x.mid) & (x.mid == y.mid)
    return (x.mid < y.mid) & apart & ~same_infinity, (
        x.mid > y.mid
    ) & apart & ~same_infinity


def overlapping(x: Column, y: Column) -> Mask:
    """Where two may be equal; equal infinities are far from any turn."""
    less, greater = compare(x, y)
    return ~(less | greater) & np.isfinite(x.mid) & np.isfinite(y.mid)


def above(x: Column, y: Column) -> Column:
    """1 where the first is larger, 0 where it is less, and all between where that is
    open."""
    less, greater = compare(x, y)
    # At a tie the balls' own `above` says 0; whoever asks there asks for the hull.
    tie = (x.mid == y.mid) & (x.rad == 0) & (y.rad == 0)
    decided = less | greater | tie
    mid = np.where(decided, greater.astype(np.float64), 0.5)
    return Column(mid, np.where(decided, 0.0, 0.5))


def sign(x: Column) -> Column:
    """The signs."""
    with np.errstate(all="ignore"):
        decided = (np.abs(x.mid) > x.rad) | ((x.mid == 0) & (x.rad == 0))
    return Column(np.where(decided, np.sign(x.mid), 0.0), np.where(decided, 0.0, 1.0))


Truth = tuple[Mask, Mask]
"""Where a condition is proved, and where its contrary is."""


def relation(name: str) -> Callable[[Column, Column], Truth]:
    """A comparison."""

    def related(x: Column, y: Column) -> Truth:
        less, greater = compare(x, y)
        tie = (x.mid == y.mid) & (x.rad == 0) & (y.rad == 0)
        return {
            "lt": (less, greater | tie),
            "le": (less | tie, greater),
            "gt": (greater, less | tie),
            "ge": (greater | tie, less),
            "eq": (tie, less | greater),
            "ne": (less | greater, tie),
        }[name]

    return related


CONDITIONS: dict[str, Callable[..., Truth]] = {
    **{name: relation(name) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    "logical_and": lambda x, y: (x[0] & y[0], x[1] | y[1]),
    "logical_or": lambda x, y: (x[0] | y[0], x[1] & y[1]),
    "logical_not": lambda x: (x[1], x[0]),
}
"""What makes conditions, by name."""


def smaller(x: Column, y: Column) -> Column:
    """The smaller of two."""
    found = larger(Column(-x.mid, x.rad), Column(-y.mid, y.rad))
    return Column(-found.mid, found.rad)


def where(condition: Truth, x: Column, y: Column) -> Column:
    """The branch that is taken; nothing is said where that is undecided."""
    yes, no = condition
    mid = np.where(yes, x.mid, np.where(no, y.mid, np.nan))
    return Column(mid, np.where(yes, x.rad, np.where(no, y.rad, np.inf)))


def _contains_integer(x: Column) -> Mask:
    with np.errstate(all="ignore"):
        return np.abs(x.mid - np.rint(x.mid)) <= x.rad * INFLATION + UNIT * np.abs(
            x.mid
        )


def _vanishes(x: Column) -> Mask:
    return np.abs(x.mid) <= x.rad


TIES: dict[str, Callable[..., Mask]] = {
    **dict.fromkeys(("abs", "sign", "relu"), _vanishes),
    **dict.fromkeys(("floor", "ceil"), _contains_integer),
    **dict.fromkeys(("max", "min", "lt", "le", "gt", "ge", "eq", "ne"), overlapping),
    "clamp": lambda x, low, high: overlapping(x, low) | overlapping(x, high),
    "hypot": lambda x, y: _vanishes(x) & _vanishes(y),
    "atan2": lambda y, x: _vanishes(y) & (x.mid - x.rad <= 0),
}
"""Where an operation that may turn may be at a turn."""
