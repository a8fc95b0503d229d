"""Boundary points: the floats at which a program turns, vanishes or leaves a format's range, and those beside them.

Along each input, the others standing at a drawn point, every inner value of the written program is watched: where it
crosses a kink, jump, pole or end of the domain of the operation that takes it, zero, or a threshold of the format.
Between two floats of a grid on either side of such a place, bisection over the ordinals finds the neighbours between
which it lies. What is crossed twice between two floats of the grid is not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from fractions import Fraction
from functools import cache, partial
from itertools import pairwise
from typing import Any

from verifier.floats import Format, from_ordinal, nearest, ordinal, power_of_two
from verifier.language.kernels.compositions import expand
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation, Sort
from verifier.language.points.domains import Domain, Normal
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball

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
"""How far a domain `normal` is searched: practically nothing is drawn beyond 12.8 standard deviations times ten."""
GUARD_BITS = 64
"""Precision of the balls beyond the format's."""

Point = Mapping[str, float]
Cluster = Callable[[], list[Point]]
"""The points at one place, found when they are asked for."""


class Kind(IntEnum):
    """What is crossed, in order of priority: each kind has a turn before one has its next."""

    END = 0
    """The first and last float of a domain."""
    TURN = 1
    """A kink, jump, pole or end of the domain of an operation, or a turn of PyTorch's backward formula."""
    ZERO = 2
    """±0 as an input."""
    OVERFLOW = 3
    """Where an inner value begins to round to infinity."""
    VANISHING = 4
    """A zero, or a change of sign, of an inner value."""
    UNDERFLOW = 5
    """Where an inner value becomes subnormal, or rounds to zero."""
    SATURATION = 6
    """Where an operation begins to round to its bound."""
    SMALLEST = 7
    """The smallest normal and subnormal numbers as an input."""


EVERY_KIND = frozenset(Kind)
NAMED = frozenset((Kind.END, Kind.TURN, Kind.ZERO, Kind.VANISHING))
"""What mathematics names; the rest the format does, and so it does the subnormal numbers beside 0."""


def points(
    program: Program,
    domains: Mapping[str, Domain],
    drawn: Sequence[Point],
    format_: Format,
    *,
    kinds: Collection[Kind] = EVERY_KIND,
    allowed: Callable[[Point], bool] = lambda point: True,
) -> list[Point]:
    """At most `MOST_POINTS` boundary points inside the domains that are `allowed` and not among those `drawn`.

    A drawn point gives every input its value; a boundary point is one of the first `LINES` but for one coordinate.
    """
    found: list[Point] = []
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
                    found.append(point)
                if len(found) == MOST_POINTS:
                    return found
    return found


def _reached(domain: Domain, search: _Search) -> range:
    """The ordinals in which an input is moved: a normal one no further than it is drawn, unless the format is asked."""
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
    """A program with all that is watched in it, and the work that may still be spent."""

    def __init__(
        self, program: Program, format_: Format, kinds: Collection[Kind]
    ) -> None:
        written = expand(program)
        defined, places = rewriting.define_in_place(written)
        applied = _applications(written, places)
        own = _applications(defined, range(len(defined.nodes)))
        applied = list(dict.fromkeys((*applied, *own)))
        self.program, comparisons = _with_comparisons(defined, applied)
        self.format = format_
        watches = _watches(defined, format_, applied, kinds)
        self.watches = [*watches, *comparisons]
        self.kinds = kinds
        self.work = MOST_WORK

    @property
    def is_of_machine(self) -> bool:
        """Whether what only the format names is looked for."""
        return Kind.SMALLEST in self.kinds

    def values(self, point: Point) -> list[Any] | None:
        """The values of all nodes at a point, NaN where a value is unknown; None once the work is spent."""
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
        return balls.apply(operation, operands)
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
        """The places on the line, with how many of the same kind and origin came before."""
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
        self, watch: _Watch, grid: Sequence[int]
    ) -> Iterator[tuple[Kind, int, Cluster]]:
        ranks = [(self._rank(watch, position), position) for position in grid]
        known = [(rank, position) for rank, position in ranks if rank is not None]
        seen: Counter[Kind] = Counter()
        for (before, low), (after, high) in pairwise(known):
            for cut in watch.cuts(before, after):
                kind = watch.kind(cut)
                yield kind, seen[kind], partial(self._pinned, watch, cut, low, high)
                seen[kind] += 1

    def _pinned(self, watch: _Watch, cut: int, low: int, high: int) -> list[Point]:
        """The neighbours between which a rank reaches `cut`.

        A number exactly at a level has a cut on either side. One whose ball leaves that open has what is beside it; if
        that is open as well, the place is not found: short of more precision, 1 − exp(−x) may be 0 at 1e-33.
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
        found = [low, high]
        for position, step in ((low, -1), (high, 1)):
            if self._rank(watch, position) is None:
                if self._rank(watch, position + step) is None:
                    return []
                found.append(position + step)
        return self._points(found)

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
        """Whether only the format names a number: a subnormal one of a domain that reaches 0."""
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

    def _rank(self, watch: _Watch, position: int) -> int | None:
        if position not in self.seen:
            point = self._at(from_ordinal(position, self.search.format))
            self.seen[position] = self.search.values(point)
        values = self.seen[position]
        return None if values is None else watch.rank(values)


# ── what is watched ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Watch:
    """A value, or the difference of two, with levels that it may cross.

    Its rank is 2k between the k-th level and the next one, and odd exactly at a level.
    """

    node: int
    levels: tuple[tuple[Ball, Kind], ...]
    """In increasing order."""
    other: int | None = None
    """The node whose value is taken away."""

    def rank(self, values: Sequence[Any]) -> int | None:
        value = values[self.node]
        if self.other is not None:
            value = value - values[self.other]
        if not balls.is_finite(value):
            return None
        rank = 0
        for level, _ in self.levels:
            if value < level:
                break
            if not value > level:
                return rank + 1 if balls.equal(value, level) else None
            rank += 2
        return rank

    def cuts(self, before: int, after: int) -> range:
        """The ranks that are reached for the first time on the way from the lower rank to the higher."""
        return range(min(before, after) + 1, max(before, after) + 1)

    def kind(self, cut: int) -> Kind:
        return self.levels[(cut - 1) // 2][1]


@dataclass(frozen=True, slots=True)
class _IntegerWatch(_Watch):
    """A value with every integer for a level; or, of the gamma functions, those that are not positive.

    Its rank is 2n at the integer n, and odd between.
    """

    positive: bool = True

    def rank(self, values: Sequence[Any]) -> int | None:
        value = values[self.node]
        whole = balls.rational(value.floor()) if balls.is_finite(value) else None
        if whole is None:
            return None
        rank = 2 * int(whole) + (0 if balls.equal(value, value.floor()) else 1)
        return rank if self.positive else min(rank, 1)

    def cuts(self, before: int, after: int) -> range:
        """Of the many that may lie between, the outermost."""
        low, high = min(before, after) + 1, max(before, after)
        return range(low, high + 1, max(1, high - low))

    def kind(self, cut: int) -> Kind:
        del cut
        return Kind.TURN


@dataclass(frozen=True, slots=True)
class _Turn:
    """Where an operation turns: one of its operands at a level, beside another operand, or at an integer."""

    operand: int
    level: Fraction | None = None
    other: int | None = None
    positive: bool = True


Applied = tuple[Operation, tuple[int, ...]]
"""A row, and the nodes that are its operands."""


def _applications(program: Program, places: Sequence[int]) -> list[Applied]:
    """The rows in a program, with where their operands went when definitions were written out."""
    found: list[Applied] = []
    for node in program.nodes:
        row = operations.OPERATIONS.get(node.operation)
        if row is not None:
            found.append((row, tuple(places[index] for index in node.arguments)))
    return found


def _watches(
    program: Program,
    format_: Format,
    applied: Sequence[Applied],
    kinds: Collection[Kind],
) -> Iterator[_Watch]:
    """What is watched in a program of which `applied` are those rows that were written out, and all others."""
    reached = rewriting.reached(program)
    levels: list[dict[Fraction, Kind]] = [{} for _ in program.nodes]
    for index, node in enumerate(program.nodes):
        row = operations.OPERATIONS.get(node.operation)
        if row is not None and row.result is Sort.NUMBER:
            thresholds = _thresholds(node.operation, format_).items()
            levels[index] |= {at: kind for at, kind in thresholds if kind in kinds}
    for row, arguments in applied:
        for turn in _turns(row):
            operand = arguments[turn.operand]
            if turn.level is not None:
                levels[operand][turn.level] = Kind.TURN
            elif turn.other is not None:
                other = arguments[turn.other]
                if reached[operand] or reached[other]:
                    yield _Watch(operand, ((balls.zero(), Kind.TURN),), other)
            elif reached[operand]:
                yield _IntegerWatch(operand, (), positive=turn.positive)
    for index, own in enumerate(levels):
        if own and reached[index]:
            yield _Watch(index, tuple((balls.exact(at), own[at]) for at in sorted(own)))


def _with_comparisons(
    program: Program, applied: Iterable[Applied]
) -> tuple[Program, list[_Watch]]:
    """The program with what PyTorch's backward formulas compare appended, and watches for where that is equal."""
    nodes = list(program.nodes)
    watches: dict[tuple[int, int], _Watch] = {}
    for row, arguments in applied:
        bound = dict(zip(row.operands, arguments, strict=True))
        backward = PYTORCH[row.name].backward
        for text in dict.fromkeys(form for form in backward if form is not None):
            form = parsing.parse_form(text, row)
            for first, second in _compared(form):
                sides = [_append(nodes, form, at, bound) for at in (first, second)]
                if sides[0] is not None and sides[1] is not None:
                    key = sides[0], sides[1]
                    turn = ((balls.zero(), Kind.TURN),)
                    watches.setdefault(key, _Watch(sides[0], turn, sides[1]))
    whole = replace(program, nodes=tuple(nodes))
    reached = rewriting.reached(whole)
    moving = [w for w in watches.values() if reached[w.node] or reached[w.other or 0]]
    return whole, moving


def _compared(form: Program) -> Iterator[tuple[int, int]]:
    for node in form.nodes:
        row = operations.OPERATIONS.get(node.operation)
        if row is not None and row.result is Sort.CONDITION and len(row.domain) == 2:
            first, second = node.arguments
            yield first, second


def _append(
    nodes: list[Node], form: Program, index: int, bound: Mapping[str, int]
) -> int | None:
    """Where a node of a form stands among `nodes`, appended with its operands; None if it takes a result or adjoint."""
    node = form.nodes[index]
    if node.operation == "variable":
        return bound.get(node.name or "")
    operands: list[int] = []
    for argument in node.arguments:
        place = _append(nodes, form, argument, bound)
        if place is None:
            return None
        operands.append(place)
    nodes.append(replace(node, arguments=tuple(operands)))
    return len(nodes) - 1


def _thresholds(operation: str, format_: Format) -> dict[Fraction, Kind]:
    """The levels that every inner value has in a format."""
    overflow = power_of_two(format_.exponent_max + 1) - power_of_two(
        format_.exponent_max - format_.precision_bits
    )
    found = {
        overflow: Kind.OVERFLOW,
        format_.smallest_normal: Kind.UNDERFLOW,
        format_.smallest_subnormal / 2: Kind.UNDERFLOW,
    }
    supremum = operations.row(operation).supremum
    if supremum is not None:
        half_ulp = power_of_two(-format_.precision_bits - 1)
        found[supremum * (1 - half_ulp)] = Kind.SATURATION
    return {Fraction(0): Kind.VANISHING, **found, **{-at: found[at] for at in found}}


@cache
def _turns(row: Operation) -> tuple[_Turn, ...]:
    """Where an operation turns, by its row of the table; of one that has a definition, what that does not tell."""
    found: list[_Turn] = []
    for operand, interval in enumerate(row.domain):
        ends = (interval.lower, interval.upper)
        found += [_Turn(operand, end) for end in ends if end is not None]
    if row.definition is None:
        for text in (*row.kinks, *row.jumps, *row.poles):
            found += _told(text, row)
    return tuple(dict.fromkeys(found))


def _told(text: str, row: Operation) -> Iterator[_Turn]:
    """What a row says in words: `0`, `integers`, `y = 0 where x ≤ 0`, `x = low`, `x = y = 0`."""
    if text in ("integers", "0, −1, −2, …"):
        yield _Turn(row.arity - 1, positive=text == "integers")
        return
    *names, last = text.partition(" where ")[0].split(" = ")
    sides = [row.operands.index(name) for name in names]
    try:
        level = Fraction(last)
    except ValueError:
        if names:  # and not "where p changes": the comparisons in p tell that
            yield _Turn(sides[0], other=row.operands.index(last))
        return
    for operand in sides or [0]:
        yield _Turn(operand, level)
