"""The chain rule in balls sees the program as written: its values, its adjoints and
where it has none."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from ball_ends import ends
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import numbers, texts

from verifier.language.programs.parsing import parse, parse_steps
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.calculus import derivative
from verifier.symbolic.calculus.chain import Pass, Standing
from verifier.symbolic.calculus.stepwise import Stepwise

BITS = 200


class Evaluated:
    """One evaluation, asked by names."""

    def __init__(
        self, program: Any, point: dict[str, Any], upstream: float = 1.0
    ) -> None:
        self.program = program
        with balls.workprec(BITS):
            self.done: Pass = Stepwise(program).evaluate(point, upstream)
        self.leaves = {
            n.name: i for i, n in enumerate(program.nodes) if n.operation == "variable"
        }

    @property
    def value(self) -> Any:
        return self.done.values[self.program.output]

    def adjoint(self, name: str) -> Any:
        return self.done.adjoints[self.program.steps.get(name, self.leaves.get(name))]


def evaluate(text: str, upstream: float = 1.0, **point: Any) -> Evaluated:
    program = (
        parse_steps(text)
        if "=" in text.replace("<=", "").replace("==", "")
        else parse(text)
    )
    return Evaluated(program, point, upstream)


def assert_exact(known: Any, expected: Fraction | int) -> None:
    assert known.standing is Standing.REGULAR, known.reason
    assert ends(known.ball) == (expected, expected)


# ── regular points ────────────────────────────────────────────────────────────────────


def test_the_upstream_gradient_enters_at_the_output() -> None:
    found = evaluate("(a + 2) * 3", upstream=123.0, a=100.0)
    assert_exact(found.value, 306)
    assert_exact(found.adjoint("a"), 369)  # the notebook's second example


def test_every_named_step_has_its_adjoint() -> None:
    """The notebook's squared loss, by hand: 2·16 = 32, then ·3 = 96."""
    found = evaluate(
        "b = a + 2\ny_pred = b * 3\nloss = (y_pred - t)**2", a=100.0, t=290.0
    )
    assert_exact(found.adjoint("loss"), 1)
    assert_exact(found.adjoint("y_pred"), 32)
    assert_exact(found.adjoint("b"), 96)
    assert_exact(found.adjoint("a"), 96)
    assert_exact(found.adjoint("t"), -32)


def test_shares_of_a_value_that_is_used_often_add_up() -> None:
    found = evaluate("b = x * x\nc = b * x + b\nd = c - b", x=3.0)
    assert_exact(found.adjoint("x"), 27)  # d = x³
    assert_exact(found.adjoint("b"), 3)


def test_an_input_that_reaches_no_output_has_no_adjoint() -> None:
    found = evaluate("b = x * y\nc = x * 2", x=3.0, y=4.0)
    assert found.adjoint("y") is None


def test_a_ball_may_stand_for_an_input() -> None:
    wide = balls.around(balls.exact(3), balls.exact(Fraction(1, 8)))
    found = evaluate("x * x", x=wide)
    lower, upper = ends(found.adjoint("x").ball)
    assert lower <= 6 - Fraction(1, 4) < 6 + Fraction(1, 4) <= upper


def test_a_repeated_sum_is_linear_in_time() -> None:
    """A whole-expression derivative of this would have 2^60 terms."""
    steps = "\n".join(
        ["b0 = x", *(f"b{n} = b{n - 1} + b{n - 1}" for n in range(1, 61))]
    )
    assert_exact(evaluate(steps, x=1.0).adjoint("x"), 2**60)


# ── edges ─────────────────────────────────────────────────────────────────────────────

REGULAR, UNSURE = Standing.REGULAR, Standing.UNSURE
LIMIT, UNDEFINED = Standing.LIMIT, Standing.UNDEFINED


@pytest.mark.parametrize(
    ("text", "x", "value", "gradient"),
    [
        ("exp(log(x))", -1.0, UNDEFINED, UNDEFINED),
        ("exp(log(x))", 0.0, LIMIT, LIMIT),
        ("exp(log(x))", 2.0, REGULAR, REGULAR),
        ("sqrt(x)**2", -4.0, UNDEFINED, UNDEFINED),
        ("sqrt(x)", 0.0, REGULAR, LIMIT),
        ("abs(x)", 0.0, REGULAR, LIMIT),
        ("sign(x)", 0.0, REGULAR, LIMIT),
        ("relu(x)", 0.0, REGULAR, LIMIT),
        ("cbrt(x)", 0.0, REGULAR, LIMIT),
        ("max(x, -x)", 0.0, REGULAR, LIMIT),
        ("max(x, x)", 1.0, REGULAR, REGULAR),
        ("1 / x", 0.0, LIMIT, LIMIT),
        ("x / x", 0.0, LIMIT, LIMIT),
        ("sin(x) / x", 0.0, LIMIT, LIMIT),
        ("x**(1/2)", -1.0, UNDEFINED, UNDEFINED),
        ("x**3", 0.0, REGULAR, REGULAR),
        ("x**0", 0.0, REGULAR, REGULAR),
        ("x**-1", 0.0, LIMIT, LIMIT),
        ("0**x", 2.0, REGULAR, LIMIT),
        ("(-2)**x", 2.0, REGULAR, UNDEFINED),
        ("(-2)**x", 0.5, UNDEFINED, UNDEFINED),
        ("asin(x)", 1.0, REGULAR, LIMIT),
        ("asin(x)", 1.5, UNDEFINED, UNDEFINED),
        ("acosh(x)", 0.5, UNDEFINED, UNDEFINED),
        ("atanh(x)", 1.0, LIMIT, LIMIT),
        ("lgamma(x)", -2.0, LIMIT, LIMIT),
        ("digamma(x)", 0.0, LIMIT, LIMIT),
        ("hypot(x, x)", 0.0, REGULAR, LIMIT),
        ("atan2(x, -1)", 0.0, REGULAR, REGULAR),  # on the side that +0 picks
        ("atan2(-abs(x), -1)", 0.0, REGULAR, LIMIT),
        ("atan2(x, 0*x)", 0.0, REGULAR, LIMIT),
        ("atan2(0, x)", -1.0, REGULAR, REGULAR),
        ("where(x > 0, log(x), 0)", -1.0, REGULAR, REGULAR),
        ("where(x > 0, log(x), 0)", 0.0, REGULAR, LIMIT),
        ("where(x > 0, 1, 2) * x", 1.0, REGULAR, REGULAR),
        ("where(x == 0, 1, sin(x)/x)", 0.0, REGULAR, LIMIT),
        ("where(log(x) > 0, 1, x)", -1.0, UNDEFINED, UNDEFINED),
        ("x * inf", 1.0, LIMIT, LIMIT),
        ("x - x", math.inf, LIMIT, LIMIT),
        ("x - x", math.nan, UNDEFINED, UNDEFINED),
        ("0 * log(x)", -1.0, UNDEFINED, UNDEFINED),
        ("log(x) - log(x)", -1.0, UNDEFINED, UNDEFINED),
    ],
)
def test_the_program_as_written_decides_what_is_known(
    text: str, x: float, value: Standing, gradient: Standing
) -> None:
    found = evaluate(text, x=x)
    assert found.value.standing is value
    adjoint = found.adjoint("x")
    assert (REGULAR if adjoint is None else adjoint.standing) is gradient
    if value is not REGULAR:
        assert found.value.reason


def test_the_branch_not_taken_contributes_nothing() -> None:
    found = evaluate("where(x > 0, log(x), 0)", x=-1.0)
    assert_exact(found.value, 0)
    adjoint = found.adjoint("x")
    assert adjoint is None or ends(adjoint.ball) == (0, 0)


def test_a_reason_names_the_operation_in_the_source() -> None:
    assert "`log(x)`" in evaluate("1 + log(x)", x=-1.0).value.reason
    assert "`abs(x - 1)`" in evaluate("abs(x - 1)", x=1.0).adjoint("x").reason


def test_what_the_balls_do_not_tell_is_unsure_and_not_decided() -> None:
    """sin²+cos²−1 is zero, but no precision shows it, so the side of the kink stays
    open."""
    found = evaluate("abs(sin(x)**2 + cos(x)**2 - 1)", x=1.0)
    assert found.adjoint("x").standing is UNSURE


def test_the_power_at_zero_by_a_variable_exponent_is_decided() -> None:
    """x**y at x = 0, y = 3 has the derivative 0 by x, as x**3 has."""
    found = evaluate("x**y", x=0.0, y=3.0)
    adjoint = found.adjoint("x")
    assert adjoint is None or (
        adjoint.standing is REGULAR and ends(adjoint.ball) == (0, 0)
    )


# ── random programs ───────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None, max_examples=250)
@given(texts(), numbers, numbers)
def test_the_whole_derivative_and_the_stepwise_one_overlap(
    text: str, x: float, y: float
) -> None:
    program = parse(text + " + 0*x + 0*y")
    whole = derivative.whole(program)
    assert whole is not None
    try:
        formula = whole.compile([whole.expression, *whole.gradient(["x", "y"])])
    except derivative.UntranslatableError:
        return
    x, y = x + 0.0, y + 0.0  # SymPy's expression knows no −0
    found = Evaluated(program, {"x": x, "y": y})
    with balls.workprec(BITS):
        second = evaluation.evaluate(
            formula, {"x": balls.exact(x), "y": balls.exact(y)}
        )
        firsts = [found.value, found.adjoint("x"), found.adjoint("y")]
        for first, ball in zip(firsts, second, strict=True):
            if first is None:
                assert not balls.is_finite(ball) or ball.contains(0)
            elif first.standing is Standing.REGULAR and balls.is_finite(ball):
                assert balls.overlaps(first.ball, ball), (first.ball, ball)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(texts(), numbers, numbers, st.integers(60, 120))
def test_more_precision_never_contradicts_less(
    text: str, x: float, y: float, bits: int
) -> None:
    program = parse(text + " + 0*x + 0*y")
    stepwise = Stepwise(program)
    passes = []
    for precision in (bits, 4 * bits):
        with balls.workprec(precision):
            passes.append(stepwise.evaluate({"x": x, "y": y}, 1.0))
    for low, high in zip(passes[0].values, passes[1].values, strict=True):
        if (
            isinstance(low.ball, bool)
            or isinstance(high.ball, bool)
            or low.ball is None
        ):
            assert (
                low.ball is None
                or low.ball == high.ball
                or low.standing is not Standing.REGULAR
            )
        elif low.standing is Standing.REGULAR:
            assert high.standing is Standing.REGULAR
            assert balls.overlaps(low.ball, high.ball)
        elif low.standing is not Standing.UNSURE:
            assert high.standing is low.standing


def test_a_pass_does_not_hang_on_the_passes_before_it() -> None:
    stepwise = Stepwise(parse("max(0.2*x + 0.5, y) + atan2(y, x)"))
    points: list[dict[str, Any]] = [
        {"x": 2.5, "y": 1.0},
        {"x": -1.0, "y": -0.0},
        {"x": balls.exact(2.0).union(balls.exact(3.0)), "y": 1.0},
        {"x": -1.0, "y": 0.0},
    ]
    with balls.workprec(BITS):
        alone = [Stepwise(stepwise.program).evaluate(point, 1.0) for point in points]
        again = [stepwise.evaluate(point, 1.0) for point in reversed(points)]
    assert str(again[::-1]) == str(alone)
