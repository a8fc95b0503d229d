"""What rounding alone may do to the program as written, in a dtype: the set of all
results that it can bring about.

The written program's reverse mode, or its forward mode, is run in balls. Every
operation widens its ball by the local error that a faithful implementation may have
(the kernel's `forward_ulp`: half an ulp of the result for + − × ÷), and every local
vector-Jacobian product, or tangent, is PyTorch's own formula for it, operation by
operation. So any execution whose operations are each that accurate stays inside, and no
tolerance is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from verifier.floats import Format
from verifier.language.kernels.kernel import Kernel
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs import parsing
from verifier.language.programs.program import Node, Program
from verifier.records import Enclosure
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.calculus import derivative, signed
from verifier.symbolic.rounding.program_model import NOTHING, Mode, ProgramModel
from verifier.symbolic.rounding.real_arithmetic import RealArithmetic


class RoundingModel(ProgramModel[Enclosure]):
    """A real program, differentiated in one mode.

    Forward mode has tangent 1 at one input after the other; the output's is multiplied
    by the upstream gradient.
    """

    arithmetic: RealArithmetic
    arithmetic_of = RealArithmetic

    def exact(self, number: float) -> Ball:
        return balls.exact(number)

    def reach(self, number: Ball) -> Enclosure | None:
        return balls.enclosure(number) if balls.is_finite(number) else None

    # ── values ────────────────────────────────────────────────────────────────────────

    def values(self, point: Mapping[str, float]) -> list[Any]:
        values: list[Any] = []
        for node in self.program.nodes:
            if node.operation == "variable":
                values.append(balls.exact(point[node.name or ""]))
            elif self._is_pole(node, point):
                row = operations.OPERATIONS[node.operation]
                values.append(balls.infinite(row.infinity_at_zero))
            else:
                values.append(self.arithmetic.apply(node, values))
                if node.operation == "atan2":
                    values[-1] = self._on_side(node, values, point)
        return values

    def _on_side(
        self, node: Node, values: Sequence[Any], point: Mapping[str, float]
    ) -> Ball:
        """The angle that was found last, on that side of its cut which the sign of a
        zero picks (`signed`)."""
        y, x = (values[argument] for argument in node.arguments)
        angle = values[-1]
        if not balls.is_zero(y) or not x < 0:
            return angle
        side = signed.zero_signs(self.program, point)[node.arguments[0]]
        return angle * side if side else angle.union(-angle)

    def _is_pole(self, node: Node, point: Mapping[str, float]) -> bool:
        """Whether an operation meets the input +0, where IEEE 754 gives an infinity:
        1/(1 + 1/x) goes on from there."""
        if not operations.row(node.operation).infinity_at_zero:
            return False
        operand = self.program.nodes[node.arguments[-1]]
        if operand.operation != "variable" or str(point[operand.name or ""]) != "0.0":
            return False
        numerators = node.arguments[:-1]
        return all(self.constants.get(index, Fraction(0)) > 0 for index in numerators)

    # ── derivatives ───────────────────────────────────────────────────────────────────

    def share(
        self, operand: int, index: int, adjoint: Ball, values: Sequence[Any]
    ) -> Any:
        return self.product(operand, index, adjoint, values)

    def product(
        self, operand: int, index: int, tangent: Ball, values: Sequence[Any]
    ) -> Any:
        node = self.program.nodes[index]
        row = operations.OPERATIONS[node.operation]
        form = _backward_form(row.name, operand)
        if form is None:
            return NOTHING
        operands = (values[argument] for argument in node.arguments)
        given = dict(zip(row.operands, operands, strict=True))
        given |= {"result": values[index], "grad": tangent}
        return self.arithmetic.follow(parsing.parse_form(form, row), given)

    def forward(
        self, values: Sequence[Any], name: str, upstream: Ball
    ) -> tuple[Ball, frozenset[int]]:
        """By both ways of PyTorch's users: the tangent is 1, or it is the upstream
        gradient itself."""
        zero, output = balls.zero(), self.program.output
        tangents = self.tangents(values, name, balls.exact(1.0))
        factors = [tangents.get(output, zero), upstream]
        ways = [self.arithmetic.operate(operations.OPERATIONS["mul"], factors)]
        unbounded = self.unbounded(tangents)
        if upstream != 1:
            seeded = self.tangents(values, name, upstream)
            ways.append(seeded.get(output, zero))
            unbounded |= self.unbounded(seeded)
        if not all(map(balls.is_finite, ways)):
            return balls.anything(), unbounded
        return reduce(type(zero).union, ways), unbounded

    # ── what may be anything ──────────────────────────────────────────────────────────

    def unbounded(self, numbers: Mapping[int, Any]) -> frozenset[int]:
        """Where the balls are not finite; conditions are no balls."""
        return frozenset(
            index
            for index, ball in numbers.items()
            if not isinstance(ball, bool | None) and not balls.is_finite(ball)
        )

    def unbounded_values(self, values: Sequence[Any]) -> frozenset[int]:
        nothing = balls.exact(self.format.smallest_subnormal / 2)
        vanishing = {
            index
            for index, ball in enumerate(values)
            if not isinstance(ball, bool | None)
            and balls.is_finite(ball)
            and not balls.is_zero(ball)
            and balls.less(abs(ball), nothing) is True
        }
        unbounded = self.unbounded(dict(enumerate(values)))
        return frozenset(
            index
            for index in unbounded
            if vanishing.isdisjoint(self.program.nodes[index].arguments)
            or not unbounded.isdisjoint(self.program.nodes[index].arguments)
        )


class IdealModel(RoundingModel):
    """The same program if every operation had as good a derivative as it has a value,
    in an unlimited range.

    What rounding does even so is the program's; what it does only by PyTorch's own
    formula is that formula's.
    """

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        format_: Format,
        *,
        mode: Mode = Mode.REVERSE,
    ) -> None:
        super().__init__(program, wrt, format_, limited_range=False, mode=mode)

    def has_tangent_form(self, kernel: Kernel) -> bool:
        return False

    def product(
        self, operand: int, index: int, tangent: Ball, values: Sequence[Any]
    ) -> Any:
        node = self.program.nodes[index]
        form = _backward_form(node.operation, operand)
        if form is None or "where(" in form or _is_multilinear(node.operation):
            return super().product(operand, index, tangent, values)
        exponent = None
        if node.operation == "pow":
            exponent = self.constants.get(node.arguments[1])
        formula = derivative.local(node.operation, operand, exponent)
        local = evaluation.evaluate(formula, [values[i] for i in node.arguments])[0]
        product = tangent * local
        if not balls.is_finite(product):
            return product
        slope_ulp = PYTORCH[node.operation].forward_ulp
        return self.arithmetic.widen(product, product, slope_ulp + Fraction(1, 2))


def _backward_form(operation: str, operand: int) -> str | None:
    """PyTorch's formula for what an operation passes back to one operand."""
    backward = PYTORCH[operation].backward
    return backward[operand] if backward else None


def _is_multilinear(operation: str) -> bool:
    """Whether its derivatives are operands: PyTorch's formula is as good as any."""
    row = operations.OPERATIONS[operation]
    return row.degree is not None and row.degree <= row.arity
