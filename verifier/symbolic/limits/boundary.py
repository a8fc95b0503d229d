"""Boundary points: the floats at which a program turns, vanishes or leaves a format's
range, and those beside them.

Along each input, the others standing at a drawn point, every inner value of the written
program is watched: where it crosses a kink, jump, pole or end of the domain of the
operation that takes it, zero, or a threshold of the format. Between two floats of a
grid on either side of such a place, bisection over the ordinals finds the neighbours
between which it lies. What is crossed twice between two floats of the grid is not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

from verifier.floats import Format, Point, from_ordinal, nearest, ordinal, power_of_two
from verifier.language.kernels.compositions import expand
from verifier.language.operations import table as operations
from verifier.language.operations.table import Sort
from verifier.language.points.domains import Domain, Normal
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.limits.watches import (
    Kind,
    Watch,
    applications,
    watches,
    with_comparisons,
)

MOST_POINTS = 64
"""Boundary points of a case."""

MOST_WORK = 40_000
"""Operations evaluated in search of them: some tenths of a second."""

LINES = 2
"""Drawn points through which lines along the inputs are laid."""

GRID = 16
"""Steps of the grid over a domain, by ordinal and once more by value."""

LANDMARKS = tuple(power_of_two(power) for power in (-10, -2, 0, 1, 2, 3, 4, 6, 10))
"""More of the grid, on both sides of 0: where formulas have their features."""

NORMAL_REACH = Fraction(128)
"""How far a domain `normal` is searched: practically nothing is drawn beyond 12.8
standard deviations times ten."""

GUARD_BITS = 64
"""Precision of the balls beyond the format's."""


Cluster = Callable[[], list[Point]]
"""The points at one place, searched when they are needed."""

EVERY_KIND = frozenset(Kind)

NAMED = frozenset((Kind.END, Kind.TURN, Kind.ZERO, Kind.VANISHING))
"""What mathematics names; the rest the format does, and so it does the subnormal
numbers beside 0."""


def points(
    program: Program,
    domains: Mapping[str, Domain],
    drawn: Sequence[Point],
    format_: Format,
    *,
    kinds: Collection[Kind] = EVERY_KIND,
    allowed: Callable[[Point], bool] = lambda point: True,
) -> list[Point]:
    """At most `MOST_POINTS` boundary points inside the domains that are `allowed` and
    not among those `drawn`.

    A drawn point gives every input its value; a boundary point is one of the first
    `LINES` but for one coordinate.
    """
    chosen: list[Point] = []
    known = {_key(point) for point in drawn}
    with balls.workprec(format_.precision_bits + GUARD_BITS):
        search = _Search(program, format_, kinds)
        bases = drawn[: 1 if len(domains) == 1 else LINES]
        lines = [
            _Line(search, name, domains[name], _reached(domains[name], search), base)
            for base in bases
            for name in domains
        ]
        for cluster in _in_turn(lines):
            for point in cluster():
                key = _key(point)
                if key not in known and allowed(point):
                    known.add(key)
                    chosen.append(point)
                if len(chosen) == MOST_POINTS:
                    return chosen
    return chosen


def _reached(domain: Domain, search: _Search) -> range:
    """The ordinals in which an input is moved: a normal one no further than it is
    drawn, if only mathematics counts."""
    inside = domain.ordinals(search.format)
    if not isinstance(domain, Normal) or search.is_of_machine:
        return inside
    last = ordinal(nearest(NORMAL_REACH, search.format), search.format)
    return range(max(inside[0], -last), min(inside[-1], last) + 1)


def _in_turn(lines: Sequence[_Line]) -> Iterator[Cluster]:
    """The clusters of all lines: the first of every kind, then the second, and so on.

    Within a kind, what crosses for the first time comes before what has had a turn.
    """
    queues: dict[Kind, list[tuple[int, Cluster]]] = {kind: [] for kind in Kind}
    for line in lines:
        for kind, nth, cluster in line.clusters():
            queues[kind].append((nth, cluster))
    for queue in queues.values():
        queue.sort(key=lambda entry: entry[0])
    for index in range(max(map(len, queues.values()))):
        for queue in queues.values():
            if index < len(queue):
                yield queue[index][1]


def _key(point: Point) -> tuple[tuple[str, str], ...]:
    """What tells points apart, −0 from 0 included."""
    return tuple((name, value.hex()) for name, value in sorted(point.items()))


class _Search:
    """A program with all that is watched in it, and the work that may still be
    spent."""

    def __init__(
        self, program: Program, format_: Format, kinds: Collection[Kind]
    ) -> None:
        written = expand(program)
        defined, places = rewriting.define_in_place(written)
        applied = applications(written, places)
        inner = applications(defined, range(len(defined.nodes)))
        applied = list(dict.fromkeys((*applied, *inner)))
        self.program, comparisons = with_comparisons(defined, applied)
        self.format = format_
        self.watches = [*watches(defined, format_, applied, kinds), *comparisons]
        self.kinds = kinds
        self.work = MOST_WORK

    @property
    def is_of_machine(self) -> bool:
        """Whether what only the format names is looked for."""
        return Kind.SMALLEST in self.kinds

    def values(self, point: Point) -> list[Any] | None:
        """The values of all nodes at a point, NaN where a value is unknown; None once
        the work is spent."""
        if self.work <= 0:
            return None
        self.work -= len(self.program.nodes)
        done: list[Any] = []
        for node in self.program.nodes:
            if node.operation == "variable":
                done.append(balls.exact(point[node.name or ""]))
            elif node.operation == "constant":
                done.append(balls.constant(node.name, node.number))
            else:
                done.append(_apply(node.operation, [done[at] for at in node.arguments]))
        return done


def _apply(operation: str, operands: Sequence[Any]) -> Any:
    row = operations.OPERATIONS[operation]
    known = all(
        sort is Sort.CONDITION or balls.is_finite(operand)
        for operand, sort in zip(operands, row.sorts, strict=True)
    )
    if known or operation == "where":
        return evaluation.apply(operation, operands)
    return None if row.result is Sort.CONDITION else balls.anything()


@dataclass(frozen=True, slots=True)
class _Line:
    """The line along one input through a drawn point."""

    search: _Search
    name: str
    domain: Domain
    inside: range
    """The ordinals of the numbers in the input's domain."""
    base: Point
    seen: dict[int, list[Any] | None] = field(default_factory=dict)

    def clusters(self) -> Iterator[tuple[Kind, int, Cluster]]:
        """The places on the line, with how many of the same kind and origin came
        before."""
        named_ends = (
            (self.domain.lower, self.inside[0]),
            (self.domain.upper, self.inside[-1]),
        )
        for end, place in named_ends:
            if end.is_finite or self.search.is_of_machine:
                yield Kind.END, 0, partial(self._around, place)
        yield Kind.ZERO, 0, self._zeros
        if self.search.is_of_machine:
            yield from self._smallest()
        grid = self._grid()
        for watch in self.search.watches:
            yield from self._crossings(watch, grid)

    def _smallest(self) -> Iterator[tuple[Kind, int, Cluster]]:
        format_ = self.search.format
        for number in (format_.smallest_normal, format_.smallest_subnormal):
            for sign in (1, -1):
                place = sign * self._ordinal(number)
                yield Kind.SMALLEST, 0, partial(self._around, place)

    def _crossings(
        self, watch: Watch, grid: Sequence[int]
    ) -> Iterator[tuple[Kind, int, Cluster]]:
        ranks = [(self._rank(watch, position), position) for position in grid]
        known = [(rank, position) for rank, position in ranks if rank is not None]
        seen: Counter[Kind] = Counter()
        for (before, low), (after, high) in pairwise(known):
            for cut in watch.cuts(before, after):
                kind = watch.kind(cut)
                yield kind, seen[kind], partial(self._pinned, watch, cut, low, high)
                seen[kind] += 1

    def _pinned(self, watch: Watch, cut: int, low: int, high: int) -> list[Point]:
        """The neighbours between which a rank reaches `cut`.

        A number exactly at a level has a cut on either side. One whose ball leaves that
        open has what is beside it; if that is open as well, the place is not found:
        short of more precision, 1 − exp(−x) may be 0 at 1e-33.
        """
        if self.search.work <= 0:
            return []

        def reaches(position: int) -> bool:
            rank = self._rank(watch, position)
            return rank is not None and rank >= cut

        start = reaches(low)
        while high - low > 1:
            middle = (low + high) // 2
            if reaches(middle) == start:
                low = middle
            else:
                high = middle
        positions = [low, high]
        for position, step in ((low, -1), (high, 1)):
            if self._rank(watch, position) is None:
                if self._rank(watch, position + step) is None:
                    return []
                positions.append(position + step)
        return self._points(positions)

    def _around(self, position: int) -> list[Point]:
        return self._points([position, position - 1, position + 1])

    def _zeros(self) -> list[Point]:
        if 0 not in self.inside:
            return []
        zeros = [self._at(0.0), *self._points([1, -1])]
        # A domain that begins at 0 does not mean the zero on the far side of it.
        return [self._at(-0.0), *zeros] if -1 in self.inside else zeros

    def _points(self, positions: Sequence[int]) -> list[Point]:
        return [
            self._at(from_ordinal(position, self.search.format))
            for position in positions
            if position in self.inside and not self._is_unnamed(position)
        ]

    def _is_unnamed(self, position: int) -> bool:
        """Whether only the format names a number: a subnormal one of a domain that
        reaches 0."""
        if self.search.is_of_machine or self.inside[0] > 1 or self.inside[-1] < -1:
            return False
        return 0 < abs(position) < self._ordinal(self.search.format.smallest_normal)

    def _at(self, value: float) -> Point:
        return {**self.base, self.name: value}

    def _grid(self) -> list[int]:
        """Ordinals on both sides of what may be crossed, in order."""
        first, last = self.inside[0], self.inside[-1]
        ends = [
            Fraction(from_ordinal(end, self.search.format)) for end in (first, last)
        ]
        step = (ends[1] - ends[0]) / GRID
        numbers = [ends[0] + step * k for k in range(GRID + 1)]
        numbers += [sign * number for number in LANDMARKS for sign in (1, -1)]
        positions = {self._ordinal(number) for number in numbers}
        positions |= {first + (last - first) * k // GRID for k in range(GRID + 1)}
        positions |= {-1, 0, 1}
        return sorted(position for position in positions if position in self.inside)

    def _ordinal(self, number: Fraction) -> int:
        format_ = self.search.format
        return ordinal(nearest(number, format_), format_)

    def _rank(self, watch: Watch, position: int) -> int | None:
        if position not in self.seen:
            point = self._at(from_ordinal(position, self.search.format))
            self.seen[position] = self.search.values(point)
        values = self.seen[position]
        return None if values is None else watch.rank(values)
