"""One operation in one dtype: its points, the truth at all of them, what PyTorch
computes, and how far that is off."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence

from verifier.automatic import routes
from verifier.floats import FORMATS, SMALL_DTYPES, Format, Point
from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation
from verifier.language.points.domains import Domain
from verifier.language.programs import parsing
from verifier.language.programs.program import Program
from verifier.measurements import Measurement
from verifier.records import VALUE, Entry, Truth
from verifier.stopwatch import Stopwatch
from verifier.survey import points as survey_points
from verifier.survey.accuracy import UPSTREAM, Assessment, Measure
from verifier.survey.records import Accuracy, Sweep, SweepTask
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.truth.many_points import BatchOracle, RoundedTruth
from verifier.symbolic.truth.oracle import Oracle

MOST_EDGES = 100
"""Points of one sweep at which a limit is looked for, infinities and zeros apart:
`floor` has half of all numbers."""
MOST_SLOW = 2_000
"""Points of a sweep whose truth is known to the oracle alone, which takes a millisecond
for each."""
TRIED = 0.5
"""The input at which a route is tried: whether PyTorch has a kernel depends on the
dtype alone."""


def run(task: SweepTask) -> Sweep:
    """The sweep of one task."""
    watch = Stopwatch()
    format_ = FORMATS[task.dtype]
    row = operations.OPERATIONS[task.operation]
    program = parsing.parse(task.expression, variables=row.tensors)
    measures = {route: _measuring(task, program, route) for route in task.routes}
    with watch.stage("automatic"):
        failures = dict(_failures(task, measures))
    if len(failures) == len(measures):
        return _refused(task, failures, watch)
    with watch.stage("symbolic"):
        oracle = BatchOracle(Oracle(program, task.operands))
    with watch.stage("points"):
        points = _points(task, row, oracle, format_)
    with watch.stage("truth"):
        most = MOST_EDGES if oracle.is_fast else MOST_SLOW
        truths = oracle.truths(points, UPSTREAM, format_, most_asked=most)
    accuracies: list[Accuracy] = []
    for route, measure in measures.items():
        if route in failures:
            continue
        with watch.stage("automatic"):
            measurement = measure(points)
        if measurement.failure is not None:
            failures[route] = measurement.failure
            continue
        with watch.stage("statistics"):
            assessment = Assessment(
                oracle, points, truths, format_, measure, threshold=task.threshold_ulp
            )
            accuracies += assessment.accuracies(route, measurement)
    return Sweep(
        operation=task.operation,
        expression=task.expression,
        dtype=task.dtype,
        exhaustive=_is_exhaustive(task),
        points=len(points),
        checked=truths.checked,
        accuracies=tuple(accuracies),
        failures=failures,
        elapsed_s=watch.elapsed_s,
        stages_s=watch.seconds,
    )


def _failures(
    task: SweepTask, measures: Mapping[str, Measure]
) -> Iterator[tuple[str, str]]:
    """The routes by which PyTorch computes nothing in this dtype, and what it says at a
    single point."""
    for route, measure in measures.items():
        failure = measure([dict.fromkeys(task.operands, TRIED)]).failure
        if failure is not None:
            yield route, failure


def _refused(task: SweepTask, failures: dict[str, str], watch: Stopwatch) -> Sweep:
    """The sweep of what PyTorch does not compute: the truth need not be known."""
    return Sweep(
        operation=task.operation,
        expression=task.expression,
        dtype=task.dtype,
        failures=failures,
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


# ── points ────────────────────────────────────────────────────────────────────────────


def _is_exhaustive(task: SweepTask) -> bool:
    return len(task.operands) == 1 and task.dtype in SMALL_DTYPES


def _points(
    task: SweepTask, row: Operation, oracle: BatchOracle, format_: Format
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
        kinds = probe(oracle, name, format_)
        column = survey_points.sampled(
            row, name, domain, format_, task.sample, task.seed, kinds
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
        # In another order for each operand: drawn by ordinal or by value, in all
        # combinations.
        random.Random(f"{task.seed}:{name}").shuffle(drawn)
        columns.append(drawn)
    edges = [survey_points.boundary(row, d, format_) for d in domains.values()]
    rows = dict.fromkeys((*zip(*columns, strict=True), *survey_points.corners(edges)))
    return [dict(zip(domains, values, strict=True)) for values in rows]


def probe(oracle: BatchOracle, name: str, format_: Format) -> survey_points.Probe:
    """What kind of numbers value and gradient are: zero, subnormal, normal, the one at
    an end of the domain, beyond."""
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

    def kinds(inputs: Sequence[float]) -> list[tuple[str, str]]:
        truths = oracle.truths(
            [{name: x} for x in inputs], UPSTREAM, format_, checked_every=None
        )
        values = truths.columns[VALUE]
        if not ends:
            outermost = (values[0], values[-1])
            ends.update(e.nearest for e in outermost if isinstance(e, Rounded))
        columns = zip(values, truths.columns[Entry("gradient", (name,))], strict=True)
        return [
            (kind(value, is_value=True), kind(slope, is_value=False))
            for value, slope in columns
        ]

    return kinds
