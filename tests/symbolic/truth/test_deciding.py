"""When a truth is known: what is taken for zero, when more precision is asked, and how
enclosures are joined."""

from __future__ import annotations

from fractions import Fraction

import pytest

from verifier.floats import BINARY32
from verifier.records import Enclosure, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.truth import oracle as truth
from verifier.symbolic.truth.deciding import (
    LARGEST_PRECISION_BITS,
    Zeros,
    decided,
    finished,
    known_parts,
    may_vanish,
    narrowed,
)

LEAST = BINARY32.smallest_subnormal
ULP = Fraction(1, 2**23)


def ends(lower: Fraction | int, upper: Fraction | int) -> Enclosure:
    return Enclosure(lower=Fraction(lower), upper=Fraction(upper))


def finite(lower: Fraction | int, upper: Fraction | int) -> Truth:
    return Truth(status=TruthStatus.FINITE, enclosure=ends(lower, upper))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([ends(-1, 1)], True),
        ([ends(0, 1)], True),
        ([ends(-1, 0)], True),
        ([ends(0, 0)], False),  # is 0
        ([ends(1, 2)], False),
        ([ends(-2, -1)], False),
        ([ends(0, 0), ends(-1, 1)], True),
        ([ends(1, 1), ends(-1, 1)], False),
        ([], False),
    ],
)
def test_what_may_be_zero_is_neither_known_to_be_nor_not(
    parts: list[Enclosure], expected: bool
) -> None:
    assert may_vanish(parts) is expected


def test_only_a_finite_truth_has_known_parts() -> None:
    assert known_parts(finite(-1, 1)) == [ends(-1, 1)]
    assert known_parts(Truth(status=TruthStatus.FINITE)) == []
    known = Truth(status=TruthStatus.PRECISION, enclosure=ends(-1, 1))
    assert known_parts(known) == []


def test_a_zero_is_accepted_at_four_thousand_bits_if_far_below_the_format() -> None:
    """A millionth (2^-20) of the smallest subnormal number, in width."""
    close = LEAST / 2**20
    narrow, wide = ends(-close / 2, close / 2), ends(-close, close / 2**10)
    assert Zeros().accept("here", [narrow], BINARY32, 4_000)
    assert not Zeros().accept("here", [narrow], BINARY32, 3_999)
    assert not Zeros().accept("here", [wide], BINARY32, 4_000)
    assert not Zeros().accept("here", [narrow, wide], BINARY32, 4_000)
    assert not Zeros().accept("here", [ends(close, 2 * close)], BINARY32, 4_000)


def test_an_identity_shows_at_two_points_and_is_accepted_at_a_thousand_bits_then() -> (
    None
):
    zeros, near = Zeros(), [ends(-LEAST / 2**30, LEAST / 2**30)]
    for _ in range(2):
        assert not zeros.accept("here", near, BINARY32, 1_000)
        assert zeros.accept("here", near, BINARY32, 4_000)
    assert not zeros.accept("here", near, BINARY32, 999)
    assert zeros.accept("here", near, BINARY32, 1_000)
    assert not zeros.accept("elsewhere", near, BINARY32, 1_000)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (finite(1, 1 + ULP / 4), True),
        (finite(1 + ULP / 8, 1 + ULP / 4), True),
        (finite(1, 1 + ULP), False),
        (finite(0, 0), True),
        (finite(-LEAST / 8, LEAST / 8), False),  # it may be 0
        (Truth(status=TruthStatus.FINITE), True),
        (Truth(status=TruthStatus.PRECISION), False),
        (Truth(status=TruthStatus.PRECISION, enclosure=ends(1, 1)), False),
        (Truth(status=TruthStatus.LIMIT), True),
        (Truth(status=TruthStatus.UNDEFINED), True),
    ],
)
def test_more_precision_is_asked_for_what_it_may_tell(
    known: Truth, expected: bool
) -> None:
    assert decided(known, BINARY32) is expected


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_known_to_a_millionth_of_an_ulp_is_settled(sign: int) -> None:
    """Just above 1 an ulp is 2^-23, just below it half of that."""
    for middle, unit in (
        (1 + ULP / 2, ULP),
        (1 - ULP / 4, ULP / 2),
    ):
        half = unit / 2**21
        known = [sign * (middle - half), sign * (middle + half)]
        tight = finite(*sorted(known))
        assert finished(tight, BINARY32) == tight
        known[1] += sign * half
        wide = finished(finite(*sorted(known)), BINARY32)
        assert wide.status is TruthStatus.PRECISION
        assert wide.enclosure == ends(*sorted(known))
        assert wide.reason == "at 12000 bits still no more than an interval"


def test_what_is_not_finite_is_settled_as_it_is() -> None:
    pole = Truth(status=TruthStatus.UNDEFINED, reason="a pole")
    assert finished(pole, BINARY32) is pole
    wide = Truth(status=TruthStatus.ORACLE, enclosure=ends(1, 2), reason="why")
    assert finished(wide, BINARY32) is wide
    bare = Truth(status=TruthStatus.FINITE)
    assert finished(bare, BINARY32) is bare


def test_enclosures_at_two_precisions_are_joined_or_quarrel() -> None:
    assert narrowed(ends(0, 2), None) == finite(0, 2)
    assert narrowed(ends(0, 2), finite(1, 3)) == finite(1, 2)
    assert narrowed(ends(1, 3), finite(0, 2)) == finite(1, 2)
    assert narrowed(ends(1, 2), finite(2, 3)) == finite(2, 2)
    assert narrowed(ends(2, 3), finite(1, 2)) == finite(2, 2)
    unknown = Truth(status=TruthStatus.PRECISION)
    assert narrowed(ends(0, 2), unknown) == finite(0, 2)
    for one, other in ((ends(0, 1), finite(2, 3)), (ends(2, 3), finite(0, 1))):
        found = narrowed(one, other)
        assert found.status is TruthStatus.ORACLE
        assert found.reason == "enclosures at two precisions are disjoint"


def test_two_derivations_are_joined_or_quarrel() -> None:
    two = balls.exact(2)
    assert truth._truth(Known(two), None, None) == finite(2, 2)
    assert truth._truth(Known(two), two, None) == finite(2, 2)
    wide = balls.exact(1).union(balls.exact(3))
    assert truth._truth(Known(two), wide, None) == finite(2, 2)
    assert truth._truth(Known(wide), two, None) == finite(2, 2)
    assert truth._truth(Known(balls.zero()), None, None) == finite(0, 0)
    found = truth._truth(Known(two), balls.exact(3), None)
    assert found.status is TruthStatus.ORACLE
    assert "stepwise derivative" in (found.reason or "")
    found = truth._truth(Known(two), two, finite(3, 4))
    assert found.status is TruthStatus.ORACLE


@pytest.mark.parametrize(
    ("standing", "status", "reason"),
    [
        (Standing.LIMIT, TruthStatus.LIMIT, "why"),
        (Standing.UNDEFINED, TruthStatus.UNDEFINED, "why"),
        (Standing.UNSURE, TruthStatus.PRECISION, "no precision tells what why is here"),
    ],
)
def test_the_written_programs_standing_decides(
    standing: Standing, status: TruthStatus, reason: str
) -> None:
    known = Known(balls.exact(2), standing, "why")
    found = truth._truth(known, balls.exact(2), None)
    assert (found.status, found.reason) == (status, reason)


def test_the_largest_precision_shows_that_a_zero_rounds_to_zero() -> None:
    assert LARGEST_PRECISION_BITS > 1075 + 53
