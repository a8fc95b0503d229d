"""Where every operation is accurate: the step that amplifies the rounding it is
handed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from verifier.fields import as_float
from verifier.judgement.diagnosis_words import Words, short, times
from verifier.judgement.walk import Hop, Walk, middle
from verifier.language.operations import table as operations
from verifier.language.programs.constants import constant_values
from verifier.traces import Cause, Diagnosis, Event, EventKind

AMPLIFYING = 16
"""From this factor on (four bits), a step is said to amplify the rounding that it is
handed: a heuristic."""


class Amplification:
    """The steps of a walk, as far as they amplify."""

    def __init__(self, walk: Walk, words: Words) -> None:
        self.walk, self.words = walk, words
        self.program, self.events, self.format = walk.program, walk.events, walk.format
        self.constants = constant_values(walk.program)

    def amplified(self, origin: Event, hops: Sequence[Hop]) -> Diagnosis:
        """Every operation is accurate: the first step, in order of execution, that
        amplifies much of the rounding."""
        factors = [(hop, self._amplification(hop)) for hop in reversed(hops)]
        largest = max((factor for _, factor in factors), default=1.0)
        if largest < AMPLIFYING:
            return self._gathered(origin, hops)
        enough = max(AMPLIFYING, math.sqrt(largest))
        hop, factor = next(pair for pair in factors if pair[1] >= enough)
        return self._told_at(hop, factor)

    def _told_at(self, hop: Hop, factor: float) -> Diagnosis:
        node = self.program.nodes[hop.event.node]
        cancels = hop.event.kind is EventKind.ADJOINT or (
            hop.event.kind is EventKind.VALUE and operations.row(node.operation).is_sum
        )
        carried = self._carried(self.events[hop.source.event])
        grows = f"the rounding of {carried} grows {times(factor)}"
        return self.words.diagnosis(
            Cause.CANCELLATION if cancels else Cause.AMPLIFICATION,
            hop.event,
            f"cancels, so {grows}"
            if cancels
            else f"{grows} in {self._doer(hop.event)}",
            amplification=factor,
        )

    def _gathered(self, origin: Event, hops: Sequence[Hop]) -> Diagnosis:
        """No step stands out: the rounding of many adds up."""
        target = hops[0].event if hops else origin
        true = middle(target.true)
        factor = None
        if true and math.isfinite(target.measured):
            relative = abs(Fraction(target.measured) - true) / abs(true)
            factor = as_float(relative * 2**self.format.precision_bits)
        if factor is None or factor < AMPLIFYING:
            how = "their rounding alone adds up to the error"
        else:
            how = f"rounding is amplified {times(factor)} on the way from here"
        return self.words.diagnosis(
            Cause.AMPLIFICATION,
            origin,
            f"every operation is accurate; {how}",
            amplification=factor,
        )

    def _amplification(self, hop: Hop) -> float:
        """By how much the operand's relative error grows in the event."""
        source = self.events[hop.source.event]
        true, operand = middle(hop.event.true), middle(source.true)
        share = hop.source.share
        if true is None or operand is None or not share or not operand:
            return 1.0
        if not math.isfinite(source.measured):
            return 1.0
        error = abs(Fraction(source.measured) - operand) / abs(operand)
        if not error:
            return 1.0
        return as_float(abs(share) / abs(true) / error) if true else math.inf

    def _doer(self, event: Event) -> str:
        operation = self.program.nodes[event.node].operation
        backward = event.kind is EventKind.PRODUCT
        return f"the backward of `{operation}`" if backward else f"`{operation}`"

    def _carried(self, event: Event) -> str:
        text = short(self.program.text(event.node))
        if event.kind is EventKind.VALUE and event.node in self.constants:
            return f"`{text}` to {self.words.measured(event)}"
        if event.kind is EventKind.VALUE:
            return f"`{text}`"
        if event.kind is EventKind.ADJOINT:
            return f"the upstream gradient of `{text}`"
        return f"what `{text}` hands back"
