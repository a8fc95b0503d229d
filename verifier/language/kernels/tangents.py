"""PyTorch's forward mode as formulas: the tangent of an operation's result, of the
tangents of its operands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache

from verifier.language.kernels.kernel import Kernel
from verifier.language.operations.operation import Operation, tangent_name
from verifier.language.operations.table import OPERATIONS
from verifier.language.programs.parsing import parse_form
from verifier.language.programs.program import Node, Program

_GRAD = re.compile(r"\bgrad\b")
_ZERO = Fraction(0)


@cache
def tangent_form(
    kernel: Kernel,
    moving: frozenset[str],
    backward: tuple[str | None, ...] | None = None,
) -> Program | None:
    """The tangent of an operation's result in its operands, `result` and the tangents
    of operands that are `moving`.

    It is the kernel's `tangent`; else the sum of `backward` (by default the kernel's
    own) with the tangents in the place of `grad`, as `auto_element_wise` of
    derivatives.yaml has it. An operand that does not move has no tangent: terms with it
    are left out, as PyTorch's zero tensors are. None where nothing is left.
    """
    row = OPERATIONS[kernel.operation]
    text = kernel.tangent or _by_backward(row, backward or kernel.backward)
    if text is None:
        return None
    names = {tangent_name(name) for name in row.operands if name not in moving}
    return _without(parse_form(text, row), names)


def _by_backward(row: Operation, backward: Sequence[str | None]) -> str | None:
    terms = [
        _GRAD.sub(tangent_name(operand), form)
        for operand, form in zip(row.operands, backward, strict=True)
        if form is not None
    ]
    return " + ".join(f"({term})" for term in terms) or None


def _without(form: Program, absent: set[str]) -> Program | None:
    """The form where some of its variables are zero; None where that makes it zero."""
    nodes: list[Node] = []
    zeros: set[int] = set()
    moved: list[int] = []
    for node in form.nodes:
        arguments = tuple(moved[index] for index in node.arguments)
        kept = _kept(node.operation, arguments, zeros)
        if kept is not None:
            moved.append(kept)
            continue
        if node.name in absent:
            node = Node(operation="constant", number=_ZERO, span=node.span)
        if node.operation == "sub" and arguments[0] in zeros:
            node, arguments = replace(node, operation="neg"), arguments[1:]
        if node.number == _ZERO:
            zeros.add(len(nodes))
        moved.append(len(nodes))
        nodes.append(replace(node, arguments=arguments))
    output = moved[form.output]
    return None if output in zeros else _pruned(form, nodes, output)


def _kept(operation: str, arguments: tuple[int, ...], zeros: set[int]) -> int | None:
    """Which of its operands an operation returns, since others are zero; None where it
    computes something."""
    match operation, arguments:
        case ("mul", (one, other)) if one in zeros or other in zeros:
            return one if one in zeros else other
        case (("div" | "neg"), (one, *_)) if one in zeros:
            return one
        case ("add", (one, other)) if one in zeros:
            return other
        case (("add" | "sub"), (one, other)) if other in zeros:
            return one
        case ("where", (_, one, other)) if one in zeros and other in zeros:
            return one
    return None


def _pruned(form: Program, nodes: Sequence[Node], output: int) -> Program:
    """The form without the nodes that its output does not need."""
    needed = {output}
    for index in range(output, -1, -1):
        if index in needed:
            needed.update(nodes[index].arguments)
    place = {old: new for new, old in enumerate(sorted(needed))}
    return replace(
        form,
        nodes=tuple(
            replace(nodes[old], arguments=tuple(place[i] for i in nodes[old].arguments))
            for old in place
        ),
        output=place[output],
    )
