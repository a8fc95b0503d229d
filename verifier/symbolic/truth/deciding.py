"""When a truth is known well enough: what is taken for zero, when more precision is
asked for, how enclosures join."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from verifier.floats import Format, nearest, ulp
from verifier.records import Enclosure, Entry, PointTruth, Rectangle, Truth, TruthStatus
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus.chain import Standing

GUARD_BITS = 40
"""Precision beyond the format's at the first attempt."""
LARGEST_PRECISION_BITS = 12_000
"""The cap: enough to show that an exact zero rounds to zero in binary64 (1,075 bits)
behind much cancellation."""
ZERO_BITS = 4_000
"""Where the search for a digit of what may be 0 ends: enough for a product of three of
binary64's smallest numbers."""
IDENTITY_BITS = 1_000
IDENTITY_POINTS = 2
TIGHT_BITS = 20
"""Bits of an ulp to which a truth is known that may still round either way: a tie that
balls cannot see."""


class Zeros:
    """What is taken for a zero though no precision proves it: a heuristic.

    An enclosure that still straddles 0 at `ZERO_BITS`, far below every number of the
    format, is. An identity shows at every point: once an entry was taken for 0 at
    `IDENTITY_POINTS` of them, `IDENTITY_BITS` are enough at the others. So what is
    known of a point may depend on those before it: this is state by design.
    """

    def __init__(self) -> None:
        self.seen: Counter[Hashable] = Counter()

    def forget(self) -> None:
        """Start anew, as if no point had been seen."""
        self.seen.clear()

    def accept(
        self, entry: Hashable, parts: Sequence[Enclosure], format_: Format, bits: int
    ) -> bool:
        """Whether an entry, of which each part is known to a precision, is taken for
        0."""
        if not may_vanish(parts):
            return False
        width = max(part.upper - part.lower for part in parts)
        if width * 2**TIGHT_BITS > format_.smallest_subnormal:
            return False
        if self.seen[entry] >= IDENTITY_POINTS:
            return bits >= IDENTITY_BITS
        if bits < ZERO_BITS:
            return False
        self.seen[entry] += 1
        return True


def may_vanish(parts: Sequence[Enclosure]) -> bool:
    """Whether nothing tells yet that a number is 0, nor that it is not: each part may
    be, and one is not known."""
    return any(part.lower < part.upper for part in parts) and all(
        part.lower <= 0 <= part.upper for part in parts
    )


def known_parts(truth: Truth) -> Sequence[Enclosure]:
    """The real numbers that a finite truth is made of, as `may_vanish` takes them; else
    none."""
    if truth.status is not TruthStatus.FINITE or truth.enclosure is None:
        return []
    if isinstance(truth.enclosure, Rectangle):
        return [truth.enclosure.real, truth.enclosure.imaginary]
    return [truth.enclosure]


Attempt: TypeAlias = Callable[[Sequence[Entry], PointTruth], PointTruth]
"""The truths of some entries at the precision in force, from those known so far."""


def decide(
    entries: Iterable[Entry],
    attempt: Attempt,
    is_decided: Callable[[Truth, int], bool],
    zeros: Zeros,
    format_: Format,
) -> tuple[dict[Entry, Truth], list[Entry]]:
    """The truths of entries at a precision raised until all are decided, and the
    entries that never are."""
    truths: dict[Entry, Truth] = {}
    left = list(entries)
    tries = attempts(
        lambda: attempt(left, truths),
        format_.precision_bits + GUARD_BITS,
        LARGEST_PRECISION_BITS,
    )
    for bits, known in tries:
        truths.update(known)
        left = [
            entry
            for entry in left
            if not is_decided(truths[entry], bits)
            and not zeros.accept(entry, known_parts(truths[entry]), format_, bits)
        ]
        if not left:
            break
    return truths, left


def decided(truth: Truth, format_: Format) -> bool:
    """Whether more precision could tell nothing more about how the truth rounds, nor
    whether it is 0."""
    if truth.status is TruthStatus.FINITE and truth.interval is not None:
        ends = truth.interval
        if may_vanish([ends]):
            return False
        return nearest(ends.lower, format_) == nearest(ends.upper, format_)
    return truth.status is not TruthStatus.PRECISION


STATUS = {
    Standing.UNSURE: TruthStatus.PRECISION,
    Standing.LIMIT: TruthStatus.LIMIT,
    Standing.UNDEFINED: TruthStatus.UNDEFINED,
}


def intersection(first: Enclosure, second: Enclosure) -> Enclosure:
    return Enclosure(
        lower=max(first.lower, second.lower), upper=min(first.upper, second.upper)
    )


def narrowed(enclosure: Enclosure, before: Truth | None) -> Truth:
    if before is not None and before.interval is not None:
        known = before.interval
        if known.lower > enclosure.upper or enclosure.lower > known.upper:
            reason = "enclosures at two precisions are disjoint"
            return Truth(status=TruthStatus.ORACLE, reason=reason)
        enclosure = intersection(enclosure, known)
    return Truth(status=TruthStatus.FINITE, enclosure=enclosure)


def finished(truth: Truth, format_: Format) -> Truth:
    """What is left undecided at the highest precision: known well enough to judge by,
    or not known at all."""
    ends = truth.interval
    if truth.status is not TruthStatus.FINITE or ends is None:
        return truth
    if (ends.upper - ends.lower) * 2**TIGHT_BITS <= ulp(ends.upper, format_):
        return truth
    reason = f"at {LARGEST_PRECISION_BITS} bits still no more than an interval"
    return replace(truth, status=TruthStatus.PRECISION, reason=reason)
