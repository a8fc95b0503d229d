"""The derivative of a program step by step: SymPy differentiates each operation once,
the chain rule does the rest.

Nothing of the whole expression is ever rewritten, so this derivative sees where the
program *as written* has a kink, leaves its domain or divides zero by zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verifier.language.programs.program import Program
from verifier.symbolic.calculus.chain import Chain, Known, Pass, Structure
from verifier.symbolic.calculus.real_chain import RealChain


class Stepwise:
    """A program, ready to be differentiated at any point in one arithmetic: `RealChain`
    or `ComplexChain`."""

    def __init__(self, program: Program, arithmetic: type[Chain] = RealChain) -> None:
        self.program = program
        self.arithmetic = arithmetic
        self.structure = Structure.of(program)

    def __reduce__(self) -> tuple[Any, ...]:
        return Stepwise, (self.program, self.arithmetic)

    def evaluate(self, point: Mapping[str, Any], upstream: Any) -> Pass:
        """Values and adjoints at the precision in force, the output's adjoint being
        `upstream`.

        A coordinate is an exact number, or a ball (of complex numbers a `Number`) to be
        enclosed as a whole.
        """
        chain = self.arithmetic(self.structure, point)
        values = chain.forward()
        return Pass(values=tuple(values), adjoints=tuple(chain.backward(upstream)))

    def values(self, point: Mapping[str, Any]) -> list[Known]:
        """The values alone."""
        return self.arithmetic(self.structure, point).forward()
