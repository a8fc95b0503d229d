"""The chain rule in complex balls, on the side of every branch cut which a signed zero
picks.

The gradient is PyTorch's: of a real loss L, conj(∂L/∂z) with Wirtinger's derivative
(PyTorch, *Autograd for complex numbers*), so a holomorphic f hands back its upstream
gradient times conj(f′(z)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import complex_balls, complex_cuts
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.complex_balls import Rectangle, SignedRectangle, Signs
from verifier.symbolic.arithmetic.complex_cuts import Analyticity
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.calculus import derivative
from verifier.symbolic.calculus.chain import Chain, Known, Standing, Structure

_NOTHING = complex_balls.anything()
_ZERO = complex_balls.zero()
_ONE = complex_balls.constant(None, Fraction(1)).ball
_MINUS_ONE = complex_balls.constant(None, Fraction(-1)).ball
_UNDECIDED = "is not decided at this precision"
_AT = {
    Analyticity.POLE: (Standing.POLE, "is infinite"),
    Analyticity.UNDECIDED: (
        Standing.LIMIT,
        "is 0/0, or on an unknown side of a branch cut",
    ),
    Analyticity.UNSURE: (Standing.UNSURE, _UNDECIDED),
}
_PREVAILING = (Standing.REGULAR, Standing.POLE, Standing.LIMIT, Standing.UNSURE)
"""Of several standings the last one prevails: more precision may show that there is a
pole no more."""


def _is_linear(operation: str) -> bool:
    """Whether its derivatives are ±1, so that a pole and a finite number make a
    pole."""
    return operations.row(operation).degree == 1


class ComplexChain(Chain):
    """One pass in rectangles. An input is a finite complex number, or a
    `SignedRectangle` to be enclosed as a whole."""

    def __init__(
        self, structure: Structure, point: Mapping[str, complex | SignedRectangle]
    ) -> None:
        super().__init__(structure, point)
        count = len(self.program.nodes)
        self.signs: list[Signs] = [(0, 0)] * count
        """The signs of zero components, by node."""
        self.places: list[Analyticity] = [Analyticity.CLEAR] * count
        """Where the operands of each node lie with respect to its cuts and poles."""

    @staticmethod
    def written_out(program: Program) -> Program:
        """The program as it is: every holomorphic operation is known."""
        return program

    @staticmethod
    def size(ball: Rectangle) -> Ball:
        """The largest magnitude in a rectangle."""
        return complex_balls.magnitude(ball)

    # ── forward ───────────────────────────────────────────────────────────────────────

    def variable(self, name: str) -> Known:
        """The value of an input."""
        given = self.point[name]
        return self._number(
            given if isinstance(given, SignedRectangle) else complex_balls.exact(given)
        )

    def constant(self, index: int) -> Known:
        """The value of a literal, or of arithmetic among literals, which is
        Python's."""
        node = self.program.nodes[index]
        number = self.structure.constants.get(index)
        name = node.name if number is None else None
        return self._number(complex_balls.constant(name, number))

    def _number(self, number: SignedRectangle) -> Known:
        """The value of the node in hand."""
        self.signs[len(self.values)] = number.signs
        return Known(number.ball)

    def apply(self, index: int) -> Known:
        """The value of an operation."""
        if index in self.structure.constants:
            return self.constant(index)
        node, operands = self.program.nodes[index], self.operands(index)
        worst = _worst(operands)
        if worst.standing is not Standing.REGULAR:
            self.places[index] = Analyticity.UNDECIDED
            return self._of_irregular(index, operands, worst)
        numbers = self._numbers(index)
        place = self.places[index] = complex_cuts.analyticity_of(
            node.operation, numbers
        )
        if place in _AT:
            standing, words = _AT[place]
            return Known(_NOTHING, standing, f"{self.spelt(index)} {words}")
        value = complex_cuts.value(node.operation, numbers, place)
        if not complex_balls.is_finite(value):
            self.places[index] = Analyticity.UNSURE
            reason = f"{self.spelt(index)} {_UNDECIDED}"
            return Known(_NOTHING, Standing.UNSURE, reason)
        exponent = self.structure.constants.get(node.arguments[-1])
        signs = complex_balls.signs(node.operation, numbers, value, exponent)
        return self._number(SignedRectangle(value, signs))

    def _numbers(self, index: int) -> list[SignedRectangle]:
        """The operands of a node, with the signs of their zeros."""
        arguments = self.program.nodes[index].arguments
        return [
            SignedRectangle(self.values[at].ball, self.signs[at]) for at in arguments
        ]

    def _of_irregular(
        self, index: int, operands: Sequence[Known], worst: Known
    ) -> Known:
        operation = self.program.nodes[index].operation
        poles = sum(operand.standing is Standing.POLE for operand in operands)
        if worst.standing is Standing.POLE and poles == 1:
            others = [o.ball for o in operands if o.standing is Standing.REGULAR]
            scales = operation == "mul" or (
                operation == "div" and operands[0].standing is Standing.POLE
            )
            nonzero = not any(complex_balls.contains_zero(other) for other in others)
            if _is_linear(operation) or (scales and nonzero):
                return worst
        if worst.standing is Standing.POLE:
            reason = f"{self.spelt(index)}: {worst.reason}"
            return Known(_NOTHING, Standing.LIMIT, reason)
        return worst

    # ── backward ──────────────────────────────────────────────────────────────────────

    def seed(self, upstream: complex) -> Known:
        """The adjoint of the output."""
        return Known(complex_balls.exact(upstream).ball)

    def share(self, index: int, operand: int, adjoint: Known) -> Known | None:
        """What a node passes back to one operand: adjoint · conj(slope); a pole times
        zero is a matter of limits."""
        if not self.structure.reached[self.program.nodes[index].arguments[operand]]:
            return None
        local = self._local(index, operand)
        worst = _worst((adjoint, local))
        if worst.standing is Standing.REGULAR:
            return Known(adjoint.ball * complex_balls.conjugate(local.ball))
        if worst.standing is not Standing.POLE:
            return worst
        finite = [k.ball for k in (adjoint, local) if k.standing is Standing.REGULAR]
        if any(complex_balls.is_zero(ball) for ball in finite):
            reason = f"0 times an infinite number: {worst.reason}"
            return Known(_NOTHING, Standing.LIMIT, reason)
        if any(complex_balls.contains_zero(ball) for ball in finite):
            return Known(_NOTHING, Standing.UNSURE, worst.reason)
        return worst

    def sum(self, first: Known, second: Known) -> Known:
        """The sum of two shares."""
        worst = _worst((first, second))
        if worst.standing is Standing.REGULAR:
            return Known(first.ball + second.ball)
        if first.standing is second.standing is Standing.POLE:
            reason = f"a difference of infinite numbers: {worst.reason}"
            return Known(_NOTHING, Standing.LIMIT, reason)
        return worst

    def _local(self, index: int, operand: int) -> Known:
        """The derivative of a node by one operand."""
        node, value, place = (
            self.program.nodes[index],
            self.values[index],
            self.places[index],
        )
        if _is_linear(node.operation):
            negative = node.operation == "neg" or (
                node.operation == "sub" and operand == 1
            )
            return Known(_MINUS_ONE if negative else _ONE)
        if value.standing is not Standing.REGULAR:
            return value
        by_exponent = node.operation == "pow" and operand == 1
        if place is Analyticity.BRANCH_POINT and not by_exponent:
            reason = f"the derivative of {self.spelt(index)} is infinite"
            return Known(_NOTHING, Standing.POLE, reason)
        exponent = self.structure.constants.get(node.arguments[-1])
        numbers = self._numbers(index)
        ball = slope(node.operation, operand, numbers, value.ball, place, exponent)
        if ball is None:
            reason = (
                f"the derivative of {self.spelt(index)} is a limit, "
                "or that of an unknown side of a branch cut"
            )
            return Known(_NOTHING, Standing.LIMIT, reason)
        if not complex_balls.is_finite(ball):
            reason = f"the derivative of {self.spelt(index)} {_UNDECIDED}"
            return Known(_NOTHING, Standing.UNSURE, reason)
        return Known(ball)


def _worst(several: Sequence[Known]) -> Known:
    return max(several, key=lambda known: _PREVAILING.index(known.standing))


def slope(
    operation: str,
    operand: int,
    operands: Sequence[SignedRectangle],
    result: Rectangle,
    place: Analyticity,
    exponent: Fraction | None,
) -> Rectangle | None:
    """The derivative of an operation by one operand, at finite operands that lie CLEAR
    or on a CUT.

    `exponent` is that of a power where it is a constant. None where only a limit, or
    the side of a cut, would tell.
    """
    given = [number.ball for number in operands]
    if operation == "pow":
        if complex_balls.is_zero(given[0]):
            return _slope_of_power_at_zero(operand, given[1])
        if operand == 1:
            logarithm = complex_cuts.log_from_side(operands[0])
            return None if logarithm is None else result * logarithm
    if place is Analyticity.CUT:
        split = complex_cuts.slope_on_cut(operation, operands, result)
        if split is not None:
            return split
    constant = exponent if operation == "pow" else None
    formula = derivative.local(operation, operand, constant)
    arithmetic = complex_balls.OPERATIONS, complex_balls.literal
    return evaluate(formula, given, *arithmetic)[0]


def _slope_of_power_at_zero(operand: int, exponent: Rectangle) -> Rectangle | None:
    """Of zⁿ at 0 by z: 1 for n = 1, and 0 for n = 0 or Re n > 1; by n: 0 for Re n > 0,
    where 0ⁿ is constant."""
    if operand == 1:
        return _ZERO if exponent.real > 0 else None
    if complex_balls.is_zero(exponent - _ONE):
        return _ONE
    if complex_balls.is_zero(exponent) or exponent.real > 1:
        return _ZERO
    return None
