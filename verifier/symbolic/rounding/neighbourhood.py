"""What the truth is at inputs within a few ulps of a point: its range there, and where
it ends.

The range over a box of inputs is searched by halving: a box whose ball leaves a number
out does not contain it; a box on which the truth is smooth does where two of its
corners have the number between them (intermediate value theorem), or where all of it is
close to the number. A box that keeps an edge at `DEEPEST` halvings holds one: a pole, a
jump, a kink or an end of the domain. What is true there is read off the truth close to
it, on each side: a heuristic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.floats import Format, neighbour, power_of_two, ulp
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.rounding.boxes import (
    GROWTH,
    MOST_BOXES,
    Interval,
    centre,
    halves,
)

Inputs = Mapping[str, float | Ball]
Box = Mapping[str, Interval]

DEEPEST = 16
"""Halvings of every input past which an edge is taken for met."""
SMOOTH_DEEPEST = 10
"""The same of a box on which the truth is smooth and as good as the number: it may only
touch it."""
SHRUNK = Fraction(1, 1 << 6)
"""Part of the whole range to which that of the smallest boxes has to shrink."""
MOST_EDGES = 4
"""Edges at which a number may turn out not to be true; those that are left lie mostly
along the same line."""
APPROACH = (2, 6, 11)
"""How close to an edge the truth is evaluated, in halvings of an ulp. The steps grow,
as those of a logarithm do then."""
ALONE_DEEPEST = 48
"""Halvings past which an edge that one input leads to is taken for met. What grows up
to it may be bounded all the same, as 1/(10⁻⁶ + x) is."""
ALONE_APPROACH = (2, 14, 44)
KNOWN_BITS = 30
"""Relative accuracy of the truth at the point that the balls' precision has to give."""
MOST_BITS = 4_000


@dataclass(frozen=True, slots=True)
class Side:
    """What is true on one side of an edge: up to a limit, or beyond all bounds."""

    lower: float | Fraction
    upper: float | Fraction


@dataclass(frozen=True, slots=True)
class _Near:
    """A number, and what counts as close to it."""

    number: Fraction
    relative: Fraction
    absolute: Fraction

    def close(self, truth: Fraction) -> bool:
        """Whether the number is this truth, as far as is asked."""
        within = max(self.relative * abs(truth), self.absolute)
        return abs(self.number - truth) <= within

    def some(self, lower: float | Fraction, upper: float | Fraction) -> bool:
        """Whether it is a truth between the ends."""
        if lower <= self.number <= upper:
            return True
        return self.close(Fraction(lower if self.number < lower else upper))


@dataclass(frozen=True, slots=True)
class _Part:
    """A box after some halvings, and what is known of the truth over it."""

    box: Box
    depth: int
    known: Known

    def distance(self, number: Fraction) -> float | Fraction:
        """How far the middle of the truth is from the number; infinite where nothing is
        known."""
        middle = _middle(self.known)
        return math.inf if middle is None else abs(middle - number)


@dataclass(slots=True)
class _Search:
    """A number looked for among the truths of a box."""

    near: _Near
    width: Fraction = Fraction(0)
    """That of the truth over the whole box, where it is smooth there."""
    rises: Mapping[str, bool] | None = None
    """With which inputs the truth rises over the first box that is smooth."""


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The inputs about a point, and what is true there."""

    evaluate: Callable[[Inputs], Known]
    point: Mapping[str, float]
    format: Format

    def precision(self) -> int | None:
        """At which the truth at the point shows some digits, or an edge; None where it
        shows nothing."""
        first = self.format.precision_bits + 2 * DEEPEST
        for bits, known in attempts(
            lambda: self.evaluate(self.point), first, MOST_BITS
        ):
            if known.standing in (Standing.LIMIT, Standing.UNDEFINED):
                return bits
            regular = known.standing is Standing.REGULAR
            if regular and balls.is_known_to(known.ball, KNOWN_BITS):
                return bits
        return 2 * bits if regular else None

    def box(self, steps: int) -> Box:
        """The finite inputs within so many ulps; an infinite one or NaN stays as it
        is."""
        box = {}
        for name, value in self.point.items():
            if math.isnan(value):  # has no neighbours
                continue
            ends = [neighbour(value, n, self.format) for n in (-steps, steps)]
            if all(map(math.isfinite, ends)):
                box[name] = Fraction(ends[0]), Fraction(ends[1])
        return box

    def over(self, box: Box) -> Known:
        """What is true over a box."""
        inputs: dict[str, float | Ball] = dict(self.point)
        for name, (low, high) in box.items():
            inputs[name] = balls.exact(low).union(balls.exact(high))
        return self.evaluate(inputs)

    def at(self, place: Mapping[str, Fraction]) -> Known:
        """What is true at a place."""
        inputs: dict[str, float | Ball] = dict(self.point)
        inputs.update({name: balls.exact(value) for name, value in place.items()})
        return self.evaluate(inputs)


class Neighbourhood:
    """One quantity's truth about a point; `evaluate` encloses it over balls of inputs
    at the precision in force."""

    def __init__(
        self,
        evaluate: Callable[[Inputs], Known],
        point: Mapping[str, float],
        format_: Format,
        *,
        by_interval: bool,
    ) -> None:
        """`by_interval`: at an edge every number between its sides is true, as of a
        derivative (Clarke)."""
        self.around = _Surroundings(evaluate, point, format_)
        self.by_interval = by_interval
        self.bits = self.around.precision()

    def holds(
        self, number: float, steps: int, *, relative: Fraction, absolute: Fraction
    ) -> bool:
        """Whether a finite number is a truth of inputs within `steps` ulps, to a
        relative or an absolute tolerance."""
        search = _Search(_Near(Fraction(number), relative, absolute))
        if self.bits is None:
            return True
        with balls.workprec(self.bits):
            first = self._part(self.around.box(steps), 0)
            if first.known.standing is Standing.REGULAR:
                ends = balls.enclosure(first.known.ball)
                search.width = ends.upper - ends.lower
            stack, seen, edges = [first], 0, 0
            while stack:
                part = stack.pop()
                is_edge = part.known.standing in (Standing.UNSURE, Standing.LIMIT)
                if is_edge and edges >= MOST_EDGES:
                    continue
                seen += 1
                if seen > MOST_BOXES:
                    return True
                is_held = self._holds(part, search)
                if is_held:
                    return True
                edges += is_edge and is_held is False
                if is_held is None:
                    parts = [
                        self._part(half, part.depth + 1)
                        for half in halves(part.box, part.depth)
                    ]
                    # The half that comes closer is looked at first.
                    parts.sort(key=lambda half: -half.distance(search.near.number))
                    stack += parts
        return False

    def _part(self, box: Box, depth: int) -> _Part:
        return _Part(box, depth, self.around.over(box))

    def _holds(self, part: _Part, search: _Search) -> bool | None:
        """Whether a box holds the number; None where its halves have to tell."""
        deep, known, near = len(part.box) or 1, part.known, search.near
        if known.standing is Standing.UNDEFINED:
            return False
        if known.standing is not Standing.REGULAR:
            if part.depth < DEEPEST * deep:
                return None
            return self._is_at_edge(part.box, near)
        ends = balls.enclosure(known.ball)
        if not near.some(ends.lower, ends.upper):
            return False
        if part.depth >= SMOOTH_DEEPEST * deep:
            # A ball that does not shrink is that of a quotient next to its pole: it
            # says nothing.
            width, middle = ends.upper - ends.lower, (ends.lower + ends.upper) / 2
            return width <= SHRUNK * max(search.width, abs(middle))
        return self._is_reached(part.box, search, (ends.lower, ends.upper)) or None

    def ends(self, steps: int) -> bool:
        """Whether a pole or an end of the domain lies within `steps` ulps."""
        if self.bits is None:
            return False
        box = self.around.box(steps)
        # Mostly one input alone leads there, which is soon known.
        alone = [{name: ends} for name, ends in box.items()]
        with balls.workprec(self.bits + 2 * ALONE_DEEPEST):
            return any(self._ends(part) for part in (*alone, box))

    def _ends(self, box: Box) -> bool:
        alone = len(box) == 1
        deepest = ALONE_DEEPEST if alone else DEEPEST * len(box)
        approach = ALONE_APPROACH if alone else APPROACH
        stack, seen, edges = [(box, 0)], 0, 0
        while stack and seen < MOST_BOXES and edges < MOST_EDGES:
            box, depth = stack.pop()
            seen += 1
            standing = self.around.over(box).standing
            if standing is Standing.UNDEFINED:
                return True
            if standing is Standing.REGULAR:
                continue
            if depth < deepest:
                stack += [(half, depth + 1) for half in halves(box, depth)]
                continue
            edges += 1
            sides = list(self._sides(box, approach))
            if any(side is None or _is_unbounded(side) for side in sides):
                return True
        return False

    # ── what is reached ───────────────────────────────────────────────────────────────

    def _is_reached(self, box: Box, search: _Search, ends: Interval) -> bool:
        """Whether the truth, smooth on the box, is known to take the number there."""
        if all(search.near.close(end) for end in ends):
            return True
        if search.rises is None:
            search.rises = self._rising(box)
        first, second = self._extremes(box, search.rises)
        if first is None or second is None:
            return False
        return min(first, second) <= search.near.number <= max(first, second)

    def _extremes(
        self, box: Box, rises: Mapping[str, bool]
    ) -> tuple[Fraction | None, Fraction | None]:
        """The truth at the corners to which it falls and rises: any two do, these reach
        far."""
        lowest = {name: ends[not rises[name]] for name, ends in box.items()}
        highest = {name: ends[rises[name]] for name, ends in box.items()}
        return _middle(self.around.at(lowest)), _middle(self.around.at(highest))

    def _rising(self, box: Box) -> dict[str, bool]:
        """With which inputs the truth rises over a box, from its middle."""
        middle = centre(box)
        rises: dict[str, bool] = {}
        for name, ends in box.items():
            low, high = (_middle(self.around.at({**middle, name: end})) for end in ends)
            rises[name] = low is None or high is None or low <= high
        return rises

    # ── edges ─────────────────────────────────────────────────────────────────────────

    def _is_at_edge(self, box: Box, near: _Near) -> bool:
        """Whether the number is what the truth tends to at the edge in the box, from
        some side or between them."""
        sides = [side for side in self._sides(box, APPROACH) if side is not None]
        bounded = [side for side in sides if not _is_unbounded(side)]
        if self.by_interval and bounded:
            lower = min(side.lower for side in bounded)
            sides.append(Side(lower, max(side.upper for side in bounded)))
        return any(near.some(side.lower, side.upper) for side in sides)

    def _sides(self, box: Box, approach: Sequence[int]) -> Iterator[Side | None]:
        """What is true on each side of the edge in a box, along every input; None where
        the domain has ended."""
        edge = centre(box)
        for name, value in edge.items():
            unit = ulp(Fraction(self.around.point[name]), self.around.format)
            for direction in (-1, 1):
                steps = [direction * unit * power_of_two(-n) for n in approach]
                truths = [
                    self.around.at({**edge, name: value + step}) for step in steps
                ]
                if any(t.standing is Standing.UNDEFINED for t in truths):
                    yield None
                    continue
                known = [_middle(truth) for truth in truths]
                far, near, nearest_ = known
                if far is not None and near is not None and nearest_ is not None:
                    yield _side(far, near, nearest_)


def _side(far: Fraction, near: Fraction, nearest_: Fraction) -> Side:
    """What three truths, each closer to an edge, tend to: where their distances do not
    shrink, an infinity."""
    change = nearest_ - near
    grows = abs(change) >= max(abs(near - far), abs(nearest_) * GROWTH)
    if change and grows:
        if change > 0:
            return Side(nearest_, math.inf)
        return Side(-math.inf, nearest_)
    return Side(nearest_ - 2 * abs(change), nearest_ + 2 * abs(change))


def _is_unbounded(side: Side) -> bool:
    return side.lower == -math.inf or side.upper == math.inf


def _middle(known: Known) -> Fraction | None:
    if known.standing is not Standing.REGULAR or not balls.is_finite(known.ball):
        return None
    ends = balls.enclosure(known.ball)
    return (ends.lower + ends.upper) / 2
