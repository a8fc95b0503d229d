"""Germs: what a function is on one side of a point, as an asymptotic expansion in t → 0+ with ball coefficients.

A `Germ` is a sum of terms c·t^e·ℓ^m, where ℓ = log(1/t), e and m are rational, and a remainder of a known
order. What grows or decays faster than every power of t is an `Exponential`, kept by its logarithm. Germs of functions
built from these operations form a Hardy field: each is eventually of one sign and may be differentiated term by term
(G. H. Hardy, Orders of Infinity, 1910; J. van der Hoeven, Transseries and Real Differential Algebra, 2006). So a limit
is read off the leading term, and whether that term vanishes is asked of balls: what they cannot tell is `Unresolved`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.symbolic import balls, series
from verifier.symbolic.balls import Ball

MOST_TERMS = 8
"""Terms kept of an expansion; what cancellation eats beyond them is unresolved, never guessed."""


class Unresolved(Exception):
    """The expansion does not tell: a leading coefficient may be zero, or the function oscillates."""


class Outside(Exception):
    """The function is not defined on this side of the point."""


Size = tuple[Fraction | float, Fraction | int]
"""(e, −m) of t^e·ℓ^m: the smaller, the larger the term as t → 0+."""
UNIT: Size = (Fraction(0), 0)
FLAT: Size = (math.inf, 0)
"""Smaller than every power of t."""


@dataclass(frozen=True, slots=True)
class Germ:
    """Σ c·t^e·ℓ^m, the largest term first, + O(remainder); None for an exact germ."""

    terms: tuple[tuple[Size, Ball], ...] = ()
    remainder: Size | None = None


@dataclass(frozen=True, slots=True)
class Exponential:
    """sign·exp(log), where log tends to ±∞ faster than any multiple of ℓ."""

    sign: int
    log: Germ


Value = Germ | Exponential


def constant(ball: Ball) -> Germ:
    """The germ of a number."""
    return _germ([(UNIT, ball)], None)


def monomial(coefficient: Ball, exponent: int) -> Germ:
    """coefficient · t^exponent."""
    return _germ([((Fraction(exponent), 0), coefficient)], None)


def _germ(terms: Iterable[tuple[Size, Ball]], remainder: Size | None) -> Germ:
    """The germ of such terms in any order: like ones are gathered, exact zeros and what the remainder hides dropped."""
    gathered: dict[Size, Ball] = {}
    for size, coefficient in terms:
        if remainder is None or size < remainder:
            known = gathered.get(size)
            gathered[size] = coefficient if known is None else known + coefficient
    kept = [
        (size, gathered[size])
        for size in sorted(gathered)
        if not balls.is_zero(gathered[size])
    ]
    if len(kept) > MOST_TERMS:
        remainder = kept[MOST_TERMS][0]
        kept = kept[:MOST_TERMS]
    return Germ(tuple(kept), remainder)


def _times(first: Size, second: Size) -> Size:
    return first[0] + second[0], first[1] + second[1]


def _coarser(*sizes: Size | None) -> Size | None:
    return min((size for size in sizes if size is not None), default=None)


ZERO = Germ()


def exact_center(germ: Germ) -> Fraction | None:
    """The number that a germ tends to, where the balls know it exactly."""
    if germ.terms and germ.terms[0][0] < UNIT:
        return None
    if germ.remainder is not None and germ.remainder <= UNIT:
        return None
    center = [c for size, c in germ.terms if size == UNIT]
    return balls.rational(center[0]) if center else Fraction(0)


def uncentered(value: Any) -> Any:
    """The germ less the number that it tends to."""
    if not isinstance(value, Germ) or not value.terms or value.terms[0][0] != UNIT:
        return value
    return Germ(value.terms[1:], value.remainder)


def centered(value: Any, center: Fraction) -> Any:
    """The germ with the number that it is known to tend to in the place of a ball about it."""
    if not isinstance(value, Germ) or not value.terms:
        return value
    size, coefficient = value.terms[0]
    if size != UNIT or coefficient.is_exact():
        return value
    if not balls.overlaps(coefficient, balls.exact(center)):
        return value  # a jump: on this side it tends to another number
    terms = [(UNIT, balls.exact(center)), *value.terms[1:]]
    return _germ(terms, value.remainder)


def is_zero(value: Value) -> bool:
    """Whether the value is zero all along, and exactly."""
    return isinstance(value, Germ) and not value.terms and value.remainder is None


def leading(germ: Germ) -> tuple[Size, Ball]:
    """The largest term of a germ that is not zero; its coefficient is proved not to vanish."""
    if not germ.terms:
        raise Unresolved("nothing is left of the expansion")
    size, coefficient = germ.terms[0]
    if not (coefficient > 0 or coefficient < 0):
        raise Unresolved("a leading coefficient may be zero")
    return size, coefficient


def sign(value: Value) -> int:
    """The sign that the value has for all small t."""
    if isinstance(value, Exponential):
        return value.sign
    if is_zero(value):
        return 0
    return 1 if leading(value)[1] > 0 else -1


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit: a finite ball, or an infinity of that sign."""

    ball: Ball | None
    infinite: int = 0


def limit(value: Value) -> Limit:
    """What the value tends to as t → 0+."""
    if isinstance(value, Exponential):
        grows = sign(value.log) > 0
        return Limit(None, value.sign) if grows else Limit(balls.zero())
    if value.remainder is not None and value.remainder <= UNIT and not value.terms:
        raise Unresolved("nothing is left of the expansion")
    if not value.terms or value.terms[0][0] > UNIT:
        return Limit(balls.zero())
    size, coefficient = value.terms[0]
    if size == UNIT:
        if value.remainder is not None and value.remainder <= UNIT:
            raise Unresolved("the remainder hides the constant term")
        return Limit(coefficient)
    return Limit(None, 1 if leading(value)[1] > 0 else -1)


def derivative(value: Value) -> Value:
    """The derivative by t, term by term."""
    if isinstance(value, Exponential):
        return multiply(value, derivative(value.log))
    terms: list[tuple[Size, Ball]] = []
    for (exponent, minus_logs), coefficient in value.terms:
        below = exponent - 1
        # d/dt t^e ℓ^m = t^(e−1) (e ℓ^m − m ℓ^(m−1))
        terms.append(
            ((below, minus_logs), coefficient * balls.exact(Fraction(exponent)))
        )
        own = coefficient * balls.exact(Fraction(minus_logs))
        terms.append(((below, minus_logs + 1), own))
    remainder = value.remainder
    if remainder is not None:
        # What is O(ℓ^m) has a derivative O((ℓ^m)′), unless m = 0: l'Hôpital's rule in a Hardy field.
        slower = remainder[0] == 0 and remainder[1] != 0
        remainder = (remainder[0] - 1, remainder[1] + slower)
    return _germ(terms, remainder)


# ── the field ────────────────────────────────────────────────────────────────────────────────────────────────────────


def add(first: Value, second: Value) -> Value:
    """The sum."""
    if isinstance(first, Germ) and isinstance(second, Germ):
        remainder = _coarser(first.remainder, second.remainder)
        return _germ([*first.terms, *second.terms], remainder)
    if is_zero(first):
        return second
    if is_zero(second):
        return first
    if isinstance(first, Germ):
        return add(second, first)
    assert isinstance(first, Exponential)
    if isinstance(second, Germ):
        if sign(first.log) < 0:  # smaller than every power of t
            return _germ(second.terms, _coarser(second.remainder, FLAT))
        return Exponential(first.sign, _flattened(first.log))
    gap = subtract(first.log, second.log)
    assert isinstance(gap, Germ)
    if not is_zero(gap) and limit(gap).infinite < 0:
        return add(second, first)
    # first + second = first · (1 + (second / first)), and the quotient is bounded
    quotient = exponential(negate(gap))
    factor = add(
        constant(balls.exact(1.0)),
        quotient if first.sign == second.sign else negate(quotient),
    )
    return multiply(first, factor)


def _flattened(germ: Germ) -> Germ:
    return Germ(germ.terms, _coarser(germ.remainder, FLAT))


def negate(value: Value) -> Value:
    """The negative."""
    if isinstance(value, Exponential):
        return Exponential(-value.sign, value.log)
    return Germ(tuple((size, -c) for size, c in value.terms), value.remainder)


def subtract(first: Value, second: Value) -> Value:
    """The difference."""
    if first is second:
        return ZERO
    return add(first, negate(second))


def multiply(first: Value, second: Value) -> Value:
    """The product."""
    if is_zero(first) or is_zero(second):
        return ZERO
    if isinstance(first, Germ) and isinstance(second, Germ):
        return _product(first, second)
    if isinstance(first, Germ):
        return multiply(second, first)
    assert isinstance(first, Exponential)
    if isinstance(second, Exponential):
        total = exponential(add(first.log, second.log))
        return total if first.sign == second.sign else negate(total)
    if not second.terms and sign(first.log) < 0:
        return Germ((), FLAT)
    log = add(first.log, logarithm(magnitude(second)))
    assert isinstance(log, Germ)
    return Exponential(first.sign * sign(second), log)


def _product(first: Germ, second: Germ) -> Germ:
    remainder = None
    for one, other in ((first, second), (second, first)):
        if other.remainder is not None:
            largest = one.terms[0][0] if one.terms else one.remainder
            assert largest is not None
            remainder = _coarser(remainder, _times(largest, other.remainder))
    terms = [
        (_times(size, other), coefficient * factor)
        for size, coefficient in first.terms
        for other, factor in second.terms
    ]
    return _germ(terms, remainder)


def scale(value: Value, ball: Ball) -> Value:
    """The value times a number."""
    return multiply(value, constant(ball))


def power(value: Value, exponent: Fraction) -> Value:
    """The value to a rational power."""
    if exponent == 0:
        return constant(balls.exact(1.0))
    if is_zero(value):
        if exponent < 0:
            raise Outside("a power of zero")
        return ZERO
    whole = exponent.denominator == 1
    if sign(value) < 0 and not whole:
        raise Outside("a broken power of a negative number")
    flips = sign(value) < 0 and exponent.numerator % 2 == 1
    result = _positive_power(magnitude(value), exponent)
    return negate(result) if flips else result


def _positive_power(value: Value, exponent: Fraction) -> Value:
    if isinstance(value, Exponential):
        return exponential(scale(value.log, balls.exact(exponent)))
    (size, coefficient), rest = leading(value), _relative_rest(value)
    factor = balls.OPERATIONS["pow"](coefficient, balls.exact(exponent))
    head = Germ((((size[0] * exponent, size[1] * exponent), factor),))
    return multiply(head, compose(_binomial(exponent), rest))


def _relative_rest(germ: Germ) -> Germ:
    """germ / its leading term − 1."""
    size, coefficient = leading(germ)
    back = (-size[0], -size[1])
    terms = [(_times(other, back), c / coefficient) for other, c in germ.terms[1:]]
    remainder = None if germ.remainder is None else _times(germ.remainder, back)
    return _germ(terms, remainder)


def _binomial(exponent: Fraction) -> list[Ball]:
    coefficients, current = [], Fraction(1)
    for index in range(MOST_TERMS + 1):
        coefficients.append(balls.exact(current))
        current = current * (exponent - index) / (index + 1)
    return coefficients


def divide(first: Value, second: Value) -> Value:
    """The quotient."""
    if is_zero(second):
        raise Outside("a division by zero")
    if isinstance(first, Germ) and isinstance(second, Germ):
        if len(second.terms) == 1 and second.remainder is None:
            # 3/3 is exactly 1, though 1/3 is no dyadic number
            size, coefficient = leading(second)
            back = (-size[0], -size[1])
            terms = [(_times(one, back), c / coefficient) for one, c in first.terms]
            cut = first.remainder and _times(first.remainder, back)
            return _germ(terms, cut)
    return multiply(first, power(second, Fraction(-1)))


def magnitude(value: Value) -> Value:
    """The absolute value."""
    return negate(value) if sign(value) < 0 else value


def compose(coefficients: Sequence[Ball], small: Germ) -> Germ:
    """Σ aₖ·smallᵏ, for a germ that tends to zero; the remainder is that of the series cut off."""
    largest = small.terms[0][0] if small.terms else small.remainder
    if largest is not None and largest <= UNIT:
        raise Unresolved("an expansion about a point that is not approached")
    total: Value = constant(coefficients[0])
    term: Value = constant(balls.exact(1.0))
    for coefficient in coefficients[1:]:
        term = multiply(term, small)
        if is_zero(term):
            break
        total = add(total, scale(term, coefficient))
    else:
        assert largest is not None
        count = len(coefficients)
        cut = (largest[0] * count, largest[1] * count)
        total = add(total, Germ((), cut))
    assert isinstance(total, Germ)
    return total


# ── exponential and logarithm ────────────────────────────────────────────────────────────────────────────────────────


def exponential(value: Value) -> Value:
    """e to the value."""
    if isinstance(value, Exponential):
        if sign(value.log) < 0:
            return Germ(((UNIT, balls.exact(1.0)),), FLAT)
        raise Unresolved("an exponential of an exponential")
    infinite, middle, small = _parts(value)
    if not infinite:
        head = balls.OPERATIONS["exp"](middle)
        return compose([head * c for c in _exponential_series()], small)
    if [size for size, _ in infinite] == [(Fraction(0), -1)]:  # a·ℓ alone: t^(−a)
        exponent = balls.rational(infinite[0][1])
        if exponent is None:
            raise Unresolved("an irrational power")
        rest = Germ(((UNIT, middle),)) if not balls.is_zero(middle) else ZERO
        tail = exponential(add(rest, small))
        return multiply(Germ((((-exponent, 0), balls.exact(1.0)),)), tail)
    leading(Germ(tuple(infinite)))
    if any(size[0] == 0 and size[1] > -1 for size, _ in infinite):
        raise Unresolved("an exponential of a root of a logarithm")
    return Exponential(1, value)


def _exponential_series() -> list[Ball]:
    return [
        balls.exact(Fraction(1, math.factorial(index)))
        for index in range(MOST_TERMS + 1)
    ]


def _parts(germ: Germ) -> tuple[list[tuple[Size, Ball]], Ball, Germ]:
    """The infinite terms, the constant one, and the rest, which tends to zero."""
    if germ.remainder is not None and germ.remainder <= UNIT:
        raise Unresolved("the remainder hides the constant term")
    infinite = [term for term in germ.terms if term[0] < UNIT]
    middle = [c for size, c in germ.terms if size == UNIT]
    small = tuple(term for term in germ.terms if term[0] > UNIT)
    return infinite, middle[0] if middle else balls.zero(), Germ(small, germ.remainder)


def logarithm(value: Value) -> Value:
    """The natural logarithm."""
    if is_zero(value) or sign(value) < 0:
        raise Outside("a logarithm of no positive number")
    if isinstance(value, Exponential):
        return value.log
    size, coefficient = leading(value)
    if size[1] != 0:
        raise Unresolved("a logarithm of a logarithm")
    exponent = Fraction(size[0])
    head = _germ(
        [
            ((Fraction(0), -1), balls.exact(-exponent)),
            (UNIT, balls.OPERATIONS["log"](coefficient)),
        ],
        None,
    )
    coefficients = [balls.zero()] + [
        balls.exact(Fraction((-1) ** (index + 1), index))
        for index in range(1, MOST_TERMS + 1)
    ]
    return add(head, compose(coefficients, _relative_rest(value)))


# ── functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def finite_part(value: Value) -> tuple[Ball, Germ] | None:
    """The limit of a value and how it is approached, or None where the limit is infinite."""
    if isinstance(value, Exponential):
        if sign(value.log) > 0:
            return None
        return balls.zero(), Germ((), FLAT)
    infinite, middle, small = _parts(value)
    if infinite:
        leading(value)
        return None
    return middle, small


def analytic(operation: str, value: Value) -> Value | None:
    """The operation at a finite limit where it has a Taylor series; None at an infinite one or a singularity."""
    found = finite_part(value)
    if found is None:
        return None
    center, small = found
    try:
        coefficients = series.taylor(operation, center, MOST_TERMS + 1)
    except series.SingularError:
        return None
    return compose(coefficients, small)


def _number(number: float | Fraction) -> Germ:
    return constant(balls.exact(number))


ONE = 1.0


def _analytic_or(
    operation: str, otherwise: Callable[[Value], Value]
) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        found = analytic(operation, value)
        return otherwise(value) if found is None else found

    return apply


def _unresolved(operation: str) -> Callable[[Value], Value]:
    def refuse(value: Value) -> Value:
        raise Unresolved(f"`{operation}` has no limit there that is known here")

    return refuse


def _square_root(value: Value) -> Value:
    return power(value, Fraction(1, 2))


def _expm1(value: Value) -> Value:
    return subtract(exponential(value), _number(ONE))


def _scaled_exponential(base: str) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        return exponential(
            scale(value, balls.OPERATIONS["log"](balls.exact(int(base))))
        )

    return apply


def _logarithm_to(base: int) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        return scale(logarithm(value), 1 / balls.OPERATIONS["log"](balls.exact(base)))

    return apply


def _half_difference(value: Value, *, plus: bool) -> Value:
    """(e^v ± e^−v) / 2."""
    combine = add if plus else subtract
    both = combine(exponential(value), exponential(negate(value)))
    return scale(both, balls.exact(0.5))


def _sigmoid(value: Value) -> Value:
    return divide(_number(ONE), add(_number(ONE), exponential(negate(value))))


def _tanh(value: Value) -> Value:
    twice = _sigmoid(scale(value, balls.exact(2.0)))
    return subtract(scale(twice, balls.exact(2.0)), _number(ONE))


def _atan(value: Value) -> Value:
    """At infinity: ±π/2 − atan(1/v)."""
    right_angle = balls.constant("pi", None) / 2
    tilt = analytic("atan", divide(_number(ONE), value))
    assert tilt is not None
    return subtract(constant(right_angle * sign(value)), tilt)


def _half_angle(value: Value) -> Value:
    """√((1 − v)/2), by which asin and acos pass their branch point at 1."""
    return _square_root(scale(subtract(_number(ONE), value), balls.exact(0.5)))


def _asin(value: Value) -> Value:
    """asin v = ±(π/2 − 2 asin √((1 ∓ v)/2)) near ±1 (DLMF 4.24)."""
    if sign(value) < 0:
        return negate(_asin(negate(value)))
    found = analytic("asin", _half_angle(value))
    if found is None:
        raise Outside("an inverse sine of more than 1")
    twice = scale(found, balls.exact(2.0))
    return subtract(constant(balls.constant("pi", None) / 2), twice)


def _acos(value: Value) -> Value:
    inverse = analytic("asin", value) or _asin(value)
    return subtract(constant(balls.constant("pi", None) / 2), inverse)


def _asinh(value: Value) -> Value:
    if sign(value) < 0:
        return negate(_asinh(negate(value)))
    root = _square_root(add(multiply(value, value), _number(ONE)))
    return logarithm(add(value, root))


def _acosh(value: Value) -> Value:
    """log(v + √(v² − 1)): on both sides of the branch point and at infinity."""
    if sign(value) < 0:
        raise Outside("an inverse hyperbolic cosine of less than 1")
    root = _square_root(subtract(multiply(value, value), _number(ONE)))
    return logarithm(add(value, root))


def _atanh(value: Value) -> Value:
    above = logarithm(add(_number(ONE), value))
    below = logarithm(subtract(_number(ONE), value))
    return scale(subtract(above, below), balls.exact(0.5))


def _error_function(value: Value) -> Value:
    return Germ(((UNIT, balls.exact(float(sign(value)))),), FLAT)


def _complementary(value: Value) -> Value:
    """erfc at ±∞; at +∞ it is e^(−v²)/(v√π)·(1 + O(v⁻²)) (DLMF 7.12.1)."""
    if sign(value) < 0:
        return Germ(((UNIT, balls.exact(2.0)),), FLAT)
    log = negate(add(multiply(value, value), logarithm(value)))
    if isinstance(log, Exponential):
        return Germ((), FLAT)
    pi = balls.OPERATIONS["log"](balls.constant("pi", None)) / 2
    log = subtract(log, constant(pi))
    tail = power(value, Fraction(-2))
    assert isinstance(log, Germ)
    if isinstance(tail, Germ) and tail.terms:
        log = _germ(log.terms, _coarser(log.remainder, tail.terms[0][0]))
    return Exponential(1, log)


MOST_STEPS = 64
"""Unit steps that a recurrence may take away from a pole."""


def _pole(value: Value) -> tuple[int, Value]:
    """The pole −n that a value tends to, as n, and its distance from it."""
    found = finite_part(value)
    if found is None:
        raise Unresolved("a gamma function at minus infinity")
    center = balls.rational(found[0])
    if center is None or center.denominator != 1 or center > 0:
        raise Unresolved("a gamma function near a pole")
    return -int(center), add(value, _number(-center))


def _sine_of_pi(distance: Value) -> Value:
    """sin(π·distance), for a distance that tends to zero."""
    found = analytic("sin", scale(distance, balls.constant("pi", None)))
    assert found is not None
    return found


def _log_gamma(value: Value) -> Value:
    """At a pole log π − log|sin πv| − log|Γ(1 − v)| (DLMF 5.5.3); at infinity Stirling's series (DLMF 5.11.1)."""
    if finite_part(value) is None and sign(value) > 0:
        return _stirling(value)
    _, distance = _pole(value)
    mirrored = analytic("lgamma", subtract(_number(ONE), value))
    assert mirrored is not None
    pi = balls.OPERATIONS["log"](balls.constant("pi", None))
    total = add(logarithm(magnitude(_sine_of_pi(distance))), mirrored)
    return subtract(constant(pi), total)


def _stirling(value: Value) -> Value:
    log = logarithm(value)
    main = multiply(subtract(value, _number(0.5)), log)
    half = balls.OPERATIONS["log"](2 * balls.constant("pi", None)) / 2
    rest = scale(power(value, Fraction(-1)), balls.exact(Fraction(1, 12)))
    tail = power(value, Fraction(-3))
    total = add(add(subtract(main, value), constant(half)), rest)
    return _with_remainder(total, tail)


def _with_remainder(value: Value, tail: Value) -> Value:
    if isinstance(value, Germ) and isinstance(tail, Germ) and tail.terms:
        return _germ(value.terms, _coarser(value.remainder, tail.terms[0][0]))
    raise Unresolved("a gamma function of an exponential")


def _polygamma(order: int) -> Callable[[Value], Value]:
    """ψₙ(v) = ψₙ(v + m) − (−1)ⁿ n! Σ (v + k)^(−n−1) (DLMF 5.15.5); at infinity its leading terms (DLMF 5.15.8)."""

    def apply(value: Value) -> Value:
        try:
            found = finite_part(value)
            if found is not None:
                return compose(
                    series.taylor_polygamma(order, found[0], MOST_TERMS + 1), found[1]
                )
        except series.SingularError:
            return _polygamma_at_pole(order, value)
        if sign(value) < 0:
            raise Unresolved("a gamma function at minus infinity")
        return _polygamma_at_infinity(order, value)

    return apply


def _polygamma_at_pole(order: int, value: Value) -> Value:
    steps, distance = _pole(value)
    if order == 0:  # ψ(v) = ψ(1 − v) − π cot πv (DLMF 5.5.4)
        tangent = analytic("tan", scale(distance, balls.constant("pi", None)))
        assert tangent is not None
        mirrored = _polygamma(0)(subtract(_number(ONE), value))
        return subtract(mirrored, divide(constant(balls.constant("pi", None)), tangent))
    if steps > MOST_STEPS:
        raise Unresolved("a gamma function far from its last pole")
    total: Value = ZERO
    shifted = value
    for _ in range(steps + 1):
        total = add(total, power(shifted, Fraction(-order - 1)))
        shifted = add(shifted, _number(ONE))
    factor = balls.exact(Fraction((-1) ** order * math.factorial(order)))
    return subtract(_polygamma(order)(shifted), scale(total, factor))


def _polygamma_at_infinity(order: int, value: Value) -> Value:
    tail = power(value, Fraction(-order - 2))
    if order == 0:
        half = scale(power(value, Fraction(-1)), balls.exact(0.5))
        return _with_remainder(subtract(logarithm(value), half), tail)
    flip = (-1) ** (order - 1)
    lead = scale(
        power(value, Fraction(-order)),
        balls.exact(Fraction(flip * math.factorial(order - 1))),
    )
    second = scale(
        power(value, Fraction(-order - 1)),
        balls.exact(Fraction(flip * math.factorial(order), 2)),
    )
    return _with_remainder(add(lead, second), tail)


def _scaled_complementary(value: Value) -> Value:
    """e^v² erfc(v) at ∞: Σ (−1)ᵏ (1/2)ₖ v^(−2k) / (v√π) (DLMF 7.12.1); at −∞ by erfc(−v) = 2 − erfc(v)."""
    if sign(value) < 0:
        square = multiply(value, value)
        twice = scale(exponential(square), balls.exact(2.0))
        return subtract(twice, _scaled_complementary(negate(value)))
    terms = [Fraction(1)]
    for k in range(MOST_TERMS):
        terms.append(-terms[-1] * Fraction(2 * k + 1, 2))
    small = _tending_to_zero(power(value, Fraction(-2)))
    total = compose([balls.exact(term) for term in terms], small)
    root = balls.OPERATIONS["sqrt"](balls.constant("pi", None))
    return divide(total, scale(value, root))


def _inverse_error(value: Value) -> Value:
    """erfinv at ±1 and beyond."""
    if sign(value) < 0:
        return negate(_inverse_error(negate(value)))
    return _inverse_complement(subtract(_number(ONE), value))


def _inverse_complement(value: Value) -> Value:
    """erfcinv at 0 and 2 and beyond: √L + O(log L / √L), where L = −log v; here O(L^(−1/4)) (DLMF 7.17.3)."""
    if sign(subtract(value, _number(ONE))) > 0:
        return negate(_inverse_complement(subtract(_number(2.0), value)))
    if sign(value) <= 0:
        raise Outside("an inverse error function beyond ±1")
    found = finite_part(value)
    if found is None or not balls.is_zero(found[0]):
        raise Unresolved("an inverse error function at a number that is not known")
    log = negate(logarithm(value))
    root, rest = _square_root(log), power(log, Fraction(-1, 4))
    assert isinstance(root, Germ)
    assert isinstance(rest, Germ)
    return _germ(root.terms, _coarser(root.remainder, leading(rest)[0]))


def _tending_to_zero(value: Value) -> Germ:
    if isinstance(value, Exponential):
        raise Unresolved("a special function of an exponential")
    return value


def _hankel(order: int, sign_of_terms: int) -> list[Ball]:
    """(±1)ᵏ aₖ(m) of the asymptotic expansions of Bessel functions (DLMF 10.17.1 and 10.40.1)."""
    found = [Fraction(1)]
    for k in range(1, MOST_TERMS + 1):
        step = Fraction(4 * order**2 - (2 * k - 1) ** 2, 8 * k)
        found.append(found[-1] * step * sign_of_terms)
    return [balls.exact(term) for term in found]


def _cylinder(
    operation: str, otherwise: Callable[[int, Value], Value]
) -> Callable[[int], Callable[[Value], Value]]:
    """A Bessel function, by its power series or by `otherwise` at infinity and at a singularity."""

    def of_order(order: int) -> Callable[[Value], Value]:
        def apply(value: Value) -> Value:
            found = finite_part(value)
            if found is None:
                return otherwise(order, value)
            center, small = found
            try:
                coefficients = series.taylor_of_order(
                    operation, order, center, MOST_TERMS + 1
                )
            except series.SingularError:
                return otherwise(order, value)
            return compose(coefficients, small)

        return apply

    return of_order


def _first_kind(order: int, value: Value) -> Value:
    raise Unresolved("a Bessel function oscillates towards infinity")


def _growing(order: int, value: Value) -> Value:
    """Iₘ(v) = e^v / √(2πv) · Σ (−1)ᵏ aₖ(m) v^(−k) (DLMF 10.40.1), and Iₘ(−v) = (−1)ᵐ Iₘ(v)."""
    if finite_part(value) is not None:
        raise Unresolved("a Bessel function at a number that is not known")
    if sign(value) < 0:
        mirrored = _growing(order, negate(value))
        return negate(mirrored) if order % 2 else mirrored
    small = _tending_to_zero(divide(_number(ONE), value))
    tail = compose(_hankel(order, -1), small)
    root = _square_root(scale(value, 2 * balls.constant("pi", None)))
    return divide(multiply(exponential(value), tail), root)


def _falling(order: int, value: Value) -> Value:
    """Kₘ(v) = e^(−v) √(π/(2v)) Σ aₖ(m) v^(−k) at ∞ (DLMF 10.40.2)."""
    _on_the_right(value)
    if finite_part(value) is not None:
        return _at_its_pole(order, value, Fraction(1, 2), Fraction(-1))
    small = _tending_to_zero(divide(_number(ONE), value))
    tail = compose(_hankel(order, 1), small)
    root = _square_root(scale(small, balls.constant("pi", None) / 2))
    return multiply(multiply(exponential(negate(value)), tail), root)


def _second_kind(order: int, value: Value) -> Value:
    _on_the_right(value)
    if finite_part(value) is None:
        raise Unresolved("a Bessel function oscillates towards infinity")
    two_over_pi = 2 / balls.constant("pi", None)
    flip = -1 if order < 0 and order % 2 else 1
    mirrored = _at_its_pole(order, value, Fraction(-flip, 2), Fraction(flip))
    return scale(mirrored, two_over_pi)


def _on_the_right(value: Value) -> None:
    if sign(value) < 0:
        raise Outside("a Bessel function of the second kind of a negative number")


def _at_its_pole(order: int, value: Value, pole: Fraction, log: Fraction) -> Value:
    """At 0+: pole · (|m| − 1)! (v/2)^(−|m|), or for m = 0 log · (log(v/2) + γ) (DLMF 10.8.1 and 10.31.1)."""
    found = finite_part(value)
    if found is None or not balls.is_zero(found[0]):
        raise Unresolved("a Bessel function at a number that is not known")
    half = scale(value, balls.exact(0.5))
    m = abs(order)
    if m == 0:
        gamma = -balls.OPERATIONS["digamma"](balls.exact(1.0))
        main = scale(add(logarithm(half), constant(gamma)), balls.exact(log))
        tail = multiply(multiply(half, half), logarithm(half))
    else:
        factor = balls.exact(pole * math.factorial(m - 1))
        main = scale(power(half, Fraction(-m)), factor)
        tail = power(half, Fraction(2 - m))
        if m == 1:
            tail = multiply(tail, logarithm(half))
    return _with_remainder(main, tail)


_ordered: dict[str, Callable[[int], Callable[[Value], Value]]] = {
    "polygamma": _polygamma,
    "besselj": _cylinder("besselj", _first_kind),
    "bessely": _cylinder("bessely", _second_kind),
    "besseli": _cylinder("besseli", _growing),
    "besselk": _cylinder("besselk", _falling),
}
"""Functions of a constant order."""


def _sine_ratio(value: Value) -> Value:
    return divide(_periodic("sin")(value), _periodic("cos")(value))


def _periodic(operation: str) -> Callable[[Value], Value]:
    return _analytic_or(operation, _unresolved(operation))


def _sign(value: Value) -> Value:
    return _number(float(sign(value)))


def _larger(first: Value, second: Value) -> Value:
    return first if sign(subtract(first, second)) >= 0 else second


def _smaller(first: Value, second: Value) -> Value:
    return second if sign(subtract(first, second)) >= 0 else first


def _hypotenuse(first: Value, second: Value) -> Value:
    return _square_root(add(multiply(first, first), multiply(second, second)))


def _angle(y: Value, x: Value) -> Value:
    """atan2 by the quotient that stays bounded (IEEE 754-2019, section 9.2)."""
    pi = balls.constant("pi", None)
    if is_zero(x) and is_zero(y):
        return ZERO
    if sign(subtract(magnitude(x), magnitude(y))) >= 0:
        tilt: Value = _functions["atan"](divide(y, x))
        if sign(x) > 0:
            return tilt
        return add(tilt, constant(-pi if sign(y) < 0 else pi))
    tilt = _functions["atan"](divide(x, y))
    return subtract(constant(pi / 2 * sign(y)), tilt)


def _general_power(base: Value, exponent: Value | Fraction) -> Value:
    if isinstance(exponent, Fraction):
        return power(base, exponent)
    fixed = _constant_of(exponent)
    if fixed is not None:
        return power(base, fixed)
    if is_zero(base):
        if sign(exponent) < 0:
            raise Outside("a power of zero")
        return ZERO
    return exponential(multiply(exponent, logarithm(base)))


def _constant_of(value: Value) -> Fraction | None:
    """The rational that a germ is all along, if it is one and the balls know it exactly."""
    if is_zero(value):
        return Fraction(0)
    if isinstance(value, Exponential) or value.remainder is not None:
        return None
    if len(value.terms) != 1 or value.terms[0][0] != UNIT:
        return None
    return balls.rational(value.terms[0][1])


ROOM_BITS = 64
"""Of the precision, what stays free beside a whole part, so that its product with a double is exact too."""


def _whole_part(value: Value, *, up: bool) -> Value:
    """floor or ceil: constant beside any point; at an integer the side tells which."""
    found = finite_part(value)
    if found is None:
        raise Unresolved("a whole part oscillates towards infinity")
    center, small = found
    whole = balls.OPERATIONS["floor"](center)
    if not whole.is_exact():
        raise Unresolved("a number that may be an integer")
    if abs(whole) > balls.dyadic(balls.precision_bits() - ROOM_BITS):
        raise Unresolved("a whole part of too many digits")  # to tell it from the next
    if balls.equal(center, whole) is True:
        whole = whole + (sign(small) > 0 if up else -(sign(small) < 0))
    elif up:
        whole = whole + 1
    return constant(whole)


def _finite(value: Value) -> Value:
    """nan_to_num: what it puts in the place of an infinity is no limit."""
    found = finite_part(value)
    if found is None or not balls.is_finite(found[0]):
        raise Unresolved("`nan_to_num` replaces what is not finite")
    return value


def _above(first: Value, second: Value) -> Value:
    side = sign(subtract(first, second))
    if side == 0:
        raise Unresolved("two operands that are equal all along")
    return _number(ONE if side > 0 else 0.0)


_functions: dict[str, Callable[..., Any]] = {
    "identity": lambda v: v,
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "pow": _general_power,
    "neg": negate,
    "square": lambda v: power(v, Fraction(2)),
    "reciprocal": lambda v: divide(_number(ONE), v),
    "sqrt": _square_root,
    "rsqrt": lambda v: power(v, Fraction(-1, 2)) if not is_zero(v) else divide(v, v),
    "abs": magnitude,
    "sign": _sign,
    "hypot": _hypotenuse,
    "exp": exponential,
    "exp2": _scaled_exponential("2"),
    "expm1": _analytic_or("expm1", _expm1),
    "log": logarithm,
    "log2": _logarithm_to(2),
    "log10": _logarithm_to(10),
    "log1p": _analytic_or("log1p", lambda v: logarithm(add(_number(ONE), v))),
    "sin": _periodic("sin"),
    "cos": _periodic("cos"),
    "tan": _analytic_or("tan", _sine_ratio),
    "asin": _analytic_or("asin", _asin),
    "acos": _analytic_or("acos", _acos),
    "atan": _analytic_or("atan", _atan),
    "atan2": _angle,
    "sinh": _analytic_or("sinh", lambda v: _half_difference(v, plus=False)),
    "cosh": _analytic_or("cosh", lambda v: _half_difference(v, plus=True)),
    "tanh": _analytic_or("tanh", _tanh),
    "asinh": _analytic_or("asinh", _asinh),
    "acosh": _analytic_or("acosh", _acosh),
    "atanh": _analytic_or("atanh", _atanh),
    "sigmoid": _analytic_or("sigmoid", _sigmoid),
    "relu": lambda v: v if sign(v) > 0 else ZERO,
    "erf": _analytic_or("erf", _error_function),
    "erfc": _analytic_or("erfc", _complementary),
    "lgamma": _analytic_or("lgamma", _log_gamma),
    "digamma": _polygamma(0),
    # Special functions
    "erfinv": _analytic_or("erfinv", _inverse_error),
    "erfcinv": _analytic_or("erfcinv", _inverse_complement),
    "erfcx": _analytic_or("erfcx", _scaled_complementary),
    "sinc": _analytic_or("sinc", _unresolved("sinc")),
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
    """The germ of an operation, or the truth value of a condition, on this side of the point."""
    if operation in _ordered:
        order = _constant_of(operands[0])
        if order is None:
            raise Unresolved("an order that is not known")
        return _ordered[operation](int(order))(operands[1])
    return _functions[operation](*operands)
