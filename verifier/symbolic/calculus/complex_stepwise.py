"""The chain rule over the written program in complex balls: its value, and the true adjoint of every node.

The gradient is PyTorch's: of a real loss L, conj(∂L/∂z) with Wirtinger's derivative (PyTorch, *Autograd for complex
numbers*), so a holomorphic f hands back its upstream gradient times conj(f′(z)). SymPy differentiates each operation
once; on a branch cut the derivative is that of the side which a signed zero picks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import complex_balls, complex_cuts
from verifier.symbolic.arithmetic.complex_balls import Number, Rectangle
from verifier.symbolic.arithmetic.complex_cuts import Place
from verifier.symbolic.calculus import derivative


class Standing(IntEnum):
    """What can be said of a node's value or adjoint; of several, the largest prevails."""

    REGULAR = 0
    POLE = 1
    """Infinite: a pole, or a branch point with an infinite derivative."""
    LIMIT = 2
    """Only a limit can decide, or the side of a branch cut is not known."""
    UNSURE = 3
    """More precision may decide."""


@dataclass(frozen=True, slots=True)
class Known:
    """A number, meaningful where the standing is REGULAR."""

    number: Number
    standing: Standing = Standing.REGULAR
    reason: str | None = None

    @property
    def ball(self) -> Rectangle:
        """The number's rectangle."""
        return self.number.ball


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One evaluation at one precision: values and adjoints by node; an adjoint of None is a structural zero."""

    values: tuple[Known, ...]
    adjoints: tuple[Known | None, ...]


_NOTHING = Number(complex_balls.anything())
_AT = {
    Place.POLE: (Standing.POLE, "is infinite"),
    Place.UNDECIDED: (Standing.LIMIT, "is 0/0, or on an unknown side of a branch cut"),
    Place.UNSURE: (Standing.UNSURE, "is not decided at this precision"),
}
LINEAR = frozenset("identity neg add sub".split())
"""Their derivatives are ±1, and a pole and a finite number make a pole."""


class Chain:
    """A program, ready to be differentiated step by step at any point."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.constants = constant_values(program)
        self.reached = rewriting.reached(program)

    def evaluate(
        self, point: Mapping[str, complex | Number], upstream: complex
    ) -> Pass:
        """Values and adjoints at the precision in force, the output's adjoint being `upstream`.

        A coordinate is an exact number, or a rectangle to be enclosed as a whole.
        """
        values: list[Known] = []
        places: list[Place] = []
        for index, node in enumerate(self.program.nodes):
            where = Place.CLEAR
            if node.operation == "variable":
                given = point[node.name or ""]
                exact = (
                    given if isinstance(given, Number) else complex_balls.exact(given)
                )
                known = Known(exact)
            elif index in self.constants:  # arithmetic among literals is Python's
                known = Known(complex_balls.constant(None, self.constants[index]))
            elif node.operation == "constant":
                known = Known(complex_balls.constant(node.name, node.number))
            else:
                operands = [values[argument] for argument in node.arguments]
                known, where = self._apply(index, operands)
            values.append(known)
            places.append(where)
        return Pass(
            values=tuple(values), adjoints=self._backward(values, places, upstream)
        )

    def _apply(self, index: int, operands: Sequence[Known]) -> tuple[Known, Place]:
        node = self.program.nodes[index]
        worst = max(operands, key=lambda operand: operand.standing)
        if worst.standing is not Standing.REGULAR:
            return self._of_irregular(index, operands, worst), Place.UNDECIDED
        numbers = [operand.number for operand in operands]
        where = complex_cuts.place(node.operation, numbers)
        if where in _AT:
            standing, words = _AT[where]
            return Known(_NOTHING, standing, f"{self._at(index)} {words}"), where
        result = complex_cuts.value(node.operation, numbers, where)
        if not complex_balls.is_finite(result):
            reason = f"{self._at(index)} {_AT[Place.UNSURE][1]}"
            return Known(_NOTHING, Standing.UNSURE, reason), Place.UNSURE
        exponent = self.constants.get(node.arguments[-1])
        signs = complex_balls.signs(node.operation, numbers, result, exponent)
        return Known(Number(result, signs)), where

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
            if operation in LINEAR or (scales and nonzero):
                return worst
        if worst.standing is Standing.POLE:
            return Known(_NOTHING, Standing.LIMIT, f"{self._at(index)}: {worst.reason}")
        return worst

    def _at(self, index: int) -> str:
        return f"`{self.program.text(index)}`"

    # ── backward ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _backward(
        self, values: Sequence[Known], places: Sequence[Place], upstream: complex
    ) -> tuple[Known | None, ...]:
        nodes = self.program.nodes
        adjoints: list[Known | None] = [None] * len(nodes)
        adjoints[self.program.output] = Known(complex_balls.exact(upstream))
        for index in range(self.program.output, -1, -1):
            adjoint = adjoints[index]
            if adjoint is None:
                continue
            for operand, argument in enumerate(nodes[index].arguments):
                if not self.reached[argument]:
                    continue
                slope = self._slope(index, operand, values, places[index])
                share = _product(adjoint, slope)
                adjoints[argument] = _sum(adjoints[argument], share)
        return tuple(adjoints)

    def _slope(
        self, index: int, operand: int, values: Sequence[Known], where: Place
    ) -> Known:
        """The local derivative by one operand."""
        node, value = self.program.nodes[index], values[index]
        operands = [values[argument] for argument in node.arguments]
        if node.operation in LINEAR:
            negative = node.operation == "neg" or (
                node.operation == "sub" and operand == 1
            )
            return Known(Number(_MINUS_ONE if negative else _ONE))
        if value.standing is not Standing.REGULAR:
            return value
        if where is Place.BRANCH_POINT and not (
            node.operation == "pow" and operand == 1
        ):
            reason = f"the derivative of {self._at(index)} is infinite"
            return Known(_NOTHING, Standing.POLE, reason)
        exponent = self.constants.get(node.arguments[-1])
        numbers = [known.number for known in operands]
        found = slope(node.operation, operand, numbers, value.ball, where, exponent)
        if found is None:
            reason = f"the derivative of {self._at(index)} is a limit, or that of an unknown side of a branch cut"
            return Known(_NOTHING, Standing.LIMIT, reason)
        if not complex_balls.is_finite(found):
            reason = f"the derivative of {self._at(index)} {_AT[Place.UNSURE][1]}"
            return Known(_NOTHING, Standing.UNSURE, reason)
        return Known(Number(found))


_ZERO = complex_balls.zero()
_ONE = complex_balls.constant(None, Fraction(1)).ball
_MINUS_ONE = complex_balls.constant(None, Fraction(-1)).ball


def slope(
    operation: str,
    operand: int,
    operands: Sequence[Number],
    result: Rectangle,
    where: Place,
    exponent: Fraction | None,
) -> Rectangle | None:
    """The derivative of an operation by one operand, at finite operands that lie CLEAR or on a CUT.

    `exponent` is that of a power where it is a constant. None where only a limit, or the side of a cut, would tell.
    """
    found = [number.ball for number in operands]
    if operation == "pow":
        if complex_balls.is_zero(found[0]):
            return _slope_of_power_at_zero(operand, found[1])
        if operand == 1:
            logarithm = complex_cuts.log_from_side(operands[0])
            return None if logarithm is None else result * logarithm
    if where is Place.CUT:
        split = complex_cuts.slope_on_cut(operation, operands, result)
        if split is not None:
            return split
    formula = derivative.local(
        operation, operand, exponent if operation == "pow" else None
    )
    return complex_balls.evaluate(formula, found)


def _slope_of_power_at_zero(operand: int, exponent: Rectangle) -> Rectangle | None:
    """Of zⁿ at 0 by z: 1 for n = 1, and 0 for n = 0 or Re n > 1; by n: 0 for Re n > 0, where 0ⁿ is constant."""
    if operand == 1:
        return _ZERO if exponent.real > 0 else None
    if complex_balls.is_zero(exponent - _ONE):
        return _ONE
    if complex_balls.is_zero(exponent) or exponent.real > 1:
        return _ZERO
    return None


def _product(adjoint: Known, slope: Known) -> Known:
    """What is handed back: adjoint · conj(slope); a pole times zero is a matter of limits."""
    worst = max(adjoint, slope, key=lambda known: known.standing)
    if worst.standing is Standing.REGULAR:
        return Known(Number(adjoint.ball * complex_balls.conjugate(slope.ball)))
    if worst.standing is not Standing.POLE:
        return worst
    finite = [k.ball for k in (adjoint, slope) if k.standing is Standing.REGULAR]
    if any(complex_balls.is_zero(ball) for ball in finite):
        return Known(
            _NOTHING, Standing.LIMIT, f"0 times an infinite number: {worst.reason}"
        )
    if any(complex_balls.contains_zero(ball) for ball in finite):
        return Known(_NOTHING, Standing.UNSURE, worst.reason)
    return worst


def _sum(first: Known | None, second: Known) -> Known:
    if first is None:
        return second
    worst = max(first, second, key=lambda known: known.standing)
    if worst.standing is Standing.REGULAR:
        return Known(Number(first.ball + second.ball))
    if first.standing is second.standing is Standing.POLE:
        return Known(
            _NOTHING,
            Standing.LIMIT,
            f"a difference of infinite numbers: {worst.reason}",
        )
    return worst
