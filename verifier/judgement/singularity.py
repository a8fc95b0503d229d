"""Where arithmetic meets a singularity: the indeterminate form, and whose zero or
infinity it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from verifier.floats import shortest
from verifier.judgement.diagnosis_words import Words, short, which_pass
from verifier.judgement.walk import Walk
from verifier.traces import Cause, Diagnosis, Event, EventKind


class Singularity:
    """What made a number of a run infinite or NaN."""

    def __init__(self, walk: Walk, words: Words) -> None:
        self.walk, self.words = walk, words
        self.program, self.events, self.format = walk.program, walk.events, walk.format

    def zero_times(self, origin: Event) -> str:
        adjoint = self.events[origin.sources[0].event]
        where = self._masking(adjoint)
        from_ = "" if where is None else f" of the branch that {where} leaves out"
        return (
            f"0·inf: the zero upstream gradient{from_} times an infinite or undefined derivative "
            f"gives {self.words.measured(origin)}"
        )

    def infinite_adjoint(self, origin: Event, adjoint: Event) -> Diagnosis:
        """A zero derivative under an adjoint that is truly infinite: the culprit is
        what made it so."""
        _, source = self.walk.follow(adjoint)
        met = short(self.program.text(origin.node))
        return self.words.diagnosis(
            Cause.ZERO_TIMES_INFINITY,
            source,
            f"inf·0: {which_pass(source)} is infinite here, which times the zero derivative of `{met}` "
            f"gives {self.words.measured(origin)}",
        )

    def _masking(self, adjoint: Event) -> str | None:
        """The `where` whose untaken branch an adjoint of zero comes from."""
        work = [adjoint]
        while work:
            event = work.pop()
            earlier = [self.events[source.event] for source in event.sources]
            if event.kind is EventKind.PRODUCT and earlier[0].measured != 0:
                if self.program.nodes[event.node].operation == "where":
                    return f"`{short(self.program.text(event.node))}`"
                continue
            work.extend(e for e in earlier if e.kind is not EventKind.VALUE)
        return None

    def has_infinite_operands(self, origin: Event) -> bool:
        return any(
            math.isinf(self.events[source.event].measured) for source in origin.sources
        )

    def form(self, origin: Event) -> str:
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
        return f"{which_pass(origin)} at {self._listed(operands)}"

    def _sum(self, origin: Event) -> str:
        """The indeterminate form in which what flows back from several uses is
        summed."""
        parts = [self.events[source.event].measured for source in origin.sources]
        if math.inf in parts and -math.inf in parts:
            return "inf − inf, summed of what flows back,"
        return f"the sum of what flows back ({self._listed(parts)})"

    def _listed(self, numbers: Sequence[float]) -> str:
        return ", ".join(shortest(number, self.format) for number in numbers)
