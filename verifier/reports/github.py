"""A finished run as annotations of a GitHub workflow, which stand at the lines of the case
files.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands says how a
line commands the runner; what it shows of many, and of a long one, stands in
`ExecutionContext.cs` of actions/runner and in problem-matchers.md of actions/toolkit.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifier.records import ChangeKind, RunRecord
from verifier.reports.findings import FAILING, Finding, Status, findings
from verifier.reports.options import Options
from verifier.reports.page import plain
from verifier.reports.servers import as_a_whole, counted, shortened, told

MOST_OF_A_KIND = 10
"""Annotations of one kind that a step may show."""
MOST_MESSAGE = 4_096
"""Characters to which the runner cuts a message."""
MOST_TITLE = 255


def render(record: RunRecord, options: Options) -> str:
    """An error for each finding that fails the run, a warning for each that is open, the
    worst first, and one notice that counts the others; then the counts, for the log."""
    found = findings(record, options)
    whole, notice = as_a_whole(record, options, found), _others(found, options)
    errors = [f for f in found if f.status is Status.BROKEN]
    opens = [f for f in found if f.status is Status.OPEN]
    first = [] if whole is None else [({"title": "verifier"}, whole)]
    lines = [
        *_commands("error", first, errors),
        *_commands("warning", [], opens),
        *_commands("notice", [({"title": "verifier"}, notice)] if notice else [], []),
        counted(record),
    ]
    return "".join(f"{line}\n" for line in lines)


_Annotation = tuple[dict[str, str], str]
"""Properties, and the message."""


def _annotation(finding: Finding) -> _Annotation:
    properties = {}
    if finding.file is not None:
        properties["file"] = plain(finding.file)
    if finding.line is not None and finding.file is not None:
        properties["line"] = str(finding.line)
    title = f"{finding.title}: {finding.name} {finding.way}"
    properties["title"] = shortened(plain(title), MOST_TITLE)
    return properties, plain(told(finding), keep="\n")


def _others(found: Sequence[Finding], options: Options) -> str:
    """What fails nothing, counted."""
    known = sum(finding.status not in FAILING for finding in found)
    better = sum(c.kind is ChangeKind.IMPROVED for c in options.changes or ())
    parts = []
    if known:
        parts.append(f"{known} known or accepted, which fail nothing")
    if better:
        parts.append(
            f"{better} better than the baseline: `--update-baseline` keeps that"
        )
    return "; ".join(parts)


def _commands(
    kind: str, first: Sequence[_Annotation], found: Sequence[Finding]
) -> list[str]:
    """As many as are shown; the last one says how many there are besides."""
    room = MOST_OF_A_KIND - len(first)
    shown = [*first, *map(_annotation, found[:room])]
    left = len(found) - room
    if left > 0:
        properties, message = shown.pop()
        tail = f"\n\nand {left} {kind}{'s' if left > 1 else ''} more, not shown here"
        message = shortened(message, MOST_MESSAGE - len(tail)) + tail
        shown.append((properties, message))
    return [_command(kind, *annotation) for annotation in shown]


def _command(kind: str, properties: dict[str, str], message: str) -> str:
    listed = ",".join(f"{key}={_property(text)}" for key, text in properties.items())
    return f"::{kind} {listed}::{_data(shortened(message, MOST_MESSAGE))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
