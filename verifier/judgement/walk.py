"""From a number that is off back to where its error arises.

At every number of the run, the error splits into what the operation did itself (against
the truth at PyTorch's own operands) and what each operand brought (how far the truth
moves with PyTorch's number in that operand's place). The walk follows the largest part
until an operation's own is the largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.floats import Format, nearest
from verifier.language.operations import table as operations
from verifier.language.programs.program import Program
from verifier.records import Truth, TruthStatus
from verifier.traces import Event, EventKind, Source

FAR = Fraction(1, 2)
"""A relative error from which a number is no rounding of the true one, but another
number."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A step of the walk: from a number to the operand that brings most of its
    error."""

    event: Event
    source: Source


class Walk:
    """The numbers of a run, in order of execution, and the ways back through them."""

    def __init__(
        self, program: Program, events: Sequence[Event], format_: Format
    ) -> None:
        self.program, self.events, self.format = program, events, format_

    def follow(self, event: Event) -> tuple[list[Hop], Event]:
        """The way from a number to where its error arises."""
        hops: list[Hop] = []
        while (source := self._next(event)) is not None:
            hops.append(Hop(event, source))
            event = self.events[source.event]
        return hops, event

    def _next(self, event: Event) -> Source | None:
        """The source that brings most of an event's error; None where the event itself
        does."""
        if math.isnan(event.measured):
            return self._next_of_nan(event)
        if math.isinf(event.measured):
            return (
                self._first(event, self.is_infinite)
                or self._far_source(event)
                or self._rounded_source(event)
            )
        return self._next_of_finite(event)

    def _next_of_nan(self, event: Event) -> Source | None:
        if self.is_zero_adjoint_product(event):
            return None
        return (
            self._first(event, lambda source: math.isnan(source.measured))
            or self._first(
                event, lambda s: self.is_infinite(s) and middle(s.true) is not None
            )
            or self._far_source(event)
            or self._rounded_source(event)
        )

    def _next_of_finite(self, event: Event) -> Source | None:
        spurious = self._first(
            event,
            lambda s: not math.isfinite(s.measured) and middle(s.true) is not None,
            moving=True,
        )
        local = middle(event.local)
        if spurious is not None or local is None:
            return spurious
        if middle(event.true) is None:
            return self._first(event, lambda source: middle(source.true) is None)
        largest = max(event.sources, key=_reach, default=None)
        if largest is None or _reach(largest) == 0:
            return None
        own = abs(Fraction(event.measured) - local)
        return largest if _reach(largest) > own else None

    def _far_source(self, event: Event) -> Source | None:
        """Where an operation's own operands do not excuse it, one that is another
        number than the true one."""
        overflows = self.overflows(event)
        if middle(event.local) is not None and not overflows:
            return None
        if self._is_sum(event) and not overflows:
            return None  # no finite term makes a sum infinite, or NaN
        return self._first(event, self.is_far)

    def _is_sum(self, event: Event) -> bool:
        if event.kind is EventKind.VALUE:
            return operations.row(self.program.nodes[event.node].operation).is_sum
        return event.kind is EventKind.ADJOINT

    def _rounded_source(self, event: Event) -> Source | None:
        """The operand that was rounded onto an edge of the operation, which is no edge
        at the true operands."""
        if middle(event.true) is None or middle(event.local) is not None:
            return None
        moved = (s for s in event.sources if s.share is None)
        return next((s for s in moved if self.is_rounded(self.events[s.event])), None)

    def is_rounded(self, event: Event) -> bool:
        true = middle(event.true)
        return (
            true is not None
            and math.isfinite(event.measured)
            and Fraction(event.measured) != true
        )

    def _first(
        self, event: Event, holds: Callable[[Event], bool], *, moving: bool = False
    ) -> Source | None:
        """The earliest source that holds; `moving` leaves out those that do not move
        the event's truth."""
        sources = (
            source
            for source in event.sources
            if holds(self.events[source.event]) and not (moving and source.share == 0)
        )
        return min(sources, key=lambda source: source.event, default=None)

    def is_infinite(self, event: Event) -> bool:
        return math.isinf(event.measured)

    def is_far(self, event: Event) -> bool:
        true = middle(event.true)
        if true is None or not math.isfinite(event.measured):
            return False
        return abs(Fraction(event.measured) - true) > FAR * abs(true)

    def is_zero_adjoint_product(self, event: Event) -> bool:
        """Whether nothing truly flows back, and PyTorch multiplies that zero all the
        same."""
        if event.kind is not EventKind.PRODUCT:
            return False
        adjoint = self.events[event.sources[0].event]
        return adjoint.measured == 0 and middle(adjoint.true) == 0

    def overflows(self, event: Event) -> bool:
        local = middle(event.local)
        return (
            math.isinf(event.measured)
            and local is not None
            and nearest(local, self.format) == event.measured
        )


def middle(truth: Truth) -> Fraction | None:
    if truth.status is not TruthStatus.FINITE or truth.interval is None:
        return None
    return (truth.interval.lower + truth.interval.upper) / 2


def _reach(source: Source) -> Fraction:
    return abs(source.share) if source.share is not None else Fraction(0)
