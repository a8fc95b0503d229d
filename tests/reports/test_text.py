"""The text report: complete, plain where it is not on a terminal, and never more than
text."""

from __future__ import annotations

import math

import pytest

from verifier.records import Change, ChangeKind, Epoch, Verdict
from verifier.reports import page, tables, text
from verifier.reports.options import Options
from verifier.reports.result_line import line as line_of


@pytest.fixture
def unstable(make_result, make_comparison):
    """`(exp(x)-1)/x` at 1e-7 in float32, 64 times."""
    found = make_comparison(
        wrt=("x",),
        point={"x": "1e-07"},
        upstream="1",
        measured="-1920928.0",
        true="0.50000003333333497287",
        error_ulp=3.2227e13,
        verdict=Verdict.DIFFER_UNSTABLE,
        culprit="sub",
        message="44.9 bits are lost",
    )
    return make_result(
        "quotient",
        "differ.unstable",
        points=64,
        counts={"differ.unstable": 64},
        max_error_ulp=3.2227e13,
        comparisons=(found,) * 64,
    )


def _lines(report):
    return report.splitlines()


def test_each_result_has_one_line(make_result, make_record, unstable):
    report = text.render(make_record(make_result(), unstable))

    assert _lines(report)[:3] == [
        "ok    cases/notebook.toml::example-two  float32  match.exact"
        "             1 point         0 ulp  a: 369",
        "FAIL  cases/notebook.toml::quotient     float32  differ.unstable"
        "       64 points  3.22e+13 ulp",
        "",
    ]


def test_a_case_with_one_point_shows_its_numbers(make_result, make_comparison):
    result = make_result(
        comparisons=(
            make_comparison(measured="96.0"),
            make_comparison(quantity="value", wrt=(), measured="256.0"),
            make_comparison(quantity="hessian", wrt=("a", "b"), measured="0.5"),
        )
    )

    assert str(line_of(result)).endswith("  value: 256, a: 96, a, b: 0.5")


def test_many_gradients_on_a_line_are_capped_and_counted(make_result, make_comparison):
    comparisons = tuple(make_comparison(wrt=(f"a{i}",)) for i in range(9))
    result = make_result(comparisons=comparisons)

    assert str(line_of(result)).endswith("a5: 369, … and 3 more")


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"verdict": "match.rounding"}, "ok"),
        ({"verdict": "differ.wrong"}, "FAIL"),
        ({"verdict": "undecided.limit"}, "open"),
        ({"verdict": "error.run"}, "ERROR"),
        (
            {"verdict": "differ.wrong", "expected": "differ", "as_expected": True},
            "known",
        ),
        (
            {"verdict": "match.exact", "expected": "differ", "as_expected": False},
            "FAIL",
        ),
    ],
)
def test_the_mark_shows_how_a_result_stands(make_result, fields, mark):
    assert str(line_of(make_result(**fields))).split()[0] == mark


def test_an_accepted_difference_is_marked_as_known(make_record, unstable):
    report = text.render(
        make_record(unstable), Options(accepted=[Verdict.DIFFER_UNSTABLE])
    )

    assert report.startswith("known ")
    assert "all as expected" in report


def test_route_and_order_show_where_they_are_not_the_usual(make_result):
    line = str(line_of(make_result(route="forward", order=2)))

    assert "  float32 forward order 2  " in line


def test_differences_are_a_table_with_everything_about_them(make_record, unstable):
    report = text.render(make_record(unstable))

    header, row = _lines(report)[3:5]
    assert header.split() == (
        "case dtype quantity by point measured true error verdict message".split()
    )
    for part in (
        "cases/notebook.toml::quotient",
        "float32",
        "gradient",
        "x=1e-07",
        "-1920928.0",
        "0.50000003333333497287",
        "3.22e+13 ulp",
        "differ.unstable",
        "sub: 44.9 bits are lost",
    ):
        assert part in row


def test_the_table_is_capped_and_what_is_left_out_is_counted(make_record, unstable):
    report = text.render(make_record(unstable))

    assert report.count("x=1e-07") == tables.ROWS_PER_RESULT
    assert f"… and {64 - tables.ROWS_PER_RESULT} more" in report


def test_a_table_has_no_more_rows_than_its_cap(make_record, make_result):
    results = [make_result(f"case-{n}", "differ.wrong") for n in range(30)]

    report = text.details(make_record(*results))

    assert report.count("differ.wrong") == tables.ROWS
    assert f"… and {30 - tables.ROWS} more" in report


def test_a_pinned_difference_is_reported_by_its_line_alone(make_record, make_result):
    known = make_result("known", "differ.wrong", expected="differ", as_expected=True)

    report = text.details(make_record(known, make_result("new", "differ.wrong")))

    assert "::new" in report
    assert "::known" not in report


def test_of_one_result_the_worst_comes_first(make_record, make_result, make_comparison):
    errors = (2.0, None, 9.0)
    found = tuple(
        make_comparison(error_ulp=error, verdict=Verdict.DIFFER_WRONG)
        for error in errors
    )

    report = text.details(
        make_record(make_result("a", "differ.wrong", comparisons=found))
    )

    order = [
        line.rpartition(" ulp")[0].rpartition(" ")[2] for line in _lines(report)[3:6]
    ]
    assert order == ["", "9", "2"]


def test_neither_the_verdict_of_a_result_nor_another_kind_is_cut_off(
    make_record, make_result, make_comparison
):
    wrong = [
        make_comparison(error_ulp=error, verdict=Verdict.DIFFER_WRONG)
        for error in range(1, 9)
    ]
    other = make_comparison(error_ulp=1e9, verdict=Verdict.DIFFER_UNSTABLE)
    least = make_comparison(error_ulp=0.1, verdict=Verdict.DIFFER_MUTATED)
    result = make_result("a", "differ.wrong", comparisons=(*wrong, other, least))

    shown = _lines(text.details(make_record(result)))[3:]

    kinds = [line.rpartition("differ.")[2].rstrip() for line in shown[:5]]
    assert kinds == ["wrong", "unstable", "mutated", "wrong", "wrong"]
    assert [line.rpartition(" ulp")[0].split()[-1] for line in shown[:5]] == [
        *("8", "1e+09", "0.1", "7", "6")
    ]
    assert shown[5].strip() == "… and 5 more"


def test_what_is_undecided_has_its_reason(make_record, make_result, make_comparison):
    found = make_comparison(
        verdict=Verdict.UNDECIDED_LIMIT, true="undefined", error_ulp=None, message="0/0"
    )
    result = make_result("edge", "undecided.limit", comparisons=(found,))

    report = text.render(make_record(result))

    assert "\nUndecided\n" in report
    assert "undecided.limit  0/0" in report
    assert "1 not judged" in report


def test_errors_and_broken_expectations_are_reported(make_record, make_result):
    report = text.render(
        make_record(
            make_result("boom", "error.run", counts={}, comparisons=(), message="a\nb"),
            make_result("pin", expected="differ.wrong", as_expected=False),
            make_result("sum", as_expected=False, message="expected 370, both say 369"),
        )
    )

    assert "cases/notebook.toml:12::boom float32: a\n    b\n" in report
    assert "::pin float32: expected differ.wrong, found match.exact\n" in report
    assert "::sum float32: expected 370, both say 369\n" in report


def test_a_descent_is_a_table_of_its_epochs(make_record, make_result):
    epochs = (
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

    report = text.render(make_record(make_result("train", points=2, epochs=epochs)))

    assert _lines(report)[2:6] == [
        "Descent of cases/notebook.toml::train float32",
        "epoch     loss  weight             gradient     drift",
        "    1  256.000  99.04              96.0      6.25e-15",
        "    2  172.134  98.25280000000001  78.72          nan",
    ]


def test_changes_are_reported_and_so_is_that_there_are_none(make_record, make_result):
    change = Change(
        result="cases/notebook.toml::a float32 reverse 1",
        kind=ChangeKind.LARGER_ERROR,
        regression=True,
        before="match.rounding, 1 ulp",
        after="match.rounding, 7 ulp",
    )
    record = make_record(make_result())

    report = text.render(record, Options(changes=[change]))

    assert "WORSE  cases/notebook.toml::a float32 reverse 1  larger error" in report
    assert "match.rounding, 1 ulp  match.rounding, 7 ulp" in report
    assert "; 1 worse than the baseline in" in report
    assert "Changes against the baseline\n  none\n" in text.render(
        record, Options(changes=[])
    )
    assert "Changes" not in text.render(record)


def test_the_summary_counts(make_record, make_result, unstable):
    report = text.render(make_record(make_result(), unstable))

    assert _lines(report)[-1] == (
        "2 cases, 65 comparisons: 1 match, 64 differ, 0 undecided, 0 error; 1 not as expected"
        " in 1.2 s (seed 0, torch 2.13.0, sympy 1.14.0)"
    )


def test_a_verdict_of_no_single_comparison_counts_as_one(make_record, make_result):
    result = make_result(
        verdict="differ.wrong",
        counts={"match.exact": 3, "match.rounding": 4},
        message="not as one tensor",
    )

    counted = text.brief(make_record(result))

    assert counted == (
        "1 case, 8 comparisons: 7 match, 1 differ, 0 undecided, 0 error; 1 not as expected"
    )


def test_the_summary_of_one_good_case(make_record, make_result):
    report = text.render(make_record(make_result(), environment={}))

    assert _lines(report)[-1] == (
        "1 case, 1 comparison: 1 match, 0 differ, 0 undecided, 0 error; all as expected"
        " in 1.2 s (seed 0)"
    )


def test_known_differences_are_reported_as_those_of_the_baseline(make_record, unstable):
    assert "1 not as expected, as in the baseline" in text.render(
        make_record(unstable), Options(changes=[])
    )


def test_an_interrupted_run_says_so(make_record, make_result):
    report = text.render(make_record(make_result(), interrupted=True))

    assert "interrupted before the end" in _lines(report)[-1]


# ── only text ─────────────────────────────────────────────────────────────────────────


def test_names_are_neither_markup_nor_terminal_commands(make_record, make_result):
    name = "[red]x[/red] :smile: \x1b[31m\x07\r\n[/]"

    report = text.render(
        make_record(make_result(name, "differ.wrong")), Options(color=True)
    )

    assert r"::[red]x[/red] :smile: \x1b[31m\x07\r\n[/]" in report
    assert "\x1b[31m\x07" not in report


def test_a_plain_report_has_no_control_characters(make_record, make_result, unstable):
    report = text.render(make_record(make_result(), unstable))

    assert all(char.isprintable() or char == "\n" for char in report)
    assert not any(line.endswith(" ") for line in _lines(report))


def test_colours_are_all_that_colour_adds(make_record, make_result, unstable):
    record = make_record(make_result(), unstable)

    coloured = text.render(record, Options(color=True))

    assert "\x1b[32m" in coloured
    for code in ("0", "1", "2", "1;2", "31", "32", "1;31"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert "\x1b" not in coloured
    stripped = [line.rstrip() for line in _lines(coloured)]
    assert stripped == _lines(text.render(record))


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_no_name_or_number_is_cut_however_narrow_the_page(make_record, unstable, width):
    report = text.render(make_record(unstable), Options(width=width))

    for whole in ("-1920928.0", "0.50000003333333497287", "3.22e+13 ulp"):
        assert whole in report.replace("\n", " ").replace("  ", " ")
    assert "…\n" not in report.replace("… and", "")


def test_long_messages_fold_and_numbers_do_not(
    make_record, make_result, make_comparison
):
    found = make_comparison(verdict=Verdict.DIFFER_WRONG, message="word " * 60)
    result = make_result("a", "differ.wrong", comparisons=(found,))

    report = text.render(make_record(result), Options(width=150))

    assert report.count("word") == 60
    assert max(map(len, _lines(report))) <= 150


# ── parts ─────────────────────────────────────────────────────────────────────────────


def test_the_lines_of_a_run_and_its_details_are_its_report(
    make_record, make_result, unstable
):
    record = make_record(make_result(), unstable)
    names = page.name_width(result.case for result in record.results)

    parts = [text.streamed(result, names=names) for result in record.results]

    assert "".join(parts) + text.details(record) == text.render(record)


def test_a_failure_shows_place_line_and_difference(unstable):
    report = text.failure(unstable)

    assert _lines(report)[0] == "cases/notebook.toml:12: [quotient] differ.unstable"
    assert _lines(report)[1].startswith("FAIL  cases/notebook.toml::quotient")
    assert "0.50000003333333497287" in report
    assert "comparisons:" not in report


def test_a_table_of_words_becomes_blocks_where_the_page_is_narrow():
    rows = [["abs", "absolute value of x"], ["[b]" * 17, "y"]]

    wide = page.table(["name", "meaning"], rows)
    narrow = page.table(["name", "meaning"], rows, width=60)

    assert [line.split()[0] for line in _lines(wide)] == ["name", "abs", "[b]" * 17]
    assert _lines(narrow) == [
        "name: abs",
        "    meaning: absolute value of x",
        f"name: {'[b]' * 17}",
        "    meaning: y",
    ]


# ── what failed ───────────────────────────────────────────────────────────────────────


def test_an_expectation_that_does_not_hold_stands_where_the_verdict_does(
    make_result, make_record
):
    result = make_result(
        as_expected=False,
        broken=("expect.gradient.a",),
        message="expect.gradient.a: expected 370; neither agrees",
    )
    both = make_result(
        as_expected=False, broken=("expect.value", "expect.gradient.a"), message="…"
    )

    first, second = _lines(text.render(make_record(result, both)))[:2]

    assert first.startswith("FAIL  ")
    assert "  expect.gradient.a  " in first
    assert "  expect.value, …  " in second
    assert "match.exact" not in first + second


def test_an_unfinished_case_is_interrupted_and_no_failure(make_result, make_record):
    cut = make_result(
        verdict=Verdict.MATCH_ROUNDING,
        as_expected=False,
        interrupted=True,
        message="interrupted after 2 points",
    )

    report = text.render(make_record(make_result(), cut, interrupted=True))

    assert _lines(report)[1].startswith("cut   ")
    assert "  interrupted  " in _lines(report)[1]
    assert "FAIL" not in report
    assert "not as expected" not in report
    assert "interrupted before the end" in report


def test_tracebacks_are_shown_where_they_are_wanted(make_result, make_record):
    trace = (
        "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'k'\n"
    )
    broken = make_result(verdict="error.run", counts={}, traceback=trace)

    assert "a.py" not in text.render(make_record(broken))
    assert 'File "a.py", line 3' in text.render(
        make_record(broken), Options(debug=True)
    )
    assert 'File "a.py", line 3' in text.failure(broken)
