"""What all numbers of a subject show together: bias, which no single one shows, and
what those that differ have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from verifier.automatic import random_rounding
from verifier.floats import Format
from verifier.judgement import bias, pattern
from verifier.records import Entry, Judgement, TruthStatus, Verdict
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.truth.many_points import RoundedTruth, rounded_truth
from verifier.verification.bench import Bench
from verifier.verification.findings import Findings, FirstRun
from verifier.verification.judging import Row

PLAIN = (Verdict.MATCH_EXACT, Verdict.MATCH_ROUNDING, Verdict.MATCH_CONDITIONING)
RUNS = 16
"""Runs of the specification with its roundings moved."""
MOST_TERMS_AT = 64
"""Points at which the terms of a derivative are looked at."""

Rows = Mapping[int, Row]
"""By point, what was judged by itself."""
Runs = dict[bool, list[random_rounding.Columns]]
"""Runs with every rounding moved, or the last one alone."""


# ── bias ──────────────────────────────────────────────────────────────────────────────


def judge_bias(bench: Bench, findings: Findings) -> Findings:
    """The findings with what only all numbers of the first run show together.

    Each number is right by itself, so one row of an entry carries what is wrong with
    all.
    """
    first = findings.first
    assert first is not None
    rows = list(findings.rows)
    runs: Runs = {}
    with bench.watch.stage("together"):
        for entry in bench.entries(first.measurement):
            index_of = {
                row.place: index for index, row in enumerate(rows) if row.entry == entry
            }
            known = {place: rows[index] for place, index in index_of.items()}
            settled = _settled(findings, entry)
            change = _biased(bench, first, entry, known, settled, runs)
            if change is not None:
                place, judgement = change
                rows[index_of[place]] = known[place].with_judgement(judgement)
    return replace(findings, rows=tuple(rows))


def _settled(findings: Findings, entry: Entry) -> Sequence[RoundedTruth]:
    """The truths at all points, where they were found together."""
    if findings.settled is None:
        return ()
    return findings.settled.columns().get(entry, ())


def _biased(
    bench: Bench,
    first: FirstRun,
    entry: Entry,
    rows: Rows,
    settled: Sequence[RoundedTruth],
    runs: Runs,
) -> tuple[int, Judgement] | None:
    """The judgement that changes, with its point."""
    format_ = bench.format_of(entry, first.measurement)
    # In the wider dtypes a fault of the size that can hide in rounding is smaller than
    # what a user would call one.
    if not format_.is_small:
        return None
    measured = first.measurement.columns[entry].numbers
    numbers = {
        place: known
        for place, known in _plain(rows, settled, format_)
        if math.isfinite(measured[place])
        and abs(known.nearest) >= format_.smallest_normal
        and math.isfinite(known.nearest)
    }
    places = sorted(numbers)
    if not places:
        return None
    column = bias.Column(
        points=[first.batch.point(place) for place in places],
        measured=[measured[place] for place in places],
        rounded=[numbers[place].nearest for place in places],
        unit=[math.ldexp(1.0, numbers[place].grain) for place in places],
        rest=[numbers[place].rest for place in places],
    )

    def columns(once: bool) -> list[list[float]]:
        return [
            [run[entry.quantity, entry.wrt][place] for place in places]
            for last_alone in ((False, True) if once else (False,))
            for run in _runs(bench, first, format_, last_alone, runs)
        ]

    outcome = bias.examine(column, columns)
    if outcome is None:
        return None
    if outcome.biased:
        place = places[outcome.place]
        verdict = Verdict.DIFFER_BIASED
    else:  # a note beside the worst match, which is reported
        matches = [place for place, row in rows.items() if row.verdict in PLAIN]
        place = max(matches, key=lambda at: rows[at].judgement.error_ulp or 0.0)
        verdict = rows[place].verdict
    judgement = rows[place].judgement
    return place, replace(judgement, verdict=verdict, message=outcome.message)


def _runs(
    bench: Bench, first: FirstRun, format_: Format, once: bool, runs: Runs
) -> list[random_rounding.Columns]:
    if once not in runs:
        runs[once] = list(
            random_rounding.runs(
                bench.case.program,
                list(first.batch.points()),
                first.batch.upstream,
                wrt=bench.case.wrt,
                format_=format_,
                count=RUNS,
                once=once,
            )
        )
    return runs[once]


def _plain(
    rows: Rows, settled: Sequence[RoundedTruth], format_: Format
) -> Iterator[tuple[int, Rounded]]:
    """The finite truths at the points that pass, away from every edge."""
    for place, row in rows.items():
        finite = row.truth.status is TruthStatus.FINITE and not row.truth.at_edge
        if row.verdict in PLAIN and finite:
            known = rounded_truth(row.truth, format_)
            if isinstance(known, Rounded):
                yield place, known
    for place, known in enumerate(settled):
        if place not in rows and isinstance(known, Rounded):
            yield place, known


# ── patterns ──────────────────────────────────────────────────────────────────────────


def describe_patterns(bench: Bench, findings: Findings) -> Findings:
    """The findings with what all numbers of a gradient that differ have in common, said
    with the worst of them."""
    first = findings.first
    assert first is not None
    by_input: dict[str, dict[int, int]] = {}
    for index, row in enumerate(findings.rows):
        is_first = row.upstream == first.measurement.upstream[row.place]
        if row.entry.quantity == "gradient" and is_first:
            by_input.setdefault(row.entry.wrt[0], {})[index] = row.place
    rows = list(findings.rows)
    worst = {
        name: max(differing, key=lambda index: rows[index].rank)
        for name, places in by_input.items()
        if (differing := [index for index in places if rows[index].differs])
    }
    if not worst:
        return findings
    true = {
        name: _doubles(bench, findings, name, [rows[index] for index in places])
        for name, places in by_input.items()
    }
    measured = {name: first.measurement.gradient[name] for name in by_input}
    patterns = pattern.of_gradients(measured, true, bench.format.epsilon)
    for name, index in worst.items():
        words = patterns.get(name) or _missing_term(
            bench, first, name, measured[name], true[name]
        )
        if words is not None:
            rows[index] = rows[index].with_note(words)
    return replace(findings, rows=tuple(rows))


def _doubles(
    bench: Bench, findings: Findings, name: str, rows: Sequence[Row]
) -> list[float]:
    """The true gradient by an input at each point in double precision; NaN where it is
    no finite number."""
    assert findings.first is not None
    known = dict(enumerate(_settled(findings, Entry("gradient", (name,)))))
    known |= {row.place: rounded_truth(row.truth, bench.format) for row in rows}
    numbers = [math.nan] * len(findings.first.batch)
    for place, truth in known.items():
        if isinstance(truth, Rounded):
            numbers[place] = truth.nearest + math.ldexp(truth.rest, truth.grain)
    return numbers


def _missing_term(
    bench: Bench,
    first: FirstRun,
    name: str,
    measured: Sequence[float],
    true: Sequence[float],
) -> str | None:
    """The term of SymPy's derivative that the gradient lacks, as a few of the points
    show it."""
    count = len(first.batch)
    some = range(0, count, count // MOST_TERMS_AT + 1)
    points = [first.batch.point(place) for place in some]
    terms = {
        text: [
            number * first.batch.upstream[place]
            for number, place in zip(column, some, strict=True)
        ]
        for text, column in bench.side.terms(name, points).items()
    }
    return pattern.missing_term(
        [measured[place] for place in some],
        [true[place] for place in some],
        terms,
        bench.format.epsilon,
    )
