"""Between balls and float64, many at a time: conversions that are proved, and as fast
as Python lets them be."""

from __future__ import annotations

import math

from flint import arb

from verifier.symbolic.arithmetic.balls import Ball

INFLATION = 1 + 2.0**-40
"""What a radius is multiplied by for all that rounding of float64 may have lost."""
TINY = 2.0**-1074

of_double = arb
"""The exact ball of a float64; of two numbers, the ball of a midpoint and a radius."""


def is_infinity(ball: Ball) -> bool:
    """Whether a ball is one of the two infinities, proved: about it any finite radius is
    as good as none."""
    middle = ball.mid()
    if middle.is_finite() or middle.is_nan():
        return False
    return bool(ball.rad().is_finite())


def double(ball: Ball) -> tuple[float, float, float]:
    """The float64 nearest to the midpoint, what it leaves of it, and a radius about both
    that encloses the ball.

    An infinity that is proved stands first, with an infinite radius; NaN stands there
    where nothing is known, or what is known is beyond float64.
    """
    high = float(ball)
    if not math.isfinite(high):
        return high if is_infinity(ball) else math.nan, 0.0, math.inf
    rest = ball - high
    low = float(rest)
    left = rest - low
    if left.is_zero():
        return high, low, 0.0
    radius = float(left.abs_upper()) * INFLATION + TINY
    return high, low, radius if radius == radius else math.inf


def midpoint_and_radius(ball: Ball) -> tuple[float, float]:
    """A float64 and a radius about it that encloses the ball; of an infinity that is
    proved the radius is 0."""
    high = float(ball)
    if not math.isfinite(high):
        return (high, 0.0) if is_infinity(ball) else (math.nan, math.inf)
    rest = ball - high
    if rest.is_zero():
        return high, 0.0
    radius = float(rest.abs_upper()) * INFLATION + TINY
    return high, radius if radius == radius else math.inf
