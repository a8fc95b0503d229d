"""The expansion of every operation of the table, and the truth of conditions, on one
side of a point."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions import (
    elementary,
    further,
    integrals,
    special,
)
from verifier.symbolic.arithmetic.expansions.field import (
    add,
    divide,
    exponential,
    logarithm,
    magnitude,
    multiply,
    negate,
    power,
    square_root,
    subtract,
)
from verifier.symbolic.arithmetic.expansions.terms import (
    ONE,
    UNIT,
    ZERO,
    Oscillation,
    Outside,
    Unresolved,
    Value,
    as_number,
    constant,
    finite_part,
    is_zero,
    main_part,
    rational_constant,
    sign,
)


def _sign(value: Value) -> Value:
    return constant(as_number(sign(value)))


def _larger(first: Value, second: Value) -> Value:
    return first if sign(subtract(first, second)) >= 0 else second


def _smaller(first: Value, second: Value) -> Value:
    return second if sign(subtract(first, second)) >= 0 else first


def _hypotenuse(first: Value, second: Value) -> Value:
    return square_root(add(multiply(first, first), multiply(second, second)))


def _general_power(base: Value, exponent: Value | Fraction) -> Value:
    if isinstance(exponent, Fraction):
        return power(base, exponent)
    fixed = rational_constant(exponent)
    if fixed is not None:
        return power(base, fixed)
    if is_zero(base):
        if sign(exponent) < 0:
            raise Outside("a power of zero")
        return ZERO
    return exponential(multiply(exponent, logarithm(base)))


def _whole_part(value: Value, *, up: bool) -> Value:
    """floor or ceil: constant beside any point; at an integer the side tells which."""
    approach = finite_part(value)
    if approach is None:
        return Oscillation(main_part(value), UNIT, jumps=True)
    center, small = approach
    whole = _whole_below(center)
    if center.rational == whole:
        whole += sign(small) > 0 if up else -(sign(small) < 0)
    elif up:
        whole += 1
    return constant(as_number(whole))


def _whole_below(center: Number) -> int:
    if center.rational is not None:
        return math.floor(center.rational)
    whole = balls.OPERATIONS["floor"](center.ball)
    value = balls.rational(whole)
    if value is None:
        raise Unresolved("a number that may be an integer")
    return int(value)


def _finite(value: Value) -> Value:
    """nan_to_num: what it puts in the place of an infinity is no limit."""
    approach = finite_part(value)
    if approach is None or not balls.is_finite(approach[0].ball):
        raise Unresolved("`nan_to_num` replaces what is not finite")
    return value


def _above(first: Value, second: Value) -> Value:
    side = sign(subtract(first, second))
    if side == 0:
        raise Unresolved("two operands that are equal all along")
    return ONE if side > 0 else ZERO


_functions: dict[str, Callable[..., Any]] = {
    **elementary.FUNCTIONS,
    **special.FUNCTIONS,
    **integrals.FUNCTIONS,
    **further.FUNCTIONS,
    "identity": lambda v: v,
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "pow": _general_power,
    "neg": negate,
    "square": lambda v: power(v, Fraction(2)),
    "reciprocal": lambda v: divide(ONE, v),
    "sqrt": square_root,
    "rsqrt": lambda v: power(v, Fraction(-1, 2)) if not is_zero(v) else divide(v, v),
    "abs": magnitude,
    "sign": _sign,
    "hypot": _hypotenuse,
    "exp": exponential,
    "log": logarithm,
    "relu": lambda v: v if sign(v) > 0 else ZERO,
    "max": _larger,
    "min": _smaller,
    "floor": lambda v: _whole_part(v, up=False),
    "ceil": lambda v: _whole_part(v, up=True),
    "clamp": lambda v, low, high: _smaller(_larger(v, low), high),
    "nan_to_num": _finite,
    "where": lambda p, x, y: x if p else y,
    "lt": lambda x, y: sign(subtract(x, y)) < 0,
    "le": lambda x, y: sign(subtract(x, y)) <= 0,
    "gt": lambda x, y: sign(subtract(x, y)) > 0,
    "ge": lambda x, y: sign(subtract(x, y)) >= 0,
    "eq": lambda x, y: sign(subtract(x, y)) == 0,
    "ne": lambda x, y: sign(subtract(x, y)) != 0,
    "logical_and": lambda p, q: p and q,
    "logical_or": lambda p, q: p or q,
    "logical_not": lambda p: not p,
    "above": _above,
}


def apply(operation: str, operands: Sequence[Any]) -> Any:
    """The expansion of an operation, or the truth value of a condition, on this side of
    the point."""
    function = _functions.get(operation)
    if operation in special.OF_ORDER:
        order = rational_constant(operands[0])
        if order is None:
            raise Unresolved("an order that is not known")
        function, operands = special.OF_ORDER[operation](order), operands[1:]
    if function is None:
        raise Unresolved(f"`{operation}` is known by its definition alone")
    try:
        return function(*operands)
    except exact.Undecided as failure:
        raise Unresolved(str(failure)) from failure
