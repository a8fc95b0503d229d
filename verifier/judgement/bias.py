"""Errors that are all on one side: each number alone could be rounding, all of them
together cannot.

Of the numbers that are not the truth correctly rounded, those too large and those too
small are counted, by magnitude and by sign, over everything and over every stretch of
an input and of the truth. Numbers that round alike count once: a true number of the
dtype, and a 256th of the range of each input, has one vote. A kernel that computes in
float32 and rounds once has hardly any such number; one that rounds every operation has
many, on both sides, with a lean where its intermediate results hardly move. So a lean
is compared with runs of the specification whose roundings are moved at random
(`automatic.roundings`), at the same points: what they show too is rounding.

Where the wrong numbers are those of a smooth function that is rounded once
(`_is_rounded_once`), nothing inside was rounded to the dtype, and rounding every
operation is no excuse: there a lean is compared with runs that are smooth too, as those
that compute in float32 and round but the constants.

The thresholds are a heuristic, chosen on the population on which they were tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import median, pstdev

THRESHOLD = 8.0
"""How many standard deviations of fair votes make a lean."""
FEW = 9
"""Votes that a kernel that computes in float32 may get wrong without a lean."""
PURE = 0.05
"""Votes for the other side, as a part of those for the one, that a lean may have."""
STRETCHES = 32
"""Equal parts of the votes, of which every run of neighbours is looked at."""
CELLS = 256
"""Parts of the range of an input."""
SMOOTH = 0.25
"""An error that is smooth changes sides less often than this part of what rounding
every operation does."""
WINDOW = 16
"""Neighbouring votes that one factor, or one summand, must explain where a smooth
function is rounded once."""
SLACK = 1 / 16
"""Ulps by which a smooth error may change over a window, and float32 may move it."""
ROUGH = 0.1
"""Windows, as a part of those with a wrong number, that nothing need explain: where the
function jumps."""
ONCE_THRESHOLD = 4.0
"""As `THRESHOLD`, of what is rounded once: there every wrong number is evidence."""
INSIDE = 2.0**-16
"""The relative error that may come of computing in float32: a wrong number that it
explains is no evidence."""
COMPARABLE = 0.5
"""A lean of the specification's own that is at least this part of the one at hand
explains it."""
LARGE_ULP, LARGE_FACTOR = 1.0, 2.0
"""What rounds every operation leans by more than this, and by this times as much as the
specification, if wrong."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One quantity at many points, where PyTorch's number and the truth are finite and
    the truth a normal number."""

    points: Sequence[Mapping[str, float]]
    measured: Sequence[float]
    rounded: Sequence[float]
    """The truth correctly rounded."""
    unit: Sequence[float]
    """The ulp of the truth."""
    rest: Sequence[float]
    """The truth less `rounded`, in ulps."""

    def true(self, index: int) -> float:
        """The truth in double precision."""
        return self.rounded[index] + self.rest[index] * self.unit[index]

    def evident(self, excess: Sequence[float]) -> list[float]:
        """The excess of those numbers that no rounding of what is next to the truth
        gives; 0 of the others."""

        def is_evident(index: int) -> bool:
            near = INSIDE * abs(self.rounded[index]) / self.unit[index]
            return abs(excess[index] - self.rest[index]) > self.half[index] + near

        return [
            one if one and is_evident(index) else 0.0
            for index, one in enumerate(excess)
        ]

    @cached_property
    def half(self) -> list[float]:
        """How far what rounds to the measured number may lie from it, in ulps of the
        truth."""
        binades = (
            math.frexp(found)[1] - math.frexp(self.true(index))[1]
            for index, found in enumerate(self.measured)
        )
        return [math.ldexp(0.5, max(apart, 0)) for apart in binades]

    @cached_property
    def relative_unit(self) -> list[float]:
        """The ulp as a part of the truth."""
        return [unit / self.true(index) for index, unit in enumerate(self.unit)]

    def excess(self, measured: Sequence[float]) -> list[float]:
        """How many ulps each number lies above the correctly rounded truth; 0 where it
        is not finite."""
        return [
            (number - right) / unit if math.isfinite(number) else 0.0
            for number, right, unit in zip(
                measured, self.rounded, self.unit, strict=True
            )
        ]


Model = Callable[[bool], Sequence[Sequence[float]]]
"""What runs of the specification give at the points of a column: of those that round
every operation to the dtype, or, if True, also of those that compute in float32 and
round to the dtype only the result and, some, the constants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A lean to one side: whether it is a difference, where it shows most, and what it
    is."""

    biased: bool
    place: int
    """The point of the column with the largest error to that side."""
    message: str


def examine(column: Column, model: Model) -> Finding | None:
    """The strongest lean that rounding does not explain; else the strongest that it
    does, as a note; else None."""
    excess = column.excess(column.measured)
    both = [_Votes(column, by_magnitude=True), _Votes(column, by_magnitude=False)]
    once = any(_is_rounded_once(votes, excess) for votes in both)
    least = ONCE_THRESHOLD if once else THRESHOLD
    counted = column.evident(excess)
    leans = [(votes, lean) for votes in both for lean in votes.leans(counted, least)]
    if not leans:
        return None
    leans.sort(key=lambda pair: -abs(pair[1].score))
    runs = [column.excess(run) for run in model(once)]
    if not runs:
        return _finding(column, *leans[0], biased=False)
    if once:
        # What jumps explains nothing that is smooth; x + 0.1 rounded to the spacing of
        # x may be smooth.
        runs = [run for run in runs if any(_is_rounded_once(v, run) for v in both)]
    evident = [column.evident(run) for run in runs]
    rivals = [_Rivals(votes, counted, evident, once=once) for votes in both]
    for votes, lean in leans:
        if not rivals[both.index(votes)].explain(lean):
            return _finding(column, votes, lean, biased=True)
    return _finding(column, *leans[0], biased=False, once=once)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lean:
    order: str
    """The input along which it is a stretch; empty for the magnitude of the truth."""
    begin: int
    end: int
    """Its votes, in that order, from the first to before the last."""
    score: float
    shift: float
    """The mean excess of its votes in ulps."""


class _Votes:
    """Points put together that round alike, with what they say of a column's errors."""

    def __init__(self, column: Column, *, by_magnitude: bool) -> None:
        self.column = column
        self.by_magnitude = by_magnitude
        self.signs = [
            math.copysign(1.0, right) if by_magnitude else 1.0
            for right in column.rounded
        ]
        names = list(column.points[0])
        widths = {name: _width([p[name] for p in column.points]) for name in names}
        self.inputs = [name for name in names if widths[name][1] > 0]
        grouped: dict[tuple[float, ...], list[int]] = {}
        for index, point in enumerate(column.points):
            right = column.rounded[index]
            cells = (_cell(point[name], widths[name]) for name in self.inputs)
            key = (abs(right) if by_magnitude else right, *cells)
            grouped.setdefault(key, []).append(index)
        self.members = list(grouped.values())

    @cached_property
    def orders(self) -> Mapping[str, Sequence[int]]:
        """The votes in the order of each input, and of the magnitude of the truth."""
        column = self.column
        firsts = [members[0] for members in self.members]
        every = range(len(firsts))
        slices = {
            name: sorted(every, key=lambda v: column.points[firsts[v]][name])
            for name in self.inputs
        }
        slices[""] = sorted(every, key=lambda v: abs(column.rounded[firsts[v]]))
        return slices

    def means(self, excess: Sequence[float]) -> list[float]:
        """The mean excess of each vote, of magnitude or as it is; its sign is the
        vote."""
        signed = [one * sign for one, sign in zip(excess, self.signs, strict=True)]
        return [
            signed[members[0]]
            if len(members) == 1
            else sum([signed[i] for i in members]) / len(members)
            for members in self.members
        ]

    def leans(self, excess: Sequence[float], least: float) -> Iterator[_Lean]:
        """Every stretch with a score of at least so much, and hardly a vote for the
        other side."""
        means = self.means(excess)
        if sum(mean != 0 for mean in means) < least**2:
            return
        for name, order in self.orders.items():
            edges = _edges(len(order))
            ups, downs, sums = (
                list(accumulate(column, initial=0.0))
                for column in (
                    [float(means[vote] > 0) for vote in order],
                    [float(means[vote] < 0) for vote in order],
                    [means[vote] for vote in order],
                )
            )
            for first, begin in enumerate(edges):
                for end in edges[first + 1 :]:
                    up, down = ups[end] - ups[begin], downs[end] - downs[begin]
                    score = (up - down) / math.sqrt(up + down + FEW)
                    if abs(score) < least or min(up, down) > PURE * max(up, down):
                        continue
                    yield _Lean(
                        order=name,
                        begin=begin,
                        end=end,
                        score=score,
                        shift=(sums[end] - sums[begin]) / (end - begin),
                    )


class _Said:
    """What one column says along the orders of the votes: sums over every stretch at
    the cost of two look-ups."""

    def __init__(self, votes: _Votes, excess: Sequence[float]) -> None:
        means = votes.means(excess)
        self.sums: dict[str, list[float]] = {}
        self.votes: dict[str, list[int]] = {}
        self.turns: dict[str, list[int]] = {}
        for name, order in votes.orders.items():
            self.sums[name] = list(accumulate((means[v] for v in order), initial=0.0))
            said, turns, last = [0], [0], 0.0
            for mean in (means[vote] for vote in order):
                said.append(said[-1] + (mean != 0))
                turns.append(turns[-1] + (mean * last < 0))
                last = mean or last
            self.votes[name], self.turns[name] = said, turns

    def shift(self, order: str, begin: int, end: int) -> float:
        """The mean excess of a stretch in ulps."""
        sums = self.sums[order]
        return (sums[end] - sums[begin]) / (end - begin)

    def turning(self, order: str, begin: int = 0, end: int = -1) -> float:
        """How often votes next to each other are on different sides: of a smooth error
        hardly ever."""
        turns, said = self.turns[order], self.votes[order]
        return (turns[end] - turns[begin]) / max(said[end] - said[begin], 1)


class _Rivals:
    """What runs of the specification show of the same votes."""

    def __init__(
        self,
        votes: _Votes,
        excess: Sequence[float],
        runs: Sequence[Sequence[float]],
        *,
        once: bool,
    ) -> None:
        self.once = once
        self.own = _Said(votes, excess)
        self.runs = [_Said(votes, run) for run in runs]

    def is_smoother(self, order: str, begin: int, end: int) -> bool:
        """Whether the errors change sides less often in a stretch than roundings do."""
        usual = median(run.turning(order, begin, end) for run in self.runs)
        return self.own.turning(order, begin, end) < SMOOTH * usual

    def explain(self, lean: _Lean) -> bool:
        """Whether rounding as the runs do may lean as far there."""
        stretch = lean.order, lean.begin, lean.end
        widest = max((abs(run.shift(*stretch)) for run in self.runs), default=0.0)
        if self.once:
            return widest >= COMPARABLE * abs(lean.shift)
        return abs(lean.shift) < max(
            LARGE_ULP, LARGE_FACTOR * widest
        ) or not self.is_smoother(*stretch)


# ── rounded once ──────────────────────────────────────────────────────────────────────


def _is_rounded_once(votes: _Votes, excess: Sequence[float]) -> bool:
    """Whether the numbers are those of a smooth function, not far from the truth,
    rounded to the dtype once.

    Then what was rounded lies within half an ulp of each number, and among neighbours
    along an input its distance from the truth is nearly one factor or one summand: some
    number must lie in all of their intervals. Where every operation rounds, errors jump
    from one number to the next, and none does.
    """
    wrong = [mean != 0 for mean in votes.means(votes.column.evident(excess))]
    if not any(wrong):
        return False
    units = votes.column.relative_unit, votes.column.unit
    intervals = [_before_rounding(votes, excess, unit) for unit in units]
    return any(
        _is_smooth(votes.orders[name], wrong, intervals) for name in votes.inputs
    )


_Interval = tuple[float, float]


def _before_rounding(
    votes: _Votes, excess: Sequence[float], unit: Sequence[float]
) -> list[_Interval]:
    """Of each vote, where the distance from the truth to what was rounded lies, an ulp
    counted as the unit."""
    half, rest = votes.column.half, votes.column.rest

    def interval(index: int) -> _Interval:
        ulp = unit[index]
        middle = (excess[index] - rest[index]) * ulp
        reach = (half[index] + SLACK) * abs(ulp)
        return middle - reach, middle + reach

    return [_common(interval(i) for i in members) for members in votes.members]


def _common(intervals: Iterable[_Interval]) -> _Interval:
    lows, highs = zip(*intervals, strict=True)
    return max(lows), min(highs)


def _is_smooth(
    order: Sequence[int], wrong: Sequence[bool], intervals: Sequence[list[_Interval]]
) -> bool:
    """Whether nearly every window in which something is wrong has a number in all of
    its intervals."""
    looked_at = smooth = 0
    for begin in range(0, max(len(order) - WINDOW, 0) + 1, WINDOW // 2):
        window = order[begin : begin + WINDOW]
        if any(wrong[vote] for vote in window):
            looked_at += 1
            common = (_common(each[vote] for vote in window) for each in intervals)
            smooth += any(low <= high for low, high in common)
    return looked_at > 0 and looked_at - smooth <= ROUGH * looked_at


def _width(values: Sequence[float]) -> tuple[float, float]:
    low = min(values)
    return low, max(values) - low


def _cell(value: float, width: tuple[float, float]) -> float:
    low, whole = width
    return math.floor((value - low) / whole * CELLS) if math.isfinite(whole) else value


def _edges(count: int) -> list[int]:
    parts = min(STRETCHES, count)
    return [round(part * count / parts) for part in range(parts + 1)]


# ── what is said of it ────────────────────────────────────────────────────────────────


def _finding(
    column: Column, votes: _Votes, lean: _Lean, *, biased: bool, once: bool = False
) -> Finding:
    side = math.copysign(1.0, lean.score)
    excess = column.excess(column.measured)
    order = votes.orders[lean.order]
    ends = (lean.begin == 0, lean.end == len(order))
    chosen: Sequence[int] = sorted(
        i for vote in order[lean.begin : lean.end] for i in votes.members[vote]
    )
    leaning = [i for i in chosen if excess[i] * votes.signs[i] * side > 0]
    worst = max(leaning, key=lambda i: abs(excess[i] - column.rest[i]))
    larger, smaller = ("large", "small") if side > 0 else ("small", "large")
    where, chosen = _where(column, lean.order, ends, chosen, leaning)
    against = sum(excess[i] * votes.signs[i] * side < 0 for i in chosen)
    words = (
        f"{_fit(column, chosen)} at {len(chosen)} points{where}; of those not correctly rounded "
        f"{len(leaning)} are too {larger} and {against or 'none'} too {smaller}"
    )
    if votes.by_magnitude:
        words += ", in magnitude"
    if biased:
        tail = "each alone could be rounding, together they cannot"
    elif once:
        tail = "as where the constants of the specification are rounded to the dtype"
    else:
        tail = "as where every operation of the specification rounds to the dtype"
    return Finding(biased=biased, place=worst, message=f"{words}: {tail}")


def _fit(column: Column, chosen: Sequence[int]) -> str:
    """The factor or the summand that brings the truths nearest to the numbers, least
    squares in ulps; its spread."""
    errors = [
        (column.measured[i] - column.rounded[i]) / column.unit[i] - column.rest[i]
        for i in chosen
    ]
    sizes = [column.true(i) / column.unit[i] for i in chosen]
    parts = [1 / column.unit[i] for i in chosen]
    scale, of_scale = _least_squares(errors, sizes)
    summand, of_summand = _least_squares(errors, parts)
    if of_scale <= of_summand:
        ratios = [column.measured[i] / column.true(i) for i in chosen if column.true(i)]
        return f"measured / true = {1 + scale:.5g} ± {pstdev(ratios):.1g}"
    differences = [column.measured[i] - column.true(i) for i in chosen]
    return f"measured − true = {summand:.3g} ± {pstdev(differences):.1g}"


def _least_squares(
    errors: Sequence[float], along: Sequence[float]
) -> tuple[float, float]:
    """The factor of `along` that fits the errors best, and the squares that it
    leaves."""
    size = math.fsum(a * a for a in along)
    factor = (
        math.fsum(e * a for e, a in zip(errors, along, strict=True)) / size
        if size
        else 0.0
    )
    left = (e - factor * a for e, a in zip(errors, along, strict=True))
    return factor, math.fsum(one * one for one in left)


def _where(
    column: Column,
    order: str,
    ends: tuple[bool, bool],
    chosen: Sequence[int],
    leaning: Sequence[int],
) -> tuple[str, Sequence[int]]:
    """The stretch as words, from the first to the last number that leans, and its
    points."""
    if all(ends):
        return "", chosen

    def along(index: int) -> float:
        if order:
            return column.points[index][order]
        return abs(column.rounded[index])

    numbers = [along(index) for index in leaning]
    name = order or "|true|"
    low, high = min(numbers), max(numbers)
    inside = [index for index in chosen if low <= along(index) <= high]
    if ends[0]:
        return f" up to {name} = {high:.6g}", inside
    if ends[1]:
        return f" from {name} = {low:.6g} on", inside
    return f" from {name} = {low:.6g} to {high:.6g}", inside
