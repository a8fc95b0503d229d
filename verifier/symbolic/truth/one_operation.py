"""One operation in balls: its true result, and the true product of an adjoint and its
local derivative."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.regularity import Regularity, regularity_of
from verifier.symbolic.calculus import derivative
from verifier.symbolic.calculus.chain import Known, Pass, Standing
from verifier.symbolic.calculus.stepwise import Stepwise


def apply(operation: str, operands: Sequence[Known]) -> Known:
    """The true result of one operation at the precision in force, with the standing of
    what is no ordinary point."""
    if operation == "where":
        return _choose(operands)
    worst = max(operands, key=lambda operand: operand.standing)
    if worst.standing is not Standing.REGULAR:
        return Known(balls.anything(), worst.standing, worst.reason)
    numbers = [operand.ball for operand in operands]
    if _is_defined(operation):
        program, done = _defined(operation, numbers)
        return done.values[program.output]
    if is_condition(operation):
        return Known(balls.OPERATIONS[operation](*numbers))
    regularity = regularity_of(operation, numbers, 0)
    if regularity is Regularity.OUTSIDE:
        return _irregular(operation, regularity)
    value = balls.OPERATIONS[operation](*numbers)
    if balls.is_finite(value):
        return Known(value)
    return _irregular(operation, regularity)


def product(
    operation: str,
    operand: int,
    operands: Sequence[Known],
    adjoint: Known | None,
    exponent: Fraction | None = None,
) -> Known | None:
    """The true product of an adjoint and the local derivative by one operand; None for
    a structural zero.

    `exponent` is the power's, where it is a constant.
    """
    if adjoint is None or is_condition(operation):
        return None
    if operation == "where":
        return _product_of_branch(operand, operands, adjoint)
    row = operations.OPERATIONS[operation]
    if row.piecewise_constant or row.operands[operand] in row.parameters:
        return None
    if row.operands[operand] in row.fixed:
        return Known(balls.anything(), Standing.LIMIT, "no derivative by it is known")
    worst = max((adjoint, *operands), key=lambda known: known.standing)
    if worst.standing is not Standing.REGULAR:
        return Known(balls.anything(), worst.standing, worst.reason)
    numbers = [known.ball for known in operands]
    if _is_defined(operation):
        local = _local_of_defined(operation, operand, numbers)
        if local is None or local.standing is not Standing.REGULAR:
            return local
        return Known(adjoint.ball * local.ball)
    regularity = regularity_of(operation, numbers, operand)
    on_cut = operation == "atan2" and balls.is_zero(numbers[0]) and numbers[1] < 0
    if regularity is not Regularity.SMOOTH and not on_cut:
        return _irregular(operation, regularity)
    formula = derivative.local(operation, operand, exponent)
    product = adjoint.ball * evaluation.evaluate(formula, numbers)[0]
    if balls.is_finite(product):
        return Known(product)
    return Known(balls.anything(), Standing.UNSURE, f"`{operation}` is not resolved")


def _choose(operands: Sequence[Known]) -> Known:
    condition, chosen, other = operands
    if condition.standing is not Standing.REGULAR or condition.ball is None:
        reason = condition.reason or "an undecided condition"
        return Known(balls.anything(), max(condition.standing, Standing.UNSURE), reason)
    return chosen if condition.ball else other


def _product_of_branch(
    operand: int, operands: Sequence[Known], adjoint: Known
) -> Known | None:
    condition = operands[0]
    if operand == 0:
        return None
    if condition.standing is not Standing.REGULAR or condition.ball is None:
        return _choose(operands)
    return adjoint if condition.ball == (operand == 1) else None


def _irregular(operation: str, regularity: Regularity) -> Known:
    if regularity is Regularity.EDGE:
        reason = f"exactly at an edge of `{operation}`"
        return Known(balls.anything(), Standing.LIMIT, reason)
    if regularity is Regularity.OUTSIDE:
        reason = f"outside the domain of `{operation}`"
        return Known(balls.anything(), Standing.UNDEFINED, reason)
    return Known(balls.anything(), Standing.UNSURE, f"`{operation}` is not resolved")


def _is_defined(operation: str) -> bool:
    row = operations.OPERATIONS.get(operation)
    return row is not None and row.definition is not None


def _defined(operation: str, operands: Sequence[Ball]) -> tuple[Program, Pass]:
    """Values and derivatives all through the definition of an operation."""
    row = operations.OPERATIONS[operation]
    program = rewriting.definition(row)
    point = dict(zip(row.operands, operands, strict=True))
    return program, Stepwise(program).evaluate(point, 1.0)


def _local_of_defined(
    operation: str, operand: int, operands: Sequence[Ball]
) -> Known | None:
    """The derivative by one operand; None where the operation does not depend on it."""
    name = operations.OPERATIONS[operation].operands[operand]
    program, done = _defined(operation, operands)
    for node, adjoint in zip(program.nodes, done.adjoints, strict=True):
        if node.operation == "variable" and node.name == name:
            return adjoint
    return None


def is_condition(operation: str) -> bool:
    row = operations.OPERATIONS.get(operation)
    return row is not None and row.result is operations.Sort.CONDITION
