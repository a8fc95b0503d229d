"""A gradient at a kink compared with the Clarke set as a vector: each number may be one
of a subgradient, and all of them together none.

A vector is refuted by a direction along which it reaches farther than every gradient in
the set, in exact arithmetic. The direction is looked for in floats: among the few that
people write kinks along, then by the algorithm of Mitchell, Demyanov and Malozemov
(SIAM J. Control 12, 1974), which walks to the point of a convex hull that is nearest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from verifier.floats import Format
from verifier.judgement.tolerance import Tolerance, allowed
from verifier.records import ClarkePiece, Enclosure, Judgement, Verdict

MOST_STEPS = 300
"""Steps of the walk; on a polytope each shortens what is left by a factor."""
MOST_SIGNED = 4
"""Inputs up to which all directions of −1, 0 and 1 are tried: 80 of them."""
ROOT_BITS = 64
"""Bits to which a square root is rounded up."""
CLOSE = 1e-13
"""Where a step promises less, relative to the size of the set, the nearest point has
been reached."""

Vector = tuple[float, ...]


MOST_TOLD = 4
"""Corners of a Clarke set that a message spells out."""


def judge_vector(
    measured: Sequence[float],
    pieces: Sequence[ClarkePiece],
    format_: Format,
    tolerance: Tolerance,
    rounding: Callable[[], Sequence[Fraction] | None],
) -> Judgement | None:
    """The verdict on numbers that alone could each be one of a subgradient, where
    together they are proved to be none.

    `rounding` tells how far rounding may move each number besides, or None where that is not bounded; it is asked for
    only where the tolerance alone does not excuse the vector.
    """
    slack = [
        allowed(largest(pieces, at), format_, tolerance) for at in range(len(measured))
    ]
    if not is_refuted(measured, pieces, slack):
        return None
    moved = rounding()
    if moved is None:
        return None
    slack = [one + other for one, other in zip(slack, moved, strict=True)]
    if not is_refuted(measured, pieces, slack):
        return None
    return Judgement(
        verdict=Verdict.DIFFER_CONVENTION,
        message=f"each could be one of a subgradient, but together they are none: {_hull(pieces)}",
    )


def _hull(pieces: Sequence[ClarkePiece]) -> str:
    corners = list(dict.fromkeys(_spelt(piece.gradient) for piece in pieces))
    if any(piece.norms for piece in pieces) or len(corners) > MOST_TOLD:
        return "outside the Clarke set"
    return f"outside the convex hull of {' and '.join(corners)}"


def _spelt(vector: Sequence[Enclosure]) -> str:
    middles = (float((entry.lower + entry.upper) / 2) for entry in vector)
    return f"({', '.join(f'{number:.6g}' for number in middles)})"


def is_refuted(
    measured: Sequence[float],
    pieces: Sequence[ClarkePiece],
    slack: Sequence[Fraction],
) -> bool:
    """Whether a vector is proved to lie outside the convex hull of the pieces, each
    number being known to ± its slack.

    False proves nothing. All numbers are finite, and all vectors have an entry for each
    number.
    """
    scales = [_scale(number, pieces, at) for at, number in enumerate(measured)]
    exact = [Fraction(number) for number in measured]
    for scaled in _directions(exact, pieces, scales):
        direction = [
            Fraction(d) / scale for d, scale in zip(scaled, scales, strict=True)
        ]
        reached = sum(d * g for d, g in zip(direction, exact, strict=True))
        allowed = sum(abs(d) * s for d, s in zip(direction, slack, strict=True))
        if reached > allowed + support(pieces, direction):
            return True
    return False


def largest(pieces: Sequence[ClarkePiece], at: int) -> Fraction:
    """The largest magnitude that the derivative by one input has in the pieces, or
    more."""
    return max(
        _magnitude(piece.gradient[at])
        + sum(_root(sum(_magnitude(v[at]) ** 2 for v in norm)) for norm in piece.norms)
        for piece in pieces
    )


def support(pieces: Sequence[ClarkePiece], direction: Sequence[Fraction]) -> Fraction:
    """The farthest that the pieces reach along a direction, or more."""
    return max(_reach(piece, direction) for piece in pieces)


def _reach(piece: ClarkePiece, direction: Sequence[Fraction]) -> Fraction:
    total = _product(piece.gradient, direction).upper
    for norm in piece.norms:
        squares = (_magnitude(_product(vector, direction)) ** 2 for vector in norm)
        total += _root(sum(squares, Fraction(0)))
    return total


def _product(vector: Sequence[Enclosure], direction: Sequence[Fraction]) -> Enclosure:
    lower = upper = Fraction(0)
    for entry, d in zip(vector, direction, strict=True):
        ends = entry.lower * d, entry.upper * d
        lower, upper = lower + min(ends), upper + max(ends)
    return Enclosure(lower=lower, upper=upper)


def _magnitude(entry: Enclosure) -> Fraction:
    return max(abs(entry.lower), abs(entry.upper))


def _root(square: Fraction | int) -> Fraction:
    """√square, rounded up."""
    value = Fraction(square)
    number = value.numerator * value.denominator << 2 * ROOT_BITS
    root = math.isqrt(number)
    root += root * root < number
    return Fraction(root, value.denominator << ROOT_BITS)


# ── where to look ─────────────────────────────────────────────────────────────────────


def _scale(number: float, pieces: Sequence[ClarkePiece], at: int) -> Fraction:
    return max(largest(pieces, at), abs(Fraction(number))) or Fraction(1)


def _directions(
    measured: Sequence[Fraction],
    pieces: Sequence[ClarkePiece],
    scales: Sequence[Fraction],
) -> Iterator[Vector]:
    """Directions in units of the scales, by which every number is of the size of 1."""
    count = len(measured)
    if count <= MOST_SIGNED:
        yield from itertools.product((-1.0, 0.0, 1.0), repeat=count)
    target = tuple(float(g / s) for g, s in zip(measured, scales, strict=True))
    hull = [_Piece(piece, scales) for piece in pieces]
    points, weights = [hull[0].center], [1.0]
    for _ in range(MOST_STEPS):
        here = _combined(points, weights)
        direction = tuple(g - w for g, w in zip(target, here, strict=True))
        yield direction
        best = max(
            (piece.farthest(direction) for piece in hull),
            key=lambda point: _dot(point, direction),
        )
        if best not in points:
            points.append(best)
            weights.append(0.0)
        active = [at for at, weight in enumerate(weights) if weight > 0]
        worst = min(active, key=lambda at: _dot(points[at], direction))
        step = tuple(b - w for b, w in zip(best, points[worst], strict=True))
        gain = _dot(step, direction)
        if gain <= CLOSE:
            return
        moved = min(weights[worst], gain / _dot(step, step))
        weights[worst] -= moved
        weights[points.index(best)] += moved


class _Piece:
    """A piece in floats, in units of the scales."""

    def __init__(self, piece: ClarkePiece, scales: Sequence[Fraction]) -> None:
        self.center = _floats(piece.gradient, scales)
        self.norms = [
            [_floats(vector, scales) for vector in norm] for norm in piece.norms
        ]

    def farthest(self, direction: Vector) -> Vector:
        """The point of the piece that lies farthest along a direction."""
        farthest = self.center
        for norm in self.norms:
            shares = [_dot(vector, direction) for vector in norm]
            length = math.hypot(*shares)
            if length > 0:
                unit = [share / length for share in shares]
                farthest = _combined([farthest, *norm], [1.0, *unit])
        return farthest


def _floats(vector: Sequence[Enclosure], scales: Sequence[Fraction]) -> Vector:
    return tuple(
        float((entry.lower + entry.upper) / 2 / scale)
        for entry, scale in zip(vector, scales, strict=True)
    )


def _combined(points: Sequence[Vector], weights: Sequence[float]) -> Vector:
    return tuple(
        sum(weight * number for weight, number in zip(weights, column, strict=True))
        for column in zip(*points, strict=True)
    )


def _dot(first: Vector, second: Vector) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))
