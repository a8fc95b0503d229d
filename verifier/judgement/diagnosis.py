"""Where and why a number of PyTorch's differs: the run is walked back from it, along
whatever brings most of its error.

The operation at which the walk ends is the culprit if its own error is more than a few
ulps; else every operation is accurate, and the step that amplified their rounding is
named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from verifier.floats import Format, nearest, ulp
from verifier.judgement.amplification import Amplification
from verifier.judgement.diagnosis_words import Words, short, true_number, which_pass
from verifier.judgement.singularity import Singularity
from verifier.judgement.walk import Hop, Walk, middle
from verifier.language.kernels.table import PYTORCH
from verifier.language.programs.program import Program
from verifier.records import TruthStatus
from verifier.traces import Cause, Diagnosis, Event, EventKind

LONGEST_FORM = 120
"""Characters of a formula past which a message does not quote it."""
ACCURATE_ULP = 4
"""A local error of up to this is an accurate operation. A heuristic, tuned on the
elementary cases in all four formats: none of the 2,496 runs had a larger one, save
PyTorch's trigamma in float64, which is off by thousands."""


def diagnose(
    program: Program,
    events: Sequence[Event],
    format_: Format,
    *,
    wrt: str | None = None,
) -> Diagnosis:
    """The cause of the error in the value (`wrt` None), or in the gradient by an input
    or named step.

    `program` is the expanded one, and `events` its numbers in order of execution.
    """
    return _Diagnosis(program, events, format_).diagnose(wrt)


class _Diagnosis:
    def __init__(
        self, program: Program, events: Sequence[Event], format_: Format
    ) -> None:
        self.program, self.events, self.format = program, events, format_
        self.walk = Walk(program, events, format_)
        self.words = Words(program, format_)
        self.amplification = Amplification(self.walk, self.words)
        self.singularity = Singularity(self.walk, self.words)

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
        hops, origin = self.walk.follow(target)
        return self._classify(origin, hops)

    def _target(self, wrt: str | None) -> Event | None:
        kind = EventKind.VALUE if wrt is None else EventKind.ADJOINT
        node = self.program.output
        if wrt is not None:
            node = self.program.steps.get(wrt, -1)
            if wrt not in self.program.steps:
                node = _leaf(self.program, wrt)
        events = (e for e in self.events if e.kind is kind and e.node == node)
        return next(events, None)

    def _is_right(self, event: Event) -> bool:
        true = middle(event.true)
        return true is not None and _is_number(event.measured, true, self.format)

    def _classify(self, origin: Event, hops: Sequence[Hop]) -> Diagnosis:
        if math.isfinite(origin.measured):
            return self._classify_finite(origin, hops)
        if self.walk.is_zero_adjoint_product(origin):
            return self.words.diagnosis(
                Cause.ZERO_TIMES_INFINITY, origin, self.singularity.zero_times(origin)
            )
        if math.isnan(origin.measured) and origin.kind is EventKind.PRODUCT:
            adjoint = self.events[origin.sources[0].event]
            if self.walk.is_infinite(adjoint):
                return self.singularity.infinite_adjoint(origin, adjoint)
        if self.walk.overflows(origin):
            return self.words.diagnosis(
                Cause.OVERFLOW,
                origin,
                f"{which_pass(origin)} overflows to {self.words.measured(origin)} where {true_number(origin)} is true",
            )
        if middle(origin.local) is not None:
            return self._own(origin)
        if (
            origin.local.status is TruthStatus.UNDEFINED
            and not self.singularity.has_infinite_operands(origin)
        ):
            return self.words.diagnosis(
                Cause.DOMAIN,
                origin,
                f"{self.words.measured(origin)}: {origin.local.reason}",
            )
        return self.words.diagnosis(
            Cause.SINGULARITY,
            origin,
            f"{self.singularity.form(origin)} gives {self.words.measured(origin)}: a singularity met head-on",
        )

    def _classify_finite(self, origin: Event, hops: Sequence[Hop]) -> Diagnosis:
        local = middle(origin.local)
        if local is None:
            return self._off_the_smooth(origin)
        own = abs(Fraction(origin.measured) - local)
        unit = ulp(local, self.format)
        if own > ACCURATE_ULP * unit:
            return self._own(origin)
        if local and own > ACCURATE_ULP * abs(local) / 2**self.format.precision_bits:
            if abs(local) < self.format.smallest_normal:
                return self.words.diagnosis(
                    Cause.UNDERFLOW,
                    origin,
                    f"{which_pass(origin)} underflows to {self.words.measured(origin)} "
                    f"where {true_number(origin)} is true",
                )
        edge = next((hop for hop in hops if self._is_onto_edge(hop)), None)
        if edge is not None:
            return self._rounded_onto_edge(origin, edge)
        return self.amplification.amplified(origin, hops)

    def _is_onto_edge(self, hop: Hop) -> bool:
        """Whether an operand that is near the true one made an operation's result
        infinite or NaN."""
        source = self.events[hop.source.event]
        return (
            not math.isfinite(hop.event.measured)
            and middle(hop.event.local) is None
            and self.walk.is_rounded(source)
            and not self.walk.is_far(source)
        )

    def _rounded_onto_edge(self, origin: Event, edge: Hop) -> Diagnosis:
        """Every operation is accurate; what one of them was handed is rounded to where
        it has no finite result."""
        met = f"`{short(self.program.text(edge.event.node))}`"
        what = met if edge.event.kind is EventKind.VALUE else f"the backward of {met}"
        operand = self.events[edge.source.event]
        from_ = ""
        if origin is not operand:
            from_ = f", by which `{short(self.program.text(operand.node))}` becomes {self.words.measured(operand)}"
        return self.words.diagnosis(
            Cause.SINGULARITY,
            origin,
            f"rounds to {self.words.measured(origin)} where {true_number(origin)} is true{from_}; "
            f"{what} is {self.words.measured(edge.event)} there",
        )

    def _own(self, origin: Event) -> Diagnosis:
        """An operation that is inaccurate at its own operands."""
        numbers = f"{self.words.measured(origin)} where {true_number(origin)} is true{self.words.ulps(origin)}"
        if origin.kind is EventKind.VALUE:
            return self.words.diagnosis(
                Cause.KERNEL, origin, f"its own result is {numbers}"
            )
        if origin.kind is EventKind.ADJOINT:
            return self.words.diagnosis(
                Cause.KERNEL, origin, f"what flows back is summed to {numbers}"
            )
        return self.words.diagnosis(
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

    def _off_the_smooth(self, origin: Event) -> Diagnosis:
        """A finite number where the operation has no derivative, or no value."""
        kernel = PYTORCH[self.program.nodes[origin.node].operation]
        if origin.local.status is TruthStatus.UNDEFINED:
            return self.words.diagnosis(
                Cause.DOMAIN,
                origin,
                f"{self.words.measured(origin)}, a finite number: {origin.local.reason}",
            )
        convention = f" (convention: {kernel.convention})"
        if not kernel.convention or not self._follows(origin, kernel.convention):
            convention = ""
        return self.words.diagnosis(
            Cause.KINK,
            origin,
            f"stands exactly at its edge, where PyTorch gives {self.words.measured(origin)}{convention}",
        )

    def _follows(self, origin: Event, convention: str) -> bool:
        """Whether a convention may be what was followed: one that names a number is no
        reason for another."""
        if origin.kind is not EventKind.PRODUCT:
            return False
        stated = re.match(r"([-−]?)(\d+)(?:/(\d+))? ", convention)
        if stated is None:
            return True
        minus, above, below = stated.groups()
        number = int(above) / int(below or 1) * (-1 if minus else 1)
        adjoint = self.events[origin.sources[0].event].measured
        return origin.measured == number * adjoint


def _leaf(program: Program, name: str) -> int:
    return next(
        (i for i, node in enumerate(program.nodes) if node.name == name),
        -1,
    )


def _is_number(measured: float, true: Fraction, format_: Format) -> bool:
    return measured == nearest(true, format_)
