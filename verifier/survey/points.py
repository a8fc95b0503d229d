"""The points of a survey: every number of a 16-bit dtype, or a sample that knows where
functions turn.

A sample is half uniform over the ordinals of the numbers in the domain, half uniform
over the reals of that part of it that lies in `WINDOW`, and to these come boundary
points: the ends of the domain, kinks, jumps and poles, ±0, ±1, the ends of the format's
range and of its normal numbers, thresholds, each with its neighbours, and infinities.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

from verifier import floats
from verifier.floats import Format
from verifier.language.operations.table import Interval, Operation
from verifier.language.points import drawing
from verifier.language.points.domains import Domain, domain
from verifier.language.points.scalars import scalar

WINDOW = Fraction(32)
"""Values are drawn from [−32, 32] where the domain is wider: there most functions
turn."""
GRID = 96
"""Numbers between which thresholds are looked for."""
MOST_TURNS = 4
"""Thresholds that are kept between two numbers of the grid: `floor` turns at every
integer."""
MOST_CORNERS = 400
"""Combinations of boundary values of several operands."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+|/\d+)?")

Probe = Callable[[Sequence[float]], Sequence[Hashable]]
"""What kind of number the truth is at each of the inputs: thresholds lie where it
changes."""


def exhaustive(domain: Domain, format_: Format) -> list[float]:
    """Every number of the format in the closed domain, in order: both zeros, and
    infinities at infinite ends."""
    inside = domain.ordinals(format_)
    everything = _numbers(format_.name)
    shift = floats.ordinal(math.inf, format_) - 1
    numbers = everything[inside.start + shift : inside.stop + shift]
    low, high = (end.nearest(format_) for end in (domain.lower, domain.upper))
    if low < numbers[0] and _is_inside(low, domain):
        numbers = [low, *numbers]
    if high > numbers[-1] and _is_inside(high, domain):
        numbers = [*numbers, high]
    return _with_negative_zero(numbers)


def sampled(
    row: Operation,
    variable: str,
    domain: Domain,
    format_: Format,
    count: int,
    seed: int,
    probe: Probe | None = None,
) -> list[float]:
    """`count` drawn numbers of the closed domain and the boundary points, in order."""
    numbers = drawn(row.name, variable, domain, format_, count, seed)
    edges = boundary(row, domain, format_)
    if probe is not None:
        turns = thresholds(probe, domain, format_)
        edges = [*edges, *_with_neighbours(turns, domain, format_)]
    return _in_order({*numbers, *edges}, domain)


def corners(columns: Sequence[Sequence[float]]) -> Iterator[tuple[float, ...]]:
    """Boundary values of several operands together: equal ones, and combinations spread
    evenly over all of them."""
    yield from zip(*columns, strict=False)
    common = set(columns[0]).intersection(*columns[1:])
    yield from ((value,) * len(columns) for value in sorted(common))
    total = math.prod(map(len, columns))
    step = max(1, total // MOST_CORNERS)
    yield from itertools.islice(itertools.product(*columns), 0, None, step)


def domain_of(interval: Interval) -> Domain:
    """The row's interval as a domain from which numbers are drawn."""
    return domain(str(interval))


def boundary(row: Operation, domain: Domain, format_: Format) -> list[float]:
    """The numbers at which an operation, or the format, may turn, with their
    neighbours."""
    words = " ".join((*row.kinks, *row.jumps, *row.poles)).replace("−", "-")
    named = [floats.nearest(Fraction(text), format_) for text in _NUMBER.findall(words)]
    if "integers" in words:
        named += [-2.0, -1.0, 0.0, 1.0, 2.0]
    sizes = (format_.smallest_subnormal, format_.smallest_normal, format_.largest)
    fixed = [0.0, 1.0, *map(float, sizes)]
    inner = [*_ends(domain, format_), *named, *fixed, *(-number for number in fixed)]
    return _with_neighbours(inner, domain, format_)


def thresholds(probe: Probe, domain: Domain, format_: Format) -> list[float]:
    """The last and the first number on either side of every change of kind that a grid
    of ordinals shows."""
    inside = domain.ordinals(format_)
    last = inside.stop - inside.start - 1  # a float64's range is too long for `len`
    places = sorted({inside.start + last * k // (GRID - 1) for k in range(GRID)})
    kinds = probe([floats.from_ordinal(place, format_) for place in places])
    turns: list[float] = []
    known = list(zip(places, kinds, strict=True))
    for (low, below), (high, above) in itertools.pairwise(known):
        for _ in range(MOST_TURNS):
            if below == above or low >= high:
                break
            low, beside = _bisected(probe, low, high, below, format_)
            turns += [floats.from_ordinal(place, format_) for place in (low, beside)]
            low = beside
            (below,) = probe([floats.from_ordinal(low, format_)])
    return turns


def _bisected(
    probe: Probe, low: int, high: int, below: Hashable, format_: Format
) -> tuple[int, int]:
    """Two neighbours, the first of the kind `below` and the second of another; `high`
    is of another."""
    while high - low > 1:
        middle = (low + high) // 2
        (kind,) = probe([floats.from_ordinal(middle, format_)])
        low, high = (middle, high) if kind == below else (low, middle)
    return low, high


def drawn(
    operation: str,
    variable: str,
    domain: Domain,
    format_: Format,
    count: int,
    seed: int,
) -> list[float]:
    """`count` numbers of the domain, half drawn by ordinal and half by value."""
    inside = domain.ordinals(format_)
    source = random.Random(f"{seed}:{operation}:{variable}:{format_.name}")
    by_ordinal = [
        floats.from_ordinal(source.randrange(inside.start, inside.stop), format_)
        for _ in range(count // 2)
    ]
    key = f"{seed}:{operation}:{variable}"
    values = drawing.uniform(_window(domain), count - len(by_ordinal), format_, key)
    return [*by_ordinal, *values]


def _window(domain: Domain) -> Domain:
    """The part of the domain from which values are drawn: 2·WINDOW wide at the most,
    about 0 where that is inside."""
    lower, upper = domain.lower, domain.upper
    start = Fraction(-WINDOW) if not lower.is_finite else lower.lower
    end = Fraction(WINDOW) if not upper.is_finite else upper.lower
    if start >= end:
        start, end = (start, start + WINDOW) if lower.is_finite else (end - WINDOW, end)
    return Domain(
        lower=scalar(max(start, end - 2 * WINDOW)),
        upper=scalar(end),
        lower_closed=lower.is_finite and domain.lower_closed,
        upper_closed=upper.is_finite and domain.upper_closed,
    )


def _ends(domain: Domain, format_: Format) -> list[float]:
    """The ends of the closed domain; both zeros where one lies in it."""
    return [*(end.nearest(format_) for end in (domain.lower, domain.upper)), 0.0]


def _with_neighbours(
    numbers: Iterable[float], domain: Domain, format_: Format
) -> list[float]:
    return [
        near
        for number in numbers
        for steps in (-1, 0, 1)
        if _is_inside(near := floats.neighbour(number, steps, format_), domain)
    ]


def _is_inside(number: float, domain: Domain) -> bool:
    """Whether a number lies in the closed domain; an infinity does at an infinite
    end."""
    low, high = domain.lower, domain.upper
    if math.isinf(number):
        return number in (low.special, high.special)
    exact = Fraction(number)
    return (not low.is_finite or exact >= low.lower) and (
        not high.is_finite or exact <= high.upper
    )


def _in_order(numbers: set[float], domain: Domain) -> list[float]:
    """The numbers in the closed domain from the least to the greatest."""
    return _with_negative_zero(sorted(n for n in numbers if _is_inside(n, domain)))


def _with_negative_zero(numbers: list[float]) -> list[float]:
    """Sorted numbers with −0 just before 0, if that is among them."""
    if 0.0 in numbers:
        place = numbers.index(0.0)
        numbers[place : place + 1] = [-0.0, 0.0]
    return numbers


@lru_cache(maxsize=2)
def _numbers(dtype: str) -> list[float]:
    """Every finite number of a 16-bit format, by ordinal."""
    format_ = floats.FORMATS[dtype]
    last = floats.ordinal(math.inf, format_) - 1
    positive = [floats.from_ordinal(place, format_) for place in range(last + 1)]
    return [-number for number in reversed(positive[1:])] + positive
