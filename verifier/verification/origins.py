"""What a difference of a further run comes from: the batch, the other elements, the
digits of the dtype, or the upstream gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from verifier.floats import Number, power_of_two
from verifier.judgement import linearity
from verifier.measurements import Batch, Measurement
from verifier.records import Entry, TruthStatus, Verdict
from verifier.verification.bench import Bench
from verifier.verification.findings import FirstRun
from verifier.verification.judging import Row
from verifier.verification.trials import APART, Trial

WRONG = (Verdict.DIFFER_WRONG, Verdict.DIFFER_NONFINITE)

Placed = list[tuple[int, Row]]
"""Rows, each with its position in the run."""
Columns = Mapping[Entry, Sequence[Number]]


def explained(
    bench: Bench, first: FirstRun, trial: Trial, batch: Batch, rows: Placed
) -> Placed:
    """The rows with what they come from."""
    if not rows:
        return rows
    if trial.layout == APART:
        return [(position, _apart(row)) for position, row in rows]
    in_batch: Placed = []
    if trial.shape:
        alone = _alone(bench, [row for _, row in rows])
        in_batch = [
            placed
            for k, placed in enumerate(rows)
            if alone is None or not _is_near(bench, alone, k, placed[1])
        ]
    of_upstream = [placed for placed in rows if placed not in in_batch]
    settled = with_digits(bench, [row for _, row in of_upstream])
    kept = [
        (position, settled_row)
        for (position, row), settled_row in zip(of_upstream, settled, strict=True)
        if settled_row is row or _loses_nearby(bench, first, row)
    ]
    return kept + _in_batch(bench, trial, batch, in_batch)


def _apart(row: Row) -> Row:
    """A row of which the first run gave another number at the same upstream
    gradient."""
    is_value = row.entry.quantity == "value"
    what = "where nothing" if is_value else "where this input alone"
    message = f"{what} needs a gradient; {row.judgement.message}"
    return row.with_judgement(replace(row.judgement, message=message))


def _batch_of(rows: Sequence[Row]) -> Batch:
    return Batch.of([row.point for row in rows], [row.upstream for row in rows])


def _alone(bench: Bench, rows: Sequence[Row]) -> Measurement | None:
    """The points of the rows, run one after the other; None where they cannot be."""
    try:
        measurement = bench.run_otherwise(_batch_of(rows), layout="single")
    except Exception:  # then the rows stay what they are
        return None
    return measurement if measurement.failure is None else None


def _is_near(bench: Bench, measurement: Measurement, position: int, row: Row) -> bool:
    number = measurement.number(row.entry, position)
    format_ = bench.format_of(row.entry, measurement)
    return linearity.is_near(number, row.measured, format_)


# ── digits ────────────────────────────────────────────────────────────────────────────


def with_digits(bench: Bench, rows: list[Row]) -> list[Row]:
    """The rows of a subject; one that is right in the widest dtype, at the same
    numbers, loses digits or range alone.

    Right there: within a sixteenth of the dtype's unit roundoff, or sixteen times
    nearer than in the dtype. A mistake in the mathematics is as large in every dtype.
    """
    doubted = [row for row in rows if _is_doubted(row)]
    if not doubted:
        return rows
    columns = _precise(bench, _batch_of(doubted), "single")
    if columns is None:
        return rows
    settled = {
        id(row): _with_digits(bench, row, columns[row.entry][position])
        for position, row in enumerate(doubted)
    }
    return [settled.get(id(row), row) for row in rows]


def _is_doubted(row: Row) -> bool:
    """Whether the digits of the dtype may be to blame."""
    return row.verdict in WRONG and row.truth.status is TruthStatus.FINITE


def _precise(bench: Bench, batch: Batch, layout: str | None) -> Columns | None:
    """The numbers in the widest dtype of the field; None where there is none wider, or
    it is not taken."""
    if bench.prepared.dtype == bench.field.widest:
        return None
    try:
        measurement = bench.run_otherwise(batch, layout=layout, precisely=True)
    except Exception:  # it does not take that dtype: the rows stay what they are
        return None
    return measurement.outputs() if measurement.failure is None else None


def _with_digits(bench: Bench, row: Row, precise: Number) -> Row:
    field = bench.field
    true = field.of_truth(row.truth)
    if true is None or not field.is_finite(precise):
        return row
    error = field.distance(field.of_float(precise), true)
    unit = field.size(true) * power_of_two(-row.format.precision_bits)
    dtype, right = bench.prepared.dtype, f"in {field.widest} it is right"
    if field.is_finite(row.measured):
        own = field.distance(field.of_float(row.measured), true)
        is_right = error <= max(unit, own) / 16
        verdict = Verdict.DIFFER_UNSTABLE
        message = f"the subject loses digits in {dtype}: {right}"
    else:
        is_right = error <= unit
        verdict = Verdict.DIFFER_RANGE
        message = f"the subject leaves the range of {dtype}: {right}"
    if not is_right:
        return row
    return row.with_judgement(replace(row.judgement, verdict=verdict, message=message))


def _loses_nearby(bench: Bench, first: FirstRun, row: Row) -> bool:
    """Whether digits are lost too at an upstream gradient so near to the first one that
    no range is left."""
    entry, own = row.entry, first.measurement.upstream[row.place]
    near = linearity.nearer(row.upstream, own, bench.format)
    alone = _alone(bench, [replace(row, upstream=near)])
    if alone is None or entry.quantity == "value":
        return True
    wanted = linearity.expected(
        first.measurement.number(entry, row.place), own, alone.upstream[0]
    )
    number, format_ = alone.number(entry, 0), bench.format_of(entry, alone)
    return wanted is None or not linearity.is_near(number, wanted, format_)


# ── batches ───────────────────────────────────────────────────────────────────────────


def _in_batch(bench: Bench, trial: Trial, batch: Batch, rows: Placed) -> Placed:
    """The rows that differ in a batch alone, with whether their numbers depend on the
    other elements."""
    mixes: dict[Entry, bool] = {}
    precise = None
    if any(_is_doubted(row) for _, row in rows):
        precise = _precise(bench, batch, trial.layout)
    explained: Placed = []
    for position, row in rows:
        entry = row.entry
        if entry not in mixes:
            mixes[entry] = _depends(bench, trial, batch, position, row)
        what = "value" if entry.quantity == "value" else "gradient"
        if mixes[entry]:
            judgement = replace(row.judgement, verdict=Verdict.DIFFER_WRONG)
            note = f"the {what} at one element depends on others, in {trial.shape}"
        else:
            if precise is not None and _is_doubted(row):
                row = _with_digits(bench, row, precise[entry][position])
            judgement = row.judgement
            note = (
                f"the {what} in {trial.shape} is another than that of a single number"
            )
        explained.append((position, row.with_judgement(judgement).with_note(note)))
    return explained


def _depends(bench: Bench, trial: Trial, batch: Batch, position: int, row: Row) -> bool:
    """Whether a number is another once all elements are as this one, and so are their
    upstream gradients."""
    layout = trial.layout
    if layout == "expanded":  # which would lay out otherwise what is all the same
        layout = "batch"
        measurement = _run_so(bench, batch, layout, trial.again)
        if measurement is None or not _is_near(bench, measurement, position, row):
            return False
    count = len(batch)
    same = batch.take([position] * count, [row.upstream] * count)
    measurement = _run_so(bench, same, layout, trial.again)
    return measurement is not None and not _is_near(bench, measurement, position, row)


def _run_so(
    bench: Bench, batch: Batch, layout: str | None, twice: bool
) -> Measurement | None:
    """The measurement; None where it cannot be had."""
    try:
        measurement = bench.run_otherwise(batch, layout=layout, twice=twice)
    except Exception:
        return None
    return measurement if measurement.failure is None else None
