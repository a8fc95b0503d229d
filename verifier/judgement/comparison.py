"""A measured number compared with the truth: the verdict, as the manual
defines each."""

from __future__ import annotations

import math
from fractions import Fraction

from verifier.fields import REAL, Field
from verifier.floats import Format, Number, nearest
from verifier.judgement.excuses import (
    CONDITIONING_STEPS,
    Circumstances,
    Excuses,
    plain,
)
from verifier.judgement.finite import judge_known, judge_within
from verifier.judgement.tolerance import Tolerance, allowed
from verifier.records import Enclosure, Judgement, Truth, TruthStatus, Verdict

_UNDECIDED = {
    TruthStatus.LIMIT: Verdict.UNDECIDED_LIMIT,
    TruthStatus.PRECISION: Verdict.UNDECIDED_PRECISION,
    TruthStatus.ORACLE: Verdict.UNDECIDED_ORACLE,
    TruthStatus.BUDGET: Verdict.UNDECIDED_BUDGET,
}


def judge(
    measured: Number,
    truth: Truth,
    format_: Format,
    *,
    tolerance: Tolerance,
    excuses: Excuses,
    field: Field = REAL,
    convention: Fraction | str | None = None,
    written: bool = True,
) -> Judgement:
    """The verdict on one number that PyTorch computed in the format.

    `convention` is what the case demands at a kink: a number, `left`, `right` or `any`.
    `written` says that the program that ran is the one that was written; a subject need
    not compute as its specification does, so what only the rounding of that would excuse
    does not excuse it.
    """

    def against(truth: Truth) -> Judgement:
        here = Circumstances(field, format_, tolerance, excuses, truth.at_edge, written)
        return _judge(here, measured, truth, convention)

    judgement = against(truth)
    if judgement.verdict.family != "differ" or truth.signed is None:
        return judgement
    if against(truth.signed).verdict.family != "match":
        return judgement
    return Judgement(
        verdict=Verdict.MATCH_UNDEFINED,
        message="right by the signs that IEEE 754 gives zeros and poles",
    )


def _judge(
    here: Circumstances,
    measured: Number,
    truth: Truth,
    convention: Fraction | str | None,
) -> Judgement:
    if truth.status is TruthStatus.UNDEFINED:
        return _judge_undefined(here, measured, truth)
    if truth.status is TruthStatus.INFINITE:
        return _judge_infinite(here, measured, truth)
    if truth.status is TruthStatus.KINK:
        return _judge_kink(here, measured, truth, convention)
    undecided = _undecided(here, truth)
    if undecided is None:
        return judge_known(here, measured, here.field.middle(truth.enclosure))
    if truth.enclosure is None:
        return undecided
    return judge_within(here, measured, truth.enclosure) or undecided


def _undecided(here: Circumstances, truth: Truth) -> Judgement | None:
    """Why the truth is not known to the last digit; None where it is."""
    if truth.status in _UNDECIDED:
        return Judgement(verdict=_UNDECIDED[truth.status], message=truth.reason)
    if here.field.is_tight(truth.enclosure, here.format):
        return None
    return Judgement(
        verdict=Verdict.UNDECIDED_PRECISION,
        message="the enclosure is wider than the dtype can tell apart",
    )


# ── what has no finite truth ──────────────────────────────────────────────────────────


def _judge_undefined(here: Circumstances, measured: Number, truth: Truth) -> Judgement:
    if not here.field.is_finite(measured):
        return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
    # A complex truth that is infinite has no direction, and is undefined too.
    is_not = "is undefined" if here.field.is_ordered else "is not"
    return _true_beyond(here, measured) or Judgement(
        verdict=Verdict.DIFFER_SPURIOUS,
        message=f"a finite number where the truth {is_not}: {truth.reason}",
    )


def _judge_infinite(here: Circumstances, measured: Number, truth: Truth) -> Judgement:
    infinity = math.copysign(math.inf, truth.sign)
    if math.isnan(measured) or measured == infinity:
        return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
    if math.isinf(measured):
        return Judgement(
            verdict=Verdict.DIFFER_WRONG,
            message=f"the true limit is {here.field.nonfinite(infinity)}",
        )
    return _true_beyond(here, measured) or Judgement(
        verdict=Verdict.DIFFER_SPURIOUS,
        message=f"a finite number where the truth is {here.field.nonfinite(infinity)}",
    )


def _true_beyond(here: Circumstances, measured: Number) -> Judgement | None:
    """The match of a finite number that is true on the other side of a pole or of the
    domain's end next to the point.

    Rounding has to bring the program there: exactly at an edge, as at 0 of `sign`, a
    finite number is a convention.
    """
    # A complex pole is undefined only exactly at the point.
    if here.at_edge or not here.field.is_ordered:
        return None
    excuses = here.excuses
    spread = excuses.rounding() if here.written else excuses.ideal()
    moves = spread is None or spread.lower < spread.upper
    if not moves or not here.holds(spread, measured):
        return None
    if not excuses.holds_nearby(measured, here.tolerance, CONDITIONING_STEPS):
        return None
    return Judgement(
        verdict=Verdict.MATCH_CONDITIONING,
        message=f"true within {CONDITIONING_STEPS} ulps of the inputs",
    )


# ── kinks ─────────────────────────────────────────────────────────────────────────────


def _judge_kink(
    here: Circumstances,
    measured: float,
    truth: Truth,
    convention: Fraction | str | None,
) -> Judgement:
    """At a kink any number of the Clarke interval is a gradient, unless the case
    demands one."""
    demanded = _demanded(truth, convention)
    lower, upper = demanded.lower, demanded.upper
    if math.isnan(measured):
        return Judgement(
            verdict=Verdict.DIFFER_NONFINITE,
            message="NaN at a kink, where the one-sided derivatives exist",
        )
    if math.isinf(measured):
        return _judge_infinite_at_kink(here, measured, demanded)
    below = lower - allowed(lower, here.format, here.tolerance)
    above = upper + allowed(upper, here.format, here.tolerance)
    if below <= Fraction(measured) <= above or _reaches(here, demanded, measured):
        return Judgement(verdict=Verdict.MATCH_SUBGRADIENT, message=truth.reason)
    by_demand = ""
    if convention is not None:
        name = convention if isinstance(convention, str) else plain(convention)
        by_demand = f", as the case demands ({name})"
    return Judgement(
        verdict=Verdict.DIFFER_CONVENTION,
        message=f"outside the interval of subgradients{by_demand}",
    )


def _demanded(truth: Truth, convention: Fraction | str | None) -> Enclosure:
    """The gradients at a kink that count: the Clarke interval, or what the case
    demands."""
    if convention == "left":
        return truth.sides[0]
    if convention == "right":
        return truth.sides[-1]
    if isinstance(convention, Fraction):
        return Enclosure(lower=convention, upper=convention)
    assert isinstance(truth.enclosure, Enclosure)
    return truth.enclosure


def _reaches(here: Circumstances, demanded: Enclosure, measured: float) -> bool:
    """Whether rounding is known to reach the number and a gradient that counts."""
    spread = here.excuses.rounding()
    if spread is None:
        return False
    meets = spread.lower <= demanded.upper and demanded.lower <= spread.upper
    return meets and here.holds(spread, measured)


def _judge_infinite_at_kink(
    here: Circumstances, measured: float, demanded: Enclosure
) -> Judgement:
    end = demanded.upper if measured > 0 else demanded.lower
    if nearest(end, here.format) == measured:
        return Judgement(
            verdict=Verdict.MATCH_SUBGRADIENT, message="a one-sided derivative"
        )
    name = here.field.nonfinite(measured)
    return Judgement(
        verdict=Verdict.DIFFER_NONFINITE,
        message=f"{name} at a kink, where the one-sided derivatives are finite",
    )
