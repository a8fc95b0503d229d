"""A finding as a block and as a line, at any width."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from verifier.records import Result, Tally, Unmet, Verdict
from verifier.reports.blocks import block, line
from verifier.reports.findings import findings_of
from verifier.reports.options import Options
from verifier.reports.page import wrapped

Make = Callable[..., Any]


@pytest.fixture
def planck(make_result: Make, make_comparison: Make) -> Result:
    """The example of the design: `x**3/(exp(x)-1)` in float32."""
    found = make_comparison(
        quantity="value",
        wrt=(),
        point={"x": "0.010517136"},
        upstream="1",
        measured="0.00011002914",
        true="0.00011002952224123456",
        error_ulp=52.0,
        verdict=Verdict.DIFFER_UNSTABLE,
        culprit="`exp(x)-1` (sub, column 7)",
        cause="cancels, so the rounding of `exp(x)` grows ×96",
        message="…",
        regions=("x up to 0.011359051 (0.011359052 matches)",),
        instead=("write `expm1(x)`",),
    )
    counts = {"differ.unstable": 12, "match.rounding": 192}
    result: Result = make_result(
        "planck",
        "differ.unstable",
        line=1,
        comparisons=(found,) * 12,
        counts=counts,
        quantities=(
            Tally(quantity="value", wrt=(), counts=counts, max_error_ulp=52.0),
        ),
    )
    return result


def test_a_block_at_eighty_columns(planck: Result) -> None:
    (found,) = findings_of(planck, Options())
    assert block(found).splitlines() == [
        "differ.unstable  planck  float32".ljust(50) + "12 of 204 values, worst 52 ulp",
        "  --> cases/notebook.toml:1, value at x = 0.010517136",
        "   PyTorch  0.00011002914",
        "   true     0.000110029522241…  52 ulp off, 5.7 bits lost",
        "   where    x up to 0.011359051 (0.011359052 matches)",
        "   because  `exp(x)-1` (column 7) cancels, so the rounding of `exp(x)` grows ×96",
        "   help     write `expm1(x)`: proved equal, and it matches",
        "            verifier explain cases/notebook.toml::planck",
    ]


def test_a_line_is_one_that_editors_know(planck: Result) -> None:
    (found,) = findings_of(planck, Options())
    text = line(found)
    assert re.fullmatch(r"[^:\n]+:\d+: differ\.unstable planck float32: .+", text)
    for part in ("12 of 204 values, worst 52 ulp", "x = 0.010517136", "cancels"):
        assert part in text


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120, 200])
def test_a_block_fits_its_page_and_breaks_no_number(planck: Result, width: int) -> None:
    (found,) = findings_of(planck, Options())
    text = block(found, width)
    assert max(map(len, text.splitlines())) <= width
    for whole in (
        "0.00011002914",
        "x = 0.010517136",
        "`exp(x)-1`",
        "0.011359051",
        "52 ulp",
    ):
        assert whole in text


def test_neither_because_nor_help_is_said_twice(planck: Result) -> None:
    (found,) = findings_of(planck, Options())
    rows = [row.strip() for row in block(found).splitlines()]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize(
    ("measured", "true", "error", "shown"),
    [
        ("0.0", "1.5", 2.0**24, "no digit is right"),
        ("inf", "1.5", None, "1.5"),
        ("1.5", "[0, 1]", 3.0, "[0, 1]  3 ulp off, 1.6 bits lost"),
        ("2.0", "2.0000001192092896", 0.5, "2.00000…  0.5 ulp off"),
    ],
)  # fmt: skip
def test_the_truth_has_the_digits_that_tell(
    make_result: Make,
    make_comparison: Make,
    measured: str,
    true: str,
    error: float | None,
    shown: str,
) -> None:
    found = make_comparison(
        measured=measured, true=true, error_ulp=error, verdict=Verdict.DIFFER_WRONG
    )
    result = make_result("a", "differ.wrong", comparisons=(found,))
    text = block(findings_of(result, Options())[0])
    (row,) = (row for row in text.splitlines() if row.startswith("   true "))
    assert row.endswith(shown)


def test_an_expectation_stands_beside_both_sides(make_result: Make) -> None:
    unmet = Unmet(
        key="expect.gradient.a",
        line=6,
        expected="370",
        measured="369.0",
        true="369",
        found="neither PyTorch's 369.0 nor the true 369 agrees",
    )
    result = make_result(as_expected=False, unmet=(unmet,))
    (found,) = findings_of(result, Options())
    assert block(found).splitlines()[:5] == [
        "expect.gradient.a  example-two  float32",
        "  --> cases/notebook.toml:6",
        "   expected gradient a = 370",
        "   PyTorch  369.0",
        "   true     369",
    ]
    assert line(found).startswith(
        "cases/notebook.toml:6: expect.gradient.a example-two float32: expected 370, "
    )


def test_what_repeats_is_counted(make_result: Make) -> None:
    unmet = tuple(
        Unmet(
            key=f"expect.losses[{n}]",
            expected="1.0",
            measured="2.0",
            true="3",
            found="neither",
        )
        for n in range(1, 16)
    )
    result = make_result(as_expected=False, unmet=unmet)
    text = block(findings_of(result, Options())[0])
    assert text.count("losses[") == 1 + 4  # in the head, and four of them
    assert "and 11 more like it" in text


def test_names_obey_no_terminal(make_result: Make) -> None:
    result = make_result("a\x1b[31m\nb", "differ.wrong")
    (found,) = findings_of(result, Options())
    for text in (block(found), line(found)):
        assert "\x1b" not in text
        assert r"a\x1b[31m\nb" in text
    assert "\n" not in line(found)


@pytest.mark.parametrize(
    "whole", ["x = -1.5e-300", "`exp(x) - 1`", "8.58e+09 ulp", "(1.5+2.5j)"]
)
def test_wrapping_keeps_together_what_belongs_together(whole: str) -> None:
    for width in range(20, 60):
        lines = wrapped(f"word word word {whole} word word", width, "  ")
        assert any(whole in text for text in lines)
        assert max(map(len, lines)) <= max(width, len(whole) + 2)
