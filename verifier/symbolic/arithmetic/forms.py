"""Forms: sums of products of powers of atoms, Σ q·Πaᵉ with rational q and e, in which
equal numbers cancel exactly.

The atoms a are integers, π, functions of other forms, and inputs that are any number of
a ball.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any

from verifier.symbolic.arithmetic import balls

MOST_PRODUCTS = 48
"""Products of monomials that are multiplied out; what is larger is a ball alone."""

MOST_BITS = 8_192
"""Of a rational number in a form."""

DEEPEST = 4
"""Functions inside one another that atoms remember."""

PRIMES = tuple(p for p in range(2, 100) if all(p % q for q in range(2, p)))

Atom = Hashable
"""An integer above 1, or (name, whether it is positive, depth, what it is a function
of)."""

Rational = int | Fraction
"""An int where it is one: those are much faster."""

Monomial = frozenset[tuple[Atom, Rational]]

Form = Mapping[Monomial, Rational]

UNIT: Monomial = frozenset()


def plain(value: Rational) -> Rational:
    """An integer as an `int`."""
    return value.numerator if value.denominator == 1 else value


PI: Atom = ("pi", True, 0)


def monomial_of(atom: Atom) -> Monomial:
    """An atom to the power 1."""
    return frozenset(((atom, 1),))


def sum_of(first: Form, second: Form) -> Form | None:
    """The sum of two forms; None where it is too long."""
    if len(first) + len(second) > MOST_PRODUCTS:
        return None
    total = dict(first)
    for monomial, factor in second.items():
        total[monomial] = total.get(monomial, 0) + factor
    return tidy(total)


def product_of(first: Form, second: Form) -> Form | None:
    """The product of two forms; None where it is too long."""
    if len(first) * len(second) > MOST_PRODUCTS:
        return None
    total: dict[Monomial, Rational] = {}
    for left, factor in first.items():
        for right, times in second.items():
            value = factor * times
            if left and right:
                monomial, whole = together(chain(left, right))
                value *= whole
            else:
                monomial = left or right
            total[monomial] = total.get(monomial, 0) + value
    return tidy(total)


def tidy(total: Mapping[Monomial, Rational]) -> Form | None:
    """A form without zeros; None where a factor has too many bits."""
    form = {monomial: plain(factor) for monomial, factor in total.items() if factor}
    for factor in form.values():
        if (
            max(factor.numerator.bit_length(), factor.denominator.bit_length())
            > MOST_BITS
        ):
            return None
    return form


def together(
    powers: Iterable[tuple[Atom, Rational]],
) -> tuple[Monomial, Rational]:
    """The monomial of atoms and their powers, and the rational factor that whole powers
    of integers make."""
    exponents: dict[Atom, Rational] = {}
    for atom, exponent in powers:
        exponents[atom] = exponents.get(atom, 0) + exponent
    factor: Rational = 1
    for atom, exponent in exponents.items():
        if isinstance(atom, int):
            whole = math.floor(exponent)
            factor *= Fraction(atom) ** whole
            exponents[atom] = exponent - whole
    return frozenset((a, plain(e)) for a, e in exponents.items() if e), factor


def ratio_of(first: Form | None, second: Form | None) -> Fraction | None:
    """The rational number that one form is of another."""
    if not first or not second or first.keys() != second.keys():
        return None
    ratios = {Fraction(first[monomial]) / second[monomial] for monomial in first}
    return ratios.pop() if len(ratios) == 1 else None


def depth_of(form: Form) -> int:
    """How deep functions stand inside one another in a form."""
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


def atom_of(
    name: str, positive: bool, forms: Sequence[Form | None], *more: Any
) -> Atom:
    """A function of forms; None where one is not known or they are too deep."""
    if any(form is None for form in forms):
        return None
    depth = 1 + max((depth_of(form) for form in forms if form), default=0)
    if depth > DEEPEST:
        return None
    keys = tuple(frozenset(form.items()) for form in forms if form is not None)
    return (name, positive, depth, keys, *more)


def _factors(number: int) -> dict[int, int]:
    """Small primes with their powers, and what is left as an integer to a power."""
    factors: dict[int, int] = {}
    for prime in PRIMES:
        while number % prime == 0:
            number //= prime
            factors[prime] = factors.get(prime, 0) + 1
    if number == 1:
        return factors
    for root in (2, 3, 5):
        base = balls.integer_root(number, root)
        if base is not None:
            return factors | {base: root}
    return factors | {number: 1}


def _powers_of(value: Rational) -> list[tuple[Atom, Rational]]:
    """A positive rational number as powers of integers."""
    above = _factors(value.numerator).items()
    return [*above, *((p, -e) for p, e in _factors(value.denominator).items())]


def as_powers(form: Form | None) -> list[tuple[Atom, Rational]] | None:
    """A positive number as powers of positive atoms, if it is one product."""
    if form is None or len(form) != 1:
        return None
    ((monomial, factor),) = form.items()
    if factor < 0 or not all(_is_positive(atom) for atom, _ in monomial):
        return None
    return [*_powers_of(factor), *monomial]


def whole_power(form: Form, exponent: int) -> Form | None:
    """A form to a power that is a positive integer, or any integer of a single
    monomial."""
    if len(form) == 1:
        ((monomial, factor),) = form.items()
        raised, whole = together((atom, e * exponent) for atom, e in monomial)
        return tidy({raised: Fraction(factor) ** exponent * whole})
    total: Form | None = {UNIT: 1}
    for _ in range(exponent):
        total = None if total is None else product_of(total, form)
    return total


def logarithm_of(monomial: Monomial) -> Any:
    """The positive atom of which a monomial is the logarithm."""
    if len(monomial) != 1:
        return None
    ((atom, exponent),) = monomial
    if exponent == 1 and isinstance(atom, tuple) and atom[0] == "log of":
        return atom[3]
    return None


def log_of_atom(atom: Any) -> Form | None:
    """The logarithm of a positive atom."""
    if isinstance(atom, tuple) and atom[0] == "exp":
        (key,) = atom[3]
        return dict(key)
    depth = 1 + (atom[2] if isinstance(atom, tuple) else 0)
    if depth > DEEPEST:
        return None
    return {monomial_of(("log of", isinstance(atom, int), depth, atom)): 1}
