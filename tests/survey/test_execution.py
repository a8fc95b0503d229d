"""Many sweeps, by one process or several, to their end or to an interruption."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from commands import start

from verifier.reports import survey as report
from verifier.running.executors import executor
from verifier.survey import execution, plan
from verifier.survey import sweep as survey_sweep
from verifier.survey.records import SurveyRecord, Sweep

LONG_SURVEY = (
    *("survey", "--jobs", "2", "--operation", "neg", "--operation", "polygamma"),
    *("--points", "30000", "--dtype", "float64"),
)
"""PyTorch's polygamma takes minutes for some numbers."""


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


def timeless(found: SurveyRecord) -> list[Sweep]:
    return [
        dataclasses.replace(sweep, elapsed_s=0.0, stages_s={}) for sweep in found.sweeps
    ]


def test_the_number_of_processes_changes_no_number() -> None:
    tasks, skipped = plan.plan(
        names=["exp", "rsqrt", "add", "tanh"], dtypes=["float32"], sample=300
    )
    alone = execution.execute(tasks, skipped, {}, executor=executor(1))
    seen: list[Sweep] = []
    both = execution.execute(
        tasks, skipped, {}, executor=executor(2), on_sweep=seen.append
    )
    assert timeless(alone) == timeless(both)
    assert len(seen) == len(tasks)
    assert [s.expression for s in both.sweeps] == [t.expression for t in tasks]
    assert multiprocessing.active_children() == []


# With two: Ctrl-C below, too, which is a real one.
@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupt_keeps_what_is_finished(jobs: int) -> None:
    tasks, skipped = plan.plan(names=["exp", "log", "sin"], dtypes=["float32"])

    def interrupt(sweep: Sweep) -> None:
        raise KeyboardInterrupt

    found = execution.execute(
        tasks, skipped, {}, executor=executor(jobs), on_sweep=interrupt
    )
    assert found.interrupted
    assert len(found.sweeps) == 1
    assert multiprocessing.active_children() == []
    assert "Interrupted" in report.render(found)


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs `ps`")
def test_ctrl_c_ends_every_process_and_reports_what_is_finished(tmp_path: Path) -> None:
    done = tmp_path / "done.json"
    with start(
        *LONG_SURVEY,
        *("--format", "text", "--format", f"json={done}"),
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
    with start(*LONG_SURVEY, start_new_session=True) as process:
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
    """The processes of a group that have not ended; those that nobody has waited for
    have."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pgid=,stat=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [
        row[2] for row in rows if int(row[0]) == group and not row[1].startswith("Z")
    ]
