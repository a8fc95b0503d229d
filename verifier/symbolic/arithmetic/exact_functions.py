"""Operations on numbers with forms: exact where a form says so, such as sin of a
rational multiple of π."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, taylor
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.exact import (
    HALF,
    ONE,
    ZERO,
    Number,
    Pole,
    Undecided,
    constant,
    exponential,
    logarithm,
    of_atom,
    of_ball,
    power,
    rational,
)
from verifier.symbolic.arithmetic.forms import PI, atom_of, monomial_of

_SINES = {
    Fraction(0): ZERO,
    Fraction(1, 6): rational(0.5),
    Fraction(1, 2): ONE,
}


def _sine(number: Number) -> Number:
    """sin; of rational multiples of π by symmetry from the first quadrant."""
    turns = _turns(number)
    if turns is not None:
        return _sine_of_pi(turns)
    ball = balls.OPERATIONS["sin"](number.ball)
    return _of_parity("sin", number, ball, odd=True)


def _sine_of_pi(turns: Fraction) -> Number:
    turns %= 2
    if turns >= 1:
        return -_sine_of_pi(turns - 1)
    if turns > Fraction(1, 2):
        return _sine_of_pi(1 - turns)
    if turns in (Fraction(1, 4), Fraction(1, 3)):
        root = power(rational(Fraction(2 if turns == Fraction(1, 4) else 3)), HALF)
        return root * rational(HALF)
    if turns in _SINES:
        return _SINES[turns]
    pi = balls.constant("pi", None)
    ball = balls.OPERATIONS["sin"](pi * balls.exact(turns))
    return of_atom(("sine of pi", True, 1, turns), ball)


def _turns(number: Number) -> Fraction | None:
    """The q of q·π."""
    if number.form is None or len(number.form) > 1:
        return None
    for monomial, factor in number.form.items():
        return Fraction(factor) if monomial == monomial_of(PI) else None
    return Fraction(0)


def _cosine(number: Number) -> Number:
    turns = _turns(number)
    if turns is not None:
        return _sine_of_pi(turns + HALF)
    ball = balls.OPERATIONS["cos"](number.ball)
    return _of_parity("cos", number, ball, odd=False)


def _of_parity(name: str, number: Number, ball: Ball, *, odd: bool) -> Number:
    """An odd or even function, by what it is of a positive number."""
    if number.ball < 0:
        return (
            -_of_parity(name, -number, -ball, odd=odd)
            if odd
            else _of_parity(name, -number, ball, odd=odd)
        )
    return of_atom(atom_of(name, False, [number.form]), ball)


def _tangent(number: Number) -> Number:
    return _sine(number) / _cosine(number)


def _right_angles(number: Fraction) -> Number:
    return constant("pi", None) * rational(number / 2)


def _inverse_sine(number: Number) -> Number:
    value = number.rational
    if value is not None and abs(value) in (0, HALF, 1):
        share = Fraction(0) if not value else Fraction(1)
        if abs(value) == HALF:
            share = Fraction(1, 3)
        return _right_angles(-share if value < 0 else share)
    ball = balls.OPERATIONS["asin"](number.ball)
    if not balls.is_finite(ball):
        raise Undecided("an inverse sine of what may be more than 1")
    return _of_parity("asin", number, ball, odd=True)


def _inverse_tangent(number: Number) -> Number:
    value = number.rational
    if value is not None and abs(value) == 1:
        return _right_angles(value / 2)
    ball = balls.OPERATIONS["atan"](number.ball)
    return _of_parity("atan", number, ball, odd=True)


def _angle(y: Number, x: Number) -> Number:
    """atan2 off its cut: on it the sign of a zero decides, and of that a form knows
    nothing."""
    if not y.sign() and x.sign() != 1:
        raise Undecided("an angle that may lie on the cut of `atan2`")
    ball = balls.OPERATIONS["atan2"](y.ball, x.ball)
    return of_atom(atom_of("atan2", False, [y.form, x.form]), ball)


def _absolute(number: Number) -> Number:
    sign = number.sign()
    if sign is None:
        raise Undecided("a sign that is not known")
    return -number if sign < 0 else number


def _whole_part(number: Number, *, up: bool) -> Number:
    value = number.rational
    if value is not None:
        return rational(Fraction(math.ceil(value) if up else math.floor(value)))
    return of_ball(balls.OPERATIONS["ceil" if up else "floor"](number.ball))


def _general_power(base: Number, exponent: Number) -> Number:
    value = exponent.rational
    if value is None:
        return exponential(exponent * logarithm(base))
    if base.is_zero:
        if value < 0:
            raise Pole("a power of zero")
        return ZERO if value else ONE
    return power(base, value)


def _root(number: Number) -> Number:
    return ZERO if number.is_zero else power(number, HALF)


def _cube_root(number: Number) -> Number:
    if number.is_zero:
        return ZERO
    root = power(_absolute(number), Fraction(1, 3))
    return root if number.sign() == 1 else -root


def _larger(first: Number, second: Number) -> Number:
    return first if _order(first, second) >= 0 else second


def _smaller(first: Number, second: Number) -> Number:
    return first if _order(first, second) <= 0 else second


def _order(first: Number, second: Number) -> int:
    sign = (first - second).sign()
    if sign is None:
        raise Undecided("two numbers that may be equal")
    return sign


def _base(number: int) -> Number:
    return logarithm(rational(Fraction(number)))


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x,
    "nan_to_num": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": _general_power,
    "square": lambda x: _general_power(x, rational(2.0)),
    "reciprocal": lambda x: ONE / x,
    "sqrt": _root,
    "rsqrt": lambda x: ONE / _root(x),
    "cbrt": _cube_root,
    "hypot": lambda x, y: _root(x * x + y * y),
    "abs": _absolute,
    "sign": lambda x: rational(Fraction(_order(x, ZERO))),
    "relu": lambda x: _larger(x, ZERO),
    "max": _larger,
    "min": _smaller,
    "clamp": lambda x, low, high: _smaller(_larger(x, low), high),
    "floor": lambda x: _whole_part(x, up=False),
    "ceil": lambda x: _whole_part(x, up=True),
    "exp": exponential,
    "exp2": lambda x: exponential(x * _base(2)),
    "expm1": lambda x: exponential(x) - ONE,
    "log": logarithm,
    "log2": lambda x: logarithm(x) / _base(2),
    "log10": lambda x: logarithm(x) / _base(10),
    "log1p": lambda x: logarithm(ONE + x),
    "sin": _sine,
    "cos": _cosine,
    "tan": _tangent,
    "asin": _inverse_sine,
    "acos": lambda x: _right_angles(Fraction(1)) - _inverse_sine(x),
    "atan": _inverse_tangent,
    "atan2": _angle,
    "where": lambda p, x, y: x if p else y,
    "lt": lambda x, y: _order(x, y) < 0,
    "le": lambda x, y: _order(x, y) <= 0,
    "gt": lambda x, y: _order(x, y) > 0,
    "ge": lambda x, y: _order(x, y) >= 0,
    "eq": lambda x, y: _order(x, y) == 0,
    "ne": lambda x, y: _order(x, y) != 0,
    "logical_and": lambda p, q: p and q,
    "logical_or": lambda p, q: p or q,
    "logical_not": lambda p: not p,
}


def apply(operation: str, operands: Sequence[Any]) -> Any:
    """An operation on numbers, or a condition's truth value; `Undecided` where it is
    not known or not finite."""
    if operation in _OPERATIONS:
        return _OPERATIONS[operation](*operands)
    if operation not in balls.OPERATIONS:
        raise Undecided(f"`{operation}` is known by its definition alone")
    if operation == "lgamma" and operands[0].rational in (1, 2):
        return ZERO
    ball = balls.OPERATIONS[operation](*(operand.ball for operand in operands))
    if not balls.is_finite(ball):
        raise Undecided(f"`{operation}` has no finite value there")
    forms = [operand.form for operand in operands]
    return of_atom(atom_of(operation, False, forms), ball)


def taylor_coefficients(operation: str, center: Number, length: int) -> list[Number]:
    """The first Taylor coefficients of a unary operation; raises `SingularError` where
    there are none.

    Equal centers have equal coefficients: those of exp x − exp y cancel where x and y
    are one number.
    """
    coefficients = taylor.taylor(operation, center.ball, length)
    return [
        value
        if index == 0 and value is not None
        else _coefficient(operation, center, index, ball)
        for index, (ball, value) in enumerate(
            zip(
                coefficients,
                [_value(operation, center), *[None] * length],
                strict=False,
            )
        )
    ]


def _value(operation: str, center: Number) -> Number | None:
    try:
        return apply(operation, [center])  # type: ignore[no-any-return]
    except Undecided:
        return None


def _coefficient(operation: str, center: Number, index: int, ball: Ball) -> Number:
    cycle = _CYCLES.get(operation)
    if cycle is not None:
        sign, function = cycle[index % len(cycle)]
        value = _value(function, center)
        if value is not None:
            return value * rational(Fraction(sign, math.factorial(index)))
    return of_atom(atom_of(operation, False, [center.form], index), ball)


_CYCLES = {
    "sin": ((1, "sin"), (1, "cos"), (-1, "sin"), (-1, "cos")),
    "cos": ((1, "cos"), (-1, "sin"), (-1, "cos"), (1, "sin")),
    "sinh": ((1, "sinh"), (1, "cosh")),
    "cosh": ((1, "cosh"), (1, "sinh")),
}
"""Functions whose derivatives repeat: those of π q are exact, where Arb's balls cannot
be."""


def values(program: Program, point: Mapping[str, float]) -> list[Any]:
    """The number of every node of a program at a point, a condition's truth value, or
    None where it is not known."""
    numbers: list[Any] = []
    for node in program.nodes:
        operands = [numbers[argument] for argument in node.arguments]
        if node.operation == "variable":
            value = point.get(node.name or "")
            finite = isinstance(value, float) and math.isfinite(value)
            numbers.append(rational(value) if finite and value is not None else None)
        elif node.operation == "constant":
            numbers.append(
                None if node.name == "inf" else constant(node.name, node.number)
            )
        elif node.operation == "where" and isinstance(operands[0], bool):
            numbers.append(operands[1] if operands[0] else operands[2])
        else:
            numbers.append(None if None in operands else _applied(node, operands))
    return numbers


def rational_values(
    program: Program, point: Mapping[str, float]
) -> dict[int, Fraction]:
    """The exact value of every node whose form says that it is rational, by index."""
    return {
        index: number.rational
        for index, number in enumerate(values(program, point))
        if isinstance(number, Number) and number.rational is not None
    }


def _applied(node: Node, operands: Sequence[Any]) -> Any:
    try:
        return apply(node.operation, operands)
    except Undecided:
        return None
