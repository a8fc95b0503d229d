"""What the oracle of scalar programs knows of many points, as enclosures beside those
of cells."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from verifier.enclosures import Enclosures
from verifier.records import Enclosure, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.cells.columns import enclosures
from verifier.symbolic.cells.truth import MOST_BITS

RoundedTruth = Rounded | Truth
"""What the oracle knows of one number."""


def is_plain(entry: RoundedTruth) -> bool:
    """Whether it is a finite number, at no kink and at no end of a domain."""
    proof = entry.proof if isinstance(entry, Rounded) else entry
    if not isinstance(proof, Truth):
        return True
    finite = proof.status is TruthStatus.FINITE and proof.interval is not None
    return finite and not proof.at_edge


def column(entries: Sequence[RoundedTruth], factors: Sequence[float]) -> Enclosures:
    """Plain numbers, each times a factor that is exact."""
    with balls.workprec(MOST_BITS):
        pairs = zip(entries, factors, strict=True)
        found = [_ball(entry) * balls.exact(by) for entry, by in pairs]
    return enclosures(np.array(found, dtype=object))


def _ball(entry: RoundedTruth) -> Any:
    proof = entry.proof if isinstance(entry, Rounded) else entry
    if not isinstance(proof, Truth):
        return proof
    interval = proof.interval
    assert interval is not None
    middle = (interval.lower + interval.upper) / 2
    radius = (interval.upper - interval.lower) / 2
    # Balls of fractions may be inexact themselves, outwards.
    reach = balls.exact(radius) if radius else balls.zero()
    return balls.around(balls.exact(middle), reach)


def as_truth(found: Enclosures, place: int) -> Truth:
    """An enclosure as the reports of scalars have it."""
    middle = Fraction(float(found.high[place])) + Fraction(float(found.low[place]))
    radius = Fraction(float(found.radius[place]))
    ends = Enclosure(lower=middle - radius, upper=middle + radius)
    return Truth(status=TruthStatus.FINITE, enclosure=ends)
