"""Whether a gradient follows its upstream gradient, and whether numbers of two runs are
alike.

A derivative times another upstream gradient is that many times the first one: what a
run at another upstream gradient gives is known from the first run, but for a few
roundings. Only where it is not as expected is there anything to judge.
"""

from __future__ import annotations

import cmath
import math
import random
from collections.abc import Sequence
from typing import Any, TypeVar

from verifier.fields import Field
from verifier.floats import Format

Number = TypeVar("Number", float, complex)

FEW_ULPS = 4
"""What another upstream gradient, or another kernel for many numbers, may round
otherwise without being looked at: a heuristic; what is farther off is judged against
the truth."""
NEAR = 4
"""A factor of no more than this root of the largest number leaves no range by itself: a
heuristic."""
MARGIN = 2
"""Binades between an expected gradient and the ends of the range."""
SCALE = -2.0
"""A second upstream gradient, times the first one: exact in binary."""
SMALL = (-2.0, 5.0, -1.0, 1.0, 0.5, 3.0, -0.5, 2.0, 0.25, -7.0)
"""Upstream gradients at which a backward may branch or clip."""


def is_near(number: Number, expected: Number, format_: Format) -> bool:
    """Whether a number is the expected one but for a few roundings; NaN is near NaN
    alone, infinity the same one.

    Of a complex number, by its distance in ulps of the modulus.
    """
    if number == expected:
        return True
    if not cmath.isfinite(expected) or not cmath.isfinite(number):
        if isinstance(expected, complex):  # whose infinities have no direction
            return not (cmath.isfinite(expected) or cmath.isfinite(number))
        return cmath.isnan(number) and cmath.isnan(expected)
    if not expected:
        return False
    least = format_.exponent_min
    grain = max(_binade(_size(expected)), least) - format_.precision_bits + 1
    return _size(number - expected) <= FEW_ULPS * math.ldexp(1.0, grain)


def is_inside(number: complex, format_: Format) -> bool:
    """Whether a number is well inside the range, or 0, infinite or NaN: exact factors
    leave no trace of rounding."""
    size = _size(number)
    if not size or not math.isfinite(size):
        return True
    return format_.exponent_min // 2 <= _binade(size) < format_.exponent_max // 2


def deviation(number: complex, expected: complex) -> float:
    """How far a number is from the expected one, relative to it; infinite where either
    is not finite."""
    if not expected or not cmath.isfinite(number) or not cmath.isfinite(expected):
        return math.inf
    return _size(number / expected - 1)


def nearer(number: Number, other: Number, format_: Format) -> Number:
    """A number scaled by a power of two so near to the magnitude of another that their
    ratio leaves no range."""
    most = (format_.exponent_max + 1) // NEAR
    apart = _binade(_size(number)) - _binade(_size(other))
    return number * math.ldexp(1.0, max(-most, min(apart, most)) - apart)


def _size(number: complex) -> float:
    """The modulus; infinite where that overflows."""
    return math.hypot(number.real, number.imag)


def _binade(size: float) -> int:
    """The e with 2^e ≤ size < 2^(e+1)."""
    return math.frexp(size)[1] - 1


def scaled(upstream: Number, factor: Number, format_: Format) -> Number:
    """Another upstream gradient: the factor times the first one; where it would
    overflow, the same once more."""
    other = factor * (upstream or 1.0)
    return other if _size(other) <= format_.largest else upstream


def scales(field: Field, format_: Format) -> list[Any]:
    """Factors that are exact in binary, over several magnitudes; in the plane also
    turned by i, which swaps the parts and changes a sign, and shows a conjugate in a
    wrong place."""
    power = min(16, (format_.exponent_max + 1) // 4)
    real = [SCALE, math.ldexp(1.0, power), -math.ldexp(1.0, -power)]
    if field.is_ordered:
        return real
    return [factor * turn for factor in real for turn in (1, 1j)]


def drawn(
    upstream: Sequence[Number],
    gradients: Sequence[Sequence[Number]],
    format_: Format,
    source: random.Random,
) -> list[Number]:
    """An upstream gradient of either sign and random magnitude for each point, at which
    no derivative leaves the range.

    `gradients` are the columns that the first run gave at `upstream`. A complex one has any direction.
    """
    steps = 1 << (format_.precision_bits - 1)

    def part(binade: int) -> float:
        mantissa = 1 + source.randrange(steps) / steps
        return source.choice((-1.0, 1.0)) * math.ldexp(mantissa, binade)

    reaches: dict[tuple[Number, ...], tuple[int, int]] = {}
    found: list[Any] = []
    for one, *own in zip(upstream, *gradients, strict=True):
        known = (one, *own)  # a point stands here in many copies
        if known not in reaches:
            reaches[known] = _reach(one, own, format_)
        binade = source.randint(*reaches[known])
        is_complex = isinstance(one, complex)
        found.append(
            complex(part(binade), part(binade)) if is_complex else part(binade)
        )
    return found


def _reach(
    upstream: complex, found: Sequence[complex], format_: Format
) -> tuple[int, int]:
    """The binades of upstream gradients at which every derivative stays inside the
    range."""
    widest = (format_.exponent_max + 1) // 2
    low, high = -widest, widest
    if not upstream or not cmath.isfinite(upstream):
        return 0, 0
    own = _binade(_size(upstream))
    for number in found:
        if number != 0 and cmath.isfinite(number):
            gain = _binade(_size(number)) - own
            low = max(low, format_.exponent_min + MARGIN - gain)
            high = min(high, format_.exponent_max - MARGIN - gain)
    return (low, high) if low <= high else (own, own)


def expected(gradient: Number, upstream: Number, other: Number) -> Number | None:
    """The gradient at another upstream gradient; None where the first one does not
    tell.

    0 times an infinite one is NaN, as every backward formula has it.
    """
    if not upstream or not cmath.isfinite(upstream) or not cmath.isfinite(other):
        return None
    return gradient * (other / upstream)
