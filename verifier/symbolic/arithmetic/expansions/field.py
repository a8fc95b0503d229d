"""The field of expansions: sums, products, powers, exponentials, logarithms, and Taylor
series of other functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, exact, exact_functions, series
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions.terms import (
    FLAT,
    ONE,
    UNIT,
    ZERO,
    Expansion,
    Exponential,
    Oscillation,
    Outside,
    Size,
    Unresolved,
    Value,
    as_number,
    coarser,
    collected,
    constant,
    finite_part,
    has_sign,
    is_zero,
    kept_terms,
    leading,
    limit,
    main_part,
    separated,
    sign,
    size_power,
    size_product,
)


def add(first: Value, second: Value) -> Value:
    """The sum."""
    if isinstance(first, Expansion) and isinstance(second, Expansion):
        remainder = coarser(first.remainder, second.remainder)
        return collected([*first.terms, *second.terms], remainder)
    if isinstance(first, Oscillation) or isinstance(second, Oscillation):
        return _sum_of_oscillations(first, second)
    if is_zero(first):
        return second
    if is_zero(second):
        return first
    if isinstance(first, Expansion):
        return add(second, first)
    assert isinstance(first, Exponential)
    if isinstance(second, Expansion):
        if sign(first.log) < 0:  # smaller than every power of t
            return collected(second.terms, coarser(second.remainder, FLAT))
        return Exponential(first.sign, _flattened(first.log))
    gap = subtract(first.log, second.log)
    assert isinstance(gap, Expansion)
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
        (_as_oscillation(first), _as_oscillation(second)), key=lambda parts: parts[1]
    )
    total = add(main, other)
    assert isinstance(total, Expansion)
    jumps = _jumps(first) or _jumps(second)
    return Oscillation(total, size, swings if size < smaller else 0, jumps)


def _jumps(value: Value) -> bool:
    return isinstance(value, Oscillation) and value.jumps


NOTHING: Size = (math.inf, math.inf, math.inf)  # type: ignore[assignment]


def _as_oscillation(value: Value) -> tuple[Expansion, Size, int]:
    if isinstance(value, Oscillation):
        return value.main, value.size, value.swings
    if isinstance(value, Exponential):
        if sign(value.log) > 0:
            raise Unresolved("an oscillation beside an exponential")
        return Expansion((), FLAT), NOTHING, 0
    return value, NOTHING, 0


def _flattened(expansion: Expansion) -> Expansion:
    return Expansion(expansion.terms, coarser(expansion.remainder, FLAT))


def negate(value: Value) -> Value:
    """The negative."""
    if isinstance(value, Exponential):
        return Exponential(-value.sign, value.log)
    if isinstance(value, Oscillation):
        main = negate(value.main)
        assert isinstance(main, Expansion)
        return Oscillation(main, value.size, value.swings, value.jumps)
    return Expansion(tuple((size, -c) for size, c in value.terms), value.remainder)


def subtract(first: Value, second: Value) -> Value:
    """The difference."""
    if first is second:
        return ZERO
    return add(first, negate(second))


def multiply(first: Value, second: Value) -> Value:
    """The product."""
    if is_zero(first) or is_zero(second):
        return ZERO
    if isinstance(first, Expansion) and isinstance(second, Expansion):
        return _product(first, second)
    if isinstance(first, Oscillation) or isinstance(second, Oscillation):
        return _product_of_oscillations(first, second)
    if isinstance(first, Expansion):
        return multiply(second, first)
    assert isinstance(first, Exponential)
    if isinstance(second, Exponential):
        total = exponential(add(first.log, second.log))
        return total if first.sign == second.sign else negate(total)
    if not second.terms and sign(first.log) < 0:
        return Expansion((), FLAT)
    log = add(first.log, logarithm(magnitude(second)))
    assert isinstance(log, Expansion)
    return Exponential(first.sign * sign(second), log)


def _product(first: Expansion, second: Expansion) -> Expansion:
    remainder = None
    for one, other in ((first, second), (second, first)):
        if other.remainder is not None:
            largest = one.terms[0][0] if one.terms else one.remainder
            assert largest is not None
            remainder = coarser(remainder, size_product(largest, other.remainder))
    terms = [
        (total, coefficient * factor)
        for size, coefficient in first.terms
        for other, factor in second.terms
        for total in (size_product(size, other),)
        if remainder is None or total < remainder
    ]
    return collected(terms, remainder)


def _product_of_oscillations(first: Value, second: Value) -> Value:
    """(f + a)(g + b) = fg + O(fb) + O(ga) + O(ab)."""
    (main, size, swings), (other, smaller, turns) = (
        _as_oscillation(first),
        _as_oscillation(second),
    )
    product = multiply(main, other)
    assert isinstance(product, Expansion)
    sizes = [size_product(size, smaller)]
    sizes += [
        size_product(_largest(main), smaller),
        size_product(size, _largest(other)),
    ]
    still = swings if isinstance(second, Expansion) and has_sign(second) else 0
    if isinstance(first, Expansion) and has_sign(first):
        still = turns
    jumps = _jumps(first) or _jumps(second)
    return Oscillation(product, min(sizes), still, jumps)


def _largest(expansion: Expansion) -> Size:
    if expansion.terms:
        return expansion.terms[0][0]
    return NOTHING if expansion.remainder is None else expansion.remainder


def scale(value: Value, number: Number | Ball | float | Fraction) -> Value:
    """The value times a number."""
    return multiply(value, constant(as_number(number)))


def power(value: Value, exponent: Fraction) -> Value:
    """The value to a rational power."""
    if exponent == 0:
        return constant(exact.ONE)
    if is_zero(value):
        if exponent < 0:
            raise Outside("a power of zero")
        return ZERO
    whole = exponent.denominator == 1
    if whole and 0 < exponent <= MOST_FACTORS and not has_sign(value):
        return _repeated(value, int(exponent))
    if sign(value) < 0 and not whole:
        raise Outside("a broken power of a negative number")
    flips = sign(value) < 0 and exponent.numerator % 2 == 1
    result = _positive_power(magnitude(value), exponent)
    return negate(result) if flips else result


MOST_FACTORS = 16
"""Of a power that is multiplied out where the base may have any sign."""


def _repeated(value: Value, times: int) -> Value:
    result: Value = ONE
    for _ in range(times):
        result = multiply(result, value)
    return result


def _positive_power(value: Value, exponent: Fraction) -> Value:
    if isinstance(value, Exponential):
        return exponential(scale(value.log, exponent))
    if isinstance(value, Oscillation):
        main = _positive_power(main_part(value), exponent)
        return _beside(value, main, exponent - 1)
    (size, coefficient), rest = leading(value), _relative_rest(value)
    head = Expansion(
        ((size_power(size, exponent), exact.power(coefficient, exponent)),)
    )
    return multiply(head, compose(_binomial(exponent), rest))


def _beside(value: Oscillation, main: Value, exponent: Fraction | int) -> Oscillation:
    """f(main + O(size)), where f(main) is given and f′ is of the order of main to a
    power."""
    assert isinstance(main, Expansion)
    steepness = size_power(leading(value.main)[0], exponent)
    return Oscillation(main, size_product(value.size, steepness), jumps=value.jumps)


def _relative_rest(expansion: Expansion) -> Expansion:
    """expansion / its leading term − 1."""
    size, coefficient = leading(expansion)
    back = size_power(size, -1)
    terms = [
        (size_product(other, back), c / coefficient) for other, c in expansion.terms[1:]
    ]
    remainder = (
        None if expansion.remainder is None else size_product(expansion.remainder, back)
    )
    return collected(terms, remainder)


def _binomial(exponent: Fraction) -> list[Number]:
    coefficients, current = [], Fraction(1)
    for index in range(kept_terms() + 1):
        coefficients.append(as_number(current))
        current = current * (exponent - index) / (index + 1)
    return coefficients


def square_root(value: Value) -> Value:
    """The square root."""
    return power(value, Fraction(1, 2))


def divide(first: Value, second: Value) -> Value:
    """The quotient."""
    if is_zero(second):
        raise Outside("a division by zero")
    if isinstance(first, Expansion) and isinstance(second, Expansion):
        if len(second.terms) == 1 and second.remainder is None:
            size, coefficient = leading(second)
            back = size_power(size, -1)
            terms = [
                (size_product(other, back), c / coefficient) for other, c in first.terms
            ]
            cut = first.remainder and size_product(first.remainder, back)
            return collected(terms, cut)
    return multiply(first, power(second, Fraction(-1)))


def magnitude(value: Value) -> Value:
    """The absolute value."""
    return negate(value) if sign(value) < 0 else value


def compose(coefficients: Sequence[Number], small: Expansion) -> Expansion:
    """Σ aₖ·smallᵏ, for a expansion that tends to zero; the remainder is that of the
    series cut off."""
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
        total = add(total, Expansion((), size_power(largest, count)))
    assert isinstance(total, Expansion)
    return total


def exponential(value: Value) -> Value:
    """e to the value."""
    if isinstance(value, Exponential):
        if sign(value.log) < 0:
            return Expansion(((UNIT, exact.ONE),), FLAT)
        raise Unresolved("an exponential of an exponential")
    if isinstance(value, Oscillation):
        return _of_oscillation("exp", value)
    infinite, middle, small = separated(value)
    if not infinite:
        head = exact_functions.apply("exp", [middle])
        return compose([head * c for c in _exponential_series()], small)
    if all(size in (LOGARITHM, DOUBLE_LOGARITHM) for size, _ in infinite):
        rest = Expansion(((UNIT, middle),)) if not middle.is_zero else ZERO
        return multiply(_powers_of_logarithms(infinite), exponential(add(rest, small)))
    leading(Expansion(tuple(infinite)))
    if any(size[0] == 0 and size[1] > -1 for size, _ in infinite):
        raise Unresolved("an exponential of a root of a logarithm")
    return Exponential(1, value)


LOGARITHM: Size = (0, -1, 0)

DOUBLE_LOGARITHM: Size = (0, 0, -1)

NARROW = 2**20
"""The fineness of a rational number below an irrational exponent."""


def _powers_of_logarithms(infinite: Sequence[tuple[Size, Number]]) -> Expansion:
    """exp(aℓ + bλ) = t^(−a)·ℓ^b; of an irrational a < 0 no more than an order."""
    powers = dict(infinite)
    logs = powers.get(LOGARITHM, exact.ZERO)
    double = powers.get(DOUBLE_LOGARITHM, exact.ZERO).rational
    if logs.rational is not None and double is not None:
        return Expansion((((-logs.rational, -double, 0), exact.ONE),))
    if not logs.ball < 0:
        raise Unresolved("an irrational power")
    least = (-balls.enclosure(logs.ball).upper * NARROW).__floor__() - 1
    return Expansion((), (Fraction(least, NARROW), 0, 0))


def _exponential_series() -> list[Number]:
    return [
        as_number(Fraction(1, math.factorial(index)))
        for index in range(kept_terms() + 1)
    ]


def logarithm(value: Value) -> Value:
    """The natural logarithm."""
    if is_zero(value) or sign(value) < 0:
        raise Outside("a logarithm of no positive number")
    if isinstance(value, Exponential):
        return value.log
    if isinstance(value, Oscillation):
        return _beside(value, logarithm(main_part(value)), -1)
    expansion = main_part(value)
    size, coefficient = leading(expansion)
    if size[2] != 0:
        raise Unresolved("a logarithm of a logarithm of a logarithm")
    head = collected(
        [
            (LOGARITHM, as_number(-Fraction(size[0]))),
            (DOUBLE_LOGARITHM, as_number(-Fraction(size[1]))),
            (UNIT, exact_functions.apply("log", [coefficient])),
        ],
        None,
    )
    coefficients = [exact.ZERO] + [
        as_number(Fraction((-1) ** (index + 1), index))
        for index in range(1, kept_terms() + 1)
    ]
    return add(head, compose(coefficients, _relative_rest(expansion)))


def analytic(operation: str, value: Value) -> Value | None:
    """The operation at a finite limit where it has a Taylor series; None at an infinite
    one or a singularity."""
    if isinstance(value, Oscillation):
        return _of_oscillation(operation, value)
    approach = finite_part(value)
    if approach is None:
        return None
    center, small = approach
    try:
        coefficients = exact_functions.taylor_coefficients(
            operation, center, kept_terms() + 1
        )
    except series.SingularError:
        return None
    return compose(coefficients, small)


def _of_oscillation(operation: str, value: Oscillation) -> Value:
    """A differentiable function of main + O(size) is that of main + O(size), where the
    size vanishes."""
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
    if not isinstance(main, Expansion) or limit(main).ball is None:
        raise Unresolved("a function of what oscillates")
    return Oscillation(main, value.size, jumps=value.jumps)
