"""The tables of a text report: descents, routes that disagree, changes
against a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from verifier.records import Disagreement, Epoch, Result
from verifier.reports.page import Grid, heading, plain, wrapped
from verifier.reports.words import at, counted, split, way

MOST = 5
"""Pairs of routes that are shown."""


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


def disagreements(found: Sequence[Disagreement], width: int) -> RenderableType:
    """Where two routes gave other numbers: what PyTorch owes itself, whatever the truth
    is."""
    lines = [line for d in found[:MOST] for line in _disagreement(d, width)]
    if len(found) > MOST:
        lines.append(f"  and {len(found) - MOST} more like it")
    return Group(heading("Routes disagree"), *map(Text, lines))


def _disagreement(d: Disagreement, width: int) -> Iterator[str]:
    by = "NaN on one side" if d.max_ulp is None else f"by up to {d.max_ulp} ulp"
    head = (
        f"{split(d.case)[1]}  {d.dtype}  {' and '.join(d.routes)}: "
        f"{d.differing} of {counted(d.points, 'point')}, {by}"
    )
    yield from wrapped(head, width, "  ")
    of = " ".join((d.quantity, *d.wrt))
    where = f"{of} at {at(d.point, d.upstream)}: {' and '.join(d.measured)}"
    yield from wrapped(where, width, "    ")
