"""What stands behind a zero: the terms that cancel last, and what one ulp of each
leaves of the result.

Of a zero truth nothing is relative. So its error is measured against what cancelled:
the terms of the last addition of a value, the shares that an adjoint is the sum of, the
operand at a root of any other operation. An error in an earlier term is not theirs: of
`x + 1e20 - 1e20 - x` the last terms are x and x, however much is lost before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, complex_balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.complex_balls import Rectangle
from verifier.symbolic.rounding.complex_arithmetic import (
    AnyRegion,
    ComplexArithmetic,
    Region,
    upper,
)
from verifier.symbolic.rounding.complex_model import ComplexRoundingModel
from verifier.symbolic.rounding.model import RoundingModel
from verifier.symbolic.rounding.real_arithmetic import RealArithmetic

CANCELLATION_BITS = 1_000
"""Precision at which what still may be 0 is taken for a sum that cancels."""


class CancellingArithmetic(RealArithmetic):
    """Operations that are all exact, but that where terms cancel each is one ulp
    off."""

    @property
    def working_bits(self) -> int:
        """Enough to tell a sum that cancels from a small number."""
        return CANCELLATION_BITS

    def widen(self, ball: Ball, scale: Ball, error_ulp: Fraction) -> Ball:
        return ball

    def operate(
        self,
        row: operations.Operation,
        operands: Sequence[Any],
        inside: str | None = None,
    ) -> Any:
        result = super().operate(row, operands, inside)
        followed = PYTORCH[row.name].forward is not None and row.name != inside
        if (
            row.result is operations.Sort.CONDITION
            or followed
            or not _straddles(result)
        ):
            return result
        return evaluation.apply(
            row.name, [self._loose(operand) for operand in operands]
        )

    def accumulate(self, shares: Sequence[Ball]) -> Ball:
        total = super().accumulate(shares)
        if len(shares) == 1 or not _straddles(total):
            return total
        return sum((self._loose(share) for share in shares), balls.zero())

    def _loose(self, term: Any) -> Any:
        """A term one ulp off; a condition, and what may be 0 itself, as it is."""
        if isinstance(term, bool) or term is None or not balls.is_finite(term):
            return term
        top = balls.top_exponent(term)
        if top is None or _straddles(term):
            return term
        return balls.around(term, balls.dyadic(top - self.format.precision_bits + 1))


class CancellationModel(RoundingModel):
    """A real program in that arithmetic.

    The spread of a zero truth reaches as far as one ulp of the terms that cancel last
    does; None where nothing bounds it.
    """

    arithmetic_of = CancellingArithmetic


class ComplexCancellingArithmetic(ComplexArithmetic):
    """Operations that are all exact, but that where terms cancel each is one ulp of its
    norm off."""

    @property
    def working_bits(self) -> int:
        """Enough to tell a sum that cancels from a small number."""
        return CANCELLATION_BITS

    def of_norm(self, centre: Rectangle, factor: Fraction) -> Ball:
        return balls.zero()

    def _local_error(
        self,
        operation: str,
        operands: Sequence[Region],
        centre: Rectangle,
        radius: Ball,
        exponent: Fraction | None,
    ) -> Ball:
        return balls.zero()

    def apply(
        self, operation: str, operands: Sequence[AnyRegion], exponent: Fraction | None
    ) -> AnyRegion:
        """The exact result, but about a zero that of loose operands."""
        result = super().apply(operation, operands, exponent)
        if operation == "sigmoid" or not _may_vanish(result):
            return result
        return super().apply(
            operation, [self._loose(operand) for operand in operands], exponent
        )

    def accumulate(self, shares: Sequence[AnyRegion]) -> AnyRegion:
        total = self._sum(shares)
        if len(shares) == 1 or not _may_vanish(total):
            return total
        return self._sum([self._loose(share) for share in shares])

    def _sum(self, shares: Sequence[AnyRegion]) -> AnyRegion:
        total = shares[0]
        for share in shares[1:]:
            total = super().apply("add", [total, share], None)
        return total

    def _loose(self, term: AnyRegion) -> AnyRegion:
        """A term one ulp of its norm off; what may be 0 itself as it is."""
        if term is None or _may_vanish(term):
            return term
        size = complex_balls.magnitude(term.box().ball)
        top = balls.top_exponent(size)
        if top is None:
            return term
        unit = balls.dyadic(top - self.format.precision_bits + 1)
        return replace(term, radius=upper(term.radius + unit))


class ComplexCancellationModel(ComplexRoundingModel):
    """A complex program in that arithmetic."""

    arithmetic_of = ComplexCancellingArithmetic


def _straddles(ball: Any) -> bool:
    return bool(balls.is_finite(ball) and ball.contains(0))


def _may_vanish(region: AnyRegion) -> bool:
    return region is not None and complex_balls.contains_zero(region.box().ball)
