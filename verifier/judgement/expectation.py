"""What a case expects of both sides, held against what each of them says."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.floats import Format, decimal, nearest, shortest
from verifier.judgement.comparison import Tolerance, severity
from verifier.judgement.tallies import verdicts
from verifier.language.casefile.case import Expectation, Expected, Pin
from verifier.records import Tally, Truth, TruthStatus, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two answers to one question; the true one is None where it is not a finite number."""

    measured: float
    true: Fraction | None
    true_name: str
    """How the true side is called or spelled where it is not a number."""


def sides(measured: float, truth: Truth) -> Sides:
    """PyTorch's number beside the truth."""
    true = None
    if truth.status is TruthStatus.FINITE and truth.interval is not None:
        true = (truth.interval.lower + truth.interval.upper) / 2
    return Sides(measured=measured, true=true, true_name=truth.status.value)


def disagreement(
    key: str, expected: Expected, found: Sides, format_: Format, tolerance: Tolerance
) -> str | None:
    """Which side breaks the expectation, with all three numbers; None where both hold it.

    Integers and strings bind to the tolerance, decimals to that or half a unit of their last digit, if looser.
    """
    measured_holds = _holds(expected, found.measured, format_, tolerance)
    true_holds = _true_holds(expected, found, format_, tolerance)
    if measured_holds and true_holds:
        return None
    true = decimal(found.true) if found.true is not None else found.true_name
    measured = shortest(found.measured, format_)
    if measured_holds:
        verdict = f"PyTorch's {measured} agrees, the true {true} does not"
    elif true_holds:
        verdict = f"the true {true} agrees, PyTorch's {measured} does not"
    else:
        verdict = f"neither PyTorch's {measured} nor the true {true} agrees"
    return f"{key}: expected {expected.scalar.text}; {verdict}"


def _holds(
    expected: Expected, found: float, format_: Format, tolerance: Tolerance
) -> bool:
    if not math.isfinite(found) or not expected.scalar.is_finite:
        wanted = expected.scalar.nearest(format_)
        return found == wanted or (math.isnan(found) and math.isnan(wanted))
    return _near(expected, Fraction(found), tolerance)


def _true_holds(
    expected: Expected, found: Sides, format_: Format, tolerance: Tolerance
) -> bool:
    if found.true is None:
        # A point without a finite truth cannot hold a finite expectation, nor break one that is not.
        return not expected.scalar.is_finite
    if (
        not expected.scalar.is_finite
    ):  # a truth past the largest number rounds to infinity
        return nearest(found.true, format_) == expected.scalar.nearest(format_)
    return _near(expected, found.true, tolerance)


def _near(expected: Expected, found: Fraction, tolerance: Tolerance) -> bool:
    wanted = (expected.scalar.lower + expected.scalar.upper) / 2
    return abs(found - wanted) <= held_within(expected, abs(wanted), tolerance)


def held_within(expected: Expected, size: Fraction, tolerance: Tolerance) -> Fraction:
    """How far a number may be from one expected of that size: the tolerance, or half a unit of its last digit."""
    half_unit = expected.half_unit or Fraction(0)
    return max(tolerance.relative * size, tolerance.absolute, half_unit)


def unaccepted(
    verdict: Verdict, verdicts: Iterable[Verdict], accepted: Collection[Verdict]
) -> Verdict:
    """The worst verdict, or if that is accepted the worst difference that is not: one must not hide the other."""
    left = (v for v in verdicts if v.family == "differ" and v not in accepted)
    return max(left, key=severity, default=verdict) if verdict in accepted else verdict


def is_expected(
    verdict: Verdict,
    broken: Sequence[str],
    accepted: Collection[Verdict] = (),
) -> bool:
    """Whether a result whose verdict is not pinned is as expected: a match or an accepted difference.

    And every number that its case expects must hold.
    """
    return not broken and (verdict.family == "match" or verdict in accepted)


def unlike_pinned(
    verdict: Verdict,
    quantities: Sequence[Tally],
    expectation: Expectation,
    accepted: Collection[Verdict] = (),
) -> str | None:
    """What is not as the case pins it, or None.

    A pin of the whole holds for a result whose worst verdict it is and of which every quantity matches or has that
    verdict; a pin of a quantity, or of all gradients, likewise for that, and all that none names must match. What is
    accepted counts as a match, but where it is pinned.
    """
    if expectation.verdict is not None:
        whole = expectation.verdict
        if not _is(verdict, whole):
            return f"expected {whole}, found {verdict}"
        return _astray(quantities, whole, accepted, whole)
    worst = max(
        (verdicts(tally)[0] for tally in quantities), key=severity, default=None
    )
    if worst is None or severity(verdict) > severity(worst):  # of no single number
        return f"expected {expectation.pinned}, found {verdict}"
    unnamed = [tally for tally in quantities if _pin_of(tally, expectation) is None]
    found = [_astray(unnamed, "match", accepted, f"{expectation.pinned} alone")]
    for pin in expectation.pins:
        held = [tally for tally in quantities if _pin_of(tally, expectation) == pin]
        worst = max((verdicts(tally)[0] for tally in held), key=severity, default=None)
        if worst is None or not _is(worst, pin.verdict):
            found.append(f"expected {pin}, found {worst or 'nothing to compare'}")
        else:
            found.append(_astray(held, pin.verdict, accepted, str(pin)))
    return "; ".join(text for text in found if text is not None) or None


def _is(verdict: Verdict, pinned: str) -> bool:
    return pinned in (verdict.value, verdict.family)


def _astray(
    quantities: Iterable[Tally], pinned: str, accepted: Collection[Verdict], told: str
) -> str | None:
    """The quantities that neither match nor have the pinned verdict as their worst."""
    found = [(tally, verdicts(tally)) for tally in quantities]
    others = [
        f"{worst} of {tally.name}"
        for tally, of_it in found
        for worst in [unaccepted(of_it[0], of_it, accepted)]
        if worst.family != "match" and worst not in accepted and not _is(worst, pinned)
    ]
    if not others:
        return None
    return f"expected {told}, found {', '.join(others)} as well"


def _pin_of(tally: Tally, expectation: Expectation) -> Pin | None:
    """The pin that holds for a quantity: the one that names it before one of all derivatives."""
    fit = [
        pin
        for pin in expectation.pins
        if pin.quantity == tally.quantity and pin.wrt in (None, *tally.wrt)
    ]
    return max(fit, key=lambda pin: pin.wrt is not None, default=None)
