"""What only limits can decide, and what IEEE 754's signs of zeros and poles make of
it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from verifier.language.programs.program import Program
from verifier.records import VALUE, Entry, Truth, TruthStatus
from verifier.symbolic.calculus import signed
from verifier.symbolic.limits.limits import Limits

_SIGNED = (TruthStatus.FINITE, TruthStatus.INFINITE, TruthStatus.UNDEFINED)


def resolved(
    truths: Mapping[Entry, Truth],
    edges: Sequence[Entry],
    limits: Limits,
    written: Program,
    point: Mapping[str, float],
    upstream: float,
) -> dict[Entry, Truth]:
    """The truths with the entries at an edge decided by limits, the value before its
    derivatives.

    `written` is the program as it is given, which tells the signs of its zeros.
    """
    resolved = dict(truths)
    for entry in edges:
        here = resolved[VALUE]
        if entry == VALUE:
            truth = limits.value(point)
        elif entry.quantity == "gradient":
            truth = limits.derivative(point, entry.wrt[0], upstream, here)
        else:
            truth = limits.adjoint(point, entry.wrt[0], upstream, here)
        if truth.status in (TruthStatus.UNDEFINED, TruthStatus.INFINITE):
            truth = replace(truth, at_edge=True)
        resolved[entry] = truth
    has_sign = [entry for entry in edges if resolved[entry].status in _SIGNED]
    if has_sign:
        other = signed.evaluate(written, point, upstream)
        for entry in has_sign:
            second = _signed(entry, resolved, limits, other, point, upstream)
            if second is not None:
                resolved[entry] = replace(resolved[entry], signed=second)
    return resolved


def _signed(
    entry: Entry,
    truths: Mapping[Entry, Truth],
    limits: Limits,
    other: signed.SignedResult,
    point: Mapping[str, float],
    upstream: float,
) -> Truth | None:
    """What arithmetic with signed zeros makes of an entry at an edge, if that is
    another answer.

    An infinity may have the other sign. At infinite inputs, and where an operation that
    jumps has its value by the sign of a zero (acot at ±0), that value is right too, and
    with it the slope on the side of an input's zero.
    """
    if entry.quantity == "step":
        return None
    truth, is_value = truths[entry], entry == VALUE
    second = signed.truth(other.value if is_value else other.gradient.get(entry.wrt[0]))
    if truth.status is TruthStatus.INFINITE:
        is_other = second is not None and second.status is TruthStatus.INFINITE
        if second is not None and is_other and second.sign != truth.sign:
            return replace(truth, sign=-truth.sign)
        return None
    if is_value:
        picked = truth.status is TruthStatus.UNDEFINED and other.is_bounded
        at_infinity = any(math.isinf(value) for value in point.values())
        finite = second is not None and second.status is TruthStatus.FINITE
        return second if finite and (picked or at_infinity) else None
    here = truths[VALUE].signed
    if here is None:
        return None
    return limits.beside(point, entry.wrt[0], upstream, here) or second
