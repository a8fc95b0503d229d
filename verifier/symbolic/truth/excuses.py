"""What may explain an error at one point: rounding, range, conditioning; each worked
out on demand, and once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from verifier.floats import Point
from verifier.records import VALUE, Entry, PointTruth
from verifier.stopwatch import Stopwatch
from verifier.symbolic.rounding.models import AnySpread, Rounding
from verifier.symbolic.truth.side import Nearby, SymbolicSide


class Tolerance(Protocol):
    """How far from a truth a number may be, relative to it or in absolute terms."""

    @property
    def relative(self) -> Fraction: ...
    @property
    def absolute(self) -> Fraction: ...


class PointExcuses:
    """What may explain the errors at one point in one format.

    `steps` is by how many ulps the inputs are moved to see how the truth answers.
    """

    def __init__(
        self,
        side: SymbolicSide,
        rounding: Rounding,
        point: Point,
        upstream: Any,
        truths: PointTruth,
        *,
        steps: int,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self.side, self.models, self.truths = side, rounding, truths
        self.point = {name: point[name] for name in side.program.inputs}
        self.upstream, self.steps = upstream, steps
        self.watch = stopwatch or Stopwatch()
        self._spreads: dict[str, AnySpread] = {}
        self._nearby: dict[Entry, Nearby] = {}
        self._moved: list[list[PointTruth]] | None = None

    def of(self, entry: Entry) -> EntryExcuses:
        """What may explain an error of one entry."""
        return EntryExcuses(self, entry)

    def spread(self, *, limited_range: bool) -> AnySpread:
        """How far rounding may bring each entry."""
        key = "limited" if limited_range else "free"
        if key not in self._spreads:
            with self.watch.stage("rounding"):
                self._spreads[key] = self.models.spread(
                    self.point, self.upstream, limited_range=limited_range
                )
        return self._spreads[key]

    def ideal(self) -> AnySpread:
        """The same of the program with accurate derivatives; of first order."""
        if "ideal" not in self._spreads:
            with self.watch.stage("rounding"):
                spread = self.models.ideal(self.point, self.upstream)
                self._spreads["ideal"] = spread
        return self._spreads["ideal"]

    def cancelled(self) -> AnySpread:
        """How far one ulp of the terms that cancel last brings what is truly 0."""
        if "cancelled" not in self._spreads:
            with self.watch.stage("rounding"):
                spread = self.models.cancelled(self.point, self.upstream)
                self._spreads["cancelled"] = spread
        return self._spreads["cancelled"]

    def nearby(self, entry: Entry) -> Nearby:
        """The truths of an entry at inputs a few ulps away."""
        if entry not in self._nearby:
            self._nearby[entry] = self.side.nearby(
                self.point, self.upstream, entry, self.models.format
            )
        return self._nearby[entry]

    def moved(self) -> list[list[PointTruth]]:
        """The truths with each input moved in turn, in every direction."""
        if self._moved is None:
            format_, moves = self.models.format, self.side.field.moves
            with self.watch.stage("conditioning"):
                self._moved = [
                    [
                        self.side.truths(
                            {**self.point, name: there}, self.upstream, format_
                        )
                        for there in moves(value, self.steps, format_)
                    ]
                    for name, value in self.point.items()
                ]
        return self._moved


@dataclass(frozen=True, slots=True)
class EntryExcuses:
    """What may explain an error of one entry at a point; judgement's `Excuses`."""

    all: PointExcuses
    entry: Entry

    def _reach(self, spread: AnySpread) -> Any:
        """By an argument that the program lacks the derivative is 0, however it is
        rounded."""
        return spread.reach.get(self.entry, self.all.side.field.nowhere)

    def rounding(self) -> Any:
        """Where rounding alone may bring the result; None: anywhere."""
        return self._reach(self.all.spread(limited_range=False))

    def limited_range(self) -> Any:
        """The same with underflow and overflow on the way."""
        return self._reach(self.all.spread(limited_range=True))

    def ideal(self) -> Any:
        """Where rounding may bring a program whose operations all have accurate
        derivatives; None: anywhere."""
        if self.entry.quantity == "hessian":
            return self.rounding()
        return self._reach(self.all.ideal())

    def local_ulp(self) -> Fraction:
        """What the operations' own errors add up to, in ulps, if none is amplified on
        the way."""
        return self.all.models.local_ulp(self.entry)

    def cancelled(self) -> Fraction | None:
        """How far one ulp of the terms that cancel last brings a truth of 0; None where
        nothing bounds it."""
        field = self.all.side.field
        reach = self._reach(self.all.cancelled())
        return None if reach is None else field.farthest(reach, field.zero)

    def movement(self) -> Fraction:
        """The sum over the inputs of the farthest that the truth moves; what has no
        finite truth moves nothing."""
        field = self.all.side.field
        here = field.of_truth(self.all.truths[self.entry])
        if here is None:
            return Fraction(0)
        total = Fraction(0)
        for moved in self.all.moved():
            there = (field.of_truth(truths[self.entry]) for truths in moved)
            distances = (field.distance(n, here) for n in there if n is not None)
            total += max(distances, default=Fraction(0))
        return total

    def holds_nearby(self, measured: Any, tolerance: Tolerance, steps: int) -> bool:
        """Whether the finite number is, within the tolerance, a truth of inputs within
        so many ulps."""
        with self.all.watch.stage("conditioning"):
            return self.all.nearby(self.entry).holds(
                measured,
                steps,
                relative=tolerance.relative,
                absolute=tolerance.absolute,
            )

    def ends_nearby(self) -> bool:
        """Whether a pole or the end of the domain lies within `steps` ulps of the
        inputs."""
        with self.all.watch.stage("conditioning"):
            return self.all.nearby(self.entry).ends(self.all.steps)

    def leaves_range(self) -> bool:
        """Whether overflow or underflow on the way makes the result what it is.

        Rounding alone may bring the result anywhere, as that of `exp` at huge numbers;
        yet some number on the way is finite in an unlimited range, however it rounds,
        and not in the format's.
        """
        free = self.all.spread(limited_range=False).unbounded
        limited = self.all.spread(limited_range=True).unbounded
        if limited.values - free.values:
            return True
        return self.entry != VALUE and bool(limited.derivatives - free.derivatives)
