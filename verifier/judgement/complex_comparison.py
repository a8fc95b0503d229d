"""A measured complex number held against the truth, norm-wise: the verdicts of the design's section 6, in the plane.

An error is the distance of two points, in ulps of |truth| in the component format. Infinities have no direction: at a
pole or a branch point every number that is not finite is right.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from verifier.fields import COMPLEX, Plane
from verifier.floats import Format, nearest, ulp
from verifier.judgement.comparison import (
    CANCELLED_ULPS,
    CONDITIONING_FACTOR,
    CONDITIONING_STEPS,
    RANGE_STEPS,
    SUBJECT_ULP,
    Judgement,
    Tolerance,
    allowed,
    nearby,
)
from verifier.records import Disc, Truth, TruthStatus, Verdict


class ComplexExcuses(Protocol):
    """What may explain an error; each is worked out only when it is asked for."""

    def rounding(self) -> Disc | None:
        """Where rounding alone may bring the result; None: anywhere."""

    def limited_range(self) -> Disc | None:
        """The same with underflow and overflow on the way."""

    def ideal(self) -> Disc | None:
        """Where rounding may bring a program whose operations all have accurate derivatives; None: anywhere."""

    def movement(self) -> Fraction:
        """How far the truth moves when every input moves by a few ulps of its norm."""

    def cancelled(self) -> Fraction | None:
        """How far one ulp of each of the terms that cancel last brings a truth of 0; None where nothing bounds it."""

    def holds_nearby(self, measured: complex, tolerance: Tolerance, steps: int) -> bool:
        """Whether the finite number is, within the tolerance, a truth of inputs within so many ulps."""

    def ends_nearby(self) -> bool:
        """Whether a pole lies within `CONDITIONING_STEPS` ulps of the inputs."""


norm, distance = COMPLEX.size, COMPLEX.distance
of_float, of_truth = COMPLEX.of_float, COMPLEX.of_truth


_UNDECIDED = {
    TruthStatus.LIMIT: Verdict.UNDECIDED_LIMIT,
    TruthStatus.PRECISION: Verdict.UNDECIDED_PRECISION,
    TruthStatus.ORACLE: Verdict.UNDECIDED_ORACLE,
    TruthStatus.BUDGET: Verdict.UNDECIDED_BUDGET,
}


def judge(
    measured: complex,
    truth: Truth,
    format_: Format,
    *,
    tolerance: Tolerance,
    excuses: ComplexExcuses,
    written: bool = True,
) -> Judgement:
    """The verdict on one number that PyTorch computed in components of the format; its tolerance is norm-wise.

    `written` says that the program that ran is the one that was written, not a subject.
    """
    bench = _Bench(format_, tolerance, excuses, written)
    if truth.status in _UNDECIDED:
        if not cmath.isfinite(measured) and _stays_in_range(truth, format_):
            return bench.nonfinite()
        return Judgement(verdict=_UNDECIDED[truth.status], message=truth.reason)
    if truth.status is TruthStatus.UNDEFINED:
        if not cmath.isfinite(measured):
            return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
        # A pole is undefined only exactly at the point, where a finite number is a convention.
        return Judgement(
            verdict=Verdict.DIFFER_SPURIOUS,
            message=f"a finite number where the truth is not: {truth.reason}",
        )
    true = of_truth(truth)
    assert true is not None
    return bench.judge(measured, true)


def _stays_in_range(truth: Truth, format_: Format) -> bool:
    """Whether both parts are known well enough to tell that neither overflows."""
    rectangle = truth.rectangle
    return rectangle is not None and all(
        math.isfinite(nearest(part.lower, format_))
        and math.isfinite(nearest(part.upper, format_))
        for part in (rectangle.real, rectangle.imaginary)
    )


def _is_rounded(measured: complex, true: Plane, format_: Format) -> bool:
    parts = zip((measured.real, measured.imag), true, strict=True)
    return all(part == nearest(exact, format_) for part, exact in parts)


@dataclass(frozen=True, slots=True)
class _Bench:
    """The verdicts at one point: those of `comparison`, norm-wise."""

    format: Format
    tolerance: Tolerance
    excuses: ComplexExcuses
    written: bool

    def judge(self, measured: complex, true: Plane) -> Judgement:
        """The verdict where the truth is known and finite."""
        if _is_rounded(measured, true, self.format):
            told = None
            if not cmath.isfinite(measured):
                told = f"the truth lies beyond the largest {self.format.name}"
            error_ulp = 0.0
            if cmath.isfinite(measured):
                error = distance(of_float(measured), true)
                error_ulp = _to_float(error / ulp(norm(true), self.format))
            return Judgement(
                verdict=Verdict.MATCH_EXACT,
                error_ulp=error_ulp,
                bits_lost=0.0,
                message=told,
            )
        if not cmath.isfinite(measured):
            if self.is_overflow(measured, true):
                told = f"the truth lies beyond the largest {self.format.name}"
                return Judgement(verdict=Verdict.MATCH_ROUNDING, message=told)
            return self.nonfinite()
        return self.finite(measured, true) if norm(true) else self.zero(measured)

    # ── what is not finite ───────────────────────────────────────────────────────────────────────────────────────

    def nonfinite(self) -> Judgement:
        """The verdict on a number with a part that is NaN or infinite, where the truth has none."""
        spread = self.excuses.rounding() if self.written else self.excuses.ideal()
        by_rounding = spread is None and self.excuses.cancelled() is not None
        if by_rounding and self.excuses.ends_nearby():
            return Judgement(
                verdict=Verdict.MATCH_CONDITIONING,
                message=f"a pole lies within {CONDITIONING_STEPS} ulps of the inputs",
            )
        if self.excuses.limited_range() is None and self.excuses.rounding() is not None:
            return Judgement(
                verdict=Verdict.DIFFER_RANGE,
                message="not finite: an intermediate result overflows or underflows",
            )
        return Judgement(
            verdict=Verdict.DIFFER_NONFINITE, message="not finite where the truth is"
        )

    def is_overflow(self, measured: complex, true: Plane) -> bool:
        """Whether the number is the infinity that the truth overflows to.

        One infinite part makes a complex number infinite, whatever the other (C17, G.3): so the other may be NaN. But
        an infinity has to be that of the truth's part, and a finite part right.
        """
        parts = list(zip((measured.real, measured.imag), true, strict=True))
        if not any(math.isinf(part) for part, _ in parts):
            return False
        within = allowed(norm(true), self.format, self.tolerance)
        for part, exact in parts:
            if math.isinf(part) and part != nearest(exact, self.format):
                return False
            if math.isfinite(part) and abs(Fraction(part) - exact) > within:
                return False
        return True

    # ── a truth of 0 ─────────────────────────────────────────────────────────────────────────────────────────────

    def zero(self, measured: complex) -> Judgement:
        """The verdict where the truth is 0: the error is measured against what cancelled."""
        true = (Fraction(0), Fraction(0))
        error = norm(of_float(measured))
        unit = self.excuses.cancelled()
        error_ulp = _to_float(error / (unit or ulp(Fraction(0), self.format)))
        explained = _explains(self.excuses.rounding(), measured, true)
        limited = _explains(self.excuses.limited_range(), measured, true)
        left = f"the truth is 0, {_to_float(error):.3g} is left"
        if unit:
            left += f": {error_ulp:.3g} ulp of what cancels"

        def verdict(found: Verdict, message: str = left) -> Judgement:
            return Judgement(
                verdict=found,
                error_ulp=error_ulp,
                bits_lost=max(0.0, math.log2(error_ulp)),
                message=message,
            )

        few = CANCELLED_ULPS * unit if unit and self.tolerance else Fraction(0)
        within = allowed(Fraction(0), self.format, self.tolerance)
        if not self.written and error <= self.tolerance.absolute:
            return verdict(Verdict.MATCH_ROUNDING)
        if (explained and error <= max(few, within)) or (limited and error <= within):
            if self.written or self.is_ideal(measured):
                return verdict(Verdict.MATCH_ROUNDING)
        elif error <= within:
            told = f"{left}: within the tolerance, but {self.no_further(true)}"
            return verdict(Verdict.DIFFER_INACCURATE, told)
        if (explained or not self.written) and self.is_conditioned(measured, true):
            return verdict(
                Verdict.MATCH_CONDITIONING, f"{left}; {self.moves(Fraction(0))}"
            )
        if explained:
            return verdict(Verdict.DIFFER_UNSTABLE)
        if limited:
            return verdict(Verdict.DIFFER_RANGE, f"{left}; {_LEAVES_RANGE}")
        return verdict(Verdict.DIFFER_WRONG, f"{left}, but {self.no_further(true)}")

    # ── finite numbers ───────────────────────────────────────────────────────────────────────────────────────────

    def finite(self, measured: complex, true: Plane) -> Judgement:
        """The verdict on a finite number, the truth not being 0."""
        size, error = norm(true), distance(of_float(measured), true)
        error_ulp = _to_float(error / ulp(size, self.format))
        bits_lost = max(0.0, math.log2(error_ulp)) if error_ulp > 0 else 0.0

        def verdict(found: Verdict, message: str | None = None) -> Judgement:
            return Judgement(
                verdict=found, error_ulp=error_ulp, bits_lost=bits_lost, message=message
            )

        explained = _explains(self.excuses.rounding(), measured, true)
        limited = _explains(self.excuses.limited_range(), measured, true)
        if error <= allowed(size, self.format, self.tolerance):
            if explained or limited:
                return verdict(Verdict.MATCH_ROUNDING)
            little = error_ulp <= SUBJECT_ULP or error <= self.tolerance.absolute
            if not self.written and little:
                return verdict(Verdict.MATCH_ROUNDING)
            if not self.written and self.is_conditioned(measured, true):
                return verdict(Verdict.MATCH_ROUNDING, self.moves(size))
            told = f"within the tolerance, but {self.no_further(true)}"
            return verdict(Verdict.DIFFER_INACCURATE, told)
        if (explained or not self.written) and self.is_conditioned(measured, true):
            return verdict(Verdict.MATCH_CONDITIONING, self.moves(size))
        if explained:
            return verdict(
                Verdict.DIFFER_UNSTABLE,
                f"rounding on the way loses {bits_lost:.1f} bits that the point does not: {self.moves(size)}",
            )
        if limited:
            return verdict(Verdict.DIFFER_RANGE, _LEAVES_RANGE)
        return verdict(Verdict.DIFFER_WRONG, self.no_further(true))

    # ── what explains an error ───────────────────────────────────────────────────────────────────────────────────

    def is_conditioned(self, measured: complex, true: Plane) -> bool:
        """Whether the error is the point's doing: the truth moves as far, and is the number nearby.

        Of a subject the program with accurate derivatives has to lose about as much.
        """
        error = distance(of_float(measured), true)
        if error > CONDITIONING_FACTOR * self.excuses.movement():
            return False
        if not self.written:
            ideal = self.excuses.ideal()
            if ideal is not None and error > CONDITIONING_FACTOR * _farthest(
                ideal, true
            ):
                return False
        within = nearby(norm(true), self.format, self.tolerance)
        return self.excuses.holds_nearby(measured, within, RANGE_STEPS)

    def is_ideal(self, measured: complex) -> bool:
        """Whether rounding brings the program with accurate derivatives to the number."""
        ideal = self.excuses.ideal()
        return ideal is None or _holds(ideal, of_float(measured))

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────

    def moves(self, size: Fraction) -> str:
        """What moving the inputs does."""
        movement = self.excuses.movement()
        moved = f"{_to_float(movement):.3g}"
        if size:
            moved = f"{_to_float(movement / ulp(size, self.format)):.3g} ulp"
        return f"a few ulps of the inputs move the truth by {moved}"

    def no_further(self, true: Plane) -> str:
        """What rounding does not explain."""
        spread = self.excuses.rounding()
        assert spread is not None  # which would explain any number
        told = "the written program" if self.written else "the specification"
        if not _holds(spread, true):
            return "PyTorch's own formula gives the number of another branch, or another function's"
        far, size = _farthest(spread, true), norm(true)
        reach = f"{_to_float(far):.3g}"
        if size:
            reach = f"{_to_float(far / ulp(size, self.format)):.3g} ulp"
        return f"rounding of {told} brings it no further than {reach}"


_LEAVES_RANGE = "an intermediate result overflows or underflows"


def _explains(spread: Disc | None, measured: complex, true: Plane) -> bool:
    """Whether rounding brings a program that computes the truth to the measured number.

    Where the disc of PyTorch's own formula leaves out the truth, the formula is another function's: that of the other
    side of a cut, say.
    """
    if spread is None:
        return True
    return _holds(spread, of_float(measured)) and _holds(spread, true)


def _holds(spread: Disc, number: Plane) -> bool:
    return distance(number, (spread.real, spread.imaginary)) <= spread.radius


def _farthest(spread: Disc, true: Plane) -> Fraction:
    return distance(true, (spread.real, spread.imaginary)) + spread.radius


def _to_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
