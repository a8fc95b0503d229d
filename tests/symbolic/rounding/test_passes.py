"""The passes of a derivative as programs: their values are the derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from entries import hessian

from verifier.floats import BINARY64
from verifier.language.kernels.table import PYTORCH
from verifier.language.kernels.tangents import tangent_form
from verifier.language.operations import table as operations
from verifier.language.operations.operation import tangent_name
from verifier.language.programs.parsing import parse, parse_form, parse_steps
from verifier.language.programs.program import Program
from verifier.language.programs.rewriting import define
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.calculus import witness
from verifier.symbolic.calculus.stepwise import Stepwise
from verifier.symbolic.rounding.passes import forward, reverse, tangents
from verifier.symbolic.truth.hessian import HessianOracle

Write = Callable[[Program, Sequence[str]], Program]


def test_inputs_and_steps() -> None:
    program = reverse(parse("tanh(x*y) + x"), ["y", "x"])
    assert program.inputs == ("x", "y", "upstream")
    assert list(program.steps) == ["gradient_y", "gradient_x"]
    assert program.output == len(program.nodes) - 1 == program.steps["gradient_x"]


def test_names_do_not_collide() -> None:
    program = reverse(
        parse_steps("gradient_x = x * upstream\nz = gradient_x + gradient_y"),
        ["x", "upstream", "gradient_y"],
    )
    assert program.inputs == ("x", "upstream", "gradient_y", "upstream_")
    assert list(program.steps) == [
        "gradient_x_",
        "gradient_upstream",
        "gradient_gradient_y",
    ]


def test_operands_come_before_what_uses_them() -> None:
    program = reverse(parse("sec(x)*y + x/(1/y)"), ["x", "y"])
    for index, node in enumerate(program.nodes):
        assert all(argument < index for argument in node.arguments)


@pytest.mark.parametrize("write", [reverse, forward])
def test_no_dependence_is_zero(write: Write) -> None:
    program = write(parse("x + sign(y)"), ["x", "y"])
    node = program.nodes[program.steps["gradient_y"]]
    assert (node.operation, node.number) == ("constant", 0)


SMOOTH = ("sin(x)*exp(y)", "x/y + y/x", "x**y", "atan2(x, y)", "hypot(x, y)")
SMOOTH += ("softplus(x)*tanh(y)", "cbrt(x)*sech(y)", "where(x < y, x*y, x)")
SMOOTH += ("max(x, y)*lgamma(x)", "2/x - x*x*x", "erf(x)*log10(y)", "sigmoid(x)")


PASSES: dict[str, Write] = {"reverse": reverse, "forward": forward}


@pytest.mark.parametrize("write", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize("text", SMOOTH)
def test_its_values_are_the_gradient(text: str, write: Write) -> None:
    program = parse(text)
    point = {"x": 0.75, "y": 1.5}
    with balls.workprec(100):
        expected = witness.gradient(define(program), point, program.inputs, 2.5)
        written = define(write(program, program.inputs))
        done = Stepwise(written).evaluate({**point, "upstream": 2.5}, 1.0)
        assert expected
        for name, step in zip(program.inputs, written.steps.values(), strict=True):
            value = done.values[step]
            assert balls.is_known_to(value.ball, 80)
            assert balls.overlaps(value.ball, expected[name])


@pytest.mark.parametrize("write", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize("text", SMOOTH)
def test_the_tangents_of_the_gradient_are_the_hessian(text: str, write: Write) -> None:
    program, point = parse(text), {"x": 0.75, "y": 1.5}
    truths = HessianOracle(program, program.inputs).at(point, 2.5, BINARY64)
    with balls.workprec(100):
        written = define(tangents(write(program, program.inputs), program.inputs))
        done = Stepwise(written).evaluate({**point, "upstream": 2.5}, 1.0)
        pairs = [(i, j) for i in program.inputs for j in program.inputs]
        for pair, step in zip(pairs, written.steps.values(), strict=True):
            exact = truths[hessian(*pair)].enclosure
            ends = balls.enclosure(done.values[step].ball)
            assert exact is not None
            assert ends.lower <= exact.upper
            assert exact.lower <= ends.upper
            assert ends.upper - ends.lower <= 2**-70


def test_what_does_not_move_is_left_out() -> None:
    """The quotient's tangent is `(x_t - y_t * result) / y`, and a number has none."""
    row = operations.OPERATIONS["div"]
    by_x = tangent_form(PYTORCH[row.name], frozenset("x"))
    by_y = tangent_form(PYTORCH[row.name], frozenset("y"))
    both = tangent_form(PYTORCH[row.name], frozenset("xy"))
    found = [
        [node.operation for node in form.nodes if node.arguments]
        for form in (by_x, by_y, both)
        if form is not None
    ]
    assert found == [["div"], ["mul", "neg", "div"], ["mul", "sub", "div"]]


@pytest.mark.parametrize("name", ["floor", "sign"])
def test_a_step_has_no_tangent(name: str) -> None:
    assert tangent_form(PYTORCH[name], frozenset("x")) is None


FORMS = [
    row
    for row in operations.OPERATIONS.values()
    if PYTORCH[row.name].tangent is not None
]


@pytest.mark.parametrize("row", FORMS, ids=lambda row: row.name)
def test_a_tangent_formula_is_the_derivative(row: operations.Operation) -> None:
    """Its own sum over the operands agrees with what the row hands back to each."""
    given = dict(zip(row.operands, (0.6, 0.35, 0.8, 1.0), strict=False))
    if row.name == "where":
        given = {"p": True, "x": 0.35, "y": 0.8}
    if row.name == "clamp":
        given = {"x": 0.5, "low": 0.2, "high": 0.9}
    with balls.workprec(80):
        operands = {n: v if v is True else balls.exact(v) for n, v in given.items()}
        result = evaluation.apply(row.name, list(operands.values()))
        slope = balls.exact(3.0)
        for operand, form in zip(row.operands, PYTORCH[row.name].backward, strict=True):
            if form is None:
                continue
            moved = {**operands, "result": result, tangent_name(operand): slope}
            back = {**operands, "result": result, "grad": slope}
            program = tangent_form(PYTORCH[row.name], frozenset((operand,)))
            expected = _value(parse_form(form, row), back)
            if program is None:
                assert expected == 0
            else:
                assert balls.overlaps(_value(program, moved), expected)


def _value(program: Program, given: Mapping[str, Any]) -> Any:
    done: list[Any] = []
    for node in program.nodes:
        if node.operation == "variable":
            done.append(given[node.name or ""])
        elif node.operation == "constant":
            done.append(balls.constant(node.name, node.number))
        else:
            operands = [done[index] for index in node.arguments]
            done.append(evaluation.apply(node.operation, operands))
    return done[program.output]
