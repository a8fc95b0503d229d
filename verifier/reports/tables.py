"""The tables of a text report: comparisons, descents, routes that disagree, changes
against a baseline."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from verifier.records import Change, Comparison, Disagreement, Epoch, Result
from verifier.reports.page import Grid, heading, plain
from verifier.reports.result_line import label, points_of, short, ulps, way

ROWS = 20
"""Rows that a table of comparisons shows."""
ROWS_PER_RESULT = 5
"""Rows of one result among them, so that a sampled case leaves room for the others."""
MESSAGE_WIDTH = 40
"""The least width to which a column of messages is folded."""


class Finding(NamedTuple):
    """A comparison with the result that it belongs to."""

    result: Result
    comparison: Comparison


def findings(results: Iterable[Result], family: str) -> list[Finding]:
    """The comparisons of a family, of each result the worst first."""
    return [
        Finding(result, comparison)
        for result in results
        for comparison in _worst_first(result, family)
    ]


def _worst_first(result: Result, family: str) -> list[Comparison]:
    """The first comparison of each verdict, then the others.

    So neither the result's own verdict nor another kind is cut off.
    """
    ranked = sorted(
        (c for c in result.comparisons if c.verdict.family == family),
        key=lambda c: (c.verdict is not result.verdict, _badness(c)),
    )
    first = {comparison.verdict: comparison for comparison in reversed(ranked)}
    return sorted(ranked, key=lambda c: c is not first[c.verdict])


def _badness(comparison: Comparison) -> float:
    error = comparison.error_ulp
    return -math.inf if error is None or math.isnan(error) else -error


def comparisons(title: str, found: Sequence[Finding]) -> RenderableType:
    """A table of comparisons; of so many for each result, and so many in all."""
    shown = _capped(found)
    rows = [
        [
            plain(result.case),
            way(result),
            comparison.quantity,
            label(comparison) if comparison.wrt else "",
            _at(comparison.point, comparison.upstream),
            plain(comparison.measured),
            plain(comparison.true),
            ulps(comparison.error_ulp),
            comparison.verdict.value,
            _cause(comparison),
        ]
        for result, comparison in shown
    ]
    header = "case|dtype|quantity|by|point|measured|true|error|verdict|message"
    grid = Grid(
        headers=header.split("|"), rows=rows, right=(7,), folding={9: MESSAGE_WIDTH}
    )
    return Group(heading(title), grid, *_more(len(found) - len(shown)))


def _more(count: int) -> list[Text]:
    return [Text(f"  … and {count} more")] if count > 0 else []


def _capped(found: Sequence[Finding]) -> list[Finding]:
    seen: Counter[int] = Counter()
    shown: list[Finding] = []
    for finding in found:
        seen[id(finding.result)] += 1
        if seen[id(finding.result)] <= ROWS_PER_RESULT and len(shown) < ROWS:
            shown.append(finding)
    return shown


def _at(point: Mapping[str, str], upstream: str) -> str:
    parts = [f"{name}={short(value)}" for name, value in point.items()]
    if upstream not in ("1", "1.0"):
        parts.append(f"upstream={short(upstream)}")
    return plain(", ".join(parts))


def _cause(comparison: Comparison) -> str:
    parts = [part for part in (comparison.culprit, comparison.message) if part]
    return plain(": ".join(parts))


def descent(result: Result) -> RenderableType:
    """The epochs of a result."""
    rows = [_epoch(epoch) for epoch in result.epochs]
    header = ["epoch", "loss", "weight", "gradient", "drift"]
    title = f"Descent of {plain(result.case)} {way(result)}"
    return Group(heading(title), Grid(headers=header, rows=rows, right=(0, 1, 4)))


def _epoch(epoch: Epoch) -> list[str]:
    return [
        str(epoch.number),
        f"{epoch.loss:.3f}",
        repr(epoch.weight),
        repr(epoch.gradient),
        f"{epoch.drift:.2e}",
    ]


def disagreements(found: Sequence[Disagreement]) -> RenderableType:
    """Where two routes gave other numbers: what PyTorch owes itself, whatever the truth
    is."""
    rows = [
        [
            plain(d.case),
            d.dtype,
            " | ".join(d.routes),
            f"{d.differing} of {points_of(d.points)}",
            "NaN on one side" if d.max_ulp is None else f"{d.max_ulp} ulp",
            " ".join((d.quantity, plain(", ".join(d.wrt)))).rstrip(),
            _at(d.point, d.upstream),
            plain(" | ".join(d.measured)),
        ]
        for d in found[:ROWS]
    ]
    header = "case|dtype|routes|differ at|by up to|of|at|measured"
    grid = Grid(headers=header.split("|"), rows=rows, right=(3, 4))
    return Group(heading("Routes disagree"), grid, *_more(len(found) - ROWS))


def changes_table(
    changes: Sequence[Change], title: str = "Changes against the baseline"
) -> RenderableType:
    """What is worse, better or new, a row each."""
    if not changes:
        return Group(heading(title), Text("  none"))
    rows = [
        [
            "WORSE" if change.regression else "",
            plain(" ".join(filter(None, (change.result, change.quantity)))),
            change.kind.value,
            plain(change.before or "-"),
            plain(change.after or "-"),
        ]
        for change in changes
    ]
    header = ["", "result", "change", "before", "after"]
    return Group(heading(title), Grid(headers=header, rows=rows))
