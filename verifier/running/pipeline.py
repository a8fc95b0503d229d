"""The stages in order: one task from case to result, and a run of many.

A task is one case in one dtype by one route. Its points go to PyTorch in one batch; each number that comes back is
judged against the truth at exactly the numbers that went in.
"""

from __future__ import annotations

import fnmatch
import platform
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from verifier import interrupts
from verifier.errors import (
    Place,
    SelectionError,
    UsageError,
    check_option,
    did_you_mean,
)
from verifier.floats import COMPLEX, DTYPES
from verifier.language.casefile.case import (
    COMPLEX_ROUTES,
    LAYOUTS,
    ROUTE_ALIASES,
    ROUTES,
    Case,
)
from verifier.records import Result, RunRecord, Verdict
from verifier.running.disagreement import Ledger
from verifier.running.isolation import isolated


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One case in one dtype by one route."""

    case: Case
    dtype: str
    route: str = "reverse"
    function: Callable[..., Any] | None = None
    """A callable to verify in the place of the case's formula or subject."""
    allowed: tuple[str, ...] = ()
    """Modules, beside those that `pyproject.toml` allows, from which a subject may be imported."""
    layout: str = "batch"
    device: str = "cpu"
    tell_all: bool = False
    """Whether the result holds every comparison."""

    @property
    def id(self) -> str:
        """`FILE::NAME dtype route`."""
        return f"{self.case.id} {self.dtype} {self.route}"

    @property
    def has_subject(self) -> bool:
        """Whether a callable of the user's is run."""
        return self.function is not None or self.case.subject is not None


def plan(
    cases: Sequence[Case],
    *,
    dtypes: Sequence[str] = (),
    names: Sequence[str] = (),
    tags: Sequence[str] = (),
    routes: Sequence[str] = (),
    orders: Sequence[int] = (),
    points: int | None = None,
    allowed: Sequence[str] = (),
    layout: str = "batch",
    device: str = "cpu",
    tell_all: bool = False,
    working: Path | None = None,
) -> list[Task]:
    """The tasks that the selection leaves, in file order; names may be globs, `NAME` or `FILE::NAME`.

    Subjects are imported where the project of the `working` folder, the current one by default, or `allowed` lets them.
    Raises `SelectionError` where a name, tag or dtype selects nothing: a typo must not verify nothing in silence;
    `UsageError` for a route, layout or device that is not there; `SubjectError` where a subject is not allowed or
    cannot be imported.
    """
    routes = list(dict.fromkeys(ROUTE_ALIASES.get(route, route) for route in routes))
    check_option("--dtype", dtypes, DTYPES)
    if points is not None and points < 1:
        raise UsageError(f"--points: expected at least 1, found {points}.")
    for name in names:
        if not any(_is_named(case, name) for case in cases):
            raise SelectionError(_nothing("case", name, [case.name for case in cases]))
    known_tags = {tag for case in cases for tag in case.tags}
    for tag in tags:
        if tag not in known_tags:
            raise SelectionError(_nothing("tag", tag, sorted(known_tags)))
    _check_routes(routes)
    _check_layout(layout)
    tasks = [
        Task(
            case=chosen,
            dtype=dtype,
            route=route,
            allowed=tuple(allowed),
            layout=layout,
            device=device,
            tell_all=tell_all,
        )
        for chosen in (
            case if points is None else _with_points(case, points) for case in cases
        )
        if not names or any(_is_named(chosen, name) for name in names)
        if not tags or any(tag in chosen.tags for tag in tags)
        if not orders or chosen.order in orders
        for dtype in chosen.dtypes
        if not dtypes or dtype in dtypes
        for route in _routes_of(chosen, routes)
        if dtype not in COMPLEX or route in COMPLEX_ROUTES
    ]
    if not tasks:
        raise SelectionError("no case is left by all options of selection together")
    if layout != "batch" or device != "cpu":
        _check_real(tasks)
    if device != "cpu":
        from verifier.verification.work import check_device

        check_device(device)
    return _with_subjects(tasks, working)


def _with_subjects(tasks: Sequence[Task], working: Path | None) -> list[Task]:
    """The tasks with what each may import, once all their subjects were found; each mistake is told once."""
    if all(task.case.subject is None for task in tasks):
        return list(tasks)
    from verifier.automatic.subjects import SubjectError, load, permitted

    found: list[Task] = []
    places: dict[str, list[Place]] = {}
    tried: set[tuple[str, str | None]] = set()
    with isolated(), interrupts.watched():
        for task in tasks:
            case = task.case
            if case.subject is None:
                found.append(task)
                continue
            allowed = (*permitted(case.place.file, working), *task.allowed)
            found.append(replace(task, allowed=allowed))
            if (case.subject, case.place.file) in tried:
                continue
            tried.add((case.subject, case.place.file))
            try:
                load(case.subject, allowed)
            except SubjectError as error:
                places.setdefault(error.message, []).append(case.place)
    if not places:
        return found
    told: list[str] = []
    for message, where in places.items():
        others = len({place.case for place in where}) - 1
        more = f" So it is of {others} more." if others else ""
        place = replace(where[0], key="subject", column=None)
        told.append(f"{place}: {message}{more}")
    raise SubjectError("\n".join(told))


def _check_real(tasks: Sequence[Task]) -> None:
    for task in tasks:
        if task.dtype in COMPLEX:
            raise UsageError(
                f"--layout, --device: expected real dtypes, found {task.dtype} in {task.case.id}. "
                "Select others by --dtype."
            )


def _check_layout(layout: str) -> None:
    check_option("--layout", [layout], LAYOUTS)


def _check_routes(routes: Sequence[str]) -> None:
    known = [route for of_order in ROUTES.values() for route in of_order]
    known += ROUTE_ALIASES
    check_option("--route", routes, known)


def _routes_of(case: Case, routes: Sequence[str]) -> Sequence[str]:
    """The routes asked for that fit the case's order; without any, its own."""
    if not routes or case.descent is not None:
        return case.routes
    return [route for route in routes if route in ROUTES[case.order]]


def _is_named(case: Case, name: str) -> bool:
    return name in (case.name, case.id) or any(
        fnmatch.fnmatchcase(own, name) for own in (case.name, case.id)
    )


def _nothing(what: str, found: str, known: Sequence[str]) -> str:
    return f"no {what} is called `{found}`.{did_you_mean(found, known)}"


def _with_points(case: Case, count: int) -> Case:
    return replace(case, points=count, many=False) if case.domains else case


# ── a run ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def execute(
    tasks: Sequence[Task],
    *,
    seed: int = 0,
    fail_fast: bool = False,
    accepted: Collection[Verdict] = (),
    on_result: Callable[[Result], None] | None = None,
    on_point: Callable[[int, int], None] | None = None,
) -> RunRecord:
    """The record of all tasks; interrupted from the keyboard, of those that were finished.

    With `fail_fast` the run ends at the first result that differs and is not `accepted`, or could not be run.
    `on_point` hears how many points of how many are judged of the task in hand.
    """
    begun = time.perf_counter()
    results: list[Result] = []
    interrupted = False
    verifier = Verifier()
    ledger = Ledger()
    try:
        for task in tasks:
            found = verifier.verify(task, seed=seed, on_point=on_point)
            result = ledger.add(found)
            results.append(result)
            if on_result is not None:
                on_result(result)
            if fail_fast and _is_failure(result, accepted):
                break
    except KeyboardInterrupt as interrupt:
        interrupted = True
        # `verification.Interrupted` has one, which is not imported before a case runs.
        unfinished = getattr(interrupt, "result", None)
        if unfinished is not None:
            results.append(replace(unfinished, measured=None))
            if on_result is not None:
                on_result(unfinished)
    return RunRecord(
        environment=environment(tasks),
        seed=seed,
        elapsed_s=time.perf_counter() - begun,
        results=tuple(results),
        planned=len(tasks),
        interrupted=interrupted,
        disagreements=tuple(ledger.found),
    )


def _is_failure(result: Result, accepted: Collection[Verdict]) -> bool:
    excused = result.verdict.family == "undecided" or result.verdict in accepted
    return not result.as_expected and (bool(result.broken) or not excused)


def verify_task(task: Task, *, seed: int = 0) -> Result:
    """The result of one task; the dtypes of a case, verified one after the other, share its derivative."""
    return replace(_shared.verify(task, seed=seed), measured=None)


def environment(tasks: Sequence[Task] = ()) -> dict[str, str]:
    """Versions of everything that a result depends on, and where and how PyTorch computes."""
    found = {
        "verifier": _version("gradient-verifier"),
        "torch": _version("torch"),
        "sympy": _version("sympy"),
        "python_flint": _version("python-flint"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": tasks[0].device if tasks else "cpu",
    }
    if tasks and tasks[0].layout != "batch":
        found["layout"] = tasks[0].layout
    return found


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


class Verifier:
    """Verifies tasks one after the other; keeps the symbolic derivative of the last case for its other dtypes."""

    def __init__(self) -> None:
        self._case: Case | None = None
        self._function: Callable[..., Any] | None = None

    def verify(
        self,
        task: Task,
        *,
        seed: int = 0,
        on_point: Callable[[int, int], None] | None = None,
    ) -> Result:
        """The result of one task."""
        with isolated(), interrupts.watched():
            try:
                result = self._verify(task, seed, on_point)
            except BaseException as error:
                # One case's failure is that case's result, not the end of the run; but a user may end it.
                if interrupts.is_received():
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    raise KeyboardInterrupt from error
                if not isinstance(error, Exception) and not task.has_subject:
                    raise
                return _failed(task, error)
            if interrupts.is_received():  # and a callable has made nothing of it
                raise KeyboardInterrupt
            return result

    def _verify(
        self, task: Task, seed: int, on_point: Callable[[int, int], None] | None
    ) -> Result:
        # SymPy and torch are imported here: bad input is answered before either has loaded.
        from verifier.verification import complex_work as complex_verification
        from verifier.verification.work import Prepared, verify

        if task.dtype in COMPLEX:
            return complex_verification.verify(
                task.case,
                dtype=task.dtype,
                route=task.route,
                seed=seed,
                function=task.function,
                allowed=task.allowed,
                tell_all=task.tell_all,
            )
        if self._case is not task.case or self._function is not task.function:
            self._prepared = Prepared(
                task.case, function=task.function, allowed=task.allowed
            )
            self._case, self._function = task.case, task.function
        return verify(
            self._prepared,
            dtype=task.dtype,
            route=task.route,
            seed=seed,
            layout=task.layout,
            device=task.device,
            tell_all=task.tell_all,
            on_point=on_point,
        )


def _failed(task: Task, error: BaseException) -> Result:
    from verifier.verification.work import failed

    return failed(task.case, dtype=task.dtype, route=task.route, error=error)


_shared = Verifier()
