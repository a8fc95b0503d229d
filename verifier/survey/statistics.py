"""PyTorch's numbers against the truth: errors in ulps, and the places of what is at
fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from verifier.floats import Format
from verifier.records import Truth, TruthStatus
from verifier.survey.records import Agreement
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.truth.many_points import RoundedTruth


class Statistics:
    """The counts of one number over all points, and the places of what is at fault."""

    def __init__(
        self,
        entries: Sequence[RoundedTruth],
        measured: Sequence[float],
        format_: Format,
        threshold_ulp: float,
    ) -> None:
        self.threshold_ulp = threshold_ulp
        self.errors: list[float] = []
        self.correctly_rounded = self.nonfinite_normal = self.unexamined = 0
        self.zeros: list[int] = []
        self.nonfinite: list[int] = []
        self.inaccurate: list[int] = []
        self.undecided: list[int] = []
        self.agreements: dict[str, list[bool]] = {}
        self.worst: int | None = None
        self.largest = 0.0
        self.smallest_normal = float(format_.smallest_normal)
        for index, (entry, number) in enumerate(zip(entries, measured, strict=True)):
            if isinstance(entry, Rounded):
                self._finite(index, entry, number)
            else:
                self._edge(index, entry, number)
        self.compared = len(self.errors) + len(self.nonfinite)

    @property
    def p99(self) -> float | None:
        """The smallest error that 99 % of all do not exceed."""
        if not self.errors:
            return None
        return sorted(self.errors)[math.ceil(0.99 * len(self.errors)) - 1]

    @property
    def faults(self) -> dict[str, list[int]]:
        """The places of what is at fault, by kind of region."""
        return {
            "zero": self.zeros,
            "nonfinite": self.nonfinite,
            "inaccurate": self.inaccurate,
        }

    def agreement(self, kind: str) -> Agreement:
        """The points of a kind at which there are no ulps to count."""
        agrees = self.agreements.get(kind, [])
        return Agreement(points=len(agrees), agreeing=sum(agrees))

    def _finite(self, index: int, entry: Rounded, number: float) -> None:
        nearest = entry.nearest
        if number == nearest and not math.isinf(nearest):
            self.correctly_rounded += 1
            error = abs(entry.rest)
        elif math.isinf(nearest):
            self.agreements.setdefault("beyond", []).append(number == nearest)
            return
        elif not math.isfinite(number):
            self.nonfinite.append(index)
            self.nonfinite_normal += self._is_normal(entry)
            return
        else:
            error = entry.error_ulp(number)
            if number == 0 and self._is_normal(entry):
                self.zeros.append(index)
            if error > self.threshold_ulp:
                self.inaccurate.append(index)
        self.errors.append(error)
        if error > self.largest:
            self.worst, self.largest = index, error

    def _is_normal(self, entry: Rounded) -> bool:
        """Whether the truth, rounded as it should be, is a normal number."""
        return abs(entry.nearest) >= self.smallest_normal

    def _edge(self, index: int, entry: Truth, number: float) -> None:
        agrees = _AGREES.get(entry.status)
        if entry.status is TruthStatus.BUDGET:
            self.unexamined += 1
        elif agrees is None:
            self.undecided.append(index)
        else:
            self.agreements.setdefault(entry.status, []).append(agrees(entry, number))


def _agrees_with_infinity(truth: Truth, number: float) -> bool:
    return math.isnan(number) or number == math.copysign(math.inf, truth.sign)


def _is_in_clarke_interval(truth: Truth, number: float) -> bool:
    ends = truth.interval
    if ends is None or not math.isfinite(number):
        return False
    return ends.lower <= Fraction(number) <= ends.upper


_AGREES: dict[TruthStatus, Callable[[Truth, float], bool]] = {
    TruthStatus.INFINITE: _agrees_with_infinity,
    TruthStatus.KINK: _is_in_clarke_interval,
    TruthStatus.UNDEFINED: lambda truth, number: not math.isfinite(number),
}
