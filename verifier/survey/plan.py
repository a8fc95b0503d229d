"""The survey: how accurate PyTorch's values and gradients are, for every operation of
the table.

What is to be surveyed; what is done to one operation is in `sweep`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from verifier.errors import SelectionError, UsageError, check_option
from verifier.floats import FORMATS
from verifier.language.casefile.case import ROUTES
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation, Sort
from verifier.language.programs import parsing
from verifier.survey.records import SweepTask

DRAWN_POINTS = 4_000
"""Points drawn of an operation that is sampled."""
MOST_POINTS = 1_000_000
THRESHOLD_ULP = 8.0
"""Errors above this are reported as inaccurate, with the region where they lie."""


def plan(
    *,
    names: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    routes: Sequence[str] = (),
    seed: int = 0,
    sample: int = DRAWN_POINTS,
) -> tuple[list[SweepTask], dict[str, str]]:
    """The tasks, in the order of the table, and why each operation without one is left
    out.

    Raises `UsageError` for a dtype, route or number of points that there is not, and
    `SelectionError` where a name selects nothing, or all together do.
    """
    check_option("--dtype", dtypes, FORMATS)
    check_option("--route", routes, ROUTES[1])
    if not 1 <= sample <= MOST_POINTS:
        raise UsageError(f"--points: expected 1 to {MOST_POINTS}, found {sample}.")
    tasks: list[SweepTask] = []
    skipped: dict[str, str] = {}
    for row in _selected(names):
        calls, reason = _calls(row)
        if reason is not None:
            skipped[row.name] = reason
        tasks += [
            SweepTask(
                operation=row.name,
                expression=text,
                operands=parsing.parse(text, variables=row.tensors).inputs,
                dtype=dtype,
                routes=tuple(dict.fromkeys(routes)) or ROUTES[1][:1],
                seed=seed,
                sample=sample,
                threshold_ulp=THRESHOLD_ULP,
            )
            for text in calls
            for dtype in dict.fromkeys(dtypes or FORMATS)
        ]
    if not tasks:
        reasons = "; ".join(f"`{name}`: {skipped[name]}" for name in skipped)
        raise SelectionError(f"nothing is left to survey. {reasons}.")
    return tasks, skipped


def _selected(names: Sequence[str]) -> list[Operation]:
    rows = list(operations.OPERATIONS.values())
    if not names:
        return rows
    chosen = [row for name in names for row in operations.matching(name)]
    return [row for row in rows if row in chosen]


def _calls(row: Operation) -> tuple[list[str], str | None]:
    """The calls of an operation that are surveyed, with examples of the parameters that
    they need; or why none is."""
    if row.result is Sort.CONDITION:
        return [], "its result is a condition, which has no derivative"
    if Sort.CONDITION in row.sorts:
        return [], "one of its operands is a condition"
    if PYTORCH[row.name].absent:
        return [], "PyTorch has no such function"
    needed = [name for name in row.operands if row.parameters.get(name) is None]
    choices = [row.examples.get(name, (name,)) for name in needed]
    return [f"{row.name}({', '.join(c)})" for c in itertools.product(*choices)], None
