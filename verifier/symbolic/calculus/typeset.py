"""SymPy's derivatives for people to read: typeset over several lines, or in the
language of the case files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.constants import bits, constant_values
from verifier.language.programs.printing import render_node
from verifier.language.programs.program import Program
from verifier.symbolic.calculus import derivative, sympy_functions, sympy_special

Symbolic = Any
"""A SymPy expression: SymPy publishes no types."""

LARGEST_DERIVATIVE = 120
"""Operations of a derivative past which a page does not show what it says."""
LARGEST_EXPONENT_BITS = 32
"""Constants of more bits are named, not spelled, in a local derivative."""


def derivatives(
    program: Program, wrt: Sequence[str], *, columns: int, plain: bool = False
) -> dict[str, str]:
    """The derivative of the whole program by each input, typeset, or on one line where
    that is too wide; without those too large to be read.

    `plain` keeps to ASCII.
    """
    whole = derivative.whole(program)
    if whole is None:
        return {}
    readable = _readable(whole)
    texts: dict[str, str] = {}
    for name, gradient in zip(wrt, whole.gradient(wrt), strict=True):
        if gradient.count_ops() > LARGEST_DERIVATIVE:
            continue
        typeset = sympy.pretty(
            _ordinary(gradient, readable), use_unicode=not plain, wrap_line=False
        )
        typeset = typeset.replace("ℯ", "e")  # many fonts lack SymPy's own letter
        fits = max(map(len, typeset.split("\n"))) <= columns
        texts[name] = typeset if fits else written(whole, gradient)
    return texts


def local(program: Program, index: int, operand: int) -> str:
    """The derivative of one operation by one operand as a formula of its operands, in
    the language of case files.

    The operation yields a number, and the operand is one.
    """
    node = program.nodes[index]
    if node.operation == "where":
        condition = _called(program, node.arguments[0])
        chosen = ("1, 0", "0, 1")[operand - 1]
        return f"where({condition}, {chosen})"
    row = operations.OPERATIONS[node.operation]
    if row.definition is not None:
        return _local_of_defined(program, index, operand)
    operands = [_operand(program, at) for at in node.arguments]
    # Differentiated by its own symbol: an operand may occur twice.
    symbol = _Operand("u", real=True)
    spelt, operands[operand] = operands[operand], symbol
    value = sympy_functions.OPERATIONS[node.operation](*operands)
    slope = value.diff(symbol).xreplace({symbol: spelt})
    return str(Printer().doprint(slope))


def _local_of_defined(program: Program, index: int, operand: int) -> str:
    """The derivative of a row that is defined by the others, its operands' texts put
    in."""
    node = program.nodes[index]
    row = operations.OPERATIONS[node.operation]
    whole = derivative.Whole(rewriting.definition(row), row.operands)
    slope = whole.gradient([row.operands[operand]])[0]
    if slope.count_ops() > LARGEST_DERIVATIVE:
        return f"the derivative of `{row.name}` by `{row.operands[operand]}`"
    operands = {
        name: _operand(program, at)
        for name, at in zip(row.operands, node.arguments, strict=True)
    }
    return written(whole, slope, operands)


def written(
    whole: derivative.Whole,
    expression: Symbolic,
    inputs: Mapping[str, Symbolic] | None = None,
    printer: Printer | None = None,
) -> str:
    """An expression of a whole program's symbols in the language of case files, the
    inputs by their names or as they are given."""
    printer = printer or Printer()
    inputs = inputs or {name: sympy.Symbol(name, real=True) for name in whole.symbols}
    names = {whole.symbols[name]: written for name, written in inputs.items()}
    names |= {
        opaque: sympy.Symbol(str(instruction.number))
        for opaque, instruction in whole.opaque.items()
    }
    for symbol, (operation, operands) in whole.conditions.items():
        parts = [printer.doprint(part.xreplace(names)) for part in operands]
        names[symbol] = sympy.Symbol(_written_condition(operation, parts))
    return str(printer.doprint(expression.xreplace(names)))


def _written_condition(operation: str, parts: Sequence[str]) -> str:
    symbol = operations.OPERATIONS[operation].symbol
    return f"not {parts[0]}" if len(parts) == 1 else f" {symbol} ".join(parts)


class _Operand(sympy.Symbol):  # type: ignore[misc]
    """An operand by its source text, which stands in parentheses wherever an operator
    is beside it."""

    precedence = PRECEDENCE["Add"]


def _operand(program: Program, index: int) -> Symbolic:
    node = program.nodes[index]
    number = constant_values(program).get(index)
    if number is not None and bits(number) <= LARGEST_EXPONENT_BITS:
        return sympy.Rational(number.numerator, number.denominator)
    text = _called(program, index)
    atom = text.isidentifier() or _is_call(node.operation)
    return (sympy.Symbol if atom else _Operand)(text, real=True)


def _called(program: Program, index: int) -> str:
    """A step by its name, anything else written out."""
    names = {at: name for name, at in program.steps.items()}
    return names.get(index) or render_node(program, index)


def _is_call(operation: str) -> bool:
    row = operations.OPERATIONS.get(operation)
    return row is not None and row.symbol is None and operation != "neg"


class Printer(StrPrinter):  # type: ignore[misc]
    """Writes SymPy's expressions in our language."""

    def _print_Magnitude(self, term: Symbolic) -> str:
        return f"abs({self._print(term.args[0])})"

    def _print_Direction(self, term: Symbolic) -> str:
        return f"sign({self._print(term.args[0])})"

    def _print_Larger(self, term: Symbolic) -> str:
        return f"max({self.stringify(term.args, ', ')})"

    def _print_Above(self, term: Symbolic) -> str:
        return f"where({self.stringify(term.args, ' > ')}, 1, 0)"

    def _print_Choice(self, term: Symbolic) -> str:
        return f"where({self.stringify(term.args, ', ')})"

    def _print_WholeNumber(self, term: Symbolic) -> str:
        direction, argument = term.args
        return f"{'floor' if direction < 0 else 'ceil'}({self._print(argument)})"

    def _print_Function(self, term: Symbolic) -> str:
        name = sympy_functions.written_name(term.func)
        return f"{name}({self.stringify(term.args, ', ')})"

    def _print_polygamma(self, term: Symbolic) -> str:
        order, argument = term.args
        if order == 0:
            return f"digamma({self._print(argument)})"
        return f"polygamma({self._print(order)}, {self._print(argument)})"

    def _print_Exp1(self, term: Symbolic) -> str:
        return "e"


_RELATIONS = {
    "lt": sympy.Lt,
    "le": sympy.Le,
    "gt": sympy.Gt,
    "ge": sympy.Ge,
    "eq": sympy.Eq,
    "ne": sympy.Ne,
    "logical_and": sympy.And,
    "logical_or": sympy.Or,
    "logical_not": sympy.Not,
}


def _readable(whole: derivative.Whole) -> dict[Symbolic, Symbolic]:
    """What the symbols of a whole program stand for: inputs by their names, conditions
    as relations."""
    names = {
        symbol: sympy.Symbol(name, real=True) for name, symbol in whole.symbols.items()
    }
    for opaque, instruction in whole.opaque.items():
        names[opaque] = sympy.Symbol(str(instruction.number))
    conditions: dict[Symbolic, Symbolic] = {}
    for symbol, (operation, operands) in whole.conditions.items():
        parts = [
            conditions.get(part, _ordinary(part, {**names, **conditions}))
            for part in operands
        ]
        options = {} if operation.startswith("logical") else {"evaluate": False}
        conditions[symbol] = _RELATIONS[operation](*parts, **options)
    return {**names, **conditions}


def _ordinary(expression: Symbolic, readable: Mapping[Symbolic, Symbolic]) -> Symbolic:
    """The expression in SymPy's own functions, which it knows how to typeset; nothing
    is evaluated."""
    if expression in readable:
        return readable[expression]
    if not expression.args:
        return expression
    parts = [_ordinary(part, readable) for part in expression.args]
    match type(expression):
        case sympy_functions.Magnitude:
            return sympy.Abs(*parts, evaluate=False)
        case sympy_functions.Direction:
            return sympy.sign(*parts, evaluate=False)
        case sympy_functions.Larger:
            return sympy.Max(*parts, evaluate=False)
        case sympy_functions.Above:
            return _piecewise(
                sympy.Gt(*parts, evaluate=False), sympy.S.One, sympy.S.Zero
            )
        case sympy_functions.Choice:
            return _piecewise(*parts)
        case sympy_functions.WholeNumber:
            whole = sympy.floor if parts[0] < 0 else sympy.ceiling
            return whole(parts[1], evaluate=False)
        case sympy_special.lgamma:
            return sympy.loggamma(*parts, evaluate=False)
        case sympy_functions.BesselJ:
            return sympy.besselj(*parts)
        case sympy_functions.BesselY:
            return sympy.bessely(*parts)
        case sympy_functions.BesselI:
            return sympy.besseli(*parts)
        case sympy_functions.BesselK:
            return sympy.besselk(*parts)
        case sympy_functions.ErfInverse:
            return sympy.erfinv(*parts, evaluate=False)
        case sympy_functions.ErfcInverse:
            return sympy.erfcinv(*parts, evaluate=False)
        case sympy_functions.ErfcScaled | sympy_functions.Sinc:
            name = sympy_functions.written_name(expression.func)
            return sympy.Function(name)(*parts)
    if any(isinstance(part, sympy.Piecewise) for part in parts):
        return expression.func(*parts, evaluate=False)
    return expression.func(*parts)


def _piecewise(condition: Symbolic, chosen: Symbolic, other: Symbolic) -> Symbolic:
    return sympy.Piecewise((chosen, condition), (other, True), evaluate=False)
