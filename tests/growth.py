"""How the work of a call grows with its input.

Counted in lines of Python that run, which are the same on any machine, however loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        del frame, argument
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def assert_linear(call: Callable[[int], object], size: int) -> None:
    """That four times the input is at most six times the work, where a square is 16."""
    call(size)  # fills caches
    small = lines_run(lambda: call(size))
    large = lines_run(lambda: call(4 * size))
    assert large <= 6 * small, (small, large)
