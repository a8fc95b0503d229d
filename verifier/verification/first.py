"""The first run of a case: its points measured at once, and every number judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from verifier.fields import REAL
from verifier.floats import Point
from verifier.language.points.upstream import gradients
from verifier.measurements import Batch, Measurement
from verifier.records import Entry, Epoch, PointTruth, Unmet
from verifier.symbolic.truth.deciding import may_vanish
from verifier.verification.bench import Bench
from verifier.verification.expectations import broken_at
from verifier.verification.findings import Failure, Findings, FirstRun
from verifier.verification.judging import Row, judge_point
from verifier.verification.sampling import Sample
from verifier.verification.settled import Settled, settle

ATTESTED_EVERY = 16
"""The witness is consulted on every point that differs, and on one in so many of the
others."""

OnPoint = Callable[[int, int], None]
"""Hears how many points of how many are judged."""


@dataclass(slots=True)
class Progress:
    """What is judged so far; an interrupt leaves it as it is."""

    sample: Sample = field(default_factory=Sample)
    points: int = 0
    rows: list[Row] = field(default_factory=list)
    settled: Settled | None = None
    first: FirstRun | None = None
    derivations: int | None = None
    broken: list[Unmet] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    failure: Failure | None = None

    def findings(self, *, interrupted: bool = False) -> Findings:
        sample = self.sample.first(self.points) if interrupted else self.sample
        derivations = self.derivations
        if self.settled is not None and self.settled.tallies(self.points):
            derivations = 1  # settled together, of which some were checked
        return Findings(
            sample=sample,
            points=self.points,
            rows=tuple(self.rows),
            settled=self.settled,
            first=self.first,
            derivations=derivations,
            broken=tuple(self.broken),
            epochs=tuple(self.epochs),
            failure=self.failure,
            interrupted=interrupted,
        )

    def spoke(self, derivations: int | None) -> None:
        """Note how many derivations spoke for the derivatives of a point."""
        known = [n for n in (self.derivations, derivations) if n is not None]
        self.derivations = min(known, default=None)


def failure_of(measurement: Measurement) -> Failure:
    assert measurement.failure is not None
    return Failure(
        message=measurement.failure,
        verdict=measurement.failure_verdict,
        traceback=measurement.traceback,
    )


def judge_sample(
    bench: Bench,
    sample: Sample,
    seed: int,
    progress: Progress,
    on_point: OnPoint | None,
) -> None:
    """Judge every given and drawn point."""
    progress.sample = sample
    batch = _batch(bench, sample, seed)
    measurement = bench.run(batch)
    if measurement.failure is not None:
        progress.failure = failure_of(measurement)
        return
    # The upstream gradients as PyTorch was given them.
    batch = Batch(inputs=batch.inputs, upstream=measurement.upstream)
    given = len(sample.given)
    progress.first = FirstRun(batch=batch, given=given, measurement=measurement)
    settled = progress.settled = settle(bench, batch, measurement, given)
    for place in range(len(batch)):
        if settled is None or place not in settled.places:
            known = None if settled is None else settled.at(place)
            rows, truths, spoke = judged_with_witness(
                bench, measurement, place, batch.point(place), place=place, known=known
            )
            progress.rows += rows
            progress.spoke(spoke)
            if place < given:
                progress.broken += broken_at(bench, measurement, place, truths)
        progress.points = place + 1
        if on_point is not None:
            on_point(progress.points, len(batch))


def _batch(bench: Bench, sample: Sample, seed: int) -> Batch:
    points, case = sample.points, bench.case
    upstream = gradients(
        case.upstream,
        given=len(sample.given),
        drawn=len(points) - len(sample.given),
        format_=bench.format,
        seed=seed if case.seed is None else case.seed,
        name=case.name,
        is_complex=bench.field is not REAL,
    )
    return Batch.of(points, upstream)


def judged_with_witness(
    bench: Bench,
    measurement: Measurement,
    position: int,
    point: Point,
    *,
    place: int,
    known: PointTruth | None = None,
) -> tuple[list[Row], PointTruth, int | None]:
    """The rows of a point, its truths, which may be known already, and how many
    derivations spoke for each of its derivatives. The witness is consulted where it
    matters."""
    upstream = measurement.upstream[position]
    truths = known
    if truths is None or _may_vanish(bench, truths):
        truths = bench.truths(point, upstream)

    def judge(truths: PointTruth) -> list[Row]:
        return judge_point(
            bench, measurement, position, point, place=place, truths=truths
        )

    rows = judge(truths)
    if any(row.differs for row in rows) or position % ATTESTED_EVERY == 0:
        attested = bench.attested(point, upstream, truths)
        is_other = _gradient(attested) != _gradient(truths)
        truths = attested
        if is_other:
            rows = judge(truths)
    spoke = [
        truths[row.entry].derivations for row in rows if row.entry.quantity != "value"
    ]
    return rows, truths, min(spoke, default=None)


def _may_vanish(bench: Bench, truths: PointTruth) -> bool:
    """Whether a truth that was found together with others may be 0 for all that is
    known."""
    return any(
        truth.enclosure is not None and may_vanish(bench.field.parts(truth.enclosure))
        for truth in truths.values()
        if bench.field.of_truth(truth) is not None
    )


def _gradient(truths: PointTruth) -> dict[Entry, object]:
    return {e: truth for e, truth in truths.items() if e.quantity == "gradient"}
