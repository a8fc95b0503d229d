"""Expansions of the further special functions: by their power series, and at infinity
and at their singularities by what the DLMF gives there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from verifier.symbolic.arithmetic import exact, exact_functions, series, special_series
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions.elementary import number_pi
from verifier.symbolic.arithmetic.expansions.field import (
    add,
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
from verifier.symbolic.arithmetic.expansions.special import reciprocal_gamma
from verifier.symbolic.arithmetic.expansions.terms import (
    ONE,
    ZERO,
    Expansion,
    Oscillation,
    Outside,
    Unresolved,
    Value,
    as_number,
    constant,
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


def _or(operation: str, otherwise: Function) -> Function:
    """The function by its power series, and else by another rule."""

    def function(*operands: Value) -> Value:
        value = _regular(operation, operands)
        return otherwise(*operands) if value is None else value

    return function


def _or_at_infinity(operation: str, rule: Function) -> Function:
    """The function by its power series, and by a rule that holds at infinity alone."""

    def otherwise(*operands: Value) -> Value:
        if not _is_infinite(operands[-1]):
            raise Unresolved(f"`{operation}` at a number that is not known")
        return rule(*operands)

    return _or(operation, otherwise)


def _unresolved(operation: str) -> Function:
    def function(*operands: Value) -> Value:
        raise Unresolved(f"`{operation}` at a singularity")

    return _or(operation, function)


# ── what the rules are made of ────────────────────────────────────────────────────────


def _number(operation: str, *operands: Fraction | int) -> Number:
    """A function of rational numbers."""
    given = [as_number(Fraction(operand)) for operand in operands]
    value = exact_functions.apply(operation, given)
    assert isinstance(value, Number)
    return value


def _rational(value: Value) -> Fraction:
    number = rational_constant(value)
    if number is None:
        raise Unresolved("an order that is not known exactly")
    return number


def _rising(start: Fraction, count: int) -> Fraction:
    """start · (start + 1) · …, `count` factors."""
    return math.prod((start + k for k in range(count)), start=Fraction(1))


def _series(terms: Callable[[int], Fraction | Number], small: Value) -> Value:
    """Σ aₖ·smallᵏ, where `small` tends to 0."""
    count = kept_terms() + 1
    return compose([as_number(terms(k)) for k in range(count)], main_part(small))


def _at_zero(value: Value) -> None:
    """Checks that a value tends to 0 from above."""
    if sign(value) < 0:
        raise Outside("a special function of a negative number")
    approach = finite_part(value)
    if approach is None or not approach[0].is_zero:
        raise Unresolved("a special function at a number that is not known")


def _is_infinite(value: Value) -> bool:
    return finite_part(value) is None


def _wave(main: Value, size: Value) -> Value:
    """An oscillation of the size of another value about `main`."""
    assert isinstance(main, Expansion)
    return Oscillation(main, leading(main_part(magnitude(size)))[0])


def _odd(function: Function) -> Function:
    return lambda v: negate(function(negate(v))) if sign(v) < 0 else function(v)


def _euler() -> Value:
    return constant(-_number("digamma", 1))


# ── gamma and beta functions ──────────────────────────────────────────────────────────


def _gammaincc(a: Value, x: Value) -> Value:
    """x^(a−1) e^−x/Γ(a) · Σ (a − 1)…(a − k)/xᵏ at ∞ (DLMF 8.11.2)."""
    order = _rational(a)
    if order <= 0:
        raise Outside("an incomplete gamma function of an order that is not positive")
    if is_zero(x):
        return ONE
    if not _is_infinite(x):
        return subtract(ONE, _gammainc(a, x))
    tail = _series(lambda k: _falling(order - 1, k), divide(ONE, x))
    lead = scale(power(x, order - 1), reciprocal_gamma(order))
    return multiply(exponential(negate(x)), multiply(lead, tail))


def _falling(start: Fraction, count: int) -> Fraction:
    return math.prod((start - k for k in range(count)), start=Fraction(1))


def _gammainc(a: Value, x: Value) -> Value:
    """xᵃ · Σ (−x)ᵏ/(k! (a + k))/Γ(a) at 0 (DLMF 8.7.1)."""
    order = _rational(a)
    if order <= 0:
        raise Outside("an incomplete gamma function of an order that is not positive")
    if is_zero(x):
        return ZERO
    if _is_infinite(x):
        return subtract(ONE, _gammaincc(a, x))
    _at_zero(x)
    total = _series(lambda k: Fraction((-1) ** k, math.factorial(k)) / (order + k), x)
    return multiply(power(x, order), scale(total, reciprocal_gamma(order)))


def _betainc(a: Value, b: Value, x: Value) -> Value:
    """xᵃ/B(a, b) · Σ (1 − b)ₖ xᵏ/(k! (a + k)) at 0 (DLMF 8.17.7); at 1 by its
    complement."""
    first, second = _rational(a), _rational(b)
    if not is_zero(x) and not _is_infinite(x):
        if sign(subtract(x, constant(as_number(HALF)))) > 0:
            return subtract(ONE, _betainc(b, a, subtract(ONE, x)))
    if is_zero(x):
        return ZERO
    _at_zero(x)
    total = _series(
        lambda k: _rising(1 - second, k) / (math.factorial(k) * (first + k)), x
    )
    inverse = reciprocal_gamma(first) * reciprocal_gamma(second)
    inverse = inverse / reciprocal_gamma(first + second)
    return multiply(power(x, first), scale(total, inverse))


def _zeta(s: Value, q: Value) -> Value:
    """q^−s + ζ(s, q + 1) at 0; q^(1−s)/(s − 1) + q^−s/2 at ∞ (DLMF 25.11.43)."""
    order = _rational(s)
    if order <= 1:
        raise Outside("a sum that does not converge")
    if not _is_infinite(q):
        _at_zero(q)
        return add(power(q, -order), FUNCTIONS["zeta"](s, add(q, ONE)))
    if sign(q) < 0:
        raise Unresolved("a zeta function at minus infinity")
    lead = scale(power(q, 1 - order), 1 / (order - 1))
    total = add(lead, scale(power(q, -order), HALF))
    return add(total, Expansion((), leading(main_part(power(q, -order - 1)))[0]))


def _polylog(s: Value, x: Value) -> Value:
    """By powers of log x at 1 (DLMF 25.12.12)."""
    order = _rational(s)
    if _is_infinite(x):
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
        return _number("zeta", order - k, 1) * as_number(Fraction(1, math.factorial(k)))

    return add(lead, _series(term, log))


def _lambertw(x: Value, branch: Value) -> Value:
    """L − log L + O(log L/L), where L = log x at ∞; so for the branch −1 at 0, where L =
    log −x and log L = log −L (DLMF 4.13.10 and 4.13.11)."""
    k = _rational(branch)
    if k == 0 and not (_is_infinite(x) and sign(x) > 0):
        raise Unresolved("Lambert's function at its branch point")
    if k:
        if sign(x) > 0:
            raise Outside("the branch −1 of Lambert's function right of 0")
        _at_zero(negate(x))
    log = logarithm(x if k == 0 else negate(x))
    again = logarithm(log if k == 0 else negate(log))
    rest = divide(again, log)
    return add(subtract(log, again), Expansion((), leading(main_part(rest))[0]))


# ── exponential and related integrals ─────────────────────────────────────────────────


def _expn(n: Value, x: Value) -> Value:
    """At 0 (DLMF 8.19.8 and 8.19.10); e^−x/x · Σ (−1)ᵏ (n)ₖ/xᵏ at ∞ (DLMF 8.20.2)."""
    order = _rational(n)
    if sign(x) < 0:
        raise Outside("an exponential integral of a negative number")
    if _is_infinite(x):
        tail = _series(lambda k: (-1) ** k * _rising(order, k), divide(ONE, x))
        return multiply(exponential(negate(x)), divide(tail, x))
    if is_zero(x) and order > 1:
        return constant(as_number(1 / (order - 1)))
    _at_zero(x)
    if order.denominator > 1 or order <= 0:
        lead = scale(power(x, order - 1), exact.ONE / reciprocal_gamma(1 - order))
        skipped = None
    else:
        skipped = int(order) - 1
        factor = subtract(constant(_number("digamma", order)), logarithm(x))
        sized = Fraction((-1) ** skipped, math.factorial(skipped))
        lead = multiply(scale(power(x, Fraction(skipped)), sized), factor)
    return subtract(
        lead,
        _series(
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

    return add(add(_euler(), logarithm(magnitude(x))), _series(term, x))


def _expi(x: Value) -> Value:
    """At 0 (DLMF 6.6.1); eˣ/x · Σ k!/xᵏ at ±∞ (DLMF 6.12.2)."""
    if not _is_infinite(x):
        _at_zero(magnitude(x))
        return _with_logarithm(x, 1, 1)
    tail = _series(lambda k: Fraction(math.factorial(k)), divide(ONE, x))
    return multiply(exponential(x), divide(tail, x))


def _half_growing(x: Value) -> Value:
    """Half of Ei, which Shi and Chi differ from by less than any power of e^−x."""
    return scale(_expi(x), HALF)


def _chi(x: Value) -> Value:
    if not _is_infinite(x):
        _at_zero(x)
        return _with_logarithm(x, 2, 1)
    if sign(x) < 0:
        raise Outside("`Chi` of a negative number")
    return _half_growing(x)


def _ci(x: Value) -> Value:
    """At 0 (DLMF 6.6.6); O(1/x) at ∞ (DLMF 6.2.17)."""
    if not _is_infinite(x):
        _at_zero(x)
        return _with_logarithm(x, 2, -1)
    if sign(x) < 0:
        raise Outside("`Ci` of a negative number")
    return _wave(ZERO, divide(ONE, x))


def _si(x: Value) -> Value:
    """π/2 + O(1/x) at ∞ (DLMF 6.2.17)."""
    return _wave(scale(constant(number_pi()), HALF), divide(ONE, x))


def _fresnel(x: Value) -> Value:
    """1/2 + O(1/x) at ∞ (DLMF 7.5.3 and 7.5.4)."""
    return _wave(constant(as_number(HALF)), divide(ONE, x))


def _dawsn(x: Value) -> Value:
    """Σ (1/2)ₖ x^−2k/(2x) at ±∞ (DLMF 7.12.1)."""
    tail = _series(lambda k: _rising(HALF, k), power(x, Fraction(-2)))
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
    _at_zero(rest)
    return rest


def _digammas(k: int) -> Number:
    return _number("digamma", 1 + k) - _number("digamma", HALF + k)


def _ellipk(m: Value) -> Value:
    """At 1 (DLMF 19.12.1); at −∞ by K(m) = K(m/(m − 1))/√(1 − m) (DLMF 19.7.2)."""
    if _is_infinite(m):
        rest = subtract(ONE, m)
        return divide(_ellipk(divide(m, negate(rest))), square_root(rest))
    rest = _complement(m)

    def factor(k: int) -> Fraction:
        return (_rising(HALF, k) / math.factorial(k)) ** 2

    logs = scale(logarithm(rest), -HALF)
    total = multiply(logs, _series(factor, rest))
    return add(total, _series(lambda k: as_number(factor(k)) * _digammas(k), rest))


def _ellipe(m: Value) -> Value:
    """At 1 (DLMF 19.12.2); at −∞ by E(m) = E(m/(m − 1))·√(1 − m) (DLMF 19.7.2)."""
    if _is_infinite(m):
        rest = subtract(ONE, m)
        return multiply(_ellipe(divide(m, negate(rest))), square_root(rest))
    if is_zero(subtract(ONE, m)):
        return ONE
    rest = _complement(m)

    def factor(k: int) -> Fraction:
        below = 2 * _rising(Fraction(2), k) * math.factorial(k)
        return _rising(HALF, k) * _rising(3 * HALF, k) / below

    def other(k: int) -> Number:
        shift = Fraction(1, (2 * k + 1) * (2 * k + 2))
        return as_number(factor(k)) * (_digammas(k) - as_number(shift))

    logs = scale(logarithm(rest), -HALF)
    total = add(multiply(logs, _series(factor, rest)), _series(other, rest))
    return add(ONE, multiply(rest, total))


# ── Airy and Bessel functions ─────────────────────────────────────────────────────────


def _airy(*, grows: bool, slope: bool) -> Function:
    """e^∓ζ/(√π·x^±¼) · Σ (∓1)ᵏ uₖ/ζᵏ at ∞, ζ = 2/3·x^(3/2), of Ai the half (DLMF 9.7.5
    to 9.7.8); O(|x|^∓¼) at −∞ (DLMF 9.7.9 to 9.7.12)."""

    def term(k: int) -> Fraction:
        u: Fraction = _rising(Fraction(5, 6), k) * _rising(Fraction(1, 6), k)
        u /= (1 << k) * math.factorial(k)
        if slope:
            u *= Fraction(6 * k + 1, 1 - 6 * k)
        return -u if k % 2 and not grows else u

    def function(x: Value) -> Value:
        lead = power(magnitude(x), Fraction(1 if slope else -1, 4))
        if sign(x) < 0:
            return _wave(ZERO, lead)
        zeta = scale(power(x, Fraction(3, 2)), Fraction(2, 3))
        tail = _series(term, divide(ONE, zeta))
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
        order = _rational(n)
        if _is_infinite(x):
            raise Unresolved("a Struve function at infinity")
        _at_zero(x)
        half = scale(x, HALF)

        def term(k: int) -> Number:
            first = reciprocal_gamma(k + 3 * HALF)
            second = reciprocal_gamma(k + order + 3 * HALF)
            return first * second * as_number(flip**k)

        return multiply(power(half, order + 1), _series(term, multiply(half, half)))

    return function


def _spherical_wave(n: Value, x: Value) -> Value:
    """O(1/x) at ±∞ (DLMF 10.52.3)."""
    return _wave(ZERO, divide(ONE, x))


# ── polynomials ───────────────────────────────────────────────────────────────────────


def _polynomial(operation: str) -> Function:
    """At ±∞ by its coefficients."""

    def function(*operands: Value) -> Value:
        *others, x = operands
        degree = int(_rational(operands[0]))
        centers = [as_number(_rational(value)).ball for value in others]
        terms = special_series.coefficients(
            operation, [*centers, exact.ZERO.ball], len(centers), degree + 1
        )
        total: Value = ZERO
        for k, ball in enumerate(terms[: degree + 1]):
            total = add(total, scale(power(x, Fraction(k)), exact.of_ball(ball)))
        return total

    return _or_at_infinity(operation, function)


FUNCTIONS: dict[str, Function] = {
    "gammainc": _or("gammainc", _gammainc),
    "gammaincc": _or("gammaincc", _gammaincc),
    "betainc": _or("betainc", _betainc),
    "zeta": _or("zeta", _zeta),
    "polylog": _or("polylog", _polylog),
    "lambertw": _or("lambertw", _lambertw),
    "expn": _or("expn", _expn),
    "expi": _or("expi", _expi),
    "Si": _or_at_infinity("Si", _odd(_si)),
    "Ci": _or("Ci", _ci),
    "Shi": _or_at_infinity("Shi", _odd(_half_growing)),
    "Chi": _or("Chi", _chi),
    "erfi": _or_at_infinity("erfi", _erfi),
    "dawsn": _or_at_infinity("dawsn", _dawsn),
    "fresnels": _or_at_infinity("fresnels", _odd(_fresnel)),
    "fresnelc": _or_at_infinity("fresnelc", _odd(_fresnel)),
    "wofz_real": _unresolved("wofz_real"),
    "wofz_imag": _unresolved("wofz_imag"),
    "ellipk": _or("ellipk", _ellipk),
    "ellipe": _or("ellipe", _ellipe),
    "ellipkinc": _unresolved("ellipkinc"),
    "ellipeinc": _unresolved("ellipeinc"),
    "airy_ai": _or_at_infinity("airy_ai", _airy(grows=False, slope=False)),
    "airy_bi": _or_at_infinity("airy_bi", _airy(grows=True, slope=False)),
    "airy_ai_prime": _or_at_infinity("airy_ai_prime", _airy(grows=False, slope=True)),
    "airy_bi_prime": _or_at_infinity("airy_bi_prime", _airy(grows=True, slope=True)),
    "struve": _or("struve", _struve(-1)),
    "modstruve": _or("modstruve", _struve(1)),
    "spherical_jn": _or_at_infinity("spherical_jn", _spherical_wave),
    "spherical_in": _unresolved("spherical_in"),
    "eval_chebyt": _polynomial("eval_chebyt"),
    "eval_gegenbauer": _polynomial("eval_gegenbauer"),
    "eval_jacobi": _polynomial("eval_jacobi"),
    "eval_hermite": _polynomial("eval_hermite"),
    "eval_genlaguerre": _polynomial("eval_genlaguerre"),
}
"""By the names of the table."""
