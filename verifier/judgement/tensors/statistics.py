"""What all numbers of a tensor say together, though each alone could be rounding.

Random-rounding samples of the whole pass say how the numbers scatter. *Scale*: the factor
δ that fits measured − true = δ · true, in units of its own scatter over the samples; a
common factor of all entries (a saved standard deviation, 1/N of a mean) is common in the
samples too. *Bulk*: how many scatters away nine tenths of the numbers are. Eight is the
threshold: a statistic, calibrated on correct programs, not a proof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.enclosures import Enclosures, Numbers, Samples
from verifier.floats import Format
from verifier.judgement.tensors.entries import Mask
from verifier.records import Verdict

THRESHOLD = 8.0
"""How many standard deviations. On 592 runs of correct programs the largest was 6.5, the
next 3.2."""
BULK = 0.9
"""The part of the entries that is looked at: not the largest error, which the flip of a
relu or a cancellation makes."""
FEWEST = 16
"""Entries that a statistic needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One of the two, of the gradient by one input."""

    name: str
    """`scale` or `bulk`."""
    score: float
    """In standard deviations of rounding within kernels of float32."""
    score_everywhere: float
    """Where every operation rounds to the dtype."""
    delta: float = 0.0
    """Of the scale: measured ÷ true − 1."""
    entries: int = 0

    @property
    def verdict(self) -> Verdict:
        """What exceeds both models is biased; the first alone, digits lost."""
        if self.score_everywhere > THRESHOLD:
            return Verdict.DIFFER_BIASED
        if self.score > THRESHOLD:
            return Verdict.DIFFER_INACCURATE
        return Verdict.MATCH_ROUNDING

    @property
    def message(self) -> str:
        """What was found, and what kind of evidence it is."""
        what = f"nine tenths of {self.entries} entries lie up to"
        if self.name == "scale":
            what = (
                f"over {self.entries} entries measured / true = {1 + self.delta:.6g},"
            )
        found = self.verdict
        score = self.score_everywhere
        tail = "each alone could be rounding, together they cannot"
        if found is not Verdict.DIFFER_BIASED:
            score = self.score
            tail = "as where every operation rounds to the dtype, inside kernels too"
        return f"{what} {score:.3g} standard deviations of rounding from the truth: {tail} (a statistic)"


def judge_scale(
    measured: Numbers,
    true: Enclosures,
    within: Samples,
    everywhere: Samples,
    format_: Format,
) -> Statistic | None:
    """The factor that all entries have in common, by the weights that show it best;
    None where there are too few."""
    counts = _counts(measured, true, format_)
    if counts is None:
        return None
    error, truth = _errors(measured, true, counts), true.high[counts]
    best: Statistic | None = None
    for weighted in (False, True):
        scores, deltas = [], []
        for samples in (within, everywhere):
            weights = _weights(truth, samples.noise[counts]) if weighted else truth
            score, delta = _lean(error, truth, weights, samples, counts)
            scores.append(score)
            deltas.append(delta)
        found = Statistic(
            name="scale",
            score=scores[0],
            score_everywhere=min(scores),
            delta=deltas[0],
            entries=int(counts.sum()),
        )
        if best is None or _rank(found) > _rank(best):
            best = found
    return best


def judge_bulk(
    measured: Numbers,
    true: Enclosures,
    within: Samples,
    everywhere: Samples,
    format_: Format,
) -> Statistic | None:
    """How far the bulk of the entries lies from the truth; None where there are too
    few."""
    counts = _counts(measured, true, format_)
    if counts is None:
        return None
    error = np.abs(_errors(measured, true, counts))
    scores = []
    for samples in (within, everywhere):
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.where(error > 0, error / samples.noise[counts], 0.0)
        scores.append(float(np.quantile(far, BULK)))
    return Statistic(
        name="bulk",
        score=scores[0],
        score_everywhere=min(scores),
        entries=int(counts.sum()),
    )


def _rank(statistic: Statistic) -> tuple[float, float]:
    return statistic.score_everywhere, statistic.score


def _counts(measured: Numbers, true: Enclosures, format_: Format) -> Mask | None:
    """Where a number counts: known, finite, a normal number of the dtype, and of a
    truth that is not zero."""
    counts = true.is_known & np.isfinite(measured)
    counts &= np.abs(true.high) >= float(format_.smallest_normal)
    counts &= true.radius <= np.abs(true.high) * format_.epsilon
    return counts if counts.sum() >= FEWEST else None


def _errors(measured: Numbers, true: Enclosures, counts: Mask) -> Numbers:
    return np.asarray((measured[counts] - true.high[counts]) - true.low[counts])


def _weights(truth: Numbers, noise: Numbers) -> Numbers:
    """Those that show a factor best; plain ones where some entry has no noise."""
    with np.errstate(divide="ignore", over="ignore"):
        weights = truth / noise**2
    return np.asarray(weights if np.isfinite(weights).all() else truth)


def _lean(
    error: Numbers,
    truth: Numbers,
    weights: Numbers,
    samples: Samples,
    counts: Mask,
) -> tuple[float, float]:
    """The fitted factor less 1, and how many standard deviations it is."""
    size = float(weights @ truth)
    found = float(weights @ error)
    drawn = np.array([weights @ deviation[counts] for deviation in samples.deviations])
    # Sixteen draws may all be near by chance: no less than independent errors give.
    least = float(np.sum((weights * samples.floor[counts]) ** 2))
    scatter = max(float(np.mean(drawn**2)), least) ** 0.5
    if found == 0 or size == 0:
        return 0.0, 0.0
    return (abs(found) / scatter if scatter else np.inf), found / size
