"""Where errors lie: the regions of a sweep and their exact ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from surveys import of, swept

from verifier.floats import (
    BINARY32,
    BINARY64,
    neighbour,
)
from verifier.survey import regions as survey_regions


def bounded(
    column: Sequence[float], is_at_fault: Callable[[float], bool]
) -> list[tuple[tuple[str, str], int, int]]:
    places = [k for k, x in enumerate(column) if is_at_fault(x)]
    found = survey_regions.regions(
        "zero",
        [{"x": x} for x in column],
        places,
        BINARY64,
        lambda inputs: [is_at_fault(x) for x in inputs],
    )
    return [(r.box["x"], r.points, r.surveyed) for r in found]


def test_the_ends_of_a_region_are_the_exact_floats() -> None:
    column = [float(k) for k in range(-5, 6)]
    third = 1 / 3
    last = neighbour(3.25, -1, BINARY64)
    assert bounded(column, lambda x: third <= x < 3.25) == [
        ((repr(third), repr(last)), 3, 3)
    ]
    assert bounded(column, lambda x: x > 4.5) == [
        ((repr(neighbour(4.5, 1, BINARY64)), "5.0"), 1, 1)
    ]
    assert bounded(column, lambda x: False) == []


def test_faults_are_parted_at_the_widest_gaps() -> None:
    column = [float(k) for k in range(100)]
    faults = {1.0, 2.0, 10.0, 12.0, 40.0, 70.0, 71.0}
    assert bounded(column, faults.__contains__) == [
        (("1.0", "2.0"), 2, 2),
        (("10.0", "12.0"), 2, 3),
        (("40.0", "40.0"), 1, 1),
        (("70.0", "71.0"), 2, 2),
    ]


def test_of_several_operands_the_region_is_a_box() -> None:
    points = [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": -1.0}, {"x": 9.0, "y": 9.0}]
    (found,) = survey_regions.regions("zero", points, [0, 1], BINARY32, pytest.fail)
    assert found.box == {"x": ("1.0", "3.0"), "y": ("-1.0", "2.0")}
    assert (found.points, found.surveyed) == (2, 3)


def test_the_zeros_of_a_sample_are_bounded_exactly() -> None:
    (sweep,) = swept("tanh", "float32", sample=50)
    regions = [r for r in of(sweep, "x").regions if r.kind == "zero"]
    assert regions
    for region in regions:
        low, high = (float(end) for end in region.box["x"])
        inner, outer = sorted((abs(low), abs(high)))
        # tanh′ is a normal number up to arcosh(2⁶³) = log(2⁶⁴), to within a double.
        assert abs(outer - 64 * math.log(2)) < 1e-5
        x = torch.tensor([inner] * 256, requires_grad=True)
        torch.tanh(x).sum().backward()
        assert x.grad is not None
        assert x.grad.abs().max() == 0
        y = torch.tensor([inner - 2.0**-19] * 256, requires_grad=True)
        torch.tanh(y).sum().backward()
        assert y.grad is not None
        assert y.grad.abs().min() > 0
