"""Gradient descent over the reals: the exact trajectory beside which a training loop's
numbers are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from verifier.records import VALUE, Enclosure, Entry
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.truth.deciding import LARGEST_PRECISION_BITS
from verifier.symbolic.truth.entrywise import Entrywise

TRAJECTORY_BITS = 80
"""Relative accuracy of the trajectory: beyond any weight's double, and 20 digits for
the report."""


def trajectory(
    derivative: Entrywise,
    start: Mapping[str, float],
    parameter: str,
    learning_rate: Fraction,
    epochs: int,
) -> list[tuple[Enclosure, Enclosure] | None]:
    """Loss before and weight after each epoch of gradient descent over the reals, from
    `start`.

    Each enclosure has a relative radius of at most 2**-TRAJECTORY_BITS; None from where
    no precision gives that.
    """
    tries = attempts(
        lambda: list(_descend(derivative, start, parameter, learning_rate, epochs)),
        2 * TRAJECTORY_BITS,
        LARGEST_PRECISION_BITS,
    )
    for _, path in tries:
        if len(path) == epochs:
            break
    return [*path, *[None] * (epochs - len(path))]


def _descend(
    derivative: Entrywise,
    start: Mapping[str, float],
    parameter: str,
    learning_rate: Fraction,
    epochs: int,
) -> Iterator[tuple[Enclosure, Enclosure]]:
    point: dict[str, float | Ball] = dict(start)
    weight = balls.exact(start[parameter])
    for _ in range(epochs):
        point[parameter] = weight
        done = derivative.evaluate(point, 1.0)
        loss = derivative.known(done, VALUE)
        slope = derivative.known(done, Entry("gradient", (parameter,)))
        if loss.standing or slope.standing:
            return
        weight = weight - balls.exact(learning_rate) * slope.ball
        if not all(balls.is_known_to(b, TRAJECTORY_BITS) for b in (loss.ball, weight)):
            return
        yield balls.enclosure(loss.ball), balls.enclosure(weight)
