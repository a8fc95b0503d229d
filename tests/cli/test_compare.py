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
    assert "none" in same.stdout
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
