"""An evaluator of FPCore, from the standard, and ours of what was imported.

The first knows nothing of the importer: it reads the text anew and computes in mpmath.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import mpmath

from verifier.language.importers.case_drafts import Draft
from verifier.language.kernels.compositions import expand
from verifier.language.programs import parsing, rewriting
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.formula import Formula, Instruction

Sexpr = Any


def sexprs(text: str) -> list[Sexpr]:
    """All data of a text, as lists and strings."""
    text = re.sub(r"\s*;[^\n]*", "", text)
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[()\[\]]|[^\s()\[\]"]+', text)
    stack: list[list[Sexpr]] = [[]]
    for token in tokens:
        if token in "([":
            stack.append([])
        elif token in ")]":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    return stack[0]


def spelt(text: str) -> Any:
    """A number of FPCore's in mpmath."""
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    if text.startswith("0x"):
        mantissa, _, power = text[2:].partition("p")
        whole, _, part = mantissa.partition(".")
        value = mpmath.mpf(int(whole + part, 16)) * mpmath.mpf(16) ** -len(part)
        return sign * value * mpmath.mpf(2) ** int(power or 0)
    if "/" in text:
        top, bottom = text.split("/")
        return sign * mpmath.mpf(int(top)) / int(bottom)
    return sign * mpmath.mpf(text)


def real_cbrt(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


UNARY: dict[str, Callable[[Any], Any]] = {
    "fabs": abs,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))),
    "cbrt": real_cbrt,
    # C11, 7.12.9.6: halfway cases away from zero
    "round": lambda x: mpmath.sign(x) * mpmath.floor(abs(x) + mpmath.mpf(1) / 2),
    "trunc": lambda x: mpmath.sign(x) * mpmath.floor(abs(x)),
    "nearbyint": mpmath.nint,
    "tgamma": mpmath.gamma,
    **{
        name: getattr(mpmath, name)
        for name in (
            "exp expm1 log log10 log1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc "
            "ceil floor"
        ).split()
    },
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "hypot": mpmath.hypot,
    "atan2": mpmath.atan2,
    "fmax": max,
    "fmin": min,
    "fmod": lambda x, y: x - y * UNARY["trunc"](x / y),
    "remainder": lambda x, y: x - y * mpmath.nint(x / y),  # nint: ties to even
    "copysign": lambda x, y: abs(x) * mpmath.sign(y),
    "fdim": lambda x, y: x - y if x > y else mpmath.mpf(0),
}
CONSTANTS = {
    "E": mpmath.e,
    "PI": mpmath.pi,
    "LN2": mpmath.ln2,
    "LN10": mpmath.ln10,
}
DERIVED: dict[str, Callable[[], Any]] = {
    "LOG2E": lambda: 1 / mpmath.log(2),
    "LOG10E": lambda: 1 / mpmath.log(10),
    "PI_2": lambda: mpmath.pi / 2,
    "PI_4": lambda: mpmath.pi / 4,
    "M_1_PI": lambda: 1 / mpmath.pi,
    "M_2_PI": lambda: 2 / mpmath.pi,
    "M_2_SQRTPI": lambda: 2 / mpmath.sqrt(mpmath.pi),
    "SQRT2": lambda: mpmath.sqrt(2),
    "SQRT1_2": lambda: mpmath.sqrt(mpmath.mpf(1) / 2),
}


def compares(head: str, values: list[Any]) -> bool:
    if head == "!=":
        return len(set(values)) == len(values)
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
        "==": lambda x, y: x == y,
    }
    return all(tests[head](x, y) for x, y in pairwise(values))


def value(tree: Sexpr, scope: Mapping[str, Any]) -> Any:
    """The value of an expression, over the reals."""
    if isinstance(tree, str):
        if tree in scope:
            return scope[tree]
        if tree in ("TRUE", "FALSE"):
            return tree == "TRUE"
        if tree in DERIVED:
            return DERIVED[tree]()
        return +CONSTANTS[tree] if tree in CONSTANTS else spelt(tree)
    head, *rest = tree
    if head == "if":
        return value(rest[1] if value(rest[0], scope) else rest[2], scope)
    if head == "let":
        return value(rest[1], {**scope, **{n: value(v, scope) for n, v in rest[0]}})
    if head == "let*":
        inner = dict(scope)
        for name, bound in rest[0]:
            inner[name] = value(bound, inner)
        return value(rest[1], inner)
    if head in ("!", "cast"):
        return value(rest[-1], scope)
    if head == "digits":
        mantissa, power, base = map(spelt, rest)
        return mantissa * base**power
    found = [value(part, scope) for part in rest]
    if head in ("<", "<=", ">", ">=", "==", "!="):
        return compares(head, found)
    if head in ("and", "or", "not"):
        return {"and": all, "or": any, "not": lambda f: not f[0]}[head](found)
    if head == "fma":
        return found[0] * found[1] + found[2]
    if head == "-" and len(found) == 1:
        return -found[0]
    if head in UNARY and len(found) == 1:
        return UNARY[head](found[0])
    result = found[0]
    for operand in found[1:]:
        result = BINARY[head](result, operand)
    return result


def enclosed(draft: Draft, point: Mapping[str, float]) -> Any:
    """Our own evaluator's ball of an imported formula."""
    parse = parsing.parse_steps if draft.in_steps else parsing.parse
    written = expand(parse(draft.formula, variables=draft.bounds))
    program = rewriting.define(written)
    instructions = tuple(
        Instruction(
            operation="input" if node.operation == "variable" else node.operation,
            arguments=node.arguments,
            name=node.name,
            number=node.number,
        )
        for node in program.nodes
    )
    formula = Formula(instructions=instructions, outputs=(program.output,))
    inputs = {name: balls.exact(number) for name, number in point.items()}
    return evaluation.evaluate(formula, inputs)[0]


def holds(ball: Any, true: Any) -> bool:
    """Whether a ball is one of the true value; mpmath carries 40 digits, ours 15."""
    middle = mpmath.mpf(balls.midpoint(ball))
    return abs(middle - true) <= mpmath.mpf(10) ** -9 * (1 + abs(true))
