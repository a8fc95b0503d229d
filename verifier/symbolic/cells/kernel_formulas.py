"""What PyTorch computes for an operation and its derivative, as formulas to be run over
columns: each of their operations rounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from verifier.language.kernels.kernel import ELEMENTARY_ULP
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse_form
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic.formula import Formula, Instruction
from verifier.symbolic.cells import rules


@dataclass(frozen=True, slots=True)
class Form:
    """A formula, and what its inputs are, in their order: names of operands, `result`
    and `grad`."""

    formula: Formula
    names: tuple[str, ...]

    @property
    def is_copy(self) -> bool:
        """Whether it hands on the gradient as it is, or its negative."""
        steps = [step.operation for step in self.formula.instructions]
        return set(steps) <= {"input", "neg"} and self.names == ("grad",)


@cache
def backward(operation: str, place: int) -> Form | None:
    """The kernel's formula for what flows back to one operand; None where nothing
    does."""
    form = PYTORCH[operation].backward[place]
    if form is None:
        return None
    return _form(parse_form(form, operations.OPERATIONS[operation]))


def has_backward(operation: str) -> bool:
    """Whether the table of kernels says how an operation is differentiated."""
    kernel = PYTORCH.get(operation)
    return kernel is not None and bool(kernel.backward)


@cache
def value(operation: str) -> Form | None:
    """The kernel's formula for the value; None where it is a faithful function."""
    row, kernel = operations.OPERATIONS[operation], PYTORCH.get(operation)
    if kernel is not None and kernel.forward is not None:
        return _form(parse_form(kernel.forward, row))
    if row.definition is None or (kernel is not None and kernel.function is not None):
        return None
    return definition(operation)


def definition(operation: str) -> Form:
    """The row's own definition."""
    return Form(rules.value(operation), operations.OPERATIONS[operation].operands)


def operands(operation: str) -> tuple[str, ...]:
    """The names of a row's operands."""
    return tuple(operations.OPERATIONS[operation].operands)


def error_ulp(operation: str) -> float:
    """The local error of a faithful implementation, in ulps of the result."""
    kernel = PYTORCH.get(operation)
    return float(ELEMENTARY_ULP if kernel is None else kernel.local_ulp)


def is_exact(operation: str) -> bool:
    """Whether the result is an operand, or a part of one."""
    kernel = PYTORCH.get(operation)
    return kernel is not None and kernel.exact


def _form(program: Program) -> Form:
    names = tuple(
        dict.fromkeys(
            node.name or "" for node in program.nodes if node.operation == "variable"
        )
    )
    steps = [Instruction(operation="input", name=name) for name in names]
    moved: list[int] = []
    for node in program.nodes:
        if node.operation == "variable":
            moved.append(names.index(node.name or ""))
            continue
        arguments = tuple(moved[index] for index in node.arguments)
        steps.append(
            Instruction(
                operation=node.operation,
                arguments=arguments,
                name=node.name,
                number=node.number,
            )
        )
        moved.append(len(steps) - 1)
    return Form(
        Formula(instructions=tuple(steps), outputs=(moved[program.output],)), names
    )
