"""The ends of a ball, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verifier.symbolic.arithmetic import balls


def ends(ball: Any) -> tuple[Fraction, Fraction]:
    """The lower and the upper end, at a precision that rounds neither."""
    with balls.workprec(2_000):
        enclosure = balls.enclosure(ball)
    return enclosure.lower, enclosure.upper
