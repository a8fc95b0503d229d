"""Limits at a point that several inputs may leave: proved along every way there is, or
refuted by two ways.

A limit along a line proves nothing where other inputs could move too: x²y/(x⁴ + y²)
tends to 0 along every straight line into the origin, and to 1/2 along a parabola. Here
one quantity u moves, an input or a step, and every input is a ball about its value. An
expansion in u with ball coefficients holds for all inputs in the balls at once, so that
its limit is uniform; and a uniform limit of continuous functions is the limit along
every way. What is so proved of a step is handed on where the next operation is
continuous, or has a limit itself as its operand goes to infinity.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions import field, terms
from verifier.symbolic.arithmetic.expansions.terms import (
    Expansion,
    Limit,
    NoLimit,
    Outside,
    Unresolved,
    Value,
)
from verifier.symbolic.limits.compositions import composition
from verifier.symbolic.limits.paths import (
    Line,
    at_point,
    differ,
    has_failed,
    leaving,
    limit_of_input,
    tends,
)
from verifier.symbolic.limits.ways import Ways

MOST_QUANTITIES = 12
"""Quantities that are moved for one proof."""

MOST_PROOFS = 12
"""Steps that are proved one by one."""

FEW_TERMS = 3
"""Ways are compared once, by expansions of no more terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointLimit:
    """A limit along every way; `one_sided` says that something may come from one side
    alone."""

    limit: Limit
    one_sided: bool = False


def limit(line: Line, point: Mapping[str, float]) -> JointLimit:
    """What a line tends to as its inputs approach the point, in whatever way.

    Raises `NoLimit` where it has no limit, `Outside` where it is not defined about the
    point, and `Unresolved`.
    """
    return _Proofs(line, point).limit()


def fixed(line: Line, point: Mapping[str, float], mover: str) -> dict[int, Value]:
    """The steps that are not defined at the point, yet have a limit there which one
    input does not reach."""
    work = _Proofs(line, point)
    values = line.values(at_point(point, widened=False))
    steps: dict[int, Value] = {}
    for index, value in enumerate(values):
        if has_failed(value) and mover not in work.cones[index]:
            known = work.of(index)
            if isinstance(known, JointLimit) and known.limit.ball is not None:
                steps[index] = terms.constant(known.limit.ball)
    return steps


class _Proofs:
    """What is proved of a line's steps along every way to a point."""

    def __init__(self, line: Line, point: Mapping[str, float]) -> None:
        if any(math.isnan(value) for value in point.values()):
            raise Unresolved("an input is NaN")
        self.line, self.point = line, point
        self.cones = cones(line)
        self.proofs = 0
        self.known: dict[int, Any] = {}

    def limit(self) -> JointLimit:
        """What the output tends to along every way."""
        output = self.line.output
        try:
            result = self._proved(output)
        except Unresolved as failure:
            reason = failure
            result = self.of(output)
        if isinstance(result, JointLimit):
            return result
        if terms.kept_terms() <= FEW_TERMS:
            Ways(self.line, self.point, self.cones).compare(self.known)
        raise reason

    # ── step by step ──────────────────────────────────────────────────────────────────

    def of(self, index: int) -> Any:
        """What is known of a step along every way: a limit, a truth value, or None."""
        for earlier in self.line.needed(index):
            if earlier not in self.known:
                self.known[earlier] = self._step(earlier)
        return self.known[index]

    def _step(self, index: int) -> Any:
        step = self.line.steps[index]
        if step.operation in ("variable", "input"):
            return JointLimit(limit=limit_of_input(self.point[step.name or ""]))
        if step.operation == "constant":
            if step.name == "inf":
                return JointLimit(limit=Limit(None, 1))
            return JointLimit(limit=Limit(exact.constant(step.name, step.number)))
        operands = [self.known[argument] for argument in step.arguments]
        if step.operation == "where" and isinstance(operands[0], bool):
            return operands[1] if operands[0] else operands[2]
        settling = operations.row(step.operation).settled_by
        if settling is not None and any(operand is settling for operand in operands):
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
        limit = composition(operation, limits, self._exponent(index))
        if limit is None or isinstance(limit, bool):
            return limit
        return JointLimit(limit=limit, one_sided=one_sided)

    def _exponent(self, index: int) -> Any:
        step = self.line.steps[index]
        if step.operation != "pow":
            return None
        return self.line.constants.get(step.arguments[1])

    # ── proofs ────────────────────────────────────────────────────────────────────────

    def _proved(self, index: int) -> JointLimit | bool:
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
        """What may be moved, with its limit: inputs, and steps that join several,
        nearest to the failure first."""
        values = self.line.values(at_point(self.point, widened=False))
        needed = self.line.needed(index)
        first = self.line.classes  # what is written alike moves alike
        queue = [at for at in needed if has_failed(values[at]) and first[at] == at]
        seen = set(queue)
        for at in queue:
            known = self.known.get(at)
            step = self.line.steps[at]
            if step.operation in ("variable", "input"):
                yield at, limit_of_input(self.point[step.name or ""])
            elif len(self.cones[at]) > 1 and isinstance(values[at], Expansion):
                yield at, terms.limit(values[at])
            elif isinstance(known, JointLimit) and known.limit.number is None:
                yield at, known.limit
            for argument in step.arguments:
                alike = first[argument]
                if alike not in seen and self.cones[alike]:
                    seen.add(alike)
                    queue.append(alike)

    def _by(self, index: int, quantity: int, center: Limit) -> JointLimit | bool:
        sides = [1] if center.number is None else self._sides(quantity, center.number)
        line = self.line.to(index)
        several = len(self.cones[self.line.output]) > 1
        for widened in (True, False) if several else (False,):
            path = at_point(self.point, widened=widened)
            limits = [
                tends(value)
                for side in sides
                if (
                    value := line.along(path, self._moved(path, quantity, center, side))
                )
                is not None
            ]
        if not limits:
            raise Outside("the function is not defined about this point")
        if any(differ(limits[0], other) for other in limits[1:]):
            if self.line.steps[quantity].operation in ("variable", "input"):
                raise NoLimit("the function has different limits from different sides")
            raise Unresolved("different limits from sides that may not be reached")
        if center.ball is not None and several:
            self._check_inside(line, quantity, center, limits[0])
        one_sided = len(limits) < 2 and center.ball is not None
        if isinstance(limits[0], bool):
            return limits[0]
        return JointLimit(limit=limits[0], one_sided=one_sided)

    def _check_inside(
        self, line: Line, quantity: int, center: Limit, limit: Limit | bool
    ) -> None:
        """Ways on which the quantity stays where it is: none is in the domain, or they
        have the same limit."""
        path = at_point(self.point, widened=True)
        try:
            value = line.along(path, self._moved(path, quantity, center, 0))
        except terms.OnCut:
            return  # the sign of the zero decides there, which is no way of its own
        if value is None:
            return
        if differ(tends(value), limit):
            raise Unresolved("another limit where a quantity does not move")

    def _moved(
        self, path: Mapping[str, Any], quantity: int, center: Limit, side: int
    ) -> dict[int, Value]:
        """The quantity on its way; of a difference that vanishes the first operand goes
        with it."""
        moved = self._alike(quantity, leaving(center, side))
        if center.number is None or not center.number.is_zero:
            return moved
        for mover, base, turned in partners(self.line, quantity):
            value = self.line.to(base).values(path)[base]
            if isinstance(value, Expansion):
                away = moved[quantity]
                moving = field.negate(away) if turned < 0 else away
                still = field.negate(value) if turned == 0 else value
                return moved | self._alike(mover, field.add(still, moving))
        return moved

    def _alike(self, index: int, value: Value) -> dict[int, Value]:
        """A value for a step and for all that are written like it."""
        classes = self.line.classes
        alike = [at for at, first in enumerate(classes) if first == classes[index]]
        return dict.fromkeys(alike, value)

    def _sides(self, quantity: int, center: Number) -> list[int]:
        if center.is_zero and is_nonnegative(self.line, quantity):
            return [1]
        return [1, -1]


def partners(line: Line, quantity: int) -> Iterator[tuple[int, int, int]]:
    """For a vanishing u = a ± b: what may move with u, what it then is beside u, and
    how it moves.

    a = b + u (1), b = a − u (−1), and a = −b + u where u is a sum (0).
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


def is_nonnegative(line: Line, index: int) -> bool:
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
    signs = [is_nonnegative(line, argument) for argument in step.arguments]
    if step.operation == "mul" and step.arguments[0] == step.arguments[1]:
        return True
    return row.keeps_nonnegative and all(signs)


def cones(line: Line) -> list[frozenset[str]]:
    """The inputs that each step depends on."""
    inputs: list[frozenset[str]] = []
    for step in line.steps:
        if step.operation in ("variable", "input"):
            inputs.append(frozenset((step.name or "",)))
        else:
            inputs.append(frozenset().union(*(inputs[at] for at in step.arguments)))
    return inputs
