"""The sweeps of a plan, by as many processes as are wanted; the results do not depend on their number."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager

from verifier.survey.records import SurveyRecord, Sweep, SweepTask

PATIENCE_S = 10.0
"""How long a process that was told to end may take."""


def default_jobs(tasks: Sequence[SweepTask]) -> int:
    """The CPUs that this process may use, but no more than there are tasks."""
    available = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    return max(1, min(available, len(tasks)))


def execute(
    tasks: Sequence[SweepTask],
    skipped: dict[str, str],
    environment: dict[str, str],
    *,
    jobs: int = 1,
    on_sweep: Callable[[Sweep], None] = lambda sweep: None,
) -> SurveyRecord:
    """The record of all tasks; interrupted from the keyboard, of those that were finished."""
    begun = time.perf_counter()
    done: dict[int, Sweep] = {}
    interrupted = False
    found = _one_by_one(tasks) if jobs == 1 else _side_by_side(tasks, jobs)
    try:
        for index, sweep in found:
            done[index] = sweep
            on_sweep(sweep)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        found.close()
    first = tasks[0]
    return SurveyRecord(
        environment=environment,
        seed=first.seed,
        sample=first.sample,
        threshold_ulp=first.threshold_ulp,
        elapsed_s=time.perf_counter() - begun,
        sweeps=tuple(done[index] for index in sorted(done)),
        skipped=skipped,
        interrupted=interrupted,
    )


Found = Generator[tuple[int, Sweep], None, None]
"""Sweeps with the places of their tasks, as they are finished."""


def _one_by_one(tasks: Sequence[SweepTask]) -> Found:
    for index, task in enumerate(tasks):
        yield index, sweep(task)


def _side_by_side(tasks: Sequence[SweepTask], jobs: int) -> Found:
    """The sweeps by processes of their own, none of which outlives the generator."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
    )
    try:
        with _interrupts_ignored():  # as the processes do that are started here
            places = {pool.submit(sweep, task): i for i, task in enumerate(tasks)}
        for future in as_completed(places):
            place = places[future]
            try:
                yield place, future.result()
            except BrokenExecutor as error:
                yield place, _broken(tasks[place], f"its process ended: {error}")
        pool.shutdown()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        left = set(multiprocessing.active_children()) - others
        for child in left:
            child.terminate()
        for child in left:
            child.join(PATIENCE_S)


def _begin() -> None:
    """Leaves Ctrl-C to the parent, and ends with it, whatever it dies of."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Bound here: while a task runs, `os._exit` is an exception.
    threading.Thread(target=_end_with_parent, args=(os._exit,), daemon=True).start()


def _end_with_parent(leave: Callable[[int], object]) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        leave(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """What is started meanwhile inherits it, and leaves it to this process to end on Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def sweep(task: SweepTask) -> Sweep:
    """The sweep of one task; whatever goes wrong is its result, not the end of the survey."""
    # SymPy and torch are imported here: bad input is answered before either has loaded.
    from verifier.running.isolation import isolated
    from verifier.survey import sweep as sweeping

    try:
        with isolated():
            return sweeping.run(task)
    except Exception as error:
        return _broken(task, f"{type(error).__name__}: {error}")


def _broken(task: SweepTask, message: str) -> Sweep:
    return Sweep(
        operation=task.operation,
        expression=task.expression,
        dtype=task.dtype,
        exhaustive=False,
        points=0,
        checked=0,
        accuracies=(),
        failures={},
        error=message,
        elapsed_s=0.0,
        stages_s={},
    )
