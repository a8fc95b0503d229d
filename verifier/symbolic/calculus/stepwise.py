"""The chain rule over the written program in balls: its value, and the true adjoint of every node.

SymPy differentiates each operation once; nothing of the whole expression is ever rewritten, so this derivative sees
where the program *as written* has a kink, leaves its domain or divides zero by zero. Linear in the size of the program.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Any

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic.balls import Ball, Regularity
from verifier.symbolic.calculus import derivative, signed

LOCALLY_CONSTANT = frozenset(("max", "min", "relu", "sign", "clamp", "floor", "ceil"))
"""Where their derivative is zero they do not depend on the operand at all."""


STEPPED = frozenset("abs relu sign floor ceil".split())
RANKED_OPERATIONS = frozenset("max min clamp lt le gt ge eq ne".split())
"""They ask only how their operands are ordered."""
TWIN_OPERATIONS = frozenset("max min lt le gt ge eq ne".split())


class Standing(IntEnum):
    """What can be said of a node's value or adjoint; of several, the largest prevails."""

    REGULAR = 0
    UNSURE = 1
    """More precision may decide."""
    LIMIT = 2
    """Exactly at an edge: only a limit can decide."""
    UNDEFINED = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A ball, meaningful where the standing is REGULAR; of a condition, `ball` is a truth value or None."""

    ball: Any
    standing: Standing = Standing.REGULAR
    reason: str | None = None
    on_edge: bool = False
    """The slightest move of an input may turn the condition, or make the number jump: something that it is made of
    stands exactly at a tie or at a jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One evaluation at one precision: values and adjoints by node; an adjoint of None is a structural zero."""

    values: tuple[Known, ...]
    adjoints: tuple[Known | None, ...]


class Stepwise:
    """A program, ready to be differentiated step by step at any point."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.constants = constant_values(program)
        self.classes = rewriting.classes(program)
        self.reached = rewriting.reached(program)

    def evaluate(self, point: Mapping[str, float | Ball], upstream: float) -> Pass:
        """Values and adjoints at the precision in force, the output's adjoint being `upstream`.

        A coordinate is an exact number, or a finite ball to be enclosed as a whole.
        """
        values = self.values(point)
        return Pass(values=tuple(values), adjoints=self._backward(values, upstream))

    def values(self, point: Mapping[str, float | Ball]) -> list[Known]:
        """The values alone."""
        self._point = point
        self._numbers: list[Any] | None = None
        self._zero_signs: list[int] | None = None
        return self._forward(point)

    # ── forward ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _forward(self, point: Mapping[str, float | Ball]) -> list[Known]:
        values: list[Known] = []
        for index, node in enumerate(self.program.nodes):
            if node.operation == "variable":
                values.append(_input(point[node.name or ""], node.name or ""))
            elif node.operation == "constant":
                values.append(self._constant(node))
            else:
                operands = [values[argument] for argument in node.arguments]
                values.append(self._apply(index, node, operands))
        return values

    def _constant(self, node: Node) -> Known:
        if node.name == "inf":
            return Known(balls.anything(), Standing.LIMIT, "an infinite constant")
        return Known(balls.constant(node.name, node.number))

    def _apply(self, index: int, node: Node, operands: Sequence[Known]) -> Known:
        if node.operation == "where":
            return self._choose(operands)
        worst = max(operands, key=lambda operand: operand.standing)
        if node.operation == "nan_to_num" and worst.standing > Standing.UNSURE:
            return Known(worst.ball, Standing.LIMIT, worst.reason)
        if worst.standing is not Standing.REGULAR:
            return Known(worst.ball, worst.standing, worst.reason)
        if self._is_of_twins(node):
            return _of_twins(node.operation, operands[0])
        found = self._sharpened(node, [operand.ball for operand in operands])
        row = operations.OPERATIONS[node.operation]
        on_edge = any(operand.on_edge for operand in operands)
        if row.result is operations.Sort.CONDITION:
            result = balls.OPERATIONS[node.operation](*found)
            return Known(result, on_edge=on_edge or _is_tie(row, found))
        if any(not balls.is_finite(ball) for ball in found):
            return Known(balls.anything(), Standing.UNSURE, self._at(index))
        standing = balls.regularity(node.operation, found, 0)
        if standing is Regularity.UNSURE:
            found = self._known_exactly(node, found)
            standing = balls.regularity(node.operation, found, 0)
        if standing is Regularity.OUTSIDE:
            reason = f"{self._at(index)} lies outside the domain of `{node.operation}`"
            return Known(balls.anything(), Standing.UNDEFINED, reason)
        if node.operation in RANKED_OPERATIONS:
            found = [operand.ball for operand in operands]
        value = balls.OPERATIONS[node.operation](*found)
        if node.operation == "atan2" and balls.is_zero(found[0]) and not found[1] > 0:
            return self._on_cut(index, node, operands)
        if balls.is_finite(value):
            jumps = bool(row.jumps) and standing is Regularity.EDGE
            return Known(value, on_edge=on_edge or (jumps and self.reached[index]))
        if standing is Regularity.EDGE or self._is_at_pole(node):
            reason = f"{self._at(index)} is exactly at an edge of `{node.operation}`"
            return Known(value, Standing.LIMIT, reason)
        return Known(value, Standing.UNSURE, self._at(index))

    def _on_cut(self, index: int, node: Node, operands: Sequence[Known]) -> Known:
        """atan2 of a zero ordinate: ±π or ±0, by the signs of the zeros (IEEE 754-2019, section 9.2.1)."""
        x = operands[1].ball
        up, right = (self._zero_sign(argument) for argument in node.arguments)
        if not up or not (x < 0 or right):
            reason = f"{self._at(index)} is exactly at an edge of `atan2`"
            known = x < 0 or balls.is_zero(x)
            standing = Standing.LIMIT if known else Standing.UNSURE
            return Known(balls.anything(), standing, reason)
        if not (x < 0 or right < 0):
            return Known(balls.zero(), on_edge=True)
        return Known(balls.constant("pi", None) * up, on_edge=True)

    def is_on_cut(self, values: Sequence[Known]) -> bool:
        """Whether an angle hangs on the sign of a zero, of which a formula of SymPy's knows nothing."""
        return any(
            node.operation == "atan2"
            and values[index].standing is Standing.REGULAR
            and balls.is_zero(values[node.arguments[0]].ball)
            and not values[node.arguments[1]].ball > 0
            for index, node in enumerate(self.program.nodes)
        )

    def _zero_sign(self, index: int) -> int:
        """The sign that IEEE 754 gives a node that is zero; 0 where it is none, or rounding decides."""
        if self._zero_signs is None:
            point = {n: v for n, v in self._point.items() if isinstance(v, float)}
            whole = len(point) == len(self._point)
            self._zero_signs = signed.zero_signs(self.program, point) if whole else []
        return self._zero_signs[index] if self._zero_signs else 0

    def _choose(self, operands: Sequence[Known]) -> Known:
        condition, chosen, other = operands
        if condition.standing is not Standing.REGULAR:
            return Known(balls.anything(), condition.standing, condition.reason)
        if condition.ball is not None:
            branch = chosen if condition.ball else other
            on_edge = condition.on_edge or branch.on_edge
            return Known(branch.ball, branch.standing, branch.reason, on_edge=on_edge)
        return Known(balls.anything(), Standing.UNSURE, "an undecided condition")

    def _is_of_twins(self, node: Node) -> bool:
        """Whether a choice is between operands that are written alike: balls would never tell that they are equal."""
        if node.operation not in TWIN_OPERATIONS:
            return False
        first, second = (self.classes[argument] for argument in node.arguments)
        return first == second

    def _sharpened(self, node: Node, found: list[Any]) -> list[Any]:
        """The operands' balls, sharpened where a choice hangs on numbers that balls cannot hold exactly.

        Of 0.2·x + 0.5 at 2.5 its form says that it is 1. Operands that are only compared are replaced by their ranks.
        """
        if not _hangs_on_a_tie(node.operation, found):
            return found
        return self._known_exactly(node, found)

    def _known_exactly(self, node: Node, found: Sequence[Any]) -> list[Any]:
        """The operands as their forms know them (`exact`); of those that are only compared, the ranks."""
        numbers = [self._number(argument) for argument in node.arguments]
        if node.operation in RANKED_OPERATIONS:
            return _ranks(numbers) or list(found)
        known = [None if number is None else number.rational for number in numbers]
        return [
            ball if value is None else balls.exact(value)
            for ball, value in zip(found, known, strict=True)
        ]

    def _number(self, index: int) -> Any:
        if self._numbers is None:
            point = {
                name: value
                for name, value in self._point.items()
                if isinstance(value, float)
            }
            self._numbers = exact.values(self.program, point)
        return self._numbers[index]

    def _is_at_pole(self, node: Node) -> bool:
        """Whether a function of multiples of π, such as tan, has no value there."""
        operands = [self._number(argument) for argument in node.arguments]
        if None in operands:
            return False
        try:
            exact.apply(node.operation, operands)
        except exact.Pole:
            return True
        except exact.Undecided:
            pass
        return False

    def _at(self, index: int) -> str:
        return f"`{self.program.text(index)}`"

    # ── backward ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _backward(
        self, values: Sequence[Known], upstream: float
    ) -> tuple[Known | None, ...]:
        nodes = self.program.nodes
        adjoints: list[Known | None] = [None] * len(nodes)
        output = self.program.output
        if values[output].standing is Standing.REGULAR:
            adjoints[output] = Known(balls.exact(upstream))
        else:  # where the value is not known, no derivative is
            adjoints[output] = values[output]
        for index in range(output, -1, -1):
            adjoint = adjoints[index]
            if adjoint is None or not nodes[index].arguments:
                continue
            for operand, argument in enumerate(nodes[index].arguments):
                share = self._share(index, operand, adjoint, values)
                if share is not None:
                    adjoints[argument] = _sum(adjoints[argument], share)
        return tuple(adjoints)

    def _share(
        self, index: int, operand: int, adjoint: Known, values: Sequence[Known]
    ) -> Known | None:
        """What a node passes back to one operand; None for a structural zero."""
        node = self.program.nodes[index]
        found = [values[argument] for argument in node.arguments]
        if node.operation == "where":
            return self._share_of_choice(operand, adjoint, found)
        if adjoint.standing is not Standing.REGULAR:
            return adjoint
        row = operations.OPERATIONS[node.operation]
        if row.result is operations.Sort.CONDITION:
            return None
        if self._is_of_twins(node):  # max(u, u) is u
            return adjoint if operand == 0 else None
        operands = self._sharpened(node, [value.ball for value in found])
        standing = balls.regularity(node.operation, operands, operand)
        if standing is Regularity.UNSURE:
            operands = self._known_exactly(node, operands)
            standing = balls.regularity(node.operation, operands, operand)
        if standing is not Regularity.SMOOTH and not self._is_on_side(node, operands):
            return self._irregular(index, standing)
        if row.operands[operand] in row.parameters:
            return None
        local = self._local(index, operand, operands)
        if balls.is_zero(local) and node.operation in LOCALLY_CONSTANT:
            # any other zero may meet an infinite derivative further on
            return self._share_of_constant(found[operand])
        product = adjoint.ball * local
        if not balls.is_finite(product):
            return Known(product, Standing.UNSURE, self._at(index))
        return Known(product)

    def _is_on_side(self, node: Node, operands: Sequence[Ball]) -> bool:
        """Whether a point on the cut of atan2 lies on that side of it which the sign of a zero picks.

        IEEE 754-2019, section 9.2.1, gives atan2(±0, x) the value ±π that it has on either side; with the value goes
        the derivative, as with complex functions (W. Kahan, Branch Cuts for Complex Elementary Functions, 1987).
        """
        return (
            node.operation == "atan2"
            and balls.is_zero(operands[0])
            and bool(operands[1] < 0)
            and self._zero_sign(node.arguments[0]) != 0
        )

    def _share_of_constant(self, operand: Known) -> Known | None:
        """What an operation passes back that is constant about its operand: nothing, unless that may jump itself."""
        if not operand.on_edge:
            return None
        return Known(balls.anything(), Standing.LIMIT, "an operand may jump")

    def _share_of_choice(
        self, operand: int, adjoint: Known, found: Sequence[Known]
    ) -> Known | None:
        condition = found[0]
        if operand == 0:
            if condition.on_edge:
                reason = "a condition is exactly at its turning point"
                return Known(balls.anything(), Standing.LIMIT, reason)
            return adjoint if adjoint.standing is not Standing.REGULAR else None
        if condition.standing is not Standing.REGULAR:
            return Known(balls.anything(), condition.standing, condition.reason)
        if condition.ball is None:
            return Known(balls.anything(), Standing.UNSURE, "an undecided condition")
        return adjoint if condition.ball == (operand == 1) else None

    def _irregular(self, index: int, standing: Regularity) -> Known:
        operation = self.program.nodes[index].operation
        if standing is Regularity.EDGE:
            reason = f"{self._at(index)} is exactly at an edge of `{operation}`"
            return Known(balls.anything(), Standing.LIMIT, reason)
        if standing is Regularity.OUTSIDE:
            reason = f"{self._at(index)} has no neighbourhood in the domain"
            return Known(balls.anything(), Standing.UNDEFINED, reason)
        return Known(balls.anything(), Standing.UNSURE, self._at(index))

    def _local(self, index: int, operand: int, operands: Sequence[Ball]) -> Ball:
        node = self.program.nodes[index]
        exponent: Fraction | None = None
        if node.operation == "pow":
            exponent = self.constants.get(node.arguments[1])
            if exponent is None and operand == 0 and not operands[0] > 0:
                exponent = balls.rational(operands[1])
        formula = derivative.local(node.operation, operand, exponent)
        return balls.evaluate(formula, operands)[0]


def _input(value: float | Ball, name: str) -> Known:
    if not isinstance(value, float):
        return Known(value)
    if math.isnan(value):
        return Known(balls.anything(), Standing.UNDEFINED, f"`{name}` is NaN")
    if math.isinf(value):
        return Known(balls.anything(), Standing.LIMIT, f"`{name}` is infinite")
    return Known(balls.exact(value))


def _hangs_on_a_tie(operation: str, found: Sequence[Ball]) -> bool:
    """Whether a choice is to be made that the balls leave open."""
    if operation in STEPPED:
        return bool(found[0].contains_integer()) and not found[0].is_exact()
    if operation not in RANKED_OPERATIONS:
        return False
    return any(
        balls.equal(first, second) is None
        for first, second in itertools.combinations(found, 2)
    )


def _ranks(numbers: Sequence[Any]) -> list[Ball] | None:
    """The places of some numbers in their order, equal ones having one; None where it is not known."""
    if None in numbers:
        return None
    signs = [[(one - other).sign() for other in numbers] for one in numbers]
    if any(None in row for row in signs):
        return None
    below = [sum(sign == 1 for sign in row) for row in signs]
    return [balls.exact(Fraction(count)) for count in below]


def _is_tie(row: operations.Operation, found: Sequence[Any]) -> bool:
    """Whether a relation holds between equal numbers."""
    if row.sorts[0] is operations.Sort.CONDITION:
        return False
    return balls.equal(found[0], found[1]) is True


def _of_twins(operation: str, operand: Known) -> Known:
    """max, min or a comparison of a value with itself."""
    if operation in ("max", "min"):
        return operand
    return Known(operation in ("le", "ge", "eq"))


def _sum(first: Known | None, second: Known) -> Known:
    if first is None:
        return second
    if first.standing is Standing.REGULAR and second.standing is Standing.REGULAR:
        return Known(first.ball + second.ball)
    return max(first, second, key=lambda known: known.standing)
