"""The frozen records of a measurement: exact numbers in, PyTorch's numbers out. No
logic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verifier.records import VALUE, Entry, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Points, and the upstream gradient at each: exact numbers, in columns of one
    length."""

    inputs: Mapping[str, Sequence[Any]]
    """By input, a number of its dtype at each point."""
    upstream: Sequence[Any]

    @classmethod
    def of(cls, points: Sequence[Mapping[str, Any]], upstream: Any) -> Batch:
        """Of points that all name the same inputs, with one upstream gradient for all
        or one for each."""
        names = points[0] if points else ()
        is_one = isinstance(upstream, (int, float, complex))
        return cls(
            inputs={name: [point[name] for point in points] for name in names},
            upstream=[upstream] * len(points) if is_one else list(upstream),
        )

    def __len__(self) -> int:
        return len(self.upstream)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of every column."""
        return (len(self),)

    def point(self, place: int) -> dict[str, Any]:
        """The inputs at one point."""
        return {name: column[place] for name, column in self.inputs.items()}

    def points(self) -> Iterator[dict[str, Any]]:
        """The inputs at each point."""
        return map(self.point, range(len(self)))

    def take(
        self, places: Sequence[int], upstream: Sequence[Any] | None = None
    ) -> Batch:
        """Some of the points, in that order, each as often as it is named; with other
        upstream gradients, if any are given."""
        if upstream is None:
            upstream = [self.upstream[place] for place in places]
        columns = self.inputs.items()
        return Batch(
            inputs={name: [c[place] for place in places] for name, c in columns},
            upstream=list(upstream),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The numbers that PyTorch gave for one entry, point by point, in their own
    dtype."""

    numbers: tuple[Any, ...]
    dtype: str
    missing: frozenset[int] = frozenset()
    """The points at which it gave None, which stands as 0 among the numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What PyTorch computed at the points of a batch, or why it did not.

    The adjoints of named steps (`Entry("step", …)`) are absent where the inner mode is
    forward or the route goes through `torch.func`, which have none to show. An entry
    `Entry("hessian", (a, b))` is the derivative by `b` of the derivative by `a`.
    """

    columns: Mapping[Entry, Column] = field(default_factory=dict)
    upstream: tuple[Any, ...] = ()
    """The upstream gradient as the output's dtype holds it."""
    changed: tuple[int, str] | None = None
    """The first point at which something given was changed in place, and what."""
    unsteady: tuple[int, str] | None = None
    """The first point at which a second backward gave other bits than the first, and
    how."""
    returned: tuple[str, ...] = ()
    """What was wrong with gradients that custom backwards returned, before PyTorch made
    them fit."""
    failure: str | None = None
    """The first line of what was raised; then there are no columns."""
    traceback: str | None = None
    failure_verdict: Verdict = Verdict.DIFFER_UNSUPPORTED
    """Of a failure: what PyTorch cannot do, or a gradient that it refuses, which is
    wrong."""

    def number(self, entry: Entry, place: int) -> Any:
        """The number of an entry at a point."""
        return self.columns[entry].numbers[place]

    def is_missing(self, entry: Entry, place: int) -> bool:
        """Whether PyTorch gave None in the place of a number."""
        return place in self.columns[entry].missing

    def outputs(self) -> dict[Entry, tuple[Any, ...]]:
        """The numbers that were asked for, by entry: all but the adjoints of steps."""
        return {
            entry: column.numbers
            for entry, column in self.columns.items()
            if entry.quantity != "step"
        }

    @property
    def values(self) -> tuple[Any, ...]:
        return self.columns[VALUE].numbers if VALUE in self.columns else ()

    @property
    def gradient(self) -> dict[str, tuple[Any, ...]]:
        """The numbers of the gradient, by input."""
        return {entry.wrt[0]: numbers for entry, numbers in self._of("gradient")}

    @property
    def steps(self) -> dict[str, tuple[Any, ...]]:
        """The adjoints of named steps, by step."""
        return {entry.wrt[0]: numbers for entry, numbers in self._of("step")}

    @property
    def hessian(self) -> dict[tuple[str, ...], tuple[Any, ...]]:
        """The second derivatives, by pair of inputs."""
        return {entry.wrt: numbers for entry, numbers in self._of("hessian")}

    def _of(self, quantity: str) -> Iterator[tuple[Entry, tuple[Any, ...]]]:
        for entry, column in self.columns.items():
            if entry.quantity == quantity:
                yield entry, column.numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The numbers of PyTorch's behind a result, in the order of its points: for what is
    found among results."""

    points: Mapping[str, Sequence[Any]]
    upstream: Sequence[Any]
    numbers: Mapping[Entry, Sequence[Any]]
    """By entry."""
