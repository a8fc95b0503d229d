"""Rounding of arrays against exact rational arithmetic, number by number."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verifier import floats, rounded
from verifier.floats import FORMATS, Format

EDGES = (
    0.0,
    1.0,
    1.5,
    -2.0,
    3.0e-8,
    5.960464477539063e-08,
    6.1e-5,
    65504.0,
    65519.9,
    65520.0,
    -1e5,
    3.4e38,
    3.5e38,
)


@pytest.fixture(params=FORMATS.values(), ids=FORMATS.keys())
def format_(request: pytest.FixtureRequest) -> Format:
    return request.param


@pytest.fixture
def values(format_: Format) -> np.ndarray:
    random = np.random.default_rng(1)
    drawn = random.normal(size=400) * 2.0 ** random.integers(-40, 20, 400)
    tiny = random.normal(size=50) * float(format_.smallest_normal)
    return np.concatenate([drawn, tiny, EDGES])


def test_nearest_is_that_of_exact_arithmetic(
    format_: Format, values: np.ndarray
) -> None:
    expected = [floats.nearest(Fraction(value), format_) for value in values]
    assert rounded.nearest(values, format_).tolist() == expected


def test_ulps_are_those_of_exact_arithmetic(
    format_: Format, values: np.ndarray
) -> None:
    expected = [float(floats.ulp(Fraction(value), format_)) for value in values]
    assert rounded.ulps(values, format_).tolist() == expected


def test_is_rounded_says_what_exact_arithmetic_says(format_: Format) -> None:
    """Truths on, and next to, the midpoints between numbers, in two parts."""
    random = np.random.default_rng(2)
    numbers = [1.0, -1.0, 2.0, 3.0, 0.0, float(format_.smallest_subnormal)]
    numbers += [float(format_.smallest_normal), -float(format_.smallest_normal)]
    numbers += [floats.nearest(Fraction(x), format_) for x in random.normal(size=50)]
    for number in numbers:
        for steps in (-1, 1):
            other = floats.neighbour(number, steps, format_)
            middle = (Fraction(number) + Fraction(other)) / 2
            grain = abs(Fraction(number) - middle) / 1024
            for shift in (-1, 0, 1):
                true = middle + shift * grain
                high = floats.nearest(true, floats.BINARY64)
                low = floats.nearest(true - Fraction(high), floats.BINARY64)
                if Fraction(high) + Fraction(low) != true:
                    continue  # below the smallest float64
                found = rounded.is_rounded(
                    *(np.array([part]) for part in (number, high, low, 0.0)), format_
                )
                assert found[0] == (floats.nearest(true, format_) == number)


def test_a_width_across_a_midpoint_is_not_rounded() -> None:
    true, radius = np.array([1 + 2.0**-25]), np.array([2.0**-25])
    one, nothing = np.array([1.0]), np.array([0.0])
    assert rounded.is_rounded(one, true, nothing, nothing, FORMATS["float32"])
    assert not rounded.is_rounded(one, true, nothing, radius, FORMATS["float32"])
