"""A program along a path: the expansion of every step as its inputs move away from a
point."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic.evaluation import Step
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions import field, functions, terms
from verifier.symbolic.arithmetic.expansions.terms import (
    Expansion,
    Limit,
    Outside,
    Unresolved,
    Value,
)
from verifier.symbolic.arithmetic.formula import Formula

RADIUS_BITS = 20
"""Inputs are moved by 2⁻²⁰ of themselves, or 2⁻²⁰ at zero; any radius proves a
limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Steps in the order of evaluation, of which one is the output: a program, or a
    derivative of SymPy's."""

    steps: Sequence[Step]
    output: int
    constants: Mapping[int, Fraction]
    classes: Sequence[int]

    def values(
        self, path: Mapping[str, Any], moved: Mapping[int, Value] | None = None
    ) -> list[Any]:
        """The expansion, truth value or failure of every step needed, None of others;
        those in `moved` are given."""
        return _evaluate(self, path, moved or {})

    def needed(self, index: int | None = None) -> list[int]:
        """The steps that a step, or else the output, is made of, itself the last."""
        last = self.output if index is None else index
        wanted = {last}
        for at in range(last, -1, -1):
            if at in wanted:
                wanted.update(self.steps[at].arguments)
        return sorted(wanted)

    def along(
        self, path: Mapping[str, Any], moved: Mapping[int, Value] | None = None
    ) -> Value | None:
        """The output along a path, or None where it is not defined there; `Unresolved`
        is raised."""
        value: Value | None = defined(self.values(path, moved)[self.output])
        return value

    def to(self, output: int) -> Line:
        """The same steps, of which another one is the output."""
        return replace(self, output=output)


def of_program(program: Program) -> Line:
    """The line of a program's output."""
    return Line(
        steps=program.nodes,
        output=program.output,
        constants=constant_values(program),
        classes=rewriting.classes(program),
    )


def of_formula(formula: Formula) -> Line:
    """The line of a formula's first output."""
    constants = {
        index: instruction.number
        for index, instruction in enumerate(formula.instructions)
        if instruction.number is not None
    }
    return Line(
        steps=formula.instructions,
        output=formula.outputs[0],
        constants=constants,
        classes=range(len(formula.instructions)),  # SymPy has shared what is alike
    )


def defined(value: Any) -> Any:
    """An expansion or a truth value; None where there is none on this side;
    `Unresolved` is raised."""
    if isinstance(value, Outside):
        return None
    if isinstance(value, Unresolved):
        raise value
    return value


def _evaluate(
    line: Line, path: Mapping[str, Any], moved: Mapping[int, Value]
) -> list[Any]:
    """A branch that `where` does not take may fail unheard."""
    values: list[Any] = [None] * len(line.steps)
    for index in line.needed():
        step = line.steps[index]
        if index in moved:
            values[index] = moved[index]
        elif step.operation in ("variable", "input"):
            values[index] = path[step.name or ""]
        elif step.operation == "constant":
            values[index] = _constant(step)
        else:
            operands = _operands(line, step, values)
            values[index] = apply(step.operation, operands)
    return values


def _operands(line: Line, step: Step, values: Sequence[Any]) -> list[Any]:
    operands = [values[argument] for argument in step.arguments]
    if step.operation == "pow" and step.arguments[1] in line.constants:
        # a ball of 1/3 would no longer be the exponent of a root
        operands[1] = line.constants[step.arguments[1]]
    if len(operands) == 2:
        first, second = (line.classes[argument] for argument in step.arguments)
        if first == second:  # one expansion: its difference with itself is exactly zero
            operands[1] = operands[0]
    return operands


def _constant(step: Step) -> Any:
    if step.name == "inf":
        return Unresolved("an infinite constant")
    return terms.constant(exact.constant(step.name, step.number))


def apply(operation: str, operands: Sequence[Any]) -> Any:
    """The expansion of an operation, or the failure that an operand or the operation
    itself brings."""
    if operation == "where" and isinstance(operands[0], bool):
        return operands[1] if operands[0] else operands[2]
    for operand in operands:
        if isinstance(operand, Outside) and operation == "nan_to_num":
            return Unresolved("`nan_to_num` replaces what is undefined")
        if isinstance(operand, Outside | Unresolved):
            return operand
    try:
        return functions.apply(operation, operands)
    except (Outside, Unresolved) as failure:
        return failure


def coordinate(value: float, move: int, rate: int) -> Expansion:
    """value + move·t^rate; an infinite value is ±t^(−rate)."""
    if math.isnan(value):
        raise Unresolved("an input is NaN")
    if math.isinf(value):
        return terms.monomial(balls.exact(math.copysign(1.0, value)), -rate)
    center = terms.constant(balls.exact(value))
    if not move:
        return center
    moved = field.add(center, terms.monomial(balls.exact(float(move)), rate))
    assert isinstance(moved, Expansion)
    return moved


def departing(center: Number, side: int) -> Expansion:
    """center + side·t."""
    moved = field.add(
        terms.constant(center), terms.monomial(balls.exact(float(side)), 1)
    )
    assert isinstance(moved, Expansion)
    return moved


def at_point(point: Mapping[str, float], *, widened: bool) -> dict[str, Any]:
    """The path that stays at a point: every input still, or, where `widened`, any
    number about its value."""
    path: dict[str, Any] = {}
    for name, value in point.items():
        if math.isinf(value):
            path[name] = Unresolved("another input is infinite")
        else:
            number = exact.rational(value)
            still = widened_number(name, number) if widened else number
            path[name] = terms.constant(still)
    return path


def has_failed(value: Any) -> bool:
    """Whether a step has no expansion."""
    return isinstance(value, Outside | Unresolved)


def widened_number(name: str, number: Number) -> Number:
    """Any number about that one."""
    size = abs(number.ball) * balls.dyadic(-RADIUS_BITS)
    near_zero = number.ball.contains(0)
    radius = balls.dyadic(-RADIUS_BITS) if near_zero else size.abs_upper()
    return exact.variable(name, balls.around(number.ball, radius))


def limit_of_input(value: float) -> Limit:
    """What an input tends to."""
    if math.isinf(value):
        return Limit(None, 1 if value > 0 else -1)
    return Limit(exact.rational(value))


def leaving(center: Limit, side: int) -> Expansion:
    """center + side·t, or ±1/t."""
    if center.number is None:
        return terms.monomial(balls.exact(float(center.infinite)), -1)
    return departing(center.number, side)


def tends(value: Any) -> Limit | bool:
    """What an expansion tends to; a condition keeps its truth value."""
    return value if isinstance(value, bool) else terms.limit(value)


def differ(first: Limit | bool, second: Limit | bool) -> bool:
    """Whether two limits, or truth values, are proved to be different."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is not second
    if first.ball is None or second.ball is None:
        return (
            first.ball is not None
            or second.ball is not None
            or (first.infinite != second.infinite)
        )
    return not balls.overlaps(first.ball, second.ball)
