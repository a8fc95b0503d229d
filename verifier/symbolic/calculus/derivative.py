"""SymPy's derivatives: of a whole program, and of one operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

import sympy

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic.formula import Formula, Instruction
from verifier.symbolic.calculus.sympy_functions import (
    CONSTANTS,
    NAMES,
    OPERATIONS,
    Symbolic,
    WholeNumber,
)

LARGEST_TREE = 4_000
"""Operations of the expression with all steps written out, past which the whole
derivative would swell."""

LARGEST_DEPTH = 60
"""Operations inside one another, past which SymPy, which walks its trees by recursion,
would run out of stack."""

LARGEST_LITERAL_BITS = 128
"""Constants of more bits stay opaque: SymPy would factor or multiply them out."""


class UntranslatableError(Exception):
    """SymPy answered with something that has no reading in real balls (`zoo`, `I`, an
    unevaluated `Derivative`)."""


class Whole:
    """A program as one SymPy expression of its inputs, or of `inputs`, among which they
    are."""

    def __init__(self, program: Program, inputs: Sequence[str] = ()) -> None:
        self.symbols = {
            name: sympy.Symbol(f"x{index}", real=True)
            for index, name in enumerate(inputs or program.inputs)
        }
        self.opaque: dict[Symbolic, Instruction] = {}
        self.conditions: dict[Symbolic, tuple[str, tuple[Symbolic, ...]]] = {}
        program = rewriting.define(program)
        self.program = program
        self.values: list[Symbolic] = []
        for node in program.nodes:
            self.values.append(self._value(node))

    @property
    def expression(self) -> Symbolic:
        """The output."""
        return self.values[self.program.output]

    def gradient(self, wrt: Sequence[str]) -> list[Symbolic]:
        """The derivatives of the output by each of the inputs named."""
        return [self.expression.diff(self.symbols[name]) for name in wrt]

    def terms(self, name: str) -> dict[str, Formula]:
        """The terms of the derivative by one input, as they are written; none where it
        is no sum.

        Those with a condition, or a number of too many digits, are left out.
        """
        spelt = {symbol: sympy.Symbol(name) for name, symbol in self.symbols.items()}
        terms = sympy.Add.make_args(self.expression.diff(self.symbols[name]))
        return {
            str(term.xreplace(spelt)): self.compile([term])
            for term in terms
            if len(terms) > 1 and term.free_symbols <= spelt.keys()
        }

    def hessian(self, wrt: Sequence[str]) -> list[list[Symbolic]]:
        """The second derivatives of the output."""
        return [
            [first.diff(self.symbols[name]) for name in wrt]
            for first in self.gradient(wrt)
        ]

    def compile(self, outputs: Sequence[Symbolic]) -> Formula:
        """The straight line that computes `outputs` from the inputs, each common
        subexpression once."""
        writer = _Writer(self.symbols, self.opaque, self.conditions)
        places = tuple(writer.place(output) for output in outputs)
        return Formula(instructions=tuple(writer.instructions), outputs=places)

    def _value(self, node: Node) -> Symbolic:
        if node.operation == "variable":
            return self.symbols[node.name or ""]
        if node.operation == "constant":
            return self._constant(node)
        operands = [self.values[index] for index in node.arguments]
        row = operations.OPERATIONS[node.operation]
        if row.result is operations.Sort.CONDITION:
            condition = sympy.Symbol(f"c{len(self.conditions)}", real=True)
            self.conditions[condition] = (node.operation, tuple(operands))
            return condition
        return OPERATIONS[node.operation](*operands)

    def _constant(self, node: Node) -> Symbolic:
        if node.number is None:
            return CONSTANTS[node.name or ""]
        number = node.number
        bits = max(number.numerator.bit_length(), number.denominator.bit_length())
        if bits <= LARGEST_LITERAL_BITS:
            return sympy.Rational(number.numerator, number.denominator)
        opaque = sympy.Symbol(f"k{len(self.opaque)}", real=True)
        self.opaque[opaque] = Instruction(operation="constant", number=number)
        return opaque


def whole(program: Program) -> Whole | None:
    """The program as one expression, or None where written out it would be too large or
    too deep for SymPy."""
    program = rewriting.define(program)
    sizes: list[int] = []
    depths: list[int] = []
    for node in program.nodes:
        sizes.append(1 + sum(sizes[index] for index in node.arguments))
        depths.append(1 + max((depths[index] for index in node.arguments), default=0))
    if sizes[program.output] > LARGEST_TREE or depths[program.output] > LARGEST_DEPTH:
        return None
    return Whole(program)


@lru_cache(maxsize=4096)
def local(operation: str, operand: int, exponent: Fraction | None = None) -> Formula:
    """The derivative of one operation by one operand, a formula of its operands in
    order.

    A constant `exponent` of `pow` is put in before differentiating: of x³, `x**y*y/x`
    would be 0/0 at 0.
    """
    row = operations.OPERATIONS[operation]
    if row.definition is not None:
        defined = Whole(rewriting.definition(row), row.operands)
        return defined.compile(defined.gradient([row.operands[operand]]))
    symbols = {name: sympy.Symbol(f"x_{name}", real=True) for name in row.operands}
    operands: list[Symbolic] = list(symbols.values())
    if exponent is not None:
        operands[1] = sympy.Rational(exponent.numerator, exponent.denominator)
    value = OPERATIONS[operation](*operands)
    derivative = value.diff(list(symbols.values())[operand])
    writer = _Writer(symbols, {}, {})
    place = writer.place(derivative)
    return Formula(instructions=tuple(writer.instructions), outputs=(place,))


class _Writer:
    """Writes SymPy expressions as instructions; equal subexpressions are written
    once."""

    def __init__(
        self,
        symbols: Mapping[str, Symbolic],
        opaque: Mapping[Symbolic, Instruction],
        conditions: Mapping[Symbolic, tuple[str, tuple[Symbolic, ...]]],
    ) -> None:
        self.instructions: list[Instruction] = []
        self.places: dict[Symbolic, int] = {}
        self.conditions = conditions
        for name, symbol in symbols.items():
            self.places[symbol] = self._write("input", name=name)
        for symbol, instruction in opaque.items():
            self.instructions.append(instruction)
            self.places[symbol] = len(self.instructions) - 1

    def place(self, root: Symbolic) -> int:
        """The index of the instruction that computes `root`, written if need be;
        without recursion."""
        work = [root]
        while work:
            current = work[-1]
            if current in self.places:
                work.pop()
                continue
            missing = [part for part in self._parts(current) if part not in self.places]
            if missing:
                work.extend(missing)
            else:
                self.places[current] = self._translate(current)
                work.pop()
        return self.places[root]

    def _parts(self, current: Symbolic) -> tuple[Symbolic, ...]:
        if current in self.conditions:
            return self.conditions[current][1]
        if current.is_Number or current.is_NumberSymbol:
            return ()
        if current.is_Pow and current.exp == -1:
            return (current.base,)
        return tuple(current.args)

    def _translate(self, current: Symbolic) -> int:
        if current in self.conditions:
            operation, operands = self.conditions[current]
            return self._write(operation, *(self.places[part] for part in operands))
        if current.is_Rational:
            return self._write(
                "constant", number=Fraction(int(current.p), int(current.q))
            )
        for name, constant in CONSTANTS.items():
            if current == constant:
                return self._write("constant", name=name)
        places = [self.places[part] for part in self._parts(current)]
        if current.is_Add:
            return self._chain("add", places)
        if current.is_Mul:
            return self._chain("mul", places)
        if current.is_Pow:
            return self._power(current, places)
        if current.func is WholeNumber:
            return self._write("floor" if current.args[0] < 0 else "ceil", places[1])
        if current.func not in NAMES:
            raise UntranslatableError(f"{current.func}: {current}")
        return self._write(NAMES[current.func], *places)

    def _power(self, current: Symbolic, places: list[int]) -> int:
        if current.exp == -1:
            return self._write("reciprocal", *places)
        if current.exp == sympy.S.Half:
            return self._write("sqrt", places[0])
        return self._write("pow", *places)

    def _chain(self, operation: str, places: list[int]) -> int:
        result = places[0]
        for place in places[1:]:
            result = self._write(operation, result, place)
        return result

    def _write(
        self,
        operation: str,
        *arguments: int,
        name: str | None = None,
        number: Fraction | None = None,
    ) -> int:
        self.instructions.append(
            Instruction(
                operation=operation, arguments=arguments, name=name, number=number
            )
        )
        return len(self.instructions) - 1
