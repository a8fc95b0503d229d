"""True numbers as a format sees them: the nearest number of the format, and how far off
that is."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from verifier.floats import Format
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball

GUARD_BITS = 24
"""Bits beyond the format's to which a settled number is known: 2⁻²⁴ of an ulp."""


class Rounded(NamedTuple):
    """A true finite number as a format sees it: (nearest + rest · 2^grain), 2^grain
    being its ulp.

    `nearest` is correctly rounded, ±inf where that overflows (then `rest` is 0).
    `rest`, within ±1/2, is good to 2⁻²⁰. `proof` is the ball or the oracle's truth that
    encloses the number.
    """

    nearest: float
    grain: int
    rest: float
    proof: Any

    def error_ulp(self, measured: float) -> float:
        """|measured − truth| in ulps of the truth; both finite. Capped at the largest
        double."""
        if measured == self.nearest:
            return abs(self.rest)
        try:
            # Both quotients are exact: scaled by a power of two, the second an integer
            # of no more bits than the format.
            steps = math.ldexp(measured, -self.grain)
            return abs(steps - math.ldexp(self.nearest, -self.grain) - self.rest)
        except OverflowError:
            return sys.float_info.max


def rounding(format_: Format) -> Callable[[Ball], Rounded | None]:
    """How a ball rounds in the format; None where that is left open, or it is known to
    too few bits for `Rounded.rest`.

    In doubles where these hold `GUARD_BITS` more bits than the format, and no tie is
    near; else in integers.
    """
    bits, carefully = format_.precision_bits, _rounding_in_integers(format_)
    if bits + GUARD_BITS > 53 - 4:
        return carefully
    least, needed = _least_grain(format_), bits + GUARD_BITS
    # Away from both ends of the range no grain is cut off and nothing overflows.
    low, high = least, format_.exponent_max - 1

    def rounded(ball: Ball) -> Rounded | None:
        if ball.rel_accuracy_bits() < needed:
            return carefully(ball)
        middle = float(ball)
        fraction, top = math.frexp(middle)
        if not low < top < high or not middle or math.isinf(middle):
            return carefully(ball)
        if abs(fraction) == 0.5:  # the double may lie in the binade above the ball's
            return carefully(ball)
        grain = top - bits if top - bits > least else least
        scaled = math.ldexp(middle, -grain)
        steps = round(scaled)
        rest = scaled - steps
        if not -NEAR_TIE < rest < NEAR_TIE:
            return carefully(ball)
        return Rounded(math.ldexp(steps, grain), grain, rest, ball)

    return rounded


NEAR_TIE = 0.5 - 2.0 ** (4 - GUARD_BITS)
"""A rest of which a double and a ball of the accuracy that is needed leave no doubt."""


def _least_grain(format_: Format) -> int:
    """The exponent of the smallest ulp."""
    return format_.exponent_min - format_.precision_bits + 1


def _rounding_in_integers(format_: Format) -> Callable[[Ball], Rounded | None]:
    """As `rounding`, for every ball: the radius is at most 2^-accuracy of the
    midpoint."""
    bits, least = format_.precision_bits, _least_grain(format_)
    nothing = balls.dyadic(least - GUARD_BITS)
    largest = float(format_.largest)

    def rounded(ball: Ball) -> Rounded | None:
        if not ball.is_finite():
            return None
        exact, accuracy = ball.is_exact(), ball.rel_accuracy_bits()
        if accuracy < bits + GUARD_BITS and not exact:
            # A ball about zero is settled once it is next to nothing in the format.
            return Rounded(0.0, least, 0.0, ball) if abs(ball) < nothing else None
        mantissa, power = (int(part) for part in ball.mid().man_exp())
        sign, size = (-1 if mantissa < 0 else 1), abs(mantissa)
        top = size.bit_length() + power  # |midpoint| is in [2^(top-1), 2^top)
        if not size or top < least - GUARD_BITS:
            return Rounded(0.0, least, 0.0, ball)
        grain = max(top - bits, least)
        if top > format_.exponent_max + 2:
            return Rounded(sign * format_.overflow, grain, 0.0, ball)
        # Some bits below the ulp in any case, so that a radius rounded up to one of
        # them tells nothing of a tie.
        shift = max(grain - power, GUARD_BITS)
        size <<= shift - (grain - power)
        half = 1 << (shift - 1)
        steps = size >> shift
        rest = size - (steps << shift)
        if not exact and abs(rest - half) <= (size >> (accuracy - 1)) + 1:
            return None
        if rest > half or (rest == half and steps & 1):
            steps, rest = steps + 1, rest - 2 * half
        if steps.bit_length() + grain - 1 > format_.exponent_max or (
            format_.missing and math.ldexp(steps, grain) > largest
        ):
            return Rounded(sign * format_.overflow, grain, 0.0, ball)
        nearest_ = sign * math.ldexp(steps, grain)
        return Rounded(nearest_, grain, sign * (rest / (2 * half)), ball)

    return rounded
