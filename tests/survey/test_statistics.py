"""What is counted of one number over all points of a sweep."""

from __future__ import annotations

import math
from typing import Any

from verifier.floats import (
    BINARY32,
    BINARY64,
    Format,
    from_ordinal,
)
from verifier.records import Truth, TruthStatus
from verifier.survey.records import Agreement
from verifier.survey.statistics import Statistics
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.nearest import Rounded, rounding
from verifier.symbolic.truth import many_points

inf = math.inf


def entries(
    *numbers: float, format_: Format = BINARY32
) -> list[many_points.RoundedTruth]:
    found = [rounding(format_)(balls.exact(number)) for number in numbers]
    assert None not in found
    return found  # type: ignore[return-value]


def test_errors_are_counted_where_the_truth_is_finite() -> None:
    ulp = 2.0**-23
    truth = entries(1.0, 1.0, 1.0 + ulp / 4, 2.0**-140, 1e300, 3.0, 2.0**-126, 1.0)
    measured = [1.0, 1.0 + 3 * ulp, 1.0, 0.0, inf, math.nan, 0.0, -inf]
    statistics = Statistics(truth, measured, BINARY32, 2.5)
    assert statistics.errors == [0.0, 3.0, 0.25, 2.0**9, 2.0**23]
    assert (statistics.compared, statistics.correctly_rounded) == (7, 2)
    assert (statistics.zeros, statistics.inaccurate) == ([6], [1, 3, 6])
    assert (statistics.nonfinite, statistics.nonfinite_normal) == ([5, 7], 2)
    assert (statistics.worst, statistics.largest) == (6, 2.0**23)
    assert statistics.agreement("beyond") == Agreement(points=1, agreeing=1)


def test_a_truth_is_normal_if_it_rounds_to_a_normal_number() -> None:
    smallest, subnormal = 2.0**-126, 2.0**-126 - 2.0**-149
    for sign in (1, -1):
        truth = entries(
            *(sign * x for x in (smallest - 2.0**-160, smallest, subnormal))
        )
        statistics = Statistics(truth, [0.0, 0.0, 0.0], BINARY32, 8.0)
        assert statistics.zeros == [0, 1]


def test_the_99th_percentile_is_the_smallest_bound_of_99_percent() -> None:
    ulp = 2.0**-23
    for worse, p99 in ((1, 0.0), (2, 5.0)):
        measured = [1.0] * (100 - worse) + [1.0 + 5 * ulp] * worse
        assert Statistics(entries(*[1.0] * 100), measured, BINARY32, 8.0).p99 == p99


def test_where_there_are_no_ulps_agreement_is_counted() -> None:
    def known(status: TruthStatus, **fields: Any) -> Truth:
        return Truth(status=status, **fields)

    clarke = balls.enclosure(balls.around(balls.zero(), balls.dyadic(0)))
    truths = [
        *[known(TruthStatus.INFINITE, sign=-1)] * 3,
        *[known(TruthStatus.KINK, enclosure=clarke)] * 3,
        *[known(TruthStatus.UNDEFINED)] * 2,
        known(TruthStatus.PRECISION),
        known(TruthStatus.BUDGET),
    ]
    measured = [-inf, math.nan, inf, 0.5, 2.0, math.nan, math.nan, 0.0, 0.0, 0.0]
    statistics = Statistics(truths, measured, BINARY32, 8.0)
    assert statistics.agreement(TruthStatus.INFINITE) == Agreement(points=3, agreeing=2)
    assert statistics.agreement(TruthStatus.KINK) == Agreement(points=3, agreeing=1)
    assert statistics.agreement(TruthStatus.UNDEFINED) == Agreement(
        points=2, agreeing=1
    )
    assert (statistics.undecided, statistics.unexamined, statistics.p99) == (
        [8],
        1,
        None,
    )


def test_the_entries_of_a_number_name_its_truth() -> None:
    (entry,) = entries(from_ordinal(5, BINARY64), format_=BINARY64)
    assert isinstance(entry, Rounded)
    truth = many_points.truth_of(entry)
    assert truth.enclosure is not None
    assert float(truth.enclosure.lower) == 2.5e-323
