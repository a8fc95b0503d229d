"""Numbers without rounding beside the zeros and infinities of IEEE 754, and the
operations on them.

Where a zero's sign hangs on rounding it may be either; what no rule decides is left
unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.expansions import functions, terms
from verifier.symbolic.arithmetic.regularity import Regularity, regularity_of


class UnknownValue(Exception):
    """No rule of IEEE 754 decides, or rounding does."""


class Kind(Enum):
    """What is no number with digits."""

    ZERO = "a zero"
    INFINITY = "an infinity"
    NAN = "not a number"


@dataclass(frozen=True, slots=True)
class Special:
    """A zero or an infinity of a sign, 0 where it may be either; or NaN."""

    kind: Kind
    sign: int = 0


Value = Any
"""A ball that is proved not to contain 0, a `Special`, or a truth value."""

NAN = Special(Kind.NAN)


def zero_of(sign: int) -> Special:
    """A zero of a sign."""
    return Special(Kind.ZERO, sign)


def infinity_of(sign: int) -> Special:
    """An infinity of a sign."""
    return Special(Kind.INFINITY, sign)


def is_zero(value: Value) -> bool:
    """Whether the value is a zero of either sign."""
    return isinstance(value, Special) and value.kind is Kind.ZERO


def is_infinite(value: Value) -> bool:
    """Whether the value is an infinity."""
    return isinstance(value, Special) and value.kind is Kind.INFINITY


def sign(value: Value) -> int:
    """1 or −1; 0 where it may be either."""
    if isinstance(value, Special):
        return value.sign
    return 1 if value > 0 else -1


def of_ball(ball: Any) -> Value:
    """The value of a result without rounding; an exact zero of operands that are none
    is +0."""
    if not balls.is_finite(ball):
        raise UnknownValue
    if balls.is_zero(ball):
        return zero_of(1)
    if not (ball > 0 or ball < 0):
        raise UnknownValue
    return ball


def of_number(number: float) -> Value:
    """The value of a float."""
    if math.isnan(number):
        return NAN
    if math.isinf(number):
        return infinity_of(int(math.copysign(1, number)))
    return balls.exact(number) if number else zero_of(int(math.copysign(1, number)))


def apply(operation: str, operands: Sequence[Value]) -> Value:
    """The result of one operation of the table that has no formula of its own."""
    if operations.OPERATIONS[operation].is_condition:
        return _condition(operation, operands)
    if any(operand is NAN for operand in operands):
        return NAN
    rule = _RULES.get(operation)
    if rule is not None:
        return rule(*operands)
    if any(isinstance(operand, Special) for operand in operands):
        if len(operands) > 1:
            raise UnknownValue
        return _limit(operation, operands[0])
    return _of_balls(operation, operands)


def _of_balls(operation: str, operands: Sequence[Any]) -> Value:
    if regularity_of(operation, operands, 0) is Regularity.OUTSIDE:
        return NAN
    return of_ball(balls.OPERATIONS[operation](*operands))


def _limit(operation: str, operand: Special) -> Value:
    """A function at ±0 or ±∞: what it tends to from that side."""
    if not operand.sign:
        raise UnknownValue
    side = balls.exact(float(operand.sign))
    path = terms.monomial(side, 1 if operand.kind is Kind.ZERO else -1)
    try:
        expansion = functions.apply(operation, [path])
        tends = terms.limit(expansion)
        if tends.ball is None:
            return infinity_of(tends.infinite)
        if balls.is_zero(tends.ball):
            return zero_of(terms.sign(expansion) or 1)
        return of_ball(tends.ball)
    except terms.Outside:
        return NAN
    except (terms.Unresolved, terms.NoLimit) as failure:
        raise UnknownValue from failure


def _extended(value: Value) -> Any:
    """The value as a number that may be compared."""
    if not isinstance(value, Special):
        return value
    if value.kind is Kind.ZERO:
        return balls.zero()
    if not value.sign:
        raise UnknownValue
    return balls.infinite(value.sign)


def _condition(operation: str, operands: Sequence[Value]) -> bool:
    if any(operand is NAN for operand in operands):
        return operation == "ne"
    if operations.OPERATIONS[operation].is_relation:
        operands = [_extended(operand) for operand in operands]
        if operation in ("eq", "ne") and any(
            not operand.is_finite() for operand in operands
        ):
            return bool(operands[0] == operands[1]) is (operation == "eq")
    truth = balls.OPERATIONS[operation](*operands)
    if truth is None:
        raise UnknownValue
    return bool(truth)


def _neg(value: Value) -> Value:
    if isinstance(value, Special):
        return Special(value.kind, -value.sign)
    return -value


def _abs(value: Value) -> Value:
    return Special(value.kind, 1) if isinstance(value, Special) else abs(value)


def add(first: Value, second: Value) -> Value:
    """The sum (IEEE 754-2019, section 6.3)."""
    if first is NAN or second is NAN:
        return NAN
    if is_zero(first) and is_zero(second):
        alike = first.sign if first.sign == second.sign else 0
        return zero_of(alike or int(1 in (first.sign, second.sign)))
    for term, other in ((first, second), (second, first)):
        if is_infinite(term):
            if not is_infinite(other) or term.sign == other.sign != 0:
                return term
            if 0 in (term.sign, other.sign):
                raise UnknownValue
            return NAN
        if is_zero(other):
            return term
    return of_ball(first + second)


def _mul(first: Value, second: Value) -> Value:
    special = [v for v in (first, second) if isinstance(v, Special)]
    kinds = {v.kind for v in special}
    if len(kinds) == 2:
        return NAN
    if kinds:
        return Special(kinds.pop(), sign(first) * sign(second))
    return of_ball(first * second)


def _reciprocal(value: Value) -> Value:
    if is_zero(value):
        return infinity_of(value.sign)
    if is_infinite(value):
        return zero_of(value.sign)
    return of_ball(1 / value)


def _div(first: Value, second: Value) -> Value:
    if isinstance(first, Special) or isinstance(second, Special):
        return _mul(first, _reciprocal(second))
    return of_ball(first / second)


def _sqrt(value: Value) -> Value:
    if is_zero(value):
        return value
    if sign(value) < 0:
        return NAN
    return value if is_infinite(value) else of_ball(value.sqrt())


def _logarithm(operation: str) -> Callable[[Value], Value]:
    def of(value: Value) -> Value:
        if is_zero(value):
            return infinity_of(-1)
        if sign(value) < 0:
            return NAN
        return value if is_infinite(value) else _of_balls(operation, [value])

    return of


def _kept(operation: str) -> Callable[[Value], Value]:
    """sign, floor, ceil, relu: a zero stays what it is."""

    def of(value: Value) -> Value:
        if is_zero(value):
            return value
        if not is_infinite(value):
            return of_ball(balls.OPERATIONS[operation](value))
        if operation == "sign":
            return balls.exact(float(_signed(value)))
        return value if operation != "relu" or _signed(value) > 0 else zero_of(0)

    return of


def _signed(value: Value) -> int:
    if not sign(value):
        raise UnknownValue
    return sign(value)


def _power(base: Value, exponent: Value) -> Value:
    """0⁰, ∞⁰ and 1^∞ are left unknown: as limits they may be anything.

    So is (−0)^±½, +0 or +∞ by the standard's pow and −0 or −∞ by its square root, which
    PyTorch takes for it.
    """
    if isinstance(exponent, Special):
        raise UnknownValue
    odd = (
        exponent.is_exact()
        and exponent.is_integer()
        and not (exponent / 2).is_integer()
    )
    if not isinstance(base, Special):
        whole = exponent.is_exact() and exponent.is_integer()
        if base < 0 and not whole:
            return NAN
        return of_ball(balls.OPERATIONS["pow"](base, exponent))
    flips = base.sign if odd else 1
    if base.sign < 0 and balls.equal(abs(exponent), balls.exact(0.5)):
        if base.kind is Kind.INFINITY:
            raise UnknownValue
        flips = 0
    grows = (base.kind is Kind.INFINITY) == (exponent > 0)
    return infinity_of(flips) if grows else zero_of(flips)


def _larger(first: Value, second: Value) -> Value:
    left, right = _extended(first), _extended(second)
    if left > right or right > left:
        return first if left > right else second
    if first == second:
        return first
    if is_zero(first) and is_zero(second):
        return zero_of(0)
    raise UnknownValue


def _smaller(first: Value, second: Value) -> Value:
    return _neg(_larger(_neg(first), _neg(second)))


def _hypot(first: Value, second: Value) -> Value:
    if is_infinite(first) or is_infinite(second):
        return infinity_of(1)
    return _sqrt(add(_mul(first, first), _mul(second, second)))


def _atan2(y: Value, x: Value) -> Value:
    """IEEE 754-2019, section 9.2.1."""
    pi = balls.constant("pi", None)
    if is_infinite(y) and is_infinite(x):
        return pi * _signed(y) * (2 - _signed(x)) / 4
    if is_infinite(y):
        return pi * _signed(y) / 2
    if is_zero(y) or is_infinite(x):
        if _signed(x) > 0:
            return zero_of(sign(y))
        return pi * _signed(y)
    if is_zero(x):
        return pi / 2 * sign(y)
    return of_ball(balls.OPERATIONS["atan2"](y, x))


def _refuse(value: Value) -> Value:
    if isinstance(value, Special) and value.kind is not Kind.ZERO:
        raise UnknownValue
    return value


_RULES: dict[str, Callable[..., Value]] = {
    "identity": lambda x: x,
    "neg": _neg,
    "abs": _abs,
    "add": add,
    "sub": lambda x, y: add(x, _neg(y)),
    "mul": _mul,
    "div": _div,
    "reciprocal": _reciprocal,
    "square": lambda x: _mul(x, x),
    "sqrt": _sqrt,
    "rsqrt": lambda x: _reciprocal(_sqrt(x)) if _sqrt(x) is not NAN else NAN,
    "pow": _power,
    "log": _logarithm("log"),
    "log2": _logarithm("log2"),
    "log10": _logarithm("log10"),
    "sign": _kept("sign"),
    "floor": _kept("floor"),
    "ceil": _kept("ceil"),
    "relu": _kept("relu"),
    "max": _larger,
    "min": _smaller,
    "clamp": lambda x, low, high: _smaller(_larger(x, low), high),
    "hypot": _hypot,
    "atan2": _atan2,
    "nan_to_num": _refuse,
}
