"""Text → `Program`: Python's own tree of it, walked through a whitelist."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache

from verifier.language.operations.operation import tangent_name
from verifier.language.operations.table import Operation
from verifier.language.programs.building import Builder
from verifier.language.programs.formulas import Formulas
from verifier.language.programs.names import Names
from verifier.language.programs.program import Program
from verifier.language.programs.python_syntax import describe
from verifier.language.programs.source import Source


def parse(text: str, *, variables: Iterable[str] | None = None) -> Program:
    """The program of a single expression.

    Where `variables` is given, no other names may occur free; a variable hides an
    operation of the same name. Raises `ExpressionError`, with line and column, for
    anything that is not of the language.
    """
    return _parse_expression(text, Names(variables))


def parse_steps(text: str, *, variables: Iterable[str] | None = None) -> Program:
    """The program of named steps, one `name = expression` a line.

    The last step is the output.
    """
    source = Source(text)
    formulas = Formulas(source, Builder(source), Names(variables))
    return _program(formulas.builder, formulas.names, read_steps(formulas))


def read_expression(formulas: Formulas) -> int:
    """The node of the single expression that is the whole text."""
    declared = formulas.names.declared or ()
    body = formulas.source.expression("an expression", declared)
    return formulas.read_number(body)


def read_steps(formulas: Formulas) -> int:
    """The node of the last of the named steps that the text is made of."""
    source, names = formulas.source, formulas.names
    statements = source.statements(names.declared or ())
    if not statements:
        source.fail(None, "expected at least one `name = expression`, found nothing")
    for statement in statements:
        output = _add_step(statement, formulas, names)
    return output


def parse_condition(text: str, *, variables: Iterable[str] | None = None) -> Program:
    """The program of a single condition, such as `x < y and x**2 > 1/100`."""
    known = Names(variables)
    listed = ", ".join(f"`{name}`" for name in known.declared or ())
    names = Names(known.declared, mend=f"Known are {listed}.")
    source = Source(text)
    body = source.expression("a condition", names.declared or ())
    formulas = Formulas(source, Builder(source), names)
    output = formulas.read(body)
    if formulas.builder.is_number(output):
        source.fail(
            body, "expected a condition such as `x < y`, found a number. Compare it."
        )
    return _program(formulas.builder, names, output)


@cache
def parse_form(text: str, row: Operation) -> Program:
    """The program of a row's own formula (`backward`, …).

    Its variables are the operands, their tangents, `result` and `grad`.
    """
    tangents = map(tangent_name, row.operands)
    names = Names((*row.operands, *tangents, "result", "grad"))
    return _parse_expression(text, names, form_of=row)


def _parse_expression(
    text: str, names: Names, form_of: Operation | None = None
) -> Program:
    source = Source(text)
    formulas = Formulas(source, Builder(source, form_of), names)
    return _program(formulas.builder, names, read_expression(formulas))


def _add_step(statement: ast.stmt, formulas: Formulas, names: Names) -> int:
    source = formulas.source
    if (
        not isinstance(statement, ast.Assign)
        or len(statement.targets) != 1
        or not isinstance(statement.targets[0], ast.Name)
    ):
        source.fail(
            statement, f"expected `name = expression`, found {describe(statement)}"
        )
    target = statement.targets[0]
    name = source.name(target)
    if name.startswith("__"):
        source.fail(target, f"a step cannot be called `{name}`")
    if name in names.steps:
        source.fail(target, f"step `{name}` is defined twice. Give each its own name.")
    _check_no_input(name, target, source, names)
    index = formulas.read_number(statement.value)
    # Again: `a = a + 1` makes an input of its `a`.
    _check_no_input(name, target, source, names)
    nodes = formulas.builder.nodes
    if index in names.step_nodes or nodes[index].operation == "variable":
        # A second name for the same value: a node of its own keeps each step's adjoint
        # apart.
        index = formulas.builder.alias(index, source.span(target))
    names.add_step(name, index)
    return index


def _check_no_input(name: str, target: ast.Name, source: Source, names: Names) -> None:
    if name in names.inputs or name in (names.declared or ()):
        source.fail(target, f"`{name}` is an input and cannot be a step as well")


def _program(builder: Builder, names: Names, output: int) -> Program:
    return Program(
        source=builder.source.text,
        nodes=tuple(builder.nodes),
        inputs=tuple(names.inputs),
        steps=dict(names.steps),
        output=output,
    )
