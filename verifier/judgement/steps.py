"""A named step judged by what it hands on: its adjoint matters as far as it moves the
gradients that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from verifier.fields import as_float
from verifier.floats import Format, ulp
from verifier.judgement.finite import bits
from verifier.judgement.tolerance import Tolerance, allowed
from verifier.records import Judgement, Verdict

EXPLAINED = (Verdict.DIFFER_UNSTABLE, Verdict.DIFFER_RANGE)
"""Differences that rounding, underflow and overflow explain; one that nothing explains
is a fault, however small."""


def by_what_it_hands_on(
    judgement: Judgement,
    error: Fraction,
    slopes: Callable[[], Mapping[str, Fraction | None]],
    gradient: Mapping[str, Fraction | None],
    format_: Format,
    tolerance: Tolerance,
) -> Judgement:
    """The judgement of a step's adjoint that is off by `error`, as a match where that
    can move no gradient.

    `slopes` gives a bound of |d step / d input| for each input asked for that the step depends on, and `gradient` how
    large the true gradient by each input is; None where either is not known. The error, times the slope, must be
    within the tolerance of every gradient. Its size is then given in ulps of the gradient that it moves most. A step
    that reaches no input asked for hands on nothing to judge it by, and is judged by itself.
    """
    if judgement.verdict not in EXPLAINED:
        return judgement
    by_input = slopes()
    moved_ulp = 0.0
    for name, slope in by_input.items():
        if slope == 0:
            continue
        size = gradient.get(name)
        if slope is None or size is None:
            return judgement
        if error * slope > allowed(size, format_, tolerance):
            return judgement
        moved_ulp = max(moved_ulp, as_float(error * slope / ulp(size, format_)))
    if not by_input:
        return judgement
    own = "" if judgement.error_ulp is None else f" of {judgement.error_ulp:.3g} ulp"
    return replace(
        judgement,
        verdict=Verdict.MATCH_ROUNDING,
        error_ulp=moved_ulp,
        bits_lost=bits(moved_ulp),
        message=f"its error{own} moves no gradient by more than {moved_ulp:.3g} ulp",
    )
