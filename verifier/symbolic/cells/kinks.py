"""Where a row has no derivative: at a kink the hull of all one-sided ones, at a jump
nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import KINK, STRADDLES, UNDEFINED
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball, Condition
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells import rules

Marks = npt.NDArray[np.uint8]

JUMP = 2.0**-20
"""Values on two sides that are further apart than this, relatively, are a jump."""


def turning(
    arithmetic: Any, operation: str, operand: int, operands: Sequence[Any]
) -> npt.NDArray[np.bool_] | None:
    """Where the row may turn when an operand moves; None where it never does."""
    steps = rules.turns(operation, operand)
    if not steps:
        return None
    values = iter(
        evaluate(
            rules.turned(operation, operand),
            operands,
            arithmetic.table,
            arithmetic.literal,
        )
    )
    found = np.zeros(operands[0].shape, dtype=bool)
    for step, count in steps:
        found |= arithmetic.ties(step, [next(values) for _ in range(count)])
    return found


def partial_at(
    operation: str, operand: int, formula: Formula | None, operands: Sequence[Ball]
) -> tuple[Ball, int]:
    """The enclosure of a partial derivative where the row may turn, and what is to be
    said of it: the hull of the derivatives on all sides."""
    exact = all(ball.is_exact() for ball in operands)
    if formula is None:
        return nothing(operands)
    if operation == "atan2" and operand == 1 and operands[0].is_zero():
        return evaluate(formula, operands)[0], 0  # along the cut
    if rules.jumps(operation):
        return nothing(operands)
    (value,) = evaluate(rules.value(operation), operands, OPEN)
    if not balls.is_finite(value):
        return nothing(operands)
    (plain,) = evaluate(rules.value(operation), operands)
    width = value.rad() - plain.rad()
    if width > JUMP * (1 + abs(plain)).abs_upper():
        return nothing(operands)
    return _hull(formula, operands, exact, operation)


def _hull(
    formula: Formula, operands: Sequence[Ball], exact: bool, operation: str = ""
) -> tuple[Ball, int]:
    (hull,) = evaluate(formula, operands, OPEN)
    if operation == "hypot" and not balls.is_finite(hull):
        hull = _about_zero()
    if not balls.is_finite(hull):
        return hull, UNDEFINED if exact else STRADDLES
    if balls.is_known_to(hull, 20):
        return hull, 0
    return hull, KINK if exact else STRADDLES


def _about_zero() -> Ball:
    """All from −1 to 1."""
    return balls.around(balls.zero(), balls.exact(1.0))


def _open(condition: Callable[[Ball, Ball], Condition]) -> Callable[..., Condition]:
    def opened(x: Ball, y: Ball) -> Condition:
        # Infinities are equal to themselves, and far from any turn.
        if balls.overlaps(x, y) and balls.is_finite(x):
            return None
        return condition(x, y)

    return opened


def _sign(x: Ball) -> Ball:
    return _about_zero() if x.contains(0) else x.sgn()


def _floor(x: Ball) -> Ball:
    return x.floor().union(x.ceil() - 1) if x.contains_integer() else x.floor()


def _ceil(x: Ball) -> Ball:
    return x.ceil().union(x.floor() + 1) if x.contains_integer() else x.ceil()


def _above(x: Ball, y: Ball) -> Ball:
    if balls.overlaps(x, y) and balls.is_finite(x):
        return balls.zero().union(balls.exact(1.0))
    return balls.OPERATIONS["above"](x, y)


OPEN: dict[str, Callable[..., Any]] = {
    **balls.OPERATIONS,
    **{
        name: _open(balls.OPERATIONS[name])
        for name in ("lt", "le", "gt", "ge", "eq", "ne")
    },
    "sign": _sign,
    "floor": _floor,
    "ceil": _ceil,
    "above": _above,
}
"""The operations on balls, where what turns at a point is on every side of it at
once."""


def nothing(operands: Sequence[Ball]) -> tuple[Ball, int]:
    """That there is no partial derivative, or that the balls do not tell."""
    exact = all(ball.is_exact() for ball in operands)
    return balls.anything(), UNDEFINED if exact else STRADDLES


def says(ball: Ball) -> bool:
    """Whether a ball says anything."""
    return balls.is_finite(ball)


def key(operation: str, operand: int, operands: Sequence[Ball]) -> Any:
    """What tells one point from others, where its numbers are exact and short; else
    None."""
    numbers = tuple(float(ball) for ball in operands)
    for ball, number in zip(operands, numbers, strict=True):
        if not ball.is_exact() or not ball == number:
            return None
    return operation, operand, numbers


def between(low: int, high: int, count: int) -> Any:
    """A column of the hull of two numbers."""
    column = np.empty(count, dtype=object)
    column.fill(balls.exact(float(low)).union(balls.exact(float(high))))
    return column
