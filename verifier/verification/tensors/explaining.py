"""Where a gradient that differs goes wrong, and why: what the stages before have judged
gets its culprit and its cause."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from verifier.language.cells import SourceLine
from verifier.records import Verdict
from verifier.symbolic.cells.dominant import Dominant, dominant
from verifier.symbolic.cells.suspects import LARGEST, Suspect, suspect
from verifier.symbolic.cells.written import written
from verifier.verification.tensors.answers import Answer
from verifier.verification.tensors.rows import Remark, Row

MOST_LOOKED_AT = 3
"""Entries that are to lose their digits by one operation."""
_UNSTABLE, _INACCURATE = Verdict.DIFFER_UNSTABLE, Verdict.DIFFER_INACCURATE
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
    return (
        [_rounded(answer, _told_of_row(row, found)) for row in rows],
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


# ── digits lost ───────────────────────────────────────────────────────────────────────


def lost(answer: Answer, rows: list[Row]) -> list[str]:
    """Notes on digits that the program loses though its operations keep what is
    promised of them: by whose rounding."""
    notes = []
    for row in rows:
        where = row.verdicts.lost
        if row.quantity == "hessian" or not where.any():
            continue
        errors = np.where(where, np.nan_to_num(row.verdicts.error_ulp), 0.0)
        found = _dominant(answer, row, int(errors.argmax()))
        if found is not None:
            of = "the value" if row.quantity == "value" else f"gradient {row.wrt[0]}"
            notes.append(f"digits of {of} are lost where {_spelt(found)} rounds")
    return notes


def _rounded(answer: Answer, row: Row) -> Row:
    """The row with the operation whose rounding loses its digits, if it is one at the
    worst entries."""
    if row.culprit is not None or row.quantity == "hessian":
        return row
    places = [
        at
        for at in row.verdicts.ordered(MOST_LOOKED_AT)
        if row.verdicts.verdict(at) in (_UNSTABLE, _INACCURATE)
    ]
    found = [_dominant(answer, row, at) for at in places]
    first = found[0] if found else None
    if first is None or any(one is None for one in found):
        return row
    if len({_spelt(one) for one in found if one is not None}) > 1:
        return row
    cause = f"rounds, and that grows ×{first.growth:.3g} on its way"
    return replace(row, culprit=_spelt(first), cause=cause)


def _spelt(found: Dominant) -> str:
    where = "" if found.source is None else f" ({place(found.source)})"
    return (
        f"`{found.operation}`{' of the backward' if found.in_backward else ''}{where}"
    )


def _dominant(answer: Answer, row: Row, at: int) -> Dominant | None:
    program = answer.rounded
    if row.quantity == "value":
        name = row.wrt[0] if row.wrt else next(iter(program.outputs))
        cells = program.outputs.get(answer.outputs.get(name, name))
    else:
        cells = program.gradients.get(row.wrt[0])
    if cells is None:
        return None
    return dominant(
        program,
        int(cells.reshape(-1)[at]),
        answer.bench.setting.dtype,
        error=float(row.verdicts.error.flat[at]),
        everywhere=True,
    )
