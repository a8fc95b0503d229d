"""Arb balls: enclosures of operations and formulas, and where an operation is smooth.

A ball that is not finite says nothing. Reference: F. Johansson, Arb: efficient
arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Comput. 66(8),
2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint
from flint import acb, arb, arb_series, fmpq

from verifier.fields import LARGEST_EXPONENT
from verifier.floats import power_of_two
from verifier.records import Enclosure
from verifier.symbolic.arithmetic import special_balls

Ball = Any
"""A `flint.arb`: flint publishes no types for it."""

Condition = bool | None
"""A proved truth value, or None where the operands' balls do not decide it."""


workprec = flint.ctx.workprec
"""Context manager that sets the precision, in bits, and restores it."""


@contextmanager
def capped(length: int) -> Iterator[None]:
    """Arb's own truncation of power series set to `length`, and put back."""
    before = flint.ctx.cap
    flint.ctx.cap = length
    try:
        yield
    finally:
        flint.ctx.cap = before


def precision_bits() -> int:
    """The precision in force."""
    return int(flint.ctx.prec)


def integer_root(number: int, degree: int) -> int | None:
    """The root of a positive integer, if it is an integer too."""
    root = int(flint.fmpz(number).root(degree))
    return root if root**degree == number else None


def exact(number: float | Fraction) -> Ball:
    """The ball of a finite number: exact where it is dyadic, however long; rounded
    otherwise."""
    if isinstance(number, float):
        return arb(number)
    value = Fraction(number)
    shift = value.denominator.bit_length() - 1
    if value.denominator == 1 << shift:
        return arb((value.numerator, -shift))
    return arb(fmpq(value.numerator, value.denominator))


def around(midpoint: Ball, radius: Ball) -> Ball:
    """The ball widened on both sides by `radius`."""
    return midpoint + arb(0, radius)


@lru_cache(maxsize=8192)
def dyadic(power: int) -> Ball:
    """2^power, exactly."""
    return arb((1, power))


def zero() -> Ball:
    """The exact zero."""
    return arb(0)


def infinite(sign: float) -> Ball:
    """The infinity of that sign, which may be compared."""
    return arb.pos_inf() if sign > 0 else arb.neg_inf()


def anything() -> Ball:
    """The ball that says nothing."""
    return arb.nan()


def is_finite(ball: Ball) -> bool:
    """Whether the ball says anything."""
    return bool(ball.is_finite())


def is_known_to(ball: Ball, bits: int) -> bool:
    """Whether the ball's relative radius is at most 2**-bits, or it is an exact
    number."""
    return bool(ball.is_exact() or ball.rel_accuracy_bits() >= bits)


def rational(ball: Ball) -> Fraction | None:
    """The number that an exact ball is; None of an inexact one."""
    if not ball.is_exact():
        return None
    mantissa, power = (int(part) for part in ball.man_exp())
    if abs(power) > LARGEST_EXPONENT:
        return None
    return mantissa * power_of_two(power)


def is_zero(ball: Ball) -> bool:
    """Whether the ball is the exact zero."""
    return bool(ball.is_zero())


def overlaps(first: Ball, second: Ball) -> bool:
    """Whether two balls have a number in common; disjoint balls cannot both contain the
    truth."""
    return bool(first.overlaps(second))


def top_exponent(ball: Ball) -> int | None:
    """The e with 2^e ≤ max |ball| < 2^(e+1); None for zero."""
    mantissa, power = ball.abs_upper().man_exp()
    if not mantissa:
        return None
    return int(mantissa.bit_length() + power) - 1


def enclosure(ball: Ball) -> Enclosure:
    """The ball's ends as exact rationals, cut off at 2^±`LARGEST_EXPONENT` on the safe
    side.

    Of a ball that lies wholly beyond 2^LARGEST_EXPONENT, that bound is given as both
    ends: no format distinguishes.
    """
    lower, upper = _end(ball.lower(), up=False), _end(ball.upper(), up=True)
    return Enclosure(lower=min(lower, upper), upper=upper)


def _end(end: Ball, *, up: bool) -> Fraction:
    mantissa, power = (int(part) for part in end.man_exp())
    top = mantissa.bit_length() + power
    sign = 1 if mantissa > 0 else -1
    if mantissa and top > LARGEST_EXPONENT:
        return sign * power_of_two(LARGEST_EXPONENT)
    if mantissa and top < -LARGEST_EXPONENT:
        grain = power_of_two(-LARGEST_EXPONENT)
        return sign * grain if (sign > 0) == up else Fraction(0)
    return (
        Fraction(mantissa << power) if power >= 0 else Fraction(mantissa, 1 << -power)
    )


def _integer_power(x: Ball, power: int) -> Ball:
    if power == 0:
        return arb(1)
    if power < 0:
        return 1 / _integer_power(x, -power)
    if not x.contains(0):
        return x ** arb(power)
    if x.is_zero():
        return arb(0)
    # flint's power of a ball about zero says nothing, and products would forget that
    # x·x is no less than 0.
    largest = x.abs_upper() ** arb(power)
    return arb(0).union(largest) if power % 2 == 0 else arb(0, largest)


def _power(x: Ball, y: Ball) -> Ball:
    if y.is_exact() and y.is_integer() and abs(y) < 2**31:
        return _integer_power(x, int(y.unique_fmpz()))
    if x.is_zero() and y > 0:
        return arb(0)
    if y.is_exact() and (2 * y).is_integer() and abs(y) < 2**31:
        return _integer_power(x.sqrt(), int((2 * y).unique_fmpz()))
    return (y * x.log()).exp()


def _hypot(x: Ball, y: Ball) -> Ball:
    return (_integer_power(x, 2) + _integer_power(y, 2)).nonnegative_part().sqrt()


def _log_gamma(x: Ball) -> Ball:
    return x.lgamma() if x > 0 else acb(x).lgamma().real


def _polygamma(order: Ball, x: Ball) -> Ball:
    if x < FAR_LEFT and order.is_exact() and order.is_integer():
        return _reflected_polygamma(int(order.unique_fmpz()), x)
    return x.digamma() if order.is_zero() else acb(x).polygamma(acb(order)).real


FAR_LEFT = -32
"""Below this Arb's polygamma takes a step for every pole that it passes."""


def _reflected_polygamma(order: int, x: Ball) -> Ball:
    """ψₙ(x) = (−1)ⁿ ψₙ(1 − x) − π dⁿ/dxⁿ cot πx (DLMF 5.15.6)."""
    if x.contains_integer():
        return arb.nan()
    with capped(order + 1):
        cotangents = arb_series([x, 1], prec=order + 1).cot_pi()
        slope = arb(cotangents[order]) * math.factorial(order)
    mirrored = _polygamma(arb(order), 1 - x)
    return (-1) ** order * mirrored - arb.pi() * slope


def _scaled_erfc(x: Ball) -> Ball:
    """e^x² erfc(x); right of 1 as U(1/2, 1/2, x²)/√π, which does not underflow (DLMF
    7.11.5)."""
    square = _integer_power(x, 2)
    if not x > 1:
        return square.exp() * x.erfc()
    half = arb(1) / 2
    return square.hypgeom_u(half, half) / arb.pi().sqrt()


def _erfc(x: Ball) -> Ball:
    """Far to the right by e^−x²: of a ball there Arb's own says no more than that it is
    small."""
    if x.is_exact() or not x > FAR_RIGHT:
        return x.erfc()
    return (-_integer_power(x, 2)).exp() * _scaled_erfc(x)


FAR_RIGHT = 32


def _order(ball: Ball) -> int | None:
    """The integer that the order of a Bessel function is."""
    return int(ball.unique_fmpz()) if ball.is_exact() and ball.is_integer() else None


def _bessel_j(order: Ball, x: Ball) -> Ball:
    return x.bessel_j(order)


def _bessel_i(order: Ball, x: Ball) -> Ball:
    n = _order(order)
    if n is None or not x < 0:
        return x.bessel_i(order)
    mirrored = (-x).bessel_i(order)  # Arb gives up on large negative numbers
    return -mirrored if n % 2 else mirrored


def _bessel_k(order: Ball, x: Ball) -> Ball:
    """Kₙ falls, so that a ball's ends enclose it; of balls themselves Arb loses
    digits."""
    if not x > 0:
        return arb.nan()
    ends = [x] if x.is_exact() else [x.lower(), x.upper()]
    values = [_with_guard(end, lambda at: at.bessel_k(order)) for end in ends]
    return values[0].union(values[-1])


def _bessel_y(order: Ball, x: Ball) -> Ball:
    """Yₙ about the midpoint: its slope is (Yₙ₋₁ − Yₙ₊₁)/2, and |Yₘ| ≤ √(Jₘ² + Yₘ²),
    which falls (DLMF 10.9.30)."""
    if not x > 0:
        return arb.nan()
    middle = _with_guard(x.mid(), lambda at: at.bessel_y(order))
    if x.is_exact():
        return middle
    lowest = x.lower()
    below, above = (_modulus(order + step, lowest) for step in (-1, 1))
    return around(middle, (x.rad() * (below + above) / 2).abs_upper())


def _modulus(order: Ball, x: Ball) -> Ball:
    """√(Jₙ² + Yₙ²) of an exact number."""
    second = _with_guard(x, lambda at: at.bessel_y(order))
    return _hypot(x.bessel_j(order), second)


def _with_guard(x: Ball, function: Callable[[Ball], Ball]) -> Ball:
    """A function of an exact number at a precision that outweighs e^(2x) of
    cancellation, as far as Arb cancels."""
    bits = precision_bits()
    with workprec(bits + 64 + int(float((3 * abs(x)).min(arb(12 * bits)).mid()))):
        result = function(x)
    return +result


def _choose(condition: Condition, chosen: Ball, other: Ball) -> Ball:
    if condition is None:
        return chosen.union(other)
    return chosen if condition else other


def _above(x: Ball, y: Ball) -> Ball:
    return _choose(less(y, x), arb(1), arb(0))


def less(x: Ball, y: Ball) -> Condition:
    """Whether x < y, where the balls prove it."""
    if x < y:
        return True
    return False if x >= y else None


def less_or_equal(x: Ball, y: Ball) -> Condition:
    """Whether x ≤ y, where the balls prove it."""
    if x <= y:
        return True
    return False if x > y else None


def equal(x: Ball, y: Ball) -> Condition:
    """Whether x = y, where the balls prove it."""
    if x.is_exact() and y.is_exact():
        return bool(x == y)
    return None if x.overlaps(y) else False


def _negate(condition: Condition) -> Condition:
    return None if condition is None else not condition


def _both(first: Condition, second: Condition) -> Condition:
    if first is False or second is False:
        return False
    return True if first and second else None


def _either(first: Condition, second: Condition) -> Condition:
    return _negate(_both(_negate(first), _negate(second)))


OPERATIONS: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": _power,
    "neg": lambda x: -x,
    "square": lambda x: _integer_power(x, 2),
    "reciprocal": lambda x: 1 / x,
    "sqrt": lambda x: x.sqrt(),
    "rsqrt": lambda x: x.rsqrt(),
    "cbrt": lambda x: arb(0) if x.is_zero() else x.sgn() * abs(x).root(3),
    "abs": abs,
    "sign": lambda x: x.sgn(),
    "hypot": _hypot,
    "exp": lambda x: x.exp(),
    "exp2": lambda x: _power(arb(2), x),
    "expm1": lambda x: x.expm1(),
    "log": lambda x: x.log(),
    "log2": lambda x: x.log() / arb.const_log2(),
    "log10": lambda x: x.log() / arb.const_log10(),
    "log1p": lambda x: x.log1p(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "sec": lambda x: x.sec(),
    "csc": lambda x: x.csc(),
    "cot": lambda x: x.cot(),
    "asin": lambda x: x.asin(),
    "acos": lambda x: x.acos(),
    "atan": lambda x: x.atan(),
    "atan2": lambda y, x: arb.atan2(y, x),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "tanh": lambda x: x.tanh(),
    "sech": lambda x: x.sech(),
    "csch": lambda x: x.csch(),
    "coth": lambda x: x.coth(),
    "asinh": lambda x: x.asinh(),
    "acosh": lambda x: x.acosh(),
    "atanh": lambda x: x.atanh(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "relu": lambda x: x.max(arb(0)),
    "erf": lambda x: x.erf(),
    "erfc": _erfc,
    "lgamma": _log_gamma,
    "digamma": lambda x: _polygamma(arb(0), x),
    "polygamma": _polygamma,
    # Special functions
    "erfinv": lambda x: x.erfinv(),
    "erfcinv": lambda x: x.erfcinv(),
    "erfcx": _scaled_erfc,
    "sinc": lambda x: x.sinc_pi(),
    "besselj": _bessel_j,
    "bessely": _bessel_y,
    "besseli": _bessel_i,
    "besselk": _bessel_k,
    "max": lambda x, y: x.max(y),
    "min": lambda x, y: x.min(y),
    "floor": lambda x: x.floor(),
    "ceil": lambda x: x.ceil(),
    "clamp": lambda x, low, high: x.max(low).min(high),
    "nan_to_num": lambda x: x,
    "where": _choose,
    "lt": less,
    "le": less_or_equal,
    "gt": lambda x, y: less(y, x),
    "ge": lambda x, y: less_or_equal(y, x),
    "eq": equal,
    "ne": lambda x, y: _negate(equal(x, y)),
    "logical_and": _both,
    "logical_or": _either,
    "logical_not": _negate,
    **special_balls.OPERATIONS,
    # SymPy's derivatives need one more: 1 where x > y, 0 where x < y.
    "above": _above,
}
"""An enclosure of each operation over its operands' balls. Where a choice is undecided,
both branches are enclosed."""


def constant(name: str | None, number: Fraction | None) -> Ball:
    """The ball of a constant leaf at the precision in force."""
    if number is not None:
        return exact(number)
    return {"pi": arb.pi, "e": arb.const_e, "inf": arb.pos_inf}[name or ""]()


def midpoint(ball: Ball) -> float:
    """The ball's midpoint as the nearest double, for messages only."""
    return float(ball.mid()) if is_finite(ball) else math.nan
