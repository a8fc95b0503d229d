"""The truth at many points: by a straight line of balls where that settles how it rounds, by the oracle elsewhere.

The value is that of the program as written, the gradient SymPy's derivative of the whole expression. A point is settled
so only where every operation of the written program is proved to be smooth: there the two belong together. Kinks, ends
of a domain, poles, infinite inputs and −0 go to the oracle. At every `CHECKED_EVERY`-th settled point, and wherever
`Bulk.dispute` is asked, the oracle's two derivations and the witness are held against what was settled.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from verifier.floats import Format, nearest, ulp
from verifier.language import operations
from verifier.language.expression import Program
from verifier.records import Enclosure, Truth, TruthStatus
from verifier.symbolic import balls, witness
from verifier.symbolic.balls import Ball, Regularity
from verifier.symbolic.formula import Formula
from verifier.symbolic.truth import WITNESS_BITS, Oracle, PointTruth

FIRST_BITS = 96
"""The precision of the first attempt, at the least: below two limbs Arb gains nothing."""
MOST_BITS = 3_200
"""The precision past which a point goes to the oracle, which knows more ways to decide."""
GUARD_BITS = 24
"""Bits beyond the format's to which a settled number is known: 2⁻²⁴ of an ulp."""
CHECKED_EVERY = 128
"""One settled point in so many is checked."""
CLOSE = Fraction(1, 1 << 12)
"""By how many ulps two computations of `Rounded.rest` may differ, one of them in doubles."""

Point = Mapping[str, float]


class Rounded(NamedTuple):
    """A true finite number as a format sees it: (nearest + rest · 2^grain), 2^grain being its ulp.

    `nearest` is correctly rounded, ±inf where that overflows (then `rest` is 0). `rest`, within ±1/2, is good to 2⁻²⁰.
    `proof` is the ball or the oracle's truth that encloses the number.
    """

    nearest: float
    grain: int
    rest: float
    proof: Any

    def error_ulp(self, measured: float) -> float:
        """|measured − truth| in ulps of the truth; both finite. Capped at the largest double."""
        if measured == self.nearest:
            return abs(self.rest)
        try:
            # Both quotients are exact: scaled by a power of two, the second an integer of no more bits than the format.
            steps = math.ldexp(measured, -self.grain)
            return abs(steps - math.ldexp(self.nearest, -self.grain) - self.rest)
        except OverflowError:
            return sys.float_info.max


Entry = Rounded | Truth
"""What is known of one number: a finite one as it rounds, or else the oracle's answer."""


def truth_of(entry: Entry) -> Truth:
    """The same as the oracle gives it: exact rational ends."""
    if isinstance(entry, Truth):
        return entry
    if isinstance(entry.proof, Truth):
        return entry.proof
    return Truth(status=TruthStatus.FINITE, enclosure=balls.enclosure(entry.proof))


@dataclass(frozen=True, slots=True, kw_only=True)
class Truths:
    """The truth at many points, by point in order."""

    value: list[Entry]
    gradient: dict[str, list[Entry]]
    settled: list[bool]
    """Whether balls settled the point; else the oracle was asked."""
    checked: int
    """How many of the settled points were checked."""

    def at(self, index: int) -> PointTruth:
        """All that is true at one point, as `Oracle.at` gives it; of named steps nothing."""
        return PointTruth(
            value=truth_of(self.value[index]),
            gradient={name: truth_of(c[index]) for name, c in self.gradient.items()},
            steps={},
        )


def truths(
    program: Program,
    wrt: Sequence[str],
    points: Sequence[Point],
    upstream: float,
    format_: Format,
) -> Truths:
    """The true value, and upstream × the derivative by each of `wrt`, at every point."""
    return Bulk(Oracle(program, wrt)).truths(points, upstream, format_)


UNEXAMINED = Truth(
    status=TruthStatus.BUDGET,
    reason="at an edge, like many others that were asked about",
)


class Bulk:
    """An oracle made fast for many points."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.wrt = oracle.wrt
        program = oracle.stepwise.program
        known = {*balls.OPERATIONS, "variable", "constant"}
        self.written: _Written | None = None
        if oracle.whole is not None and {n.operation for n in program.nodes} <= known:
            self.written = _Written(program)
            self.gradient = _Line(oracle.whole, oracle.whole.outputs[1:])

    def truths(
        self,
        points: Sequence[Point],
        upstream: float,
        format_: Format,
        *,
        checked_every: int = CHECKED_EVERY,
        most_asked: int | None = None,
    ) -> Truths:
        """The truth at every point.

        Where balls do not settle a point the oracle is asked: at infinities and −0 always, elsewhere at no more than
        `most_asked` points, spread evenly; what is left is `UNEXAMINED`.
        """
        found = self._settled(points, upstream, format_)
        settled = [entries is not None for entries in found]
        left = [index for index, done in enumerate(settled) if not done]
        for index in left:
            found[index] = (UNEXAMINED,) * (1 + len(self.wrt))
        special = [i for i in left if not all(map(_is_plain, points[i].values()))]
        others = sorted(set(left).difference(special))
        for index in (*special, *_spread(others, most_asked)):
            found[index] = self._asked(points[index], upstream, format_)
        done = [index for index, ok in enumerate(settled) if ok][::checked_every]
        for index in done:
            found[index] = self.dispute(points[index], upstream, format_, found[index])
        columns = [list(column) for column in zip(*found, strict=True)]
        columns = columns or [[] for _ in range(1 + len(self.wrt))]
        return Truths(
            value=columns[0],
            gradient=dict(zip(self.wrt, columns[1:], strict=True)),
            settled=settled,
            checked=len(done),
        )

    @property
    def is_fast(self) -> bool:
        """Whether balls alone settle what they can; else the oracle is asked at every point."""
        return self.written is not None

    # ── settled by balls ─────────────────────────────────────────────────────────────────────────────────────────

    def _settled(
        self, points: Sequence[Point], upstream: float, format_: Format
    ) -> list[Any]:
        """By point: its entries, value first; None where balls do not settle them."""
        found: list[Any] = [None] * len(points)
        if self.written is None or not math.isfinite(upstream):
            return found
        open_ = [
            i for i, point in enumerate(points) if all(map(_is_plain, point.values()))
        ]
        bits = max(FIRST_BITS, format_.precision_bits + 2 * GUARD_BITS)
        while open_ and bits <= MOST_BITS:
            with balls.workprec(bits):
                attempt = self._attempt(upstream, format_)
                for index in open_:
                    found[index] = attempt(points[index])
            open_ = [index for index in open_ if found[index] is None]
            bits *= 2
        return [None if entries is _EDGE else entries for entries in found]

    def _attempt(self, upstream: float, format_: Format) -> Callable[[Point], Any]:
        """Settles one point at the precision in force: its entries, `_EDGE`, or None where more bits may do."""
        assert self.written is not None
        inputs = self.oracle.stepwise.program.inputs
        written, gradient = self.written.ready(), self.gradient.ready()
        seed = None if upstream == 1 else balls.exact(upstream)
        rounded = rounding(format_)

        def attempt(point: Point) -> Any:
            arguments = [balls.exact(point[name]) for name in inputs]
            value = written(arguments)
            if value.__class__ is Regularity:
                return None if value is Regularity.UNSURE else _EDGE
            slopes = gradient(arguments)
            if seed is not None:
                slopes = [seed * slope for slope in slopes]
            entries = tuple(rounded(ball) for ball in (value, *slopes))
            return None if None in entries else entries

        return attempt

    # ── asked of the oracle ──────────────────────────────────────────────────────────────────────────────────────

    def _asked(self, point: Point, upstream: float, format_: Format) -> Sequence[Entry]:
        truth = self.oracle.at(point, upstream, format_)
        return [
            _entry(known, format_)
            for known in (truth.value, *(truth.gradient[name] for name in self.wrt))
        ]

    def dispute(
        self,
        point: Point,
        upstream: float,
        format_: Format,
        entries: Sequence[Entry],
    ) -> Sequence[Entry]:
        """The entries of a point, value first, with those undecided that the oracle or the witness contradicts."""
        known = self.oracle.at(point, upstream, format_)
        opinions = [known.value, *(known.gradient[name] for name in self.wrt)]
        with balls.workprec(WITNESS_BITS):
            third = witness.gradient(self.oracle.program, point, self.wrt, upstream)
        slopes = [None] * len(self.wrt) if third is None else list(third.values())
        found: list[Entry] = []
        for entry, opinion, ball in zip(
            entries, opinions, [None, *slopes], strict=True
        ):
            reason = _quarrel(entry, opinion, ball, format_)
            if reason is not None:
                entry = Truth(status=TruthStatus.ORACLE, reason=reason)
            found.append(entry)
        return found


_EDGE = object()
"""Instead of entries: no precision will settle this point."""


def _is_plain(value: float) -> bool:
    """Finite, and not −0, which tells the sides of a branch cut apart."""
    return math.isfinite(value) and (value != 0 or math.copysign(1, value) > 0)


def _spread(places: Sequence[int], most: int | None) -> Iterator[int]:
    """No more than `most` of the places, evenly from the first to the last."""
    if most is None or len(places) <= most:
        yield from places
    elif most > 0:
        step = (len(places) - 1) / max(most - 1, 1)
        yield from (places[round(index * step)] for index in range(most))


# ── rounding a ball ──────────────────────────────────────────────────────────────────────────────────────────────────


def rounding(format_: Format) -> Callable[[Ball], Rounded | None]:
    """How a ball rounds in the format; None where that is left open, or it is known to too few bits for `Rounded.rest`.

    In doubles where these hold `GUARD_BITS` more bits than the format, and no tie is near; else in integers.
    """
    bits, carefully = format_.precision_bits, _rounding_in_integers(format_)
    if bits + GUARD_BITS > 53 - 4:
        return carefully
    least, needed = _least_grain(format_), bits + GUARD_BITS
    # Away from both ends of the range no grain is cut off and nothing overflows.
    low, high = least, format_.exponent_max - 1

    def rounded(ball: Ball) -> Rounded | None:
        if ball.rel_accuracy_bits() < needed:
            return carefully(ball)
        middle = float(ball)
        top = math.frexp(middle)[1]
        if not low < top < high or not middle or math.isinf(middle):
            return carefully(ball)
        grain = top - bits if top - bits > least else least
        scaled = math.ldexp(middle, -grain)
        steps = round(scaled)
        rest = scaled - steps
        if not -NEAR_TIE < rest < NEAR_TIE:
            return carefully(ball)
        return Rounded(math.ldexp(steps, grain), grain, rest, ball)

    return rounded


NEAR_TIE = 0.5 - 2.0 ** (4 - GUARD_BITS)
"""A rest of which a double and a ball of the accuracy that is needed leave no doubt."""


def _least_grain(format_: Format) -> int:
    """The exponent of the smallest ulp."""
    return format_.exponent_min - format_.precision_bits + 1


def _rounding_in_integers(format_: Format) -> Callable[[Ball], Rounded | None]:
    """As `rounding`, for every ball: the radius is at most 2^-accuracy of the midpoint."""
    bits, least = format_.precision_bits, _least_grain(format_)
    nothing = balls.dyadic(least - GUARD_BITS)

    def rounded(ball: Ball) -> Rounded | None:
        if not ball.is_finite():
            return None
        exact, accuracy = ball.is_exact(), ball.rel_accuracy_bits()
        if accuracy < bits + GUARD_BITS and not exact:
            # A ball about zero is settled once it is next to nothing in the format.
            return Rounded(0.0, least, 0.0, ball) if abs(ball) < nothing else None
        mantissa, power = (int(part) for part in ball.mid().man_exp())
        sign, size = (-1 if mantissa < 0 else 1), abs(mantissa)
        top = size.bit_length() + power  # |midpoint| is in [2^(top-1), 2^top)
        if not size or top < least - GUARD_BITS:
            return Rounded(0.0, least, 0.0, ball)
        grain = max(top - bits, least)
        if top > format_.exponent_max + 2:
            return Rounded(sign * math.inf, grain, 0.0, ball)
        shift = max(grain - power, 1)
        size <<= shift - (grain - power)
        half = 1 << (shift - 1)
        steps = size >> shift
        rest = size - (steps << shift)
        if not exact and abs(rest - half) <= (size >> (accuracy - 1)) + 1:
            return None
        if rest > half or (rest == half and steps & 1):
            steps, rest = steps + 1, rest - 2 * half
        if steps.bit_length() + grain - 1 > format_.exponent_max:
            return Rounded(sign * math.inf, grain, 0.0, ball)
        nearest_ = sign * math.ldexp(steps, grain)
        return Rounded(nearest_, grain, sign * (rest / (2 * half)), ball)

    return rounded


def _entry(truth: Truth, format_: Format) -> Entry:
    """The oracle's truth as it rounds, where it is a finite number."""
    if truth.status is not TruthStatus.FINITE or truth.enclosure is None:
        return truth
    middle = (truth.enclosure.lower + truth.enclosure.upper) / 2
    number, unit = nearest(middle, format_), ulp(middle, format_)
    grain = _power_of(unit)
    if math.isinf(number):
        return Rounded(number, grain, 0.0, truth)
    rest = float((middle - Fraction(number)) / unit)
    return Rounded(number, grain, rest, truth)


def _power_of(unit: Fraction) -> int:
    """The e of 2^e."""
    return unit.numerator.bit_length() - unit.denominator.bit_length()


def _quarrel(
    entry: Entry, opinion: Truth, third: Ball | None, format_: Format
) -> str | None:
    """Why what was settled cannot be: the oracle's enclosure rounds otherwise, or the witness is disjoint."""
    if isinstance(entry, Truth) or isinstance(entry.proof, Truth):
        return None
    if third is not None and not balls.overlaps(entry.proof, third):
        return f"the witness says {third}, the compiled derivative {entry.proof}"
    ends = opinion.enclosure
    if opinion.status is not TruthStatus.FINITE or ends is None:
        undecided = (TruthStatus.PRECISION, TruthStatus.LIMIT, TruthStatus.BUDGET)
        if opinion.status in undecided:
            return None
        return f"the oracle says {opinion.status}, the compiled formula {entry.proof}"
    own = balls.enclosure(entry.proof)
    meet = own.lower <= ends.upper and ends.lower <= own.upper
    low, high = nearest(ends.lower, format_), nearest(ends.upper, format_)
    if meet and low <= entry.nearest <= high and _spells(entry, own, format_):
        return None
    found = f"{entry.nearest!r} of {entry.proof}"
    return f"the oracle says {low!r}, the compiled formula {found}"


def _spells(entry: Rounded, own: Enclosure, format_: Format) -> bool:
    """Whether `nearest` and `rest` together are the number that the entry's own ball encloses."""
    if math.isinf(entry.nearest):
        return True
    unit = Fraction(2) ** entry.grain
    spelled = Fraction(entry.nearest) + Fraction(entry.rest) * unit
    slack = CLOSE * unit
    near = own.lower - slack <= spelled <= own.upper + slack
    return near and unit in (ulp(own.lower, format_), ulp(own.upper, format_))


# ── straight lines ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Line:
    """A formula with what it needs for some of its outputs, ready to be run at many points."""

    def __init__(self, formula: Formula, outputs: Sequence[int]) -> None:
        self.outputs = tuple(outputs)
        self.instructions = formula.instructions
        needed = set(outputs)
        for place in range(len(self.instructions) - 1, -1, -1):
            if place in needed:
                needed.update(self.instructions[place].arguments)
        self.inputs: list[int] = []
        self.still: list[int] = []
        """Instructions that move with no input."""
        self.moving: list[int] = []
        for place, instruction in enumerate(self.instructions):
            if instruction.operation == "input":
                self.inputs.append(place)
            elif place in needed:
                still = all(i in self.still for i in instruction.arguments)
                (self.still if still else self.moving).append(place)

    def ready(self) -> Callable[[Sequence[Ball]], list[Ball]]:
        """The outputs as a function of the inputs, at the precision in force."""
        start: list[Any] = [None] * len(self.instructions)
        for place in self.still:
            instruction = self.instructions[place]
            if instruction.operation == "constant":
                start[place] = balls.constant(instruction.name, instruction.number)
            else:
                operands = [start[index] for index in instruction.arguments]
                start[place] = balls.OPERATIONS[instruction.operation](*operands)
        steps = [self._step(place, start) for place in self.moving]
        inputs, outputs = self.inputs, self.outputs

        def run(arguments: Sequence[Ball]) -> list[Ball]:
            values = start.copy()
            for place, argument in zip(inputs, arguments, strict=True):
                values[place] = argument
            for place, function, first, second, rest in steps:
                if second is None:
                    values[place] = function(values[first])
                elif not rest:
                    values[place] = function(values[first], values[second])
                else:
                    others = (values[index] for index in (second, *rest))
                    values[place] = function(values[first], *others)
            return [values[place] for place in outputs]

        return run

    def _step(self, place: int, known: Sequence[Any]) -> _Step:
        instruction = self.instructions[place]
        places = instruction.arguments
        function = _SWIFT.get(instruction.operation)
        if instruction.operation == "pow" and known[places[1]] is not None:
            function, places = _power_by(known[places[1]]), places[:1]
        second = places[1] if len(places) > 1 else None
        function = function or balls.OPERATIONS[instruction.operation]
        return place, function, places[0], second, places[2:]


_Step = tuple[int, Callable[..., Any], int, int | None, tuple[int, ...]]
"""Where the result goes, the function, and where its first, its second and all other operands are."""

_SWIFT: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "mul": operator.mul,
    "neg": operator.neg,
}
"""What the table of balls says, without a call of its own."""


def _power_by(exponent: Ball) -> Callable[[Ball], Ball]:
    """The power by a constant; Arb's own for an integer and a base that is not about zero."""
    general = balls.OPERATIONS["pow"]
    if not (exponent.is_exact() and exponent.is_integer()) or abs(exponent) >= 2**31:
        return lambda base: general(base, exponent)
    return lambda base: general(base, exponent) if base.contains(0) else base**exponent


class _Written:
    """The written program's value, where all of its operations are smooth."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.moving: list[bool] = []
        for node in program.nodes:
            moves = node.operation == "variable"
            moves |= any(self.moving[index] for index in node.arguments)
            self.moving.append(moves)

    def ready(self) -> Callable[[Sequence[Ball]], Any]:
        """The value as a function of the inputs, at the precision in force; a `Regularity` where it is not smooth."""
        start: list[Any] = []
        steps: list[tuple[int, Callable[..., Any], tuple[int, ...]]] = []
        places = {}
        for place, node in enumerate(self.program.nodes):
            start.append(None)
            if node.operation == "variable":
                places[node.name or ""] = place
            elif node.operation == "constant":
                start[place] = _constant(node.name, node.number)
            else:
                checked = [
                    operand
                    for operand, argument in enumerate(node.arguments)
                    if self.moving[argument]
                ]
                steps.append((place, _smooth(node.operation, checked), node.arguments))
        inputs = [places[name] for name in self.program.inputs]
        output = self.program.output

        def run(arguments: Sequence[Ball]) -> Any:
            values = start.copy()
            for place, argument in zip(inputs, arguments, strict=True):
                values[place] = argument
            for place, function, operands in steps:
                values[place] = function(*[values[index] for index in operands])
            return values[output]

        return run


def _constant(name: str | None, number: Fraction | None) -> Any:
    return Regularity.EDGE if name == "inf" else balls.constant(name, number)


def _smooth(operation: str, checked: Sequence[int]) -> Callable[..., Any]:
    """The operation on balls; a `Regularity` of an operand, or of its own where it is not smooth there."""
    apply = balls.OPERATIONS[operation]
    row = operations.OPERATIONS[operation]
    if operation == "where":
        return _choose
    if row.result is operations.Sort.CONDITION:
        compared = row.sorts[0] is operations.Sort.NUMBER
        return _decided(apply) if compared else _passing(apply)
    if _is_smooth_everywhere(row) or not checked:
        return _passing(apply)

    def smooth(*operands: Any) -> Any:
        for operand in operands:
            if operand.__class__ is Regularity:
                return operand
        for operand in checked:
            found = balls.regularity(operation, operands, operand)
            if found is not Regularity.SMOOTH:
                return found
        return apply(*operands)

    return smooth


def _is_smooth_everywhere(row: operations.Operation) -> bool:
    singular = (*row.kinks, *row.jumps, *row.poles)
    return not singular and all(domain == operations.LINE for domain in row.domain)


def _passing(apply: Callable[..., Any]) -> Callable[..., Any]:
    """The operation, which passes on what is not smooth."""

    def passing(*operands: Any) -> Any:
        for operand in operands:
            if operand.__class__ is Regularity:
                return operand
        found = apply(*operands)
        return Regularity.UNSURE if found is None else found

    return passing


def _decided(apply: Callable[..., Any]) -> Callable[..., Any]:
    """A comparison, which is smooth nowhere but where its operands differ."""
    passing = _passing(apply)

    def decided(*operands: Any) -> Any:
        for operand in operands:
            if operand.__class__ is Regularity:
                return operand
        if balls.equal(*operands):
            return Regularity.EDGE
        return passing(*operands)

    return decided


def _choose(condition: Any, chosen: Any, other: Any) -> Any:
    """The branch that is taken, whatever the other is."""
    if condition.__class__ is Regularity:
        return condition
    return chosen if condition else other
