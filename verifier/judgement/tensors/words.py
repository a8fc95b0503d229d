"""What is said of one entry: how far it is off, what rounding may do there, and on what
kind of evidence that rests."""

from __future__ import annotations

import numpy as np

from verifier.enclosures import Spreads
from verifier.floats import Format
from verifier.judgement.tensors.entries import EntryVerdicts
from verifier.records import Verdict

BOUND = "a bound from the documented errors of kernels"


def of_entry(
    verdicts: EntryVerdicts, spreads: Spreads, place: int, format_: Format
) -> str | None:
    """The message of the entry at a place of the flattened tensor; None where the
    verdict says all."""
    verdict = verdicts.verdict(place)
    unit = _unit(verdicts, place)
    within = _ulps(float(spreads.within.flat[place]), unit)
    everywhere = _ulps(float(spreads.everywhere.flat[place]), unit)
    reach = f"rounding within kernels of float32 reaches {within}"
    if format_.bits > 16:
        reach = f"rounding reaches {within}"
    match verdict:
        case Verdict.DIFFER_WRONG:
            if format_.bits <= 16:
                return f"{reach}, rounding of every operation {everywhere} ({BOUND})"
            return f"{reach} ({BOUND})"
        case Verdict.DIFFER_INACCURATE:
            return f"within the tolerance, but {reach} ({BOUND})"
        case Verdict.DIFFER_UNSTABLE:
            return (
                f"{reach}; as where every operation rounds to {format_.name}, "
                f"which reaches {everywhere} ({BOUND})"
            )
        case Verdict.DIFFER_RANGE:
            return f"an intermediate result overflows or underflows {format_.name}"
        case Verdict.DIFFER_NONFINITE:
            return "not finite where the truth is"
        case Verdict.DIFFER_SPURIOUS:
            return "a finite number where the truth is none"
        case Verdict.DIFFER_CONVENTION:
            return "outside the interval of subgradients (proved)"
        case Verdict.UNDECIDED_PRECISION if np.isfinite(verdicts.error.flat[place]):
            return f"no digit is right, and {reach}: the bound tells nothing here"
        case Verdict.MATCH_CONDITIONING:
            return "the truth moves as far within 2 ulps of the inputs"
    return None


def _unit(verdicts: EntryVerdicts, place: int) -> float:
    """The ulp that errors are told in."""
    error = float(verdicts.error.flat[place])
    ulps = float(verdicts.error_ulp.flat[place])
    return error / ulps if ulps > 0 and np.isfinite(ulps) else np.nan


def _ulps(bound: float, unit: float) -> str:
    if np.isinf(bound):
        return "any number"
    if not np.isfinite(unit):
        return f"{bound:.3g}"
    return f"{bound / unit:.3g} ulp"
