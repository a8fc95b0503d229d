"""Calls in formulas: operations by name, keyword and default, and forms of SymPy's."""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction

from verifier.errors import did_you_mean
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation
from verifier.language.programs.building import Builder
from verifier.language.programs.names import Names
from verifier.language.programs.program import Span
from verifier.language.programs.python_syntax import describe, is_true

Emit = Callable[[list[int]], int]
"""What adds the nodes of a part of a tree, given those of its own parts."""
Plan = tuple[list[ast.expr], Emit]
"""The parts to read first, and what to do with their nodes."""


def applying(row: Operation, builder: Builder, span: Span) -> Emit:
    """What applies an operation to all parts."""
    return lambda operands: builder.apply_to_all(row, operands, span)


def plan_call(node: ast.Call, builder: Builder, names: Names) -> Plan:
    """How a call is read."""
    source = builder.source
    if not isinstance(node.func, ast.Name):
        source.fail(
            node.func,
            f"expected the name of an operation before `(`, found {describe(node.func)}",
        )
    name = source.name(node.func)
    if names.is_variable(name):
        source.fail(
            node.func,
            f"`{name}` is a variable and cannot be called. Write a product with `*`.",
        )
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        source.fail(node, "expected plain arguments, found a star (`*a`)")
    row = operations.find(name)
    if node.keywords and (row is None or not row.parameters):
        source.fail(node, f"expected `{name}` without keyword arguments")
    span = source.span(node)
    if name == "Piecewise":
        return _piecewise(node, builder, span)
    if name in ("log", "ln") and len(node.args) == 2:
        return node.args, _log_to_base(builder, span)
    if name == "Rational":
        return node.args, applying(operations.of_symbol("/"), builder, span)
    if row is None:
        hint = did_you_mean(name, operations.known_names())
        source.fail(
            node.func,
            f"unknown operation `{name}`.{hint} `verifier operations` lists all that are supported.",
        )
    if len(node.args) <= row.arity and (
        node.keywords or (len(node.args) < row.arity and row.defaults)
    ):
        return _by_keyword(row, node, builder, span)
    return list(node.args), applying(row, builder, span)


def _by_keyword(row: Operation, node: ast.Call, builder: Builder, span: Span) -> Plan:
    """A call with operands by keyword or left out, as in `softplus(x, beta=2)`."""
    given = dict(zip(row.operands, node.args, strict=False))
    for argument in node.keywords:
        name = argument.arg or "**"
        if name not in row.parameters:
            hint = did_you_mean(name, row.parameters)
            known = ", ".join(row.parameters)
            builder.source.fail(
                argument,
                f"`{row.name}` has no parameter `{name}`, only {known}.{hint}",
            )
        if name in given:
            builder.source.fail(argument, f"`{row.name}` is given `{name}` twice")
        given[name] = argument.value

    def emit(operands: list[int]) -> int:
        bound = dict(zip(given, operands, strict=True))
        for name, value in row.defaults.items():
            if name not in bound:
                bound[name] = builder.constant(Fraction(value), span)
        if len(bound) == row.arity:
            operands = [bound[name] for name in row.operands]
        return builder.apply(row, operands, span)  # which refuses too few

    return list(given.values()), emit


def _piecewise(node: ast.Call, builder: Builder, span: Span) -> Plan:
    """`Piecewise((v1, c1), (v2, c2), …, (v, True))` as nested `where`."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    for pair in node.args:
        if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
            builder.source.fail(
                pair, "expected pairs (value, condition) in `Piecewise`"
            )
        pairs.append((pair.elts[0], pair.elts[1]))
    if not pairs or not is_true(pairs[-1][1]):
        builder.source.fail(node, "expected `Piecewise` to end with (value, True)")
    parts = [part for pair in pairs[:-1] for part in pair]
    parts.append(pairs[-1][0])

    def emit(operands: list[int]) -> int:
        where = operations.OPERATIONS["where"]
        result = operands[-1]
        for at in range(len(operands) - 3, -1, -2):
            value, condition = operands[at], operands[at + 1]
            result = builder.apply(where, [condition, value, result], span)
        return result

    return parts, emit


def _log_to_base(builder: Builder, span: Span) -> Emit:
    def emit(operands: list[int]) -> int:
        log = operations.OPERATIONS["log"]
        logs = [builder.apply(log, [operand], span) for operand in operands]
        return builder.apply(operations.of_symbol("/"), logs, span)

    return emit
