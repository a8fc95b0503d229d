"""What one measurement finds: PyTorch's tensors, call by call, made numbers by point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from verifier.automatic.faults import first_line
from verifier.automatic.modes import Derived
from verifier.automatic.watch import dtype_name
from verifier.floats import is_same
from verifier.records import Verdict

Tensor = torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What PyTorch computed at each point: exact values of the numbers it returned, by point in order.

    `hessian[a, b]` is the derivative by `b` of the derivative by `a`, for every pair of inputs in either order; it is
    empty at order 1. `steps`, the adjoints of named steps, is empty where the inner mode is forward or the route goes
    through `torch.func`, which have none to show. `failure` is the first line of the exception where PyTorch raised
    one, and `traceback` all of it; then the rest is empty.
    """

    values: tuple[float, ...] = ()
    gradient: Mapping[str, tuple[float, ...]]
    steps: Mapping[str, tuple[float, ...]]
    hessian: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    upstream: tuple[float, ...] = ()
    """The upstream gradient as the output's dtype holds it."""
    value_dtype: str = ""
    gradient_dtype: str = ""
    missing: Mapping[tuple[str, ...], frozenset[int]] = field(default_factory=dict)
    """Where PyTorch gave None, which stands as 0 among the numbers: by the inputs differentiated by."""
    changed: tuple[int, str] | None = None
    """The first point at which something given was changed in place, and what."""
    unsteady: tuple[int, str] | None = None
    """The first point at which a second backward gave other bits than the first, and how."""
    returned: tuple[str, ...] = ()
    """What was wrong with gradients that custom backwards returned, before PyTorch made them fit."""
    failure: str | None = None
    traceback: str | None = None
    failure_verdict: Verdict = Verdict.DIFFER_UNSUPPORTED
    """Of a failure: what PyTorch cannot do, or a gradient that it refuses, which is wrong."""

    def columns(self) -> dict[tuple[str, tuple[str, ...]], tuple[float, ...]]:
        """The numbers by quantity and what it is differentiated by; named steps apart."""
        found: dict[tuple[str, tuple[str, ...]], tuple[float, ...]] = {
            ("value", ()): self.values
        }
        found |= {("gradient", (name,)): own for name, own in self.gradient.items()}
        found |= {("hessian", pair): own for pair, own in self.hessian.items()}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a route gave in one call, the upstream gradient that it was given, and what was changed in place."""

    derived: Derived
    upstream: Tensor
    changed: str | None


def joined(
    found: Sequence[tuple[Found, int]], wrt: Sequence[str], order: int
) -> Measurement:
    def column(pick: Callable[[Derived], Tensor | None]) -> tuple[float, ...]:
        return tuple(
            n for one, count in found for n in _numbers(pick(one.derived), count)
        )

    def adjoint(name: str) -> tuple[float, ...]:
        return column(lambda one: one.steps[name])

    pairs = [(i, j) for i in range(len(wrt)) for j in range(len(wrt)) if order == 2]
    steps = found[0][0].derived.steps if found else ()
    return Measurement(
        values=column(lambda one: one.value),
        gradient={n: column(partial(_gradient, i)) for i, n in enumerate(wrt)},
        steps={name: adjoint(name) for name in steps},
        hessian={(wrt[i], wrt[j]): column(partial(_second, i, j)) for i, j in pairs},
        upstream=tuple(
            n
            for one, count in found
            for n in _numbers(one.upstream.to(one.derived.value.dtype), count)
        ),
        missing=_missing(found, wrt, pairs),
        changed=_first(found, lambda one: one.changed),
        unsteady=_unsteady(found),
        returned=tuple(
            dict.fromkeys(told for one, _ in found for told in one.derived.returned)
        ),
        value_dtype=_dtype(found, lambda one: [one.value]),
        gradient_dtype=_dtype(found, lambda one: one.gradient),
    )


def _dtype(
    found: Sequence[tuple[Found, int]],
    pick: Callable[[Derived], Sequence[Tensor | None]],
) -> str:
    """The dtype of what every call gave, by the first that is there."""
    tensors = (one for call, _ in found for one in pick(call.derived))
    return next((dtype_name(one) for one in tensors if one is not None), "")


def _missing(
    found: Sequence[tuple[Found, int]],
    wrt: Sequence[str],
    pairs: Sequence[tuple[int, int]],
) -> dict[tuple[str, ...], frozenset[int]]:
    """The places at which there is None, by what is differentiated by; only where there are some."""

    def places(pick: Callable[[Derived], Tensor | None]) -> frozenset[int]:
        at, none = 0, set()
        for one, count in found:
            if pick(one.derived) is None:
                none |= set(range(at, at + count))
            at += count
        return frozenset(none)

    by: dict[tuple[str, ...], frozenset[int]] = {
        (name,): places(partial(_gradient, i)) for i, name in enumerate(wrt)
    }
    by |= {(wrt[i], wrt[j]): places(partial(_second, i, j)) for i, j in pairs}
    return {names: none for names, none in by.items() if none}


def _gradient(place: int, derived: Derived) -> Tensor | None:
    return derived.gradient[place]


def _second(row: int, place: int, derived: Derived) -> Tensor | None:
    return derived.hessian[row][place]


def _first(
    found: Sequence[tuple[Found, int]], tell: Callable[[Found], str | None]
) -> tuple[int, str] | None:
    """The first point of which there is something to tell, and what; of a batch its first."""
    at = 0
    for one, count in found:
        told = tell(one)
        if told is not None:
            return at, told
        at += count
    return None


def _unsteady(found: Sequence[tuple[Found, int]]) -> tuple[int, str] | None:
    """The first point at which a second backward gives other bits."""
    at = 0
    for one, count in found:
        again = one.derived.again
        if isinstance(again, Exception):
            return at, f"raises {first_line(again)}"
        for first, second in zip(one.derived.gradient, again or (), strict=False):
            pair = _numbers(first, count), _numbers(second, count)
            unlike = [
                k
                for k, both in enumerate(zip(*pair, strict=True))
                if not is_same(*both)
            ]
            if unlike:
                k = unlike[0]
                return at + k, f"gives {pair[1][k]!r} after {pair[0][k]!r}"
        at += count
    return None


def _numbers(tensor: Tensor | None, count: int) -> tuple[float, ...]:
    """The numbers at `count` points; None is zero."""
    if tensor is None:
        return (0.0,) * count
    found = tensor.detach()
    if found.dim():  # a lone point may be there in copies
        found = found.reshape(-1)[:count]
    dtype = torch.complex128 if found.is_complex() else torch.float64
    # Copied, as PyTorch's tangents may be zeros without storage.
    numbers = torch.empty(count, dtype=dtype).copy_(found)
    return tuple(numbers.tolist())
