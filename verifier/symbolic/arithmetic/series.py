"""Truncated power series in balls, with Arb's arithmetic: everything is evaluated at
the precision in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import arb, arb_series

from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball

Series = Any
"""A `flint.arb_series`: flint publishes no types for it."""


class SingularError(ArithmeticError):
    """There is no power series here: an operation is not analytic at the ball, or the
    ball does not tell."""


def constant(ball: Ball, length: int) -> Series:
    """The series of a constant."""
    return of_coefficients([ball], length)


def variable(center: Ball, slope: Ball, length: int) -> Series:
    """The series center + slope·t."""
    return of_coefficients([center, slope][:length], length)


def coefficients(series: Series) -> list[Ball]:
    """All coefficients, trailing zeros too."""
    known = [as_ball(coefficient) for coefficient in series.coeffs()[: series.prec]]
    return known + [balls.zero()] * (series.prec - len(known))


def of_coefficients(terms: Sequence[Ball], length: int) -> Series:
    """The series of its first coefficients."""
    with balls.capped(length):
        return arb_series(list(terms), prec=length)


def truncated(series: Series, length: int) -> Series:
    """The first terms of a series."""
    return arb_series(series, prec=length)


def as_ball(coefficient: Any) -> Ball:
    """A coefficient as a ball."""
    return arb(coefficient)


def checked(operation: str, terms: list[Ball]) -> list[Ball]:
    """The coefficients of an operation, all finite."""
    if not all(balls.is_finite(ball) for ball in terms):
        raise SingularError(f"`{operation}` has no power series there")
    return terms


def compose(outer: Sequence[Ball], inner: Series, length: int) -> Series:
    """The outer function, by its Taylor coefficients at the inner series' constant
    term, of the inner series."""
    move = arb_series([balls.zero(), *inner.coeffs()[1:]], prec=length)
    result = constant(outer[-1], length)
    for coefficient in reversed(outer[:-1]):
        result = result * move + coefficient
    return result
