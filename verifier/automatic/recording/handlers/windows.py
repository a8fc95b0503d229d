"""Pools: averages of windows, and the largest of windows at the places that PyTorch
chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.handlers.scattering import Places, scattered
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells, Values

aten = torch.ops.aten


@dataclass(frozen=True)
class Axis:
    """The windows along one axis: where their elements are (-1 where there is none),
    and how many of them count."""

    places: Places
    counts: Values


def _sliding(
    size: int, kernel: int, stride: int, padding: int, out: int, *, with_padding: bool
) -> Axis:
    starts = np.arange(out) * stride - padding
    ends = np.minimum(starts + kernel, size + padding)
    places = starts[:, None] + np.arange(kernel)
    places[(places < 0) | (places >= size)] = -1
    inside = np.minimum(ends, size) - np.maximum(starts, 0)
    counts = ends - starts if with_padding else inside
    return Axis(places, counts.astype(np.float64))


def _adaptive(size: int, out: int) -> Axis:
    starts = np.arange(out) * size // out
    ends = -(-(np.arange(1, out + 1) * size) // out)
    places = starts[:, None] + np.arange(int((ends - starts).max(initial=1)))
    places[places >= ends[:, None]] = -1
    return Axis(places, (ends - starts).astype(np.float64))


def _flat(axes: Sequence[Axis], shape: Sequence[int]) -> Places:
    """The places in the flattened last axes of that shape: (windows, elements)."""
    rank = len(axes)
    total: Places = np.zeros((1,) * (2 * rank), np.int64)
    is_inside = np.ones((1,) * (2 * rank), np.bool_)
    for k, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        form = [1] * (2 * rank)
        form[k], form[rank + k] = axis.places.shape
        at = axis.places.reshape(form)
        total = total * size + at
        is_inside = is_inside & (at >= 0)
    windows = int(np.prod([len(axis.places) for axis in axes]))
    return np.where(is_inside, total, -1).reshape(windows, -1)


def _divisors(axes: Sequence[Axis], override: int | None) -> Values:
    counts = np.ones(1)
    for axis in axes:
        counts = (counts[:, None] * axis.counts).reshape(-1)
    return np.full(counts.shape, float(override)) if override else counts


def _average(
    tape: Tape, x: Cells, axes: Sequence[Axis], override: int | None = None
) -> Cells:
    rank = len(axes)
    batch, shape = x.shape[:-rank], x.shape[-rank:]
    flat = x.reshape(*batch, -1)
    padded = np.concatenate([flat, np.full((*batch, 1), ZERO, np.int64)], -1)
    total = tape.sum(padded[..., _flat(axes, shape)], [-1])
    out = [len(axis.places) for axis in axes]
    return tape.row("div", total, _divisors(axes, override)).reshape(*batch, *out)


def _average_backward(
    tape: Tape,
    gradient: Cells,
    shape: Sequence[int],
    axes: Sequence[Axis],
    override: int | None = None,
) -> Cells:
    rank = len(axes)
    batch, inner = tuple(shape[:-rank]), tuple(shape[-rank:])
    flat = gradient.reshape(*batch, -1)
    shares = tape.row("div", flat, _divisors(axes, override))
    places = _flat(axes, inner)
    each = np.repeat(shares, places.shape[1], axis=-1)
    size = int(np.prod(inner))
    return scattered(tape, each, places.reshape(-1), size).reshape(tuple(shape))


def _each(numbers: Any, rank: int, default: Sequence[int] = ()) -> list[int]:
    listed = list(numbers) if numbers else list(default)
    return listed * rank if len(listed) == 1 else listed


def _sliding_axes(
    shape: Sequence[int],
    out: Sequence[int],
    kernel: Any,
    stride: Any,
    padding: Any,
    include: bool,
) -> list[Axis]:
    rank = len(out)
    sizes = _each(kernel, rank)
    steps, pads = _each(stride, rank, sizes), _each(padding, rank, [0])
    return [
        _sliding(n, k, s, p, o, with_padding=include)
        for n, k, s, p, o in zip(shape[-rank:], sizes, steps, pads, out, strict=True)
    ]


def _average_pool(rank: int, forward: Any, backward: Any) -> None:
    @handles(forward)
    def _(
        tape: Tape,
        result: torch.Tensor,
        x: Operand,
        kernel: Any,
        stride: Any = (),
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Cells:
        out = result.shape[-rank:]
        axes = _sliding_axes(x.shape, out, kernel, stride, padding, count_include_pad)
        return _average(tape, x.cells, axes, divisor_override)

    @handles(backward)
    def _(
        tape: Tape,
        result: torch.Tensor,
        gradient: Operand,
        x: Operand,
        kernel: Any,
        stride: Any,
        padding: Any,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Cells:
        out = gradient.shape[-rank:]
        axes = _sliding_axes(x.shape, out, kernel, stride, padding, count_include_pad)
        return _average_backward(tape, gradient.cells, x.shape, axes, divisor_override)


_average_pool(2, aten.avg_pool2d, aten.avg_pool2d_backward)
_average_pool(3, aten.avg_pool3d, aten.avg_pool3d_backward)


@handles(aten._adaptive_avg_pool2d, aten._adaptive_avg_pool3d)
def _(tape: Tape, result: torch.Tensor, x: Operand, size: Sequence[int]) -> Cells:
    inner = x.shape[-len(size) :]
    axes = [_adaptive(n, o) for n, o in zip(inner, size, strict=True)]
    return _average(tape, x.cells, axes)


def _adaptive_backward(rank: int, op: Any) -> None:
    @handles(op)
    def _(tape: Tape, result: torch.Tensor, gradient: Operand, x: Operand) -> Cells:
        sizes = zip(x.shape[-rank:], gradient.shape[-rank:], strict=True)
        axes = [_adaptive(n, o) for n, o in sizes]
        return _average_backward(tape, gradient.cells, x.shape, axes)


_adaptive_backward(2, aten._adaptive_avg_pool2d_backward)
_adaptive_backward(3, aten._adaptive_avg_pool3d_backward)

# ── the largest of windows ────────────────────────────────────────────────────────────


def _taken(x: Cells, indices: torch.Tensor, rank: int) -> Cells:
    flat = x.reshape(*x.shape[:-rank], -1)
    at = indices.reshape(*indices.shape[:-rank], -1).numpy()
    return np.take_along_axis(flat, at, -1).reshape(tuple(indices.shape))


def _put_back(
    tape: Tape, gradient: Cells, shape: Sequence[int], indices: torch.Tensor, rank: int
) -> Cells:
    """Each gradient at the place that its window chose."""
    size = int(np.prod(shape[-rank:]))
    batch = int(np.prod(shape[:-rank], dtype=np.int64))
    rows = np.arange(batch)[:, None] * size + indices.reshape(batch, -1).numpy()
    sums = scattered(tape, gradient.reshape(-1), rows.reshape(-1), batch * size)
    return sums.reshape(tuple(shape))


def _largest(rank: int, *forwards: Any) -> None:
    @handles(*forwards)
    def _(
        tape: Tape,
        result: tuple[torch.Tensor, torch.Tensor],
        x: Operand,
        *options: Any,
    ) -> tuple[Cells, None]:
        return _taken(x.cells, result[1], rank), None


def _largest_backward(rank: int, *backwards: Any) -> None:
    @handles(*backwards)
    def _(
        tape: Tape,
        result: torch.Tensor,
        gradient: Operand,
        x: Operand,
        *options: Any,
    ) -> Cells:
        return _put_back(tape, gradient.cells, x.shape, options[-1], rank)


_largest(2, aten.fractional_max_pool2d, aten.adaptive_max_pool2d)
_largest(2, aten.max_pool2d_with_indices)
_largest(3, aten.fractional_max_pool3d, aten.adaptive_max_pool3d)
_largest(3, aten.max_pool3d_with_indices)
_largest_backward(
    2,
    aten.fractional_max_pool2d_backward,
    aten.adaptive_max_pool2d_backward,
    aten.max_pool2d_with_indices_backward,
)
_largest_backward(
    3,
    aten.fractional_max_pool3d_backward,
    aten.adaptive_max_pool3d_backward,
    aten.max_pool3d_with_indices_backward,
)
