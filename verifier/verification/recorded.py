"""A subject's own backward as a formula, against the derivative of the expression that
specifies it: a mistake in the mathematics shows there in any dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from verifier.automatic.faults import first_line
from verifier.automatic.recorded_subjects import recorded_subject
from verifier.automatic.recording.errors import RecordingError
from verifier.automatic.subjects import Subject
from verifier.enclosures import Enclosures
from verifier.fields import REAL
from verifier.floats import FORMATS
from verifier.judgement.tensors.entries import Truths
from verifier.judgement.tensors.formula import FormulaJudgement, judge_formula
from verifier.language.cells import STOP
from verifier.records import VALUE, Entry, Judgement, Verdict
from verifier.symbolic.cells import scalars
from verifier.symbolic.cells.spread import spreads
from verifier.symbolic.cells.truth import CellTruth
from verifier.symbolic.truth.many_points import RoundedTruth, rounded_truth
from verifier.verification.bench import Bench
from verifier.verification.findings import Findings, FirstRun
from verifier.verification.judging import Row

MOST_POINTS = 128
"""Points at which the formula of a callable that takes tensors is looked at."""
MOST_ALONE = 24
"""The same of one that takes single numbers, or of an expression without a fast truth."""
FACTORS = (1.0, -1.5, 0.75)
"""What upstream gradients of drawn points are multiplied by: a backward may ignore
them."""
SLACK = 16
"""Times what the recorded forward differs from the expression by its backward may: it is
an approximation."""
SCALED = 2.0**-14
"""A factor of the whole gradient that is this far from 1 is no constant of few digits,
also where 16 bits hide it."""
DOUBLES = 2.0**-47
"""What constants that were rounded to doubles leave: not worth a note."""
UNSTEADY = (Verdict.DIFFER_NONDETERMINISTIC, Verdict.DIFFER_MUTATED)

WIDE = FORMATS["float64"]
APPROXIMATED = "the recorded backward is the derivative of the recorded forward, which is not exactly the expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The points at which the truth is a plain number, and what it is there for an
    upstream gradient of 1."""

    places: Sequence[int]
    upstream: Sequence[float]
    columns: dict[Entry, list[RoundedTruth]]

    def enclosures(self, entry: Entry) -> Enclosures:
        factors = [1.0] * len(self.places) if entry == VALUE else self.upstream
        return scalars.column(self.columns[entry], factors)


def judge_formulas(bench: Bench, findings: Findings) -> Findings:
    """The findings with the verdicts on the subject's backward as a formula; with a note
    where it cannot be recorded, as they are where there is no plain truth."""
    first = findings.first
    unsteady = any(row.verdict in UNSTEADY for row in findings.rows)
    is_other = bench.setting.route != "reverse" or bench.field is not REAL
    if first is None or findings.failure is not None or unsteady or is_other:
        return findings
    known = _known(bench, first)
    if not known.places:
        return findings
    try:
        with bench.watch.stage("recording"):
            truth = _recorded(bench, first, known)
        with bench.watch.stage("formula"):
            rows = _rows(bench, first, known, truth)
    except RecordingError as error:
        return _without(findings, str(error))
    except Exception as error:  # what a callable does under a recorder is its own
        return _without(findings, first_line(error))
    return replace(findings, rows=(*findings.rows, *rows))


def _without(findings: Findings, why: str) -> Findings:
    note = f"its backward was not looked at as a formula: {why}"
    return replace(findings, notes=(*findings.notes, note))


# ── the points and their truths ───────────────────────────────────────────────────────


def _known(bench: Bench, first: FirstRun) -> _Known:
    """At points spread evenly over those of the first run."""
    most = MOST_POINTS if bench.case.elementwise else MOST_ALONE
    count = len(first.batch)
    some = sorted({k * count // min(count, most) for k in range(min(count, most))})
    points = [first.batch.point(place) for place in some]
    entries = [VALUE, *(Entry("gradient", (name,)) for name in bench.case.wrt)]
    with bench.watch.stage("truth"):
        many = bench.side.many(points, 1.0, WIDE)
        if many is not None:
            columns = {entry: many.columns[entry] for entry in entries}
        else:
            some, points = some[:MOST_ALONE], points[:MOST_ALONE]
            found = [bench.side.truths(point, 1.0, WIDE) for point in points]
            columns = {e: [rounded_truth(t[e], WIDE) for t in found] for e in entries}
    upstream = [_seed(first, place) for place in some]
    kept = [
        at
        for at, seed in enumerate(upstream)
        if seed and all(scalars.is_plain(column[at]) for column in columns.values())
    ]
    return _Known(
        places=[some[at] for at in kept],
        upstream=[upstream[at] for at in kept],
        columns={e: [column[at] for at in kept] for e, column in columns.items()},
    )


def _seed(first: FirstRun, place: int) -> float:
    """The upstream gradient as it was measured, of drawn points times a factor; 0 where
    there is none to look at."""
    given = float(first.measurement.upstream[place])
    if not abs(given) < 2.0**60:
        return 0.0
    return given if place < first.given else given * FACTORS[place % len(FACTORS)]


def _recorded(bench: Bench, first: FirstRun, known: _Known) -> CellTruth:
    subject = bench.subject
    assert isinstance(subject, Subject)
    points = [first.batch.point(place) for place in known.places]
    program = recorded_subject(
        subject,
        {n: [point.get(n, 0.0) for point in points] for n in subject.inputs},
        known.upstream,
        dtype=bench.prepared.dtype,
        at_once=bench.case.elementwise,
    )
    truth = CellTruth(program)
    faults = truth.check_recording()
    if faults:
        record = faults[0].record
        raise RecordingError(
            f"`{record.operation or record.kind}` is not what its formula says"
        )
    return truth


# ── the verdicts ──────────────────────────────────────────────────────────────────────


def _rows(bench: Bench, first: FirstRun, known: _Known, truth: CellTruth) -> list[Row]:
    recorded = truth.recorded_gradients()
    (values,) = truth.values().values()
    apart = _judged(bench, values, known.enclosures(VALUE)).delta
    # More than the dtype shows is no approximation.
    least = SLACK * apart if apart <= bench.format.epsilon / 2 else 0.0
    scales = spreads(truth.program, bench.prepared.dtype)[1]
    own = None
    rows = []
    for name in bench.case.wrt:
        if name not in recorded:
            continue
        entry = Entry("gradient", (name,))
        true = known.enclosures(entry)
        scale = scales[name].scale(true.high, bench.format.epsilon)
        found = judge_formula(
            recorded[name],
            Truths(enclosures=true),
            bench.format,
            terms=scale,
            least=least,
            alike=SCALED,
        )
        if found.verdict is Verdict.DIFFER_WRONG and _is_all_seen(truth):
            own = truth.gradients() if own is None else own
            alone = judge_formula(
                recorded[name], Truths.of(own[name]), bench.format, terms=scale
            )
            nearer = alone.delta * SLACK < found.delta
            if nearer and alone.verdict is Verdict.MATCH_EXACT:
                message = f"{APPROXIMATED}: δ = {found.delta:.2g}"
                found = replace(alone, message=message, place=found.place)
        rows.append(_row(first, known, name, recorded[name], true, found))
    return rows


def _judged(bench: Bench, recorded: Enclosures, true: Enclosures) -> FormulaJudgement:
    return judge_formula(recorded, Truths(enclosures=true), bench.format)


def _is_all_seen(truth: CellTruth) -> bool:
    """Whether nothing in the forward is kept from being differentiated: then what is
    differentiated is the forward."""
    records = truth.program.records
    return not any(r.kind == STOP and not r.in_backward for r in records)


def _row(
    first: FirstRun,
    known: _Known,
    name: str,
    recorded: Enclosures,
    true: Enclosures,
    found: FormulaJudgement,
) -> Row:
    at = found.place or 0
    place = known.places[at]
    says = found.delta > DOUBLES or found.verdict is not Verdict.MATCH_EXACT
    return Row(
        entry=Entry("formula", (name,)),
        place=place,
        point=first.batch.point(place),
        upstream=known.upstream[at],
        measured=float(recorded.high[at]),
        truth=scalars.as_truth(true, at),
        judgement=Judgement(
            verdict=found.verdict, message=found.message if says else None
        ),
        format=WIDE,
    )
