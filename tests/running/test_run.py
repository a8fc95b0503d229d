"""From case to verdict: the notebook's numbers, the hard points of the issue,
expectations, selection, and the API."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import verifier
from verifier.errors import SelectionError, UsageError, VerifierError
from verifier.language.casefile.case import Case
from verifier.language.casefile.loading import from_mapping, load
from verifier.records import Comparison, Result, Verdict
from verifier.running.plan import plan
from verifier.running.run import environment, execute, verify_alone
from verifier.running.units import Unit

BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def one(expression: str | None = None, **keywords: Any) -> Result:
    (result,) = verifier.verify(expression, **keywords).results
    return result


def comparison(result: Result, *wrt: str) -> Comparison:
    (found,) = [c for c in result.comparisons if c.wrt == wrt]
    return found


# ── the notebook ──────────────────────────────────────────────────────────────────────


@BOTH
@pytest.mark.parametrize(
    ("source", "upstream", "value", "gradient"),
    [
        ({"expression": "a + 2"}, 123, 102, 123),
        ({"expression": "(a + 2) * 3"}, 123, 306, 369),
        ({"steps": "b = a + 2\ny_pred = b * 3\nloss = (y_pred - 290)**2"}, 1, 256, 96),
    ],
)
def test_the_notebooks_gradients_are_exact(
    source: dict[str, str], upstream: int, value: int, gradient: int, dtype: str
) -> None:
    expect = {"value": value, "gradient": {"a": gradient}}
    result = one(at={"a": 100}, upstream=upstream, dtype=dtype, expect=expect, **source)
    assert result.verdict is Verdict.MATCH_EXACT
    assert result.as_expected
    assert comparison(result).measured == f"{value}.0"
    assert comparison(result).true == str(value)
    assert comparison(result, "a").measured == f"{gradient}.0"
    assert comparison(result, "a").true == str(gradient)
    assert result.max_error_ulp == 0


NOTEBOOK = """
[[case]]
name = "train"
steps = '''
y_pred = (a + 2) * 3
loss = (y_pred - 290)**2
'''
at = { a = 100 }
descent = { parameter = "a", learning_rate = 0.01, epochs = 10 }

[case.expect]
losses = [256.000, 172.134, 115.743, 77.826, 52.330, 35.187, 23.660, 15.909, 10.697, 7.193]
weights = [
  99.04, 98.25280000000001, 97.607296, 97.07798272000001, 96.64394583040001,
  96.28803558092801, 95.99618917636097, 95.756875124616, 95.56063760218512, 95.3997228337918,
]
"""


def loaded(tmp_path: Path, text: str) -> list[Case]:
    path = tmp_path / "cases.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@BOTH
def test_the_ten_epochs_of_the_notebook_are_verified(
    tmp_path: Path, dtype: str
) -> None:
    """The weights that the notebook prints are those of float32 tensors; they hold in
    float64 to the tolerance."""
    (task,) = plan(loaded(tmp_path, NOTEBOOK), dtypes=[dtype])
    result = verify_alone(task)
    if dtype == "float32":
        assert [f"{epoch.loss:.3f}" for epoch in result.epochs] == [
            "256.000", "172.134", "115.743", "77.826", "52.330", "35.187", "23.660", "15.909", "10.697", "7.193",
        ]  # fmt: skip
    assert result.as_expected, result.message
    assert result.points == 10
    assert [epoch.number for epoch in result.epochs] == list(range(1, 11))


def test_the_trajectory_is_held_against_that_over_the_reals(tmp_path: Path) -> None:
    """The distance to 284/3 shrinks by 1 − 18 · 0.01 in every epoch."""
    (task,) = plan(loaded(tmp_path, NOTEBOOK), dtypes=["float32"])
    for epoch in verify_alone(task).epochs:
        true = Fraction(284, 3) + Fraction(16, 3) * Fraction(82, 100) ** epoch.number
        assert abs(Fraction(epoch.true_weight) - true) < Fraction(1, 10**17)
        assert epoch.drift == pytest.approx(
            float(Fraction(epoch.weight) - true), abs=1e-12
        )


def test_a_loss_that_is_expected_wrongly_is_told_by_epoch(tmp_path: Path) -> None:
    (task, *_) = plan(loaded(tmp_path, NOTEBOOK.replace("115.743", "115.753")))
    result = verify_alone(task)
    assert not result.as_expected
    assert "expect.losses[3]: expected 115.753; neither PyTorch's 115.74" in (
        result.message or ""
    )


def test_a_weight_that_is_expected_wrongly_is_told_in_double_precision(
    tmp_path: Path,
) -> None:
    text = NOTEBOOK.replace("98.25280", "98.35280")
    (task,) = plan(loaded(tmp_path, text), dtypes=["float32"])
    result = verify_alone(task)
    assert not result.as_expected
    assert "expect.weights[2]: expected 98.3528" in (result.message or "")
    assert "neither PyTorch's 98.25280" in (result.message or "")


# ── the points of the issue ───────────────────────────────────────────────────────────


def test_cancellation_is_unstable() -> None:
    result = one("(exp(x) - 1)/x", at={"x": "1e-7"}, dtype="float32")
    assert result.verdict is Verdict.DIFFER_UNSTABLE
    gradient = comparison(result, "x")
    assert gradient.measured == "-1920928.0"
    assert gradient.true.startswith("0.500000033")
    assert gradient.error_ulp is not None
    assert gradient.error_ulp > 1e13


def test_underflow_on_the_way_is_range() -> None:
    result = one("x/sqrt(x*x + y*y)", at={"x": "1e-25", "y": "1e-25"}, dtype="float32")
    assert result.verdict in (Verdict.DIFFER_RANGE, Verdict.DIFFER_NONFINITE)
    assert (
        one(
            "x/hypot(x, y)", at={"x": "1e-15", "y": "1e-15"}, dtype="float32"
        ).verdict.family
        == "match"
    )


def test_overflow_on_the_way_is_range() -> None:
    result = one("log(1 + exp(x))", at={"x": 100}, dtype="float32")
    assert result.verdict is Verdict.DIFFER_RANGE
    assert one("softplus(x)", at={"x": 100}, dtype="float32").verdict.family == "match"


def test_the_truth_of_a_huge_number_is_not_misstated() -> None:
    """exp(exp(30)) is about 10^(4.64·10¹²); a number that is printed as true must be
    true."""
    true = comparison(one("exp(exp(x))", at={"x": 30}, dtype="float64")).true
    assert not true.endswith("e+6020")


def test_a_constant_step_is_no_difference() -> None:
    """No gradient flows to a literal in PyTorch, and none is asked for."""
    result = one(steps="k = 2\ny = k * x", at={"x": 3}, dtype="float32")
    assert result.verdict is Verdict.MATCH_EXACT


def test_an_input_of_minus_zero_is_the_number_zero() -> None:
    result = one("x + 1", at={"x": "-0.0"}, dtype="float32")
    assert result.verdict is Verdict.MATCH_EXACT


# ── expectations ──────────────────────────────────────────────────────────────────────


def test_a_wrong_expectation_says_which_side_disagrees_with_what() -> None:
    result = one(
        "(a + 2) * 3",
        at={"a": 100},
        upstream=123,
        expect={"gradient": {"a": 370}},
        dtype="float32",
    )
    assert result.verdict is Verdict.MATCH_EXACT
    assert not result.as_expected
    assert (
        result.message
        == "expect.gradient.a: expected 370; neither PyTorch's 369.0 nor the true 369 agrees"
    )
    assert result.broken == ("expect.gradient.a",)


def test_a_pinned_verdict_is_as_expected_until_it_changes() -> None:
    pin = {"verdict": "differ.unstable", "reason": "cancellation"}
    assert one(
        "(exp(x) - 1)/x", at={"x": "1e-7"}, dtype="float32", expect=pin
    ).as_expected
    mended = one("(exp(x) - 1)/x", at={"x": 1}, dtype="float32", expect=pin)
    assert not mended.as_expected
    assert "expected differ.unstable, found match" in (mended.message or "")
    assert mended.broken == ("expect.verdict",)


def test_a_pinned_verdict_does_not_hide_another() -> None:
    pin = {"verdict": "differ.range", "reason": "…"}
    assert not one(
        "(exp(x) - 1)/x", at={"x": "1e-7"}, dtype="float32", expect=pin
    ).as_expected


def test_a_result_is_its_worst_comparison() -> None:
    result = one(
        "(exp(x) - 1)/x", at=[{"x": 1}, {"x": "1e-7"}, {"x": 2}], dtype="float32"
    )
    assert result.verdict is Verdict.DIFFER_UNSTABLE
    assert sum(result.counts.values()) == 6
    assert result.points == 3


@pytest.mark.parametrize("text", ["lgamma(x)", "digamma(x)", "1/x"])
def test_a_pole_is_never_a_silent_pass(text: str) -> None:
    result = one(text, at={"x": 0}, dtype="float64")
    assert result.verdict not in (Verdict.MATCH_EXACT, Verdict.MATCH_ROUNDING)


# ── selection ─────────────────────────────────────────────────────────────────────────

CASES = [
    from_mapping(
        {"name": "alpha", "expression": "x*x", "at": {"x": 3}, "tags": ["even"]}
    ),
    from_mapping(
        {"name": "beta", "expression": "sin(x)", "domain": {"x": "[0, 1]"}, "points": 7}
    ),
    from_mapping(
        {
            "name": "alphabet",
            "expression": "x**3",
            "at": {"x": 3},
            "dtype": "float64",
            "tags": ["odd"],
        }
    ),
]


def names(tasks: list[Unit]) -> list[str]:
    return [f"{task.case.name} {task.dtype}" for task in tasks]


def test_the_plan_is_every_case_in_every_dtype_in_order() -> None:
    expected = [
        "alpha float32",
        "alpha float64",
        "beta float32",
        "beta float64",
        "alphabet float64",
    ]
    assert names(plan(CASES)) == expected


def test_a_selection_is_by_name_glob_tag_and_dtype() -> None:
    assert names(plan(CASES, names=["beta"], dtypes=["float32"])) == ["beta float32"]
    assert {task.case.name for task in plan(CASES, names=["alpha*"])} == {
        "alpha",
        "alphabet",
    }
    assert {task.case.name for task in plan(CASES, tags=["odd", "even"])} == {
        "alpha",
        "alphabet",
    }
    assert names(plan(CASES, dtypes=["float64"], tags=["odd"])) == ["alphabet float64"]


def test_a_name_selects_that_case_and_no_longer_one() -> None:
    assert {task.case.name for task in plan(CASES, names=["alpha"])} == {"alpha"}


def test_the_number_of_points_concerns_drawn_points_alone() -> None:
    tasks = plan(CASES, points=3, dtypes=["float64"])
    assert [task.case.points for task in tasks if task.case.name == "beta"] == [3]
    run = execute(tasks)
    assert [result.drawn for result in run.results] == [0, 3, 0]


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        (
            {"names": ["alpa"]},
            SelectionError,
            r"no case is called `alpa`\. Did you mean `alpha`\?",
        ),
        (
            {"names": ["alpha", "nothing*"]},
            SelectionError,
            r"no case is called `nothing\*`",
        ),
        (
            {"tags": ["evn"]},
            SelectionError,
            r"no tag is called `evn`\. Did you mean `even`\?",
        ),
        (
            {"dtypes": ["float23"]},
            UsageError,
            r"found `float23`\. Did you mean `float32`\?",
        ),
        (
            {"names": ["alphabet"], "dtypes": ["float32"]},
            SelectionError,
            "no case is left",
        ),
        ({"names": ["beta"], "tags": ["odd"]}, SelectionError, "no case is left"),
    ],
)
def test_a_selection_of_nothing_is_an_error(
    keywords: dict[str, Any], error: type[VerifierError], message: str
) -> None:
    with pytest.raises(error, match=message):
        plan(CASES, **keywords)


def test_no_points_at_all_is_never_a_pass() -> None:
    try:
        run = execute(plan(CASES, names=["beta"], points=0))
    except VerifierError:
        return
    assert {result.verdict for result in run.results} == {Verdict.ERROR_RUN}
    assert not any(result.as_expected for result in run.results)


# ── a run ─────────────────────────────────────────────────────────────────────────────


def without_times(result: Result) -> Result:
    return replace(result, elapsed_s=0.0, stages_s={})


def test_a_run_is_reproduced_by_its_seed() -> None:
    tasks = plan(CASES, names=["beta"])
    first, again, other = (
        [without_times(result) for result in execute(tasks, seed=seed).results]
        for seed in (5, 5, 6)
    )
    assert first == again
    assert first != other


def test_a_case_may_fix_its_own_seed() -> None:
    case = from_mapping(
        {"expression": "exp(x)", "domain": {"x": "[0, 1]"}, "points": 5, "seed": 9}
    )
    runs = [execute(plan([case]), seed=seed).results for seed in (1, 2)]
    assert [without_times(r) for r in runs[0]] == [without_times(r) for r in runs[1]]


def test_the_order_of_cases_changes_no_result() -> None:
    forth = {r.case + r.dtype: without_times(r) for r in execute(plan(CASES)).results}
    back = {
        r.case + r.dtype: without_times(r) for r in execute(plan(CASES[::-1])).results
    }
    assert forth == back


def test_a_run_may_stop_at_the_first_failure() -> None:
    bad = from_mapping(
        {"name": "bad", "expression": "x", "at": {"x": 1}, "expect": {"value": 2}}
    )
    tasks = plan([CASES[0], bad, CASES[2]], dtypes=["float64"])
    assert [r.case for r in execute(tasks, fail_fast=True).results] == ["alpha", "bad"]
    assert len(execute(tasks).results) == 3


def test_each_result_is_reported_when_it_is_there() -> None:
    seen: list[str] = []
    execute(
        plan(CASES, dtypes=["float64"]),
        on_result=lambda result: seen.append(result.case),
    )
    assert seen == ["alpha", "beta", "alphabet"]


def test_an_interrupted_run_keeps_what_was_finished() -> None:
    def interrupt(_: Result) -> None:
        raise KeyboardInterrupt

    run = execute(plan(CASES), on_result=interrupt)
    assert run.interrupted
    assert len(run.results) == 1


def test_a_run_names_the_versions_that_it_depends_on() -> None:
    import torch

    found = environment()
    assert torch.__version__.startswith(found["torch"])
    assert {
        "verifier",
        "torch",
        "sympy",
        "python_flint",
        "python",
        "platform",
        "device",
    } <= set(found)


# ── the API ───────────────────────────────────────────────────────────────────────────


def test_verify_from_python_says_yes() -> None:
    run = verifier.verify("sin(x)*y", at={"x": 1, "y": 2})
    assert run.ok
    assert [result.dtype for result in run.results] == ["float32", "float64"]
    assert "match" in str(run)
    assert run._repr_html_().startswith("<pre>")


def test_verify_from_python_says_no() -> None:
    run = verifier.verify(
        "(a + 2)*3", at={"a": 100}, upstream=123, expect={"gradient": {"a": 370}}
    )
    assert not run.ok
    assert "370" in str(run)


def test_a_float_in_python_is_the_number_that_it_holds() -> None:
    exact = comparison(one("x*1", at={"x": 0.1}, dtype="float64"))
    assert Fraction(exact.true) == Fraction(
        "0.10000000000000000555"
    )  # 20 digits of the double nearest to 1/10


def test_undecided_is_not_ok() -> None:
    run = verifier.verify("abs(sin(x)**2 + cos(x)**2 - 1)", at={"x": 1}, wrt=["x"])
    assert {result.verdict for result in run.results} == {Verdict.UNDECIDED_PRECISION}
    assert not run.ok


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"expression": "sinn(x)", "at": {"x": 1}}, "unknown operation `sinn`"),
        ({"expression": "x", "at": {"x": "one"}}, "one"),
        ({"expression": "x"}, "x"),
        ({"at": {"x": 1}}, "expression"),
        ({"expression": "x", "at": {"x": 1}, "dtype": "float31"}, "float32"),
    ],
)
def test_what_no_case_may_say_is_an_error(
    keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(VerifierError, match=message):
        verifier.verify(**keywords)


def test_cases_parameterises_a_test(tmp_path: Path) -> None:
    loaded(tmp_path, NOTEBOOK)
    mark = verifier.cases(tmp_path / "cases.toml").mark
    assert mark.args[0] == "case"
    tasks = [parameter.values[0] for parameter in mark.args[1]]
    assert [task.dtype for task in tasks] == ["float32", "float64"]
    assert all(parameter.id for parameter in mark.args[1])
    assert verifier.verify(tasks[0]).ok


def test_cases_without_a_path_or_with_a_wrong_one_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one"):
        verifier.cases()
    with pytest.raises(VerifierError):
        verifier.cases(tmp_path / "nowhere.toml")


def test_the_package_has_the_names_that_it_promises_and_no_others() -> None:
    for name in verifier.__all__:
        assert getattr(verifier, name) is not None
    with pytest.raises(AttributeError, match="no attribute `verfy`"):
        _ = verifier.verfy
