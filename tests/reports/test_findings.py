"""One finding for one fault of one result, and how it stands."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from verifier.records import (
    Change,
    ChangeKind,
    Result,
    RunRecord,
    Tally,
    Unmet,
    Verdict,
)
from verifier.reports.findings import Finding, Status, findings, merged
from verifier.reports.options import Options
from verifier.reports.servers import is_pinned

Make = Callable[..., Any]
WRONG, UNSTABLE = Verdict.DIFFER_WRONG, Verdict.DIFFER_UNSTABLE


@pytest.fixture
def differing(make_result: Make, make_comparison: Make) -> Make:
    """A result of the given comparisons, each with only what a test is about."""

    def make(*comparisons: dict[str, Any], **fields: Any) -> Result:
        made = tuple(
            make_comparison(**{"verdict": WRONG, "error_ulp": 1.0} | one)
            for one in comparisons
        )
        verdict = made[0].verdict
        result: Result = make_result("a", verdict, comparisons=made, **fields)
        return result

    return make


def of(record: RunRecord, **options: Any) -> list[Finding]:
    return findings(record, Options(**options))


def told(record: RunRecord, **options: Any) -> list[tuple[str, str]]:
    return [(f.title, f.status.value) for f in of(record, **options)]


# ── one fault, one finding ────────────────────────────────────────────────────────────


def test_what_matches_is_no_finding(make_record: Make, make_result: Make) -> None:
    assert of(make_record(make_result())) == []


def test_numbers_of_one_factor_are_one_finding(
    make_record: Make, differing: Make
) -> None:
    """A pattern is found for the worst of them alone; the others are counted with it."""
    cause = "twice the true one at all 86 points"
    tally = Tally(
        quantity="gradient", wrt=("a",), counts={WRONG: 86, "match.exact": 4},
        max_error_ulp=9.0,
    )  # fmt: skip
    result = differing(
        *({"error_ulp": float(n)} for n in range(85)),
        {"error_ulp": 90.0, "cause": cause},
        quantities=(tally,),
    )

    (found,) = of(make_record(result))

    assert (found.count, found.total, found.error_ulp) == (86, 90, 90.0)
    assert found.because == (cause,)
    assert found.worst is result.comparisons[-1]


def test_one_cause_over_value_and_gradient_is_one_finding(
    make_record: Make, differing: Make
) -> None:
    culprit = "`exp(x)` (exp, column 1)"
    result = differing(
        {"quantity": "value", "wrt": (), "culprit": culprit, "cause": "overflows"},
        {"culprit": culprit, "cause": "overflows", "error_ulp": 7.0},
    )

    (found,) = of(make_record(result))

    assert found.quantities == ("gradient a", "value")
    assert found.because == ("`exp(x)` (column 1): overflows",)


def test_two_causes_are_two_findings(make_record: Make, differing: Make) -> None:
    result = differing(
        {"wrt": ("a",), "cause": "the sign is turned at all 9 points"},
        {"wrt": ("b",), "cause": "twice the true one at all 9 points"},
    )
    assert len(of(make_record(result))) == 2


def test_one_cause_counted_otherwise_is_one_finding(
    make_record: Make, differing: Make
) -> None:
    result = differing(
        {"wrt": ("a",), "cause": "the sign is turned at all 9 points"},
        {"wrt": ("b",), "cause": "the sign is turned at 8 of 9 points"},
    )
    assert len(of(make_record(result))) == 1


def test_verdicts_come_first_and_sizes_second(
    make_record: Make, differing: Make
) -> None:
    small = differing({"error_ulp": 2.0})
    large = differing({"error_ulp": 3.0})
    stable = differing({"error_ulp": 1e9, "verdict": UNSTABLE})
    beyond = differing({"error_ulp": None})

    found = of(make_record(stable, small, beyond, large))

    assert [f.result for f in found] == [beyond, large, small, stable]


def test_what_can_not_be_run_is_a_finding_with_its_reason(
    make_record: Make, make_result: Make
) -> None:
    result = make_result("a", "error.run", counts={}, comparisons=(), message="no x")

    (found,) = of(make_record(result))

    assert (found.title, found.status) == ("error.run", Status.BROKEN)
    assert found.because == ("no x",)
    assert found.commands == ("verifier run cases/notebook.toml::a --debug",)


def test_a_command_is_quoted_for_the_shell(
    make_record: Make, make_result: Make
) -> None:
    result = make_result("two words; $x", "error.run", counts={}, comparisons=())

    (found,) = of(make_record(result))

    ((*_, case, debug),) = map(shlex.split, found.commands)
    assert (case, debug) == ("cases/notebook.toml::two words; $x", "--debug")


def test_what_a_case_demands_at_a_kink_is_said(
    make_record: Make, differing: Make
) -> None:
    cause, demand = "stands exactly at its edge", "as the case demands (left)"
    result = differing(
        {
            "verdict": Verdict.DIFFER_CONVENTION,
            "culprit": "`relu(x)` (relu, column 1)",
            "cause": cause,
            "message": f"{cause}; {demand}; it differs for x up to 1 (2 matches)",
        }
    )
    (found,) = of(make_record(result))
    assert found.because == (f"`relu(x)` (column 1) {cause}", demand)


# ── expectations ──────────────────────────────────────────────────────────────────────

UNMET = Unmet(
    key="expect.gradient.a",
    line=6,
    expected="370",
    measured="369.0",
    true="369",
    found="neither PyTorch's 369.0 nor the true 369 agrees",
)


def test_an_expectation_that_does_not_hold_is_a_finding_at_its_line(
    make_record: Make, make_result: Make
) -> None:
    result = make_result(as_expected=False, unmet=(UNMET,))

    (found,) = of(make_record(result))

    assert (found.title, found.line) == ("expect.gradient.a", 6)
    assert (found.status, found.unmet) == (Status.BROKEN, (UNMET,))


def test_a_difference_from_what_is_expected_and_true_is_told_once(
    make_record: Make, differing: Make
) -> None:
    unmet = Unmet(
        key="expect.gradient.a",
        expected="370",
        measured="369.0",
        true="370",
        found="the true 370 agrees, PyTorch's 369.0 does not",
    )
    record = make_record(differing({}, unmet=(unmet,)))
    assert told(record) == [("differ.wrong", "broken")]


def test_a_pin_of_a_difference_that_is_gone_is_a_finding(
    make_record: Make, make_result: Make
) -> None:
    unmet = Unmet(key="expect.verdict", expected="differ", found="found match.exact")
    result = make_result(expected="differ", as_expected=False, unmet=(unmet,))
    assert told(make_record(result)) == [("expect.verdict", "broken")]


def test_an_older_report_names_the_key_alone(
    make_record: Make, make_result: Make
) -> None:
    """One from before `unmet` was there."""
    result = make_result(
        as_expected=False, broken=("expect.value",), message="expect.value: no"
    )
    (found,) = of(make_record(result))
    assert (found.title, found.because) == ("expect.value", ("expect.value: no",))


# ── how it stands ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("verdict", "fields", "options", "status"),
    [
        (WRONG, {}, {}, "broken"),
        (WRONG, {"expected": "differ.wrong", "as_expected": True}, {}, "known"),
        (WRONG, {"expected": "differ", "as_expected": True}, {}, "known"),
        (WRONG, {"expected": "differ.unstable"}, {}, "broken"),
        (WRONG, {"as_expected": True}, {}, "accepted"),
        (WRONG, {}, {"accepted": [WRONG]}, "accepted"),
        (WRONG, {}, {"accepted": [UNSTABLE]}, "broken"),
        (Verdict.UNDECIDED_LIMIT, {}, {}, "open"),
        (WRONG, {"interrupted": True}, {}, "open"),
    ],
)  # fmt: skip
def test_a_finding_is_broken_open_accepted_or_known(
    make_record: Make,
    differing: Make,
    verdict: Verdict,
    fields: dict[str, Any],
    options: dict[str, Any],
    status: str,
) -> None:
    result = differing({"verdict": verdict}, **fields)
    assert of(make_record(result), **options)[0].status.value == status


def change(kind: ChangeKind, quantity: str | None = None, name: str = "a") -> Change:
    return Change(
        result=f"cases/notebook.toml::{name} float32 reverse 1",
        kind=kind,
        regression=kind not in (ChangeKind.IMPROVED, ChangeKind.NEW),
        before="match.rounding, 1 ulp",
        after="differ.wrong, 7 ulp",
        quantity=quantity,
    )


def test_what_the_baseline_holds_is_known(make_record: Make, differing: Make) -> None:
    assert told(make_record(differing({})), changes=[]) == [("differ.wrong", "known")]


def test_of_one_result_only_what_is_worse_is_broken(
    make_record: Make, differing: Make
) -> None:
    record = make_record(differing({"wrt": ("a",), "cause": "c"}, {"wrt": ("b",)}))
    worse = change(ChangeKind.WORSE_VERDICT, "gradient b")

    first, second = of(record, changes=[worse])

    assert (first.quantities, first.status) == (("gradient b",), Status.BROKEN)
    assert first.was == ("gradient b: match.rounding, 1 ulp, in the baseline",)
    assert (second.quantities, second.status) == (("gradient a",), Status.KNOWN)


def test_a_larger_error_that_still_matches_is_a_finding(
    make_record: Make, make_result: Make
) -> None:
    worse = change(ChangeKind.LARGER_ERROR, "gradient a", "example-two")
    record = make_record(make_result())
    assert told(record, changes=[worse]) == [("larger error", "broken")]


def test_two_quantities_that_are_worse_are_two_findings(
    make_record: Make, make_result: Make
) -> None:
    worse = [
        change(ChangeKind.LARGER_ERROR, quantity, "example-two")
        for quantity in ("gradient a", "value")
    ]
    record = make_record(make_result())
    found = merged(of(record, changes=worse), record)
    assert sorted(f.quantities for f in found) == [("gradient a",), ("value",)]
    assert [f.likewise for f in found] == [(), ()]


def test_no_command_is_offered_that_refuses(make_record: Make, differing: Make) -> None:
    (real,) = of(make_record(differing({})))
    (complex_,) = of(make_record(differing({}, dtype="complex64")))
    assert real.commands == ("verifier explain cases/notebook.toml::a",)
    assert complex_.commands == ()


@pytest.mark.parametrize(
    ("fields", "pinned"),
    [
        ({"expected": "differ.wrong", "as_expected": True}, True),
        ({"expected": "differ.wrong", "as_expected": False}, True),
        ({"expected": "differ.unstable", "as_expected": False}, False),
        ({"as_expected": True}, False),
    ],
)
def test_a_case_pins_the_verdicts_that_it_names(
    make_record: Make, differing: Make, fields: dict[str, Any], pinned: bool
) -> None:
    (found,) = of(make_record(differing({}, **fields)))
    assert is_pinned(found) is pinned
    assert not is_pinned(replace(found, status=Status.BROKEN))


def test_what_has_vanished_is_a_finding(make_record: Make, make_result: Make) -> None:
    gone = change(ChangeKind.VANISHED, name="gone")

    (found,) = of(make_record(make_result()), changes=[gone])

    assert (found.title, found.name, found.way) == ("vanished", "gone", "float32")
    assert found.result is None


# ── several dtypes ────────────────────────────────────────────────────────────────────


def test_one_fault_in_several_dtypes_is_told_once(
    make_record: Make, differing: Make
) -> None:
    cause = {"cause": "the sign is turned at all 9 points"}
    record = make_record(
        differing(cause),
        differing(cause | {"error_ulp": 9e9}, dtype="float64"),
        differing({"cause": "twice the true one"}, dtype="bfloat16"),
    )

    found = merged(of(record), record)

    assert sorted((f.way, f.likewise) for f in found) == [
        ("bfloat16", ()),
        ("float32", ("float64",)),
    ]


def test_comparisons_are_not_lost(make_record: Make, differing: Make) -> None:
    """Every number that is no match belongs to one finding."""
    shapes: list[dict[str, Any]] = [
        {"verdict": verdict, "wrt": (name,), "cause": cause}
        for verdict in (WRONG, UNSTABLE, Verdict.UNDECIDED_PRECISION)
        for name in ("a", "b")
        for cause in (None, "x", "y")
    ]
    result = differing(*shapes)
    assert sum(f.count for f in of(make_record(result))) == len(shapes)
