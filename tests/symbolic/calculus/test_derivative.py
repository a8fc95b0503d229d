"""SymPy's derivative, compiled to a straight line, is the derivative."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import sympy
from ball_ends import ends
from mpmath import mp
from rows import differentiated

from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse, parse_steps
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.calculus import derivative, sympy_functions

BITS = 250


def compiled(text: str, *, wrt: str) -> Formula:
    whole = derivative.whole(parse(text))
    assert whole is not None
    return whole.compile([whole.expression, *whole.gradient(wrt.split())])


def evaluated(text: str, point: dict[str, float], *, wrt: str = "x") -> list[Any]:
    with balls.workprec(BITS):
        return evaluation.evaluate(
            compiled(text, wrt=wrt), {k: balls.exact(v) for k, v in point.items()}
        )


def assert_is(ball: Any, expected: Fraction | str, digits: int = 35) -> None:
    slack = Fraction(1, 10**digits)
    lower, upper = ends(ball)
    assert lower - slack <= Fraction(expected) <= upper + slack
    assert upper - lower <= slack


# ── closed forms and tables ───────────────────────────────────────────────────────────

KNOWN = [
    # DLMF 7.2.1: erf′(0) = 2/√π (OEIS A190732).
    ("erf(x)", 0.0, "1.1283791670955125738961589031215451716881"),
    # DLMF 5.2.2 and 5.4.12: (log Γ)′(1) = ψ(1) = −γ.
    ("lgamma(x)", 1.0, "-0.5772156649015328606065120900824024310422"),
    # DLMF 5.4.13: ψ(1/2) = −γ − 2 ln 2 (OEIS A020759).
    ("lgamma(x)", 0.5, "-1.9635100260214234794409763329987555671932"),
    # DLMF 5.15.1: ψ′(1) = π²/6.
    ("digamma(x)", 1.0, "1.6449340668482264364724151666460251892189"),
    # DLMF 5.15.2: ψ″(1) = −2 ζ(3).
    ("polygamma(1, x)", 1.0, "-2.4041138063191885707994763230228999815300"),
    ("exp2(x)", 0.0, "0.6931471805599453094172321214581765680755"),
    ("log10(x)", 1.0, "0.4342944819032518276511289189166050822944"),
    ("sigmoid(x)", 0.0, "0.25"),
    ("softplus(x)", 0.0, "0.5"),
    ("tanh(x)", 0.0, "1"),
    ("atan(x)", 1.0, "0.5"),
    ("asinh(x)", 0.0, "1"),
    ("rsqrt(x)", 4.0, "-0.0625"),
    ("abs(x)", -3.0, "-1"),
    ("sign(x)", -3.0, "0"),
    ("relu(x)", -3.0, "0"),
    ("relu(x)", 3.0, "1"),
    ("cbrt(x)", -8.0, "0.0833333333333333333333333333333333333333"),
    ("max(x, 2)", 1.0, "0"),
    ("max(x, 2)", 3.0, "1"),
    ("min(x, 2)", 1.0, "1"),
    ("where(x < 1, x**2, x**3)", 0.5, "1"),
    ("where(x < 1, x**2, x**3)", 2.0, "12"),
    ("x**3", 0.0, "0"),
    ("x**1", 0.0, "1"),
    ("x**0", 0.0, "0"),
    ("hypot(x, 4)", 3.0, "0.6"),
    ("atan2(x, 1)", 1.0, "0.5"),
    ("atan2(1, x)", 1.0, "-0.5"),
]


@pytest.mark.parametrize(("text", "at", "expected"), KNOWN)
def test_a_derivative_is_that_of_the_tables(
    text: str, at: float, expected: str
) -> None:
    _, slope = evaluated(text, {"x": at})
    assert_is(slope, expected)


WITNESSES: list[tuple[str, dict[str, float], Callable[..., Any]]] = [
    (
        "exp(-(x - 1)**2 / 8) / sqrt(2*pi)",
        {"x": 0.3},
        lambda x: mp.exp(-((x - 1) ** 2) / 8) / mp.sqrt(2 * mp.pi),
    ),
    (
        "(1 - x)**2 + 100*(y - x**2)**2",
        {"x": -1.2, "y": 1.0},
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    ),
    ("x**y", {"x": 2.5, "y": -1.25}, lambda x, y: mp.power(x, y)),
    ("log(x, y)", {"x": 2.5, "y": 3.5}, lambda x, y: mp.log(x, y)),
    (
        "x**3 / (exp(x / y) - 1)",
        {"x": 1.5, "y": 0.75},
        lambda x, y: x**3 / (mp.exp(x / y) - 1),
    ),
    (
        "atan2(sin(y), cos(x))",
        {"x": 2.5, "y": 0.5},
        lambda x, y: mp.atan2(mp.sin(y), mp.cos(x)),
    ),
    (
        "lgamma(x) - digamma(y)",
        {"x": -1.5, "y": -0.25},
        lambda x, y: mp.log(abs(mp.gamma(x))) - mp.digamma(y),
    ),
    (
        "erfc(x)*expm1(y) + hypot(x, y)",
        {"x": 0.5, "y": 2.0},
        lambda x, y: mp.erfc(x) * mp.expm1(y) + mp.hypot(x, y),
    ),
    (
        "max(x*y, sin(x)) - min(x, y)",
        {"x": 0.5, "y": 2.0},
        lambda x, y: max(x * y, mp.sin(x)) - min(x, y),
    ),
]


@pytest.mark.parametrize(("text", "point", "witness"), WITNESSES)
def test_a_gradient_agrees_with_mpmaths_difference_quotient(
    text: str, point: dict[str, float], witness: Callable[..., Any]
) -> None:
    names = list(point)
    value, *slopes = evaluated(text, point, wrt=" ".join(names))
    with mp.workdps(60):
        arguments = tuple(mp.mpf(v) for v in point.values())
        expected = [witness(*arguments)]
        for at in range(len(names)):
            order = tuple(int(at == other) for other in range(len(names)))
            expected.append(
                mp.diff(witness, arguments, order)
                if len(names) > 1
                else mp.diff(witness, arguments[0])
            )
        for ball, true in zip([value, *slopes], expected, strict=True):
            assert_is(ball, Fraction(mp.nstr(true, 50)), digits=30)


def test_steps_are_written_out() -> None:
    program = parse_steps("b = a + 2\ny_pred = b * 3\nloss = (y_pred - 290)**2")
    whole = derivative.whole(program)
    assert whole is not None
    formula = whole.compile([whole.expression, *whole.gradient(["a"])])
    value, slope = evaluation.evaluate(formula, {"a": balls.exact(100)})
    assert ends(value) == (256, 256)  # the notebook's loss
    assert ends(slope) == (96, 96)  # and gradient


def test_a_hessian_is_symmetric_and_right() -> None:
    whole = derivative.whole(parse("x**2 * y**3"))
    assert whole is not None
    flat = [entry for row in whole.hessian(["x", "y"]) for entry in row]
    found = evaluation.evaluate(
        whole.compile(flat), {"x": balls.exact(5), "y": balls.exact(7)}
    )
    assert [ends(ball)[0] for ball in found] == [
        2 * 343,
        6 * 5 * 49,
        6 * 5 * 49,
        6 * 25 * 7,
    ]


# ── the straight line ─────────────────────────────────────────────────────────────────


def test_common_subexpressions_are_written_once() -> None:
    formula = compiled("exp(sin(x)) * exp(sin(x))", wrt="x")
    operations_ = [instruction.operation for instruction in formula.instructions]
    assert operations_.count("sin") == 1


def test_arguments_stand_before_their_use() -> None:
    formula = compiled("sin(x*y)**3 / (1 + exp(-x)) - max(x, y)", wrt="x y")
    for at, instruction in enumerate(formula.instructions):
        assert all(argument < at for argument in instruction.arguments)


def test_constants_reach_the_balls_exactly() -> None:
    formula = compiled("0.1 * x", wrt="x")
    assert Fraction(1, 10) in {
        instruction.number for instruction in formula.instructions
    }


def test_a_huge_constant_is_not_multiplied_out() -> None:
    text = "x * 1e300 + 1e-300"
    value, slope = evaluated(text, {"x": 1.0})
    assert ends(slope)[0] <= 10**300 <= ends(slope)[1]
    lower, upper = ends(value)
    assert upper - lower < Fraction(10) ** 300 / 2 ** (BITS - 5)


def test_symbols_are_real_so_that_the_derivative_of_a_magnitude_is_real() -> None:
    _, slope = evaluated("abs(log(x))", {"x": 0.5})
    assert_is(slope, "-2")


def test_a_program_that_would_swell_has_no_whole_derivative() -> None:
    steps = "\n".join(
        ["b0 = x", *(f"b{n} = b{n - 1} * b{n - 1}" for n in range(1, 15))]
    )
    assert derivative.whole(parse_steps(steps)) is None


def test_what_has_no_reading_in_real_balls_is_refused() -> None:
    whole = derivative.whole(parse("log(-1) * x"))
    assert whole is not None
    with pytest.raises(derivative.UntranslatableError):
        whole.compile([whole.expression])


# ── one operation ─────────────────────────────────────────────────────────────────────


def test_a_constant_exponent_is_put_in_before_differentiating() -> None:
    at_zero = evaluation.evaluate(
        derivative.local("pow", 0, Fraction(3)), [balls.exact(0), balls.exact(3)]
    )
    assert ends(at_zero[0]) == (0, 0)
    square = evaluation.evaluate(
        derivative.local("pow", 0, Fraction(2)), [balls.exact(-7), balls.exact(2)]
    )
    assert ends(square[0]) == (-14, -14)


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in operations.OPERATIONS.values()
        if row.result is operations.Sort.NUMBER and row.name != "where"
    ],
    ids=lambda row: row.name,
)
def test_a_local_derivative_takes_its_operands_in_their_order(
    row: operations.Operation,
) -> None:
    for operand in range(row.arity):
        if row.operands[operand] not in differentiated(row):
            continue
        formula = derivative.local(row.name, operand)
        inputs = [i.name for i in formula.instructions if i.operation == "input"]
        assert inputs == list(row.operands)


def test_our_choices_differentiate_to_no_number_at_a_tie() -> None:
    x, y = sympy.symbols("x y", real=True)
    assert sympy_functions.Larger(x, y).diff(x) == sympy_functions.Above(x, y)
    assert sympy_functions.Larger(x, y).diff(y) == sympy_functions.Above(y, x)
    tie = evaluation.evaluate(
        derivative.local("max", 0), [balls.exact(2), balls.exact(2)]
    )[0]
    lower, upper = ends(tie)
    assert (lower, upper) == (0, 0) or (lower <= 0 and upper >= 1)
