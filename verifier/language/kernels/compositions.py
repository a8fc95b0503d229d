"""A program as a library is given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from verifier.language.kernels.kernel import Kernel
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations.table import OPERATIONS
from verifier.language.programs.constants import constant_values
from verifier.language.programs.parsing import parse_form
from verifier.language.programs.program import Node, Program
from verifier.language.programs.rewriting import inline, rewritten


def expand(program: Program, kernels: Mapping[str, Kernel] = PYTORCH) -> Program:
    """The program with compositions written out, and a number over a tensor as PyTorch
    takes it.

    `Tensor.__rtruediv__` multiplies by the reciprocal, which rounds twice and may overflow on the way.
    """
    constants = constant_values(program)
    nodes: list[Node] = []
    moved: list[int] = []
    for node in program.nodes:
        arguments = tuple(moved[index] for index in node.arguments)
        composition = composition_of(node.operation, kernels)
        if composition is not None:
            row = OPERATIONS[node.operation]
            form = parse_form(composition, row)
            moved.append(inline(nodes, form, row, arguments, node.span))
            continue
        if node.operation == "div" and _is_number_over_tensor(node, constants):
            nodes.append(replace(node, operation="reciprocal", arguments=arguments[1:]))
            arguments = (len(nodes) - 1, arguments[0])
            node = replace(node, operation="mul")
        nodes.append(replace(node, arguments=arguments))
        moved.append(len(nodes) - 1)
    return rewritten(program, nodes, moved)


def composition_of(
    operation: str, kernels: Mapping[str, Kernel] = PYTORCH
) -> str | None:
    """What a library is given in the place of an operation that it lacks as one
    function."""
    kernel = kernels.get(operation)
    if kernel is None or kernel.function is not None or kernel.absent:
        return None
    return kernel.composition or OPERATIONS[operation].definition


def _is_number_over_tensor(node: Node, constants: Mapping[int, Fraction]) -> bool:
    numerator, denominator = node.arguments
    return numerator in constants and denominator not in constants
