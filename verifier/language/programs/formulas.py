"""Formulas: Python's tree of an expression → nodes, without recursion."""

from __future__ import annotations

import ast
from fractions import Fraction

from verifier.errors import did_you_mean
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation
from verifier.language.programs.building import Builder
from verifier.language.programs.calls import Emit, Plan, applying, plan_call
from verifier.language.programs.constants import LARGEST_CONSTANT_BITS, bits, decimal
from verifier.language.programs.names import Names
from verifier.language.programs.python_syntax import (
    BINARY_OPERATORS,
    COMPARISONS,
    OTHER_COMPARISONS,
    OTHER_OPERATORS,
    describe,
)
from verifier.language.programs.source import Source


class Formulas:
    """Reads the formulas of one text."""

    def __init__(self, source: Source, builder: Builder, names: Names) -> None:
        self.source = source
        self.builder = builder
        self.names = names

    def read_number(self, root: ast.expr) -> int:
        """The node of a formula that is a number."""
        return self._checked_number(self.read(root), root)

    def read(self, root: ast.expr) -> int:
        """The node of a formula or condition."""
        work: list[tuple[ast.expr, Plan | None]] = [(root, None)]
        done: list[int] = []
        while work:
            node, plan = work.pop()
            if isinstance(node, ast.Name):
                done.append(self._name(node))
            elif isinstance(node, ast.Constant):
                done.append(self._constant(node))
            elif plan is None:
                plan = self._plan(node)
                work.append((node, plan))
                work.extend((child, None) for child in reversed(plan[0]))
            else:
                count = len(plan[0])
                arguments = done[len(done) - count :]
                del done[len(done) - count :]
                done.append(plan[1](arguments))
        return done[0]

    def _checked_number(self, index: int, node: ast.expr) -> int:
        if not self.builder.is_number(index):
            self.source.fail(
                node, "expected a number, found a condition. Use `where(…)`."
            )
        return index

    def _plan(self, node: ast.expr) -> Plan:
        match node:
            case ast.BinOp() if type(node.op) in BINARY_OPERATORS:
                row = operations.of_symbol(BINARY_OPERATORS[type(node.op)])
                return [node.left, node.right], self._applying(row, node)
            case ast.UnaryOp(op=ast.USub()):
                return [node.operand], self._applying(
                    operations.OPERATIONS["neg"], node
                )
            case ast.UnaryOp(op=ast.UAdd()):
                return [node.operand], lambda operands: self._checked_number(
                    operands[0], node
                )
            case ast.UnaryOp(op=ast.Not()):
                return [node.operand], self._applying(operations.of_symbol("not"), node)
            case ast.BoolOp():
                symbol = "and" if isinstance(node.op, ast.And) else "or"
                return node.values, self._applying(operations.of_symbol(symbol), node)
            case ast.Compare():
                return [node.left, *node.comparators], self._comparing(node)
            case ast.IfExp():
                where = operations.OPERATIONS["where"]
                return [node.test, node.body, node.orelse], self._applying(where, node)
            case ast.Call():
                return plan_call(node, self.builder, self.names)
        operator = getattr(node, "op", None)
        if isinstance(operator, ast.AST) and type(operator) in OTHER_OPERATORS:
            symbol, mend = OTHER_OPERATORS[type(operator)]
            self.source.fail(node, f"unknown operator `{symbol}`. {mend}")
        self.source.fail(node, f"expected a formula, found {describe(node)}")

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

    def _name(self, node: ast.Name) -> int:
        name = self.source.name(node)
        names, builder = self.names, self.builder
        index = names.node_of(name)
        if index is not None:
            return index
        if name in (names.declared or ()):
            return self._variable(name, node)
        if name in operations.CONSTANTS:
            constant = operations.CONSTANTS[name]
            return builder.named_constant(constant, self.source.span(node))
        if operations.find(name) is not None:
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

    def _variable(self, name: str, node: ast.Name) -> int:
        index = self.builder.variable(name, self.source.span(node))
        self.names.inputs[name] = index
        return index
