"""How far from the truth a number may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.floats import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Relative to the truth, or in absolute terms, whichever is more."""

    relative: Fraction
    absolute: Fraction = Fraction(0)

    def __bool__(self) -> bool:
        return bool(self.relative or self.absolute)


def allowed(size: Fraction, format_: Format, tolerance: Tolerance) -> Fraction:
    """The largest error within the tolerance, of a truth of that size.

    Among the subnormals, where no number has as many digits as a relative tolerance
    asks for, one ulp at least. A tolerance of zero allows nothing anywhere.
    """
    within = max(tolerance.relative * abs(size), tolerance.absolute)
    if tolerance.relative and abs(size) < format_.smallest_normal:
        return max(within, format_.smallest_subnormal)
    return within


def nearby(size: Fraction, format_: Format, tolerance: Tolerance) -> Tolerance:
    """How close a number has to come to a truth elsewhere: of a subnormal truth one ulp
    is enough, as it is here."""
    if abs(size) >= format_.smallest_normal:
        return tolerance
    least = allowed(Fraction(0), format_, tolerance)
    return replace(tolerance, absolute=max(tolerance.absolute, least))
