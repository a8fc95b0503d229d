"""A survey as JSON, text and Markdown."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from verifier.reports import survey as report
from verifier.survey import execution, plan
from verifier.survey.records import SurveyRecord


@pytest.fixture(scope="module")
def surveyed() -> SurveyRecord:
    tasks, skipped = plan.plan(
        names=["tanh", "abs", "log", "lt", "floor", "atan2"],
        dtypes=["float32"],
        routes=["reverse", "forward"],
        sample=200,
    )
    return execution.execute(tasks, skipped, {"torch": "2.13.0"})


def test_the_json_report_is_of_its_schema(surveyed: SurveyRecord) -> None:
    schema = report.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    data = json.loads(report.render_json(surveyed))
    validator.validate(data)
    assert data["sweeps"][0]["accuracies"][0]["quantity"] == "value"
    assert {a["route"] for a in data["sweeps"][0]["accuracies"]} == {
        "reverse",
        "forward",
    }
    for fault in ({"sweeps": [{}]}, {"seed": "0"}, {"more": 1}, {"schema": 2}):
        assert list(validator.iter_errors(data | fault))


def test_every_entry_of_the_json_report_is_described() -> None:
    whole = report.schema()
    tables = [whole, *whole["$defs"].values()]
    assert len(tables) == 6
    for table in tables:
        assert table["required"] == list(table["properties"])
        keys = table["properties"].keys() - {"schema"}
        assert all(table["properties"][key].get("description") for key in keys)


def test_the_text_report_has_a_line_for_each_number(surveyed: SurveyRecord) -> None:
    text = report.render(surveyed)
    numbers = sum(len(sweep.accuracies) for sweep in surveyed.sweeps)
    table = text.split("\n\n")[0].splitlines()
    named = [line for line in table if line.startswith(("  value ", "  d/d"))]
    assert len(named) == numbers == 2 * (4 * 2 + 3)
    heads = [line for line in table if re.match(r"\w+\(.*\)  float32  \w+$", line)]
    assert len(heads) == 2 * 5
    for title in (
        "Zero where the truth is a normal number",
        "Errors above 8 ulps",
        "Undecided",
        "Not surveyed",
        "Slowest",
    ):
        assert f"\n{title}\n  " in text
    assert "lt: its result is a condition" in text


def test_the_markdown_report_is_a_table(surveyed: SurveyRecord) -> None:
    lines = report.render_markdown(surveyed).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {
        len(report.HEADERS) + 1
    }
    assert len(table) == 2 + sum(len(s.accuracies) for s in surveyed.sweeps)
    assert "## Zero where the truth is a normal number" in lines


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_text_report_is_wider_than_the_page(
    surveyed: SurveyRecord, width: int
) -> None:
    lines = report.render(surveyed, width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_every_number_of_the_table_stands_on_a_narrow_page(
    surveyed: SurveyRecord,
) -> None:
    text = report.render(surveyed, width=60)
    for sweep in surveyed.sweeps:
        for accuracy in sweep.accuracies:
            if accuracy.worst is not None:
                for name, number in accuracy.worst.point.items():
                    assert f"{name} = {number}" in text
