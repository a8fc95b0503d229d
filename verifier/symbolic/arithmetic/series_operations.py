"""Operations on power series: a function of a series by its Taylor coefficients, the
rest by Arb's arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from verifier.symbolic.arithmetic import balls, special_series
from verifier.symbolic.arithmetic.balls import Condition
from verifier.symbolic.arithmetic.series import (
    Series,
    SingularError,
    as_ball,
    checked,
    coefficients,
    compose,
    constant,
    truncated,
)
from verifier.symbolic.arithmetic.taylor import OF_ORDER, taylor, taylor_of_order

LARGEST_INTEGER_POWER = 2**31
"""Exponents from here on are not recognised as integers."""


def apply(operation: str, operands: Sequence[Series], length: int) -> Series:
    """The first `length` terms of an operation that yields a number, applied to series
    of at least that length.

    The first operand of `where` is a truth value, such as `decide` gives; the order of
    `polygamma` is a constant. Raises `SingularError` where the constant terms lie at a
    kink, a tie, a pole or an end of the domain, or may do so.
    """
    with balls.capped(length):
        if operation in _BINARY:
            result = _BINARY[operation](*operands)
        elif operation == "where":
            result = _choose(*operands)
        elif operation == "clamp":
            inner, low, high = operands
            result = _smaller(_larger(inner, low), high)
        elif operation in special_series.OPERATIONS:
            result = special_series.OPERATIONS[operation](operands, length)
        elif operation in OF_ORDER:
            order = as_integer(operands[0])
            if order is None and operation == "polygamma":
                raise SingularError(f"{operation} of an order that is no integer")
            if order is None:
                order = as_ball(operands[0][0])
            center = as_ball(operands[1][0])
            outer = taylor_of_order(operation, order, center, length)
            result = compose(outer, operands[1], length)
        else:
            (inner,) = operands
            result = compose(taylor(operation, inner[0], length), inner, length)
        series = truncated(result, length)
        checked(operation, list(series.coeffs()))
        return series


def decide(operation: str, operands: Sequence[Any]) -> bool:
    """The truth of a condition near t = 0: a relation of series, or a connective of
    truth values.

    Raises `SingularError` at a tie, where the slightest move may turn it, and where the
    balls do not decide.
    """
    if operation.startswith("logical_"):
        truth: Condition = balls.OPERATIONS[operation](*operands)
    else:
        first, second = (operand[0] for operand in operands)
        # Distinct operands decide every relation, and no move that is small enough
        # changes that.
        distinct = not balls.overlaps(first, second)
        truth = balls.OPERATIONS[operation](first, second) if distinct else None
    if truth is None:
        raise SingularError(f"`{operation}` is at its turning point, or may be")
    return truth


def _divide(x: Series, y: Series) -> Series:
    # flint would cancel a common power of t, and return fewer terms than were asked
    # for.
    if y[0].contains(0):
        raise SingularError("a denominator is zero, or may be")
    return x / y


def _power(x: Series, y: Series) -> Series:
    whole = as_integer(y)
    if whole is not None:
        return _integer_power(x, whole)
    halves = as_integer(y + y)
    if halves is not None:
        return _integer_power(_unary("sqrt", x), halves)
    if not x[0] > 0:
        raise SingularError("a power whose base is not positive, or may not be")
    return _unary("exp", y * _unary("log", x))


def as_integer(series: Series) -> int | None:
    """The integer that a series is, as far as its terms go; None where it is something
    else."""
    number, *rest = coefficients(series)
    if not (number.is_exact() and number.is_integer()):
        return None
    if any(not balls.is_zero(ball) for ball in rest):
        return None
    return int(number.unique_fmpz()) if abs(number) < LARGEST_INTEGER_POWER else None


def _integer_power(x: Series, power: int) -> Series:
    """Products alone, so that a base may be anything and what is exact stays so."""
    if power < 0:
        return _divide(constant(balls.exact(1.0), x.prec), _integer_power(x, -power))
    result = constant(balls.exact(1.0), x.prec)
    for digit in bin(power)[2:]:
        result = result * result
        if digit == "1":
            result = result * x
    return result


def _hypot(x: Series, y: Series) -> Series:
    return _unary("sqrt", x * x + y * y)


def _angle(y: Series, x: Series) -> Series:
    """atan2, as the integral of (x·y′ − y·x′) / (x² + y²) away from the cut along the
    negative x axis."""
    if y[0].contains(0) and not x[0] > 0:
        raise SingularError("`atan2` is on its cut, or may be")
    length = min(x.prec, y.prec)
    value = balls.OPERATIONS["atan2"](as_ball(y[0]), as_ball(x[0]))
    if length == 1:
        return constant(value, 1)
    # A derivative has one term less, and its integral has it back.
    slope = _divide(x * y.derivative() - y * x.derivative(), x * x + y * y)
    return truncated(slope.integral(), length) + value


def _larger(x: Series, y: Series) -> Series:
    return x if decide("gt", (x, y)) else y


def _smaller(x: Series, y: Series) -> Series:
    return x if decide("lt", (x, y)) else y


def _choose(condition: Condition, chosen: Series, other: Series) -> Series:
    if condition is None:
        raise SingularError("an undecided condition")
    return chosen if condition else other


def _unary(operation: str, x: Series) -> Series:
    return compose(taylor(operation, as_ball(x[0]), x.prec), x, x.prec)


_BINARY: dict[str, Callable[[Series, Series], Series]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": _divide,
    "pow": _power,
    "hypot": _hypot,
    "atan2": _angle,
    "max": _larger,
    "min": _smaller,
}
