"""One operation of a program by itself: its operands become inputs, its literal
operands stay literals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from verifier.language.programs.program import Node, Program


def operand_name(operand: int) -> str:
    """The name of an operand as an input of the program that `isolate` returns."""
    return f"operand{operand}"


def isolate(program: Program, index: int, literals: Mapping[int, Fraction]) -> Program:
    """The program that is only node `index`; an operand that occurs twice becomes two
    inputs.

    `literals` are the numbers of those nodes that reach the operation as numbers.
    """
    node = program.nodes[index]
    leaves = tuple(
        _leaf(program.nodes[argument], operand, literals.get(argument))
        for operand, argument in enumerate(node.arguments)
    )
    return Program(
        source=program.source,
        nodes=(*leaves, replace(node, arguments=tuple(range(len(leaves))))),
        inputs=tuple(leaf.name for leaf in leaves if leaf.name is not None),
        output=len(leaves),
    )


def _leaf(node: Node, operand: int, literal: Fraction | None) -> Node:
    if literal is not None:
        return Node(operation="constant", number=literal, span=node.span)
    return Node(operation="variable", name=operand_name(operand), span=node.span)
