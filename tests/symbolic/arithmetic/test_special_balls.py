"""Jacobi polynomials where the recurrence divides by 0, against their explicit sum in
fractions (mpmath's is NaN there)."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from verifier.symbolic.arithmetic import balls, special_balls, special_series

BITS = 160
PLACES = [Fraction(-3, 2), Fraction(-1), Fraction(3, 8), Fraction(1), Fraction(2)]
MINUS_ONE = Fraction(-1)


def binomial(top: Fraction, k: int) -> Fraction:
    return math.prod((top - i for i in range(k)), start=Fraction(1)) / math.factorial(k)


def power(base: Fraction, k: int) -> tuple[Fraction, Fraction]:
    """baseᵏ and its derivative by twice the base."""
    return base**k, Fraction(k, 2) * base ** (k - 1) if k else Fraction(0)


def explicit(
    n: int, a: Fraction, b: Fraction, x: Fraction
) -> tuple[Fraction, Fraction]:
    """Pₙ⁽ᵅ ᵝ⁾(x) and its derivative (DLMF 18.5.8)."""
    value = slope = Fraction(0)
    for k in range(n + 1):
        factor = binomial(n + a, n - k) * binomial(n + b, k)
        (low, low_slope), (high, high_slope) = (
            power((x - 1) / 2, k),
            power((x + 1) / 2, n - k),
        )
        value += factor * low * high
        slope += factor * (low_slope * high + low * high_slope)
    return value, slope


@pytest.mark.parametrize("x", PLACES)
def test_the_explicit_sum_is_the_cubic_worked_out_by_hand(x: Fraction) -> None:
    by_hand = (x * (x * x - 1) / 2, (3 * x * x - 1) / 2)
    assert explicit(3, MINUS_ONE, MINUS_ONE, x) == by_hand


@pytest.mark.parametrize(
    ("n", "a", "b"),
    [
        (3, MINUS_ONE, MINUS_ONE),
        (5, Fraction(-2), MINUS_ONE),
        (4, Fraction(-3), Fraction(-3)),
        (2, Fraction(-3, 2), Fraction(-1, 2)),
        (5, Fraction(-1, 4), Fraction(-7, 4)),
        (20, Fraction(-4), Fraction(-7)),
        (5, MINUS_ONE, Fraction(-1, 2)),  # by the recurrence
    ],
)
@pytest.mark.parametrize("x", PLACES)
def test_a_jacobi_polynomial_is_its_explicit_sum(
    n: int, a: Fraction, b: Fraction, x: Fraction
) -> None:
    with balls.workprec(BITS):
        operands = [balls.exact(number) for number in (Fraction(n), a, b, x)]
        at_point = special_balls.OPERATIONS["eval_jacobi"](*operands)
        terms = special_series.coefficients("eval_jacobi", operands, 3, 2)
        value, slope = explicit(n, a, b, x)
        for ball, true in [(at_point, value), (terms[0], value), (terms[1], slope)]:
            ends = balls.enclosure(ball)
            assert ends.lower <= true <= ends.upper
            assert ends.upper - ends.lower < Fraction(1, 1 << (BITS // 2))
