"""Formulas: Python's tree of an expression → nodes, without recursion."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache

from verifier.errors import did_you_mean
from verifier.language.operations import spellings
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation
from verifier.language.programs import characters
from verifier.language.programs.building import Builder
from verifier.language.programs.calls import library_constant, plan_call
from verifier.language.programs.constants import LARGEST_CONSTANT_BITS, bits, decimal
from verifier.language.programs.names import Names
from verifier.language.programs.plans import Context, Emit, Plan, applying
from verifier.language.programs.program import Program
from verifier.language.programs.python_syntax import (
    BINARY_OPERATORS,
    COMPARISONS,
    CONNECTIVES,
    OTHER_COMPARISONS,
    describe,
)
from verifier.language.programs.source import Source


class Formulas:
    """Reads the formulas of one text."""

    def __init__(self, source: Source, builder: Builder, names: Names) -> None:
        self.source = source
        self.builder = builder
        self.names = names
        self._seen: set[str] = set()

    def read_number(self, root: ast.expr) -> int:
        """The node of a formula that is a number."""
        return self._checked_number(self.read(root), root)

    def read(self, root: ast.expr) -> int:
        """The node of a formula or condition."""
        work: list[tuple[ast.expr, Plan | None, Mapping[str, int]]] = [(root, None, {})]
        done: list[int] = []
        while work:
            node, plan, indices = work.pop()
            if isinstance(node, ast.Name):
                done.append(self._name(node, indices))
            elif isinstance(node, ast.Constant):
                done.append(self._constant(node))
            elif plan is None:
                plan = self._plan(node, indices)
                work.append((node, plan, indices))
                inner = plan.indices or [indices] * len(plan.parts)
                parts = zip(reversed(plan.parts), reversed(inner), strict=True)
                work.extend((child, None, values) for child, values in parts)
            else:
                count = len(plan.parts)
                arguments = done[len(done) - count :]
                del done[len(done) - count :]
                done.append(plan.emit(arguments))
        return done[0]

    def _checked_number(self, index: int, node: ast.expr) -> int:
        if not self.builder.is_number(index):
            mend = "Write it as the number `where(…, 1, 0)`."
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
                mend = "Write an equation as the difference of its sides."
            self.source.fail(node, f"expected a number, found a condition. {mend}")
        return index

    def _plan(self, node: ast.expr, indices: Mapping[str, int]) -> Plan:
        match node:
            case ast.BinOp(ast.Constant(), ast.FloorDiv(), ast.Constant()):
                self.source.fail(
                    node,
                    "expected a quotient, found the whole part of one. Write `/`, or `floor(a/b)`.",
                )
            case ast.BinOp(op=operator) if type(operator) in BINARY_OPERATORS:
                row = operations.of_symbol(BINARY_OPERATORS[type(operator)])
                return Plan([node.left, node.right], self._applying(row, node))
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                parts = [node.left, node.right]
                return Plan(parts, self._connecting(node.op, node))
            case ast.UnaryOp(op=ast.Invert()):
                return Plan([node.operand], self._connecting(node.op, node))
            case ast.UnaryOp(op=ast.USub()):
                row = operations.OPERATIONS["neg"]
                return Plan([node.operand], self._applying(row, node))
            case ast.UnaryOp(op=ast.UAdd()):
                return Plan(
                    [node.operand],
                    lambda operands: self._checked_number(operands[0], node),
                )
            case ast.UnaryOp(op=ast.Not()):
                row = operations.of_symbol("not")
                return Plan([node.operand], self._applying(row, node))
            case ast.BoolOp():
                symbol = "and" if isinstance(node.op, ast.And) else "or"
                row = operations.of_symbol(symbol)
                return Plan(node.values, self._applying(row, node))
            case ast.Compare():
                return Plan([node.left, *node.comparators], self._comparing(node))
            case ast.IfExp():
                row = operations.OPERATIONS["where"]
                parts = [node.test, node.body, node.orelse]
                return Plan(parts, self._applying(row, node))
            case ast.Call():
                return plan_call(node, self._context(indices))
            case ast.Attribute():
                name = library_constant(node, self._context(indices))
                span = self.source.span(node)
                return Plan([], lambda _: self.builder.named_constant(name, span))
        self.source.fail(node, f"expected a formula, found {describe(node)}")

    def _context(self, indices: Mapping[str, int]) -> Context:
        return Context(self.builder, self.names, indices, _formula_of)

    def _connecting(self, operator: ast.AST, node: ast.expr) -> Emit:
        """What joins or negates conditions by the signs that Python has for bits."""
        builder, span = self.builder, self.source.span(node)
        sign, word, mend = CONNECTIVES[type(operator)]

        def emit(operands: list[int]) -> int:
            if any(map(builder.is_number, operands)):
                self.source.fail(
                    node, f"`{sign}` expects conditions, found a number. {mend}"
                )
            return builder.apply(operations.of_symbol(word), operands, span)

        return emit

    def _applying(self, row: Operation, node: ast.expr) -> Emit:
        return applying(row, self.builder, self.source.span(node))

    def _comparing(self, node: ast.Compare) -> Emit:
        """What chains comparisons: `a < x < b` is `a < x and x < b`."""
        builder, span = self.builder, self.source.span(node)

        def emit(operands: list[int]) -> int:
            links: list[int] = []
            for operator, *pair in zip(node.ops, operands, operands[1:], strict=False):
                if type(operator) not in COMPARISONS:
                    symbol, mend = OTHER_COMPARISONS[type(operator)]
                    message = f"unknown comparison operator `{symbol}`. {mend}"
                    self.source.fail(node, message)
                row = operations.of_symbol(COMPARISONS[type(operator)])
                links.append(builder.apply(row, pair, span))
            result = links[0]
            for link in links[1:]:
                row = operations.of_symbol("and")
                result = builder.apply(row, [result, link], span)
            return result

        return emit

    # ── leaves ──────────────────────────────────────────────────────────────────────

    def _constant(self, node: ast.Constant) -> int:
        if isinstance(node.value, bool):
            self.source.fail(node, f"expected a number, found `{node.value}`")
        span = self.source.span(node)
        # The text, not Python's float: a decimal is the rational that it spells.
        text = self.source.at(span)
        if isinstance(node.value, complex) and self.builder.form_of is None:
            return self.builder.imaginary(self._decimal(text[:-1], node), span)
        if not isinstance(node.value, (int, float)):
            self.source.fail(node, f"expected a number, found {describe(node)}")
        exact = Fraction(node.value) if isinstance(node.value, int) else None
        return self.builder.constant(self._decimal(text, node, exact), span)

    def _decimal(
        self, text: str, node: ast.Constant, exact: Fraction | None = None
    ) -> Fraction:
        """The rational that a literal spells, `exact` where it is known."""
        number = decimal(text) if exact is None else exact
        if number is None or bits(number) > LARGEST_CONSTANT_BITS:
            self.source.fail(
                node,
                f"expected a number of at most {LARGEST_CONSTANT_BITS} bits, found `{text[:40]}`",
            )
        return number

    def _name(self, node: ast.Name, indices: Mapping[str, int]) -> int:
        if node.id in indices:
            span = self.source.span(node)
            return self.builder.constant(Fraction(indices[node.id]), span)
        written = self.source.name(node)
        names, builder = self.names, self.builder
        if written not in self._seen:
            self._check_spelling(written, node)
        name = names.meant(written)
        index = names.node_of(name)
        if index is not None:
            return index
        if name in (names.declared or ()):
            return self._variable(name, node)
        constant = characters.CONSTANTS.get(name, name)
        if constant in operations.CONSTANTS:
            constant = operations.CONSTANTS[constant]
            return builder.named_constant(constant, self.source.span(node))
        if operations.find(name) is not None and not self._is_free(name):
            self.source.fail(
                node, f"`{name}` is an operation: expected `{name}(…)`, found `{name}`"
            )
        if name.startswith("__"):
            self.source.fail(node, f"a variable cannot be called `{name}`")
        if names.declared is None:
            return self._variable(name, node)
        known = [*names.declared, *names.steps, *operations.CONSTANTS]
        hint = did_you_mean(name, known, names.mend)
        self.source.fail(node, f"`{name}` has no value.{hint}")

    def _check_spelling(self, name: str, node: ast.Name) -> None:
        """That no two names of the text are spellings of one, or look alike."""
        other = self.names.clash(name)
        if other is not None:
            self.source.fail(
                node,
                f"`{name}` and `{other}` are two spellings of one name, or look alike. "
                "Write one of them, or give one another name.",
            )
        self._seen.add(name)

    def _is_free(self, name: str) -> bool:
        """Whether an operation's name is that of a variable, where any may occur: a
        Greek letter that is called nowhere."""
        if name.lower() not in characters.GREEK_NAMES:
            return False
        called = re.search(rf"\b{re.escape(name)}\s*\(", self.source.text)
        return self.names.declared is None and called is None

    def _variable(self, name: str, node: ast.Name) -> int:
        index = self.builder.variable(name, self.source.span(node))
        self.names.inputs[name] = index
        return index


@cache
def _formula_of(name: str) -> Program:
    """The formula of a composed name, a program of its operands."""
    composed = spellings.COMPOSED[name]
    source, names = Source(composed.formula), Names(composed.operands)
    formulas = Formulas(source, Builder(source), names)
    output = formulas.read_number(source.expression("a formula", composed.operands))
    return Program(
        source=source.text,
        nodes=tuple(formulas.builder.nodes),
        inputs=tuple(names.inputs),
        output=output,
    )
