"""What stands behind a zero: the terms that cancel last, and what one ulp of each leaves of the result.

Of a zero truth nothing is relative. So its error is measured against what cancelled: the terms of the last addition of
a value, the shares that an adjoint is the sum of, the operand at a root of any other operation. An error in an earlier
term is not theirs: of `x + 1e20 - 1e20 - x` the last terms are x and x, however much is lost before.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.rounding.model import RoundingModel

CANCELLATION_BITS = 1_000
"""Precision at which what still may be 0 is taken for a sum that cancels."""


class CancellationModel(RoundingModel):
    """A program whose operations are all exact, but that where terms cancel each is one ulp off.

    The spread of a zero truth reaches as far as one ulp of those terms does; None where nothing bounds it.
    """

    @property
    def working_bits(self) -> int:
        """Enough to tell a sum that cancels from a small number."""
        return CANCELLATION_BITS

    def _widen(self, ball: Ball, scale: Ball, error_ulp: Fraction) -> Ball:
        return ball

    def _operate(
        self,
        row: operations.Operation,
        operands: Sequence[Any],
        inside: str | None = None,
    ) -> Any:
        found = super()._operate(row, operands, inside)
        followed = PYTORCH[row.name].forward is not None and row.name != inside
        if row.result is operations.Sort.CONDITION or followed or not _straddles(found):
            return found
        return evaluation.apply(
            row.name, [self._loose(operand) for operand in operands]
        )

    def _accumulate(self, shares: Sequence[Ball]) -> Ball:
        total = super()._accumulate(shares)
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


def _straddles(ball: Any) -> bool:
    return bool(balls.is_finite(ball) and ball.contains(0))
