"""The truth at many points: by a straight line of balls where that settles how it
rounds, by the oracle elsewhere.

The value is that of the program as written, the gradient SymPy's derivative of the
whole expression. A point is settled so only where every operation of the written
program is proved to be smooth: there the two belong together. Kinks, ends of a domain,
poles, infinite inputs and −0 go to the oracle. At every `CHECKED_EVERY`-th settled
point, and wherever `BatchOracle.contested` is called, the oracle's two derivations and
the witness are compared with what was settled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.floats import Format, Point, nearest, ulp
from verifier.records import Enclosure, Entry, PointTruth, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.nearest import GUARD_BITS, Rounded, rounding
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.arithmetic.regularity import Regularity
from verifier.symbolic.arithmetic.straight_lines import CompiledFormula, CompiledProgram
from verifier.symbolic.calculus import witness
from verifier.symbolic.truth.oracle import WITNESS_BITS, Oracle

FIRST_BITS = 96
"""The precision of the first attempt, at the least: below two limbs Arb gains
nothing."""
MOST_BITS = 3_200
"""The precision past which a point goes to the oracle, which knows more ways to
decide."""
BLOCK = 128
"""Neighbouring points that are tried together before each is alone."""
CHECKED_EVERY = 128
"""One settled point in so many is checked."""
CLOSE = Fraction(1, 1 << 12)
"""By how many ulps two computations of `Rounded.rest` may differ, one of them in
doubles."""


RoundedTruth = Rounded | Truth
"""What is known of one number: a finite one as it rounds, or else the oracle's
answer."""


def truth_of(entry: RoundedTruth) -> Truth:
    """The same as the oracle gives it: exact rational ends."""
    if isinstance(entry, Truth):
        return entry
    if isinstance(entry.proof, Truth):
        return entry.proof
    with balls.workprec(
        MOST_BITS
    ):  # the ends of a ball are rounded to the precision in force
        ends = balls.enclosure(entry.proof)
    return Truth(status=TruthStatus.FINITE, enclosure=ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTruths:
    """The truth at many points, by point in order."""

    columns: Mapping[Entry, list[RoundedTruth]]
    settled: list[bool]
    """Whether balls settled the point; else the oracle did."""
    checked: int
    """How many of the settled points were checked."""

    def at(self, index: int) -> PointTruth:
        """All that is true at one point, as `Oracle.at` gives it; of named steps
        nothing."""
        return {
            entry: truth_of(column[index]) for entry, column in self.columns.items()
        }


UNEXAMINED = Truth(
    status=TruthStatus.BUDGET,
    reason="the oracle alone knows it, and was asked at enough other points",
)


class BatchOracle:
    """An oracle compiled to a straight line of balls, fast at many points."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.wrt = oracle.wrt
        program, formula = oracle.program, oracle.whole.formula
        self.inputs = program.inputs
        known = {*balls.OPERATIONS, "variable", "constant"}
        self.written: CompiledProgram | None = None
        if formula is not None and {n.operation for n in program.nodes} <= known:
            self.written = CompiledProgram(program)
            self.gradient = CompiledFormula(formula, self.inputs, formula.outputs[1:])

    def truths(
        self,
        points: Sequence[Point],
        upstream: float,
        format_: Format,
        *,
        checked_every: int | None = CHECKED_EVERY,
        most_asked: int | None = None,
    ) -> BatchTruths:
        """The truth at every point; one settled point in `checked_every` is checked,
        none without.

        Where balls do not settle a point the oracle is consulted: at infinities and −0
        always, elsewhere at no more than `most_asked` points, spread evenly; what is
        left is `UNEXAMINED`.
        """
        rows = self._settled(points, upstream, format_)
        settled = [entries is not None for entries in rows]
        left = [index for index, done in enumerate(settled) if not done]
        for index in left:
            rows[index] = (UNEXAMINED,) * (1 + len(self.wrt))
        special = [index for index in left if not self._is_plain(points[index])]
        others = sorted(set(left).difference(special))
        for index in (*special, *_evenly(others, most_asked)):
            rows[index] = self._by_oracle(points[index], upstream, format_)
        done = [index for index, ok in enumerate(settled) if ok and checked_every]
        done = done[::checked_every]
        for index in done:
            rows[index] = self.contested(points[index], upstream, format_, rows[index])
        columns = [list(column) for column in zip(*rows, strict=True)]
        columns = columns or [[] for _ in range(1 + len(self.wrt))]
        return BatchTruths(
            columns=dict(
                zip(self.oracle.derivative.value_and_gradient, columns, strict=True)
            ),
            settled=settled,
            checked=len(done),
        )

    @property
    def is_fast(self) -> bool:
        """Whether balls alone settle what they can; else the oracle is consulted at
        every point."""
        return self.written is not None

    # ── settled by balls ──────────────────────────────────────────────────────────────

    def _settled(
        self, points: Sequence[Point], upstream: float, format_: Format
    ) -> list[Any]:
        """By point: its entries, value first; None where balls do not settle them."""
        rows: list[Any] = [None] * len(points)
        if self.written is None or not math.isfinite(upstream):
            return rows
        left = [i for i, point in enumerate(points) if self._is_plain(point)]
        bits = max(FIRST_BITS, format_.precision_bits + 2 * GUARD_BITS)
        with balls.workprec(bits):
            left = self._by_blocks(points, left, rows, self._attempt(upstream, format_))

        def settle() -> dict[int, Any]:
            attempt = self._attempt(upstream, format_)
            return {
                index: attempt([balls.exact(points[index][n]) for n in self.inputs])
                for index in left
            }

        for _, settled in attempts(settle, bits, MOST_BITS) if left else ():
            for index, entries in settled.items():
                rows[index] = entries
            left = [index for index in left if rows[index] is None]
            if not left:
                break
        return [None if entries is _EDGE else entries for entries in rows]

    def _by_blocks(
        self,
        points: Sequence[Point],
        places: Sequence[int],
        rows: list[Any],
        attempt: Callable[[Sequence[Ball]], Any],
    ) -> list[int]:
        """Of the points at `places` those that no ball around a block settles: far out
        most functions stand still."""
        if len(self.inputs) != 1:
            return list(places)
        (name,) = self.inputs
        left: list[int] = []
        for start in range(0, len(places), BLOCK):
            block = list(places[start : start + BLOCK])
            block.sort(key=lambda index: points[index][name])
            first, last = block[0], block[-1]
            ends = [balls.exact(points[index][name]) for index in (first, last)]
            rows[first], rows[last] = (attempt([end]) for end in ends)
            # Where it moves, a wide ball would tell nothing, and of a Bessel function
            # take long.
            if _is_still(rows[first], rows[last]):
                entries = attempt([ends[0].union(ends[1])])
                if entries is not None and entries is not _EDGE:
                    for index in block:
                        rows[index] = entries
            left += [index for index in block if rows[index] is None]
        return left

    def _attempt(
        self, upstream: float, format_: Format
    ) -> Callable[[Sequence[Ball]], Any]:
        """Settles what all points in a ball have, at the precision in force.

        Gives the entries, value first; `_EDGE`; or None where more bits, or a smaller
        ball, may do.
        """
        assert self.written is not None
        written = self.written.ready()
        gradient = self.gradient.ready()
        seed = None if upstream == 1 else balls.exact(upstream)
        rounded = rounding(format_)

        def attempt(arguments: Sequence[Ball]) -> Any:
            value = written(arguments)
            if value.__class__ is Regularity:
                return None if value is Regularity.UNSURE else _EDGE
            slopes = gradient(arguments)
            if seed is not None:
                slopes = [seed * slope for slope in slopes]
            entries = tuple(rounded(ball) for ball in (value, *slopes))
            return None if None in entries else entries

        return attempt

    def _is_plain(self, point: Point) -> bool:
        """Whether all inputs are finite and none is −0, which tells the sides of a
        branch cut apart."""
        return all(
            math.isfinite(x) and (x != 0 or math.copysign(1, x) > 0)
            for x in (point[name] for name in self.inputs)
        )

    # ── by the oracle ─────────────────────────────────────────────────────────────────

    def _by_oracle(
        self, point: Point, upstream: float, format_: Format
    ) -> Sequence[RoundedTruth]:
        truth = self.oracle.at(point, upstream, format_)
        return [
            rounded_truth(known, format_)
            for known in (
                truth[entry] for entry in self.oracle.derivative.value_and_gradient
            )
        ]

    def contested(
        self,
        point: Point,
        upstream: float,
        format_: Format,
        entries: Sequence[RoundedTruth],
    ) -> Sequence[RoundedTruth]:
        """The entries of a point, value first, with those undecided that the oracle or
        the witness contradicts."""
        known = self.oracle.at(point, upstream, format_)
        opinions = [known[entry] for entry in self.oracle.derivative.value_and_gradient]
        with balls.workprec(WITNESS_BITS):
            third = witness.gradient(self.oracle.program, point, self.wrt, upstream)
        slopes = [third.get(name) for name in self.wrt]
        judged: list[RoundedTruth] = []
        for entry, opinion, ball in zip(
            entries, opinions, [None, *slopes], strict=True
        ):
            reason = _contradiction(entry, opinion, ball, format_)
            if reason is not None:
                entry = Truth(status=TruthStatus.ORACLE, reason=reason)
            judged.append(entry)
        return judged


_EDGE = object()
"""Instead of entries: no precision will settle this point."""


def _is_still(first: Any, last: Any) -> bool:
    """Whether two points have entries that all round alike."""
    if not (isinstance(first, tuple) and isinstance(last, tuple)):
        return False
    return all(a.nearest == b.nearest for a, b in zip(first, last, strict=True))


def _evenly(places: Sequence[int], most: int | None) -> Iterator[int]:
    """No more than `most` of the places, evenly from the first to the last."""
    if most is None or len(places) <= most:
        yield from places
    elif most > 0:
        step = (len(places) - 1) / max(most - 1, 1)
        yield from (places[round(index * step)] for index in range(most))


def rounded_truth(truth: Truth, format_: Format) -> RoundedTruth:
    """The oracle's truth as it rounds, where it is a finite number."""
    if truth.status is not TruthStatus.FINITE or truth.interval is None:
        return truth
    middle = (truth.interval.lower + truth.interval.upper) / 2
    number, unit = nearest(middle, format_), ulp(middle, format_)
    grain = _power_of(unit)
    if math.isinf(number):
        return Rounded(number, grain, 0.0, truth)
    rest = float((middle - Fraction(number)) / unit)
    return Rounded(number, grain, rest, truth)


def _power_of(unit: Fraction) -> int:
    """The e of 2^e."""
    return unit.numerator.bit_length() - unit.denominator.bit_length()


def _contradiction(
    entry: RoundedTruth, opinion: Truth, third: Ball | None, format_: Format
) -> str | None:
    """Why what was settled cannot be: the oracle's enclosure rounds otherwise, or the
    witness is disjoint."""
    if isinstance(entry, Truth) or isinstance(entry.proof, Truth):
        return None
    if third is not None and not balls.overlaps(entry.proof, third):
        return f"the witness says {third}, the compiled derivative {entry.proof}"
    ends = opinion.interval
    if opinion.status is not TruthStatus.FINITE or ends is None:
        undecided = (TruthStatus.PRECISION, TruthStatus.LIMIT, TruthStatus.BUDGET)
        if opinion.status in undecided:
            return None
        return f"the oracle says {opinion.status}, the compiled formula {entry.proof}"
    compiled = balls.enclosure(entry.proof)
    meet = compiled.lower <= ends.upper and ends.lower <= compiled.upper
    low, high = nearest(ends.lower, format_), nearest(ends.upper, format_)
    if meet and low <= entry.nearest <= high and _spells(entry, compiled, format_):
        return None
    said = f"{entry.nearest!r} of {entry.proof}"
    return f"the oracle says {low!r}, the compiled formula {said}"


def _spells(entry: Rounded, compiled: Enclosure, format_: Format) -> bool:
    """Whether `nearest` and `rest` together are the number that the entry's own ball
    encloses."""
    if math.isinf(entry.nearest):
        return True
    unit = Fraction(2) ** entry.grain
    spelled = Fraction(entry.nearest) + Fraction(entry.rest) * unit
    slack = CLOSE * unit
    near = compiled.lower - slack <= spelled <= compiled.upper + slack
    return near and unit in (ulp(compiled.lower, format_), ulp(compiled.upper, format_))
