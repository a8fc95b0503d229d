"""Expansions of functions that are integrals: exponential, trigonometric, of Gauss' bell,
elliptic; at infinity and at their singularities by what the DLMF gives there."""

from __future__ import annotations

import math
from fractions import Fraction

from verifier.symbolic.arithmetic import exact, exact_functions
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions.elementary import number_pi
from verifier.symbolic.arithmetic.expansions.field import (
    add,
    divide,
    exponential,
    logarithm,
    magnitude,
    multiply,
    negate,
    power,
    scale,
    square_root,
    subtract,
)
from verifier.symbolic.arithmetic.expansions.rules import (
    HALF,
    Function,
    check_at_zero,
    is_infinite,
    number_of,
    odd,
    or_at_infinity,
    or_else,
    power_series,
    rational,
    rising,
    unresolved,
    wave,
)
from verifier.symbolic.arithmetic.expansions.special import reciprocal_gamma
from verifier.symbolic.arithmetic.expansions.terms import (
    ONE,
    ZERO,
    Outside,
    Value,
    as_number,
    constant,
    is_zero,
    sign,
)

# ── exponential and related integrals ─────────────────────────────────────────────────


def _euler() -> Value:
    return constant(-number_of("digamma", 1))


def _expn(n: Value, x: Value) -> Value:
    """At 0 (DLMF 8.19.8 and 8.19.10); e^−x/x · Σ (−1)ᵏ (n)ₖ/xᵏ at ∞ (DLMF 8.20.2)."""
    order = rational(n)
    if sign(x) < 0:
        raise Outside("an exponential integral of a negative number")
    if is_infinite(x):
        tail = power_series(lambda k: (-1) ** k * rising(order, k), divide(ONE, x))
        return multiply(exponential(negate(x)), divide(tail, x))
    if is_zero(x) and order > 1:
        return constant(as_number(1 / (order - 1)))
    check_at_zero(x)
    if order.denominator > 1 or order <= 0:
        lead = scale(power(x, order - 1), exact.ONE / reciprocal_gamma(1 - order))
        skipped = None
    else:
        skipped = int(order) - 1
        factor = subtract(constant(number_of("digamma", order)), logarithm(x))
        sized = Fraction((-1) ** skipped, math.factorial(skipped))
        lead = multiply(scale(power(x, Fraction(skipped)), sized), factor)
    return subtract(
        lead,
        power_series(
            lambda k: (
                Fraction(0)
                if k == skipped
                else Fraction((-1) ** k, math.factorial(k)) / (1 - order + k)
            ),
            x,
        ),
    )


def _with_logarithm(x: Value, step: int, flip: int) -> Value:
    """γ + log |x| + Σ ±xᵏ/(k·k!), over the multiples k of `step`."""

    def term(k: int) -> Fraction:
        if k == 0 or k % step:
            return Fraction(0)
        return Fraction(flip ** (k // step), k * math.factorial(k))

    return add(add(_euler(), logarithm(magnitude(x))), power_series(term, x))


def _expi(x: Value) -> Value:
    """At 0 (DLMF 6.6.1); eˣ/x · Σ k!/xᵏ at ±∞ (DLMF 6.12.2)."""
    if not is_infinite(x):
        check_at_zero(magnitude(x))
        return _with_logarithm(x, 1, 1)
    tail = power_series(lambda k: Fraction(math.factorial(k)), divide(ONE, x))
    return multiply(exponential(x), divide(tail, x))


def _half_growing(x: Value) -> Value:
    """Half of Ei, which Shi and Chi differ from by less than any power of e^−x."""
    return scale(_expi(x), HALF)


def _chi(x: Value) -> Value:
    if not is_infinite(x):
        check_at_zero(x)
        return _with_logarithm(x, 2, 1)
    if sign(x) < 0:
        raise Outside("`Chi` of a negative number")
    return _half_growing(x)


def _ci(x: Value) -> Value:
    """At 0 (DLMF 6.6.6); O(1/x) at ∞ (DLMF 6.2.17)."""
    if not is_infinite(x):
        check_at_zero(x)
        return _with_logarithm(x, 2, -1)
    if sign(x) < 0:
        raise Outside("`Ci` of a negative number")
    return wave(ZERO, divide(ONE, x))


def _si(x: Value) -> Value:
    """π/2 + O(1/x) at ∞ (DLMF 6.2.17)."""
    return wave(scale(constant(number_pi()), HALF), divide(ONE, x))


def _fresnel(x: Value) -> Value:
    """1/2 + O(1/x) at ∞ (DLMF 7.5.3 and 7.5.4)."""
    return wave(constant(as_number(HALF)), divide(ONE, x))


def _dawsn(x: Value) -> Value:
    """Σ (1/2)ₖ x^−2k/(2x) at ±∞ (DLMF 7.12.1)."""
    tail = power_series(lambda k: rising(HALF, k), power(x, Fraction(-2)))
    return divide(tail, scale(x, 2.0))


def _erfi(x: Value) -> Value:
    """2/√π · e^x² · D(x) at ±∞."""
    root = exact_functions.apply("sqrt", [number_pi()])
    grown = multiply(exponential(multiply(x, x)), _dawsn(x))
    return scale(grown, as_number(2) / root)


# ── elliptic integrals ────────────────────────────────────────────────────────────────


def _complement(m: Value) -> Value:
    """1 − m, which tends to 0 from above."""
    rest = subtract(ONE, m)
    check_at_zero(rest)
    return rest


def _digammas(k: int) -> Number:
    return number_of("digamma", 1 + k) - number_of("digamma", HALF + k)


def _ellipk(m: Value) -> Value:
    """At 1 (DLMF 19.12.1); at −∞ by K(m) = K(m/(m − 1))/√(1 − m) (DLMF 19.7.2)."""
    if is_infinite(m):
        rest = subtract(ONE, m)
        return divide(_ellipk(divide(m, negate(rest))), square_root(rest))
    rest = _complement(m)

    def factor(k: int) -> Fraction:
        return (rising(HALF, k) / math.factorial(k)) ** 2

    logs = scale(logarithm(rest), -HALF)
    total = multiply(logs, power_series(factor, rest))
    return add(total, power_series(lambda k: as_number(factor(k)) * _digammas(k), rest))


def _ellipe(m: Value) -> Value:
    """At 1 (DLMF 19.12.2); at −∞ by E(m) = E(m/(m − 1))·√(1 − m) (DLMF 19.7.2)."""
    if is_infinite(m):
        rest = subtract(ONE, m)
        return multiply(_ellipe(divide(m, negate(rest))), square_root(rest))
    if is_zero(subtract(ONE, m)):
        return ONE
    rest = _complement(m)

    def factor(k: int) -> Fraction:
        below = 2 * rising(Fraction(2), k) * math.factorial(k)
        return rising(HALF, k) * rising(3 * HALF, k) / below

    def other(k: int) -> Number:
        shift = Fraction(1, (2 * k + 1) * (2 * k + 2))
        return as_number(factor(k)) * (_digammas(k) - as_number(shift))

    logs = scale(logarithm(rest), -HALF)
    total = add(multiply(logs, power_series(factor, rest)), power_series(other, rest))
    return add(ONE, multiply(rest, total))


FUNCTIONS: dict[str, Function] = {
    "expn": or_else("expn", _expn),
    "expi": or_else("expi", _expi),
    "Si": or_at_infinity("Si", odd(_si)),
    "Ci": or_else("Ci", _ci),
    "Shi": or_at_infinity("Shi", odd(_half_growing)),
    "Chi": or_else("Chi", _chi),
    "erfi": or_at_infinity("erfi", _erfi),
    "dawsn": or_at_infinity("dawsn", _dawsn),
    "fresnels": or_at_infinity("fresnels", odd(_fresnel)),
    "fresnelc": or_at_infinity("fresnelc", odd(_fresnel)),
    "ellipk": or_else("ellipk", _ellipk),
    "ellipe": or_else("ellipe", _ellipe),
    "ellipkinc": unresolved("ellipkinc"),
    "ellipeinc": unresolved("ellipeinc"),
}
"""By the names of the table."""
