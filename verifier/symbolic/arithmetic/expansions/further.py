"""Expansions of the further special functions: by their power series, and at infinity
and at their singularities by what the DLMF gives there."""

from __future__ import annotations

import math
from fractions import Fraction

from verifier.symbolic.arithmetic import exact, exact_functions, special_series
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
    subtract,
)
from verifier.symbolic.arithmetic.expansions.rules import (
    HALF,
    Function,
    check_at_zero,
    is_infinite,
    number_of,
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
    Expansion,
    Outside,
    Unresolved,
    Value,
    as_number,
    constant,
    is_zero,
    leading,
    main_part,
    sign,
)

# ── gamma and beta functions ──────────────────────────────────────────────────────────


def _gammaincc(a: Value, x: Value) -> Value:
    """x^(a−1) e^−x/Γ(a) · Σ (a − 1)…(a − k)/xᵏ at ∞ (DLMF 8.11.2)."""
    order = rational(a)
    if order <= 0:
        raise Outside("an incomplete gamma function of an order that is not positive")
    if is_zero(x):
        return ONE
    if not is_infinite(x):
        return subtract(ONE, _gammainc(a, x))
    tail = power_series(lambda k: _falling(order - 1, k), divide(ONE, x))
    lead = scale(power(x, order - 1), reciprocal_gamma(order))
    return multiply(exponential(negate(x)), multiply(lead, tail))


def _falling(start: Fraction, count: int) -> Fraction:
    return math.prod((start - k for k in range(count)), start=Fraction(1))


def _gammainc(a: Value, x: Value) -> Value:
    """xᵃ · Σ (−x)ᵏ/(k! (a + k))/Γ(a) at 0 (DLMF 8.7.1)."""
    order = rational(a)
    if order <= 0:
        raise Outside("an incomplete gamma function of an order that is not positive")
    if is_zero(x):
        return ZERO
    if is_infinite(x):
        return subtract(ONE, _gammaincc(a, x))
    check_at_zero(x)
    total = power_series(
        lambda k: Fraction((-1) ** k, math.factorial(k)) / (order + k), x
    )
    return multiply(power(x, order), scale(total, reciprocal_gamma(order)))


def _betainc(a: Value, b: Value, x: Value) -> Value:
    """xᵃ/B(a, b) · Σ (1 − b)ₖ xᵏ/(k! (a + k)) at 0 (DLMF 8.17.7); at 1 by its
    complement."""
    first, second = rational(a), rational(b)
    if not is_zero(x) and not is_infinite(x):
        if sign(subtract(x, constant(as_number(HALF)))) > 0:
            return subtract(ONE, _betainc(b, a, subtract(ONE, x)))
    if is_zero(x):
        return ZERO
    check_at_zero(x)
    total = power_series(
        lambda k: rising(1 - second, k) / (math.factorial(k) * (first + k)), x
    )
    inverse = reciprocal_gamma(first) * reciprocal_gamma(second)
    inverse = inverse / reciprocal_gamma(first + second)
    return multiply(power(x, first), scale(total, inverse))


def _zeta(s: Value, q: Value) -> Value:
    """q^−s + ζ(s, q + 1) at 0; q^(1−s)/(s − 1) + q^−s/2 at ∞ (DLMF 25.11.43)."""
    order = rational(s)
    if order <= 1:
        raise Outside("a sum that does not converge")
    if not is_infinite(q):
        check_at_zero(q)
        return add(power(q, -order), FUNCTIONS["zeta"](s, add(q, ONE)))
    if sign(q) < 0:
        raise Unresolved("a zeta function at minus infinity")
    lead = scale(power(q, 1 - order), 1 / (order - 1))
    total = add(lead, scale(power(q, -order), HALF))
    return add(total, Expansion((), leading(main_part(power(q, -order - 1)))[0]))


def _polylog(s: Value, x: Value) -> Value:
    """By powers of log x at 1 (DLMF 25.12.12)."""
    order = rational(s)
    if is_infinite(x):
        raise Unresolved("a polylogarithm at infinity")
    if sign(subtract(x, ONE)) > 0:
        raise Outside("a polylogarithm of more than 1")
    log = logarithm(x)
    if order.denominator > 1 or order <= 0:
        inverse = reciprocal_gamma(1 - order)
        lead = scale(power(negate(log), order - 1), exact.ONE / inverse)
        skipped = None
    else:
        skipped = int(order) - 1
        harmonic = sum((Fraction(1, k) for k in range(1, skipped + 1)), Fraction(0))
        factor = subtract(constant(as_number(harmonic)), logarithm(negate(log)))
        head = scale(
            power(log, Fraction(skipped)), Fraction(1, math.factorial(skipped))
        )
        lead = multiply(head, factor)

    def term(k: int) -> Number:
        if k == skipped:
            return exact.ZERO
        return number_of("zeta", order - k, 1) * as_number(
            Fraction(1, math.factorial(k))
        )

    return add(lead, power_series(term, log))


def _lambertw(x: Value, branch: Value) -> Value:
    """L − log L + O(log L/L), where L = log x at ∞; so for the branch −1 at 0, where L =
    log −x and log L = log −L (DLMF 4.13.10 and 4.13.11)."""
    k = rational(branch)
    if k == 0 and not (is_infinite(x) and sign(x) > 0):
        raise Unresolved("Lambert's function at its branch point")
    if k:
        if sign(x) > 0:
            raise Outside("the branch −1 of Lambert's function right of 0")
        check_at_zero(negate(x))
    log = logarithm(x if k == 0 else negate(x))
    again = logarithm(log if k == 0 else negate(log))
    rest = divide(again, log)
    return add(subtract(log, again), Expansion((), leading(main_part(rest))[0]))


# ── Airy and Bessel functions ─────────────────────────────────────────────────────────


def _airy(*, grows: bool, slope: bool) -> Function:
    """e^∓ζ/(√π·x^±¼) · Σ (∓1)ᵏ uₖ/ζᵏ at ∞, ζ = 2/3·x^(3/2), of Ai the half (DLMF 9.7.5
    to 9.7.8); O(|x|^∓¼) at −∞ (DLMF 9.7.9 to 9.7.12)."""

    def term(k: int) -> Fraction:
        u: Fraction = rising(Fraction(5, 6), k) * rising(Fraction(1, 6), k)
        u /= (1 << k) * math.factorial(k)
        if slope:
            u *= Fraction(6 * k + 1, 1 - 6 * k)
        return -u if k % 2 and not grows else u

    def function(x: Value) -> Value:
        lead = power(magnitude(x), Fraction(1 if slope else -1, 4))
        if sign(x) < 0:
            return wave(ZERO, lead)
        zeta = scale(power(x, Fraction(3, 2)), Fraction(2, 3))
        tail = power_series(term, divide(ONE, zeta))
        root = exact_functions.apply("sqrt", [number_pi()])
        factor = exact.ONE / root if grows else as_number(HALF) / root
        if slope and not grows:
            factor = -factor
        grown = exponential(zeta if grows else negate(zeta))
        return multiply(grown, scale(multiply(lead, tail), factor))

    return function


def _struve(flip: int) -> Function:
    """(x/2)ⁿ⁺¹ · Σ (∓x²/4)ᵏ/(Γ(k + 3/2) Γ(k + n + 3/2)) at 0 (DLMF 11.2.1)."""

    def function(n: Value, x: Value) -> Value:
        order = rational(n)
        if is_infinite(x):
            raise Unresolved("a Struve function at infinity")
        check_at_zero(x)
        half = scale(x, HALF)

        def term(k: int) -> Number:
            first = reciprocal_gamma(k + 3 * HALF)
            second = reciprocal_gamma(k + order + 3 * HALF)
            return first * second * as_number(flip**k)

        return multiply(
            power(half, order + 1), power_series(term, multiply(half, half))
        )

    return function


def _spherical_wave(n: Value, x: Value) -> Value:
    """O(1/x) at ±∞ (DLMF 10.52.3)."""
    return wave(ZERO, divide(ONE, x))


# ── polynomials ───────────────────────────────────────────────────────────────────────


def _polynomial(operation: str) -> Function:
    """At ±∞ by its coefficients."""

    def function(*operands: Value) -> Value:
        *others, x = operands
        degree = int(rational(operands[0]))
        centers = [as_number(rational(value)).ball for value in others]
        terms = special_series.coefficients(
            operation, [*centers, exact.ZERO.ball], len(centers), degree + 1
        )
        total: Value = ZERO
        for k, ball in enumerate(terms[: degree + 1]):
            total = add(total, scale(power(x, Fraction(k)), exact.of_ball(ball)))
        return total

    return or_at_infinity(operation, function)


FUNCTIONS: dict[str, Function] = {
    "gammainc": or_else("gammainc", _gammainc),
    "gammaincc": or_else("gammaincc", _gammaincc),
    "betainc": or_else("betainc", _betainc),
    "zeta": or_else("zeta", _zeta),
    "polylog": or_else("polylog", _polylog),
    "lambertw": or_else("lambertw", _lambertw),
    "wofz_real": unresolved("wofz_real"),
    "wofz_imag": unresolved("wofz_imag"),
    "airy_ai": or_at_infinity("airy_ai", _airy(grows=False, slope=False)),
    "airy_bi": or_at_infinity("airy_bi", _airy(grows=True, slope=False)),
    "airy_ai_prime": or_at_infinity("airy_ai_prime", _airy(grows=False, slope=True)),
    "airy_bi_prime": or_at_infinity("airy_bi_prime", _airy(grows=True, slope=True)),
    "struve": or_else("struve", _struve(-1)),
    "modstruve": or_else("modstruve", _struve(1)),
    "spherical_jn": or_at_infinity("spherical_jn", _spherical_wave),
    "spherical_in": unresolved("spherical_in"),
    "eval_chebyt": _polynomial("eval_chebyt"),
    "eval_gegenbauer": _polynomial("eval_gegenbauer"),
    "eval_jacobi": _polynomial("eval_jacobi"),
    "eval_hermite": _polynomial("eval_hermite"),
    "eval_genlaguerre": _polynomial("eval_genlaguerre"),
}
"""By the names of the table."""
