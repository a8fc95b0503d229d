"""One real operation with rounding: the ball of all results that a faithful kernel may
return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from verifier.floats import Format
from verifier.language.kernels.kernel import ELEMENTARY_ULP, Kernel
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs import parsing
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball

GUARD_BITS = 24
"""Precision beyond the format's, so that the balls' own rounding does not count."""
REORDERING_ULP = Fraction(1)
"""What taking a formula's factors in another order may add, as PyTorch does from one
version or kernel to another."""
SMALLEST_EXACT_POWER, LARGEST_EXACT_POWER = -2, 3
"""Exponents that PyTorch computes by multiplication alone (pow_tensor_scalar of PyTorch
2.13)."""


class RealArithmetic:
    """The operations of one format, in balls.

    With `limited_range`, results also suffer underflow and overflow.
    """

    def __init__(self, format_: Format, *, limited_range: bool) -> None:
        self.format, self.limited_range = format_, limited_range

    @property
    def working_bits(self) -> int:
        """The precision of the balls themselves."""
        return self.format.precision_bits + GUARD_BITS

    def apply(
        self, node: Node, values: Sequence[Any], inside: str | None = None
    ) -> Any:
        """The result of a node; `inside` the formula of its own row, it is the kernel
        that the formula ends in."""
        if node.operation == "constant":
            return self.literal(balls.constant(node.name, node.number))
        operands = [values[index] for index in node.arguments]
        return self.operate(operations.OPERATIONS[node.operation], operands, inside)

    def operate(
        self,
        row: operations.Operation,
        operands: Sequence[Any],
        inside: str | None = None,
    ) -> Any:
        """The result of an operation; `inside` as in `apply`."""
        kernel = PYTORCH[row.name]
        if kernel.forward is not None and row.name != inside:
            given = dict(zip(row.operands, operands, strict=True))
            form = parsing.parse_form(kernel.forward, row)
            return self.follow(form, given, inside=row.name)
        result = evaluation.apply(row.name, operands)
        if row.result is operations.Sort.CONDITION:
            return result
        if kernel.exact or not balls.is_finite(result):
            return result
        if self._is_exact(kernel, operands, result):
            return result
        if self._overflows_inside(row, kernel, operands):
            return balls.anything()
        return self.widen(result, result, kernel.forward_ulp)

    def _overflows_inside(
        self, row: operations.Operation, kernel: Kernel, operands: Sequence[Ball]
    ) -> bool:
        """Whether an exponential that PyTorch's kernel computes on the way overflows,
        so that it returns 0 or inf."""
        if not self.limited_range or kernel.inner_exponential is None:
            return False
        form = parsing.parse_form(kernel.inner_exponential, row)
        exponent = evaluation.run(form, dict(zip(row.operands, operands, strict=True)))
        inner = balls.OPERATIONS["exp"](exponent)
        if not balls.is_finite(inner):  # beyond Arb's own exponents
            return True
        top = balls.top_exponent(inner)
        return top is not None and self._may_overflow(inner, top)

    def _is_exact(self, kernel: Kernel, operands: Sequence[Ball], result: Ball) -> bool:
        """Whether every implementation returns this very number, or an operand that it
        adds nothing to."""
        operation = kernel.operation
        if operations.OPERATIONS[operation].is_sum and any(
            balls.is_zero(ball) for ball in operands
        ):
            return True
        if not result.is_exact() or not self.is_number(result):
            return False
        if kernel.exact_if_representable:
            return True
        if (
            operation == "pow"
            and SMALLEST_EXACT_POWER <= operands[1] <= LARGEST_EXACT_POWER
        ):
            return True
        is_fitted = kernel.forward_ulp > ELEMENTARY_ULP
        return bool(result == 0 or (abs(result) == 1 and not is_fitted))

    def is_number(self, ball: Ball) -> bool:
        """Whether an exact ball is a number of the format, its exponent apart where the
        range is unbounded."""
        mantissa, power = ball.man_exp()
        if not mantissa:
            return True
        bits = int(mantissa.bit_length())
        if bits > self.format.precision_bits:
            return False
        if not self.limited_range:
            return True
        smallest = self.format.exponent_min - self.format.precision_bits + 1
        return bool(power >= smallest and bits + power - 1 <= self.format.exponent_max)

    def literal(self, ball: Ball) -> Ball:
        """A constant, rounded to the format unless it is a number of it."""
        if not balls.is_finite(ball) or (ball.is_exact() and self.is_number(ball)):
            return ball
        return self.widen(ball, ball, Fraction(1, 2))

    def widen(self, ball: Ball, scale: Ball, error_ulp: Fraction) -> Ball:
        """The ball widened by `error_ulp` ulps of the largest number in `scale`; what
        may overflow is not known."""
        top = balls.top_exponent(scale)
        if top is None:
            return ball
        if self.limited_range:
            if self._may_overflow(scale, top):
                return balls.anything()
            top = max(top, self.format.exponent_min)
        unit = balls.dyadic(top - self.format.precision_bits + 1)
        return balls.around(ball, balls.exact(error_ulp) * unit)

    def _may_overflow(self, ball: Ball, top: int) -> bool:
        if top < self.format.exponent_max:
            return False
        return not balls.less(abs(ball), balls.exact(self.format.largest))

    def accumulate(self, shares: Sequence[Ball]) -> Ball:
        """The sum in whatever order the engine takes: every rounding is at most that of
        the sum of magnitudes."""
        if len(shares) == 1:
            return shares[0]
        total, magnitude = balls.zero(), balls.zero()
        for share in shares:
            total += share
            magnitude += abs(share)
        if not balls.is_finite(total):
            return balls.anything()
        if total.is_exact() and len(shares) == 2 and self.is_number(total):
            return total
        return self.widen(total, magnitude, Fraction(len(shares) - 1, 2))

    def follow(
        self,
        program: Program,
        given: Mapping[str, Any],
        inside: str | None = None,
    ) -> Ball:
        """What a kernel's own formula gives, each of its operations rounding."""
        done: list[Any] = []
        for step in program.nodes:
            if step.operation == "variable":
                done.append(given[step.name or ""])
            else:
                done.append(self.apply(step, done, inside))
        result: Ball = done[program.output]
        if not balls.is_finite(result) or result.is_exact():
            return result
        return self.widen(result, result, REORDERING_ULP)
