"""The printer: what it writes reads back as the same tree."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.errors import ExpressionError
from verifier.language.operations.table import OPERATIONS, Sort
from verifier.language.programs.parsing import parse, parse_steps
from verifier.language.programs.printing import (
    abbreviated,
    render,
    render_node,
    render_nodes,
)
from verifier.language.programs.program import Program

NAMES = ("x", "y", "lambda", "mu")


def tree(program: Program, index: int) -> Any:
    """A node as nested tuples, without its place in the source."""
    node = program.nodes[index]
    operands = tuple(tree(program, argument) for argument in node.arguments)
    return (node.operation, node.name, node.number, operands)


def trees(program: Program) -> Any:
    steps = {name: tree(program, index) for name, index in program.steps.items()}
    return tree(program, program.output), steps


def read(text: str) -> Program:
    return parse(text, variables=NAMES)


CALLS = [
    row
    for row in OPERATIONS.values()
    if row.result is Sort.NUMBER
    and Sort.CONDITION not in row.sorts
    and row.symbol is None
    and row.name != "neg"
    and not row.parameters
]


@st.composite
def numbers(draw: st.DrawFn, depth: int = 4) -> str:
    """A fully parenthesised text of any operation that yields a number."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(leaves())
    inner = numbers(depth - 1)
    match draw(st.integers(0, 5)):
        case 0:
            return f"({draw(inner)}) {draw(st.sampled_from('+-*/'))} ({draw(inner)})"
        case 1:
            return f"-({draw(inner)})"
        case 2:
            power = draw(st.sampled_from(["2", "-1", "(-x)", "(x**y)", "0.5"]))
            return f"({draw(inner)})**{power}"
        case 3:
            condition = draw(conditions(depth - 1))
            return f"where({condition}, {draw(inner)}, {draw(inner)})"
    row = draw(st.sampled_from(CALLS))
    number = st.sampled_from(["0", "1", "20", "-1", "1/3", "0.25"])
    operands = [draw(inner if n in row.tensors else number) for n in row.operands]
    return f"{row.name}({', '.join(operands)})"


@st.composite
def leaves(draw: st.DrawFn) -> str:
    whole, places = draw(st.integers(0, 10**12)), draw(st.integers(-30, 30))
    return draw(st.sampled_from([*NAMES, "pi", "e", str(whole), f"{whole}e{places}"]))


@st.composite
def conditions(draw: st.DrawFn, depth: int) -> str:
    if depth == 0 or draw(st.booleans()):
        symbol = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
        left, right = (draw(numbers(max(0, depth - 1))) for _ in range(2))
        return f"(({left}) {symbol} ({right}))"
    first, second = (draw(conditions(depth - 1)) for _ in range(2))
    word = draw(st.sampled_from(["and", "or", "not"]))
    return f"(not {first})" if word == "not" else f"({first} {word} {second})"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=numbers())
def test_what_is_printed_reads_back_as_the_same_tree(text: str) -> None:
    try:
        program = read(text)
    except ExpressionError:  # constants that grow too large are refused
        return
    printed = render(program)
    assert trees(read(printed)) == trees(program)
    assert render(read(printed)) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("(exp(x)-1)/x", "(exp(x) - 1) / x"),
        ("softplus(x, 1, 20)", "softplus(x)"),
        ("softplus(x, 2, 20)", "softplus(x, 2)"),
        ("softplus(x, threshold=9)", "softplus(x, 1, 9)"),
        ("elu(x, alpha=1/3)", "elu(x, 1 / 3)"),
        ("gaussian_nll_loss(x, y, y)", "gaussian_nll_loss(x, y, y)"),
        ("-(x**2)", "-x**2"),
        ("(-x)**2", "(-x)**2"),
        ("x**(-y)", "x**-y"),
        ("x-(y-mu)", "x - (y - mu)"),
        ("(x-y)-mu", "x - y - mu"),
        ("x*(-y)", "x * -y"),
        ("x/(y*mu)", "x / (y * mu)"),
        ("(x**y)**mu", "(x**y)**mu"),
        ("not (x < y)", "not x < y"),
        ("1_000*x", "1000 * x"),
        ("0.10*x", "0.1 * x"),
        ("1e300*x", "1e300 * x"),
        ("1.5e-30*x", "15e-31 * x"),
        ("Max(x, y, mu)", "max(max(x, y), mu)"),
        ("0 < x < 1", "0 < x and x < 1"),
    ],
)
def test_parentheses_and_numbers_are_as_few_as_they_can_be(
    text: str, printed: str
) -> None:
    if "<" in text:
        text, printed = f"where({text}, x, 0)", f"where({printed}, x, 0)"
    assert render(read(text)) == printed
    assert trees(read(printed)) == trees(read(text))


def test_steps_are_printed_one_a_line_and_by_name() -> None:
    program = parse_steps("b = a + 2\nc = b\nloss = (c*3 - b)**2")
    printed = render(program)
    assert printed == "b = a + 2\nc = identity(b)\nloss = (c * 3 - b)**2"
    assert trees(parse_steps(printed)) == trees(program)


def test_a_name_that_a_variable_hides_is_spelled_otherwise() -> None:
    program = parse("e*E + maximum(x, max)", variables=("e", "x", "max"))
    printed = render(program)
    assert printed == "e * E + Max(x, max)"
    assert trees(parse(printed, variables=("e", "x", "max"))) == trees(program)


def test_a_name_without_another_spelling_cannot_be_printed() -> None:
    program = parse("sin(x)")
    hidden = Program(
        source="", nodes=program.nodes, inputs=("x", "sin"), output=program.output
    )
    with pytest.raises(ValueError, match="sin"):
        render(hidden)


def test_a_negative_or_endless_number_is_written_as_an_operation() -> None:
    node = parse("1").nodes[0]
    for number, text in ((Fraction(-3), "-3"), (Fraction(1, 3), "1 / 3")):
        leaf = type(node)(operation="constant", number=number, span=node.span)
        program = Program(source="", nodes=(leaf,), inputs=(), output=0)
        assert render(program) == text


def test_one_node_is_printed_with_its_steps_by_name() -> None:
    program = parse_steps("b = a + 2\nc = b * 3")
    assert render_node(program, program.output) == "b * 3"


@pytest.mark.parametrize("longest", [0, 8, 20, 100])
@pytest.mark.parametrize(
    "text",
    [
        "exp(-(x - mu)**2 / (2*y**2)) / (y*sqrt(2*pi))",
        "v1 + v2*exp(v1)*sin(x + y)",
    ],
)
def test_what_is_abbreviated_reads_back_as_the_same_tree(
    text: str, longest: int
) -> None:
    program = parse(text)
    shown = abbreviated(program, longest)
    texts = render_nodes(shown)
    lines = [texts[index] for _, index in sorted(shown.steps.items(), key=by_node)]
    read = parse_steps("\n".join([*lines, f"out = {texts[shown.output]}"]))
    assert tree(read, read.output) == tree(program, program.output)
    assert not set(shown.steps) & set(program.inputs)
    named = {texts[index].partition(" = ")[2] for index in shown.steps.values()}
    assert all(len(line) > longest for line in named)


def by_node(step: tuple[str, int]) -> int:
    return step[1]
