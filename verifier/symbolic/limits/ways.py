"""Ways into a point on which several inputs move at their own speeds: two with
different limits refute a limit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic.expansions import field, terms
from verifier.symbolic.arithmetic.expansions.terms import (
    Limit,
    NoLimit,
    Outside,
    Unresolved,
    Value,
)
from verifier.symbolic.limits import paths
from verifier.symbolic.limits.paths import Line, at_point, differ, has_failed, tends

MOST_MOVERS = 3
"""Inputs that leave the point at once when two ways are looked for."""

MOST_WAYS = 96

SPEEDS = ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1))
"""How fast two inputs move beside each other: as t and t², …"""

EXPONENTIAL = 0
"""In the place of a speed: as exp(−1/t), slower than every power."""

Speed = tuple[int, int] | None
"""To which side an input moves, and how fast; None: it stays."""


class Ways:
    """The ways on which the inputs of a line approach a point; `cones` are the inputs
    that each step depends on."""

    def __init__(
        self, line: Line, point: Mapping[str, float], cones: Sequence[frozenset[str]]
    ) -> None:
        self.line, self.point, self.cones = line, point, cones

    def compare(self, known: Mapping[int, Any]) -> None:
        """Raise `NoLimit` for two ways with different limits, `Outside` where no way is
        in the domain.

        `known` are the steps whose limit is proved; what depends on others is moved
        first.
        """
        first: Limit | bool | None = None
        cone = self.cones[self.line.output]
        unknown = len(cone) > MOST_MOVERS  # then not every input is moved
        for way in itertools.islice(self._ways(known), MOST_WAYS):
            try:
                value = self.line.along(way)
                tending = None if value is None else tends(value)
            except Unresolved:
                unknown = True
                continue
            if tending is None:
                continue
            first = tending if first is None else first
            if differ(first, tending):
                raise NoLimit("the function has different limits on different ways")
        if first is None and not unknown:
            raise Outside("the function is not defined about this point")

    def _ways(self, known: Mapping[int, Any]) -> Iterator[dict[str, Any]]:
        movers = self._movers(known)
        still = {
            name: terms.constant(exact.rational(value))
            for name, value in self.point.items()
            if not math.isinf(value)
        }
        for speeds in _speeds([math.isinf(self.point[name]) for name in movers]):
            moving = {
                name: _on_the_way(self.point[name], *speed)
                for name, speed in zip(movers, speeds, strict=True)
                if speed is not None
            }
            yield still | moving

    def _movers(self, known: Mapping[int, Any]) -> list[str]:
        """The inputs to move: infinite ones, those that leave the point alone, then
        what the failure depends on."""
        infinite = [name for name, value in self.point.items() if math.isinf(value)]
        movers = dict.fromkeys(infinite)
        for index in self.line.needed():
            if known.get(index) is None:
                movers |= dict.fromkeys(sorted(self.cones[index]))
        if not infinite:
            movers = dict.fromkeys([*filter(self._leaves, movers), *movers])
        return list(movers)[: max(MOST_MOVERS, len(infinite))]

    def _leaves(self, name: str) -> bool:
        """Whether the function is defined where this input alone leaves the point."""
        path = at_point(self.point, widened=False)
        for side in (1, -1):
            path[name] = paths.coordinate(self.point[name], side, 1)
            if not has_failed(self.line.values(path)[self.line.output]):
                return True
        return False


def _speeds(infinite: Sequence[bool]) -> Iterator[list[Speed]]:
    """How each of some inputs moves; those that are infinite move always."""
    count = len(infinite)

    def way(moves: Mapping[int, tuple[int, int]]) -> list[Speed]:
        still: list[Speed] = [(1, 1) if endless else None for endless in infinite]
        return [moves.get(at, still[at]) for at in range(count)]

    for at, side in itertools.product(range(count), (1, -1)):
        yield way({at: (side, 1)})
    for sides in itertools.product((1, -1), repeat=count if count > 2 else 0):
        yield way({at: (side, 1) for at, side in enumerate(sides)})
    pairs = list(itertools.permutations(range(count), 2))
    unlike = [speeds for speeds in SPEEDS if speeds[0] < speeds[1]]
    alike = [(first, second) for first, second in pairs if first < second]
    signs = list(itertools.product((1, -1), repeat=2))
    for (mover, other), (p, q) in itertools.product(alike, signs):
        yield way({mover: (p, 1), other: (q, 1)})
    for speeds, (mover, other), (p, q) in itertools.product(unlike, pairs, signs):
        yield way({mover: (p, speeds[0]), other: (q, speeds[1])})
    for (mover, other), (p, q) in itertools.product(pairs, signs):
        yield way({mover: (p, 1), other: (q, EXPONENTIAL)})


def _on_the_way(value: float, side: int, speed: int) -> Value:
    if math.isinf(value):
        away = terms.monomial(balls.exact(1.0), -max(speed, 1))
        grown = away if speed else field.exponential(away)
        return field.scale(grown, balls.exact(math.copysign(1.0, value)))
    if speed:
        return paths.coordinate(value, side, speed)
    small = field.exponential(terms.monomial(balls.exact(-1.0), -1))
    step = field.scale(small, balls.exact(float(side)))
    return field.add(terms.constant(exact.rational(value)), step)
