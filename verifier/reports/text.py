"""A finished run as text, made for 80 columns: a line for what is as expected, a block
for each finding, and the counts; or, concise, a line a finding.

Text from the user's files is printed as it stands, neither as markup nor as terminal
commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from verifier.records import Result, RunRecord
from verifier.reports.blocks import INDENT, LABEL, counted_of, laid_out, line, place
from verifier.reports.findings import (
    Finding,
    by_result,
    failures,
    findings,
    merged,
)
from verifier.reports.options import Options
from verifier.reports.outcome import PASSED, exit_code
from verifier.reports.page import (
    DEFAULT_WIDTH,
    GAP,
    LEAST_WIDTH,
    apart,
    heading,
    name_width,
    plain,
    printed,
    wrapped,
)
from verifier.reports.result_line import STYLES, WAY
from verifier.reports.result_line import line as line_of
from verifier.reports.summary import counts, standing
from verifier.reports.tables import descent, disagreements
from verifier.reports.words import split, way

USUAL = Options()
"""Those of a report that nobody asked more of."""
MOST_BLOCKS = 20
"""Blocks that are shown, unless all are asked for."""
LONG = 40
"""Lines of blocks after which what failed is told again, in a line each."""

# ── the report ────────────────────────────────────────────────────────────────────────


def render(record: RunRecord, options: Options = USUAL) -> str:
    """The whole report of a run: the line of every result, then `details`."""
    lines = Lines(options, (result.case for result in record.results))
    found = findings(record, options)
    of_result = by_result(found)
    head = "".join(lines.add(r, of_result.get(id(r), [])) for r in record.results)
    return head + _details(record, found, options, begun=bool(head))


def details(record: RunRecord, options: Options = USUAL) -> str:
    """What follows the lines of the results: a block for each finding, and the
    summary."""
    begun = bool(record.results) and not options.quiet
    return _details(record, findings(record, options), options, begun=begun)


def concise(record: RunRecord, options: Options = USUAL) -> str:
    """A line for each finding that fails the run or is open, and the summary."""
    found = findings(record, options)
    told = [line(finding) for finding in failures(found)]
    return "".join(
        f"{text}\n" for text in (*told, _summary(record, found, options).plain)
    )


def _width(options: Options) -> int:
    return max(options.width or DEFAULT_WIDTH, LEAST_WIDTH)


# ── lines ─────────────────────────────────────────────────────────────────────────────


class Lines:
    """The lines of results, as they come: those of a file under its name."""

    def __init__(self, options: Options, cases: Iterable[str]) -> None:
        self._options, self._file = options, ""
        self._names = name_width(split(case)[1] for case in cases)

    def add(self, result: Result, found: Sequence[Finding]) -> str:
        """The line of a result of which these are the findings, and the name of its file
        where that is another than before; nothing where the report is to be quiet."""
        options = self._options
        if options.quiet:
            return ""
        parts: list[RenderableType] = []
        file = split(result.case)[0] or ""
        if file != self._file:
            parts += [Text("")] if self._file else []
            parts += [heading(plain(file))] if file else []
            self._file = file
        parts.append(
            line_of(
                result,
                found,
                width=_width(options),
                names=self._names,
                glyphs=options.glyphs,
            )
        )
        if not failures(found):
            for note in result.notes:
                label = " " * NOTE + "note: "
                parts += map(Text, wrapped(note, _width(options), label))
        return printed(parts, width=_width(options), color=options.color)


NOTE = 6
"""Columns before a note on a result."""


# ── details ───────────────────────────────────────────────────────────────────────────


def _details(
    record: RunRecord, found: Sequence[Finding], options: Options, *, begun: bool
) -> str:
    told = merged(failures(found), record)
    shown = told if options.verbose else told[:MOST_BLOCKS]
    blocks = [_block(finding, options) for finding in shown]
    length = sum(len(part.plain.splitlines()) + 1 for part in blocks)
    long = len(told) > len(shown) or length - 1 > LONG
    parts: list[RenderableType] = [*blocks]
    if len(told) > len(shown):
        left = f"and {len(told) - len(shown)} more, in a line each below; --verbose shows them in full"
        parts.append(Text("\n".join(wrapped(left, _width(options)))))
    if options.debug:
        parts += filter(None, map(_traceback, record.results))
    if record.disagreements:
        parts.append(disagreements(record.disagreements, _width(options)))
    failing = {id(finding.result) for finding in told}
    for result in record.results:
        if result.epochs and (options.verbose or id(result) in failing):
            parts.append(descent(result))
    if options.durations:
        parts.append(_durations(record, options.durations))
    if long and len(told) > 1:
        parts.append(_again(told))
    parts.append(_summary(record, found, options))
    text = printed(apart(parts), width=_width(options), color=options.color)
    return f"\n{text}" if begun else text


def _block(finding: Finding, options: Options) -> Text:
    return Text("\n").join(
        _styled(role, text, finding) for role, text in laid_out(finding, options.width)
    )


def _styled(role: str, text: str, finding: Finding) -> Text:
    """A line of a block in its colours."""
    line = Text(text)
    if role == "head":
        family = "error" if finding.verdict is None else finding.verdict.family
        if family == "match":
            family = "error"
        title = len(plain(finding.title))
        if text.startswith(plain(finding.title)):
            line.stylize(STYLES[family], 0, title)
            line.stylize("bold", title + GAP, title + GAP + len(plain(finding.name)))
    elif role == "place":
        line.stylize("dim", 0, text.index(">") + 1 if ">" in text[:6] else 0)
    else:
        line.stylize("green" if role == "help" else "cyan", 0, INDENT + LABEL)
    return line


def _again(told: Sequence[Finding]) -> RenderableType:
    """What failed, in a line each."""
    lines = [Text(f"  {plain(_short(finding))}") for finding in told]
    return Group(heading("Not as expected"), *lines)


def _short(finding: Finding) -> str:
    at = place(finding)
    ways = ", ".join((finding.way, *finding.likewise))
    text = f"{finding.title} {finding.name} {ways}"
    count = counted_of(finding)
    return ": ".join(filter(None, (at, text, count.partition(",")[0])))


def _durations(record: RunRecord, count: int) -> RenderableType:
    """The results that took longest."""
    slowest = sorted(record.results, key=lambda result: -result.elapsed_s)[:count]
    lines = [
        Text(
            f"  {result.elapsed_s:>8.2f} s  {way(result):<{WAY}}  {plain(result.case)}"
        )
        for result in slowest
    ]
    return Group(heading("Slowest"), *lines)


def _traceback(result: Result) -> RenderableType | None:
    if result.traceback is None:
        return None
    title = f"Traceback of {plain(result.case)} {way(result)}"
    return Group(heading(title), Text(plain(result.traceback.rstrip(), keep="\n")))


def _summary(record: RunRecord, found: Sequence[Finding], options: Options) -> Text:
    """The counts, and how the run stands; in one line where the page has no width of its
    own."""
    passed = exit_code(record, options.changes, options.accepted) == PASSED
    stands = standing(record, found)
    used = f"in {record.elapsed_s:.1f} s (seed {record.seed}{_versions(record)})"
    text = f"{counts(record)}; {stands} {used}"
    if options.width is not None:
        text = "\n".join(wrapped(text, _width(options)))
    shown = Text(text)
    shown.highlight_regex(
        re.escape(stands).replace(r"\ ", r"\s"), STYLES["match" if passed else "error"]
    )
    return shown


def _versions(record: RunRecord) -> str:
    used = record.environment
    return "".join(
        f", {name} {plain(used[name])}"
        for name in ("torch", "sympy", "device", "layout")
        if used.get(name, "cpu") != "cpu"
    )
