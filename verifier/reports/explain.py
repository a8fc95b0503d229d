"""One case derived step by step, as text: what is true, and what PyTorch has, side by
side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from verifier.reports.page import LEAST_WIDTH, PLAIN_WIDTH, name_width, table
from verifier.traces import Answer, BackwardStep, Explanation, ForwardStep

MOST_STEPS = 60
"""Rows of a pass that are shown; a longer program is better read by its named steps."""

_INDENT = "  "
_GAP = 2


def render(
    explanations: Sequence[Explanation],
    *,
    width: int | None = None,
    color: bool = False,
) -> str:
    """The derivations one after the other, each with an empty line before the next."""
    pages = (
        "\n".join(_page(explanation, width, color)) for explanation in explanations
    )
    return "\n\n".join(pages) + "\n"


def _page(explanation: Explanation, width: int | None, color: bool) -> Iterator[str]:
    yield f"{explanation.case}  {explanation.dtype}  {explanation.verdict}"
    yield from _indented(explanation.source.strip("\n").expandtabs())
    at = ", ".join(f"{name} = {value}" for name, value in explanation.point.items())
    yield f"{_INDENT}at {at or 'no input'}; upstream gradient {explanation.upstream}"
    if explanation.note is not None:
        yield f"{_INDENT}{explanation.note}"
    yield from _symbolic(explanation)
    if explanation.failure is not None:
        yield ""
        yield f"PyTorch raised: {explanation.failure}"
        return
    yield from _forward(explanation.forward, width, color)
    yield from _backward(explanation.backward, width, color)
    yield from _answers(explanation.answers, width, color)
    yield from _list("Not as expected", explanation.unexpected)
    yield from _list("Where", explanation.regions)
    yield from _list("Instead", explanation.suggestions)


def _symbolic(explanation: Explanation) -> Iterator[str]:
    if not explanation.derivatives:
        return
    yield from _title("The derivative, by SymPy")
    for name, typeset in explanation.derivatives.items():
        yield f"{_INDENT}by {name}:"
        yield from _indented(typeset, 2)


def _forward(
    steps: Sequence[ForwardStep], width: int | None, color: bool
) -> Iterator[str]:
    if not steps:
        return
    yield from _title("Forward: each operation's value")
    rows = [[step.text, step.true, step.measured, step.error] for step in steps]
    yield from _table(("step", "true", "PyTorch", "error"), rows, width, color)


def _backward(
    steps: Sequence[BackwardStep], width: int | None, color: bool
) -> Iterator[str]:
    if not steps:
        return
    yield from _title(
        "Backward: an operation hands its upstream gradient times its local derivative to each operand"
    )
    headers = (
        "step",
        "upstream, true",
        "PyTorch",
        "operand",
        "local derivative",
        "handed on, true",
        "PyTorch",
        "error",
    )
    rows = [
        [
            step.text,
            step.upstream_true,
            step.upstream_measured,
            step.operand,
            step.derivative,
            step.true,
            step.measured,
            step.error,
        ]
        for step in steps
    ]
    yield from _table(headers, rows, width, color)
    yield (
        f"{_INDENT}What reaches an operand from all its uses adds up to its upstream gradient; "
        "that of an input is the gradient."
    )


def _answers(
    answers: Sequence[Answer], width: int | None, color: bool
) -> Iterator[str]:
    if not answers:
        return
    yield from _title("Verdict")
    headers = ("", "upstream", "true", "PyTorch", "error", "verdict")
    rows = [
        [a.quantity, a.upstream, a.true, a.measured, a.error, a.verdict]
        for a in answers
    ]
    yield from _table(headers, rows, width, color)
    for answer in answers:
        cause = ": ".join(part for part in (answer.culprit, answer.message) if part)
        if cause:
            yield f"{_INDENT}{answer.quantity}: {cause}"


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from _title(title)
        yield from (f"{_INDENT}{line}" for line in lines)


def _title(text: str) -> Iterator[str]:
    yield ""
    yield text


def _table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None,
    color: bool,
) -> Iterator[str]:
    """The rows as a table, or, where the page is too narrow for it, a block of lines
    for each: no number is broken."""
    shown = rows[:MOST_STEPS]
    columns = zip(headers, *shown, strict=True)
    natural = sum(name_width(column) + _GAP for column in columns)
    page = PLAIN_WIDTH if width is None else max(width, LEAST_WIDTH)
    if natural + len(_INDENT) <= page or width is None:
        text = table(headers, shown, width=max(page, natural), color=color)
        yield from _indented(text.rstrip("\n"))
    else:
        for row in shown:
            first, *others = zip(headers, row, strict=True)
            yield f"{_INDENT}{first[1]}"
            yield from (f"{_INDENT * 3}{h}: {cell}" for h, cell in others if cell)
    if len(rows) > len(shown):
        yield f"{_INDENT}… and {len(rows) - len(shown)} more"


def _indented(text: str, levels: int = 1) -> Iterator[str]:
    return (f"{_INDENT * levels}{line}".rstrip() for line in text.split("\n"))
