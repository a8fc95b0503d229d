"""SymPy's expressions in the language of case files, as SymPy holds them: it has already
rewritten what was typed.

Most of SymPy's names are aliases in the language; here stand those that are not, and
those that mean something else in it.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy.printing.str import StrPrinter

Symbolic = Any
"""A SymPy expression: SymPy publishes no types."""

_DOUBLE = 53
"""Bits of a `Float` that is one of Python's."""


def text_of(expression: Symbolic) -> str:
    """The text of an expression or a condition."""
    return str(_Printer().doprint(expression))


def interval_of(interval: Symbolic) -> str:
    """The text of a `sympy.Interval`."""
    left = "(" if interval.left_open else "["
    right = ")" if interval.right_open else "]"
    return f"{left}{text_of(interval.start)}, {text_of(interval.end)}{right}"


class _Printer(StrPrinter):  # type: ignore[misc]
    def _print_Float(self, term: Symbolic) -> str:
        """The decimal that Python prints of the number; of a longer one, its own."""
        if term._prec == _DOUBLE:
            return repr(float(term))
        return str(sympy.sstr(term, full_prec=True))

    def _print_Infinity(self, term: Symbolic) -> str:
        return "inf"

    def _print_NegativeInfinity(self, term: Symbolic) -> str:
        return "-inf"

    def _print_ImaginaryUnit(self, term: Symbolic) -> str:
        return "1j"

    def _print_EulerGamma(self, term: Symbolic) -> str:
        return "(-digamma(1))"

    def _print_GoldenRatio(self, term: Symbolic) -> str:
        return "((1 + sqrt(5))/2)"

    def _print_sinc(self, term: Symbolic) -> str:
        """sin(u)/u, where PyTorch's is of πu."""
        return f"sinc(({self._print(term.args[0])})/pi)"

    def _print_frac(self, term: Symbolic) -> str:
        """u − ⌊u⌋, where PyTorch's has the sign of u."""
        argument = self._print(term.args[0])
        return f"({argument} - floor({argument}))"

    def _print_And(self, term: Symbolic) -> str:
        return self._joined(" and ", term)

    def _print_Or(self, term: Symbolic) -> str:
        return self._joined(" or ", term)

    def _print_Not(self, term: Symbolic) -> str:
        return f"(not {self._print(term.args[0])})"

    def _print_Relational(self, term: Symbolic) -> str:
        left, right = map(self._print, term.args)
        return f"({left} {term.rel_op} {right})"

    def _print_ITE(self, term: Symbolic) -> str:
        condition, chosen, other = map(self._print, term.args)
        return f"(({condition} and {chosen}) or (not {condition} and {other}))"

    def _print_Mod(self, term: Symbolic) -> str:
        return f"remainder({self.stringify(term.args, ', ')})"

    def _print_Heaviside(self, term: Symbolic) -> str:
        argument, at_zero = map(self._print, term.args)
        return f"where({argument} > 0, 1, where({argument} < 0, 0, {at_zero}))"

    def _joined(self, word: str, term: Symbolic) -> str:
        parts = sorted(map(self._print, term.args))
        return f"({word.join(parts)})"
