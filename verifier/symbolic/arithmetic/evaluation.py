"""Enclosures of formulas, and of operations that are known by their definition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.arithmetic.precision import attempts

Table = Mapping[str, Callable[..., Any]]
Literal = Callable[[str | None, Fraction | None], Any]


class Step(Protocol):
    """One operation on earlier steps, or a leaf: a node of a program, or an instruction
    of a formula."""

    @property
    def operation(self) -> str: ...
    @property
    def arguments(self) -> tuple[int, ...]: ...
    @property
    def name(self) -> str | None: ...
    @property
    def number(self) -> Fraction | None: ...


def evaluate(
    formula: Formula,
    inputs: Mapping[str, Any] | Sequence[Any],
    table: Table = balls.OPERATIONS,
    literal: Literal = balls.constant,
) -> list[Any]:
    """Enclosures of a formula's outputs; inputs go by name, or by the order of the
    formula's input instructions.

    `table` is the arithmetic: each operation on its enclosures, and `literal` the
    enclosure of a constant.
    """
    values = _values(formula.instructions, inputs, table, literal)
    return [values[index] for index in formula.outputs]


def apply(operation: str, operands: Sequence[Any]) -> Any:
    """An enclosure of any row's operation over its operands, by its definition where it
    has one.

    A definition may lose digits that the operation keeps: precision is added until it
    does not.
    """
    row = operations.OPERATIONS.get(operation)
    if row is None or row.definition is None:
        return balls.OPERATIONS[operation](*operands)
    bits = balls.precision_bits()
    program = rewriting.definition(row)
    inputs = dict(zip(row.operands, operands, strict=True))
    tries = attempts(lambda: run(program, inputs), bits, 8 * bits)
    for _, result in tries:
        if balls.is_known_to(result, bits) or not all(o.is_exact() for o in operands):
            break
    return +result


def run(program: Program, inputs: Mapping[str, Any]) -> Any:
    """The result of a program whose operations have no definitions, by its inputs."""
    values = _values(program.nodes, inputs, balls.OPERATIONS, balls.constant)
    return values[program.output]


def _values(
    steps: Iterable[Step],
    inputs: Mapping[str, Any] | Sequence[Any],
    table: Table,
    literal: Literal,
) -> list[Any]:
    """The value of every step."""
    values: list[Any] = []
    named = inputs if isinstance(inputs, Mapping) else None
    unnamed = iter(inputs if named is None else ())
    for step in steps:
        if step.operation in ("input", "variable"):
            values.append(next(unnamed) if named is None else named[step.name or ""])
        elif step.operation == "constant":
            values.append(literal(step.name, step.number))
        else:
            operands = [values[index] for index in step.arguments]
            values.append(table[step.operation](*operands))
    return values
