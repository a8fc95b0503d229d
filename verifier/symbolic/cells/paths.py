"""Where the path of a program hangs on rounding: comparisons that rounding may turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verifier.language.cells import BLOCKS, CONTRACTION, CellProgram, SourceLine
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.rounding_bounds import RoundingBounds
from verifier.symbolic.cells.units import Precision, by_cell

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hanging:
    """The comparisons that rounding may turn, and what they are of."""

    count: int
    """Pairs of numbers that are compared so."""
    kind: str
    """The relation of most of them."""
    source: SourceLine | None
    """Where those are asked for."""
    inputs: dict[str, Mask]
    """By input, the entries that the numbers compared are made of."""

    @property
    def words(self) -> str:
        """What is said of it."""
        where = f" at {self.source}" if self.source is not None else ""
        return (
            f"the path hangs on rounding: `{self.kind}`{where} compares {self.count} "
            "pairs of numbers that rounding may turn"
        )


def hanging(program: CellProgram, dtype: str) -> Hanging | None:
    """What of a program's path hangs on rounding in a dtype; None where nothing
    does."""
    if not program.decisions:
        return None
    precision = Precision(dtype=dtype, everywhere=True)
    arithmetic = RoundingBounds(precision, by_cell(program, precision))
    evaluation = Evaluation(program, arithmetic)
    cells: list[npt.NDArray[np.int64]] = []
    found: list[tuple[int, str, SourceLine | None]] = []
    for decision in program.decisions:
        left, right = decision.left.reshape(-1), decision.right.reshape(-1)
        evaluation.compute(left, right)
        one, other = evaluation.read(left), evaluation.read(right)
        with np.errstate(invalid="ignore"):
            reach = one.rad + other.rad
            near = (np.abs(one.mid - other.mid) <= reach) & (reach > 0)
        if near.any():
            found.append((int(near.sum()), decision.kind, decision.source))
            cells += [left[near], right[near]]
    if not found:
        return None
    _, kind, source = max(found, key=lambda one: one[0])
    reached = _sources_of(program, np.concatenate(cells))
    return Hanging(
        count=sum(one[0] for one in found),
        kind=kind,
        source=source,
        inputs={name: reached[cells] for name, cells in program.inputs.items()},
    )


def _sources_of(program: CellProgram, cells: npt.NDArray[np.int64]) -> Mask:
    """All cells from which these are computed."""
    needed = np.zeros(program.size, dtype=bool)
    needed[cells] = True
    for record in reversed(program.records):
        here = needed[record.first : record.first + record.count]
        if not record.operands or not here.any():
            continue
        whole = record.kind == CONTRACTION or record.kind in BLOCKS
        for operand in record.operands:
            needed[operand if whole else operand[here]] = True
    return needed
