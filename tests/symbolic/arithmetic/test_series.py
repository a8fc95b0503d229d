"""Power series in balls: coefficients against mpmath's and closed forms, edges refused,
nothing leaked."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import mpmath
import pytest
from rows import parameters_of
from witnesses import FURTHER

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, series, series_operations, taylor
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.series import SingularError

LENGTH = 7
BITS = 160

NUMBERS = [
    row
    for row in operations.OPERATIONS.values()
    if row.result is operations.Sort.NUMBER and row.definition is None
]
UNARY = [row.name for row in NUMBERS if row.arity == 1]

HERE: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("Ci", "Chi"), (0.25, 7.0)),
    "expi": (-1.75, 0.25, 7.0),
    **dict.fromkeys(("ellipk", "ellipe"), (-1.75, 0.375)),
    **dict.fromkeys(("polylog", "betainc", "ellipkinc", "ellipeinc"), (0.375,)),
    "acosh": (1.25, 30.0),
    "asin": (-0.75, 0.0, 0.9),
    "acos": (-0.75, 0.0, 0.9),
    "atanh": (-0.75, 0.0, 0.9),
    "log": (0.25, 7.0),
    "log2": (0.25, 7.0),
    "log10": (0.25, 7.0),
    "sqrt": (0.25, 7.0),
    "rsqrt": (0.25, 7.0),
    "log1p": (-0.5, 0.0, 7.0),
    "lgamma": (0.25, 7.5, -0.5, -3.25),
    "digamma": (0.25, 7.5, -0.5, -3.25),
    **dict.fromkeys(
        ("reciprocal", "cbrt", "abs", "sign", "relu", "csc", "cot", "csch", "coth"),
        (-2.25, 0.5),
    ),
    # Special functions
    "erfinv": (-0.75, 0.0, 0.9),
    "erfcinv": (0.25, 1.0, 1.75),
    "ndtri": (0.25, 0.5, 0.9),
    "entr": (0.25, 7.0),
    "logit": (0.25, 0.5),
    "asech": (0.25, 0.75),
    "asec": (-2.25, 1.5),
    "acsc": (-2.25, 1.5),
    "acoth": (-2.25, 1.5),
    **dict.fromkeys(("floor", "ceil"), (-2.25, -0.5, 0.5, 7.75)),
}
"""Centers at which an operation is analytic, where it is not so everywhere."""
ELSEWHERE = (-2.25, 0.0, 0.5, 3.0)

MPMATH: dict[str, Callable[[Any], Any]] = {
    "identity": lambda x: x,
    "nan_to_num": lambda x: x,
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.sign(x) * abs(x) ** (mpmath.mpf(1) / 3),
    "abs": abs,
    "relu": lambda x: max(x, 0 * x),
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "log10": lambda x: mpmath.log(x, 10),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    # Special functions
    "erfcinv": lambda x: mpmath.erfinv(1 - x),
    "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
    "sinc": mpmath.sincpi,
}
DERIVATIVES: dict[str, Callable[[Any, int], Any]] = {
    "airy_ai": lambda x, k: mpmath.airyai(x, derivative=k),
    "airy_bi": lambda x, k: mpmath.airybi(x, derivative=k),
    "airy_ai_prime": lambda x, k: mpmath.airyai(x, derivative=k + 1),
    "airy_bi_prime": lambda x, k: mpmath.airybi(x, derivative=k + 1),
}
"""Derivatives that mpmath has itself: differences of Ai take it ten seconds."""


@pytest.fixture(autouse=True)
def _precise() -> Any:
    with balls.workprec(BITS), mpmath.workprec(BITS):
        yield


def close(ball: Ball, number: Any) -> bool:
    """Whether the ball is narrow and about mpmath's number, whose differences are good
    to some 18 digits."""
    middle = mpmath.mpf(ball.mid().str(45, radius=False))
    return bool(
        balls.is_known_to(ball + 1, BITS - 30)
        and abs(middle - number) <= mpmath.mpf(10) ** -18 * (1 + abs(number))
    )


def line(center: float, slope: float, length: int = LENGTH) -> Any:
    return series.variable(balls.exact(center), balls.exact(slope), length)


def number(value: float, length: int = LENGTH) -> Any:
    return series.constant(balls.exact(value), length)


def of_log_gamma(times: int, center: float, length: int) -> list[Any]:
    """Taylor coefficients of a derivative of log |Γ|, by mpmath's polygamma."""
    with mpmath.workprec(2 * BITS):
        derivatives = [mpmath.log(abs(mpmath.gamma(center)))]
        derivatives += [mpmath.psi(k, center) for k in range(length + times)]
        return [derivatives[k + times] / math.factorial(k) for k in range(length)]


@pytest.mark.parametrize(("operation", "times"), [("lgamma", 0), ("digamma", 1)])
def test_log_gamma_and_its_derivative(operation: str, times: int) -> None:
    for center in HERE[operation]:
        found = taylor.taylor(operation, balls.exact(center), LENGTH)
        expected = of_log_gamma(times, center, LENGTH)
        assert all(close(b, c) for b, c in zip(found, expected, strict=True))


def taylor_by_mpmath(operation: str, center: Any) -> list[Any]:
    if operation in DERIVATIVES:
        slopes = [DERIVATIVES[operation](center, k) for k in range(LENGTH)]
        return [slope / math.factorial(k) for k, slope in enumerate(slopes)]
    function = (MPMATH | FURTHER).get(operation) or getattr(mpmath, operation)
    return list(mpmath.taylor(function, center, LENGTH - 1))


@pytest.mark.parametrize("operation", sorted({*UNARY} - {"lgamma", "digamma"}))
def test_taylor_coefficients_are_mpmaths(operation: str) -> None:
    for center in HERE.get(operation, ELSEWHERE):
        found = taylor.taylor(operation, balls.exact(center), LENGTH)
        with mpmath.workprec(2 * BITS):
            expected = taylor_by_mpmath(operation, mpmath.mpf(center))
        assert len(found) == LENGTH
        for ball, coefficient in zip(found, expected, strict=True):
            assert close(ball, mpmath.re(coefficient)), (center, ball, coefficient)


def _derivative_of_bessel(operation: str, order: int, x: float, k: int) -> Any:
    """The k-th derivative as a sum over orders (DLMF 10.6.7 and 10.29.5)."""
    function = getattr(mpmath, operation)
    first, second = {"besseli": (1, 1), "besselk": (-1, -1)}.get(operation, (1, -1))
    total = sum(
        math.comb(k, j)
        * first ** (k - j)
        * second**j
        * function(order - k + 2 * j, mpmath.mpf(x))
        for j in range(k + 1)
    )
    return total / 2**k


@pytest.mark.parametrize("order", [-3, -1, 0, 1, 2, 7])
@pytest.mark.parametrize("operation", ["besselj", "bessely", "besseli", "besselk"])
def test_taylor_coefficients_of_bessel_functions_are_mpmaths(
    operation: str, order: int
) -> None:
    two_sided = operation in ("besselj", "besseli")
    for center in (0.5, 7.75, *((0.0, -2.25) if two_sided else ())):
        found = taylor.taylor_of_order(operation, order, balls.exact(center), LENGTH)
        assert len(found) == LENGTH
        for k, ball in enumerate(found):
            slope = _derivative_of_bessel(operation, order, center, k)
            assert close(ball, slope / math.factorial(k)), (center, k, ball)


@pytest.mark.parametrize("operation", ["bessely", "besselk"])
@pytest.mark.parametrize("center", [0.0, -2.0])
def test_bessel_functions_of_the_second_kind_have_no_series_left_of_their_pole(
    operation: str, center: float
) -> None:
    with pytest.raises(SingularError):
        taylor.taylor_of_order(operation, 1, balls.exact(center), 3)


@pytest.mark.parametrize("operation", UNARY)
def test_a_wide_ball_encloses_the_coefficients_of_its_points(operation: str) -> None:
    center = HERE.get(operation, ELSEWHERE)[-1]
    wide = balls.around(balls.exact(center), balls.exact(2.0**-20))
    over = taylor.taylor(operation, wide, LENGTH)
    for move in (-(2.0**-20), 0.0, 2.0**-21):
        at = taylor.taylor(operation, balls.exact(center + move), LENGTH)
        assert all(w.contains(b) for w, b in zip(over, at, strict=True))


@pytest.mark.parametrize("operation", UNARY)
@pytest.mark.parametrize("length", [1, 2, 3])
def test_as_many_terms_as_asked_for(operation: str, length: int) -> None:
    center = balls.exact(HERE.get(operation, ELSEWHERE)[-1])
    short = taylor.taylor(operation, center, length)
    assert len(short) == length
    full = taylor.taylor(operation, center, LENGTH)
    assert all(a.overlaps(b) for a, b in zip(short, full, strict=False))


@pytest.mark.parametrize(
    ("operation", "zeros"),
    [
        *((name, (0, 2, 4)) for name in ("sin", "tan", "sinh", "tanh", "asin", "atan")),
        *((name, (0, 2, 4)) for name in ("asinh", "atanh", "erf")),
        *((name, (1, 3, 5)) for name in ("cos", "cosh", "sec", "sech")),
        ("sigmoid", (2, 4)),
        ("expm1", (0,)),
        ("log1p", (0,)),
    ],
)
def test_zeros_at_zero_are_exact(operation: str, zeros: tuple[int, ...]) -> None:
    found = taylor.taylor(operation, balls.zero(), 6)
    assert [k for k, ball in enumerate(found) if balls.is_zero(ball)] == list(zeros)


def test_dyadic_coefficients_are_exact() -> None:
    sine = taylor.taylor("sin", balls.zero(), 3)
    assert [float(ball) for ball in sine if ball.is_exact()] == [0, 1, 0]
    root = taylor.taylor("sqrt", balls.exact(4.0), 4)
    assert [float(ball) for ball in root] == [2, 1 / 4, -1 / 64, 1 / 512]
    assert all(ball.is_exact() for ball in root)


@pytest.mark.parametrize(
    ("operation", "center"),
    [
        *((name, 0.0) for name in ("abs", "sign", "relu", "sqrt", "rsqrt", "cbrt")),
        *((name, 0.0) for name in ("log", "log2", "log10", "reciprocal", "cot")),
        *((name, 0.0) for name in ("csc", "csch", "coth", "lgamma", "digamma")),
        *((name, 1.0) for name in ("asin", "acos", "acosh", "atanh")),
        *((name, -1.0) for name in ("asin", "acos", "atanh", "log1p", "digamma")),
        *((name, -2.0) for name in ("asin", "acos", "atanh", "log1p", "sqrt", "log")),
        *((name, -2.0) for name in ("acosh", "rsqrt", "lgamma")),
        *((name, whole) for name in ("floor", "ceil") for whole in (-2.0, 0.0, 1.0)),
    ],
)
def test_no_series_at_an_edge_or_beyond_nor_near_enough(
    operation: str, center: float
) -> None:
    near = balls.around(balls.exact(center + 2.0**-40), balls.exact(2.0**-30))
    for ball in (balls.exact(center), near):
        for length in (1, 3):
            with pytest.raises(SingularError):
                taylor.taylor(operation, ball, length)


def test_tan_at_an_enclosure_of_a_pole() -> None:
    pole = balls.constant("pi", None) / 2
    for name in ("tan", "sec"):
        with pytest.raises(SingularError):
            taylor.taylor(name, pole, 3)


@pytest.mark.parametrize("order", [0, 1, 2, 5])
@pytest.mark.parametrize("center", [0.5, 6.25, -1.75])
def test_polygamma(order: int, center: float) -> None:
    found = taylor.taylor_of_order("polygamma", order, balls.exact(center), 4)
    expected = of_log_gamma(order + 1, center, 4)
    assert all(close(b, c) for b, c in zip(found, expected, strict=True))


def test_polygamma_at_a_pole() -> None:
    with pytest.raises(SingularError):
        taylor.taylor_of_order("polygamma", 2, balls.exact(-3.0), 4)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "hypot": mpmath.hypot,
    "atan2": mpmath.atan2,
    "max": max,
    "min": min,
}


@pytest.mark.parametrize("operation", BINARY)
def test_operations_of_two_operands_along_a_line(operation: str) -> None:
    found = series_operations.apply(operation, [line(0.75, 1.0), line(-1.5, 2.0)], 5)
    with mpmath.workprec(2 * BITS):
        expected = mpmath.taylor(
            lambda t: BINARY[operation](0.75 + t, -1.5 + 2 * t), 0, 4
        )
    found_balls = series.coefficients(found)
    assert len(found_balls) == 5
    for ball, coefficient in zip(found_balls, expected, strict=True):
        assert close(ball, coefficient)


@pytest.mark.parametrize(
    ("operands", "chosen"),
    [
        ((0.5, -1.0, 2.0), 0),
        ((-1.5, -1.0, 2.0), 1),
        ((2.5, -1.0, 2.0), 2),
        ((0.5, 2.0, -1.0), 2),
        ((-1.5, 2.0, -1.0), 2),
        ((2.5, 2.0, -1.0), 2),
    ],
)
def test_clamp_is_the_operand_that_it_takes(
    operands: tuple[float, float, float], chosen: int
) -> None:
    """Its ends may be crossed: then the upper one is taken, wherever x lies."""
    given = [
        line(center, slope) for center, slope in zip(operands, (1, 3, 5), strict=True)
    ]
    found = series.coefficients(series_operations.apply("clamp", given, 3))
    assert [float(ball) for ball in found] == [operands[chosen], (1, 3, 5)[chosen], 0]
    assert all(ball.is_exact() for ball in found)


@pytest.mark.parametrize("operands", [(-1.0, -1.0, 2.0), (2.0, -1.0, 2.0)])
def test_clamp_at_either_end(operands: tuple[float, float, float]) -> None:
    given = [
        line(center, slope) for center, slope in zip(operands, (1, 3, 5), strict=True)
    ]
    with pytest.raises(SingularError):
        series_operations.apply("clamp", given, 3)


def test_every_row_that_yields_a_number_can_be_applied() -> None:
    for row in NUMBERS:
        center = HERE.get(row.name, ELSEWHERE)[-1]
        operands = {
            "where": [True, line(center, 1.0), line(2.0, 1.0)],
            "polygamma": [number(1.0), line(2.5, 1.0)],
            # Special functions
            "erfcinv": [line(0.5, 1.0)],
            **{
                row.name: [
                    number(float(Fraction(value)))
                    for value in parameters_of(row)[0].values()
                ]
                + [line(HERE.get(row.name, (1.375,))[-1], 1.0)]
                for row in NUMBERS
                if row.parameters and row.operands[-1] == "x" and row.definition is None
            },
            "lambertw": [line(0.75, 1.0), number(0.0)],
            "betainc": [number(2.5), number(0.75), line(0.375, 1.0)],
            "zeta": [number(2.5), line(0.75, 1.0)],
            "ellipkinc": [line(0.75, 1.0), line(0.375, 0.5)],
            "ellipeinc": [line(0.75, 1.0), line(0.375, 0.5)],
            **{
                name: [number(1.0), line(2.5, 1.0)]
                for name in ("besselj", "bessely", "besseli", "besselk")
            },
        }.get(row.name) or [line(center + 2 * k, 1.0) for k in range(row.arity)]
        assert (
            len(series.coefficients(series_operations.apply(row.name, operands, 4)))
            == 4
        )


def test_composition_is_that_of_the_functions() -> None:
    inner = series_operations.apply("sin", [line(0.5, 2.0)], LENGTH)
    found = series_operations.apply("exp", [inner], LENGTH)
    with mpmath.workprec(2 * BITS):
        expected = mpmath.taylor(
            lambda t: mpmath.exp(mpmath.sin(0.5 + 2 * t)), 0, LENGTH - 1
        )
    for ball, coefficient in zip(series.coefficients(found), expected, strict=True):
        assert close(ball, coefficient)


@pytest.mark.parametrize(
    ("center", "power", "expected"),
    [
        (0.0, 3.0, [0, 0, 0, 1]),
        (-2.0, 2.0, [4, -4, 1, 0]),
        (0.0, 0.0, [1, 0, 0, 0]),
        (-1.0, -1.0, [-1, -1, -1, -1]),
        (4.0, 1.5, [8, 3, 0.1875, -0.0078125]),
    ],
)
def test_constant_powers_are_exact(
    center: float, power: float, expected: list[float]
) -> None:
    found = series_operations.apply("pow", [line(center, 1.0, 4), number(power, 4)], 4)
    assert [float(ball) for ball in series.coefficients(found)] == expected
    assert all(ball.is_exact() for ball in series.coefficients(found))


@pytest.mark.parametrize(
    ("operation", "operands"),
    [
        ("div", (1.0, 0.0)),
        ("pow", (0.0, 0.5)),
        ("pow", (0.0, -1.0)),
        ("pow", (-1.0, 0.3)),
        ("hypot", (0.0, 0.0)),
        ("atan2", (0.0, 0.0)),
        ("atan2", (0.0, -1.0)),
        ("max", (1.0, 1.0)),
        ("min", (1.0, 1.0)),
    ],
)
def test_operations_of_two_operands_at_an_edge(
    operation: str, operands: tuple[float, float]
) -> None:
    first, second = operands
    given = [
        line(first, 1.0),
        number(second) if operation == "pow" else line(second, 3.0),
    ]
    with pytest.raises(SingularError):
        series_operations.apply(operation, given, 4)


def test_atan2_across_the_positive_axis() -> None:
    found = series.coefficients(
        series_operations.apply("atan2", [line(0.0, 1.0), number(2.0)], 4)
    )
    assert [float(ball) for ball in found[:3]] == [0, 0.5, 0]


def test_conditions() -> None:
    small, large = line(1.0, 1.0), line(2.0, -1.0)
    assert series_operations.decide("lt", [small, large]) is True
    assert series_operations.decide("ge", [small, large]) is False
    assert series_operations.decide("eq", [small, large]) is False
    assert series_operations.decide("ne", [small, large]) is True
    assert series_operations.decide("logical_and", [True, False]) is False
    assert series_operations.decide("logical_not", [False]) is True
    for relation in ("lt", "le", "gt", "ge", "eq", "ne"):
        with pytest.raises(SingularError):
            series_operations.decide(relation, [small, line(1.0, 2.0)])


def test_a_choice_takes_its_branch() -> None:
    chosen, other = line(1.0, 1.0), line(2.0, 1.0)
    for truth, expected in ((True, 1.0), (False, 2.0)):
        found = series_operations.apply("where", [truth, chosen, other], 3)
        assert float(series.coefficients(found)[0]) == expected
    with pytest.raises(SingularError):
        series_operations.apply("where", [None, chosen, other], 3)


def test_the_truncation_in_force_is_put_back() -> None:
    before = flint.ctx.cap
    series_operations.apply("sin", [line(1.0, 1.0, 30)], 30)
    with pytest.raises(SingularError):
        series_operations.apply("log", [line(-1.0, 1.0, 30)], 30)
    assert flint.ctx.cap == before


def test_more_terms_than_flints_own_truncation() -> None:
    found = series.coefficients(
        series_operations.apply("exp", [line(0.0, 1.0, 40)], 40)
    )
    assert len(found) == 40
    assert close(found[39] * math.factorial(39), 1)
