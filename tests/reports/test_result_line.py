"""The one line of a result: of at most so many columns, and what matters first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from verifier.records import Result, Unmet, Verdict
from verifier.reports.findings import findings_of
from verifier.reports.options import Options
from verifier.reports.result_line import line

Make = Callable[..., Any]


def shown(result: Result, width: int = 80, **fields: Any) -> str:
    found = findings_of(result, Options())
    return line(result, found, width=width, **fields).plain


def test_a_result_at_given_points_shows_its_numbers(
    make_result: Make, make_comparison: Make
) -> None:
    result = make_result(
        comparisons=(
            make_comparison(),
            make_comparison(quantity="value", wrt=(), measured="306.0"),
        )
    )
    assert shown(result) == (
        "ok    match.exact         example-two  float32      0 ulp  value 306, a 369"
    )


def test_a_sampled_result_shows_its_points(make_result: Make) -> None:
    result = make_result(
        "gelu", "match.rounding", points=96, drawn=64, boundary=32, max_error_ulp=1.5
    )
    assert shown(result) == (
        "ok    match.rounding      gelu  float32    96 points   1.5 ulp"
    )
    assert shown(result, 120).endswith("1.5 ulp  64 drawn, 32 boundary")


@pytest.mark.parametrize(
    ("fields", "mark", "glyph"),
    [
        ({"verdict": "match.rounding"}, "ok", "✓"),
        ({"verdict": "differ.wrong"}, "FAIL", "✗"),
        ({"verdict": "undecided.limit"}, "open", "?"),
        ({"verdict": "error.run"}, "ERROR", "✗"),
        (
            {"verdict": "differ.wrong", "expected": "differ", "as_expected": True},
            "known",
            "≈",
        ),
        (
            {"verdict": "match.exact", "expected": "differ", "as_expected": False},
            "FAIL",
            "✗",
        ),
        ({"verdict": "match.exact", "interrupted": True}, "cut", "…"),
    ],
)  # fmt: skip
def test_the_mark_shows_how_a_result_stands(
    make_result: Make, fields: dict[str, Any], mark: str, glyph: str
) -> None:
    result = make_result(**fields)
    assert shown(result).split()[0] == mark
    assert shown(result, glyphs=True).split()[0] == glyph


def test_an_expectation_stands_where_the_verdict_does_with_its_line(
    make_result: Make,
) -> None:
    unmet = Unmet(
        key="expect.gradient.a",
        line=6,
        expected="370",
        measured="369.0",
        true="369",
        found="neither",
    )
    text = shown(make_result("sum", as_expected=False, unmet=(unmet,)))
    assert text.startswith("FAIL  expect.gradient.a   sum  float32")
    assert text.endswith("line 6: expected 370, found 369")
    assert "match.exact" not in text


def test_route_and_order_show_where_they_are_not_the_usual(make_result: Make) -> None:
    assert "  float32 forward order 2  " in shown(make_result(route="forward", order=2))


def test_numbers_that_do_not_fit_are_left_out_whole(
    make_result: Make, make_comparison: Make
) -> None:
    names = [f"input{n}" for n in range(9)]
    result = make_result(
        comparisons=tuple(
            make_comparison(wrt=(name,), point=dict.fromkeys(names, "1"))
            for name in names
        )
    )
    assert shown(result).endswith("  input0 369, …")
    assert shown(result, 200).endswith(", input8 369")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("length", [1, 12, 30, 40, 90])
@pytest.mark.parametrize(
    "verdict", [Verdict.MATCH_CONDITIONING, Verdict.DIFFER_NONDETERMINISTIC]
)
def test_a_line_is_never_longer_than_the_page(
    make_result: Make, width: int, length: int, verdict: Verdict
) -> None:
    result = make_result("n" * length, verdict, points=65536, max_error_ulp=1.25e300)
    text = shown(result, width, names=length)
    assert len(text) <= width
    for whole in (verdict.value, "float32"):
        assert whole in text


def test_a_name_without_room_keeps_its_ends(make_result: Make) -> None:
    text = shown(make_result("first" + "-" * 90 + "last"))
    assert "first" in text
    assert "last  float32" in text


def test_an_error_that_is_no_number_is_not_the_largest_of_the_others(
    make_result: Make, make_comparison: Make
) -> None:
    found = make_comparison(
        verdict=Verdict.DIFFER_NONFINITE, error_ulp=None, measured="nan"
    )
    result = make_result("nan", found.verdict, comparisons=(found,), points=9)
    assert shown(result).endswith("9 points         -")


def test_longer_names_of_others_cost_a_short_one_no_number(make_result: Make) -> None:
    result = make_result("fine", "match.rounding", points=92, max_error_ulp=0.9)
    assert shown(result, names=27).endswith("92 points   0.9 ulp")
