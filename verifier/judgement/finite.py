"""The verdict on a number whose truth is finite."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from verifier.fields import Exact, as_float
from verifier.floats import Number, ulp
from verifier.judgement.excuses import CONDITIONING_STEPS, Circumstances, plain
from verifier.judgement.tolerance import allowed
from verifier.records import Enclosure, Judgement, Rectangle, Verdict

CANCELLED_ULPS = 8
"""How many ulps of the terms that cancel may be left of a zero."""
SUBJECT_ULP = 64
"""What a subject may lose within the tolerance without being called inaccurate: its own
operations are not known."""
_LEAVES_RANGE = "an intermediate result overflows or underflows"


def judge_known(here: Circumstances, measured: Number, true: Exact) -> Judgement:
    """The verdict where the truth is known to the last digit."""
    field = here.field
    if field.is_rounded(measured, true, here.format):
        if not field.is_finite(measured):
            return _judgement(Verdict.MATCH_EXACT, 0.0, _beyond(here))
        error_ulp = field.error_in_ulp(measured, true, here.format)
        return Judgement(
            verdict=Verdict.MATCH_EXACT, error_ulp=error_ulp, bits_lost=0.0
        )
    size = field.size(true)
    if not field.is_finite(measured):
        within = allowed(size, here.format, here.tolerance)
        if field.is_overflow(measured, true, within, here.format):
            return Judgement(verdict=Verdict.MATCH_ROUNDING, message=_beyond(here))
        return judge_nonfinite(here, measured)
    if not size:
        return judge_zero(here, measured)
    judgement = judge_finite(here, measured, true)
    if here.written:
        return judgement
    return judge_subject(here, judgement, measured, true)


def _beyond(here: Circumstances) -> str:
    return f"the truth lies beyond the largest {here.format.name}"


def judge_within(
    here: Circumstances, measured: Number, ends: Enclosure | Rectangle
) -> Judgement | None:
    """The verdict where the truth is known to lie in an enclosure, if it is the same
    for every number of it; of a finite complex number none."""
    if not here.field.is_finite(measured):
        if here.field.may_overflow(ends, here.format):
            return None
        return judge_nonfinite(here, measured)
    if isinstance(ends, Rectangle):
        return None
    exact = Fraction(measured)
    judgements = [judge_known(here, measured, end) for end in (ends.lower, ends.upper)]
    worst = max(judgements, key=lambda judgement: judgement.error_ulp or 0.0)
    if judgements[0].verdict is not judgements[1].verdict:
        return None
    if worst.verdict.family == "match":
        close = all(
            abs(exact - end) <= allowed(end, here.format, here.tolerance)
            for end in (ends.lower, ends.upper)
        )
        return worst if close else None
    apart = not ends.lower <= exact <= ends.upper
    signed = ends.lower > 0 or ends.upper < 0
    if apart and (signed or worst.verdict is Verdict.DIFFER_WRONG):
        return worst
    return None


def judge_nonfinite(here: Circumstances, measured: Number) -> Judgement:
    """The verdict on NaN or an infinity where the truth is neither, nor rounds to
    it."""
    excuses, field = here.excuses, here.field
    spread = excuses.rounding() if here.written else excuses.ideal()
    # Without rounding PyTorch's own formulas have to give a number: 0·∞ at an exact
    # edge is no matter of closeness.
    by_rounding = spread is None and excuses.cancelled() is not None
    if by_rounding and not here.at_edge and excuses.ends_nearby():
        return Judgement(
            verdict=Verdict.MATCH_CONDITIONING,
            message=f"{field.edges} lies within {CONDITIONING_STEPS} ulps of the inputs",
        )
    if excuses.limited_range() is None and excuses.rounding() is not None:
        return Judgement(
            verdict=Verdict.DIFFER_RANGE,
            message=f"{field.nonfinite(measured)}: {_LEAVES_RANGE}",
        )
    return Judgement(
        verdict=Verdict.DIFFER_NONFINITE,
        message=field.nonfinite_where_finite(measured),
    )


def judge_zero(here: Circumstances, measured: Number) -> Judgement:
    """The verdict where the truth is 0: nothing is relative, so the error is measured
    against what cancelled."""
    true, zero = here.field.zero, Fraction(0)
    error = here.field.size(here.field.of_float(measured))
    unit = here.excuses.cancelled()
    error_ulp = as_float(error / (unit or ulp(zero, here.format)))
    left = f"the truth is 0, {plain(error)} is left"
    if unit:
        left += f": {error_ulp:.3g} ulp of what cancels"

    def verdict(verdict: Verdict, message: str = left) -> Judgement:
        return _judgement(verdict, error_ulp, message)

    few = CANCELLED_ULPS * unit if unit and here.tolerance else zero
    within = allowed(zero, here.format, here.tolerance)
    explained = here.explains(measured, true)
    limited = here.explains_in_range(measured, true)
    if not here.written and error <= here.tolerance.absolute:
        return verdict(Verdict.MATCH_ROUNDING)
    if (explained and error <= max(few, within)) or (limited and error <= within):
        if here.written or here.holds(here.excuses.ideal(), measured):
            return verdict(Verdict.MATCH_ROUNDING)
    elif error <= within:
        message = f"{left}: within the tolerance, but {here.no_further(true)}"
        return verdict(Verdict.DIFFER_INACCURATE, message)
    if (
        (explained or not here.written)
        and here.is_ideal(error, true)
        and here.is_conditioned(measured, true)
    ):
        return verdict(Verdict.MATCH_CONDITIONING, f"{left}; {here.moves(true)}")
    if explained:
        return verdict(Verdict.DIFFER_UNSTABLE)
    if limited:
        return verdict(Verdict.DIFFER_RANGE, f"{left}; {_LEAVES_RANGE}")
    return verdict(Verdict.DIFFER_WRONG, f"{left}, but {here.no_further(true)}")


def judge_finite(here: Circumstances, measured: Number, true: Exact) -> Judgement:
    """The verdict on a number of the written program, the truth not being 0."""
    size = here.field.size(true)
    error = here.field.distance(here.field.of_float(measured), true)
    error_ulp = as_float(error / ulp(size, here.format))

    def verdict(verdict: Verdict, message: str | None = None) -> Judgement:
        return _judgement(verdict, error_ulp, message)

    explained = here.explains(measured, true)
    if error <= allowed(size, here.format, here.tolerance):
        if explained or here.explains_in_range(measured, true) or here.at_edge:
            return verdict(Verdict.MATCH_ROUNDING)
        message = f"within the tolerance, but {here.no_further(true)}"
        return verdict(Verdict.DIFFER_INACCURATE, message)
    usual = here.usual_ulp()
    subnormal = size < here.format.smallest_normal
    if error_ulp <= usual and (
        explained or (subnormal and here.explains_in_range(measured, true))
    ):
        # No digit was lost that each operation does not take by itself; nor is
        # underflow news among subnormals.
        return verdict(
            Verdict.MATCH_ROUNDING,
            f"the rounding of each operation adds up to {float(usual):.3g} ulp",
        )
    if explained:
        if here.is_conditioned(measured, true):
            return verdict(Verdict.MATCH_CONDITIONING, here.moves(true))
        return verdict(
            Verdict.DIFFER_UNSTABLE,
            f"rounding on the way loses {bits(error_ulp):.1f} bits "
            f"that the point does not: {here.moves(true)}",
        )
    if here.explains_in_range(measured, true):
        return verdict(Verdict.DIFFER_RANGE, _LEAVES_RANGE)
    return verdict(Verdict.DIFFER_WRONG, here.no_further(true))


def judge_subject(
    here: Circumstances, judgement: Judgement, measured: Number, true: Exact
) -> Judgement:
    """The verdict on a subject, of which `judgement` is that on the written program.

    A few ulps within the tolerance are excused; beyond it conditioning alone excuses.
    And that only of a point at which the specification, run with accurate derivatives,
    would lose as much: the gradient of `asin` near 1 loses digits that 1/√((1 − x)(1 +
    x)) keeps, however the point is conditioned.
    """
    error = here.field.distance(here.field.of_float(measured), true)
    if judgement.verdict is Verdict.MATCH_CONDITIONING:
        judgement = replace(judgement, verdict=Verdict.DIFFER_UNSTABLE)
    beyond = error > allowed(here.field.size(true), here.format, here.tolerance)
    if judgement.verdict is Verdict.MATCH_ROUNDING and beyond:
        if here.holds(here.excuses.ideal(), measured):
            return judgement
        judgement = replace(judgement, verdict=Verdict.DIFFER_UNSTABLE)
    if judgement.verdict.family != "differ":
        return judgement
    assert judgement.error_ulp is not None
    inaccurate = judgement.verdict is Verdict.DIFFER_INACCURATE
    little = judgement.error_ulp <= SUBJECT_ULP or error <= here.tolerance.absolute
    if inaccurate and little:
        return replace(judgement, verdict=Verdict.MATCH_ROUNDING, message=None)
    if here.is_ideal(error, true) and here.is_conditioned(measured, true):
        verdict = Verdict.MATCH_ROUNDING if inaccurate else Verdict.MATCH_CONDITIONING
        return replace(judgement, verdict=verdict, message=here.moves(true))
    return judgement


def _judgement(
    verdict: Verdict, error_ulp: float, message: str | None = None
) -> Judgement:
    return Judgement(
        verdict=verdict,
        error_ulp=error_ulp,
        bits_lost=bits(error_ulp),
        message=message,
    )


def bits(error_ulp: float) -> float:
    """The bits that an error takes."""
    return max(0.0, math.log2(error_ulp)) if error_ulp > 0 else 0.0
