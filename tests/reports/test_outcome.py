"""What a run amounts to: counts and exit code."""

from __future__ import annotations

import pytest

from verifier.errors import UsageError
from verifier.judgement import baseline
from verifier.records import Change, ChangeKind, Tally, Verdict
from verifier.reports.outcome import (
    Standing,
    accepted_verdicts,
    exit_code,
    standing,
    summary,
)


def test_summary_counts_comparisons_by_family_and_distinct_cases(
    make_result, make_record
):
    record = make_record(
        make_result("a", counts={"match.exact": 3, "match.rounding": 2}),
        make_result("a", dtype="float64"),
        make_result(
            "b",
            "differ.wrong",
            counts={"differ.wrong": 1, "undecided.limit": 4, "match.exact": 1},
        ),
    )

    assert summary(record) == {
        "cases": 2,
        "comparisons": 12,
        "match": 7,
        "differ": 1,
        "undecided": 4,
        "error": 0,
        "as_expected": False,
    }


def test_a_result_that_could_not_be_run_counts_as_an_error(make_result, make_record):
    record = make_record(make_result("a", "error.run", counts={}))

    assert summary(record)["error"] == 1
    assert summary(record)["comparisons"] == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"verdict": "match.exact"}, 0),
        ({"verdict": "differ.wrong"}, 1),
        ({"verdict": "error.run", "counts": {}}, 1),
        ({"verdict": "undecided.limit"}, 3),
        (
            {
                "verdict": "differ.wrong",
                "expected": "differ.wrong",
                "as_expected": True,
            },
            0,
        ),
        (
            {
                "verdict": "match.exact",
                "expected": "differ.wrong",
                "as_expected": False,
            },
            1,
        ),
        ({"verdict": "undecided.limit", "expected": "differ", "as_expected": False}, 1),
        (
            {
                "verdict": "undecided.limit",
                "expected": "undecided",
                "as_expected": True,
            },
            0,
        ),
        ({"verdict": "match.exact", "as_expected": False, "message": "370"}, 1),
    ],
)
def test_exit_code_of_one_result(make_result, make_record, fields, code):
    assert exit_code(make_record(make_result(**fields))) == code


def test_a_difference_outweighs_what_is_open(make_result, make_record):
    record = make_record(
        make_result("a", "undecided.limit"), make_result("b", "differ.wrong")
    )

    assert exit_code(record) == 1


def test_undecided_is_never_a_pass(make_result, make_record):
    claimed = make_result("a", "undecided.precision", as_expected=True)

    assert standing(claimed) is Standing.OPEN
    assert exit_code(make_record(claimed)) == 3
    assert summary(make_record(claimed))["as_expected"] is False


def test_an_interrupted_run_never_passes(make_result, make_record):
    record = make_record(make_result(), interrupted=True)

    assert exit_code(record) == 130
    assert exit_code(record, []) == 130
    assert summary(record)["as_expected"] is False


@pytest.mark.parametrize("kind", ["unstable", "differ.unstable"])
def test_an_accepted_kind_does_not_fail(make_result, make_record, kind):
    record = make_record(make_result("a", "differ.unstable"))

    assert exit_code(record, accept=[kind]) == 0
    assert exit_code(record, accept=["range"]) == 1


@pytest.mark.parametrize(
    ("hidden", "code"), [("undecided.limit", 3), ("differ.wrong", 1)]
)
def test_an_accepted_difference_hides_no_other(make_result, make_record, hidden, code):
    result = make_result(
        "a", "differ.unstable", counts={"differ.unstable": 9, hidden: 1}
    )

    assert exit_code(make_record(result), accept=["unstable"]) == code


def test_accept_does_not_excuse_a_number_that_the_case_expects(
    make_result, make_record
):
    result = make_result(
        "a",
        "differ.unstable",
        message="expect.value: expected 370",
        broken=("expect.value",),
    )

    assert exit_code(make_record(result), accept=["unstable"]) == 1


def test_a_note_beside_an_accepted_difference_fails_nothing(make_result, make_record):
    note = "3 gradients are None"
    record = make_record(
        make_result("a", "differ.unstable", message=note, notes=(note,))
    )

    assert exit_code(record, accept=["unstable"]) == 0
    assert exit_code(record, []) == 0  # the baseline has it
    assert exit_code(record) == 1


def test_what_a_baseline_holds_undecided_stays_so_beside_an_accepted_difference(
    make_result, make_record
):
    tallies = (
        Tally(quantity="gradient", wrt=("x",), counts={"differ.unstable": 1}, max_error_ulp=9.0),
        Tally(quantity="gradient", wrt=("y",), counts={"undecided.limit": 1}, max_error_ulp=None),
    )  # fmt: skip
    result = make_result(
        "a",
        "differ.unstable",
        counts={"differ.unstable": 1, "undecided.limit": 1},
        quantities=tallies,
    )
    worse = Change(
        result=baseline.identity(result),
        kind=ChangeKind.WORSE_VERDICT,
        regression=True,
        before="match.exact",
        after="differ.unstable",
        quantity="gradient x",
    )

    assert exit_code(make_record(result), [worse], accept=["unstable"]) == 0
    assert exit_code(make_record(result), [worse]) == 1
    assert exit_code(make_record(result), accept=["unstable"]) == 3


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("unstabel", "unknown kind `unstabel`. Did you mean `unstable`"),
        ("undecided", "unknown kind `undecided`"),
        ("undecided.limit", "Only differences can be accepted"),
        ("limit", "Only differences can be accepted"),
        ("error.run", "Only differences can be accepted"),
        ("match.exact", "Only differences can be accepted"),
        ("differ.", "unknown kind"),
        ("", "unknown kind"),
    ],
)
def test_only_kinds_of_difference_can_be_accepted(kind, message):
    with pytest.raises(UsageError, match=message):
        accepted_verdicts([kind])


# ── with a baseline ───────────────────────────────────────────────────────────────────


def _change(result, kind, *, regression):
    return Change(
        result=baseline.identity(result),
        kind=kind,
        regression=regression,
        before=None,
        after=None,
    )


def test_a_difference_that_the_baseline_holds_does_not_fail(make_result, make_record):
    record = make_record(make_result("a", "differ.wrong"))

    assert exit_code(record, []) == 0
    assert exit_code(record) == 1


def test_a_regression_fails_though_every_result_is_as_expected(
    make_result, make_record
):
    result = make_result("a")
    change = _change(result, ChangeKind.LARGER_ERROR, regression=True)

    assert exit_code(make_record(result), [change]) == 1


def test_a_vanished_entry_fails(make_result, make_record):
    change = _change(make_result("gone"), ChangeKind.VANISHED, regression=True)

    assert exit_code(make_record(make_result("a")), [change]) == 1


@pytest.mark.parametrize(
    ("verdict", "code"), [("undecided.limit", 3), ("match.exact", 0)]
)
def test_a_new_result_counts_as_it_would_alone(make_result, make_record, verdict, code):
    result = make_result("a", verdict)
    change = _change(result, ChangeKind.NEW, regression=False)

    assert exit_code(make_record(result), [change]) == code


def test_an_improvement_does_not_fail(make_result, make_record):
    result = make_result("a", "differ.unstable")
    change = _change(result, ChangeKind.IMPROVED, regression=False)

    assert exit_code(make_record(result), [change]) == 0


def test_an_accepted_kind_excuses_a_new_difference_but_not_a_larger_error(
    make_result, make_record
):
    result = make_result("a", "differ.unstable")
    record = make_record(result)
    new = _change(result, ChangeKind.NEW_DIFFERENCE, regression=True)
    larger = _change(result, ChangeKind.LARGER_ERROR, regression=True)

    more = _change(result, ChangeKind.MORE_POINTS, regression=True)

    assert exit_code(record, [new], ["unstable"]) == 0
    assert exit_code(record, [more], ["unstable"]) == 0
    assert exit_code(record, [more], ["range"]) == 1
    assert exit_code(record, [larger], ["unstable"]) == 1


@pytest.mark.parametrize(
    ("verdict", "code"), [("match.exact", 0), ("undecided.limit", 3)]
)
def test_a_new_quantity_counts_as_it_would_alone(
    make_result, make_record, verdict, code
):
    parts = {"value": "differ.wrong", "gradient": verdict}
    quantities = [
        Tally(quantity=name, wrt=(), counts={found: 1}, max_error_ulp=None)
        for name, found in parts.items()
    ]
    before = make_result("a", "differ.wrong", quantities=tuple(quantities[:1]))
    after = make_result("a", "differ.wrong", quantities=tuple(quantities))
    changes = baseline.compare(make_record(after), baseline.of(make_record(before)))

    assert [change.quantity for change in changes] == ["gradient"]
    assert exit_code(make_record(after), changes) == code


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "match.exact", "expected": "differ.wrong", "as_expected": False},
        {"verdict": "match.exact", "as_expected": False, "message": "expected 370"},
        {"verdict": "differ.wrong", "broken": ("expect.value",)},
    ],
)
def test_no_baseline_excuses_what_the_case_itself_expects(
    make_result, make_record, fields
):
    assert exit_code(make_record(make_result(**fields)), []) == 1


def test_reports_and_baseline_name_a_result_alike(make_result, make_record):
    result = make_result("a", Verdict.UNDECIDED_LIMIT, order=2, route="forward")
    new = baseline.compare(make_record(result), baseline.Baseline())

    assert exit_code(make_record(result), new) == 3
