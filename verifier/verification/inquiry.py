"""Why a comparison differs, and where else it does: both wings are asked at one point, and the judgement concludes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from verifier.automatic.tracing import trace
from verifier.floats import FORMATS, Format, from_ordinal, ordinal, shortest
from verifier.judgement.diagnosis import diagnose
from verifier.language.kernels.compositions import expand
from verifier.language.programs.program import Program
from verifier.records import Comparison
from verifier.symbolic.truth.local import examine
from verifier.traces import Cause, Diagnosis, Event, Region, Trace

LARGEST_PROGRAM = 2_000
"""Nodes past which a walk over the program costs more than its answer tells."""
MOST_VERDICTS = 64
"""Verdicts spent on one side of a region: as many as bisection between the farthest float64 numbers takes."""
MOST_INQUIRIES = 3
"""Comparisons of one result that are asked about: those that follow mostly have the same cause."""

Point = Mapping[str, float]


def investigate(
    program: Program,
    point: Point,
    upstream: float,
    *,
    dtype: str,
    wrt: str | None,
    batch: int = 1,
    device: str = "cpu",
) -> Diagnosis:
    """Where and why PyTorch's value (`wrt` None), or its gradient by an input or named step, differs at a point.

    `batch` is how many points PyTorch was given at once, which may decide between its kernels.
    """
    if len(program.nodes) > LARGEST_PROGRAM:
        return Diagnosis(
            cause=Cause.NONE,
            message=f"a program of more than {LARGEST_PROGRAM} operations is not walked",
        )
    found, events = gather(
        program, point, upstream, dtype=dtype, batch=batch, device=device
    )
    return conclude(program, found, events, dtype=dtype, wrt=wrt)


def gather(
    program: Program,
    point: Point,
    upstream: float,
    *,
    dtype: str,
    batch: int = 1,
    device: str = "cpu",
) -> tuple[Trace, tuple[Event, ...]]:
    """What PyTorch has at every node, and each number beside its truth; no events where PyTorch raised."""
    found = trace(program, point, upstream, dtype=dtype, batch=batch, device=device)
    if found.failure is not None:
        return found, ()
    return found, examine(program, found, point, upstream, FORMATS[dtype])


def conclude(
    program: Program,
    found: Trace,
    events: Sequence[Event],
    *,
    dtype: str,
    wrt: str | None,
) -> Diagnosis:
    """The diagnosis of one quantity from what `gather` found."""
    if found.failure is not None:
        return Diagnosis(cause=Cause.FAILURE, message=found.failure)
    return diagnose(expand(program), events, FORMATS[dtype], wrt=wrt)


def attach(comparison: Comparison, diagnosis: Diagnosis) -> Comparison:
    """The comparison with its culprit, and the cause in front of what the judgement says."""
    if diagnosis.cause is Cause.NONE:
        return comparison
    told = (diagnosis.message, comparison.message)
    return replace(
        comparison,
        culprit=diagnosis.culprit,
        message="; ".join(part for part in told if part),
    )


# ── regions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def boundary(
    verdict_at: Callable[[float], str],
    inside: float,
    outside: float,
    format_: Format,
    *,
    limit: int = MOST_VERDICTS,
) -> tuple[float, float] | None:
    """Two neighbouring floats between which the verdict flips: the first as at `inside`, the second not.

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
    """Along each input, where the verdict at the `worst` point ends, the other inputs staying as they are there.

    On either side the sampled coordinates are tried, the nearest first, until one has another verdict; between
    that and the last one of the same verdict, the flip is bisected. At most `limit` verdicts are spent on a side.
    """
    drawn = list(sampled)
    return tuple(
        _region(verdict_at, worst, drawn, name, format_, limit) for name in inputs
    )


_BEYOND = {"match": "matches", "undecided": "is undecided", "differ": "differs"}


def spell_region(region: Region, format_: Format) -> str:
    """The region in words."""
    parts = [
        f"{word} {_spell(end[0], format_)} ({_spell(end[1], format_)} {_BEYOND.get(end[2], end[2])})"
        for word, end in (("from", region.below), ("up to", region.above))
        if end is not None
    ]
    if not parts:
        return f"{region.input}: it differs as far as points were drawn"
    return f"{region.input}: it differs {' '.join(parts)}"


def _spell(value: float, format_: Format) -> str:
    return shortest(value, format_).removesuffix(".0")


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
        found = _end(verdict, here, others, format_, limit)
        return None if found is None else (*found, verdict(found[1]))

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
    """The nearest of the values, then ever farther ones, at most `count`, the farthest included."""
    if len(values) <= count:
        yield from values
        return
    near = count // 2
    yield from values[:near]
    rest = len(values) - near
    for step in range(1, count - near + 1):
        yield values[near - 1 + rest * step // (count - near)]
