"""What is watched in the search for boundary points: values with levels that they may
cross, and what each means."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction
from functools import cache
from typing import Any

from verifier.floats import Format, power_of_two
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation, Sort
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball


class Kind(IntEnum):
    """What is crossed, in order of priority: each kind has a turn before one has its
    next."""

    END = 0
    """The first and last float of a domain."""
    TURN = 1
    """A kink, jump, pole or end of the domain of an operation, or a turn of PyTorch's
    backward formula."""
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


@dataclass(frozen=True, slots=True)
class Watch:
    """A value, or the difference of two, with levels that it may cross.

    Its rank is 2k between the k-th level and the next one, and odd exactly at a level.
    """

    node: int
    levels: tuple[tuple[Ball, Kind], ...]
    """In increasing order."""
    other: int | None = None
    """The node whose value is taken away."""

    def rank(self, values: Sequence[Any]) -> int | None:
        """Where the value stands among the levels; None where the ball leaves it
        open."""
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
        """The ranks that are reached for the first time on the way from the lower rank
        to the higher."""
        return range(min(before, after) + 1, max(before, after) + 1)

    def kind(self, cut: int) -> Kind:
        """What is crossed at a rank."""
        return self.levels[(cut - 1) // 2][1]


@dataclass(frozen=True, slots=True)
class _IntegerWatch(Watch):
    """A value with every integer for a level; or, of the gamma functions, those that
    are not positive.

    Its rank is 2n at the integer n, and odd between.
    """

    positive: bool = True

    def rank(self, values: Sequence[Any]) -> int | None:
        """Where the value stands among the levels; None where the ball leaves it
        open."""
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
        """What is crossed at a rank."""
        del cut
        return Kind.TURN


@dataclass(frozen=True, slots=True)
class _Turn:
    """Where an operation turns: one of its operands at a level, beside another operand,
    or at an integer."""

    operand: int
    level: Fraction | None = None
    other: int | None = None
    positive: bool = True


Applied = tuple[Operation, tuple[int, ...]]
"""A row, and the nodes that are its operands."""


def applications(program: Program, places: Sequence[int]) -> list[Applied]:
    """The rows in a program, with where their operands went when definitions were
    written out."""
    applied: list[Applied] = []
    for node in program.nodes:
        row = operations.OPERATIONS.get(node.operation)
        if row is not None:
            applied.append((row, tuple(places[index] for index in node.arguments)))
    return applied


def watches(
    program: Program,
    format_: Format,
    applied: Sequence[Applied],
    kinds: Collection[Kind],
) -> Iterator[Watch]:
    """What is watched in a program of which `applied` are those rows that were written
    out, and all others."""
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
                    yield Watch(operand, ((balls.zero(), Kind.TURN),), other)
            elif reached[operand]:
                yield _IntegerWatch(operand, (), positive=turn.positive)
    for index, level in enumerate(levels):
        if level and reached[index]:
            yield Watch(
                index, tuple((balls.exact(at), level[at]) for at in sorted(level))
            )


def with_comparisons(
    program: Program, applied: Iterable[Applied]
) -> tuple[Program, list[Watch]]:
    """The program with what PyTorch's backward formulas compare appended, and watches
    for where that is equal."""
    nodes = list(program.nodes)
    watches: dict[tuple[int, int], Watch] = {}
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
                    watches.setdefault(key, Watch(sides[0], turn, sides[1]))
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
    """Where a node of a form stands among `nodes`, appended with its operands; None if
    it takes a result or adjoint."""
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
    thresholds = {
        overflow: Kind.OVERFLOW,
        format_.smallest_normal: Kind.UNDERFLOW,
        format_.smallest_subnormal / 2: Kind.UNDERFLOW,
    }
    supremum = operations.row(operation).supremum
    if supremum is not None:
        half_ulp = power_of_two(-format_.precision_bits - 1)
        thresholds[supremum * (1 - half_ulp)] = Kind.SATURATION
    return {
        Fraction(0): Kind.VANISHING,
        **thresholds,
        **{-at: thresholds[at] for at in thresholds},
    }


@cache
def _turns(row: Operation) -> tuple[_Turn, ...]:
    """Where an operation turns, by its row of the table; of one that has a definition,
    what that does not tell."""
    turns: list[_Turn] = []
    for operand, interval in enumerate(row.domain):
        ends = (interval.lower, interval.upper)
        turns += [_Turn(operand, end) for end in ends if end is not None]
    if row.definition is None:
        for text in (*row.kinks, *row.jumps, *row.poles):
            turns += _described(text, row)
    return tuple(dict.fromkeys(turns))


def _described(text: str, row: Operation) -> Iterator[_Turn]:
    """What a row says in words: `0`, `integers`, `y = 0 where x ≤ 0`, `x = low`, `x = y
    = 0`."""
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
