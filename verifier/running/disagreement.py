"""Where two routes of PyTorch's give different numbers at the same point, whatever the truth is there.

Numbers are alike where they are equal, or both NaN: a zero's sign is not compared, for where nothing flows to an input
one route returns 0 and another nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from verifier.floats import FORMATS, Format, ordinal, shortest
from verifier.records import Disagreement, Measured, Result

Quantity = tuple[str, tuple[str, ...]]


class Ledger:
    """Takes results one after the other and finds the disagreements among the routes of each case and dtype.

    The numbers of one case in one dtype are held at a time: results that are to be compared come together.
    """

    def __init__(self) -> None:
        self.found: list[Disagreement] = []
        self._first: Result | None = None

    def add(self, result: Result) -> Result:
        """The result without the numbers that were only for this."""
        first = self._first
        if first is None or _place(first) != _place(result):
            self._first = result if result.measured is not None else None
        elif (found := between(first, result)) is not None:
            self.found.append(found)
        return replace(result, measured=None)


def _place(result: Result) -> tuple[str, str, int]:
    return result.case, result.dtype, result.order


def between(first: Result, second: Result) -> Disagreement | None:
    """The disagreement of two results of one case in one dtype, if there is one."""
    if first.measured is None or second.measured is None:
        return None
    format_ = FORMATS[first.dtype]
    differing: set[int] = set()
    worst: _Pair | None = None
    for one in _apart(first.measured, second.measured, format_):
        differing.add(one.index)
        if worst is None or one.distance > worst.distance:
            worst = one
    if worst is None:
        return None
    where = first.measured
    return Disagreement(
        case=first.case,
        dtype=first.dtype,
        order=first.order,
        routes=(first.route, second.route),
        points=len(where.upstream),
        differing=len(differing),
        max_ulp=int(worst.distance) if math.isfinite(worst.distance) else None,
        quantity=worst.quantity[0],
        wrt=worst.quantity[1],
        point={
            name: _spell(column[worst.index], format_)
            for name, column in where.points.items()
        },
        upstream=_spell(where.upstream[worst.index], format_),
        measured=(_spell(worst.pair[0], format_), _spell(worst.pair[1], format_)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two numbers that are not alike."""

    quantity: Quantity
    index: int
    pair: tuple[float, float]
    distance: float
    """How many numbers of the format they lie apart; infinite where one is NaN."""


def _apart(first: Measured, second: Measured, format_: Format) -> Iterator[_Pair]:
    for quantity, column in first.numbers.items():
        other = second.numbers[quantity]
        for index, pair in enumerate(zip(column, other, strict=True)):
            if not _is_alike(*pair):
                yield _Pair(
                    quantity=quantity,
                    index=index,
                    pair=pair,
                    distance=_distance(*pair, format_),
                )


def _is_alike(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _distance(one: float, other: float, format_: Format) -> float:
    if math.isnan(one) or math.isnan(other):
        return math.inf
    return abs(ordinal(one, format_) - ordinal(other, format_))


def _spell(value: float, format_: Format) -> str:
    return shortest(value, format_).removesuffix(".0")
