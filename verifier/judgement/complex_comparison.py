"""A measured complex number held against the truth, norm-wise: the verdicts of the design's section 6, in the plane.

An error is the distance of two points, in ulps of |truth| in the component format. Infinities have no direction: at a
pole or a branch point every number that is not finite is right.
"""

from __future__ import annotations

import cmath
import math
from fractions import Fraction
from typing import Protocol

from verifier.floats import Format, nearest, ulp
from verifier.judgement.comparison import (
    CONDITIONING_FACTOR,
    SUBJECT_ULP,
    Judgement,
    Tolerance,
    allowed,
    middle,
)
from verifier.records import ComplexTruth, Disc, TruthStatus, Verdict

NORM_BITS = 128
"""Relative accuracy of a norm, which is rounded up."""
TIGHT_BITS = 20

Plane = tuple[Fraction, Fraction]
"""A complex number, exactly: real and imaginary part."""


class ComplexExcuses(Protocol):
    """What may explain an error; each is worked out only when it is asked for."""

    def rounding(self) -> Disc | None:
        """Where rounding alone may bring the result; None: anywhere."""

    def limited_range(self) -> Disc | None:
        """The same with underflow and overflow on the way."""

    def movement(self) -> Fraction:
        """How far the truth moves when every input moves by a few ulps of its norm."""


def norm(number: Plane) -> Fraction:
    """|z|, rounded up."""
    square = number[0] ** 2 + number[1] ** 2
    if square == 0:
        return Fraction(0)
    if 0 in number:
        return abs(number[0]) + abs(number[1])
    scale = square.denominator.bit_length() - square.numerator.bit_length()
    shift = max(0, scale + 2 * NORM_BITS)
    shift += shift % 2
    root = math.isqrt(math.ceil(square * 2**shift)) + 1
    return Fraction(root, 2 ** (shift // 2))


def of_float(number: complex) -> Plane:
    """A finite measured number."""
    return Fraction(number.real), Fraction(number.imag)


def of_truth(truth: ComplexTruth) -> Plane | None:
    """The number to show and to measure from; None where the truth is no finite number."""
    if truth.real is None or truth.imaginary is None:
        return None
    return middle(truth.real), middle(truth.imaginary)


def distance(first: Plane, second: Plane) -> Fraction:
    """|first − second|, rounded up."""
    return norm((first[0] - second[0], first[1] - second[1]))


_UNDECIDED = {
    TruthStatus.LIMIT: Verdict.UNDECIDED_LIMIT,
    TruthStatus.PRECISION: Verdict.UNDECIDED_PRECISION,
    TruthStatus.ORACLE: Verdict.UNDECIDED_ORACLE,
    TruthStatus.BUDGET: Verdict.UNDECIDED_BUDGET,
}


def judge(
    measured: complex,
    truth: ComplexTruth,
    format_: Format,
    *,
    tolerance: Tolerance,
    excuses: ComplexExcuses,
    written: bool = True,
) -> Judgement:
    """The verdict on one number that PyTorch computed in components of the format; its tolerance is norm-wise.

    `written` says that the program that ran is the one that was written, not a subject.
    """
    if truth.status in _UNDECIDED:
        return Judgement(verdict=_UNDECIDED[truth.status], message=truth.reason)
    if truth.status is TruthStatus.UNDEFINED:
        if not cmath.isfinite(measured):
            return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
        return Judgement(
            verdict=Verdict.DIFFER_SPURIOUS,
            message=f"a finite number where the truth is not: {truth.reason}",
        )
    true = of_truth(truth)
    assert true is not None
    if not cmath.isfinite(measured):
        return _judge_nonfinite(measured, true, format_, excuses)
    return _judge_finite(measured, true, format_, tolerance, excuses, written)


def _is_rounded(measured: complex, true: Plane, format_: Format) -> bool:
    parts = zip((measured.real, measured.imag), true, strict=True)
    return all(part == nearest(exact, format_) for part, exact in parts)


def _judge_nonfinite(
    measured: complex, true: Plane, format_: Format, excuses: ComplexExcuses
) -> Judgement:
    if _is_rounded(measured, true, format_):
        return Judgement(verdict=Verdict.MATCH_EXACT, error_ulp=0.0, bits_lost=0.0)
    if any(math.isinf(nearest(part, format_)) for part in true):
        message = "the truth lies beyond the largest number"
        return Judgement(verdict=Verdict.MATCH_ROUNDING, message=message)
    if excuses.limited_range() is None and excuses.rounding() is not None:
        return Judgement(
            verdict=Verdict.DIFFER_RANGE,
            message="not finite: an intermediate result overflows or underflows",
        )
    return Judgement(
        verdict=Verdict.DIFFER_NONFINITE, message="not finite where the truth is"
    )


def _judge_finite(
    measured: complex,
    true: Plane,
    format_: Format,
    tolerance: Tolerance,
    excuses: ComplexExcuses,
    written: bool,
) -> Judgement:
    size, error = norm(true), distance(of_float(measured), true)
    unit = ulp(size, format_)
    error_ulp = _to_float(error / unit)
    bits_lost = max(0.0, math.log2(error_ulp)) if error_ulp > 0 else 0.0

    def verdict(found: Verdict, message: str | None = None) -> Judgement:
        return Judgement(
            verdict=found, error_ulp=error_ulp, bits_lost=bits_lost, message=message
        )

    if _is_rounded(measured, true, format_):
        return verdict(Verdict.MATCH_EXACT)
    spread = excuses.rounding()
    explained = _explains(spread, measured, true)
    if size == 0 and tolerance and explained and spread is not None:
        # Of a zero truth nothing is relative: rounding alone decides.
        return Judgement(verdict=Verdict.MATCH_ROUNDING, message="the truth is 0")
    reach = _reach(spread, true, unit)
    told = "the written program" if written else "the specification"
    no_further = f"rounding of {told} brings it no further than {reach}"
    if spread is not None and not _holds(spread, true):
        no_further = "PyTorch's own formula gives the number of another branch, or another function's"
    if error <= allowed(size, format_, tolerance):
        if explained or _explains(excuses.limited_range(), measured, true):
            return verdict(Verdict.MATCH_ROUNDING)
        little = error_ulp <= SUBJECT_ULP or error <= tolerance.absolute
        if not written and little:
            return verdict(Verdict.MATCH_ROUNDING)
        return verdict(
            Verdict.DIFFER_INACCURATE, f"within the tolerance, but {no_further}"
        )
    if explained:
        movement = excuses.movement()
        moves = f"a few ulps of the inputs move the truth by {_to_float(movement / unit):.3g} ulp"
        if error <= CONDITIONING_FACTOR * movement:
            return verdict(Verdict.MATCH_CONDITIONING, moves)
        return verdict(
            Verdict.DIFFER_UNSTABLE,
            f"rounding on the way loses {bits_lost:.1f} bits that the point does not: {moves}",
        )
    if not written and error <= CONDITIONING_FACTOR * excuses.movement():
        return verdict(Verdict.MATCH_CONDITIONING)
    if _explains(excuses.limited_range(), measured, true):
        return verdict(
            Verdict.DIFFER_RANGE, "an intermediate result overflows or underflows"
        )
    return verdict(Verdict.DIFFER_WRONG, no_further)


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


def _reach(spread: Disc | None, true: Plane, unit: Fraction) -> str:
    if spread is None:
        return "any distance"
    farthest = distance(true, (spread.real, spread.imaginary)) + spread.radius
    return f"{_to_float(farthest / unit):.3g} ulp"


def _to_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
