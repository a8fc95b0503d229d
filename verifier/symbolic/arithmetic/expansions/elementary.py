"""Elementary functions of expansions, at infinity and at their singularities too."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from verifier.symbolic.arithmetic import exact, exact_functions
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions.field import (
    add,
    analytic,
    divide,
    exponential,
    logarithm,
    magnitude,
    multiply,
    negate,
    scale,
    square_root,
    subtract,
)
from verifier.symbolic.arithmetic.expansions.terms import (
    ONE,
    UNIT,
    ZERO,
    OnCut,
    Oscillation,
    Outside,
    Unresolved,
    Value,
    as_number,
    constant,
    is_zero,
    sign,
)


def number_pi() -> Number:
    """π at the precision in force."""
    return exact.constant("pi", None)


def analytic_or(
    operation: str, otherwise: Callable[[Value], Value]
) -> Callable[[Value], Value]:
    """An operation by its Taylor series where it has one, and else by another rule."""

    def function(value: Value) -> Value:
        expansion = analytic(operation, value)
        return otherwise(value) if expansion is None else expansion

    return function


def _expm1(value: Value) -> Value:
    return subtract(exponential(value), ONE)


def _scaled_exponential(base: str) -> Callable[[Value], Value]:
    def function(value: Value) -> Value:
        return exponential(
            scale(value, exact_functions.apply("log", [as_number(int(base))]))
        )

    return function


def _logarithm_to(base: int) -> Callable[[Value], Value]:
    def function(value: Value) -> Value:
        return divide(
            logarithm(value), constant(exact_functions.apply("log", [as_number(base)]))
        )

    return function


def _half_difference(value: Value, *, plus: bool) -> Value:
    """(e^v ± e^−v) / 2."""
    combine = add if plus else subtract
    total = combine(exponential(value), exponential(negate(value)))
    return scale(total, 0.5)


def _sigmoid(value: Value) -> Value:
    return divide(ONE, add(ONE, exponential(negate(value))))


def _tanh(value: Value) -> Value:
    twice = _sigmoid(scale(value, 2.0))
    return subtract(scale(twice, 2.0), ONE)


def _atan(value: Value) -> Value:
    """At infinity: ±π/2 − atan(1/v)."""
    right_angle = number_pi() * as_number(Fraction(1, 2))
    tilt = analytic("atan", divide(ONE, value))
    assert tilt is not None
    return subtract(constant(right_angle * as_number(sign(value))), tilt)


def _half_angle(value: Value) -> Value:
    """√((1 − v)/2), by which asin and acos pass their branch point at 1."""
    return square_root(scale(subtract(ONE, value), 0.5))


def _asin(value: Value) -> Value:
    """asin v = ±(π/2 − 2 asin √((1 ∓ v)/2)) near ±1 (DLMF 4.24)."""
    if sign(value) < 0:
        return negate(_asin(negate(value)))
    half = analytic("asin", _half_angle(value))
    if half is None:
        raise Outside("an inverse sine of more than 1")
    twice = scale(half, 2.0)
    return subtract(constant(number_pi() * as_number(Fraction(1, 2))), twice)


def _acos(value: Value) -> Value:
    inverse = analytic("asin", value) or _asin(value)
    return subtract(constant(number_pi() * as_number(Fraction(1, 2))), inverse)


def _asinh(value: Value) -> Value:
    if sign(value) < 0:
        return negate(_asinh(negate(value)))
    root = square_root(add(multiply(value, value), ONE))
    return logarithm(add(value, root))


def _acosh(value: Value) -> Value:
    """log(v + √(v² − 1)): on both sides of the branch point and at infinity."""
    if sign(value) < 0:
        raise Outside("an inverse hyperbolic cosine of less than 1")
    root = square_root(subtract(multiply(value, value), ONE))
    return logarithm(add(value, root))


def _atanh(value: Value) -> Value:
    above = logarithm(add(ONE, value))
    below = logarithm(subtract(ONE, value))
    return scale(subtract(above, below), 0.5)


def _sine_ratio(value: Value) -> Value:
    return divide(periodic("sin")(value), periodic("cos")(value))


def periodic(operation: str) -> Callable[[Value], Value]:
    """sin or cos; of what grows without bound it takes every value of [−1, 1] again and
    again."""

    def oscillate(value: Value) -> Value:
        if isinstance(value, Oscillation):
            raise Unresolved("a function of what oscillates")
        return Oscillation(ZERO, UNIT, swings=2)

    return analytic_or(operation, oscillate)


def _sinc(value: Value) -> Value:
    angle = scale(value, number_pi())
    return divide(periodic("sin")(angle), angle)


_arctangent = analytic_or("atan", _atan)


def _angle(y: Value, x: Value) -> Value:
    """atan2 by the quotient that stays bounded (IEEE 754-2019, section 9.2)."""
    pi = number_pi()
    if is_zero(x) and is_zero(y):
        return ZERO
    if sign(subtract(magnitude(x), magnitude(y))) >= 0:
        tilt: Value = _arctangent(divide(y, x))
        if sign(x) > 0:
            return tilt
        if is_zero(y):
            raise OnCut("the reals do not tell the sign of a zero")
        return add(tilt, constant(-pi if sign(y) < 0 else pi))
    tilt = _arctangent(divide(x, y))
    return subtract(constant(pi * as_number(Fraction(sign(y), 2))), tilt)


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "exp2": _scaled_exponential("2"),
    "expm1": analytic_or("expm1", _expm1),
    "log2": _logarithm_to(2),
    "log10": _logarithm_to(10),
    "log1p": analytic_or("log1p", lambda v: logarithm(add(ONE, v))),
    "sin": periodic("sin"),
    "cos": periodic("cos"),
    "tan": analytic_or("tan", _sine_ratio),
    "asin": analytic_or("asin", _asin),
    "acos": analytic_or("acos", _acos),
    "atan": _arctangent,
    "atan2": _angle,
    "sinh": analytic_or("sinh", lambda v: _half_difference(v, plus=False)),
    "cosh": analytic_or("cosh", lambda v: _half_difference(v, plus=True)),
    "tanh": analytic_or("tanh", _tanh),
    "asinh": analytic_or("asinh", _asinh),
    "acosh": analytic_or("acosh", _acosh),
    "atanh": analytic_or("atanh", _atanh),
    "sigmoid": analytic_or("sigmoid", _sigmoid),
    "sinc": analytic_or("sinc", _sinc),
}
"""By the names of the table."""
