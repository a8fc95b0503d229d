"""Where runs were made: what tells environments apart, and which is nearest."""

from __future__ import annotations

import pytest

from verifier.judgement import environments
from verifier.judgement.baseline import (
    Baseline,
    Stored,
    compare,
    elsewhere,
    nearest,
    of,
    updated,
)
from verifier.judgement.environments import NOWHERE, Environment, parse
from verifier.records import ChangeKind, Tally, Verdict


def here(key: str) -> Environment:
    found = parse(key)
    assert found is not None
    return found


LAPTOP = here("2.13.0 cpu Linux AVX2")
SERVER = here("2.13.0 cpu Linux AVX512")
OLD, NEW = here("2.6.0 cpu Linux AVX2"), here("2.14.1 cpu Linux AVX2")


def reported(key: str) -> dict[str, str]:
    torch, device, system, processor = key.split(" ", 3)
    platform = f"{system}-6.1.0-x86_64-with-glibc2.36"
    return {"torch": torch, "device": device, "platform": platform, "processor": processor}  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        (reported("2.13.0+cpu cpu Linux AVX2"), "2.13.0 cpu Linux AVX2"),
        (reported("2.15.0.dev20261101 cuda:1 Linux H100 80GB"), "2.15.0 cuda Linux H100 80GB"),
        ({"torch": "2.13.0"}, "2.13.0 - - -"),
        ({"torch": "unknown", "platform": "macOS-14.5-arm64-arm-64bit"}, "- - macOS -"),
        ({}, "- - - -"),
    ],
)  # fmt: skip
def test_what_a_report_says_of_its_environment(
    environment: dict[str, str], key: str
) -> None:
    found = environments.of(environment)
    assert found.key == key
    assert parse(key) == found


@pytest.mark.parametrize("key", ["", "2.13.0 cpu Linux", "2.13.0  cpu Linux"])
def test_what_is_no_key_of_an_environment(key: str) -> None:
    assert parse(key) is None


@pytest.mark.parametrize(
    ("stored", "nearest_to_laptop"),
    [
        ([OLD, LAPTOP, NEW], LAPTOP),
        ([OLD, SERVER, NEW], SERVER),
        ([OLD, NEW], NEW),
        ([SERVER, here("2.13.0 cpu Linux -")], here("2.13.0 cpu Linux -")),
        ([OLD, NOWHERE], NOWHERE),
        ([here("2.13.0 cuda Linux H100"), OLD], OLD),
        ([here("2.13.0 cpu macOS AVX2"), SERVER], SERVER),
        ([here("2.12.0 cpu Linux AVX2"), NEW], here("2.12.0 cpu Linux AVX2")),
    ],
)
def test_the_nearest_of_the_environments_that_have_an_entry(
    stored: list[Environment], nearest_to_laptop: Environment
) -> None:
    for order in (stored, stored[::-1]):
        entries = {
            there: Stored(verdict=Verdict.MATCH_EXACT, quantities={}) for there in order
        }
        assert nearest(entries, LAPTOP) == (
            nearest_to_laptop,
            entries[nearest_to_laptop],
        )
    assert nearest({}, LAPTOP) is None


@pytest.fixture
def run(make_result, make_record):
    """A run with one result, made where a key says."""

    def made(where, verdict="match.exact", error=0.0, **fields):
        result = make_result("a", verdict, max_error_ulp=error, **fields)
        return make_record(result, environment=reported(where.key))

    return made


def test_a_run_is_held_against_its_own_environment_alone(run):
    stored = updated(of(run(OLD, "differ.wrong", 9e9)), run(LAPTOP))

    assert compare(run(LAPTOP), stored) == []
    assert compare(run(OLD, "differ.wrong", 9e9), stored) == []
    assert not elsewhere(run(LAPTOP), stored)
    (change,) = compare(run(LAPTOP, "differ.wrong", 9e9), stored)
    assert (change.kind, change.regression) == (ChangeKind.WORSE_VERDICT, True)
    assert change.before == "match.exact, 0 ulp"


def test_another_processor_is_held_to_as_much_and_the_change_names_it(run):
    stored = of(run(SERVER, error=1.0))

    (change,) = compare(run(LAPTOP, "match.rounding", 5.0), stored)

    assert (change.kind, change.regression) == (ChangeKind.LARGER_ERROR, True)
    assert change.before == "match.exact, 1 ulp (AVX512)"
    assert elsewhere(run(LAPTOP), stored) == {SERVER: 1}


def test_of_another_release_what_a_case_expects_is_no_regression(run):
    stored = of(run(LAPTOP, error=1.0))

    (larger,) = compare(run(NEW, "match.rounding", 5.0), stored)
    assert (larger.kind, larger.regression) == (ChangeKind.LARGER_ERROR, False)
    assert larger.before == "match.exact, 1 ulp (torch 2.13.0)"
    pinned = {"expected": "differ.wrong", "as_expected": True}
    (worse,) = compare(run(NEW, "differ.wrong", 9e9, **pinned), stored)
    assert (worse.kind, worse.regression) == (ChangeKind.WORSE_VERDICT, False)


@pytest.mark.parametrize("verdict", ["differ.wrong", "undecided.limit"])
def test_of_another_release_a_worse_verdict_that_no_case_expects_is_one(run, verdict):
    (change,) = compare(run(NEW, verdict, None), of(run(LAPTOP)))
    assert (change.kind, change.regression) == (ChangeKind.WORSE_VERDICT, True)
    assert compare(run(NEW, verdict, None), of(run(LAPTOP, verdict, None))) == []


def test_two_reports_are_held_to_each_other_whatever_made_them(run):
    (change,) = compare(run(NEW, "match.rounding", 5.0), of(run(LAPTOP)), strict=True)
    assert (change.regression, change.before) == (True, "match.exact, 0 ulp")


def test_an_update_keeps_the_entries_of_other_environments(run, make_record):
    first = updated(Baseline(), run(OLD, error=1.0))
    second = updated(first, run(NEW, error=2.0))
    third = updated(second, run(NEW, error=3.0))

    ((name, entries),) = third.entries.items()
    errors = {where: entry.whole.max_error_ulp for where, entry in entries.items()}
    assert errors == {OLD: 1.0, NEW: 3.0}
    assert updated(third, make_record()) == third
    assert updated(third, make_record(), without={name}).entries == {}


def test_an_edited_case_leaves_no_entries_of_the_case_as_it_was(run):
    def points(count):
        tally = Tally(quantity="value", wrt=(), counts={"match.exact": count}, max_error_ulp=0.5)  # fmt: skip
        return {"quantities": (tally,)}

    stored = updated(of(run(OLD, **points(5))), run(NEW, **points(5)))
    (kept,) = updated(stored, run(NEW, **points(5))).entries.values()
    (edited,) = updated(stored, run(NEW, **points(6))).entries.values()

    assert list(kept) == [OLD, NEW]
    assert list(edited) == [NEW]


def test_an_entry_of_nowhere_ends_with_the_first_that_says_where(run, make_result, make_record):  # fmt: skip
    old = of(make_record(make_result("a"), environment={}))
    (change,) = compare(run(LAPTOP, "differ.wrong", 9.0), old)
    assert (change.regression, change.before) == (True, "match.exact, 0 ulp")
    assert elsewhere(run(LAPTOP), old) == {NOWHERE: 1}

    (entries,) = updated(old, run(LAPTOP)).entries.values()
    assert list(entries) == [LAPTOP]


def test_a_run_that_fails_elsewhere_takes_nothing_from_the_others(run):
    stored = updated(of(run(OLD)), run(LAPTOP))
    after = updated(stored, run(OLD, "error.run", None, quantities=()))
    (change,) = compare(run(LAPTOP, "differ.wrong", 9e9), after)
    assert change.regression


def test_nothing_is_held_against_what_another_release_could_not_run(run):
    stored = of(run(OLD, "error.run", None, quantities=()))
    (change,) = compare(run(NEW, "differ.wrong", 9e9), stored)
    assert (change.kind, change.regression) == (ChangeKind.NEW_DIFFERENCE, True)
    assert compare(run(OLD, "error.run", None, quantities=()), stored) == []


def test_of_another_release_too_a_quantity_that_vanishes_is_a_regression(run):
    names = ("a", "b")
    both, one = (
        tuple(
            Tally(quantity="gradient", wrt=(name,), counts={"match.exact": 1}, max_error_ulp=0.0)
            for name in names[:count]
        )
        for count in (2, 1)
    )  # fmt: skip
    stored = of(run(LAPTOP, quantities=both))
    (change,) = compare(run(NEW, as_expected=True, quantities=one), stored)
    assert (change.kind, change.regression) == (ChangeKind.VANISHED, True)
