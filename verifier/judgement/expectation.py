"""What a case expects of both sides, compared with what each of them says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier.fields import Exact, Field
from verifier.floats import Format, Number, is_same, nearest
from verifier.judgement.tallies import verdicts
from verifier.judgement.tolerance import Tolerance
from verifier.language.casefile.case import Expectation, Expected, Pin
from verifier.records import Tally, Truth, Unmet, Verdict, severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two answers to one question; the true one is None where it is not a finite
    number."""

    measured: Number
    true: Exact | None
    true_name: str
    """How the true side is called where it is not a number."""


def sides(measured: Number, truth: Truth, field: Field) -> Sides:
    """PyTorch's number beside the truth."""
    return Sides(
        measured=measured, true=field.of_truth(truth), true_name=truth.status.value
    )


def disagreement(
    key: str,
    expected: Expected,
    sides: Sides,
    field: Field,
    format_: Format,
    tolerance: Tolerance,
    line: int | None = None,
) -> Unmet | None:
    """Which side breaks the expectation that stands in that `line`, with all three
    numbers; None where both hold it.

    Integers and strings bind to the tolerance, decimals to that or half a unit of their
    last digit, if looser.
    """
    measured_holds = _measured_holds(expected, sides, field, format_, tolerance)
    true_holds = _true_holds(expected, sides, field, format_, tolerance)
    if measured_holds and true_holds:
        return None
    true = sides.true_name if sides.true is None else field.spell_exact(sides.true)
    measured = field.spell(sides.measured, format_)
    if measured_holds:
        found = f"PyTorch's {measured} agrees, the true {true} does not"
    elif true_holds:
        found = f"the true {true} agrees, PyTorch's {measured} does not"
    else:
        found = f"neither PyTorch's {measured} nor the true {true} agrees"
    return Unmet(
        key=key,
        line=line,
        expected=expected.scalar.text,
        measured=measured,
        true=true,
        found=found,
    )


def _measured_holds(
    expected: Expected,
    sides: Sides,
    field: Field,
    format_: Format,
    tolerance: Tolerance,
) -> bool:
    measured = sides.measured
    if not field.is_finite(measured) or not expected.scalar.is_finite:
        wanted = expected.scalar.nearest(format_)
        return bool(measured == wanted) or is_same(measured, wanted)
    return _is_near(expected, field.of_float(measured), field, tolerance)


def _true_holds(
    expected: Expected,
    sides: Sides,
    field: Field,
    format_: Format,
    tolerance: Tolerance,
) -> bool:
    if sides.true is None:
        # A point without a finite truth cannot hold a finite expectation, nor break one
        # that is not.
        return not expected.scalar.is_finite
    if not expected.scalar.is_finite:
        # A truth past the largest number rounds to infinity.
        real, *rest = (nearest(x, format_) for x in field.coordinates(sides.true))
        return real == expected.scalar.nearest(format_) and not any(rest)
    return _is_near(expected, sides.true, field, tolerance)


def _is_near(
    expected: Expected, number: Exact, field: Field, tolerance: Tolerance
) -> bool:
    """Whether a number is that of the case within the tolerance, or half a unit of its
    last digit."""
    parts = expected.scalar.parts
    wanted = field.of_coordinates([(part.lower + part.upper) / 2 for part in parts])
    within = max(
        tolerance.relative * field.size(wanted),
        tolerance.absolute,
        expected.half_unit or Fraction(0),
    )
    return field.distance(number, wanted) <= within


def unaccepted(
    verdict: Verdict, verdicts: Iterable[Verdict], accepted: Collection[Verdict]
) -> Verdict:
    """The worst verdict, or if that is accepted the worst difference that is not: one
    must not hide the other."""
    left = (v for v in verdicts if v.family == "differ" and v not in accepted)
    return max(left, key=severity, default=verdict) if verdict in accepted else verdict


def is_expected(
    verdict: Verdict,
    broken: Sequence[Unmet],
    accepted: Collection[Verdict] = (),
) -> bool:
    """Whether a result whose verdict is not pinned is as expected: a match or an
    accepted difference.

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

    A pin of the whole holds for a result whose worst verdict it is and of which every
    quantity matches or has that verdict; a pin of a quantity, or of all gradients,
    likewise for that, and all that none names must match. What is accepted counts as a
    match, but where it is pinned.
    """
    if expectation.verdict is not None:
        whole = expectation.verdict
        if not _is(verdict, whole):
            return f"expected {whole}, found {verdict}"
        return _astray(quantities, whole, accepted, whole)
    worst = _worst(quantities)
    if worst is None or severity(verdict) > severity(worst):  # of no single number
        return f"expected {expectation.pinned}, found {verdict}"
    unnamed = [tally for tally in quantities if _pin_of(tally, expectation) is None]
    mistakes = [_astray(unnamed, "match", accepted, f"{expectation.pinned} alone")]
    for pin in expectation.pins:
        pinned = [tally for tally in quantities if _pin_of(tally, expectation) == pin]
        worst = _worst(pinned)
        if worst is None or not _is(worst, pin.verdict):
            mistakes.append(f"expected {pin}, found {worst or 'nothing to compare'}")
        else:
            mistakes.append(_astray(pinned, pin.verdict, accepted, str(pin)))
    return "; ".join(text for text in mistakes if text is not None) or None


def _worst(quantities: Iterable[Tally]) -> Verdict | None:
    return max((verdicts(tally)[0] for tally in quantities), key=severity, default=None)


def _is(verdict: Verdict, pinned: str) -> bool:
    return pinned in (verdict.value, verdict.family)


def _astray(
    quantities: Iterable[Tally], pinned: str, accepted: Collection[Verdict], words: str
) -> str | None:
    """The quantities that neither match nor have the pinned verdict as their worst."""
    by_tally = [(tally, verdicts(tally)) for tally in quantities]
    others = [
        f"{worst} of {tally.name}"
        for tally, of_it in by_tally
        for worst in [unaccepted(of_it[0], of_it, accepted)]
        if worst.family != "match" and worst not in accepted and not _is(worst, pinned)
    ]
    if not others:
        return None
    return f"expected {words}, found {', '.join(others)} as well"


def _pin_of(tally: Tally, expectation: Expectation) -> Pin | None:
    """The pin that holds for a quantity: the one that names it before one of all
    derivatives."""
    fit = [
        pin
        for pin in expectation.pins
        if pin.quantity == tally.quantity and pin.wrt in (None, *tally.wrt)
    ]
    return max(fit, key=lambda pin: pin.wrt is not None, default=None)
