"""The chain rule in balls, and where a step of it stands at an edge: a kink, a pole, an
end of the domain, a tie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.regularity import Regularity, regularity_of
from verifier.symbolic.calculus import derivative
from verifier.symbolic.calculus.chain import Chain, Known, Standing, Structure
from verifier.symbolic.calculus.exact_operands import ExactOperands


def is_on_cut(program: Program, values: Sequence[Known]) -> bool:
    """Whether an angle hangs on the sign of a zero, of which a formula of SymPy's knows
    nothing."""
    return any(
        node.operation == "atan2"
        and values[index].standing is Standing.REGULAR
        and balls.is_zero(values[node.arguments[0]].ball)
        and not values[node.arguments[1]].ball > 0
        for index, node in enumerate(program.nodes)
    )


class RealChain(Chain):
    """One pass in balls. An input is a float, or a finite ball to be enclosed as a
    whole."""

    def __init__(self, structure: Structure, point: Mapping[str, float | Ball]) -> None:
        super().__init__(structure, point)
        self.exact = ExactOperands(self.program, point)

    @staticmethod
    def written_out(program: Program) -> Program:
        """The program with definitions written out."""
        return rewriting.define(program)

    @staticmethod
    def size(ball: Ball) -> Ball:
        """The magnitude of a number."""
        return abs(ball)

    def variable(self, name: str) -> Known:
        """The value of an input."""
        value = self.point[name]
        if not isinstance(value, float):
            return Known(value)
        if math.isnan(value):
            return Known(balls.anything(), Standing.UNDEFINED, f"`{name}` is NaN")
        if math.isinf(value):
            return Known(balls.anything(), Standing.LIMIT, f"`{name}` is infinite")
        return Known(balls.exact(value))

    def constant(self, index: int) -> Known:
        """The value of a literal."""
        node = self.program.nodes[index]
        if node.name == "inf":
            return Known(balls.anything(), Standing.LIMIT, "an infinite constant")
        return Known(balls.constant(node.name, node.number))

    # ── forward ───────────────────────────────────────────────────────────────────────

    def apply(self, index: int) -> Known:
        """The value of an operation."""
        node, operands = self.program.nodes[index], self.operands(index)
        if node.operation == "where":
            return _choose(operands)
        worst = max(operands, key=lambda operand: operand.standing)
        if node.operation == "nan_to_num" and worst.standing > Standing.UNSURE:
            return Known(worst.ball, Standing.LIMIT, worst.reason)
        if worst.standing is not Standing.REGULAR:
            return Known(worst.ball, worst.standing, worst.reason)
        row = operations.OPERATIONS[node.operation]
        given = [operand.ball for operand in operands]
        if row.is_ordinal and self._is_of_twins(node):
            return _of_twins(row, operands[0])
        if row.hangs_on_ties:
            given = self.exact.sharpened(node, given)
        if row.result is operations.Sort.CONDITION:
            truth = balls.OPERATIONS[node.operation](*given)
            on_edge = any(operand.on_edge for operand in operands)
            return Known(truth, on_edge=on_edge or _is_tie(row, given))
        return self._number(index, operands, given)

    def _number(
        self, index: int, operands: Sequence[Known], given: list[Ball]
    ) -> Known:
        """The value of an operation that yields a number, of operands `given` as balls
        as sharp as they are known."""
        node = self.program.nodes[index]
        if any(not balls.is_finite(ball) for ball in given):
            return Known(balls.anything(), Standing.UNSURE, self.spelt(index))
        regularity = regularity_of(node.operation, given, 0)
        if regularity is Regularity.UNSURE:
            given = self.exact.exactly(node, given)
            regularity = regularity_of(node.operation, given, 0)
        if regularity is Regularity.OUTSIDE:
            reason = (
                f"{self.spelt(index)} lies outside the domain of `{node.operation}`"
            )
            return Known(balls.anything(), Standing.UNDEFINED, reason)
        if operations.OPERATIONS[node.operation].is_ordinal:
            given = [operand.ball for operand in operands]
        value = balls.OPERATIONS[node.operation](*given)
        if node.operation == "atan2" and balls.is_zero(given[0]) and not given[1] > 0:
            return self._on_cut(index)
        is_at_edge = regularity is Regularity.EDGE
        if balls.is_finite(value):
            jumps = bool(operations.OPERATIONS[node.operation].jumps) and is_at_edge
            on_edge = any(operand.on_edge for operand in operands)
            moves = self.structure.reached[index]
            return Known(value, on_edge=on_edge or (jumps and moves))
        if is_at_edge or self.exact.is_at_pole(node):
            return Known(value, Standing.LIMIT, self._at_edge(index))
        return Known(value, Standing.UNSURE, self.spelt(index))

    def _on_cut(self, index: int) -> Known:
        """atan2 of a zero ordinate: ±π or ±0, by the signs of the zeros (IEEE 754-2019,
        section 9.2.1)."""
        arguments = self.program.nodes[index].arguments
        x = self.values[arguments[1]].ball
        up, right = (self.exact.zero_sign(argument) for argument in arguments)
        if not up or not (x < 0 or right):
            is_at_edge = x < 0 or balls.is_zero(x)
            standing = Standing.LIMIT if is_at_edge else Standing.UNSURE
            return Known(balls.anything(), standing, self._at_edge(index))
        if not (x < 0 or right < 0):
            return Known(balls.zero(), on_edge=True)
        return Known(balls.constant("pi", None) * up, on_edge=True)

    def _is_of_twins(self, node: Node) -> bool:
        """Whether a choice is between operands that are written alike: balls would
        never tell that they are equal."""
        if len(node.arguments) != 2:
            return False
        first, second = (self.structure.classes[at] for at in node.arguments)
        return first == second

    def _at_edge(self, index: int) -> str:
        operation = self.program.nodes[index].operation
        return f"{self.spelt(index)} is exactly at an edge of `{operation}`"

    # ── backward ──────────────────────────────────────────────────────────────────────

    def seed(self, upstream: float) -> Known:
        """The adjoint of the output; where the value is not known, no derivative is."""
        value = self.values[self.program.output]
        regular = value.standing is Standing.REGULAR
        return Known(balls.exact(upstream)) if regular else value

    def share(self, index: int, operand: int, adjoint: Known) -> Known | None:
        """What a node passes back to one operand; None for a structural zero."""
        node, operands = self.program.nodes[index], self.operands(index)
        if node.operation == "where":
            return _share_of_choice(operand, adjoint, operands)
        if adjoint.standing is not Standing.REGULAR:
            return adjoint
        row = operations.OPERATIONS[node.operation]
        if row.result is operations.Sort.CONDITION:
            return None
        if row.is_ordinal and self._is_of_twins(node):  # max(u, u) is u
            return adjoint if operand == 0 else None
        given = [known.ball for known in operands]
        if row.hangs_on_ties:
            given = self.exact.sharpened(node, given)
        regularity = regularity_of(node.operation, given, operand)
        if regularity is Regularity.UNSURE:
            given = self.exact.exactly(node, given)
            regularity = regularity_of(node.operation, given, operand)
        if regularity is not Regularity.SMOOTH and not self._is_on_side(node, given):
            return self._irregular(index, regularity)
        if row.operands[operand] in row.parameters:
            return None
        if row.operands[operand] in row.fixed:
            reason = f"no derivative is known of {self.spelt(index)} by it"
            return Known(balls.anything(), Standing.LIMIT, reason)
        local = self._local(index, operand, given)
        if balls.is_zero(local) and row.piecewise_linear:
            # any other zero may meet an infinite derivative further on
            return _share_of_constant(operands[operand])
        product = adjoint.ball * local
        if not balls.is_finite(product):
            return Known(product, Standing.UNSURE, self.spelt(index))
        return Known(product)

    def sum(self, first: Known, second: Known) -> Known:
        """The sum of two shares."""
        if first.standing is Standing.REGULAR and second.standing is Standing.REGULAR:
            return Known(first.ball + second.ball)
        return max(first, second, key=lambda known: known.standing)

    def _is_on_side(self, node: Node, operands: Sequence[Ball]) -> bool:
        """Whether a point on the cut of atan2 lies on that side of it which the sign of
        a zero picks.

        IEEE 754-2019, section 9.2.1, gives atan2(±0, x) the value ±π that it has on
        either side; with the value goes the derivative, as with complex functions (W.
        Kahan, Branch Cuts for Complex Elementary Functions, 1987).
        """
        return (
            node.operation == "atan2"
            and balls.is_zero(operands[0])
            and bool(operands[1] < 0)
            and self.exact.zero_sign(node.arguments[0]) != 0
        )

    def _irregular(self, index: int, regularity: Regularity) -> Known:
        if regularity is Regularity.EDGE:
            return Known(balls.anything(), Standing.LIMIT, self._at_edge(index))
        if regularity is Regularity.OUTSIDE:
            reason = f"{self.spelt(index)} has no neighbourhood in the domain"
            return Known(balls.anything(), Standing.UNDEFINED, reason)
        return Known(balls.anything(), Standing.UNSURE, self.spelt(index))

    def _local(self, index: int, operand: int, operands: Sequence[Ball]) -> Ball:
        """The derivative of a node by one operand."""
        node = self.program.nodes[index]
        exponent: Fraction | None = None
        if node.operation == "pow":
            exponent = self.structure.constants.get(node.arguments[1])
            if exponent is None and operand == 0 and not operands[0] > 0:
                exponent = balls.rational(operands[1])
        formula = derivative.local(node.operation, operand, exponent)
        return evaluation.evaluate(formula, operands)[0]


def _choose(operands: Sequence[Known]) -> Known:
    """The branch that a condition picks."""
    condition, chosen, other = operands
    if condition.standing is not Standing.REGULAR:
        return Known(balls.anything(), condition.standing, condition.reason)
    if condition.ball is None:
        return Known(balls.anything(), Standing.UNSURE, "an undecided condition")
    branch = chosen if condition.ball else other
    on_edge = condition.on_edge or branch.on_edge
    return Known(branch.ball, branch.standing, branch.reason, on_edge=on_edge)


def _share_of_choice(
    operand: int, adjoint: Known, operands: Sequence[Known]
) -> Known | None:
    """What `where` passes back: all to the branch that is taken."""
    condition = operands[0]
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


def _share_of_constant(operand: Known) -> Known | None:
    """What an operation passes back that is constant about its operand: nothing, unless
    that may jump itself."""
    if not operand.on_edge:
        return None
    return Known(balls.anything(), Standing.LIMIT, "an operand may jump")


def _is_tie(row: operations.Operation, operands: Sequence[Ball]) -> bool:
    """Whether a relation holds between equal numbers."""
    if row.sorts[0] is operations.Sort.CONDITION:
        return False
    return balls.equal(operands[0], operands[1]) is True


def _of_twins(row: operations.Operation, operand: Known) -> Known:
    """max, min or a comparison of a value with itself."""
    return Known(0 in row.holds_for) if row.is_relation else operand
