"""Numbers that balls cannot hold exactly: a ball, and beside it a sum of products of
powers of known constants.

Of [0.3 ± 10⁻⁷⁷] less 3·[0.1 ± 10⁻⁷⁷] a ball never tells that it is 0; of 3/10 −
3·(1/10), of √3·√3 − 3, π/2 − π/2 or log 8 − 3 log 2 the form beside it does. A form is
Σ q·Πaᵉ with rational q and e; the atoms a are integers, π, and functions of other
forms. Equal forms are equal numbers; unequal forms may be. So a form proves that
something is 0, never that it is not: that is the ball's part. An input that is a ball
as a whole is an atom too: x − x is 0 wherever x is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.forms import (
    DEEPEST,
    MOST_BITS,
    MOST_PRODUCTS,
    PI,
    UNIT,
    Atom,
    Form,
    Rational,
    as_powers,
    atom_of,
    depth_of,
    log_of_atom,
    logarithm_of,
    monomial_of,
    plain,
    product_of,
    ratio_of,
    sum_of,
    tidy,
    together,
    whole_power,
)


class Undecided(ArithmeticError):
    """Neither the form nor the ball tells which way an operation goes, or it has no
    finite value."""


class Pole(Undecided):
    """A division by a number that is proved to be 0."""


@dataclass(frozen=True, slots=True)
class Number:
    """A real number: its ball at the precision in force when it was made, and its form
    where it has one."""

    ball: Ball
    form: Form | None = None

    @property
    def is_zero(self) -> bool:
        """Whether the number is proved to be 0."""
        return self.form is not None and not self.form

    @property
    def rational(self) -> Fraction | None:
        """The rational number that this is, where its form says so."""
        if self.form is None or len(self.form) > 1:
            return None
        for monomial, factor in self.form.items():
            return Fraction(factor) if monomial == UNIT else None
        return Fraction(0)

    def sign(self) -> int | None:
        """The sign; None where it is not known."""
        if self.is_zero:
            return 0
        if self.ball > 0:
            return 1
        return -1 if self.ball < 0 else None

    def __neg__(self) -> Number:
        form = self.form and {m: -factor for m, factor in self.form.items()}
        return Number(-self.ball, form)

    def __add__(self, other: Number) -> Number:
        if self.form is None or other.form is None:
            return Number(self.ball + other.ball)
        return _made(sum_of(self.form, other.form), self.ball + other.ball)

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __mul__(self, other: Number) -> Number:
        if self.is_zero or other.is_zero:
            return ZERO
        if self.form is None or other.form is None:
            return Number(self.ball * other.ball)
        return _made(product_of(self.form, other.form), self.ball * other.ball)

    def __truediv__(self, other: Number) -> Number:
        if other.is_zero:
            raise Pole("a division by zero")
        if other.sign() is None:
            raise Undecided("a division by a number that may be zero")
        if self.is_zero:
            return ZERO
        ratio = ratio_of(self.form, other.form)
        if ratio is not None:
            return rational(ratio)
        inverse = power(other, Fraction(-1))
        if self.form is None or inverse.form is None:
            return Number(self.ball / other.ball)
        return _made(product_of(self.form, inverse.form), self.ball / other.ball)


def _made(form: Form | None, ball: Ball) -> Number:
    """A number of that form; a rational one gets its own ball."""
    number = Number(ball, form)
    if form is None or ball.is_exact():
        return number
    known = number.rational
    return number if known is None else rational(known)


def rational(value: float | Fraction) -> Number:
    """A rational number."""
    number = Fraction(value)
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > MOST_BITS:
        return Number(balls.exact(value))
    return Number(balls.exact(value), {UNIT: plain(number)} if number else {})


ZERO = Number(balls.zero(), {})

ONE = rational(1.0)

HALF = Fraction(1, 2)


def of_ball(ball: Ball) -> Number:
    """The number of a ball: exactly, where the ball is exact."""
    value = balls.rational(ball)
    return Number(ball) if value is None else rational(value)


def constant(name: str | None, number: Fraction | None) -> Number:
    """A constant leaf."""
    if number is not None:
        return rational(number)
    if name == "pi":
        return Number(balls.constant(name, None), {monomial_of(PI): 1})
    return exponential(ONE) if name == "e" else Number(balls.constant(name, None))


def variable(name: str, ball: Ball) -> Number:
    """An input that is any number of a ball; a negative one is less its size, so that
    √(x²) is known to be −x."""
    if ball < 0:
        return Number(ball, {monomial_of(("size", True, 0, name)): -1})
    positive = bool(ball > 0)
    return Number(ball, {monomial_of(("input", positive, 0, name)): 1})


def of_atom(atom: Atom, ball: Ball, exponent: Rational = 1) -> Number:
    """The number that an atom to a power is; without an atom, that of the ball
    alone."""
    if atom is None:
        return of_ball(ball)
    exact = of_ball(ball)
    if exact.form is not None:
        return exact
    return Number(ball, {frozenset(((atom, plain(exponent)),)): 1})


def power(number: Number, exponent: Fraction) -> Number:
    """A number that is not 0 to a rational power; to a broken one, a positive
    number."""
    whole = exponent.denominator == 1
    sign = number.sign()
    if sign in (0, None) or (sign == -1 and not whole):
        raise Undecided("a power of a number that may be zero or of the wrong sign")
    ball = balls.OPERATIONS["pow"](number.ball, balls.exact(exponent))
    if abs(exponent) > MOST_PRODUCTS or number.form is None:
        return of_ball(ball)
    if whole and (exponent > 0 or len(number.form) == 1):
        return _made(whole_power(number.form, int(exponent)), ball)
    single = as_powers(number.form)
    if single is not None:
        monomial, factor = together((atom, e * exponent) for atom, e in single)
        return _made({monomial: factor}, ball)
    flips = sign == -1 and exponent.numerator % 2 == 1
    base = number if sign == 1 else -number
    root = of_atom(atom_of("sum", True, [base.form]), ball, exponent)
    if root.form is not None and flips:
        return -Number(-ball, root.form)
    return root


def exponential(number: Number) -> Number:
    """e to a number."""
    ball = balls.OPERATIONS["exp"](number.ball)
    if number.form is None or depth_of(number.form) >= DEEPEST:
        return of_ball(ball)
    powers: list[tuple[Atom, Rational]] = []
    for monomial, factor in number.form.items():
        base: Any = logarithm_of(monomial)
        if base is not None and abs(Fraction(factor)) <= MOST_PRODUCTS:
            powers.append((base, factor))  # exp(q log a) = a^q
        else:
            inner: Form = {monomial: 1}
            powers.append((atom_of("exp", True, [inner]), factor))
    monomial, whole = together(powers)
    return _made(tidy({monomial: whole}), ball)


def logarithm(number: Number) -> Number:
    """The natural logarithm."""
    if number.sign() != 1:
        raise Undecided("a logarithm of no positive number")
    ball = balls.OPERATIONS["log"](number.ball)
    single = as_powers(number.form)
    if single is None:
        return of_atom(atom_of("log", False, [number.form]), ball)
    total: Form | None = {}
    for atom, exponent in single:
        part = log_of_atom(atom)
        if total is None or part is None:
            return of_ball(ball)
        total = sum_of(total, {m: factor * exponent for m, factor in part.items()})
    return _made(total, ball)
