"""Power series by Cauchy's integral: no rule of differentiation is used, so this is an
independent witness of the derivatives of any analytic function that Arb encloses over
complex balls.

On the circle |t| = r the mean of f(t)·t^−k over N points is cₖ + c₍ₖ₊N₎·rᴺ + …; with |f|
≤ M on the disc |t| ≤ R, |cₖ| ≤ M/Rᵏ (Cauchy's estimate) bounds what is too much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flint
from flint import acb, arb

from verifier.symbolic.arithmetic.series import SingularError

Ball = Any

SHRINK_BITS = 32
"""The circle is 2^−32 of the disc: each point adds so many bits."""
GUARD_BITS = 128
LARGEST_RATIO_BITS = 64
"""How much larger the bound on the disc may be than the function half-way out."""
MOST_HALVINGS = 1100
"""Of the first disc, until it lies where the function is analytic: down to the smallest
double."""
MOST_TRIES = 64
"""Discs on which a bound is tried, each of a 16th of the radius."""

Function = Callable[..., Any]
Region = Callable[..., bool]
"""Whether a function is analytic on all of the operands' complex balls."""


def along(
    function: Function, region: Region, operands: Sequence[Sequence[Ball]], length: int
) -> list[Ball]:
    """The first coefficients of t ↦ f(p₁(t), …), where each operand is a polynomial in
    t; real ones of a function that is real on the reals.

    Raises `SingularError` where no disc is found in which it is analytic.
    """
    bits = int(flint.ctx.prec)
    with flint.ctx.workprec(bits + GUARD_BITS + SHRINK_BITS * length):
        radius, bound = _disc(function, region, operands)
        terms = _means(function, operands, radius / 2**SHRINK_BITS, length)
        count = _points(length)
        alias = arb(2) ** (-SHRINK_BITS * count)
        spread = alias / (1 - alias) + _spread(operands, radius)
        terms = [
            term + arb(0, (bound * spread / radius**k).upper())
            for k, term in enumerate(terms)
        ]
    return [+term for term in terms]


def _points(length: int) -> int:
    """An even number of points that outweighs the precision."""
    count = int(flint.ctx.prec) // SHRINK_BITS + length + 2
    return count + count % 2


def _disc(
    function: Function, region: Region, operands: Sequence[Sequence[Ball]]
) -> tuple[Ball, Ball]:
    """The radius of a disc, and a bound of the function on it and as far around the
    operands again."""
    largest = max(arb(1), *(abs(operand[0]).mid() for operand in operands))
    radius = arb((1, int(largest.upper().log_base(2).ceil().unique_fmpz()) - 1))
    exact = all(ball.is_exact() for operand in operands for ball in operand)
    tries = 0
    for _ in range(MOST_HALVINGS):
        boxes = [_box(operand, radius, exact=exact) for operand in operands]
        if not region(*boxes):
            radius /= 2
            continue
        bound = abs(function(*boxes)).upper()
        if bound.is_finite():
            edge = acb(0, radius / 2)
            size = abs(function(*(_value(operand, edge) for operand in operands)))
            if bound <= size.upper() * arb(2) ** LARGEST_RATIO_BITS:
                return radius, bound
        tries += 1
        if tries == MOST_TRIES:
            break
        radius /= 16
    raise SingularError("no disc in which the function is analytic and bounded")


def _box(operand: Sequence[Ball], radius: Ball, *, exact: bool) -> Ball:
    """What the operand is on the disc, with a margin for the radii of its own balls."""
    disc = acb(arb(0, radius), arb(0, radius))
    value = _polynomial([acb(ball) for ball in operand], disc)
    return value if exact else value + disc


def _spread(operands: Sequence[Sequence[Ball]], radius: Ball) -> Ball:
    """What the radii of the operands' balls may change: by Cauchy's estimate in every
    operand, Π 1/(1 − ε/R) − 1 of the bound."""
    factor = arb(1)
    for operand in operands:
        moved = sum(
            (ball.rad() * radius**k for k, ball in enumerate(operand)), start=arb(0)
        )
        factor /= 1 - moved / radius
        if not (moved < radius / 2 and factor > 0):
            raise SingularError("a ball that is too wide for a power series")
    return factor - 1


def _means(
    function: Function, operands: Sequence[Sequence[Ball]], radius: Ball, length: int
) -> list[Ball]:
    """The means over points of a circle; those of the lower half mirror the upper
    ones."""
    count = _points(length)
    half = count // 2
    roots = [acb(arb(2 * j) / count).exp_pi_i() for j in range(count)]
    values = [
        function(*(_value(operand, radius * roots[j]) for operand in operands))
        for j in range(half + 1)
    ]
    terms = []
    for k in range(length):
        total = values[0].real + (-1) ** k * values[half].real
        for j in range(1, half):
            total += 2 * (values[j] * roots[-j * k % count]).real
        terms.append(total / count / radius**k)
    return terms


def _value(operand: Sequence[Ball], at: Ball) -> Ball:
    """The operand about the midpoints of its coefficients."""
    return _polynomial([acb(ball.mid()) for ball in operand], at)


def _polynomial(terms: Sequence[Ball], at: Ball) -> Ball:
    total = acb(0)
    for term in reversed(terms):
        total = total * at + term
    return total
