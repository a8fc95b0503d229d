"""The true complex value and gradient at a point, at a precision raised until decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from verifier.floats import Format, nearest, ulp
from verifier.language.programs.program import Program
from verifier.records import (
    VALUE,
    Enclosure,
    Entry,
    PointTruth,
    Rectangle,
    Truth,
    TruthStatus,
)
from verifier.symbolic.arithmetic import balls, complex_balls
from verifier.symbolic.arithmetic.complex_balls import Number
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus import complex_witness
from verifier.symbolic.calculus.chain import Known, Pass, Standing
from verifier.symbolic.calculus.complex_chain import ComplexChain
from verifier.symbolic.calculus.stepwise import Stepwise
from verifier.symbolic.truth.oracle import Zeros, known_parts, may_vanish

GUARD_BITS = 40
"""Precision beyond the format's at the first attempt."""
LARGEST_PRECISION_BITS = 12_000
"""The cap: enough to show that an exact zero rounds to zero in binary64 behind much cancellation."""
TIGHT_BITS = 20
"""Bits of an ulp of |z| to which a truth is known that may still round either way in one of its parts."""
PATIENCE_BITS = 1_000
"""Up to here a part that does not round one way is asked again: it may be an exact number, or a zero."""
WITNESS_BITS = 256


class ComplexOracle:
    """The true value and gradient of a holomorphic program, by PyTorch's convention, at any point."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        self.program = program
        self.wrt = tuple(wrt)
        self.stepwise = Stepwise(program, ComplexChain)
        self.zeros = Zeros()
        self.leaves = {
            node.name or "": index
            for index, node in enumerate(program.nodes)
            if node.operation == "variable"
        }
        gradient = (Entry("gradient", (name,)) for name in self.wrt)
        steps = (Entry("step", (name,)) for name in program.steps)
        self.entries = (VALUE, *gradient, *steps)

    def at(
        self, point: Mapping[str, complex], upstream: complex, format_: Format
    ) -> PointTruth:
        """Enclosures tight enough to round in the components' format, or why there are none."""
        places = list(self.entries)
        found: dict[Entry, Truth] = {}
        tries = attempts(
            lambda: self._attempt(point, upstream, places),
            format_.precision_bits + GUARD_BITS,
            LARGEST_PRECISION_BITS,
        )
        for bits, truths in tries:
            found.update(truths)
            patient = bits < PATIENCE_BITS
            places = [
                place
                for place in places
                if not _decided(found[place], format_, patient=patient)
                and not self.zeros.accept(
                    place, known_parts(found[place]), format_, bits
                )
            ]
            if not places:
                break
        for place in places:
            reason = (
                found[place].reason or "at the highest precision no more than a region"
            )
            found[place] = replace(
                found[place], status=TruthStatus.PRECISION, reason=reason
            )
        return found

    def over(
        self,
        inputs: Mapping[str, Number],
        upstream: complex,
        entry: Entry,
    ) -> Known:
        """What is known of one entry over rectangles of inputs, at the precision in force."""
        done = self.stepwise.evaluate(inputs, upstream)
        if entry.quantity == "gradient" and entry.wrt[0] not in self.leaves:
            return Known(complex_balls.zero())
        return self._known(done, entry)

    def attested(
        self,
        point: Mapping[str, complex],
        upstream: complex,
        truths: PointTruth,
    ) -> PointTruth:
        """The truths as the witness leaves it: a gradient that it contradicts becomes undecided."""
        attested = dict(truths)
        with balls.workprec(WITNESS_BITS):
            done = self.stepwise.evaluate(point, upstream)
            for entry, known in truths.items():
                is_derived = entry in self.entries and entry.quantity == "gradient"
                if not is_derived or known.status is not TruthStatus.FINITE:
                    continue
                (name,) = entry.wrt
                second = complex_witness.gradient(self.program, point, name, upstream)
                first = self._known(done, entry)
                if second is None or first.standing is not Standing.REGULAR:
                    continue
                if not complex_balls.overlaps(first.ball, second):
                    reason = f"the stepwise derivative says {first.ball}, the witness {second}"
                    attested[entry] = Truth(status=TruthStatus.ORACLE, reason=reason)
                else:
                    attested[entry] = replace(known, derivations=2)
        return attested

    def _attempt(
        self,
        point: Mapping[str, complex],
        upstream: complex,
        places: Sequence[Entry],
    ) -> dict[Entry, Truth]:
        done = self.stepwise.evaluate(point, upstream)
        return {place: _truth(self._known(done, place)) for place in places}

    def _known(self, done: Pass, entry: Entry) -> Known:
        output = done.values[self.program.output]
        if entry == VALUE:
            return output
        nodes = self.leaves if entry.quantity == "gradient" else self.program.steps
        known = done.adjoints[nodes[entry.wrt[0]]]
        if known is not None:
            return known
        if output.standing is not Standing.REGULAR:
            return output  # where the function is not known, no derivative of it is
        return Known(complex_balls.zero())


_STATUS = {
    Standing.POLE: TruthStatus.UNDEFINED,
    Standing.LIMIT: TruthStatus.LIMIT,
    Standing.UNSURE: TruthStatus.PRECISION,
}


def _truth(known: Known) -> Truth:
    if known.standing is not Standing.REGULAR:
        return Truth(status=_STATUS[known.standing], reason=known.reason)
    if not complex_balls.is_finite(known.ball):
        return Truth(status=TruthStatus.PRECISION)
    real, imaginary = complex_balls.enclosures(known.ball)
    rectangle = Rectangle(real=real, imaginary=imaginary)
    return Truth(status=TruthStatus.FINITE, enclosure=rectangle)


def _decided(truth: Truth, format_: Format, *, patient: bool) -> bool:
    """Whether more precision could tell nothing more about how the truth rounds."""
    if truth.status is not TruthStatus.FINITE:
        return truth.status is not TruthStatus.PRECISION
    parts = known_parts(truth)
    if may_vanish(parts):
        return False
    if all(nearest(p.lower, format_) == nearest(p.upper, format_) for p in parts):
        return True
    return not patient and _is_tight(parts, format_)


def _is_tight(parts: Sequence[Enclosure], format_: Format) -> bool:
    """Whether both parts are known to far less than one ulp of the larger."""
    largest = max(min(abs(p.lower), abs(p.upper)) for p in parts)
    width = max(p.upper - p.lower for p in parts)
    return bool(width * 2**TIGHT_BITS <= ulp(largest, format_))
