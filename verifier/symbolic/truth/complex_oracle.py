"""The true complex value and gradient at a point, at a precision raised until
decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from verifier.floats import Format, nearest, ulp
from verifier.language.programs.program import Program
from verifier.records import (
    Enclosure,
    Entry,
    PointTruth,
    Rectangle,
    Truth,
    TruthStatus,
)
from verifier.symbolic.arithmetic import balls, complex_balls
from verifier.symbolic.arithmetic.complex_balls import SignedRectangle
from verifier.symbolic.calculus import complex_witness
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.calculus.complex_chain import ComplexChain
from verifier.symbolic.truth.deciding import (
    TIGHT_BITS,
    Zeros,
    decide,
    known_parts,
    may_vanish,
)
from verifier.symbolic.truth.entrywise import Entrywise

PATIENCE_BITS = 1_000
"""Up to here a part that does not round one way is evaluated again: it may be an exact
number, or a zero."""
WITNESS_BITS = 256


class ComplexOracle:
    """The true value and gradient of a holomorphic program, by PyTorch's convention, at
    any point."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        self.program = program
        self.derivative = Entrywise(program, wrt, ComplexChain, complex_balls.zero)
        self.entries = self.derivative.entries
        self.zeros = Zeros()

    def at(
        self, point: Mapping[str, complex], upstream: complex, format_: Format
    ) -> PointTruth:
        """Enclosures tight enough to round in the components' format, or why there are
        none."""

        def attempt(
            entries: Sequence[Entry], before: Mapping[Entry, Truth]
        ) -> dict[Entry, Truth]:
            done = self.derivative.evaluate(point, upstream)
            return {e: _truth(self.derivative.known(done, e)) for e in entries}

        truths, left = decide(
            self.entries,
            attempt,
            lambda truth, bits: _decided(truth, format_, patient=bits < PATIENCE_BITS),
            self.zeros,
            format_,
        )
        for entry in left:
            reason = truths[entry].reason or (
                "at the highest precision no more than a region"
            )
            truths[entry] = replace(
                truths[entry], status=TruthStatus.PRECISION, reason=reason
            )
        return truths

    def over(
        self, inputs: Mapping[str, SignedRectangle], upstream: complex, entry: Entry
    ) -> Known:
        """What is known of one entry over rectangles of inputs, at the precision in
        force."""
        return self.derivative.over(inputs, upstream, entry)

    def attested(
        self, point: Mapping[str, complex], upstream: complex, truths: PointTruth
    ) -> PointTruth:
        """The truths as the witness leaves them: a gradient that it contradicts becomes
        undecided."""
        attested = dict(truths)
        with balls.workprec(WITNESS_BITS):
            done = self.derivative.evaluate(point, upstream)
            derived = [
                entry.wrt[0]
                for entry, known in truths.items()
                if self._is_attested(entry, known)
            ]
            witness = complex_witness.gradient(self.program, point, derived, upstream)
            for entry, known in truths.items():
                if not self._is_attested(entry, known):
                    continue
                (name,) = entry.wrt
                second = witness.get(name)
                first = self.derivative.known(done, entry)
                if second is None or first.standing is not Standing.REGULAR:
                    continue
                if not complex_balls.overlaps(first.ball, second):
                    reason = f"the stepwise derivative says {first.ball}, the witness {second}"
                    attested[entry] = Truth(status=TruthStatus.ORACLE, reason=reason)
                else:
                    attested[entry] = replace(known, derivations=2)
        return attested

    def _is_attested(self, entry: Entry, known: Truth) -> bool:
        """Whether the witness is consulted about an entry: a finite gradient."""
        is_derived = entry in self.entries and entry.quantity == "gradient"
        return is_derived and known.status is TruthStatus.FINITE


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
