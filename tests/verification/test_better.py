"""A better formula beside the worst difference: where the case does not expect that, and
only as long as there is time."""

from __future__ import annotations

import dataclasses

import pytest

from verifier.language.casefile.loading import from_mapping
from verifier.verification import better
from verifier.verification.better import offered
from verifier.verification.prepare import Prepared, Setting
from verifier.verification.verify import verify

PLANCK = {
    "expression": "x**3 / (exp(x) - 1)",
    "at": {"x": "0.001"},
    "dtype": "float32",
}
PINNED = {"expect": {"verdict": "differ.unstable", "reason": "cancels"}}


def instead(case: dict[str, object]) -> list[str]:
    """The formulas in the result of a case, in all its comparisons."""
    prepared, setting = (
        Prepared(from_mapping(case), "float32"),
        Setting(route="reverse"),
    )
    done = offered(prepared, setting, verify(prepared, setting, seed=0))
    assert done.result.verdict.value == "differ.unstable"
    return [text for one in done.result.comparisons for text in one.instead]


def test_an_unexpected_difference_comes_with_a_formula() -> None:
    assert instead(PLANCK) == ["write `expm1(x)` for `exp(x) - 1`"]


def test_a_pinned_difference_comes_with_none() -> None:
    assert instead(PLANCK | PINNED) == []


def test_no_formula_is_tried_when_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(better, "LONGEST_S", -1.0)
    assert instead(PLANCK) == []


def test_nothing_else_of_the_result_changes() -> None:
    prepared = Prepared(from_mapping(PLANCK), "float32")
    setting = Setting(route="reverse")
    before = verify(prepared, setting, seed=0)
    after = offered(prepared, setting, before).result
    without = tuple(dataclasses.replace(c, instead=()) for c in after.comparisons)
    same = dataclasses.replace(
        after, comparisons=without, elapsed_s=before.result.elapsed_s
    )
    assert same == before.result
