"""What a case expects of both sides, checked at its given points."""

from __future__ import annotations

from collections.abc import Iterator

from verifier.judgement.expectation import disagreement, sides
from verifier.measurements import Measurement
from verifier.records import VALUE, Entry, PointTruth, Unmet
from verifier.verification.bench import Bench


def broken_at(
    bench: Bench, measurement: Measurement, place: int, truths: PointTruth
) -> Iterator[Unmet]:
    """The expectations that do not hold at a given point."""
    expectation = bench.case.expectation
    if expectation is None:
        return
    expected = {}
    if expectation.value:
        expected["expect.value"] = VALUE, expectation.value[place]
    for name, numbers in expectation.gradient.items():
        entry = Entry("gradient", (name,))
        expected[f"expect.gradient.{name}"] = entry, numbers[place]
    for key, (entry, number) in expected.items():
        both = sides(measurement.number(entry, place), truths[entry], bench.field)
        unmet = disagreement(
            key,
            number,
            both,
            bench.field,
            bench.format,
            bench.tolerance,
            expectation.lines.get(key),
        )
        if unmet is not None:
            yield unmet
