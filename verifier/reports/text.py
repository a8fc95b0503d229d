"""A finished run as text: one line a result, then the descents, the differences, what is open, and the counts.

Nothing is ever shortened to fit: names and numbers keep their natural width, and only messages fold. Text from the
user's files is printed as it stands, neither as markup nor as terminal commands.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

from rich.cells import cell_len
from rich.console import (
    Console,
    ConsoleOptions,
    Group,
    RenderableType,
    RenderResult,
)
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from verifier.records import (
    Change,
    Comparison,
    Disagreement,
    Epoch,
    Result,
    RunRecord,
    Verdict,
)
from verifier.reports.outcome import (
    FAMILIES,
    PASSED,
    Standing,
    exit_code,
    is_incomplete,
    standing,
    summary,
)

PLAIN_WIDTH = 200
"""Columns where nobody has said how wide the page is."""
LEAST_WIDTH = 60
"""A narrower page is overrun: there, folding would break numbers in two."""
ROWS = 20
"""Rows that a table of comparisons shows."""
ROWS_PER_RESULT = 5
"""Rows of one result among them, so that a sampled case leaves room for the others."""
INLINE = 6
"""Gradients that the line of a case with one point shows."""
MESSAGE_WIDTH = 40
"""The least width to which a column of messages is folded."""
WORDS_WIDTH = 12
"""The same for a column of words."""

_GAP = 2
_STYLES = {
    "match": "green",
    "differ": "red",
    "undecided": "yellow",
    "error": "bold red",
}
_PINNED_STYLE = "cyan"


# ── the report ──────────────────────────────────────────────────────────────────────────────────────────────────────


def render(
    record: RunRecord,
    changes: Sequence[Change] | None = None,
    *,
    accepted: Collection[Verdict] = (),
    width: int | None = None,
    color: bool = False,
    debug: bool = False,
) -> str:
    """The whole report of a run: the line of every result, then `details`; `accepted` differences do not fail."""
    names = name_width(result.case for result in record.results)
    lines = (line(r, names=names, accepted=accepted) for r in record.results)
    return _print(lines, width=width, color=color) + details(
        record, changes, accepted=accepted, width=width, color=color, debug=debug
    )


def details(
    record: RunRecord,
    changes: Sequence[Change] | None = None,
    *,
    accepted: Collection[Verdict] = (),
    width: int | None = None,
    color: bool = False,
    debug: bool = False,
) -> str:
    """What follows the lines of the results: tables of what is to be looked at, and the summary.

    With `debug` the tracebacks of exceptions too.
    """
    parts = [*_sections(record.results)]
    if debug:
        parts += filter(None, map(_traceback, record.results))
    if record.disagreements:
        parts.append(_disagreements(record.disagreements))
    if changes is not None:
        parts.append(_changes(changes))
    parts.append(_summary(record, changes, accepted))
    return "\n" + _print(_apart(parts), width=width, color=color)


def failure(result: Result, *, width: int | None = None) -> str:
    """The text for one result that failed: its place, its line, and its tables."""
    file, _, name = result.case.partition("::")
    place = file if result.line is None else f"{file}:{result.line}"
    head = Text(f"{_plain(place)}: [{_plain(name)}] {_plain(_headline(result))}")
    lines = Text("\n").join([head, line(result)])
    parts = [lines, *_sections((result,))]
    trace = _traceback(result)
    if trace is not None and result.verdict.family == "error":
        parts.append(trace)
    return _print(_apart(parts), width=width).rstrip("\n")


def compared(
    changes: Sequence[Change], *, width: int | None = None, color: bool = False
) -> str:
    """The changes between two runs."""
    heading = "Changes from the older run"
    return _print([_changes(changes, heading)], width=width, color=color)


def streamed(
    result: Result,
    *,
    names: int = 0,
    accepted: Collection[Verdict] = (),
    color: bool = False,
) -> str:
    """The line of a result as it is printed while the run goes on."""
    return _print([line(result, names=names, accepted=accepted)], color=color)


def name_width(names: Iterable[str]) -> int:
    """The width of the longest name as it is printed."""
    return max((cell_len(_plain(name)) for name in names), default=0)


def _sections(results: Sequence[Result]) -> Iterator[RenderableType]:
    # A difference that a case pins is told by its line; the tables are of what is to be looked at.
    unexpected = [result for result in results if not result.as_expected]
    for title, family in (
        ("Where PyTorch differs from the truth", "differ"),
        ("Undecided", "undecided"),
        ("Errors", "error"),
    ):
        found = _found(unexpected, family)
        if found:
            yield _comparisons(title, found)
    notes = [note for result in results if (note := _note(result))]
    if notes:
        yield Group(
            _title("Notes"), *(Padding(note, (0, 0, 0, _GAP)) for note in notes)
        )
    for result in results:
        if result.epochs:
            yield _descent(result)


# ── one line a result ───────────────────────────────────────────────────────────────────────────────────────────────


def line(result: Result, *, names: int = 0, accepted: Collection[Verdict] = ()) -> Text:
    """The one line of a result; `names` is the width to which its name is filled up."""
    now = standing(result, accepted)
    style = _style(result, now)
    name = _plain(result.case)
    text = Text.assemble((f"{_mark(result, now):<6}", style), name)
    text.append(" " * max(0, names - cell_len(name)))
    text.append(f"  {_way(result):<7}  ")
    text.append(f"{_verdict(result):<18}", style)
    text.append(f"  {_points(result.points):>11}  {_ulps(result.max_error_ulp):>12}")
    inline = _inline(result) or _kinds(result)
    if inline:
        text.append(f"  {inline}")
    text.rstrip()
    return text


def _verdict(result: Result) -> str:
    """The verdict; of a match that is not as expected, what does not hold; of an unfinished case, that it is."""
    if result.interrupted:
        return Standing.INTERRUPTED.value
    if result.verdict.family != "match" or not result.broken:
        return result.verdict.value
    first, *others = map(_plain, result.broken)
    return f"{first}, …" if others else first


def _place(result: Result) -> str:
    """`FILE:LINE::NAME`, which editors find; of a case without a line its name alone."""
    file, mark, name = result.case.partition("::")
    line = "" if result.line is None or not mark else f":{result.line}"
    return _plain(f"{file}{line}{mark}{name}")


def _headline(result: Result) -> str:
    """The verdict; of a match that is not as expected, what is expected."""
    if result.verdict.family == "match" and not result.as_expected and result.message:
        return result.message
    return result.verdict.value


def _mark(result: Result, now: Standing) -> str:
    if now is Standing.INTERRUPTED:
        return "cut"
    if now is Standing.OPEN:
        return "open"
    if now is Standing.BROKEN:
        return "ERROR" if result.verdict.family == "error" else "FAIL"
    return "ok" if result.verdict.family == "match" else "known"


def _style(result: Result, now: Standing) -> str:
    if now is Standing.BROKEN:
        return _STYLES["error"]
    if now in (Standing.OPEN, Standing.INTERRUPTED):
        return _STYLES["undecided"]
    return _STYLES["match"] if result.verdict.family == "match" else _PINNED_STYLE


def _way(result: Result) -> str:
    """The dtype, with route and order where they are not the usual ones."""
    route = "" if result.route == "reverse" else f" {result.route}"
    order = "" if result.order == 1 else f" order {result.order}"
    return f"{result.dtype}{route}{order}"


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def _kinds(result: Result) -> str:
    """How many points are of which kind, where there is more than one."""
    if not (result.boundary or result.refused):
        return ""
    counts = {name: getattr(result, name) for name in ("drawn", "boundary", "refused")}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _inline(result: Result) -> str:
    """The numbers of a case with one point, as PyTorch gave them."""
    if result.points != 1 or result.epochs:
        return ""
    labelled = {
        _label(found): f"{_label(found)}: {_short(found.measured)}"
        for found in sorted(result.comparisons, key=lambda c: c.quantity != "value")
    }
    shown = list(labelled.values())
    more = f", … and {len(shown) - INLINE} more" if len(shown) > INLINE else ""
    return ", ".join(shown[:INLINE]) + more


def _label(found: Comparison) -> str:
    name = _plain(", ".join(found.wrt)) or found.quantity
    return f"{name}[{', '.join(map(str, found.index))}]" if found.index else name


def _short(number: str) -> str:
    return _plain(number.removesuffix(".0"))


def _ulps(error_ulp: float | None) -> str:
    return "-" if error_ulp is None else f"{error_ulp:.3g} ulp"


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A comparison with the result that it belongs to."""

    result: Result
    comparison: Comparison


def _found(results: Iterable[Result], family: str) -> list[_Found]:
    """The comparisons of a family, of each result the worst first."""
    return [
        _Found(result=result, comparison=comparison)
        for result in results
        for comparison in _worst_first(result, family)
    ]


def _worst_first(result: Result, family: str) -> list[Comparison]:
    """One comparison of each verdict, then the others: neither the result's own verdict nor another kind is cut off."""
    found = sorted(
        (c for c in result.comparisons if c.verdict.family == family),
        key=lambda c: (c.verdict is not result.verdict, _badness(c)),
    )
    seen: Counter[Verdict] = Counter()
    again: list[bool] = []
    for one in found:
        again.append(seen[one.verdict] > 0)
        seen[one.verdict] += 1
    kinds = [one for one, is_again in zip(found, again, strict=True) if not is_again]
    return kinds + [one for one, is_again in zip(found, again, strict=True) if is_again]


def _badness(found: Comparison) -> float:
    error = found.error_ulp
    return -math.inf if error is None or math.isnan(error) else -error


def _comparisons(title: str, found: Sequence[_Found]) -> RenderableType:
    shown = _capped(found)
    rows = [
        [
            _plain(one.result.case),
            _way(one.result),
            one.comparison.quantity,
            _label(one.comparison) if one.comparison.wrt else "",
            _point(one.comparison),
            _plain(one.comparison.measured),
            _plain(one.comparison.true),
            _ulps(one.comparison.error_ulp),
            one.comparison.verdict.value,
            _cause(one.comparison),
        ]
        for one in shown
    ]
    header = "case|dtype|quantity|by|point|measured|true|error|verdict|message"
    parts: list[RenderableType] = [
        _title(title),
        _Grid(
            headers=header.split("|"), rows=rows, right=(7,), folding={9: MESSAGE_WIDTH}
        ),
    ]
    if len(shown) < len(found):
        parts.append(Text(f"  … and {len(found) - len(shown)} more"))
    return Group(*parts)


def _capped(found: Sequence[_Found]) -> list[_Found]:
    seen: Counter[int] = Counter()
    shown: list[_Found] = []
    for one in found:
        seen[id(one.result)] += 1
        if seen[id(one.result)] <= ROWS_PER_RESULT and len(shown) < ROWS:
            shown.append(one)
    return shown


def _point(found: Comparison) -> str:
    return _at(found.point, found.upstream)


def _at(point: Mapping[str, str], upstream: str) -> str:
    parts = [f"{name}={_short(value)}" for name, value in point.items()]
    if upstream not in ("1", "1.0"):
        parts.append(f"upstream={_short(upstream)}")
    return _plain(", ".join(parts))


def _cause(found: Comparison) -> str:
    parts = [part for part in (found.culprit, found.message) if part]
    return _plain(": ".join(parts))


def _descent(result: Result) -> RenderableType:
    rows = [_epoch(epoch) for epoch in result.epochs]
    header = ["epoch", "loss", "weight", "gradient", "drift"]
    title = f"Descent of {_plain(result.case)} {_way(result)}"
    return Group(_title(title), _Grid(headers=header, rows=rows, right=(0, 1, 4)))


def _epoch(epoch: Epoch) -> list[str]:
    return [
        str(epoch.number),
        f"{epoch.loss:.3f}",
        repr(epoch.weight),
        repr(epoch.gradient),
        f"{epoch.drift:.2e}",
    ]


def _disagreements(found: Sequence[Disagreement]) -> RenderableType:
    """Where two routes gave other numbers: what PyTorch owes itself, whatever the truth is."""
    rows = [
        [
            f"{_plain(one.case)}",
            one.dtype,
            " | ".join(one.routes),
            f"{one.differing} of {_points(one.points)}",
            "NaN on one side" if one.max_ulp is None else f"{one.max_ulp} ulp",
            " ".join((one.quantity, _plain(", ".join(one.wrt)))).rstrip(),
            _at(one.point, one.upstream),
            _plain(" | ".join(one.measured)),
        ]
        for one in found[:ROWS]
    ]
    header = "case|dtype|routes|differ at|by up to|of|at|measured"
    parts: list[RenderableType] = [
        _title("Routes disagree"),
        _Grid(headers=header.split("|"), rows=rows, right=(3, 4)),
    ]
    if len(found) > ROWS:
        parts.append(Text(f"  … and {len(found) - ROWS} more"))
    return Group(*parts)


def _note(result: Result) -> Text | None:
    """What the result says as a whole: its message, or that the verdict is not the one pinned."""
    message = result.message
    if message is None and result.expected is not None and not result.as_expected:
        message = f"expected {result.expected}, found {result.verdict}"
    if message is None:
        return None
    body = _plain(message, keep="\n").replace("\n", "\n  ")
    head = f"{_place(result)} {_way(result)}: "
    return Text.assemble(head, (body, _style(result, standing(result))))


def _traceback(result: Result) -> RenderableType | None:
    if result.traceback is None:
        return None
    title = _title(f"Traceback of {_plain(result.case)} {_way(result)}")
    return Group(title, Text(_plain(result.traceback.rstrip(), keep="\n")))


def _changes(
    changes: Sequence[Change], heading: str = "Changes against the baseline"
) -> RenderableType:
    title = _title(heading)
    if not changes:
        return Group(title, Text("  none"))
    rows = [
        [
            "WORSE" if change.regression else "",
            _plain(" ".join(filter(None, (change.result, change.quantity)))),
            change.kind.value,
            _plain(change.before or "-"),
            _plain(change.after or "-"),
        ]
        for change in changes
    ]
    header = ["", "result", "change", "before", "after"]
    return Group(title, _Grid(headers=header, rows=rows))


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    width: int | None = None,
    color: bool = False,
) -> str:
    """A table of words: every column but the first and those of `numbers` may fold."""
    cells = [[_plain(cell) for cell in row] for row in rows]
    words = (i for i in range(1, len(headers)) if i not in numbers)
    folding = dict.fromkeys(words, WORDS_WIDTH)
    grid = _Grid(headers=headers, rows=cells, right=numbers, folding=folding)
    return _print([grid], width=width, color=color)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A table without lines, or, where the page is too narrow for it, a block of lines for each of its rows.

    A column is never narrower than its cells, for a number cut short is another number. Only those named in `folding`
    may fold, down to the width given there.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[int] = ()
    folding: Mapping[int, int] = field(default_factory=dict)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        del console
        widths = self._widths()
        least = (min(w, self.folding.get(i, w)) for i, w in enumerate(widths))
        if sum(least) + _GAP * len(widths) <= options.max_width:
            yield self._table(widths)
        else:
            yield from map(self._block, self.rows)

    def _widths(self) -> list[int]:
        return [
            max(map(cell_len, column))
            for column in zip(self.headers, *self.rows, strict=True)
        ]

    def _table(self, widths: Sequence[int]) -> Table:
        grid = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False)
        for index, header in enumerate(self.headers):
            grid.add_column(
                Text(header, style="dim"),
                width=None if index in self.folding else widths[index],
                min_width=min(widths[index], self.folding.get(index, 0)),
                overflow="fold",
                justify="right" if index in self.right else "left",
            )
        for row in self.rows:
            grid.add_row(*(Text(cell) for cell in row))
        return grid

    def _block(self, row: Sequence[str]) -> Text:
        first, *others = (
            f"{header}: {cell}".removeprefix(": ")
            for header, cell in zip(self.headers, row, strict=True)
            if cell
        )
        return Text("\n    ".join([first, *others]))


# ── summary ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _summary(
    record: RunRecord,
    changes: Sequence[Change] | None,
    accepted: Collection[Verdict],
) -> RenderableType:
    passed = exit_code(record, changes, accepted) == PASSED
    judged = ", ".join(_reservations(record, changes, accepted)) or "all as expected"
    if passed and judged != "all as expected":
        judged += ", as in the baseline"
    style = _STYLES["match"] if passed else _STYLES["error"]
    tail = f" in {record.elapsed_s:.1f} s (seed {record.seed}{_versions(record)})"
    return Text.assemble(_counts(record), "; ", (judged, style), tail)


def brief(record: RunRecord) -> str:
    """The counts of a run and how it stands, in one line."""
    judged = ", ".join(_reservations(record, None, ())) or "all as expected"
    return f"{_counts(record)}; {judged}"


def _counts(record: RunRecord) -> str:
    told = summary(record)
    families = ", ".join(f"{told[family]} {family}" for family in FAMILIES)
    cases = _counted(told["cases"], "case")
    return f"{cases}, {_counted(told['comparisons'], 'comparison')}: {families}"


def _reservations(
    record: RunRecord,
    changes: Sequence[Change] | None,
    accepted: Collection[Verdict],
) -> Iterator[str]:
    """What keeps a run from being all as expected."""
    standings = Counter(standing(result, accepted) for result in record.results)
    for what in (Standing.BROKEN, Standing.OPEN):
        if standings[what]:
            yield f"{standings[what]} {what}"
    worse = sum(change.regression for change in changes or ())
    if worse:
        yield f"{worse} worse than the baseline"
    if record.interrupted:
        yield "interrupted before the end"
    elif is_incomplete(record):
        missing = (record.planned or 0) - len(record.results)
        yield f"{missing} not run" if record.planned else "nothing was run"


def _versions(record: RunRecord) -> str:
    told = {
        name: record.environment[name]
        for name in ("torch", "sympy", "device", "layout")
        if name in record.environment and record.environment[name] != "cpu"
    }
    return "".join(f", {name} {_plain(found)}" for name, found in told.items())


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# ── printing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(text: str, *, keep: str = "") -> str:
    """The text with every character that a terminal would obey written out."""
    return "".join(
        char
        if char.isprintable() or char in keep
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def _title(text: str) -> Text:
    return Text(text, style="bold")


def _apart(parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    """The parts with an empty line before each but the first."""
    for index, part in enumerate(parts):
        if index:
            yield Text("")
        yield part


def _print(
    parts: Iterable[RenderableType], *, width: int | None = None, color: bool = False
) -> str:
    stream = StringIO()
    page = Console(
        file=stream,
        width=PLAIN_WIDTH if width is None else max(width, LEAST_WIDTH),
        force_terminal=color,
        color_system="standard" if color else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        page.print(part, soft_wrap=isinstance(part, Text))
    lines = stream.getvalue().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)
