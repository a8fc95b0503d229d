"""Two formulas of one gradient side by side: what code computes, and the derivative."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from verifier.floats import BINARY64, shortest
from verifier.language.programs.printing import render
from verifier.language.programs.program import Node, Program
from verifier.symbolic.calculus import typeset
from verifier.symbolic.calculus.derivative import Whole

Symbolic = Any
"""A SymPy expression: SymPy publishes no types."""

LONGEST = 120
"""Characters of a formula that is told."""
MOST_OPERATIONS = 80
"""Of an expression that is looked at."""
SIMPLIFIED = 25
"""Operations of one that SymPy is asked to simplify, which may take it long."""
POINTS = 4
"""At which a ratio is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """Texts in the language of case files, each None where it would be too long."""

    computed: str | None
    true: str | None
    ratio: str | None = None
    """Computed ÷ true, where that is one number."""
    difference: str | None = None
    """Computed − true."""

    @property
    def words(self) -> str | None:
        """What a report says; None where there is nothing short."""
        told = []
        if self.computed and self.true:
            told.append(f"the backward is {self.computed}, the derivative {self.true}")
        if self.ratio:
            told.append(f"the backward is {self.ratio} times the derivative")
        elif self.difference and not told:
            told.append(f"the backward less the derivative is {self.difference}")
        return "; ".join(told) or None


_UNABLE = (NotImplementedError, TypeError, ValueError, RecursionError)
"""What SymPy raises where it cannot simplify."""


class Sigmoid(sympy.Function):  # type: ignore[misc]
    """The logistic function by its name: 1/(1 + exp(−x)) would not be read."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return self * (1 - self)


def side_by_side(
    computed: Program, forward: Program, by: str, *, longest: int = LONGEST
) -> SideBySide | None:
    """What a backward computes, and the derivative of the forward by an input, both
    programs of the same inputs; None where neither can be written shortly."""
    if max(size(computed), size(forward)) > 4 * MOST_OPERATIONS:
        return None
    names = tuple(dict.fromkeys((*computed.inputs, *forward.inputs)))
    one, other = _Readable(computed, names), _Readable(forward, names)
    if one.opaque or other.opaque:
        return None
    slope = other.expression.diff(other.symbols[by])
    written = render(computed)
    mine = written if len(written) <= longest else one.shortest(one.expression)
    found = SideBySide(
        computed=mine if len(mine) <= longest else None,
        true=_within(other.shortest(slope), longest),
        ratio=_ratio(one.expression, slope),
        difference=_difference(one, slope, longest),
    )
    return found if found.words else None


def size(program: Program) -> int:
    """Operations of a program with all that it shares written out."""
    sizes: list[int] = []
    for node in program.nodes:
        sizes.append(1 + sum(sizes[index] for index in node.arguments))
    return sizes[program.output]


def _within(text: str, longest: int) -> str | None:
    return text if len(text) <= longest else None


class _Readable(Whole):
    """A program as an expression in which what is defined keeps its name."""

    def _value(self, node: Node) -> Symbolic:
        if node.operation == "sigmoid":
            return Sigmoid(self.values[node.arguments[0]])
        return super()._value(node)

    def text(self, expression: Symbolic) -> str:
        return typeset.written(self, expression, printer=_Printer())

    def shortest(self, expression: Symbolic) -> str:
        """The shortest text of what SymPy makes of an expression."""
        forms = [expression, sympy.factor_terms(expression)]
        if expression.count_ops() <= SIMPLIFIED:
            try:
                forms.append(sympy.simplify(expression))
            except _UNABLE:
                pass  # it is written as it is
        return min((self.text(form) for form in forms), key=len)


def _ratio(computed: Symbolic, true: Symbolic) -> str | None:
    """Computed ÷ true, if it is one number other than 1 at points that have nothing in
    common: what the entries show, in SymPy's arithmetic."""
    if computed == 0 or true == 0:
        return None
    symbols = sorted(computed.free_symbols | true.free_symbols, key=str)
    found = set()
    for point in range(1, POINTS + 1):
        at = {
            symbol: sympy.Rational(7 * point + 3 * place + 2, 11 + 2 * point)
            for place, symbol in enumerate(symbols)
        }
        quotient = sympy.N(computed.xreplace(at) / true.xreplace(at), 30)
        if not quotient.is_Float:
            return None
        found.add(f"{float(quotient):.12g}")
    (text, *others) = found
    return None if others or text == "1" else text


def _difference(one: _Readable, slope: Symbolic, longest: int) -> str | None:
    gap = one.expression - slope
    if gap.count_ops() > MOST_OPERATIONS or one.conditions:
        return None
    text = one.shortest(sympy.factor_terms(sympy.expand(gap)))
    return _within(text, longest // 2)


class _Printer(typeset.Printer):
    """Writes a fraction that a decimal spells as one."""

    def _print_Rational(self, term: Symbolic) -> str:
        number = Fraction(int(term.p), int(term.q))
        text = shortest(float(number), BINARY64)
        return (
            text
            if Fraction(text) == number
            else f"{number.numerator}/{number.denominator}"
        )

    def _print_Sigmoid(self, term: Symbolic) -> str:
        return f"sigmoid({self._print(term.args[0])})"
