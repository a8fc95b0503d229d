"""Files that earlier versions wrote: they are still read, mean the same, and satisfy
the schema.

The report holds a match, a difference, one that is pinned, an undecided and an
unreadable case, a broken expectation, descents (one of which diverges), routes that
disagree, drawn points, and changes against the baseline beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from verifier.judgement import baseline, baseline_file
from verifier.records import Change, ChangeKind, Verdict
from verifier.reports import json as report
from verifier.reports import survey
from verifier.reports.outcome import exit_code
from verifier.survey.records import SurveyRecord

DATA = Path(__file__).parent / "data"
REPORT = DATA / "report.json"


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def changes() -> list[Change]:
    """The changes that the report holds, which nothing reads back."""
    tables: list[dict[str, Any]] = json.loads(text_of(REPORT))["changes"]
    return [Change(**table | {"kind": ChangeKind(table["kind"])}) for table in tables]


def test_an_old_report_is_read_and_written_again_as_it_was() -> None:
    record = report.read(text_of(REPORT), REPORT.name)
    again = report.render(record, changes())
    assert json.loads(again) == json.loads(text_of(REPORT))
    assert repr(report.read(again, "again.json")) == repr(record)  # NaN is not itself


def test_an_old_report_satisfies_the_schema() -> None:
    jsonschema.validate(json.loads(text_of(REPORT)), report.schema())


def test_an_old_report_means_what_it_meant() -> None:
    record = report.read(text_of(REPORT), REPORT.name)
    by_name = {result.case.rpartition("::")[2]: result for result in record.results}
    assert exit_code(record) == 1
    assert by_name["quotient"].verdict is Verdict.DIFFER_UNSTABLE
    assert by_name["sqrt-at-zero"].expected == "differ.nonfinite"
    open_ = {
        c.quantity for c in by_name["open"].comparisons if "undecided" in c.verdict
    }
    assert open_ == {"gradient", "hessian"}
    assert by_name["broken"].traceback is not None
    assert by_name["expectation"].broken == ("expect.gradient.x",)
    assert by_name["routes"].refused == 4
    assert [epoch.loss for epoch in by_name["diverging"].epochs][1] == float("inf")
    assert record.disagreements[0].max_ulp == 1


@pytest.mark.parametrize("file", ["baseline.json", "baseline-3.json"])
def test_a_report_is_the_same_run_as_the_baseline_that_it_was_compared_with(
    file: str,
) -> None:
    record = report.read(text_of(REPORT), REPORT.name)
    assert baseline.compare(record, baseline_file.load(DATA / file)) == changes()


def test_an_old_baseline_is_written_again_as_it_was() -> None:
    file = DATA / "baseline-3.json"
    assert baseline_file.dump(baseline_file.load(file)) == text_of(file)


def test_an_old_survey_is_read_and_written_again_as_it_was() -> None:
    data = json.loads(text_of(DATA / "survey.json"))
    jsonschema.validate(data, survey.schema())
    record = survey.RECORD.read(data)
    assert isinstance(record, SurveyRecord)
    assert survey.render_json(record) == text_of(DATA / "survey.json")
