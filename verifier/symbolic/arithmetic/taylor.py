"""Taylor coefficients of functions at a ball, by recurrences of our own.

None of SymPy's rules is used: a recurrence is read off the differential equation that
defines the function (DLMF chapter 4, for instance tan′ = sec², sec′ = sec·tan), so this
is an independent witness. A coefficient is the exact one wherever the recurrence meets
only dyadic numbers: those of sin at 0 begin 0, 1, 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from verifier.symbolic.arithmetic import balls, special_series
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.series import (
    SingularError,
    checked,
    coefficients,
    constant,
    variable,
)


def taylor(operation: str, center: Ball, length: int) -> list[Ball]:
    """The first `length` Taylor coefficients of a unary operation at every point of the
    ball `center`.

    Raises `SingularError` where the operation is not analytic on the whole ball.
    """
    if operation in special_series.OPERATIONS:
        return special_series.coefficients(operation, [center], 0, length)
    # √ has a value at 0: only a slope tells that there is no series.
    terms = FUNCTIONS[operation](center, max(length, 2))
    return checked(operation, terms)[:length]


def taylor_of_order(
    operation: str, order: Fraction | Ball, center: Ball, length: int
) -> list[Ball]:
    """The first `length` Taylor coefficients of a function of a constant order, as
    `taylor` of one without.

    Raises `SingularError` likewise.
    """
    if isinstance(order, Fraction | int):
        order = int(order) if order == int(order) else balls.exact(order)
    terms = OF_ORDER[operation](order, center, max(length, 2))
    return checked(operation, terms)[:length]


def _dot(first: Sequence[Ball], second: Sequence[Ball], k: int) -> Ball:
    """The k-th coefficient of the product."""
    total = balls.zero()
    for i in range(k + 1):
        if i < len(first) and k - i < len(second):
            total += first[i] * second[k - i]
    return total


def _over_factorials(derivatives: Callable[[int], Ball], n: int) -> list[Ball]:
    terms, factorial = [], 1
    for k in range(n):
        factorial *= max(k, 1)
        terms.append(derivatives(k) / factorial)
    return terms


def _primitive(value: Ball, slope: Sequence[Ball]) -> list[Ball]:
    """The coefficients of the integral of `slope` that begins with `value`."""
    return [value, *(ball / (k + 1) for k, ball in enumerate(slope))]


def _power_of_polynomial(
    base: Sequence[Ball], exponent: Fraction, first: Ball, n: int
) -> list[Ball]:
    """base**exponent, whose constant term is `first`: q·p′·a = p·q′, term by term
    (Miller's recurrence)."""
    power = balls.exact(exponent)
    terms = [first]
    for k in range(1, n):
        total = balls.zero()
        for i in range(1, min(k, len(base) - 1) + 1):
            total += (power * i - (k - i)) * base[i] * terms[k - i]
        terms.append(total / (k * base[0]))
    return terms


def _inverse_of_root(base: Sequence[Ball], n: int) -> list[Ball]:
    return _power_of_polynomial(base, Fraction(-1, 2), base[0].rsqrt(), n)


def _inverse(base: Sequence[Ball], n: int) -> list[Ball]:
    return _power_of_polynomial(base, Fraction(-1), 1 / base[0], n)


def _root(exponent: Fraction, value: Callable[[Ball], Ball]) -> Any:
    return lambda c, n: _power_of_polynomial([c, arb(1)], exponent, value(c), n)


def _cube_root(c: Ball) -> Ball:
    return c.sgn() * abs(c).root(3)


def _coupled(s: Ball, t: Ball, a: int, b: int, n: int) -> tuple[list[Ball], list[Ball]]:
    """The solution of s′ = a·s·t, t′ = b·s²: secant and tangent, and their kin."""
    first, second = [s], [t]
    for k in range(n - 1):
        product, square = _dot(first, second, k), _dot(first, first, k)
        first.append(a * product / (k + 1))
        second.append(b * square / (k + 1))
    return first, second


def _sides(c: Ball, plus: int, minus: int) -> list[Ball]:
    """The polynomial (c + t)² times `minus`, plus `plus`, in a form that keeps digits
    where it is small."""
    if plus * minus < 0:
        constant_term = plus * (1 - c) * (1 + c)
    else:
        constant_term = plus + minus * c * c
    return [constant_term, 2 * minus * c, arb(minus)]


def _sign(c: Ball) -> Ball:
    if c.contains(0):
        raise SingularError("at zero, or perhaps")
    return c.sgn()


def _bell(c: Ball, n: int) -> list[Ball]:
    """2/√π · exp(−(c + t)²): the g of g′ = −2·(c + t)·g."""
    terms = [2 * (-c * c).exp() / arb.pi().sqrt()]
    for k in range(n - 1):
        terms.append(-2 * _dot([c, arb(1)], terms, k) / (k + 1))
    return terms


def _logistic(c: Ball, n: int) -> list[Ball]:
    """The sigmoid, (1 + tanh(x/2)) / 2; the constant term in a form that keeps digits
    far left."""
    half = c / 2
    slopes = _coupled(half.sech(), half.tanh(), -1, 1, n)[1][1:]
    rest = [slope * balls.dyadic(-k - 2) for k, slope in enumerate(slopes)]
    return [1 / (1 + (-c).exp()), *rest]


def _log(c: Ball, n: int, value: Ball, scale: Ball) -> list[Ball]:
    """The coefficients of scale·log at c, the first one being `value`."""
    return _primitive(value, [scale * q for q in _inverse([c, arb(1)], n - 1 or 1)])


def _exponential(first: Ball, rest: Ball, rate: Ball, n: int) -> list[Ball]:
    """rest·exp(rate·t), but for the constant term."""
    return [first, *_over_factorials(lambda k: rest * rate**k, n)[1:]]


def _log_gamma(c: Ball, n: int) -> list[Ball]:
    """log |Γ|; left of 0 by reflection (DLMF 5.5.3)."""
    with balls.capped(n):
        at = variable(c, arb(1), n)
        if c > 0:
            return coefficients(at.lgamma())
        sine = at.sin_pi()
        if not sine[0].contains(0):
            sine = sine * sine[0].sgn()
        return coefficients(
            constant(arb.pi().log(), n) - sine.log() - (1 - at).lgamma()
        )


def _derivatives_of_log_gamma(times: int, c: Ball, n: int) -> list[Ball]:
    """The coefficients of the derivative of that order of log |Γ|."""
    terms = _log_gamma(c, n + times)
    for _ in range(times):
        terms = [k * ball for k, ball in enumerate(terms)][1:]
    return terms


def _whole_part(center: Ball, operation: str) -> Ball:
    if center.contains_integer():
        raise SingularError(f"`{operation}` jumps there, or may")
    return balls.OPERATIONS[operation](center)


def _inverse_of_error(value: Ball, sign: int, n: int) -> list[Ball]:
    """The w of w′ = ±g, where g = √π/2 · exp(w²), so that g′ = ±2·w·g²: the inverse of
    erf or of erfc."""
    terms, slope = [value], [arb.pi().sqrt() / 2 * (value * value).exp()]
    for k in range(n - 1):
        terms.append(sign * slope[k] / (k + 1))
        squares = [_dot(slope, slope, i) for i in range(k + 1)]
        slope.append(sign * 2 * _dot(terms, squares, k) / (k + 1))
    return terms


def _scaled_erfc(c: Ball, n: int) -> list[Ball]:
    """e^x² erfc(x): the y of y′ = 2·(c + t)·y − 2/√π."""
    terms = [balls.OPERATIONS["erfcx"](c)]
    for k in range(n - 1):
        total = 2 * _dot([c, arb(1)], terms, k)
        terms.append((total - (2 / arb.pi().sqrt() if k == 0 else 0)) / (k + 1))
    return terms


def _sinc(c: Ball, n: int) -> list[Ball]:
    """The y of (c + t)·y = sin(π(c + t))/π; about 0 its power series."""
    pi = arb.pi()
    if c.is_zero():
        terms = _over_factorials(lambda k: (1, 0, -1, 0)[k % 4] * pi**k, n)
        return [ball / (k + 1) for k, ball in enumerate(terms)]
    sine, cosine = c.sin_pi(), c.cos_pi()
    waves = [sine, cosine, -sine, -cosine]
    sines = _over_factorials(lambda k: waves[k % 4] * pi**k / pi, n)
    terms = [c.sinc_pi()]
    for k in range(1, n):
        terms.append((sines[k] - terms[k - 1]) / c)
    return terms


def _cylinder(
    operation: str, sign: int, *, regular: bool
) -> Callable[[int | Ball, Ball, int], list[Ball]]:
    """Bessel functions: x²y″ + xy′ + (±x² − m²)y = 0 (DLMF 10.2.1 and 10.25.1).

    `regular`: finite at 0.
    """

    def taylor(order: int | Ball, c: Ball, n: int) -> list[Ball]:
        if c.is_zero() and regular and isinstance(order, int):
            return _cylinder_at_zero(order, sign, n)
        if not isinstance(order, int) and not c > 0:
            raise SingularError("a Bessel function of a broken order, left of 0")
        value, below = (
            balls.OPERATIONS[operation](arb(m), c) for m in (order, order - 1)
        )
        # C′ₘ = ±Cₘ₋₁ − (m/x)·Cₘ (DLMF 10.6.2 and 10.29.2)
        terms = [
            value,
            (-below if operation == "besselk" else below) - order / c * value,
        ]
        for k in range(n - 2):
            total = c * ((2 * k + 1) * (k + 1)) * terms[k + 1]
            total += (k * k - order * order + sign * c * c) * terms[k]
            if k > 0:
                total += sign * 2 * c * terms[k - 1]
            if k > 1:
                total += sign * terms[k - 2]
            terms.append(-total / (c * c * ((k + 2) * (k + 1))))
        return terms

    return taylor


def _cylinder_at_zero(order: int, sign: int, n: int) -> list[Ball]:
    """Σ (∓1)ᵏ (t/2)^(m + 2k) / (k! (m + k)!) (DLMF 10.2.2 and 10.25.2); of −m, (∓1)ᵐ
    times that."""
    m = abs(order)
    flip = (-1) ** m if sign > 0 and order < 0 else 1
    terms = [balls.zero()] * n
    for k in range(max(0, (n - m + 1) // 2)):
        below = math.factorial(k) * math.factorial(m + k) * 2 ** (m + 2 * k)
        terms[m + 2 * k] = balls.exact(Fraction(flip * (-sign) ** k, below))
    return terms


OF_ORDER: dict[str, Callable[[Any, Ball, int], list[Ball]]] = {
    "polygamma": lambda order, c, n: _derivatives_of_log_gamma(order + 1, c, n),
    "besselj": _cylinder("besselj", 1, regular=True),
    "bessely": _cylinder("bessely", 1, regular=False),
    "besseli": _cylinder("besseli", -1, regular=True),
    "besselk": _cylinder("besselk", -1, regular=False),
}
"""The same by a constant order."""

FUNCTIONS: dict[str, Callable[[Ball, int], list[Ball]]] = {
    "identity": lambda c, n: _padded([c, arb(1)], n),
    "nan_to_num": lambda c, n: _padded([c, arb(1)], n),
    "neg": lambda c, n: _padded([-c, arb(-1)], n),
    "square": lambda c, n: _padded([c * c, 2 * c, arb(1)], n),
    "reciprocal": lambda c, n: _inverse([c, arb(1)], n),
    "sqrt": _root(Fraction(1, 2), lambda c: c.sqrt()),
    "rsqrt": _root(Fraction(-1, 2), lambda c: c.rsqrt()),
    "cbrt": _root(Fraction(1, 3), _cube_root),
    "abs": lambda c, n: _padded([_sign(c) * c, _sign(c)], n),
    "sign": lambda c, n: _padded([_sign(c)], n),
    "floor": lambda c, n: _padded([_whole_part(c, "floor")], n),
    "ceil": lambda c, n: _padded([_whole_part(c, "ceil")], n),
    "relu": lambda c, n: _padded([c, arb(1)] if _sign(c) > 0 else [arb(0)], n),
    "exp": lambda c, n: _exponential(c.exp(), c.exp(), arb(1), n),
    "expm1": lambda c, n: _exponential(c.expm1(), c.exp(), arb(1), n),
    "exp2": lambda c, n: _exponential(
        balls.OPERATIONS["exp2"](c), balls.OPERATIONS["exp2"](c), arb.const_log2(), n
    ),
    "log": lambda c, n: _log(c, n, c.log(), arb(1)),
    "log2": lambda c, n: _log(c, n, c.log() / arb.const_log2(), 1 / arb.const_log2()),
    "log10": lambda c, n: _log(
        c, n, c.log() / arb.const_log10(), 1 / arb.const_log10()
    ),
    "log1p": lambda c, n: _log(1 + c, n, c.log1p(), arb(1)),
    "sin": lambda c, n: _cycle([c.sin(), c.cos(), -c.sin(), -c.cos()], n),
    "cos": lambda c, n: _cycle([c.cos(), -c.sin(), -c.cos(), c.sin()], n),
    "tan": lambda c, n: _coupled(c.sec(), c.tan(), 1, 1, n)[1],
    "sec": lambda c, n: _coupled(c.sec(), c.tan(), 1, 1, n)[0],
    "csc": lambda c, n: _coupled(c.csc(), c.cot(), -1, -1, n)[0],
    "cot": lambda c, n: _coupled(c.csc(), c.cot(), -1, -1, n)[1],
    "sinh": lambda c, n: _cycle([c.sinh(), c.cosh()], n),
    "cosh": lambda c, n: _cycle([c.cosh(), c.sinh()], n),
    "tanh": lambda c, n: _coupled(c.sech(), c.tanh(), -1, 1, n)[1],
    "sech": lambda c, n: _coupled(c.sech(), c.tanh(), -1, 1, n)[0],
    "csch": lambda c, n: _coupled(c.csch(), c.coth(), -1, -1, n)[0],
    "coth": lambda c, n: _coupled(c.csch(), c.coth(), -1, -1, n)[1],
    "asin": lambda c, n: _primitive(c.asin(), _inverse_of_root(_sides(c, 1, -1), n)),
    "acos": lambda c, n: _primitive(
        c.acos(), [-ball for ball in _inverse_of_root(_sides(c, 1, -1), n)]
    ),
    "atan": lambda c, n: _primitive(c.atan(), _inverse(_sides(c, 1, 1), n)),
    "asinh": lambda c, n: _primitive(c.asinh(), _inverse_of_root(_sides(c, 1, 1), n)),
    "acosh": lambda c, n: _primitive(c.acosh(), _inverse_of_root(_sides(c, -1, 1), n)),
    "atanh": lambda c, n: _primitive(c.atanh(), _inverse(_sides(c, 1, -1), n)),
    "sigmoid": _logistic,
    "erf": lambda c, n: _primitive(c.erf(), _bell(c, n)),
    "erfc": lambda c, n: _primitive(c.erfc(), [-ball for ball in _bell(c, n)]),
    "lgamma": _log_gamma,
    "digamma": lambda c, n: _derivatives_of_log_gamma(1, c, n),
    # Special functions
    "erfinv": lambda c, n: _inverse_of_error(c.erfinv(), 1, n),
    "erfcinv": lambda c, n: _inverse_of_error(c.erfcinv(), -1, n),
    "erfcx": _scaled_erfc,
    "sinc": _sinc,
}
"""More coefficients than asked for may come back; those of a ball at which there are
none are not finite."""


def _padded(known: list[Ball], n: int) -> list[Ball]:
    return known + [balls.zero()] * (n - len(known))


def _cycle(derivatives: Sequence[Ball], n: int) -> list[Ball]:
    """The coefficients of a function whose derivatives repeat."""
    return _over_factorials(lambda k: derivatives[k % len(derivatives)], n)
