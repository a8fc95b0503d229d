"""What expansions of special functions are made of: their power series, another rule
where they have none, and the sums, waves and checks of such rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from verifier.symbolic.arithmetic import exact, exact_functions, series, special_series
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions.field import (
    compose,
    magnitude,
    negate,
)
from verifier.symbolic.arithmetic.expansions.terms import (
    Expansion,
    Oscillation,
    Outside,
    Unresolved,
    Value,
    as_number,
    finite_part,
    is_zero,
    kept_terms,
    leading,
    main_part,
    rational_constant,
    sign,
)
from verifier.symbolic.arithmetic.forms import atom_of

Function = Callable[..., Value]
HALF = Fraction(1, 2)


def _regular(operation: str, operands: Sequence[Value]) -> Value | None:
    """The function by its power series; None where it has none, or an operand is
    infinite."""
    approaches = [finite_part(value) for value in operands]
    centers: list[Number] = []
    moving = []
    for index, approach in enumerate(approaches):
        if approach is None:
            return None
        centers.append(approach[0])
        if not is_zero(approach[1]):
            moving.append(index)
    if len(moving) > 1:
        raise Unresolved(f"`{operation}` of several operands that move")
    at = moving[0] if moving else len(operands) - 1
    try:
        terms = special_series.coefficients(
            operation, [center.ball for center in centers], at, kept_terms() + 1
        )
    except series.SingularError:
        return None
    forms = [center.form for center in centers]
    numbers = [
        exact.of_atom(atom_of(operation, False, forms), ball)
        if k == 0
        else exact.of_ball(ball)
        for k, ball in enumerate(terms)
    ]
    approach = approaches[at]
    assert approach is not None
    return compose(numbers, approach[1])


def or_else(operation: str, otherwise: Function) -> Function:
    """The function by its power series, and else by another rule."""

    def function(*operands: Value) -> Value:
        value = _regular(operation, operands)
        return otherwise(*operands) if value is None else value

    return function


def or_at_infinity(operation: str, rule: Function) -> Function:
    """The function by its power series, and by a rule that holds at infinity alone."""

    def otherwise(*operands: Value) -> Value:
        if not is_infinite(operands[-1]):
            raise Unresolved(f"`{operation}` at a number that is not known")
        return rule(*operands)

    return or_else(operation, otherwise)


def unresolved(operation: str) -> Function:
    def function(*operands: Value) -> Value:
        raise Unresolved(f"`{operation}` at a singularity")

    return or_else(operation, function)


# ── what the rules are made of ────────────────────────────────────────────────────────


def number_of(operation: str, *operands: Fraction | int) -> Number:
    """A function of rational numbers."""
    given = [as_number(Fraction(operand)) for operand in operands]
    value = exact_functions.apply(operation, given)
    assert isinstance(value, Number)
    return value


def rational(value: Value) -> Fraction:
    number = rational_constant(value)
    if number is None:
        raise Unresolved("an order that is not known exactly")
    return number


def rising(start: Fraction, count: int) -> Fraction:
    """start · (start + 1) · …, `count` factors."""
    return math.prod((start + k for k in range(count)), start=Fraction(1))


def power_series(terms: Callable[[int], Fraction | Number], small: Value) -> Value:
    """Σ aₖ·smallᵏ, where `small` tends to 0."""
    count = kept_terms() + 1
    return compose([as_number(terms(k)) for k in range(count)], main_part(small))


def check_at_zero(value: Value) -> None:
    """Checks that a value tends to 0 from above."""
    if sign(value) < 0:
        raise Outside("a special function of a negative number")
    approach = finite_part(value)
    if approach is None or not approach[0].is_zero:
        raise Unresolved("a special function at a number that is not known")


def is_infinite(value: Value) -> bool:
    return finite_part(value) is None


def wave(main: Value, size: Value) -> Value:
    """An oscillation of the size of another value about `main`."""
    assert isinstance(main, Expansion)
    return Oscillation(main, leading(main_part(magnitude(size)))[0])


def odd(function: Function) -> Function:
    return lambda v: negate(function(negate(v))) if sign(v) < 0 else function(v)
