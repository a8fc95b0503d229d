"""The judged numbers of one tensor in one trial, and how a report spells them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from verifier.enclosures import Enclosures, Numbers, Spreads
from verifier.floats import FORMATS, Format, decimal, decimal_within, shortest
from verifier.judgement.tallies import joined
from verifier.judgement.tensors import words
from verifier.judgement.tensors.entries import EntryVerdicts, Truths
from verifier.records import Comparison, Tally, Verdict, severity

MOST_TOLD = 100
"""Entries of one tensor in one trial that are told one by one, the worst first; the
tallies count them all."""
SPELT = 20
"""Digits of a true number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """In which trial."""

    point: Mapping[str, str]
    upstream: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A tensor's numbers with their verdicts."""

    where: Where
    quantity: str
    wrt: tuple[str, ...]
    format: Format
    measured: Numbers
    truths: Truths
    verdicts: EntryVerdicts
    cause: str | None = None
    """What all entries that differ have in common."""
    culprit: str | None = None
    spreads: Spreads | None = None
    """What rounding may do, for the words of each entry."""

    @property
    def worst(self) -> Verdict | None:
        return self.verdicts.worst

    def tally(self) -> Tally | None:
        """How many entries have each verdict; None of an empty tensor."""
        counts = self.verdicts.counts()
        if not counts:
            return None
        return Tally(
            quantity=self.quantity,
            wrt=self.wrt,
            counts=counts,
            max_error_ulp=self.largest_error(),
        )

    def largest_error(self) -> float | None:
        """In ulps, of the entries that are not `match.conditioning`."""
        conditioned = _is(self.verdicts, Verdict.MATCH_CONDITIONING)
        errors = self.verdicts.error_ulp[~conditioned]
        errors = errors[np.isfinite(errors)]
        return float(errors.max()) if errors.size else None

    def comparisons(self, *, every: bool = False) -> Iterator[Comparison]:
        """The entries that are no match, the worst first, or the worst match; or
        every one."""
        order = self.verdicts.ordered(None if every else MOST_TOLD)
        for rank, place in enumerate(order):
            family = self.verdicts.verdict(place).family
            if every or family != "match" or rank == 0:
                yield self._comparison(place)

    def _comparison(self, place: int) -> Comparison:
        index = np.unravel_index(place, self.measured.shape)
        verdict = self.verdicts.verdict(place)
        error = float(self.verdicts.error_ulp.flat[place])
        cause = self.cause if verdict.family == "differ" else None
        return Comparison(
            quantity=self.quantity,
            wrt=self.wrt,
            index=tuple(int(i) for i in index),
            point=dict(self.where.point),
            upstream=self.where.upstream,
            measured=shortest(float(self.measured.flat[place]), self.format),
            true=spelt(self.truths, place),
            error_ulp=None if math.isnan(error) else error,
            bits_lost=math.log2(error) if 1 < error < math.inf else None,
            verdict=verdict,
            culprit=self.culprit if verdict.family == "differ" else None,
            message="; ".join(filter(None, (cause, self._words(place)))) or None,
            cause=cause,
        )

    def _words(self, place: int) -> str | None:
        if self.spreads is None:
            return None
        return words.of_entry(self.verdicts, self.spreads, place, self.format)


def _is(
    verdicts: EntryVerdicts, verdict: Verdict
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    from verifier.judgement.tensors.entries import CODES

    return np.asarray(verdicts.codes == CODES[verdict])


def spelt(truths: Truths, place: int) -> str:
    """A true number as a report has it."""
    true = truths.enclosures
    if truths.mask("undefined").flat[place]:
        return "undefined"
    high, low = float(true.high.flat[place]), float(true.low.flat[place])
    radius = float(true.radius.flat[place])
    if math.isinf(high):
        return "inf" if high > 0 else "-inf"
    if not (math.isfinite(high) and math.isfinite(radius)):
        return "undecided"
    middle = Fraction(high) + Fraction(low)
    ends = middle - Fraction(radius), middle + Fraction(radius)
    if truths.mask("kinks").flat[place]:
        return f"[{', '.join(decimal(end) for end in ends)}]"
    return decimal_within(*ends, digits=SPELT)


def spelt_enclosure(true: Enclosures, place: int) -> str:
    """A number of an enclosure."""
    return spelt(Truths(enclosures=true), place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A verdict that is of no single number: an input that was changed, a formula."""

    where: Where
    verdict: Verdict
    quantity: str = "gradient"
    wrt: tuple[str, ...] = ()
    index: tuple[int, ...] = ()
    measured: str = ""
    true: str = ""
    message: str | None = None
    is_proof: bool = False
    culprit: str | None = None

    def tally(self) -> Tally:
        return Tally(
            quantity=self.quantity,
            wrt=self.wrt,
            counts={self.verdict.value: 1},
            max_error_ulp=None,
        )

    def comparison(self) -> Comparison:
        return Comparison(
            quantity=self.quantity,
            wrt=self.wrt,
            index=self.index,
            point=dict(self.where.point),
            upstream=self.where.upstream,
            measured=self.measured,
            true=self.true,
            error_ulp=None,
            verdict=self.verdict,
            culprit=self.culprit,
            message=self.message,
            cause=self.message if self.verdict.family == "differ" else None,
        )


def tallied(rows: Iterable[Row], remarks: Iterable[Remark]) -> tuple[Tally, ...]:
    """One tally a quantity and input, the values first."""
    parts = [row.tally() for row in rows] + [remark.tally() for remark in remarks]
    known = [part for part in parts if part is not None]
    names = dict.fromkeys((tally.quantity, tally.wrt) for tally in known)
    ordered = sorted(names, key=lambda name: name[0] != "value")
    whole = [
        joined([tally for tally in known if (tally.quantity, tally.wrt) == name], name)
        for name in ordered
    ]
    return tuple(tally for tally in whole if tally is not None)


def told(
    rows: Sequence[Row], remarks: Sequence[Remark], *, every: bool = False
) -> tuple[Comparison, ...]:
    """What is worth reporting: every entry that is no match, up to a number, and the
    worst match of each quantity."""
    found = [remark.comparison() for remark in remarks]
    matches: dict[tuple[str, tuple[str, ...]], Comparison] = {}
    for row in rows:
        for comparison in row.comparisons(every=every):
            key = comparison.quantity, comparison.wrt
            known = matches.get(key)
            if every or comparison.verdict.family != "match":
                found.append(comparison)
            elif known is None or _rank(comparison) > _rank(known):
                matches[key] = comparison
    return (*found, *matches.values())


def _rank(comparison: Comparison) -> tuple[int, float]:
    return severity(comparison.verdict), comparison.error_ulp or 0.0


def counts_of(tallies: Iterable[Tally]) -> dict[str, int]:
    """The counts of all tallies together."""
    counts: Counter[str] = Counter()
    for tally in tallies:
        counts.update(tally.counts)
    return dict(counts)


def format_of(dtype: str) -> Format:
    """The format of a dtype's numbers."""
    return FORMATS[dtype]


def with_cause(row: Row, cause: str | None) -> Row:
    """The row with what its entries have in common."""
    return row if cause is None else replace(row, cause=cause)
