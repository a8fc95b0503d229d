"""Derivatives of expansions: term by term, and as the slope on one side of the
point."""

from __future__ import annotations

from fractions import Fraction

from verifier.symbolic.arithmetic import exact
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions.field import multiply, negate
from verifier.symbolic.arithmetic.expansions.terms import (
    UNIT,
    Expansion,
    Exponential,
    Oscillation,
    Size,
    Unresolved,
    Value,
    as_number,
    collected,
    limit,
    monomial,
)


def derivative(value: Value) -> Value:
    """The derivative by t, term by term."""
    if isinstance(value, Exponential):
        return multiply(value, derivative(value.log))
    if isinstance(value, Oscillation):
        raise Unresolved("the derivative of what oscillates")
    terms: list[tuple[Size, Number]] = []
    for (exponent, minus_logs, minus_double), coefficient in value.terms:
        below = exponent - 1
        # d/dt t^e ℓ^m λ^n = t^(e−1) (e ℓ^m λ^n − m ℓ^(m−1) λ^n − n ℓ^(m−1) λ^(n−1))
        for size, factor in (
            ((below, minus_logs, minus_double), exponent),
            ((below, minus_logs + 1, minus_double), minus_logs),
            ((below, minus_logs + 1, minus_double + 1), minus_double),
        ):
            terms.append((size, coefficient * as_number(Fraction(factor))))
    return collected(terms, _derived(value.remainder))


def _derived(remainder: Size | None) -> Size | None:
    """What is O(ℓ^m) has a derivative O((ℓ^m)′), unless m = 0: l'Hôpital's rule in a
    Hardy field."""
    if remainder is None:
        return None
    exponent, minus_logs, minus_double = remainder
    if exponent == 0 and minus_logs:
        return exponent - 1, minus_logs + 1, minus_double
    if exponent == 0 and minus_double:
        return exponent - 1, Fraction(1), minus_double + 1
    return exponent - 1, minus_logs, minus_double


def slope(value: Value, side: int) -> Value:
    """The difference quotient of the function continued, on one side; where that is
    infinite, the derivative beside."""
    turned = value if side > 0 else negate(value)
    if limit(value).number is not None:
        return multiply(_departed(turned), monomial(exact.ONE, -1))
    return derivative(turned)


def _departed(value: Value) -> Value:
    """The value less the number that it tends to."""
    if isinstance(value, Exponential):
        return value
    if isinstance(value, Oscillation):
        main = _departed(value.main)
        assert isinstance(main, Expansion)
        return Oscillation(main, value.size, value.swings, value.jumps)
    kept = tuple(term for term in value.terms if term[0] != UNIT)
    return Expansion(kept, value.remainder)
