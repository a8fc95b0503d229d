"""Convolutions and transposed ones, and their backwards: products of matrices of what
lies under the kernel at each place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import composes, handles
from verifier.automatic.recording.handlers.scattering import Places, scattered
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells

aten = torch.ops.aten


@dataclass(frozen=True)
class Geometry:
    """Of each place of the smaller side, where the kernel's elements lie in the larger
    one (the input of a convolution, the output of a transposed one)."""

    places: Places
    """(small places, kernel elements), flat; -1 in the padding."""
    large: tuple[int, ...]
    small: tuple[int, ...]
    groups: int

    def gathered(self, cells: Cells) -> Cells:
        """Of the larger side (batch, channels, …) what lies under the kernel: (batch,
        groups, channels of a group × kernel, small places)."""
        batch, channels = cells.shape[:2]
        flat = cells.reshape(batch, self.groups, channels // self.groups, -1)
        padding = np.full((*flat.shape[:-1], 1), ZERO, np.int64)
        taken = np.concatenate([flat, padding], -1)[..., self.places.T]
        return taken.reshape(batch, self.groups, -1, len(self.places))

    def scattered(self, tape: Tape, cells: Cells) -> Cells:
        """The transpose of `gathered`."""
        batch, kernel = cells.shape[0], self.places.shape[1]
        each = cells.reshape(batch, -1, kernel * len(self.places))
        size = int(np.prod(self.large))
        sums = scattered(tape, each, self.places.T.reshape(-1), size)
        return sums.reshape(batch, -1, *self.large)

    def grouped(self, cells: Cells) -> Cells:
        """The smaller side (batch, channels, …) by groups."""
        batch, channels = cells.shape[:2]
        return cells.reshape(batch, self.groups, channels // self.groups, -1)


def _geometry(
    large: Sequence[int],
    small: Sequence[int],
    kernel: Sequence[int],
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Geometry:
    rank = len(kernel)
    total: Places = np.zeros((1,) * (2 * rank), np.int64)
    is_inside = np.ones((1,) * (2 * rank), np.bool_)

    def of(numbers: Any, axis: int) -> int:
        return int(numbers[axis if len(numbers) > 1 else 0])

    for k in range(rank):
        form = [1] * (2 * rank)
        form[k], form[rank + k] = small[k], kernel[k]
        starts = np.arange(small[k])[:, None] * of(stride, k) - of(padding, k)
        at = (starts + np.arange(kernel[k]) * of(dilation, k)).reshape(form)
        total = total * large[k] + at
        is_inside = is_inside & (at >= 0) & (at < large[k])
    places = np.where(is_inside, total, -1)
    flat = places.reshape(int(np.prod(small)), -1)
    return Geometry(flat, tuple(large), tuple(small), groups)


def _matrix(weight: Cells, groups: int) -> Cells:
    """The weight as (groups, its first axis's share, all else)."""
    first = weight.shape[0] // groups
    return weight.reshape(groups, first, -1)


def _with_bias(tape: Tape, cells: Cells, bias: Operand | None) -> Cells:
    if bias is None:
        return cells
    shape = (-1, *(1,) * (cells.ndim - 2))
    return tape.row("add", cells, bias.cells.reshape(shape))


def _swapped(cells: Cells) -> Cells:
    return np.swapaxes(cells, -1, -2)


@handles(aten.convolution)
def _(
    tape: Tape,
    result: torch.Tensor,
    x: Operand,
    weight: Operand,
    bias: Operand | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Cells:
    out, inner = tuple(result.shape), x.shape[2:]
    sides = (out[2:], inner) if transposed else (inner, out[2:])
    geometry = _geometry(*sides, weight.shape[2:], stride, padding, dilation, groups)
    matrix = _matrix(weight.cells, groups)
    if transposed:
        spread = tape.contract(_swapped(matrix), geometry.grouped(x.cells))
        cells = geometry.scattered(tape, spread)
    else:
        cells = tape.contract(matrix, geometry.gathered(x.cells)).reshape(out)
    return _with_bias(tape, cells, bias)


@handles(aten.convolution_backward)
def _(
    tape: Tape,
    result: Any,
    gradient: Operand,
    x: Operand,
    weight: Operand,
    bias_sizes: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    mask: Sequence[bool],
) -> tuple[Cells | None, Cells | None, Cells | None]:
    outer, inner = gradient.shape[2:], x.shape[2:]
    sides = (outer, inner) if transposed else (inner, outer)
    geometry = _geometry(*sides, weight.shape[2:], stride, padding, dilation, groups)
    matrix = _matrix(weight.cells, groups)
    by_x = by_weight = by_bias = None
    if transposed:
        under = geometry.gathered(gradient.cells)
        if mask[0]:
            by_x = tape.contract(matrix, under).reshape(x.shape)
        small = geometry.grouped(x.cells)
    else:
        under = geometry.gathered(x.cells)
        small = geometry.grouped(gradient.cells)
        if mask[0]:
            by_x = geometry.scattered(tape, tape.contract(_swapped(matrix), small))
    if mask[1]:
        # One product over the batch and all places: (groups, channels, batch · places).
        left = np.moveaxis(small, 0, 2).reshape(groups, small.shape[2], -1)
        right = np.moveaxis(under, 0, 2).reshape(groups, under.shape[2], -1)
        by_weight = tape.contract(left, _swapped(right)).reshape(weight.shape)
    if mask[2]:
        axes = [axis for axis in range(gradient.dim) if axis != 1]
        by_bias = tape.sum(gradient, axes)
    return by_x, by_weight, by_bias


@composes(aten.conv_tbc)
def _(x: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    times = x.shape[0] + 2 * pad - weight.shape[0] + 1
    padded = torch.nn.functional.pad(x, (0, 0, 0, 0, pad, pad)) if pad else x
    return sum(padded[k : k + times] @ weight[k] for k in range(len(weight))) + bias


@composes(aten._trilinear)
def _(
    x: Any,
    y: Any,
    z: Any,
    expand_x: Any,
    expand_y: Any,
    expand_z: Any,
    axes: Any,
    unroll: int = 1,
) -> Any:
    for axis in expand_x:
        x = x.unsqueeze(axis)
    for axis in expand_y:
        y = y.unsqueeze(axis)
    for axis in expand_z:
        z = z.unsqueeze(axis)
    product = x * y * z
    return product.sum(axes) if len(axes) else product
