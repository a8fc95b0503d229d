"""The precision of balls, raised until what they say decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from verifier.symbolic.arithmetic import balls

Result = TypeVar("Result")


def attempts(
    evaluate: Callable[[], Result], first: int, last: int
) -> Iterator[tuple[int, Result]]:
    """Bits of precision and the result at them: `first`, then twice as many each time,
    and at most `last`.

    The precision is in force while `evaluate` runs; the caller stops at a result that
    decides.
    """
    bits = first
    while bits <= last:
        with balls.workprec(bits):
            result = evaluate()
        yield bits, result
        bits *= 2
