"""The verdict on a backward as a formula: what was recorded of it, evaluated exactly,
against the true derivative.

Both sides are proved enclosures. Disjoint ones prove that the backward is not the
derivative of the forward, whatever the dtype hides; that they meet proves nothing
beyond their width, which is why the width is held to the same bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Enclosures, Numbers
from verifier.floats import Format
from verifier.judgement.tensors.entries import Truths
from verifier.judgement.tensors.iteration import Iteration
from verifier.records import Verdict

NOTE = 1 / 16
"""Of the unit roundoff: a formula that is no further off is a note beside a match, as
where a constant has fewer digits than another."""
CONSTANT = 1e-10
"""What ten digits of a constant leave; in float64, where rounding itself is less, such a
formula is told by its entries, not proved to be a mistake."""
ALIKE = 2.0**-10
"""By how much, relative to δ, the entries' δ may differ where all are of one factor."""
ALIKE_FROM = 3
"""Entries that have one factor in common."""
LEAST = 2.0**-20
"""Of the largest entry: where an enclosure that holds 0 is narrower than the bound times
this, it is narrow enough."""

PROOF = "a proof: the recorded backward, evaluated exactly, is not the derivative of the forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaJudgement:
    """What the recorded backward is to the true derivative, by one input."""

    verdict: Verdict
    delta: float = 0.0
    """The largest |recorded − true| relative to the truth, or to the terms of a sum
    that cancel to it; 0 where the two are equal as far as is known."""
    place: int | None = None
    """Where that is, in the flattened tensor."""
    factor: float | None = None
    """Recorded ÷ true, where that is one number at all entries."""
    differing: int = 0
    """Entries that are proved apart."""
    entries: int = 0
    message: str | None = None

    @property
    def is_note(self) -> bool:
        """Whether the two differ by less than is held against it."""
        return self.verdict.family == "match" and self.differing > 0


def judge_formula(
    recorded: Enclosures,
    truths: Truths,
    format_: Format,
    *,
    terms: Numbers | None = None,
    iteration: Iteration | None = None,
) -> FormulaJudgement:
    """The verdict on the recorded gradient by one input.

    `terms`: the magnitudes of what adds up to each entry (`Spreads.terms`): where they
    cancel, a difference is relative to them. `iteration`: how the forward is one
    (`iteration.found`): the derivative as it ran is not that of its limit.
    """
    true = truths.enclosures
    comparison = _Comparison(recorded, truths, terms)
    bound = max(NOTE * format_.epsilon / 2, CONSTANT if format_.bits == 64 else 0.0)
    judged = int(comparison.known.sum())
    if not judged:
        message = "nothing is known of the true derivative, or of the recorded one"
        verdict = (
            Verdict.MATCH_EXACT if not true.high.size else Verdict.UNDECIDED_ORACLE
        )
        return FormulaJudgement(verdict=verdict, message=message)
    delta, place = comparison.largest()
    found = FormulaJudgement(
        verdict=Verdict.MATCH_EXACT,
        delta=delta,
        place=place,
        factor=comparison.factor(),
        differing=comparison.differing,
        entries=judged,
    )
    return _concluded(found, comparison, format_, bound, iteration)


def _concluded(
    found: FormulaJudgement,
    comparison: _Comparison,
    format_: Format,
    bound: float,
    iteration: Iteration | None,
) -> FormulaJudgement:
    if found.delta > bound:
        words = f"δ = {found.delta:.2g} at {found.differing} of {found.entries} entries"
        if found.factor is not None:
            words = f"{words}, all alike: recorded / true = {found.factor:.9g}"
        if found.delta < format_.epsilon / 2:
            words += f", below what {format_.name} shows in one entry"
        if iteration is not None and found.delta <= iteration.excused:
            return replace(
                found,
                verdict=Verdict.UNDECIDED_ORACLE,
                message=f"{iteration.words}; {words}",
            )
        return replace(found, verdict=Verdict.DIFFER_WRONG, message=f"{words}; {PROOF}")
    if comparison.width() > bound:
        return replace(
            found,
            verdict=Verdict.UNDECIDED_PRECISION,
            message="the enclosures are wider than what is looked for",
        )
    if found.differing:
        return replace(
            found,
            message=f"the formula differs by δ = {found.delta:.2g}, as a constant of few digits does",
        )
    return replace(found, message="the recorded backward is the derivative: proved")


class _Comparison:
    """Recorded and true entries side by side."""

    def __init__(
        self, recorded: Enclosures, truths: Truths, terms: Numbers | None
    ) -> None:
        true = truths.enclosures
        self.kinks = truths.mask("kinks")
        self.known: npt.NDArray[np.bool_] = recorded.is_known & true.is_known
        self.known &= ~truths.mask("undefined")
        self.recorded, self.true = recorded, true
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            difference = (recorded.high - true.high) + (recorded.low - true.low)
            self.radius = recorded.radius + true.radius
            apart = np.abs(difference) - self.radius
            size = np.abs(true.high)
            if terms is not None:
                size = np.fmax(size, terms)
            # What the float64 arithmetic of these lines may itself have lost.
            slack = 2.0**-100 * (np.abs(recorded.high) + np.abs(true.high))
            proved = self.known & (apart > slack)
            relative = np.where(proved, apart / size, 0.0)
            self.relative = np.where(np.isnan(relative), np.inf, relative)
        self.proved, self.difference, self.size = proved, difference, size

    @property
    def differing(self) -> int:
        return int(self.proved.sum())

    def largest(self) -> tuple[float, int | None]:
        """The largest relative distance, and where it is."""
        if not self.differing:
            return 0.0, None
        place = int(self.relative.argmax())
        return float(self.relative.flat[place]), place

    def width(self) -> float:
        """The largest relative width of what is not proved apart, kinks left out: there
        an interval is the truth."""
        open_ = self.known & ~self.proved & ~self.kinks & (self.radius > 0)
        # Of an entry that cancels to nothing, nothing can be said relative to itself.
        least = LEAST * np.abs(self.true.high[self.known]).max(initial=0.0)
        with np.errstate(divide="ignore"):
            width = self.radius[open_] / np.fmax(self.size[open_], least)
        return float(width.max(initial=0.0))

    def factor(self) -> float | None:
        """Recorded ÷ true, if one number at all entries that are proved apart, and
        those are nearly all."""
        nonzero = self.known & (self.true.high != 0) & ~self.kinks
        if self.differing < ALIKE_FROM or (nonzero & ~self.proved).any():
            return None
        beside = self.known & (self.true.high == 0) & self.proved
        if beside.any() or not nonzero.any():
            return None
        excess = self.difference[nonzero] / self.true.high[nonzero]
        middle = float(np.median(excess))
        reach = ALIKE * abs(middle) + self.radius[nonzero] / np.abs(
            self.true.high[nonzero]
        )
        if (np.abs(excess - middle) > reach).any():
            return None
        return 1 + middle
