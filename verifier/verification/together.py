"""What all numbers of a subject show together: bias, which no single one shows, and what those that differ share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from verifier.automatic import random_rounding as roundings
from verifier.floats import Format
from verifier.judgement import bias
from verifier.judgement.comparison import Judgement
from verifier.language.casefile.case import SMALL_DTYPES
from verifier.language.programs.program import Program
from verifier.records import Truth, TruthStatus, Verdict
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.truth.many_points import RoundedTruth, rounded_truth

PLAIN = (Verdict.MATCH_EXACT, Verdict.MATCH_ROUNDING, Verdict.MATCH_CONDITIONING)
RUNS = 16
"""Runs of the specification with its roundings moved."""

Quantity = tuple[str, tuple[str, ...]]


class Row(Protocol):
    """A number that was judged by itself."""

    @property
    def truth(self) -> Truth: ...
    @property
    def judgement(self) -> Judgement: ...


Known = Mapping[int, Row]
"""By point, what was judged by itself."""


@dataclass(kw_only=True)
class Whole:
    """All points of a subject at order 1."""

    program: Program
    """The specification."""
    wrt: Sequence[str]
    points: Sequence[Mapping[str, float]]
    upstream: Sequence[float]
    _runs: dict[bool, list[roundings.Columns]] = field(default_factory=dict, init=False)

    def judge(
        self,
        quantity: Quantity,
        measured: Sequence[float],
        known: Known,
        settled: Sequence[RoundedTruth],
        format_: Format,
    ) -> Iterator[tuple[int, Judgement]]:
        """The judgements that change, by point; `settled` are the truths of points that were not judged by themselves.

        At most one: each number is right by itself, so one of them carries what is wrong with all.
        """
        # In the wider dtypes a fault of the size that can hide in rounding is smaller than what a user would call one.
        if format_.name not in SMALL_DTYPES:
            return
        numbers = {
            index: entry
            for index, entry in _plain(known, settled, format_)
            if math.isfinite(measured[index])
            and abs(entry.nearest) >= format_.smallest_normal
            and math.isfinite(entry.nearest)
        }
        places = sorted(numbers)
        if not places:
            return
        column = bias.Column(
            points=[self.points[place] for place in places],
            measured=[measured[place] for place in places],
            rounded=[numbers[place].nearest for place in places],
            unit=[math.ldexp(1.0, numbers[place].grain) for place in places],
            rest=[numbers[place].rest for place in places],
        )
        found = bias.examine(
            column,
            lambda once: [
                [run[quantity][i] for i in places]
                for kind in ((False, True) if once else (False,))
                for run in self.runs(format_, kind)
            ],
        )
        if found is None:
            return
        if found.biased:
            index = places[found.place]
            judgement = known[index].judgement
            verdict = Verdict.DIFFER_BIASED
        else:  # a note beside the worst match, which is told of
            matches = [i for i in known if known[i].judgement.verdict in PLAIN]
            index = max(matches, key=lambda i: known[i].judgement.error_ulp or 0.0)
            judgement = known[index].judgement
            verdict = judgement.verdict
        yield index, replace(judgement, verdict=verdict, message=found.message)

    def runs(self, format_: Format, once: bool) -> list[roundings.Columns]:
        if once not in self._runs:
            self._runs[once] = list(
                roundings.runs(
                    self.program,
                    self.points,
                    self.upstream,
                    wrt=self.wrt,
                    format_=format_,
                    count=RUNS,
                    once=once,
                )
            )
        return self._runs[once]


def _plain(
    known: Known, settled: Sequence[RoundedTruth], format_: Format
) -> Iterator[tuple[int, Rounded]]:
    """The finite truths at the points that pass, away from every edge."""
    for index, row in known.items():
        finite = row.truth.status is TruthStatus.FINITE and not row.truth.at_edge
        if row.judgement.verdict in PLAIN and finite:
            entry = rounded_truth(row.truth, format_)
            if isinstance(entry, Rounded):
                yield index, entry
    for index, entry in enumerate(settled):
        if index not in known and isinstance(entry, Rounded):
            yield index, entry


def truths(
    known: Mapping[int, Truth],
    settled: Sequence[RoundedTruth],
    count: int,
    format_: Format,
) -> list[float]:
    """The truth at each of `count` points in double precision; NaN where it is no finite number."""
    found = [math.nan] * count
    entries = dict(enumerate(settled))
    entries |= {index: rounded_truth(truth, format_) for index, truth in known.items()}
    for index, entry in entries.items():
        if isinstance(entry, Rounded):
            found[index] = entry.nearest + math.ldexp(entry.rest, entry.grain)
    return found
