"""Whether a point provably satisfies a condition: exact numbers in, balls of rising
precision, no rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball, Condition
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.calculus.stepwise import Stepwise

FIRST_BITS = 128
LARGEST_BITS = 4_096
"""The cap: differences of binary64's smallest number from 1 (1,075 bits) show behind
much cancellation."""


class Precondition:
    """A condition, ready to be checked at any point."""

    def __init__(self, program: Program) -> None:
        self.program = rewriting.define(program)
        self.stepwise = Stepwise(self.program)

    def holds(self, point: Mapping[str, float]) -> bool:
        """Whether the condition is proved at the point.

        An infinite coordinate may be compared, but nothing is proved of arithmetic with
        it, nor of NaN.
        """
        inputs = {name: _input(point[name]) for name in self.program.inputs}
        tries = attempts(lambda: self.stepwise.values(inputs), FIRST_BITS, LARGEST_BITS)
        for _, values in tries:
            truth = self._decided(values)
            if truth is not None:
                return truth
            if not any(
                known.standing is Standing.UNSURE or known.ball is None
                for known in values
            ):
                return False  # no precision brings what lies outside a domain back
        return False

    def _decided(self, values: Sequence[Known]) -> Condition:
        """The truth value by Kleene's logic, where a part that is undefined need not
        undo the whole."""
        truths: list[Condition] = []
        for node, known in zip(self.program.nodes, values, strict=True):
            if operations.row(node.operation).is_connective:
                operation = balls.OPERATIONS[node.operation]
                truths.append(
                    operation(*[truths[argument] for argument in node.arguments])
                )
            else:
                is_decided = known.standing is Standing.REGULAR and isinstance(
                    known.ball, bool
                )
                truths.append(known.ball if is_decided else None)
        return truths[self.program.output]


def _input(value: float) -> float | Ball:
    return balls.infinite(value) if math.isinf(value) else value
