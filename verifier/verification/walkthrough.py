"""The steps of a program as an explanation shows them: forward, backward, and the
numbers that are judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from verifier.floats import FORMATS, Format, decimal, nearest, shortest, ulp
from verifier.language.casefile.case import Case
from verifier.language.operations.table import OPERATIONS, Sort
from verifier.language.programs.printing import abbreviated, render_node, render_nodes
from verifier.language.programs.program import Program
from verifier.records import Comparison, Result, Truth, TruthStatus
from verifier.symbolic.calculus import typeset
from verifier.traces import (
    Answer,
    BackwardStep,
    Event,
    EventKind,
    ForwardStep,
    Trace,
)
from verifier.verification import culprits

LONGEST = (40, 32, 24, 20, 16, 12, 8, 0)
"""Columns of an operand's text past which it is written as a name: the first at which
the steps fit the page is taken."""
LEAST_ROOM = 16
"""Columns that a step needs beside its numbers."""
_GAP = 2
"""Blanks before each number of a step."""


def named(
    program: Program, events: Sequence[Event], format_: Format, columns: int
) -> Program:
    """The program with names for as many of its operands as it takes for each step to
    stand on one line of the page beside its numbers."""
    steps = forward(program, events, format_)
    if not steps:
        return program
    numbers = ([s.true, s.measured, s.error] for s in steps)
    widths = (max(map(len, column)) for column in zip(*numbers, strict=True))
    room = columns - sum(width + _GAP for width in widths)
    nodes = {event.node for event in _values(program, events)}
    if room < LEAST_ROOM:  # no name is short enough
        return abbreviated(program, LONGEST[0])
    shown = program
    for longest in LONGEST:
        texts = render_nodes(shown)
        if max(len(texts[node]) for node in nodes) <= room:
            break
        shown = abbreviated(program, longest)
    return shown


def forward(
    program: Program, events: Sequence[Event], format_: Format
) -> tuple[ForwardStep, ...]:
    """The value of each operation."""
    texts = render_nodes(program)
    return tuple(
        ForwardStep(
            text=texts[event.node],
            true=_true(event.true, format_, _is_condition(program, event.node)),
            measured=_measured(
                event.measured, format_, _is_condition(program, event.node)
            ),
            error=_error(event, format_),
        )
        for event in _values(program, events)
    )


def _values(program: Program, events: Sequence[Event]) -> list[Event]:
    """The values of the forward pass that are shown."""
    return [
        event
        for event in events
        if event.kind is EventKind.VALUE
        and program.nodes[event.node].operation != "constant"
        and not _is_literal(program, event)
    ]


def _is_literal(program: Program, event: Event) -> bool:
    """Whether the value is arithmetic among constants."""
    return bool(program.nodes[event.node].arguments) and not event.sources


def backward(
    program: Program, events: Sequence[Event], format_: Format
) -> tuple[BackwardStep, ...]:
    """What each operation hands on to each of its operands."""
    texts = render_nodes(program)
    rows: list[BackwardStep] = []
    for event in events:
        if event.kind is not EventKind.PRODUCT or event.operand is None:
            continue
        upstream = events[event.sources[0].event]
        node = program.nodes[event.node]
        rows.append(
            BackwardStep(
                node=event.node,
                text=texts[event.node],
                upstream_true=_true(upstream.true, format_),
                upstream_measured=_measured(upstream.measured, format_),
                operand=_called(program, node.arguments[event.operand]),
                derivative=typeset.local(program, event.node, event.operand),
                true=_true(event.true, format_),
                measured=_measured(event.measured, format_),
                error=_error(event, format_),
            )
        )
    return tuple(rows)


def _called(program: Program, index: int) -> str:
    names = [name for name, at in program.steps.items() if at == index]
    return names[0] if names else render_node(program, index)


def _is_condition(program: Program, index: int) -> bool:
    row = OPERATIONS.get(program.nodes[index].operation)
    return row is not None and row.result is Sort.CONDITION


def _true(truth: Truth, format_: Format, condition: bool = False) -> str:
    """The truth to some digits more than the dtype has."""
    if truth.status is not TruthStatus.FINITE or truth.interval is None:
        return truth.status.value
    middle = (truth.interval.lower + truth.interval.upper) / 2
    if condition:
        return str(bool(middle)).lower()
    return decimal(middle, _digits(format_))


def _digits(format_: Format) -> int:
    return math.ceil(format_.precision_bits * math.log10(2)) + 3


def _cut(true: str, format_: Format) -> str:
    """A truth, if it is a number, to those digits."""
    try:
        return decimal(Fraction(true), _digits(format_))
    except ValueError:  # `undefined`, or an interval
        return true


def _measured(value: float, format_: Format, condition: bool = False) -> str:
    return str(bool(value)).lower() if condition else spell(value, format_)


def _error(event: Event, format_: Format) -> str:
    """How far the measured number is off, if that is a number of ulps."""
    truth = event.true
    if truth.status is not TruthStatus.FINITE or truth.interval is None:
        return ""
    middle = (truth.interval.lower + truth.interval.upper) / 2
    if math.isinf(event.measured) and event.measured == nearest(middle, format_):
        return "overflow"
    if not math.isfinite(event.measured):
        return "-"
    if event.measured == 0 != middle and nearest(middle, format_) == 0:
        return "underflow"
    if event.measured == middle:
        return ""
    error = abs(Fraction(event.measured) - middle) / ulp(middle, format_)
    try:
        return f"{float(error):.3g} ulp"
    except OverflowError:
        return "-"


def answers(
    case: Case,
    result: Result,
    trace: Trace,
    events: Sequence[Event],
    dtype: str,
    upstream: str,
) -> tuple[Answer, ...]:
    """The comparisons of a result, the value first, with as many digits as the steps
    have.

    A walk over the program, under the `upstream` gradient, says why one of them
    differs.
    """
    rows: list[Answer] = []
    for comparison in sorted(result.comparisons, key=lambda c: c.quantity != "value"):
        is_walked = case.subject is None and comparison.upstream == upstream
        is_open = comparison.culprit is None and comparison.quantity != "hessian"
        if is_walked and is_open and comparison.verdict.family == "differ":
            diagnosis = culprits.conclude(
                case.program,
                trace,
                events,
                dtype=dtype,
                wrt=next(iter(comparison.wrt), None),
            )
            comparison = culprits.attach(comparison, diagnosis)
        rows.append(_answer(comparison, FORMATS[dtype]))
    return tuple(rows)


def _answer(comparison: Comparison, format_: Format) -> Answer:
    error = comparison.error_ulp
    return Answer(
        quantity=" ".join((comparison.quantity, *comparison.wrt)),
        upstream=comparison.upstream if comparison.wrt else "",
        true=_cut(comparison.true, format_),
        measured=comparison.measured.removesuffix(".0"),
        error=f"{error:.3g} ulp" if error else "",
        verdict=comparison.verdict.value,
        culprit=comparison.culprit,
        message=comparison.message,
    )


def spell(value: float, format_: Format) -> str:
    """The shortest decimal of a number."""
    return shortest(value, format_).removesuffix(".0")
