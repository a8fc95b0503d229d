"""The upstream gradient of a case: one number, one for each point, or a word for numbers that ask more of a backward.

| word     | the upstream gradient at each point, a number of the dtype                                            |
|----------|-------------------------------------------------------------------------------------------------------|
| `random` | of either sign and of magnitude 2^−4 to 2^4, drawn from the seed and the case's name                  |
| `zeros`  | 0                                                                                                     |
| `huge`   | 2^(e − 8), where 2^e is the largest power of two: 2^7 in float16, 2^119 in float32, 2^1015 in float64 |
| `tiny`   | the smallest normal number                                                                            |
"""

from __future__ import annotations

import random
from fractions import Fraction

from verifier.floats import Format, nearest, power_of_two
from verifier.language.points.scalars import Scalar

Upstream = Scalar | tuple[Scalar, ...] | str

RANDOM = "random"
WORDS = (RANDOM, "zeros", "huge", "tiny")
LARGEST_RANDOM_EXPONENT = 4
HUGE_MARGIN = 8
"""Binades that `huge` leaves below the largest number, so that the derivative decides what overflows."""
RANDOM_BITS = 64


def gradients(
    upstream: Upstream, *, given: int, drawn: int, format_: Format, seed: int, name: str
) -> list[float]:
    """The upstream gradient at each of the given points and then at each of the drawn ones.

    A list has one number for each given point; drawn points go through it from its start, again and again.
    """
    count = given + drawn
    if upstream == RANDOM:
        return _random(count, format_, seed, name)
    if isinstance(upstream, str):
        return [_number_of(upstream, format_)] * count
    numbers = upstream if isinstance(upstream, tuple) else (upstream,)
    found = [number.nearest(format_) for number in numbers]
    cycle = [*range(given), *range(drawn)]
    return [found[index % len(found)] for index in cycle]


def _number_of(word: str, format_: Format) -> float:
    if word == "zeros":
        return 0.0
    if word == "huge":
        return float(power_of_two(format_.exponent_max - HUGE_MARGIN))
    return float(format_.smallest_normal)


def _random(count: int, format_: Format, seed: int, name: str) -> list[float]:
    # No variable has a name of two words, so that none draws the same numbers.
    source = random.Random(f"{seed}:{name}:upstream gradient")
    return [_drawn(source, format_) for _ in range(count)]


def _drawn(source: random.Random, format_: Format) -> float:
    """A number of uniform binade, and uniform in it."""
    sign = source.choice((-1, 1))
    binade = source.randrange(-LARGEST_RANDOM_EXPONENT, LARGEST_RANDOM_EXPONENT)
    mantissa = 1 + Fraction(source.getrandbits(RANDOM_BITS), 1 << RANDOM_BITS)
    return nearest(sign * mantissa * power_of_two(binade), format_)
