"""One case from points to verdict: what an interrupt leaves."""

from __future__ import annotations

import pytest

from verifier import verification
from verifier.language.cases import from_mapping
from verifier.pipeline import execute, plan


@pytest.fixture
def interrupted_at_the_third_point(monkeypatch):
    judge_all = verification._Work.judge_all
    calls = []

    def impatient(self, *args, **kwargs):
        calls.append(None)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return judge_all(self, *args, **kwargs)

    monkeypatch.setattr(verification._Work, "judge_all", impatient)


@pytest.mark.usefixtures("interrupted_at_the_third_point")
def test_an_interrupt_in_the_middle_of_a_case_keeps_the_points_that_were_judged():
    case = from_mapping({"expression": "sin(x)", "domain": {"x": "[0, 1]"}})

    record = execute(plan([case]))

    (result,) = record.results
    assert record.interrupted
    assert (result.points, result.as_expected) == (2, False)
    assert result.message == "interrupted after 2 points"
    assert (result.interrupted, result.broken) == (True, ())


def test_no_digit_of_a_truth_is_shown_beyond_what_is_known():
    # 1 − cos(x) cancels all but the last bits of the precision that decides how the quotient, 1/2, rounds.
    formula, point = "(1 - cos(x)) / (x * x)", {"x": "-0x1.6dec0ep-115"}
    case = from_mapping({"expression": formula, "at": point, "dtype": ["float32"]})

    (result,) = execute(plan([case])).results

    value = next(one for one in result.comparisons if one.quantity == "value")
    assert value.true == "0.5"
