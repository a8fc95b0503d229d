"""Numbers that balls cannot hold exactly: a ball, and beside it a sum of products of powers of known constants.

Of [0.3 ± 10⁻⁷⁷] less 3·[0.1 ± 10⁻⁷⁷] a ball never tells that it is 0; of 3/10 − 3·(1/10), of √3·√3 − 3, π/2 − π/2 or
log 8 − 3 log 2 the form beside it does. A form is Σ q·Πaᵉ with rational q and e; the atoms a are integers, π, and
functions of other forms. Equal forms are equal numbers; unequal forms may be. So a form proves that something is 0,
never that it is not: that is the ball's part. An input that is a ball as a whole is an atom too: x − x is 0 wherever
x is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, series
from verifier.symbolic.arithmetic.balls import Ball

MOST_PRODUCTS = 48
"""Products of monomials that are multiplied out; what is larger is a ball alone."""
MOST_BITS = 8_192
"""Of a rational number in a form."""
DEEPEST = 4
"""Functions inside one another that atoms remember."""
PRIMES = tuple(p for p in range(2, 100) if all(p % q for q in range(2, p)))

Atom = Hashable
"""An integer above 1, or (name, whether it is positive, depth, what it is a function of)."""
Rational = int | Fraction
"""An int where it is one: those are much faster."""
Monomial = frozenset[tuple[Atom, Rational]]
Form = Mapping[Monomial, Rational]
UNIT: Monomial = frozenset()


class Undecided(ArithmeticError):
    """Neither the form nor the ball tells which way an operation goes, or it has no finite value."""


class Pole(Undecided):
    """A division by a number that is proved to be 0."""


@dataclass(frozen=True, slots=True)
class Number:
    """A real number: its ball at the precision in force when it was made, and its form where it has one."""

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
        return _made(_sum(self.form, other.form), self.ball + other.ball)

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __mul__(self, other: Number) -> Number:
        if self.is_zero or other.is_zero:
            return ZERO
        if self.form is None or other.form is None:
            return Number(self.ball * other.ball)
        return _made(_product(self.form, other.form), self.ball * other.ball)

    def __truediv__(self, other: Number) -> Number:
        if other.is_zero:
            raise Pole("a division by zero")
        if other.sign() is None:
            raise Undecided("a division by a number that may be zero")
        if self.is_zero:
            return ZERO
        ratio = _ratio(self.form, other.form)
        if ratio is not None:
            return rational(ratio)
        inverse = power(other, Fraction(-1))
        if self.form is None or inverse.form is None:
            return Number(self.ball / other.ball)
        return _made(_product(self.form, inverse.form), self.ball / other.ball)


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
    return Number(balls.exact(value), {UNIT: _plain(number)} if number else {})


def _plain(value: Rational) -> Rational:
    return value.numerator if value.denominator == 1 else value


ZERO = Number(balls.zero(), {})
ONE = rational(1.0)


def known(ball: Ball) -> Number:
    """The number of a ball: exactly, where the ball is exact."""
    value = balls.rational(ball)
    return Number(ball) if value is None else rational(value)


def constant(name: str | None, number: Fraction | None) -> Number:
    """A constant leaf."""
    if number is not None:
        return rational(number)
    if name == "pi":
        return Number(balls.constant(name, None), {_monomial(PI): 1})
    return apply("exp", [ONE]) if name == "e" else Number(balls.constant(name, None))


def variable(name: str, ball: Ball) -> Number:
    """An input that is any number of a ball; a negative one is less its size, so that √(x²) is known to be −x."""
    if ball < 0:
        return Number(ball, {_monomial(("size", True, 0, name)): -1})
    positive = bool(ball > 0)
    return Number(ball, {_monomial(("input", positive, 0, name)): 1})


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────

PI: Atom = ("pi", True, 0)


def _monomial(atom: Atom) -> Monomial:
    return frozenset(((atom, 1),))


def _sum(first: Form, second: Form) -> Form | None:
    if len(first) + len(second) > MOST_PRODUCTS:
        return None
    total = dict(first)
    for monomial, factor in second.items():
        total[monomial] = total.get(monomial, 0) + factor
    return _tidy(total)


def _product(first: Form, second: Form) -> Form | None:
    if len(first) * len(second) > MOST_PRODUCTS:
        return None
    total: dict[Monomial, Rational] = {}
    for one, factor in first.items():
        for other, times in second.items():
            value = factor * times
            if one and other:
                monomial, whole = _together(chain(one, other))
                value *= whole
            else:
                monomial = one or other
            total[monomial] = total.get(monomial, 0) + value
    return _tidy(total)


def _tidy(total: Mapping[Monomial, Rational]) -> Form | None:
    found = {monomial: _plain(factor) for monomial, factor in total.items() if factor}
    for factor in found.values():
        if (
            max(factor.numerator.bit_length(), factor.denominator.bit_length())
            > MOST_BITS
        ):
            return None
    return found


def _together(
    powers: Iterable[tuple[Atom, Rational]],
) -> tuple[Monomial, Rational]:
    """The monomial of atoms and their powers, and the rational factor that whole powers of integers make."""
    exponents: dict[Atom, Rational] = {}
    for atom, exponent in powers:
        exponents[atom] = exponents.get(atom, 0) + exponent
    factor: Rational = 1
    for atom, exponent in exponents.items():
        if isinstance(atom, int):
            whole = math.floor(exponent)
            factor *= Fraction(atom) ** whole
            exponents[atom] = exponent - whole
    return frozenset((a, _plain(e)) for a, e in exponents.items() if e), factor


def _ratio(first: Form | None, second: Form | None) -> Fraction | None:
    """The rational number that one form is of another."""
    if not first or not second or first.keys() != second.keys():
        return None
    ratios = {Fraction(first[monomial]) / second[monomial] for monomial in first}
    return ratios.pop() if len(ratios) == 1 else None


def _depth(form: Form) -> int:
    return max(
        (
            atom[2] if isinstance(atom, tuple) else 0
            for monomial in form
            for atom, _ in monomial
        ),
        default=0,
    )


def _is_positive(atom: Any) -> bool:
    return isinstance(atom, int) or bool(atom[1])


def _atom(name: str, positive: bool, forms: Sequence[Form | None], *more: Any) -> Atom:
    """A function of forms; None where one is not known or they are too deep."""
    if any(form is None for form in forms):
        return None
    depth = 1 + max((_depth(form) for form in forms if form), default=0)
    if depth > DEEPEST:
        return None
    keys = tuple(frozenset(form.items()) for form in forms if form is not None)
    return (name, positive, depth, keys, *more)


def _of_atom(atom: Atom, ball: Ball, exponent: Rational = 1) -> Number:
    if atom is None:
        return known(ball)
    exact = known(ball)
    if exact.form is not None:
        return exact
    return Number(ball, {frozenset(((atom, _plain(exponent)),)): 1})


def _factors(number: int) -> dict[int, int]:
    """Small primes with their powers, and what is left as an integer to a power."""
    found: dict[int, int] = {}
    for prime in PRIMES:
        while number % prime == 0:
            number //= prime
            found[prime] = found.get(prime, 0) + 1
    if number == 1:
        return found
    for root in (2, 3, 5):
        base = balls.integer_root(number, root)
        if base is not None:
            return found | {base: root}
    return found | {number: 1}


def _powers_of(value: Rational) -> list[tuple[Atom, Rational]]:
    """A positive rational number as powers of integers."""
    above = _factors(value.numerator).items()
    return [*above, *((p, -e) for p, e in _factors(value.denominator).items())]


def _single(number: Number) -> list[tuple[Atom, Rational]] | None:
    """A positive number as powers of positive atoms, if it is one product."""
    if number.form is None or len(number.form) != 1:
        return None
    ((monomial, factor),) = number.form.items()
    if factor < 0 or not all(_is_positive(atom) for atom, _ in monomial):
        return None
    return [*_powers_of(factor), *monomial]


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────


def power(number: Number, exponent: Fraction) -> Number:
    """A number that is not 0 to a rational power; to a broken one, a positive number."""
    whole = exponent.denominator == 1
    sign = number.sign()
    if sign in (0, None) or (sign == -1 and not whole):
        raise Undecided("a power of a number that may be zero or of the wrong sign")
    ball = balls.OPERATIONS["pow"](number.ball, balls.exact(exponent))
    if abs(exponent) > MOST_PRODUCTS or number.form is None:
        return known(ball)
    if whole and (exponent > 0 or len(number.form) == 1):
        return _made(_whole_power(number.form, int(exponent)), ball)
    single = _single(number)
    if single is not None:
        monomial, factor = _together((atom, e * exponent) for atom, e in single)
        return _made({monomial: factor}, ball)
    flips = sign == -1 and exponent.numerator % 2 == 1
    base = number if sign == 1 else -number
    found = _of_atom(_atom("sum", True, [base.form]), ball, exponent)
    if found.form is not None and flips:
        return -Number(-ball, found.form)
    return found


def _whole_power(form: Form, exponent: int) -> Form | None:
    if len(form) == 1:
        ((monomial, factor),) = form.items()
        raised, whole = _together((atom, e * exponent) for atom, e in monomial)
        return _tidy({raised: Fraction(factor) ** exponent * whole})
    total: Form | None = {UNIT: 1}
    for _ in range(exponent):
        total = None if total is None else _product(total, form)
    return total


def _exp(number: Number) -> Number:
    ball = balls.OPERATIONS["exp"](number.ball)
    if number.form is None or _depth(number.form) >= DEEPEST:
        return known(ball)
    powers: list[tuple[Atom, Rational]] = []
    for monomial, factor in number.form.items():
        base: Any = _logarithm_of(monomial)
        if base is not None and abs(Fraction(factor)) <= MOST_PRODUCTS:
            powers.append((base, factor))  # exp(q log a) = a^q
        else:
            inner: Form = {monomial: 1}
            powers.append((_atom("exp", True, [inner]), factor))
    monomial, whole = _together(powers)
    return _made(_tidy({monomial: whole}), ball)


def _logarithm_of(monomial: Monomial) -> Any:
    """The positive atom of which a monomial is the logarithm."""
    if len(monomial) != 1:
        return None
    ((atom, exponent),) = monomial
    if exponent == 1 and isinstance(atom, tuple) and atom[0] == "log of":
        return atom[3]
    return None


def _log(number: Number) -> Number:
    if number.sign() != 1:
        raise Undecided("a logarithm of no positive number")
    ball = balls.OPERATIONS["log"](number.ball)
    single = _single(number)
    if single is None:
        return _of_atom(_atom("log", False, [number.form]), ball)
    total: Form | None = {}
    for atom, exponent in single:
        part = _log_of_atom(atom)
        if total is None or part is None:
            return known(ball)
        total = _sum(total, {m: factor * exponent for m, factor in part.items()})
    return _made(total, ball)


def _log_of_atom(atom: Any) -> Form | None:
    if isinstance(atom, tuple) and atom[0] == "exp":
        (key,) = atom[3]
        return dict(key)
    depth = 1 + (atom[2] if isinstance(atom, tuple) else 0)
    if depth > DEEPEST:
        return None
    return {_monomial(("log of", isinstance(atom, int), depth, atom)): 1}


_SINES = {
    Fraction(0): ZERO,
    Fraction(1, 6): rational(0.5),
    Fraction(1, 2): ONE,
}


def _sine(number: Number) -> Number:
    """sin; of rational multiples of π by symmetry from the first quadrant."""
    turns = _turns(number)
    if turns is not None:
        return _sine_of_pi(turns)
    ball = balls.OPERATIONS["sin"](number.ball)
    return _of_parity("sin", number, ball, odd=True)


def _sine_of_pi(turns: Fraction) -> Number:
    turns %= 2
    if turns >= 1:
        return -_sine_of_pi(turns - 1)
    if turns > Fraction(1, 2):
        return _sine_of_pi(1 - turns)
    if turns in (Fraction(1, 4), Fraction(1, 3)):
        root = power(rational(Fraction(2 if turns == Fraction(1, 4) else 3)), _HALF)
        return root * rational(_HALF)
    if turns in _SINES:
        return _SINES[turns]
    pi = balls.constant("pi", None)
    ball = balls.OPERATIONS["sin"](pi * balls.exact(turns))
    return _of_atom(("sine of pi", True, 1, turns), ball)


_HALF = Fraction(1, 2)


def _turns(number: Number) -> Fraction | None:
    """The q of q·π."""
    if number.form is None or len(number.form) > 1:
        return None
    for monomial, factor in number.form.items():
        return Fraction(factor) if monomial == _monomial(PI) else None
    return Fraction(0)


def _cosine(number: Number) -> Number:
    turns = _turns(number)
    if turns is not None:
        return _sine_of_pi(turns + _HALF)
    ball = balls.OPERATIONS["cos"](number.ball)
    return _of_parity("cos", number, ball, odd=False)


def _of_parity(name: str, number: Number, ball: Ball, *, odd: bool) -> Number:
    """An odd or even function, by what it is of a positive number."""
    if number.ball < 0:
        return (
            -_of_parity(name, -number, -ball, odd=odd)
            if odd
            else _of_parity(name, -number, ball, odd=odd)
        )
    return _of_atom(_atom(name, False, [number.form]), ball)


def _tangent(number: Number) -> Number:
    return _sine(number) / _cosine(number)


def _right_angles(number: Fraction) -> Number:
    return constant("pi", None) * rational(number / 2)


def _inverse_sine(number: Number) -> Number:
    value = number.rational
    if value is not None and abs(value) in (0, _HALF, 1):
        share = Fraction(0) if not value else Fraction(1)
        if abs(value) == _HALF:
            share = Fraction(1, 3)
        return _right_angles(-share if value < 0 else share)
    ball = balls.OPERATIONS["asin"](number.ball)
    if not balls.is_finite(ball):
        raise Undecided("an inverse sine of what may be more than 1")
    return _of_parity("asin", number, ball, odd=True)


def _inverse_tangent(number: Number) -> Number:
    value = number.rational
    if value is not None and abs(value) == 1:
        return _right_angles(value / 2)
    ball = balls.OPERATIONS["atan"](number.ball)
    return _of_parity("atan", number, ball, odd=True)


def _angle(y: Number, x: Number) -> Number:
    """atan2 off its cut: on it the sign of a zero decides, and of that a form knows nothing."""
    if not y.sign() and x.sign() != 1:
        raise Undecided("an angle that may lie on the cut of `atan2`")
    ball = balls.OPERATIONS["atan2"](y.ball, x.ball)
    return _of_atom(_atom("atan2", False, [y.form, x.form]), ball)


def _absolute(number: Number) -> Number:
    sign = number.sign()
    if sign is None:
        raise Undecided("a sign that is not known")
    return -number if sign < 0 else number


def _whole_part(number: Number, *, up: bool) -> Number:
    value = number.rational
    if value is not None:
        return rational(Fraction(math.ceil(value) if up else math.floor(value)))
    return known(balls.OPERATIONS["ceil" if up else "floor"](number.ball))


def _general_power(base: Number, exponent: Number) -> Number:
    value = exponent.rational
    if value is None:
        return _exp(exponent * _log(base))
    if base.is_zero:
        if value < 0:
            raise Pole("a power of zero")
        return ZERO if value else ONE
    return power(base, value)


def _root(number: Number) -> Number:
    return ZERO if number.is_zero else power(number, _HALF)


def _cube_root(number: Number) -> Number:
    if number.is_zero:
        return ZERO
    root = power(_absolute(number), Fraction(1, 3))
    return root if number.sign() == 1 else -root


def _larger(first: Number, second: Number) -> Number:
    return first if _order(first, second) >= 0 else second


def _smaller(first: Number, second: Number) -> Number:
    return first if _order(first, second) <= 0 else second


def _order(first: Number, second: Number) -> int:
    sign = (first - second).sign()
    if sign is None:
        raise Undecided("two numbers that may be equal")
    return sign


def _base(number: int) -> Number:
    return _log(rational(Fraction(number)))


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x,
    "nan_to_num": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": _general_power,
    "square": lambda x: _general_power(x, rational(2.0)),
    "reciprocal": lambda x: ONE / x,
    "sqrt": _root,
    "rsqrt": lambda x: ONE / _root(x),
    "cbrt": _cube_root,
    "hypot": lambda x, y: _root(x * x + y * y),
    "abs": _absolute,
    "sign": lambda x: rational(Fraction(_order(x, ZERO))),
    "relu": lambda x: _larger(x, ZERO),
    "max": _larger,
    "min": _smaller,
    "clamp": lambda x, low, high: _smaller(_larger(x, low), high),
    "floor": lambda x: _whole_part(x, up=False),
    "ceil": lambda x: _whole_part(x, up=True),
    "exp": _exp,
    "exp2": lambda x: _exp(x * _base(2)),
    "expm1": lambda x: _exp(x) - ONE,
    "log": _log,
    "log2": lambda x: _log(x) / _base(2),
    "log10": lambda x: _log(x) / _base(10),
    "log1p": lambda x: _log(ONE + x),
    "sin": _sine,
    "cos": _cosine,
    "tan": _tangent,
    "asin": _inverse_sine,
    "acos": lambda x: _right_angles(Fraction(1)) - _inverse_sine(x),
    "atan": _inverse_tangent,
    "atan2": _angle,
    "where": lambda p, x, y: x if p else y,
    "lt": lambda x, y: _order(x, y) < 0,
    "le": lambda x, y: _order(x, y) <= 0,
    "gt": lambda x, y: _order(x, y) > 0,
    "ge": lambda x, y: _order(x, y) >= 0,
    "eq": lambda x, y: _order(x, y) == 0,
    "ne": lambda x, y: _order(x, y) != 0,
    "logical_and": lambda p, q: p and q,
    "logical_or": lambda p, q: p or q,
    "logical_not": lambda p: not p,
}


def apply(operation: str, operands: Sequence[Any]) -> Any:
    """An operation on numbers, or a condition's truth value; `Undecided` where it is not known or not finite."""
    if operation in _OPERATIONS:
        return _OPERATIONS[operation](*operands)
    if operation not in balls.OPERATIONS:
        raise Undecided(f"`{operation}` is known by its definition alone")
    if operation == "lgamma" and operands[0].rational in (1, 2):
        return ZERO
    found = balls.OPERATIONS[operation](*(operand.ball for operand in operands))
    if not balls.is_finite(found):
        raise Undecided(f"`{operation}` has no finite value there")
    forms = [operand.form for operand in operands]
    return _of_atom(_atom(operation, False, forms), found)


def taylor(operation: str, center: Number, length: int) -> list[Number]:
    """The first Taylor coefficients of a unary operation; raises `SingularError` where there are none.

    Equal centers have equal coefficients: those of exp x − exp y cancel where x and y are one number.
    """
    found = series.taylor(operation, center.ball, length)
    return [
        value
        if index == 0 and value is not None
        else _coefficient(operation, center, index, ball)
        for index, (ball, value) in enumerate(
            zip(found, [_value(operation, center), *[None] * length], strict=False)
        )
    ]


def _value(operation: str, center: Number) -> Number | None:
    try:
        return apply(operation, [center])  # type: ignore[no-any-return]
    except Undecided:
        return None


def _coefficient(operation: str, center: Number, index: int, ball: Ball) -> Number:
    cycle = _CYCLES.get(operation)
    if cycle is not None:
        sign, function = cycle[index % len(cycle)]
        value = _value(function, center)
        if value is not None:
            return value * rational(Fraction(sign, math.factorial(index)))
    return _of_atom(_atom(operation, False, [center.form], index), ball)


_CYCLES = {
    "sin": ((1, "sin"), (1, "cos"), (-1, "sin"), (-1, "cos")),
    "cos": ((1, "cos"), (-1, "sin"), (-1, "cos"), (1, "sin")),
    "sinh": ((1, "sinh"), (1, "cosh")),
    "cosh": ((1, "cosh"), (1, "sinh")),
}
"""Functions whose derivatives repeat: those of π q are exact, where Arb's balls cannot be."""


def values(program: Program, point: Mapping[str, float]) -> list[Any]:
    """The number of every node of a program at a point, a condition's truth value, or None where it is not known."""
    found: list[Any] = []
    for node in program.nodes:
        operands = [found[argument] for argument in node.arguments]
        if node.operation == "variable":
            value = point.get(node.name or "")
            finite = isinstance(value, float) and math.isfinite(value)
            found.append(rational(value) if finite and value is not None else None)
        elif node.operation == "constant":
            found.append(
                None if node.name == "inf" else constant(node.name, node.number)
            )
        elif node.operation == "where" and isinstance(operands[0], bool):
            found.append(operands[1] if operands[0] else operands[2])
        else:
            found.append(None if None in operands else _applied(node, operands))
    return found


def rational_values(
    program: Program, point: Mapping[str, float]
) -> dict[int, Fraction]:
    """The exact value of every node whose form says that it is rational, by index."""
    return {
        index: number.rational
        for index, number in enumerate(values(program, point))
        if isinstance(number, Number) and number.rational is not None
    }


def _applied(node: Node, operands: Sequence[Any]) -> Any:
    try:
        return apply(node.operation, operands)
    except Undecided:
        return None
