"""The user's Ctrl-C, told apart from a `KeyboardInterrupt` that a callable raises by
itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_depth = 0
_received = False


@contextmanager
def watched() -> Iterator[None]:
    """Notes the user's interrupts, which still go where they went before: to an
    exception, usually.

    Outside the main thread, to which Python delivers signals, and where they are
    ignored, nothing is noted.
    """
    global _depth, _received
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not callable(before):
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        global _received
        _received = True
        before(number, frame)

    if not _depth:
        _received = False
    _depth += 1
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        # A callable may have put its own handler there.
        signal.signal(signal.SIGINT, before)
        _depth -= 1


def is_received() -> bool:
    """Whether the user has interrupted what is watched, whatever a callable made of
    it."""
    return _received and threading.current_thread() is threading.main_thread()


def check() -> None:
    """Raise `KeyboardInterrupt` where the user has interrupted: a callable that caught
    it is not run again."""
    if is_received():
        raise KeyboardInterrupt
