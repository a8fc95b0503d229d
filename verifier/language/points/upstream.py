"""The upstream gradient of a case: one number, one for each point, or a word.

Words ask more of a backward; each stands for a number of the dtype at each point:

| word     | the number, or each part of a complex one                                    |
|----------|------------------------------------------------------------------------------|
| `random` | of either sign, of magnitude 2^−4 to 2^4, drawn from seed and case           |
| `zeros`  | 0                                                                            |
| `huge`   | 2^(e − 8) of the largest power of two 2^e: 2^7 in float16, 2^119 in float32  |
| `tiny`   | the smallest normal number                                                   |
"""

from __future__ import annotations

import random
from fractions import Fraction

from verifier.floats import Format, Number, nearest, power_of_two
from verifier.language.points.scalars import Scalar

Upstream = Scalar | tuple[Scalar, ...] | str

RANDOM = "random"
WORDS = (RANDOM, "zeros", "huge", "tiny")
LARGEST_RANDOM_EXPONENT = 4
HUGE_MARGIN = 8
"""Binades that `huge` leaves below the largest number, so that the derivative decides
what overflows."""
RANDOM_BITS = 64


def gradients(
    upstream: Upstream,
    *,
    given: int,
    drawn: int,
    format_: Format,
    seed: int,
    name: str,
    is_complex: bool = False,
) -> list[Number]:
    """The upstream gradient at each of the given points and then at each of the drawn
    ones.

    A list has one number for each given point; drawn points go through it from its
    start, again and again. In a complex dtype, `random`, `huge` and `tiny` speak of
    both parts.
    """
    count = given + drawn
    if upstream == RANDOM:
        # No variable has a name of two words, so that none draws the same numbers.
        key = f"{seed}:{name}:upstream gradient"
        real = _random(count, format_, key)
        if not is_complex:
            return real
        return list(map(complex, real, _random(count, format_, f"{key}, imaginary")))
    if isinstance(upstream, str):
        part = _number_of(upstream, format_)
        return [complex(part, part) if is_complex else part] * count
    numbers = upstream if isinstance(upstream, tuple) else (upstream,)
    rounded = [number.rounded(format_, is_complex=is_complex) for number in numbers]
    cycle = [*range(given), *range(drawn)]
    return [rounded[index % len(rounded)] for index in cycle]


def _number_of(word: str, format_: Format) -> float:
    if word == "zeros":
        return 0.0
    if word == "huge":
        return float(power_of_two(format_.exponent_max - HUGE_MARGIN))
    return float(format_.smallest_normal)


def _random(count: int, format_: Format, key: str) -> list[float]:
    source = random.Random(key)
    return [_drawn(source, format_) for _ in range(count)]


def _drawn(source: random.Random, format_: Format) -> float:
    """A number of uniform binade, and uniform in it."""
    sign = source.choice((-1, 1))
    binade = source.randrange(-LARGEST_RANDOM_EXPONENT, LARGEST_RANDOM_EXPONENT)
    mantissa = 1 + Fraction(source.getrandbits(RANDOM_BITS), 1 << RANDOM_BITS)
    return nearest(sign * mantissa * power_of_two(binade), format_)
