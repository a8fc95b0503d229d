"""What the library itself computed while it was recorded, held against the records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.language.cells import (
    CONSTANT,
    CONTRACTION,
    INPUT,
    LARGEST,
    STOP,
    SUM,
    CellProgram,
    Record,
)
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.midpoint_columns import UNIT
from verifier.symbolic.cells.midpoint_radius import MidpointRadius

ULPS = 16.0
"""Units that a function of the library may err by in float64, as its documentation and
our surveys have it, with room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """An operation of which the library computed something else than its record
    says."""

    record: Record
    cell: int
    computed: float
    """What the library has."""
    expected: float
    """What the records come to."""
    bound: float
    """How far rounding may take one from the other."""


class _Library(MidpointRadius):
    """The arithmetic of the library in float64: what each operation may err by."""

    def __init__(self) -> None:
        super().__init__(unit=2 * UNIT)
        self.sum_unit = UNIT

    def begin(self, record: Any) -> None:
        sure = {CONSTANT, INPUT, STOP, SUM, CONTRACTION, LARGEST, *_ROUNDED}
        self.unit = 2 * UNIT if record.kind in sure else ULPS * UNIT


_ROUNDED = ("add", "sub", "mul", "div", "neg", "sqrt", "square", "reciprocal", "abs")
"""What float64 rounds correctly, or does not round."""


def disagreements(program: CellProgram) -> list[Disagreement]:
    """The first entry of each record that disagrees, in the order in which they ran: the
    first is the culprit, others may follow from it."""
    seen = ~np.isnan(program.values)
    evaluation = Evaluation(program, _Library())
    evaluation.compute(np.flatnonzero(seen))
    found: list[Disagreement] = []
    for record in program.records:
        if record.kind in (CONSTANT, INPUT, STOP):
            continue
        here = slice(record.first, record.first + record.count)
        computed, exact = program.values[here], evaluation.store[here]
        with np.errstate(all="ignore"):
            off = np.abs(computed - exact.mid) > 2 * exact.rad
        off |= np.isinf(computed) & np.isfinite(exact.mid) & np.isfinite(exact.rad)
        off &= seen[here] & ~(np.isinf(computed) & (computed == exact.mid))
        for place in np.flatnonzero(off)[:1]:
            found.append(
                Disagreement(
                    record=record,
                    cell=record.first + int(place),
                    computed=float(computed[place]),
                    expected=float(exact.mid[place]),
                    bound=float(2 * exact.rad[place]),
                )
            )
    return found
