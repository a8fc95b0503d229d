"""`verifier run`, from its arguments to its exit code, with real case files."""

from __future__ import annotations

import json
import os

import jsonschema
import pytest
from case_texts import GOOD, SAMPLED, UNSTABLE
from commands import invoke

from verifier.reports import json as json_report

pytestmark = pytest.mark.usefixtures("folder")


def test_a_case_as_expected_exits_with_0_and_shows_its_numbers(case_file):
    case_file(GOOD)

    result = invoke("run")

    assert result.exit_code == 0
    assert result.stderr == ""
    file, first, second, *_, last = result.stdout.splitlines()
    assert file == "cases/a.toml"
    assert first.startswith("ok    match.exact         example-two  float32")
    assert first.endswith("value 306, a 369")
    assert "float64" in second
    assert last.startswith("1 case, 4 comparisons: 4 match, 0 differ,")


def test_a_difference_exits_with_1(case_file):
    case_file(UNSTABLE)

    result = invoke("run", "cases/a.toml")

    assert result.exit_code == 1
    assert "FAIL  differ.unstable     quotient  float32" in result.stdout
    assert "   PyTorch  -1920928.0\n" in result.stdout
    assert "  --> cases/a.toml:2, gradient x at x = 1e-07\n" in result.stdout


def test_a_broken_expectation_exits_with_1_and_says_who_disagrees(case_file):
    case_file(GOOD.replace("369", "370"))

    result = invoke("run")

    assert result.exit_code == 1
    assert "expect.gradient.a" in result.stdout
    assert ": expected 370, found 369\n" in result.stdout


def test_what_could_not_be_judged_exits_with_3(case_file):
    case_file(
        GOOD.replace("(a + 2) * 3", "abs(sin(a)**2 + cos(a)**2 - 1)").replace(
            "expect =", "# "
        )
    )

    result = invoke("run")

    assert result.exit_code == 3
    assert "undecided" in result.stdout


def test_selection_leaves_the_cases_named(case_file):
    case_file(GOOD + UNSTABLE + SAMPLED)

    assert invoke("run", "--tag", "notebook", "--dtype", "float64").exit_code == 0
    result = invoke("run", "--case", "gauss*", "--points", "3", "--seed", "7")

    assert result.exit_code == 0
    assert "\nok    match." in result.stdout
    assert "  gaussian  float64" in result.stdout
    assert "(seed 7," in result.stdout


def test_an_absolute_path_gives_the_same_names_as_a_relative_one(case_file):
    path = case_file(GOOD)

    assert invoke("run", path).stdout.startswith("cases/a.toml\nok    ")


def test_fail_fast_stops_at_the_first_failure(case_file):
    case_file(UNSTABLE + GOOD)

    result = invoke("run", "-x")

    assert result.exit_code == 1
    assert "example-two" not in result.stdout


def test_an_accepted_kind_does_not_fail(case_file):
    case_file(UNSTABLE)

    result = invoke("run", "--accept", "unstable")

    assert result.exit_code == 0
    assert result.stdout.startswith("cases/a.toml\nknown ")


def test_names_are_printed_as_they_stand(case_file):
    case_file(GOOD.replace("example-two", "[red]x[/red] ∂"))

    assert "  [red]x[/red] ∂  " in invoke("run").stdout


def test_a_piped_report_is_plain(case_file):
    case_file(UNSTABLE)

    assert "\x1b" not in invoke("run").stdout


def test_a_piped_report_is_as_wide_as_columns_says(case_file, monkeypatch):
    case_file(UNSTABLE)
    monkeypatch.setenv("COLUMNS", "60")

    lines = invoke("run").stdout.splitlines()

    assert max(map(len, lines)) <= 60
    assert any(len(line) > 50 for line in lines)


def test_signs_stand_for_words_in_a_terminal_alone(case_file, monkeypatch):
    case_file(GOOD)
    monkeypatch.setenv("FORCE_COLOR", "1")
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)

    assert "✓" in invoke("run").stdout
    monkeypatch.setenv("CI", "true")
    assert "✓" not in invoke("run").stdout
    monkeypatch.delenv("CI")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "✓" not in invoke("run").stdout
    assert "ok" in invoke("run").stdout


def test_quiet_leaves_what_is_as_expected_out(case_file):
    case_file(GOOD + UNSTABLE)

    result = invoke("run", "-q", "--durations", "1")

    assert result.stdout.startswith("differ.unstable  quotient  float32")
    assert "example-two  " not in result.stdout
    assert "Slowest" in result.stdout


def test_a_better_formula_is_offered_with_where_to_read_more(case_file):
    case_file(UNSTABLE.replace("(exp(x) - 1) / x", "x**3 / (exp(x) - 1)"))

    result = invoke("run")

    assert (
        "   help     write `expm1(x)` for `exp(x) - 1`: proved equal" in result.stdout
    )
    assert "            verifier explain cases/a.toml::quotient\n" in result.stdout


def test_known_differences_read_so_while_the_run_goes_on(case_file):
    """What the baseline holds is known; what it does not, a block."""
    case_file(UNSTABLE)
    invoke("run", "--baseline", "b.json", "--update-baseline")
    case_file(UNSTABLE + UNSTABLE.replace("quotient", "other"))

    result = invoke("run", "--baseline", "b.json")

    assert result.exit_code == 1
    assert "\nknown differ.unstable     quotient" in result.stdout
    assert "\nFAIL  differ.unstable     other" in result.stdout
    assert "   was      not there, in the baseline" in result.stdout
    assert result.stdout.count("  --> ") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--format", "jsno"], "unknown format `jsno`. Did you mean `json`?"),
        (["run", "--format", "json="], "expected a file after `json=`"),
        (["run", "--format", "json=none/x.json"], "no such folder: `none`"),
        (["run", "--format", "json=."], "found the folder `.`"),
        (
            ["run", "--format", "json", "--format", "text"],
            "expected one format to standard output, found two",
        ),
        (
            ["run", "--format", "json=x", "--format", "text=x"],
            "expected one format to `x`, found two",
        ),
        (["run", "--accept", "unstabel"], "Did you mean `unstable`?"),
        (["run", "--accept", "undecided.limit"], "Only differences can be accepted"),
        (["run", "--update-baseline"], "Name it with `--baseline FILE`"),
        (["run", "--baseline", "none.json"], "none.json: no such baseline"),
        (["run", "--growth", "0.5"], "expected a factor from 1, found 0.5"),
        (["run", "--growth", "nan"], "expected a factor from 1, found nan"),
        (["run", "--case", "exampel-two"], "Did you mean `example-two`?"),
        (["run", "--tag", "notebok"], "Did you mean `notebook`?"),
        (["run", "--dtype", "float31"], "found `float31`"),
        (["run", "none.toml"], "none.toml"),
        (["operations", "--format", "jsno"], "Did you mean `json`?"),
        (["schema", "cases"], "unknown schema `cases`. Did you mean `case`?"),
        (["compare", "none.json", "none.json"], "none.json: expected a JSON report"),
    ],
)
def test_a_mistake_is_one_message_and_exits_with_2(case_file, arguments, message):
    case_file(GOOD)

    result = invoke(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--bogus"],
        ["run", "--points", "0"],
        ["run", "--seed", "x"],
        ["bogus"],
        ["compare", "x"],
    ],
)
def test_a_mistaken_option_exits_with_2(arguments):
    result = invoke(*arguments)

    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_without_cases_the_run_is_a_mistake():
    result = invoke("run")

    assert result.exit_code == 2
    assert "cases" in result.stderr


def test_a_bad_case_file_is_reported_by_its_place(case_file):
    case_file(GOOD.replace("(a + 2)", "(a + tanhh(2))"))

    result = invoke("run")

    assert result.exit_code == 2
    assert result.stderr.startswith("error: cases/a.toml:")
    assert "Did you mean `tanh`?" in result.stderr


def test_the_mistakes_of_all_files_are_told_before_anything_runs(case_file):
    case_file(GOOD.replace("(a + 2)", "(a + tanhh(2))") + "seed = 'q'\n")
    case_file(GOOD, "cases/b.toml")
    case_file("[[case]", "cases/c.toml")

    result = invoke("run", "cases", "none.toml")

    assert (result.exit_code, result.stdout) == (2, "")
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert [error.split()[1] for error in errors] == [
        "no",
        "cases/a.toml:4:",
        "cases/a.toml:10:",
        "cases/c.toml:1:",
    ]
    assert "\n4 mistakes in 2 files\n" in result.stderr


def test_json_on_standard_output_is_json_alone(case_file):
    case_file(GOOD)

    result = invoke("run", "--format", "json")

    report = json.loads(result.stdout)
    jsonschema.validate(report, json_report.schema())
    assert report["summary"]["cases"] == 1
    assert result.stderr == ""


def test_a_file_comes_beside_the_text(case_file, folder):
    case_file(UNSTABLE)

    result = invoke("run", "--format", "json=a.json", "--format", "text=a.txt")

    assert result.exit_code == 1
    report = json.loads((folder / "a.json").read_text())
    assert report["results"][0]["verdict"] == "differ"
    assert (folder / "a.txt").read_text() == result.stdout


def test_a_file_that_cannot_be_written_keeps_what_it_said(
    case_file, folder, monkeypatch
):
    case_file(GOOD)
    (folder / "a.json").write_text("old")

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    result = invoke("run", "--format", "json=a.json")

    assert result.exit_code == 2
    assert "error: a.json: cannot be written: No space left on device" in result.stderr
    assert (folder / "a.json").read_text() == "old"
