"""What reports for CI servers share agrees with the exit code."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from junitparser import JUnitXml

from verifier.reports import github, junit, markdown, sarif
from verifier.reports.findings import findings
from verifier.reports.options import Options
from verifier.reports.outcome import PASSED, exit_code
from verifier.reports.servers import headline, names_of, shortened


@pytest.mark.parametrize("fixture", ["mixed", "against_baseline"])
def test_a_report_fails_where_the_run_does(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    """Of any two results together, and of each alone."""
    reported = request.getfixturevalue(fixture)
    options = reported.options
    for chosen in itertools.combinations_with_replacement(reported.record.results, 2):
        results = tuple({id(one): one for one in chosen}.values())
        record = replace(reported.record, results=results, planned=len(results))
        names = {one.case for one in results}
        changes = options.changes and tuple(
            c for c in options.changes if c.result.partition(" ")[0] in names
        )
        own = replace(options, changes=changes)
        passed = exit_code(record, own.changes, own.accepted) == PASSED
        told = headline(record, own, findings(record, own))
        assert told.startswith(("all as expected", "nothing worse")) == passed
        tests = JUnitXml.fromstring(junit.render(record, own).encode())
        assert (tests.failures + tests.errors == 0) == passed
        output = github.render(record, own)
        assert ("::error" in output or "::warning" in output) != passed
        (run,) = json.loads(sarif.render(record, own))["runs"]
        levels = {result["level"] for result in run["results"]}
        assert bool(levels & {"error", "warning"}) != passed


def test_a_name_has_its_route_and_order_where_there_are_several(
    make_result: Any,
) -> None:
    results = [
        make_result("a"),
        make_result("a", dtype="float64"),
        make_result("b", route="forward"),
        make_result("b::c", route="forward"),
        make_result("b::c", route="func"),
        make_result("d"),
        make_result("d", order=2),
    ]
    assert list(names_of(results).values()) == [
        "a[float32]",
        "a[float64]",
        "b[float32]",
        "b::c[float32-forward]",
        "b::c[float32-func]",
        "d[float32-order1]",
        "d[float32-order2]",
    ]


@pytest.mark.parametrize("most", [30, 100, 1_000])
def test_a_text_that_is_cut_says_by_how_much(most: int) -> None:
    text = "word " * 199
    short = shortened(text, most)
    assert len(short) <= most
    if most < len(text):
        kept, _, note = short.partition(" … and ")
        assert text == kept + text[-int(note.split()[0].replace(",", "")) :]
    else:
        assert short == text


def test_an_expectation_that_an_earlier_version_found_broken_fails_every_report(
    make_result: Any, make_record: Any
) -> None:
    """Its report has the message alone."""
    said = "expect.value: expected 1, found 2"
    record = make_record(make_result(as_expected=False, message=said))
    options = Options()
    (found,) = findings(record, options)
    assert found.because == (said,)
    for report in (github, markdown, sarif):
        assert "expected 1, found 2" in report.render(record, options)
    assert JUnitXml.fromstring(junit.render(record, options).encode()).failures == 1
