"""What exact forms tell of a program at a point where balls do not: ranks, rational
operands, poles, signs of zero."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from verifier.language.operations import table as operations
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, exact, exact_functions
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.calculus import signed


class ExactOperands:
    """The operands of a program's nodes at a point, as their forms know them (`exact`).

    Of 0.2·x + 0.5 at 2.5 its form says that it is 1, which a ball never does.
    """

    def __init__(self, program: Program, point: Mapping[str, float | Ball]) -> None:
        self.program = program
        self.point = {n: v for n, v in point.items() if isinstance(v, float)}
        self.is_point = len(self.point) == len(point)
        """Whether every input is a number."""

    @cached_property
    def _numbers(self) -> list[Any]:
        return exact_functions.values(self.program, self.point)

    @cached_property
    def _zero_signs(self) -> list[int]:
        return signed.zero_signs(self.program, self.point)

    def zero_sign(self, index: int) -> int:
        """The sign that IEEE 754 gives a node that is zero; 0 where it is none, or
        rounding decides."""
        return self._zero_signs[index] if self.is_point else 0

    def sharpened(self, node: Node, operands: list[Any]) -> list[Any]:
        """The operands' balls of a node that `hangs_on_ties`, sharpened where its choice
        hangs on numbers that balls cannot hold exactly."""
        if not _hangs_on_a_tie(operands):
            return operands
        return self.exactly(node, operands)

    def exactly(self, node: Node, operands: Sequence[Any]) -> list[Any]:
        """The operands that are rational as such; of those that are only compared, the
        ranks."""
        numbers = [self._numbers[argument] for argument in node.arguments]
        if operations.row(node.operation).is_ordinal:
            return _ranks(numbers) or list(operands)
        rationals = [None if number is None else number.rational for number in numbers]
        return [
            ball if value is None else balls.exact(value)
            for ball, value in zip(operands, rationals, strict=True)
        ]

    def is_at_pole(self, node: Node) -> bool:
        """Whether a function of multiples of π, such as tan, has no value there."""
        numbers = [self._numbers[argument] for argument in node.arguments]
        if None in numbers:
            return False
        try:
            exact_functions.apply(node.operation, numbers)
        except exact.Pole:
            return True
        except exact.Undecided:
            pass
        return False


def _hangs_on_a_tie(operands: Sequence[Ball]) -> bool:
    """Whether a choice is to be made that the balls leave open."""
    if len(operands) == 1:
        return bool(operands[0].contains_integer()) and not operands[0].is_exact()
    return any(
        balls.equal(first, second) is None
        for first, second in itertools.combinations(operands, 2)
    )


def _ranks(numbers: Sequence[Any]) -> list[Ball] | None:
    """The places of some numbers in their order, equal ones having one; None where it
    is not known."""
    if None in numbers:
        return None
    signs = [[(first - second).sign() for second in numbers] for first in numbers]
    if any(None in row for row in signs):
        return None
    below = [sum(sign == 1 for sign in row) for row in signs]
    return [balls.exact(Fraction(count)) for count in below]
