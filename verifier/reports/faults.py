"""The comparisons of a result that are no match, by the fault that they show."""

from __future__ import annotations

import math
import re

from verifier.records import Comparison, Result, Verdict, severity
from verifier.reports.words import quantity_of

_COUNTED = re.compile(r" at (all \d+|\d+ of \d+) points")

_NUMBER = re.compile(r"-?\b\d[\d.]*(?:e[-+]?\d+)?\b")


def groups(result: Result) -> list[list[Comparison]]:
    """The comparisons that are no match by their fault, each with its worst first.

    A fault is a verdict with a cause. Only the worst of many have one found for them;
    another of the same number (quantity and inputs) is counted with those.
    """
    ranked = sorted(
        (c for c in result.comparisons if c.verdict.family != "match"),
        key=lambda c: badness(c.verdict, c.error_ulp),
    )
    known: dict[tuple[Verdict, str], str] = {}
    for comparison in ranked:
        if comparison.cause is not None:
            key = comparison.verdict, quantity_of(comparison)
            known.setdefault(key, fault_of(comparison))
    groups: dict[tuple[Verdict, str], list[Comparison]] = {}
    for comparison in ranked:
        fault = fault_of(comparison)
        if comparison.cause is None:
            fault = known.get((comparison.verdict, quantity_of(comparison)), fault)
        groups.setdefault((comparison.verdict, fault), []).append(comparison)
    return [_told_first(group) for group in groups.values()]


def fault_of(comparison: Comparison) -> str:
    """What tells a fault from another of the same verdict."""
    if comparison.culprit is not None:
        return comparison.culprit
    if comparison.cause is not None:
        return without_numbers(_COUNTED.sub("", comparison.cause))
    undecided = comparison.verdict.family == "undecided"
    return without_numbers(comparison.message or "") if undecided else ""


def without_numbers(text: str) -> str:
    """A message that is the same in every dtype and at every point."""
    return _NUMBER.sub("#", text)


def _told_first(group: list[Comparison]) -> list[Comparison]:
    """The worst of those of which most is known in front."""
    return sorted(group, key=lambda c: (not c.regions, c.cause is None))


def badness(verdict: Verdict, error_ulp: float | None) -> tuple[int, float]:
    """The place among others, the worst first: by verdict, then by size, of which what
    has none is the largest."""
    size = math.inf if error_ulp is None or math.isnan(error_ulp) else error_ulp
    return -severity(verdict), -size
