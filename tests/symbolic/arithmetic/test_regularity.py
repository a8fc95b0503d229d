"""An operation knows where it is smooth."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.regularity import Regularity, regularity_of

ONE, TWO = balls.exact(1), balls.exact(2)
WIDE = balls.around(balls.exact(1), balls.exact(Fraction(1, 2)))
SMOOTH, EDGE = Regularity.SMOOTH, Regularity.EDGE
OUTSIDE, UNSURE = Regularity.OUTSIDE, Regularity.UNSURE
AT_ZERO = balls.around(balls.exact(0), balls.exact(Fraction(1, 8)))


def _b(*values: float) -> list[Any]:
    return [balls.exact(value) for value in values]


@pytest.mark.parametrize(
    ("name", "operands", "operand", "expected"),
    [
        ("sqrt", _b(4), 0, SMOOTH),
        ("sqrt", _b(0), 0, EDGE),
        ("sqrt", _b(-1), 0, OUTSIDE),
        ("sqrt", [AT_ZERO], 0, UNSURE),
        ("rsqrt", _b(0), 0, EDGE),
        ("log", _b(2), 0, SMOOTH),
        ("log", _b(2.0**-1074), 0, SMOOTH),
        ("log", _b(0), 0, EDGE),
        ("log", _b(-2), 0, OUTSIDE),
        ("log1p", _b(-1), 0, EDGE),
        ("log1p", _b(-2), 0, OUTSIDE),
        ("asin", _b(1), 0, EDGE),
        ("asin", _b(-1), 0, EDGE),
        ("asin", _b(1.5), 0, OUTSIDE),
        ("asin", _b(0.5), 0, SMOOTH),
        ("acos", _b(-1), 0, EDGE),
        ("acosh", _b(1), 0, EDGE),
        ("acosh", _b(0.5), 0, OUTSIDE),
        ("atanh", _b(1), 0, EDGE),
        ("atanh", _b(-1.25), 0, OUTSIDE),
        ("abs", _b(0), 0, EDGE),
        ("abs", [AT_ZERO], 0, UNSURE),
        ("relu", _b(0), 0, EDGE),
        ("sign", _b(0), 0, EDGE),
        ("cbrt", _b(0), 0, EDGE),
        ("cbrt", _b(-8), 0, SMOOTH),
        ("reciprocal", _b(0), 0, EDGE),
        ("csc", _b(0), 0, EDGE),
        ("coth", _b(0), 0, EDGE),
        ("exp", _b(0), 0, SMOOTH),
        ("div", _b(1, 0), 0, EDGE),
        ("div", _b(0, 0), 1, EDGE),
        ("div", _b(0, 3), 1, SMOOTH),
        ("div", [ONE, AT_ZERO], 1, UNSURE),
        ("pow", _b(2, 0.5), 0, SMOOTH),
        ("pow", _b(2, -3), 1, SMOOTH),
        ("pow", _b(-2, 3), 0, SMOOTH),
        ("pow", _b(-2, -3), 0, SMOOTH),
        ("pow", _b(-2, 3), 1, OUTSIDE),
        ("pow", _b(-2, 0.5), 0, OUTSIDE),
        ("pow", _b(0, 3), 0, SMOOTH),
        ("pow", _b(0, 0), 0, SMOOTH),
        ("pow", _b(0, -1), 0, EDGE),
        ("pow", _b(0, 0.5), 0, EDGE),
        ("pow", _b(0, 1.5), 0, EDGE),
        ("pow", [AT_ZERO, balls.exact(0.5)], 0, UNSURE),
        ("pow", [AT_ZERO, balls.exact(2)], 0, SMOOTH),
        ("pow", [AT_ZERO, balls.exact(-2)], 0, UNSURE),
        ("hypot", _b(0, 0), 0, EDGE),
        ("hypot", _b(0, 1), 0, SMOOTH),
        ("hypot", _b(3, 0), 1, SMOOTH),
        ("hypot", [AT_ZERO, balls.exact(0)], 0, UNSURE),
        ("atan2", _b(0, 1), 0, SMOOTH),
        ("atan2", _b(1, 0), 0, SMOOTH),
        ("atan2", _b(0, 0), 0, EDGE),
        ("atan2", _b(0, 0), 1, EDGE),
        ("atan2", _b(0, -1), 0, EDGE),
        ("atan2", _b(0, -1), 1, SMOOTH),
        ("atan2", [AT_ZERO, balls.exact(-1)], 0, UNSURE),
        ("atan2", [balls.exact(0), AT_ZERO], 0, UNSURE),
        ("atan2", _b(2.0**-1074, -1), 0, SMOOTH),
        ("lgamma", _b(0.5), 0, SMOOTH),
        ("lgamma", _b(0), 0, EDGE),
        ("lgamma", _b(-3), 0, EDGE),
        ("lgamma", _b(-3.5), 0, SMOOTH),
        ("lgamma", [AT_ZERO], 0, UNSURE),
        ("digamma", _b(-1), 0, EDGE),
        ("digamma", _b(-0.5), 0, SMOOTH),
        ("polygamma", _b(2, -1), 1, EDGE),
        ("polygamma", _b(2, 1), 1, SMOOTH),
        ("max", _b(1, 2), 0, SMOOTH),
        ("max", _b(2, 2), 0, EDGE),
        ("max", [WIDE, ONE], 0, UNSURE),
        ("min", _b(-1, -1), 1, EDGE),
    ],
)
def test_an_operation_knows_where_it_is_smooth(
    name: str, operands: list[Any], operand: int, expected: Regularity
) -> None:
    assert regularity_of(name, operands, operand) is expected
