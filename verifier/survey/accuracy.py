"""How far PyTorch's numbers of one sweep are off: statistics, the worst point, regions,
what is undecided."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from verifier.floats import Format, Point, decimal, shortest
from verifier.measurements import Measurement
from verifier.records import Entry, Truth, TruthStatus
from verifier.survey import regions as survey_regions
from verifier.survey.records import Accuracy, Region, Worst
from verifier.survey.statistics import Statistics
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.truth.many_points import (
    BatchOracle,
    BatchTruths,
    RoundedTruth,
    truth_of,
)

LONG = 64
"""Points of a tensor that goes through PyTorch's vector kernels."""
MOST_REASONS = 3
"""Reasons why points of one number are undecided that are reported."""
MOST_DISPUTED = 5
"""Worst points in a row at which the derivations disagree, past which the truth is
worth nothing."""
UPSTREAM = 1.0

Measure = Callable[[Sequence[Point]], Measurement]
"""What PyTorch computes at points, by one route."""


class OracleError(Exception):
    """The derivations of the truth disagree: nothing can be said of PyTorch."""


class Assessment:
    """How far what PyTorch computed is from the truth, at all points of a sweep."""

    def __init__(
        self,
        oracle: BatchOracle,
        points: Sequence[Point],
        truths: BatchTruths,
        format_: Format,
        measure: Measure,
        *,
        threshold: float,
    ) -> None:
        self.oracle, self.points, self.format = oracle, points, format_
        self.truths, self.measure, self.threshold = truths, measure, threshold

    def accuracies(self, route: str, measurement: Measurement) -> Iterator[Accuracy]:
        """That of the value, then that of the gradient by each operand."""
        for entry, column in self.truths.columns.items():
            measured = measurement.columns[entry].numbers
            yield self._accuracy(entry, route, column, measured)

    def _accuracy(
        self,
        entry: Entry,
        route: str,
        truths: list[RoundedTruth],
        measured: Sequence[float],
    ) -> Accuracy:
        statistics = self._statistics(truths, measured)
        # The worst point is checked; where the derivations disagree at it, the next is
        # the worst.
        for _ in range(MOST_DISPUTED):
            if statistics.worst is None or not self._is_disputed(
                statistics.worst, truths
            ):
                break
            statistics = self._statistics(truths, measured)
        else:
            message = (
                f"derivations disagree at each of the {MOST_DISPUTED} worst points"
            )
            raise OracleError(f"{message}: {next(self._reasons(statistics, truths))}")
        worst = (
            None
            if statistics.worst is None
            else self._worst(statistics, entry, measured)
        )
        return Accuracy(
            quantity=entry.quantity,
            wrt=next(iter(entry.wrt), None),
            route=route,
            compared=statistics.compared,
            max_error_ulp=statistics.largest if statistics.errors else None,
            p99_error_ulp=statistics.p99,
            correctly_rounded=statistics.correctly_rounded,
            zeros=len(statistics.zeros),
            nonfinite=statistics.nonfinite_normal,
            nonfinite_below=len(statistics.nonfinite) - statistics.nonfinite_normal,
            inaccurate=len(statistics.inaccurate),
            worst=worst,
            regions=tuple(self._regions(statistics, entry)),
            beyond_range=statistics.agreement("beyond"),
            infinite=statistics.agreement(TruthStatus.INFINITE),
            kinks=statistics.agreement(TruthStatus.KINK),
            undefined=statistics.agreement(TruthStatus.UNDEFINED),
            undecided=len(statistics.undecided),
            unexamined=statistics.unexamined,
            reasons=tuple(self._reasons(statistics, truths)),
        )

    def _statistics(
        self, truths: Sequence[RoundedTruth], measured: Sequence[float]
    ) -> Statistics:
        return Statistics(truths, measured, self.format, self.threshold)

    def _is_disputed(self, index: int, truths: list[RoundedTruth]) -> bool:
        """Whether other derivations contradict the truth at a point; then it is
        undecided from now on."""
        columns = self.truths.columns.values()
        here = [column[index] for column in columns]
        again = self.oracle.contested(self.points[index], UPSTREAM, self.format, here)
        for column, truth in zip(columns, again, strict=True):
            column[index] = truth
        return not isinstance(truths[index], Rounded)

    def _worst(
        self, statistics: Statistics, entry: Entry, measured: Sequence[float]
    ) -> Worst:
        index = statistics.worst
        assert index is not None
        point = self.points[index]
        # Known for itself alone, to all its digits.
        alone = self.oracle.truths([point], UPSTREAM, self.format, checked_every=None)
        (truth,) = alone.columns[entry]
        return Worst(
            point=self._spelled(point),
            measured=shortest(measured[index], self.format),
            true=_spelled_truth(truth),
            error_ulp=statistics.largest,
        )

    def _spelled(self, point: Point) -> dict[str, str]:
        return {name: shortest(x, self.format) for name, x in point.items()}

    def _reasons(
        self, statistics: Statistics, truths: Sequence[RoundedTruth]
    ) -> Iterator[str]:
        """Why points are undecided, each reason at its first point; disagreements come
        first."""
        places: dict[str, list[int]] = {}
        for index in sorted(
            statistics.undecided, key=lambda i: not _is_dispute(truths[i])
        ):
            truth = truths[index]
            assert isinstance(truth, Truth)
            places.setdefault(truth.reason or truth.status, []).append(index)
        for reason, (first, *others) in itertools.islice(places.items(), MOST_REASONS):
            spelled = self._spelled(self.points[first]).items()
            at = ", ".join(f"{name} = {number}" for name, number in spelled)
            more = f" and {len(others):,} more" if others else ""
            yield f"at {at}{more}: {reason}"

    # ── regions ───────────────────────────────────────────────────────────────────────

    def _regions(self, statistics: Statistics, entry: Entry) -> Iterator[Region]:
        for kind, places in statistics.faults.items():

            def is_at_fault(inputs: Sequence[float], kind: str = kind) -> list[bool]:
                return self._are_at_fault(kind, entry, inputs)

            # Errors of some ulps come and go from number to number: they have no end to
            # be bisected.
            sharp = None if kind == "inaccurate" else is_at_fault
            yield from survey_regions.regions(
                kind, self.points, places, self.format, sharp
            )

    def _are_at_fault(
        self, kind: str, entry: Entry, inputs: Sequence[float]
    ) -> list[bool]:
        """Whether PyTorch's numbers at some inputs of the only operand are at fault."""
        (name,) = self.points[0]
        # Kernels take other ways on short tensors than on long ones.
        repeated = [*inputs] * math.ceil(LONG / len(inputs))
        measured = self.measure([{name: x} for x in repeated]).columns[entry].numbers
        truths = self.oracle.truths(
            [{name: x} for x in inputs], UPSTREAM, self.format, checked_every=None
        )
        faults = self._statistics(
            truths.columns[entry], measured[: len(inputs)]
        ).faults[kind]
        return [index in faults for index in range(len(inputs))]


def _is_dispute(truth: RoundedTruth) -> bool:
    return isinstance(truth, Truth) and truth.status is TruthStatus.ORACLE


def _spelled_truth(truth: RoundedTruth) -> str:
    ends = truth_of(truth).interval
    assert ends is not None
    return decimal((ends.lower + ends.upper) / 2)
