"""What rounding alone may do to a written program in a complex dtype: discs around all
that it can bring about.

The written program's reverse mode, or its forward mode, is run in discs. Every
operation adds its local error, bounded norm-wise relative to the result in units of u =
2⁻ᵖ, and every local product is PyTorch's own formula, operation by operation. The
formulas are those of the real rows: of f, PyTorch hands back grad · conj(f′), which is
the conjugate of the row's formula at conj(grad), and rounding commutes with
conjugation. Forward mode takes the tangent 1 to f′ by the same formulas; the gradient
is the upstream gradient times its conjugate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.floats import Format
from verifier.language.kernels.kernel import COMPLEX_ULP
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs import parsing
from verifier.language.programs.program import Program
from verifier.records import Disc
from verifier.symbolic.arithmetic import balls, complex_balls, complex_cuts
from verifier.symbolic.arithmetic.complex_balls import SignedRectangle
from verifier.symbolic.arithmetic.complex_cuts import Analyticity
from verifier.symbolic.calculus import complex_chain
from verifier.symbolic.rounding.complex_arithmetic import (
    ONE,
    ZERO,
    AnyRegion,
    ComplexArithmetic,
    Region,
    exact_region,
    upper,
)
from verifier.symbolic.rounding.program_model import ProgramModel


class ComplexRoundingModel(ProgramModel[Disc]):
    """A holomorphic program, differentiated in one mode."""

    arithmetic: ComplexArithmetic
    arithmetic_of = ComplexArithmetic

    def exact(self, number: complex) -> Region:
        return exact_region(complex(number))

    def reach(self, number: AnyRegion) -> Disc | None:
        if number is None:
            return None
        real, imaginary = complex_balls.enclosures(number.centre.ball)
        return Disc(
            real=real.lower,
            imaginary=imaginary.lower,
            radius=balls.enclosure(number.radius).upper,
        )

    def values(self, point: Mapping[str, complex]) -> list[AnyRegion]:
        given = {name: exact_region(point[name]) for name in self.program.inputs}
        return self.arithmetic.run(self.program, given)

    def share(
        self, operand: int, index: int, adjoint: AnyRegion, values: Sequence[AnyRegion]
    ) -> AnyRegion:
        product = self.product(operand, index, _conjugate(adjoint), values)
        return _conjugate(product)

    def product(
        self, operand: int, index: int, tangent: AnyRegion, values: Sequence[AnyRegion]
    ) -> AnyRegion:
        """A number times the derivative by one operand, by PyTorch's formula."""
        node = self.program.nodes[index]
        row = operations.OPERATIONS[node.operation]
        if tangent is None:
            return None
        operands = [values[argument] for argument in node.arguments]
        if node.operation == "pow" and _is_zero_by_convention(operand, operands):
            return ZERO
        exponent = self.constants.get(node.arguments[-1])
        if node.operation == "pow" and exponent is not None:
            return self._product_of_power(tangent, operands[0], exponent)
        kernel = PYTORCH[node.operation]
        form = (kernel.complex_backward or kernel.backward)[operand]
        assert form is not None, f"`{row.name}` has no backward"
        given: dict[str, AnyRegion] = dict(zip(row.operands, operands, strict=True))
        given |= {"result": values[index], "grad": tangent}
        return self.arithmetic.follow(parsing.parse_form(form, row), given)

    def _product_of_power(
        self, tangent: Region, base: AnyRegion, exponent: Fraction
    ) -> AnyRegion:
        """tangent · (y · x**(y − 1)) of a literal exponent, whose predecessor PyTorch
        knows too."""
        lower = exponent - 1
        power = self.arithmetic.apply(
            "pow", [base, self.arithmetic.literal(None, lower)], lower
        )
        slope = self.arithmetic.apply(
            "mul", [self.arithmetic.literal(None, exponent), power], None
        )
        product = self.arithmetic.apply("mul", [tangent, slope], None)
        return self.arithmetic.reordered(product)

    def forward(
        self, values: Sequence[AnyRegion], name: str, upstream: AnyRegion
    ) -> tuple[AnyRegion, frozenset[int]]:
        """The conjugate of the output's tangent where that of the input is 1, times the
        upstream gradient."""
        tangent = self.tangents(values, name, ONE).get(self.program.output, ZERO)
        factors = [_conjugate(tangent), upstream]
        return self.arithmetic.apply("mul", factors, None), frozenset()


class ComplexIdealModel(ComplexRoundingModel):
    """The same program if every operation had as good a derivative as it has a value,
    in an unlimited range.

    What rounding does even so is the program's; the rest is PyTorch's formulas'. It is
    differentiated in reverse mode, whatever the route's.
    """

    def __init__(self, program: Program, wrt: Sequence[str], format_: Format) -> None:
        super().__init__(program, wrt, format_, limited_range=False)

    def product(
        self, operand: int, index: int, tangent: AnyRegion, values: Sequence[AnyRegion]
    ) -> AnyRegion:
        if tangent is None:
            return None
        node = self.program.nodes[index]
        operands = [values[argument] for argument in node.arguments]
        known = [region for region in operands if region is not None]
        # of a polynomial PyTorch's formula is as good as any
        is_polynomial = operations.OPERATIONS[node.operation].degree is not None
        if is_polynomial or len(known) < len(operands):
            return super().product(operand, index, tangent, values)
        boxes = [region.box() for region in known]
        where = complex_cuts.analyticity_of(node.operation, boxes)
        if where not in (Analyticity.CLEAR, Analyticity.CUT):
            return None
        exponent = self.constants.get(node.arguments[-1])
        result = complex_cuts.value(node.operation, boxes, where)
        slope = complex_chain.slope(
            node.operation, operand, boxes, result, where, exponent
        )
        if slope is None or not complex_balls.is_finite(slope):
            return None
        centre, radius = complex_balls.split(slope)
        radius = radius + self.arithmetic.of_norm(slope, COMPLEX_ULP)
        return self.arithmetic.apply(
            "mul",
            [tangent, Region(SignedRectangle(centre), upper(radius), False)],
            None,
        )


def _is_zero_by_convention(operand: int, operands: Sequence[AnyRegion]) -> bool:
    """Whether PyTorch passes 0 back from a power: to x for y = 0, to y at x = 0."""
    other = operands[1 - operand]
    return other is not None and complex_balls.is_zero(other.box().ball)


def _conjugate(region: AnyRegion) -> AnyRegion:
    if region is None:
        return None
    real, imaginary = region.centre.signs
    centre = SignedRectangle(
        complex_balls.conjugate(region.centre.ball), (real, -imaginary)
    )
    return Region(centre, region.radius, region.is_real)
