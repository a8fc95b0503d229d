"""The true Hessian at a point: SymPy's second derivatives and the witness's, which must
overlap.

Where the derivative has an edge is known from the stepwise derivative, which alone sees
the program as written and knows an exact edge from one that more precision may clear
up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations_with_replacement

from verifier.floats import Format
from verifier.language.programs.program import Program
from verifier.records import Entry, PointTruth, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.expansions.terms import NoLimit, Outside, Unresolved
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.calculus import derivative, witness
from verifier.symbolic.calculus.chain import Known, Pass, Standing
from verifier.symbolic.calculus.real_chain import RealChain, is_on_cut
from verifier.symbolic.limits import joint, paths
from verifier.symbolic.limits.limits import EFFORTS, Limits
from verifier.symbolic.truth.clarke import Clarke
from verifier.symbolic.truth.deciding import (
    STATUS,
    Zeros,
    decide,
    decided,
    intersection,
    narrowed,
)
from verifier.symbolic.truth.entrywise import Entrywise

Pair = tuple[str, str]

LARGEST_EFFORT = 60_000
"""Entries × the square of the expression's size, steps written out; SymPy takes some
seconds there, then minutes."""
_KNOWN = (TruthStatus.FINITE, TruthStatus.KINK, TruthStatus.INFINITE)
HIDDEN_EDGE = "no power series: an edge stands behind a factor that is zero"


class HessianOracle:
    """The true second derivatives of a program by the inputs named, at any point."""

    def __init__(
        self, program: Program, wrt: Sequence[str], limits: Limits | None = None
    ) -> None:
        self.derivative = Entrywise(program, wrt, RealChain, balls.zero)
        self.program = self.derivative.program
        self.limits = limits
        self.wrt = tuple(wrt)
        self.zeros = Zeros()
        self.pairs = list(combinations_with_replacement(self.wrt, 2))
        self.whole = _whole(self.program, self.pairs)

    def at(
        self,
        point: Mapping[str, float],
        upstream: float,
        format_: Format,
        first: PointTruth | None = None,
    ) -> PointTruth:
        """The truth of every ordered pair at `point`, each tight enough to round in the
        format.

        With the truths of `first` order, what only a limit can decide is decided by the
        limits.
        """
        entries = {Entry("hessian", pair): pair for pair in self.pairs}
        truths, _ = decide(
            entries,
            lambda left, before: self._attempt(point, upstream, left, before),
            lambda truth, bits: decided(truth, format_),
            self.zeros,
            format_,
        )
        for entry, (i, j) in entries.items():
            truths[entry] = _settled(truths[entry])
            truths[Entry("hessian", (j, i))] = truths[entry]
        if self.limits is not None and first is not None:
            for entry, pair in entries.items():
                if truths[entry].status is TruthStatus.LIMIT:
                    truths |= self._by_limits(pair, point, upstream, first)
        return truths

    def _by_limits(
        self,
        pair: Pair,
        point: Mapping[str, float],
        upstream: float,
        first: PointTruth,
    ) -> dict[Entry, Truth]:
        """The truth of a pair in both orders; what one does not tell the other does
        where both are proved alike."""
        assert self.limits is not None
        orders = list(dict.fromkeys((pair, pair[::-1])))
        truths = {
            Entry("hessian", order): self.limits.second(
                point, order, upstream, first[Entry("gradient", order[:1])]
            )
            for order in orders
        }
        known = [truth for truth in truths.values() if truth.status in _KNOWN]
        if not known or len(orders) == 1 or known == [known[0]] * 2:
            return truths
        # Where functions meet that are smooth, a set of limits says more than the
        # number at the point.
        kinks = [truth for truth in known if truth.status is TruthStatus.KINK]
        best = (kinks or known)[0]
        if self._is_symmetric(pair, point, is_kink=bool(kinks)):
            return {
                o: t if t.status is best.status else best for o, t in truths.items()
            }
        unsure = Truth(
            status=TruthStatus.LIMIT,
            reason="the order of the two derivatives may matter here",
        )
        return {o: t if t.status in _KNOWN else unsure for o, t in truths.items()}

    def _is_symmetric(
        self, pair: Pair, point: Mapping[str, float], *, is_kink: bool
    ) -> bool:
        """Whether both orders of a pair are proved to be alike.

        So they are where smooth functions meet, of a kink's limits also where a norm
        vanishes, and where SymPy's second derivative tends to one number along every
        way.
        """
        pieces = self.clarke.pieces(point, 1.0, pair)
        if pieces is not None and (is_kink or not any(p.norms for p in pieces)):
            return True
        if self.whole is None:
            return False
        output = self.whole.outputs[self.pairs.index(pair)]
        line = paths.of_formula(replace(self.whole, outputs=(output,)))
        with balls.workprec(EFFORTS[0][0]):
            try:
                return joint.limit(line, point).limit.ball is not None
            except (Unresolved, Outside, NoLimit):
                return False

    @cached_property
    def clarke(self) -> Clarke:
        """What the program is made of about a kink."""
        return Clarke(self.program)

    def over(
        self, inputs: Mapping[str, float | Ball], upstream: float, entry: Entry
    ) -> Known:
        """What is known of one entry over balls of inputs, at the precision in force;
        by SymPy's formulas alone."""
        pair = entry.wrt[0], entry.wrt[1]
        done = self.derivative.evaluate(inputs, upstream)
        worst = max((self._slope(done, n) for n in pair), key=lambda k: k.standing)
        if worst.standing is not Standing.REGULAR:
            return worst
        if pair not in self.pairs:
            pair = pair[1], pair[0]
        ball = self._symbolic(inputs, upstream).get(pair)
        return Known(ball) if ball is not None else _UNKNOWN

    def _attempt(
        self,
        point: Mapping[str, float],
        upstream: float,
        entries: Sequence[Entry],
        before: Mapping[Entry, Truth],
    ) -> dict[Entry, Truth]:
        done = self.derivative.evaluate(point, upstream)
        slopes = {name: self._slope(done, name) for name in self.wrt}
        regular = {
            name
            for entry in entries
            if all(slopes[n].standing is Standing.REGULAR for n in entry.wrt)
            for name in entry.wrt
        }
        names = [name for name in self.wrt if name in regular]
        series = witness.second_derivatives(self.program, point, names, upstream)
        on_cut = is_on_cut(self.program, done.values)
        symbolic = {} if on_cut else self._symbolic(point, upstream)
        truths: dict[Entry, Truth] = {}
        for entry in entries:
            pair = entry.wrt[0], entry.wrt[1]
            worst = max((slopes[name] for name in pair), key=lambda k: k.standing)
            if worst.standing is not Standing.REGULAR:
                truth = Truth(status=STATUS[worst.standing], reason=worst.reason)
            else:
                truth = _truth(series[pair], symbolic.get(pair), before.get(entry))
            truths[entry] = truth
        return truths

    def _slope(self, done: Pass, name: str) -> Known:
        """What a pass says of the derivative by an input."""
        entry = Entry("gradient", (name,))
        return self.derivative.adjoint(done, entry) or Known(balls.zero())

    def _symbolic(
        self, point: Mapping[str, float | Ball], upstream: float
    ) -> dict[Pair, Ball]:
        """SymPy's answers, as far as they are finite."""
        given = {n: _ball(point[n]) for n in self.program.inputs}
        inputs = {name: ball for name, ball in given.items() if ball is not None}
        if self.whole is None or len(inputs) < len(given):
            return {}
        entries = evaluation.evaluate(self.whole, inputs)
        seed = balls.exact(upstream)
        scaled = {p: seed * b for p, b in zip(self.pairs, entries, strict=True)}
        return {pair: ball for pair, ball in scaled.items() if balls.is_finite(ball)}


_UNKNOWN = Known(balls.anything(), Standing.UNSURE, "a second derivative")


def _ball(value: float | Ball) -> Ball | None:
    """The ball of an input; None of an infinite one."""
    if not isinstance(value, float):
        return value
    return balls.exact(value) if math.isfinite(value) else None


def _whole(program: Program, pairs: Sequence[Pair]) -> Formula | None:
    """SymPy's second derivatives of the whole expression; None where it is too big or
    SymPy has no real answer."""
    if len(pairs) * _size(program) ** 2 > LARGEST_EFFORT:
        return None
    whole = derivative.whole(program)
    if whole is None:
        return None
    first = {name: whole.gradient([name])[0] for name in dict(pairs)}
    try:
        return whole.compile([first[i].diff(whole.symbols[j]) for i, j in pairs])
    except derivative.UntranslatableError:
        return None


def _size(program: Program) -> int:
    sizes: list[int] = []
    for node in program.nodes:
        sizes.append(1 + sum(sizes[index] for index in node.arguments))
    return sizes[program.output]


def _truth(series: Ball | None, symbolic: Ball | None, before: Truth | None) -> Truth:
    """The intersection of both derivations, or the reason why there is none."""
    if series is None:
        return Truth(status=TruthStatus.PRECISION, reason=HIDDEN_EDGE)
    if symbolic is None:
        return narrowed(balls.enclosure(series), before)
    if not balls.overlaps(series, symbolic):
        reason = (
            f"the second derivative by power series {series} and SymPy's of the whole "
            f"expression {symbolic} are disjoint"
        )
        return Truth(status=TruthStatus.ORACLE, reason=reason)
    enclosure = intersection(balls.enclosure(series), balls.enclosure(symbolic))
    return replace(narrowed(enclosure, before), derivations=2)


def _settled(truth: Truth) -> Truth:
    """What no precision clears up although the gradient is regular is an edge, for a
    limit to decide."""
    # y·|x| at 0: the gradient by x is 0 there, and |x| has no derivative for any other
    # y.
    hidden = truth.status is TruthStatus.PRECISION and truth.reason == HIDDEN_EDGE
    return replace(truth, status=TruthStatus.LIMIT) if hidden else truth
