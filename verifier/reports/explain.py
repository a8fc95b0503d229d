"""One case derived step by step, as text: what is true, and what PyTorch has, side by
side.

All tables of a page have the same columns: what a number is, the true one, PyTorch's,
and how far apart they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from verifier.reports import page
from verifier.reports.page import (
    GAP,
    heading,
    indented,
    lines,
    name_width,
    plain,
    printed,
    wrapped,
)
from verifier.reports.result_line import STYLES
from verifier.traces import Answer, BackwardStep, Explanation, ForwardStep

MOST_STEPS = 60
"""Rows of a pass that are shown; a longer program is better read by its named steps."""

_INDENT = " " * GAP
_HEADERS = ("true", "PyTorch", "error")
_PASSED_ON = (
    "What a step hands on is its upstream gradient times the local derivative.",
    "What reaches an operand is added up: its upstream gradient, or the gradient.",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What a number is, and the number as it is true, as PyTorch has it, and how far
    apart the two are."""

    label: str
    numbers: tuple[str, str, str]
    style: str = ""


@dataclass(frozen=True, slots=True)
class _Section:
    """A table, with the lines before and after it."""

    title: str
    header: str
    rows: Sequence[_Row]
    after: Sequence[str] = field(default_factory=tuple)


def render(
    explanations: Sequence[Explanation],
    *,
    width: int | None = None,
    color: bool = False,
) -> str:
    """The derivations one after the other, each with an empty line before the next."""
    parts: list[Text] = []
    for explanation in explanations:
        if parts:
            parts.append(Text())
        parts += _page(explanation, page.columns(width))
    return printed(parts, width=width, color=color)


def _page(explanation: Explanation, columns: int) -> Iterator[Text]:
    style = STYLES.get(explanation.verdict.partition(".")[0], "")
    head = f"{plain(explanation.case)}  {explanation.dtype}  "
    yield Text.assemble((head, "bold"), (explanation.verdict, style))
    for line in explanation.source.strip("\n").expandtabs().split("\n"):
        yield from _indented(line, columns)
    at = ", ".join(f"{name} = {value}" for name, value in explanation.point.items())
    upstream = f"upstream gradient {explanation.upstream}"
    yield from _indented(f"at {at or 'no input'}; {upstream}", columns)
    if explanation.note is not None:
        yield from _indented(explanation.note, columns)
    yield from _symbolic(explanation, columns)
    if explanation.failure is not None:
        yield Text()
        yield from lines(wrapped(f"PyTorch raised: {explanation.failure}", columns))
        return
    yield from _tables(explanation, columns)
    yield from _list("Not as expected", explanation.unexpected, columns)
    yield from _list("Where", explanation.regions, columns)
    yield from _list("Instead", explanation.suggestions, columns)


def _symbolic(explanation: Explanation, columns: int) -> Iterator[Text]:
    if not explanation.derivatives:
        return
    yield from _title("The derivative, by SymPy", columns)
    for name, typeset in explanation.derivatives.items():
        yield Text(f"{_INDENT}by {plain(name)}:")
        if "\n" in typeset:
            yield from (Text(f"{2 * _INDENT}{line}") for line in typeset.split("\n"))
        else:
            yield from _indented(f"{_INDENT}{typeset}", columns)


# ── tables ────────────────────────────────────────────────────────────────────────────


def _tables(explanation: Explanation, columns: int) -> Iterator[Text]:
    sections = [
        _forward(explanation.forward),
        _backward(explanation.backward),
        _verdict(explanation.answers, explanation.upstream),
    ]
    shown = [section for section in sections if section.rows]
    rows = [row for section in shown for row in section.rows[:MOST_STEPS]]
    widths = [
        name_width((header, *(row.numbers[place] for row in rows)))
        for place, header in enumerate(_HEADERS)
    ]
    room = columns - len(_INDENT) - sum(width + GAP for width in widths)
    labels = [name_width([row.label]) for row in rows]
    label = max((width for width in labels if width <= room), default=0)
    for section in shown:
        yield from _title(section.title, columns)
        yield _line(_Row(section.header, _HEADERS, "dim"), label, widths)
        for row in section.rows[:MOST_STEPS]:
            yield from _lines_of(row, label, widths, columns)
        more = len(section.rows) - MOST_STEPS
        if more > 0:
            yield Text(f"{_INDENT}… and {more} more")
        for line in section.after:
            yield from _indented(line, columns)


def _lines_of(
    row: _Row, label: int, widths: Sequence[int], columns: int
) -> Iterator[Text]:
    """A row on one line; below its label, where that is too long."""
    if name_width([row.label]) <= label:
        yield _line(row, label, widths)
        return
    yield from _indented(row.label, columns)
    yield _line(_Row("", row.numbers, row.style), label, widths)


def _line(row: _Row, label: int, widths: Sequence[int]) -> Text:
    cells = zip((row.label, *row.numbers), (label, *widths), strict=True)
    gap = " " * GAP
    text = gap.join(_filled(plain(cell), width) for cell, width in cells)
    return Text(f"{_INDENT}{text}".rstrip(), style=row.style)


def _filled(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))


def _forward(steps: Sequence[ForwardStep]) -> _Section:
    rows = [_Row(s.text, (s.true, s.measured, s.error)) for s in steps]
    return _Section("Forward: each operation's value", "step", rows)


def _backward(steps: Sequence[BackwardStep]) -> _Section:
    rows = []
    for _, handed in itertools.groupby(steps, key=lambda step: step.node):
        first, *others = handed
        upstream = (first.upstream_true, first.upstream_measured, "")
        rows.append(_Row(first.text, upstream))
        rows += [
            _Row(
                f"{_INDENT}to {step.operand}: × {step.derivative}",
                (step.true, step.measured, step.error),
            )
            for step in (first, *others)
        ]
    title = "Backward: each step's upstream gradient, and what it hands to each operand"
    return _Section(title, "step", rows, _PASSED_ON)


def _verdict(answers: Sequence[Answer], upstream: str) -> _Section:
    names = [_named(answer, upstream) for answer in answers]
    widest = name_width(names)
    rows = [
        _Row(
            f"{_filled(name, widest)}  {a.verdict}",
            (a.true, a.measured, a.error),
            "" if a.verdict.startswith("match.") else "bold",
        )
        for name, a in zip(names, answers, strict=True)
    ]
    alike: dict[str, list[str]] = {}
    for answer in answers:
        cause = ": ".join(filter(None, (answer.culprit, answer.message)))
        alike.setdefault(cause, []).append(answer.quantity)
    causes = [f"{', '.join(named)}: {cause}" for cause, named in alike.items() if cause]
    return _Section("Verdict", "", rows, causes)


def _named(answer: Answer, upstream: str) -> str:
    """The quantity, with its upstream gradient where that is not the page's."""
    if answer.upstream in ("", upstream):
        return answer.quantity
    return f"{answer.quantity} under {answer.upstream}"


# ── lines ─────────────────────────────────────────────────────────────────────────────


def _list(title: str, items: Sequence[str], columns: int) -> Iterator[Text]:
    if items:
        yield from _title(title, columns)
        for line in items:
            yield from _indented(line, columns)


def _title(text: str, columns: int) -> Iterator[Text]:
    yield Text()
    yield from map(heading, wrapped(text, columns))


def _indented(text: str, columns: int) -> Iterator[Text]:
    return lines(indented(text, columns))
