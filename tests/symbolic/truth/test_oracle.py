"""The truth is what two derivations agree on, at a precision that decides how it
rounds."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
import sympy
from entries import gradient, slopes, step
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from random_programs import numbers, texts

from verifier.floats import BINARY32, BINARY64, Format, nearest
from verifier.language.programs.parsing import parse, parse_steps
from verifier.records import VALUE, Enclosure, PointTruth, Truth, TruthStatus
from verifier.symbolic.arithmetic.formula import Formula, Instruction
from verifier.symbolic.calculus import derivative, sympy_functions, sympy_special
from verifier.symbolic.truth.oracle import Oracle


def oracle(text: str) -> Oracle:
    program = parse_steps(text) if "\n" in text else parse(text)
    return Oracle(program, program.inputs)


def at(
    text: str, *, upstream: float = 1.0, format_: Format = BINARY64, **point: float
) -> PointTruth:
    return oracle(text).at(point, upstream, format_)


def assert_rounds_to(
    found: Truth, expected: Fraction | str, format_: Format = BINARY64
) -> None:
    assert found.status is TruthStatus.FINITE, found
    assert found.enclosure is not None
    assert found.enclosure.lower <= found.enclosure.upper
    wanted = nearest(Fraction(expected), format_)
    assert (
        nearest(found.enclosure.lower, format_)
        == wanted
        == nearest(found.enclosure.upper, format_)
    )


# ── known values ──────────────────────────────────────────────────────────────────────


def test_the_notebooks_numbers_are_true() -> None:
    assert_rounds_to(at("a + 2", upstream=123.0, a=100.0)[gradient("a")], "123")
    assert_rounds_to(at("(a + 2) * 3", upstream=123.0, a=100.0)[gradient("a")], "369")
    found = at("b = a + 2\ny_pred = b * 3\nloss = (y_pred - 290)**2", a=100.0)
    assert_rounds_to(found[VALUE], "256")
    assert_rounds_to(found[gradient("a")], "96")
    assert_rounds_to(found[step("y_pred")], "32")


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        # DLMF 5.4.12 (ψ(1) = −γ) and 5.15.1 (ψ′(1) = π²/6).
        (
            "digamma(x)",
            1.0,
            "-0.57721566490153286060651209",
            "1.64493406684822643647241517",
        ),
        # DLMF 5.4.6: log Γ(1/2) = (log π)/2; 5.4.13: ψ(1/2) = −γ − 2 ln 2.
        (
            "lgamma(x)",
            0.5,
            "0.57236494292470008707171367568",
            "-1.96351002602142347944097633",
        ),
        # DLMF 7.2.1: erf′(0) = 2/√π.
        ("erf(x)", 0.0, "0", "1.12837916709551257389615890312"),
        (
            "exp(x)",
            1.0,
            "2.71828182845904523536028747135",
            "2.71828182845904523536028747135",
        ),
        # Cancels 200 bits in binary64; by its Taylor series 1 + x/2 + x²/6 and 1/2 +
        # x/3.
        ("(exp(x) - 1) / x", 2.0**-100, "1", "0.5"),
        (
            "sqrt(x*x + 1) - x",
            2.0**60,
            "4.3368086899420177360298e-19",
            "-3.7615819226313200254e-37",
        ),
    ],
)
def test_value_and_derivative_are_those_of_the_tables(
    text: str, x: float, value: str, slope: str
) -> None:
    found = at(text, x=x)
    assert_rounds_to(found[VALUE], value)
    assert_rounds_to(found[gradient("x")], slope)


def test_the_inputs_are_the_numbers_themselves() -> None:
    """0.1 of binary64 is not 1/10, and the truth at it is the square of the number that
    it is."""
    ends = at("x*x", x=0.1)[VALUE].enclosure
    assert ends is not None
    assert ends.lower <= Fraction(0.1) ** 2 <= ends.upper
    assert not ends.lower <= Fraction(1, 100) <= ends.upper


def test_an_identity_is_decided_as_zero() -> None:
    """The derivative of sin² + cos² is 0; no ball is, but every number in it rounds to
    0."""
    for format_ in (BINARY32, BINARY64):
        found = at("sin(x)**2 + cos(x)**2", x=1.0, format_=format_)
        assert_rounds_to(found[gradient("x")], "0", format_)
        assert_rounds_to(found[VALUE], "1", format_)


def test_exact_zeros_are_exact() -> None:
    found = at("x - x", x=3.0)
    assert_rounds_to(found[VALUE], "0")
    assert_rounds_to(found[gradient("x")], "0")


def test_what_overflows_every_format_is_known_to_do_so() -> None:
    found = at("exp(exp(x))", x=30.0)
    assert found[VALUE].enclosure is not None
    assert nearest(found[VALUE].enclosure.lower, BINARY64) == math.inf


@pytest.mark.parametrize("x", [1e300, -1e300, 1e-300, 5e-324])
@pytest.mark.parametrize(
    "text",
    [
        "exp(x)",
        "sigmoid(x)",
        "tanh(x)",
        "atan(x)",
        "exp(-x*x)",
        "softplus(x)",
        "sin(x)",
    ],
)
def test_extreme_points_are_decided(text: str, x: float) -> None:
    found = at(text, x=x)
    assert found[VALUE].status is TruthStatus.FINITE
    assert found[gradient("x")].status is TruthStatus.FINITE


# ── statuses ──────────────────────────────────────────────────────────────────────────

FINITE, INFINITE, KINK = TruthStatus.FINITE, TruthStatus.INFINITE, TruthStatus.KINK
UNDEFINED, PRECISION = TruthStatus.UNDEFINED, TruthStatus.PRECISION


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("exp(log(x))", -1.0, UNDEFINED, UNDEFINED),
        ("log(x)", 0.0, INFINITE, INFINITE),
        ("abs(x)", 0.0, FINITE, KINK),
        ("sqrt(x*x)", 0.0, FINITE, KINK),
        ("where(x > 0, log(x), 0)", -1.0, FINITE, FINITE),
        ("max(x, 1)", 1.0, FINITE, KINK),
        ("x", math.nan, UNDEFINED, UNDEFINED),
        ("x*x", math.inf, INFINITE, INFINITE),
        ("1/x", -math.inf, FINITE, FINITE),
        ("abs(sin(x)**2 + cos(x)**2 - 1)", 1.0, FINITE, PRECISION),
        ("log(sin(x)**2 + cos(x)**2 - 1)", 1.0, PRECISION, PRECISION),
    ],
)
def test_a_status_says_what_is_known(
    text: str, x: float, value: TruthStatus, slope: TruthStatus
) -> None:
    found = at(text, x=x)
    assert found[VALUE].status is value
    assert found[gradient("x")].status is slope
    if slope not in (FINITE, KINK, INFINITE):
        assert found[gradient("x")].reason


def test_the_branch_not_taken_does_not_matter() -> None:
    found = at("where(x > 0, log(x), 0)", x=-1.0)
    assert_rounds_to(found[VALUE], "0")
    assert_rounds_to(found[gradient("x")], "0")


def test_one_input_may_be_decided_where_another_is_not() -> None:
    found = at("x*x + abs(y)", x=3.0, y=0.0)
    assert_rounds_to(found[gradient("x")], "6")
    assert found[gradient("y")].status is KINK
    assert found[gradient("y")].enclosure == Enclosure(
        lower=Fraction(-1), upper=Fraction(1)
    )


@pytest.mark.parametrize("exponent", [60, 90, 120, 300])
def test_cancellation_costs_precision_and_not_the_answer(exponent: int) -> None:
    """hypot(b, 0) with b = (x + 2⁻ᵏ) − x, exactly 2⁻ᵏ: away from the kink, however many
    bits it takes to see that."""
    found = at(f"hypot((exp(x) + 2**-{exponent}) - exp(x), y)", x=1.0, y=0.0)
    assert_rounds_to(found[VALUE], Fraction(1, 2**exponent))
    assert_rounds_to(found[gradient("y")], "0")


# ── two derivations ───────────────────────────────────────────────────────────────────


def test_a_wrong_rule_of_the_whole_derivative_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derivative.local(
        "lgamma", 0, None
    )  # the stepwise rule stays right: it is remembered
    wrong = sympy.Rational(2**60 + 1, 2**60)

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return wrong * sympy.polygamma(0, self.args[0])

    monkeypatch.setattr(sympy_special.lgamma, "fdiff", fdiff)
    found = at("lgamma(x*x + 17/16)", x=1.5)
    assert found[gradient("x")].status is TruthStatus.ORACLE
    assert "disjoint" in (found[gradient("x")].reason or "")
    assert found[VALUE].status is FINITE


def test_a_wrong_reading_of_the_whole_value_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(
        sympy_functions.OPERATIONS,
        "expm1",
        lambda x: sympy.exp(x) - sympy.Rational(2**60 + 1, 2**60),
    )
    assert at("expm1(x)", x=1.5)[VALUE].status is TruthStatus.ORACLE


@pytest.mark.parametrize("shift", [40, 60, 80])
def test_a_wrong_rule_of_the_stepwise_derivative_is_found(
    monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    right = derivative.local

    def wrong(
        operation: str, operand: int, exponent: Fraction | None = None
    ) -> Formula:
        formula = right(operation, operand, exponent)
        if operation != "sin":
            return formula
        count = len(formula.instructions)
        return Formula(
            instructions=(
                *formula.instructions,
                Instruction(operation="constant", number=1 + Fraction(1, 2**shift)),
                Instruction(operation="mul", arguments=(formula.outputs[0], count)),
            ),
            outputs=(count + 1,),
        )

    monkeypatch.setattr(derivative, "local", wrong)
    found = at("exp(sin(x)) * y", x=1.25, y=2.0)
    assert found[gradient("x")].status is TruthStatus.ORACLE
    assert found[gradient("y")].status is FINITE


def test_a_program_too_large_for_the_whole_derivative_has_the_stepwise_one() -> None:
    steps = "\n".join(
        ["b0 = x", *(f"b{n} = b{n - 1} + b{n - 1}" for n in range(1, 40))]
    )
    found = oracle(steps)
    assert found.whole.formula is None
    assert_rounds_to(
        found.at({"x": 1.0}, 1.0, BINARY64)[gradient("x")], Fraction(2**39)
    )


@settings(derandomize=True, deadline=None, max_examples=80)
@given(texts(leaves=5), numbers, numbers)
def test_random_programs_never_set_the_two_derivations_against_each_other(
    text: str, x: float, y: float
) -> None:
    found = at(text + " + 0*x + 0*y", x=x, y=y, format_=BINARY32)
    for one in (found[VALUE], *slopes(found).values()):
        assert one.status is not TruthStatus.ORACLE, one.reason
        if one.status is FINITE:
            assert one.enclosure is not None


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.floats(-20, 20), st.floats(-20, 20))
def test_the_truth_of_a_smooth_function_is_mpmaths(x: float, y: float) -> None:
    found = at("tanh(x*y) * exp(sin(x)) + 1/(1 + y*y)", x=x, y=y)
    with mp.workdps(400):
        a, b = mp.mpf(x), mp.mpf(y)
        t = mp.tanh(a * b)
        slope = mp.exp(mp.sin(a)) * (b * (1 - t * t) + t * mp.cos(a))
        sign, mantissa, power, _ = slope._mpf_
        true = (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** power
    assert_rounds_to(found[gradient("x")], true)
