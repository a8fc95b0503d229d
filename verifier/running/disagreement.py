"""Where two routes of PyTorch's give different numbers at the same point, whatever the
truth is there.

Numbers are alike where they are equal, or both NaN: a zero's sign is not compared, for
where nothing flows to an input one route returns 0 and another nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from verifier.fields import Field, field_of
from verifier.floats import Format, Number, ordinal
from verifier.measurements import Measured
from verifier.records import Disagreement, Entry, Result


class Verified(Protocol):
    """A result, and PyTorch's numbers behind it."""

    @property
    def result(self) -> Result: ...
    @property
    def measured(self) -> Measured | None: ...


def between(first: Verified, second: Verified) -> Disagreement | None:
    """The disagreement of two results of one case in one dtype, if there is one."""
    if first.measured is None or second.measured is None:
        return None
    result, where = first.result, first.measured
    field = field_of(result.dtype)
    format_ = field.formats[result.dtype]
    pairs = list(_apart(first.measured, second.measured, field, format_))
    if not pairs:
        return None
    worst = max(pairs, key=lambda pair: pair.distance)
    return Disagreement(
        case=result.case,
        dtype=result.dtype,
        order=result.order,
        routes=(result.route, second.result.route),
        points=len(where.upstream),
        differing=len({pair.place for pair in pairs}),
        max_ulp=int(worst.distance) if math.isfinite(worst.distance) else None,
        quantity=worst.entry.quantity,
        wrt=worst.entry.wrt,
        point={
            name: field.spell_input(column[worst.place], format_)
            for name, column in where.points.items()
        },
        upstream=field.spell_input(where.upstream[worst.place], format_),
        measured=(
            field.spell_input(worst.pair[0], format_),
            field.spell_input(worst.pair[1], format_),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two numbers that are not alike."""

    entry: Entry
    place: int
    pair: tuple[Number, Number]
    distance: float
    """How many numbers of the format they lie apart; infinite where one is NaN."""


def _apart(
    first: Measured, second: Measured, field: Field, format_: Format
) -> Iterator[_Pair]:
    for entry, column in first.numbers.items():
        others = second.numbers[entry]
        for place, (number, other) in enumerate(zip(column, others, strict=True)):
            parts = zip(field.components(number), field.components(other), strict=True)
            distance = max(_distance(a, b, format_) for a, b in parts)
            if distance:
                yield _Pair(
                    entry=entry, place=place, pair=(number, other), distance=distance
                )


def _distance(number: float, other: float, format_: Format) -> float:
    if number == other or (math.isnan(number) and math.isnan(other)):
        return 0
    if math.isnan(number) or math.isnan(other):
        return math.inf
    return abs(ordinal(number, format_) - ordinal(other, format_))
