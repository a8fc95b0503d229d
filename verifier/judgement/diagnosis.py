"""Where and why a number of PyTorch's differs: the run is walked back from it, along whatever brings most of its error.

At every number of the run, the error splits into what the operation did itself (against the truth at PyTorch's own
operands) and what each operand brought (how far the truth moves with PyTorch's number in that operand's place). The
walk follows the largest part until an operation's own is the largest. That operation is the culprit if its own error is
more than a few ulps; else every operation is accurate, and the step that amplified their rounding is named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.floats import Format, decimal, nearest, shortest, ulp
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.records import Truth, TruthStatus
from verifier.traces import Cause, Diagnosis, Event, EventKind, Source

LONGEST_FORM = 120
"""Characters of a formula past which a message does not quote it."""
ACCURATE_ULP = 4
"""A local error of up to this is an accurate operation. A heuristic, tuned on the elementary cases in all four formats:
none of the 2,496 runs had a larger one, save PyTorch's trigamma in float64, which is off by thousands."""
AMPLIFYING = 16
"""From this factor on (four bits), a step is said to amplify the rounding that it is handed: a heuristic."""
LEAST_DIGITS, MOST_DIGITS = 6, 25
FAR = Fraction(1, 2)
"""A relative error from which a number is no rounding of the true one, but another number."""


def diagnose(
    program: Program,
    events: Sequence[Event],
    format_: Format,
    *,
    wrt: str | None = None,
) -> Diagnosis:
    """The cause of the error in the value (`wrt` None), or in the gradient by an input or named step.

    `program` is the expanded one, and `events` its numbers in order of execution.
    """
    return _Walk(program, events, format_).diagnose(wrt)


@dataclass(frozen=True, slots=True)
class _Hop:
    """A step of the walk: from a number to the operand that brings most of its error."""

    event: Event
    source: Source


class _Walk:
    def __init__(
        self, program: Program, events: Sequence[Event], format_: Format
    ) -> None:
        self.program, self.events, self.format = program, events, format_
        self.constants = constant_values(program)

    def diagnose(self, wrt: str | None) -> Diagnosis:
        target = self._target(wrt)
        if target is None:
            return Diagnosis(
                cause=Cause.NONE, message="no gradient flows back here on either side"
            )
        if self._is_right(target):
            return Diagnosis(
                cause=Cause.NONE,
                message="the number is right where the point is run by itself",
            )
        hops, origin = self._follow(target)
        return self._classify(origin, hops)

    def _target(self, wrt: str | None) -> Event | None:
        kind = EventKind.VALUE if wrt is None else EventKind.ADJOINT
        node = self.program.output
        if wrt is not None:
            node = self.program.steps.get(wrt, -1)
            if wrt not in self.program.steps:
                node = _leaf(self.program, wrt)
        found = (e for e in self.events if e.kind is kind and e.node == node)
        return next(found, None)

    def _is_right(self, event: Event) -> bool:
        true = _middle(event.true)
        return true is not None and _is_number(event.measured, true, self.format)

    # ── the walk ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _follow(self, event: Event) -> tuple[list[_Hop], Event]:
        """The way from a number to where its error arises."""
        hops: list[_Hop] = []
        while (source := self._next(event)) is not None:
            hops.append(_Hop(event, source))
            event = self.events[source.event]
        return hops, event

    def _next(self, event: Event) -> Source | None:
        """The source that brings most of an event's error; None where the event itself does."""
        if math.isnan(event.measured):
            return self._next_of_nan(event)
        if math.isinf(event.measured):
            return (
                self._first(event, self._is_infinite)
                or self._far_source(event)
                or self._rounded_source(event)
            )
        return self._next_of_finite(event)

    def _next_of_nan(self, event: Event) -> Source | None:
        if self._is_zero_adjoint_product(event):
            return None
        return (
            self._first(event, lambda source: math.isnan(source.measured))
            or self._first(
                event, lambda s: self._is_infinite(s) and _middle(s.true) is not None
            )
            or self._far_source(event)
            or self._rounded_source(event)
        )

    def _next_of_finite(self, event: Event) -> Source | None:
        spurious = self._first(
            event,
            lambda s: not math.isfinite(s.measured) and _middle(s.true) is not None,
            moving=True,
        )
        local = _middle(event.local)
        if spurious is not None or local is None:
            return spurious
        if _middle(event.true) is None:
            return self._first(event, lambda source: _middle(source.true) is None)
        largest = max(event.sources, key=_reach, default=None)
        if largest is None or _reach(largest) == 0:
            return None
        own = abs(Fraction(event.measured) - local)
        return largest if _reach(largest) > own else None

    def _far_source(self, event: Event) -> Source | None:
        """Where an operation's own operands do not excuse it, one that is another number than the true one."""
        overflows = self._overflows(event)
        if _middle(event.local) is not None and not overflows:
            return None
        if self._is_sum(event) and not overflows:
            return None  # no finite term makes a sum infinite, or NaN
        return self._first(event, self._is_far)

    def _is_sum(self, event: Event) -> bool:
        if event.kind is EventKind.VALUE:
            return operations.row(self.program.nodes[event.node].operation).is_sum
        return event.kind is EventKind.ADJOINT

    def _rounded_source(self, event: Event) -> Source | None:
        """The operand that was rounded onto an edge of the operation, which is no edge at the true operands."""
        if _middle(event.true) is None or _middle(event.local) is not None:
            return None
        moved = (s for s in event.sources if s.share is None)
        return next((s for s in moved if self._is_rounded(self.events[s.event])), None)

    def _is_rounded(self, event: Event) -> bool:
        true = _middle(event.true)
        return (
            true is not None
            and math.isfinite(event.measured)
            and Fraction(event.measured) != true
        )

    def _first(
        self, event: Event, holds: Callable[[Event], bool], *, moving: bool = False
    ) -> Source | None:
        """The earliest source that holds; `moving` leaves out those that do not move the event's truth."""
        found = (
            source
            for source in event.sources
            if holds(self.events[source.event]) and not (moving and source.share == 0)
        )
        return min(found, key=lambda source: source.event, default=None)

    def _is_infinite(self, event: Event) -> bool:
        return math.isinf(event.measured)

    def _is_far(self, event: Event) -> bool:
        true = _middle(event.true)
        if true is None or not math.isfinite(event.measured):
            return False
        return abs(Fraction(event.measured) - true) > FAR * abs(true)

    def _is_zero_adjoint_product(self, event: Event) -> bool:
        """Whether nothing truly flows back, and PyTorch multiplies that zero all the same."""
        if event.kind is not EventKind.PRODUCT:
            return False
        adjoint = self.events[event.sources[0].event]
        return adjoint.measured == 0 and _middle(adjoint.true) == 0

    def _overflows(self, event: Event) -> bool:
        local = _middle(event.local)
        return (
            math.isinf(event.measured)
            and local is not None
            and nearest(local, self.format) == event.measured
        )

    # ── the cause ────────────────────────────────────────────────────────────────────────────────────────────────

    def _classify(self, origin: Event, hops: Sequence[_Hop]) -> Diagnosis:
        if math.isfinite(origin.measured):
            return self._classify_finite(origin, hops)
        if self._is_zero_adjoint_product(origin):
            return self._told(
                Cause.ZERO_TIMES_INFINITY, origin, self._zero_times(origin)
            )
        if math.isnan(origin.measured) and origin.kind is EventKind.PRODUCT:
            adjoint = self.events[origin.sources[0].event]
            if self._is_infinite(adjoint):
                return self._infinite_adjoint(origin, adjoint)
        if self._overflows(origin):
            return self._told(
                Cause.OVERFLOW,
                origin,
                f"{_pass(origin)} overflows to {self._measured(origin)} where {_true(origin)} is true",
            )
        if _middle(origin.local) is not None:
            return self._own(origin)
        if origin.local.status is TruthStatus.UNDEFINED and not self._infinite_operands(
            origin
        ):
            return self._told(
                Cause.DOMAIN,
                origin,
                f"{self._measured(origin)}: {origin.local.reason}",
            )
        return self._told(
            Cause.SINGULARITY,
            origin,
            f"{self._form(origin)} gives {self._measured(origin)}: a singularity met head-on",
        )

    def _classify_finite(self, origin: Event, hops: Sequence[_Hop]) -> Diagnosis:
        local = _middle(origin.local)
        if local is None:
            return self._off_the_smooth(origin)
        own = abs(Fraction(origin.measured) - local)
        unit = ulp(local, self.format)
        if own > ACCURATE_ULP * unit:
            return self._own(origin)
        if local and own > ACCURATE_ULP * abs(local) / 2**self.format.precision_bits:
            if abs(local) < self.format.smallest_normal:
                return self._told(
                    Cause.UNDERFLOW,
                    origin,
                    f"{_pass(origin)} underflows to {self._measured(origin)} where {_true(origin)} is true",
                )
        edge = next((hop for hop in hops if self._is_onto_edge(hop)), None)
        if edge is not None:
            return self._rounded_onto_edge(origin, edge)
        return self._amplified(origin, hops)

    def _is_onto_edge(self, hop: _Hop) -> bool:
        """Whether an operand that is near the true one made an operation's result infinite or NaN."""
        source = self.events[hop.source.event]
        return (
            not math.isfinite(hop.event.measured)
            and _middle(hop.event.local) is None
            and self._is_rounded(source)
            and not self._is_far(source)
        )

    def _rounded_onto_edge(self, origin: Event, edge: _Hop) -> Diagnosis:
        """Every operation is accurate; what one of them was handed is rounded to where it has no finite result."""
        met = f"`{_short(self.program.text(edge.event.node))}`"
        what = met if edge.event.kind is EventKind.VALUE else f"the backward of {met}"
        operand = self.events[edge.source.event]
        from_ = ""
        if origin is not operand:
            from_ = f", by which `{_short(self.program.text(operand.node))}` becomes {self._measured(operand)}"
        return self._told(
            Cause.SINGULARITY,
            origin,
            f"rounds to {self._measured(origin)} where {_true(origin)} is true{from_}; "
            f"{what} is {self._measured(edge.event)} there",
        )

    def _own(self, origin: Event) -> Diagnosis:
        """An operation that is inaccurate at its own operands."""
        numbers = f"{self._measured(origin)} where {_true(origin)} is true{self._ulps(origin)}"
        if origin.kind is EventKind.VALUE:
            return self._told(Cause.KERNEL, origin, f"its own result is {numbers}")
        if origin.kind is EventKind.ADJOINT:
            return self._told(
                Cause.KERNEL, origin, f"what flows back is summed to {numbers}"
            )
        return self._told(
            Cause.FORMULA,
            origin,
            f"its own backward gives {numbers}{self._formula(origin)}",
        )

    def _formula(self, origin: Event) -> str:
        """How PyTorch's documented formula stands to a backward's error."""
        form = self._documented(origin)
        if form is None or origin.explained is None:
            return ""
        called = f"its formula `{form}`" if len(form) <= LONGEST_FORM else "its formula"
        if origin.explained:
            return f", as {called} comes out in {self.format.name}"
        return f", which no rounding of {called} explains"

    def _documented(self, origin: Event) -> str | None:
        kernel = PYTORCH.get(self.program.nodes[origin.node].operation)
        if kernel is None or origin.operand is None:
            return None
        return kernel.backward[origin.operand] if kernel.backward else None

    def _zero_times(self, origin: Event) -> str:
        adjoint = self.events[origin.sources[0].event]
        where = self._masking(adjoint)
        from_ = "" if where is None else f" of the branch that {where} leaves out"
        return (
            f"0·inf: the zero adjoint{from_} times an infinite or undefined derivative "
            f"gives {self._measured(origin)}"
        )

    def _infinite_adjoint(self, origin: Event, adjoint: Event) -> Diagnosis:
        """A zero derivative under an adjoint that is truly infinite: the culprit is what made it so."""
        _, source = self._follow(adjoint)
        met = _short(self.program.text(origin.node))
        return self._told(
            Cause.ZERO_TIMES_INFINITY,
            source,
            f"inf·0: {_pass(source)} is infinite here, which times the zero derivative of `{met}` "
            f"gives {self._measured(origin)}",
        )

    def _masking(self, adjoint: Event) -> str | None:
        """The `where` whose untaken branch an adjoint of zero comes from."""
        work = [adjoint]
        while work:
            event = work.pop()
            earlier = [self.events[source.event] for source in event.sources]
            if event.kind is EventKind.PRODUCT and earlier[0].measured != 0:
                if self.program.nodes[event.node].operation == "where":
                    return f"`{_short(self.program.text(event.node))}`"
                continue
            work.extend(e for e in earlier if e.kind is not EventKind.VALUE)
        return None

    def _off_the_smooth(self, origin: Event) -> Diagnosis:
        """A finite number where the operation has no derivative, or no value."""
        kernel = PYTORCH[self.program.nodes[origin.node].operation]
        if origin.local.status is TruthStatus.UNDEFINED:
            return self._told(
                Cause.DOMAIN,
                origin,
                f"{self._measured(origin)}, a finite number: {origin.local.reason}",
            )
        convention = f" (convention: {kernel.convention})"
        if not kernel.convention or not self._follows(origin, kernel.convention):
            convention = ""
        return self._told(
            Cause.KINK,
            origin,
            f"stands exactly at its edge, where PyTorch gives {self._measured(origin)}{convention}",
        )

    def _follows(self, origin: Event, convention: str) -> bool:
        """Whether a convention may be what was followed: one that names a number is no reason for another."""
        if origin.kind is not EventKind.PRODUCT:
            return False
        stated = re.match(r"([-−]?)(\d+)(?:/(\d+))? ", convention)
        if stated is None:
            return True
        minus, above, below = stated.groups()
        number = int(above) / int(below or 1) * (-1 if minus else 1)
        adjoint = self.events[origin.sources[0].event].measured
        return origin.measured == number * adjoint

    def _infinite_operands(self, origin: Event) -> bool:
        return any(
            math.isinf(self.events[source.event].measured) for source in origin.sources
        )

    def _form(self, origin: Event) -> str:
        """The indeterminate form that an operation met."""
        if origin.kind is EventKind.ADJOINT:
            return self._sum(origin)
        node = self.program.nodes[origin.node]
        operands = [self.events[argument].measured for argument in node.arguments]
        match node.operation, operands:
            case "div", [0.0, 0.0]:
                return "0/0"
            case "div", [_, 0.0]:
                return "a division by zero"
            case (("mul" | "div"), [x, y]) if math.isinf(x) or math.isinf(y):
                return "0·inf" if 0.0 in (x, y) else "inf/inf"
            case (("add" | "sub"), [x, y]) if math.isinf(x) and math.isinf(y):
                return "inf − inf"
        return f"{_pass(origin)} at {self._listed(operands)}"

    def _sum(self, origin: Event) -> str:
        """The indeterminate form in which what flows back from several uses is summed."""
        parts = [self.events[source.event].measured for source in origin.sources]
        if math.inf in parts and -math.inf in parts:
            return "inf − inf, summed of what flows back,"
        return f"the sum of what flows back ({self._listed(parts)})"

    def _listed(self, numbers: Sequence[float]) -> str:
        return ", ".join(shortest(number, self.format) for number in numbers)

    # ── amplification ────────────────────────────────────────────────────────────────────────────────────────────

    def _amplified(self, origin: Event, hops: Sequence[_Hop]) -> Diagnosis:
        """Every operation is accurate: the first step, in order of execution, that amplifies much of the rounding."""
        found = [(hop, self._amplification(hop)) for hop in reversed(hops)]
        largest = max((factor for _, factor in found), default=1.0)
        if largest < AMPLIFYING:
            return self._gathered(origin, hops)
        enough = max(AMPLIFYING, math.sqrt(largest))
        hop, factor = next(pair for pair in found if pair[1] >= enough)
        return self._told_at(hop, factor)

    def _told_at(self, hop: _Hop, factor: float) -> Diagnosis:
        node = self.program.nodes[hop.event.node]
        cancels = hop.event.kind is EventKind.ADJOINT or (
            hop.event.kind is EventKind.VALUE and operations.row(node.operation).is_sum
        )
        how = "by cancellation here" if cancels else f"by {self._doer(hop.event)} here"
        carried = self._carried(self.events[hop.source.event])
        return self._told(
            Cause.CANCELLATION if cancels else Cause.AMPLIFICATION,
            hop.event,
            f"every operation is accurate; the rounding of {carried} is amplified {_times(factor)} {how}",
            amplification=factor,
        )

    def _gathered(self, origin: Event, hops: Sequence[_Hop]) -> Diagnosis:
        """No step stands out: the rounding of many adds up."""
        target = hops[0].event if hops else origin
        true = _middle(target.true)
        factor = None
        if true and math.isfinite(target.measured):
            relative = abs(Fraction(target.measured) - true) / abs(true)
            factor = _float(relative * 2**self.format.precision_bits)
        if factor is None or factor < AMPLIFYING:
            how = "their rounding alone adds up to the error"
        else:
            how = f"rounding is amplified {_times(factor)} on the way from here"
        return self._told(
            Cause.AMPLIFICATION,
            origin,
            f"every operation is accurate; {how}",
            amplification=factor,
        )

    def _amplification(self, hop: _Hop) -> float:
        """By how much the operand's relative error grows in the event."""
        source = self.events[hop.source.event]
        true, operand = _middle(hop.event.true), _middle(source.true)
        share = hop.source.share
        if true is None or operand is None or not share or not operand:
            return 1.0
        if not math.isfinite(source.measured):
            return 1.0
        error = abs(Fraction(source.measured) - operand) / abs(operand)
        if not error:
            return 1.0
        return _float(abs(share) / abs(true) / error) if true else math.inf

    def _doer(self, event: Event) -> str:
        operation = self.program.nodes[event.node].operation
        backward = event.kind is EventKind.PRODUCT
        return f"the backward of `{operation}`" if backward else f"`{operation}`"

    def _carried(self, event: Event) -> str:
        text = _short(self.program.text(event.node))
        if event.kind is EventKind.VALUE and event.node in self.constants:
            return f"`{text}` to {self._measured(event)}"
        if event.kind is EventKind.VALUE:
            return f"`{text}`"
        if event.kind is EventKind.ADJOINT:
            return f"the adjoint of `{text}`"
        return f"what `{text}` hands back"

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _told(
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
            true=_true(event),
            error_ulp=self._error_ulp(event),
            amplification=amplification,
        )

    def _error_ulp(self, event: Event) -> float | None:
        local = _middle(event.local)
        if local is None or not math.isfinite(event.measured):
            return None
        return _float(abs(Fraction(event.measured) - local) / ulp(local, self.format))

    def _ulps(self, event: Event) -> str:
        error = self._error_ulp(event)
        return "" if error is None else f" ({error:.3g} ulp)"

    def _measured(self, event: Event) -> str:
        return shortest(event.measured, self.format)


def name(program: Program, event: Event) -> str:
    """How a number's operation is called: its text, what it does and where it stands."""
    node = program.nodes[event.node]
    span = node.span
    line = f"line {span.line}, " if "\n" in program.source.strip() else ""
    what = "accumulation" if event.kind is EventKind.ADJOINT else node.operation
    text = _short(program.text(event.node))
    return f"`{text}` ({what}, {line}column {span.column})"


def _leaf(program: Program, name: str) -> int:
    return next(
        (i for i, node in enumerate(program.nodes) if node.name == name),
        -1,
    )


def _middle(truth: Truth) -> Fraction | None:
    if truth.status is not TruthStatus.FINITE or truth.interval is None:
        return None
    return (truth.interval.lower + truth.interval.upper) / 2


def _is_number(measured: float, true: Fraction, format_: Format) -> bool:
    return measured == nearest(true, format_)


def _reach(source: Source) -> Fraction:
    return abs(source.share) if source.share is not None else Fraction(0)


def _true(event: Event) -> str:
    """The local truth with as many digits as show where PyTorch's number leaves it."""
    middle = _middle(event.local)
    if middle is None:
        return event.local.status.value
    if not math.isfinite(event.measured):
        return decimal(middle, LEAST_DIGITS)
    error = abs(Fraction(event.measured) - middle)
    spellings = (decimal(middle, digits) for digits in range(LEAST_DIGITS, MOST_DIGITS))
    return next(
        (text for text in spellings if 100 * abs(Fraction(text) - middle) <= error),
        decimal(middle, MOST_DIGITS),
    )


def _pass(event: Event) -> str:
    return "its result" if event.kind is EventKind.VALUE else "its backward"


def _times(factor: float) -> str:
    return "without bound" if math.isinf(factor) else f"×{factor:.2g}"


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
