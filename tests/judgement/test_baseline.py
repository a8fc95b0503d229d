"""The baseline: what it keeps, and how a run is compared with it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

import verifier
from verifier.judgement import baseline
from verifier.judgement.baseline import compare, of, split
from verifier.judgement.baseline_file import load, write
from verifier.records import ChangeKind, Tally, Verdict, severity
from verifier.reports import json as json_report


@pytest.fixture
def changes(make_result, make_record):
    """The changes from one result of a case to another, each given as (verdict,
    error)."""

    def between(before, after, **options):
        def record(outcome):
            if outcome is None:
                return make_record()
            verdict, error = outcome
            return make_record(make_result("a", verdict, max_error_ulp=error))

        return compare(record(after), of(record(before)), **options)

    return between


@pytest.fixture
def kind(changes):
    """The one change, as its kind and whether it is a regression; None where there is
    none."""

    def only(before, after, **options):
        found = changes(before, after, **options)
        assert len(found) <= 1
        return (found[0].kind, found[0].regression) if found else None

    return only


EXACT = ("match.exact", 0.0)


def test_a_run_does_not_differ_from_its_own_baseline(kind):
    for verdict in Verdict:
        assert kind((verdict, 3.0), (verdict, 3.0)) is None


@pytest.mark.parametrize("verdict", ["differ.wrong", "differ.inaccurate", "error.run"])
def test_a_new_difference_is_a_regression(kind, verdict):
    assert kind(None, (verdict, 1.0)) == (ChangeKind.NEW_DIFFERENCE, True)


@pytest.mark.parametrize("verdict", ["match.exact", "undecided.limit"])
def test_a_new_result_that_does_not_differ_is_none(kind, verdict):
    assert kind(None, (verdict, None)) == (ChangeKind.NEW, False)


def test_a_new_difference_that_its_case_pins_is_none(make_result, make_record):
    pinned = make_result("a", "differ.wrong", expected="differ", as_expected=True)

    (change,) = compare(make_record(pinned), baseline.Baseline())

    assert (change.kind, change.regression) == (ChangeKind.NEW, False)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("match.undefined", "undecided.limit"),
        ("match.exact", "differ.inaccurate"),
        ("match.exact", "error.run"),
        ("undecided.oracle", "differ.inaccurate"),
        ("differ.wrong", "error.run"),
        ("differ.inaccurate", "differ.unstable"),
        ("differ.unstable", "differ.range"),
        ("differ.range", "differ.nonfinite"),
        ("differ.nonfinite", "differ.wrong"),
    ],
)
def test_worse_and_better_verdicts(kind, better, worse):
    assert kind((better, 1.0), (worse, 1.0)) == (ChangeKind.WORSE_VERDICT, True)
    assert kind((worse, 1.0), (better, 1.0)) == (ChangeKind.IMPROVED, False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("match.exact", "match.rounding"),
        ("match.exact", "match.conditioning"),
        ("undecided.limit", "undecided.oracle"),
    ],
)
def test_kinds_within_the_other_families_are_no_change(kind, before, after):
    assert kind((before, 1.0), (after, 1.0)) is None
    assert kind((after, 1.0), (before, 1.0)) is None


@pytest.mark.parametrize(
    ("before", "after", "growth", "grown"),
    [
        (10.0, 20.0, 2.0, False),
        (10.0, 20.1, 2.0, True),
        (10.0, 20.1, 3.0, False),
        (10.0, 10.5, 1.0, True),
        (0.0, 2.0, 2.0, False),  # below one ulp, where errors are noise
        (0.0, 2.1, 2.0, True),
        (0.001, 0.4, 2.0, False),
        (None, 9.0, 2.0, False),
        (9.0, None, 2.0, False),
        (9.0, float("inf"), 2.0, True),
    ],
)
def test_an_error_that_grew_is_a_regression(kind, before, after, growth, grown):
    found = kind(("match.rounding", before), ("match.rounding", after), growth=growth)

    assert found == ((ChangeKind.LARGER_ERROR, True) if grown else None)


def test_an_error_that_shrank_as_much_is_an_improvement(kind):
    assert kind(("match.rounding", 9.0), ("match.exact", 0.0)) == (
        ChangeKind.IMPROVED,
        False,
    )


def test_a_better_verdict_with_a_larger_error_is_an_improvement(kind):
    found = kind(("differ.unstable", 5.0), ("match.conditioning", 500.0))

    assert found == (ChangeKind.IMPROVED, False)


def test_an_entry_that_vanished_is_a_regression_unless_the_run_was_partial(kind):
    assert kind(EXACT, None) == (ChangeKind.VANISHED, True)
    assert kind(EXACT, None, partial=True) is None


def test_a_change_says_what_was_and_what_is(changes):
    (change,) = changes(("match.rounding", 1.25), ("differ.wrong", 12345.6))

    assert change.result == "cases/notebook.toml::a float32 reverse 1"
    assert change.before == "match.rounding, 1.25 ulp"
    assert change.after == "differ.wrong, 1.23e+04 ulp"
    (gone,) = changes(("match.undefined", None), None)
    assert (gone.before, gone.after) == ("match.undefined", None)


def test_regressions_come_first(make_result, make_record):
    before = make_record(make_result("b"), make_result("d", "differ.wrong"))
    after = make_record(
        make_result("d"), make_result("c"), make_result("b", "differ.wrong")
    )

    found = compare(after, of(before))

    assert [(c.regression, c.result.partition("::")[2][0]) for c in found] == [
        (True, "b"),
        (False, "c"),
        (False, "d"),
    ]


def test_dtype_route_and_order_tell_results_apart(make_result, make_record):
    results = [
        make_result("a"),
        make_result("a", dtype="float64"),
        make_result("a", route="forward"),
        make_result("a", order=2),
    ]

    assert len(of(make_record(*results)).entries) == 4


def test_split_parts_the_entries_by_the_folders_of_their_files(
    make_result, make_record
):
    record = make_record(
        make_result(case="cases/a.toml::x"),
        make_result(case="cases/deep/b.toml::x"),
        make_result(case="cases2/c.toml::x"),
    )

    def inside(*paths):
        found, others = split(of(record), [Path(path) for path in paths])
        assert set(found.entries) | set(others.entries) == set(of(record).entries)
        return {name.partition("::")[0] for name in found.entries}

    assert inside("cases") == {"cases/a.toml", "cases/deep/b.toml"}
    assert inside("cases/a.toml") == {"cases/a.toml"}
    assert inside("./cases2/", "cases/deep") == {"cases2/c.toml", "cases/deep/b.toml"}
    assert inside(".") == {"cases/a.toml", "cases/deep/b.toml", "cases2/c.toml"}


def test_the_error_at_ill_conditioned_points_is_no_measure(make_record, make_result):
    def run(error, **counts):
        result = make_result("a", "match.rounding", max_error_ulp=error)
        return make_record(dataclasses.replace(result, counts=counts))

    ill = {"match.rounding": 1, "match.conditioning": 1}
    before = of(run(100.0, **ill))
    ((_, entry),) = next(iter(before.entries.values())).items()
    assert entry.whole.max_error_ulp is None
    assert compare(run(1e9, **ill), before) == []
    well = of(run(100.0, **{"match.rounding": 2}))
    (change,) = compare(run(1e9, **{"match.rounding": 2}), well)
    assert change.regression


@pytest.fixture
def by_quantity(make_result, make_record):
    """The changes between two results, each given as quantity -> (counts, error), as
    what, how and whether worse."""

    def record(quantities):
        parts = [
            Tally(
                quantity=name.split()[0],
                wrt=tuple(name.split()[1:]),
                counts=counts,
                max_error_ulp=error,
            )
            for name, (counts, error) in quantities.items()
        ]
        found = [Verdict(v) for tally in parts for v in tally.counts]
        worst = max(found, key=severity, default=Verdict.ERROR_RUN)
        return make_record(make_result("a", worst, quantities=tuple(parts), counts={}))

    def between(before, after, **options):
        found = compare(record(after), of(record(before)), **options)
        return [(c.quantity, c.kind, c.regression) for c in found]

    return between


WRONG_VALUE = {"value": ({"differ.wrong": 5}, 1e6)}


def test_a_second_quantity_that_goes_wrong_is_a_regression(by_quantity):
    before = {**WRONG_VALUE, "gradient x": ({"match.exact": 5}, 0.4)}
    after = {**WRONG_VALUE, "gradient x": ({"match.exact": 4, "differ.wrong": 1}, 9.0)}
    assert by_quantity(before, after) == [
        ("gradient x", ChangeKind.WORSE_VERDICT, True)
    ]
    assert by_quantity(after, before) == [("gradient x", ChangeKind.IMPROVED, False)]


def test_an_error_below_that_of_another_quantity_is_a_regression(by_quantity):
    before = {"value": ({"match.rounding": 5}, 500.0), "gradient x": ({"match.exact": 5}, 3.0)}  # fmt: skip
    after = {"value": ({"match.rounding": 5}, 500.0), "gradient x": ({"match.rounding": 5}, 6.1)}  # fmt: skip
    assert by_quantity(before, after) == [("gradient x", ChangeKind.LARGER_ERROR, True)]
    assert by_quantity(before, after, growth=3) == []


def test_an_ill_conditioned_point_hides_no_error_of_the_others(by_quantity):
    ill = {"match.rounding": 5, "match.conditioning": 1}
    (change,) = by_quantity({"value": (ill, 10.0)}, {"value": (ill, 20.1)})
    assert change == ("value", ChangeKind.LARGER_ERROR, True)


@pytest.mark.parametrize(
    ("before", "after", "is_more"),
    [
        (1, 100, True),  # 99 more
        (100, 199, True),
        (1, 4, False),  # what another processor may do
        (1, 5, True),
        (12, 22, False),
        (12, 23, True),
        (100, 130, False),
        (100, 131, True),
    ],
)
def test_more_points_with_a_difference_are_a_regression(
    by_quantity, before, after, is_more
):
    def quantities(bad):
        return {"value": ({"match.exact": 1000 - bad, "differ.unstable": bad}, 50.0)}

    more = [("value", ChangeKind.MORE_POINTS, True)] if is_more else []
    assert by_quantity(quantities(before), quantities(after)) == more
    fewer = [("value", ChangeKind.IMPROVED, False)]
    if before >= 12 and is_more:
        assert by_quantity(quantities(after), quantities(before)) == fewer


def test_more_points_of_a_milder_difference_are_a_regression(by_quantity):
    before = {"value": ({"differ.wrong": 1, "match.exact": 99}, 50.0)}
    after = {"value": ({"differ.unstable": 60, "match.exact": 40}, 50.0)}
    assert by_quantity(before, after) == [("value", ChangeKind.MORE_POINTS, True)]
    worse = {"value": ({"differ.wrong": 50, "differ.unstable": 10}, 50.0)}
    mixed = {"value": ({"differ.wrong": 1, "differ.unstable": 59}, 50.0)}
    assert by_quantity(mixed, worse) == [("value", ChangeKind.MORE_POINTS, True)]


def test_more_undecided_points_are_a_regression(by_quantity):
    before = {"value": ({"undecided.limit": 1, "match.exact": 99}, 1.0)}
    after = {"value": ({"undecided.limit": 50, "match.exact": 50}, 1.0)}
    assert by_quantity(before, after) == [("value", ChangeKind.MORE_POINTS, True)]


def test_more_points_in_all_are_more_points_of_each_verdict(by_quantity):
    before = {"value": ({"differ.unstable": 50, "match.exact": 50}, 1.0)}
    after = {"value": ({"differ.unstable": 500, "match.exact": 500}, 1.0)}
    assert by_quantity(before, after) == []


def test_a_quantity_that_vanished_is_a_regression(by_quantity):
    value = {"value": ({"match.exact": 5}, 0.4)}
    both = {**value, "gradient x": ({"match.exact": 5}, 0.4)}
    assert by_quantity(both, value) == [("gradient x", ChangeKind.VANISHED, True)]
    assert by_quantity(value, both) == [("gradient x", ChangeKind.NEW, False)]


def test_a_case_that_no_longer_runs_is_one_regression(by_quantity):
    value = {"value": ({"match.exact": 5}, 0.4)}
    assert by_quantity(value, {}) == [(None, ChangeKind.WORSE_VERDICT, True)]
    assert by_quantity({}, value) == [(None, ChangeKind.IMPROVED, False)]


def test_a_report_without_quantities_is_compared_with_one_that_has_them(
    make_result, make_record
):
    counts = {"match.exact": 8, "differ.wrong": 2}
    old = make_record(
        make_result("a", "differ.wrong", counts=counts, max_error_ulp=7.0)
    )
    parts = (
        Tally(quantity="value", wrt=(), counts={"match.exact": 5}, max_error_ulp=0.0),
        Tally(
            quantity="gradient",
            wrt=("x",),
            counts={"match.exact": 3, "differ.wrong": 2},
            max_error_ulp=7.0,
        ),
    )
    new = make_record(make_result("a", "differ.wrong", quantities=parts))
    assert compare(new, of(old)) == []
    assert compare(old, of(new)) == []
    worse = dataclasses.replace(
        parts[1], counts={"differ.wrong": 30, "match.exact": 3}, max_error_ulp=7.0
    )
    (change,) = compare(
        make_record(make_result("a", "differ.wrong", quantities=(parts[0], worse))),
        of(old),
    )
    assert (change.quantity, change.kind) == (None, ChangeKind.MORE_POINTS)
    assert change.before == "differ.wrong (2 of 10), 7 ulp"
    assert change.after == "differ.wrong (30 of 38), 7 ulp"


def test_a_wrong_region_that_widens_is_a_regression(tmp_path):
    class Gelu(torch.autograd.Function):
        edge = -3.5

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.nn.functional.gelu(x)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            cdf = torch.erfc(-x / math.sqrt(2)) / 2
            right = cdf + x * torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)
            return grad * torch.where(x < Gelu.edge, 1.05 * right, right)

    def run():
        return verifier.check(
            Gelu.apply, expression="gelu(x)", domain={"x": "[-6, 6]"},
            dtype="float64", points=128, tolerance=1e-9,
        ).record  # fmt: skip

    first = run()
    path = tmp_path / "baseline.json"
    write(path, of(first))
    assert compare(run(), load(path)) == []
    Gelu.edge = -0.5
    second = run()
    assert first.results[0].verdict == second.results[0].verdict == "differ.wrong"
    found = compare(second, load(path))
    assert [(c.quantity, c.regression) for c in found] == [("gradient x", True)]
    # And so between two JSON reports.
    old = json_report.read(json_report.render(first), "old.json")
    new = json_report.read(json_report.render(second), "new.json")
    assert [c.regression for c in compare(new, of(old))] == [True]
    assert [c.regression for c in compare(old, of(new))] == [False]
