"""`verifier compare`: two JSON reports."""

from __future__ import annotations

import json

import pytest
from case_texts import GOOD, SAMPLED, UNSTABLE
from commands import invoke

pytestmark = pytest.mark.usefixtures("folder")


def test_compare_finds_regressions_between_two_reports(case_file, folder):
    path = case_file(GOOD + SAMPLED)
    invoke("run", "--format", "json=old.json")
    path.write_text(GOOD + UNSTABLE)
    invoke("run", "--format", "json=new.json")

    same = invoke("compare", "old.json", "old.json")
    worse = invoke("compare", "old.json", "new.json")

    assert (same.exit_code, worse.exit_code) == (0, 1)
    assert same.stdout.endswith("no change\n")
    assert "cases/a.toml::gaussian float64 reverse 1" in worse.stdout
    assert "vanished" in worse.stdout
    assert "new difference" in worse.stdout


def test_a_quantity_that_counts_nothing_has_vanished(case_file, folder):
    case_file(GOOD)
    invoke("run", "--format", "json=old.json")
    report = json.loads((folder / "old.json").read_text())
    report["results"][0]["quantities"][0]["counts"] = {}
    (folder / "new.json").write_text(json.dumps(report))

    lost = invoke("compare", "old.json", "new.json")

    assert lost.exit_code == 1
    assert "vanished" in lost.stdout


def test_compare_refuses_a_baseline(case_file, folder):
    case_file(GOOD)
    invoke("run", "--baseline", "b.json", "--update-baseline")

    result = invoke("compare", "b.json", "b.json")

    assert result.exit_code == 2
    assert "This is a baseline" in result.stderr


def edited(report, folder, name, **environment):
    changed = {**report, "environment": {**report["environment"], **environment}}
    (folder / name).write_text(json.dumps(changed))


def test_compare_says_which_versions_and_seeds_it_compares(case_file, folder):
    case_file(GOOD)
    invoke("run", "--format", "json=old.json")
    report = json.loads((folder / "old.json").read_text())
    edited({**report, "seed": 7}, folder, "new.json", torch="9.9.9", layout="strided")
    was = report["environment"]

    shown = " ".join(invoke("compare", "old.json", "new.json").stdout.split())

    head, _, _ = shown.partition("no change")
    assert head.startswith("old.json -> new.json")
    alike, _, apart = head.partition("apart")
    for name in ("verifier", "sympy", "python", "platform"):
        assert f"{name} {was[name]}" in alike
    assert f"torch {was['torch']} -> 9.9.9" in apart
    assert "seed 0 -> 7" in apart
    assert "layout unknown -> strided" in apart


def test_what_compare_prints_is_at_most_80_columns(case_file, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    path = case_file(GOOD + SAMPLED)
    invoke("run", "--format", "json=old.json")
    path.write_text(GOOD + UNSTABLE)
    invoke("run", "--format", "json=new.json")

    for files in (("old.json", "new.json"), ("new.json", "old.json")):
        shown = invoke("compare", *files).stdout
        assert max(map(len, shown.splitlines())) <= 80
        assert "1 worse" in shown or "2 worse" in shown


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"sweeps": []}', "This is a JSON report of `verifier survey`"),
        ('{"$schema": "…"}', "This is a JSON Schema."),
        ("[[case]]", "expected JSON"),
    ],
)
def test_what_is_no_report_of_a_run_is_named(folder, content, told):
    (folder / "a.json").write_text(content)

    result = invoke("compare", "a.json", "a.json")

    assert result.exit_code == 2
    assert told in result.stderr
