"""The true value and derivatives at a point: two derivations that must overlap, at a precision raised until decided."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

from verifier.floats import Format, nearest, ulp
from verifier.language.programs import rewriting
from verifier.language.programs.program import Node, Program
from verifier.records import (
    VALUE,
    Enclosure,
    Entry,
    PointTruth,
    Rectangle,
    Truth,
    TruthStatus,
)
from verifier.symbolic.arithmetic import balls, evaluation, exact_functions
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus import derivative, signed, witness
from verifier.symbolic.calculus.chain import Known, Pass, Standing
from verifier.symbolic.calculus.real_chain import is_on_cut
from verifier.symbolic.calculus.stepwise import Stepwise
from verifier.symbolic.limits.limits import Limits

GUARD_BITS = 40
"""Precision beyond the format's at the first attempt."""
LARGEST_PRECISION_BITS = 12_000
"""The cap: enough to show that an exact zero rounds to zero in binary64 (1,075 bits) behind much cancellation."""


class Zeros:
    """What is taken for a zero though no precision proves it: a heuristic.

    An enclosure that still straddles 0 at `ZERO_BITS`, far below every number of the format, is. An identity shows at
    every point: a place that was found so at `IDENTITY_POINTS` of them is not asked beyond `IDENTITY_BITS` again.
    """

    def __init__(self) -> None:
        self.seen: Counter[Hashable] = Counter()

    def forget(self) -> None:
        """Start anew, as if no point had been seen."""
        self.seen.clear()

    def accept(
        self, place: Hashable, parts: Sequence[Enclosure], format_: Format, bits: int
    ) -> bool:
        """Whether the number at a place, of which each part is known to a precision, is taken for 0."""
        if not may_vanish(parts):
            return False
        width = max(part.upper - part.lower for part in parts)
        if width * 2**TIGHT_BITS > format_.smallest_subnormal:
            return False
        if self.seen[place] >= IDENTITY_POINTS:
            return bits >= IDENTITY_BITS
        if bits < ZERO_BITS:
            return False
        self.seen[place] += 1
        return True


def may_vanish(parts: Sequence[Enclosure]) -> bool:
    """Whether nothing tells yet that a number is 0, nor that it is not: each part may be, and one is not known."""
    return any(part.lower < part.upper for part in parts) and all(
        part.lower <= 0 <= part.upper for part in parts
    )


def known_parts(truth: Truth) -> Sequence[Enclosure]:
    """The real numbers that a finite truth is made of, as `may_vanish` takes them; else none."""
    if truth.status is not TruthStatus.FINITE or truth.enclosure is None:
        return []
    if isinstance(truth.enclosure, Rectangle):
        return [truth.enclosure.real, truth.enclosure.imaginary]
    return [truth.enclosure]


_SIGNED = (TruthStatus.FINITE, TruthStatus.INFINITE, TruthStatus.UNDEFINED)
ZERO_BITS = 4_000
"""Where the search for a digit of what may be 0 ends: enough for a product of three of binary64's smallest numbers."""
IDENTITY_BITS = 1_000
IDENTITY_POINTS = 2
TIGHT_BITS = 20
"""Bits of an ulp to which a truth is known that may still round either way: a tie that balls cannot see."""
MOST_SPELT = 100
"""Operations of a program whose derivative is looked at term by term."""
WITNESS_BITS = 256
"""Precision of the third opinion: it says nothing wrong at any, and more where it is tighter."""
TRAJECTORY_BITS = 80
"""Relative accuracy of a descent's exact trajectory: beyond any weight's double, and 20 digits for the report."""


class Oracle:
    """The true value and gradient of a program, at any point."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        self.written = program
        program = rewriting.define(program)
        self.program = program
        self.wrt = tuple(wrt)
        self.stepwise = Stepwise(program)
        self.zeros = Zeros()
        self.whole = _whole(program, wrt)
        self.leaves = {
            node.name: index
            for index, node in enumerate(program.nodes)
            if node.operation == "variable"
        }
        self.of_whole = (VALUE, *(Entry("gradient", (name,)) for name in self.wrt))
        """What SymPy's expressions give too."""
        steps = (Entry("step", (name,)) for name in program.steps)
        self.entries = (*self.of_whole, *steps)

    def at(
        self, point: Mapping[str, float], upstream: float, format_: Format
    ) -> PointTruth:
        """Enclosures of value, gradient and step adjoints at `point`, each tight enough to round in the format."""
        places = list(self.entries)
        found: dict[Entry, Truth] = {}
        tries = attempts(
            lambda: self._attempt(point, upstream, places, found),
            format_.precision_bits + GUARD_BITS,
            LARGEST_PRECISION_BITS,
        )
        for bits, truths in tries:
            found.update(truths)
            places = [
                place
                for place in places
                if not decided(found[place], format_)
                and not self.zeros.accept(
                    place, known_parts(found[place]), format_, bits
                )
            ]
            if not places:
                break
        for place in places:
            found[place] = _settled(found[place], format_)
        self._resolve(found, point, upstream)
        return found

    def over(
        self,
        inputs: Mapping[str, float | Ball],
        upstream: float,
        entry: Entry,
    ) -> Known:
        """What the stepwise derivative knows of one entry over balls of inputs, at the precision in force."""
        if entry == VALUE:
            return self.stepwise.values(inputs)[self.program.output]
        if entry.quantity == "gradient" and entry.wrt[0] not in self.leaves:
            return Known(balls.zero())
        done = self.stepwise.evaluate(inputs, upstream)
        return self._known(done, entry) or Known(balls.zero())

    def attested(
        self, point: Mapping[str, float], upstream: float, truths: PointTruth
    ) -> PointTruth:
        """The truths as a third derivation leaves it: the witness, which uses none of SymPy's rules.

        A gradient that it contradicts becomes undecided, and the reason names the derivation that stands alone.
        """
        with balls.workprec(WITNESS_BITS):
            third = witness.gradient(self.program, point, self.wrt, upstream)
            if third is None:
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
        (name,) = entry.wrt
        done = self.stepwise.evaluate(point, upstream)
        adjoint = done.adjoints[self.leaves[name]]
        opinions = {
            "the stepwise derivative": (adjoint or Known(balls.zero())).ball,
            "the whole expression's derivative": self._whole_at(
                point, upstream, done
            ).get(entry),
            "the witness": third[name],
        }
        given = {who: ball for who, ball in opinions.items() if ball is not None}
        quarrels = {
            who: sum(not balls.overlaps(ball, other) for other in given.values())
            for who, ball in given.items()
        }
        if not any(quarrels.values()):
            return replace(known, derivations=len(given))
        alone = max(quarrels, key=lambda who: quarrels[who])
        told = ", ".join(f"{who} says {ball}" for who, ball in given.items())
        blame = f"{alone} stands alone" if len(given) == 3 else "they disagree"
        return Truth(status=TruthStatus.ORACLE, reason=f"{blame}: {told}")

    @cached_property
    def limits(self) -> Limits:
        """The limits of the program, with SymPy's derivatives where there are any."""
        derivatives: dict[str, Formula] = {}
        if self.whole is not None:
            outputs = self.whole.outputs[1:]
            derivatives = {
                name: replace(self.whole, outputs=(output,))
                for name, output in zip(self.wrt, outputs, strict=True)
            }
        return Limits(self.program, derivatives)

    def _resolve(
        self,
        found: dict[Entry, Truth],
        point: Mapping[str, float],
        upstream: float,
    ) -> None:
        """Replace what only a limit can decide by what the limits say."""
        edges = [place for place in found if found[place].status is TruthStatus.LIMIT]
        if not edges:
            return
        limits = self.limits
        for entry in edges:  # the value first: it is the first entry
            here = found[VALUE]
            if entry == VALUE:
                truth = limits.value(point)
            elif entry.quantity == "gradient":
                truth = limits.derivative(point, entry.wrt[0], upstream, here)
            else:
                truth = limits.adjoint(point, entry.wrt[0], upstream, here)
            if truth.status in (TruthStatus.UNDEFINED, TruthStatus.INFINITE):
                truth = replace(truth, at_edge=True)
            found[entry] = truth
        self._sign(found, edges, point, upstream)

    def _sign(
        self,
        found: dict[Entry, Truth],
        edges: Sequence[Entry],
        point: Mapping[str, float],
        upstream: float,
    ) -> None:
        """Add to what limits say of edges what arithmetic with signed zeros makes of them, if that is another answer.

        An infinity may have the other sign. At infinite inputs, and where an operation that jumps has its value by the
        sign of a zero (acot at ±0), that value is right too, and with it the slope on the side of an input's zero.
        """
        told = [place for place in edges if found[place].status in _SIGNED]
        if not told:
            return
        other = signed.evaluate(self.written, point, upstream)
        at_infinity = any(math.isinf(value) for value in point.values())
        for entry in told:
            truth = found[entry]
            if entry.quantity == "step":
                continue
            is_value = entry == VALUE
            value = other.value if is_value else other.gradient.get(entry.wrt[0])
            second = signed.truth(value)
            if truth.status is TruthStatus.INFINITE:
                if second is None or second.status is not TruthStatus.INFINITE:
                    continue
                if second.sign != truth.sign:
                    second = replace(truth, sign=-truth.sign)
                    found[entry] = replace(truth, signed=second)
            elif is_value:
                picked = truth.status is TruthStatus.UNDEFINED and other.is_bounded
                finite = second is not None and second.status is TruthStatus.FINITE
                if finite and (picked or at_infinity):
                    found[entry] = replace(truth, signed=second)
            elif (here := found[VALUE].signed) is not None:
                beside = self.limits.beside(point, entry.wrt[0], upstream, here)
                found[entry] = replace(truth, signed=beside or second)

    def trajectory(
        self,
        start: Mapping[str, float],
        parameter: str,
        learning_rate: Fraction,
        epochs: int,
    ) -> list[tuple[Enclosure, Enclosure] | None]:
        """Loss before and weight after each epoch of gradient descent over the reals, from `start`.

        Each enclosure has a relative radius of at most 2**-TRAJECTORY_BITS; None from where no precision gives that.
        """
        tries = attempts(
            lambda: list(self._descend(start, parameter, learning_rate, epochs)),
            2 * TRAJECTORY_BITS,
            LARGEST_PRECISION_BITS,
        )
        for _, path in tries:
            if len(path) == epochs:
                break
        return [*path, *[None] * (epochs - len(path))]

    def _descend(
        self,
        start: Mapping[str, float],
        parameter: str,
        learning_rate: Fraction,
        epochs: int,
    ) -> Iterator[tuple[Enclosure, Enclosure]]:
        point: dict[str, float | Ball] = dict(start)
        weight = balls.exact(start[parameter])
        for _ in range(epochs):
            point[parameter] = weight
            done = self.stepwise.evaluate(point, 1.0)
            loss = done.values[self.program.output]
            adjoint = done.adjoints[self.leaves[parameter]] or Known(balls.zero())
            if loss.standing or adjoint.standing:
                return
            weight = weight - balls.exact(learning_rate) * adjoint.ball
            if not all(
                balls.is_known_to(b, TRAJECTORY_BITS) for b in (loss.ball, weight)
            ):
                return
            yield balls.enclosure(loss.ball), balls.enclosure(weight)

    def _attempt(
        self,
        point: Mapping[str, float],
        upstream: float,
        places: Sequence[Entry],
        before: Mapping[Entry, Truth],
    ) -> dict[Entry, Truth]:
        done = self.stepwise.evaluate(point, upstream)
        second = self._whole_at(point, upstream, done)
        found: dict[Entry, Truth] = {}
        for place in places:
            known = self._known(done, place)
            truth = _truth(known, second.get(place), before.get(place))
            both = truth.status is TruthStatus.FINITE and place in second
            found[place] = replace(truth, derivations=1 + both)
        is_first = not before
        if is_first and any(may_vanish(known_parts(found[p])) for p in places):
            found |= self._rational(point, upstream, found)
        return found

    def _known(self, done: Pass, entry: Entry) -> Known | None:
        """One entry of a pass; None where it is a structural zero."""
        output = done.values[self.program.output]
        if entry == VALUE:
            return output
        nodes = self.leaves if entry.quantity == "gradient" else self.program.steps
        known = done.adjoints[nodes[entry.wrt[0]]]
        if known is None and output.standing is not Standing.REGULAR:
            return output  # where the function is not known, no derivative of it is
        return known

    def _rational(
        self,
        point: Mapping[str, float],
        upstream: float,
        found: Mapping[Entry, Truth],
    ) -> dict[Entry, Truth]:
        """Of the places that may vanish those that SymPy's expressions give as rational numbers.

        A ball of x/3 − x·(1/3) never tells that it is 0.
        """
        if self._whole_program is None or not all(_is_plain(v) for v in point.values()):
            return {}
        known = exact_functions.rational_values(self._whole_program, point)
        settled: dict[Entry, Truth] = {}
        for place, index in zip(self.of_whole, self._whole_outputs, strict=True):
            number, ends = known.get(index), found[place].interval
            if number is None or ends is None or not may_vanish([ends]):
                continue
            number *= 1 if place == VALUE else Fraction(upstream)
            if ends.lower <= number <= ends.upper:
                both = Enclosure(lower=number, upper=number)
                settled[place] = replace(found[place], enclosure=both)
        return settled

    @cached_property
    def _whole_program(self) -> Program | None:
        """SymPy's formulas as a program, for rational arithmetic."""
        if self.whole is None:
            return None
        return _as_program(self.whole, self.program)

    @property
    def _whole_outputs(self) -> Sequence[int]:
        return () if self.whole is None else self.whole.outputs

    def _whole_at(
        self, point: Mapping[str, float], upstream: float, done: Pass
    ) -> dict[Entry, Ball]:
        if self.whole is None or not all(_is_plain(v) for v in point.values()):
            return {}
        if is_on_cut(self.program, done.values):
            return {}
        inputs = {name: balls.exact(point[name]) for name in self.program.inputs}
        value, *gradient = evaluation.evaluate(self.whole, inputs)
        seed = balls.exact(upstream)
        numbers = [value, *(seed * ball for ball in gradient)]
        found = dict(zip(self.of_whole, numbers, strict=True))
        return {place: ball for place, ball in found.items() if balls.is_finite(ball)}


def _is_plain(value: float) -> bool:
    """Whether SymPy's expression knows the number: it has no infinities, and no −0 to tell the sides of a cut apart."""
    return math.isfinite(value) and not _is_negative_zero(value)


def _is_negative_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def _whole(program: Program, wrt: Sequence[str]) -> Formula | None:
    whole = derivative.whole(program)
    if whole is None:
        return None
    try:
        return whole.compile([whole.expression, *whole.gradient(wrt)])
    except derivative.UntranslatableError:
        return None


def terms(
    program: Program, name: str, points: Sequence[Mapping[str, float]]
) -> dict[str, list[float]]:
    """The terms of SymPy's derivative by an input at finite points, in double precision; NaN where one has no value.

    None of a derivative that is no sum, or of a program of more than `MOST_SPELT` operations: nobody reads its terms.
    """
    if len(program.nodes) > MOST_SPELT or name not in program.inputs:
        return {}
    whole = derivative.whole(program)
    if whole is None:
        return {}
    try:
        formulas = whole.terms(name)
    except derivative.UntranslatableError:
        return {}
    with balls.workprec(WITNESS_BITS):
        return {
            text: [_number(formula, point) for point in points]
            for text, formula in formulas.items()
        }


def _number(formula: Formula, point: Mapping[str, float]) -> float:
    if not all(map(math.isfinite, point.values())):
        return math.nan
    inputs = {name: balls.exact(value) for name, value in point.items()}
    (ball,) = evaluation.evaluate(formula, inputs)
    return float(ball.mid()) if balls.is_finite(ball) else math.nan


def _as_program(formula: Formula, program: Program) -> Program:
    """The formula's instructions as nodes, at the same places."""
    span = program.nodes[program.output].span
    words = {"input": "variable"}
    nodes = tuple(
        Node(
            operation=words.get(step.operation, step.operation),
            arguments=step.arguments,
            name=step.name,
            number=step.number,
            span=span,
        )
        for step in formula.instructions
    )
    return replace(program, nodes=nodes, steps={}, output=formula.outputs[0])


_STATUS = {
    Standing.UNSURE: TruthStatus.PRECISION,
    Standing.LIMIT: TruthStatus.LIMIT,
    Standing.UNDEFINED: TruthStatus.UNDEFINED,
}


def _truth(known: Known | None, second: Ball | None, before: Truth | None) -> Truth:
    """The truth that two derivations leave: their intersection, or the reason why there is none.

    Where the program as written stands at an edge or outside its domain, only the stepwise derivation sees it
    (SymPy makes `x` of `exp(log(x))`); so its standing decides.
    """
    if known is None:
        known = Known(balls.zero())
    if known.standing is Standing.UNSURE:
        reason = f"no precision tells what {known.reason} is here"
        return Truth(status=TruthStatus.PRECISION, reason=reason)
    if known.standing is not Standing.REGULAR:
        return Truth(status=_STATUS[known.standing], reason=known.reason)
    first = balls.enclosure(known.ball)
    if second is None:
        return _narrow(first, before)
    if not balls.overlaps(known.ball, second):
        reason = f"the stepwise derivative {known.ball} and that of the whole expression {second} are disjoint"
        return Truth(status=TruthStatus.ORACLE, reason=reason)
    return _narrow(_intersect(first, balls.enclosure(second)), before)


def _intersect(first: Enclosure, second: Enclosure) -> Enclosure:
    return Enclosure(
        lower=max(first.lower, second.lower), upper=min(first.upper, second.upper)
    )


def _narrow(enclosure: Enclosure, before: Truth | None) -> Truth:
    if before is not None and before.interval is not None:
        known = before.interval
        if known.lower > enclosure.upper or enclosure.lower > known.upper:
            reason = "enclosures at two precisions are disjoint"
            return Truth(status=TruthStatus.ORACLE, reason=reason)
        enclosure = _intersect(enclosure, known)
    return Truth(status=TruthStatus.FINITE, enclosure=enclosure)


def _settled(truth: Truth, format_: Format) -> Truth:
    """What is left undecided at the highest precision: known well enough to judge by, or not known at all."""
    ends = truth.interval
    if truth.status is not TruthStatus.FINITE or ends is None:
        return truth
    if (ends.upper - ends.lower) * 2**TIGHT_BITS <= ulp(ends.upper, format_):
        return truth
    reason = f"at {LARGEST_PRECISION_BITS} bits still no more than an interval"
    return replace(truth, status=TruthStatus.PRECISION, reason=reason)


def decided(truth: Truth, format_: Format) -> bool:
    """Whether more precision could tell nothing more about how the truth rounds, nor whether it is 0."""
    if truth.status is TruthStatus.FINITE and truth.interval is not None:
        ends = truth.interval
        if may_vanish([ends]):
            return False
        return nearest(ends.lower, format_) == nearest(ends.upper, format_)
    return truth.status is not TruthStatus.PRECISION
