"""A complex program if every operation had as good a derivative as it has a value, and what stands behind its zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.floats import Format
from verifier.language.kernels.kernel import COMPLEX_ULP
from verifier.language.operations import table as operations
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls, complex_balls, complex_cuts
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.complex_balls import Number, Rectangle
from verifier.symbolic.arithmetic.complex_cuts import Place
from verifier.symbolic.calculus import complex_chain
from verifier.symbolic.rounding.cancellation import CANCELLATION_BITS
from verifier.symbolic.rounding.complex_model import (
    ComplexRoundingModel,
    Region,
    _Region,
    _upper,
)


class ComplexIdealModel(ComplexRoundingModel):
    """In an unlimited range. What rounding does even so is the program's; the rest is PyTorch's formulas'."""

    def __init__(self, program: Program, wrt: Sequence[str], format_: Format) -> None:
        super().__init__(program, wrt, format_, limited_range=False)

    def _product(
        self, operand: int, index: int, grad: _Region, values: Sequence[Region]
    ) -> Region:
        node = self.program.nodes[index]
        operands = [values[argument] for argument in node.arguments]
        known = [region for region in operands if region is not None]
        # of a polynomial PyTorch's formula is as good as any
        is_polynomial = operations.OPERATIONS[node.operation].degree is not None
        if is_polynomial or len(known) < len(operands):
            return super()._product(operand, index, grad, values)
        boxes = [region.box() for region in known]
        where = complex_cuts.place(node.operation, boxes)
        if where not in (Place.CLEAR, Place.CUT):
            return None
        exponent = self.constants.get(node.arguments[-1])
        result = complex_cuts.value(node.operation, boxes, where)
        slope = complex_chain.slope(
            node.operation, operand, boxes, result, where, exponent
        )
        if slope is None or not complex_balls.is_finite(slope):
            return None
        centre, radius = complex_balls.split(slope)
        radius = radius + self._of_norm(slope, COMPLEX_ULP)
        return self.apply(
            "mul", [grad, _Region(Number(centre), _upper(radius), False)], None
        )


class ComplexCancellationModel(ComplexRoundingModel):
    """A program whose operations are all exact, but that where terms cancel each is one ulp of its norm off.

    The spread of a zero truth reaches as far as one ulp of those terms does; None where nothing bounds it.
    """

    @property
    def working_bits(self) -> int:
        """Enough to tell a sum that cancels from a small number."""
        return CANCELLATION_BITS

    def _of_norm(self, centre: Rectangle, factor: Fraction) -> Ball:
        return balls.zero()

    def _local_error(
        self,
        operation: str,
        operands: Sequence[_Region],
        centre: Rectangle,
        radius: Ball,
        exponent: Fraction | None,
    ) -> Ball:
        return balls.zero()

    def apply(
        self, operation: str, operands: Sequence[Region], exponent: Fraction | None
    ) -> Region:
        """The exact result, but about a zero that of loose operands."""
        found = super().apply(operation, operands, exponent)
        if operation == "sigmoid" or not _may_vanish(found):
            return found
        return super().apply(
            operation, [self._loose(one) for one in operands], exponent
        )

    def _accumulate(self, shares: Sequence[Region]) -> Region:
        total = self._sum(shares)
        if len(shares) == 1 or not _may_vanish(total):
            return total
        return self._sum([self._loose(share) for share in shares])

    def _sum(self, shares: Sequence[Region]) -> Region:
        total = shares[0]
        for share in shares[1:]:
            total = super().apply("add", [total, share], None)
        return total

    def _loose(self, term: Region) -> Region:
        """A term one ulp of its norm off; what may be 0 itself as it is."""
        if term is None or _may_vanish(term):
            return term
        size = complex_balls.magnitude(term.box().ball)
        top = balls.top_exponent(size)
        if top is None:
            return term
        unit = balls.dyadic(top - self.format.precision_bits + 1)
        return replace(term, radius=_upper(term.radius + unit))


def _may_vanish(region: Region) -> bool:
    return region is not None and complex_balls.contains_zero(region.box().ball)
