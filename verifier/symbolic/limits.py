"""Kinks, removable singularities, poles and ends of the domain: the truth where only a limit from each side decides.

Along each input the function is expanded on both sides of the point (`germs`), and its one-sided derivative is the
limit of the derivative from that side. SymPy's own answers at such points are not to be trusted; only where another
input is infinite is its derivative expanded, as a function like any other.

equal and finite      the derivative (of a removable singularity: of the function continued)
unequal               a kink: the Clarke interval between them (F. H. Clarke, Optimization and Nonsmooth Analysis, 1983)
infinite alike        infinite
one side alone        the end of the domain: that side's limit
a jump, or no side    undefined
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from verifier.language import expression
from verifier.language.expression import Program
from verifier.records import Enclosure, Truth, TruthStatus
from verifier.symbolic import balls, germs
from verifier.symbolic.balls import Ball
from verifier.symbolic.formula import Formula
from verifier.symbolic.germs import Germ, Limit, Outside, Unresolved, Value
from verifier.symbolic.stepwise import TWIN_OPERATIONS

PRECISIONS_BITS = (256, 1280)
"""Two limits whose balls overlap at these precisions are taken for equal: no precision proves equality.

The second holds the whole part of any double."""
RATES = (1, 2)
"""How fast infinite inputs go there beside each other: as 1/t and 1/t²."""
DRIFTS = ((0, 1), (1, 1), (-1, 1), (1, 2), (-1, 2))
"""How the finite inputs move meanwhile: not at all, or by ±t or ±t². So ∞·0 is seen to have no value."""
DIRECTIONS = ((1, 1), (1, -1), (1, 2), (2, 1), (2, -1))
"""Ways besides the axes by which a singular point of several inputs is approached before its value is believed."""


class _Step(Protocol):
    @property
    def operation(self) -> str: ...
    @property
    def arguments(self) -> tuple[int, ...]: ...
    @property
    def name(self) -> str | None: ...
    @property
    def number(self) -> Fraction | None: ...


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
        # What a definition says may be a composition, and that may be given by a definition.
        defined = expression.define(program)
        self.program = expression.define(expression.expand(defined))
        self.derivatives = derivatives or {}
        """SymPy's derivative by each input, where there is one."""
        self.constants = expression.constant_values(self.program)
        self.classes = expression.classes(self.program)

    def value(self, point: Mapping[str, float]) -> Truth:
        """What the value tends to from every side, for a point where the program itself gives none."""
        return _decide(lambda: self._value(point))

    def derivative(
        self, point: Mapping[str, float], wrt: str, upstream: float, here: Truth
    ) -> Truth:
        """The derivative by an input, from the limits along it; `here` is the truth about the value at the point."""
        if upstream == 0:
            return _finite(balls.zero())
        if here.status is TruthStatus.LIMIT:
            return here
        return _decide(lambda: self._derivative(point, wrt, upstream, here))

    def adjoint(
        self, point: Mapping[str, float], step: str, upstream: float, here: Truth
    ) -> Truth:
        """The same of a named step, moved by itself."""
        if upstream == 0:
            return _finite(balls.zero())
        return _decide(lambda: self._adjoint(point, step, upstream, here))

    # ── value ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _value(self, point: Mapping[str, float]) -> Truth:
        values = [self._along(path) for path in self._paths(point)]
        found = [germs.limit(value) for value in values if value is not None]
        if not found:
            return _undefined("the function is not defined about this point")
        truth = _agreed(found, one_sided=None in values)
        if truth.status is not TruthStatus.UNDEFINED and self._is_joint(point):
            # x²y/(x⁴ + y²) tends to 0 along every straight line into the origin, and to 1/2 along a parabola.
            raise Unresolved("alike on every way that was tried, which proves nothing")
        return truth

    def _is_joint(self, point: Mapping[str, float]) -> bool:
        """Whether it takes more than one certain input to leave the point: no finite number of ways proves a limit."""
        if any(math.isinf(value) for value in point.values()):
            return False
        leaving = [
            name
            for name in point
            if any(
                self._along(self._coordinates(point, {name: side})) is not None
                for side in (1, -1)
            )
        ]
        return len(point) > 1 and len(leaving) != 1

    def _paths(self, point: Mapping[str, float]) -> Iterator[dict[str, Germ]]:
        infinite = [name for name, value in point.items() if math.isinf(value)]
        if infinite:
            rates = itertools.product(RATES, repeat=min(len(infinite), 4))
            for rate, (side, speed) in itertools.product(rates, DRIFTS):
                yield {
                    name: _coordinate(value, 0, rate[infinite.index(name) % 4])
                    if name in infinite
                    else _coordinate(value, side, speed)
                    for name, value in point.items()
                }
            return
        for moves in _moves(list(point)):
            yield {
                name: _coordinate(value, moves.get(name, 0), 1)
                for name, value in point.items()
            }

    # ── derivative ───────────────────────────────────────────────────────────────────────────────────────────────

    def _derivative(
        self, point: Mapping[str, float], wrt: str, upstream: float, here: Truth
    ) -> Truth:
        if any(math.isinf(v) for name, v in point.items() if name != wrt):
            return self._towards_infinity(point, wrt, upstream)
        if math.isinf(point[wrt]):
            path = self._coordinates(point, {wrt: 1})
            value = self._along(path)
            if value is None:
                return _undefined("the function is not defined towards infinity")
            # x = ±1/t: dx = ∓t⁻² dt
            speed = germs.monomial(balls.exact(-math.copysign(1.0, point[wrt])), 2)
            slope = germs.limit(germs.multiply(germs.derivative(value), speed))
            return _sided(Sides(left=None, right=slope), upstream)
        values = {
            side: self._along(self._coordinates(point, {wrt: side})) for side in (-1, 1)
        }
        if here.status is TruthStatus.FINITE and not any(values.values()):
            return self._continued(point, wrt, upstream)
        return _from_sides(values, upstream, here)

    def _continued(
        self, point: Mapping[str, float], wrt: str, upstream: float
    ) -> Truth:
        """The derivative of the function continued across a line of singular points, which this input moves along.

        It is what SymPy's derivative tends to as the other inputs leave the line, if all of them agree.
        """
        others = [name for name in point if name != wrt]
        slopes = [
            germs.limit(slope)
            for name, side in itertools.product(others, (-1, 1))
            if (slope := self._slope_along(self._coordinates(point, {name: side}), wrt))
            is not None
        ]
        if not slopes:
            return _undefined("the function is defined on neither side")
        truths = [_sided(Sides(left=None, right=slope), upstream) for slope in slopes]
        if all(_agree(truths[0], other) for other in truths):
            return truths[0]
        return _undefined("the derivative has different limits on different ways")

    def second(
        self,
        point: Mapping[str, float],
        wrt: tuple[str, str],
        upstream: float,
        here: Truth,
    ) -> Truth:
        """The second derivative by two inputs; `here` is the truth about the derivative by the first."""
        if upstream == 0:
            return _finite(balls.zero())
        found = _undefined("the derivative jumps")
        if here.status is not TruthStatus.KINK:
            found = _decide(lambda: self._second(point, wrt, upstream, here))
        if wrt[0] == wrt[1] or found.status is not TruthStatus.UNDEFINED:
            return found
        # Along the second input the derivative by the first may not exist: then the other way round (Schwarz).
        unknown = Truth(status=TruthStatus.LIMIT)
        return _decide(lambda: self._second(point, wrt[::-1], upstream, unknown))

    def _second(
        self,
        point: Mapping[str, float],
        wrt: tuple[str, str],
        upstream: float,
        here: Truth,
    ) -> Truth:
        first, second = wrt
        if any(math.isinf(value) for value in point.values()):
            raise Unresolved("an input is infinite")
        values: dict[int, Value | None] = {}
        for side in (-1, 1):
            path = self._coordinates(point, {second: side})
            if first == second:
                value = self._along(path)
                slope = None if value is None else germs.derivative(value)
                values[side] = germs.negate(slope) if slope and side < 0 else slope
            else:
                values[side] = self._slope_along(path, first)
        scaled = {
            side: None if v is None else germs.scale(v, balls.exact(upstream))
            for side, v in values.items()
        }
        return _from_sides(scaled, 1.0, here)

    def _slope_along(self, path: Mapping[str, Germ], wrt: str) -> Value | None:
        if wrt not in self.derivatives:
            raise Unresolved("a derivative that SymPy does not give")
        value = formula_along(self.derivatives[wrt], path)[0]
        if isinstance(value, Unresolved):
            raise value
        return None if isinstance(value, Outside) else value

    def _towards_infinity(
        self, point: Mapping[str, float], wrt: str, upstream: float
    ) -> Truth:
        """What the derivative by one input tends to while the others go to infinity, if it is the same on every way."""
        if wrt not in self.derivatives:
            raise Unresolved("another input is infinite")
        found: list[Limit] = []
        for path in self._paths(point):
            value = formula_along(self.derivatives[wrt], path)[0]
            if isinstance(value, Outside | Unresolved):
                raise value
            found.append(germs.limit(value))
        truths = [_sided(Sides(left=None, right=slope), upstream) for slope in found]
        if all(_agree(truths[0], other) for other in truths):
            return truths[0]
        return _undefined("the derivative has different limits on different ways")

    def _adjoint(
        self, point: Mapping[str, float], step: str, upstream: float, here: Truth
    ) -> Truth:
        if any(math.isinf(v) for v in point.values()):
            raise Unresolved("an input is infinite")
        path = self._coordinates(point, {})
        index = self.program.steps[step]
        center = self._values(path)[index]
        if not isinstance(center, Germ):
            raise Unresolved("the step's own value is not known")
        values = {
            side: self._along(path, {index: germs.add(center, _shift(side))})
            for side in (-1, 1)
        }
        return _from_sides(values, upstream, here)

    # ── evaluation ───────────────────────────────────────────────────────────────────────────────────────────────

    def _coordinates(
        self, point: Mapping[str, float], moves: Mapping[str, int]
    ) -> dict[str, Germ]:
        return {
            name: _coordinate(value, moves.get(name, 0), 1)
            for name, value in point.items()
        }

    def _along(
        self, path: Mapping[str, Germ], moved: Mapping[int, Value] | None = None
    ) -> Value | None:
        """The output along a path, or None where it is not defined there."""
        value = self._values(path, moved)[self.program.output]
        if isinstance(value, Outside):
            return None
        if isinstance(value, Unresolved):
            raise value
        return value  # type: ignore[no-any-return]

    def _values(
        self, path: Mapping[str, Germ], moved: Mapping[int, Value] | None = None
    ) -> list[Any]:
        exact = expression.rational_values(self.program, _dyadic_centers(path))
        return evaluate(
            self.program.nodes, path, moved or {}, self.constants, self.classes, exact
        )


def formula_along(formula: Formula, path: Mapping[str, Germ]) -> list[Any]:
    """The germs of a formula's outputs along a path; `Outside` or `Unresolved` in the place of those that have none."""
    constants = {
        index: instruction.number
        for index, instruction in enumerate(formula.instructions)
        if instruction.number is not None
    }
    values = evaluate(formula.instructions, path, {}, constants)
    return [values[index] for index in formula.outputs]


def evaluate(
    steps: Sequence[_Step],
    path: Mapping[str, Germ],
    moved: Mapping[int, Value],
    constants: Mapping[int, Fraction],
    classes: Sequence[int] | None = None,
    exact: Mapping[int, Fraction] | None = None,
) -> list[Any]:
    """The germ, truth value or failure of every step; a branch that `where` does not take may fail unheard."""
    values: list[Any] = []
    for index, step in enumerate(steps):
        if index in moved:
            values.append(moved[index])
        elif step.operation in ("variable", "input"):
            values.append(path[step.name or ""])
        elif step.operation == "constant":
            values.append(_constant(step))
        else:
            operands = [values[argument] for argument in step.arguments]
            if step.operation == "pow" and step.arguments[1] in constants:
                # a ball of 1/3 would no longer be the exponent of a root
                operands[1] = constants[step.arguments[1]]
            if classes is not None and len(operands) == 2:
                first, second = (classes[argument] for argument in step.arguments)
                if (
                    first == second
                ):  # one germ: its difference with itself is exactly zero
                    operands[1] = operands[0]
            if exact is not None and step.operation in TWIN_OPERATIONS and not moved:
                value = _tie(step, operands, exact)
            else:
                value = _apply(step.operation, operands)
            if exact is not None and index in exact and not moved:
                value = germs.centered(value, exact[index])
            values.append(value)
    return values


def _tie(step: _Step, operands: Sequence[Any], exact: Mapping[int, Fraction]) -> Any:
    """A choice between two operands; at an exact tie only how they leave the common number is compared.

    A third and a third are equal, though balls of them cannot tell.
    """
    first, second = (exact.get(argument) for argument in step.arguments)
    failed = any(isinstance(operand, Outside | Unresolved) for operand in operands)
    if first is None or first != second or failed:
        return _apply(step.operation, operands)
    leaving = [germs.uncentered(operand) for operand in operands]
    if step.operation not in ("max", "min"):
        return _apply(step.operation, leaving)
    chosen = _apply("ge" if step.operation == "max" else "le", leaving)
    if isinstance(chosen, Unresolved):
        return chosen
    return operands[0] if chosen else operands[1]


def _dyadic_centers(path: Mapping[str, Germ]) -> dict[str, Fraction]:
    """The exact coordinates of the point that a path tends to; those at infinity are left out."""
    centers = {name: germs.exact_center(germ) for name, germ in path.items()}
    return {name: value for name, value in centers.items() if value is not None}


def _constant(step: _Step) -> Any:
    if step.name == "inf":
        return Unresolved("an infinite constant")
    return germs.constant(balls.constant(step.name, step.number))


def _apply(operation: str, operands: Sequence[Any]) -> Any:
    if operation == "where" and isinstance(operands[0], bool):
        return operands[1] if operands[0] else operands[2]
    for operand in operands:
        if isinstance(operand, Outside) and operation == "nan_to_num":
            return Unresolved("`nan_to_num` replaces what is undefined")
        if isinstance(operand, Outside | Unresolved):
            return operand
    try:
        return germs.apply(operation, operands)
    except (Outside, Unresolved) as failure:
        return failure


def _moves(names: Sequence[str]) -> Iterator[dict[str, int]]:
    for name, side in itertools.product(names, (1, -1)):
        yield {name: side}
    for first, second in itertools.combinations(names, 2):
        for one, other in DIRECTIONS:
            yield {first: one, second: other}
            yield {first: -one, second: -other}


def _coordinate(value: float, move: int, rate: int) -> Germ:
    """value + move·t^rate; an infinite value is ±t^(−rate)."""
    if math.isnan(value):
        raise Unresolved("an input is NaN")
    if math.isinf(value):
        return germs.monomial(balls.exact(math.copysign(1.0, value)), -rate)
    center = germs.constant(balls.exact(value))
    if not move:
        return center
    moved = germs.add(center, germs.monomial(balls.exact(float(move)), rate))
    assert isinstance(moved, Germ)
    return moved


def _shift(side: int) -> Germ:
    return germs.monomial(balls.exact(float(side)), 1)


# ── from limits to truth ─────────────────────────────────────────────────────────────────────────────────────────────


def _decide(attempt: Callable[[], Truth]) -> Truth:
    reason = ""
    for bits in PRECISIONS_BITS:
        with balls.workprec(bits):
            try:
                return attempt()
            except Unresolved as failure:
                reason = str(failure)
            except Outside as failure:
                return _undefined(str(failure))
    return Truth(status=TruthStatus.LIMIT, reason=f"the limit is not found: {reason}")


def _from_sides(
    values: Mapping[int, Value | None], upstream: float, here: Truth
) -> Truth:
    if _jumps([value for value in values.values() if value is not None], here):
        return _undefined("the function jumps")
    slopes: dict[int, Limit | None] = {}
    for side, value in values.items():
        slopes[side] = None
        if value is not None:
            slope = germs.derivative(value)
            slopes[side] = germs.limit(slope if side > 0 else germs.negate(slope))
    return _sided(Sides(left=slopes[-1], right=slopes[1]), upstream)


def _jumps(values: Sequence[Value], here: Truth) -> bool:
    """Whether the sides tend to different numbers, or to another than the function has at the point."""
    found = [
        limit.ball for value in values if (limit := germs.limit(value)).ball is not None
    ]
    if any(not balls.overlaps(found[0], other) for other in found[1:]):
        return True
    if here.status is TruthStatus.UNDEFINED and found:
        return True  # no number continues the function there, whatever this line shows
    if here.status is not TruthStatus.FINITE or here.enclosure is None:
        return False
    if len(found) < len(values):  # finite at the point, infinite beside it
        return True
    ends = (balls.enclosure(ball) for ball in found)
    return any(
        end.lower > here.enclosure.upper or end.upper < here.enclosure.lower
        for end in ends
    )


def _sided(sides: Sides, upstream: float) -> Truth:
    seed = balls.exact(upstream)
    found = [
        _seeded(side, seed) for side in (sides.left, sides.right) if side is not None
    ]
    if not found:
        return _undefined("the function is defined on neither side")
    first, last = found[0], found[-1]
    if first.ball is None and last.ball is None:
        if first.infinite == last.infinite:
            return _infinite(first.infinite, one_sided=len(found) == 1)
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


def _seeded(limit: Limit, seed: Ball) -> Limit:
    if limit.ball is not None:
        return Limit(limit.ball * seed)
    return Limit(None, limit.infinite if seed > 0 else -limit.infinite)


def _agreed(found: Sequence[Limit], *, one_sided: bool) -> Truth:
    """The limit that all these ways have, if it is one."""
    finite = [limit.ball for limit in found if limit.ball is not None]
    if not finite and len({limit.infinite for limit in found}) == 1:
        return _infinite(found[0].infinite, one_sided=one_sided)
    alike = all(balls.overlaps(finite[0], other) for other in finite[1:])
    if len(finite) == len(found) and alike:
        return _finite(finite[0])
    return _undefined("the function has different limits from different sides")


def _agree(first: Truth, second: Truth) -> bool:
    if first.enclosure is not None and second.enclosure is not None:
        return (
            first.enclosure.lower <= second.enclosure.upper
            and second.enclosure.lower <= first.enclosure.upper
        )
    return (first.status, first.sign) == (second.status, second.sign)


def _finite(ball: Ball) -> Truth:
    return Truth(
        status=TruthStatus.FINITE, enclosure=balls.enclosure(ball), at_edge=True
    )


def _infinite(sign: int, *, one_sided: bool) -> Truth:
    return Truth(
        status=TruthStatus.INFINITE,
        sign=sign,
        either_sign=one_sided,
        reason="the limit is infinite",
    )


def _undefined(reason: str) -> Truth:
    return Truth(status=TruthStatus.UNDEFINED, reason=reason)
