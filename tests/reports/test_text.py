"""The text report: a line a result, a block a finding, and never more than text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from verifier.records import Change, ChangeKind, Epoch, Result, Unmet, Verdict
from verifier.reports import page, text
from verifier.reports.findings import findings_of
from verifier.reports.options import Options
from verifier.reports.summary import brief

Make = Callable[..., Any]


@pytest.fixture
def unstable(make_result: Make, make_comparison: Make) -> Result:
    """`(exp(x)-1)/x` at 1e-7 in float32, 64 times."""
    found = make_comparison(
        wrt=("x",),
        point={"x": "1e-07"},
        upstream="1",
        measured="-1920928.0",
        true="0.50000003333333497287",
        error_ulp=3.2227e13,
        verdict=Verdict.DIFFER_UNSTABLE,
        culprit="`exp(x)-1` (sub, column 2)",
        cause="cancels",
        message="44.9 bits are lost",
    )
    result: Result = make_result(
        "quotient",
        "differ.unstable",
        points=64,
        counts={"differ.unstable": 64},
        max_error_ulp=3.2227e13,
        comparisons=(found,) * 64,
    )
    return result


def lines_of(report: str) -> list[str]:
    return report.splitlines()


# ── the layouts ───────────────────────────────────────────────────────────────────────


def test_results_are_lines_under_their_file_and_findings_blocks(
    make_result: Make, make_record: Make, unstable: Result
) -> None:
    report = text.render(make_record(make_result(), unstable), Options(width=80))

    assert lines_of(report) == [
        "cases/notebook.toml",
        "ok    match.exact         example-two  float32      0 ulp  a 369",
        "FAIL  differ.unstable     quotient     float32    64 points  3.22e+13 ulp",
        "",
        "differ.unstable  quotient  float32".ljust(42)
        + "64 of 64 gradients, worst 3.22e+13 ulp",
        "  --> cases/notebook.toml:12, gradient x at x = 1e-07",
        "   PyTorch  -1920928.0",
        "   true     0.50000…  3.22e+13 ulp off, no digit is right",
        "   because  `exp(x)-1` (column 2) cancels",
        "   help     verifier explain cases/notebook.toml::quotient",
        "",
        "2 cases, 65 comparisons: 1 match, 64 differ, 0 undecided, 0 error; 1 not as",
        "expected in 1.2 s (seed 0, torch 2.13.0, sympy 1.14.0)",
    ]


def test_concise_is_a_line_a_finding_and_the_summary(
    make_result: Make, make_record: Make, unstable: Result
) -> None:
    report = text.concise(make_record(make_result(), unstable))

    first, last = lines_of(report)
    assert first.startswith(
        "cases/notebook.toml:12: differ.unstable quotient float32: 64 of 64 gradients"
    )
    assert last == (
        "2 cases, 65 comparisons: 1 match, 64 differ, 0 undecided, 0 error; 1 not as expected"
        " in 1.2 s (seed 0, torch 2.13.0, sympy 1.14.0)"
    )


def test_each_file_has_its_heading_once(make_result: Make, make_record: Make) -> None:
    results = [
        make_result(case=f"{file}.toml::{name}") for file in "ab" for name in "xy"
    ]
    report = lines_of(text.render(make_record(*results)))
    assert [line for line in report if line.endswith(".toml")] == ["a.toml", "b.toml"]
    assert report[3] == ""


def test_what_is_quiet_shows_findings_alone(
    make_result: Make, make_record: Make, unstable: Result
) -> None:
    record = make_record(make_result(), unstable)
    report = text.render(record, Options(quiet=True))
    assert report.startswith("differ.unstable  quotient")
    assert "example-two" not in report


def test_the_lines_of_a_run_and_its_details_are_its_report(
    make_result: Make, make_record: Make, unstable: Result
) -> None:
    record = make_record(make_result(), unstable)
    lines = text.Lines(Options(), [result.case for result in record.results])

    parts = [
        lines.add(result, findings_of(result, Options())) for result in record.results
    ]

    assert "".join(parts) + text.details(record) == text.render(record)


def test_a_pinned_difference_is_reported_by_its_line_alone(
    make_result: Make, make_record: Make
) -> None:
    known = make_result("known", "differ.wrong", expected="differ", as_expected=True)
    report = text.render(make_record(known, make_result("new", "differ.wrong")))
    assert report.count("known ") == 2  # the mark and the name
    assert report.count("new") == 3


# ── long runs ─────────────────────────────────────────────────────────────────────────


def test_a_long_run_repeats_what_failed_in_a_line_each(
    make_result: Make, make_record: Make
) -> None:
    results = [make_result(f"case-{n}", "differ.wrong") for n in range(30)]

    report = text.details(make_record(*results))

    blocks = re.findall(r"^differ\.wrong  (case-\d+)", report, re.M)
    again = re.findall(r"toml:12: differ\.wrong (case-\d+) float32", report)
    assert len(blocks) == text.MOST_BLOCKS
    assert again == [f"case-{n}" for n in range(30)]
    assert f"and {30 - text.MOST_BLOCKS} more, in a line each below" in report
    everything = text.details(make_record(*results), Options(verbose=True))
    assert len(re.findall(r"^differ\.wrong  ", everything, re.M)) == 30


def test_a_short_run_repeats_nothing(make_record: Make, unstable: Result) -> None:
    assert text.details(make_record(unstable)).count("quotient") == 2


def test_the_slowest_results_are_named(make_result: Make, make_record: Make) -> None:
    results = [make_result(f"case-{n}", elapsed_s=n / 4) for n in range(5)]
    report = text.details(make_record(*results), Options(durations=2))
    assert re.findall(r"(\S+) s  float32   \S+::(\S+)", report) == [
        ("1.00", "case-4"),
        ("0.75", "case-3"),
    ]
    assert "Slowest" not in text.details(make_record(*results))


# ── against a baseline ────────────────────────────────────────────────────────────────


def test_what_is_worse_is_a_block_and_what_is_known_is_folded(
    make_result: Make, make_record: Make, unstable: Result
) -> None:
    worse = Change(
        result="cases/notebook.toml::quotient float32 reverse 1",
        kind=ChangeKind.WORSE_VERDICT,
        regression=True,
        before="match.rounding, 1 ulp",
        after="differ.unstable, 3e13 ulp",
        quantity="gradient x",
    )
    record = make_record(make_result("old", "differ.wrong"), unstable)

    report = text.render(record, Options(changes=[worse]))

    assert re.findall(r"^(\S+) +differ.*?  (\S+)  ", report, re.M)[:2] == [
        ("known", "old"),
        ("FAIL", "quotient"),
    ]
    assert "   was      gradient x: match.rounding, 1 ulp, in the baseline" in report
    assert "1 not as expected, 1 known difference as in the baseline in" in report
    assert "all as expected, 2 known differences as in the baseline in" in text.render(
        record, Options(changes=[])
    )


# ── what is shown only where it is wanted ─────────────────────────────────────────────

EPOCHS = (
    Epoch(
        number=1,
        loss=256.0,
        weight=99.04,
        gradient=96.0,
        true_loss="256",
        true_weight="99.04",
        drift=6.25e-15,
    ),
    Epoch(
        number=2,
        loss=172.1343994140625,
        weight=98.25280000000001,
        gradient=78.72,
        true_loss="172.13",
        true_weight="98.2528",
        drift=math.nan,
    ),
)


def test_a_descent_is_a_table_of_its_epochs(
    make_result: Make, make_record: Make
) -> None:
    record = make_record(make_result("train", points=2, epochs=EPOCHS))

    assert "Descent" not in text.render(record)
    report = lines_of(text.render(record, Options(verbose=True)))
    assert report[3:7] == [
        "Descent of cases/notebook.toml::train float32",
        "epoch     loss  weight             gradient     drift",
        "    1  256.000  99.04              96.0      6.25e-15",
        "    2  172.134  98.25280000000001  78.72          nan",
    ]


def test_a_descent_that_fails_is_shown(make_result: Make, make_record: Make) -> None:
    unmet = Unmet(
        key="expect.losses[2]",
        expected="170",
        measured="172.1",
        true="172",
        found="neither",
    )
    record = make_record(
        make_result("train", epochs=EPOCHS, as_expected=False, unmet=(unmet,))
    )
    assert "Descent of" in text.render(record)


def test_tracebacks_are_shown_where_they_are_wanted(
    make_result: Make, make_record: Make
) -> None:
    trace = (
        "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'k'\n"
    )
    broken = make_result(verdict="error.run", counts={}, traceback=trace)

    assert "a.py" not in text.render(make_record(broken))
    assert 'File "a.py", line 3' in text.render(
        make_record(broken), Options(debug=True)
    )


def test_a_note_on_what_is_as_expected_follows_its_line(
    make_result: Make, make_record: Make
) -> None:
    result = make_result(notes=("returned in float64",), message="returned in float64")
    assert "\n      note: returned in float64\n" in text.render(make_record(result))


# ── the summary ───────────────────────────────────────────────────────────────────────


def test_a_verdict_of_no_single_comparison_counts_as_one(
    make_result: Make, make_record: Make
) -> None:
    result = make_result(
        verdict="differ.wrong",
        counts={"match.exact": 3, "match.rounding": 4},
        message="not as one tensor",
    )
    assert brief(make_record(result)) == (
        "1 case, 8 comparisons: 7 match, 1 differ, 0 undecided, 0 error; 1 not as expected"
    )


def test_the_summary_of_one_good_case(make_result: Make, make_record: Make) -> None:
    report = text.render(make_record(make_result(), environment={}))
    assert lines_of(report)[-1] == (
        "1 case, 1 comparison: 1 match, 0 differ, 0 undecided, 0 error; all as expected"
        " in 1.2 s (seed 0)"
    )


def test_what_is_undecided_has_its_reason(
    make_result: Make, make_record: Make, make_comparison: Make
) -> None:
    found = make_comparison(
        verdict=Verdict.UNDECIDED_LIMIT, true="undefined", error_ulp=None, message="0/0"
    )
    report = text.render(
        make_record(make_result("edge", "undecided.limit", comparisons=(found,)))
    )
    assert "   because  0/0\n" in report
    assert "1 not judged" in report


def test_an_unfinished_case_is_interrupted_and_no_failure(
    make_result: Make, make_record: Make
) -> None:
    cut = make_result(
        verdict=Verdict.MATCH_ROUNDING,
        as_expected=False,
        interrupted=True,
        message="interrupted after 2 points",
    )

    report = text.render(make_record(make_result(), cut, interrupted=True))

    assert lines_of(report)[2].startswith("cut   interrupted  ")
    assert "FAIL" not in report
    assert "not as expected" not in report
    assert "interrupted before the end" in lines_of(report)[-1]


# ── only text ─────────────────────────────────────────────────────────────────────────


def test_names_are_neither_markup_nor_terminal_commands(
    make_result: Make, make_record: Make
) -> None:
    name = "[red]x[/red] :smile: \x1b[31m\x07\r\n[/]"

    report = text.render(
        make_record(make_result(name, "differ.wrong")), Options(color=True, width=200)
    )

    assert r"[red]x[/red] :smile: \x1b[31m\x07\r\n[/]" in report
    assert "\x1b[31m\x07" not in report


def test_a_plain_report_has_no_control_characters(
    make_result: Make, make_record: Make, unstable: Result
) -> None:
    report = text.render(make_record(make_result(), unstable))
    assert all(char.isprintable() or char == "\n" for char in report)
    assert not any(line.endswith(" ") for line in lines_of(report))


def test_colours_are_all_that_colour_adds(
    make_result: Make, make_record: Make, unstable: Result
) -> None:
    record = make_record(make_result(), unstable)

    coloured = text.render(record, Options(color=True))

    assert "\x1b[32m" in coloured
    plain = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert "\x1b" not in plain
    assert [line.rstrip() for line in lines_of(plain)] == lines_of(text.render(record))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_number_is_cut_and_nothing_is_wider_than_the_page(
    make_result: Make, make_record: Make, unstable: Result, width: int
) -> None:
    record = make_record(make_result(), unstable)
    report = text.render(record, Options(width=width))
    for whole in ("-1920928.0", "3.22e+13 ulp", "x = 1e-07"):
        assert whole in report
    assert max(map(len, lines_of(report))) <= width


def test_long_messages_fold(
    make_result: Make, make_record: Make, make_comparison: Make
) -> None:
    found = make_comparison(verdict=Verdict.DIFFER_WRONG, message="word " * 60)
    result = make_result("a", "differ.wrong", comparisons=(found,))
    report = text.render(make_record(result), Options(width=80))
    assert report.count("word") == 60
    assert max(map(len, lines_of(report))) <= 80


def test_a_table_of_words_becomes_blocks_where_the_page_is_narrow() -> None:
    rows = [["abs", "absolute value of x"], ["[b]" * 17, "y"]]

    wide = page.table(["name", "meaning"], rows)
    narrow = page.table(["name", "meaning"], rows, width=60)

    assert [line.split()[0] for line in lines_of(wide)] == [
        *("name", "abs", "[b]" * 17)
    ]
    assert lines_of(narrow) == [
        "name: abs",
        "    meaning: absolute value of x",
        f"name: {'[b]' * 17}",
        "    meaning: y",
    ]
