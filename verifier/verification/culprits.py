"""Why a comparison differs: both wings are asked at one point, and the judgement
concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier.automatic.tracing import trace
from verifier.fields import REAL
from verifier.floats import FORMATS, Point
from verifier.judgement.diagnosis import diagnose
from verifier.language.kernels.compositions import expand
from verifier.language.programs.program import Program
from verifier.records import Comparison, Entry, Verdict
from verifier.symbolic.truth.examination import examine
from verifier.traces import Cause, Diagnosis, Event, Trace
from verifier.verification.bench import WALKED_ROUTES, Bench
from verifier.verification.judging import Row

LARGEST_PROGRAM = 2_000
"""Nodes past which a walk over the program costs more than its answer tells."""
MOST_DIAGNOSED = 3
"""The worst comparisons of one result that are diagnosed: those that follow mostly have
the same cause."""
MOST_KINDS = 6
"""Other numbers, or other verdicts on them, of which the worst is diagnosed too."""


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
    """Where and why PyTorch's value (`wrt` None), or its gradient by an input or named
    step, differs at a point.

    `batch` is how many points PyTorch was given at once, which may decide between its
    kernels.
    """
    if len(program.nodes) > LARGEST_PROGRAM:
        limit = f"a program of more than {LARGEST_PROGRAM} operations is not walked"
        return Diagnosis(cause=Cause.NONE, message=limit)
    walk, events = gather(
        program, point, upstream, dtype=dtype, batch=batch, device=device
    )
    return conclude(program, walk, events, dtype=dtype, wrt=wrt)


def gather(
    program: Program,
    point: Point,
    upstream: float,
    *,
    dtype: str,
    batch: int = 1,
    device: str = "cpu",
) -> tuple[Trace, tuple[Event, ...]]:
    """What PyTorch has at every node, and each number beside its truth; no events where
    PyTorch raised."""
    walk = trace(program, point, upstream, dtype=dtype, batch=batch, device=device)
    if walk.failure is not None:
        return walk, ()
    return walk, examine(program, walk, point, upstream, FORMATS[dtype])


def conclude(
    program: Program,
    walk: Trace,
    events: Sequence[Event],
    *,
    dtype: str,
    wrt: str | None,
) -> Diagnosis:
    """The diagnosis of one entry from what `gather` gave."""
    if walk.failure is not None:
        return Diagnosis(cause=Cause.FAILURE, message=walk.failure)
    return diagnose(expand(program), events, FORMATS[dtype], wrt=wrt)


def attach(comparison: Comparison, diagnosis: Diagnosis) -> Comparison:
    """The comparison with its culprit, and the cause in front of what the judgement
    says."""
    if diagnosis.cause is Cause.NONE:
        return comparison
    parts = (diagnosis.message, comparison.message)
    return replace(
        comparison,
        culprit=diagnosis.culprit,
        cause=diagnosis.message,
        message="; ".join(part for part in parts if part),
    )


def diagnosed(
    bench: Bench, rows: Sequence[Row], reported: Sequence[Row]
) -> tuple[list[Row], dict[int, Diagnosis]]:
    """All rows, and the diagnoses of the worst differences among the reported ones, by
    their index in `rows`.

    What is not finite since a number on the way leaves the range is `range`, whatever
    else rounding might do.
    """
    settled = list(rows)
    index_of = {id(row): index for index, row in enumerate(rows)}
    asked = [row for row in reported if _is_walked(bench, row)]
    asked.sort(key=lambda row: row.rank, reverse=True)
    diagnoses: dict[int, Diagnosis] = {}
    for row in (*asked[:MOST_DIAGNOSED], *_of_other_kinds(bench, asked)):
        index = index_of[id(row)]
        with bench.watch.stage("diagnosis"):
            diagnosis = investigate(
                bench.case.program,
                row.point,
                row.upstream,
                dtype=bench.prepared.dtype,
                wrt=next(iter(row.entry.wrt), None),
                device=bench.setting.device,
            )
        diagnoses[index] = diagnosis
        left_range = diagnosis.cause in (Cause.OVERFLOW, Cause.UNDERFLOW)
        if row.verdict is Verdict.DIFFER_NONFINITE and left_range:
            judgement = replace(row.judgement, verdict=Verdict.DIFFER_RANGE)
            settled[index] = row.with_judgement(judgement)
    return settled, diagnoses


def _of_other_kinds(bench: Bench, asked: Sequence[Row]) -> list[Row]:
    """The worst row of each number and verdict that is not among those diagnosed anyway,
    unless the case pins its verdict.

    What is not finite stays as it is judged: a diagnosis might change its verdict.
    """
    expectation = bench.case.expectation
    if expectation is not None and expectation.pinned is not None:
        return []
    seen = {(row.entry, row.verdict) for row in asked[:MOST_DIAGNOSED]}
    others: dict[tuple[Entry, Verdict], Row] = {}
    for row in asked[MOST_DIAGNOSED:]:
        kind = row.entry, row.verdict
        if kind not in seen and row.verdict is not Verdict.DIFFER_NONFINITE:
            others.setdefault(kind, row)
    return list(others.values())[:MOST_KINDS]


def _is_walked(bench: Bench, row: Row) -> bool:
    """Whether a walk over the written program tells why: it ran as written, in real
    numbers, by reverse mode, at order 1."""
    return (
        row.differs
        and bench.field is REAL
        and not bench.is_subject
        and row.entry.quantity != "hessian"
        and bench.setting.route in WALKED_ROUTES
    )
