"""Preconditions: what is proved of exact numbers, and what is not."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.language.programs.parsing import parse_condition
from verifier.symbolic.calculus.precondition import Precondition

numbers = st.floats(allow_nan=False, allow_infinity=False)


def holds(text: str, **point: float) -> bool:
    return Precondition(parse_condition(text, variables=point)).holds(point)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x < y", {"x": 1.0, "y": math.nextafter(1, 2)}),
        ("x <= y", {"x": 1.0, "y": 1.0}),
        ("x == 1/4", {"x": 0.25}),
        ("x > 1/10", {"x": 0.1}),  # the double is 0.1000000000000000055…
        ("x + 1 > 1", {"x": 5e-324}),
        ("exp(x) > 1", {"x": 5e-324}),
        ("2/10*x + 1/2 == 1", {"x": 2.5}),  # no ball holds 2/10 exactly
        ("0 < x < y < 1", {"x": 0.1, "y": 0.2}),
        ("x == 0", {"x": -0.0}),
        ("x < 0 or log(x) > 1", {"x": -1.0}),
        ("not (x > 0 and sqrt(x) > 1)", {"x": -1.0}),
        ("x > 0", {"x": math.inf}),
        ("-1 > x", {"x": -math.inf}),
        ("where(x > 0, x, -x) > 1", {"x": -2.0}),
        ("sin(x) < x", {"x": 1e-100}),
    ],
)
def test_what_is_true_is_proved(text: str, point: dict[str, float]) -> None:
    assert holds(text, **point)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x < y", {"x": 1.0, "y": 1.0}),
        ("x > 3/10", {"x": 0.3}),  # the double is 0.2999999999999999888…
        ("x != 0", {"x": -0.0}),
        ("log(x) > 1", {"x": -1.0}),
        ("not log(x) > 1", {"x": -1.0}),
        ("1/x > 0", {"x": 0.0}),
        ("x > 0", {"x": math.nan}),
        ("x != 0", {"x": math.nan}),
        ("x < 0", {"x": math.inf}),
        ("x + 1 > 0", {"x": math.inf}),  # nothing is proved of arithmetic with it
        ("sin(x)**2 + cos(x)**2 == 1", {"x": 1.0}),  # true, and no ball proves it
        ("sin(x) > x", {"x": 1e-100}),
    ],
)
def test_what_is_false_undefined_or_undecided_is_not_proved(
    text: str, point: dict[str, float]
) -> None:
    assert not holds(text, **point)


@settings(derandomize=True, max_examples=300)
@given(numbers, numbers, st.sampled_from([-1.5, 0.25, 2.0]))
def test_rational_conditions_are_those_of_exact_arithmetic(
    x: float, y: float, a: float
) -> None:
    u, v, w = Fraction(x), Fraction(y), Fraction(a)
    assert holds("x*y + a < x", x=x, y=y, a=a) == (u * v + w < u)
    assert holds("x - y >= a/3", x=x, y=y, a=a) == (u - v >= w / 3)
    assert holds("x < y or x == a", x=x, y=y, a=a) == (u < v or u == w)
