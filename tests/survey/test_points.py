"""The points of a survey: every number, or a sample that knows where functions turn."""

from __future__ import annotations

import math
from typing import Any

import pytest
from surveys import of, swept

from verifier.floats import (
    BFLOAT16,
    BINARY32,
    BINARY64,
    FORMATS,
    Format,
    neighbour,
    ordinal,
)
from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse
from verifier.survey import plan
from verifier.survey import points as survey_points
from verifier.survey import sweep as survey_sweep
from verifier.symbolic.truth import many_points

inf = math.inf


def column(name: str, format_: Format, **options: Any) -> list[float]:
    row = operations.OPERATIONS[name]
    (interval,) = row.domain
    return survey_points.sampled(
        row, "x", survey_points.domain_of(interval), format_, 200, 0, **options
    )


@pytest.mark.parametrize(
    "format_", [FORMATS["float16"], BFLOAT16], ids=lambda f: f.name
)
def test_every_number_of_a_16_bit_dtype_is_there_once(format_: Format) -> None:
    found = survey_points.exhaustive(survey_points.domain_of(operations.LINE), format_)
    # IEEE 754-2019, 3.4: all bit patterns but those of NaN, whose fields are full and
    # not zero.
    fraction = 2 ** (format_.precision_bits - 1)
    assert len(found) == 65_536 - 2 * (fraction - 1)
    assert [ordinal(x, format_) for x in found] == sorted(
        [*range(-len(found) // 2 + 1, len(found) // 2), 0]
    )
    zeros = [math.copysign(1, x) for x in found if x == 0]
    assert zeros == [-1, 1]


def test_a_domain_is_surveyed_up_to_its_ends() -> None:
    def exhaustive(text: str) -> list[float]:
        domain = survey_points.domain_of(operations.interval(text))
        return survey_points.exhaustive(domain, BFLOAT16)

    assert exhaustive("(-1, 1)")[:2] == [-1.0, -0.99609375]
    assert exhaustive("[1, inf)")[0] == 1.0
    positive = exhaustive("(0, inf)")
    assert positive[:3] == [0.0, 0.0, 2.0**-133]
    assert math.copysign(1, positive[0]) < 0
    assert positive[-1] == inf


@pytest.mark.parametrize("format_", [BINARY32, BINARY64], ids=lambda f: f.name)
def test_a_sample_has_the_points_where_things_turn(format_: Format) -> None:
    smallest, largest = float(format_.smallest_subnormal), float(format_.largest)
    for name, wanted in (
        ("abs", [-inf, -largest, -smallest, 0.0, smallest, largest, inf]),
        ("asin", [-1.0, neighbour(-1.0, 1, format_), 0.0, 1.0]),
        ("floor", [-2.0, 1.0, neighbour(1.0, 1, format_)]),
        ("lgamma", [-2.0, neighbour(-1.0, 1, format_)]),
        ("log", [0.0, smallest, 1.0, neighbour(1.0, -1, format_), inf]),
    ):
        if name == "lgamma":
            wanted = wanted[1:]
        found = column(name, format_)
        assert set(wanted) <= set(found), name
        assert found == sorted(found)
    assert all(-1 <= x <= 1 for x in column("asin", format_))


def test_thresholds_are_bisected_to_the_neighbouring_numbers() -> None:
    program = parse("exp(x)")
    many = many_points.BatchOracle(survey_sweep.Oracle(program, ["x"]))
    found = column("exp", BINARY32, probe=survey_sweep.probe(many, "x", BINARY32))
    # glibc's and CUDA's expf: the last input that does not overflow, and the last whose
    # result is a normal number.
    last = float.fromhex("0x1.62e42ep6")
    assert {last, neighbour(last, 1, BINARY32)} <= set(found)
    normal = -math.log(2.0) * 126
    assert any(0 <= x - normal < 2**-17 for x in found)


def test_there_may_be_a_threshold_at_every_other_number() -> None:
    found = survey_points.thresholds(
        lambda inputs: [ordinal(x, BINARY32) % 2 for x in inputs],
        survey_points.domain_of(operations.LINE),
        BINARY32,
    )
    most = 2 * survey_points.MOST_TURNS * survey_points.GRID
    assert 0 < len(found) <= most


def test_a_sample_is_the_seeds() -> None:
    first, again = column("sin", BINARY32), column("sin", BINARY32)
    assert first == again
    tasks, _ = plan.plan(names=["sin"], dtypes=["float32"], seed=1)
    other = survey_sweep.run(tasks[0])
    assert of(other, "x") != of(swept("sin", "float32")[0], "x")


def test_half_of_a_sample_is_drawn_by_ordinal_and_half_by_value() -> None:
    found = survey_points.drawn(
        "sin", "x", survey_points.domain_of(operations.LINE), BINARY32, 1000, 0
    )
    beyond = sum(abs(x) > 32 for x in found)
    assert 150 < beyond < 350  # of the 500 by ordinal
    assert sum(1 < abs(x) <= 32 for x in found) > 450  # of the 500 by value
