"""Special functions of expansions: gamma, error and Bessel functions, at infinity and
at their singularities too."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from verifier.symbolic.arithmetic import exact, exact_functions, series, taylor
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions.elementary import analytic_or, number_pi
from verifier.symbolic.arithmetic.expansions.field import (
    add,
    analytic,
    compose,
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
from verifier.symbolic.arithmetic.expansions.terms import (
    FLAT,
    ONE,
    UNIT,
    ZERO,
    Expansion,
    Exponential,
    Oscillation,
    Outside,
    Unresolved,
    Value,
    as_number,
    coarser,
    collected,
    constant,
    finite_part,
    kept_terms,
    leading,
    main_part,
    sign,
)


def _error_function(value: Value) -> Value:
    return Expansion(((UNIT, as_number(sign(value))),), FLAT)


def _complementary(value: Value) -> Value:
    """erfc at ±∞; at +∞ it is e^(−v²)/(v√π)·(1 + O(v⁻²)) (DLMF 7.12.1)."""
    if sign(value) < 0:
        return Expansion(((UNIT, as_number(2)),), FLAT)
    log = negate(add(multiply(value, value), logarithm(value)))
    if isinstance(log, Exponential):
        return Expansion((), FLAT)
    log = subtract(
        log, scale(constant(exact_functions.apply("log", [number_pi()])), 0.5)
    )
    tail = power(value, Fraction(-2))
    assert isinstance(log, Expansion)
    if isinstance(tail, Expansion) and tail.terms:
        log = collected(log.terms, coarser(log.remainder, tail.terms[0][0]))
    return Exponential(1, log)


def _scaled_complementary(value: Value) -> Value:
    """e^v² erfc(v) at ∞: Σ (−1)ᵏ (1/2)ₖ v^(−2k) / (v√π) (DLMF 7.12.1); at −∞ by
    erfc(−v) = 2 − erfc(v)."""
    if sign(value) < 0:
        square = multiply(value, value)
        twice = scale(exponential(square), 2.0)
        return subtract(twice, _scaled_complementary(negate(value)))
    terms = [Fraction(1)]
    for k in range(kept_terms()):
        terms.append(-terms[-1] * Fraction(2 * k + 1, 2))
    small = _tending_to_zero(power(value, Fraction(-2)))
    total = compose([as_number(term) for term in terms], small)
    root = exact_functions.apply("sqrt", [number_pi()])
    return divide(total, scale(value, root))


def _inverse_error(value: Value) -> Value:
    """erfinv at ±1 and beyond."""
    if sign(value) < 0:
        return negate(_inverse_error(negate(value)))
    return _inverse_complement(subtract(ONE, value))


def _inverse_complement(value: Value) -> Value:
    """erfcinv at 0 and 2 and beyond: √L + O(log L / √L), where L = −log v; here
    O(L^(−1/4)) (DLMF 7.17.3)."""
    if sign(subtract(value, ONE)) > 0:
        return negate(_inverse_complement(subtract(constant(as_number(2)), value)))
    if sign(value) <= 0:
        raise Outside("an inverse error function beyond ±1")
    approach = finite_part(value)
    if approach is None or not approach[0].is_zero:
        raise Unresolved("an inverse error function at a number that is not known")
    log = negate(logarithm(value))
    root, rest = square_root(log), power(log, Fraction(-1, 4))
    assert isinstance(root, Expansion)
    assert isinstance(rest, Expansion)
    return collected(root.terms, coarser(root.remainder, leading(rest)[0]))


MOST_STEPS = 64
"""Unit steps that a recurrence may take away from a pole."""


def _pole(value: Value) -> tuple[int, Value]:
    """The pole −n that a value tends to, as n, and its distance from it."""
    approach = finite_part(value)
    if approach is None:
        raise Unresolved("a gamma function at minus infinity")
    center = whole_number(approach[0])
    if center is None or center > 0:
        raise Unresolved("a gamma function near a pole")
    return -center, subtract(value, constant(as_number(center)))


def whole_number(number: Number) -> int | None:
    """The integer that a number is known to be."""
    value = number.rational
    return int(value) if value is not None and value.denominator == 1 else None


def _sine_of_pi(distance: Value) -> Value:
    """sin(π·distance), for a distance that tends to zero."""
    sine = analytic("sin", scale(distance, number_pi()))
    assert sine is not None
    return sine


def _log_gamma(value: Value) -> Value:
    """At a pole log π − log|sin πv| − log|Γ(1 − v)| (DLMF 5.5.3); at infinity
    Stirling's series (DLMF 5.11.1)."""
    if finite_part(value) is None and sign(value) > 0:
        return _stirling(value)
    _, distance = _pole(value)
    mirrored = analytic("lgamma", subtract(ONE, value))
    assert mirrored is not None
    pi = exact_functions.apply("log", [number_pi()])
    total = add(logarithm(magnitude(_sine_of_pi(distance))), mirrored)
    return subtract(constant(pi), total)


def _stirling(value: Value) -> Value:
    log = logarithm(value)
    main = multiply(subtract(value, constant(as_number(0.5))), log)
    half = exact_functions.apply("log", [as_number(2) * number_pi()]) * as_number(0.5)
    rest = scale(power(value, Fraction(-1)), Fraction(1, 12))
    tail = power(value, Fraction(-3))
    total = add(add(subtract(main, value), constant(half)), rest)
    return with_remainder(total, tail)


def with_remainder(value: Value, tail: Value) -> Value:
    """An expansion of which no more is known than to the order of `tail`."""
    if isinstance(value, Expansion) and isinstance(tail, Expansion) and tail.terms:
        return collected(value.terms, coarser(value.remainder, tail.terms[0][0]))
    raise Unresolved("a gamma function of an exponential")


def _polygamma(degree: Fraction | int) -> Callable[[Value], Value]:
    """ψₙ(v) = ψₙ(v + m) − (−1)ⁿ n! Σ (v + k)^(−n−1) (DLMF 5.15.5); at infinity its
    leading terms (DLMF 5.15.8)."""
    order = int(degree)

    def function(value: Value) -> Value:
        try:
            approach = finite_part(value)
            if approach is not None:
                center, small = approach
                coefficients = taylor.taylor_of_order(
                    "polygamma", order, center.ball, kept_terms() + 1
                )
                return compose([exact.of_ball(ball) for ball in coefficients], small)
        except series.SingularError:
            return _polygamma_at_pole(order, value)
        if sign(value) < 0:
            raise Unresolved("a gamma function at minus infinity")
        return _polygamma_at_infinity(order, value)

    return function


def _polygamma_at_pole(order: int, value: Value) -> Value:
    steps, distance = _pole(value)
    if order == 0:  # ψ(v) = ψ(1 − v) − π cot πv (DLMF 5.5.4)
        tangent = analytic("tan", scale(distance, number_pi()))
        assert tangent is not None
        mirrored = _polygamma(0)(subtract(ONE, value))
        return subtract(mirrored, divide(constant(number_pi()), tangent))
    if steps > MOST_STEPS:
        raise Unresolved("a gamma function far from its last pole")
    total: Value = ZERO
    shifted = value
    for _ in range(steps + 1):
        total = add(total, power(shifted, Fraction(-order - 1)))
        shifted = add(shifted, ONE)
    factor = Fraction((-1) ** order * math.factorial(order))
    return subtract(_polygamma(order)(shifted), scale(total, factor))


def _polygamma_at_infinity(order: int, value: Value) -> Value:
    tail = power(value, Fraction(-order - 2))
    if order == 0:
        half = scale(power(value, Fraction(-1)), 0.5)
        return with_remainder(subtract(logarithm(value), half), tail)
    flip = (-1) ** (order - 1)
    lead = scale(
        power(value, Fraction(-order)),
        Fraction(flip * math.factorial(order - 1)),
    )
    second = scale(
        power(value, Fraction(-order - 1)),
        Fraction(flip * math.factorial(order), 2),
    )
    return with_remainder(add(lead, second), tail)


def _tending_to_zero(value: Value) -> Expansion:
    if isinstance(value, Exponential):
        raise Unresolved("a special function of an exponential")
    return main_part(value)


def _hankel(order: Fraction, sign_of_terms: int) -> list[Number]:
    """(±1)ᵏ aₖ(m) of the asymptotic expansions of Bessel functions (DLMF 10.17.1 and
    10.40.1)."""
    coefficients = [Fraction(1)]
    for k in range(1, kept_terms() + 1):
        step = Fraction(4 * order**2 - (2 * k - 1) ** 2, 8 * k)
        coefficients.append(coefficients[-1] * step * sign_of_terms)
    return [as_number(term) for term in coefficients]


def _cylinder(
    operation: str, otherwise: Callable[[Fraction, Value], Value]
) -> Callable[[Fraction], Callable[[Value], Value]]:
    """A Bessel function, by its power series or by `otherwise` at infinity and at a
    singularity."""

    def of_order(order: Fraction) -> Callable[[Value], Value]:
        def function(value: Value) -> Value:
            approach = finite_part(value)
            if approach is None:
                return otherwise(order, value)
            center, small = approach
            try:
                coefficients = [
                    exact.of_ball(ball)
                    for ball in taylor.taylor_of_order(
                        operation, order, center.ball, kept_terms() + 1
                    )
                ]
            except series.SingularError:
                return otherwise(order, value)
            return compose(coefficients, small)

        return function

    return of_order


def _first_kind(order: Fraction, value: Value) -> Value:
    """Jₘ(v) = O(v^(−1/2)) at ±∞ (DLMF 10.17.3)."""
    if finite_part(value) is not None:
        return _at_branch_point(order, value, -1)
    _of_either_sign(order, value)
    return _wave(value)


def _of_either_sign(order: Fraction, value: Value) -> None:
    if order.denominator > 1 and sign(value) < 0:
        raise Outside("a Bessel function of a broken order, of a negative number")


def _at_branch_point(order: Fraction, value: Value, flip: int) -> Value:
    """(v/2)ᵐ Σ (±v²/4)ᵏ/(k! Γ(m + k + 1)) at 0+, of a broken order m (DLMF 10.2.2 and
    10.25.2)."""
    approach = finite_part(value)
    if approach is None or not approach[0].is_zero or order.denominator == 1:
        raise Unresolved("a Bessel function at a number that is not known")
    _of_either_sign(order, value)
    half = scale(value, 0.5)
    term = reciprocal_gamma(order + 1)
    terms = [term]
    for k in range(1, kept_terms() + 1):
        term = term * as_number(Fraction(flip, k) / (order + k))
        terms.append(term)
    return multiply(
        power(half, order), compose(terms, main_part(power(half, Fraction(2))))
    )


def reciprocal_gamma(number: Fraction) -> Number:
    """1/Γ of a rational number."""
    if number <= 0 and number.denominator == 1:
        return exact.ZERO
    flips = number < 0 and math.floor(number) % 2 != 0
    log = exact_functions.apply("lgamma", [as_number(number)])
    size = exact_functions.apply("exp", [-log])
    assert isinstance(size, Number)
    return -size if flips else size


def _wave(value: Value) -> Value:
    size = leading(main_part(power(magnitude(value), Fraction(-1, 2))))[0]
    return Oscillation(ZERO, size)


def _growing(order: Fraction, value: Value) -> Value:
    """Iₘ(v) = e^v / √(2πv) · Σ (−1)ᵏ aₖ(m) v^(−k) (DLMF 10.40.1), and Iₘ(−v) = (−1)ᵐ
    Iₘ(v)."""
    if finite_part(value) is not None:
        return _at_branch_point(order, value, 1)
    _of_either_sign(order, value)
    if sign(value) < 0:
        mirrored = _growing(order, negate(value))
        return negate(mirrored) if order % 2 else mirrored
    small = _tending_to_zero(divide(ONE, value))
    tail = compose(_hankel(order, -1), small)
    root = square_root(scale(value, as_number(2) * number_pi()))
    return divide(multiply(exponential(value), tail), root)


def _falling(order: Fraction, value: Value) -> Value:
    """Kₘ(v) = e^(−v) √(π/(2v)) Σ aₖ(m) v^(−k) at ∞ (DLMF 10.40.2)."""
    _on_the_right(value)
    if finite_part(value) is not None:
        return _at_its_pole(order, value, Fraction(1, 2), Fraction(-1))
    small = _tending_to_zero(divide(ONE, value))
    tail = compose(_hankel(order, 1), small)
    root = square_root(scale(small, number_pi() * as_number(0.5)))
    return multiply(multiply(exponential(negate(value)), tail), root)


def _second_kind(order: Fraction, value: Value) -> Value:
    _on_the_right(value)
    if finite_part(value) is None:
        return _wave(value)
    if order.denominator == 2:  # Yₘ = (−1)^(m + 1/2) J₋ₘ (DLMF 10.2.3)
        mirrored = _at_branch_point(-order, value, -1)
        return mirrored if int(order + Fraction(1, 2)) % 2 == 0 else negate(mirrored)
    two_over_pi = as_number(2) / number_pi()
    if order.denominator > 1 and order < 0:
        raise Unresolved("a Bessel function of a negative broken order at its pole")
    flip = -1 if order < 0 and order % 2 else 1
    mirrored = _at_its_pole(order, value, Fraction(-flip, 2), Fraction(flip))
    return scale(mirrored, two_over_pi)


def _on_the_right(value: Value) -> None:
    if sign(value) < 0:
        raise Outside("a Bessel function of the second kind of a negative number")


def _at_its_pole(order: Fraction, value: Value, pole: Fraction, log: Fraction) -> Value:
    """At 0+: pole · Γ(|m|) (v/2)^(−|m|), or for m = 0 log · (log(v/2) + γ) (DLMF
    10.7.4 and 10.30.2, 10.8.1 and 10.31.1)."""
    approach = finite_part(value)
    if approach is None or not approach[0].is_zero:
        raise Unresolved("a Bessel function at a number that is not known")
    half = scale(value, 0.5)
    m = abs(order)
    if m == 0:
        gamma = -exact_functions.apply("digamma", [exact.ONE])
        main = scale(add(logarithm(half), constant(gamma)), log)
        tail = multiply(multiply(half, half), logarithm(half))
    else:
        factor = as_number(pole) / reciprocal_gamma(m)
        main = scale(power(half, -m), factor)
        tail = power(half, min(2 - m, m))
        if m == 1:
            tail = multiply(tail, logarithm(half))
    return with_remainder(main, tail)


FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "erf": analytic_or("erf", _error_function),
    "erfc": analytic_or("erfc", _complementary),
    "lgamma": analytic_or("lgamma", _log_gamma),
    "digamma": _polygamma(0),
    "erfinv": analytic_or("erfinv", _inverse_error),
    "erfcinv": analytic_or("erfcinv", _inverse_complement),
    "erfcx": analytic_or("erfcx", _scaled_complementary),
}
"""By the names of the table."""

OF_ORDER: dict[str, Callable[[Fraction], Callable[[Value], Value]]] = {
    "polygamma": _polygamma,
    "besselj": _cylinder("besselj", _first_kind),
    "bessely": _cylinder("bessely", _second_kind),
    "besseli": _cylinder("besseli", _growing),
    "besselk": _cylinder("besselk", _falling),
}
"""Functions of a constant order."""
