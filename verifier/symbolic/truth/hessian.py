"""The true Hessian at a point: SymPy's second derivatives and the witness's, which must overlap.

Where the derivative has an edge is told by the stepwise derivative, which alone sees the program as written and knows
an exact edge from one that more precision may clear up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from verifier.floats import Format
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.records import Entry, PointTruth, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.expansions.terms import NoLimit, Outside, Unresolved
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus import derivative, witness
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.calculus.real_chain import is_on_cut
from verifier.symbolic.calculus.stepwise import Stepwise
from verifier.symbolic.limits import joint, paths
from verifier.symbolic.limits.limits import EFFORTS, Limits
from verifier.symbolic.truth.clarke import Clarke
from verifier.symbolic.truth.oracle import (
    _STATUS,
    GUARD_BITS,
    LARGEST_PRECISION_BITS,
    Zeros,
    _intersect,
    _narrow,
    decided,
    known_parts,
)

Pair = tuple[str, str]

LARGEST_EFFORT = 60_000
"""Entries × the square of the expression's size, steps written out; SymPy takes some seconds there, then minutes."""
_KNOWN = (TruthStatus.FINITE, TruthStatus.KINK, TruthStatus.INFINITE)
HIDDEN_EDGE = "no power series: an edge stands behind a factor that is zero"


class HessianOracle:
    """The true second derivatives of a program by the inputs named, at any point."""

    def __init__(
        self, program: Program, wrt: Sequence[str], limits: Limits | None = None
    ) -> None:
        program = rewriting.define(program)
        self.program = program
        self.limits = limits
        self.wrt = tuple(wrt)
        self.stepwise = Stepwise(program)
        self.zeros = Zeros()
        self.pairs = [
            (first, second)
            for index, first in enumerate(self.wrt)
            for second in self.wrt[index:]
        ]
        self.whole = _whole(program, self.pairs)
        self.leaves = {
            node.name: index
            for index, node in enumerate(program.nodes)
            if node.operation == "variable"
        }

    def at(
        self,
        point: Mapping[str, float],
        upstream: float,
        format_: Format,
        first: PointTruth | None = None,
    ) -> PointTruth:
        """The truth of every ordered pair at `point`, each tight enough to round in the format.

        With the truths of `first` order, what only a limit can decide is decided by the
        limits.
        """
        found: dict[Pair, Truth] = {}
        open_ = list(self.pairs)
        tries = attempts(
            lambda: self._attempt(point, upstream, open_, found),
            format_.precision_bits + GUARD_BITS,
            LARGEST_PRECISION_BITS,
        )
        for bits, truths in tries:
            found.update(truths)
            open_ = [
                pair
                for pair in open_
                if not decided(found[pair], format_)
                and not self.zeros.accept(pair, known_parts(found[pair]), format_, bits)
            ]
            if not open_:
                break
        found = {pair: _settled(truth) for pair, truth in found.items()}
        found |= {(j, i): truth for (i, j), truth in found.items()}
        if self.limits is not None and first is not None:
            for pair in self.pairs:
                if found[pair].status is TruthStatus.LIMIT:
                    found |= self._by_limits(pair, point, upstream, first)
        return {Entry("hessian", pair): truth for pair, truth in found.items()}

    def _by_limits(
        self,
        pair: Pair,
        point: Mapping[str, float],
        upstream: float,
        first: PointTruth,
    ) -> dict[Pair, Truth]:
        """The truth of a pair in both orders; what one does not tell the other does where both are proved alike."""
        assert self.limits is not None
        orders = list(dict.fromkeys((pair, pair[::-1])))
        found = {
            order: self.limits.second(
                point, order, upstream, first[Entry("gradient", order[:1])]
            )
            for order in orders
        }
        known = [truth for truth in found.values() if truth.status in _KNOWN]
        if not known or len(orders) == 1 or known == [known[0]] * 2:
            return found
        # Where functions meet that are smooth, a set of limits says more than the number at the point.
        kinks = [truth for truth in known if truth.status is TruthStatus.KINK]
        best = (kinks or known)[0]
        if self._is_symmetric(pair, point, is_kink=bool(kinks)):
            return {o: t if t.status is best.status else best for o, t in found.items()}
        unsure = Truth(
            status=TruthStatus.LIMIT,
            reason="the order of the two derivatives may matter here",
        )
        return {o: t if t.status in _KNOWN else unsure for o, t in found.items()}

    def _is_symmetric(
        self, pair: Pair, point: Mapping[str, float], *, is_kink: bool
    ) -> bool:
        """Whether both orders of a pair are proved to be alike.

        So they are where smooth functions meet, of a kink's limits also where a norm vanishes, and where SymPy's second
        derivative tends to one number along every way.
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
        """What is known of one entry over balls of inputs, at the precision in force; by SymPy's formulas alone."""
        pair = entry.wrt[0], entry.wrt[1]
        adjoints = self.stepwise.evaluate(inputs, upstream).adjoints
        standing = {
            name: adjoints[self.leaves[name]] or Known(balls.zero()) for name in pair
        }
        worst = max((standing[name] for name in pair), key=lambda k: k.standing)
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
        pairs: Sequence[Pair],
        before: Mapping[Pair, Truth],
    ) -> dict[Pair, Truth]:
        done = self.stepwise.evaluate(point, upstream)
        standing = {
            name: done.adjoints[self.leaves[name]] or Known(balls.zero())
            for name in self.wrt
        }
        asked = [
            pair
            for pair in pairs
            if all(standing[name].standing is Standing.REGULAR for name in pair)
        ]
        names = [name for name in self.wrt if any(name in pair for pair in asked)]
        series = witness.second_derivatives(self.program, point, names, upstream)
        on_cut = is_on_cut(self.program, done.values)
        symbolic = {} if on_cut else self._symbolic(point, upstream)
        found: dict[Pair, Truth] = {}
        for pair in pairs:
            worst = max((standing[name] for name in pair), key=lambda k: k.standing)
            if worst.standing is not Standing.REGULAR:
                found[pair] = Truth(status=_STATUS[worst.standing], reason=worst.reason)
            else:
                found[pair] = _truth(series[pair], symbolic.get(pair), before.get(pair))
        return found

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
        found = {p: seed * b for p, b in zip(self.pairs, entries, strict=True)}
        return {pair: ball for pair, ball in found.items() if balls.is_finite(ball)}


_UNKNOWN = Known(balls.anything(), Standing.UNSURE, "a second derivative")


def _ball(value: float | Ball) -> Ball | None:
    """The ball of an input; None of an infinite one."""
    if not isinstance(value, float):
        return value
    return balls.exact(value) if math.isfinite(value) else None


def _whole(program: Program, pairs: Sequence[Pair]) -> Formula | None:
    """SymPy's second derivatives of the whole expression; None where it is too big or SymPy has no real answer."""
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
        return _narrow(balls.enclosure(series), before)
    if not balls.overlaps(series, symbolic):
        reason = (
            f"the second derivative by power series {series} and SymPy's of the whole "
            f"expression {symbolic} are disjoint"
        )
        return Truth(status=TruthStatus.ORACLE, reason=reason)
    both = _intersect(balls.enclosure(series), balls.enclosure(symbolic))
    return replace(_narrow(both, before), derivations=2)


def _settled(truth: Truth) -> Truth:
    """What no precision clears up although the gradient is regular is an edge, for a limit to decide."""
    # y·|x| at 0: the gradient by x is 0 there, and |x| has no derivative for any other y.
    hidden = truth.status is TruthStatus.PRECISION and truth.reason == HIDDEN_EDGE
    return replace(truth, status=TruthStatus.LIMIT) if hidden else truth
