"""How far a long run has come: a bar on standard error, or a line in a notebook."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console

LONG_RUN_S = 2.0
"""Seconds after which a run shows how far it has come."""
REFRESH_S = 0.2
"""Seconds between two looks at the points of one case."""
BAR_WIDTH = 20

Advance = Callable[[Callable[[], None] | None], None]
"""Called after each result with what prints its line, if anything."""
OnPoint = Callable[[str, int, int], None]
"""Called with what is in hand, and how many of how many of its points are judged; of
none, where it begins."""


@contextmanager
def progress(
    total: int, after_s: float | None = None
) -> Iterator[tuple[Advance, OnPoint | None]]:
    """A bar where standard error is a terminal, a line where this is a notebook, once
    the run is long: after `after_s`, by default `LONG_RUN_S`.

    It is off the screen while a line is printed, so that the two never mix. Nothing is
    shown in CI, nor of what is not the main thread's. It has no thread of its own: it
    moves when it is called.
    """
    screen = _screen(total)
    if screen is None:
        yield (lambda print_line: None if print_line is None else print_line()), None
        return
    bar = _Bar(screen, total, LONG_RUN_S if after_s is None else after_s)
    try:
        yield bar.advance, bar.on_point
    finally:
        screen.hide()


class _Screen(Protocol):
    """Where it is shown."""

    def show(self, completed: float, text: str) -> None:
        """Shows how many are done, and what is in hand."""

    def hide(self) -> None:
        """Takes it off the screen."""


def _screen(total: int) -> _Screen | None:
    from rich.console import Console

    if os.environ.get("CI") or threading.current_thread() != threading.main_thread():
        return None
    console = Console(stderr=True)
    if console.is_jupyter:
        return _Notebook(total)
    return _Terminal(console, total) if console.is_interactive else None


class _Bar:
    """How far a run of `total` results has come."""

    def __init__(self, screen: _Screen, total: int, after_s: float) -> None:
        self._screen = screen
        self._total = total
        self._due_s = time.monotonic() + after_s
        self._finished = 0
        self._name = ""
        self._shown_s = 0.0

    def advance(self, print_line: Callable[[], None] | None) -> None:
        self._screen.hide()
        if print_line is not None:
            print_line()
        self._finished += 1
        self._show(0, 0)

    def on_point(self, name: str, done: int, points: int) -> None:
        is_other = name != self._name
        self._name = name
        if is_other or time.monotonic() - self._shown_s > REFRESH_S:
            self._show(done, points)

    def _show(self, done: int, points: int) -> None:
        now = time.monotonic()
        if now < self._due_s or self._finished >= self._total:
            return
        self._shown_s = now
        within = f", point {done} of {points}" if done < points else ""
        completed = self._finished + done / (points + 1)
        self._screen.show(completed, f"{self._name}{within}")


class _Terminal:
    """A bar that is drawn over again."""

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.table import Column

        rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            BarColumn(BAR_WIDTH),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False, table_column=rest),
            console=console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            expand=True,
        )
        self._task = self._progress.add_task("", total=total)

    def show(self, completed: float, text: str) -> None:
        self._progress.update(self._task, completed=completed, description=text)
        self._progress.start()
        self._progress.refresh()

    def hide(self) -> None:
        self._progress.stop()


class _Notebook:
    """A line that is written over again."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._handle: Any = None

    def show(self, completed: float, text: str) -> None:
        self._write(f"{int(completed)}/{self._total} {text}")

    def hide(self) -> None:
        if self._handle is not None:
            self._write("")

    def _write(self, text: str) -> None:
        from IPython.display import display

        shown = {"text/plain": text}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)
