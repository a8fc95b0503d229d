"""Numbers of a run in words, and the diagnosis that they make."""

from __future__ import annotations

import math
from fractions import Fraction

from verifier.fields import as_float
from verifier.floats import Format, decimal, shortest, ulp
from verifier.judgement.walk import middle
from verifier.language.programs.program import Program
from verifier.traces import Cause, Diagnosis, Event, EventKind

LEAST_DIGITS, MOST_DIGITS = 6, 25


class Words:
    """How the numbers of a program in a format are called."""

    def __init__(self, program: Program, format_: Format) -> None:
        self.program, self.format = program, format_

    def diagnosis(
        self,
        cause: Cause,
        event: Event,
        message: str,
        *,
        amplification: float | None = None,
    ) -> Diagnosis:
        return Diagnosis(
            cause=cause,
            message=message,
            culprit=name(self.program, event),
            node=event.node,
            backward=event.kind is not EventKind.VALUE,
            measured=event.measured,
            true=true_number(event),
            error_ulp=self.error_ulp(event),
            amplification=amplification,
        )

    def error_ulp(self, event: Event) -> float | None:
        local = middle(event.local)
        if local is None or not math.isfinite(event.measured):
            return None
        return as_float(abs(Fraction(event.measured) - local) / ulp(local, self.format))

    def ulps(self, event: Event) -> str:
        error = self.error_ulp(event)
        return "" if error is None else f" ({error:.3g} ulp)"

    def measured(self, event: Event) -> str:
        return shortest(event.measured, self.format)


def name(program: Program, event: Event) -> str:
    """How a number's operation is called: its text, what it does and where it
    stands."""
    node = program.nodes[event.node]
    span = node.span
    line = f"line {span.line}, " if "\n" in program.source.strip() else ""
    what = "accumulation" if event.kind is EventKind.ADJOINT else node.operation
    text = short(program.text(event.node))
    return f"`{text}` ({what}, {line}column {span.column})"


def true_number(event: Event) -> str:
    """The local truth with as many digits as show where PyTorch's number leaves it."""
    local = middle(event.local)
    if local is None:
        return event.local.status.value
    if not math.isfinite(event.measured):
        return decimal(local, LEAST_DIGITS)
    error = abs(Fraction(event.measured) - local)
    spellings = (decimal(local, digits) for digits in range(LEAST_DIGITS, MOST_DIGITS))
    return next(
        (text for text in spellings if 100 * abs(Fraction(text) - local) <= error),
        decimal(local, MOST_DIGITS),
    )


def which_pass(event: Event) -> str:
    return "its result" if event.kind is EventKind.VALUE else "its backward"


def times(factor: float) -> str:
    return "without bound" if math.isinf(factor) else f"×{factor:.2g}"


def short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
