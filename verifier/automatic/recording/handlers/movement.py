"""Operations that only move elements: they are run on the numbers of the cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand, mapped, tensor_of
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten

MOVES = (
    "clone cat stack index index_select gather flip roll tril triu repeat "
    "_unsafe_view _reshape_copy take masked_select unfold_copy diag_embed "
    "pixel_shuffle pixel_unshuffle channel_shuffle diagonal_scatter select_scatter "
    "slice_scatter as_strided_scatter masked_scatter expand_copy view_copy "
    "permute_copy rot90 block_diag trace_copy reflection_pad1d reflection_pad2d "
    "reflection_pad3d replication_pad1d replication_pad2d replication_pad3d im2col "
    "select_backward slice_backward diagonal_backward contiguous repeat_interleave "
    "index_copy put _unsafe_index unsafe_split split_copy combinations cartesian_prod "
    "_pin_memory narrow_copy alias_copy detach_copy t_copy transpose_copy "
    "squeeze_copy unsqueeze_copy select_copy slice_copy as_strided_copy "
    "diagonal_copy unbind_copy split_with_sizes_copy"
).split()
"""Where an element that none was moved to is 0, that is its cell's number too."""

_FILLS = {"masked_fill", "index_fill", "constant_pad_nd", "fill", "full_like"}


def _number(value: Any) -> Any:
    return tensor_of(value.cells) if isinstance(value, Operand) else value


def _on_float64(value: Any) -> Any:
    if isinstance(value, Operand):
        return tensor_of(value.cells).to(torch.float64)
    return value


def _move(op: Any) -> Any:
    def handler(tape: Tape, result: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            moved = op(*mapped(_number, list(args)), **kwargs)
        except (RuntimeError, NotImplementedError):  # not for integers
            moved = op(*mapped(_on_float64, list(args)), **kwargs)
        if isinstance(moved, torch.Tensor):
            return moved.to(torch.int64).numpy()
        return [part.to(torch.int64).numpy() for part in moved]

    return handler


for _name in MOVES:
    if hasattr(aten, _name):
        handles(getattr(aten, _name))(_move(getattr(aten, _name)))


def keeps(source: torch.dtype, target: torch.dtype) -> bool:
    """Whether every number of one dtype is one of the other."""
    if not source.is_floating_point:
        return True
    return torch.promote_types(source, target) == target


def converted(tape: Tape, operand: Any, dtype: torch.dtype) -> Cells:
    """The same numbers, rounded where they become those of a smaller dtype."""
    cells = tape.cells(operand)
    if isinstance(operand, Operand) and not keeps(operand.dtype, dtype):
        return tape.row("identity", cells)
    return cells


@handles(aten._to_copy)
def _(tape: Tape, result: torch.Tensor, x: Operand, **options: Any) -> Cells | None:
    dtype = options.get("dtype") or x.dtype
    if not dtype.is_floating_point:
        return None
    return converted(tape, x, dtype)


@handles(aten.copy)
def _(tape: Tape, result: Any, x: Any, source: Any, blocking: bool = False) -> Cells:
    if not isinstance(x, Operand):
        return None  # type: ignore[return-value]
    return np.broadcast_to(converted(tape, source, x.dtype), x.shape)


@handles(aten.where)
def _(tape: Tape, result: Any, condition: Any, x: Any, y: Any) -> Cells:
    return np.where(condition.numpy(), tape.cells(x), tape.cells(y))


def _filled(tape: Tape, value: Any) -> Any:
    """What is filled with, as the number of its cell."""
    cells = tape.cells(value)
    return int(cells.reshape(-1)[0]) if cells.size else 0


@handles(aten.masked_fill)
def _(tape: Tape, result: Any, x: Operand, mask: torch.Tensor, value: Any) -> Cells:
    return np.where(mask.numpy(), _filled(tape, value), x.cells)


@handles(aten.constant_pad_nd)
def _(tape: Tape, result: Any, x: Operand, pad: Any, value: Any = 0) -> Cells:
    cells = tensor_of(x.cells)
    return aten.constant_pad_nd(cells, pad, _filled(tape, value)).numpy()  # type: ignore[no-any-return]


@handles(aten.index_fill)
def _(tape: Tape, result: Any, x: Operand, dim: int, index: Any, value: Any) -> Cells:
    cells = tensor_of(x.cells)
    return aten.index_fill(cells, dim, index, _filled(tape, value)).numpy()  # type: ignore[no-any-return]


@handles(aten.fill, aten.full_like, aten.new_full)
def _(tape: Tape, result: torch.Tensor, x: Any, *args: Any, **options: Any) -> Cells:
    value = args[-1] if args else options.get("value", options.get("fill_value"))
    if isinstance(value, Operand):
        return np.broadcast_to(value.cells, tuple(result.shape))
    return tape.constants(result)


@handles(aten.zero, aten.zeros_like, aten.ones_like, aten.new_zeros, aten.new_ones)
def _(tape: Tape, result: torch.Tensor, *args: Any, **options: Any) -> Cells | None:
    return tape.constants(result) if result.is_floating_point() else None


@handles(aten.scatter.src, aten.scatter.value)
def _(tape: Tape, result: Any, x: Operand, dim: int, index: Any, src: Any) -> Cells:
    cells = tensor_of(x.cells)
    if isinstance(src, Operand):
        moved = aten.scatter(cells, dim, index, tensor_of(src.cells))
    else:
        moved = aten.scatter(cells, dim, index, _filled(tape, src))
    return moved.numpy()  # type: ignore[no-any-return]
