"""A run of many units: each from its case to its results, and all of them in one
record."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Collection, Iterator, MutableMapping, Sequence
from functools import partial
from typing import Any

from verifier import interrupts, releases
from verifier.records import Disagreement, Result, RunRecord, Verdict
from verifier.running.disagreement import between
from verifier.running.executors import Executor, Sequential
from verifier.running.isolation import isolated
from verifier.running.units import Unit, count

MOST_KEPT = 4
"""True sides that a store of a run keeps: cases come one after the other, each in its
dtypes."""

OnPoint = Callable[[str, int, int], None]
"""Hears of which result how many points of how many are judged; none, as it begins."""
Heard = Callable[[int, int], None]
"""The same of one result."""
Outcome = Result | Disagreement


class Recent(dict[str, Any]):
    """A store of the true sides that were used last."""

    def __setitem__(self, key: str, side: Any) -> None:
        super().__setitem__(key, side)
        while len(self) > MOST_KEPT:
            del self[next(iter(self))]


def execute(
    units: Sequence[Unit],
    *,
    seed: int = 0,
    fail_fast: bool = False,
    accepted: Collection[Verdict] = (),
    on_result: Callable[[Result], None] | None = None,
    on_point: OnPoint | None = None,
    executor: Executor | None = None,
) -> RunRecord:
    """The record of all units; interrupted from the keyboard, of those results that
    were finished.

    With `fail_fast` the run ends at the first result that differs and is not
    `accepted`, or could not be run. `on_point` hears how far the result in hand is.
    """
    begun = time.perf_counter()
    results: list[Result] = []
    disagreements: list[Disagreement] = []
    interrupted = False
    outcomes = run(units, executor or Sequential(), seed=seed, on_point=on_point)
    try:
        for outcome in outcomes:
            if isinstance(outcome, Disagreement):
                disagreements.append(outcome)
                continue
            results.append(outcome)
            if on_result is not None:
                on_result(outcome)
            if fail_fast and _is_failure(outcome, accepted):
                break
    except KeyboardInterrupt as interrupt:
        interrupted = True
        # `verify.Interrupted` has one, which is not imported before a case runs.
        unfinished = getattr(interrupt, "result", None)
        if unfinished is not None:
            results.append(unfinished)
            if on_result is not None:
                on_result(unfinished)
    finally:
        outcomes.close()
    return RunRecord(
        environment=environment(units),
        seed=seed,
        elapsed_s=time.perf_counter() - begun,
        results=tuple(results),
        planned=count(units),
        interrupted=interrupted,
        disagreements=tuple(disagreements),
    )


def run(
    units: Sequence[Unit],
    executor: Executor,
    *,
    seed: int = 0,
    on_point: OnPoint | None = None,
) -> Any:
    """The results of every unit in order, each after its disagreement with the first
    route of its unit. Closing the generator ends the run."""
    verify = partial(verify_unit, seed=seed, store=Recent(), on_point=on_point)
    return executor.map(verify, units, _broken)


def verify_unit(
    unit: Unit,
    *,
    seed: int = 0,
    store: MutableMapping[str, Any] | None = None,
    on_point: OnPoint | None = None,
) -> Iterator[Outcome]:
    """The result of each route of a unit, and where a route gives other numbers than
    the first one."""
    session = _Session(unit, seed, {} if store is None else store)
    first: Any = None
    for route, name in zip(unit.routes, unit.ids, strict=True):
        hear = None if on_point is None else partial(on_point, name)
        if hear is not None:
            hear(0, 0)
        verified = session.verify(route, hear)
        if first is None:
            first = verified if verified.measured is not None else None
        elif (disagreement := between(first, verified)) is not None:
            yield disagreement
        yield verified.result


def verify_alone(
    unit: Unit, *, seed: int = 0, store: MutableMapping[str, Any] | None = None
) -> Result:
    """The result of a unit of one route."""
    (result,) = verify_unit(unit, seed=seed, store=store)
    assert isinstance(result, Result)
    return result


class _Session:
    """The routes of a unit, one after the other, which share its points and its
    subject."""

    def __init__(self, unit: Unit, seed: int, store: MutableMapping[str, Any]) -> None:
        self.unit, self.seed, self.store = unit, seed, store
        self.prepared: Any = None

    def verify(self, route: str, on_point: Heard | None) -> Any:
        """The result by one route, with nothing from outside in it; one that cannot be
        run is a result too, not the end of the run. But a user may end it."""
        # SymPy and torch are imported here: bad input is answered before either has
        # loaded.
        with isolated(), interrupts.watched():
            try:
                verified = self._verify(route, on_point)
            except BaseException as error:
                if interrupts.is_received():
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    raise KeyboardInterrupt from error
                if not isinstance(error, Exception) and not self.unit.has_subject:
                    raise
                from verifier.verification.result import failed

                return failed(self.unit.case, self.unit.dtype, route, error)
            if interrupts.is_received():  # and a callable has made nothing of it
                raise KeyboardInterrupt
            return verified

    def _verify(self, route: str, on_point: Heard | None) -> Any:
        unit = self.unit
        if unit.case.tensors is not None:
            return self._verify_tensors(route, on_point)
        from verifier.verification.better import offered
        from verifier.verification.prepare import Prepared, Setting
        from verifier.verification.verify import verify

        if self.prepared is None:
            self.prepared = Prepared(
                unit.case,
                unit.dtype,
                function=unit.function,
                allowed=unit.allowed,
                store=self.store,
            )
        setting = Setting(
            route=route,
            layout=unit.layout,
            device=unit.device,
            report_all=unit.report_all,
        )
        done = verify(self.prepared, setting, seed=self.seed, on_point=on_point)
        return offered(self.prepared, setting, done)

    def _verify_tensors(self, route: str, on_point: Heard | None) -> Any:
        from verifier.verification.tensors.bench import Setting
        from verifier.verification.tensors.verify import verify

        unit = self.unit
        setting = Setting(
            case=unit.case,
            dtype=unit.dtype,
            route=route,
            function=unit.function,
            given=unit.given,
            allowed=unit.allowed,
            device=unit.device,
            seed=self.seed,
            report_all=unit.report_all,
        )
        return verify(setting, on_point=on_point)


def _broken(unit: Unit, reason: str) -> Iterator[Outcome]:
    """The results of a unit whose process ended."""
    from verifier.verification.result import failed

    for route in unit.routes:
        yield failed(unit.case, unit.dtype, route, RuntimeError(reason)).result


def _is_failure(result: Result, accepted: Collection[Verdict]) -> bool:
    excused = result.verdict.family == "undecided" or result.verdict in accepted
    return not result.as_expected and (bool(result.broken) or not excused)


def environment(units: Sequence[Unit] = ()) -> dict[str, str]:
    """Versions of everything that a result depends on, and where and how PyTorch
    computes."""
    from verifier.automatic.layouts import processor

    device = units[0].device if units else "cpu"
    known = {
        "verifier": releases.installed("gradient-verifier"),
        "torch": releases.installed("torch"),
        "sympy": releases.installed("sympy"),
        "python_flint": releases.installed("python-flint"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "processor": processor(device),
    }
    if units and units[0].layout != "batch":
        known["layout"] = units[0].layout
    return known
