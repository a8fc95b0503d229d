"""Power series by Cauchy's integral against those of functions whose series is known."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from verifier.symbolic.arithmetic import balls, cauchy
from verifier.symbolic.arithmetic.series import SingularError


def everywhere(*boxes: object) -> bool:
    return True


@pytest.mark.parametrize("center", [0.0, -0.75, 12.5, 1e-300])
@pytest.mark.parametrize("bits", [53, 300])
def test_the_coefficients_of_an_exponential(center: float, bits: int) -> None:
    with balls.workprec(bits):
        at = balls.exact(center)
        line = [at, balls.exact(1.0)]
        found = cauchy.along(lambda z: z.exp(), everywhere, [line], 4)
        for k, ball in enumerate(found):
            assert balls.overlaps(ball, at.exp() / math.factorial(k))
            assert balls.is_known_to(ball, bits - 8)


def test_along_a_curve_in_two_operands() -> None:
    """exp(u)·v along u = t − t², v = 2 + 3t: 2 + 5t + 2t² + …"""
    with balls.workprec(128):
        first = [balls.exact(float(c)) for c in (0, 1, -1)]
        second = [balls.exact(float(c)) for c in (2, 3, 0)]
        found = cauchy.along(lambda u, v: u.exp() * v, everywhere, [first, second], 3)
        for ball, expected in zip(found, (2, 5, 2), strict=True):
            assert balls.overlaps(ball, balls.exact(expected))
            assert balls.is_known_to(ball, 120)


def test_a_ball_is_enclosed_as_a_whole() -> None:
    with balls.workprec(128):
        width = balls.exact(Fraction(1, 2**40))
        wide = balls.around(balls.exact(0.5), width)
        line = [wide, balls.exact(1.0)]
        found = cauchy.along(lambda z: z.sin(), everywhere, [line], 3)
        for end in (0.5 - 2.0**-40, 0.5, 0.5 + 2.0**-40):
            at = balls.exact(end)
            expected = (at.sin(), at.cos(), -at.sin() / 2)
            assert all(map(balls.overlaps, found, expected))
        assert all(balls.is_known_to(ball, 30) for ball in found)


@pytest.mark.parametrize("distance", [1.0, 2.0**-30])
def test_beside_a_branch_point(distance: float) -> None:
    with balls.workprec(128):
        line = [balls.exact(distance), balls.exact(1.0)]
        found = cauchy.along(lambda z: z.log(), lambda z: bool(z.real > 0), [line], 3)
        assert balls.overlaps(found[1], 1 / balls.exact(distance))
        assert balls.overlaps(found[2], -1 / (2 * balls.exact(distance) ** 2))


def test_at_a_branch_point_there_is_no_series() -> None:
    line = [balls.exact(0.0), balls.exact(1.0)]
    with pytest.raises(SingularError):
        cauchy.along(lambda z: z.sqrt(), lambda z: bool(z.real > 0), [line], 2)


def test_a_ball_wider_than_its_disc_has_no_series() -> None:
    wide = balls.around(balls.exact(1.0), balls.exact(0.75))
    with pytest.raises(SingularError):
        cauchy.along(
            lambda z: z.log(),
            lambda z: bool(z.real > 0),
            [[wide, balls.exact(1.0)]],
            2,
        )
