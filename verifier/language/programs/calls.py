"""Calls in formulas: operations by name, keyword and default, other libraries' names,
and forms of SymPy's."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from verifier.errors import did_you_mean
from verifier.language.operations import spellings
from verifier.language.operations import table as operations
from verifier.language.operations.libraries import BY_PREFIX, MATH, SYMPY, TORCH
from verifier.language.operations.table import Operation
from verifier.language.programs.building import Builder
from verifier.language.programs.plans import Context, Emit, Plan, applying
from verifier.language.programs.program import Span
from verifier.language.programs.python_syntax import describe, dotted, is_true
from verifier.language.programs.sums import plan_factorial, plan_sum

GREEK = {"Γ": "gamma", "Β": "beta", "ψ": "digamma", "ζ": "zeta", "Φ": "Phi"}
"""Functions that are called by a letter."""
_HEAPED = ("reduction", "size_average", "reduce", "inplace", "training", "weight")
_SHAPED = ("dim", "axis", "keepdim", "out", "dtype", "device", "requires_grad")


def plan_call(node: ast.Call, context: Context) -> Plan:
    """How a call is read."""
    builder = context.builder
    name = _called(node, context)
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        context.fail(node, "expected plain arguments, found a star (`*a`)")
    summed = plan_sum(node, name, context)
    if summed is not None:
        return summed
    row = operations.find(name)
    _check_keywords(node, name, row, context)
    span = builder.source.span(node)
    if name == "Piecewise":
        return _piecewise(node, builder, span)
    if name in ("log", "ln") and len(node.args) == 2 and _may_have_base(node):
        return Plan(node.args, _log_to_base(builder, span))
    if name == "Rational":
        return Plan(node.args, applying(operations.of_symbol("/"), builder, span))
    if row is None:
        if name in spellings.COMPOSED:
            return _composed(node, name, context, span)
        _fail_unknown(node, name, context)
    if len(node.args) <= row.arity and (
        node.keywords or (len(node.args) < row.arity and row.defaults)
    ):
        return _by_keyword(row, node, builder, span)
    return Plan(node.args, applying(row, builder, span))


def _may_have_base(node: ast.Call) -> bool:
    """Whether the second operand of a logarithm is its base: NumPy's is another."""
    prefix = dotted(node.func).rpartition(".")[0]
    return BY_PREFIX.get(prefix) in (None, MATH, SYMPY)


# ── the name ──────────────────────────────────────────────────────────────────────────


def _called(node: ast.Call, context: Context) -> str:
    """The name in our language of what is called."""
    source = context.builder.source
    if isinstance(node.func, ast.Attribute):
        return _of_library(node, node.func, context)
    if not isinstance(node.func, ast.Name):
        context.fail(
            node.func,
            f"expected the name of an operation before `(`, found {describe(node.func)}",
        )
    name = source.name(node.func)
    if context.names.is_variable(context.names.meant(name)):
        context.fail(
            node.func,
            f"`{name}` is a variable and cannot be called. Write the product as `{name}*(…)`.",
        )
    return GREEK.get(name, name)


def _of_library(call: ast.Call, node: ast.Attribute, context: Context) -> str:
    """Our name of another library's function, as in `np.exp`."""
    written = dotted(node)
    prefix, _, name = written.rpartition(".")
    library = BY_PREFIX.get(prefix)
    if library is None:
        mend = spellings.FOREIGN.get(name, "")
        if operations.find(name) is not None or name in spellings.COMPOSED:
            # Of a method, as in `x.exp()`, what stands before it is the operand.
            operand = prefix if prefix.isidentifier() else "…"
            rest = ", …" if call.args and context.names.is_variable(prefix) else ""
            mend = f"Write `{name}({operand if rest or not call.args else '…'}{rest})`."
        context.fail(
            node, f"unknown operation `{written or describe(node)}`. {mend}".rstrip()
        )
    if name in library.refused:
        context.fail(node, f"unknown operation `{written}`. {library.refused[name]}")
    if library is TORCH and name in ("max", "min") and _is_number(call.args[1:2]):
        context.fail(
            node,
            f"`{written}(x, 0)` is along a dimension. Write `{name}imum(x, …)` of two numbers.",
        )
    if name in library.same or name in library.called:
        return library.called.get(name, name)
    mend = spellings.FOREIGN.get(name) or did_you_mean(
        name,
        [*library.same, *library.called],
        "`verifier operations` lists all that are supported.",
        prefix=f"{prefix}.",
    )
    context.fail(node, f"unknown operation `{written}`. {mend.strip()}")


def _is_number(nodes: Sequence[ast.expr]) -> bool:
    return any(isinstance(node, ast.Constant) for node in nodes)


def library_constant(node: ast.Attribute, context: Context) -> str:
    """Our name of another library's constant, as in `math.pi`."""
    written = dotted(node)
    prefix, _, name = written.rpartition(".")
    if prefix in BY_PREFIX:
        if name in operations.CONSTANTS:
            return operations.CONSTANTS[name]
        if name == "tau":
            context.fail(node, "expected a constant, found `tau`. Write `2*pi`.")
        if name in BY_PREFIX[prefix].same:
            context.fail(node, f"`{written}` is an operation: expected `{written}(…)`")
    mend = ". Of arrays, declare their `shapes`." if name == "T" else ""
    context.fail(
        node,
        f"expected a formula, found an attribute (`{written or 'a.b'}`){mend}",
    )


def _fail_unknown(node: ast.Call, name: str, context: Context) -> NoReturn:
    known = spellings.FOREIGN.get(name)
    lists = "`verifier operations` lists all that are supported."
    if known is not None:
        mend = f" {known or lists}"
    elif name in operations.CONSTANTS:
        mend = f" Write the number `{name}` without parentheses."
    elif name in context.names.inputs or len(name) == 1:
        mend = f" Write a product as `{name}*(…)`."
    elif re.fullmatch("d[a-z]", name):
        mend = f" {spellings.FOREIGN['diff']}"
    else:
        names = [*operations.known_names(), *spellings.COMPOSED]
        mend = f"{did_you_mean(name, names)} {lists}"
    context.fail(node.func, f"unknown operation `{name}`.{mend}")


# ── the operands ──────────────────────────────────────────────────────────────────────


def _check_keywords(
    node: ast.Call, name: str, row: Operation | None, context: Context
) -> None:
    """That keywords are parameters of the operation, if there are any."""
    for argument in node.keywords:
        if argument.arg in _HEAPED or argument.arg in _SHAPED:
            context.fail(
                argument,
                f"expected no `{argument.arg}`, found one: a formula is of single numbers. Drop it, "
                "or declare the `shapes` of arrays.",
            )
    if node.keywords and (row is None or not row.parameters):
        mend = "Give them in order."
        if name in ("clamp", "clip"):
            mend = "Write `clamp_min(x, a)`, `clamp_max(x, b)` or `clamp(x, a, b)`."
        context.fail(node, f"expected `{name}` without keyword arguments. {mend}")


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

    return Plan(list(given.values()), emit)


def _composed(node: ast.Call, name: str, context: Context, span: Span) -> Plan:
    """A name that stands for a formula."""
    exact = plan_factorial(node, context) if name == "factorial" else None
    if exact is not None:
        return exact
    composed, builder = spellings.COMPOSED[name], context.builder
    operands = composed.operands
    least = len(operands) - len(composed.defaults)
    if not least <= len(node.args) <= len(operands):
        count = "1 operand" if len(operands) == 1 else f"{len(operands)} operands"
        context.fail(
            node,
            f"`{name}` takes {count} ({', '.join(operands)}), found {len(node.args)}",
        )

    def emit(given: list[int]) -> int:
        bound = dict(zip(operands, given, strict=False))
        for operand in operands[len(given) :]:
            value = Fraction(composed.defaults[operand])
            bound[operand] = builder.constant(value, span)
        return builder.inline(context.formula_of(name), bound, span)

    return Plan(node.args, emit)


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

    return Plan(parts, emit)


def _log_to_base(builder: Builder, span: Span) -> Emit:
    def emit(operands: list[int]) -> int:
        log = operations.OPERATIONS["log"]
        logs = [builder.apply(log, [operand], span) for operand in operands]
        return builder.apply(operations.of_symbol("/"), logs, span)

    return emit
