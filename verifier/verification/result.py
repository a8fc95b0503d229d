"""What the findings of a case come to: its result."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from verifier.automatic.faults import said, traceback_of
from verifier.errors import VerifierError
from verifier.fields import LARGEST_EXPONENT, REAL, Field
from verifier.floats import Format, decimal, power_of_two
from verifier.judgement.expectation import is_expected, unaccepted, unlike_pinned
from verifier.judgement.tallies import joined, tallies
from verifier.language.casefile.case import Case
from verifier.measurements import Measured
from verifier.records import (
    Comparison,
    Entry,
    Result,
    Tally,
    Truth,
    TruthStatus,
    Unmet,
    Verdict,
    severity,
)
from verifier.traces import Diagnosis
from verifier.verification.bench import Bench
from verifier.verification.culprits import attach, diagnosed
from verifier.verification.findings import Findings, FirstRun
from verifier.verification.judging import Row
from verifier.verification.regions import region_notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A result, and PyTorch's numbers behind it."""

    result: Result
    measured: Measured | None = None


def verified(bench: Bench, findings: Findings, elapsed_s: float) -> Verified:
    """What the findings of one case in one dtype by one route come to."""
    first = findings.first
    return Verified(
        result=result_of(bench, findings, elapsed_s),
        measured=None if first is None else measured_of(bench, first),
    )


def result_of(bench: Bench, findings: Findings, elapsed_s: float) -> Result:
    """The result of one case in one dtype by one route."""
    case = bench.case
    rows, diagnoses = diagnosed(bench, findings.rows, worth_reporting(findings.rows))
    verdicts = [row.verdict for row in rows]
    failure = findings.failure
    if failure is not None:
        verdicts.append(failure.verdict)
    # Where none was judged by itself, all were settled together.
    verdicts = verdicts or [Verdict.MATCH_EXACT]
    quantities = _tallies(findings, rows)
    end = conclude(
        case,
        verdicts,
        quantities,
        findings.broken,
        None if failure is None else failure.message,
        findings.notes,
        interrupted_after=findings.points if findings.interrupted else None,
    )
    errors = [row.judgement.error_ulp for row in rows]
    if findings.settled is not None:
        errors += findings.settled.largest.values()
    counts: Counter[str] = Counter()
    for tally in quantities:
        counts.update(tally.counts)
    return Result(
        case=case.id,
        line=case.place.line,
        dtype=bench.prepared.dtype,
        route=bench.setting.route,
        order=case.order,
        verdict=end.verdict,
        expected=end.expected,
        as_expected=end.as_expected,
        elapsed_s=elapsed_s,
        points=findings.points,
        drawn=len(findings.sample.drawn),
        boundary=len(findings.sample.boundary),
        refused=findings.sample.refused,
        counts=dict(counts),
        max_error_ulp=max((e for e in errors if e is not None), default=None),
        comparisons=_comparisons(bench, findings, rows, diagnoses),
        derivations=findings.derivations,
        quantities=quantities,
        message=end.message,
        broken=tuple(dict.fromkeys(unmet.key for unmet in end.unmet)),
        unmet=end.unmet,
        notes=tuple(findings.notes),
        interrupted=findings.interrupted,
        traceback=None if failure is None else failure.traceback,
        epochs=findings.epochs,
        stages_s=bench.watch.seconds,
    )


def failed(case: Case, dtype: str, route: str, error: BaseException) -> Verified:
    """The result of a case that could not be run."""
    message = error.message if isinstance(error, VerifierError) else said(error)
    kind = type(error).__name__
    notes = filter(None, getattr(error, "__notes__", ()))
    text = "; ".join([f"{kind}: {message}" if message else kind, *notes])
    end = conclude(case, [Verdict.ERROR_RUN], (), (), text)
    result = Result(
        case=case.id,
        line=case.place.line,
        dtype=dtype,
        route=route,
        order=case.order,
        verdict=end.verdict,
        expected=end.expected,
        as_expected=end.as_expected,
        broken=tuple(dict.fromkeys(unmet.key for unmet in end.unmet)),
        unmet=end.unmet,
        elapsed_s=0.0,
        points=0,
        counts={},
        max_error_ulp=None,
        comparisons=(),
        message=end.message,
        traceback=traceback_of(error),
    )
    return Verified(result=result)


# ── comparisons ───────────────────────────────────────────────────────────────────────


def worth_reporting(rows: Sequence[Row]) -> list[Row]:
    """Every row that is no match, and the worst match of each entry."""
    reported: list[Row] = []
    best: dict[Entry, Row] = {}
    for row in rows:
        if row.verdict.family != "match":
            reported.append(row)
            continue
        other = best.get(row.entry)
        if other is None or row.rank > other.rank:
            best[row.entry] = row
    return [*reported, *best.values()]


def _comparisons(
    bench: Bench,
    findings: Findings,
    rows: Sequence[Row],
    diagnoses: Mapping[int, Diagnosis],
) -> tuple[Comparison, ...]:
    """What is worth reporting; of what differs, the worst with their culprits."""
    reported = rows if bench.setting.report_all else worth_reporting(rows)
    diagnosis_of = {id(rows[index]): known for index, known in diagnoses.items()}
    differing = [row for row in reported if row.differs]
    worst = max(differing, key=lambda row: row.rank, default=None)
    comparisons = []
    for row in reported:
        comparison = comparison_of(row, bench.field, bench.format)
        if id(row) in diagnosis_of:
            comparison = attach(comparison, diagnosis_of[id(row)])
        if row is worst and _looks_for_regions(bench, findings, row):
            regions = region_notes(bench, findings, row)
            told = (f"it differs for {region}" for region in regions)
            message = "; ".join(filter(None, (comparison.message, *told)))
            comparison = replace(
                comparison, message=message or None, regions=tuple(regions)
            )
        comparisons.append(comparison)
    return tuple(comparisons)


def _looks_for_regions(bench: Bench, findings: Findings, row: Row) -> bool:
    """Whether the region of a difference is worth its verdicts: of a drawn point of
    real numbers, steady, and no pinned verdict."""
    expectation = bench.case.expectation
    pinned = expectation is not None and expectation.pinned is not None
    steady = row.verdict is not Verdict.DIFFER_NONDETERMINISTIC
    first = findings.first
    drawn = first is not None and row.place >= first.given
    return drawn and steady and not pinned and bench.field is REAL


def comparison_of(row: Row, field: Field, format_: Format) -> Comparison:
    """A row spelled out; inputs are numbers of the case's format."""
    quantity, wrt = row.entry.reported
    return Comparison(
        quantity=quantity,
        wrt=wrt,
        index=row.entry.index,
        point={name: field.spell_input(x, format_) for name, x in row.point.items()},
        upstream=field.spell_input(row.upstream, format_),
        measured=field.spell(row.measured, row.format),
        true=_spell_truth(row.truth, field),
        error_ulp=row.judgement.error_ulp,
        bits_lost=row.judgement.bits_lost,
        verdict=row.verdict,
        culprit=None,
        message=row.judgement.message,
        cause=row.judgement.cause,
    )


def _spell_truth(truth: Truth, field: Field) -> str:
    if truth.status is TruthStatus.FINITE and truth.enclosure is not None:
        return field.spell_enclosure(truth.enclosure)
    if truth.status is TruthStatus.KINK and truth.enclosure is not None:
        (interval,) = field.parts(truth.enclosure)
        ends = (_spell_end(interval.lower), _spell_end(interval.upper))
        return f"[{', '.join(ends)}]"
    if truth.status is TruthStatus.INFINITE:
        return "inf" if truth.sign > 0 else "-inf"
    return "undefined" if truth.status is TruthStatus.UNDEFINED else "undecided"


def _spell_end(end: Any) -> str:
    """An end of a Clarke interval."""
    if abs(end) >= power_of_two(LARGEST_EXPONENT):
        return "inf" if end > 0 else "-inf"
    return decimal(end)


# ── the result as a whole ─────────────────────────────────────────────────────────────


def _tallies(findings: Findings, rows: Sequence[Row]) -> tuple[Tally, ...]:
    """The tally of every quantity, with the points that were settled together."""
    alone = tallies((row.entry.reported, row.judgement) for row in rows)
    together: list[Tally] = []
    if findings.settled is not None:
        together = findings.settled.tallies(findings.points)
    names = dict.fromkeys((tally.quantity, tally.wrt) for tally in (*together, *alone))
    parts = [
        joined(
            tally
            for tally in (*alone, *together)
            if (tally.quantity, tally.wrt) == name
        )
        for name in names
    ]
    return tuple(part for part in parts if part is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a result says as a whole."""

    verdict: Verdict
    """The worst of all."""
    expected: str | None
    """The verdict that the case pins."""
    as_expected: bool
    unmet: tuple[Unmet, ...]
    """The expectations that do not hold."""
    message: str | None


def conclude(
    case: Case,
    verdicts: Sequence[Verdict],
    quantities: Sequence[Tally],
    broken: Sequence[Unmet],
    failure: str | None,
    notes: Sequence[str] = (),
    *,
    interrupted_after: int | None = None,
) -> Conclusion:
    """What the verdicts of a case, its broken expectations and the failure
    to run it come to.

    `notes` are said beside. Interrupted after so many of its points, a case is never as
    expected.
    """
    verdict = max(verdicts, key=severity)
    expectation = case.expectation
    pinned = None if expectation is None else expectation.pinned
    unlike = None
    if expectation is None or pinned is None:
        worst = unaccepted(verdict, verdicts, case.accept)
        as_expected = is_expected(worst, broken, case.accept)
    else:
        unlike = unlike_pinned(verdict, quantities, expectation, case.accept)
        as_expected = unlike is None and not broken
    unmet = list(broken)
    parts = [*map(str, broken), *([failure] if failure else [])]
    if interrupted_after is not None:
        as_expected = False
        parts.append(f"interrupted after {interrupted_after} points")
    elif unlike is not None and not broken:
        parts.append(unlike)
        unmet.append(_unlike(case, unlike))
    parts += notes
    return Conclusion(
        verdict=verdict,
        expected=pinned,
        as_expected=as_expected,
        unmet=tuple(unmet),
        message="; ".join(parts) or None,
    )


def _unlike(case: Case, words: str) -> Unmet:
    """That the verdict is not the one pinned."""
    expectation = case.expectation
    assert expectation is not None
    key = "expect.verdict"
    expected = expectation.pinned or ""
    found = words.removeprefix(f"expected {expected}, ")
    line = expectation.lines.get(key)
    return Unmet(key=key, line=line, expected=expected, found=found)


def measured_of(bench: Bench, first: FirstRun) -> Measured:
    """The numbers to compare with those of other routes, packed: eight bytes a part."""
    pack = "d" if bench.field is REAL else None

    def column(numbers: Sequence[Any]) -> Sequence[Any]:
        return tuple(numbers) if pack is None else array(pack, numbers)

    return Measured(
        points={name: column(numbers) for name, numbers in first.batch.inputs.items()},
        upstream=column(first.batch.upstream),
        numbers={
            entry: column(numbers)
            for entry, numbers in first.measurement.outputs().items()
        },
    )
