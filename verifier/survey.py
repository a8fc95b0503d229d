"""The survey: how accurate PyTorch's values and gradients are, for every operation of the table.

What is to be surveyed, and by how many processes; what is done to one operation is in `survey_sweep`. The results do
not depend on the number of processes.
"""

from __future__ import annotations

import fnmatch
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager

from verifier.errors import ExpressionError, SelectionError, UsageError, suggest
from verifier.floats import FORMATS
from verifier.language import expression, operations
from verifier.language.case import ROUTES
from verifier.language.operations import Operation, Sort
from verifier.survey_records import SurveyRecord, Sweep, SweepTask

DRAWN_POINTS = 4_000
"""Points drawn of an operation that is sampled."""
MOST_POINTS = 1_000_000
THRESHOLD_ULP = 8.0
"""Errors above this are told as inaccurate, with the region where they lie."""
PATIENCE_S = 10.0
"""How long a process that was told to end may take."""
CONSTANTS = (1, 2, 3)
"""Values of an operand that must be an integer constant."""


def plan(
    *,
    names: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    routes: Sequence[str] = (),
    seed: int = 0,
    sample: int = DRAWN_POINTS,
) -> tuple[list[SweepTask], dict[str, str]]:
    """The tasks, in the order of the table, and why each operation without one is left out.

    Raises `UsageError` for a dtype, route or number of points that there is not, and `SelectionError` where a name
    selects nothing, or all together do.
    """
    _check("--dtype", dtypes, FORMATS)
    _check("--route", routes, ROUTES[1])
    if not 1 <= sample <= MOST_POINTS:
        raise UsageError(f"--points: expected 1 to {MOST_POINTS}, found {sample}.")
    tasks: list[SweepTask] = []
    skipped: dict[str, str] = {}
    for row in _selected(names):
        forms, reason = _forms(row)
        if reason is not None:
            skipped[row.name] = reason
        tasks += [
            SweepTask(
                operation=row.name,
                expression=text,
                operands=expression.parse(text, variables=row.operands).inputs,
                dtype=dtype,
                routes=tuple(dict.fromkeys(routes)) or ROUTES[1][:1],
                seed=seed,
                sample=sample,
                threshold_ulp=THRESHOLD_ULP,
            )
            for text in forms
            for dtype in dict.fromkeys(dtypes or FORMATS)
        ]
    if not tasks:
        reasons = "; ".join(f"`{name}`: {skipped[name]}" for name in skipped)
        raise SelectionError(f"nothing is left to survey. {reasons}.")
    return tasks, skipped


def _check(option: str, found: Sequence[str], known: Iterable[str]) -> None:
    names = list(known)
    for name in found:
        if name not in names:
            near = suggest(name, names)
            hint = f" Did you mean `{near}`?" if near else ""
            raise UsageError(
                f"{option}: expected one of {', '.join(names)}, found `{name}`.{hint}"
            )


def _selected(names: Sequence[str]) -> list[Operation]:
    rows = list(operations.OPERATIONS.values())
    for name in names:
        if not any(_is_named(row, name) for row in rows):
            known = [alias for row in rows for alias in (row.name, *row.aliases)]
            near = suggest(name, known)
            hint = f" Did you mean `{near}`?" if near else ""
            raise SelectionError(
                f"--operation: no operation is called `{name}`.{hint} `verifier operations` lists them."
            )
    return [
        row for row in rows if not names or any(_is_named(row, name) for name in names)
    ]


def _is_named(row: Operation, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in (row.name, *row.aliases))


def _forms(row: Operation) -> tuple[list[str], str | None]:
    """The expressions through which an operation is surveyed, or why it is not."""
    if row.result is Sort.CONDITION:
        return [], "its result is a condition, which has no derivative"
    if Sort.CONDITION in row.sorts:
        return [], "one of its operands is a condition"
    whole = _form(row, row.operands)
    if _is_readable(whole, row):
        return [whole], None
    # An operand that must be a constant: the order of `polygamma`.
    for place in range(len(row.operands)):
        texts = []
        for number in CONSTANTS:
            operands = list(row.operands)
            operands[place] = str(number)
            texts.append(_form(row, operands))
        readable = [text for text in texts if _is_readable(text, row)]
        if readable:
            return readable, None
    return [], f"`{whole}` is no expression"


def _form(row: Operation, operands: Sequence[str]) -> str:
    return f"{row.name}({', '.join(operands)})"


def _is_readable(text: str, row: Operation) -> bool:
    try:
        expression.parse(text, variables=row.operands)
    except ExpressionError:
        return False
    return True


# ── a run ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
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
    from verifier.survey_sweep import run

    try:
        return run(task)
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
