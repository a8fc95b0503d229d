"""A survey as text, Markdown and JSON: a pure reader of its records."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from verifier.reports import page
from verifier.serialisation import Codec
from verifier.survey.records import Accuracy, Region, SurveyRecord, Sweep

SCHEMA = 1
MOST_SLOW = 8
"""Sweeps whose time is reported."""
ZERO = "zero"

_Row = tuple[Sweep, Accuracy]


# ── text and Markdown ─────────────────────────────────────────────────────────────────

HEADERS = (
    "operation",
    "dtype",
    "route",
    "of",
    "points",
    "max ulp",
    "p99 ulp",
    "exact",
    "zeros",
    "nan/inf",
    "worst at",
)
NUMBERS = range(4, 10)
"""The columns that hold numbers."""
_LABEL = 3
"""The column that a line of the text report begins with; what stands before it is the
title of the lines."""


def render(
    record: SurveyRecord, *, width: int | None = None, color: bool = False
) -> str:
    """The text report: the table, then the regions, then what could not be surveyed or
    decided, and the time taken."""
    rows = list(_rows(record))
    columns = page.columns(width)
    parts = [page.group(_table(rows, columns))] if rows else []
    for title, items in _sections(record, rows):
        head = page.lines(page.wrapped(title, columns), "bold")
        told = (line for item in items for line in page.indented(item, columns))
        parts.append(page.group([*head, *page.lines(told)]))
    parts.append(page.group(page.lines(page.wrapped(_conclusion(record), columns))))
    return page.printed(page.apart(parts), width=columns, color=color)


def _table(rows: Sequence[_Row], columns: int) -> Iterator[page.Part]:
    """The numbers of each operation, dtype and route below their names."""
    cells = [[page.plain(cell) for cell in _cells(*row)] for row in rows]
    header = ["", *HEADERS[_LABEL + 1 :]]
    shown = [header, *(cell[_LABEL:] for cell in cells)]
    widths = [page.name_width(column) for column in zip(*shown, strict=True)]
    yield from page.lines(_line(header, widths, columns), "dim")
    for named, alike in itertools.groupby(cells, key=lambda cell: cell[:_LABEL]):
        yield from page.lines(["  ".join(named)], "bold")
        for cell in alike:
            yield from page.lines(_line(cell[_LABEL:], widths, columns))


def _line(cells: Sequence[str], widths: Sequence[int], columns: int) -> Iterator[str]:
    """One line, at whose end the worst point folds, or stands below it where a number of
    its does not fit."""
    gap = " " * page.GAP
    label, *numbers, worst = cells
    first, *others = widths[:-1]
    aligned = (n.rjust(w) for n, w in zip(numbers, others, strict=True))
    head = gap + gap.join([label.ljust(first), *aligned, ""])
    beside = page.wrapped(worst, columns, head)
    if max(map(len, beside)) <= columns:
        yield from beside
    else:
        yield head.rstrip()
        yield from page.indented(f"worst at {worst}", columns, 2 * gap)


def render_markdown(record: SurveyRecord) -> str:
    """The same report as GitHub's Markdown."""
    rows = list(_rows(record))
    lines = ["# Accuracy of PyTorch's values and gradients", "", _conclusion(record)]
    if rows:
        marks = ["---:" if i in NUMBERS else "---" for i in range(len(HEADERS))]
        lines += ["", _piped(HEADERS), _piped(marks)]
        lines += [_piped(_cells(*row)) for row in rows]
    for title, items in _sections(record, rows):
        lines += ["", f"## {title}", "", *(f"- {_escaped(item)}" for item in items)]
    return "\n".join(lines) + "\n"


def _rows(record: SurveyRecord) -> Iterator[_Row]:
    for sweep in record.sweeps:
        for accuracy in sweep.accuracies:
            yield sweep, accuracy


def _cells(sweep: Sweep, accuracy: Accuracy) -> list[str]:
    share = (
        accuracy.correctly_rounded / accuracy.compared if accuracy.compared else None
    )
    worst = accuracy.worst
    return [
        sweep.expression,
        sweep.dtype,
        accuracy.route,
        _quantity(accuracy),
        f"{accuracy.compared:,}",
        _ulps(accuracy.max_error_ulp),
        _ulps(accuracy.p99_error_ulp),
        "–" if share is None else _share(share),
        f"{accuracy.zeros:,}",
        f"{accuracy.nonfinite + accuracy.nonfinite_below:,}",
        "" if worst is None else _spelled(worst.point),
    ]


def _ulps(error: float | None) -> str:
    if error is None:
        return "–"
    return f"{error:.2f}" if error < 1000 else f"{error:.1e}"


def _share(share: float) -> str:
    """Rounded down, so that 100 % means all."""
    return f"{math.floor(share * 1e4) / 100:.2f} %"


def _spelled(point: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in point.items())


def _sections(
    record: SurveyRecord, rows: Sequence[_Row]
) -> Iterator[tuple[str, list[str]]]:
    """Titles with the lines below them; those that have none are left out."""
    sections = {
        "Zero where the truth is a normal number": _regions(rows, ZERO),
        "Not finite where the truth is": _regions(rows, "nonfinite"),
        f"Errors above {record.threshold_ulp:g} ulps": _regions(rows, "inaccurate"),
        "Kinks, infinite and undefined points, and truths beyond the range": [
            line for row in rows for line in _agreements(*row)
        ],
        "Undecided": [line for sweep in record.sweeps for line in _undecided(sweep)],
        "Broken down: a mistake of verifier's": [
            f"{_name(sweep)}: {sweep.error}"
            for sweep in record.sweeps
            if sweep.error is not None
        ],
        "Not surveyed": [
            *(f"{name}: {why}" for name, why in record.skipped.items()),
            *(line for sweep in record.sweeps for line in _refused(sweep)),
        ],
        "Slowest": _slowest(record.sweeps),
    }
    return ((title, lines) for title, lines in sections.items() if lines)


def _name(sweep: Sweep) -> str:
    return f"{sweep.expression} {sweep.dtype}"


def _label(sweep: Sweep, accuracy: Accuracy) -> str:
    return f"{_name(sweep)} {_way(accuracy)}"


def _way(accuracy: Accuracy) -> str:
    return f"{accuracy.route} {_quantity(accuracy)}"


def _quantity(accuracy: Accuracy) -> str:
    return "value" if accuracy.wrt is None else f"d/d{accuracy.wrt}"


def _regions(rows: Sequence[_Row], kind: str) -> list[str]:
    lines = []
    for sweep, accuracy in rows:
        described = [
            _region(region) for region in accuracy.regions if region.kind == kind
        ]
        if described:
            lines.append(f"{_label(sweep, accuracy)}: {'; '.join(described)}")
    return lines


def _region(region: Region) -> str:
    box = ", ".join(
        f"{name} = {low}" if low == high else f"{name} in [{low}, {high}]"
        for name, (low, high) in region.box.items()
    )
    if region.points == region.surveyed:
        return f"{box} ({region.points:,})"
    return f"{box} ({region.points:,} of {region.surveyed:,})"


def _agreements(sweep: Sweep, accuracy: Accuracy) -> Iterator[str]:
    kinds = {
        "kinks": accuracy.kinks,
        "infinite": accuracy.infinite,
        "undefined": accuracy.undefined,
        "beyond the range": accuracy.beyond_range,
    }
    partial = [
        f"{kind} {agreement.agreeing:,} of {agreement.points:,}"
        for kind, agreement in kinds.items()
        if agreement.agreeing < agreement.points
    ]
    if partial:
        yield f"{_label(sweep, accuracy)}: PyTorch agrees at {', '.join(partial)}"


def _undecided(sweep: Sweep) -> Iterator[str]:
    """A line for each number of points that are open, with the quantities that have it,
    and why."""
    alike: dict[tuple[int, int, tuple[str, ...]], list[str]] = {}
    for accuracy in sweep.accuracies:
        open_ = (accuracy.undecided, accuracy.unexamined, accuracy.reasons)
        if any(open_):
            alike.setdefault(open_, []).append(_way(accuracy))
    for (undecided, unexamined, reasons), ways in alike.items():
        counts = [f"{undecided:,} undecided"] if undecided else []
        counts += [f"{unexamined:,} not examined"] if unexamined else []
        line = f"{_name(sweep)} {'; '.join(ways)}: {', '.join(counts)}"
        yield "; ".join([line, *reasons])


def _refused(sweep: Sweep) -> Iterator[str]:
    """What PyTorch does not compute, in its own words."""
    for route, failure in sweep.failures.items():
        yield f"{_name(sweep)} {route}: {failure}"


def _slowest(sweeps: Sequence[Sweep]) -> list[str]:
    slow = sorted(sweeps, key=lambda sweep: -sweep.elapsed_s)[:MOST_SLOW]
    return [f"{_name(sweep)}: {_times(sweep)}" for sweep in slow]


def _times(sweep: Sweep) -> str:
    stages = ", ".join(
        f"{stage} {seconds:.2f}"
        for stage, seconds in sweep.stages_s.items()
        if seconds >= 0.01
    )
    return (
        f"{sweep.elapsed_s:.2f} s ({stages})" if stages else f"{sweep.elapsed_s:.2f} s"
    )


def _conclusion(record: SurveyRecord) -> str:
    versions = record.environment
    used = ", ".join(f"{k} {versions[k]}" for k in ("torch", "sympy") if k in versions)
    points = sum(sweep.points for sweep in record.sweeps)
    checked = sum(sweep.checked for sweep in record.sweeps)
    stopped = " Interrupted: what was finished is told." if record.interrupted else ""
    return (
        f"{_counted(len(record.sweeps), 'sweep')} of {_counted(points, 'point')}, "
        f"{checked:,} of them checked by other derivations, "
        f"in {record.elapsed_s:.1f} s; seed {record.seed}; {used}.{stopped}"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(cell: str) -> str:
    for mark in "\\|*_<>`":
        cell = cell.replace(mark, f"\\{mark}")
    return cell.replace("\n", " ")


# ── JSON ──────────────────────────────────────────────────────────────────────────────

RECORD = Codec(
    SurveyRecord,
    mend="`verifier survey --format json=FILE` writes a new one.",
    whole=True,
)


def render_json(record: SurveyRecord) -> str:
    """The survey of the shape that `schema` describes: the records as they are."""
    report = {"schema": SCHEMA, **RECORD.write(record)}
    return json.dumps(report, indent=2, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every JSON report of a survey satisfies."""
    whole = RECORD.schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of a verifier survey",
        **whole,
        "properties": {"schema": {"const": SCHEMA}, **whole["properties"]},
        "required": ["schema", *whole["required"]],
    }
