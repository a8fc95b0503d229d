"""Straight lines of balls, made ready once and run at many points: a formula, and the
value of a written program."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from verifier.language.operations import table as operations
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.formula import Formula, Instruction
from verifier.symbolic.arithmetic.regularity import Regularity, regularity_of


class CompiledFormula:
    """A formula with what it needs for some of its outputs, ready to be run at many
    points."""

    def __init__(
        self, formula: Formula, inputs: Sequence[str], outputs: Sequence[int]
    ) -> None:
        """`inputs` are the names of the arguments in order."""
        self.outputs = tuple(outputs)
        self.instructions = formula.instructions
        needed = set(outputs)
        for place in range(len(self.instructions) - 1, -1, -1):
            if place in needed:
                needed.update(self.instructions[place].arguments)
        places: dict[str, int] = {}
        self.still: list[int] = []
        """Instructions that move with no input."""
        self.moving: list[int] = []
        for place, instruction in enumerate(self.instructions):
            if instruction.operation == "input":
                places[instruction.name or ""] = place
            elif place in needed:
                still = all(i in self.still for i in instruction.arguments)
                (self.still if still else self.moving).append(place)
        self.inputs = [places[name] for name in inputs]

    def ready(self) -> Callable[[Sequence[Ball]], list[Ball]]:
        """The outputs as a function of the inputs, at the precision in force."""
        start: list[Any] = [None] * len(self.instructions)
        for place in self.still:
            instruction = self.instructions[place]
            if instruction.operation == "constant":
                start[place] = balls.constant(instruction.name, instruction.number)
            else:
                operands = [start[index] for index in instruction.arguments]
                start[place] = balls.OPERATIONS[instruction.operation](*operands)
        steps = [self._step(place, start) for place in self.moving]
        needed = _needed(
            self.outputs,
            {
                place: [first, *others] if second is None else [first, second, *others]
                for place, _, first, second, others in steps
            },
        )
        steps = [step for step in steps if step[0] in needed]
        inputs, outputs = self.inputs, self.outputs

        def run(arguments: Sequence[Ball]) -> list[Ball]:
            values = start.copy()
            for place, argument in zip(inputs, arguments, strict=True):
                values[place] = argument
            for place, function, first, second, rest in steps:
                if second is None:
                    values[place] = function(values[first])
                elif not rest:
                    values[place] = function(values[first], values[second])
                else:
                    others = (values[index] for index in (second, *rest))
                    values[place] = function(values[first], *others)
            return [values[place] for place in outputs]

        return run

    def _step(self, place: int, known: Sequence[Any]) -> _Step:
        instruction = self.instructions[place]
        places = instruction.arguments
        function = DIRECT.get(instruction.operation)
        if instruction.operation == "pow" and known[places[1]] is not None:
            function, places = _power_by(known[places[1]]), places[:1]
        taken = _taken(instruction, known)
        if taken is not None:
            function, places = balls.OPERATIONS["identity"], (taken,)
        second = places[1] if len(places) > 1 else None
        function = function or balls.OPERATIONS[instruction.operation]
        return place, function, places[0], second, places[2:]


_Step = tuple[int, Callable[..., Any], int, int | None, tuple[int, ...]]
"""Where the result goes, the function, and where its first, its second and all other
operands are."""

DIRECT: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "mul": operator.mul,
    "neg": operator.neg,
}
"""What the table of balls says, without a call of its own."""


def _power_by(exponent: Ball) -> Callable[[Ball], Ball]:
    """The power by a constant; Arb's own for an integer and a base that is not about
    zero."""
    general = balls.OPERATIONS["pow"]
    if not (exponent.is_exact() and exponent.is_integer()) or abs(exponent) >= 2**31:
        return lambda base: general(base, exponent)
    return lambda base: general(base, exponent) if base.contains(0) else base**exponent


def _taken(node: Node | Instruction, known: Sequence[Any]) -> int | None:
    """The branch of a choice whose condition is known beforehand."""
    if node.operation != "where" or not isinstance(known[node.arguments[0]], bool):
        return None
    condition, chosen, other = node.arguments
    return chosen if known[condition] else other


def _needed(outputs: Iterable[int], operands: dict[int, Sequence[int]]) -> set[int]:
    """The places on which outputs depend; by place, in order, the operands of each
    step."""
    needed = set(outputs)
    for place in reversed(operands):
        if place in needed:
            needed.update(operands[place])
    return needed


class CompiledProgram:
    """The written program's value, where all of its operations are smooth."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.moving: list[bool] = []
        for node in program.nodes:
            moves = node.operation == "variable"
            moves |= any(self.moving[index] for index in node.arguments)
            self.moving.append(moves)

    def ready(self) -> Callable[[Sequence[Ball]], Any]:
        """The value as a function of the inputs, at the precision in force; a
        `Regularity` where it is not smooth."""
        start: list[Any] = []
        steps: list[_ProgramStep] = []
        places = {}
        for place, node in enumerate(self.program.nodes):
            start.append(None)
            if node.operation == "variable":
                places[node.name or ""] = place
            elif node.operation == "constant":
                start[place] = _constant(node.name, node.number)
            elif not self.moving[place]:
                operands = [start[index] for index in node.arguments]
                start[place] = _smooth(node.operation, [])(*operands)
            else:
                steps.append(self._step(place, start))
        inputs = [places[name] for name in self.program.inputs]
        output = self.program.output
        needed = _needed([output], {place: operands for place, _, operands in steps})
        steps = [step for step in steps if step[0] in needed]

        def run(arguments: Sequence[Ball]) -> Any:
            values = start.copy()
            for place, argument in zip(inputs, arguments, strict=True):
                values[place] = argument
            for place, function, operands in steps:
                values[place] = function(*[values[index] for index in operands])
            return values[output]

        return run

    def _step(self, place: int, known: Sequence[Any]) -> _ProgramStep:
        """How a node is computed whose value moves; of a choice that is made already,
        as its branch."""
        node = self.program.nodes[place]
        taken = _taken(node, known)
        if taken is not None:
            return place, _smooth("identity", []), (taken,)
        checked = [
            operand
            for operand, argument in enumerate(node.arguments)
            if self.moving[argument]
        ]
        return place, _smooth(node.operation, checked), node.arguments


_ProgramStep = tuple[int, Callable[..., Any], tuple[int, ...]]
"""Where the result goes, the function, and where its operands are."""


def _constant(name: str | None, number: Fraction | None) -> Any:
    return Regularity.EDGE if name == "inf" else balls.constant(name, number)


def _smooth(operation: str, checked: Sequence[int]) -> Callable[..., Any]:
    """The operation on balls; a `Regularity` of an operand, or of its own where it is
    not smooth there."""
    apply = balls.OPERATIONS[operation]
    row = operations.OPERATIONS[operation]
    if operation == "where":
        return _choose
    if row.result is operations.Sort.CONDITION:
        # Numbers that no input moves compare alike all around.
        compared = row.sorts[0] is operations.Sort.NUMBER and checked
        return _decided(apply) if compared else _passing(apply)
    if _is_smooth_everywhere(row) or not checked:
        return _passing(apply)

    def smooth(*operands: Any) -> Any:
        for operand in operands:
            if operand.__class__ is Regularity:
                return operand
        for operand in checked:
            regularity = regularity_of(operation, operands, operand)
            if regularity is not Regularity.SMOOTH:
                return regularity
        return apply(*operands)

    return smooth


def _is_smooth_everywhere(row: operations.Operation) -> bool:
    singular = (*row.kinks, *row.jumps, *row.poles)
    return not singular and all(domain == operations.LINE for domain in row.domain)


def _passing(apply: Callable[..., Any]) -> Callable[..., Any]:
    """The operation, which passes on what is not smooth."""

    def passing(*operands: Any) -> Any:
        for operand in operands:
            if operand.__class__ is Regularity:
                return operand
        result = apply(*operands)
        return Regularity.UNSURE if result is None else result

    return passing


def _decided(apply: Callable[..., Any]) -> Callable[..., Any]:
    """A comparison, which is smooth nowhere but where its operands differ."""
    passing = _passing(apply)

    def decided(*operands: Any) -> Any:
        for operand in operands:
            if operand.__class__ is Regularity:
                return operand
        if balls.equal(*operands):
            return Regularity.EDGE
        return passing(*operands)

    return decided


def _choose(condition: Any, chosen: Any, other: Any) -> Any:
    """The branch that is taken, whatever the other is."""
    if condition.__class__ is Regularity:
        return condition
    return chosen if condition else other
