"""What the rounding errors of a program's operations add up to, if none is amplified on
the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache

from verifier.language.kernels.kernel import Kernel
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.program import Node, Program
from verifier.symbolic.rounding.program_model import Mode


def local_ulp(program: Program, mode: Mode) -> tuple[Fraction, Fraction]:
    """In ulps, for the value and for the gradient of an expanded program.

    A derivative that no operation amplifies an error of is off by no more.
    """
    return _total(program, lambda kernel: _forms(kernel, mode), _own_ulp)


def complex_local_ulp(program: Program) -> tuple[Fraction, Fraction]:
    """The same in ulps of the norm: one unit of a norm is at most an ulp of it."""
    return _total(
        program, lambda kernel: kernel.complex_backward or kernel.backward, _complex_ulp
    )


def _total(
    program: Program,
    forms: Callable[[Kernel], Sequence[str | None]],
    own_ulp: Callable[[str], Fraction],
) -> tuple[Fraction, Fraction]:
    reached = rewriting.reached(program)
    value = sum((own_ulp(node.operation) for node in program.nodes), Fraction(0))
    gradient = sum(
        (
            own_ulp(step.operation)
            for index, node in enumerate(program.nodes)
            if reached[index] and node.arguments
            for form in forms(PYTORCH[node.operation])
            if form is not None
            for step in _steps(form, operations.OPERATIONS[node.operation])
        ),
        Fraction(0),
    )
    return value, value + gradient


def _steps(form: str, row: operations.Operation) -> Sequence[Node]:
    return parsing.parse_form(form, row).nodes


def _complex_ulp(operation: str) -> Fraction:
    if operation not in operations.OPERATIONS:
        return Fraction(0)
    return PYTORCH[operation].complex_error


def _forms(kernel: Kernel, mode: Mode) -> Sequence[str | None]:
    """The formulas by which an operation is differentiated."""
    if mode is Mode.FORWARD and kernel.tangent is not None:
        return (kernel.tangent,)
    return kernel.backward


@cache
def _own_ulp(operation: str, inside: str | None = None) -> Fraction:
    """What one operation may add to the error of its result; `inside` its own formula,
    it is a faithful kernel."""
    row = operations.OPERATIONS.get(operation)
    if row is None or row.result is operations.Sort.CONDITION:
        return Fraction(0)
    kernel = PYTORCH[operation]
    if kernel.forward is not None and operation != inside:
        return _ulp_of_form(kernel.forward, row, inside=operation)
    return kernel.local_ulp


def _ulp_of_form(
    form: str, row: operations.Operation, inside: str | None = None
) -> Fraction:
    steps = _steps(form, row)
    return sum((_own_ulp(step.operation, inside) for step in steps), Fraction(0))
