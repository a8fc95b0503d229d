"""Functions of a matrix that are no straight line of scalar operations."""

from __future__ import annotations

from typing import Any

from verifier.language.cells import Record


def value(arithmetic: Any, record: Record, operand: Any, guess: Any) -> Any:
    """The results of a block, as a flat column."""
    raise NotImplementedError(record.kind)


def pullback(
    arithmetic: Any, record: Record, operand: Any, result: Any, adjoint: Any
) -> Any:
    """The adjoint of the operand, as a flat column."""
    raise NotImplementedError(record.kind)
