"""The derivative step by step, read by entry: value, gradient and the adjoints of named
steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from verifier.language.programs.program import Program
from verifier.records import VALUE, Entry
from verifier.symbolic.calculus.chain import Chain, Known, Pass, Standing
from verifier.symbolic.calculus.stepwise import Stepwise


class Entrywise:
    """A program's values and adjoints in one arithmetic, by entry."""

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        arithmetic: type[Chain],
        zero: Callable[[], Any],
    ) -> None:
        self.program = arithmetic.written_out(program)
        self.stepwise = Stepwise(self.program, arithmetic)
        self.zero = zero
        self.leaves = {
            node.name or "": index
            for index, node in enumerate(self.program.nodes)
            if node.operation == "variable"
        }
        self.value_and_gradient = (
            VALUE,
            *(Entry("gradient", (name,)) for name in wrt),
        )
        steps = (Entry("step", (name,)) for name in self.program.steps)
        self.entries = (*self.value_and_gradient, *steps)

    def evaluate(self, inputs: Mapping[str, Any], upstream: Any) -> Pass:
        """Values and adjoints at the precision in force."""
        return self.stepwise.evaluate(inputs, upstream)

    def known(self, done: Pass, entry: Entry) -> Known:
        """What a pass says of an entry."""
        output = done.values[self.program.output]
        if entry == VALUE:
            return output
        adjoint = self.adjoint(done, entry)
        if adjoint is not None:
            return adjoint
        if output.standing is not Standing.REGULAR:
            return output  # where the function is not known, no derivative of it is
        return Known(self.zero())

    def adjoint(self, done: Pass, entry: Entry) -> Known | None:
        """The adjoint of an input or named step; None where it is a structural zero."""
        nodes = self.leaves if entry.quantity == "gradient" else self.program.steps
        return done.adjoints[nodes[entry.wrt[0]]]

    def over(self, inputs: Mapping[str, Any], upstream: Any, entry: Entry) -> Known:
        """What is known of an entry over balls of inputs, at the precision in force."""
        if entry == VALUE:
            return self.stepwise.values(inputs)[self.program.output]
        if entry.quantity == "gradient" and entry.wrt[0] not in self.leaves:
            return Known(self.zero())
        return self.known(self.evaluate(inputs, upstream), entry)
