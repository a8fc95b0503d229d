"""Units may travel: each is its own message, and their order of execution changes
nothing."""

from __future__ import annotations

import pickle
import random
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pytest
from places import CASES

import verifier
from verifier.fields import COMPLEX, REAL
from verifier.language.casefile.loading import from_mapping, load_paths
from verifier.records import RunRecord
from verifier.running.executors import Executor, Processes, Sequential
from verifier.running.plan import plan
from verifier.running.run import execute, verify_unit
from verifier.running.units import Unit
from verifier.verification.prepare import prepare

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")


class Shuffled:
    """Carries out pickled copies of the units in another order."""

    def map(
        self,
        function: Callable[[Work], Iterable[Outcome]],
        units: Sequence[Work],
        broken: Callable[[Work, str], Iterable[Outcome]],
    ) -> Generator[Outcome, None, None]:
        order = list(range(len(units)))
        random.Random(0).shuffle(order)
        outcomes = {
            place: list(function(pickle.loads(pickle.dumps(units[place]))))
            for place in order
        }
        for place in range(len(units)):
            yield from outcomes[place]


def bare(record: RunRecord) -> RunRecord:
    """A record without its times."""
    results = [replace(r, elapsed_s=0.0, stages_s={}) for r in record.results]
    return replace(record, elapsed_s=0.0, results=tuple(results))


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    second = load_paths([CASES / "second-order.toml"])
    cases = load_paths([CASES / "notebook.toml"])
    cases += [case for case in second if case.name == "sigmoid-curvature"]
    cases += [
        from_mapping({"expression": "x*exp(x)", "at": {"x": at}, "dtype": "complex64"})
        for at in ("1+2j", "-3+0.5j")
    ]
    return plan(cases)


@pytest.fixture(scope="module")
def one_by_one(units: list[Unit]) -> RunRecord:
    return bare(execute(units, executor=Sequential()))


@pytest.mark.parametrize(
    "executor", [Shuffled(), Processes(2)], ids=["shuffled", "processes"]
)
def test_the_record_is_the_same_whoever_carries_out_the_units(
    executor: Executor, units: list[Unit], one_by_one: RunRecord
) -> None:
    assert len(one_by_one.results) > 12
    assert one_by_one.disagreements
    assert bare(execute(units, executor=executor)) == one_by_one


def test_a_unit_whose_process_ends_is_an_error_and_not_the_end_of_the_run() -> None:
    cases = [
        from_mapping({"expression": "x", "at": {"x": 1}, "dtype": "float32"})
        for _ in range(2)
    ]
    units = [replace(unit, function=kill) for unit in plan(cases)]
    record = execute(units, executor=Processes(1))
    assert [result.verdict.value for result in record.results] == ["error.run"] * 2
    assert "its process ended" in (record.results[0].message or "")


def test_what_is_finished_when_the_user_interrupts_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = Future.result

    def interrupted(self: Future[list[int]], timeout: float | None = None) -> list[int]:
        if not self.done():
            wait_for(others)
            raise KeyboardInterrupt
        return waits(self, timeout)

    others: list[Future[list[int]]] = []
    submit = ProcessPoolExecutor.submit

    def submitted(self, function, *arguments):  # type: ignore[no-untyped-def]
        future = submit(self, function, *arguments)
        others.append(future)
        return future

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submitted)
    monkeypatch.setattr(Future, "result", interrupted)
    outcomes = Processes(2).map(nap, [60, 0, 0], lambda unit, reason: [])
    assert [next(outcomes), next(outcomes)] == [0, 0]
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)


def wait_for(futures: list[Future[list[int]]]) -> None:
    """Until all but the first are done."""
    while not all(future.done() for future in futures[1:]):
        time.sleep(0.05)


def nap(seconds: int) -> list[int]:
    time.sleep(seconds)
    return [seconds]


def kill(x: object) -> object:
    """Ends its process, as a crash in C does."""
    import ctypes

    ctypes.string_at(0)
    return x


@pytest.mark.parametrize(
    ("case", "field"),
    [
        ({"expression": "x**2*y + where(x > 1, sin(x), y)", "order": 2}, REAL),
        ({"expression": "x*exp(y)", "dtype": "complex64"}, COMPLEX),
    ],
)
def test_what_is_true_of_a_case_survives_pickling(case: dict, field: object) -> None:
    asked = from_mapping({**case, "at": {"x": 2, "y": 3}})
    side = prepare(asked, field, {})
    copy = pickle.loads(pickle.dumps(side))
    point = {"x": 2.0, "y": 3.0}
    format_ = field.formats[asked.dtypes[0]]
    assert copy.truths(point, 1.0, format_) == side.truths(point, 1.0, format_)


def test_what_is_true_depends_on_the_program_what_it_is_differentiated_by_and_the_order() -> (
    None
):
    store: dict = {}
    at = {"x": 2, "y": 3}
    cases = [
        {"expression": "x*y", "at": at},
        {"expression": "x*y", "at": {"x": 5, "y": 7}, "upstream": 3, "name": "other"},
        {"expression": "x*y", "at": at, "wrt": ["y"]},
        {"expression": "x*y", "at": at, "order": 2},
        {"expression": "y*x", "at": at},
    ]
    sides = [prepare(from_mapping(case), REAL, store) for case in cases]
    assert sides[0] is sides[1]
    assert len({id(side) for side in sides}) == len(store) == 4


def test_a_unit_yields_the_results_of_its_routes_in_order() -> None:
    case = from_mapping(
        {"expression": "sin(x)", "at": {"x": 1}, "routes": ["func", "reverse"]}
    )
    (unit, _) = plan([case])
    assert [result.route for result in verify_unit(unit)] == ["func", "reverse"]
    assert [result.route for result in verifier.verify(unit).results] == [
        "func",
        "reverse",
    ]
