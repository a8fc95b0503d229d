"""Points at which PyTorch's numbers are the truths correctly rounded, found together:
they are counted, and no row is made of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from verifier.measurements import Batch, Measurement
from verifier.records import VALUE, Entry, PointTruth, Tally, Verdict
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.truth.many_points import BatchTruths, RoundedTruth
from verifier.verification.bench import Bench

TOGETHER_FROM = 2_000
"""Points from which on their truths are found together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The truths at all points of a run, and at which of them nothing is left to
    judge."""

    truths: BatchTruths
    places: frozenset[int] = frozenset()
    largest: Mapping[Entry, float]
    """By entry, the largest error among those points, in ulps."""

    def at(self, place: int) -> PointTruth:
        """All that is true at a point."""
        return self.truths.at(place)

    def columns(self) -> Mapping[Entry, Sequence[RoundedTruth]]:
        """The truths at all points, by entry."""
        return self.truths.columns

    def tallies(self, before: int) -> list[Tally]:
        """The tallies of the settled ones of the first `before` points."""
        points = sum(place < before for place in self.places)
        counts = {Verdict.MATCH_EXACT.value: points}
        return [
            Tally(
                quantity=entry.quantity,
                wrt=entry.wrt,
                counts=counts,
                max_error_ulp=error,
            )
            for entry, error in self.largest.items()
            if points
        ]


def settle(
    bench: Bench, batch: Batch, measurement: Measurement, given: int
) -> Settled | None:
    """What settles most of many points at once, but for the given ones; None where
    every point is judged by itself."""
    truths = _truths(bench, batch, measurement)
    if truths is None:
        return None
    pairs = [
        (entry, column, measurement.columns[entry].numbers)
        for entry, column in truths.columns.items()
    ]
    places = []
    largest = {entry: 0.0 for entry, _, _ in pairs}
    for place in range(given, len(batch)):
        errors = {}
        for entry, column, numbers in pairs:
            known = column[place]
            if not isinstance(known, Rounded) or numbers[place] != known.nearest:
                break
            errors[entry] = abs(known.rest)
        else:
            places.append(place)
            for entry, error in errors.items():
                largest[entry] = max(largest[entry], error)
    return Settled(truths=truths, places=frozenset(places), largest=largest)


def _truths(bench: Bench, batch: Batch, measurement: Measurement) -> BatchTruths | None:
    """The truths at all points of a plain run of many: one upstream gradient, no
    steps."""
    if len(batch) < TOGETHER_FROM:
        return None
    if bench.setting.report_all or len(set(batch.upstream)) > 1:
        return None
    columns = measurement.columns
    if any(column.missing for column in columns.values()):
        return None
    formats = {entry: bench.format_of(entry, measurement) for entry in columns}
    if any(
        format_ != bench.format
        for entry, format_ in formats.items()
        if entry.quantity != "value"
    ):
        return None
    with bench.watch.stage("truth"):
        points, upstream = list(batch.points()), batch.upstream[0]
        truths = bench.side.many(points, upstream, bench.format)
        value_format = formats[VALUE]
        if truths is not None and value_format != bench.format:
            wide = bench.side.many(points, upstream, value_format)
            assert wide is not None
            known = {**truths.columns, VALUE: wide.columns[VALUE]}
            truths = replace(truths, columns=known)
    return truths
