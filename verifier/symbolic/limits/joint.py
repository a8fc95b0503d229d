"""Limits at a point that several inputs may leave: proved along every way there is, or refuted by two ways.

A limit along a line proves nothing where other inputs could move too: x²y/(x⁴ + y²) tends to 0 along every straight
line into the origin, and to 1/2 along a parabola. Here one quantity u moves, an input or a step, and every input is a
ball about its value. An expansion in u with ball coefficients holds for all inputs in the balls at once, so that its
limit is uniform; and a uniform limit of continuous functions is the limit along every way. What is so proved of a step
is handed on where the next operation is continuous, or has a limit itself as its operand goes to infinity.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic import expansions as germs
from verifier.symbolic.arithmetic.balls import Regularity
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions import (
    Germ,
    Limit,
    NoLimit,
    Outside,
    Unresolved,
    Value,
)
from verifier.symbolic.limits import paths
from verifier.symbolic.limits.paths import Line

RADIUS_BITS = 20
"""Inputs are moved by 2⁻²⁰ of themselves, or 2⁻²⁰ at zero; any radius proves a limit."""
MOST_QUANTITIES = 12
"""Quantities that are moved for one proof."""
MOST_PROOFS = 12
"""Steps that are proved one by one."""
MOST_MOVERS = 3
"""Inputs that leave the point at once when two ways are looked for."""
MOST_WAYS = 96
FEW_TERMS = 3
"""Ways are compared once, by expansions of no more terms."""
SPEEDS = ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1))
"""How fast two inputs move beside each other: as t and t², …"""


_SETTLING = {"logical_and": False, "logical_or": True}
"""The operand that settles a connective, whatever the others are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A limit along every way; `one_sided` says that something may come from one side alone."""

    limit: Limit
    one_sided: bool = False


def limit(line: Line, point: Mapping[str, float]) -> Found:
    """What a line tends to as its inputs approach the point, in whatever way.

    Raises `NoLimit` where it has no limit, `Outside` where it is not defined about the point, and `Unresolved`.
    """
    return _Joint(line, point).limit()


def fixed(line: Line, point: Mapping[str, float], mover: str) -> dict[int, Value]:
    """The steps that are not defined at the point, yet have a limit there which one input does not reach."""
    work = _Joint(line, point)
    at_point = line.values(work.path(widened=False))
    found: dict[int, Value] = {}
    for index, value in enumerate(at_point):
        if _has_failed(value) and mover not in work.cones[index]:
            known = work.of(index)
            if isinstance(known, Found) and known.limit.ball is not None:
                found[index] = germs.constant(known.limit.ball)
    return found


class _Joint:
    def __init__(self, line: Line, point: Mapping[str, float]) -> None:
        if any(math.isnan(value) for value in point.values()):
            raise Unresolved("an input is NaN")
        self.line, self.point = line, point
        self.cones = _cones(line)
        self.proofs = 0
        self.found: dict[int, Any] = {}

    def limit(self) -> Found:
        output = self.line.output
        try:
            found = self._proved(output)
        except Unresolved as failure:
            reason = failure
            found = self.of(output)
        if isinstance(found, Found):
            return found
        if germs.kept_terms() <= FEW_TERMS:
            self._compare_ways()
        raise reason

    # ── step by step ─────────────────────────────────────────────────────────────────────────────────────────────

    def of(self, index: int) -> Any:
        """What is known of a step along every way: a limit, a truth value, or None."""
        for earlier in self.line.needed(index):
            if earlier not in self.found:
                self.found[earlier] = self._step(earlier)
        return self.found[index]

    def _step(self, index: int) -> Any:
        step = self.line.steps[index]
        if step.operation in ("variable", "input"):
            return Found(limit=_of_number(self.point[step.name or ""]))
        if step.operation == "constant":
            if step.name == "inf":
                return Found(limit=Limit(None, 1))
            return Found(limit=Limit(exact.constant(step.name, step.number)))
        operands = [self.found[argument] for argument in step.arguments]
        if step.operation == "where" and isinstance(operands[0], bool):
            return operands[1] if operands[0] else operands[2]
        settling = _SETTLING.get(step.operation)
        if settling is not None and any(one is settling for one in operands):
            return settling
        if None not in operands:
            composed = self._composed(index, operands)
            if composed is not None:
                return composed
        if self.proofs == MOST_PROOFS:
            return None
        self.proofs += 1
        try:
            return self._proved(index)
        except (Unresolved, NoLimit, Outside):
            return None

    def _composed(self, index: int, operands: Sequence[Any]) -> Any:
        operation = self.line.steps[index].operation
        if all(isinstance(operand, bool) for operand in operands):
            return balls.OPERATIONS[operation](*operands)
        if any(isinstance(operand, bool) for operand in operands):
            return None
        limits = [operand.limit for operand in operands]
        one_sided = any(operand.one_sided for operand in operands)
        found = _composition(operation, limits, self._exponent(index))
        if found is None or isinstance(found, bool):
            return found
        return Found(limit=found, one_sided=one_sided)

    def _exponent(self, index: int) -> Any:
        step = self.line.steps[index]
        if step.operation != "pow":
            return None
        return self.line.constants.get(step.arguments[1])

    # ── proofs ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _proved(self, index: int) -> Found | bool:
        """The limit of a step by the expansion in one quantity that it depends on."""
        reason = Unresolved("no quantity leaves the point alone")
        for quantity, center in itertools.islice(
            self._quantities(index), MOST_QUANTITIES
        ):
            try:
                return self._by(index, quantity, center)
            except Unresolved as failure:
                reason = failure
        raise reason

    def _quantities(self, index: int) -> Iterator[tuple[int, Limit]]:
        """What may be moved, with its limit: inputs, and steps that join several, nearest to the failure first."""
        at_point = self.line.values(self.path(widened=False))
        needed = self.line.needed(index)
        first = self.line.classes  # what is written alike moves alike
        queue = [at for at in needed if _has_failed(at_point[at]) and first[at] == at]
        seen = set(queue)
        for at in queue:
            found = self.found.get(at)
            step = self.line.steps[at]
            if step.operation in ("variable", "input"):
                yield at, _of_number(self.point[step.name or ""])
            elif len(self.cones[at]) > 1 and isinstance(at_point[at], Germ):
                yield at, germs.limit(at_point[at])
            elif isinstance(found, Found) and found.limit.number is None:
                yield at, found.limit
            for argument in step.arguments:
                alike = first[argument]
                if alike not in seen and self.cones[alike]:
                    seen.add(alike)
                    queue.append(alike)

    def _by(self, index: int, quantity: int, center: Limit) -> Found | bool:
        sides = [1] if center.number is None else self._sides(quantity, center.number)
        line = self.line.to(index)
        several = len(self.cones[self.line.output]) > 1
        for widened in (True, False) if several else (False,):
            path = self.path(widened=widened)
            found = [
                _tends(value)
                for side in sides
                if (
                    value := line.along(path, self._moved(path, quantity, center, side))
                )
                is not None
            ]
        if not found:
            raise Outside("the function is not defined about this point")
        if any(_differ(found[0], other) for other in found[1:]):
            if self.line.steps[quantity].operation in ("variable", "input"):
                raise NoLimit("the function has different limits from different sides")
            raise Unresolved("different limits from sides that may not be reached")
        if center.ball is not None and several:
            self._check_inside(line, quantity, center, found[0])
        one_sided = len(found) < 2 and center.ball is not None
        if isinstance(found[0], bool):
            return found[0]
        return Found(limit=found[0], one_sided=one_sided)

    def _check_inside(
        self, line: Line, quantity: int, center: Limit, found: Limit | bool
    ) -> None:
        """Ways on which the quantity stays where it is: none is in the domain, or they have the same limit."""
        path = self.path(widened=True)
        try:
            value = line.along(path, self._moved(path, quantity, center, 0))
        except germs.OnCut:
            return  # the sign of the zero decides there, which is no way of its own
        if value is None:
            return
        if _differ(_tends(value), found):
            raise Unresolved("another limit where a quantity does not move")

    def path(self, *, widened: bool) -> dict[str, Any]:
        path: dict[str, Any] = {}
        for name, value in self.point.items():
            if math.isinf(value):
                path[name] = Unresolved("another input is infinite")
            elif widened:
                path[name] = germs.constant(_widened(name, exact.rational(value)))
            else:
                path[name] = germs.constant(exact.rational(value))
        return path

    def _moved(
        self, path: Mapping[str, Any], quantity: int, center: Limit, side: int
    ) -> dict[int, Value]:
        """The quantity on its way; of a difference that vanishes the first operand goes with it."""
        moved = self._alike(quantity, _departing(center, side))
        if center.number is None or not center.number.is_zero:
            return moved
        for mover, base, turned in _partners(self.line, quantity):
            value = self.line.to(base).values(path)[base]
            if isinstance(value, Germ):
                away = moved[quantity]
                leaving = germs.negate(away) if turned < 0 else away
                still = germs.negate(value) if turned == 0 else value
                return moved | self._alike(mover, germs.add(still, leaving))
        return moved

    def _alike(self, index: int, value: Value) -> dict[int, Value]:
        """A value for a step and for all that are written like it."""
        classes = self.line.classes
        alike = [at for at, first in enumerate(classes) if first == classes[index]]
        return dict.fromkeys(alike, value)

    def _sides(self, quantity: int, center: Number) -> list[int]:
        if center.is_zero and _is_nonnegative(self.line, quantity):
            return [1]
        return [1, -1]

    # ── ways ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _compare_ways(self) -> None:
        """Raise `NoLimit` for two ways with different limits, `Outside` where no way is in the domain."""
        first: Limit | bool | None = None
        cone = self.cones[self.line.output]
        unknown = len(cone) > MOST_MOVERS  # then not every input is moved
        for way in itertools.islice(self._ways(), MOST_WAYS):
            try:
                value = self.line.along(way)
                here = None if value is None else _tends(value)
            except Unresolved:
                unknown = True
                continue
            if here is None:
                continue
            first = here if first is None else first
            if _differ(first, here):
                raise NoLimit("the function has different limits on different ways")
        if first is None and not unknown:
            raise Outside("the function is not defined about this point")

    def _ways(self) -> Iterator[dict[str, Any]]:
        movers = self._movers()
        still = {
            name: germs.constant(exact.rational(value))
            for name, value in self.point.items()
            if not math.isinf(value)
        }
        for speeds in _speeds([math.isinf(self.point[name]) for name in movers]):
            moving = {
                name: _on_the_way(self.point[name], *speed)
                for name, speed in zip(movers, speeds, strict=True)
                if speed is not None
            }
            yield still | moving

    def _movers(self) -> list[str]:
        """The inputs to move: infinite ones, those that leave the point alone, then what the failure depends on."""
        infinite = [name for name, value in self.point.items() if math.isinf(value)]
        found = dict.fromkeys(infinite)
        for index in self.line.needed():
            if self.found.get(index) is None:
                found |= dict.fromkeys(sorted(self.cones[index]))
        if not infinite:
            found = dict.fromkeys([*filter(self._leaves, found), *found])
        return list(found)[: max(MOST_MOVERS, len(infinite))]

    def _leaves(self, name: str) -> bool:
        """Whether the function is defined where this input alone leaves the point."""
        path = self.path(widened=False)
        for side in (1, -1):
            path[name] = paths.coordinate(self.point[name], side, 1)
            if not _has_failed(self.line.values(path)[self.line.output]):
                return True
        return False


# ── one operation ────────────────────────────────────────────────────────────────────────────────────────────────────


def _composition(operation: str, limits: Sequence[Limit], exponent: Any) -> Any:
    """The limit of an operation whose operands tend to these limits along every way; None where that is not known."""
    infinite = [limit.infinite for limit in limits if limit.number is None]
    if not infinite:
        return _continuous(operation, [limit.number for limit in limits], exponent)
    if len(infinite) > 1:
        return _of_infinities(operation, limits)
    found: Any = None
    for widened in (True, False):  # the second for the digits, once it is proved
        operands: list[Any] = [
            _departing(limit, 1)
            if limit.number is None
            else germs.constant(
                _widened(str(at), limit.number) if widened else limit.number
            )
            for at, limit in enumerate(limits)
        ]
        if exponent is not None:
            operands[1] = exponent
        found = paths.apply(operation, operands)
        if _has_failed(found):
            return None
        if not isinstance(found, bool):
            try:
                found = germs.limit(found)
            except (Unresolved, NoLimit):
                return None
    return found


def _continuous(operation: str, numbers: Sequence[Any], exponent: Any) -> Any:
    """The operation's value where it is continuous, at the end of its domain from within."""
    found = [number.ball for number in numbers]
    row = operations.row(operation)
    if row.is_relation:
        distinct = not balls.overlaps(found[0], found[1])
        return balls.OPERATIONS[operation](*found) if distinct else None
    if operation not in operations.OPERATIONS:  # 1 or 0, by which operand is larger
        return (
            None if balls.overlaps(*found) else Limit(exact.apply(operation, numbers))
        )
    movers = range(len(found) if exponent is None else 1)  # an exponent stays
    worst = [balls.regularity(operation, found, at) for at in movers]
    smooth = all(standing is Regularity.SMOOTH for standing in worst)
    if not smooth and not _is_continuous(operation, worst, exponent):
        return None
    try:
        return Limit(exact.apply(operation, numbers))
    except exact.Undecided:
        return None


def _is_continuous(operation: str, worst: Sequence[Regularity], exponent: Any) -> bool:
    if Regularity.OUTSIDE in worst:
        return False
    if operation == "pow":
        return exponent is not None and exponent > 0 and Regularity.UNSURE not in worst
    return operations.row(operation).continuous_at_edges


def _of_infinities(operation: str, limits: Sequence[Limit]) -> Limit | None:
    """The few operations of two infinite operands that have a limit however fast these grow."""
    if len(limits) != 2:
        return None
    first, second = (limit.infinite for limit in limits)
    if 0 in (first, second):
        return None
    match operation:
        case "add" if first == second:
            return Limit(None, first)
        case "sub" if first != second:
            return Limit(None, first)
        case "mul":
            return Limit(None, first * second)
        case "max":
            return Limit(None, max(first, second))
        case "min":
            return Limit(None, min(first, second))
        case "hypot":
            return Limit(None, 1)
        case "pow" if first > 0:
            return Limit(None, 1) if second > 0 else Limit(exact.ZERO)
    return None


def _has_failed(value: Any) -> bool:
    return isinstance(value, Outside | Unresolved)


def _partners(line: Line, quantity: int) -> Iterator[tuple[int, int, int]]:
    """For a vanishing u = a ± b: what may move with u, what it then is beside u, and how it moves.

    a = b + u (told by 1), b = a − u (by −1), and a = −b + u where u is a sum (by 0).
    """
    step = line.steps[quantity]
    if not operations.row(step.operation).is_sum:
        return
    first, second = step.arguments
    ways = [(first, second, 1), (second, first, -1)]
    if step.operation == "add":
        ways = [(first, second, 0), (second, first, 0)]
    for mover, base, turned in ways:
        if mover not in line.constants and mover not in line.needed(base):
            yield mover, base, turned


def _is_nonnegative(line: Line, index: int) -> bool:
    """Whether a step is proved by its operation alone to be no less than 0."""
    step = line.steps[index]
    number = line.constants.get(index)
    if number is not None:
        return number >= 0
    row = operations.row(step.operation)
    if row.nonnegative:
        return True
    if step.operation == "pow":
        exponent = line.constants.get(step.arguments[1])
        return exponent is not None and (
            exponent.denominator > 1 or exponent.numerator % 2 == 0
        )
    signs = [_is_nonnegative(line, argument) for argument in step.arguments]
    if step.operation == "mul" and step.arguments[0] == step.arguments[1]:
        return True
    return row.keeps_nonnegative and all(signs)


def _widened(name: str, number: Number) -> Number:
    """Any number about that one."""
    size = abs(number.ball) * balls.dyadic(-RADIUS_BITS)
    near_zero = number.ball.contains(0)
    radius = balls.dyadic(-RADIUS_BITS) if near_zero else size.abs_upper()
    return exact.variable(name, balls.around(number.ball, radius))


def _of_number(value: float) -> Limit:
    if math.isinf(value):
        return Limit(None, 1 if value > 0 else -1)
    return Limit(exact.rational(value))


def _departing(center: Limit, side: int) -> Germ:
    """center + side·t, or ±1/t."""
    if center.number is None:
        return germs.monomial(balls.exact(float(center.infinite)), -1)
    return paths.departing(center.number, side)


def _tends(value: Any) -> Limit | bool:
    """What a germ tends to; a condition keeps its truth value."""
    return value if isinstance(value, bool) else germs.limit(value)


def _differ(first: Limit | bool, second: Limit | bool) -> bool:
    """Whether two limits, or truth values, are proved to be different."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is not second
    if first.ball is None or second.ball is None:
        return (
            first.ball is not None
            or second.ball is not None
            or (first.infinite != second.infinite)
        )
    return not balls.overlaps(first.ball, second.ball)


# ── ways ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

EXPONENTIAL = 0
"""In the place of a speed: as exp(−1/t), slower than every power."""
Speed = tuple[int, int] | None
"""To which side an input moves, and how fast; None: it stays."""


def _speeds(infinite: Sequence[bool]) -> Iterator[list[Speed]]:
    """How each of some inputs moves; those that are infinite move always."""
    count = len(infinite)

    def way(moves: Mapping[int, tuple[int, int]]) -> list[Speed]:
        still: list[Speed] = [(1, 1) if endless else None for endless in infinite]
        return [moves.get(at, still[at]) for at in range(count)]

    for at, side in itertools.product(range(count), (1, -1)):
        yield way({at: (side, 1)})
    for sides in itertools.product((1, -1), repeat=count if count > 2 else 0):
        yield way({at: (side, 1) for at, side in enumerate(sides)})
    pairs = list(itertools.permutations(range(count), 2))
    unlike = [speeds for speeds in SPEEDS if speeds[0] < speeds[1]]
    alike = [(first, second) for first, second in pairs if first < second]
    signs = list(itertools.product((1, -1), repeat=2))
    for (one, other), (p, q) in itertools.product(alike, signs):
        yield way({one: (p, 1), other: (q, 1)})
    for speeds, (one, other), (p, q) in itertools.product(unlike, pairs, signs):
        yield way({one: (p, speeds[0]), other: (q, speeds[1])})
    for (one, other), (p, q) in itertools.product(pairs, signs):
        yield way({one: (p, 1), other: (q, EXPONENTIAL)})


def _on_the_way(value: float, side: int, speed: int) -> Value:
    if math.isinf(value):
        away = germs.monomial(balls.exact(1.0), -max(speed, 1))
        grown = away if speed else germs.exponential(away)
        return germs.scale(grown, balls.exact(math.copysign(1.0, value)))
    if speed:
        return paths.coordinate(value, side, speed)
    small = germs.exponential(germs.monomial(balls.exact(-1.0), -1))
    step = germs.scale(small, balls.exact(float(side)))
    return germs.add(germs.constant(exact.rational(value)), step)


# ── what depends on what ─────────────────────────────────────────────────────────────────────────────────────────────


def _cones(line: Line) -> list[frozenset[str]]:
    """The inputs that each step depends on."""
    found: list[frozenset[str]] = []
    for step in line.steps:
        if step.operation in ("variable", "input"):
            found.append(frozenset((step.name or "",)))
        else:
            found.append(frozenset().union(*(found[at] for at in step.arguments)))
    return found
