"""A program along a path: the germ of every step as its inputs move away from a point (`germs`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol

from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic import expansions as germs
from verifier.symbolic.arithmetic.exact import Number
from verifier.symbolic.arithmetic.expansions import Germ, Outside, Unresolved, Value
from verifier.symbolic.arithmetic.formula import Formula


class Step(Protocol):
    """One operation on earlier steps, or a leaf."""

    @property
    def operation(self) -> str: ...
    @property
    def arguments(self) -> tuple[int, ...]: ...
    @property
    def name(self) -> str | None: ...
    @property
    def number(self) -> Fraction | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Steps in the order of evaluation, of which one is asked for: a program, or a derivative of SymPy's."""

    steps: Sequence[Step]
    output: int
    constants: Mapping[int, Fraction]
    classes: Sequence[int]

    def values(
        self, path: Mapping[str, Any], moved: Mapping[int, Value] | None = None
    ) -> list[Any]:
        """The germ, truth value or failure of every step that is needed, None of others; those in `moved` are given."""
        return _evaluate(self, path, moved or {})

    def needed(self, index: int | None = None) -> list[int]:
        """The steps that a step, or what is asked for, is made of, itself the last."""
        last = self.output if index is None else index
        wanted = {last}
        for at in range(last, -1, -1):
            if at in wanted:
                wanted.update(self.steps[at].arguments)
        return sorted(wanted)

    def along(
        self, path: Mapping[str, Any], moved: Mapping[int, Value] | None = None
    ) -> Value | None:
        """What is asked for along a path, or None where it is not defined there; `Unresolved` is raised."""
        found: Value | None = defined(self.values(path, moved)[self.output])
        return found

    def to(self, output: int) -> Line:
        """The same steps, of which another one is asked for."""
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
    """A germ or a truth value; None where there is none on this side; `Unresolved` is raised."""
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
        if first == second:  # one germ: its difference with itself is exactly zero
            operands[1] = operands[0]
    return operands


def _constant(step: Step) -> Any:
    if step.name == "inf":
        return Unresolved("an infinite constant")
    return germs.constant(exact.constant(step.name, step.number))


def apply(operation: str, operands: Sequence[Any]) -> Any:
    if operation == "where" and isinstance(operands[0], bool):
        return operands[1] if operands[0] else operands[2]
    for operand in operands:
        if isinstance(operand, Outside) and operation == "nan_to_num":
            return Unresolved("`nan_to_num` replaces what is undefined")
        if isinstance(operand, Outside | Unresolved):
            return operand
    try:
        return germs.apply(operation, operands)
    except (Outside, Unresolved) as failure:
        return failure


def coordinate(value: float, move: int, rate: int) -> Germ:
    """value + move·t^rate; an infinite value is ±t^(−rate)."""
    if math.isnan(value):
        raise Unresolved("an input is NaN")
    if math.isinf(value):
        return germs.monomial(balls.exact(math.copysign(1.0, value)), -rate)
    center = germs.constant(balls.exact(value))
    if not move:
        return center
    moved = germs.add(center, germs.monomial(balls.exact(float(move)), rate))
    assert isinstance(moved, Germ)
    return moved


def departing(center: Number, side: int) -> Germ:
    """center + side·t."""
    moved = germs.add(
        germs.constant(center), germs.monomial(balls.exact(float(side)), 1)
    )
    assert isinstance(moved, Germ)
    return moved
