"""The comparisons of a result, counted by quantity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from verifier.records import Judgement, Tally, Verdict, severity

Name = tuple[str, tuple[str, ...]]
"""A quantity, and what it is differentiated by."""


def tallies(judged: Iterable[tuple[Name, Judgement]]) -> tuple[Tally, ...]:
    """One tally for each quantity, in order of first appearance."""
    counts: dict[Name, Counter[str]] = {}
    errors: dict[Name, list[float]] = {}
    for name, judgement in judged:
        counts.setdefault(name, Counter())[judgement.verdict.value] += 1
        of_name = errors.setdefault(name, [])
        conditioned = judgement.verdict is Verdict.MATCH_CONDITIONING
        if judgement.error_ulp is not None and not conditioned:
            of_name.append(judgement.error_ulp)
    return tuple(
        Tally(
            quantity=quantity,
            wrt=wrt,
            counts=dict(counts[quantity, wrt]),
            max_error_ulp=max(errors[quantity, wrt], default=None),
        )
        for quantity, wrt in counts
    )


def joined(tallies: Iterable[Tally], name: Name | None = None) -> Tally | None:
    """The tally of several; None of none. `name` is what it is called, by default as
    the first."""
    parts = list(tallies)
    if not parts:
        return None
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    errors = [p.max_error_ulp for p in parts if p.max_error_ulp is not None]
    quantity, wrt = name or (parts[0].quantity, parts[0].wrt)
    largest = max(errors, default=None)
    return Tally(quantity=quantity, wrt=wrt, counts=dict(counts), max_error_ulp=largest)


def verdicts(tally: Tally) -> list[Verdict]:
    """The verdicts that a quantity has, the worst first."""
    present = (Verdict(name) for name, count in tally.counts.items() if count)
    return sorted(present, key=severity, reverse=True)
