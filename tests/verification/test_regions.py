"""Why a comparison differs, and between which floats its verdict flips."""

from __future__ import annotations

import math
import re

import pytest

from verifier.floats import FORMATS, neighbour
from verifier.language.casefile.loading import from_mapping
from verifier.language.programs.parsing import parse
from verifier.running.run import verify_alone
from verifier.running.units import Unit
from verifier.traces import Cause, Region
from verifier.verification.culprits import LARGEST_PROGRAM, gather, investigate
from verifier.verification.regions import (
    MOST_VERDICTS,
    boundary,
    regions,
    spell_region,
)

DOUBLE, SINGLE = FORMATS["float64"], FORMATS["float32"]


def softplus_verdict(x: float) -> str:
    """Whether PyTorch's softplus at x is right, by the verifier's own judgement."""
    case = from_mapping({"expression": "softplus(x)", "at": {"x": x}})
    return verify_alone(Unit(case=case, dtype="float64")).verdict.family


def test_the_threshold_of_softplus_is_found_to_the_float() -> None:
    found = boundary(softplus_verdict, 21.0, 10.0, DOUBLE)
    assert found == (math.nextafter(20.0, math.inf), 20.0)


def test_a_flip_lies_between_neighbours_on_either_side_of_zero() -> None:
    found = boundary(lambda x: "a" if x > -1e-300 else "b", 1e300, -1e300, DOUBLE)
    assert found is not None
    assert found == (math.nextafter(-1e-300, 0.0), -1e-300)


def test_an_infinite_end_is_a_place_like_any_other() -> None:
    found = boundary(lambda x: str(math.isinf(x)), math.inf, 0.0, SINGLE)
    assert found == (math.inf, float(SINGLE.largest))


def test_no_flip_is_no_boundary() -> None:
    assert boundary(lambda x: "same", 0.0, 1.0, DOUBLE) is None


def test_a_boundary_that_costs_too_much_is_not_told() -> None:
    assert boundary(lambda x: str(x > 0.3), 1.0, 0.0, DOUBLE, limit=10) is None


def test_sixty_four_verdicts_reach_every_float() -> None:
    spent: list[float] = []

    def verdict(x: float) -> str:
        spent.append(x)
        return str(x > 0.1)

    assert boundary(verdict, math.inf, -math.inf, DOUBLE) is not None
    assert len(spent) <= MOST_VERDICTS + 2


def test_the_region_of_a_sampled_case_ends_on_both_sides() -> None:
    spent: list[float] = []

    def verdict(point: object) -> str:
        assert isinstance(point, dict)
        assert point["y"] == 5.0  # the others stay as they are at the worst point
        spent.append(point["x"])
        return "differ" if 2.0 < point["x"] <= 7.0 else "match"

    worst = {"x": 3.0, "y": 5.0}
    sampled = [{"x": float(n), "y": float(-n)} for n in range(-50, 50)]
    (found,) = regions(verdict, worst, sampled, ["x"], DOUBLE)
    assert found.below == (math.nextafter(2.0, 3.0), 2.0, "match")
    assert found.above == (7.0, math.nextafter(7.0, 8.0), "match")
    assert len(spent) <= 2 * MOST_VERDICTS
    assert spell_region(found, DOUBLE) == (
        "x from 2.0000000000000004 (2 matches) up to 7 (7.000000000000001 matches)"
    )


def test_a_side_without_a_match_is_open() -> None:
    worst = {"x": 3.0}
    sampled = [{"x": float(n)} for n in range(10)]
    (found,) = regions(
        lambda p: "differ" if p["x"] > 1.5 else "match",
        worst,
        sampled,
        ["x"],
        SINGLE,
    )
    assert found == Region(
        input="x", below=(neighbour(1.5, 1, SINGLE), 1.5, "match"), above=None
    )


def test_what_is_undecided_beyond_a_region_is_not_said_to_match() -> None:
    sampled = [{"x": float(n)} for n in range(10)]
    (found,) = regions(
        lambda p: "undecided" if p["x"] == 0 else "differ",
        {"x": 3.0},
        sampled,
        ["x"],
        SINGLE,
    )
    assert found.below is not None
    assert found.below[1:] == (0.0, "undecided")
    assert "(0 is undecided)" in spell_region(found, SINGLE)


def test_a_region_without_ends_says_so() -> None:
    assert "every x that was drawn" == spell_region(
        Region(input="x", below=None, above=None), DOUBLE
    )


def test_an_inquiry_takes_both_wings() -> None:
    found = investigate(
        parse("tanh(x)"), {"x": 9.0}, 1.0, dtype="float32", wrt="x", batch=16
    )
    assert found.cause is Cause.FORMULA


def test_a_very_long_program_is_not_walked() -> None:
    text = "+".join(["x"] * (LARGEST_PROGRAM + 1))
    found = investigate(parse(text), {"x": 1.0}, 1.0, dtype="float32", wrt="x")
    assert found.cause is Cause.NONE
    assert "not walked" in found.message


@pytest.mark.parametrize("dtype", list(FORMATS))
def test_what_is_gathered_is_in_the_dtype(dtype: str) -> None:
    found, events = gather(parse("x/3"), {"x": 1.0}, 1.0, dtype=dtype)
    assert found.failure is None
    assert {event.measured for event in events if event.node == 0} == {
        1.0,
        found.adjoints[0],
    }


def test_an_end_beyond_which_other_points_differ_is_not_told() -> None:
    """`expm1(x)/x` loses the digits of its gradient up to 0.1, but at single numbers it
    has them by chance."""
    case = from_mapping({"expression": "expm1(x)/x", "domain": {"x": "[1e-6, 1]"}})
    result = verify_alone(Unit(case=case, dtype="float32"))
    differing = [
        float(comparison.point["x"])
        for comparison in result.comparisons
        if comparison.verdict.family == "differ"
    ]
    assert max(differing) > 1e-3
    regions = [text for told in result.comparisons for text in told.regions]
    ends = re.findall(r"up to (\S+)", "; ".join(regions))
    assert all(float(end) >= max(differing) for end in ends)
