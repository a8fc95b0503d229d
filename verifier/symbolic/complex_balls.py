"""Complex balls: enclosures of the holomorphic operations, with the side of a branch cut that a signed zero picks.

A rectangle of two Arb balls encloses a complex number. On a branch cut two values meet, and IEEE 754's sign of a zero
component says from which side the cut is approached (C17, Annex G; W. Kahan, Branch cuts for complex elementary
functions, 1987); so a number carries the signs of its exactly zero components. Functions without a reading in
rectangles that straddle a cut say nothing there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from flint import acb, arb

from verifier.records import Enclosure
from verifier.symbolic import balls
from verifier.symbolic.balls import Ball
from verifier.symbolic.formula import Formula

Rectangle = Any
"""A `flint.acb`: flint publishes no types for it."""
Signs = tuple[int, int]
"""The signs of exactly zero real and imaginary parts: 1, −1, or 0 where it is not known or not zero."""


@dataclass(frozen=True, slots=True)
class Number:
    """A rectangle, and the signs of its zero components."""

    ball: Rectangle
    signs: Signs = (0, 0)


class Place(Enum):
    """Where operands lie with respect to an operation's cuts, poles and branch points."""

    CLEAR = "analytic in a neighbourhood"
    CUT = "on a branch cut, on a known side"
    BRANCH_POINT = "finite, with an infinite derivative"
    POLE = "infinite"
    UNDECIDED = "on a branch cut, on an unknown side, or where only a limit decides"
    UNSURE = "the balls do not tell"


def exact(number: complex) -> Number:
    """The number of a finite pair of floats, with the signs of its zeros."""
    ball = acb(arb(number.real), arb(number.imag))
    return Number(ball, (_sign_of_zero(number.real), _sign_of_zero(number.imag)))


def constant(name: str | None, number: Fraction | None) -> Number:
    """A literal: its imaginary part is +0, as PyTorch's is."""
    if name == "1j":
        return Number(acb(0, 1), (1, 0))
    ball = balls.constant(name, number)
    return Number(acb(ball), (1 if ball.is_zero() else 0, 1))


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
    """Whether two rectangles have a number in common; disjoint ones cannot both contain the truth."""
    return bool(first.overlaps(second))


def enclosures(ball: Rectangle) -> tuple[Enclosure, Enclosure]:
    """The sides of the rectangle as exact rationals: real, imaginary."""
    return balls.enclosure(ball.real), balls.enclosure(ball.imag)


def is_on_axis(ball: Rectangle) -> bool:
    """Whether one of the parts is exactly zero, so that what is multiplied by it stays on the axes."""
    return bool(ball.real.is_zero() or ball.imag.is_zero())


def is_real(ball: Rectangle) -> bool:
    """Whether the imaginary part is exactly zero."""
    return bool(ball.imag.is_zero())


def magnitude(ball: Rectangle) -> Ball:
    """An exact upper bound of |z| over the rectangle."""
    return ball.abs_upper()


def largest_logarithm(ball: Rectangle) -> Ball:
    """A bound of |log z| over a rectangle without 0: the modulus of log |z|, and half a turn."""
    return abs(abs(ball).log()).abs_upper() + arb.pi()


def split(ball: Rectangle) -> tuple[Rectangle, Ball]:
    """The exact centre, and an exact bound of the distance from it to any number of the rectangle."""
    centre = acb(ball.real.mid(), ball.imag.mid())
    return centre, acb(ball.real.rad(), ball.imag.rad()).abs_upper()


def widened(centre: Rectangle, radius: Ball) -> Rectangle:
    """The rectangle about a disc; a part that is exactly real stays so only where the radius is zero."""
    return centre + acb(arb(0, radius), arb(0, radius))


def on_real_line(centre: Rectangle, radius: Ball) -> Rectangle:
    """The stretch of the real line about a real centre."""
    return centre + acb(arb(0, radius))


def _sign_of_zero(value: float) -> int:
    return 0 if value else int(math.copysign(1, value))


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _power(x: Rectangle, y: Rectangle) -> Rectangle:
    whole = _integer(y)
    if whole is not None:
        return _integer_power(x, whole)
    if x.is_zero():
        return acb(0) if y.real > 0 else anything()
    doubled = _integer(2 * y)
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


def _integer(y: Rectangle) -> int | None:
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
"""An enclosure of each holomorphic operation, principal branch, over rectangles away from its cuts."""


def evaluate(formula: Formula, inputs: Sequence[Rectangle]) -> Rectangle:
    """An enclosure of a formula's single output; inputs go by the order of its input instructions."""
    done: list[Any] = []
    unnamed = iter(inputs)
    for instruction in formula.instructions:
        if instruction.operation == "input":
            done.append(next(unnamed))
        elif instruction.operation == "constant":
            done.append(constant(instruction.name, instruction.number).ball)
        else:
            operation = OPERATIONS[instruction.operation]
            done.append(operation(*[done[index] for index in instruction.arguments]))
    return done[formula.outputs[0]]


# ── signs of zero ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Part:
    """A component of an operand: the sign of a number whose sign is known, 0 of one that is not; and if it is zero."""

    sign: int
    is_zero: bool


def _part(ball: Ball, sign: int) -> _Part:
    if ball.is_zero():
        return _Part(sign, True)
    return _Part(1 if ball > 0 else -1 if ball < 0 else 0, False)


def _parts(number: Number) -> tuple[_Part, _Part]:
    return _part(number.ball.real, number.signs[0]), _part(
        number.ball.imag, number.signs[1]
    )


def _opposite(part: _Part) -> _Part:
    return _Part(-part.sign, part.is_zero)


def _sum(first: _Part, second: _Part) -> int:
    """The sign of a sum that is zero (IEEE 754-2019, section 6.3): +0, unless both terms are −0.

    PyTorch multiplies a second term by a complex 1, which may turn its −0: what two of them give is not known.
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


def _multiplied(z: Number, w: Number) -> Signs:
    (a, b), (c, d) = _parts(z), _parts(w)
    real = _sum_within(_product(a, c), _opposite(_product(b, d)))
    return real, _sum_within(_product(a, d), _product(b, c))


def _added(z: Number, w: Number) -> Signs:
    (a, b), (c, d) = _parts(z), _parts(w)
    return _sum(a, c), _sum(b, d)


def _negated(found: Signs) -> Signs:
    """PyTorch's vector kernel subtracts from +0, which makes +0 of +0; its scalar kernel makes −0 of it."""
    return int(found[0] < 0), int(found[1] < 0)


def signs(
    operation: str,
    operands: Sequence[Number],
    result: Rectangle,
    exponent: Fraction | None,
) -> Signs:
    """The signs of the zero components of a result, by IEEE's rules of arithmetic; unknown for other operations.

    `exponent` is that of a power where it is a constant: PyTorch squares by multiplication.
    """
    if operation == "pow" and exponent == 2:
        operation = "square"
    match operation:
        case "identity":
            found = operands[0].signs
        case "neg":
            found = _negated(operands[0].signs)
        case "add":
            found = _added(*operands)
        case "sub":
            right = Number(
                -operands[1].ball, (-operands[1].signs[0], -operands[1].signs[1])
            )
            found = _added(operands[0], right)
        case "mul":
            found = _multiplied(*operands)
        case "square":
            found = _multiplied(operands[0], operands[0])
        case _:
            found = (0, 0)
    return (
        found[0] if result.real.is_zero() else 0,
        found[1] if result.imag.is_zero() else 0,
    )


# ── cuts, poles and branch points ────────────────────────────────────────────────────────────────────────────────────


def _along_negative_axis(w: Rectangle) -> Place:
    """Where w lies with respect to the cut of the logarithm; at the origin BRANCH_POINT."""
    if w.real > 0 or not w.imag.contains(0):
        return Place.CLEAR
    if w.is_zero():
        return Place.BRANCH_POINT
    return Place.CUT if w.imag.is_zero() and w.real < 0 else Place.UNSURE


def _worse(*places: Place) -> Place:
    order = (Place.CLEAR, Place.CUT, Place.BRANCH_POINT, Place.UNSURE)
    return max(places, key=order.index)


def _half_turn(z: Rectangle) -> Rectangle:
    """i·z, exactly."""
    return acb(-z.imag, z.real)


_CUTS: dict[str, Callable[[Rectangle], Place]] = {
    "sqrt": _along_negative_axis,
    "rsqrt": _along_negative_axis,
    "log": _along_negative_axis,
    "log2": _along_negative_axis,
    "log10": _along_negative_axis,
    "log1p": lambda z: _along_negative_axis(1 + z),
    "asin": lambda z: _worse(_along_negative_axis(1 - z), _along_negative_axis(1 + z)),
    "acos": lambda z: _worse(_along_negative_axis(1 - z), _along_negative_axis(1 + z)),
    "atanh": lambda z: _worse(_along_negative_axis(1 - z), _along_negative_axis(1 + z)),
    "acosh": lambda z: _worse(
        _along_negative_axis(z - 1),
        Place.BRANCH_POINT if (1 + z).is_zero() else Place.CLEAR,
    ),
    "asinh": lambda z: _cuts_of_the_imaginary_axis(z),
    "atan": lambda z: _cuts_of_the_imaginary_axis(z),
}


def _cuts_of_the_imaginary_axis(z: Rectangle) -> Place:
    turned = _half_turn(z)
    return _worse(_along_negative_axis(1 - turned), _along_negative_axis(1 + turned))


_INFINITE_AT_BRANCH_POINT = frozenset("rsqrt log log2 log10 log1p atan atanh".split())
_ON_IMAGINARY_AXIS = frozenset(("asinh", "atan"))
_DIVISORS: dict[str, Callable[[Sequence[Rectangle]], Rectangle]] = {
    "div": lambda found: found[1],
    "reciprocal": lambda found: found[0],
    "csc": lambda found: found[0],
    "cot": lambda found: found[0],
    "csch": lambda found: found[0],
    "coth": lambda found: found[0],
}
"""What an operation divides by, up to a factor that has no zeros of a finite number of digits."""


def place(operation: str, operands: Sequence[Number]) -> Place:
    """Where finite operands lie with respect to the operation's cuts, poles and branch points."""
    found = [operand.ball for operand in operands]
    if operation == "pow":
        return _place_of_power(*operands)
    if operation in _DIVISORS:
        divisor = _DIVISORS[operation](found)
        if divisor.is_zero():
            # 0/0 may be removable; every other quotient by 0 is infinite.
            removable = operation == "div" and contains_zero(found[0])
            return Place.UNDECIDED if removable else Place.POLE
        return Place.UNSURE if contains_zero(divisor) else Place.CLEAR
    if operation not in _CUTS:
        return Place.CLEAR
    where = _CUTS[operation](found[0])
    if where is Place.BRANCH_POINT and operation in _INFINITE_AT_BRANCH_POINT:
        return Place.POLE
    at_minus_one = (
        operation == "acosh" and where is Place.BRANCH_POINT and found[0].real < 0
    )
    if (where is Place.CUT or at_minus_one) and not _side(operation, operands[0]):
        return Place.UNDECIDED
    return where


def _place_of_power(base: Number, exponent: Number) -> Place:
    x, y = base.ball, exponent.ball
    whole = _integer(y)
    if whole is not None and whole >= 0:
        return Place.CLEAR
    if x.is_zero():
        return _power_of_zero(y)
    if whole is not None:
        return Place.UNSURE if contains_zero(x) else Place.CLEAR
    where = _along_negative_axis(x)
    return Place.UNDECIDED if where is Place.CUT and not base.signs[1] else where


def _power_of_zero(y: Rectangle) -> Place:
    if y.imag.is_zero():
        if y.real > 1:
            return Place.CLEAR  # once differentiable, with the derivative 0
        if y.real > 0:
            return Place.BRANCH_POINT
        if y.real < 0:
            return Place.POLE
    return Place.UNSURE if y.imag.contains(0) and not y.is_exact() else Place.UNDECIDED


def _side(operation: str, operand: Number) -> int:
    """From which side a cut is approached: the sign of the zero component across it."""
    return operand.signs[0 if operation in _ON_IMAGINARY_AXIS else 1]


# On the cuts: DLMF 4.2.3, 4.23.20-4.23.27, 4.37.20-4.37.26, both sides as the signed zero s gives them.


def _log_on_cut(x: Ball, s: int) -> Rectangle:
    return acb((-x).log(), s * arb.pi())


def _asin_on_cut(x: Ball, s: int) -> Rectangle:
    return acb(_sign(x) * arb.pi() / 2, s * abs(x).acosh())


def _atanh_on_cut(x: Ball, s: int) -> Rectangle:
    return acb(abs((1 + x) / (1 - x)).log() / 2, s * arb.pi() / 2)


def _acosh_on_cut(x: Ball, s: int) -> Rectangle:
    if x <= -1:
        return acb((-x).acosh(), s * arb.pi())
    return acb(0, s * x.acos()) if x > -1 else anything()


def _sign(x: Ball) -> int:
    return 1 if x > 0 else -1


_VALUE_ON_CUT: dict[str, Callable[[Ball, int], Rectangle]] = {
    "log": _log_on_cut,
    "log2": lambda x, s: _log_on_cut(x, s) / arb.const_log2(),
    "log10": lambda x, s: _log_on_cut(x, s) / arb.const_log10(),
    "log1p": lambda x, s: _log_on_cut(1 + x, s),
    "sqrt": lambda x, s: acb(0, s * (-x).sqrt()),
    "rsqrt": lambda x, s: acb(0, -s * (-x).rsqrt()),
    "asin": _asin_on_cut,
    "acos": lambda x, s: arb.pi() / 2 - _asin_on_cut(x, s),
    "acosh": _acosh_on_cut,
    "atanh": _atanh_on_cut,
    # On the imaginary axis, at iy with the real part s·0: asinh z = i asin(−iz), atan z = −i atanh(iz).
    "asinh": lambda y, s: _half_turn(_asin_on_cut(y, -s)),
    "atan": lambda y, s: -_half_turn(_atanh_on_cut(-y, s)),
}
_SLOPE_ON_CUT: dict[str, Callable[[Ball, int], Rectangle]] = {
    "sqrt": lambda x, s: acb(0, -s / (2 * (-x).sqrt())),
    "rsqrt": lambda x, s: acb(0, s * (-x).rsqrt() / (2 * x)),
    "asin": lambda x, s: acb(0, s * _sign(x) / (x * x - 1).sqrt()),
    "acos": lambda x, s: acb(0, -s * _sign(x) / (x * x - 1).sqrt()),
    "acosh": lambda x, s: (
        acb(-1 / (x * x - 1).sqrt()) if x < -1 else acb(0, -s / (1 - x * x).sqrt())
    ),
    "asinh": lambda y, s: acb(0, -s * _sign(y) / (y * y - 1).sqrt()),
}
"""Derivatives that the cut splits in two; the others are the same on both sides."""


def value(operation: str, operands: Sequence[Number], where: Place) -> Rectangle:
    """An enclosure of the operation at a place that is CLEAR, CUT or BRANCH_POINT."""
    if operation in _CUTS and (
        where is Place.CUT or _is_acosh_at_minus_one(operation, where, operands)
    ):
        along = _along_cut(operation, operands[0])
        return _VALUE_ON_CUT[operation](along, _side(operation, operands[0]))
    if operation == "pow" and where is Place.CUT:
        base, exponent = operands
        return (exponent.ball * _log_on_cut(base.ball.real, base.signs[1])).exp()
    return OPERATIONS[operation](*[operand.ball for operand in operands])


def _is_acosh_at_minus_one(
    operation: str, where: Place, operands: Sequence[Number]
) -> bool:
    return (
        operation == "acosh"
        and where is Place.BRANCH_POINT
        and bool(operands[0].ball.real < 0)
    )


def slope_on_cut(
    operation: str, operands: Sequence[Number], result: Rectangle
) -> Rectangle | None:
    """The derivative by the first operand from the side that its zero picks; None where both sides agree."""
    if operation == "pow":
        base, exponent = operands
        return exponent.ball * result / base.ball
    if operation not in _SLOPE_ON_CUT:
        return None
    along = _along_cut(operation, operands[0])
    return _SLOPE_ON_CUT[operation](along, _side(operation, operands[0]))


def log_from_side(number: Number) -> Rectangle | None:
    """The logarithm, from the side that a signed zero picks on the cut; None where that is not known."""
    where = place("log", [number])
    if where not in (Place.CLEAR, Place.CUT):
        return None
    return value("log", [number], where)


def _along_cut(operation: str, operand: Number) -> Ball:
    ball = operand.ball
    return ball.imag if operation in _ON_IMAGINARY_AXIS else ball.real
