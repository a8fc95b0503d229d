"""A program and its reverse mode in exact arithmetic with the zeros and infinities of
IEEE 754.

Over the reals a zero has no sign, and a limit comes from the side on which the function
is defined. Arithmetic gives every zero a sign and a pole the sign of its zero (IEEE
754-2019, sections 6.3 and 7.3): of log(−x) at 0 the slope is −∞ from the left, and 1/−0
· −1 = +∞ as it is computed. Both are right answers. Here nothing is rounded: what is no
zero and no infinity is a ball, and the backward formulas are PyTorch's own
(`operations`). Where a zero's sign hangs on rounding it may be either; what no rule
decides is left unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.language.kernels.compositions import expand
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.program import Node, Program
from verifier.records import Truth, TruthStatus
from verifier.symbolic.arithmetic import balls, exact_functions
from verifier.symbolic.calculus.signed_values import (
    NAN,
    Special,
    UnknownValue,
    Value,
    add,
    apply,
    infinity_of,
    is_infinite,
    is_zero,
    of_ball,
    of_number,
    sign,
    zero_of,
)

PRECISION_BITS = 256


def zero_signs(program: Program, point: Mapping[str, float]) -> list[int]:
    """The sign of the zero that each node is; 0 where it is none, or may have
    either."""
    with balls.workprec(PRECISION_BITS):
        values = _Evaluation(program, point).values
    return [sign(value) if is_zero(value) else 0 for value in values]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedResult:
    """Value and gradient; None of what is unknown."""

    value: Value | None
    gradient: Mapping[str, Value | None]
    is_bounded: bool
    """Whether every step of the program as written is known to be no infinity, nor
    NaN."""


def evaluate(
    program: Program, point: Mapping[str, float], upstream: float
) -> SignedResult:
    """What exact arithmetic with signed zeros and infinities makes of the program as
    PyTorch is given it."""
    with balls.workprec(PRECISION_BITS):
        written = _Evaluation(program, point).values
        work = _Evaluation(expand(program), point)
        value = work.values[work.program.output]
        adjoints = work.backward(of_number(upstream))
    names = {
        node.name or "": index
        for index, node in enumerate(work.program.nodes)
        if node.operation == "variable"
    }
    return SignedResult(
        value=value,
        gradient={
            name: adjoints.get(index, zero_of(1)) for name, index in names.items()
        },
        is_bounded=all(_is_bounded(step) for step in written),
    )


def _is_bounded(value: Value | None) -> bool:
    return value is not None and (not isinstance(value, Special) or is_zero(value))


def truth(value: Value | None) -> Truth | None:
    """A value as a true one; None where it is NaN or not known."""
    if value is None or value is NAN:
        return None
    if is_infinite(value):
        return Truth(status=TruthStatus.INFINITE, sign=value.sign)
    with balls.workprec(PRECISION_BITS):
        ball = balls.zero() if isinstance(value, Special) else value
        return Truth(status=TruthStatus.FINITE, enclosure=balls.enclosure(ball))


class _Evaluation:
    def __init__(self, program: Program, point: Mapping[str, float]) -> None:
        self.program = program
        self.reached = rewriting.reached(program)
        self.rationals = exact_functions.rational_values(program, point)
        self.values: list[Value | None] = []
        for index, node in enumerate(program.nodes):
            try:
                self.values.append(self._value(index, node, point))
            except UnknownValue:
                self.values.append(None)

    def _value(self, index: int, node: Node, point: Mapping[str, float]) -> Value:
        if node.operation == "variable":
            return of_number(point[node.name or ""])
        operands = [self.values[argument] for argument in node.arguments]
        try:
            return self._apply(node, operands)
        except UnknownValue:
            if self.rationals.get(index) != 0:
                raise
            return zero_of(0)  # a zero for the reals, which rounding gives a sign

    def _apply(
        self, node: Node, operands: Sequence[Value | None], inside: str | None = None
    ) -> Value:
        if node.operation == "constant":
            if node.name == "inf":
                return infinity_of(1)
            return of_ball(balls.constant(node.name, node.number))
        if node.operation == "where":
            return required(operands[1] if required(operands[0]) else operands[2])
        known = [required(operand) for operand in operands]
        row = operations.OPERATIONS[node.operation]
        form = PYTORCH[row.name].forward or row.definition
        if form is not None and row.name != inside:
            given = dict(zip(row.operands, known, strict=True))
            return self._follow(form, row, given, inside=row.name)
        return apply(node.operation, known)

    def _follow(
        self,
        form: str,
        row: operations.Operation,
        given: Mapping[str, Value],
        inside: str | None = None,
    ) -> Value:
        program = parsing.parse_form(form, row)
        done: list[Value | None] = []
        for step in program.nodes:
            if step.operation == "variable":
                done.append(given[step.name or ""])
                continue
            try:
                operands = [done[argument] for argument in step.arguments]
                done.append(self._apply(step, operands, inside))
            except UnknownValue:
                done.append(None)
        return required(done[program.output])

    def backward(self, upstream: Value) -> dict[int, Value | None]:
        """The adjoint of every node that something flows back to."""
        adjoints: dict[int, Value | None] = {self.program.output: upstream}
        for index in range(self.program.output, -1, -1):
            node = self.program.nodes[index]
            if index not in adjoints or not self.reached[index] or not node.arguments:
                continue
            row = operations.OPERATIONS[node.operation]
            backward = PYTORCH[row.name].backward
            for form, argument in zip(backward, node.arguments, strict=False):
                if form is None or not self.reached[argument]:
                    continue
                share = self._share(form, row, index, adjoints[index])
                if argument in adjoints:
                    share = _sum(adjoints[argument], share)
                adjoints[argument] = share
        return adjoints

    def _share(
        self, form: str, row: operations.Operation, index: int, adjoint: Value | None
    ) -> Value | None:
        arguments = self.program.nodes[index].arguments
        given = dict(
            zip(row.operands, (self.values[a] for a in arguments), strict=True)
        )
        given |= {"result": self.values[index], "grad": adjoint}
        try:
            return self._follow(form, row, given)
        except UnknownValue:
            return None


def required(value: Value | None) -> Value:
    """A value that is known."""
    if value is None:
        raise UnknownValue
    return value


def _sum(first: Value | None, second: Value | None) -> Value | None:
    try:
        return add(required(first), required(second))
    except UnknownValue:
        return None
