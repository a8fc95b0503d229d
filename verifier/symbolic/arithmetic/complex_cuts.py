"""Branch cuts, poles and branch points of the holomorphic operations: where operands
lie, and what is true there.

On a cut the value and the derivative are those of the side that a signed zero picks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from flint import acb, arb

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import complex_balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.complex_balls import Rectangle, SignedRectangle


class Analyticity(Enum):
    """Where operands lie with respect to an operation's cuts, poles and branch
    points."""

    CLEAR = "analytic in a neighbourhood"
    CUT = "on a branch cut, on a known side"
    BRANCH_POINT = "finite, with an infinite derivative"
    POLE = "infinite"
    UNDECIDED = "on a branch cut, on an unknown side, or where only a limit decides"
    UNSURE = "the balls do not tell"


def _along_negative_axis(w: Rectangle) -> Analyticity:
    """Where w lies with respect to the cut of the logarithm; at the origin
    BRANCH_POINT."""
    if w.real > 0 or not w.imag.contains(0):
        return Analyticity.CLEAR
    if w.is_zero():
        return Analyticity.BRANCH_POINT
    return Analyticity.CUT if w.imag.is_zero() and w.real < 0 else Analyticity.UNSURE


def _worse(*places: Analyticity) -> Analyticity:
    order = (
        Analyticity.CLEAR,
        Analyticity.CUT,
        Analyticity.BRANCH_POINT,
        Analyticity.UNSURE,
    )
    return max(places, key=order.index)


def _half_turn(z: Rectangle) -> Rectangle:
    """i·z, exactly."""
    return acb(-z.imag, z.real)


def _cuts_of_the_imaginary_axis(z: Rectangle) -> Analyticity:
    turned = _half_turn(z)
    return _worse(_along_negative_axis(1 - turned), _along_negative_axis(1 + turned))


_CUTS: dict[str, Callable[[Rectangle], Analyticity]] = {
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
        Analyticity.BRANCH_POINT if (1 + z).is_zero() else Analyticity.CLEAR,
    ),
    "asinh": _cuts_of_the_imaginary_axis,
    "atan": _cuts_of_the_imaginary_axis,
}


_DIVISORS: dict[str, Callable[[Sequence[Rectangle]], Rectangle]] = {
    "div": lambda operands: operands[1],
    "reciprocal": lambda operands: operands[0],
    "csc": lambda operands: operands[0],
    "cot": lambda operands: operands[0],
    "csch": lambda operands: operands[0],
    "coth": lambda operands: operands[0],
}
"""What an operation divides by, up to a factor that has no zeros of a finite number of
digits."""


def analyticity_of(operation: str, operands: Sequence[SignedRectangle]) -> Analyticity:
    """Where finite operands lie with respect to the operation's cuts, poles and branch
    points."""
    rectangles = [operand.ball for operand in operands]
    if operation == "pow":
        return _analyticity_of_power(*operands)
    if operation in _DIVISORS:
        divisor = _DIVISORS[operation](rectangles)
        if divisor.is_zero():
            # 0/0 may be removable; every other quotient by 0 is infinite.
            removable = operation == "div" and complex_balls.contains_zero(
                rectangles[0]
            )
            return Analyticity.UNDECIDED if removable else Analyticity.POLE
        return (
            Analyticity.UNSURE
            if complex_balls.contains_zero(divisor)
            else Analyticity.CLEAR
        )
    if operation not in _CUTS:
        return Analyticity.CLEAR
    where = _CUTS[operation](rectangles[0])
    row = operations.row(operation)
    if where is Analyticity.BRANCH_POINT and row.infinite_at_branch_points:
        return Analyticity.POLE
    at_minus_one = (
        operation == "acosh"
        and where is Analyticity.BRANCH_POINT
        and rectangles[0].real < 0
    )
    if (where is Analyticity.CUT or at_minus_one) and not _side(operation, operands[0]):
        return Analyticity.UNDECIDED
    return where


def _analyticity_of_power(
    base: SignedRectangle, exponent: SignedRectangle
) -> Analyticity:
    x, y = base.ball, exponent.ball
    whole = complex_balls.integer(y)
    if whole is not None and whole >= 0:
        return Analyticity.CLEAR
    if x.is_zero():
        return _power_of_zero(y)
    if whole is not None:
        return (
            Analyticity.UNSURE if complex_balls.contains_zero(x) else Analyticity.CLEAR
        )
    where = _along_negative_axis(x)
    return (
        Analyticity.UNDECIDED
        if where is Analyticity.CUT and not base.signs[1]
        else where
    )


def _power_of_zero(y: Rectangle) -> Analyticity:
    if y.imag.is_zero():
        if y.real > 1:
            return Analyticity.CLEAR  # once differentiable, with the derivative 0
        if y.real > 0:
            return Analyticity.BRANCH_POINT
        if y.real < 0:
            return Analyticity.POLE
    return (
        Analyticity.UNSURE
        if y.imag.contains(0) and not y.is_exact()
        else Analyticity.UNDECIDED
    )


def _side(operation: str, operand: SignedRectangle) -> int:
    """From which side a cut is approached: the sign of the zero component across it."""
    return operand.signs[0 if _is_cut_upright(operation) else 1]


def _is_cut_upright(operation: str) -> bool:
    """Whether the cuts lie on the imaginary axis."""
    return _CUTS.get(operation) is _cuts_of_the_imaginary_axis


# On the cuts: DLMF 4.2.3, 4.23.20-4.23.27, 4.37.20-4.37.26, both sides as the signed
# zero s gives them.


def _log_on_cut(x: Ball, s: int) -> Rectangle:
    return acb((-x).log(), s * arb.pi())


def _asin_on_cut(x: Ball, s: int) -> Rectangle:
    return acb(_sign(x) * arb.pi() / 2, s * abs(x).acosh())


def _atanh_on_cut(x: Ball, s: int) -> Rectangle:
    return acb(abs((1 + x) / (1 - x)).log() / 2, s * arb.pi() / 2)


def _acosh_on_cut(x: Ball, s: int) -> Rectangle:
    if x <= -1:
        return acb((-x).acosh(), s * arb.pi())
    return acb(0, s * x.acos()) if x > -1 else complex_balls.anything()


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
    # On the imaginary axis, at iy with the real part s·0: asinh z = i asin(−iz), atan z
    # = −i atanh(iz).
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


def value(
    operation: str, operands: Sequence[SignedRectangle], where: Analyticity
) -> Rectangle:
    """An enclosure of the operation at a place that is CLEAR, CUT or BRANCH_POINT."""
    if operation in _CUTS and (
        where is Analyticity.CUT or _is_acosh_at_minus_one(operation, where, operands)
    ):
        along = _along_cut(operation, operands[0])
        return _VALUE_ON_CUT[operation](along, _side(operation, operands[0]))
    if operation == "pow" and where is Analyticity.CUT:
        base, exponent = operands
        return (exponent.ball * _log_on_cut(base.ball.real, base.signs[1])).exp()
    return complex_balls.OPERATIONS[operation](*[operand.ball for operand in operands])


def _is_acosh_at_minus_one(
    operation: str, where: Analyticity, operands: Sequence[SignedRectangle]
) -> bool:
    return (
        operation == "acosh"
        and where is Analyticity.BRANCH_POINT
        and bool(operands[0].ball.real < 0)
    )


def slope_on_cut(
    operation: str, operands: Sequence[SignedRectangle], result: Rectangle
) -> Rectangle | None:
    """The derivative by the first operand from the side that its zero picks; None where
    both sides agree."""
    if operation == "pow":
        base, exponent = operands
        return exponent.ball * result / base.ball
    if operation not in _SLOPE_ON_CUT:
        return None
    along = _along_cut(operation, operands[0])
    return _SLOPE_ON_CUT[operation](along, _side(operation, operands[0]))


def log_from_side(number: SignedRectangle) -> Rectangle | None:
    """The logarithm, from the side that a signed zero picks on the cut; None where that
    is not known."""
    where = analyticity_of("log", [number])
    if where not in (Analyticity.CLEAR, Analyticity.CUT):
        return None
    return value("log", [number], where)


def _along_cut(operation: str, operand: SignedRectangle) -> Ball:
    ball = operand.ball
    return ball.imag if _is_cut_upright(operation) else ball.real
