"""Points of a domain: drawn ones, and all of them. Exact integer arithmetic, the same
on every machine.

Every variable has a stream of its own, made from seed, case and variable, so that
neither another variable nor more points change any that were drawn before.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from fractions import Fraction
from statistics import NormalDist

from verifier.errors import ExpressionError, Place
from verifier.floats import Format, Number, from_ordinal, nearest, ordinal
from verifier.language.points.domains import Domain, Normal

DRAW_BITS = 128
"""Bits of one coordinate's place in its domain: finer than the spacing of any format
but next to zero."""
DECADES = 6
"""How far below the larger end of a domain magnitudes are drawn."""
NORMAL_SCALES = (0,) + (1,) * 10 + (3,) * 3 + (10,) * 2
"""What a normal number is multiplied by, each of these as often: 0 plants an exact
zero, 3 and 10 reach the tails."""
QUANTILE_BITS = 30
"""Binary places of a normal quantile in floating point that are the same on every
machine, however it rounds."""


class Draw(StrEnum):
    """How points are drawn from a bounded domain; from one without an end always over
    the floats."""

    VALUES = "values"
    """Half of them uniform over the reals of the domain, half uniform in magnitude over
    `DECADES`."""
    FLOATS = "floats"
    """Uniform over the floats of the domain, subnormals included."""


def draw(
    domains: Mapping[str, Domain],
    count: int,
    format_: Format,
    *,
    seed: int,
    name: str,
    how: Draw = Draw.VALUES,
    is_complex: bool = False,
) -> list[dict[str, Number]]:
    """`count` points inside their domains, whose parts are numbers of the format.

    Each share of each variable is stratified: of its first 2^k numbers, one lies in
    each of 2^k equal parts. Variables are drawn apart: which points have a share's
    numbers is decided for each variable by itself. So are the real and the imaginary
    parts of a rectangle; those of an interval are +0 in a complex dtype.
    """
    check(domains, format_)

    def column(variable: str, domain: Domain) -> list[Number]:
        keys = (f"{seed}:{name}:{variable}", f"{seed}:{name}:{variable}, imaginary")
        parts = [
            _column(side, count, format_, key, how)
            for key, side in zip(keys, domain.sides, strict=False)
        ]
        if not is_complex:
            return parts[0]
        return [complex(*pair) for pair in zip(*parts, strict=True)]

    columns = {
        variable: column(variable, domain) for variable, domain in domains.items()
    }
    return [
        {variable: column[index] for variable, column in columns.items()}
        for index in range(count)
    ]


def uniform(interval: Domain, count: int, format_: Format, key: str) -> list[float]:
    """`count` numbers uniform over the reals from the first to the last number inside,
    then rounded."""
    places = _places(count, random.Random(f"{key}:values"))
    return _by_value(places, interval.ordinals(format_), format_)


def every(interval: Domain | None, format_: Format) -> Iterator[float]:
    """Every number of the format in the interval in order, −0 only where it goes on
    below; without one, also ±inf."""
    if interval is not None:
        yield from _numbers(interval.ordinals(format_), format_)
        return
    infinity = ordinal(math.inf, format_)
    yield from _numbers(range(-infinity, infinity + 1), format_)


def check(domains: Mapping[str, Domain], format_: Format) -> None:
    """Raise `ExpressionError` where a domain holds no number of the format."""
    for variable, domain in domains.items():
        if not all(side.ordinals(format_) for side in domain.sides):
            raise ExpressionError(
                f"expected a domain that holds a number of {format_.name}, found {domain}, which holds none. "
                "Widen it.",
                place=Place(key=f"domain.{variable}"),
            )


def _column(
    interval: Domain, count: int, format_: Format, key: str, how: Draw
) -> list[float]:
    if isinstance(interval, Normal):
        return _normal(count, format_, key)
    if how is Draw.FLOATS or not interval.is_bounded:
        places = _places(count, random.Random(f"{key}:ordinals"))
        return _by_ordinal(places, [interval.ordinals(format_)], format_)
    half = (count + 1) // 2
    by_value = uniform(interval, half, format_, key)
    places = _places(half, random.Random(f"{key}:magnitudes"))
    ranges = _magnitudes(interval.ordinals(format_), format_)
    by_magnitude = _by_ordinal(places, ranges, format_)
    coin = random.Random(f"{key}:halves")
    column: list[float] = []
    for pair in zip(by_value, by_magnitude, strict=True):
        column += pair if coin.getrandbits(1) else reversed(pair)
    return column[:count]


def _places(count: int, source: random.Random) -> list[int]:
    """Numbers below 2^`DRAW_BITS`, of which each first 2^k lie one in each of as many
    equal parts of that range.

    The parts are halved again and again, and the halves that are empty filled in random
    order: a Latin hypercube that grows (R. Sheikholeslami, S. Razavi, Environ. Model.
    Softw. 93, 2017). Variables that do not know of each other may each have one, where
    low-discrepancy sequences of the same base would line up.
    """
    places = [source.getrandbits(DRAW_BITS)]
    while len(places) < count:
        width = (1 << DRAW_BITS) // (2 * len(places))
        empty = [place // width ^ 1 for place in places]
        source.shuffle(empty)
        places += [part * width + source.randrange(width) for part in empty]
    return places[:count]


def _by_value(places: Iterable[int], inside: range, format_: Format) -> list[float]:
    first = Fraction(from_ordinal(inside[0], format_))
    last = Fraction(from_ordinal(inside[-1], format_))
    step = (last - first) / ((1 << DRAW_BITS) - 1)
    # Rounding is monotone and both ends are numbers of the format, so no rounding
    # leaves the domain. Adding 0.0 turns -0.0 into 0.0.
    return [nearest(first + step * place, format_) + 0.0 for place in places]


def _magnitudes(inside: range, format_: Format) -> list[range]:
    """The ordinals of the numbers at most `DECADES` below the largest of a domain, on
    either side of 0.

    Within a binade the floats are uniform, so uniform over these is uniform in
    magnitude but for that. What is below the smallest normal number is left out, unless
    all of the domain is.
    """
    last = max(abs(inside[0]), abs(inside[-1]))
    largest = Fraction(from_ordinal(last, format_))
    lowest = largest / 10**DECADES
    if largest > format_.smallest_normal:
        lowest = max(lowest, format_.smallest_normal)
    first = min(last, max(1, ordinal(nearest(lowest, format_), format_)))
    return [
        range(inside[0], min(inside[-1], -first) + 1),
        range(max(inside[0], first), inside[-1] + 1),
    ]


def _by_ordinal(
    places: Iterable[int], ranges: Iterable[range], format_: Format
) -> list[float]:
    """Uniform over all numbers whose ordinals are in the ranges."""
    # `len` would refuse the ranges of binary64.
    filled = [(part.start, part.stop - part.start) for part in ranges if part]
    count = sum(size for _, size in filled)

    numbers: list[float] = []
    for place in places:
        index = place * count >> DRAW_BITS
        for start, size in filled:
            if index < size:
                numbers.append(from_ordinal(start + index, format_))
                break
            index -= size
    return numbers


def _normal(count: int, format_: Format, key: str) -> list[float]:
    """Numbers of N(0, 1), each times one of `NORMAL_SCALES`."""
    numbers = map(_quantile, _places(count, random.Random(f"{key}:normal")))
    chosen = _places(count, random.Random(f"{key}:scales"))
    scales = (
        NORMAL_SCALES[place * len(NORMAL_SCALES) >> DRAW_BITS] for place in chosen
    )
    largest = float(format_.largest)
    return [
        max(-largest, min(nearest(scale * number, format_), largest)) + 0.0
        for scale, number in zip(scales, numbers, strict=True)
    ]


def _quantile(place: int) -> Fraction:
    """The number below which so much of 2^`DRAW_BITS` of the normal distribution lies,
    to `QUANTILE_BITS` places.

    Those are taken from floating point; what comes after them, of which machines may
    differ, from the place itself.
    """
    whole = 1 << DRAW_BITS
    tail = min(place, whole - 1 - place)
    steps = round(NormalDist().inv_cdf((tail + 0.5) / whole) * (1 << QUANTILE_BITS))
    rest = Fraction(tail & (2**64 - 1), 2**64)
    quantile = (steps + rest) / (1 << QUANTILE_BITS)
    return quantile if tail == place else -quantile


def _numbers(ordinals: range, format_: Format) -> Iterator[float]:
    for position in ordinals:
        if position == 0 and -1 in ordinals:  # else 0 is where the domain begins
            yield -0.0
        yield from_ordinal(position, format_)
