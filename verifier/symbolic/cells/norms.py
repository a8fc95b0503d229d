"""Roots of sums of squares at zero: a kink like that of the magnitude, where a chain
rule alone has 0 times infinity."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.language.cells import SUM, CellProgram, Cells, Record


class Norms:
    """Finds what a root is a norm of."""

    def __init__(self, program: CellProgram, evaluation: Any) -> None:
        self.records = program.records
        self.firsts = np.array([record.first for record in program.records])
        self.evaluation = evaluation

    def of(self, cell: int) -> tuple[Cells, Any] | None:
        """The cells d and the number c, where a cell that is exactly zero is c · Σ d²,
        each d exactly zero too; None where it is something else."""
        scale = self._scale(1.0)
        for _ in range(4):
            record, index = self._maker(cell)
            if record.kind == SUM:
                squared = [
                    self._squared(int(term)) for term in record.operands[0][index]
                ]
                if any(part is None for part in squared):
                    return None
                return np.array(squared, dtype=np.int64), scale
            root = self._squared(cell)
            if root is not None:
                return np.array([root]), scale
            if record.kind not in ("div", "mul", "identity"):
                return None
            cell = int(record.operands[0][index])
            if record.kind != "identity":
                other = int(record.operands[1][index])
                if record.kind == "mul" and not self._is_zero(cell):
                    cell, other = other, cell
                if not self._is_zero(cell) or self._is_zero(other):
                    return None
                factor = self.evaluation.store[other : other + 1]
                apply = self.evaluation.arithmetic.table[record.kind]
                scale = apply(scale, factor)
        return None

    def _squared(self, cell: int) -> int | None:
        """The cell that a cell is the square of, both being exactly zero."""
        record, index = self._maker(cell)
        if record.kind not in ("square", "mul", "pow"):
            return None
        operands = [int(operand[index]) for operand in record.operands]
        if record.kind == "mul" and operands[0] != operands[1]:
            return None
        if record.kind == "pow":
            power = self.evaluation.store[operands[1] : operands[1] + 1]
            if self.evaluation.arithmetic.rational(power) != 2:
                return None
        return operands[0] if self._is_zero(operands[0]) else None

    def _maker(self, cell: int) -> tuple[Record, int]:
        place = int(np.searchsorted(self.firsts, cell, side="right")) - 1
        record = self.records[place]
        return record, cell - record.first

    def _is_zero(self, cell: int) -> bool:
        part = self.evaluation.store[cell : cell + 1]
        return bool(self.evaluation.arithmetic.is_zero(part)[0])

    def _scale(self, number: float) -> Any:
        return self.evaluation.arithmetic.numbers(np.array([number]))
