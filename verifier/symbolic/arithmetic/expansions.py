"""Germs: what a function is on one side of a point, as an asymptotic expansion in t → 0+ with balls for coefficients.

A `Germ` is a sum of terms c·t^e·ℓ^m·λ^n, where ℓ = log(1/t), λ = log ℓ, the exponents are rational, and a remainder
of a known order. What grows or decays faster than every power of t is an `Exponential`, kept by its logarithm. Germs
of functions built from these operations form a Hardy field: each is eventually of one sign and may be differentiated
term by term (G. H. Hardy, Orders of Infinity, 1910; J. van der Hoeven, Transseries and Real Differential Algebra,
2006). So a limit is read off the leading term. Whether that term vanishes is asked of the coefficient's form and of its
ball (`exact`): what they cannot tell is `Unresolved`. What oscillates is no germ of a Hardy field: it is kept apart,
as `Oscillation`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, exact, series
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.exact import Number

_most_terms = 8
"""Terms kept of an expansion; what cancellation eats beyond them is unresolved, never guessed."""


def kept_terms() -> int:
    """How many terms of an expansion are kept."""
    return _most_terms


@contextmanager
def keeping(terms: int) -> Iterator[None]:
    """So many terms are kept of every expansion."""
    global _most_terms
    before, _most_terms = _most_terms, terms
    try:
        yield
    finally:
        _most_terms = before


class Unresolved(Exception):
    """The expansion does not tell: a leading coefficient may be zero, or the function oscillates."""


class OnCut(Unresolved):
    """atan2 on its branch cut, all along."""


class NoLimit(Exception):
    """There is none: the function oscillates."""


class Outside(Exception):
    """The function is not defined on this side of the point."""


Size = tuple[Fraction | float | int, Fraction | int, Fraction | int]
"""(e, −m, −n) of t^e·ℓ^m·λ^n: the smaller, the larger the term as t → 0+."""
UNIT: Size = (0, 0, 0)
FLAT: Size = (math.inf, 0, 0)
"""Smaller than every power of t."""


@dataclass(frozen=True, slots=True)
class Germ:
    """Σ c·t^e·ℓ^m·λ^n, the largest term first, + O(remainder); None for an exact germ."""

    terms: tuple[tuple[Size, Number], ...] = ()
    remainder: Size | None = None


@dataclass(frozen=True, slots=True)
class Exponential:
    """sign·exp(log), where log tends to ±∞ faster than any multiple of ℓ."""

    sign: int
    log: Germ


@dataclass(frozen=True, slots=True)
class Oscillation:
    """main + O(size), where the rest may oscillate, so that no order of its derivative is known.

    `swings` says of the rest, divided by its size, that it has no limit itself (1), or even that it comes back to two
    numbers of opposite sign again and again (2); `jumps`, that it is not continuous.
    """

    main: Germ
    size: Size
    swings: int = 0
    jumps: bool = False


Value = Germ | Exponential | Oscillation


def constant(number: Number | Ball) -> Germ:
    """The germ of a number."""
    return _germ([(UNIT, _number(number))], None)


def monomial(coefficient: Number | Ball, exponent: int) -> Germ:
    """coefficient · t^exponent."""
    return _germ([((exponent, 0, 0), _number(coefficient))], None)


def _number(number: Number | Ball | float | Fraction) -> Number:
    if isinstance(number, Number):
        return number
    if isinstance(number, int | float | Fraction):
        return exact.rational(number)
    return exact.known(number)


def _germ(terms: Iterable[tuple[Size, Number]], remainder: Size | None) -> Germ:
    """The germ of such terms in any order: like ones are gathered, exact zeros and what the remainder hides dropped."""
    gathered: dict[Size, Number] = {}
    for size, coefficient in terms:
        if remainder is None or size < remainder:
            known = gathered.get(size)
            gathered[size] = coefficient if known is None else known + coefficient
    kept = [
        (size, gathered[size])
        for size in sorted(gathered)
        if not gathered[size].is_zero
    ]
    if len(kept) > _most_terms:
        remainder = kept[_most_terms][0]
        kept = kept[:_most_terms]
    return Germ(tuple(kept), remainder)


def _times(first: Size, second: Size) -> Size:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def _to_power(size: Size, exponent: Fraction | int) -> Size:
    if isinstance(exponent, Fraction):
        exponent = exponent.numerator if exponent.denominator == 1 else exponent
    return size[0] * exponent, size[1] * exponent, size[2] * exponent


def _coarser(*sizes: Size | None) -> Size | None:
    return min((size for size in sizes if size is not None), default=None)


ZERO = Germ()
ONE = constant(exact.ONE)


def is_zero(value: Value) -> bool:
    """Whether the value is zero all along, and exactly."""
    return isinstance(value, Germ) and not value.terms and value.remainder is None


def leading(germ: Germ) -> tuple[Size, Number]:
    """The largest term of a germ that is not zero; its coefficient is proved not to vanish."""
    if not germ.terms:
        raise Unresolved("nothing is left of the expansion")
    size, coefficient = germ.terms[0]
    if not coefficient.sign():
        raise Unresolved("a leading coefficient may be zero")
    return size, coefficient


def sign(value: Value) -> int:
    """The sign that the value has for all small t."""
    if isinstance(value, Exponential):
        return value.sign
    if is_zero(value):
        return 0
    return leading(_germ_of(value))[1].sign() or 0


def _germ_of(value: Value) -> Germ:
    """The value as a germ, of whose leading term a smaller oscillation says nothing."""
    if isinstance(value, Germ):
        return value
    if isinstance(value, Exponential):
        raise Unresolved("a function of an exponential that is not expanded")
    if value.main.terms and value.main.terms[0][0] < value.size:
        return value.main
    raise Unresolved("what oscillates may be of either sign")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit: a finite number, or an infinity of that sign."""

    number: Number | None
    infinite: int = 0

    @property
    def ball(self) -> Ball | None:
        """The number's ball; None of an infinity."""
        return None if self.number is None else self.number.ball


def limit(value: Value) -> Limit:
    """What the value tends to as t → 0+."""
    if isinstance(value, Exponential):
        grows = sign(value.log) > 0
        return Limit(None, value.sign) if grows else Limit(exact.ZERO)
    if isinstance(value, Oscillation):
        return _limit_of_oscillation(value)
    if value.remainder is not None and value.remainder <= UNIT and not value.terms:
        raise Unresolved("nothing is left of the expansion")
    if not value.terms or value.terms[0][0] > UNIT:
        return Limit(exact.ZERO)
    size, coefficient = value.terms[0]
    if size == UNIT:
        if value.remainder is not None and value.remainder <= UNIT:
            raise Unresolved("the remainder hides the constant term")
        return Limit(coefficient)
    return Limit(None, sign(value))


def _limit_of_oscillation(value: Oscillation) -> Limit:
    main = value.main.terms[0][0] if value.main.terms else None
    if value.jumps and (main is None or main >= UNIT):
        # The remainder of 7 by y tends to 0 with y, jumping without end: no number continues it to y = 0.
        raise Unresolved("infinitely many jumps")
    if value.size > UNIT or (main is not None and main < min(value.size, UNIT)):
        return limit(value.main)
    enough = 1 if value.size == UNIT else 2
    if value.swings >= enough and (main is None or main > value.size or main == UNIT):
        raise NoLimit("the function oscillates without a limit")
    raise Unresolved("the function may oscillate without a limit")


def derivative(value: Value) -> Value:
    """The derivative by t, term by term."""
    if isinstance(value, Exponential):
        return multiply(value, derivative(value.log))
    if isinstance(value, Oscillation):
        raise Unresolved("the derivative of what oscillates")
    terms: list[tuple[Size, Number]] = []
    for (exponent, minus_logs, minus_double), coefficient in value.terms:
        below = exponent - 1
        # d/dt t^e ℓ^m λ^n = t^(e−1) (e ℓ^m λ^n − m ℓ^(m−1) λ^n − n ℓ^(m−1) λ^(n−1))
        for size, factor in (
            ((below, minus_logs, minus_double), exponent),
            ((below, minus_logs + 1, minus_double), minus_logs),
            ((below, minus_logs + 1, minus_double + 1), minus_double),
        ):
            terms.append((size, coefficient * _number(Fraction(factor))))
    return _germ(terms, _derived(value.remainder))


def _derived(remainder: Size | None) -> Size | None:
    """What is O(ℓ^m) has a derivative O((ℓ^m)′), unless m = 0: l'Hôpital's rule in a Hardy field."""
    if remainder is None:
        return None
    exponent, minus_logs, minus_double = remainder
    if exponent == 0 and minus_logs:
        return exponent - 1, minus_logs + 1, minus_double
    if exponent == 0 and minus_double:
        return exponent - 1, Fraction(1), minus_double + 1
    return exponent - 1, minus_logs, minus_double


def slope(value: Value, side: int) -> Value:
    """The difference quotient of the function continued, on one side; where that is infinite, the derivative beside."""
    turned = value if side > 0 else negate(value)
    if limit(value).number is not None:
        return multiply(_departed(turned), monomial(exact.ONE, -1))
    return derivative(turned)


def _departed(value: Value) -> Value:
    """The value less the number that it tends to."""
    if isinstance(value, Exponential):
        return value
    if isinstance(value, Oscillation):
        main = _departed(value.main)
        assert isinstance(main, Germ)
        return Oscillation(main, value.size, value.swings, value.jumps)
    kept = tuple(term for term in value.terms if term[0] != UNIT)
    return Germ(kept, value.remainder)


# ── the field ────────────────────────────────────────────────────────────────────────────────────────────────────────


def add(first: Value, second: Value) -> Value:
    """The sum."""
    if isinstance(first, Germ) and isinstance(second, Germ):
        remainder = _coarser(first.remainder, second.remainder)
        return _germ([*first.terms, *second.terms], remainder)
    if isinstance(first, Oscillation) or isinstance(second, Oscillation):
        return _sum_of_oscillations(first, second)
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
        constant(exact.ONE),
        quotient if first.sign == second.sign else negate(quotient),
    )
    return multiply(first, factor)


def _sum_of_oscillations(first: Value, second: Value) -> Value:
    (main, size, swings), (other, smaller, _) = sorted(
        (_as_oscillation(first), _as_oscillation(second)), key=lambda found: found[1]
    )
    total = add(main, other)
    assert isinstance(total, Germ)
    jumps = _jumps(first) or _jumps(second)
    return Oscillation(total, size, swings if size < smaller else 0, jumps)


def _jumps(value: Value) -> bool:
    return isinstance(value, Oscillation) and value.jumps


NOTHING: Size = (math.inf, math.inf, math.inf)  # type: ignore[assignment]


def _as_oscillation(value: Value) -> tuple[Germ, Size, int]:
    if isinstance(value, Oscillation):
        return value.main, value.size, value.swings
    if isinstance(value, Exponential):
        if sign(value.log) > 0:
            raise Unresolved("an oscillation beside an exponential")
        return Germ((), FLAT), NOTHING, 0
    return value, NOTHING, 0


def _flattened(germ: Germ) -> Germ:
    return Germ(germ.terms, _coarser(germ.remainder, FLAT))


def negate(value: Value) -> Value:
    """The negative."""
    if isinstance(value, Exponential):
        return Exponential(-value.sign, value.log)
    if isinstance(value, Oscillation):
        main = negate(value.main)
        assert isinstance(main, Germ)
        return Oscillation(main, value.size, value.swings, value.jumps)
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
    if isinstance(first, Oscillation) or isinstance(second, Oscillation):
        return _product_of_oscillations(first, second)
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
        (total, coefficient * factor)
        for size, coefficient in first.terms
        for other, factor in second.terms
        for total in (_times(size, other),)
        if remainder is None or total < remainder
    ]
    return _germ(terms, remainder)


def _product_of_oscillations(first: Value, second: Value) -> Value:
    """(f + a)(g + b) = fg + O(fb) + O(ga) + O(ab)."""
    (main, size, swings), (other, smaller, turns) = (
        _as_oscillation(first),
        _as_oscillation(second),
    )
    product = multiply(main, other)
    assert isinstance(product, Germ)
    found = [_times(size, smaller)]
    found += [_times(_largest(main), smaller), _times(size, _largest(other))]
    still = swings if isinstance(second, Germ) and _has_sign(second) else 0
    if isinstance(first, Germ) and _has_sign(first):
        still = turns
    jumps = _jumps(first) or _jumps(second)
    return Oscillation(product, min(found), still, jumps)


def _largest(germ: Germ) -> Size:
    if germ.terms:
        return germ.terms[0][0]
    return NOTHING if germ.remainder is None else germ.remainder


def scale(value: Value, number: Number | Ball | float | Fraction) -> Value:
    """The value times a number."""
    return multiply(value, constant(_number(number)))


def power(value: Value, exponent: Fraction) -> Value:
    """The value to a rational power."""
    if exponent == 0:
        return constant(exact.ONE)
    if is_zero(value):
        if exponent < 0:
            raise Outside("a power of zero")
        return ZERO
    whole = exponent.denominator == 1
    if whole and 0 < exponent <= MOST_FACTORS and not _has_sign(value):
        return _repeated(value, int(exponent))
    if sign(value) < 0 and not whole:
        raise Outside("a broken power of a negative number")
    flips = sign(value) < 0 and exponent.numerator % 2 == 1
    result = _positive_power(magnitude(value), exponent)
    return negate(result) if flips else result


MOST_FACTORS = 16
"""Of a power that is multiplied out where the base may have any sign."""


def _has_sign(value: Value) -> bool:
    try:
        return bool(sign(value))
    except Unresolved:
        return False


def _repeated(value: Value, times: int) -> Value:
    result: Value = ONE
    for _ in range(times):
        result = multiply(result, value)
    return result


def _positive_power(value: Value, exponent: Fraction) -> Value:
    if isinstance(value, Exponential):
        return exponential(scale(value.log, exponent))
    if isinstance(value, Oscillation):
        main = _positive_power(_germ_of(value), exponent)
        return _beside(value, main, exponent - 1)
    (size, coefficient), rest = leading(value), _relative_rest(value)
    head = Germ(((_to_power(size, exponent), exact.power(coefficient, exponent)),))
    return multiply(head, compose(_binomial(exponent), rest))


def _beside(value: Oscillation, main: Value, exponent: Fraction | int) -> Oscillation:
    """f(main + O(size)), where f(main) is given and f′ is of the order of main to a power."""
    assert isinstance(main, Germ)
    slope = _to_power(leading(value.main)[0], exponent)
    return Oscillation(main, _times(value.size, slope), jumps=value.jumps)


def _relative_rest(germ: Germ) -> Germ:
    """germ / its leading term − 1."""
    size, coefficient = leading(germ)
    back = _to_power(size, -1)
    terms = [(_times(other, back), c / coefficient) for other, c in germ.terms[1:]]
    remainder = None if germ.remainder is None else _times(germ.remainder, back)
    return _germ(terms, remainder)


def _binomial(exponent: Fraction) -> list[Number]:
    coefficients, current = [], Fraction(1)
    for index in range(_most_terms + 1):
        coefficients.append(_number(current))
        current = current * (exponent - index) / (index + 1)
    return coefficients


def divide(first: Value, second: Value) -> Value:
    """The quotient."""
    if is_zero(second):
        raise Outside("a division by zero")
    if isinstance(first, Germ) and isinstance(second, Germ):
        if len(second.terms) == 1 and second.remainder is None:
            size, coefficient = leading(second)
            back = _to_power(size, -1)
            terms = [(_times(one, back), c / coefficient) for one, c in first.terms]
            cut = first.remainder and _times(first.remainder, back)
            return _germ(terms, cut)
    return multiply(first, power(second, Fraction(-1)))


def magnitude(value: Value) -> Value:
    """The absolute value."""
    return negate(value) if sign(value) < 0 else value


def compose(coefficients: Sequence[Number], small: Germ) -> Germ:
    """Σ aₖ·smallᵏ, for a germ that tends to zero; the remainder is that of the series cut off."""
    largest = small.terms[0][0] if small.terms else small.remainder
    if largest is not None and largest <= UNIT:
        raise Unresolved("an expansion about a point that is not approached")
    total: Value = constant(coefficients[0])
    term: Value = constant(exact.ONE)
    for coefficient in coefficients[1:]:
        term = multiply(term, small)
        if is_zero(term):
            break
        total = add(total, scale(term, coefficient))
    else:
        assert largest is not None
        count = len(coefficients)
        total = add(total, Germ((), _to_power(largest, count)))
    assert isinstance(total, Germ)
    return total


# ── exponential and logarithm ────────────────────────────────────────────────────────────────────────────────────────


def exponential(value: Value) -> Value:
    """e to the value."""
    if isinstance(value, Exponential):
        if sign(value.log) < 0:
            return Germ(((UNIT, exact.ONE),), FLAT)
        raise Unresolved("an exponential of an exponential")
    if isinstance(value, Oscillation):
        return _of_oscillation("exp", value)
    infinite, middle, small = _parts(value)
    if not infinite:
        head = exact.apply("exp", [middle])
        return compose([head * c for c in _exponential_series()], small)
    if all(size in (LOGARITHM, DOUBLE_LOGARITHM) for size, _ in infinite):
        rest = Germ(((UNIT, middle),)) if not middle.is_zero else ZERO
        return multiply(_powers_of_logarithms(infinite), exponential(add(rest, small)))
    leading(Germ(tuple(infinite)))
    if any(size[0] == 0 and size[1] > -1 for size, _ in infinite):
        raise Unresolved("an exponential of a root of a logarithm")
    return Exponential(1, value)


LOGARITHM: Size = (0, -1, 0)
DOUBLE_LOGARITHM: Size = (0, 0, -1)
NARROW = 2**20
"""The fineness of a rational number below an irrational exponent."""


def _powers_of_logarithms(infinite: Sequence[tuple[Size, Number]]) -> Germ:
    """exp(aℓ + bλ) = t^(−a)·ℓ^b; of an irrational a < 0 no more than an order."""
    powers = dict(infinite)
    logs = powers.get(LOGARITHM, exact.ZERO)
    double = powers.get(DOUBLE_LOGARITHM, exact.ZERO).rational
    if logs.rational is not None and double is not None:
        return Germ((((-logs.rational, -double, 0), exact.ONE),))
    if not logs.ball < 0:
        raise Unresolved("an irrational power")
    least = (-balls.enclosure(logs.ball).upper * NARROW).__floor__() - 1
    return Germ((), (Fraction(least, NARROW), 0, 0))


def _exponential_series() -> list[Number]:
    return [
        _number(Fraction(1, math.factorial(index))) for index in range(_most_terms + 1)
    ]


def _parts(germ: Germ) -> tuple[list[tuple[Size, Number]], Number, Germ]:
    """The infinite terms, the constant one, and the rest, which tends to zero."""
    if germ.remainder is not None and germ.remainder <= UNIT:
        raise Unresolved("the remainder hides the constant term")
    infinite = [term for term in germ.terms if term[0] < UNIT]
    middle = [c for size, c in germ.terms if size == UNIT]
    small = tuple(term for term in germ.terms if term[0] > UNIT)
    return infinite, middle[0] if middle else exact.ZERO, Germ(small, germ.remainder)


def logarithm(value: Value) -> Value:
    """The natural logarithm."""
    if is_zero(value) or sign(value) < 0:
        raise Outside("a logarithm of no positive number")
    if isinstance(value, Exponential):
        return value.log
    if isinstance(value, Oscillation):
        return _beside(value, logarithm(_germ_of(value)), -1)
    germ = _germ_of(value)
    size, coefficient = leading(germ)
    if size[2] != 0:
        raise Unresolved("a logarithm of a logarithm of a logarithm")
    head = _germ(
        [
            (LOGARITHM, _number(-Fraction(size[0]))),
            (DOUBLE_LOGARITHM, _number(-Fraction(size[1]))),
            (UNIT, exact.apply("log", [coefficient])),
        ],
        None,
    )
    coefficients = [exact.ZERO] + [
        _number(Fraction((-1) ** (index + 1), index))
        for index in range(1, _most_terms + 1)
    ]
    return add(head, compose(coefficients, _relative_rest(germ)))


# ── functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def finite_part(value: Value) -> tuple[Number, Germ] | None:
    """The limit of a value and how it is approached, or None where the limit is infinite."""
    if isinstance(value, Exponential):
        if sign(value.log) > 0:
            return None
        return exact.ZERO, Germ((), FLAT)
    if isinstance(value, Oscillation):
        if limit(value).ball is not None:
            raise Unresolved("a function of what oscillates")
        return None
    infinite, middle, small = _parts(value)
    if infinite:
        leading(value)
        return None
    return middle, small


def analytic(operation: str, value: Value) -> Value | None:
    """The operation at a finite limit where it has a Taylor series; None at an infinite one or a singularity."""
    if isinstance(value, Oscillation):
        return _of_oscillation(operation, value)
    found = finite_part(value)
    if found is None:
        return None
    center, small = found
    try:
        coefficients = exact.taylor(operation, center, _most_terms + 1)
    except series.SingularError:
        return None
    return compose(coefficients, small)


def _of_oscillation(operation: str, value: Oscillation) -> Value:
    """A differentiable function of main + O(size) is that of main + O(size), where the size vanishes."""
    if value.size == UNIT and value.swings and operations.row(operation).injective:
        if limit(value.main).number is not None:
            return Oscillation(ZERO, UNIT, swings=1)
    if value.size <= UNIT:
        raise Unresolved("a function of what oscillates")
    main = (
        exponential(value.main)
        if operation == "exp"
        else analytic(operation, value.main)
    )
    if not isinstance(main, Germ) or limit(main).ball is None:
        raise Unresolved("a function of what oscillates")
    return Oscillation(main, value.size, jumps=value.jumps)


def _pi() -> Number:
    """π at the precision in force."""
    return exact.constant("pi", None)


def _whole(number: Number) -> int | None:
    """The integer that a number is known to be."""
    value = number.rational
    return int(value) if value is not None and value.denominator == 1 else None


def _analytic_or(
    operation: str, otherwise: Callable[[Value], Value]
) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        found = analytic(operation, value)
        return otherwise(value) if found is None else found

    return apply


def _square_root(value: Value) -> Value:
    return power(value, Fraction(1, 2))


def _expm1(value: Value) -> Value:
    return subtract(exponential(value), ONE)


def _scaled_exponential(base: str) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        return exponential(scale(value, exact.apply("log", [_number(int(base))])))

    return apply


def _logarithm_to(base: int) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        return divide(logarithm(value), constant(exact.apply("log", [_number(base)])))

    return apply


def _half_difference(value: Value, *, plus: bool) -> Value:
    """(e^v ± e^−v) / 2."""
    combine = add if plus else subtract
    both = combine(exponential(value), exponential(negate(value)))
    return scale(both, 0.5)


def _sigmoid(value: Value) -> Value:
    return divide(ONE, add(ONE, exponential(negate(value))))


def _tanh(value: Value) -> Value:
    twice = _sigmoid(scale(value, 2.0))
    return subtract(scale(twice, 2.0), ONE)


def _atan(value: Value) -> Value:
    """At infinity: ±π/2 − atan(1/v)."""
    right_angle = _pi() * _number(Fraction(1, 2))
    tilt = analytic("atan", divide(ONE, value))
    assert tilt is not None
    return subtract(constant(right_angle * _number(sign(value))), tilt)


def _half_angle(value: Value) -> Value:
    """√((1 − v)/2), by which asin and acos pass their branch point at 1."""
    return _square_root(scale(subtract(ONE, value), 0.5))


def _asin(value: Value) -> Value:
    """asin v = ±(π/2 − 2 asin √((1 ∓ v)/2)) near ±1 (DLMF 4.24)."""
    if sign(value) < 0:
        return negate(_asin(negate(value)))
    found = analytic("asin", _half_angle(value))
    if found is None:
        raise Outside("an inverse sine of more than 1")
    twice = scale(found, 2.0)
    return subtract(constant(_pi() * _number(Fraction(1, 2))), twice)


def _acos(value: Value) -> Value:
    inverse = analytic("asin", value) or _asin(value)
    return subtract(constant(_pi() * _number(Fraction(1, 2))), inverse)


def _asinh(value: Value) -> Value:
    if sign(value) < 0:
        return negate(_asinh(negate(value)))
    root = _square_root(add(multiply(value, value), ONE))
    return logarithm(add(value, root))


def _acosh(value: Value) -> Value:
    """log(v + √(v² − 1)): on both sides of the branch point and at infinity."""
    if sign(value) < 0:
        raise Outside("an inverse hyperbolic cosine of less than 1")
    root = _square_root(subtract(multiply(value, value), ONE))
    return logarithm(add(value, root))


def _atanh(value: Value) -> Value:
    above = logarithm(add(ONE, value))
    below = logarithm(subtract(ONE, value))
    return scale(subtract(above, below), 0.5)


def _error_function(value: Value) -> Value:
    return Germ(((UNIT, _number(sign(value))),), FLAT)


def _complementary(value: Value) -> Value:
    """erfc at ±∞; at +∞ it is e^(−v²)/(v√π)·(1 + O(v⁻²)) (DLMF 7.12.1)."""
    if sign(value) < 0:
        return Germ(((UNIT, _number(2)),), FLAT)
    log = negate(add(multiply(value, value), logarithm(value)))
    if isinstance(log, Exponential):
        return Germ((), FLAT)
    log = subtract(log, scale(constant(exact.apply("log", [_pi()])), 0.5))
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
    center = _whole(found[0])
    if center is None or center > 0:
        raise Unresolved("a gamma function near a pole")
    return -center, subtract(value, constant(_number(center)))


def _sine_of_pi(distance: Value) -> Value:
    """sin(π·distance), for a distance that tends to zero."""
    found = analytic("sin", scale(distance, _pi()))
    assert found is not None
    return found


def _log_gamma(value: Value) -> Value:
    """At a pole log π − log|sin πv| − log|Γ(1 − v)| (DLMF 5.5.3); at infinity Stirling's series (DLMF 5.11.1)."""
    if finite_part(value) is None and sign(value) > 0:
        return _stirling(value)
    _, distance = _pole(value)
    mirrored = analytic("lgamma", subtract(ONE, value))
    assert mirrored is not None
    pi = exact.apply("log", [_pi()])
    total = add(logarithm(magnitude(_sine_of_pi(distance))), mirrored)
    return subtract(constant(pi), total)


def _stirling(value: Value) -> Value:
    log = logarithm(value)
    main = multiply(subtract(value, constant(_number(0.5))), log)
    half = exact.apply("log", [_number(2) * _pi()]) * _number(0.5)
    rest = scale(power(value, Fraction(-1)), Fraction(1, 12))
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
                center, small = found
                coefficients = series.taylor_polygamma(
                    order, center.ball, _most_terms + 1
                )
                return compose([exact.known(ball) for ball in coefficients], small)
        except series.SingularError:
            return _polygamma_at_pole(order, value)
        if sign(value) < 0:
            raise Unresolved("a gamma function at minus infinity")
        return _polygamma_at_infinity(order, value)

    return apply


def _polygamma_at_pole(order: int, value: Value) -> Value:
    steps, distance = _pole(value)
    if order == 0:  # ψ(v) = ψ(1 − v) − π cot πv (DLMF 5.5.4)
        tangent = analytic("tan", scale(distance, _pi()))
        assert tangent is not None
        mirrored = _polygamma(0)(subtract(ONE, value))
        return subtract(mirrored, divide(constant(_pi()), tangent))
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
        return _with_remainder(subtract(logarithm(value), half), tail)
    flip = (-1) ** (order - 1)
    lead = scale(
        power(value, Fraction(-order)),
        Fraction(flip * math.factorial(order - 1)),
    )
    second = scale(
        power(value, Fraction(-order - 1)),
        Fraction(flip * math.factorial(order), 2),
    )
    return _with_remainder(add(lead, second), tail)


def _scaled_complementary(value: Value) -> Value:
    """e^v² erfc(v) at ∞: Σ (−1)ᵏ (1/2)ₖ v^(−2k) / (v√π) (DLMF 7.12.1); at −∞ by erfc(−v) = 2 − erfc(v)."""
    if sign(value) < 0:
        square = multiply(value, value)
        twice = scale(exponential(square), 2.0)
        return subtract(twice, _scaled_complementary(negate(value)))
    terms = [Fraction(1)]
    for k in range(_most_terms):
        terms.append(-terms[-1] * Fraction(2 * k + 1, 2))
    small = _tending_to_zero(power(value, Fraction(-2)))
    total = compose([_number(term) for term in terms], small)
    root = exact.apply("sqrt", [_pi()])
    return divide(total, scale(value, root))


def _inverse_error(value: Value) -> Value:
    """erfinv at ±1 and beyond."""
    if sign(value) < 0:
        return negate(_inverse_error(negate(value)))
    return _inverse_complement(subtract(ONE, value))


def _inverse_complement(value: Value) -> Value:
    """erfcinv at 0 and 2 and beyond: √L + O(log L / √L), where L = −log v; here O(L^(−1/4)) (DLMF 7.17.3)."""
    if sign(subtract(value, ONE)) > 0:
        return negate(_inverse_complement(subtract(constant(_number(2)), value)))
    if sign(value) <= 0:
        raise Outside("an inverse error function beyond ±1")
    found = finite_part(value)
    if found is None or not found[0].is_zero:
        raise Unresolved("an inverse error function at a number that is not known")
    log = negate(logarithm(value))
    root, rest = _square_root(log), power(log, Fraction(-1, 4))
    assert isinstance(root, Germ)
    assert isinstance(rest, Germ)
    return _germ(root.terms, _coarser(root.remainder, leading(rest)[0]))


def _tending_to_zero(value: Value) -> Germ:
    if isinstance(value, Exponential):
        raise Unresolved("a special function of an exponential")
    return _germ_of(value)


def _hankel(order: int, sign_of_terms: int) -> list[Number]:
    """(±1)ᵏ aₖ(m) of the asymptotic expansions of Bessel functions (DLMF 10.17.1 and 10.40.1)."""
    found = [Fraction(1)]
    for k in range(1, _most_terms + 1):
        step = Fraction(4 * order**2 - (2 * k - 1) ** 2, 8 * k)
        found.append(found[-1] * step * sign_of_terms)
    return [_number(term) for term in found]


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
                coefficients = [
                    exact.known(ball)
                    for ball in series.taylor_of_order(
                        operation, order, center.ball, _most_terms + 1
                    )
                ]
            except series.SingularError:
                return otherwise(order, value)
            return compose(coefficients, small)

        return apply

    return of_order


def _first_kind(order: int, value: Value) -> Value:
    """Jₘ(v) = O(v^(−1/2)) at ±∞ (DLMF 10.17.3)."""
    return _wave(value)


def _wave(value: Value) -> Value:
    size = leading(_germ_of(power(magnitude(value), Fraction(-1, 2))))[0]
    return Oscillation(ZERO, size)


def _growing(order: int, value: Value) -> Value:
    """Iₘ(v) = e^v / √(2πv) · Σ (−1)ᵏ aₖ(m) v^(−k) (DLMF 10.40.1), and Iₘ(−v) = (−1)ᵐ Iₘ(v)."""
    if finite_part(value) is not None:
        raise Unresolved("a Bessel function at a number that is not known")
    if sign(value) < 0:
        mirrored = _growing(order, negate(value))
        return negate(mirrored) if order % 2 else mirrored
    small = _tending_to_zero(divide(ONE, value))
    tail = compose(_hankel(order, -1), small)
    root = _square_root(scale(value, _number(2) * _pi()))
    return divide(multiply(exponential(value), tail), root)


def _falling(order: int, value: Value) -> Value:
    """Kₘ(v) = e^(−v) √(π/(2v)) Σ aₖ(m) v^(−k) at ∞ (DLMF 10.40.2)."""
    _on_the_right(value)
    if finite_part(value) is not None:
        return _at_its_pole(order, value, Fraction(1, 2), Fraction(-1))
    small = _tending_to_zero(divide(ONE, value))
    tail = compose(_hankel(order, 1), small)
    root = _square_root(scale(small, _pi() * _number(0.5)))
    return multiply(multiply(exponential(negate(value)), tail), root)


def _second_kind(order: int, value: Value) -> Value:
    _on_the_right(value)
    if finite_part(value) is None:
        return _wave(value)
    two_over_pi = _number(2) / _pi()
    flip = -1 if order < 0 and order % 2 else 1
    mirrored = _at_its_pole(order, value, Fraction(-flip, 2), Fraction(flip))
    return scale(mirrored, two_over_pi)


def _on_the_right(value: Value) -> None:
    if sign(value) < 0:
        raise Outside("a Bessel function of the second kind of a negative number")


def _at_its_pole(order: int, value: Value, pole: Fraction, log: Fraction) -> Value:
    """At 0+: pole · (|m| − 1)! (v/2)^(−|m|), or for m = 0 log · (log(v/2) + γ) (DLMF 10.8.1 and 10.31.1)."""
    found = finite_part(value)
    if found is None or not found[0].is_zero:
        raise Unresolved("a Bessel function at a number that is not known")
    half = scale(value, 0.5)
    m = abs(order)
    if m == 0:
        gamma = -exact.apply("digamma", [exact.ONE])
        main = scale(add(logarithm(half), constant(gamma)), log)
        tail = multiply(multiply(half, half), logarithm(half))
    else:
        factor = pole * math.factorial(m - 1)
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
    """sin or cos; of what grows without bound it takes every value of [−1, 1] again and again."""

    def oscillate(value: Value) -> Value:
        if isinstance(value, Oscillation):
            raise Unresolved("a function of what oscillates")
        return Oscillation(ZERO, UNIT, swings=2)

    return _analytic_or(operation, oscillate)


def _sinc(value: Value) -> Value:
    angle = scale(value, _pi())
    return divide(_periodic("sin")(angle), angle)


def _sign(value: Value) -> Value:
    return constant(_number(sign(value)))


def _larger(first: Value, second: Value) -> Value:
    return first if sign(subtract(first, second)) >= 0 else second


def _smaller(first: Value, second: Value) -> Value:
    return second if sign(subtract(first, second)) >= 0 else first


def _hypotenuse(first: Value, second: Value) -> Value:
    return _square_root(add(multiply(first, first), multiply(second, second)))


def _angle(y: Value, x: Value) -> Value:
    """atan2 by the quotient that stays bounded (IEEE 754-2019, section 9.2)."""
    pi = _pi()
    if is_zero(x) and is_zero(y):
        return ZERO
    if sign(subtract(magnitude(x), magnitude(y))) >= 0:
        tilt: Value = _functions["atan"](divide(y, x))
        if sign(x) > 0:
            return tilt
        if is_zero(y):
            raise OnCut("the reals do not tell the sign of a zero")
        return add(tilt, constant(-pi if sign(y) < 0 else pi))
    tilt = _functions["atan"](divide(x, y))
    return subtract(constant(pi * _number(Fraction(sign(y), 2))), tilt)


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
    if not isinstance(value, Germ) or value.remainder is not None:
        return None
    if len(value.terms) != 1 or value.terms[0][0] != UNIT:
        return None
    return value.terms[0][1].rational


def _whole_part(value: Value, *, up: bool) -> Value:
    """floor or ceil: constant beside any point; at an integer the side tells which."""
    found = finite_part(value)
    if found is None:
        return Oscillation(_germ_of(value), UNIT, jumps=True)
    center, small = found
    whole = _whole_below(center)
    if center.rational == whole:
        whole += sign(small) > 0 if up else -(sign(small) < 0)
    elif up:
        whole += 1
    return constant(_number(whole))


def _whole_below(center: Number) -> int:
    if center.rational is not None:
        return math.floor(center.rational)
    whole = balls.OPERATIONS["floor"](center.ball)
    value = balls.rational(whole)
    if value is None:
        raise Unresolved("a number that may be an integer")
    return int(value)


def _finite(value: Value) -> Value:
    """nan_to_num: what it puts in the place of an infinity is no limit."""
    found = finite_part(value)
    if found is None or not balls.is_finite(found[0].ball):
        raise Unresolved("`nan_to_num` replaces what is not finite")
    return value


def _above(first: Value, second: Value) -> Value:
    side = sign(subtract(first, second))
    if side == 0:
        raise Unresolved("two operands that are equal all along")
    return ONE if side > 0 else ZERO


_functions: dict[str, Callable[..., Any]] = {
    "identity": lambda v: v,
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "pow": _general_power,
    "neg": negate,
    "square": lambda v: power(v, Fraction(2)),
    "reciprocal": lambda v: divide(ONE, v),
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
    "log1p": _analytic_or("log1p", lambda v: logarithm(add(ONE, v))),
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
    "sinc": _analytic_or("sinc", _sinc),
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
    function = _functions.get(operation)
    if operation in _ordered:
        order = _constant_of(operands[0])
        if order is None:
            raise Unresolved("an order that is not known")
        function, operands = _ordered[operation](int(order)), operands[1:]
    if function is None:
        raise Unresolved(f"`{operation}` is known by its definition alone")
    try:
        return function(*operands)
    except exact.Undecided as failure:
        raise Unresolved(str(failure)) from failure
