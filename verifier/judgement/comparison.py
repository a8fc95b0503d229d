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

RANGE_STEPS = 8
"""By how many ulps of its inputs a number may be the truth's elsewhere and still be the point's doing."""
CANCELLED_ULPS = 8
"""How many ulps of the terms that cancel may be left of a zero."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far from the truth a number may be: relative to the truth, or in absolute terms, whichever is more."""

    relative: Fraction
    absolute: Fraction = Fraction(0)

    def __bool__(self) -> bool:
        return bool(self.relative or self.absolute)


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

    def cancelled(self) -> Fraction | None:
        """How far one ulp of each of the terms that cancel last brings a truth of 0; None where nothing bounds it."""

    def holds_nearby(self, measured: float, tolerance: Tolerance, steps: int) -> bool:
        """Whether the finite number is, within the tolerance, a truth of inputs within so many ulps."""

    def ends_nearby(self) -> bool:
        """Whether a pole or the end of the domain lies within `CONDITIONING_STEPS` ulps of the inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, the error in ulps of the truth (None where there is none to give) and why.

    Of a truth of 0 the error is in ulps of the terms that cancel to it, where their size is known.
    """

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
    if truth.status is TruthStatus.UNDEFINED:
        return _judge_undefined(measured, truth, tolerance, excuses, written)
    if truth.status is TruthStatus.INFINITE:
        return _judge_infinite(measured, truth, tolerance, excuses, written)
    if truth.status is TruthStatus.KINK:
        return _judge_kink(measured, truth, format_, tolerance, convention, excuses)
    bench = _Bench(format_, tolerance, excuses, truth.at_edge, written)
    undecided = _undecided(truth, format_)
    if undecided is None:
        assert truth.interval is not None
        return bench.judge(measured, middle(truth.interval))
    if truth.interval is None:
        return undecided
    return bench.judge_within(measured, truth.interval) or undecided


def _undecided(truth: Truth, format_: Format) -> Judgement | None:
    """Why the truth is not known to the last digit; None where it is."""
    if truth.status in _UNDECIDED:
        return Judgement(verdict=_UNDECIDED[truth.status], message=truth.reason)
    assert truth.interval is not None
    if _is_tight(truth.interval, format_):
        return None
    return Judgement(
        verdict=Verdict.UNDECIDED_PRECISION,
        message="the enclosure is wider than the dtype can tell apart",
    )


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
    if width * 2**20 <= ulp(enclosure.upper, format_):
        return True
    return nearest(enclosure.lower, format_) == nearest(enclosure.upper, format_)


def _judge_undefined(
    measured: float,
    truth: Truth,
    tolerance: Tolerance,
    excuses: Excuses,
    written: bool,
) -> Judgement:
    if not math.isfinite(measured):
        return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
    return _true_beyond(measured, truth, tolerance, excuses, written) or Judgement(
        verdict=Verdict.DIFFER_SPURIOUS,
        message=f"a finite number where the truth is undefined: {truth.reason}",
    )


def _judge_infinite(
    measured: float,
    truth: Truth,
    tolerance: Tolerance,
    excuses: Excuses,
    written: bool,
) -> Judgement:
    infinity = math.copysign(math.inf, truth.sign)
    if math.isnan(measured) or measured == infinity:
        return Judgement(verdict=Verdict.MATCH_UNDEFINED, message=truth.reason)
    if math.isinf(measured):
        return Judgement(
            verdict=Verdict.DIFFER_WRONG,
            message=f"the true limit is {_name(infinity)}",
        )
    return _true_beyond(measured, truth, tolerance, excuses, written) or Judgement(
        verdict=Verdict.DIFFER_SPURIOUS,
        message=f"a finite number where the truth is {_name(infinity)}",
    )


def _true_beyond(
    measured: float,
    truth: Truth,
    tolerance: Tolerance,
    excuses: Excuses,
    written: bool,
) -> Judgement | None:
    """The match of a finite number that is true on the other side of a pole or of the domain's end next to the point.

    Rounding has to bring the program there: exactly at an edge, as at 0 of `sign`, a finite number is a convention.
    """
    if truth.at_edge:
        return None
    spread = excuses.rounding() if written else excuses.ideal()
    moves = spread is None or spread.lower < spread.upper
    if not moves or not _contains(spread, measured):
        return None
    if not excuses.holds_nearby(measured, tolerance, CONDITIONING_STEPS):
        return None
    return Judgement(
        verdict=Verdict.MATCH_CONDITIONING,
        message=f"true within {CONDITIONING_STEPS} ulps of the inputs",
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
    assert truth.interval is not None
    lower, upper = truth.interval.lower, truth.interval.upper
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
    if below <= Fraction(measured) <= above or _reaches(
        excuses.rounding(), lower, upper, measured
    ):
        return Judgement(verdict=Verdict.MATCH_SUBGRADIENT, message=truth.reason)
    demanded = (
        "" if convention is None else f", as the case demands ({_spell(convention)})"
    )
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


@dataclass(frozen=True, slots=True)
class _Bench:
    """The verdicts on numbers whose truth is finite, at one point."""

    format: Format
    tolerance: Tolerance
    excuses: Excuses
    at_edge: bool
    """Whether the program stands at an edge, where conventions meet: `relu(x) - relu(-x)` at 0 is no matter of
    rounding unless rounding brings it from the truth to the number."""
    written: bool

    def judge(self, measured: float, true: Fraction) -> Judgement:
        """The verdict where the truth is known."""
        if measured == nearest(true, self.format):
            return self.exact(measured, true)
        if not math.isfinite(measured):
            return self.nonfinite(measured)
        if not true:
            return self.zero(measured)
        found = self.finite(measured, true)
        return found if self.written else self.of_subject(found, measured, true)

    def judge_within(self, measured: float, ends: Enclosure) -> Judgement | None:
        """The verdict where the truth is known to lie between two numbers, if it is the same for all of them."""
        if not math.isfinite(measured):
            if any(
                math.isinf(nearest(t, self.format)) for t in (ends.lower, ends.upper)
            ):
                return None
            return self.nonfinite(measured)
        exact = Fraction(measured)
        both = [self.judge(measured, end) for end in (ends.lower, ends.upper)]
        worst = max(both, key=lambda one: one.error_ulp or 0.0)
        if both[0].verdict is not both[1].verdict:
            return None
        if worst.verdict.family == "match":
            close = all(
                abs(exact - end) <= allowed(end, self.format, self.tolerance)
                for end in (ends.lower, ends.upper)
            )
            return worst if close else None
        apart = not ends.lower <= exact <= ends.upper
        signed = ends.lower > 0 or ends.upper < 0
        if apart and (signed or worst.verdict is Verdict.DIFFER_WRONG):
            return worst
        return None

    def exact(self, measured: float, true: Fraction) -> Judgement:
        """The match of the correctly rounded number, which may be an infinity."""
        if math.isfinite(measured):
            error_ulp = error_in_ulp(measured, true, self.format)
            return Judgement(
                verdict=Verdict.MATCH_EXACT, error_ulp=error_ulp, bits_lost=0.0
            )
        return Judgement(
            verdict=Verdict.MATCH_EXACT,
            error_ulp=0.0,
            bits_lost=0.0,
            message=f"the truth lies beyond the largest {self.format.name}",
        )

    # ── what is not finite ───────────────────────────────────────────────────────────────────────────────────────

    def nonfinite(self, measured: float) -> Judgement:
        """The verdict on NaN or an infinity where the truth is neither, nor rounds to it."""
        spread = self.excuses.rounding() if self.written else self.excuses.ideal()
        # Without rounding PyTorch's own formulas have to give a number: 0·∞ at an exact edge is no matter of closeness.
        by_rounding = spread is None and self.excuses.cancelled() is not None
        if by_rounding and not self.at_edge and self.excuses.ends_nearby():
            return Judgement(
                verdict=Verdict.MATCH_CONDITIONING,
                message=f"a pole or an end of the domain lies within {CONDITIONING_STEPS} ulps of the inputs",
            )
        if self.excuses.limited_range() is None and self.excuses.rounding() is not None:
            return Judgement(
                verdict=Verdict.DIFFER_RANGE,
                message=f"{_name(measured)}: an intermediate result overflows or underflows",
            )
        return Judgement(
            verdict=Verdict.DIFFER_NONFINITE,
            message=f"{_name(measured)} where the truth is finite",
        )

    # ── a truth of 0 ─────────────────────────────────────────────────────────────────────────────────────────────

    def zero(self, measured: float) -> Judgement:
        """The verdict where the truth is 0: nothing is relative, so the error is measured against what cancelled."""
        true, error = Fraction(0), abs(Fraction(measured))
        unit = self.excuses.cancelled()
        error_ulp = _to_float(error / (unit or ulp(true, self.format)))
        explained = self.explains(measured, true)

        def verdict(found: Verdict, message: str) -> Judgement:
            return Judgement(
                verdict=found,
                error_ulp=error_ulp,
                bits_lost=max(0.0, math.log2(error_ulp)),
                message=message,
            )

        left = f"the truth is 0, {_plain(error)} is left"
        if unit:
            left += f": {error_ulp:.3g} ulp of what cancels"
        few = CANCELLED_ULPS * unit if unit and self.tolerance else Fraction(0)
        within = allowed(true, self.format, self.tolerance)
        limited = self.explains_in_range(measured, true)
        if not self.written and error <= self.tolerance.absolute:
            return verdict(Verdict.MATCH_ROUNDING, left)
        if (explained and error <= max(few, within)) or (limited and error <= within):
            if self.written or _contains(self.excuses.ideal(), measured):
                return verdict(Verdict.MATCH_ROUNDING, left)
        elif error <= within:
            told = f"{left}: within the tolerance, but {self.no_further(true)}"
            return verdict(Verdict.DIFFER_INACCURATE, told)
        if (
            (explained or not self.written)
            and self.is_ideal(error, true)
            and self.is_conditioned(measured, true)
        ):
            return verdict(Verdict.MATCH_CONDITIONING, f"{left}; {self.moves(true)}")
        if explained:
            return verdict(Verdict.DIFFER_UNSTABLE, left)
        if limited:
            return verdict(Verdict.DIFFER_RANGE, f"{left}; {_LEAVES_RANGE}")
        return verdict(Verdict.DIFFER_WRONG, f"{left}, but {self.no_further(true)}")

    # ── finite numbers ───────────────────────────────────────────────────────────────────────────────────────────

    def finite(self, measured: float, true: Fraction) -> Judgement:
        """The verdict on a number of the written program, the truth not being 0."""
        error = abs(Fraction(measured) - true)
        error_ulp = error_in_ulp(measured, true, self.format)
        bits_lost = max(0.0, math.log2(error_ulp))

        def verdict(found: Verdict, message: str | None = None) -> Judgement:
            return Judgement(
                verdict=found, error_ulp=error_ulp, bits_lost=bits_lost, message=message
            )

        explained = self.explains(measured, true)
        if error <= allowed(true, self.format, self.tolerance):
            if explained or self.explains_in_range(measured, true) or self.at_edge:
                return verdict(Verdict.MATCH_ROUNDING)
            told = f"within the tolerance, but {self.no_further(true)}"
            return verdict(Verdict.DIFFER_INACCURATE, told)
        usual = self.usual_ulp()
        subnormal = abs(true) < self.format.smallest_normal
        if error_ulp <= usual and (
            explained or (subnormal and self.explains_in_range(measured, true))
        ):
            # No digit was lost that each operation does not take by itself; nor is underflow news among subnormals.
            return verdict(
                Verdict.MATCH_ROUNDING,
                f"the rounding of each operation adds up to {float(usual):.3g} ulp",
            )
        if explained:
            if self.is_conditioned(measured, true):
                return verdict(Verdict.MATCH_CONDITIONING, self.moves(true))
            return verdict(
                Verdict.DIFFER_UNSTABLE,
                f"rounding on the way loses {bits_lost:.1f} bits that the point does not: {self.moves(true)}",
            )
        if self.explains_in_range(measured, true):
            return verdict(Verdict.DIFFER_RANGE, _LEAVES_RANGE)
        return verdict(Verdict.DIFFER_WRONG, self.no_further(true))

    def of_subject(
        self, found: Judgement, measured: float, true: Fraction
    ) -> Judgement:
        """The verdict on a subject: a few ulps within the tolerance are excused, beyond it conditioning alone excuses.

        And conditioning only of a point at which the specification, run with accurate derivatives, would lose as much:
        the gradient of `asin` near 1 loses digits that 1/√((1 − x)(1 + x)) keeps, however the point is conditioned.
        """
        error = abs(Fraction(measured) - true)
        if found.verdict is Verdict.MATCH_CONDITIONING:
            found = replace(found, verdict=Verdict.DIFFER_UNSTABLE)
        beyond = error > allowed(true, self.format, self.tolerance)
        if found.verdict is Verdict.MATCH_ROUNDING and beyond:
            if _contains(self.excuses.ideal(), measured):
                return found
            found = replace(found, verdict=Verdict.DIFFER_UNSTABLE)
        if found.verdict.family != "differ":
            return found
        assert found.error_ulp is not None
        inaccurate = found.verdict is Verdict.DIFFER_INACCURATE
        little = found.error_ulp <= SUBJECT_ULP or error <= self.tolerance.absolute
        if inaccurate and little:
            return replace(found, verdict=Verdict.MATCH_ROUNDING, message=None)
        if self.is_ideal(error, true) and self.is_conditioned(measured, true):
            verdict = (
                Verdict.MATCH_ROUNDING if inaccurate else Verdict.MATCH_CONDITIONING
            )
            return replace(found, verdict=verdict, message=self.moves(true))
        return found

    # ── what explains an error ───────────────────────────────────────────────────────────────────────────────────

    def explains(self, measured: float, true: Fraction) -> bool:
        """Whether rounding alone brings the program to the number; at an edge, from the truth to the number."""
        spread = self.excuses.rounding()
        if self.at_edge:
            return _reaches(spread, true, true, measured)
        return _contains(spread, measured)

    def explains_in_range(self, measured: float, true: Fraction) -> bool:
        """The same with overflow and underflow on the way."""
        spread = self.excuses.limited_range()
        if not self.at_edge:
            return _contains(spread, measured)
        if spread is None:
            return self.excuses.rounding() is not None
        return _reaches(spread, true, true, measured)

    def is_conditioned(self, measured: float, true: Fraction) -> bool:
        """Whether the error is the point's doing: the truth moves as far, and is the number nearby."""
        error = abs(Fraction(measured) - true)
        if error > CONDITIONING_FACTOR * self.excuses.movement():
            return False
        within = nearby(true, self.format, self.tolerance)
        return self.excuses.holds_nearby(measured, within, RANGE_STEPS)

    def is_ideal(self, error: Fraction, true: Fraction) -> bool:
        """Whether the program with accurate derivatives would lose about as much; what was written needs no asking."""
        if self.written:
            return True
        ideal = self.excuses.ideal()
        return ideal is None or error <= CONDITIONING_FACTOR * _farthest(ideal, true)

    def usual_ulp(self) -> Fraction:
        """What the operations' own errors add up to; of a tolerance of the case's own, which is meant as it is, 0."""
        if self.tolerance.relative != self.format.relative_tolerance:
            return Fraction(0)
        return min(self.excuses.local_ulp(), MOST_LOCAL_ULP)

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────

    def moves(self, true: Fraction) -> str:
        """What moving the inputs does."""
        movement = self.excuses.movement()
        moved = f"by {_plain(movement)}"
        if true:
            moved = f"by {_to_float(movement / ulp(true, self.format)):.3g} ulp"
        return f"±{CONDITIONING_STEPS} ulps of the inputs move the truth {moved}"

    def no_further(self, true: Fraction) -> str:
        """What rounding does not explain."""
        spread = self.excuses.rounding()
        if self.at_edge and spread is not None and not _holds(spread, true, true):
            return "the program has an edge here, where the limits from its sides agree on another number"
        told = "the written program" if self.written else "the specification"
        if spread is None:
            return f"nothing bounds what rounding of {told} does here"
        far = _farthest(spread, true)
        reach = _plain(far)
        if true:
            reach = f"{_to_float(far / ulp(true, self.format)):.3g} ulp"
        return f"rounding of {told} brings it no further than {reach}"


_LEAVES_RANGE = "an intermediate result overflows or underflows"


def _reaches(
    spread: Enclosure | None, lower: Fraction, upper: Fraction, measured: float
) -> bool:
    """Whether rounding is known to reach the number and a truth between the ends too."""
    if spread is None:
        return False
    return _holds(spread, lower, upper) and _contains(spread, measured)


def _holds(spread: Enclosure, lower: Fraction, upper: Fraction) -> bool:
    """Whether the enclosure has a number between the ends."""
    return spread.lower <= upper and lower <= spread.upper


def allowed(true: Fraction, format_: Format, tolerance: Tolerance) -> Fraction:
    """The largest error within the tolerance.

    Among the subnormals, where no number has as many digits as a relative tolerance asks for, one ulp at least. A
    tolerance of zero allows nothing anywhere.
    """
    within = max(tolerance.relative * abs(true), tolerance.absolute)
    if tolerance.relative and abs(true) < format_.smallest_normal:
        return max(within, format_.smallest_subnormal)
    return within


def nearby(true: Fraction, format_: Format, tolerance: Tolerance) -> Tolerance:
    """How close a number has to come to a truth elsewhere: of a subnormal truth one ulp is enough, as it is here."""
    if abs(true) >= format_.smallest_normal:
        return tolerance
    least = allowed(Fraction(0), format_, tolerance)
    return replace(tolerance, absolute=max(tolerance.absolute, least))


def _contains(enclosure: Enclosure | None, measured: float) -> bool:
    if enclosure is None:
        return True
    return enclosure.lower <= Fraction(measured) <= enclosure.upper


def _farthest(enclosure: Enclosure, true: Fraction) -> Fraction:
    return max(abs(enclosure.lower - true), abs(enclosure.upper - true))


def _plain(number: Fraction) -> str:
    """A number to three digits."""
    return f"{_to_float(number):.3g}"


def _spell(convention: Fraction | str) -> str:
    """What a case demands, as a person writes it."""
    return convention if isinstance(convention, str) else _plain(convention)


def _name(measured: float) -> str:
    if math.isnan(measured):
        return "NaN"
    return "infinite" if measured > 0 else "minus infinite"
