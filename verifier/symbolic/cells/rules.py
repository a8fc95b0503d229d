"""The rules of the rows of the table, as formulas of their operands: the value, the
partial derivatives (SymPy's), and where it turns."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.symbolic.arithmetic.formula import Formula, Instruction
from verifier.symbolic.calculus.derivative import UntranslatableError, local

TURNING = frozenset(
    {
        *("abs", "sign", "relu", "floor", "ceil", "max", "min", "clamp", "hypot"),
        *("atan2", "lt", "le", "gt", "ge", "eq", "ne"),
    }
)
"""Operations without a definition that have a kink or a jump where the value is
finite."""


@lru_cache(maxsize=1024)
def value(operation: str) -> Formula:
    """The row itself: one instruction, or its definition written out."""
    row = operations.OPERATIONS[operation]
    if row.definition is None:
        inputs = [Instruction(operation="input", name=name) for name in row.operands]
        places = tuple(range(len(inputs)))
        itself = Instruction(operation=operation, arguments=places)
        return Formula(instructions=(*inputs, itself), outputs=(len(inputs),))
    program = rewriting.definition(row)
    # A definition need not mention its operands in their order, nor all of them.
    names = list(row.operands)
    written = [Instruction(operation="input", name=name) for name in names]
    moved: list[int] = []
    for node in program.nodes:
        if node.operation == "variable":
            moved.append(names.index(node.name or ""))
            continue
        arguments = tuple(moved[index] for index in node.arguments)
        written.append(
            Instruction(
                operation=node.operation,
                arguments=arguments,
                name=node.name,
                number=node.number,
            )
        )
        moved.append(len(written) - 1)
    return Formula(instructions=tuple(written), outputs=(moved[program.output],))


@lru_cache(maxsize=4096)
def partial(
    operation: str, operand: int, exponent: Fraction | None = None
) -> Formula | None:
    """The derivative by one operand; None where SymPy has no formula that balls can
    read.

    `exponent` is that of a power, where it is one constant.
    """
    if operation == "pow" and operand == 0 and exponent is None:
        # SymPy's own, y/x · x^y, is 0/0 at 0.
        base, power = (Instruction(operation="input", name=name) for name in "xy")
        steps = (
            base,
            power,
            Instruction(operation="constant", number=Fraction(-1)),
            Instruction(operation="add", arguments=(1, 2)),
            Instruction(operation="pow", arguments=(0, 3)),
            Instruction(operation="mul", arguments=(1, 4)),
        )
        return Formula(instructions=steps, outputs=(5,))
    try:
        return local(operation, operand, exponent)
    except UntranslatableError:
        return None


def constant_of(formula: Formula) -> Fraction | None:
    """The rational number that a formula is; None where it is none."""
    step = formula.instructions[formula.outputs[0]]
    return step.number if step.operation == "constant" else None


@lru_cache(maxsize=1024)
def turns(operation: str, operand: int) -> tuple[tuple[str, int], ...]:
    """The steps of the row that may turn when the operand moves: the operation of each,
    and how many operands it has."""
    formula = value(operation)
    steps = (formula.instructions[place] for place in _turning(operation, operand))
    return tuple((step.operation, len(step.arguments)) for step in steps)


@lru_cache(maxsize=1024)
def turned(operation: str, operand: int) -> Formula:
    """What computes the operands of those steps, one after another."""
    formula = value(operation)
    steps = formula.instructions
    outputs: list[int] = []
    for place in _turning(operation, operand):
        outputs.extend(steps[place].arguments)
    needed = set(outputs)
    for place in range(len(steps) - 1, -1, -1):
        if place in needed:
            needed.update(steps[place].arguments)
    moved: dict[int, int] = {}
    kept: list[Instruction] = []
    for place, step in enumerate(steps):
        if place in needed or step.operation == "input":
            moved[place] = len(kept)
            arguments = tuple(moved[index] for index in step.arguments)
            kept.append(replace(step, arguments=arguments))
    return Formula(
        instructions=tuple(kept), outputs=tuple(moved[place] for place in outputs)
    )


@lru_cache(maxsize=1024)
def _turning(operation: str, operand: int) -> tuple[int, ...]:
    formula = value(operation)
    moving: list[bool] = []
    for place, step in enumerate(formula.instructions):
        moves = step.operation == "input" and place == operand
        moving.append(moves or any(moving[index] for index in step.arguments))
    return tuple(
        place
        for place, step in enumerate(formula.instructions)
        if moving[place] and step.operation in TURNING
    )


@lru_cache(maxsize=1024)
def jumps(operation: str) -> bool:
    """Whether the row has jumps, and no definition that would show them."""
    row = operations.OPERATIONS[operation]
    return bool(row.jumps) and row.definition is None
