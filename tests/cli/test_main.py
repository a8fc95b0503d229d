"""The command line, from its arguments to its exit code, with real case files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import jsonschema
import pytest
from places import ROOT
from typer.testing import CliRunner

from verifier.cli import main as cli
from verifier.cli import progress
from verifier.reports import json as json_report
from verifier.running import pipeline

GOOD = """
[[case]]
name = "example-two"
expression = "(a + 2) * 3"
at = { a = 100 }
upstream = 123
dtype = ["float32", "float64"]
tags = ["notebook"]
expect = { value = 306, gradient = { a = 369 } }
"""
UNSTABLE = """
[[case]]
name = "quotient"
expression = "(exp(x) - 1) / x"
at = { x = "1e-7" }
dtype = ["float32"]
tags = ["stability"]
"""
SAMPLED = """
[[case]]
name = "gaussian"
expression = "exp(-x**2 / 2)"
domain = { x = "[-3, 3]" }
points = 20
dtype = ["float64"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder, and a terminal that is none."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def case_file(folder):
    """Writes a case file."""

    def write(text, name="cases/a.toml"):
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def verifier():
    """Calls the command in this process; the result has `exit_code`, `stdout` and `stderr`."""

    def call(*arguments):
        result = CliRunner().invoke(cli.app, [str(part) for part in arguments])
        if result.exception is not None and not isinstance(
            result.exception, SystemExit
        ):
            raise result.exception
        return result

    return call


def _start(*arguments, code="from verifier.cli.main import main; main()", **options):
    """The command as a process of its own."""
    root = str(ROOT)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
        **options,
    )


# ── start-up ────────────────────────────────────────────────────────────────────────────────────────────────────────

HEAVY = ("torch", "sympy", "pydantic", "flint", "rich", "numpy")


def _loaded_by(code):
    probe = f"{code}\nimport sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    process = _start(code=probe)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.splitlines()[-1]


def test_help_loads_nothing_heavy():
    code = """
        from verifier.cli.main import app
        try:
            app(["--help"])
        except SystemExit:
            pass
    """
    assert _loaded_by("\n".join(line[8:] for line in code.splitlines())) == "[]"


def test_the_probe_of_imports_can_fail():
    assert _loaded_by("import rich") == "['rich']"


@pytest.mark.parametrize("command", ["run", "compare", "operations", "schema"])
def test_every_command_has_help(verifier, command):
    assert command in verifier("--help").stdout
    result = verifier(command, "--help")

    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_the_module_is_the_command(folder):
    process = _start(
        "--version",
        code="import runpy; runpy.run_module('verifier', run_name='__main__')",
    )
    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert out.startswith("verifier ")


# ── run ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_as_expected_exits_with_0_and_shows_its_numbers(verifier, case_file):
    case_file(GOOD)

    result = verifier("run")

    assert result.exit_code == 0
    assert result.stderr == ""
    first, second, *_, last = result.stdout.splitlines()
    assert first.startswith("ok    cases/a.toml::example-two  float32  match.exact")
    assert first.endswith("value: 306, a: 369")
    assert "float64" in second
    assert last.startswith("1 case, 4 comparisons: 4 match, 0 differ,")


def test_a_difference_exits_with_1(verifier, case_file):
    case_file(UNSTABLE)

    result = verifier("run", "cases/a.toml")

    assert result.exit_code == 1
    assert "FAIL  cases/a.toml::quotient  float32  differ.unstable" in result.stdout
    assert "-1920928.0" in result.stdout


def test_a_broken_expectation_exits_with_1_and_says_who_disagrees(verifier, case_file):
    case_file(GOOD.replace("369", "370"))

    result = verifier("run")

    assert result.exit_code == 1
    assert "expected 370" in result.stdout
    assert "369" in result.stdout


def test_what_could_not_be_judged_exits_with_3(verifier, case_file):
    case_file(
        GOOD.replace("(a + 2) * 3", "abs(sin(a)**2 + cos(a)**2 - 1)").replace(
            "expect =", "# "
        )
    )

    result = verifier("run")

    assert result.exit_code == 3
    assert "undecided" in result.stdout


def test_selection_leaves_the_cases_named(verifier, case_file):
    case_file(GOOD + UNSTABLE + SAMPLED)

    assert verifier("run", "--tag", "notebook", "--dtype", "float64").exit_code == 0
    result = verifier("run", "--case", "gauss*", "--points", "3", "--seed", "7")

    assert result.exit_code == 0
    assert result.stdout.startswith("ok    cases/a.toml::gaussian  float64")
    assert " 3 drawn, " in result.stdout
    assert "(seed 7," in result.stdout


def test_an_absolute_path_gives_the_same_names_as_a_relative_one(verifier, case_file):
    path = case_file(GOOD)

    assert verifier("run", path).stdout.startswith("ok    cases/a.toml::example-two")


def test_fail_fast_stops_at_the_first_failure(verifier, case_file):
    case_file(UNSTABLE + GOOD)

    result = verifier("run", "--fail-fast")

    assert result.exit_code == 1
    assert "example-two" not in result.stdout


def test_an_accepted_kind_does_not_fail(verifier, case_file):
    case_file(UNSTABLE)

    result = verifier("run", "--accept", "unstable")

    assert result.exit_code == 0
    assert result.stdout.startswith("known ")


def test_names_are_printed_as_they_stand(verifier, case_file):
    case_file(GOOD.replace("example-two", "[red]x[/red] ∂"))

    assert "cases/a.toml::[red]x[/red] ∂ " in verifier("run").stdout


def test_a_piped_report_is_plain(verifier, case_file):
    case_file(UNSTABLE)

    assert "\x1b" not in verifier("run").stdout


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


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
def test_a_mistake_is_one_message_and_exits_with_2(
    verifier, case_file, arguments, message
):
    case_file(GOOD)

    result = verifier(*arguments)

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
def test_a_mistaken_option_exits_with_2(verifier, arguments):
    result = verifier(*arguments)

    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_without_cases_the_run_is_a_mistake(verifier):
    result = verifier("run")

    assert result.exit_code == 2
    assert "cases" in result.stderr


def test_a_bad_case_file_is_told_by_its_place(verifier, case_file):
    case_file(GOOD.replace("(a + 2)", "(a + tanhh(2))"))

    result = verifier("run")

    assert result.exit_code == 2
    assert result.stderr.startswith("error: cases/a.toml:")
    assert "Did you mean `tanh`?" in result.stderr


# ── formats ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_json_on_standard_output_is_json_alone(verifier, case_file):
    case_file(GOOD)

    result = verifier("run", "--format", "json")

    report = json.loads(result.stdout)
    jsonschema.validate(report, json_report.schema())
    assert report["summary"]["cases"] == 1
    assert result.stderr == ""


def test_a_file_comes_beside_the_text(verifier, case_file, folder):
    case_file(UNSTABLE)

    result = verifier("run", "--format", "json=a.json", "--format", "text=a.txt")

    assert result.exit_code == 1
    report = json.loads((folder / "a.json").read_text())
    assert report["results"][0]["verdict"] == "differ"
    assert (folder / "a.txt").read_text() == result.stdout


def test_a_file_that_cannot_be_written_keeps_what_it_said(
    verifier, case_file, folder, monkeypatch
):
    case_file(GOOD)
    (folder / "a.json").write_text("old")

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    result = verifier("run", "--format", "json=a.json")

    assert result.exit_code == 2
    assert "error: a.json: cannot be written: No space left on device" in result.stderr
    assert (folder / "a.json").read_text() == "old"


# ── baseline ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_life_cycle_of_a_baseline(verifier, case_file, folder):
    path = case_file(GOOD)
    held = ("run", "--baseline", "b.json")

    assert verifier(*held).exit_code == 2  # 1: none yet
    stored = verifier(*held, "--update-baseline")  # 2: written
    assert stored.exit_code == 0
    assert "stored in b.json" in stored.stderr
    assert verifier(*held).exit_code == 0
    path.write_text(UNSTABLE + GOOD)
    worse = verifier(*held)  # 3: a new difference fails
    assert worse.exit_code == 1
    assert (
        "WORSE  cases/a.toml::quotient float32 reverse 1  new difference"
        in worse.stdout
    )
    assert verifier(*held, "--update-baseline").exit_code == 0  # 4: stored, and known
    known = verifier(*held)
    assert known.exit_code == 0
    assert "1 not as expected, as in the baseline" in known.stdout
    path.write_text(UNSTABLE)
    gone = verifier(*held)  # 5: a case that vanished fails
    assert gone.exit_code == 1
    assert "vanished" in gone.stdout


def test_what_a_run_was_not_asked_about_has_not_vanished(verifier, case_file):
    case_file(GOOD)
    case_file(SAMPLED, "cases/b.toml")
    held = ("run", "--baseline", "b.json")
    assert verifier(*held, "--update-baseline").exit_code == 0

    assert verifier(*held, "--dtype", "float32").exit_code == 0
    assert verifier(*held, "--case", "gaussian").exit_code == 0
    assert verifier(*held, "cases/b.toml").exit_code == 0
    assert verifier(*held, "cases").exit_code == 0


@pytest.mark.parametrize("narrowed", [["--case", "gaussian"], ["cases/b.toml"]])
def test_a_narrowed_update_keeps_the_other_entries(
    verifier, case_file, folder, narrowed
):
    case_file(GOOD)
    case_file(SAMPLED, "cases/b.toml")
    held = ("run", "--baseline", "b.json")
    verifier(*held, "--update-baseline")
    whole = (folder / "b.json").read_text()

    assert verifier(*held, "--update-baseline", *narrowed).exit_code == 0

    assert (folder / "b.json").read_text() == whole


def test_an_unreadable_baseline_is_an_error_until_it_is_rewritten(
    verifier, case_file, folder
):
    case_file(GOOD)
    (folder / "b.json").write_text("<<<<<<< ours")
    held = ("run", "--baseline", "b.json")

    broken = verifier(*held)
    assert broken.exit_code == 2
    assert broken.stdout == ""
    assert "--update-baseline" in broken.stderr
    mended = verifier(*held, "--update-baseline")
    assert mended.exit_code == 0
    assert "rewritten without a comparison" in mended.stderr
    assert verifier(*held).exit_code == 0


def test_a_baseline_does_not_excuse_a_broken_expectation(verifier, case_file):
    case_file(GOOD.replace("369", "370"))
    held = ("run", "--baseline", "b.json")

    assert verifier(*held, "--update-baseline").exit_code == 1
    assert verifier(*held).exit_code == 1


def test_changes_stand_in_the_json_report(verifier, case_file):
    path = case_file(GOOD)
    held = ("run", "--baseline", "b.json")
    verifier(*held, "--update-baseline")
    path.write_text(UNSTABLE)

    report = json.loads(verifier(*held, "--format", "json").stdout)

    jsonschema.validate(report, json_report.schema())
    assert [change["kind"] for change in report["changes"]] == [
        "vanished",
        "vanished",
        "new difference",
    ]


def test_a_baseline_of_other_cases_is_an_error(verifier, case_file, tmp_path):
    case_file(GOOD)
    verifier("run", "--baseline", "b.json", "--update-baseline")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "c.toml").write_text(GOOD)

    result = verifier("run", str(other / "c.toml"), "--baseline", "b.json")

    assert result.exit_code == 2
    assert (
        "expected a baseline of these cases, found none of them in it" in result.stderr
    )


# ── interruptions ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_finished_before_an_interruption_is_reported(
    verifier, case_file, folder, monkeypatch
):
    case_file(GOOD)
    verifier("run", "--baseline", "b.json", "--update-baseline")
    stored = (folder / "b.json").read_text()
    one = []
    execute = pipeline.execute

    def interrupted(tasks, *, on_result, **options):
        def stop(result):
            on_result(result)
            if one:
                raise KeyboardInterrupt
            one.append(result)

        return execute(tasks, on_result=stop, **options)

    monkeypatch.setattr(pipeline, "execute", interrupted)
    case_file(GOOD + SAMPLED)
    result = verifier(
        *("run", "--format", "json=a.json", "--baseline", "b.json", "--update-baseline")
    )

    assert result.exit_code == 130
    assert "interrupted before the end" in result.stdout
    report = json.loads((folder / "a.json").read_text())
    assert report["interrupted"] is True
    assert [found["dtype"] for found in report["results"]] == ["float32", "float64"]
    assert "as it was, for the run did not finish" in result.stderr
    assert (folder / "b.json").read_text() == stored


def test_control_c_exits_with_130_and_no_traceback(case_file):
    case_file(
        "".join(
            SAMPLED.replace("gaussian", f"g{n}").replace("20", "2000")
            for n in range(50)
        )
    )
    with _start("run") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert first.startswith("ok    cases/a.toml::g0")
    assert "interrupted before the end" in rest
    assert "Traceback" not in err


def test_a_reader_who_leaves_ends_the_run_quietly(case_file):
    case_file("".join(SAMPLED.replace("gaussian", f"g{n}") for n in range(50)))
    with _start("run") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ok ")
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()

    assert process.returncode == 128 + signal.SIGPIPE
    assert err == ""


def test_a_terminal_that_lacks_a_character_is_no_end(case_file):
    case_file(GOOD.replace("example-two", "∂x"))
    code = "import sys; sys.stdout.reconfigure(encoding='ascii'); from verifier.cli.main import main; main()"
    with _start("run", code=code) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert "cases/a.toml::\\u2202x" in out


def test_a_long_run_shows_a_bar_on_an_interactive_error_stream(
    verifier, case_file, monkeypatch
):
    case_file(GOOD)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setattr(progress, "LONG_RUN_S", 0.0)

    result = verifier("run", "--format", "json")

    assert "1/2" in result.stderr
    assert json.loads(result.stdout)["summary"]["as_expected"] is True


# ── the other commands ──────────────────────────────────────────────────────────────────────────────────────────────


def test_compare_tells_regressions_between_two_reports(verifier, case_file, folder):
    path = case_file(GOOD + SAMPLED)
    verifier("run", "--format", "json=old.json")
    path.write_text(GOOD + UNSTABLE)
    verifier("run", "--format", "json=new.json")

    same = verifier("compare", "old.json", "old.json")
    worse = verifier("compare", "old.json", "new.json")

    assert (same.exit_code, worse.exit_code) == (0, 1)
    assert "none" in same.stdout
    assert "cases/a.toml::gaussian float64 reverse 1" in worse.stdout
    assert "vanished" in worse.stdout
    assert "new difference" in worse.stdout


def test_compare_refuses_a_baseline(verifier, case_file, folder):
    case_file(GOOD)
    verifier("run", "--baseline", "b.json", "--update-baseline")

    result = verifier("compare", "b.json", "b.json")

    assert result.exit_code == 2
    assert "This is a baseline" in result.stderr


def test_operations_are_listed_with_everything_about_them(verifier):
    result = verifier("operations")

    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split()[:4] == ["name", "operands", "meaning", "domain"]
    atan2 = next(row for row in rows if row.startswith("atan2 "))
    assert "arctan2" in atan2
    assert "x, alpha = 1" in result.stdout
    assert "Constants: pi, e, inf" in result.stdout


def test_operations_are_given_as_json(verifier):
    from verifier.language.operations.table import OPERATIONS

    rows = json.loads(verifier("operations", "--format", "json").stdout)

    assert [row["name"] for row in rows] == list(OPERATIONS)
    (log,) = (row for row in rows if row["name"] == "log")
    assert log["domain"] == ["(0, inf)"]
    assert "ln" in log["aliases"]
    assert log["complex"]
    (elu,) = (row for row in rows if row["name"] == "elu")
    assert elu["parameters"] == {"alpha": "1"}
    assert "expm1" in elu["definition"]
    (threshold,) = (row for row in rows if row["name"] == "threshold")
    assert threshold["parameters"] == {"threshold": None, "value": None}


@pytest.mark.parametrize("arguments", [[], ["case"], ["report"]])
def test_schemas_are_json_schemas(verifier, arguments):
    schema = json.loads(verifier("schema", *arguments).stdout)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
