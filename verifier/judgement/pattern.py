"""What every number of a subject that differs has in common: a factor, a sign,
exchanged arguments, a term.

Tests on the numbers at hand, each allowing for a few roundings; a pattern is reported
where nearly every point shows it, with their count: next to a root of the derivative,
rounding hides a factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

FEWEST = 4
"""Points that make a pattern."""
FEW_ULPS = 2.0
"""How far a number may be from what a pattern says, in ulps of the number: a
heuristic."""
EXPLAINED = 16
"""A pattern explains a number if it leaves no more than such a part of its error: a
heuristic."""
NEARLY_ALL = 7 / 8
"""Of the points, how many have to show a pattern."""
FACTORS = {
    -1.0: "the sign is turned",
    0.5: "half of the true one",
    2.0: "twice the true one",
    -0.5: "half of the true one, with its sign turned",
    -2.0: "twice the true one, with its sign turned",
}

Numbers = Sequence[float]


def of_gradients(
    measured: Mapping[str, Numbers], true: Mapping[str, Numbers], epsilon: float
) -> dict[str, str]:
    """The pattern of each gradient that has one, by input; the truths in double
    precision, NaN where there is none.

    `epsilon` is the distance from 1 to the next number of the dtype.
    """
    patterns = {name: _of_one(measured[name], true[name], epsilon) for name in measured}
    for first, second in _pairs(list(measured)):
        as_is = _is_same(measured[first], true[first], epsilon)
        crossed = _is_same(measured[first], true[second], epsilon) and _is_same(
            measured[second], true[first], epsilon
        )
        if crossed and not as_is:
            exchange = f"the gradients of {first} and {second} are exchanged"
            patterns[first] = patterns[second] = exchange
    return {name: words for name, words in patterns.items() if words is not None}


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            yield first, second


def _of_one(measured: Numbers, true: Numbers, epsilon: float) -> str | None:
    pairs = [
        (m, t)
        for m, t in zip(measured, true, strict=True)
        if math.isfinite(m) and math.isfinite(t)
    ]
    nonzero = [(m, t) for m, t in pairs if t]
    if len(nonzero) < FEWEST or all(_is_near(m, t, epsilon) for m, t in pairs):
        return None
    if all(m == 0 for m, _ in nonzero):
        return f"it is 0 at all {len(nonzero)} points"
    ratio = median(m / t for m, t in nonzero)
    known = min(FACTORS, key=lambda factor: abs(factor - ratio))
    if abs(known - ratio) <= FEW_ULPS * epsilon * abs(ratio):
        ratio = known
    if not _is_near(ratio, 1.0, epsilon):
        where = _where([(m, ratio * t, t) for m, t in nonzero], epsilon)
        if where is not None:
            known_as = FACTORS.get(ratio, f"measured / true = {ratio:.5g}")
            return f"{known_as} {where}"
    difference = median(m - t for m, t in pairs)
    where = _where([(m, t + difference, t) for m, t in pairs], epsilon)
    if difference and where is not None:
        return f"measured − true = {difference:.5g} {where}"
    return None


def missing_term(
    measured: Numbers, true: Numbers, terms: Mapping[str, Numbers], epsilon: float
) -> str | None:
    """Which of the terms of the true gradient, times the upstream gradient, a backward
    lacks; None: no one alone."""
    for text, term in terms.items():
        triples = [
            (m, t - part, t)
            for m, t, part in zip(measured, true, term, strict=True)
            if math.isfinite(m) and math.isfinite(t) and math.isfinite(part)
        ]
        shown = [(m, e, t) for m, e, t in triples if not _is_near(e, t, epsilon)]
        where = _where(shown, epsilon) if len(shown) >= FEWEST else None
        if where is not None:
            return f"a term is missing: true − measured = {text} {where}"
    return None


def _where(triples: Sequence[tuple[float, float, float]], epsilon: float) -> str | None:
    """At how many points a pattern holds, of measured numbers, those it expects and
    true ones; None: at too few."""
    count = sum(
        _is_near(m, expected, epsilon) or abs(m - expected) * EXPLAINED <= abs(m - true)
        for m, expected, true in triples
    )
    if count == len(triples):
        return f"at all {count} points"
    if count >= NEARLY_ALL * len(triples):
        return f"at {count} of {len(triples)} points"
    return None


def _is_same(measured: Numbers, true: Numbers, epsilon: float) -> bool:
    pairs = [(m, t) for m, t in zip(measured, true, strict=True) if math.isfinite(t)]
    return len(pairs) >= FEWEST and all(_is_near(m, t, epsilon) for m, t in pairs)


def _is_near(number: float, expected: float, epsilon: float) -> bool:
    return abs(number - expected) <= FEW_ULPS * epsilon * max(
        abs(number), abs(expected)
    )
