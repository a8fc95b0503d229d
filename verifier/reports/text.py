"""A finished run as text: one line a result, then the descents, the differences, what
is open, and the counts.

Text from the user's files is printed as it stands, neither as markup nor as terminal
commands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from verifier.records import Result, RunRecord, Verdict
from verifier.reports.options import Options
from verifier.reports.outcome import (
    FAMILIES,
    PASSED,
    Standing,
    exit_code,
    is_incomplete,
    standing,
    summary,
)
from verifier.reports.page import GAP, apart, heading, name_width, plain, printed
from verifier.reports.result_line import (
    STYLES,
    headline,
    line,
    place_of,
    style_of,
    way,
)
from verifier.reports.tables import (
    changes_table,
    comparisons,
    descent,
    disagreements,
    findings,
)

ALL_EXPECTED = "all as expected"
USUAL = Options()
"""Those of a report that nobody asked more of."""

# ── the report ────────────────────────────────────────────────────────────────────────


def render(record: RunRecord, options: Options = USUAL) -> str:
    """The whole report of a run: the line of every result, then `details`."""
    names = name_width(result.case for result in record.results)
    lines = (line(r, names=names, accepted=options.accepted) for r in record.results)
    head = printed(lines, width=options.width, color=options.color)
    return head + details(record, options)


def details(record: RunRecord, options: Options = USUAL) -> str:
    """What follows the lines of the results: tables of what is to be looked at, and the
    summary."""
    parts = [*_sections(record.results)]
    if options.debug:
        parts += filter(None, map(_traceback, record.results))
    if record.disagreements:
        parts.append(disagreements(record.disagreements))
    if options.changes is not None:
        parts.append(changes_table(options.changes))
    parts.append(_summary(record, options))
    return "\n" + printed(apart(parts), width=options.width, color=options.color)


def failure(result: Result, *, width: int | None = None) -> str:
    """The text for one result that failed: its place, its line, and its tables."""
    file, _, name = result.case.partition("::")
    place = file if result.line is None else f"{file}:{result.line}"
    head = Text(f"{plain(place)}: [{plain(name)}] {plain(headline(result))}")
    lines = Text("\n").join([head, line(result)])
    parts = [lines, *_sections((result,))]
    trace = _traceback(result)
    if trace is not None and result.verdict.family == "error":
        parts.append(trace)
    return printed(apart(parts), width=width).rstrip("\n")


def streamed(
    result: Result,
    *,
    names: int = 0,
    accepted: Collection[Verdict] = (),
    color: bool = False,
) -> str:
    """The line of a result as it is printed while the run goes on."""
    return printed([line(result, names=names, accepted=accepted)], color=color)


def _sections(results: Sequence[Result]) -> Iterator[RenderableType]:
    # A difference that a case pins is reported by its line; the tables are of what is
    # to be looked at.
    unexpected = [result for result in results if not result.as_expected]
    for title, family in (
        ("Where PyTorch differs from the truth", "differ"),
        ("Undecided", "undecided"),
        ("Errors", "error"),
    ):
        found = findings(unexpected, family)
        if found:
            yield comparisons(title, found)
    notes = [note for result in results if (note := _note(result))]
    if notes:
        yield Group(
            heading("Notes"), *(Padding(note, (0, 0, 0, GAP)) for note in notes)
        )
    for result in results:
        if result.epochs:
            yield descent(result)


def _note(result: Result) -> Text | None:
    """What the result says as a whole: its message, or that the verdict is not the one
    pinned."""
    message = result.message
    if message is None and result.expected is not None and not result.as_expected:
        message = f"expected {result.expected}, found {result.verdict}"
    if message is None:
        return None
    body = plain(message, keep="\n").replace("\n", "\n  ")
    head = f"{place_of(result)} {way(result)}: "
    return Text.assemble(head, (body, style_of(result, standing(result))))


def _traceback(result: Result) -> RenderableType | None:
    if result.traceback is None:
        return None
    title = f"Traceback of {plain(result.case)} {way(result)}"
    return Group(heading(title), Text(plain(result.traceback.rstrip(), keep="\n")))


# ── summary ───────────────────────────────────────────────────────────────────────────


def _summary(record: RunRecord, options: Options) -> RenderableType:
    passed = exit_code(record, options.changes, options.accepted) == PASSED
    stands = _standing(record, options)
    if passed and stands != ALL_EXPECTED:
        stands += ", as in the baseline"
    style = STYLES["match"] if passed else STYLES["error"]
    tail = f" in {record.elapsed_s:.1f} s (seed {record.seed}{_versions(record)})"
    return Text.assemble(_counts(record), "; ", (stands, style), tail)


def brief(record: RunRecord) -> str:
    """The counts of a run and how it stands, in one line."""
    return f"{_counts(record)}; {_standing(record, USUAL)}"


def _standing(record: RunRecord, options: Options) -> str:
    """How a run stands, in words."""
    return ", ".join(_reservations(record, options)) or ALL_EXPECTED


def _counts(record: RunRecord) -> str:
    counts = summary(record)
    families = ", ".join(f"{counts[family]} {family}" for family in FAMILIES)
    cases = _counted(counts["cases"], "case")
    return f"{cases}, {_counted(counts['comparisons'], 'comparison')}: {families}"


def _reservations(record: RunRecord, options: Options) -> Iterator[str]:
    """What keeps a run from being all as expected."""
    standings = Counter(standing(r, options.accepted) for r in record.results)
    for what in (Standing.BROKEN, Standing.OPEN):
        if standings[what]:
            yield f"{standings[what]} {what}"
    worse = sum(change.regression for change in options.changes or ())
    if worse:
        yield f"{worse} worse than the baseline"
    if record.interrupted:
        yield "interrupted before the end"
    elif is_incomplete(record):
        missing = (record.planned or 0) - len(record.results)
        yield f"{missing} not run" if record.planned else "nothing was run"


def _versions(record: RunRecord) -> str:
    used = record.environment
    return "".join(
        f", {name} {plain(used[name])}"
        for name in ("torch", "sympy", "device", "layout")
        if used.get(name, "cpu") != "cpu"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
