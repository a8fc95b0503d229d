"""What a report depends on beside its record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from verifier.records import Change, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a report is made. Every format takes from it what it can use."""

    changes: Sequence[Change] | None = None
    """Against a baseline; None where there is none."""
    accepted: Collection[Verdict] = ()
    """Differences that do not fail."""
    width: int | None = None
    """Columns of the page; None where nobody knows."""
    color: bool = False
    debug: bool = False
    """Whether tracebacks are shown."""
    streamed: bool = False
    """Whether the line of every result was printed as it came."""
    glyphs: bool = False
    """Whether signs stand for words."""
    quiet: bool = False
    """Whether what is as expected is left out."""
    verbose: bool = False
    """Whether everything is shown, descents and all blocks."""
    durations: int = 0
    """How many of the slowest results are named."""
