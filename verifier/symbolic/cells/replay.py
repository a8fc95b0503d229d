"""What the library itself computed while it was recorded, held against the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from verifier.language.cells import (
    BLOCKS,
    CONSTANT,
    CONTRACTION,
    INPUT,
    LARGEST,
    STOP,
    SUM,
    CellProgram,
    Record,
)
from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells import kernel_formulas, rules
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.midpoint_columns import UNIT, Column
from verifier.symbolic.cells.midpoint_radius import MidpointRadius

UNITS = {"rounded": 2.0, "elementary": 16.0, "special": 2.0**26}
"""Units of float64 that a function of the library may err by, with room: what is rounded
correctly, what a library of mathematics has, and all else (PyTorch's `polygamma` errs by
10⁷)."""

ROUNDED = frozenset(
    {
        *(CONSTANT, INPUT, STOP, SUM, CONTRACTION, LARGEST, "identity", "add", "sub"),
        *("mul", "div", "neg", "sqrt", "square", "reciprocal", "abs", "relu", "max"),
        *("min", "clamp"),
    }
)
ELEMENTARY = frozenset(
    {
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan"),
        *("asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh"),
        *("atanh", "pow", "hypot", "rsqrt", "cbrt", "sigmoid", "erf", "erfc"),
    }
)
_PLAIN = frozenset(
    {
        *("input", "constant", "where", "lt", "le", "gt", "ge", "eq", "ne", "sign"),
        *("floor", "ceil", "logical_and", "logical_or", "logical_not", "nan_to_num"),
    }
)


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
    """The arithmetic of the library in float64: what each operation may err by.

    A row that the library computes by a formula errs in each of its steps.
    """

    def __init__(self) -> None:
        super().__init__(unit=2 * UNIT)
        self.sum_unit = UNIT

    def begin(self, record: Any) -> None:
        if record.kind in ROUNDED:
            self.unit = UNITS["rounded"] * UNIT
        elif record.kind in ELEMENTARY:
            self.unit = UNITS["elementary"] * UNIT
        elif record.kind not in BLOCKS:
            least = UNITS["special" if _is_special(record.kind) else "elementary"]
            self.unit = UNIT * max(least, 16 * kernel_formulas.error_ulp(record.kind))

    def value(
        self, operation: str, formula: Formula, operands: Sequence[Column]
    ) -> Column:
        if _is_special(operation):
            # Beside a pole or a zero they err as if the operands did.
            operands = [
                Column(one.mid, one.rad + 4 * UNIT * np.abs(one.mid))
                for one in operands
            ]
        column = super().value(operation, formula, operands)
        form = kernel_formulas.value(operation)
        if form is None and not _has_definition(operation):
            return column
        form = form or kernel_formulas.definition(operation)
        named = dict(zip(kernel_formulas.operands(operation), operands, strict=True))
        given = [named[name] for name in form.names]
        (steps,) = evaluate(form.formula, given, self.table, self.literal)
        with np.errstate(all="ignore"):
            rad = np.maximum(column.rad, steps.rad + np.abs(steps.mid - column.mid))
        return Column(column.mid, np.where(np.isnan(rad), np.inf, rad))


@cache
def _is_special(operation: str) -> bool:
    """Whether anything in its definition is beyond a library of mathematics."""
    steps = {step.operation for step in rules.value(operation).instructions}
    return not steps <= ROUNDED | ELEMENTARY | _PLAIN


def _has_definition(operation: str) -> bool:
    return operations.row(operation).definition is not None


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
            bound = 2 * exact.rad
            if record.kind in BLOCKS:
                # They err by their largest entry.
                size = np.nanmax(np.abs(exact.mid), initial=0.0)
                bound = np.maximum(bound, UNITS["special"] * UNIT * size)
            off = np.abs(computed - exact.mid) > bound
        off |= np.isinf(computed) & np.isfinite(exact.mid) & np.isfinite(exact.rad)
        off &= seen[here] & ~(np.isinf(computed) & (computed == exact.mid))
        for place in np.flatnonzero(off)[:1]:
            found.append(
                Disagreement(
                    record=record,
                    cell=record.first + int(place),
                    computed=float(computed[place]),
                    expected=float(exact.mid[place]),
                    bound=float(bound[place]),
                )
            )
    return found
