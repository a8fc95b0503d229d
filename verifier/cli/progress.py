"""How far a long run has come: a bar on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LONG_RUN_S = 2.0
"""Seconds after which a run shows how far it has come."""
REFRESH_S = 0.2
"""Seconds between two looks at the points of one case."""

Advance = Callable[[Callable[[], None] | None], None]
"""Called after each result with what prints its line, if anything."""
OnPoint = Callable[[int, int], None]
"""Called after each point with how many of how many are judged."""


@contextmanager
def progress(total: int) -> Iterator[tuple[Advance, OnPoint | None]]:
    """A bar on standard error, where that is a terminal and once the run is long.

    It is off the screen while a line is printed, so that the two never mix.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_interactive:
        yield (lambda print_line: None if print_line is None else print_line()), None
        return
    bar = _Bar(console, total)
    try:
        yield bar.advance, bar.on_point
    finally:
        bar.stop()


class _Bar:
    """The bar of a run of `total` results."""

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TimeElapsedColumn,
        )

        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._progress.add_task("", total=total)
        (self._task,) = self._progress.tasks
        self._finished = 0
        self._shown_s = 0.0

    def advance(self, print_line: Callable[[], None] | None) -> None:
        self.stop()
        if print_line is not None:
            print_line()
        self._finished += 1
        self._show(self._finished)

    def on_point(self, done: int, points: int) -> None:
        if time.monotonic() - self._shown_s > REFRESH_S:
            self._show(self._finished + done / (points + 1))

    def stop(self) -> None:
        self._progress.stop()

    def _show(self, completed: float) -> None:
        self._progress.update(self._task.id, completed=completed)
        if (self._task.elapsed or 0) > LONG_RUN_S and not self._task.finished:
            self._shown_s = time.monotonic()
            self._progress.start()
            self._progress.refresh()
