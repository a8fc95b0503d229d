"""Backwards of movements that PyTorch has as kernels of their own, and what is summed
or multiplied by index."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import composes, handles
from verifier.automatic.recording.handlers.scattering import transposed
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten


def _padding(forward: Any, backward: Any) -> None:
    @handles(backward)
    def _(
        tape: Tape, result: torch.Tensor, gradient: Operand, x: Operand, pad: Any
    ) -> Cells:
        return transposed(tape, lambda t: forward(t, pad), x.shape, gradient.cells)


for _axes in (1, 2, 3):
    for _kind in ("reflection", "replication"):
        _name = f"{_kind}_pad{_axes}d"
        _padding(getattr(aten, _name), getattr(aten, f"{_name}_backward"))


@handles(aten.unfold_backward)
def _(
    tape: Tape,
    result: Any,
    gradient: Operand,
    shape: Any,
    dim: int,
    size: int,
    step: int,
) -> Cells:
    return transposed(tape, lambda t: t.unfold(dim, size, step), shape, gradient.cells)


@handles(aten.masked_scatter_backward)
def _(
    tape: Tape, result: Any, gradient: Operand, mask: torch.Tensor, sizes: Any
) -> Cells:
    cells = torch.from_numpy(gradient.cells).to(torch.float64)
    moved = aten.masked_scatter_backward(cells, mask, sizes)
    return moved.to(torch.int64).numpy()  # type: ignore[no-any-return]


@composes(aten.index_reduce)
def _(
    x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    shape = [1] * source.dim()
    shape[dim] = -1
    at = index.reshape(shape).expand(source.shape)
    return x.scatter_reduce(dim, at, source, reduce, include_self=include_self)


def _segments(lengths: Any, offsets: Any) -> Any:
    return (offsets.diff() if lengths is None else lengths).tolist()


@composes(aten.segment_reduce)
def _(
    data: Any,
    reduce: str,
    *,
    lengths: Any = None,
    indices: Any = None,
    offsets: Any = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Any = None,
) -> Any:
    if axis != 0 or reduce not in ("sum", "mean") or initial is not None:
        raise NotImplementedError("segment_reduce by other than sum or mean")
    sizes = _segments(lengths, offsets)
    parts = [part.sum(0) for part in data.split(sizes)]
    if reduce == "mean":
        parts = [part / size for part, size in zip(parts, sizes, strict=True)]
    return torch.stack(parts)


@composes(aten._segment_reduce_backward)
def _(
    gradient: Any,
    output: Any,
    data: Any,
    reduce: str,
    *,
    lengths: Any = None,
    offsets: Any = None,
    axis: int = 0,
    initial: Any = None,
) -> Any:
    sizes = _segments(lengths, offsets)
    if reduce == "mean":
        gradient = torch.stack(
            [part / size for part, size in zip(gradient, sizes, strict=True)]
        )
    return gradient.repeat_interleave(torch.tensor(sizes), 0)
