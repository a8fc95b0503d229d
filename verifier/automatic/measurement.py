"""What one measurement is made of: PyTorch's tensors, call by call, as numbers by
point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from verifier.automatic.faults import first_line
from verifier.automatic.modes import Derived
from verifier.automatic.watch import dtype_name
from verifier.floats import is_same
from verifier.measurements import Column, Measurement
from verifier.records import VALUE, Entry

Tensor = torch.Tensor
Pick = Callable[[Derived], Tensor | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a route gave in one call of the function, for so many points."""

    derived: Derived
    count: int
    upstream: Tensor
    """The upstream gradient that it was given."""
    changed: str | None
    """What was changed in place."""


def joined(calls: Sequence[Call], wrt: Sequence[str], order: int) -> Measurement:
    """The measurement that the calls make, their points one after the other."""
    return Measurement(
        columns={
            entry: _column(calls, pick) for entry, pick in _entries(calls, wrt, order)
        },
        upstream=tuple(
            number
            for call in calls
            for number in _numbers(
                call.upstream.to(call.derived.value.dtype), call.count
            )
        ),
        changed=next(
            ((at, call.changed) for at, call in _placed(calls) if call.changed), None
        ),
        unsteady=next(
            (
                (at + k, how)
                for at, call in _placed(calls)
                for k, how in _unsteady(call)
            ),
            None,
        ),
        returned=tuple(
            dict.fromkeys(note for call in calls for note in call.derived.returned)
        ),
    )


def _entries(
    calls: Sequence[Call], wrt: Sequence[str], order: int
) -> Iterator[tuple[Entry, Pick]]:
    """What was measured, and where it stands in what a call gives."""
    yield VALUE, lambda derived: derived.value
    for index, name in enumerate(wrt):
        yield Entry("gradient", (name,)), partial(_gradient, index)
    for name in calls[0].derived.steps if calls else ():
        yield Entry("step", (name,)), partial(_step, name)
    if order == 2:
        for row, first in enumerate(wrt):
            for column, second in enumerate(wrt):
                yield Entry("hessian", (first, second)), partial(_second, row, column)


def _gradient(index: int, derived: Derived) -> Tensor | None:
    return derived.gradient[index]


def _step(name: str, derived: Derived) -> Tensor | None:
    return derived.steps[name]


def _second(row: int, column: int, derived: Derived) -> Tensor | None:
    return derived.hessian[row][column]


def _column(calls: Sequence[Call], pick: Pick) -> Column:
    numbers: list[complex] = []
    missing: set[int] = set()
    dtype = ""
    for at, call in _placed(calls):
        tensor = pick(call.derived)
        if tensor is None:
            missing.update(range(at, at + call.count))
        elif not dtype:
            dtype = dtype_name(tensor)
        numbers += _numbers(tensor, call.count)
    return Column(numbers=tuple(numbers), dtype=dtype, missing=frozenset(missing))


def _placed(calls: Sequence[Call]) -> Iterator[tuple[int, Call]]:
    """The calls, each with the place of its first point."""
    at = 0
    for call in calls:
        yield at, call
        at += call.count


def _unsteady(call: Call) -> Iterator[tuple[int, str]]:
    """The points of a call at which a second backward gives other bits, and how."""
    again = call.derived.again
    if isinstance(again, Exception):
        yield 0, f"raises {first_line(again)}"
        return
    for first, second in zip(call.derived.gradient, again or (), strict=False):
        pairs = zip(
            _numbers(first, call.count), _numbers(second, call.count), strict=True
        )
        for place, (number, other) in enumerate(pairs):
            if not is_same(number, other):
                yield place, f"gives {other!r} after {number!r}"


def _numbers(tensor: Tensor | None, count: int) -> Sequence[complex]:
    """The numbers at `count` points; None is zero."""
    if tensor is None:
        return (0.0,) * count
    numbers = tensor.detach()
    if numbers.dim():  # a lone point may be there in copies
        numbers = numbers.reshape(-1)[:count]
    dtype = torch.complex128 if numbers.is_complex() else torch.float64
    # Copied, as PyTorch's tangents may be zeros without storage.
    copied = torch.empty(count, dtype=dtype).copy_(numbers)
    listed: list[complex] = copied.tolist()
    return listed
