"""Where a gradient that differs goes wrong, and why: what the stages before have judged
gets its culprit and its cause."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from verifier.language.cells import SourceLine
from verifier.records import Verdict
from verifier.symbolic.cells.suspects import LARGEST, Suspect, suspect
from verifier.symbolic.cells.written import written
from verifier.verification.tensors.answers import Answer
from verifier.verification.tensors.rows import Remark, Row

LONGEST_LINE = 60
"""Characters of a line of the user's that is shown."""
FEWEST_DIGITS = 1e-9
"""Of the truth: entries of a formula that differ by less say nothing of its form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Of the gradient by one input."""

    culprit: str | None
    cause: str | None


def explained(
    answer: Answer,
    rows: list[Row],
    remarks: list[Remark],
    known: dict[str, Explanation],
) -> tuple[list[Row], list[Remark]]:
    """The rows and remarks with their explanations: those whose formula is proved
    wrong. `known`, by input, keeps what was found, for programs too large to look at."""
    found: dict[str, Explanation] = {}
    for remark in remarks:
        is_wrong = remark.verdict is Verdict.DIFFER_WRONG
        if remark.quantity != "formula" or not is_wrong:
            continue
        (name,) = remark.wrt
        explanation = _explanation(answer, name)
        if explanation is None:
            is_large = answer.own is not None and answer.own.size > LARGEST
            explanation = known.get(name) if is_large else None
        if explanation is not None:
            found[name] = explanation
            known.setdefault(name, explanation)
    if not found:
        return rows, remarks
    return (
        [_told_of_row(row, found) for row in rows],
        [_told_of_remark(remark, found) for remark in remarks],
    )


def _explanation(answer: Answer, name: str) -> Explanation | None:
    """What is known of a wrong formula; each trial looks for itself, since what differs
    may be another branch."""
    own = answer.own
    if own is None or answer.stated is not None:
        return None
    accused = suspect(own, name)
    forward = None if answer.program is own else answer.program
    both = written(own, name, _differing(answer, name), forward=forward)
    causes = [
        None if both is None else both.words,
        None if accused is None else _mending(accused),
    ]
    cause = "; ".join(text for text in causes if text)
    culprit = None if accused is None else _named(accused)
    if culprit is None and not cause:
        return None
    return Explanation(culprit=culprit, cause=cause or None)


def _differing(answer: Answer, name: str) -> list[int]:
    """Places of the flattened tensor at which the formula is not the derivative."""
    recorded = answer.formula(name)
    true = answer.truths("gradient", name).enclosures
    if recorded is None:
        return []
    with np.errstate(invalid="ignore"):
        gap = np.abs((recorded.high - true.high) + (recorded.low - true.low))
        apart = gap > recorded.radius + true.radius + FEWEST_DIGITS * np.abs(true.high)
    apart &= recorded.is_known & true.is_known
    return [int(place) for place in np.flatnonzero(apart)]


def _named(accused: Suspect) -> str:
    where = "" if accused.source is None else f" ({place(accused.source)})"
    return f"`{accused.node.name}`{where}"


def place(source: SourceLine) -> str:
    """A line of the user's, below the working folder as from there."""
    beside = os.path.relpath(source.file)
    return f"{source.file if beside.startswith('..') else beside}:{source.line}"


def _mending(accused: Suspect) -> str | None:
    if accused.factor is None:
        return None
    line = accused.source.text if accused.source is not None else ""
    shown = f" in `{line}`" if 0 < len(line) <= LONGEST_LINE else " there"
    if not accused.operation:
        return f"a factor of {accused.factor:.9g}{shown} would make it right"
    return (
        f"`{accused.operation}`{shown}, times {accused.factor:.9g}, would make it right"
    )


def _told_of_row(row: Row, found: dict[str, Explanation]) -> Row:
    explanation = found.get(row.wrt[0]) if row.wrt else None
    if explanation is None or row.quantity != "gradient":
        return row
    if not row.verdicts.where("differ").any():
        return row
    return replace(
        row, culprit=explanation.culprit, cause=explanation.cause or row.cause
    )


def _told_of_remark(remark: Remark, found: dict[str, Explanation]) -> Remark:
    explanation = found.get(remark.wrt[0]) if remark.wrt else None
    if explanation is None or remark.quantity != "formula":
        return remark
    said = "; ".join(part for part in (explanation.cause, remark.message) if part)
    return replace(remark, culprit=explanation.culprit, message=said or None)
