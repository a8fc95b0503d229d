"""What a process may be sent of the symbolic side comes back ready to work."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from verifier.language.programs.parsing import parse, parse_condition
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.straight_lines import CompiledFormula, CompiledProgram
from verifier.symbolic.calculus import derivative
from verifier.symbolic.calculus.complex_chain import ComplexChain
from verifier.symbolic.calculus.precondition import Precondition
from verifier.symbolic.calculus.stepwise import Stepwise
from verifier.symbolic.limits.limits import Limits

PROGRAM = parse("max(sin(x)*y, x**3) + where(x > y, x/y, abs(y))")
POINT = {"x": 1.25, "y": 3.0}


def sent(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def adjoints(stepwise: Stepwise, point: dict[str, Any]) -> list[str]:
    done = stepwise.evaluate(point, 2.0)
    return [str(known and known.ball) for known in (*done.values, *done.adjoints)]


def test_a_stepwise_derivative() -> None:
    stepwise = Stepwise(PROGRAM)
    stepwise.evaluate(POINT, 1.0)
    assert adjoints(sent(stepwise), POINT) == adjoints(stepwise, POINT)
    stepwise = Stepwise(parse("log(z)*z"), ComplexChain)
    assert adjoints(sent(stepwise), {"z": 1 - 2j}) == adjoints(stepwise, {"z": 1 - 2j})


def test_compiled_formulas() -> None:
    whole = derivative.Whole(PROGRAM)
    formula = whole.compile(whole.gradient(["x", "y"]))
    assert sent(formula) == formula
    arguments = [balls.exact(value) for value in POINT.values()]
    for line in (
        CompiledFormula(formula, ["x", "y"], formula.outputs),
        CompiledProgram(PROGRAM),
    ):
        assert str(sent(line).ready()(arguments)) == str(line.ready()(arguments))


def test_limits() -> None:
    program = parse("sin(x)/x")
    limits = Limits(program)
    assert sent(limits).value({"x": 0.0}) == limits.value({"x": 0.0})


@pytest.mark.parametrize("x", [1.0, -1.0])
def test_a_precondition(x: float) -> None:
    condition = Precondition(parse_condition("x > 0"))
    assert sent(condition).holds({"x": x}) is (x > 0)
