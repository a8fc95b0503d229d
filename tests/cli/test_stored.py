"""`verifier run --baseline`: the life of a stored run."""

from __future__ import annotations

import json

import jsonschema
import pytest
from case_texts import GOOD, SAMPLED, UNSTABLE
from commands import invoke

from verifier.reports import json as json_report

pytestmark = pytest.mark.usefixtures("folder")


def test_life_cycle_of_a_baseline(case_file, folder):
    path = case_file(GOOD)
    compared = ("run", "--baseline", "b.json")

    assert invoke(*compared).exit_code == 2  # 1: none yet
    stored = invoke(*compared, "--update-baseline")  # 2: written
    assert stored.exit_code == 0
    assert "stored in b.json" in stored.stderr
    assert invoke(*compared).exit_code == 0
    path.write_text(UNSTABLE + GOOD)
    worse = invoke(*compared)  # 3: a new difference fails
    assert worse.exit_code == 1
    assert "\ndiffer.unstable  quotient  float32" in worse.stdout
    assert "\n   was      not there, in the baseline\n" in worse.stdout
    assert invoke(*compared, "--update-baseline").exit_code == 0  # 4: stored, and known
    known = invoke(*compared)
    assert known.exit_code == 0
    assert "all as expected, 1 known difference as in the baseline in" in known.stdout
    path.write_text(UNSTABLE)
    gone = invoke(*compared)  # 5: a case that vanished fails
    assert gone.exit_code == 1
    assert "vanished" in gone.stdout


def test_what_a_run_was_not_asked_about_has_not_vanished(case_file):
    case_file(GOOD)
    case_file(SAMPLED, "cases/b.toml")
    compared = ("run", "--baseline", "b.json")
    assert invoke(*compared, "--update-baseline").exit_code == 0

    assert invoke(*compared, "--dtype", "float32").exit_code == 0
    assert invoke(*compared, "--case", "gaussian").exit_code == 0
    assert invoke(*compared, "cases/b.toml").exit_code == 0
    assert invoke(*compared, "cases").exit_code == 0


@pytest.mark.parametrize("narrowed", [["--case", "gaussian"], ["cases/b.toml"]])
def test_a_narrowed_update_keeps_the_other_entries(case_file, folder, narrowed):
    case_file(GOOD)
    case_file(SAMPLED, "cases/b.toml")
    compared = ("run", "--baseline", "b.json")
    invoke(*compared, "--update-baseline")
    whole = (folder / "b.json").read_text()

    assert invoke(*compared, "--update-baseline", *narrowed).exit_code == 0

    assert (folder / "b.json").read_text() == whole


def test_an_unreadable_baseline_is_an_error_until_it_is_rewritten(case_file, folder):
    case_file(GOOD)
    (folder / "b.json").write_text("<<<<<<< ours")
    compared = ("run", "--baseline", "b.json")

    broken = invoke(*compared)
    assert broken.exit_code == 2
    assert broken.stdout == ""
    assert "--update-baseline" in broken.stderr
    mended = invoke(*compared, "--update-baseline")
    assert mended.exit_code == 0
    assert "rewritten without a comparison" in mended.stderr
    assert invoke(*compared).exit_code == 0


def test_a_baseline_does_not_excuse_a_broken_expectation(case_file):
    case_file(GOOD.replace("369", "370"))
    compared = ("run", "--baseline", "b.json")

    assert invoke(*compared, "--update-baseline").exit_code == 1
    assert invoke(*compared).exit_code == 1


def test_changes_stand_in_the_json_report(case_file):
    path = case_file(GOOD)
    compared = ("run", "--baseline", "b.json")
    invoke(*compared, "--update-baseline")
    path.write_text(UNSTABLE)

    report = json.loads(invoke(*compared, "--format", "json").stdout)

    jsonschema.validate(report, json_report.schema())
    assert [change["kind"] for change in report["changes"]] == [
        "vanished",
        "vanished",
        "new difference",
    ]


def test_a_baseline_of_other_cases_is_an_error(case_file, tmp_path):
    case_file(GOOD)
    invoke("run", "--baseline", "b.json", "--update-baseline")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "c.toml").write_text(GOOD)

    result = invoke("run", str(other / "c.toml"), "--baseline", "b.json")

    assert result.exit_code == 2
    assert (
        "expected a baseline of these cases, found none of them in it" in result.stderr
    )
