"""The true value and derivatives at a point: two derivations that must overlap, at a
precision raised until decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from verifier.floats import Format
from verifier.language.programs.program import Program
from verifier.records import Entry, PointTruth, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.calculus import witness
from verifier.symbolic.calculus.chain import Known, Pass, Standing
from verifier.symbolic.calculus.real_chain import RealChain, is_on_cut
from verifier.symbolic.limits.limits import Limits
from verifier.symbolic.truth import edges
from verifier.symbolic.truth.deciding import (
    STATUS,
    Zeros,
    decide,
    decided,
    finished,
    intersection,
    known_parts,
    may_vanish,
    narrowed,
)
from verifier.symbolic.truth.entrywise import Entrywise
from verifier.symbolic.truth.whole import WholeExpression

WITNESS_BITS = 256
"""Precision of the third opinion: it says nothing wrong at any, and more where it is
tighter."""


class Oracle:
    """The true value and gradient of a program, at any point."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        self.written = program
        self.wrt = tuple(wrt)
        self.derivative = Entrywise(program, wrt, RealChain, balls.zero)
        self.program = self.derivative.program
        self.entries = self.derivative.entries
        self.whole = WholeExpression(
            self.program, wrt, self.derivative.value_and_gradient
        )
        self.zeros = Zeros()

    @cached_property
    def limits(self) -> Limits:
        """The limits of the program, with SymPy's derivatives where there are any."""
        return Limits(self.program, self.whole.derivatives())

    def at(
        self, point: Mapping[str, float], upstream: float, format_: Format
    ) -> PointTruth:
        """Enclosures of value, gradient and step adjoints at `point`, each tight enough
        to round in the format."""
        truths, left = decide(
            self.entries,
            lambda entries, before: self._attempt(point, upstream, entries, before),
            lambda truth, bits: decided(truth, format_),
            self.zeros,
            format_,
        )
        truths.update({entry: finished(truths[entry], format_) for entry in left})
        at_edge = [
            e for e, truth in truths.items() if truth.status is TruthStatus.LIMIT
        ]
        if not at_edge:
            return truths
        return edges.resolved(
            truths, at_edge, self.limits, self.written, point, upstream
        )

    def over(
        self, inputs: Mapping[str, float | Ball], upstream: float, entry: Entry
    ) -> Known:
        """What the stepwise derivative knows of one entry over balls of inputs, at the
        precision in force."""
        return self.derivative.over(inputs, upstream, entry)

    def attested(
        self, point: Mapping[str, float], upstream: float, truths: PointTruth
    ) -> PointTruth:
        """The truths as a third derivation leaves them: the witness, which uses none of
        SymPy's rules.

        A gradient that it contradicts becomes undecided, and the reason names the
        derivation that stands alone.
        """
        with balls.workprec(WITNESS_BITS):
            third = witness.gradient(self.program, point, self.wrt, upstream)
            if not third:
                return truths
            return {
                entry: self._third_opinion(point, upstream, entry, third, known)
                if entry in self.entries and entry.quantity == "gradient"
                else known
                for entry, known in truths.items()
            }

    def _third_opinion(
        self,
        point: Mapping[str, float],
        upstream: float,
        entry: Entry,
        third: Mapping[str, Ball],
        known: Truth,
    ) -> Truth:
        if known.status not in (TruthStatus.FINITE, TruthStatus.ORACLE):
            return known
        done = self.derivative.evaluate(point, upstream)
        adjoint = self.derivative.adjoint(done, entry) or Known(balls.zero())
        opinions = {
            "the stepwise derivative": adjoint.ball,
            "the whole expression's derivative": self._whole_at(
                point, upstream, done
            ).get(entry),
            "the witness": third[entry.wrt[0]],
        }
        given = {who: ball for who, ball in opinions.items() if ball is not None}
        disjoint = {
            who: sum(not balls.overlaps(ball, other) for other in given.values())
            for who, ball in given.items()
        }
        if not any(disjoint.values()):
            return replace(known, derivations=len(given))
        alone = max(disjoint, key=lambda who: disjoint[who])
        said = ", ".join(f"{who} says {ball}" for who, ball in given.items())
        blame = f"{alone} stands alone" if len(given) == 3 else "they disagree"
        return Truth(status=TruthStatus.ORACLE, reason=f"{blame}: {said}")

    def _attempt(
        self,
        point: Mapping[str, float],
        upstream: float,
        entries: Sequence[Entry],
        before: Mapping[Entry, Truth],
    ) -> dict[Entry, Truth]:
        """What both derivations say of some entries at the precision in force, within
        what they said before."""
        done = self.derivative.evaluate(point, upstream)
        second = self._whole_at(point, upstream, done)
        truths: dict[Entry, Truth] = {}
        for entry in entries:
            known = self.derivative.known(done, entry)
            truth = _truth(known, second.get(entry), before.get(entry))
            is_agreed = truth.status is TruthStatus.FINITE and entry in second
            truths[entry] = replace(truth, derivations=1 + is_agreed)
        is_first = not before
        if is_first and any(may_vanish(known_parts(t)) for t in truths.values()):
            truths |= self.whole.rational(point, upstream, truths)
        return truths

    def _whole_at(
        self, point: Mapping[str, float], upstream: float, done: Pass
    ) -> dict[Entry, Ball]:
        """What SymPy's expressions say; nothing on a branch cut, of whose sides they
        know nothing."""
        if is_on_cut(self.program, done.values):
            return {}
        return self.whole.at(point, upstream)


def _truth(known: Known, second: Ball | None, before: Truth | None) -> Truth:
    """The truth that two derivations leave: their intersection, or the reason why there
    is none.

    Where the program as written stands at an edge or outside its domain, only the
    stepwise derivation sees it (SymPy makes `x` of `exp(log(x))`); so its standing
    decides.
    """
    if known.standing is Standing.UNSURE:
        reason = f"no precision tells what {known.reason} is here"
        return Truth(status=TruthStatus.PRECISION, reason=reason)
    if known.standing is not Standing.REGULAR:
        return Truth(status=STATUS[known.standing], reason=known.reason)
    if not balls.is_finite(known.ball):  # as an infinite upstream gradient makes it
        return Truth(status=TruthStatus.PRECISION)
    first = balls.enclosure(known.ball)
    if second is None:
        return narrowed(first, before)
    if not balls.overlaps(known.ball, second):
        reason = f"the stepwise derivative {known.ball} and that of the whole expression {second} are disjoint"
        return Truth(status=TruthStatus.ORACLE, reason=reason)
    return narrowed(intersection(first, balls.enclosure(second)), before)
