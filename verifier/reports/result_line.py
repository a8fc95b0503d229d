"""The one line of a result under the name of its file: how it stands, its verdict, name,
points, worst error and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from verifier.records import Result
from verifier.reports.findings import Finding, Status
from verifier.reports.page import GAP, plain
from verifier.reports.words import counted, label, short, split, ulps, way

STYLES = {
    "match": "green",
    "differ": "red",
    "undecided": "yellow",
    "error": "bold red",
    "known": "cyan",
}
OK, FAIL, ERROR, KNOWN, OPEN, CUT = "ok", "FAIL", "ERROR", "known", "open", "cut"
GLYPHS = {OK: "✓", FAIL: "✗", ERROR: "✗", KNOWN: "≈", OPEN: "?", CUT: "…"}
_MARK_STYLES = {OK: "match", KNOWN: "known", OPEN: "undecided", CUT: "undecided"}
VERDICT = 18
"""Columns of a verdict."""
WAY = 8
"""Columns of a dtype."""
POINTS, ERRORS = 10, 8
LEAST_NAME = 8


def line(
    result: Result,
    found: Sequence[Finding],
    *,
    width: int,
    names: int = 0,
    glyphs: bool = False,
) -> Text:
    """The one line of a result, of at most so many columns; `found` are its findings, and
    `names` is the width to which its name is filled up, where there is room."""
    shown = mark(result, found)
    style = STYLES[_MARK_STYLES.get(shown, "error")]
    head = f"  {GLYPHS[shown]} " if glyphs else f"{shown:<6}"
    text = Text.assemble((head, style))
    text.append(f"{_verdict(result, found):<{VERDICT}}  ", style)
    tail = _tail(result, found)
    room = width - text.cell_len
    least = f"  {way(result)}"
    name = _fitted(plain(split(result.case)[1]), room - len(least))
    most = (
        room
        - len(f"  {way(result):<{WAY}}")
        - sum(GAP + len(t[0]) for t in tail if len(t[0]) <= POINTS + GAP)
    )
    text.append(name + " " * max(0, min(names, most) - cell_len(name)))
    text.append(f"  {way(result):<{WAY}}")
    for choices in tail:
        room = width - text.cell_len - GAP
        text.append(next((f"  {c}" for c in choices if cell_len(c) <= room), ""))
    text.rstrip()
    return text


def mark(result: Result, found: Sequence[Finding]) -> str:
    """How a result stands, by its worst finding, in a word."""
    statuses = {finding.status for finding in found}
    if result.interrupted:
        return CUT
    if Status.BROKEN in statuses:
        return ERROR if result.verdict.family == "error" else FAIL
    if Status.OPEN in statuses:
        return OPEN
    return KNOWN if result.verdict.family != "match" else OK


def _verdict(result: Result, found: Sequence[Finding]) -> str:
    """The verdict, or what fails in its place."""
    if found and found[0].status in (Status.BROKEN, Status.OPEN):
        return plain(found[0].title)
    return result.verdict.value


def _fitted(name: str, room: int) -> str:
    """The name, its middle left out where there is no room for it."""
    room = max(room, LEAST_NAME)
    if cell_len(name) <= room:
        return name
    half = (room - 1) // 2
    return f"{name[:half]}…{name[len(name) - (room - 1 - half) :]}"


def _tail(result: Result, found: Sequence[Finding]) -> list[list[str]]:
    """What follows name and dtype: of each part the choices, the longest first."""
    unmet = found[0].unmet if found else ()
    if unmet:
        place = "" if found[0].line is None else f"line {found[0].line}"
        one = unmet[0]
        instead = one.found if one.measured is None else f"found {short(one.measured)}"
        told = f"expected {one.expected}, {instead}"
        at = f"{place}: " if place else ""
        return [[plain(f"{at}{told}"), plain(told), place, ""]]
    if not result.points:
        return []
    known = all(f.worst is None or f.worst.error_ulp is not None for f in found)
    error = f"{ulps(result.max_error_ulp if known else None):>{ERRORS}}"
    numbers = _numbers(result)
    if numbers:
        return [[error, ""], numbers]
    points = f"{counted(result.points, 'point'):>{POINTS}}"
    return [[points, ""], [error, ""], [_kinds(result), ""]]


def _kinds(result: Result) -> str:
    """How many points are of which kind, where there is more than one."""
    if not (result.boundary or result.refused):
        return ""
    counts = {name: getattr(result, name) for name in ("drawn", "boundary", "refused")}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _numbers(result: Result) -> list[str]:
    """The numbers of a case with one point, as PyTorch gave them; then ever fewer."""
    if result.points != 1 or result.epochs:
        return []
    ordered = sorted(result.comparisons, key=lambda c: c.quantity != "value")
    numbers = {label(c): f"{label(c)} {short(c.measured)}" for c in ordered}
    steps = {label(c) for c in ordered if not set(c.wrt) <= c.point.keys()}
    inputs = [plain(text) for name, text in numbers.items() if name not in steps]
    parts = [plain(number) for number in numbers.values()]
    fewer = (", ".join([*parts[:count], "…"]) for count in range(len(parts) - 1, 0, -1))
    return [", ".join(parts), ", ".join(inputs), *fewer, ""]
