"""Where the points at fault lie: runs along the line of numbers, with ends that are
exact."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from verifier import floats
from verifier.floats import Format, Point, shortest
from verifier.survey.records import Region

MOST_REGIONS = 4
"""Regions of one kind that are reported: points at fault are parted at the widest gaps
alone."""

IsAtFault = Callable[[Sequence[float]], Sequence[bool]]
"""Whether the number at each of the inputs is at fault."""


def regions(
    kind: str,
    points: Sequence[Point],
    places: Sequence[int],
    format_: Format,
    is_at_fault: IsAtFault | None,
) -> list[Region]:
    """The regions of the `points` at `places`, both in order.

    Of one operand, each end is the last input at fault before one that is not, found by
    bisection, or without `is_at_fault` the last that was surveyed; of several operands,
    there is one region: the least box around all points at fault.
    """
    if not places:
        return []
    names = list(points[0])
    if len(names) > 1:
        box = {
            name: _spelled((min(column), max(column)), format_)
            for name in names
            for column in [[points[place][name] for place in places]]
        }
        return [Region(kind=kind, box=box, points=len(places), surveyed=len(points))]
    runs = _runs(places)
    column = [point[names[0]] for point in points]
    ends = _ends(runs, column, format_, is_at_fault)
    return [
        Region(
            kind=kind,
            box={names[0]: _spelled(end, format_)},
            points=len(run),
            surveyed=run[-1] - run[0] + 1,
        )
        for run, end in zip(runs, ends, strict=True)
    ]


def _spelled(ends: tuple[float, float], format_: Format) -> tuple[str, str]:
    return shortest(ends[0], format_), shortest(ends[1], format_)


def _runs(places: Sequence[int]) -> list[list[int]]:
    """The places in order, parted at the widest gaps."""
    gaps = sorted(
        (after - before, cut)
        for cut, (before, after) in enumerate(itertools.pairwise(places), start=1)
        if after - before > 1
    )
    cuts = sorted(cut for _, cut in gaps[-(MOST_REGIONS - 1) :])
    bounds = [0, *cuts, len(places)]
    return [list(places[a:b]) for a, b in itertools.pairwise(bounds)]


def _ends(
    runs: Sequence[Sequence[int]],
    column: Sequence[float],
    format_: Format,
    is_at_fault: IsAtFault | None,
) -> list[tuple[float, float]]:
    """The first and the last input at fault of each run, moved outwards up to where the
    fault ends."""
    if is_at_fault is None:
        return [(column[run[0]], column[run[-1]]) for run in runs]
    pairs = []
    for run in runs:
        for place, step in ((run[0], -1), (run[-1], 1)):
            beside = place + step
            fault = column[place]
            good = column[beside] if 0 <= beside < len(column) else fault
            pairs.append((fault, good))
    ends = _bisected(pairs, format_, is_at_fault)
    return list(zip(ends[::2], ends[1::2], strict=True))


def _bisected(
    pairs: Sequence[tuple[float, float]], format_: Format, is_at_fault: IsAtFault
) -> list[float]:
    """For each pair of an input at fault and one that is not: an input at fault right
    beside one that is not."""
    places = [[floats.ordinal(x, format_) for x in pair] for pair in pairs]
    moved = [False] * len(pairs)
    while True:
        open_ = [k for k, (bad, good) in enumerate(places) if abs(bad - good) > 1]
        if not open_:
            break
        middles = [sum(places[k]) // 2 for k in open_]
        flags = is_at_fault([floats.from_ordinal(m, format_) for m in middles])
        for k, middle, flag in zip(open_, middles, flags, strict=True):
            places[k][0 if flag else 1] = middle
            moved[k] |= flag
    return [
        floats.from_ordinal(bad, format_) if far else fault
        for (bad, _), (fault, _), far in zip(places, pairs, moved, strict=True)
    ]
