"""One operation in one dtype: its points, the truth at all of them, what PyTorch computes, and how far that is off."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from verifier.automatic import routes
from verifier.floats import FORMATS, Format, decimal, shortest
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation
from verifier.language.points.domains import Domain
from verifier.language.programs import parsing
from verifier.language.programs.program import Program
from verifier.records import VALUE, Entry, Measurement, Truth, TruthStatus
from verifier.survey import points as survey_points
from verifier.survey import regions as survey_regions
from verifier.survey.records import Accuracy, Region, Sweep, SweepTask, Worst
from verifier.survey.statistics import Tally
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.truth.many_points import Bulk, RoundedTruth, Truths, truth_of
from verifier.symbolic.truth.oracle import Oracle

MOST_EDGES = 100
"""Points of one sweep at which a limit is looked for, infinities and zeros apart: `floor` has half of all numbers."""
MOST_SLOW = 2_000
"""Points of a sweep whose truth is known to the oracle alone, which takes a millisecond for each."""
LONG = 64
"""Points of a tensor that goes through PyTorch's vector kernels."""
MOST_REASONS = 3
"""Reasons why points of one number are undecided that are told."""
MOST_DISPUTED = 5
"""Worst points in a row at which the derivations disagree, past which the truth is worth nothing."""
UPSTREAM = 1.0
TRIED = 0.5
"""The input at which a route is tried: whether PyTorch has a kernel depends on the dtype alone."""


class OracleError(Exception):
    """The derivations of the truth disagree: nothing can be said of PyTorch."""


Point = Mapping[str, float]


def run(task: SweepTask) -> Sweep:
    """The sweep of one task."""
    watch = _Stopwatch()
    format_ = FORMATS[task.dtype]
    row = operations.OPERATIONS[task.operation]
    program = parsing.parse(task.expression, variables=row.tensors)
    measures = {route: _measuring(task, program, route) for route in task.routes}
    with watch.stage("automatic"):
        failures = dict(_failures(task, measures))
    if len(failures) == len(measures):
        return _refused(task, failures, watch)
    with watch.stage("symbolic"):
        bulk = Bulk(Oracle(program, task.operands))
    with watch.stage("points"):
        points = _points(task, row, bulk, format_)
    with watch.stage("truth"):
        most = MOST_EDGES if bulk.is_fast else MOST_SLOW
        truths = bulk.truths(points, UPSTREAM, format_, most_asked=most)
    accuracies: list[Accuracy] = []
    for route, measure in measures.items():
        if route in failures:
            continue
        with watch.stage("automatic"):
            found = measure(points)
        if found.failure is not None:
            failures[route] = found.failure
            continue
        with watch.stage("statistics"):
            held = _Held(
                bulk, points, truths, format_, measure, threshold=task.threshold_ulp
            )
            accuracies += held.accuracies(route, found)
    return Sweep(
        operation=task.operation,
        expression=task.expression,
        dtype=task.dtype,
        exhaustive=_is_exhaustive(task),
        points=len(points),
        checked=truths.checked,
        accuracies=tuple(accuracies),
        failures=failures,
        error=None,
        elapsed_s=watch.elapsed_s,
        stages_s=watch.seconds,
    )


Measure = Callable[[Sequence[Point]], Measurement]
"""What PyTorch computes at points, by one route."""


def _failures(
    task: SweepTask, measures: Mapping[str, Measure]
) -> Iterator[tuple[str, str]]:
    """The routes by which PyTorch computes nothing in this dtype, and what it says at a single point."""
    for route, measure in measures.items():
        found = measure([dict.fromkeys(task.operands, TRIED)])
        if found.failure is not None:
            yield route, found.failure


def _refused(task: SweepTask, failures: dict[str, str], watch: _Stopwatch) -> Sweep:
    """The sweep of what PyTorch does not compute: the truth need not be known."""
    return Sweep(
        operation=task.operation,
        expression=task.expression,
        dtype=task.dtype,
        exhaustive=False,
        points=0,
        checked=0,
        accuracies=(),
        failures=failures,
        error=None,
        elapsed_s=watch.elapsed_s,
        stages_s=watch.seconds,
    )


def _measuring(task: SweepTask, program: Program, route: str) -> Measure:
    def measure(points: Sequence[Point]) -> Measurement:
        return routes.measure(
            program,
            points,
            UPSTREAM,
            dtype=task.dtype,
            wrt=task.operands,
            route=route,
        )

    return measure


@dataclass(slots=True)
class _Stopwatch:
    begun: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.begun

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


# ── points ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_exhaustive(task: SweepTask) -> bool:
    return len(task.operands) == 1 and task.dtype in survey_points.EXHAUSTIVE


def _points(
    task: SweepTask, row: Operation, bulk: Bulk, format_: Format
) -> list[Point]:
    domains = {
        name: survey_points.domain_of(row.domain[row.operands.index(name)])
        for name in task.operands
    }
    if _is_exhaustive(task):
        ((name, domain),) = domains.items()
        return [{name: x} for x in survey_points.exhaustive(domain, format_)]
    if len(domains) == 1:
        ((name, domain),) = domains.items()
        probe = _probe(bulk, name, format_)
        column = survey_points.sampled(
            row, name, domain, format_, task.sample, task.seed, probe
        )
        return [{name: x} for x in column]
    return _several(task, row, domains, format_)


def _several(
    task: SweepTask,
    row: Operation,
    domains: Mapping[str, Domain],
    format_: Format,
) -> list[Point]:
    """Drawn points of several operands, and combinations of boundary values."""
    columns = []
    for name, domain in domains.items():
        drawn = survey_points.drawn(
            row.name, name, domain, format_, task.sample, task.seed
        )
        # In another order for each operand: drawn by ordinal or by value, in all combinations.
        random.Random(f"{task.seed}:{name}").shuffle(drawn)
        columns.append(drawn)
    edges = [survey_points.boundary(row, d, format_) for d in domains.values()]
    found = dict.fromkeys((*zip(*columns, strict=True), *survey_points.corners(edges)))
    return [dict(zip(domains, values, strict=True)) for values in found]


def _probe(bulk: Bulk, name: str, format_: Format) -> survey_points.Probe:
    """What kind of numbers value and gradient are: zero, subnormal, normal, the one at an end of the domain, beyond."""
    ends: set[float] = set()

    def kind(entry: RoundedTruth, *, is_value: bool) -> str:
        if isinstance(entry, Truth):
            return "edge"
        size = abs(entry.nearest)
        if math.isinf(size):
            return "beyond"
        if size < format_.smallest_normal:
            return "subnormal" if size else "zero"
        return "saturated" if is_value and entry.nearest in ends else "normal"

    def probe(inputs: Sequence[float]) -> list[tuple[str, str]]:
        found = bulk.truths(
            [{name: x} for x in inputs], UPSTREAM, format_, checked_every=None
        )
        values = found.columns[VALUE]
        if not ends:
            outermost = (values[0], values[-1])
            ends.update(e.nearest for e in outermost if isinstance(e, Rounded))
        columns = zip(values, found.columns[_entry(name)], strict=True)
        return [
            (kind(value, is_value=True), kind(slope, is_value=False))
            for value, slope in columns
        ]

    return probe


# ── how far off ──────────────────────────────────────────────────────────────────────────────────────────────────────


class _Held:
    """What PyTorch computed, held against the truth."""

    def __init__(
        self,
        bulk: Bulk,
        points: Sequence[Point],
        truths: Truths,
        format_: Format,
        measure: Measure,
        *,
        threshold: float,
    ) -> None:
        self.bulk, self.points, self.format = bulk, points, format_
        self.truths, self.measure, self.threshold = truths, measure, threshold

    def accuracies(self, route: str, found: Measurement) -> Iterator[Accuracy]:
        """That of the value, then that of the gradient by each operand."""
        for entry, column in self.truths.columns.items():
            measured = found.values
            name = next(iter(entry.wrt), None)
            if name is not None:
                measured = found.gradient[name]
            yield self._accuracy(entry.quantity, name, route, column, measured)

    def _accuracy(
        self,
        quantity: str,
        wrt: str | None,
        route: str,
        entries: list[RoundedTruth],
        measured: Sequence[float],
    ) -> Accuracy:
        tally = self._tally(entries, measured)
        # The worst point is checked; one at which the derivations disagree is out, and the next is the worst.
        for _ in range(MOST_DISPUTED):
            if tally.worst is None or not self._is_disputed(tally.worst, entries):
                break
            tally = self._tally(entries, measured)
        else:
            message = (
                f"derivations disagree at each of the {MOST_DISPUTED} worst points"
            )
            raise OracleError(f"{message}: {next(self._reasons(tally, entries))}")
        worst = None if tally.worst is None else self._worst(tally, wrt, measured)
        return Accuracy(
            quantity=quantity,
            wrt=wrt,
            route=route,
            compared=tally.compared,
            max_error_ulp=tally.largest if tally.errors else None,
            p99_error_ulp=tally.p99,
            correctly_rounded=tally.correctly_rounded,
            zeros=len(tally.zeros),
            nonfinite=tally.nonfinite_normal,
            nonfinite_below=len(tally.nonfinite) - tally.nonfinite_normal,
            inaccurate=len(tally.inaccurate),
            worst=worst,
            regions=tuple(self._regions(tally, wrt)),
            beyond_range=tally.agreement("beyond"),
            infinite=tally.agreement(TruthStatus.INFINITE),
            kinks=tally.agreement(TruthStatus.KINK),
            undefined=tally.agreement(TruthStatus.UNDEFINED),
            undecided=len(tally.undecided),
            unexamined=tally.unexamined,
            reasons=tuple(self._reasons(tally, entries)),
        )

    def _tally(
        self, entries: Sequence[RoundedTruth], measured: Sequence[float]
    ) -> Tally:
        return Tally(entries, measured, self.format, self.threshold)

    def _is_disputed(self, index: int, entries: list[RoundedTruth]) -> bool:
        """Whether other derivations contradict the truth at a point; then it is undecided from now on."""
        columns = self.truths.columns.values()
        here = [column[index] for column in columns]
        again = self.bulk.dispute(self.points[index], UPSTREAM, self.format, here)
        for column, entry in zip(columns, again, strict=True):
            column[index] = entry
        return not isinstance(entries[index], Rounded)

    def _worst(self, tally: Tally, wrt: str | None, measured: Sequence[float]) -> Worst:
        index = tally.worst
        assert index is not None
        point = self.points[index]
        # Known for itself alone, to all its digits.
        alone = self.bulk.truths([point], UPSTREAM, self.format, checked_every=None)
        (entry,) = alone.columns[_entry(wrt)]
        return Worst(
            point=self._spelled(point),
            measured=shortest(measured[index], self.format),
            true=_spelled_truth(entry),
            error_ulp=tally.largest,
        )

    def _spelled(self, point: Point) -> dict[str, str]:
        return {name: shortest(x, self.format) for name, x in point.items()}

    def _reasons(self, tally: Tally, entries: Sequence[RoundedTruth]) -> Iterator[str]:
        """Why points are undecided, each reason at its first point; disagreements come first."""
        found: dict[str, list[int]] = {}
        for index in sorted(tally.undecided, key=lambda i: not _is_dispute(entries[i])):
            entry = entries[index]
            assert isinstance(entry, Truth)
            found.setdefault(entry.reason or entry.status, []).append(index)
        for reason, (first, *others) in itertools.islice(found.items(), MOST_REASONS):
            spelled = self._spelled(self.points[first]).items()
            at = ", ".join(f"{name} = {number}" for name, number in spelled)
            more = f" and {len(others):,} more" if others else ""
            yield f"at {at}{more}: {reason}"

    # ── regions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _regions(self, tally: Tally, wrt: str | None) -> Iterator[Region]:
        for kind, places in tally.faults.items():

            def is_at_fault(inputs: Sequence[float], kind: str = kind) -> list[bool]:
                return self._are_at_fault(kind, wrt, inputs)

            # Errors of some ulps come and go from number to number: they have no end to be bisected.
            sharp = None if kind == "inaccurate" else is_at_fault
            yield from survey_regions.regions(
                kind, self.points, places, self.format, sharp
            )

    def _are_at_fault(
        self, kind: str, wrt: str | None, inputs: Sequence[float]
    ) -> list[bool]:
        """Whether PyTorch's numbers at some inputs of the only operand are at fault."""
        (name,) = self.points[0]
        # Kernels take other ways on short tensors than on long ones.
        repeated = [*inputs] * math.ceil(LONG / len(inputs))
        found = self.measure([{name: x} for x in repeated])
        measured = found.values if wrt is None else found.gradient[wrt]
        truths = self.bulk.truths(
            [{name: x} for x in inputs], UPSTREAM, self.format, checked_every=None
        )
        faults = self._tally(
            truths.columns[_entry(wrt)], measured[: len(inputs)]
        ).faults[kind]
        return [index in faults for index in range(len(inputs))]


def _entry(wrt: str | None) -> Entry:
    """The value, or the derivative by an operand."""
    return VALUE if wrt is None else Entry("gradient", (wrt,))


def _is_dispute(entry: RoundedTruth) -> bool:
    return isinstance(entry, Truth) and entry.status is TruthStatus.ORACLE


def _spelled_truth(entry: RoundedTruth) -> str:
    ends = truth_of(entry).interval
    assert ends is not None
    return decimal((ends.lower + ends.upper) / 2)
