"""Where an operation is smooth: whether the operands' balls prove it to be
differentiable there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from fractions import Fraction
from functools import reduce

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball


class Regularity(Enum):
    """What an operation does at given operands."""

    SMOOTH = "differentiable in a neighbourhood"
    EDGE = "exactly at a kink, a jump, a pole or an end of the domain"
    OUTSIDE = "proved to lie outside the domain"
    UNSURE = "the balls do not tell"


def regularity_of(operation: str, operands: Sequence[Ball], operand: int) -> Regularity:
    """Whether the operation is differentiable by one of its operands, all balls being
    finite."""
    special = _REGULARITY.get(operation)
    if special is not None:
        return special(operands, operand)
    row = operations.OPERATIONS[operation]
    regularity = Regularity.SMOOTH
    for ball, domain in zip(operands, row.domain, strict=True):
        regularity = _worse(regularity, _inside(ball, domain))
    for singular in (*row.kinks, *row.jumps, *row.poles):
        regularity = _worse(
            regularity, _away_from(operands[0], balls.exact(Fraction(int(singular))))
        )
    return regularity


def _worse(first: Regularity, second: Regularity) -> Regularity:
    order = (
        Regularity.SMOOTH,
        Regularity.UNSURE,
        Regularity.EDGE,
        Regularity.OUTSIDE,
    )
    return max(first, second, key=order.index)


def _inside(ball: Ball, domain: operations.Interval) -> Regularity:
    regularity = Regularity.SMOOTH
    if domain.lower is not None:
        regularity = _worse(regularity, _above_end(ball, balls.exact(domain.lower)))
    if domain.upper is not None:
        regularity = _worse(regularity, _above_end(-ball, balls.exact(-domain.upper)))
    return regularity


def _above_end(ball: Ball, end: Ball) -> Regularity:
    if ball > end:
        return Regularity.SMOOTH
    if ball < end:
        return Regularity.OUTSIDE
    return Regularity.EDGE if ball.is_exact() else Regularity.UNSURE


def _away_from(ball: Ball, point: Ball) -> Regularity:
    match balls.equal(ball, point):
        case False:
            return Regularity.SMOOTH
        case True:
            return Regularity.EDGE
    return Regularity.UNSURE


def _quotient(operands: Sequence[Ball], operand: int) -> Regularity:
    return _away_from(operands[1], balls.zero())


def _power_regularity(operands: Sequence[Ball], operand: int) -> Regularity:
    base, power = operands
    if base > 0:
        return Regularity.SMOOTH
    whole = power.is_exact() and power.is_integer()
    if operand == 0 and whole:
        return Regularity.SMOOTH if power >= 0 else _away_from(base, balls.zero())
    if base < 0:
        if operand == 1 or not power.contains_integer():
            return Regularity.OUTSIDE
        return Regularity.UNSURE
    return Regularity.EDGE if base.is_zero() else Regularity.UNSURE


def _origin(operands: Sequence[Ball], operand: int) -> Regularity:
    """hypot: smooth unless both operands vanish."""
    vanishing = [_away_from(ball, balls.zero()) for ball in operands]
    if Regularity.SMOOTH in vanishing:
        return Regularity.SMOOTH
    return Regularity.UNSURE if Regularity.UNSURE in vanishing else Regularity.EDGE


def _branch_cut(operands: Sequence[Ball], operand: int) -> Regularity:
    """atan2: the origin, and the cut along the negative x axis, which only a move in y
    crosses."""
    y, x = operands
    off_axis = _away_from(y, balls.zero())
    if x > 0 or off_axis is Regularity.SMOOTH:
        return Regularity.SMOOTH
    if x < 0:
        return Regularity.SMOOTH if operand == 1 and y.is_zero() else off_axis
    return off_axis if x.is_zero() else Regularity.UNSURE


def _gamma_poles(operands: Sequence[Ball], operand: int) -> Regularity:
    x = operands[-1]
    if x > 0 or not x.contains_integer():
        return Regularity.SMOOTH
    return Regularity.EDGE if x.is_exact() else Regularity.UNSURE


def _removable(operands: Sequence[Ball], operand: int) -> Regularity:
    """sinc: its derivative is 0/0 at 0."""
    return _away_from(operands[0], balls.zero())


def _within(name: str) -> Callable[[Sequence[Ball], int], Regularity]:
    """Whether the operands lie in the intervals of the row."""
    row = operations.OPERATIONS[name]

    def regularity(operands: Sequence[Ball], operand: int) -> Regularity:
        inside = (_inside(*pair) for pair in zip(operands, row.domain, strict=True))
        return reduce(_worse, inside)

    return regularity


def _filled(name: str) -> Callable[[Sequence[Ball], int], Regularity]:
    """A function whose derivative by its last operand is 0/0 at 0."""
    within = _within(name)

    def regularity(operands: Sequence[Ball], operand: int) -> Regularity:
        inside = within(operands, operand)
        if operand < len(operands) - 1:
            return inside
        return _worse(inside, _away_from(operands[-1], balls.zero()))

    return regularity


def _of_order(operands: Sequence[Ball], operand: int) -> Regularity:
    """A function of x that is a power of x to the order times an entire function."""
    order, x = operands
    if order.is_exact() and order.is_integer():
        return Regularity.SMOOTH
    return _above_end(x, balls.zero())


def _lambert(operands: Sequence[Ball], operand: int) -> Regularity:
    x, branch = operands
    regularity = _above_end(x * balls.constant("e", None), balls.exact(-1.0))
    return (
        regularity
        if branch.is_zero()
        else _worse(regularity, _above_end(-x, balls.zero()))
    )


def _tie(operands: Sequence[Ball], operand: int) -> Regularity:
    return _away_from(operands[0], operands[1])


def _between_integers(operands: Sequence[Ball], operand: int) -> Regularity:
    x = operands[0]
    if not x.contains_integer():
        return Regularity.SMOOTH
    return Regularity.EDGE if x.is_exact() else Regularity.UNSURE


def _clamped(operands: Sequence[Ball], operand: int) -> Regularity:
    x, low, high = operands
    ends = _worse(_away_from(x, low), _away_from(x, high))
    return _worse(ends, _away_from(low, high)) if operand else ends


_REGULARITY: dict[str, Callable[[Sequence[Ball], int], Regularity]] = {
    "div": _quotient,
    "pow": _power_regularity,
    "hypot": _origin,
    "atan2": _branch_cut,
    "lgamma": _gamma_poles,
    "digamma": _gamma_poles,
    "polygamma": _gamma_poles,
    # Special functions
    "sinc": _removable,
    "besselj": _of_order,
    "besseli": _of_order,
    "struve": _of_order,
    "modstruve": _of_order,
    "lambertw": _lambert,
    "polylog": _filled("polylog"),
    "ellipk": _filled("ellipk"),
    "ellipe": _filled("ellipe"),
    "ellipkinc": _filled("ellipkinc"),
    "ellipeinc": _filled("ellipeinc"),
    "max": _tie,
    "min": _tie,
    "floor": _between_integers,
    "ceil": _between_integers,
    "clamp": _clamped,
}
