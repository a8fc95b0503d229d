"""A descent's exact trajectory, beside closed forms."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.programs.parsing import parse
from verifier.records import Enclosure
from verifier.symbolic.truth.side import RealSide


def side(text: str) -> RealSide:
    return RealSide(parse(text), ["a"])


def test_the_trajectory_over_the_reals_is_that_of_the_closed_form() -> None:
    """The notebook's loss (3(a+2) − 290)²: the distance to 284/3 shrinks by 1 − 18·lr
    every epoch."""
    path = side("(3*(a + 2) - 290)**2").trajectory(
        {"a": 100.0}, "a", Fraction(1, 100), 10
    )
    best, start = Fraction(284, 3), Fraction(100)
    for epoch, ends in enumerate(path):
        assert ends is not None
        loss, weight = ends
        before = best + (start - best) * Fraction(82, 100) ** epoch
        after = best + (start - best) * Fraction(82, 100) ** (epoch + 1)
        _assert_holds(loss, (3 * (before + 2) - 290) ** 2)
        _assert_holds(weight, after)


def _assert_holds(found: Enclosure, true: Fraction) -> None:
    assert found.lower <= true <= found.upper
    assert found.upper - found.lower <= abs(true) / 2**70


def test_a_trajectory_ends_where_the_derivative_does() -> None:
    path = side("sqrt(a)").trajectory({"a": 1.0}, "a", Fraction(4), 5)
    assert path[0] is not None  # from 1 to −1, where the root ends
    assert path[1:] == [None] * 4


def test_a_diverging_trajectory_keeps_its_digits() -> None:
    path = side("a**2").trajectory({"a": 1.0}, "a", Fraction(3), 30)
    assert path[-1] is not None
    _assert_holds(path[-1][1], Fraction(-5) ** 30)
