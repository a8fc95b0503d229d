"""Points of a domain: drawn ones, and all of them. Exact integer arithmetic, the same on every machine.

Every variable has a stream of its own, made from seed, case and variable, so that neither another variable nor more
points change any that were drawn before.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from verifier.errors import ExpressionError, Place
from verifier.floats import Format, from_ordinal, nearest, ordinal
from verifier.language.points import Domain

DRAW_BITS = 128
"""Bits of one coordinate's place in its domain: finer than the spacing of any format but next to zero."""


def draw(
    domains: Mapping[str, Domain],
    count: int,
    format_: Format,
    *,
    seed: int,
    name: str,
) -> list[dict[str, float]]:
    """`count` points whose coordinates are numbers of the format inside their domains.

    The 1st, 3rd, 5th, … are uniform over the reals from the first to the last number inside, then rounded; the others
    uniform over the ordinals of the numbers inside, so that every magnitude has its share. Where an end is infinite,
    all are uniform over the ordinals. Each half of each variable is stratified: of its first 2^k numbers, one lies in
    each of 2^k equal parts of the domain.
    """
    check(domains, format_)
    columns = {
        variable: _column(variable, interval, count, format_, f"{seed}:{name}")
        for variable, interval in domains.items()
    }
    return [
        {variable: column[index] for variable, column in columns.items()}
        for index in range(count)
    ]


def every(interval: Domain | None, format_: Format) -> Iterator[float]:
    """Every number of the format in the interval in order, −0 only where it goes on below; without one, also ±inf."""
    if interval is not None:
        yield from _numbers(interval.ordinals(format_), format_)
        return
    infinity = ordinal(math.inf, format_)
    yield from _numbers(range(-infinity, infinity + 1), format_)


def check(domains: Mapping[str, Domain], format_: Format) -> None:
    """Raise `ExpressionError` where a domain holds no number of the format."""
    for variable, interval in domains.items():
        if not interval.ordinals(format_):
            raise ExpressionError(
                f"expected a domain that holds a number of {format_.name}, found {interval}, which holds none. "
                "Widen it.",
                place=Place(key=f"domain.{variable}"),
            )


def _column(
    variable: str, interval: Domain, count: int, format_: Format, key: str
) -> list[float]:
    inside = interval.ordinals(format_)
    by_value = _places((count + 1) // 2, random.Random(f"{key}:{variable}:values"))
    by_ordinal = _places(count // 2, random.Random(f"{key}:{variable}:ordinals"))
    spread = _by_value if interval.is_bounded else _by_ordinal
    column = [0.0] * count
    column[0::2] = spread(by_value, inside, format_)
    column[1::2] = _by_ordinal(by_ordinal, inside, format_)
    return column


def _places(count: int, source: random.Random) -> list[int]:
    """Numbers below 2^`DRAW_BITS`, of which each first 2^k lie one in each of as many equal parts of that range.

    The parts are halved again and again, and the halves that are empty filled in random order: a Latin hypercube that
    grows (R. Sheikholeslami, S. Razavi, Environ. Model. Softw. 93, 2017). Variables that do not know of each other may
    each have one, where low-discrepancy sequences of the same base would line up.
    """
    found = [source.getrandbits(DRAW_BITS)]
    while len(found) < count:
        width = (1 << DRAW_BITS) // (2 * len(found))
        empty = [place // width ^ 1 for place in found]
        source.shuffle(empty)
        found += [part * width + source.randrange(width) for part in empty]
    return found[:count]


def _by_value(places: Iterable[int], inside: range, format_: Format) -> list[float]:
    first = Fraction(from_ordinal(inside[0], format_))
    last = Fraction(from_ordinal(inside[-1], format_))
    step = (last - first) / ((1 << DRAW_BITS) - 1)
    # Rounding is monotone and both ends are numbers of the format, so no rounding leaves the domain. Adding 0.0
    # turns -0.0 into 0.0.
    return [nearest(first + step * place, format_) + 0.0 for place in places]


def _by_ordinal(places: Iterable[int], inside: range, format_: Format) -> list[float]:
    count = inside.stop - inside.start  # of which `len` would refuse binary64's
    return [
        from_ordinal(inside.start + (place * count >> DRAW_BITS), format_)
        for place in places
    ]


def _numbers(ordinals: range, format_: Format) -> Iterator[float]:
    for position in ordinals:
        if position == 0 and -1 in ordinals:  # else 0 is where the domain begins
            yield -0.0
        yield from_ordinal(position, format_)
