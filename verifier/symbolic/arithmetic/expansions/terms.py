"""Expansions as data: their terms by size, and what is read off them: sign, limit,
finite part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction

from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.exact import Number


class Unresolved(Exception):
    """The expansion does not tell: a leading coefficient may be zero, or the function
    oscillates."""


class OnCut(Unresolved):
    """atan2 on its branch cut, all along."""


class NoLimit(Exception):
    """There is none: the function oscillates."""


class Outside(Exception):
    """The function is not defined on this side of the point."""


_kept_terms: ContextVar[int] = ContextVar("kept_terms", default=8)
"""Terms kept of an expansion; what cancellation eats beyond them is unresolved, never
guessed."""


def kept_terms() -> int:
    """How many terms of an expansion are kept."""
    return _kept_terms.get()


@contextmanager
def keeping(terms: int) -> Iterator[None]:
    """So many terms are kept of every expansion."""
    token = _kept_terms.set(terms)
    try:
        yield
    finally:
        _kept_terms.reset(token)


Size = tuple[Fraction | float | int, Fraction | int, Fraction | int]
"""(e, −m, −n) of t^e·ℓ^m·λ^n: the smaller, the larger the term as t → 0+."""

UNIT: Size = (0, 0, 0)

FLAT: Size = (math.inf, 0, 0)
"""Smaller than every power of t."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Σ c·t^e·ℓ^m·λ^n, the largest term first, + O(remainder); None for an exact
    expansion."""

    terms: tuple[tuple[Size, Number], ...] = ()
    remainder: Size | None = None


@dataclass(frozen=True, slots=True)
class Exponential:
    """sign·exp(log), where log tends to ±∞ faster than any multiple of ℓ."""

    sign: int
    log: Expansion


@dataclass(frozen=True, slots=True)
class Oscillation:
    """main + O(size), where the rest may oscillate, so that no order of its derivative
    is known.

    `swings` says of the rest, divided by its size, that it has no limit itself (1), or
    even that it comes back to two numbers of opposite sign again and again (2);
    `jumps`, that it is not continuous.
    """

    main: Expansion
    size: Size
    swings: int = 0
    jumps: bool = False


Value = Expansion | Exponential | Oscillation


def constant(number: Number | Ball) -> Expansion:
    """The expansion of a number."""
    return collected([(UNIT, as_number(number))], None)


def monomial(coefficient: Number | Ball, exponent: int) -> Expansion:
    """coefficient · t^exponent."""
    return collected([((exponent, 0, 0), as_number(coefficient))], None)


def as_number(number: Number | Ball | float | Fraction) -> Number:
    """A number with its form, as far as it has one."""
    if isinstance(number, Number):
        return number
    if isinstance(number, int | float | Fraction):
        return exact.rational(number)
    return exact.of_ball(number)


def collected(
    terms: Iterable[tuple[Size, Number]], remainder: Size | None
) -> Expansion:
    """The expansion of terms in any order: like ones added, exact zeros and what the
    remainder hides dropped."""
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
    if len(kept) > kept_terms():
        remainder = kept[kept_terms()][0]
        kept = kept[: kept_terms()]
    return Expansion(tuple(kept), remainder)


def size_product(first: Size, second: Size) -> Size:
    """The size of a product of two terms."""
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def size_power(size: Size, exponent: Fraction | int) -> Size:
    """The size of a power of a term."""
    if isinstance(exponent, Fraction):
        exponent = exponent.numerator if exponent.denominator == 1 else exponent
    return size[0] * exponent, size[1] * exponent, size[2] * exponent


def coarser(*sizes: Size | None) -> Size | None:
    """The largest of some remainders; None of exact ones."""
    return min((size for size in sizes if size is not None), default=None)


ZERO = Expansion()

ONE = constant(exact.ONE)


def is_zero(value: Value) -> bool:
    """Whether the value is zero all along, and exactly."""
    return isinstance(value, Expansion) and not value.terms and value.remainder is None


def leading(expansion: Expansion) -> tuple[Size, Number]:
    """The largest term of a expansion that is not zero; its coefficient is proved not
    to vanish."""
    if not expansion.terms:
        raise Unresolved("nothing is left of the expansion")
    size, coefficient = expansion.terms[0]
    if not coefficient.sign():
        raise Unresolved("a leading coefficient may be zero")
    return size, coefficient


def sign(value: Value) -> int:
    """The sign that the value has for all small t."""
    if isinstance(value, Exponential):
        return value.sign
    if is_zero(value):
        return 0
    return leading(main_part(value))[1].sign() or 0


def has_sign(value: Value) -> bool:
    """Whether the value is proved to be of one sign for all small t, and not zero."""
    try:
        return bool(sign(value))
    except Unresolved:
        return False


def main_part(value: Value) -> Expansion:
    """The value as a expansion, of whose leading term a smaller oscillation says
    nothing."""
    if isinstance(value, Expansion):
        return value
    if isinstance(value, Exponential):
        raise Unresolved("a function of an exponential that is not expanded")
    if value.main.terms and value.main.terms[0][0] < value.size:
        return value.main
    raise Unresolved("what oscillates may be of either sign")


def separated(
    expansion: Expansion,
) -> tuple[list[tuple[Size, Number]], Number, Expansion]:
    """The infinite terms, the constant one, and the rest, which tends to zero."""
    if expansion.remainder is not None and expansion.remainder <= UNIT:
        raise Unresolved("the remainder hides the constant term")
    infinite = [term for term in expansion.terms if term[0] < UNIT]
    middle = [c for size, c in expansion.terms if size == UNIT]
    small = tuple(term for term in expansion.terms if term[0] > UNIT)
    return (
        infinite,
        middle[0] if middle else exact.ZERO,
        Expansion(small, expansion.remainder),
    )


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
        if not balls.is_finite(coefficient.ball):
            raise Unresolved("a number beyond Arb's exponents")
        return Limit(coefficient)
    return Limit(None, sign(value))


def _limit_of_oscillation(value: Oscillation) -> Limit:
    main = value.main.terms[0][0] if value.main.terms else None
    if value.jumps and (main is None or main >= UNIT):
        # The remainder of 7 by y tends to 0 with y, jumping without end: no number
        # continues it to y = 0.
        raise Unresolved("infinitely many jumps")
    if value.size > UNIT or (main is not None and main < min(value.size, UNIT)):
        return limit(value.main)
    enough = 1 if value.size == UNIT else 2
    if value.swings >= enough and (main is None or main > value.size or main == UNIT):
        raise NoLimit("the function oscillates without a limit")
    raise Unresolved("the function may oscillate without a limit")


def finite_part(value: Value) -> tuple[Number, Expansion] | None:
    """The limit of a value and how it is approached, or None where the limit is
    infinite."""
    if isinstance(value, Exponential):
        if sign(value.log) > 0:
            return None
        return exact.ZERO, Expansion((), FLAT)
    if isinstance(value, Oscillation):
        if limit(value).ball is not None:
            raise Unresolved("a function of what oscillates")
        return None
    infinite, middle, small = separated(value)
    if infinite:
        leading(value)
        return None
    return middle, small


def rational_constant(value: Value) -> Fraction | None:
    """The rational that a expansion is all along, if it is one and the balls know it
    exactly."""
    if is_zero(value):
        return Fraction(0)
    if not isinstance(value, Expansion) or value.remainder is not None:
        return None
    if len(value.terms) != 1 or value.terms[0][0] != UNIT:
        return None
    return value.terms[0][1].rational
