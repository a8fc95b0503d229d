"""SymPy's derivatives: of a whole program, and of one operation. The only module that imports SymPy.

Every symbol is real. Choices and magnitudes are functions of our own, because SymPy's rewrite themselves: `Abs(log(x))`
differentiates into `re` and `im`, `Max` into `Heaviside` of unevaluated differences, and at a kink each of them answers
with a number (`Heaviside(0)` is 1/2) where there is none. Where a choice turns is not decided here: the stepwise
derivative sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic.formula import Formula, Instruction

Symbolic = Any
"""A SymPy expression: SymPy publishes no types."""

LARGEST_TREE = 4_000
"""Operations of the expression with all steps written out, past which the whole derivative would swell."""
LARGEST_DEPTH = 60
"""Operations inside one another, past which SymPy, which walks its trees by recursion, would run out of stack."""
LARGEST_LITERAL_BITS = 128
"""Constants of more bits stay opaque: SymPy would factor or multiply them out."""


class Magnitude(sympy.Function):  # type: ignore[misc]
    """|u| of a real u."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return Direction(self.args[0])


class Direction(sympy.Function):  # type: ignore[misc]
    """The sign of a real u; its derivative is 0 wherever it has one."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return sympy.S.Zero


class Larger(sympy.Function):  # type: ignore[misc]
    """The larger of two reals."""

    nargs = 2
    is_extended_real = True

    @classmethod
    def eval(cls, first: Symbolic, second: Symbolic) -> Symbolic:
        return first if first == second else None

    def fdiff(self, argindex: int = 1) -> Symbolic:
        first, second = self.args
        return Above(first, second) if argindex == 1 else Above(second, first)


class Above(sympy.Function):  # type: ignore[misc]
    """1 where the first exceeds the second, 0 where it falls short."""

    nargs = 2
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return sympy.S.Zero


class Choice(sympy.Function):  # type: ignore[misc]
    """The second operand where the condition, an opaque symbol, holds; else the third."""

    nargs = 3
    is_extended_real = True

    def _eval_derivative(self, symbol: Symbolic) -> Symbolic:
        condition, chosen, other = self.args
        return Choice(condition, chosen.diff(symbol), other.diff(symbol))

    @classmethod
    def eval(cls, condition: Symbolic, chosen: Symbolic, other: Symbolic) -> Symbolic:
        return chosen if chosen == other else None


class WholeNumber(sympy.Function):  # type: ignore[misc]
    """The integer below (first operand −1) or above (1) the second; its derivative is 0 wherever it has one."""

    nargs = 2
    is_extended_real = True

    def fdiff(self, argindex: int = 2) -> Symbolic:
        return sympy.S.Zero


class LogGamma(sympy.Function):  # type: ignore[misc]
    """log |Γ(u)|, which unlike SymPy's `loggamma` is real for negative u (DLMF 5.2.1)."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return sympy.polygamma(0, self.args[0])


class ErfInverse(sympy.Function):  # type: ignore[misc]
    """The inverse of erf (DLMF 7.17.1); SymPy's own takes `erfinv(erf(x))` for x."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return sympy.sqrt(sympy.pi) / 2 * sympy.exp(self**2)


class ErfcInverse(sympy.Function):  # type: ignore[misc]
    """The inverse of erfc."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return -sympy.sqrt(sympy.pi) / 2 * sympy.exp(self**2)


class ErfcScaled(sympy.Function):  # type: ignore[misc]
    """e^u² · erfc(u)."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return 2 * self.args[0] * self - 2 / sympy.sqrt(sympy.pi)


class Sinc(sympy.Function):  # type: ignore[misc]
    """sin(πu) / (πu)."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return (sympy.cos(sympy.pi * self.args[0]) - self) / self.args[0]


class _Cylinder(sympy.Function):  # type: ignore[misc]
    """A Bessel function of integer order, by the recurrence of its derivative (DLMF 10.6.1 and 10.29.1)."""

    nargs = 2
    is_extended_real = True
    _signs: tuple[int, int]

    def fdiff(self, argindex: int = 2) -> Symbolic:
        order, argument = self.args
        below, above = (
            sign * self.func(order + step, argument)
            for sign, step in zip(self._signs, (-1, 1), strict=True)
        )
        return (below + above) / 2


class BesselJ(_Cylinder):
    """Jₙ(u)."""

    _signs = (1, -1)


class BesselY(_Cylinder):
    """Yₙ(u)."""

    _signs = (1, -1)


class BesselI(_Cylinder):
    """Iₙ(u)."""

    _signs = (1, 1)


class BesselK(_Cylinder):
    """Kₙ(u)."""

    _signs = (-1, -1)


OPERATIONS: dict[str, Callable[..., Symbolic]] = {
    "identity": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "sqrt": sympy.sqrt,
    "rsqrt": lambda x: 1 / sympy.sqrt(x),
    "cbrt": lambda x: Direction(x) * Magnitude(x) ** sympy.Rational(1, 3),
    "abs": Magnitude,
    "sign": Direction,
    "floor": lambda x: WholeNumber(-1, x),
    "ceil": lambda x: WholeNumber(1, x),
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "exp": sympy.exp,
    "exp2": lambda x: sympy.exp(x * sympy.log(2)),
    "expm1": lambda x: sympy.exp(x) - 1,
    "log": sympy.log,
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "log1p": lambda x: sympy.log(1 + x),
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sec": lambda x: 1 / sympy.cos(x),
    "csc": lambda x: 1 / sympy.sin(x),
    "cot": lambda x: 1 / sympy.tan(x),
    "asin": sympy.asin,
    "acos": sympy.acos,
    "atan": sympy.atan,
    "atan2": sympy.atan2,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "sech": lambda x: 1 / sympy.cosh(x),
    "csch": lambda x: 1 / sympy.sinh(x),
    "coth": lambda x: 1 / sympy.tanh(x),
    "asinh": sympy.asinh,
    "acosh": sympy.acosh,
    "atanh": sympy.atanh,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "relu": lambda x: Larger(x, sympy.S.Zero),
    "erf": sympy.erf,
    "erfc": sympy.erfc,
    "lgamma": LogGamma,
    "digamma": lambda x: sympy.polygamma(0, x),
    "polygamma": sympy.polygamma,
    # Special functions
    "erfinv": ErfInverse,
    "erfcinv": ErfcInverse,
    "erfcx": ErfcScaled,
    "sinc": Sinc,
    "besselj": BesselJ,
    "bessely": BesselY,
    "besseli": BesselI,
    "besselk": BesselK,
    "max": Larger,
    "min": lambda x, y: -Larger(-x, -y),
    "clamp": lambda x, low, high: -Larger(-Larger(x, low), -high),
    "nan_to_num": lambda x: x,
    "where": Choice,
}
"""What each row that yields a number is to SymPy. Conditions stay opaque symbols."""

_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "inf": sympy.oo}

_FUNCTIONS: dict[Symbolic, str] = {
    Magnitude: "abs",
    Direction: "sign",
    Larger: "max",
    Above: "above",
    Choice: "where",
    LogGamma: "lgamma",
    # Special functions
    ErfInverse: "erfinv",
    ErfcInverse: "erfcinv",
    ErfcScaled: "erfcx",
    Sinc: "sinc",
    BesselJ: "besselj",
    BesselY: "bessely",
    BesselI: "besseli",
    BesselK: "besselk",
    sympy.Abs: "abs",
    sympy.sign: "sign",
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.atan2: "atan2",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.asinh: "asinh",
    sympy.acosh: "acosh",
    sympy.atanh: "atanh",
    sympy.erf: "erf",
    sympy.erfc: "erfc",
    sympy.polygamma: "polygamma",
    sympy.sec: "sec",
    sympy.csc: "csc",
    sympy.cot: "cot",
    sympy.sech: "sech",
    sympy.csch: "csch",
    sympy.coth: "coth",
}


def written_name(function: Symbolic) -> str:
    """What one of SymPy's functions, or of our own, is called in the language of case files."""
    return _FUNCTIONS.get(function) or str(function.__name__)


class UntranslatableError(Exception):
    """SymPy answered with something that has no reading in real balls (`zoo`, `I`, an unevaluated `Derivative`)."""


class Whole:
    """A program as one SymPy expression of its inputs, or of `inputs`, among which they are."""

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
        """The terms of the derivative by one input, as they are written; none where it is no sum.

        Those with a condition, or a number of too many digits, are left out.
        """
        own = {symbol: sympy.Symbol(name) for name, symbol in self.symbols.items()}
        terms = sympy.Add.make_args(self.expression.diff(self.symbols[name]))
        return {
            str(term.xreplace(own)): self.compile([term])
            for term in terms
            if len(terms) > 1 and term.free_symbols <= own.keys()
        }

    def hessian(self, wrt: Sequence[str]) -> list[list[Symbolic]]:
        """The second derivatives of the output."""
        return [
            [first.diff(self.symbols[name]) for name in wrt]
            for first in self.gradient(wrt)
        ]

    def compile(self, outputs: Sequence[Symbolic]) -> Formula:
        """The straight line that computes `outputs` from the inputs, each common subexpression once."""
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
            return _CONSTANTS[node.name or ""]
        number = node.number
        bits = max(number.numerator.bit_length(), number.denominator.bit_length())
        if bits <= LARGEST_LITERAL_BITS:
            return sympy.Rational(number.numerator, number.denominator)
        opaque = sympy.Symbol(f"k{len(self.opaque)}", real=True)
        self.opaque[opaque] = Instruction(operation="constant", number=number)
        return opaque


def whole(program: Program) -> Whole | None:
    """The program as one expression, or None where written out it would be too large or too deep for SymPy."""
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
    """The derivative of one operation by one operand, a formula of its operands in order.

    A constant `exponent` of `pow` is put in before differentiating: of x³, `x**y*y/x` would be 0/0 at 0.
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
    """Writes SymPy expressions as instructions; equal subexpressions are written once."""

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
        """The index of the instruction that computes `root`, written if need be; without recursion."""
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
        for name, constant in _CONSTANTS.items():
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
        if current.func not in _FUNCTIONS:
            raise UntranslatableError(f"{current.func}: {current}")
        return self._write(_FUNCTIONS[current.func], *places)

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
