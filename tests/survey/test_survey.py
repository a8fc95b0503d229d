"""The survey: its figures, its points, its reports, and how it is stopped."""

from __future__ import annotations

import dataclasses
import json
import math
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from typer.testing import CliRunner

from verifier.automatic import routes
from verifier.cli import main as cli
from verifier.errors import SelectionError, UsageError
from verifier.floats import (
    BFLOAT16,
    BINARY32,
    BINARY64,
    FORMATS,
    Format,
    from_ordinal,
    neighbour,
    ordinal,
)
from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse
from verifier.records import Truth, TruthStatus
from verifier.reports import survey as report
from verifier.survey import execution, plan
from verifier.survey import points as survey_points
from verifier.survey import regions as survey_regions
from verifier.survey import sweep as survey_sweep
from verifier.survey.records import Accuracy, Agreement, SurveyRecord, Sweep
from verifier.survey.statistics import Tally
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.nearest import Rounded, rounding
from verifier.symbolic.truth import many_points as bulk

inf = math.inf


def swept(name: str, dtype: str, **options: Any) -> list[Sweep]:
    tasks, _ = plan.plan(names=[name], dtypes=[dtype], **options)
    return [survey_sweep.run(task) for task in tasks]


def of(sweep: Sweep, wrt: str | None, route: str = "reverse") -> Accuracy:
    (found,) = (a for a in sweep.accuracies if (a.wrt, a.route) == (wrt, route))
    return found


def record(*sweeps: Sweep, **fields: Any) -> SurveyRecord:
    usual: dict[str, Any] = {
        "environment": {"torch": "2.13.0", "sympy": "1.14.0"},
        "seed": 0,
        "sample": 100,
        "threshold_ulp": 8.0,
        "elapsed_s": 1.5,
        "sweeps": sweeps,
        "skipped": {"lt": "its result is a condition"},
    }
    return SurveyRecord(**usual | fields)


# ── known figures ────────────────────────────────────────────────────────────────────────────────────────────────────

CPU_OF_2_13 = pytest.mark.skipif(
    not torch.__version__.startswith("2.13."),
    reason="the figures are those of PyTorch 2.13",
)


@CPU_OF_2_13
@pytest.mark.parametrize(
    ("name", "zeros"),
    [("softsign", 14_056), ("tanh", 936), ("sigmoid", 487), ("gelu", 145), ("silu", 6)],
)
def test_the_zeros_of_bfloat16_are_counted(name: str, zeros: int) -> None:
    (sweep,) = swept(name, "bfloat16")
    found = of(sweep, "x")
    assert (sweep.exhaustive, sweep.points) == (True, 65_536 - 2 * 127)
    assert (found.zeros, found.undecided, found.unexamined) == (zeros, 0, 0)
    assert sum(r.points for r in found.regions if r.kind == "zero") == zeros
    assert sweep.elapsed_s < 60


def test_basic_arithmetic_is_correctly_rounded_everywhere() -> None:
    for name in ("neg", "abs", "square"):
        (sweep,) = swept(name, "float16")
        for found in sweep.accuracies:
            assert found.correctly_rounded == found.compared > 40_000
            assert found.regions == ()


# ── a tally by hand ──────────────────────────────────────────────────────────────────────────────────────────────────


def entries(*numbers: float, format_: Format = BINARY32) -> list[bulk.RoundedTruth]:
    found = [rounding(format_)(balls.exact(number)) for number in numbers]
    assert None not in found
    return found  # type: ignore[return-value]


def test_errors_are_counted_where_the_truth_is_finite() -> None:
    ulp = 2.0**-23
    truth = entries(1.0, 1.0, 1.0 + ulp / 4, 2.0**-140, 1e300, 3.0, 2.0**-126, 1.0)
    measured = [1.0, 1.0 + 3 * ulp, 1.0, 0.0, inf, math.nan, 0.0, -inf]
    tally = Tally(truth, measured, BINARY32, 2.5)
    assert tally.errors == [0.0, 3.0, 0.25, 2.0**9, 2.0**23]
    assert (tally.compared, tally.correctly_rounded) == (7, 2)
    assert (tally.zeros, tally.inaccurate) == ([6], [1, 3, 6])
    assert (tally.nonfinite, tally.nonfinite_normal) == ([5, 7], 2)
    assert (tally.worst, tally.largest) == (6, 2.0**23)
    assert tally.agreement("beyond") == Agreement(points=1, agreeing=1)


def test_a_truth_is_normal_if_it_rounds_to_a_normal_number() -> None:
    smallest, subnormal = 2.0**-126, 2.0**-126 - 2.0**-149
    for sign in (1, -1):
        truth = entries(
            *(sign * x for x in (smallest - 2.0**-160, smallest, subnormal))
        )
        tally = Tally(truth, [0.0, 0.0, 0.0], BINARY32, 8.0)
        assert tally.zeros == [0, 1]


def test_the_99th_percentile_is_the_smallest_bound_of_99_percent() -> None:
    ulp = 2.0**-23
    for worse, p99 in ((1, 0.0), (2, 5.0)):
        measured = [1.0] * (100 - worse) + [1.0 + 5 * ulp] * worse
        assert Tally(entries(*[1.0] * 100), measured, BINARY32, 8.0).p99 == p99


def test_where_there_are_no_ulps_agreement_is_counted() -> None:
    def known(status: TruthStatus, **fields: Any) -> Truth:
        return Truth(status=status, **fields)

    clarke = balls.enclosure(balls.around(balls.zero(), balls.dyadic(0)))
    truths = [
        *[known(TruthStatus.INFINITE, sign=-1)] * 3,
        *[known(TruthStatus.KINK, enclosure=clarke)] * 3,
        *[known(TruthStatus.UNDEFINED)] * 2,
        known(TruthStatus.PRECISION),
        known(TruthStatus.BUDGET),
    ]
    measured = [-inf, math.nan, inf, 0.5, 2.0, math.nan, math.nan, 0.0, 0.0, 0.0]
    tally = Tally(truths, measured, BINARY32, 8.0)
    assert tally.agreement(TruthStatus.INFINITE) == Agreement(points=3, agreeing=2)
    assert tally.agreement(TruthStatus.KINK) == Agreement(points=3, agreeing=1)
    assert tally.agreement(TruthStatus.UNDEFINED) == Agreement(points=2, agreeing=1)
    assert (tally.undecided, tally.unexamined, tally.p99) == ([8], 1, None)


def test_one_wrong_number_among_all_is_the_worst(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = routes.measure

    def faulty(program: Any, points: Sequence[Any], *rest: Any, **options: Any) -> Any:
        found = honest(program, points, *rest, **options)
        column = [
            neighbour(g, 40, BFLOAT16) if point["x"] == 3.0 else g
            for g, point in zip(found.gradient["x"], points, strict=True)
        ]
        return dataclasses.replace(found, gradient={"x": tuple(column)})

    monkeypatch.setattr(routes, "measure", faulty)
    found = of(swept("exp", "bfloat16")[0], "x")
    assert found.worst is not None
    assert found.worst.point == {"x": "3.0"}
    assert 39 < found.worst.error_ulp == found.max_error_ulp < 41
    (region,) = found.regions
    assert (region.kind, region.box) == ("inaccurate", {"x": ("3.0", "3.0")})


def test_a_truth_that_is_off_at_the_worst_point_is_undecided_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worst point is always checked, for there the truth is most likely at fault."""
    honest = bulk.Bulk._settled

    def faulty(self: Any, points: Sequence[Any], *rest: Any) -> Any:
        found = honest(self, points, *rest)
        for index, point in enumerate(points):
            if point["x"] == 3.0:
                value, slope = found[index]
                moved = neighbour(slope.nearest, 50, BFLOAT16)
                found[index] = value, slope._replace(nearest=moved)
        return found

    monkeypatch.setattr(bulk.Bulk, "_settled", faulty)
    found = of(swept("exp", "bfloat16")[0], "x")
    assert found.undecided == 1
    assert found.max_error_ulp is not None
    assert found.max_error_ulp < 1
    (reason,) = found.reasons
    assert reason.startswith("at x = 3.0: the oracle says")


def test_a_truth_that_is_off_everywhere_breaks_the_sweep_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = bulk.Bulk._settled

    def faulty(self: Any, *rest: Any) -> Any:
        return [
            entries and tuple(e._replace(nearest=2 * e.nearest) for e in entries)
            for entries in honest(self, *rest)
        ]

    monkeypatch.setattr(bulk.Bulk, "_settled", faulty)
    tasks, _ = plan.plan(names=["exp"], dtypes=["float32"], sample=50)
    found = execution.sweep(tasks[0])
    assert found.accuracies == ()
    assert (found.error or "").startswith("OracleError: derivations disagree at each")


# ── points ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def column(name: str, format_: Format, **options: Any) -> list[float]:
    row = operations.OPERATIONS[name]
    (interval,) = row.domain
    return survey_points.sampled(
        row, "x", survey_points.domain_of(interval), format_, 200, 0, **options
    )


@pytest.mark.parametrize(
    "format_", [FORMATS["float16"], BFLOAT16], ids=lambda f: f.name
)
def test_every_number_of_a_16_bit_dtype_is_there_once(format_: Format) -> None:
    found = survey_points.exhaustive(survey_points.domain_of(operations.LINE), format_)
    # IEEE 754-2019, 3.4: all bit patterns but those of NaN, whose fields are full and not zero.
    fraction = 2 ** (format_.precision_bits - 1)
    assert len(found) == 65_536 - 2 * (fraction - 1)
    assert [ordinal(x, format_) for x in found] == sorted(
        [*range(-len(found) // 2 + 1, len(found) // 2), 0]
    )
    zeros = [math.copysign(1, x) for x in found if x == 0]
    assert zeros == [-1, 1]


def test_a_domain_is_surveyed_up_to_its_ends() -> None:
    def exhaustive(text: str) -> list[float]:
        domain = survey_points.domain_of(operations.interval(text))
        return survey_points.exhaustive(domain, BFLOAT16)

    assert exhaustive("(-1, 1)")[:2] == [-1.0, -0.99609375]
    assert exhaustive("[1, inf)")[0] == 1.0
    positive = exhaustive("(0, inf)")
    assert positive[:3] == [0.0, 0.0, 2.0**-133]
    assert math.copysign(1, positive[0]) < 0
    assert positive[-1] == inf


@pytest.mark.parametrize("format_", [BINARY32, BINARY64], ids=lambda f: f.name)
def test_a_sample_has_the_points_where_things_turn(format_: Format) -> None:
    smallest, largest = float(format_.smallest_subnormal), float(format_.largest)
    for name, wanted in (
        ("abs", [-inf, -largest, -smallest, 0.0, smallest, largest, inf]),
        ("asin", [-1.0, neighbour(-1.0, 1, format_), 0.0, 1.0]),
        ("floor", [-2.0, 1.0, neighbour(1.0, 1, format_)]),
        ("lgamma", [-2.0, neighbour(-1.0, 1, format_)]),
        ("log", [0.0, smallest, 1.0, neighbour(1.0, -1, format_), inf]),
    ):
        if name == "lgamma":
            wanted = wanted[1:]
        found = column(name, format_)
        assert set(wanted) <= set(found), name
        assert found == sorted(found)
    assert all(-1 <= x <= 1 for x in column("asin", format_))


def test_thresholds_are_bisected_to_the_neighbouring_numbers() -> None:
    program = parse("exp(x)")
    many = bulk.Bulk(survey_sweep.Oracle(program, ["x"]))
    found = column("exp", BINARY32, probe=survey_sweep._probe(many, "x", BINARY32))
    # glibc's and CUDA's expf: the last input that does not overflow, and the last whose result is a normal number.
    last = float.fromhex("0x1.62e42ep6")
    assert {last, neighbour(last, 1, BINARY32)} <= set(found)
    normal = -math.log(2.0) * 126
    assert any(0 <= x - normal < 2**-17 for x in found)


def test_there_may_be_a_threshold_at_every_other_number() -> None:
    found = survey_points.thresholds(
        lambda inputs: [ordinal(x, BINARY32) % 2 for x in inputs],
        survey_points.domain_of(operations.LINE),
        BINARY32,
    )
    most = 2 * survey_points.MOST_TURNS * survey_points.GRID
    assert 0 < len(found) <= most


def test_a_sample_is_the_seeds() -> None:
    first, again = column("sin", BINARY32), column("sin", BINARY32)
    assert first == again
    tasks, _ = plan.plan(names=["sin"], dtypes=["float32"], seed=1)
    other = survey_sweep.run(tasks[0])
    assert of(other, "x") != of(swept("sin", "float32")[0], "x")


def test_half_of_a_sample_is_drawn_by_ordinal_and_half_by_value() -> None:
    found = survey_points.drawn(
        "sin", "x", survey_points.domain_of(operations.LINE), BINARY32, 1000, 0
    )
    beyond = sum(abs(x) > 32 for x in found)
    assert 150 < beyond < 350  # of the 500 by ordinal
    assert sum(1 < abs(x) <= 32 for x in found) > 450  # of the 500 by value


# ── regions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def bounded(
    column: Sequence[float], is_at_fault: Callable[[float], bool]
) -> list[tuple[tuple[str, str], int, int]]:
    places = [k for k, x in enumerate(column) if is_at_fault(x)]
    found = survey_regions.regions(
        "zero",
        [{"x": x} for x in column],
        places,
        BINARY64,
        lambda inputs: [is_at_fault(x) for x in inputs],
    )
    return [(r.box["x"], r.points, r.surveyed) for r in found]


def test_the_ends_of_a_region_are_the_exact_floats() -> None:
    column = [float(k) for k in range(-5, 6)]
    third = 1 / 3
    last = neighbour(3.25, -1, BINARY64)
    assert bounded(column, lambda x: third <= x < 3.25) == [
        ((repr(third), repr(last)), 3, 3)
    ]
    assert bounded(column, lambda x: x > 4.5) == [
        ((repr(neighbour(4.5, 1, BINARY64)), "5.0"), 1, 1)
    ]
    assert bounded(column, lambda x: False) == []


def test_faults_are_parted_at_the_widest_gaps() -> None:
    column = [float(k) for k in range(100)]
    faults = {1.0, 2.0, 10.0, 12.0, 40.0, 70.0, 71.0}
    assert bounded(column, faults.__contains__) == [
        (("1.0", "2.0"), 2, 2),
        (("10.0", "12.0"), 2, 3),
        (("40.0", "40.0"), 1, 1),
        (("70.0", "71.0"), 2, 2),
    ]


def test_of_several_operands_the_region_is_a_box() -> None:
    points = [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": -1.0}, {"x": 9.0, "y": 9.0}]
    (found,) = survey_regions.regions("zero", points, [0, 1], BINARY32, pytest.fail)
    assert found.box == {"x": ("1.0", "3.0"), "y": ("-1.0", "2.0")}
    assert (found.points, found.surveyed) == (2, 3)


def test_the_zeros_of_a_sample_are_bounded_exactly() -> None:
    (sweep,) = swept("tanh", "float32", sample=50)
    regions = [r for r in of(sweep, "x").regions if r.kind == "zero"]
    assert regions
    for region in regions:
        low, high = (float(end) for end in region.box["x"])
        inner, outer = sorted((abs(low), abs(high)))
        # tanh′ is a normal number up to arcosh(2⁶³) = log(2⁶⁴), to within a double.
        assert abs(outer - 64 * math.log(2)) < 1e-5
        x = torch.tensor([inner] * 256, requires_grad=True)
        torch.tanh(x).sum().backward()
        assert x.grad is not None
        assert x.grad.abs().max() == 0
        y = torch.tensor([inner - 2.0**-19] * 256, requires_grad=True)
        torch.tanh(y).sum().backward()
        assert y.grad is not None
        assert y.grad.abs().min() > 0


# ── the plan ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_row_of_the_table_is_surveyed_or_told_why_not() -> None:
    tasks, skipped = plan.plan()
    names = {task.operation for task in tasks}
    assert names | set(skipped) == set(operations.OPERATIONS)
    assert not names & set(skipped)
    assert "condition" in skipped["where"]
    assert "condition" in skipped["lt"]
    assert {task.dtype for task in tasks} == set(FORMATS)
    forms = {task.expression for task in tasks if task.operation == "polygamma"}
    assert forms == {"polygamma(1, x)", "polygamma(2, x)", "polygamma(3, x)"}


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("elu", {"elu(x)"}),
        ("softplus", {"softplus(x)"}),
        ("mvlgamma", {"mvlgamma(x, 2)", "mvlgamma(x, 3)"}),
        ("threshold", {"threshold(x, 1/10, 20)"}),
        ("soft_margin_loss", {"soft_margin_loss(x, 1)", "soft_margin_loss(x, -1)"}),
        ("besselj", {"besselj(0, x)", "besselj(1, x)"}),
    ],
)
def test_parameters_are_numbers_and_no_inputs(name: str, calls: set[str]) -> None:
    tasks, _ = plan.plan(names=[name])
    assert {task.expression for task in tasks} == calls
    assert {task.operands for task in tasks} == {("x",)}


def test_the_value_of_a_parameter_is_the_one_that_is_told() -> None:
    """threshold(x, 1/10, 20) is 20 up to 1/10 and x above; PyTorch takes its threshold to float32, which is above."""
    (sweep,) = swept("threshold", "float32", sample=100)
    value = of(sweep, None)
    assert (sweep.failures, value.undecided) == ({}, 0)
    assert value.correctly_rounded == value.compared - 1 > 100
    assert value.worst is not None
    assert (value.worst.point, value.worst.measured) == ({"x": "0.1"}, "20.0")
    assert value.worst.true.startswith("0.100000001490116")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"names": ["sigmiod"]},
            "no operation is called `sigmiod`. Did you mean `sigmoid`?",
        ),
        ({"dtypes": ["float23"]}, "--dtype: expected one of float16"),
        ({"dtypes": ["bfloat"]}, "Did you mean `bfloat16`?"),
        ({"routes": ["revers"]}, "Did you mean `reverse`?"),
        ({"sample": 0}, "--points: expected 1 to"),
        ({"names": ["where"]}, "nothing is left to survey"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises((UsageError, SelectionError)) as caught:
        plan.plan(**options)
    assert message in str(caught.value)


def test_a_survey_that_breaks_down_at_one_operation_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(task: Any) -> Sweep:
        raise ZeroDivisionError(task.operation)

    monkeypatch.setattr(survey_sweep, "run", broken)
    tasks, skipped = plan.plan(names=["exp", "log"], dtypes=["float32"])
    found = execution.execute(tasks, skipped, {})
    assert [s.error for s in found.sweeps] == [
        "ZeroDivisionError: exp",
        "ZeroDivisionError: log",
    ]
    assert "a mistake of verifier's\n  exp(x) float32: Zero" in report.render(found)


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def timeless(found: SurveyRecord) -> list[Sweep]:
    return [
        dataclasses.replace(sweep, elapsed_s=0.0, stages_s={}) for sweep in found.sweeps
    ]


def test_the_number_of_processes_changes_no_number() -> None:
    tasks, skipped = plan.plan(
        names=["exp", "rsqrt", "add", "tanh"], dtypes=["float32"], sample=300
    )
    alone = execution.execute(tasks, skipped, {}, jobs=1)
    seen: list[Sweep] = []
    both = execution.execute(tasks, skipped, {}, jobs=2, on_sweep=seen.append)
    assert timeless(alone) == timeless(both)
    assert len(seen) == len(tasks)
    assert [s.expression for s in both.sweeps] == [t.expression for t in tasks]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_keeps_what_is_finished(jobs: int) -> None:
    tasks, skipped = plan.plan(names=["exp", "log", "sin"], dtypes=["float32"])

    def interrupt(sweep: Sweep) -> None:
        raise KeyboardInterrupt

    found = execution.execute(tasks, skipped, {}, jobs=jobs, on_sweep=interrupt)
    assert found.interrupted
    assert len(found.sweeps) == 1
    assert multiprocessing.active_children() == []
    assert "Interrupted" in report.render(found)


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs `ps`")
def test_ctrl_c_ends_every_process_and_tells_what_is_finished(tmp_path: Path) -> None:
    done = tmp_path / "done.json"
    command = [
        *(sys.executable, "-m", "verifier", "survey", "--jobs", "2"),
        *("--operation", "neg", "--operation", "polygamma", "--points", "30000"),
        *("--dtype", "float64", "--format", "text", "--format", f"json={done}"),
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            for _ in range(600):  # until there are workers; they are loading PyTorch
                if sum("spawn_main" in line for line in living(process.pid)) == 2:
                    break
                time.sleep(0.1)
            time.sleep(1)
            os.killpg(process.pid, signal.SIGINT)  # as the terminal does
            out, err = process.communicate(timeout=60)
        finally:
            process.poll() is None and process.kill()
    assert process.returncode == 130, err
    assert "Interrupted: what was finished is told." in out
    assert "Traceback" not in err
    assert json.loads(done.read_text(encoding="utf-8"))["interrupted"] is True
    for _ in range(50):
        if not (left := living(process.pid)):
            break
        time.sleep(0.1)
    assert left == []


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs `ps`")
def test_no_process_outlives_a_survey_that_is_killed() -> None:
    command = [
        *(sys.executable, "-m", "verifier", "survey", "--jobs", "2"),
        *("--operation", "neg", "--operation", "polygamma", "--points", "30000"),
        *("--dtype", "float64"),
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        for _ in range(600):  # until there are workers; they are loading PyTorch
            if sum("spawn_main" in line for line in living(process.pid)) == 2:
                break
            time.sleep(0.1)
        time.sleep(3)
        process.kill()
    for _ in range(200):
        if not (left := living(process.pid)):
            break
        time.sleep(0.1)
    assert left == []


def living(group: int) -> list[str]:
    """The processes of a group that have not ended; those that nobody has waited for have."""
    told = subprocess.run(
        ["ps", "-ww", "-eo", "pgid=,stat=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split(None, 2) for line in told.stdout.splitlines()]
    return [
        row[2] for row in rows if int(row[0]) == group and not row[1].startswith("Z")
    ]


# ── reports ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def surveyed() -> SurveyRecord:
    tasks, skipped = plan.plan(
        names=["tanh", "abs", "log", "lt", "floor", "atan2"],
        dtypes=["float32"],
        routes=["reverse", "forward"],
        sample=200,
    )
    return execution.execute(tasks, skipped, {"torch": "2.13.0"})


def test_the_json_report_is_of_its_schema(surveyed: SurveyRecord) -> None:
    schema = report.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    told = json.loads(report.render_json(surveyed))
    validator.validate(told)
    assert told["sweeps"][0]["accuracies"][0]["quantity"] == "value"
    assert {a["route"] for a in told["sweeps"][0]["accuracies"]} == {
        "reverse",
        "forward",
    }
    for fault in ({"sweeps": [{}]}, {"seed": "0"}, {"more": 1}, {"schema": 2}):
        assert list(validator.iter_errors(told | fault))


def test_every_entry_of_the_json_report_is_described() -> None:
    whole = report.schema()
    tables = [whole, *whole["$defs"].values()]
    assert len(tables) == 6
    for table in tables:
        keys = table["properties"].keys() - {"schema"}
        assert all(table["properties"][key].get("description") for key in keys)


def test_the_text_report_has_a_line_for_each_number(surveyed: SurveyRecord) -> None:
    text = report.render(surveyed)
    numbers = sum(len(sweep.accuracies) for sweep in surveyed.sweeps)
    table = text.split("\n\n")[0].splitlines()
    assert len(table) == 1 + numbers == 1 + 2 * (4 * 2 + 3)
    for title in (
        "Zero where the truth is a normal number",
        "Errors above 8 ulps",
        "Undecided",
        "Not surveyed",
        "Slowest",
    ):
        assert f"\n{title}\n  " in text
    assert "lt: its result is a condition" in text


def test_the_markdown_report_is_a_table(surveyed: SurveyRecord) -> None:
    lines = report.render_markdown(surveyed).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {
        len(report.HEADERS) + 1
    }
    assert len(table) == 2 + sum(len(s.accuracies) for s in surveyed.sweeps)
    assert "## Zero where the truth is a normal number" in lines


@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        ("bessel_j0", "float32", "RuntimeError: element 0 of tensors does not require"),
        ("i1", "float16", "\"i1_backward\" not implemented for 'Half'"),
    ],
)
def test_what_pytorch_does_not_compute_is_not_surveyed(
    name: str, dtype: str, message: str
) -> None:
    """Neither a breakdown of verifier's, nor time spent on the truth."""
    (sweep,) = swept(name, dtype)
    assert (sweep.error, sweep.points, sweep.accuracies) == (None, 0, ())
    assert message in sweep.failures["reverse"]
    text = report.render(record(sweep))
    _, lines = text.split("Not surveyed\n")
    assert f"  {name}(x) {dtype} reverse: " in lines
    assert "mistake" not in text
    assert f"- {name}" in report.render_markdown(record(sweep)).replace("\\", "")


def test_one_route_may_compute_what_another_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = routes.measure

    def refusing(*arguments: Any, route: str, **options: Any) -> Any:
        if route == "forward":
            return routes.Measurement(gradient={}, steps={}, failure="no forward")
        return honest(*arguments, route=route, **options)

    monkeypatch.setattr(routes, "measure", refusing)
    (sweep,) = swept("exp", "float32", sample=10, routes=["forward", "reverse"])
    assert sweep.failures == {"forward": "no forward"}
    assert {a.route for a in sweep.accuracies} == {"reverse"}
    assert "exp(x) float32 forward: no forward" in report.render(record(sweep))


def test_an_undecided_point_is_told_with_its_reason() -> None:
    (sweep,) = swept("tan", "float32", sample=10)
    (reason,) = of(sweep, None).reasons
    assert reason.startswith("at x = -inf and 1 more: the limit is not found")
    text = report.render(record(sweep))
    assert f"tan(x) float32 reverse value; reverse d/dx: 2 undecided; {reason}" in text


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["survey", *arguments])


def test_the_command_writes_every_format(tmp_path: Path) -> None:
    found = invoke(
        *("--operation", "exp", "--dtype", "float32", "--points", "50", "--jobs", "1"),
        *("--format", f"json={tmp_path / 'a.json'}"),
        *("--format", f"markdown={tmp_path / 'a.md'}"),
    )
    assert found.exit_code == 0, found.output
    assert "exp(x)" in found.stdout
    told = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert told["sample"] == 50
    assert told["environment"]["torch"] == torch.__version__
    assert (tmp_path / "a.md").read_text(encoding="utf-8").startswith("# Accuracy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--operation", "tnah"], "Did you mean `tanh`?"),
        (["--dtype", "float8"], "--dtype: expected one of"),
        (["--route", "sideways"], "--route: expected one of"),
        (["--points", "0"], "--points: expected 1 to"),
        (["--format", "yaml"], "unknown format `yaml`"),
        (["--operation", "lt"], "nothing is left to survey"),
    ],
)
def test_a_mistake_ends_with_code_2(arguments: list[str], message: str) -> None:
    found = invoke(*arguments)
    assert found.exit_code == 2
    assert message in found.stderr


def test_the_schema_command_prints_the_surveys() -> None:
    found = CliRunner().invoke(cli.app, ["schema", "survey"])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["title"] == "Report of a verifier survey"


def test_a_mistake_is_told_before_anything_heavy_is_loaded() -> None:
    script = (
        "import sys\nfrom verifier.survey import execution, plan\n"
        "plan.plan(names=['exp'])\n"
        "assert not {'torch', 'sympy', 'flint'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_entries_of_a_number_name_its_truth() -> None:
    (entry,) = entries(from_ordinal(5, BINARY64), format_=BINARY64)
    assert isinstance(entry, Rounded)
    truth = bulk.truth_of(entry)
    assert truth.enclosure is not None
    assert float(truth.enclosure.lower) == 2.5e-323
