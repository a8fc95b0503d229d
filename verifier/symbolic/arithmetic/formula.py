"""A straight line of named operations with several outputs: what SymPy hands to the
balls."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One operation on earlier results; `operation` is a row's name, `constant` or
    `input`."""

    operation: str
    arguments: tuple[int, ...] = ()
    name: str | None = None
    number: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """Instructions in the order of evaluation, and which of them are outputs."""

    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]
