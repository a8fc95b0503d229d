"""Kinks, removable singularities, poles and ends of the domain: the truth where only a
limit from each side decides.

Along each input the function is expanded on both sides of the point (`expansions`); its
one-sided derivative is that of its difference quotient, the function being continued by
its limit. SymPy's own answers at such points are not to be trusted; where the function
is defined on neither side, or another input is infinite, its derivative is expanded as
a function like any other. What several inputs could leave has a limit only where
`joint` proves it.

equal and finite      the derivative (at a removable singularity, of the function
                      continued)
unequal               a kink: the Clarke interval between them (F. H. Clarke,
                      Optimization and Nonsmooth Analysis, 1983)
infinite alike        infinite
one side alone        the end of the domain: that side's limit
a jump, or no side    undefined
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifier.language.kernels.compositions import expand
from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.records import Enclosure, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions import derivatives, field, terms
from verifier.symbolic.arithmetic.expansions.terms import (
    Expansion,
    Limit,
    NoLimit,
    OnCut,
    Oscillation,
    Outside,
    Unresolved,
    Value,
)
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.limits import joint, paths
from verifier.symbolic.limits.paths import Line

EFFORTS = ((256, joint.FEW_TERMS), (256, 8), (1280, 8))
"""Bits of precision, and terms kept of an expansion.

Two limits whose balls overlap at these precisions are taken for equal: no precision
proves equality. The last holds the whole part of any double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is found from each side; None: the function is not defined there."""

    left: Limit | None
    right: Limit | None


class Limits:
    """The limits of a program's value and derivatives."""

    def __init__(
        self, program: Program, derivatives: Mapping[str, Formula] | None = None
    ) -> None:
        # What a definition says may be a composition, and that may be given by a
        # definition.
        defined = rewriting.define(program)
        self.program = rewriting.define(expand(defined))
        self.derivatives = derivatives or {}
        """SymPy's derivative by each input, where there is one."""
        self.line = paths.of_program(self.program)

    def value(self, point: Mapping[str, float]) -> Truth:
        """What the value tends to from every side, for a point where the program itself
        gives none."""
        return _decide(lambda: self._value(point))

    def derivative(
        self, point: Mapping[str, float], wrt: str, upstream: float, at_point: Truth
    ) -> Truth:
        """The derivative by an input, from the limits along it; `at_point` is the truth
        about the value there."""
        if (decided := _by_upstream(upstream)) is not None:
            return decided
        if at_point.status is TruthStatus.LIMIT:
            return at_point
        return _decide(lambda: self._derivative(point, wrt, upstream, at_point))

    def adjoint(
        self, point: Mapping[str, float], step: str, upstream: float, at_point: Truth
    ) -> Truth:
        """The same of a named step, moved by itself."""
        if (decided := _by_upstream(upstream)) is not None:
            return decided
        return _decide(lambda: self._adjoint(point, step, upstream, at_point))

    # ── value ─────────────────────────────────────────────────────────────────────────

    def _value(self, point: Mapping[str, float]) -> Truth:
        joint_limit = joint.limit(self.line, point)
        if joint_limit.limit.ball is None:
            return _infinite(joint_limit.limit.infinite)
        return _finite(joint_limit.limit.ball)

    # ── derivative ────────────────────────────────────────────────────────────────────

    def _derivative(
        self, point: Mapping[str, float], wrt: str, upstream: float, at_point: Truth
    ) -> Truth:
        if any(math.isinf(v) for name, v in point.items() if name != wrt):
            return self._slope_at(point, wrt, upstream)
        if math.isinf(point[wrt]):
            path = self._coordinates(point, {wrt: 1})
            value = self.line.along(path)
            if value is None:
                return _undefined("the function is not defined towards infinity")
            if isinstance(value, Oscillation):
                return self._slope_at(point, wrt, upstream)
            # x = ±1/t: dx = ∓t⁻² dt
            speed = terms.monomial(balls.exact(-math.copysign(1.0, point[wrt])), 2)
            slope = terms.limit(field.multiply(derivatives.derivative(value), speed))
            return _sided(Sides(left=None, right=slope), upstream)
        try:
            values = {
                side: self.line.along(self._coordinates(point, {wrt: side}))
                for side in (-1, 1)
            }
        except OnCut:
            return self._slope_at(point, wrt, upstream)
        if at_point.status is TruthStatus.FINITE and not any(values.values()):
            fixed = joint.fixed(self.line, point, wrt)
            values = {
                side: self.line.along(self._coordinates(point, {wrt: side}), fixed)
                for side in (-1, 1)
            }
        if at_point.status is TruthStatus.FINITE and not any(values.values()):
            return self._slope_at(point, wrt, upstream)
        return _from_sides(values, upstream, at_point)

    def _slope_at(self, point: Mapping[str, float], wrt: str, upstream: float) -> Truth:
        """What SymPy's derivative tends to along every way."""
        if wrt not in self.derivatives:
            raise Unresolved("a derivative that SymPy does not give")
        line = paths.of_formula(self.derivatives[wrt])
        slope = joint.limit(line, point).limit
        return _sided(Sides(left=None, right=slope), upstream)

    def beside(
        self, point: Mapping[str, float], wrt: str, upstream: float, at_point: Truth
    ) -> Truth | None:
        """The slope on the side that the sign of a zero input picks, if the value tends
        to `at_point` from there."""
        if point[wrt] != 0 or upstream == 0:
            return None
        side = int(math.copysign(1, point[wrt]))

        def attempt() -> Truth:
            value = self.line.along(self._coordinates(point, {wrt: side}))
            if value is None or _jumps([value], at_point):
                return _undefined("another side")
            slope = derivatives.derivative(value)
            limit = terms.limit(slope if side > 0 else field.negate(slope))
            return _sided(Sides(left=None, right=limit), upstream)

        truth = _decide(attempt)
        known = truth.status in (TruthStatus.FINITE, TruthStatus.INFINITE)
        return truth if known else None

    def second(
        self,
        point: Mapping[str, float],
        wrt: tuple[str, str],
        upstream: float,
        at_point: Truth,
    ) -> Truth:
        """The derivative by the second input of that by the first; `at_point` is the
        truth about the latter.

        In the other order it may be another number: Schwarz's theorem needs second
        derivatives that are continuous.
        """
        if (decided := _by_upstream(upstream)) is not None:
            return decided
        if at_point.status is TruthStatus.KINK:
            return _undefined("the derivative jumps")
        return _decide(lambda: self._second(point, wrt, upstream, at_point))

    def _second(
        self,
        point: Mapping[str, float],
        wrt: tuple[str, str],
        upstream: float,
        at_point: Truth,
    ) -> Truth:
        first, second = wrt
        if any(math.isinf(value) for value in point.values()):
            raise Unresolved("an input is infinite")
        values: dict[int, Value | None] = {}
        for side in (-1, 1):
            path = self._coordinates(point, {second: side})
            if first == second:
                value = self.line.along(path)
                slope = None if value is None else derivatives.derivative(value)
                values[side] = field.negate(slope) if slope and side < 0 else slope
            else:
                values[side] = self._slope_along(path, first)
        scaled = {
            side: None if v is None else field.scale(v, balls.exact(upstream))
            for side, v in values.items()
        }
        return _from_sides(scaled, 1.0, at_point)

    def _slope_along(self, path: Mapping[str, Expansion], wrt: str) -> Value | None:
        if wrt not in self.derivatives:
            raise Unresolved("a derivative that SymPy does not give")
        line = paths.of_formula(self.derivatives[wrt])
        values = line.values(path)
        if _is_on_edge(line, values):
            raise Unresolved("the derivative stands on an edge all along")
        slope: Value | None = paths.defined(values[line.output])
        return slope

    def _adjoint(
        self, point: Mapping[str, float], step: str, upstream: float, at_point: Truth
    ) -> Truth:
        if any(math.isinf(v) for v in point.values()):
            raise Unresolved("an input is infinite")
        path = self._coordinates(point, {})
        index = self.program.steps[step]
        center = self.line.values(path)[index]
        if not isinstance(center, Expansion):
            raise Unresolved("the step's own value is not known")
        values = {
            side: self.line.along(
                path,
                {index: field.add(center, terms.monomial(balls.exact(float(side)), 1))},
            )
            for side in (-1, 1)
        }
        return _from_sides(values, upstream, at_point)

    # ── evaluation ────────────────────────────────────────────────────────────────────

    def _coordinates(
        self, point: Mapping[str, float], moves: Mapping[str, int]
    ) -> dict[str, Expansion]:
        return {
            name: paths.coordinate(value, moves.get(name, 0), 1)
            for name, value in point.items()
        }


# ── from limits to truth ──────────────────────────────────────────────────────────────


def _decide(attempt: Callable[[], Truth]) -> Truth:
    reason = ""
    for bits, kept in EFFORTS:
        with balls.workprec(bits), terms.keeping(kept):
            try:
                return attempt()
            except Unresolved as failure:
                reason = str(failure)
            except (Outside, NoLimit) as failure:
                return _undefined(str(failure))
    return Truth(status=TruthStatus.LIMIT, reason=f"the limit is not found: {reason}")


def _is_on_edge(line: Line, values: Sequence[Any]) -> bool:
    """Whether a choice or a sign that a derivative hangs on has nothing to choose by
    all along a path.

    There SymPy's derivative is a number, that of |x| is 0, and the function has none.
    """
    needed = {line.output}
    for index in range(line.output, -1, -1):
        step = line.steps[index]
        if index not in needed:
            continue
        needed.update(step.arguments)
        operands = [values[argument] for argument in step.arguments]
        if any(isinstance(operand, Outside | Unresolved) for operand in operands):
            continue
        if step.operation == "sign" and terms.is_zero(operands[0]):
            return True
        if operations.row(step.operation).is_relation and terms.is_zero(
            field.subtract(*operands)
        ):
            return True
    return False


def _from_sides(
    values: Mapping[int, Value | None], upstream: float, at_point: Truth
) -> Truth:
    if _jumps([value for value in values.values() if value is not None], at_point):
        return _undefined("the function jumps")
    slopes: dict[int, Limit | None] = {}
    for side, value in values.items():
        slopes[side] = None
        if value is not None:
            slopes[side] = terms.limit(derivatives.slope(value, side))
    return _sided(Sides(left=slopes[-1], right=slopes[1]), upstream)


def _jumps(values: Sequence[Value], at_point: Truth) -> bool:
    """Whether the sides tend to different numbers, or to another than the function has
    at the point."""
    limits = [
        limit.ball for value in values if (limit := terms.limit(value)).ball is not None
    ]
    if any(not balls.overlaps(limits[0], other) for other in limits[1:]):
        return True
    if at_point.status is TruthStatus.UNDEFINED and limits:
        return True  # no number continues the function there, whatever this line shows
    if at_point.status is not TruthStatus.FINITE or at_point.interval is None:
        return False
    if len(limits) < len(values):  # finite at the point, infinite beside it
        return True
    ends = (balls.enclosure(ball) for ball in limits)
    return any(
        end.lower > at_point.interval.upper or end.upper < at_point.interval.lower
        for end in ends
    )


def _sided(sides: Sides, upstream: float) -> Truth:
    seed = exact.rational(upstream)
    slopes = [
        _seeded(side, seed) for side in (sides.left, sides.right) if side is not None
    ]
    if not slopes:
        return _undefined("the function is defined on neither side")
    first, last = slopes[0], slopes[-1]
    if first.ball is None and last.ball is None:
        if first.infinite == last.infinite:
            return _infinite(first.infinite)
        return _undefined("the one-sided derivatives are infinite and of opposite sign")
    if (
        first.ball is not None
        and last.ball is not None
        and balls.overlaps(first.ball, last.ball)
    ):
        return _finite(first.ball)
    if first.ball is None or last.ball is None:
        # Not Lipschitz there, so that Clarke's interval does not exist.
        return _undefined("one of the one-sided derivatives is infinite")
    ends = [balls.enclosure(limit.ball) for limit in (first, last)]
    return Truth(
        status=TruthStatus.KINK,
        enclosure=Enclosure(
            lower=min(end.lower for end in ends), upper=max(end.upper for end in ends)
        ),
        sides=tuple(ends),
        reason="the one-sided derivatives differ",
    )


def _seeded(limit: Limit, seed: Number) -> Limit:
    if limit.number is not None:
        return Limit(limit.number * seed)
    return Limit(None, limit.infinite if seed.ball > 0 else -limit.infinite)


def _by_upstream(upstream: float) -> Truth | None:
    """The truth where the upstream gradient decides it alone: at 0, and where it is not
    finite."""
    if upstream == 0:
        return _finite(balls.zero())
    if not math.isfinite(upstream):
        reason = "the upstream gradient is not finite"
        return Truth(status=TruthStatus.PRECISION, reason=reason)
    return None


def _finite(ball: Ball) -> Truth:
    return Truth(
        status=TruthStatus.FINITE, enclosure=balls.enclosure(ball), at_edge=True
    )


def _infinite(sign: int) -> Truth:
    return Truth(
        status=TruthStatus.INFINITE,
        sign=sign,
        reason="the limit is infinite",
    )


def _undefined(reason: str) -> Truth:
    return Truth(status=TruthStatus.UNDEFINED, reason=reason)
