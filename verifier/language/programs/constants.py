"""Rational constants of programs: read and folded exactly, within bounds of size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs.program import Program

LARGEST_CONSTANT_BITS = 16_384
"""Bits of a constant's numerator or denominator.

Far beyond any format's range, yet cheap to hold exactly.
"""
LARGEST_CONSTANTS_BITS = 2**25
"""Bits of all constants of one program together: four megabytes."""


def constant_values(program: Program) -> dict[int, Fraction]:
    """The exact value of every node that is a rational constant, by index."""
    values: dict[int, Fraction] = {}
    for index, node in enumerate(program.nodes):
        value = node.number
        if value is None and node.arguments:
            operands = [values.get(argument) for argument in node.arguments]
            value = fold(node.operation, operands)
        if value is not None:
            values[index] = value
    return values


def fold(operation: str, operands: Sequence[Fraction | None]) -> Fraction | None:
    """The exact result of rational arithmetic on constants.

    None where it is not rational or not defined.
    """
    if any(operand is None for operand in operands):
        return None
    values = [operand for operand in operands if operand is not None]
    match operation:
        case "add":
            return values[0] + values[1]
        case "sub":
            return values[0] - values[1]
        case "mul":
            return values[0] * values[1]
        case "neg":
            return -values[0]
        case "div" if values[1] != 0:
            return values[0] / values[1]
        case "pow" if values[1].denominator == 1 and (values[0] or values[1] >= 0):
            if abs(values[1]) * bits(values[0]) > LARGEST_CONSTANT_BITS:
                return None
            return values[0] ** values[1].numerator
    return None


def largest_bits(operation: str, operands: Sequence[Fraction]) -> int:
    """How many bits the result of an operation on constants may have; 0 where few.

    Asked before anything is multiplied out.
    """
    row = operations.row(operation)
    if row.symbol is None or row.is_condition:
        return 0
    left, right = operands
    if operation == "pow":
        return 0 if abs(left) in (0, 1) else int(bits(left) * abs(right)) + 1
    return bits(left) + bits(right)


def bits(value: Fraction) -> int:
    """The bits of the longer of numerator and denominator."""
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def decimal(text: str) -> Fraction | None:
    """The rational that a decimal spells; None where its exponent makes it huge."""
    match = re.fullmatch(r"[\d_.]+(?:[eE]([+-]?\d+))?", text)
    exponent = match.group(1) or "0" if match is not None else ""
    # Six characters hold any exponent that is not absurd; int() refuses thousands of
    # digits in its own words.
    if not exponent or len(exponent) > 6 or abs(int(exponent)) > LARGEST_CONSTANT_BITS:
        return None
    try:
        return Fraction(text)
    except ValueError:  # where Python is set to convert fewer digits
        return None
