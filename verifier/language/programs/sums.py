"""Sums and products over an index with integer ends, written out term by term."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NoReturn

from verifier.language.operations import table as operations
from verifier.language.programs.plans import Context, Plan, applying

OVER_RANGE = {"sum": "add", "prod": "mul"}
"""`sum(x**k for k in range(1, 11))`."""
OVER_LIMITS = {"Sum": "add", "Product": "mul"}
"""SymPy's `Sum(x**k, (k, 1, 10))`, the last value too."""
MOST_TERMS = 10_000
LARGEST_FACTORIAL = 1500
"""Of those within the size of a constant."""
LARGEST_END = 10**9
_DEEPEST = 20


def plan_sum(node: ast.Call, name: str, context: Context) -> Plan | None:
    """How a sum or a product over an index is read; None where a call is neither."""
    if name in OVER_RANGE:
        first = node.args[0] if len(node.args) == 1 else None
        if not isinstance(first, ast.GeneratorExp):
            return None
        index, values = _range(first, context)
        term, operation = first.elt, OVER_RANGE[name]
    elif name in OVER_LIMITS:
        index, values = _limits(node, name, context)
        term, operation = node.args[0], OVER_LIMITS[name]
    else:
        return None
    if len(values) > MOST_TERMS:
        context.fail(node, f"expected at most {MOST_TERMS} terms, found {len(values)}")
    builder, span = context.builder, context.builder.source.span(node)
    if not values:
        neutral = Fraction(operation == "mul")
        return Plan([], lambda _: builder.constant(neutral, span))
    row = operations.OPERATIONS[operation]
    return Plan(
        [term] * len(values),
        applying(row, builder, span),
        [{**context.indices, index: value} for value in values],
    )


def plan_factorial(node: ast.Call, context: Context) -> Plan | None:
    """The factorial of an integer constant, a number; None where it is of another
    operand, and by `gamma`."""
    if len(node.args) != 1 or node.keywords:
        return None
    number = integer(node.args[0], context.indices)
    if number is None:
        return None
    if not 0 <= number <= LARGEST_FACTORIAL:
        context.fail(
            node,
            f"expected the factorial of an integer from 0 to {LARGEST_FACTORIAL}, found {number}",
        )
    builder, span = context.builder, context.builder.source.span(node)
    product = Fraction(math.factorial(number))
    return Plan([], lambda _: builder.constant(product, span))


def _range(node: ast.GeneratorExp, context: Context) -> tuple[str, range]:
    form = "`… for k in range(1, 11)`: k from 1 to 10"
    if len(node.generators) != 1:
        context.fail(node, "expected one `for`, found several. Write a sum of sums.")
    (part,) = node.generators
    if part.ifs:
        context.fail(
            part.ifs[0],
            "expected no `if` in a sum, found one. Write its terms as `where(…)`.",
        )
    call = part.iter
    if not isinstance(part.target, ast.Name):
        context.fail(part.target, f"expected one index, found several. Write {form}.")
    is_range = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    if not isinstance(call, ast.Call) or not is_range or _called(call) != "range":
        context.fail(call, f"expected a range with integer ends. Write {form}.")
    if not 1 <= len(call.args) <= 3 or call.keywords:
        context.fail(call, f"expected the ends of the range. Write {form}.")
    ends = [_end(end, context) for end in call.args]
    if len(ends) == 3 and ends[2] == 0:
        context.fail(call, "expected steps other than 0, found 0")
    return part.target.id, range(*ends)


def _limits(node: ast.Call, name: str, context: Context) -> tuple[str, range]:
    form = f"`{name}(x**k, (k, 1, 10))`"
    if len(node.args) > 2:
        context.fail(
            node, f"expected one index, found several. Write a `{name}` of a `{name}`."
        )
    limits = node.args[1] if len(node.args) == 2 else None
    if not isinstance(limits, ast.Tuple) or len(limits.elts) != 3:
        context.fail(
            node, f"expected a term, and an index with its ends. Write {form}."
        )
    index, first, last = limits.elts
    if not isinstance(index, ast.Name):
        context.fail(index, f"expected a name as index. Write {form}.")
    ends = _end(first, context), _end(last, context)
    return index.id, range(ends[0], ends[1] + 1)


def _called(call: ast.Call) -> str | None:
    return call.func.id if isinstance(call.func, ast.Name) else None


def _end(node: ast.expr, context: Context) -> int:
    number = integer(node, context.indices)
    if number is None or abs(number) > LARGEST_END:
        _fail_end(node, context)
    return number


def _fail_end(node: ast.expr, context: Context) -> NoReturn:
    written = context.builder.source.at(context.builder.source.span(node))
    context.fail(
        node,
        f"expected an integer as an end of the index, found `{written[:40]}`. "
        "Sums are written out term by term.",
    )


def integer(node: ast.expr, indices: Mapping[str, int], depth: int = 0) -> int | None:
    """The integer that a constant formula of indices is; None where it is none."""
    if depth > _DEEPEST:
        return None
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name):
            return indices.get(name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign):
            inner = integer(node.operand, indices, depth + 1)
            if inner is None:
                return None
            return -inner if isinstance(sign, ast.USub) else inner
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() as operator):
            left = integer(node.left, indices, depth + 1)
            right = integer(node.right, indices, depth + 1)
            if left is None or right is None:
                return None
            if isinstance(operator, ast.Add):
                return left + right
            return left - right if isinstance(operator, ast.Sub) else left * right
    return None
