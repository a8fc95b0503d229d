"""A second opinion: derivatives of the program *as written*, by power series along
directions.

None of SymPy's rules is used. Along a direction the inputs are straight lines in t,
every operation is applied to truncated power series, and derivatives are read off the
coefficients; mixed second derivatives by polarisation. What does not move along the
direction is a number, so an edge that is not crossed does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from verifier.language.operations import table as operations
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, series, series_operations
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.series import SingularError


def gradient(
    program: Program,
    point: Mapping[str, float],
    wrt: Sequence[str],
    upstream: float,
) -> dict[str, Ball]:
    """Enclosures of upstream × the derivative by each input, at the precision in force.

    Nothing where the program has no power series along one of these inputs, or the
    balls do not tell.
    """
    slopes: dict[str, Ball] = {}
    for name in wrt:
        terms = along(program, point, (name,), 2)
        if terms is None or not math.isfinite(upstream):
            return {}
        slopes[name] = balls.exact(upstream) * terms[1]
    return slopes


def second_derivatives(
    program: Program,
    point: Mapping[str, float],
    wrt: Sequence[str],
    upstream: float,
) -> dict[tuple[str, str], Ball | None]:
    """Enclosures of upstream × the second derivatives, for every ordered pair, at the
    precision in force.

    None for those of which the program has no power series along the directions needed,
    or the balls do not tell.
    """
    if not math.isfinite(upstream):
        return {(first, second): None for first in wrt for second in wrt}
    squares = {name: _curvature(program, point, (name,)) for name in wrt}
    derivatives: dict[tuple[str, str], Ball | None] = {}
    seed = balls.exact(upstream)
    for index, first in enumerate(wrt):
        derivatives[first, first] = _scaled(seed * 2, squares[first])
        for second in wrt[index + 1 :]:
            diagonal = _curvature(program, point, (first, second))
            mixed = _mixed(diagonal, squares[first], squares[second])
            derivatives[first, second] = derivatives[second, first] = _scaled(
                seed, mixed
            )
    return derivatives


def along(
    program: Program,
    point: Mapping[str, float],
    moving: Iterable[str],
    length: int,
) -> list[Ball] | None:
    """The output's coefficients where the inputs `moving` all grow by t; None where it
    has no power series."""
    if not all(math.isfinite(point[name]) for name in program.inputs):
        return None
    line = _Line(program, point, frozenset(moving), length)
    value = line.values[program.output]
    if value is None:
        return None
    return series.coefficients(line.lifted(program.output))


CHOOSING = {"max": "gt", "min": "lt"}
"""Operations that return an operand, and the condition for the first."""


class _Line:
    """The value of every node along a line: a series where it moves, a ball or a truth
    value where it does not.

    None stands for what is singular, undecided or made of such; only `where` may pass
    it by. A condition asks for no more than that its operands are continuous: `centers`
    are the values at t = 0 where a node is, else None.
    """

    def __init__(
        self,
        program: Program,
        point: Mapping[str, float],
        moving: frozenset[str],
        length: int,
    ) -> None:
        self.program = program
        self.point = point
        self.names = moving
        self.length = length
        self.values: list[Any] = []
        self.centers: list[Any] = []
        self.moves: list[bool] = []
        for node in program.nodes:
            self.moves.append(
                node.name in moving
                if node.operation == "variable"
                else any(self.moves[index] for index in node.arguments)
            )
            try:
                self.values.append(self._value(node))
            except SingularError:
                self.values.append(None)
            self.centers.append(self._center(node))

    def lifted(self, index: int) -> Any:
        """The value of a node as a series; a truth value as it is."""
        value = self.values[index]
        if self.moves[index] or isinstance(value, bool):
            return value
        return series.constant(value, self.length)

    def _value(self, node: Node) -> Any:
        if node.operation == "constant":
            return balls.constant(node.name, node.number)
        if node.operation == "variable":
            return self._variable(node.name or "")
        arguments = node.arguments
        if node.operation == "where":
            return self._choice(*arguments)
        if node.operation in CHOOSING and self.moves[-1]:
            first = self._decided(CHOOSING[node.operation], arguments)
            return None if first is None else self._branch(arguments[1 - first])
        if _is_condition(node) and self.moves[-1]:
            return self._decided(node.operation, arguments)
        if any(self.values[index] is None for index in arguments):
            return None
        if not self.moves[-1]:
            value = balls.OPERATIONS[node.operation](
                *(self.values[index] for index in arguments)
            )
            if _is_condition(node) or balls.is_finite(value):
                return value
            return None
        operands = [self.lifted(index) for index in arguments]
        return series_operations.apply(node.operation, operands, self.length)

    def _decided(self, condition: str, arguments: Sequence[int]) -> bool | None:
        """The truth of a condition near t = 0."""
        operands = [self.centers[index] for index in arguments]
        if any(value is None for value in operands):
            return None
        return series_operations.decide(
            condition, [_still(value) for value in operands]
        )

    def _center(self, node: Node) -> Any:
        """The value at t = 0 of the node that was evaluated last, where it is
        continuous."""
        value = self.values[-1]
        if value is not None:
            moving_number = self.moves[-1] and not isinstance(value, bool)
            return series.coefficients(value)[0] if moving_number else value
        centers = [self.centers[index] for index in node.arguments]
        if not centers or node.operation == "where" or _is_condition(node):
            return None
        if any(operand is None for operand in centers):
            return None
        try:
            operands = [_still(operand) for operand in centers]
            return series.coefficients(
                series_operations.apply(node.operation, operands, 1)
            )[0]
        except SingularError:
            row = operations.OPERATIONS[node.operation]
            if not (row.continuous_at_edges and row.kinks):
                return None
            # It has a value on both sides of its kinks, and passes through it.
            value = balls.OPERATIONS[node.operation](*centers)
            return value if balls.is_finite(value) else None

    def _variable(self, name: str) -> Any:
        center = balls.exact(self.point[name])
        if name not in self.names:
            return center
        return series.variable(center, balls.exact(1.0), self.length)

    def _choice(self, condition: int, chosen: int, other: int) -> Any:
        """The branch that is taken; the other may be singular."""
        if self.values[condition] is None:
            return None
        return self._branch(chosen if self.values[condition] else other)

    def _branch(self, index: int) -> Any:
        """The value of an operand as that of the node in hand."""
        if self.values[index] is None or not self.moves[-1]:
            return self.values[index]
        return self.lifted(index)


def _is_condition(node: Node) -> bool:
    row = operations.OPERATIONS.get(node.operation)
    return row is not None and row.result is operations.Sort.CONDITION


def _still(value: Any) -> Any:
    """A ball as a series of one term; a truth value as it is."""
    return value if isinstance(value, bool) else series.constant(value, 1)


def _curvature(
    program: Program, point: Mapping[str, float], moving: tuple[str, ...]
) -> Ball | None:
    """The coefficient of t²: half the second derivative along the line."""
    terms = along(program, point, moving, 3)
    return None if terms is None else terms[2]


def _mixed(
    diagonal: Ball | None, first: Ball | None, second: Ball | None
) -> Ball | None:
    if diagonal is None or first is None or second is None:
        return None
    return diagonal - first - second


def _scaled(scale: Ball, ball: Ball | None) -> Ball | None:
    return None if ball is None else scale * ball
