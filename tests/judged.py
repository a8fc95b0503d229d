"""Numbers judged with excuses made by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from verifier.floats import BINARY64, Format, neighbour
from verifier.judgement.comparison import judge
from verifier.judgement.tolerance import Tolerance
from verifier.records import Enclosure, Judgement, Truth, TruthStatus

EPS = Fraction(1, 2**52)


TOLERANCE = Tolerance(relative=Fraction(1, 10**7))


ONE, NONE = Tolerance(relative=Fraction(1)), Tolerance(relative=Fraction(0))


@dataclass
class Fake:
    """Excuses made by hand; what is not asked for is not given."""

    around: Fraction = Fraction(0)
    radius: Fraction | None = Fraction(0)
    limited_radius: Fraction | None = None
    limited_is_anywhere: bool = False
    moves: Fraction = Fraction(0)
    local: Fraction = Fraction(0)
    accurate: Fraction | None = Fraction(0)
    unit: Fraction | None = None
    nearby: bool = True
    least_slack: Fraction = Fraction(0)
    ends: bool = False

    def rounding(self) -> Enclosure | None:
        return ball(self.around, self.radius)

    def limited_range(self) -> Enclosure | None:
        if self.limited_is_anywhere:
            return None
        return ball(
            self.around,
            self.radius if self.limited_radius is None else self.limited_radius,
        )

    def movement(self) -> Fraction:
        return self.moves

    def local_ulp(self) -> Fraction:
        return self.local

    def ideal(self) -> Enclosure | None:
        return ball(self.around, self.accurate)

    def cancelled(self) -> Fraction | None:
        return self.unit

    def holds_nearby(self, measured: float, tolerance: Tolerance, steps: int) -> bool:
        return self.nearby and tolerance.absolute >= self.least_slack

    def ends_nearby(self) -> bool:
        return self.ends


class Silent:
    """Excuses that must not be asked for."""

    def rounding(self) -> Enclosure | None:
        raise AssertionError("asked for rounding")

    def limited_range(self) -> Enclosure | None:
        raise AssertionError("asked for the limited range")

    def movement(self) -> Fraction:
        raise AssertionError("asked for the movement")

    def local_ulp(self) -> Fraction:
        raise AssertionError("asked for the operations' own errors")

    def ideal(self) -> Enclosure | None:
        raise AssertionError("asked for accurate derivatives")

    def cancelled(self) -> Fraction | None:
        raise AssertionError("asked for what cancels")

    def holds_nearby(self, measured: float, tolerance: Tolerance, steps: int) -> bool:
        raise AssertionError("asked for the range nearby")

    def ends_nearby(self) -> bool:
        raise AssertionError("asked for an end nearby")


def ball(middle: Fraction, radius: Fraction | None) -> Enclosure | None:
    return (
        None
        if radius is None
        else Enclosure(lower=middle - radius, upper=middle + radius)
    )


def finite(value: Fraction | float) -> Truth:
    return Truth(
        status=TruthStatus.FINITE,
        enclosure=Enclosure(lower=Fraction(value), upper=Fraction(value)),
    )


def judged(
    measured: float,
    true: Fraction | float,
    excuses: Fake | Silent | None = None,
    *,
    format_: Format = BINARY64,
    tolerance: Fraction = TOLERANCE.relative,
    absolute: Fraction = Fraction(0),
) -> Judgement:
    if excuses is None:
        excuses = Fake(around=Fraction(true))
    elif isinstance(excuses, Fake):
        excuses.around = Fraction(true)
    within = Tolerance(relative=tolerance, absolute=absolute)
    return judge(measured, finite(true), format_, tolerance=within, excuses=excuses)


FIVE_ULP = 1 + Fraction(5, 2**7)
"""1 in bfloat16, five ulps off: beyond the dtype's rtol, which is two."""


def few(local: int, **excuses: Fraction) -> Fake:
    return Fake(radius=Fraction(1, 8), local=Fraction(local), **excuses)


UNDEFINED = Truth(status=TruthStatus.UNDEFINED, reason="log of -1")


INFINITE = Truth(status=TruthStatus.INFINITE, sign=1)


def kink(lower: Fraction | int, upper: Fraction | int) -> Truth:
    ends = Enclosure(lower=Fraction(lower), upper=Fraction(upper))
    sides = tuple(Enclosure(lower=e, upper=e) for e in (ends.lower, ends.upper))
    return Truth(status=TruthStatus.KINK, enclosure=ends, sides=sides, reason="a kink")


def at_kink(
    measured: float,
    truth: Truth,
    excuses: Fake | None = None,
    convention: Fraction | str | None = None,
) -> Judgement:
    return judge(
        measured,
        truth,
        BINARY64,
        tolerance=TOLERANCE,
        excuses=excuses or Fake(),
        convention=convention,
    )


def at_edge(measured: float, excuses: Fake, true: Fraction | int = 1) -> Judgement:
    """Rounding is where the test puts it: it need not hold the truth."""
    truth = replace(finite(Fraction(true)), at_edge=True)
    return judge(measured, truth, BINARY64, tolerance=TOLERANCE, excuses=excuses)


def about(middle: Fraction | int, **excuses: Any) -> Fake:
    return Fake(around=Fraction(middle), **excuses)


def cancelling(**excuses: Any) -> Fake:
    return Fake(**{"radius": Fraction(10), "unit": EPS, **excuses})


def of_subject(measured: float, excuses: Fake, true: Fraction | int = 1) -> Judgement:
    excuses.around = Fraction(true)
    return judge(
        measured,
        finite(Fraction(true)),
        BINARY64,
        tolerance=TOLERANCE,
        excuses=excuses,
        written=False,
    )


STEP = Fraction(1, 2**20)


def nudged(number: Fraction, ulps: int = 1) -> float:
    return neighbour(float(number), ulps, BINARY64)
