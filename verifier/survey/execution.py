"""The sweeps of a plan; the results do not depend on how many processes make them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence

from verifier.running.executors import Executor, Sequential
from verifier.survey.records import SurveyRecord, Sweep, SweepTask


def execute(
    tasks: Sequence[SweepTask],
    skipped: dict[str, str],
    environment: dict[str, str],
    *,
    executor: Executor | None = None,
    on_sweep: Callable[[Sweep], None] = lambda sweep: None,
) -> SurveyRecord:
    """The record of all tasks; interrupted from the keyboard, of those that were
    finished."""
    begun = time.perf_counter()
    sweeps: list[Sweep] = []
    interrupted = False
    running = run(tasks, executor or Sequential())
    try:
        for sweep in running:
            sweeps.append(sweep)
            on_sweep(sweep)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        running.close()
    first = tasks[0]
    return SurveyRecord(
        environment=environment,
        seed=first.seed,
        sample=first.sample,
        threshold_ulp=first.threshold_ulp,
        elapsed_s=time.perf_counter() - begun,
        sweeps=tuple(sweeps),
        skipped=skipped,
        interrupted=interrupted,
    )


def run(tasks: Sequence[SweepTask], executor: Executor) -> Generator[Sweep, None, None]:
    """The sweep of every task, in order. Closing the generator ends the survey."""
    return executor.map(sweep, tasks, _broken)


def sweep(task: SweepTask) -> Iterator[Sweep]:
    """The one sweep of a task; whatever goes wrong is its result, not the end of the
    survey."""
    # SymPy and torch are imported here: bad input is answered before either has loaded.
    from verifier.running.isolation import isolated
    from verifier.survey import sweep as sweeping

    try:
        with isolated():
            swept = sweeping.run(task)
    except Exception as error:
        yield from _broken(task, f"{type(error).__name__}: {error}")
    else:
        yield swept


def _broken(task: SweepTask, message: str) -> Iterator[Sweep]:
    yield Sweep(
        operation=task.operation,
        expression=task.expression,
        dtype=task.dtype,
        error=message,
    )
