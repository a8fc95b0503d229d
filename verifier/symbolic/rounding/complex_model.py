"""What rounding alone may do to a written program in a complex dtype: discs that hold all that it can bring about.

The written program's reverse mode, or its forward mode, is run in discs. Every operation adds its local error, bounded
norm-wise relative to the result in units of u = 2⁻ᵖ, and every local product is PyTorch's own formula, operation by
operation. The formulas are those of the real rows: of f, PyTorch hands back grad · conj(f′), which is the conjugate of
the row's formula at conj(grad), and rounding commutes with conjugation. Forward mode takes the tangent 1 to f′ by the
same formulas; the gradient is the upstream gradient times its conjugate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from verifier.floats import Format
from verifier.language.kernels.compositions import expand
from verifier.language.kernels.kernel import COMPLEX_ULP
from verifier.language.kernels.table import PYTORCH
from verifier.language.kernels.tangents import tangent_form
from verifier.language.operations import table as operations
from verifier.language.operations.operation import tangent_name
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import IMAGINARY_UNIT, Node, Program
from verifier.records import VALUE, Disc, Entry
from verifier.symbolic.arithmetic import balls, complex_balls, complex_cuts
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.complex_balls import Number, Rectangle
from verifier.symbolic.arithmetic.complex_cuts import Place
from verifier.symbolic.calculus import complex_chain
from verifier.symbolic.rounding.model import Mode
from verifier.symbolic.rounding.spread import Spread

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
"""The local error, in u of the result's norm, of powers by literals, which PyTorch computes by
products and roots (pow_tensor_scalar of PyTorch 2.13)."""
REORDERING = Fraction(3)
"""What taking a formula's factors in another order may add, in u."""


@dataclass(frozen=True, slots=True)
class _Region:
    """A disc about an exact centre; on the real line, where `is_real`, a stretch of it."""

    centre: Number
    radius: Ball
    is_real: bool

    def box(self) -> Number:
        """The smallest rectangle around it."""
        if balls.is_zero(self.radius):
            return self.centre
        if self.is_real:
            around = complex_balls.on_real_line(self.centre.ball, self.radius)
            return Number(around, (0, self.centre.signs[1]))
        return Number(complex_balls.widened(self.centre.ball, self.radius))


Region = _Region | None
"""None is the whole plane, and beyond: anything may come out."""


class ComplexRoundingModel:
    """A program as PyTorch is given it, in one component format, differentiated in one mode.

    With `limited_range`, results also suffer underflow and overflow, those inside a product or quotient included.
    """

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        format_: Format,
        *,
        limited_range: bool,
        mode: Mode = Mode.REVERSE,
    ) -> None:
        self.program = expand(program)
        self.wrt = tuple(wrt)
        self.mode = mode
        self.format = format_
        self.limited_range = limited_range
        self.reached = rewriting.reached(self.program)
        self.constants = constant_values(self.program)
        self.unit = Fraction(1, 2**format_.precision_bits)
        self.leaves = {
            node.name or "": index
            for index, node in enumerate(self.program.nodes)
            if node.operation == "variable"
        }

    @cached_property
    def local_ulp(self) -> tuple[Fraction, Fraction]:
        """What the errors of all operations add up to, in ulps of the norm, for the value
        and for a derivative: one unit of a norm is at most an ulp of it."""
        nodes = self.program.nodes
        value = sum((_own_ulp(node) for node in nodes), Fraction(0))
        gradient = sum(
            (
                _own_ulp(step)
                for index, node in enumerate(nodes)
                if self.reached[index] and node.arguments
                for form in _backward_forms(node.operation)
                if form is not None
                for step in _parsed(form, node.operation)
            ),
            Fraction(0),
        )
        return value, value + gradient

    def spread(self, point: Mapping[str, complex], upstream: complex) -> Spread[Disc]:
        """All that rounding may make of the program at `point`, whose coordinates are numbers of the format."""
        with balls.workprec(self.working_bits):
            given = {name: _exact(point[name]) for name in self.program.inputs}
            values = self._run(self.program, given)
            reach = {VALUE: _disc(values[self.program.output])}
            if self.mode is Mode.FORWARD:
                for name in self.wrt:
                    found = self._scaled_tangent(values, name, _exact(upstream))
                    reach[Entry("gradient", (name,))] = _disc(found)
                return Spread(reach=reach)
            adjoints = self._backward(values, _exact(upstream))
            for name in self.wrt:
                disc = _disc(adjoints[self.leaves[name]])
                reach[Entry("gradient", (name,))] = disc
            for name, index in self.program.steps.items():
                reach[Entry("step", (name,))] = _disc(adjoints[index])
            return Spread(reach=reach)

    @property
    def working_bits(self) -> int:
        """The precision of the balls themselves."""
        return self.format.precision_bits + GUARD_BITS

    def _run(self, program: Program, given: Mapping[str, Region]) -> list[Region]:
        constants = constant_values(program)
        done: list[Region] = []
        for index, node in enumerate(program.nodes):
            if node.operation == "variable":
                done.append(given[node.name or ""])
            elif node.operation == "constant" or index in constants:
                done.append(self._literal(node.name, constants.get(index)))
            else:
                operands = [done[index] for index in node.arguments]
                exponent = constants.get(node.arguments[-1])
                done.append(self.apply(node.operation, operands, exponent))
        return done

    def _literal(self, name: str | None, value: Fraction | None) -> _Region:
        number = complex_balls.constant(name, value)
        centre, radius = complex_balls.split(number.ball)
        if name != IMAGINARY_UNIT and not self._is_number(value):
            radius = radius + self._of_norm(centre, Fraction(1))
        is_real = complex_balls.is_real(centre)
        return _Region(Number(centre, number.signs), radius, is_real)

    def _is_number(self, value: Fraction | None) -> bool:
        """Whether a rational literal is a number of the format, its exponent apart."""
        if value is None:
            return False
        odd = value.numerator // (value.numerator & -value.numerator) if value else 0
        dyadic = value.denominator & (value.denominator - 1) == 0
        return dyadic and odd.bit_length() <= self.format.precision_bits

    def apply(
        self, operation: str, operands: Sequence[Region], exponent: Fraction | None
    ) -> Region:
        """What an operation may make of its operands."""
        known = [operand for operand in operands if operand is not None]
        if len(known) < len(operands):
            return None
        if operation == "sigmoid":  # PyTorch's kernel
            inner = self.apply("exp", [self.apply("neg", known, None)], None)
            return self.apply(
                "reciprocal", [self.apply("add", [_ONE, inner], None)], None
            )
        moved = self._moved(operation, known, exponent)
        if moved is None:
            return None
        result, radius = moved
        centre, own = complex_balls.split(result.ball)
        error = self._local_error(operation, known, centre, radius, exponent)
        radius = radius + own + error
        if not balls.is_finite(radius) or (
            self.limited_range and self._leaves_range(operation, known, centre, radius)
        ):
            return None
        real = _is_real(operation, known, centre, exponent)
        return _Region(Number(centre, result.signs), _upper(radius), real)

    def _moved(
        self, operation: str, operands: Sequence[_Region], exponent: Fraction | None
    ) -> tuple[Number, Ball] | None:
        """The result at the centres, and how far from it exact operations of all operands may lie."""
        centres = [operand.centre for operand in operands]
        where = complex_cuts.place(operation, centres)
        if where not in (Place.CLEAR, Place.CUT, Place.BRANCH_POINT):
            return None
        result = complex_cuts.value(operation, centres, where)
        if not complex_balls.is_finite(result):
            return None
        signs = complex_balls.signs(operation, centres, result, exponent)
        radius = balls.zero()
        boxes = [operand.box() for operand in operands]
        around = complex_cuts.place(operation, boxes)
        for index, operand in enumerate(operands):
            if balls.is_zero(operand.radius):
                continue
            if around not in (Place.CLEAR, Place.CUT):
                return None
            slope = self._slope(operation, index, boxes, around, exponent)
            if slope is None:
                return None
            radius = radius + operand.radius * slope
        return Number(result, signs), radius

    def _slope(
        self,
        operation: str,
        index: int,
        boxes: Sequence[Number],
        where: Place,
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
        operands: Sequence[_Region],
        centre: Rectangle,
        radius: Ball,
        exponent: Fraction | None,
    ) -> Ball:
        factor = PYTORCH[operation].complex_error
        if operation == "pow":
            factor = POWERS.get(exponent, factor)
        error = self._of_norm(centre, factor) + radius * balls.exact(factor * self.unit)
        if operation == "exp2" or (operation == "pow" and exponent not in POWERS):
            # Both are e^(y log x): the error of the exponent is multiplied by the exponent's own size.
            error = error * (1 + _exponent_size(operation, operands))
        if self.limited_range and factor > 1:
            error = error + 4 * balls.exact(self.format.smallest_subnormal)
        return error

    def _of_norm(self, centre: Rectangle, factor: Fraction) -> Ball:
        return complex_balls.magnitude(centre) * balls.exact(factor * self.unit)

    def _leaves_range(
        self,
        operation: str,
        operands: Sequence[_Region],
        centre: Rectangle,
        radius: Ball,
    ) -> bool:
        """Whether the result, or what a product or quotient computes on the way, may leave the normal range."""
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

    # ── backward ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _backward(self, values: Sequence[Region], upstream: _Region) -> list[Region]:
        nodes = self.program.nodes
        shares: list[list[Region]] = [[] for _ in nodes]
        shares[self.program.output].append(upstream)
        adjoints: list[Region] = [_ZERO] * len(nodes)
        for index in range(self.program.output, -1, -1):
            if not shares[index]:
                continue
            adjoints[index] = self._accumulate(shares[index])
            for operand, argument in enumerate(nodes[index].arguments):
                if self.reached[argument]:
                    share = self._share(operand, index, adjoints[index], values)
                    shares[argument].append(share)
        return adjoints

    def _accumulate(self, shares: Sequence[Region]) -> Region:
        """The sum in whatever order the engine takes: every rounding is at most that of the sum of norms."""
        total: Region = shares[0]
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
        return _Region(total.centre, _upper(total.radius + slack), False)

    def _share(
        self, operand: int, index: int, adjoint: Region, values: Sequence[Region]
    ) -> Region:
        """What the operation passes back to one operand."""
        if adjoint is None:
            return None
        share = self._product(operand, index, _conjugate(adjoint), values)
        return None if share is None else _conjugate(share)

    def _product(
        self, operand: int, index: int, grad: _Region, values: Sequence[Region]
    ) -> Region:
        """`grad` times the derivative by one operand, by PyTorch's formula."""
        node = self.program.nodes[index]
        row = operations.OPERATIONS[node.operation]
        operands = [values[argument] for argument in node.arguments]
        if node.operation == "pow" and _is_zero_by_convention(operand, operands):
            return _ZERO
        exponent = self.constants.get(node.arguments[-1])
        if node.operation == "pow" and exponent is not None:
            share = self._share_of_power(grad, operands[0], exponent)
        else:
            kernel = PYTORCH[node.operation]
            form = (kernel.complex_backward or kernel.backward)[operand]
            assert form is not None, f"`{row.name}` has no backward"
            given: dict[str, Region] = dict(zip(row.operands, operands, strict=True))
            given |= {"result": values[index], "grad": grad}
            program = parsing.parse_form(form, row)
            share = self._run(program, given)[program.output]
        return self._reordered(share)

    def _reordered(self, product: Region) -> Region:
        """The product with what another order of its factors may add."""
        if product is None:
            return None
        slack = self._of_norm(product.box().ball, REORDERING)
        return replace(product, radius=_upper(product.radius + slack))

    def _share_of_power(
        self, grad: _Region, base: Region, exponent: Fraction
    ) -> Region:
        """grad · (y · x**(y − 1)) of a literal exponent, whose predecessor PyTorch knows too."""
        lower = exponent - 1
        power = self.apply("pow", [base, self._literal(None, lower)], lower)
        slope = self.apply("mul", [self._literal(None, exponent), power], None)
        return self.apply("mul", [grad, slope], None)

    # ── forward ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _scaled_tangent(
        self, values: Sequence[Region], name: str, upstream: _Region
    ) -> Region:
        """The conjugate of the output's tangent where that of the input `name` is 1, times the upstream gradient."""
        nodes = self.program.nodes
        tangents: dict[int, Region] = {}
        for index, node in enumerate(nodes):
            moving = [
                i for i, argument in enumerate(node.arguments) if argument in tangents
            ]
            if node.operation == "variable" and node.name == name:
                tangents[index] = _ONE
            elif moving:
                tangents[index] = self._hand_on(index, moving, tangents, values)
        found = tangents.get(self.program.output, _ZERO)
        if found is None:
            return None
        return self.apply("mul", [_conjugate(found), upstream], None)

    def _hand_on(
        self,
        index: int,
        moving: Sequence[int],
        tangents: Mapping[int, Region],
        values: Sequence[Region],
    ) -> Region:
        """The tangent of an operation's result, of those of its operands."""
        node = self.program.nodes[index]
        row = operations.OPERATIONS[node.operation]
        own = {operand: tangents[node.arguments[operand]] for operand in moving}
        kernel = PYTORCH[node.operation]
        if kernel.tangent is not None:
            form = tangent_form(kernel, frozenset(row.operands[i] for i in moving))
            assert form is not None, f"`{row.name}` is constant"
            operands = [values[argument] for argument in node.arguments]
            given: dict[str, Region] = dict(zip(row.operands, operands, strict=True))
            given |= {tangent_name(row.operands[i]): t for i, t in own.items()}
            given |= {"result": values[index]}
            return self._reordered(self._run(form, given)[form.output])
        return self._accumulate(
            [
                None if tangent is None else self._product(i, index, tangent, values)
                for i, tangent in own.items()
            ]
        )


def _is_zero_by_convention(operand: int, operands: Sequence[Region]) -> bool:
    """Whether PyTorch passes 0 back from a power: to x for y = 0, to y at x = 0."""
    asked = operands[1 - operand]
    return asked is not None and complex_balls.is_zero(asked.box().ball)


def _exponent_size(operation: str, operands: Sequence[_Region]) -> Ball:
    """A bound of |y log x|, whatever the side of a cut; of a power of 0, where no logarithm is taken, 0."""
    if operation == "exp2":
        return complex_balls.magnitude(operands[0].box().ball)
    base, power = (operand.box().ball for operand in operands)
    if complex_balls.contains_zero(base):
        return balls.zero()
    return complex_balls.magnitude(power) * complex_balls.largest_logarithm(base)


def _exact(number: complex) -> _Region:
    centre = complex_balls.exact(number)
    return _Region(centre, balls.zero(), number.imag == 0)


_ZERO = _exact(0j)
_ONE = _exact(1 + 0j)


def _is_real(
    operation: str,
    operands: Sequence[_Region],
    centre: Rectangle,
    exponent: Fraction | None,
) -> bool:
    """Whether the result is real whatever rounding does: of real operands, or a product of exact ones on the axes."""
    if operation == "pow" and exponent == 2:
        operation, operands = "square", operands[:1]
    degree = operations.OPERATIONS[operation].degree
    if degree is not None and all(region.is_real for region in operands):
        return True
    return (
        degree == 2
        and complex_balls.is_real(centre)
        and all(
            balls.is_zero(one.radius) and complex_balls.is_on_axis(one.centre.ball)
            for one in operands
        )
    )


def _conjugate(region: _Region) -> _Region:
    real, imaginary = region.centre.signs
    centre = Number(complex_balls.conjugate(region.centre.ball), (real, -imaginary))
    return _Region(centre, region.radius, region.is_real)


def _upper(radius: Ball) -> Ball:
    """An exact upper bound."""
    return radius.abs_upper()


def _disc(region: Region) -> Disc | None:
    if region is None:
        return None
    real, imaginary = complex_balls.enclosures(region.centre.ball)
    return Disc(
        real=real.lower,
        imaginary=imaginary.lower,
        radius=balls.enclosure(region.radius).upper,
    )


def _own_ulp(node: Node) -> Fraction:
    return PYTORCH[node.operation].complex_error if node.arguments else Fraction(0)


def _backward_forms(operation: str) -> tuple[str | None, ...]:
    kernel = PYTORCH[operation]
    return kernel.complex_backward or kernel.backward


def _parsed(form: str, operation: str) -> tuple[Node, ...]:
    return parsing.parse_form(form, operations.OPERATIONS[operation]).nodes
