"""What may explain an error at a point, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from verifier.fields import Exact, Field, Reach, as_float
from verifier.floats import Format, Number, ulp
from verifier.judgement.tolerance import Tolerance, nearby

CONDITIONING_STEPS = 2
"""By how many ulps each input is moved to see how the truth answers."""
CONDITIONING_FACTOR = 4
"""An error of up to this times the answer is the point's doing: a heuristic, tuned on
the gradients of some 240 formulas of physics and numerics, where errors that another
formula would avoid lie far above it."""
RANGE_STEPS = 8
"""By how many ulps of its inputs a number may be the truth's elsewhere and still be the
point's doing."""
MOST_LOCAL_ULP = Fraction(16)
"""However many operations there are, no more ulps than that are a matter of course: as
many as `assert_close`'s rtol leaves float32, where that of the 16-bit dtypes leaves one
to four."""


class Excuses(Protocol):
    """What may explain an error; each is worked out only when it is asked for."""

    def rounding(self) -> Reach | None:
        """Where rounding alone may bring the result; None: anywhere."""

    def limited_range(self) -> Reach | None:
        """The same with underflow and overflow on the way."""

    def ideal(self) -> Reach | None:
        """Where rounding may bring a program whose operations all have accurate
        derivatives; None: anywhere."""

    def local_ulp(self) -> Fraction:
        """What the operations' own errors add up to, in ulps, if none is amplified."""

    def movement(self) -> Fraction:
        """How far the truth moves when every input moves by `CONDITIONING_STEPS`
        ulps."""

    def cancelled(self) -> Fraction | None:
        """How far one ulp of each of the terms that cancel last brings a truth of 0;
        None where nothing bounds it."""

    def holds_nearby(self, measured: Number, tolerance: Tolerance, steps: int) -> bool:
        """Whether the finite number is, within the tolerance, a truth of inputs within
        so many ulps."""

    def ends_nearby(self) -> bool:
        """Whether a pole or the end of the domain lies within `CONDITIONING_STEPS` ulps
        of the inputs."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the verdict on one number depends on beside the number and the truth."""

    field: Field
    format: Format
    tolerance: Tolerance
    excuses: Excuses
    at_edge: bool
    """Whether the program stands at an edge, where conventions meet: `relu(x) -
    relu(-x)` at 0 is no matter of rounding unless rounding brings it from the truth to
    the number."""
    written: bool
    """Whether the program that ran is the one that was written. A subject need not
    compute as its specification does."""

    def holds(self, spread: Reach | None, measured: Number) -> bool:
        """Whether rounding may bring the result to a finite number."""
        return spread is None or self.field.contains(
            spread, self.field.of_float(measured)
        )

    def reaches(self, spread: Reach | None, measured: Number, true: Exact) -> bool:
        """Whether rounding is known to reach the number, and the truth too."""
        if spread is None:
            return False
        return self.field.contains(spread, true) and self.holds(spread, measured)

    def explains(self, measured: Number, true: Exact) -> bool:
        """Whether rounding alone brings the program to the number; at an edge, from the
        truth to the number."""
        return self._explains(self.excuses.rounding(), measured, true)

    def _explains(self, spread: Reach | None, measured: Number, true: Exact) -> bool:
        if self.at_edge:
            return self.reaches(spread, measured, true)
        if self.field.has_branches and spread is not None:
            return self.reaches(spread, measured, true)
        return self.holds(spread, measured)

    def explains_in_range(self, measured: Number, true: Exact) -> bool:
        """The same with overflow and underflow on the way."""
        spread = self.excuses.limited_range()
        if self.at_edge and spread is None:
            return self.excuses.rounding() is not None
        return self._explains(spread, measured, true)

    def is_conditioned(self, measured: Number, true: Exact) -> bool:
        """Whether the error is the point's doing: the truth moves as far, and is the
        number nearby."""
        error = self.field.distance(self.field.of_float(measured), true)
        if error > CONDITIONING_FACTOR * self.excuses.movement():
            return False
        within = nearby(self.field.size(true), self.format, self.tolerance)
        return self.excuses.holds_nearby(measured, within, RANGE_STEPS)

    def is_ideal(self, error: Fraction, true: Exact) -> bool:
        """Whether the program with accurate derivatives would lose about as much; what
        was written needs no asking."""
        if self.written:
            return True
        ideal = self.excuses.ideal()
        if ideal is None:
            return True
        return error <= CONDITIONING_FACTOR * self.field.farthest(ideal, true)

    def usual_ulp(self) -> Fraction:
        """What the operations' own errors add up to; of a tolerance of the case's own,
        which is meant as it is, 0."""
        if self.tolerance.relative != self.format.relative_tolerance:
            return Fraction(0)
        return min(self.excuses.local_ulp(), MOST_LOCAL_ULP)

    def spell_length(self, length: Fraction, true: Exact) -> str:
        """A distance in ulps of the truth, or as it is where that is 0."""
        size = self.field.size(true)
        if not size:
            return plain(length)
        return f"{as_float(length / ulp(size, self.format)):.3g} ulp"

    def moves(self, true: Exact) -> str:
        """What moving the inputs does, in words."""
        moved = self.spell_length(self.excuses.movement(), true)
        return f"{self.field.moved} of the inputs move the truth by {moved}"

    def no_further(self, true: Exact) -> str:
        """What rounding does not explain, in words."""
        spread = self.excuses.rounding()
        program = "the written program" if self.written else "the specification"
        if spread is None:
            return f"nothing bounds what rounding of {program} does here"
        if not self.field.contains(spread, true):
            if self.field.has_branches:
                return (
                    "PyTorch's own formula gives the number of another branch, "
                    "or another function's"
                )
            if self.at_edge:
                return (
                    "the program has an edge here, where the limits from its sides "
                    "agree on another number"
                )
        reach = self.spell_length(self.field.farthest(spread, true), true)
        return f"rounding of {program} brings it no further than {reach}"


def plain(number: Fraction) -> str:
    """A number to three digits."""
    return f"{as_float(number):.3g}"
