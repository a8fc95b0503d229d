"""Where else a comparison differs: the exact floats between which a verdict flips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from verifier.fields import REAL
from verifier.floats import Format, Point, from_ordinal, ordinal
from verifier.measurements import Batch
from verifier.traces import Region
from verifier.verification.bench import Bench
from verifier.verification.findings import Findings
from verifier.verification.judging import Row, judge_point

MOST_VERDICTS = 64
"""Verdicts spent on one side of a region: as many as bisection between the farthest
float64 numbers takes."""
MOST_COPIES = 64
"""Copies of a point that stand for the batch in which it was drawn."""
MOST_INPUTS = 3
"""Inputs along which the region of a difference is looked for."""


def region_notes(bench: Bench, findings: Findings, row: Row) -> list[str]:
    """The exact floats between which the verdict of a row flips, along each drawn
    input, in words; nothing where it takes the other points beside it to differ."""
    first = findings.first
    assert first is not None
    drawn = [first.batch.point(place) for place in range(first.given, len(first.batch))]

    def verdict_at(point: Point) -> str:
        return _family_at(bench, findings, row, point)

    if verdict_at(row.point) != "differ":
        return []
    names = [name for name in bench.case.arguments if name in bench.case.domains]
    with bench.watch.stage("regions"):
        along = regions(verdict_at, row.point, drawn, names[:MOST_INPUTS], bench.format)
    alike = [r.point for r in findings.rows if r.entry == row.entry and r.differs]
    held = [_without_refuted(region, alike) for region in along]
    return [
        spell_region(region, bench.format)
        for region in held
        if region.below is not None or region.above is not None
    ]


def _without_refuted(region: Region, differing: Sequence[Point]) -> Region:
    """The region without an end beyond which some point differs too: it matches there
    by chance, or where the other inputs are as they are alone."""
    values = [point[region.input] for point in differing]
    below, above = region.below, region.above
    if below is not None and any(value <= below[1] for value in values):
        below = None
    if above is not None and any(value >= above[1] for value in values):
        above = None
    return replace(region, below=below, above=above)


def _family_at(bench: Bench, findings: Findings, row: Row, point: Point) -> str:
    """The family of the verdict on the same entry at another point.

    In a batch as large as that of the drawn ones: PyTorch's code for many numbers may
    round otherwise than that for a single one.
    """
    in_batch = not bench.is_subject and bench.setting.layout != "single"
    count = min(findings.points, MOST_COPIES) if in_batch else 1
    measurement = bench.run(Batch.of([point] * count, [row.upstream] * count))
    if measurement.failure is not None:
        return "differ"
    rows = judge_point(
        bench, measurement, 0, point, place=row.place, entries={row.entry}
    )
    return rows[0].verdict.family


def boundary(
    verdict_at: Callable[[float], str],
    inside: float,
    outside: float,
    format_: Format,
    *,
    limit: int = MOST_VERDICTS,
) -> tuple[float, float] | None:
    """Two neighbouring floats between which the verdict flips: the first as at
    `inside`, the second not.

    By bisection along the ordinals; of several flips, one is found. None where the verdict at `outside` is that at
    `inside`, or `limit` verdicts are used up before the floats are neighbours.
    """
    here = verdict_at(inside)
    if verdict_at(outside) == here:
        return None
    low, high = ordinal(inside, format_), ordinal(outside, format_)
    for _ in range(limit):
        if abs(high - low) <= 1:
            return from_ordinal(low, format_), from_ordinal(high, format_)
        middle = (low + high) // 2
        if verdict_at(from_ordinal(middle, format_)) == here:
            low = middle
        else:
            high = middle
    if abs(high - low) <= 1:
        return from_ordinal(low, format_), from_ordinal(high, format_)
    return None


def regions(
    verdict_at: Callable[[Point], str],
    worst: Point,
    sampled: Iterable[Point],
    inputs: Sequence[str],
    format_: Format,
    *,
    limit: int = MOST_VERDICTS,
) -> tuple[Region, ...]:
    """Along each input, where the verdict at the `worst` point ends, the other inputs
    staying as they are there.

    On either side the sampled coordinates are tried, the nearest first, until one has
    another verdict; between that and the last one of the same verdict, the flip is
    bisected. At most `limit` verdicts are spent on a side.
    """
    drawn = list(sampled)
    return tuple(
        _region(verdict_at, worst, drawn, name, format_, limit) for name in inputs
    )


_BEYOND = {"match": "matches", "undecided": "is undecided", "differ": "differs"}


def spell_region(region: Region, format_: Format) -> str:
    """The region in words."""
    parts = []
    for word, end in (("from", region.below), ("up to", region.above)):
        if end is not None:
            last, first = (REAL.spell_input(number, format_) for number in end[:2])
            beyond = _BEYOND.get(end[2], end[2])
            parts.append(f"{word} {last} ({first} {beyond})")
    if not parts:
        return f"every {region.input} that was drawn"
    return f"{region.input} {' '.join(parts)}"


def _region(
    verdict_at: Callable[[Point], str],
    worst: Point,
    sampled: Sequence[Point],
    name: str,
    format_: Format,
    limit: int,
) -> Region:
    here = worst[name]
    # Comparisons with NaN are false: such a coordinate is on no side.
    others = {point[name] for point in sampled}
    below = sorted((value for value in others if value < here), reverse=True)
    above = sorted(value for value in others if value > here)

    known: dict[int, str] = {}

    def verdict(value: float) -> str:
        place = ordinal(value, format_)
        if place not in known:
            known[place] = verdict_at({**worst, name: value})
        return known[place]

    def end(others: Sequence[float]) -> tuple[float, float, str] | None:
        flip = _end(verdict, here, others, format_, limit)
        return None if flip is None else (*flip, verdict(flip[1]))

    return Region(
        input=name,
        below=end(below),
        above=end(above),
    )


def _end(
    verdict_at: Callable[[float], str],
    here: float,
    others: Sequence[float],
    format_: Format,
    limit: int,
) -> tuple[float, float] | None:
    """The flip on the side of `others`, which are sorted outwards."""
    known = {here: verdict_at(here)}
    left = limit - 1
    inside = here
    for value in _thinned(others, max(1, left // 4)):
        known[value] = verdict_at(value)
        left -= 1
        if known[value] != known[here]:
            return boundary(
                lambda at: known[at] if at in known else verdict_at(at),
                inside,
                value,
                format_,
                limit=left,
            )
        inside = value
    return None


def _thinned(values: Sequence[float], count: int) -> Iterator[float]:
    """The nearest of the values, then ever farther ones, at most `count`, the farthest
    included."""
    if len(values) <= count:
        yield from values
        return
    near = count // 2
    yield from values[:near]
    rest = len(values) - near
    for step in range(1, count - near + 1):
        yield values[near - 1 + rest * step // (count - near)]
