"""Further runs of a case at the points of its first one, and what they show that it
does not: numbers are looked at where they are not what the first run lets expect, and
there they are judged like any other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from verifier.automatic.faults import first_line, traceback_of
from verifier.automatic.subjects import SubjectError
from verifier.floats import is_same
from verifier.judgement import linearity
from verifier.measurements import Batch, Measurement
from verifier.records import Entry, Verdict
from verifier.verification.bench import Bench
from verifier.verification.findings import Failure, Findings, FirstRun
from verifier.verification.judging import Row, judge_point
from verifier.verification.origins import Placed, explained, with_digits
from verifier.verification.trials import APART, Trial, trials

MOST_JUDGED = 64
"""Unexpected numbers of an entry in one run that are judged: those farthest from what
was expected."""
UNSTEADY = "another run, or a second backward, gives other bits"
MEND = "If it takes single numbers alone, say so with `elementwise = false`."

Verdicts = Mapping[tuple[int, Entry], Verdict]
"""Those of the first run, by point and entry; one that is not among them matches."""


@dataclass(slots=True)
class _Outcome:
    """What the runs show."""

    rows: list[Row] = field(default_factory=list)
    unsteady: dict[Entry, tuple[int, str]] = field(default_factory=dict)
    """The entries of which another run on the same numbers gives other bits: at which
    point first, and how."""
    changed: tuple[int, str] | None = None
    """The point at which something given was changed in place, and what."""
    failure: Failure | None = None


def try_further(bench: Bench, findings: Findings) -> Findings:
    """The findings with what further runs show."""
    first = findings.first
    assert first is not None
    rows = list(findings.rows)
    if bench.is_subject:
        rows = with_digits(bench, rows)
    verdicts = {(row.place, row.entry): row.verdict for row in rows}
    outcome = _carried_out(bench, first, verdicts)
    rows += outcome.rows
    rows = [_unsteady(row) if row.entry in outcome.unsteady else row for row in rows]
    for entry, (place, message) in outcome.unsteady.items():
        verdict = Verdict.DIFFER_NONDETERMINISTIC
        rows += _reported(bench, first, entry, place, verdict, message)
    changed = first.measurement.changed or outcome.changed
    if changed is not None:
        entry = _first_derivative(first.measurement)
        place, message = changed
        verdict = Verdict.DIFFER_MUTATED
        rows += _reported(bench, first, entry, place, verdict, message)
    failure = outcome.failure
    if any(row.differs for row in rows):
        failure = None  # what differs is reported, whatever could not be run
    return replace(
        findings,
        rows=tuple(rows),
        notes=(*findings.notes, *first.measurement.returned),
        failure=failure,
    )


def _first_derivative(measurement: Measurement) -> Entry:
    return next(e for e in measurement.outputs() if e.quantity != "value")


def _reported(
    bench: Bench,
    first: FirstRun,
    entry: Entry,
    place: int,
    verdict: Verdict,
    message: str,
) -> Iterator[Row]:
    """What several runs show together, beside the number of the first one."""
    point = first.batch.point(place)
    for row in judge_point(
        bench, first.measurement, place, point, place=place, entries={entry}
    ):
        judgement = replace(row.judgement, verdict=verdict, message=message)
        yield row.with_judgement(judgement)


def _unsteady(row: Row) -> Row:
    """A difference of a number that no two runs agree about."""
    if not row.differs:
        return row
    verdict = Verdict.DIFFER_NONDETERMINISTIC
    return row.with_judgement(replace(row.judgement, verdict=verdict, message=UNSTEADY))


def _carried_out(bench: Bench, first: FirstRun, verdicts: Verdicts) -> _Outcome:
    """What the trials show: every kind of difference that is new at its point."""
    outcome = _Outcome()
    seen: set[tuple[Entry, Verdict]] = set()
    for trial in trials(bench, first):
        batch = trial.batch(first.batch)
        measurement = _run(bench, batch, trial)
        if measurement.failure is not None:
            if trial.shape and len(first.batch) == 1:
                return outcome  # of a single point there is no batch, nor need there be
            outcome.failure = _failure(trial, measurement)
            return outcome
        _note_state(bench, outcome, batch, trial, measurement)
        rows = _news(bench, first, verdicts, trial, batch, measurement)
        if bench.is_subject:
            rows = explained(bench, first, trial, batch, rows)
        new = [row for row in _once(rows) if (row.entry, row.verdict) not in seen]
        seen |= {(row.entry, row.verdict) for row in new}
        outcome.rows += new
    return outcome


def _once(rows: Placed) -> list[Row]:
    """The rows, copies of a point apart."""
    different = {
        (row.place, row.entry, row.verdict, row.upstream): row for _, row in rows
    }
    return list(different.values())


def _run(bench: Bench, batch: Batch, trial: Trial) -> Measurement:
    """The measurement; what other code than PyTorch raises is a failure too, for the
    first run went well."""
    try:
        return bench.run_otherwise(batch, layout=trial.layout, twice=trial.again)
    except Exception as error:
        own = error.message if isinstance(error, SubjectError) else first_line(error)
        return Measurement(
            failure=own,
            failure_verdict=Verdict.ERROR_RUN,
            traceback=traceback_of(error),
        )


def _failure(trial: Trial, measurement: Measurement) -> Failure:
    verdict, what = measurement.failure_verdict, measurement.failure
    if trial.layout == APART:
        message = f"where one input alone needs a gradient: {what}"
    elif not trial.shape:
        message = f"at another upstream gradient: {what}"
    else:
        if verdict is not Verdict.DIFFER_WRONG:
            verdict = Verdict.ERROR_RUN
        message = (
            f"expected the subject to take its points as {trial.shape}, found: {what}"
        )
        message = f"{message.rstrip('.')}. {MEND}"
    return Failure(message=message, verdict=verdict, traceback=measurement.traceback)


def _note_state(
    bench: Bench,
    outcome: _Outcome,
    batch: Batch,
    trial: Trial,
    measurement: Measurement,
) -> None:
    """Note what was changed in place, and whether a second backward and a second run
    give the same bits."""
    if measurement.changed is not None and outcome.changed is None:
        position, what = measurement.changed
        outcome.changed = trial.places[position], what
    if not trial.again:
        return
    if measurement.unsteady is not None:
        position, how = measurement.unsteady
        message = f"a second backward through the same graph {how}"
        entry = _first_derivative(measurement)
        outcome.unsteady.setdefault(entry, (trial.places[position], message))
    second = _run(bench, batch, trial)
    again = "a second run on the same numbers"
    if second.failure is not None:
        entry = next(iter(measurement.outputs()))
        message = f"{again} raises {second.failure}"
        outcome.unsteady.setdefault(entry, (trial.places[0], message))
        return
    for entry, column in measurement.outputs().items():
        others = second.columns[entry].numbers
        for position, (number, other) in enumerate(zip(column, others, strict=True)):
            if not is_same(number, other):
                message = f"{again} gives {other!r} after {number!r}"
                outcome.unsteady.setdefault(entry, (trial.places[position], message))
                break


def _news(
    bench: Bench,
    first: FirstRun,
    verdicts: Verdicts,
    trial: Trial,
    batch: Batch,
    measurement: Measurement,
) -> Placed:
    """The differences of a run that are new at their points, each with its position."""
    asked: dict[int, set[Entry]] = {}
    outputs = measurement.outputs()
    for entry in outputs:
        # At a kink the gradient counts as a vector.
        kin = {other for other in outputs if other.quantity == entry.quantity}
        for position in _unexpected(bench, first, trial, measurement, entry):
            asked.setdefault(position, set()).update(kin)

    @cache
    def ignores_upstream(entry: Entry) -> bool:
        return _ignores_upstream(first, trial, measurement, entry)

    rows: Placed = []
    for position, entries in sorted(asked.items()):
        place, point = trial.places[position], batch.point(position)
        for row in judge_point(
            bench, measurement, position, point, place=place, entries=entries
        ):
            is_other = (
                row.entry.quantity != "value"
                and row.upstream != first.measurement.upstream[place]
            )
            if (
                row.differs
                and row.verdict is not verdicts.get((place, row.entry))
                and not (is_other and row.verdict in _of_any_upstream(bench))
            ):
                if is_other and ignores_upstream(row.entry):
                    note = "the gradient does not depend on the upstream one"
                    row = row.with_note(note)
                rows.append((position, row))
    return rows


def _ignores_upstream(
    first: FirstRun, trial: Trial, measurement: Measurement, entry: Entry
) -> bool:
    """Whether every gradient is that of the first run, at other upstream gradients than
    there."""
    main = first.measurement.columns[entry].numbers
    column = measurement.columns[entry].numbers
    other = [
        position
        for position, place in enumerate(trial.places)
        if measurement.upstream[position] != first.measurement.upstream[place]
        and main[place]
    ]
    return bool(other) and all(
        is_same(column[position], main[trial.places[position]]) for position in other
    )


def _of_any_upstream(bench: Bench) -> tuple[Verdict, ...]:
    """Differences that say nothing of another upstream gradient.

    The range is the case's own business. What rounding explains it explains at any
    upstream gradient, which only scales it: a callable that has it at none but this one
    was lucky at the first. A power of two changes no rounding.
    """
    rounding = (Verdict.DIFFER_UNSTABLE,) if bench.is_subject else ()
    return (Verdict.DIFFER_RANGE, *rounding)


def _unexpected(
    bench: Bench,
    first: FirstRun,
    trial: Trial,
    measurement: Measurement,
    entry: Entry,
) -> list[int]:
    """The positions at which a number is not what the first run lets expect, the
    farthest ones."""
    main = first.measurement.columns[entry].numbers
    column = measurement.columns[entry].numbers
    format_ = bench.format_of(entry, measurement)
    far: list[tuple[float, int]] = []
    for position, place in enumerate(trial.places):
        wanted = main[place]
        if entry.quantity != "value":
            wanted = linearity.expected(
                wanted,
                first.measurement.upstream[place],
                measurement.upstream[position],
            )
        number = column[position]
        if number == wanted:  # as nearly all are
            continue
        if wanted is None:
            far.append((math.inf, position))
        elif not linearity.is_near(number, wanted, format_) and (
            bench.is_subject or linearity.is_inside(wanted, format_)
        ):
            far.append((linearity.deviation(number, wanted), position))
    far.sort(key=lambda deviation: -deviation[0])
    return [position for _, position in far[:MOST_JUDGED]]
