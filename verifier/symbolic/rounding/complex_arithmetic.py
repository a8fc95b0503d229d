"""One complex operation with rounding: a disc of all results that a kernel may
return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.floats import Format
from verifier.language.kernels.kernel import COMPLEX_ULP
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import IMAGINARY_UNIT, Program
from verifier.symbolic.arithmetic import balls, complex_balls, complex_cuts
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.complex_balls import Rectangle, SignedRectangle
from verifier.symbolic.arithmetic.complex_cuts import Analyticity
from verifier.symbolic.calculus import complex_chain

GUARD_BITS = 40
"""Precision beyond the format's, so that the balls' own rounding does not count."""
POWERS: dict[Fraction | None, Fraction] = {
    Fraction(1): Fraction(0),
    Fraction(2): Fraction(9, 4),
    Fraction(3): Fraction(9, 2) + Fraction(1, 100),
    Fraction(-1): Fraction(8),
    Fraction(-2): Fraction(11),
    Fraction(1, 2): COMPLEX_ULP,
    Fraction(-1, 2): 2 * COMPLEX_ULP,
}
"""The local error, in u of the result's norm, of powers by literals, which PyTorch
computes by products and roots (pow_tensor_scalar of PyTorch 2.13)."""
REORDERING = Fraction(3)
"""What taking a formula's factors in another order may add, in u."""


@dataclass(frozen=True, slots=True)
class Region:
    """A disc about an exact centre; on the real line, where `is_real`, a stretch of
    it."""

    centre: SignedRectangle
    radius: Ball
    is_real: bool

    def box(self) -> SignedRectangle:
        """The smallest rectangle around it."""
        if balls.is_zero(self.radius):
            return self.centre
        if self.is_real:
            around = complex_balls.on_real_line(self.centre.ball, self.radius)
            return SignedRectangle(around, (0, self.centre.signs[1]))
        return SignedRectangle(complex_balls.widened(self.centre.ball, self.radius))


AnyRegion = Region | None
"""None is the whole plane, and beyond: anything may come out."""


def exact_region(number: complex) -> Region:
    centre = complex_balls.exact(number)
    return Region(centre, balls.zero(), number.imag == 0)


ZERO = exact_region(0j)
ONE = exact_region(1 + 0j)


def upper(radius: Ball) -> Ball:
    """An exact upper bound."""
    return radius.abs_upper()


class ComplexArithmetic:
    """The operations of one component format, in discs.

    With `limited_range`, results also suffer underflow and overflow, those inside a
    product or quotient included.
    """

    def __init__(self, format_: Format, *, limited_range: bool) -> None:
        self.format, self.limited_range = format_, limited_range
        self.unit = Fraction(1, 2**format_.precision_bits)

    @property
    def working_bits(self) -> int:
        """The precision of the balls themselves."""
        return self.format.precision_bits + GUARD_BITS

    def follow(self, form: Program, given: Mapping[str, AnyRegion]) -> AnyRegion:
        """What a kernel's own formula gives, each of its operations rounding, in
        whatever order of its factors."""
        return self.reordered(self.run(form, given)[form.output])

    def run(self, program: Program, given: Mapping[str, AnyRegion]) -> list[AnyRegion]:
        constants = constant_values(program)
        done: list[AnyRegion] = []
        for index, node in enumerate(program.nodes):
            if node.operation == "variable":
                done.append(given[node.name or ""])
            elif node.operation == "constant" or index in constants:
                done.append(self.literal(node.name, constants.get(index)))
            else:
                operands = [done[index] for index in node.arguments]
                exponent = constants.get(node.arguments[-1])
                done.append(self.apply(node.operation, operands, exponent))
        return done

    def literal(self, name: str | None, value: Fraction | None) -> Region:
        number = complex_balls.constant(name, value)
        centre, radius = complex_balls.split(number.ball)
        if name != IMAGINARY_UNIT and not self._is_number(value):
            radius = radius + self.of_norm(centre, Fraction(1))
        is_real = complex_balls.is_real(centre)
        return Region(SignedRectangle(centre, number.signs), radius, is_real)

    def _is_number(self, value: Fraction | None) -> bool:
        """Whether a rational literal is a number of the format, its exponent apart."""
        if value is None:
            return False
        odd = value.numerator // (value.numerator & -value.numerator) if value else 0
        dyadic = value.denominator & (value.denominator - 1) == 0
        return dyadic and odd.bit_length() <= self.format.precision_bits

    def apply(
        self, operation: str, operands: Sequence[AnyRegion], exponent: Fraction | None
    ) -> AnyRegion:
        """What an operation may make of its operands."""
        known = [operand for operand in operands if operand is not None]
        if len(known) < len(operands):
            return None
        if operation == "sigmoid":  # PyTorch's kernel
            inner = self.apply("exp", [self.apply("neg", known, None)], None)
            return self.apply(
                "reciprocal", [self.apply("add", [ONE, inner], None)], None
            )
        moved = self._moved(operation, known, exponent)
        if moved is None:
            return None
        result, radius = moved
        centre, rounding = complex_balls.split(result.ball)
        error = self._local_error(operation, known, centre, radius, exponent)
        radius = radius + rounding + error
        if not balls.is_finite(radius) or (
            self.limited_range and self._leaves_range(operation, known, centre, radius)
        ):
            return None
        real = _is_real(operation, known, centre, exponent)
        return Region(SignedRectangle(centre, result.signs), upper(radius), real)

    def _moved(
        self, operation: str, operands: Sequence[Region], exponent: Fraction | None
    ) -> tuple[SignedRectangle, Ball] | None:
        """The result at the centres, and how far from it exact operations of all
        operands may lie."""
        centres = [operand.centre for operand in operands]
        where = complex_cuts.analyticity_of(operation, centres)
        if where not in (Analyticity.CLEAR, Analyticity.CUT, Analyticity.BRANCH_POINT):
            return None
        result = complex_cuts.value(operation, centres, where)
        if not complex_balls.is_finite(result):
            return None
        signs = complex_balls.signs(operation, centres, result, exponent)
        radius = balls.zero()
        boxes = [operand.box() for operand in operands]
        around = complex_cuts.analyticity_of(operation, boxes)
        for index, operand in enumerate(operands):
            if balls.is_zero(operand.radius):
                continue
            if around not in (Analyticity.CLEAR, Analyticity.CUT):
                return None
            slope = self._slope(operation, index, boxes, around, exponent)
            if slope is None:
                return None
            radius = radius + operand.radius * slope
        return SignedRectangle(result, signs), radius

    def _slope(
        self,
        operation: str,
        index: int,
        boxes: Sequence[SignedRectangle],
        where: Analyticity,
        exponent: Fraction | None,
    ) -> Ball | None:
        """A bound of the derivative over the boxes."""
        if operations.OPERATIONS[operation].degree == 1:
            return balls.exact(Fraction(1))
        result = complex_cuts.value(operation, boxes, where)
        slope = complex_chain.slope(operation, index, boxes, result, where, exponent)
        if slope is None or not complex_balls.is_finite(slope):
            return None
        return complex_balls.magnitude(slope)

    def _local_error(
        self,
        operation: str,
        operands: Sequence[Region],
        centre: Rectangle,
        radius: Ball,
        exponent: Fraction | None,
    ) -> Ball:
        factor = PYTORCH[operation].complex_error
        if operation == "pow":
            factor = POWERS.get(exponent, factor)
        error = self.of_norm(centre, factor) + radius * balls.exact(factor * self.unit)
        if operation == "exp2" or (operation == "pow" and exponent not in POWERS):
            # Both are e^(y log x): the error of the exponent is multiplied by the
            # exponent's own size.
            error = error * (1 + _exponent_size(operation, operands))
        if self.limited_range and factor > 1:
            error = error + 4 * balls.exact(self.format.smallest_subnormal)
        return error

    def of_norm(self, centre: Rectangle, factor: Fraction) -> Ball:
        return complex_balls.magnitude(centre) * balls.exact(factor * self.unit)

    def _leaves_range(
        self,
        operation: str,
        operands: Sequence[Region],
        centre: Rectangle,
        radius: Ball,
    ) -> bool:
        """Whether the result, or what a product or quotient computes on the way, may
        leave the normal range."""
        sizes = [complex_balls.magnitude(operand.box().ball) for operand in operands]
        passing = [complex_balls.magnitude(centre) + radius]
        if operations.OPERATIONS[operation].degree == 2:
            passing.append(sizes[0] * sizes[-1])
        if operation in ("div", "reciprocal"):
            squared = sizes[-1] * sizes[-1]
            if (
                balls.less(squared, balls.exact(self.format.smallest_normal))
                is not False
            ):
                return True
            passing.append(squared)
        largest = balls.exact(self.format.largest)
        return not all(balls.less(size, largest) for size in passing)

    def accumulate(self, shares: Sequence[AnyRegion]) -> AnyRegion:
        """The sum in whatever order the engine takes: every rounding is at most that of
        the sum of norms."""
        total: AnyRegion = shares[0]
        norms = Fraction(len(shares) - 1)
        size = balls.zero()
        for share in shares[1:]:
            total = self.apply("add", [total, share], None)
        if total is None or len(shares) == 1:
            return total
        for share in shares:
            assert share is not None
            size = size + complex_balls.magnitude(share.box().ball)
        slack = size * balls.exact(norms * self.unit)
        return Region(total.centre, upper(total.radius + slack), False)

    def reordered(self, product: AnyRegion) -> AnyRegion:
        """The product with what another order of its factors may add."""
        if product is None:
            return None
        slack = self.of_norm(product.box().ball, REORDERING)
        return replace(product, radius=upper(product.radius + slack))


def _exponent_size(operation: str, operands: Sequence[Region]) -> Ball:
    """A bound of |y log x|, whatever the side of a cut; of a power of 0, where no
    logarithm is taken, 0."""
    if operation == "exp2":
        return complex_balls.magnitude(operands[0].box().ball)
    base, power = (operand.box().ball for operand in operands)
    if complex_balls.contains_zero(base):
        return balls.zero()
    return complex_balls.magnitude(power) * complex_balls.largest_logarithm(base)


def _is_real(
    operation: str,
    operands: Sequence[Region],
    centre: Rectangle,
    exponent: Fraction | None,
) -> bool:
    """Whether the result is real whatever rounding does: of real operands, or a product
    of exact ones on the axes."""
    if operation == "pow" and exponent == 2:
        operation, operands = "square", operands[:1]
    degree = operations.OPERATIONS[operation].degree
    if degree is not None and all(region.is_real for region in operands):
        return True
    return (
        degree == 2
        and complex_balls.is_real(centre)
        and all(
            balls.is_zero(operand.radius)
            and complex_balls.is_on_axis(operand.centre.ball)
            for operand in operands
        )
    )
