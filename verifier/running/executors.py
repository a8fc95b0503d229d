"""Who carries out units of work: one after the other, or processes side by side.

An executor takes a function from a unit to its results, and gives the results in the
order of the units, whatever the order in which they are carried out.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Set
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeVar

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")

PATIENCE_S = 10.0
"""How long a process that was told to end may take."""


class Executor(Protocol):
    """Carries out units."""

    def map(
        self,
        function: Callable[[Work], Iterable[Outcome]],
        units: Sequence[Work],
        broken: Callable[[Work, str], Iterable[Outcome]],
    ) -> Generator[Outcome, None, None]:
        """The results of every unit, in order; `broken` makes those of a unit whose
        process ended, of the reason. Closing the generator ends all work."""


class Sequential:
    """One unit after the other, in this process; each result is there once it is
    found."""

    def map(
        self,
        function: Callable[[Work], Iterable[Outcome]],
        units: Sequence[Work],
        broken: Callable[[Work, str], Iterable[Outcome]],
    ) -> Generator[Outcome, None, None]:
        del broken
        for unit in units:
            yield from function(unit)


class Processes:
    """Units side by side, by processes of their own, none of which outlives the
    work."""

    def __init__(self, count: int) -> None:
        self.count = count

    def map(
        self,
        function: Callable[[Work], Iterable[Outcome]],
        units: Sequence[Work],
        broken: Callable[[Work, str], Iterable[Outcome]],
    ) -> Generator[Outcome, None, None]:
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(
            self.count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
        )
        try:
            with _interrupts_postponed():  # as the processes do that are started here
                futures = [pool.submit(_listed, function, unit) for unit in units]
            for place, (unit, future) in enumerate(zip(units, futures, strict=True)):
                try:
                    yield from future.result()
                except BrokenExecutor as error:
                    yield from broken(unit, f"its process ended: {error}")
                except KeyboardInterrupt:
                    yield from _finished(futures[place:])
                    raise
            pool.shutdown()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            _end(set(multiprocessing.active_children()) - others)


def executor(count: int) -> Executor:
    """The executor of so many processes; of one, this process itself."""
    return Sequential() if count == 1 else Processes(count)


def available(units: int) -> int:
    """The CPUs that this process may use, but no more than there are units."""
    cpus = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    return max(1, min(cpus, units))


def _listed(function: Callable[[Work], Iterable[Outcome]], unit: Work) -> list[Outcome]:
    return list(function(unit))


def _finished(futures: Sequence[Future[list[Outcome]]]) -> Iterator[Outcome]:
    """What is there already, though something before it is not."""
    for future in futures:
        if future.done() and not future.cancelled() and future.exception() is None:
            yield from future.result()


def _end(children: Set[BaseProcess]) -> None:
    """Ends them, and waits until nothing is left of them.

    Not by `join`: the pool's own thread waits for them too, and for whom it is too late
    it says nothing.
    """
    for child in children:
        child.terminate()
    patience = time.monotonic() + PATIENCE_S
    while children & set(multiprocessing.active_children()):
        if time.monotonic() > patience:
            break
        time.sleep(0.01)


def _begin() -> None:
    """Leaves Ctrl-C to the parent, and ends with it, whatever it dies of."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Bound here: while a unit runs, `os._exit` is an exception.
    threading.Thread(target=_end_with_parent, args=(os._exit,), daemon=True).start()


def _end_with_parent(leave: Callable[[int], object]) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        leave(1)


@contextmanager
def _interrupts_postponed() -> Iterator[None]:
    """What is started meanwhile inherits it, and leaves Ctrl-C to this process, which
    hears of it at the end."""
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    resource_tracker.ensure_running()  # it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
