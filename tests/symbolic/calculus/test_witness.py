"""The witness: closed forms, the whole table and random programs against the oracle,
planted wrong rules found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import sympy
from entries import gradient as by
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import call

from verifier.floats import FORMATS
from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.parsing import parse, parse_steps
from verifier.language.programs.program import Program
from verifier.records import Enclosure, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls, taylor
from verifier.symbolic.arithmetic.formula import Formula, Instruction
from verifier.symbolic.calculus import derivative, sympy_functions, witness
from verifier.symbolic.truth.oracle import Oracle

FORMAT = FORMATS["float64"]
BITS = 120


def gradient(text: str, **point: float) -> list[float] | None:
    program = parse(text)
    with balls.workprec(BITS):
        found = witness.gradient(program, point, program.inputs, 1.0)
    return [float(found[n].mid()) for n in program.inputs] if found else None


def hessian(text: str, **point: float) -> list[list[float]] | None:
    program = parse(text)
    names = program.inputs
    with balls.workprec(BITS):
        found = witness.second_derivatives(program, point, names, 1.0)
    if None in found.values():
        return None
    return [[float(found[i, j].mid()) for j in names] for i in names]


def disagreements(
    program: Program, point: Mapping[str, float], upstream: float = 1.5
) -> list[str]:
    """The inputs by which the oracle and the witness differ, or the oracle is at odds
    with itself."""
    truth = Oracle(program, program.inputs).at(point, upstream, FORMAT)
    with balls.workprec(BITS):
        second = witness.gradient(program, point, program.inputs, upstream)
    assert list(second) == list(program.inputs)
    return [
        name
        for name in program.inputs
        if not _agree(truth[by(name)], balls.enclosure(second[name]))
    ]


def _agree(truth: Truth, second: Enclosure) -> bool:
    if truth.status is TruthStatus.ORACLE:
        return False
    assert truth.status is TruthStatus.FINITE, truth
    first = truth.enclosure
    assert first is not None
    return first.lower <= second.upper and second.lower <= first.upper


# ── closed forms ──────────────────────────────────────────────────────────────────────


def test_first_derivatives() -> None:
    assert gradient("x**3", x=2.0) == [12]
    assert gradient("x*y + y", x=3.0, y=5.0) == [5, 4]
    assert gradient("sin(x)/x", x=math.pi) == pytest.approx([-1 / math.pi])


def test_second_derivatives() -> None:
    assert hessian("x**3 * y", x=2.0, y=5.0) == [[60, 12], [12, 0]]
    assert hessian("hypot(x, y)", x=3.0, y=4.0) == [
        pytest.approx([16 / 125, -12 / 125]),
        pytest.approx([-12 / 125, 9 / 125]),
    ]
    assert hessian("x + y", x=1.0, y=2.0) == [[0, 0], [0, 0]]


def test_second_derivative_of_sinc_in_small() -> None:
    found = hessian("sin(x)/x", x=2.0**-20)
    assert found is not None
    assert found[0][0] == pytest.approx(-1 / 3, rel=1e-9)


def test_the_upstream_gradient_multiplies() -> None:
    program = parse("x*x")
    with balls.workprec(BITS):
        first = witness.gradient(program, {"x": 3.0}, ["x"], -2.0)
        second = witness.second_derivatives(program, {"x": 3.0}, ["x"], -2.0)
    (entry,) = second.values()
    assert entry is not None
    assert (float(first["x"]), float(entry)) == (-12, -4)


def test_inputs_that_are_not_asked_for_stay_put() -> None:
    program = parse("x * abs(y)")
    with balls.workprec(BITS):
        found = witness.gradient(program, {"x": 3.0, "y": 0.0}, ["x"], 1.0)
    assert balls.is_zero(found["x"])


def test_steps() -> None:
    program = parse_steps("b = a + 2\ny = b * 3\nloss = (y - t)**2")
    with balls.workprec(BITS):
        found = witness.gradient(program, {"a": 100.0, "t": 290.0}, ["a"], 1.0)
    assert float(found["a"]) == 96


def test_a_masked_branch_does_no_harm() -> None:
    assert gradient("where(x > 0, log(x), x*x)", x=-3.0) == [-6]
    assert gradient("where(x > 0 and x < 2, log(x), 1/x)", x=1.0) == [1]
    assert gradient("where(not x > 0, log(x), x)", x=1.0) == [1]


def test_a_kink_inside_a_condition_does_no_harm() -> None:
    assert gradient("where(abs(x) < 1/1000, 1 - x**2/6, sin(x)/x)", x=0.0) == [0]
    assert gradient("where(2*max(x, -x) + 1 < 2, 3*x, x)", x=0.0) == [3]
    assert gradient("min(x, abs(x - 1) + 2)", x=1.0) == [1]
    assert gradient("max(min(x, 0), 5*x + 1)", x=0.0) == [5]
    assert hessian("where(abs(x) < 1/1000, 1 - x**2/6, sin(x)/x)", x=0.0) == [
        pytest.approx([-1 / 3])
    ]


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("abs(x)", {"x": 0.0}),
        ("where(sign(x) < 1/2, x, 2*x)", {"x": 0.0}),
        ("where(sqrt(x) < 1/2, x, 2*x)", {"x": 0.0}),
        ("where(abs(x) < 0, x, 2*x)", {"x": 0.0}),
        ("sqrt(x)", {"x": 0.0}),
        ("sin(x)/x", {"x": 0.0}),
        ("max(x, y)", {"x": 1.0, "y": 1.0}),
        ("floor(x)", {"x": 1.0}),
        ("ceil(x)", {"x": -2.0}),
        ("clamp(x, y, 3)", {"x": 1.0, "y": 1.0}),
        ("clamp(x, -1, y)", {"x": 1.0, "y": 1.0}),
        ("where(x > 1, x, 2*x)", {"x": 1.0}),
        ("log(x)", {"x": -1.0}),
        ("exp(log(x))", {"x": -1.0}),
        ("x + log(y - y)", {"x": 1.0, "y": 2.0}),
        ("x", {"x": math.inf}),
        ("x", {"x": math.nan}),
        ("x + inf", {"x": 1.0}),
        ("x**y", {"x": -2.0, "y": 2.0}),
    ],
)
def test_nothing_is_said_at_an_edge(text: str, point: dict[str, float]) -> None:
    assert gradient(text, **point) is None
    assert hessian(text, **point) is None


def test_nothing_is_said_of_an_infinite_upstream() -> None:
    program = parse("x")
    assert witness.gradient(program, {"x": 1.0}, ["x"], math.inf) == {}
    second = witness.second_derivatives(program, {"x": 1.0}, ["x"], math.nan)
    assert second == {("x", "x"): None}


def test_entries_that_have_a_series_are_kept_apart() -> None:
    program = parse("x**y")
    with balls.workprec(BITS):
        found = witness.second_derivatives(
            program, {"x": -2.0, "y": 3.0}, ["x", "y"], 1.0
        )
    square = found["x", "x"]
    assert square is not None
    assert float(square) == -12
    assert found["x", "y"] is None


# ── the table and random programs ─────────────────────────────────────────────────────

SMALL = {"asin", "acos", "atanh"}


def _written(row: operations.Operation) -> str:
    if row.name == "where":
        return "where(x < y, x*y, sin(x))"
    names = iter("xyz")
    fixed = {name: values[-1] for name, values in row.examples.items()}
    return call(row, [fixed[n] if n in row.fixed else next(names) for n in row.tensors])


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in operations.OPERATIONS.values()
        if row.result is operations.Sort.NUMBER
    ],
    ids=lambda row: row.name,
)
def test_the_whole_table_agrees_with_the_oracle(row: operations.Operation) -> None:
    beyond_one = ("acosh", "asec", "acsc", "acoth")
    x = 1.375 if row.name in beyond_one else 0.625
    texts = [_written(row), f"exp({_written(row)})*x"]
    if row.name == "clamp":  # inside, beyond either end, and the ends crossed
        texts += ["clamp(y, x, z)", "exp(clamp(z, x, y))*x", "clamp(y, z, x)*y"]
    for text in texts:
        program = rewriting.define(parse(text))
        below_one = row.domain[-1].upper == 1 and row.arity > 1
        point = {"x": x, "y": 0.375 if below_one else 1.75, "z": 2.25}
        assert (
            disagreements(program, {name: point[name] for name in program.inputs}) == []
        )


FUNCTIONS = ("sin", "cos", "tanh", "sigmoid", "softplus", "atan", "asinh", "erf")
SAFE = ("log(1 + ({u})**2)", "sqrt(2 + cos({u}))", "exp(sin({u}))", "log1p(({u})**2)")
PAIRS = (
    "({u}) + ({v})",
    "({u}) - ({v})",
    "({u}) * ({v})",
    "({u}) / (1 + ({v})**2)",
    "hypot({u}, 1 + ({v})**2)",
    "atan2(1 + ({u})**2, {v})",
    "(1 + ({u})**2)**tanh({v})",
    "where(({u}) < 5, {v}, {u})",
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    one = st.sampled_from([*(f"{name}({{u}})" for name in FUNCTIONS), *SAFE])
    return st.one_of(
        st.builds(lambda form, u: form.format(u=u), one, inner),
        st.builds(
            lambda form, u, v: form.format(u=u, v=v),
            st.sampled_from(PAIRS),
            inner,
            inner,
        ),
    )


EXPRESSIONS = st.recursive(st.sampled_from(["x", "y", "3/4"]), _grow, max_leaves=5)
NUMBERS = st.integers(-3000, 3000).map(lambda k: k / 1024)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=EXPRESSIONS, x=NUMBERS, y=NUMBERS)
def test_random_programs_agree_with_the_oracle(text: str, x: float, y: float) -> None:
    program = rewriting.define(parse(text, variables=["x", "y"]))
    point = {"x": x, "y": y}
    assert disagreements(program, point) == []


# ── planted wrong rules ───────────────────────────────────────────────────────────────


class Crooked(sympy.Function):  # type: ignore[misc]
    """Has tanh's value, and a derivative that is wrong by one part in a million."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        exact = 1 - sympy.tanh(self.args[0]) ** 2
        return exact * sympy.Rational(1_000_001, 1_000_000)


@pytest.mark.usefixtures("fresh_rules")
def test_a_wrong_rule_of_sympys_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sympy_functions.OPERATIONS, "tanh", Crooked)
    monkeypatch.setitem(sympy_functions.NAMES, Crooked, "tanh")
    # Both of SymPy's derivations go by it, and agree; the witness alone stands against
    # them.
    program = parse("tanh(x)*y")
    found = Oracle(program, ["x"]).at({"x": 0.5, "y": 2.0}, 1.0, FORMAT)
    assert found[by("x")].status is TruthStatus.FINITE
    assert disagreements(program, {"x": 0.5, "y": 2.0}) == ["x"]


def test_a_wrong_local_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = derivative.local

    def wrong(
        operation: str, operand: int, exponent: Fraction | None = None
    ) -> Formula:
        formula = right(operation, operand, exponent)
        if operation != "sin":
            return formula
        last = len(formula.instructions)
        scale = Instruction(operation="constant", number=Fraction(1_000_001, 1_000_000))
        product = Instruction(operation="mul", arguments=(formula.outputs[0], last))
        return replace(
            formula,
            instructions=(*formula.instructions, scale, product),
            outputs=(last + 1,),
        )

    monkeypatch.setattr(derivative, "local", wrong)
    # Without the whole expression, as in long programs, the witness alone can tell.
    monkeypatch.setattr(derivative, "whole", lambda program: None)
    assert disagreements(parse("sin(x)*y"), {"x": 0.5, "y": 2.0}) == ["x"]


def test_a_wrong_rule_of_the_series_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = taylor.FUNCTIONS["erf"]

    def wrong(center: balls.Ball, length: int) -> Sequence[balls.Ball]:
        value, slope, *rest = right(center, length)
        return [value, slope * balls.exact(Fraction(1_000_001, 1_000_000)), *rest]

    monkeypatch.setitem(taylor.FUNCTIONS, "erf", wrong)
    assert disagreements(parse("erf(x)*y"), {"x": 0.5, "y": 2.0}) == ["x"]
