"""Complex balls: enclosures of the holomorphic operations, and the signs of zero that
pick the side of a cut.

A rectangle of two Arb balls encloses a complex number. On a branch cut two values meet,
and IEEE 754's sign of a zero component says from which side the cut is approached (C17,
Annex G; W. Kahan, Branch cuts for complex elementary functions, 1987); so a number
carries the signs of its exactly zero components. `complex_cuts` reads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import acb, arb

from verifier.records import Enclosure
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball

Rectangle = Any
"""A `flint.acb`: flint publishes no types for it."""
Signs = tuple[int, int]
"""The signs of exactly zero real and imaginary parts: 1, −1, or 0 where it is not known
or not zero."""


@dataclass(frozen=True, slots=True)
class SignedRectangle:
    """A rectangle, and the signs of its zero components."""

    ball: Rectangle
    signs: Signs = (0, 0)


def exact(number: complex) -> SignedRectangle:
    """The number of a finite pair of floats, with the signs of its zeros."""
    ball = acb(arb(number.real), arb(number.imag))
    return SignedRectangle(
        ball, (_sign_of_zero(number.real), _sign_of_zero(number.imag))
    )


def constant(name: str | None, number: Fraction | None) -> SignedRectangle:
    """A literal: its imaginary part is +0, as PyTorch's is."""
    if name == "1j":
        return SignedRectangle(acb(0, 1), (1, 0))
    ball = balls.constant(name, number)
    return SignedRectangle(acb(ball), (1 if ball.is_zero() else 0, 1))


def anything() -> Rectangle:
    """The rectangle that says nothing."""
    return acb(arb.nan(), arb.nan())


def zero() -> Rectangle:
    """The exact zero."""
    return acb(0)


def is_finite(ball: Rectangle) -> bool:
    """Whether the rectangle says anything."""
    return bool(ball.is_finite())


def is_zero(ball: Rectangle) -> bool:
    """Whether the rectangle is the exact zero."""
    return bool(ball.is_zero())


def contains_zero(ball: Rectangle) -> bool:
    """Whether the rectangle may be zero."""
    return bool(ball.contains(acb(0)))


def conjugate(ball: Rectangle) -> Rectangle:
    """The complex conjugate."""
    return ball.conjugate()


def overlaps(first: Rectangle, second: Rectangle) -> bool:
    """Whether two rectangles have a number in common; disjoint ones cannot both contain
    the truth."""
    return bool(first.overlaps(second))


def with_part(
    number: SignedRectangle, part: int, lower: Fraction, upper: Fraction
) -> SignedRectangle:
    """The number with its real (0) or imaginary (1) part anywhere between the ends."""
    side = balls.exact(lower).union(balls.exact(upper))
    real, imaginary = number.ball.real, number.ball.imag
    ball = acb(side, imaginary) if part == 0 else acb(real, side)
    signs = (0, number.signs[1]) if part == 0 else (number.signs[0], 0)
    return SignedRectangle(ball, signs)


def enclosures(ball: Rectangle) -> tuple[Enclosure, Enclosure]:
    """The sides of the rectangle as exact rationals: real, imaginary."""
    return balls.enclosure(ball.real), balls.enclosure(ball.imag)


def is_on_axis(ball: Rectangle) -> bool:
    """Whether one of the parts is exactly zero, so that what is multiplied by it stays
    on the axes."""
    return bool(ball.real.is_zero() or ball.imag.is_zero())


def is_real(ball: Rectangle) -> bool:
    """Whether the imaginary part is exactly zero."""
    return bool(ball.imag.is_zero())


def magnitude(ball: Rectangle) -> Ball:
    """An exact upper bound of |z| over the rectangle."""
    return ball.abs_upper()


def largest_logarithm(ball: Rectangle) -> Ball:
    """A bound of |log z| over a rectangle without 0: the modulus of log |z|, and half a
    turn."""
    return abs(abs(ball).log()).abs_upper() + arb.pi()


def split(ball: Rectangle) -> tuple[Rectangle, Ball]:
    """The exact centre, and an exact bound of the distance from it to any number of the
    rectangle."""
    centre = acb(ball.real.mid(), ball.imag.mid())
    return centre, acb(ball.real.rad(), ball.imag.rad()).abs_upper()


def widened(centre: Rectangle, radius: Ball) -> Rectangle:
    """The rectangle about a disc; a part that is exactly real stays so only where the
    radius is zero."""
    return centre + acb(arb(0, radius), arb(0, radius))


def on_real_line(centre: Rectangle, radius: Ball) -> Rectangle:
    """The stretch of the real line about a real centre."""
    return centre + acb(arb(0, radius))


def _sign_of_zero(value: float) -> int:
    return 0 if value else int(math.copysign(1, value))


# ── operations ────────────────────────────────────────────────────────────────────────


def _power(x: Rectangle, y: Rectangle) -> Rectangle:
    whole = integer(y)
    if whole is not None:
        return _integer_power(x, whole)
    if x.is_zero():
        return acb(0) if y.real > 0 else anything()
    doubled = integer(2 * y)
    if doubled is not None:
        return _integer_power(x.sqrt(), doubled)
    return (y * x.log()).exp()


def _integer_power(x: Rectangle, power: int) -> Rectangle:
    if power == 0:
        return acb(1)
    if power < 0:
        return 1 / _integer_power(x, -power)
    if x.is_zero():
        return acb(0)
    return x**power


def integer(y: Rectangle) -> int | None:
    """The integer of moderate size that an exact rectangle is."""
    if (
        y.is_exact()
        and y.imag.is_zero()
        and y.real.is_integer()
        and abs(y.real) < 2**31
    ):
        return int(y.real.unique_fmpz())
    return None


OPERATIONS: dict[str, Callable[..., Any]] = {
    "identity": lambda z: z,
    "add": lambda z, w: z + w,
    "sub": lambda z, w: z - w,
    "mul": lambda z, w: z * w,
    "div": lambda z, w: z / w,
    "pow": _power,
    "neg": lambda z: -z,
    "square": lambda z: z * z,
    "reciprocal": lambda z: 1 / z,
    "sqrt": lambda z: z.sqrt(),
    "rsqrt": lambda z: z.rsqrt(),
    "exp": lambda z: z.exp(),
    "exp2": lambda z: (z * arb.const_log2()).exp(),
    "expm1": lambda z: z.expm1(),
    "log": lambda z: z.log(),
    "log2": lambda z: z.log() / arb.const_log2(),
    "log10": lambda z: z.log() / arb.const_log10(),
    "log1p": lambda z: z.log1p(),
    "sin": lambda z: z.sin(),
    "cos": lambda z: z.cos(),
    "tan": lambda z: z.tan(),
    "sec": lambda z: z.sec(),
    "csc": lambda z: z.csc(),
    "cot": lambda z: z.cot(),
    "asin": lambda z: z.asin(),
    "acos": lambda z: z.acos(),
    "atan": lambda z: z.atan(),
    "sinh": lambda z: z.sinh(),
    "cosh": lambda z: z.cosh(),
    "tanh": lambda z: z.tanh(),
    "sech": lambda z: z.sech(),
    "csch": lambda z: z.csch(),
    "coth": lambda z: z.coth(),
    "asinh": lambda z: z.asinh(),
    "acosh": lambda z: z.acosh(),
    "atanh": lambda z: z.atanh(),
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
}
"""An enclosure of each holomorphic operation, principal branch, over rectangles away
from its cuts."""


def literal(name: str | None, number: Fraction | None) -> Rectangle:
    """The rectangle of a literal."""
    return constant(name, number).ball


# ── signs of zero ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Part:
    """A component of an operand: the sign of a number whose sign is known, 0 of one
    that is not; and if it is zero."""

    sign: int
    is_zero: bool


def _part(ball: Ball, sign: int) -> _Part:
    if ball.is_zero():
        return _Part(sign, True)
    return _Part(1 if ball > 0 else -1 if ball < 0 else 0, False)


def _parts(number: SignedRectangle) -> tuple[_Part, _Part]:
    return _part(number.ball.real, number.signs[0]), _part(
        number.ball.imag, number.signs[1]
    )


def _opposite(part: _Part) -> _Part:
    return _Part(-part.sign, part.is_zero)


def _sum(first: _Part, second: _Part) -> int:
    """The sign of a sum that is zero (IEEE 754-2019, section 6.3): +0, unless both
    terms are −0.

    PyTorch multiplies a second term by a complex 1, which may turn its −0: what two of
    them give is not known.
    """
    if first.is_zero and second.is_zero:
        return 1 if first.sign > 0 or second.sign > 0 else 0
    return 0 if first.is_zero or second.is_zero else 1


def _sum_within(first: _Part, second: _Part) -> int:
    """The same inside a multiplication, where no such factor is in the way."""
    if first.is_zero and second.is_zero and first.sign and second.sign:
        return 1 if first.sign > 0 or second.sign > 0 else -1
    return _sum(first, second)


def _product(first: _Part, second: _Part) -> _Part:
    return _Part(first.sign * second.sign, first.is_zero or second.is_zero)


def _multiplied(z: SignedRectangle, w: SignedRectangle) -> Signs:
    (a, b), (c, d) = _parts(z), _parts(w)
    real = _sum_within(_product(a, c), _opposite(_product(b, d)))
    return real, _sum_within(_product(a, d), _product(b, c))


def _added(z: SignedRectangle, w: SignedRectangle) -> Signs:
    (a, b), (c, d) = _parts(z), _parts(w)
    return _sum(a, c), _sum(b, d)


def _negated(signs: Signs) -> Signs:
    """PyTorch's vector kernel subtracts from +0, which makes +0 of +0; its scalar
    kernel makes −0 of it."""
    return int(signs[0] < 0), int(signs[1] < 0)


def signs(
    operation: str,
    operands: Sequence[SignedRectangle],
    result: Rectangle,
    exponent: Fraction | None,
) -> Signs:
    """The signs of the zero components of a result, by IEEE's rules of arithmetic;
    unknown for other operations.

    `exponent` is that of a power where it is a constant: PyTorch squares by
    multiplication.
    """
    if operation == "pow" and exponent == 2:
        operation = "square"
    match operation:
        case "identity":
            zeros = operands[0].signs
        case "neg":
            zeros = _negated(operands[0].signs)
        case "add":
            zeros = _added(*operands)
        case "sub":
            right = SignedRectangle(
                -operands[1].ball, (-operands[1].signs[0], -operands[1].signs[1])
            )
            zeros = _added(operands[0], right)
        case "mul":
            zeros = _multiplied(*operands)
        case "square":
            zeros = _multiplied(operands[0], operands[0])
        case _:
            zeros = (0, 0)
    return (
        zeros[0] if result.real.is_zero() else 0,
        zeros[1] if result.imag.is_zero() else 0,
    )
