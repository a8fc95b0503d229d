"""Reverse mode as PyTorch computes it: every row by its kernel's own formula, in the
values that the kernel saved."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Numbers
from verifier.language.cells import Cells, Record
from verifier.symbolic.cells import kernel_formulas
from verifier.symbolic.cells.adjoints import Bits, Reverse
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.indices import places


class KernelReverse(Reverse):
    """A reverse pass over an arithmetic that rounds.

    `terms`: by cell, the sum of the magnitudes of what adds up to its gradient; `parts`:
    the same, of each operation that sends it something the magnitude of all of that.
    """

    def __init__(self, evaluation: Evaluation, inputs: Cells) -> None:
        super().__init__(evaluation, inputs)
        self.terms: Numbers = np.zeros(self.program.size)
        self.parts: Numbers = np.zeros(self.program.size)
        self.copying = False

    def _send(self, cells: Cells, column: Any, marks: Bits | None) -> None:
        where = places(cells)
        self.arithmetic.accumulate(self.adjoints, where, column, copied=self.copying)
        size = self.arithmetic.terms(column)
        parts = self.arithmetic.sizes(where, column)
        if where.unique:
            self.parts[where.index] += parts
        else:
            self.parts[: len(parts)] += parts
        if where.unique:
            self.terms[where.index] += size
        else:
            low = int(cells.min())
            sums = np.bincount(cells - low, weights=size)
            self.terms[low : low + len(sums)] += sums
        self.reached[where.index] = True

    def seed(self, cells: Cells, column: Any) -> None:
        self.copying = True
        super().seed(cells, column)
        self.copying = False

    def _sum(self, record: Record, active: npt.NDArray[np.bool_]) -> None:
        self.copying = True
        super()._sum(record, active)
        self.copying = False

    def _largest(self, record: Record, active: npt.NDArray[np.bool_]) -> None:
        """All that may be the largest get a share between none and all."""
        adjoint, _ = self._read(record, active)
        cells = record.operands[0] if active.all() else record.operands[0][active]
        shares, sent = self.arithmetic.shares_of_largest(
            self.evaluation.read(cells), adjoint
        )
        flat = cells.reshape(-1)
        chosen = sent.reshape(-1) & self.moves[flat]
        self._send(flat[chosen], shares.reshape(-1)[chosen], None)

    def _operand(
        self,
        record: Record,
        place: int,
        exponent: Fraction | None,
        chosen: npt.NDArray[np.bool_],
    ) -> None:
        # Nothing comes through where nothing is sent, not even of a pole: the branch of
        # a `where` that is not taken.
        silent = self.arithmetic.is_zero(self._read(record, chosen)[0])
        if silent.any():
            chosen = chosen.copy()
            chosen[chosen] = ~silent
        if not chosen.any():
            return
        if not kernel_formulas.has_backward(record.kind):
            super()._operand(record, place, exponent, chosen)
            return
        form = kernel_formulas.backward(record.kind, place)
        if form is None:
            return
        adjoint, _ = self._read(record, chosen)
        every = bool(chosen.all())
        cells = record.operands[place] if every else record.operands[place][chosen]
        here = np.arange(record.first, record.first + record.count)
        given = {"grad": adjoint}
        for name, other in zip(
            ("result", *kernel_formulas.operands(record.kind)),
            (here, *record.operands),
            strict=True,
        ):
            if name in form.names:
                given[name] = self.evaluation.read(other if every else other[chosen])
        share = self.arithmetic.run(form.formula, [given[name] for name in form.names])
        self.copying = form.is_copy
        self._send(cells, share, None)
        self.copying = False
