"""Vectors against Clarke sets made by hand: where a set ends, and what is said of a
vector beyond it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

import pytest

from verifier.floats import BINARY64
from verifier.judgement.tolerance import Tolerance
from verifier.judgement.vectors import is_refuted, judge_vector, largest, support
from verifier.records import ClarkePiece, Enclosure, Verdict

Number = float | Fraction | tuple[float, float]
"""A number, or the ends of an interval."""


def entry(number: Number) -> Enclosure:
    lower, upper = number if isinstance(number, tuple) else (number, number)
    return Enclosure(lower=Fraction(lower), upper=Fraction(upper))


def piece(
    *gradient: Number, norms: Sequence[Sequence[Sequence[Number]]] = ()
) -> ClarkePiece:
    return ClarkePiece(
        gradient=tuple(map(entry, gradient)),
        norms=tuple(
            tuple(tuple(map(entry, vector)) for vector in norm) for norm in norms
        ),
    )


SEGMENT = [piece(1, 0), piece(0, 1)]
DISC = [piece(0, 0, norms=[[(1, 0), (0, 1)]])]
SLIM = [piece(0, 0), piece(1, 0.25), piece(0.25, 1)]
"""A triangle with edges along which no direction of −1, 0 and 1 stands upright."""


def refuted(
    measured: Sequence[float], pieces: Sequence[ClarkePiece], slack: Fraction | int = 0
) -> bool:
    return is_refuted(measured, pieces, [Fraction(slack)] * len(measured))


# ── how far a set reaches ─────────────────────────────────────────────────────────────


def test_the_largest_magnitude_counts_every_norm() -> None:
    pieces = [piece(1, -3), piece(-2, (0, 1))]
    assert [largest(pieces, at) for at in (0, 1)] == [2, 3]
    assert largest([piece((-5, 4))], 0) == 5
    assert largest([piece(1, norms=[[(3,), (-4,)], [(2,)]])], 0) == 8


def test_a_set_reaches_along_a_direction_as_far_as_its_farthest_piece() -> None:
    pieces = [piece(1, -3), piece(2, 1)]
    one, two = Fraction(1), Fraction(2)
    assert support(pieces, [one, one]) == 3
    assert support(pieces, [-one, -one]) == 2
    assert support(pieces, [one, -two]) == 7
    interval = [piece((1, 2), (-1, 3))]
    assert support(interval, [one, one]) == 5
    assert support(interval, [-one, two]) == 5
    assert support(interval, [-one, -two]) == 1


def test_a_norm_adds_the_length_of_the_direction_in_it() -> None:
    ellipse = [piece(1, 1, norms=[[(3, 0), (0, 4)]])]
    one, two = Fraction(1), Fraction(2)
    assert support(ellipse, [one, one]) == 7
    assert support(ellipse, [one, -one]) == 5
    assert support(ellipse, [-two, 0 * one]) == 4
    both = [piece(0, 0, norms=[[(3, 0), (0, 4)], [((-1, 2), 0)]])]
    assert support(both, [one, one]) == 7
    assert support([piece(0, norms=[[((-3, 2),)]])], [one]) == 3


def test_a_root_that_is_no_number_is_rounded_up() -> None:
    """√2 times a number, which is held against it squared."""
    corner = [piece(0, norms=[[(1,), (1,)]])]
    for exponent in (-20, -1, 0, 40):
        number = Fraction(7, 3) * Fraction(2) ** exponent
        square = 2 * number**2
        found = support(corner, [number])
        assert square <= found**2 <= square * (1 + Fraction(1, 2**40))


# ── what is refuted ───────────────────────────────────────────────────────────────────


def test_a_vector_is_refuted_only_beyond_all_slack() -> None:
    """(3/4, 3/4) is 1/4 of (1, 1) beyond the segment from (1, 0) to (0, 1)."""
    assert refuted((0.75, 0.75), SEGMENT)
    assert refuted((0.75, 0.75), SEGMENT, Fraction(1, 4) - Fraction(1, 2**40))
    assert not refuted((0.75, 0.75), SEGMENT, Fraction(1, 4))
    uneven = [Fraction(1, 2) - Fraction(1, 2**40), Fraction(0)]
    assert is_refuted((0.75, 0.75), SEGMENT, uneven)
    assert not is_refuted((0.75, 0.75), SEGMENT, [Fraction(1, 2), Fraction(0)])


@pytest.mark.parametrize("scale", [2.0**-300, 1.0, 2.0**300])
def test_an_interval_of_the_truth_is_slack(scale: float) -> None:
    loose = [piece((0.75 * scale, scale), 0), piece(0, scale)]
    assert not refuted((scale, 0.0), loose)
    assert not refuted((0.75 * scale, 0.0), loose)
    assert refuted((0.5 * scale, 0.25 * scale), loose)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7])
def test_shares_that_add_up_to_more_than_one_are_no_shares(count: int) -> None:
    corners = [piece(*(float(k == at) for k in range(count))) for at in range(count)]
    share = 1 / count
    assert refuted([share * 1.01] * count, corners)
    assert refuted([share * 0.99] * count, corners)
    assert not refuted([share * 1.01] * count, corners, Fraction(1, 50))
    assert refuted([1.0] * count, corners)
    assert not refuted([1.0] + [0.0] * (count - 1), corners)


def test_inputs_of_different_scales_are_told_alike() -> None:
    for large in (2.0**10, 2.0**-10):
        wide = [piece(large, 0), piece(0, 1)]
        assert refuted((0.6 * large, 0.6), wide)
        assert not refuted((0.4 * large, 0.6), wide, Fraction(1, 2**60))


def test_edges_that_stand_askew_are_found() -> None:
    assert refuted((0.8, 0.15), SLIM)
    assert refuted((0.15, 0.8), SLIM)
    assert refuted((-0.01, -0.01), SLIM)
    assert not refuted((0.8, 0.25), SLIM)
    assert not refuted((0.4, 0.4), SLIM)


def test_a_disc_ends_at_its_circle() -> None:
    for x, y in ((12 / 13, 5 / 13), (-5 / 13, 12 / 13), (-3 / 5, -4 / 5), (1, 0)):
        assert refuted((1.001 * x, 1.001 * y), DISC)
        assert not refuted((0.999 * x, 0.999 * y), DISC)


def test_a_disc_and_a_segment_add_up() -> None:
    """A stadium about (1, 2): the disc of radius 1, moved by ±(1/2, 0)."""
    stadium = [piece(1, 2, norms=[[(1, 0), (0, 1)], [(0.5, 0)]])]
    x, y = 12 / 13, 5 / 13
    assert refuted((1.5 + 1.001 * x, 2 + 1.001 * y), stadium)
    assert not refuted((1.5 + 0.999 * x, 2 + 0.999 * y), stadium)
    assert refuted((1.25, 3.001), stadium)
    assert not refuted((1.25, 2.999), stadium)


def test_random_polygons_hold_their_own_points_and_nothing_beyond() -> None:
    source = random.Random(4)
    for _ in range(10):
        count = source.choice((2, 3))
        corners = [
            [source.uniform(-1, 1) for _ in range(count)] for _ in range(count + 3)
        ]
        pieces = [piece(*corner) for corner in corners]
        weights = [source.random() for _ in corners]
        inside = [
            sum(w * corner[at] for w, corner in zip(weights, corners, strict=True))
            / sum(weights)
            for at in range(count)
        ]
        assert not refuted(inside, pieces, Fraction(1, 2**40))
        direction = [source.uniform(-1, 1) for _ in range(count)]
        top = max(
            corners, key=lambda c: sum(a * b for a, b in zip(c, direction, strict=True))
        )
        beyond = [c + 0.01 * d for c, d in zip(top, direction, strict=True)]
        assert refuted(beyond, pieces)


def test_zeros_alone_are_a_set_too() -> None:
    assert not refuted((0.0, 0.0), [piece(0, 0)])
    assert refuted((0.0, 2.0**-1000), [piece(0, 0)])


# ── what is said ──────────────────────────────────────────────────────────────────────

TOLERANCE = Tolerance(relative=Fraction(1, 2**20))


def message(measured: Sequence[float], pieces: Sequence[ClarkePiece]) -> str | None:
    found = judge_vector(
        measured, pieces, BINARY64, TOLERANCE, lambda: [Fraction(0)] * len(measured)
    )
    if found is None:
        return None
    assert found.verdict is Verdict.DIFFER_CONVENTION
    assert found.message is not None
    head = "each could be one of a subgradient, but together they are none: "
    assert found.message.startswith(head)
    return found.message.removeprefix(head)


def test_the_corners_of_a_set_are_told_up_to_four() -> None:
    twice = [piece((0.5, 1.5), 0), piece(0, 1), piece(1, 0)]
    assert message((1, 1), twice) == "outside the convex hull of (1, 0) and (0, 1)"
    four = [piece(x, y) for x in (0, 1) for y in (0, 0.25)]
    told = "outside the convex hull of (0, 0) and (0, 0.25) and (1, 0) and (1, 0.25)"
    assert message((1, 1), four) == told
    assert message((1, 1), [*four, piece(0.5, 0)]) == "outside the Clarke set"
    assert message((1, 1), DISC) == "outside the Clarke set"
    assert message((9, 9), [*DISC, piece(3, 3)]) == "outside the Clarke set"


def test_the_tolerance_is_that_of_the_largest_number_at_each_place() -> None:
    wide = [piece(1024, 0), piece(0, 1)]
    unit = Fraction(1, 2**20)
    for step, told in ((0, True), (1, False)):
        # 1024 by its tolerance and 0 by that of 1: on the border of what is allowed.
        measured = (1024 + 2.0**-10, float(unit) + step * 2.0**-40)
        assert (message(measured, wide) is None) is told


def test_rounding_is_asked_only_beyond_the_tolerance_and_excuses() -> None:
    def unasked() -> Sequence[Fraction]:
        raise AssertionError("asked for rounding")

    inside = judge_vector((0.5, 0.5), SEGMENT, BINARY64, TOLERANCE, unasked)
    assert inside is None
    for moved, verdict in (
        (None, None),
        ([Fraction(1), Fraction(1)], None),
        ([Fraction(1, 4), Fraction(1, 4)], None),
        ([Fraction(1, 8), Fraction(1, 8)], Verdict.DIFFER_CONVENTION),
    ):
        found = judge_vector(
            (0.75, 0.75), SEGMENT, BINARY64, TOLERANCE, lambda moved=moved: moved
        )
        assert (found and found.verdict) is verdict
