"""A measured number held against the truth: the verdict, as the design's section 6 defines each."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from verifier.floats import Format, nearest, ulp
from verifier.records import Enclosure, Truth, TruthStatus, Verdict

CONDITIONING_STEPS = 2
"""By how many ulps each input is moved to see how the truth answers."""
CONDITIONING_FACTOR = 4
"""An error of up to this times the answer is the point's doing: a heuristic, tuned on the gradients of some 240
formulas of physics and numerics, where errors that another formula would avoid lie far above it."""

MOST_LOCAL_ULP = Fraction(16)
"""However many operations there are, no more ulps than that are a matter of course: as many as `assert_close`'s rtol
leaves float32, where that of the 16-bit dtypes leaves one to four."""

SUBJECT_ULP = 64
"""What a subject may lose within the tolerance without being called inaccurate: its own operations are not known."""

_SEVERITY = (
    Verdict.MATCH_EXACT,
    Verdict.MATCH_ROUNDING,
    Verdict.MATCH_CONDITIONING,
    Verdict.MATCH_SUBGRADIENT,
    Verdict.MATCH_UNDEFINED,
    Verdict.UNDECIDED_LIMIT,
    Verdict.UNDECIDED_PRECISION,
    Verdict.UNDECIDED_ORACLE,
    Verdict.UNDECIDED_BUDGET,
    Verdict.DIFFER_INACCURATE,
    Verdict.DIFFER_BIASED,
    Verdict.DIFFER_UNSTABLE,
    Verdict.DIFFER_RANGE,
    Verdict.DIFFER_CONVENTION,
    Verdict.DIFFER_SPURIOUS,
    Verdict.DIFFER_NONFINITE,
    Verdict.DIFFER_UNSUPPORTED,
    Verdict.DIFFER_NONDETERMINISTIC,
    Verdict.DIFFER_MUTATED,
    Verdict.DIFFER_MISSING,
    Verdict.DIFFER_WRONG,
    Verdict.ERROR_RUN,
)


def severity(verdict: Verdict) -> int:
    """The rank of a verdict: the worst comparison of a result is the one of highest rank."""
    return _SEVERITY.index(verdict)


class Excuses(Protocol):
    """What may explain an error; each is worked out only when it is asked for."""

    def rounding(self) -> Enclosure | None:
        """Where rounding alone may bring the result; None: anywhere."""

    def limited_range(self) -> Enclosure | None:
        """The same with underflow and overflow on the way."""

    def ideal(self) -> Enclosure | None:
        """Where rounding may bring a program whose operations all have accurate derivatives; None: anywhere."""

    def local_ulp(self) -> Fraction:
        """What the operations' own errors add up to, in ulps, if none is amplified on the way."""

    def movement(self) -> Fraction:
        """How far the truth moves when every input moves by `CONDITIONING_STEPS` ulps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far from the truth a number may be: relative to the truth, or in absolute terms, whichever is more."""

    relative: Fraction
    absolute: Fraction = Fraction(0)

    def __bool__(self) -> bool:
        return bool(self.relative or self.absolute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, the error in ulps of the truth (None where there is none to give) and why."""

    verdict: Verdict
    error_ulp: float | None = None
    bits_lost: float | None = None
    message: str | None = None


_UNDECIDED = {
    TruthStatus.LIMIT: Verdict.UNDECIDED_LIMIT,
    TruthStatus.PRECISION: Verdict.UNDECIDED_PRECISION,
    TruthStatus.ORACLE: Verdict.UNDECIDED_ORACLE,
    TruthStatus.BUDGET: Verdict.UNDECIDED_BUDGET,
}


def judge(
    measured: float,
    truth: Truth,
    format_: Format,
    *,
    tolerance: Tolerance,
    excuses: Excuses,
    convention: Fraction | str | None = None,
    written: bool = True,
) -> Judgement:
    """The verdict on one number that PyTorch computed in the format.

    `convention` is what the case demands at a kink: a number, `left`, `right` or `any`. `written` says that the
    program that ran is the one that was written; a subject need not compute as its specification does, so what only
    the rounding of that would excuse does not excuse it.
    """

    def held_against(one: Truth) -> Judgement:
        return _judge(
            measured, one, format_, tolerance, excuses, convention, written=written
        )

    found = held_against(truth)
    if found.verdict.family != "differ" or truth.signed is None:
        return found
    other = held_against(truth.signed)
    if other.verdict.family != "match":
        return found
    return Judgement(
        verdict=Verdict.MATCH_UNDEFINED,
        message="right by the signs that IEEE 754 gives zeros and poles",
    )


def _judge(
    measured: float,
    truth: Truth,
    format_: Format,
    tolerance: Tolerance,
    excuses: Excuses,
    convention: Fraction | str | None,
    *,
    written: bool,
) -> Judgement:
    if truth.status in _UNDECIDED:
        return Judgement(verdict=_UNDECIDED[truth.status], message=truth.reason)
    if truth.status is TruthStatus.UNDEFINED:
        return _judge_undefined(measured, truth)
    if truth.status is TruthStatus.INFINITE:
        return _judge_infinite(measured, truth)
    if truth.status is TruthStatus.KINK:
        return _judge_kink(measured, truth, format_, tolerance, convention, excuses)
    assert truth.enclosure is not None
    if not _is_tight(truth.enclosure, format_):
        return Judgement(
            verdict=Verdict.UNDECIDED_PRECISION,
            message="the enclosure is wider than the dtype can tell apart",
        )
    true = middle(truth.enclosure)
    if not math.isfinite(measured):
        return _judge_nonfinite(measured, true, format_, excuses)
    if truth.at_edge:
        return _judge_at_edge(measured, true, format_, tolerance, excuses)
    judgement = _judge_finite(measured, true, format_, tolerance, excuses)
    if written:
        return judgement
    return _of_subject(judgement, measured, true, format_, tolerance, excuses)


def middle(enclosure: Enclosure) -> Fraction:
    """The number to show and to measure from: 0 where the enclosure contains it, else the midpoint."""
    if enclosure.lower <= 0 <= enclosure.upper:
        return Fraction(0)
    return (enclosure.lower + enclosure.upper) / 2


def error_in_ulp(measured: float, true: Fraction, format_: Format) -> float:
    """|measured − true| in ulps of the truth in the format."""
    return _to_float(abs(Fraction(measured) - true) / ulp(true, format_))


def _to_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_tight(enclosure: Enclosure, format_: Format) -> bool:
    """Whether the truth is known to far less than one ulp, or rounds to one number whatever it is."""
    width = enclosure.upper - enclosure.lower
    if width * 2**20 <= ulp(max(abs(enclosure.lower), abs(enclosure.upper)), format_):
        return True
    return nearest(enclosure.lower, format_) == nearest(enclosure.upper, format_)


def _judge_undefined(measured: float, truth: Truth) -> Judgement:
    if not math.isfinite(measured):
        return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
    return Judgement(
        verdict=Verdict.DIFFER_SPURIOUS,
        message=f"a finite number where the truth is undefined: {truth.reason}",
    )


def _judge_infinite(measured: float, truth: Truth) -> Judgement:
    infinity = math.copysign(math.inf, truth.sign)
    if math.isnan(measured) or measured == infinity:
        return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
    if math.isinf(measured):
        return Judgement(
            verdict=Verdict.DIFFER_WRONG,
            message=f"the true limit is {_name(infinity)}",
        )
    return Judgement(
        verdict=Verdict.DIFFER_SPURIOUS,
        message=f"a finite number where the truth is {_name(infinity)}",
    )


def _judge_kink(
    measured: float,
    truth: Truth,
    format_: Format,
    tolerance: Tolerance,
    convention: Fraction | str | None,
    excuses: Excuses,
) -> Judgement:
    """At a kink any number of the Clarke interval is a gradient, unless the case demands one."""
    assert truth.enclosure is not None
    lower, upper = truth.enclosure.lower, truth.enclosure.upper
    if convention == "left":
        lower, upper = truth.sides[0].lower, truth.sides[0].upper
    elif convention == "right":
        lower, upper = truth.sides[-1].lower, truth.sides[-1].upper
    elif isinstance(convention, Fraction):
        lower = upper = convention
    if math.isnan(measured):
        return Judgement(
            verdict=Verdict.DIFFER_NONFINITE,
            message="NaN at a kink, where the one-sided derivatives exist",
        )
    if math.isinf(measured):
        return _judge_infinite_at_kink(measured, lower, upper, format_)
    below = lower - allowed(lower, format_, tolerance)
    above = upper + allowed(upper, format_, tolerance)
    if not below <= Fraction(measured) <= above:
        slack = _slack(excuses)
        below, above = below - slack, above + slack
    if below <= Fraction(measured) <= above:
        return Judgement(verdict=Verdict.MATCH_SUBGRADIENT, message=truth.reason)
    demanded = f", as the case demands ({convention})" if convention else ""
    return Judgement(
        verdict=Verdict.DIFFER_CONVENTION,
        message=f"outside the interval of subgradients{demanded}",
    )


def _judge_infinite_at_kink(
    measured: float, lower: Fraction, upper: Fraction, format_: Format
) -> Judgement:
    end = upper if measured > 0 else lower
    if nearest(end, format_) == measured:
        return Judgement(
            verdict=Verdict.MATCH_SUBGRADIENT, message="a one-sided derivative"
        )
    return Judgement(
        verdict=Verdict.DIFFER_NONFINITE,
        message=f"{_name(measured)} at a kink, where the one-sided derivatives are finite",
    )


def _judge_nonfinite(
    measured: float, true: Fraction, format_: Format, excuses: Excuses
) -> Judgement:
    if measured == nearest(true, format_):
        return Judgement(verdict=Verdict.MATCH_EXACT, error_ulp=0.0, bits_lost=0.0)
    if excuses.limited_range() is None and excuses.rounding() is not None:
        return Judgement(
            verdict=Verdict.DIFFER_RANGE,
            message=f"{_name(measured)}: an intermediate result overflows or underflows",
        )
    return Judgement(
        verdict=Verdict.DIFFER_NONFINITE,
        message=f"{_name(measured)} where the truth is finite",
    )


def _judge_finite(
    measured: float,
    true: Fraction,
    format_: Format,
    tolerance: Tolerance,
    excuses: Excuses,
) -> Judgement:
    error = abs(Fraction(measured) - true)
    error_ulp = error_in_ulp(measured, true, format_)
    bits_lost = max(0.0, math.log2(error_ulp)) if error_ulp > 0 else 0.0

    def verdict(found: Verdict, message: str | None = None) -> Judgement:
        return Judgement(
            verdict=found, error_ulp=error_ulp, bits_lost=bits_lost, message=message
        )

    if measured == nearest(true, format_):
        return verdict(Verdict.MATCH_EXACT)
    explained = _contains(excuses.rounding(), measured)
    if true == 0 and tolerance and explained and excuses.rounding() is not None:
        # Of a zero truth nothing is relative (the adjoint of the shift in a log-sum-exp): rounding alone decides.
        return Judgement(verdict=Verdict.MATCH_ROUNDING, message="the truth is 0")
    if error <= allowed(true, format_, tolerance):
        if explained or _contains(excuses.limited_range(), measured):
            return verdict(Verdict.MATCH_ROUNDING)
        return verdict(
            Verdict.DIFFER_INACCURATE,
            f"within the tolerance, but rounding of the written program brings it no further than "
            f"{_reach(excuses.rounding(), true, format_)}",
        )
    usual = Fraction(0)
    if tolerance.relative == format_.relative_tolerance:  # one's own is meant as it is
        usual = min(excuses.local_ulp(), MOST_LOCAL_ULP)
    subnormal = abs(true) < format_.smallest_normal
    if error_ulp <= usual and (
        explained or (subnormal and _contains(excuses.limited_range(), measured))
    ):
        # No digit was lost that each operation's own rounding does not take; nor is underflow news among subnormals.
        return verdict(
            Verdict.MATCH_ROUNDING,
            f"the rounding of each operation adds up to {float(usual):.3g} ulp",
        )
    if explained:
        movement = excuses.movement()
        moved_ulp = _to_float(movement / ulp(true, format_))
        moves = f"±{CONDITIONING_STEPS} ulps of the inputs move the truth by {moved_ulp:.3g} ulp"
        if error <= CONDITIONING_FACTOR * movement:
            return verdict(Verdict.MATCH_CONDITIONING, moves)
        return verdict(
            Verdict.DIFFER_UNSTABLE,
            f"rounding on the way loses {bits_lost:.1f} bits that the point does not: {moves}",
        )
    if _contains(excuses.limited_range(), measured):
        return verdict(
            Verdict.DIFFER_RANGE, "an intermediate result overflows or underflows"
        )
    return verdict(
        Verdict.DIFFER_WRONG,
        f"rounding of the written program brings it no further than "
        f"{_reach(excuses.rounding(), true, format_)}",
    )


def _of_subject(
    judgement: Judgement,
    measured: float,
    true: Fraction,
    format_: Format,
    tolerance: Tolerance,
    excuses: Excuses,
) -> Judgement:
    """The verdict on a subject: within the tolerance a few ulps need no excuse, beyond it conditioning is the only one.

    And conditioning only of a point at which the specification, run with accurate derivatives, would lose as much: the
    gradient of `asin` near 1 loses digits that 1/√((1 − x)(1 + x)) keeps, however the point is conditioned.
    """
    error_ulp = judgement.error_ulp
    error = abs(Fraction(measured) - true)
    if judgement.message is not None:
        told = judgement.message.replace("the written program", "the specification")
        judgement = replace(judgement, message=told)
    if judgement.verdict is Verdict.MATCH_CONDITIONING:
        judgement = replace(judgement, verdict=Verdict.DIFFER_UNSTABLE)
    ideal = excuses.ideal()
    beyond = error > allowed(true, format_, tolerance)
    if judgement.verdict is Verdict.MATCH_ROUNDING and true and beyond:
        if _contains(ideal, measured):
            return judgement
        judgement = replace(judgement, verdict=Verdict.DIFFER_UNSTABLE)
    if judgement.verdict is Verdict.MATCH_ROUNDING and error <= tolerance.absolute:
        return judgement
    if judgement.verdict is Verdict.MATCH_ROUNDING and true == 0:
        if ideal is None or _contains(ideal, measured):
            return judgement
        return replace(judgement, verdict=Verdict.DIFFER_UNSTABLE, message=None)
    if error_ulp is None or judgement.verdict.family != "differ":
        return judgement
    little = error_ulp <= SUBJECT_ULP or error <= tolerance.absolute
    if judgement.verdict is Verdict.DIFFER_INACCURATE and little:
        return replace(judgement, verdict=Verdict.MATCH_ROUNDING, message=None)
    if ideal is not None and error_ulp > CONDITIONING_FACTOR * _farthest(
        ideal, true, format_
    ):
        return judgement
    moved_ulp = _to_float(excuses.movement() / ulp(true, format_))
    if error_ulp <= CONDITIONING_FACTOR * moved_ulp:
        inaccurate = judgement.verdict is Verdict.DIFFER_INACCURATE
        verdict = Verdict.MATCH_ROUNDING if inaccurate else Verdict.MATCH_CONDITIONING
        moves = f"±{CONDITIONING_STEPS} ulps of the inputs move the truth by {moved_ulp:.3g} ulp"
        return replace(judgement, verdict=verdict, message=moves)
    return judgement


def _slack(excuses: Excuses) -> Fraction:
    """How far rounding alone may move a result whose conventions are what they are; 0 where that is not bounded."""
    spread = excuses.rounding()
    return Fraction(0) if spread is None else spread.upper - spread.lower


def _judge_at_edge(
    measured: float,
    true: Fraction,
    format_: Format,
    tolerance: Tolerance,
    excuses: Excuses,
) -> Judgement:
    """A finite number where conventions met: `relu(x) - relu(-x)` at 0 is no matter of rounding."""
    error_ulp = error_in_ulp(measured, true, format_)
    if measured == nearest(true, format_):
        return Judgement(
            verdict=Verdict.MATCH_EXACT, error_ulp=error_ulp, bits_lost=0.0
        )
    if abs(Fraction(measured) - true) <= allowed(true, format_, tolerance):
        return Judgement(verdict=Verdict.MATCH_ROUNDING, error_ulp=error_ulp)
    error = abs(Fraction(measured) - true)
    if error <= _slack(excuses):
        conditioned = error <= CONDITIONING_FACTOR * excuses.movement()
        return Judgement(
            verdict=Verdict.MATCH_CONDITIONING
            if conditioned
            else Verdict.DIFFER_UNSTABLE,
            error_ulp=error_ulp,
        )
    return Judgement(
        verdict=Verdict.DIFFER_WRONG,
        error_ulp=error_ulp,
        message="the program has an edge here, where the limits from its sides agree on another number",
    )


def allowed(true: Fraction, format_: Format, tolerance: Tolerance) -> Fraction:
    """The largest error within the tolerance.

    Among the subnormals, where no number has as many digits as a relative tolerance asks for, one ulp at least. A
    tolerance of zero allows nothing anywhere.
    """
    within = max(tolerance.relative * abs(true), tolerance.absolute)
    if tolerance.relative and abs(true) < format_.smallest_normal:
        return max(within, format_.smallest_subnormal)
    return within


def _contains(enclosure: Enclosure | None, measured: float) -> bool:
    if enclosure is None:
        return True
    return enclosure.lower <= Fraction(measured) <= enclosure.upper


def _reach(enclosure: Enclosure | None, true: Fraction, format_: Format) -> str:
    if enclosure is None:
        return "any distance"
    return f"{_farthest(enclosure, true, format_):.3g} ulp"


def _farthest(enclosure: Enclosure, true: Fraction, format_: Format) -> float:
    farthest = max(abs(enclosure.lower - true), abs(enclosure.upper - true))
    return _to_float(farthest / ulp(true, format_))


def _name(measured: float) -> str:
    if math.isnan(measured):
        return "NaN"
    return "infinite" if measured > 0 else "minus infinite"
