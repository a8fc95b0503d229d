"""Formats of reports: a row of a dictionary each, which the command line goes by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import invoke

from verifier.cli.output import format_help
from verifier.records import RunRecord
from verifier.reports.formats import FORMATS, SURVEY_FORMATS
from verifier.reports.options import Options
from verifier.survey.records import SurveyRecord

CASE = """
[[case]]
name = "double"
expression = "2*x"
at = { x = 3 }
dtype = ["float32"]
"""


def verdicts(record: RunRecord, options: Options) -> str:
    """A toy format: the verdict of each result."""
    assert options.accepted
    return "".join(f"{result.verdict.value}\n" for result in record.results)


def test_a_format_that_has_a_row_is_one_of_the_command_line(
    monkeypatch: pytest.MonkeyPatch, case_file: Callable[..., Path]
) -> None:
    monkeypatch.setitem(FORMATS, "verdicts", verdicts)
    case_file(CASE, "a.toml")
    command = ["run", "a.toml", "--accept", "unstable"]

    printed = invoke(*command, "--format", "verdicts")
    written = invoke(*command, "--format", "verdicts=v.txt")
    mistaken = invoke(*command, "--format", "verdict")

    assert (printed.exit_code, printed.stdout) == (0, "match.exact\n")
    assert Path("v.txt").read_text(encoding="utf-8") == "match.exact\n"
    assert written.stdout.startswith(
        "a.toml\nok    match.exact         double  float32"
    )
    assert "Did you mean `verdicts`?" in mistaken.stderr
    *others, last = FORMATS
    assert last == "verdicts"
    assert f"Expected one of {', '.join(FORMATS)}." in mistaken.stderr
    assert f"{', '.join(others)} or verdicts," in format_help(FORMATS)


def test_several_formats_at_once(case_file: Callable[..., Path]) -> None:
    case_file(CASE, "a.toml")
    files = {"json": "r.json", "junit": "j.xml", "sarif": "s.sarif", "markdown": "m.md"}
    formats = [f"--format={name}={file}" for name, file in files.items()]
    found = invoke("run", "a.toml", *formats, "--format", "github")
    assert found.exit_code == 0
    assert found.stdout.startswith("1 case, 2 comparisons: 2 match")
    starts = {
        file: Path(file).read_text(encoding="utf-8")[:10] for file in files.values()
    }
    assert starts == {
        "r.json": '{\n  "schem',
        "j.xml": "<?xml vers",
        "s.sarif": '{\n "$schem',
        "m.md": "## verifie",
    }


def test_so_is_one_of_the_survey(monkeypatch: pytest.MonkeyPatch) -> None:
    def operations(record: SurveyRecord, options: Options) -> str:
        assert options.width is None
        return "".join(f"{sweep.operation}\n" for sweep in record.sweeps)

    monkeypatch.setitem(SURVEY_FORMATS, "operations", operations)
    command = ["survey", "--operation", "neg", "--dtype", "float32", "--points", "2"]
    printed = invoke(*command, "--jobs", "1", "--format", "operations")
    assert (printed.exit_code, printed.stdout) == (0, "neg\n")
