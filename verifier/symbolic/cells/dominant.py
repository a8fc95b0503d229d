"""Whose rounding an error is made of: the operation, of the forward or of the recorded
backward, that has most of what rounding may do to one number."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from verifier.language.cells import CONSTANT, INPUT, STOP, CellProgram, SourceLine
from verifier.symbolic.cells.adjoints import Reverse
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.midpoint_radius import MidpointRadius
from verifier.symbolic.cells.units import Precision, by_cell

LARGEST = 50_000
"""Cells of a program that is looked at."""
SHARE = 0.5
"""Of all that rounding may do, what the one operation must have."""
GROWN = 4.0
"""By what its rounding must grow on the way: no less is anybody's fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dominant:
    """An operation that the user asked for at a line."""

    operation: str
    source: SourceLine | None
    in_backward: bool
    growth: float
    """By how much its relative rounding is larger in the number looked at."""


def dominant(
    program: CellProgram, cell: int, dtype: str, *, error: float, everywhere: bool
) -> Dominant | None:
    """The operation whose rounding dominates that of a cell; None where none does, or
    where rounding, to first order, does not come to the error seen."""
    if program.size > LARGEST:
        return None
    whole = _whole(program)
    evaluation = Evaluation(whole, MidpointRadius())
    target = np.array([cell], dtype=np.int64)
    evaluation.compute(target)
    given = [record.cells for record in whole.records if record.kind == INPUT]
    if not given:
        return None
    reverse = Reverse(evaluation, np.concatenate(given))
    reverse.seed(target, evaluation.arithmetic.numbers(np.ones(1)))
    reverse.run()
    with np.errstate(all="ignore"):
        moved = np.abs(reverse.adjoints.mid * evaluation.store.mid)
    if not np.isfinite(moved[reverse.reached]).all():
        return None
    moved[~reverse.reached] = 0.0
    unit = by_cell(program, Precision(dtype=dtype, everywhere=everywhere)).unit
    size = abs(float(evaluation.store.mid[cell]))
    parts: dict[tuple[str, SourceLine | None, bool], float] = defaultdict(float)
    grown: dict[tuple[str, SourceLine | None, bool], float] = defaultdict(float)
    for record in program.records:
        if record.kind in (CONSTANT, INPUT, STOP):
            continue
        here = slice(record.first, record.first + record.count)
        key = record.operation, record.source, record.in_backward
        parts[key] += float(moved[here] @ unit[here])
        grown[key] = max(grown[key], float(moved[here].max(initial=0.0)))
    total = sum(parts.values())
    if total < error or not total or not size:
        return None
    key = max(parts, key=lambda one: parts[one])
    growth = grown[key] / size
    if parts[key] < SHARE * total or growth < GROWN:
        return None
    operation, source, in_backward = key
    return Dominant(
        operation=operation, source=source, in_backward=in_backward, growth=growth
    )


def _whole(program: CellProgram) -> CellProgram:
    """Forward and backward as one program, in which all that is computed moves."""
    records = tuple(
        replace(
            record,
            in_backward=False,
            kind="identity" if record.kind == STOP else record.kind,
        )
        for record in program.records
    )
    return replace(program, records=records)
