"""The numbers of one point, each compared with its truth."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.floats import Format, Number, Point
from verifier.judgement.comparison import judge
from verifier.judgement.excuses import CONDITIONING_STEPS
from verifier.judgement.steps import by_what_it_hands_on
from verifier.judgement.vectors import judge_vector
from verifier.measurements import Measurement
from verifier.records import (
    Entry,
    Judgement,
    PointTruth,
    Truth,
    TruthStatus,
    Verdict,
    severity,
)
from verifier.symbolic.truth.excuses import EntryExcuses, PointExcuses
from verifier.verification.bench import Bench


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A judged number; it is spelled out only if it is reported."""

    entry: Entry
    place: int
    """Which of the points of the first run it is of."""
    point: Point
    upstream: Number
    measured: Number
    truth: Truth
    judgement: Judgement
    format: Format

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def differs(self) -> bool:
        return self.verdict.family == "differ"

    @property
    def rank(self) -> tuple[int, float]:
        """How bad it is."""
        return severity(self.verdict), self.judgement.error_ulp or 0.0

    def with_judgement(self, judgement: Judgement) -> Row:
        return replace(self, judgement=judgement)

    def with_note(self, note: str) -> Row:
        """The row with a cause, in words before its own message."""
        own = self.judgement
        message = "; ".join(filter(None, (note, own.message)))
        cause = "; ".join(filter(None, (note, own.cause)))
        return self.with_judgement(replace(own, message=message, cause=cause))


def judge_point(
    bench: Bench,
    measurement: Measurement,
    position: int,
    point: Point,
    *,
    place: int,
    truths: PointTruth | None = None,
    entries: Collection[Entry] | None = None,
) -> list[Row]:
    """The judgements of every number at one point of a measurement, or of some entries,
    each in the dtype in which it came. The point is the one at `place` in the first
    run; its truths may be known already."""
    upstream = measurement.upstream[position]
    truths = truths or bench.truths(point, upstream)
    known: dict[str, PointExcuses] = {}
    rows: list[Row] = []
    for entry in bench.entries(measurement):
        if entries is not None and entry not in entries:
            continue
        format_ = bench.format_of(entry, measurement)
        if format_.name not in known:
            own = truths
            if format_ != bench.format:
                own = bench.truths(point, upstream, format_)
            known[format_.name] = PointExcuses(
                bench.side,
                bench.rounding(format_),
                point,
                upstream,
                own,
                steps=CONDITIONING_STEPS,
                stopwatch=bench.watch,
            )
        excuses = known[format_.name]
        truth = excuses.truths[entry]
        if entry.quantity == "step" and _is_at_edge(truth):
            continue  # the input's gradient is the question; a safe `where` has such steps
        measured = measurement.number(entry, position)
        judgement = _judge(bench, measured, truth, excuses.of(entry), format_, upstream)
        if entry.quantity == "step":
            judgement = _by_what_it_hands_on(
                bench, entry, measured, point, truths, judgement
            )
        elif measurement.is_missing(entry, position):
            judgement = _of_none(judgement, truth.status)
        rows.append(
            Row(
                entry=entry,
                place=place,
                point=point,
                upstream=upstream,
                measured=measured,
                truth=truth,
                judgement=judgement,
                format=format_,
            )
        )
    return _judge_vectors(bench, rows)


def _judge(
    bench: Bench,
    measured: Number,
    truth: Truth,
    excuses: EntryExcuses,
    format_: Format,
    upstream: Number,
) -> Judgement:
    judgement = judge(
        measured,
        truth,
        format_,
        tolerance=bench.tolerance_in(format_),
        excuses=excuses,
        field=bench.field,
        convention=_convention(bench, upstream),
        written=not bench.is_subject,
    )
    # Rounding alone may bring the result anywhere, as that of `exp` at huge numbers;
    # yet some number on the way is finite in an unlimited range, and not in the
    # format's.
    is_nonfinite = judgement.verdict is Verdict.DIFFER_NONFINITE
    if is_nonfinite and excuses.leaves_range():
        why = "an intermediate result overflows or underflows"
        message = f"{judgement.message}: {why}"
        return replace(judgement, verdict=Verdict.DIFFER_RANGE, message=message)
    return judgement


def _is_at_edge(truth: Truth) -> bool:
    return truth.at_edge or truth.status in (
        TruthStatus.KINK,
        TruthStatus.INFINITE,
        TruthStatus.UNDEFINED,
        TruthStatus.LIMIT,
    )


def _convention(bench: Bench, upstream: Number) -> Fraction | str | None:
    """What the case demands at a kink, scaled by the upstream gradient as the
    derivative is; in the plane is no kink."""
    demanded = bench.case.subgradient
    if demanded is None or isinstance(demanded, str):
        return demanded
    if not bench.field.is_ordered or not math.isfinite(upstream):
        return None  # past the dtype's range nothing is demanded
    return (demanded.lower + demanded.upper) / 2 * Fraction(upstream)


def _of_none(judgement: Judgement, status: TruthStatus) -> Judgement:
    """The judgement on a None, which stands as 0: where the derivative is not zero, it
    is missing."""
    if judgement.verdict.family != "differ" or status is TruthStatus.UNDEFINED:
        return judgement
    return replace(
        judgement,
        verdict=Verdict.DIFFER_MISSING,
        message="`None` was returned, where the derivative is not zero",
    )


def _by_what_it_hands_on(
    bench: Bench,
    step: Entry,
    measured: Number,
    point: Point,
    truths: PointTruth,
    judgement: Judgement,
) -> Judgement:
    """The judgement of a named step, by how far its error moves the gradients that are
    asked for."""
    field = bench.field
    true = field.of_truth(truths[step])
    if true is None or not field.is_finite(measured):
        return judgement
    sizes: dict[str, Fraction | None] = {}
    for name in bench.case.wrt:
        gradient = field.of_truth(truths[Entry("gradient", (name,))])
        sizes[name] = None if gradient is None else field.size(gradient)
    return by_what_it_hands_on(
        judgement,
        field.distance(field.of_float(measured), true),
        lambda: bench.side.slopes(step.wrt[0], point, bench.format),
        sizes,
        bench.format,
        bench.tolerance,
    )


def _judge_vectors(bench: Bench, rows: list[Row]) -> list[Row]:
    """The rows with a gradient at a kink judged as a vector: each number may be that of
    a subgradient, and all of them together provably none."""
    kinked = {
        row.entry.wrt[0]: row
        for row in rows
        if row.entry.quantity == "gradient"
        and row.truth.status is TruthStatus.KINK
        and row.verdict is Verdict.MATCH_SUBGRADIENT
        and bench.field.is_finite(row.measured)
    }
    clarke = bench.side.clarke
    if len(kinked) < 2 or bench.case.subgradient not in (None, "any") or clarke is None:
        return rows
    point, upstream = rows[0].point, rows[0].upstream
    names = list(kinked)
    with bench.watch.stage("clarke"):
        pieces = clarke.pieces(point, upstream, names)
        if pieces is None:
            return rows
        judgement = judge_vector(
            [row.measured for row in kinked.values()],
            pieces,
            bench.format,
            bench.tolerance,
            lambda: clarke.rounding(point, upstream, names, bench.format),
        )
    if judgement is None:
        return rows
    vector = {row.entry for row in kinked.values()}
    return [
        row.with_judgement(judgement) if row.entry in vector else row for row in rows
    ]
