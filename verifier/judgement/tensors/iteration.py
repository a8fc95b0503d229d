"""Whether a forward is an iteration: bisection, a root finder, a fixed point.

Its derivative as it ran is not that of the limit, which such a backward gives: neither
proves the other wrong. Told by comparisons that decide the way at one line again and
again, or by a line that feeds itself, and settles, while the backward has no such loop.
A heuristic, asked only where the formula differs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verifier.language.cells import CONSTANT, INPUT, CellProgram, Record, SourceLine

FEWEST_DECISIONS = 5
"""Comparisons at one line of the forward."""
FEWEST_TURNS = 8
"""Times that a line of the forward feeds itself."""
CLOSE = 1e-2
"""How far apart, relatively, a converged iteration and its limit may have their
derivatives: what a comparison decides is frozen as it ran, and may differ at will."""
ASK = "its derivative is not that of its limit: give `reference=`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """How a forward is an iteration."""

    words: str
    excused: float
    """The largest δ of a formula that this may be the reason of."""


def found(program: CellProgram) -> Iteration | None:
    """How the forward is an iteration; None where it is none."""
    line, count = _deciding(program)
    if line is not None:
        how = f"{count} comparisons at {line} decide its way"
        return Iteration(words=_words(how), excused=math.inf)
    line, count = _feeding_itself(program)
    if line is not None:
        return Iteration(words=_words(f"{line} runs {count} times"), excused=CLOSE)
    return None


def _words(how: str) -> str:
    return f"the forward is an iteration ({how}); {ASK}"


def _deciding(program: CellProgram) -> tuple[SourceLine | None, int]:
    """The line of the most comparisons of numbers that vary."""
    counts: dict[SourceLine, int] = defaultdict(int)
    for decision in program.decisions:
        is_order = decision.kind == "choice"
        if decision.source is not None and not decision.in_backward and not is_order:
            counts[decision.source] += 1
    if not counts:
        return None, 0
    line = max(counts, key=lambda source: counts[source])
    return (line, counts[line]) if counts[line] >= FEWEST_DECISIONS else (None, 0)


def _feeding_itself(program: CellProgram) -> tuple[SourceLine | None, int]:
    """A line of the forward whose results lead to its own next ones, where the backward
    has none."""
    forward = _repeated(program, in_backward=False)
    if not forward or _repeated(program, in_backward=True):
        return None, 0
    line, records = max(forward.items(), key=lambda item: len(item[1]))
    return line, len(records)


def _repeated(
    program: CellProgram, *, in_backward: bool
) -> dict[SourceLine, list[Record]]:
    """By line, the records of one kind that run again and again, each from the one
    before."""
    groups: dict[tuple[SourceLine, str, str, int], list[Record]] = defaultdict(list)
    for record in program.records:
        if record.kind in (CONSTANT, INPUT) or record.source is None:
            continue
        if record.in_backward == in_backward:
            key = record.source, record.operation, record.kind, record.count
            groups[key].append(record)
    found: dict[SourceLine, list[Record]] = {}
    for (line, *_), records in groups.items():
        turns = len(records)
        if turns >= FEWEST_TURNS and turns > len(found.get(line, ())):
            if _settles(program, records) and _is_chain(program, records):
                found[line] = records
    return found


def _settles(program: CellProgram, records: Sequence[Record]) -> bool:
    """Whether the last turns hardly change what they compute, as those of an iteration
    that has converged do; those of a polynomial by Horner's scheme do."""
    last, before = (
        program.values[record.first : record.first + record.count]
        for record in (records[-1], records[-2])
    )
    size = np.abs(last).max(initial=0.0)
    return bool(np.abs(last - before).max(initial=0.0) <= CLOSE * size)


def _is_chain(program: CellProgram, records: Sequence[Record]) -> bool:
    """Whether the first leads to the second, and so on to the last."""
    reached = np.zeros(program.size, dtype=bool)
    first, *others = records
    reached[first.first : first.first + first.count] = True
    rest = iter(others)
    awaited = next(rest, None)
    for record in program.records:
        if record.first <= first.first or not record.operands:
            continue
        if any(reached[cells].any() for cells in record.operands):
            reached[record.first : record.first + record.count] = True
        if record is awaited:
            if not reached[record.first]:
                return False
            reached[:] = False
            reached[record.first : record.first + record.count] = True
            awaited = next(rest, None)
    return awaited is None
