"""A finished run as Markdown of GitHub's kind: the summary of a step, or a comment.

What users named stands in code spans and fences alone, where neither markup nor a mention
means anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from verifier.records import RunRecord
from verifier.reports.blocks import place
from verifier.reports.findings import FAILING, Finding, Status, failures, findings
from verifier.reports.options import Options
from verifier.reports.page import plain
from verifier.reports.servers import (
    as_a_whole,
    counted,
    headline,
    shortened,
    told,
    why_not_failing,
)
from verifier.reports.words import ulps

MOST_BYTES = 1_000_000
"""Of a report: the summary of a step may have 1 MiB, and a longer one is not shown."""
MOST_BLOCKS = 20
"""Findings that are told in full."""
MOST_BLOCK = 4_000
"""Characters of a finding that is told in full."""
MOST_CELL = 200
"""Characters of a cell."""

_Row = Callable[[Finding], Sequence[str]]
_COLUMNS = ("verdict", "case", "dtype", "error", "place", "what")


def render(record: RunRecord, options: Options) -> str:
    """How the run stands; tables of what fails it and of the others, those folded; and
    the worst findings in full. As much of it as there is room for."""
    found = findings(record, options)
    failing = failures(found)
    others = [finding for finding in found if finding.status not in FAILING]
    broken = [finding for finding in failing if finding.status is Status.BROKEN]
    opens = [finding for finding in failing if finding.status is Status.OPEN]
    against = "" if options.changes is None else ", new or worse than in the baseline"

    def known(finding: Finding) -> Sequence[str]:
        return [why_not_failing(finding, options), *_row(finding)]

    page = _Page()
    page.write(f"## verifier: {headline(record, options, found)}\n\n")
    whole = as_a_whole(record, options, found)
    if whole is not None:
        page.write(f"**{whole[0].upper()}{whole[1:]}.**\n\n")
    page.write(f"{_text(counted(record))}\n")
    page.table(f"Not as expected{against}", _COLUMNS, broken, _row)
    page.table("Not judged", _COLUMNS, opens, _row)
    page.blocks("The worst in full", failing)
    page.folded("Known or accepted", ("why", *_COLUMNS), others, known)
    return page.text


def _row(finding: Finding) -> list[str]:
    unmet = [f"expected {one.expected}, {one.found}" for one in finding.unmet]
    what = "; ".join([*unmet, *finding.was, *finding.because])
    cells = (
        finding.title,
        finding.name,
        finding.way,
        _error(finding),
        place(finding),
        what,
    )
    return [_cell(text) for text in cells]


def _error(finding: Finding) -> str:
    return "" if finding.error_ulp is None else ulps(finding.error_ulp)


class _Page:
    """A text that never has more bytes than a summary may."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = MOST_BYTES

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def write(self, part: str) -> None:
        self._parts.append(part)
        self._left -= len(part.encode())

    def has_room(self, part: str) -> bool:
        """Whether the part fits, and after it a note of what is left out."""
        return len(part.encode()) + _SPARE_BYTES <= self._left

    def table(
        self, title: str, columns: Sequence[str], found: Sequence[Finding], row: _Row
    ) -> None:
        if found:
            self.write(f"\n### {title}: {len(found)}\n\n")
            self._rows(columns, found, row)

    def folded(
        self, title: str, columns: Sequence[str], found: Sequence[Finding], row: _Row
    ) -> None:
        """A table of which only the title is shown at first."""
        if found:
            summary = f"<summary>{title}: {len(found)}</summary>"
            self.write(f"\n<details>{summary}\n\n")
            self._rows(columns, found, row)
            self.write("\n</details>\n")

    def _rows(
        self, columns: Sequence[str], found: Sequence[Finding], row: _Row
    ) -> None:
        self.write(f"{_line(columns)}{_line(['---'] * len(columns))}")
        for index, finding in enumerate(found):
            part = _line(row(finding))
            if not self.has_room(part):
                left = len(found) - index
                self.write(f"\n… and {left} more, for which there is no room\n")
                return
            self.write(part)

    def blocks(self, title: str, found: Sequence[Finding]) -> None:
        if found:
            self.write(f"\n### {title}\n")
        for index, finding in enumerate(found):
            part = _fenced(shortened(told(finding), MOST_BLOCK))
            if index == MOST_BLOCKS or not self.has_room(part):
                self.write(f"\n… and {len(found) - index} more, not told in full\n")
                return
            self.write(part)


_SPARE_BYTES = 1_000
"""For what ends each part of a page."""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    """The text as code, in a table: its bars, which would end the cell even there, stand
    between two spans of code."""
    parts = shortened(plain(text), MOST_CELL).split("|")
    return "&#124;".join(_code(part) if part else "" for part in parts)


def _code(text: str) -> str:
    marks = "`" * (_longest_run(text) + 1)
    # One blank at each side would be taken off, and a backtick would join the marks.
    pad = " " if text.startswith((" ", "`")) or text.endswith((" ", "`")) else ""
    pad = pad if text.strip() else ""
    return f"{marks}{pad}{text}{pad}{marks}"


def _fenced(text: str) -> str:
    shown = plain(text, keep="\n")
    marks = "`" * max(3, _longest_run(shown) + 1)
    return f"\n{marks}text\n{shown}\n{marks}\n"


def _longest_run(text: str) -> int:
    """How many backticks stand in a row at most."""
    return max(map(len, re.findall("`+", text)), default=0)


def _text(text: str) -> str:
    """Words of ours and of PyTorch's, without what Markdown would read into them."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@$])", r"\\\1", text)
