"""The true complex gradient against mpmath, which shares no rule with it, and against
tables on the branch cuts."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from entries import gradient, step
from rows import HOLOMORPHIC

from verifier.floats import BINARY32, BINARY64
from verifier.language.operations import table as operations
from verifier.language.programs import parsing
from verifier.records import VALUE, Enclosure, Truth, TruthStatus
from verifier.symbolic.arithmetic import complex_balls, complex_cuts
from verifier.symbolic.arithmetic.complex_cuts import Analyticity
from verifier.symbolic.calculus import complex_witness, derivative
from verifier.symbolic.truth.complex_oracle import ComplexOracle

MPMATH: dict[str, Callable[..., Any]] = {
    "identity": lambda z: z,
    "neg": lambda z: -z,
    "square": lambda z: z * z,
    "reciprocal": lambda z: 1 / z,
    "rsqrt": lambda z: 1 / mpmath.sqrt(z),
    "exp2": lambda z: mpmath.power(2, z),
    "expm1": lambda z: mpmath.exp(z) - 1,
    "log2": lambda z: mpmath.log(z) / mpmath.log(2),
    "log10": lambda z: mpmath.log(z) / mpmath.log(10),
    "log1p": lambda z: mpmath.log(1 + z),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "add": lambda z, w: z + w,
    "sub": lambda z, w: z - w,
    "mul": lambda z, w: z * w,
    "div": lambda z, w: z / w,
    "pow": mpmath.power,
} | {
    name: getattr(mpmath, name)
    for name in (
        "sqrt exp log sin cos tan sec csc cot asin acos atan sinh cosh tanh sech csch coth asinh acosh atanh"
    ).split()
}
UNARY = sorted(n for n in HOLOMORPHIC if operations.OPERATIONS[n].arity == 1)
BINARY = sorted(HOLOMORPHIC - set(UNARY))


def oracle(text: str, *wrt: str) -> ComplexOracle:
    program = parsing.parse(text)
    return ComplexOracle(program, wrt or program.inputs)


def spelled(name: str, *operands: str) -> str:
    return f"{name}({', '.join(operands)})"


def number(truth: Truth) -> Any:
    assert truth.status is TruthStatus.FINITE, truth
    rectangle = truth.rectangle
    assert rectangle is not None
    return mpmath.mpc(_middle(rectangle.real), _middle(rectangle.imaginary))


def _middle(end: Enclosure) -> Any:
    middle = (end.lower + end.upper) / 2
    return mpmath.mpf(middle.numerator) / middle.denominator


def near(found: Any, true: Any) -> bool:
    return bool(abs(found - true) <= mpmath.mpf(2) ** -54 * abs(true))


def test_every_holomorphic_row_is_read_by_balls_and_witness_and_by_mpmath_here() -> (
    None
):
    assert set(complex_balls.OPERATIONS) == HOLOMORPHIC
    assert set(complex_witness._OPERATIONS) | {"pow"} == HOLOMORPHIC
    assert set(MPMATH) == HOLOMORPHIC


@pytest.mark.parametrize("name", UNARY)
def test_value_and_gradient_of_a_function_are_mpmath_s(name: str) -> None:
    source, found = random.Random(name), oracle(spelled(name, "z"))
    with mpmath.workprec(300):
        for _ in range(12):
            z = complex(source.uniform(-3, 3), source.uniform(-3, 3))
            upstream = complex(source.uniform(-1, 1), source.uniform(-1, 1))
            truth = found.at({"z": z}, upstream, BINARY64)
            exact = mpmath.mpc(z)
            slope = mpmath.diff(MPMATH[name], exact)
            assert near(number(truth[VALUE]), MPMATH[name](exact))
            assert near(
                number(truth[gradient("z")]), mpmath.mpc(upstream) * mpmath.conj(slope)
            )
            assert found.attested({"z": z}, upstream, truth) == truth


@pytest.mark.parametrize("name", BINARY)
def test_value_and_gradients_of_a_function_of_two_are_mpmath_s(name: str) -> None:
    source, function = random.Random(name), MPMATH[name]
    found = oracle(spelled(name, "z", "w"))
    with mpmath.workprec(300):
        for _ in range(12):
            z = complex(source.uniform(-3, 3), source.uniform(-3, 3))
            w = complex(source.uniform(-3, 3), source.uniform(-3, 3))
            truth = found.at({"z": z, "w": w}, 1j, BINARY64)
            a, b = mpmath.mpc(z), mpmath.mpc(w)
            by_z = mpmath.diff(lambda x, b=b: function(x, b), a)
            by_w = mpmath.diff(lambda y, a=a: function(a, y), b)
            assert near(number(truth[VALUE]), function(a, b))
            assert near(number(truth[gradient("z")]), 1j * mpmath.conj(by_z))
            assert near(number(truth[gradient("w")]), 1j * mpmath.conj(by_w))
            assert found.attested({"z": z, "w": w}, 1j, truth) == truth


@pytest.mark.parametrize("bits", [-30, -80])
@pytest.mark.parametrize(
    "text", ["log(z)", "sin(z)/z", "sqrt(1 + z) - 1", "expm1(z)*coth(z)"]
)
def test_cancellation_is_met_with_precision(text: str, bits: int) -> None:
    z = complex(2.0**bits, -3 * 2.0**bits)
    truth = oracle(text).at({"z": z}, 1, BINARY64)
    functions = {"log": mpmath.log, "sin": mpmath.sin, "sqrt": mpmath.sqrt}
    functions |= {"expm1": mpmath.expm1, "coth": mpmath.coth}
    with mpmath.workprec(800):
        true = eval(text, functions | {"z": mpmath.mpc(z)})
        assert near(number(truth[VALUE]), true)


HALF_PI = math.pi / 2
SIDES = [
    # DLMF 4.2.3, 4.2.28, 4.23.20, 4.23.27, 4.37.20-4.37.25, upper side and lower side.
    ("sqrt(z)", "-4", (2j, -2j), (-1j / 4, 1j / 4)),
    ("rsqrt(z)", "-4", (-0.5j, 0.5j), (-1j / 16, 1j / 16)),
    ("log(z)", "-1", (math.pi * 1j, -math.pi * 1j), (-1, -1)),
    ("log1p(z)", "-2", (math.pi * 1j, -math.pi * 1j), (-1, -1)),
    (
        "asin(z)",
        "1.25",
        (HALF_PI + math.log(2) * 1j, HALF_PI - math.log(2) * 1j),
        (4j / 3, -4j / 3),
    ),
    (
        "asin(z)",
        "-1.25",
        (-HALF_PI + math.log(2) * 1j, -HALF_PI - math.log(2) * 1j),
        (-4j / 3, 4j / 3),
    ),
    ("acos(z)", "1.25", (-math.log(2) * 1j, math.log(2) * 1j), (-4j / 3, 4j / 3)),
    (
        "acosh(z)",
        "-1.25",
        (math.log(2) + math.pi * 1j, math.log(2) - math.pi * 1j),
        (-4 / 3, -4 / 3),
    ),
    ("acosh(z)", "0.6", (0.9272952180016122j, -0.9272952180016122j), (-1.25j, 1.25j)),
    (
        "atanh(z)",
        "3",
        (math.log(2) / 2 + HALF_PI * 1j, math.log(2) / 2 - HALF_PI * 1j),
        (-1 / 8, -1 / 8),
    ),
    ("z**(1/2)", "-4", (2j, -2j), (-1j / 4, 1j / 4)),
    ("z**w", "-4", (2j, -2j), (-1j / 4, 1j / 4)),
]


@pytest.mark.parametrize(("text", "real", "values", "slopes"), SIDES)
def test_on_a_cut_the_signed_zero_picks_the_side(
    text: str, real: str, values: tuple[complex, ...], slopes: tuple[complex, ...]
) -> None:
    for sign, value, slope in zip((0.0, -0.0), values, slopes, strict=True):
        point = {"z": complex(float(real), sign), "w": 0.5 + 0j}
        found = oracle(text, "z").at(point, 1, BINARY64)
        assert complex(number(found[VALUE])) == pytest.approx(value, rel=1e-15)
        conjugate = complex(slope).conjugate()
        assert complex(number(found[gradient("z")])) == pytest.approx(
            conjugate, rel=1e-15
        )


@pytest.mark.parametrize(
    ("text", "point", "value", "slope"),
    [
        ("atan(z)", 3j, HALF_PI + math.log(2) / 2 * 1j, -1 / 8),
        ("atan(z)", complex(-0.0, 3), -HALF_PI + math.log(2) / 2 * 1j, -1 / 8),
        ("atan(z)", complex(-0.0, -3), -HALF_PI - math.log(2) / 2 * 1j, -1 / 8),
        ("asinh(z)", 1.25j, math.log(2) + HALF_PI * 1j, -4j / 3),
        ("asinh(z)", complex(-0.0, 1.25), -math.log(2) + HALF_PI * 1j, 4j / 3),
        ("asinh(z)", complex(0.0, -1.25), math.log(2) - HALF_PI * 1j, 4j / 3),
    ],
)
def test_on_a_cut_of_the_imaginary_axis_the_real_zero_picks_the_side(
    text: str, point: complex, value: complex, slope: complex
) -> None:
    found = oracle(text).at({"z": point}, 1, BINARY64)
    assert complex(number(found[VALUE])) == pytest.approx(value, rel=1e-15)
    conjugate = complex(slope).conjugate()
    assert complex(number(found[gradient("z")])) == pytest.approx(conjugate, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    sorted({text for text, *_ in SIDES if "w" not in text} | {"asinh(z)", "atan(z)"}),
)
def test_a_side_of_a_cut_is_the_limit_from_there(text: str) -> None:
    """The truth a hair beside the cut, where Arb's own functions speak, continues that
    on it."""
    across = text in ("asinh(z)", "atan(z)")
    hair = 2.0**-500
    for along in (-2.5, 2.5, -0.5, 0.5):
        for sign in (1.0, -1.0):
            zero = math.copysign(0.0, sign)
            on = complex(zero, along) if across else complex(along, zero)
            beside = on + (sign * hair if across else complex(0, sign * hair))
            found, near_by = (
                oracle(text).at({"z": z}, 1, BINARY32) for z in (on, beside)
            )
            for one, other in (
                (found[VALUE], near_by[VALUE]),
                (found[gradient("z")], near_by[gradient("z")]),
            ):
                assert abs(number(one) - number(other)) <= 1e-12 * abs(number(one))


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("1/z", 0j),
        ("log(z)", 0j),
        ("rsqrt(z)", 0j),
        ("atanh(z)", 1 + 0j),
        ("atan(z)", -1j),
        ("z**(-2)", 0j),
        ("csc(z)", 0j),
        ("coth(z)", 0j),
        ("3/z + 1", 0j),
        ("log1p(z)", -1 + 0j),
    ],
)
def test_at_a_pole_nothing_is_true(text: str, point: complex) -> None:
    found = oracle(text).at({"z": point}, 1, BINARY64)
    assert found[VALUE].status is TruthStatus.UNDEFINED
    assert found[gradient("z")].status is TruthStatus.UNDEFINED


@pytest.mark.parametrize(
    ("text", "point", "value"),
    [
        ("sqrt(z)", 0j, 0),
        ("asin(z)", 1 + 0j, HALF_PI),
        ("acosh(z)", -1 + 0j, math.pi * 1j),
        ("acosh(z)", complex(-1, -0.0), -math.pi * 1j),
        ("asinh(z)", 1j, HALF_PI * 1j),
        ("z**(1/3)", 0j, 0),
    ],
)
def test_at_a_branch_point_only_the_value_is_true(
    text: str, point: complex, value: complex
) -> None:
    found = oracle(text).at({"z": point}, 1, BINARY64)
    assert complex(number(found[VALUE])) == pytest.approx(value, rel=1e-15)
    assert found[gradient("z")].status is TruthStatus.UNDEFINED


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [("z**2", 0, 0), ("z**1", 0, 1), ("z**3", 0, 0), ("z**0", 1, 0), ("z**1.5", 0, 0)],
)
def test_powers_of_zero(text: str, value: int, slope: int) -> None:
    found = oracle(text).at({"z": 0j}, 1, BINARY64)
    assert (complex(number(found[VALUE])), complex(number(found[gradient("z")]))) == (
        value,
        slope,
    )


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("sin(z)/z", 0j),  # removable
        ("sqrt(z**2)", 0j),
        ("1/(1/z)", 0j),
        ("log(z) - log(2*z)", 0j),
        (
            "sqrt(-z)",
            4 + 0j,
        ),  # the sign of zero that PyTorch's negation makes is not known
        ("log(cos(z))", 3 + 0j),
    ],
)
def test_what_only_a_limit_or_an_unknown_side_decides_is_undecided(
    text: str, point: complex
) -> None:
    found = oracle(text).at({"z": point}, 1, BINARY64)
    assert TruthStatus.LIMIT in (found[VALUE].status, found[gradient("z")].status)
    for truth in (found[VALUE], found[gradient("z")]):
        assert truth.status is not TruthStatus.UNDEFINED or "log" in text


def test_a_sum_of_opposite_poles_is_no_pole() -> None:
    found = oracle("1/z - 1/z").at({"z": 0j}, 1, BINARY64)
    assert found[VALUE].status is TruthStatus.LIMIT


def test_a_hidden_zero_is_never_a_number() -> None:
    found = oracle("1/(sin(z)**2 + cos(z)**2 - 1)").at({"z": 1 + 1j}, 1, BINARY32)
    assert found[VALUE].status is TruthStatus.PRECISION


def test_the_adjoint_of_a_step_is_the_gradient_by_it() -> None:
    program = parsing.parse_steps("a = z*z\nb = exp(a)/z")
    found = ComplexOracle(program, ["z"]).at({"z": 1 + 2j}, 1 - 1j, BINARY64)
    with mpmath.workprec(100):
        z = mpmath.mpc(1, 2)
        true = mpmath.mpc(1, -1) * mpmath.conj(mpmath.exp(z * z) / z)
        assert near(number(found[step("a")]), true)


def test_the_witness_unmasks_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    right = derivative.local

    def wrong(operation: str, operand: int, exponent: Fraction | None = None) -> Any:
        return right("cos" if operation == "sin" else operation, operand, exponent)

    monkeypatch.setattr(derivative, "local", wrong)
    found = oracle("sin(z)*z")
    truth = found.at({"z": 1 + 1j}, 1, BINARY64)
    attested = found.attested({"z": 1 + 1j}, 1, truth)
    assert attested[gradient("z")].status is TruthStatus.ORACLE
    assert "witness" in (attested[gradient("z")].reason or "")


@pytest.mark.parametrize("name", ["log", "sqrt", "asin", "acosh", "atan", "asinh"])
def test_a_rectangle_that_straddles_a_cut_is_not_smooth(name: str) -> None:
    from flint import acb, arb

    axis = (
        acb(arb(0, 0.125), arb(-3))
        if name in ("atan", "asinh")
        else acb(arb(-3), arb(0, 0.125))
    )
    assert (
        complex_cuts.analyticity_of(name, [complex_balls.SignedRectangle(axis)])
        is Analyticity.UNSURE
    )


@pytest.mark.parametrize(
    ("text", "z", "w", "side"),
    [
        ("sqrt(z - 3)", 1 + 0j, 0j, 1),
        ("sqrt(z - 3)", complex(1, -0.0), 0j, 0),  # −0 − (+0): two terms −0
        ("sqrt(-2*z)", 2 + 0j, 0j, 1),  # −2 is Python's −2 + 0j: (−2)(0) + 0·2 = +0
        ("sqrt(z*w)", -2 + 0j, 3 + 0j, 1),  # (−2)(0) + 0·3 = −0 + 0 = +0
        ("sqrt(z*w)", complex(-2, -0.0), 3 + 0j, -1),  # (−2)(0) + (−0)(3) = −0
        ("sqrt(z**2)", complex(-0.0, 2), 0j, -1),  # 2(−0)(2) = −0
        ("sqrt(z**2)", 2j, 0j, 1),
        ("sqrt(square(z))", complex(-0.0, 2), 0j, -1),
        ("sqrt(z + z)", complex(-1, -0.0), 0j, 0),  # two terms −0
        ("sqrt(-z)", complex(2, -0.0), 0j, 1),
        ("sqrt(-z)", 2 + 0j, 0j, 0),
    ],
)
def test_ieee_s_arithmetic_of_zeros_carries_the_side(
    text: str, z: complex, w: complex, side: int
) -> None:
    found = oracle(text, "z").at({"z": z, "w": w}, 1, BINARY64)[VALUE]
    if not side:
        assert found.status is TruthStatus.LIMIT
    else:
        assert number(found).real == 0
        assert mpmath.sign(number(found).imag) == side
