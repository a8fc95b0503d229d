"""What is added, multiplied, or compared at places that an index names; and embeddings'
backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.cumulative import product
from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.handlers.scattering import (
    Places,
    added,
    grouped,
    places_along,
    transposed,
)
from verifier.automatic.recording.operands import Operand, tensor_of
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells

aten = torch.ops.aten


def _cut(cells: Cells, index: torch.Tensor) -> Cells:
    """The part of a source that an index, which may be smaller, takes."""
    return cells[tuple(slice(0, size) for size in index.shape)]


def _scaled(tape: Tape, cells: Cells, factor: Any) -> Cells:
    return cells if factor == 1 else tape.row("mul", factor, cells)


@handles(aten.scatter_add)
def _(
    tape: Tape, result: Any, x: Operand, dim: int, index: torch.Tensor, source: Operand
) -> Cells:
    if x.dim == 0:
        return tape.row("add", x, source) if index.numel() else x.cells
    places = places_along(x.shape, dim, index)
    cells = _cut(source.cells, index)
    flat = added(tape, x.cells.reshape(-1), cells.reshape(-1), places.reshape(-1))
    return flat.reshape(x.shape)


def _index_places(shape: Sequence[int], dim: int, index: torch.Tensor) -> Places:
    """Where whole slices along an axis lie, in the flattened tensor."""
    every = torch.arange(int(np.prod(tuple(shape), dtype=np.int64)))
    return every.reshape(tuple(shape)).index_select(dim, index.reshape(-1)).numpy()


@handles(aten.index_add)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    dim: int,
    index: torch.Tensor,
    source: Operand,
    *,
    alpha: Any = 1,
) -> Cells:
    shape = x.shape or (1,)
    places = _index_places(shape, dim, index).reshape(-1)
    cells = _scaled(tape, source.cells.reshape(-1), alpha)
    return added(tape, x.cells.reshape(-1), cells, places).reshape(x.shape)


@handles(aten.index_put, aten._unsafe_index_put)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    indices: Any,
    values: Any,
    accumulate: bool = False,
) -> Cells:
    every = torch.arange(x.cells.size).reshape(x.shape)
    places = every[tuple(slice(None) if i is None else i for i in indices)]
    if None in indices:
        places = aten.index(every, indices)
    cells = np.broadcast_to(tape.cells(values), tuple(places.shape)).reshape(-1)
    flat = x.cells.reshape(-1)
    where = places.reshape(-1).numpy()
    if accumulate:
        return added(tape, flat, cells, where).reshape(x.shape)
    flat = flat.copy()
    flat[where] = cells  # the last one stays
    return flat.reshape(x.shape)


@handles(aten.put)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    index: torch.Tensor,
    source: Operand,
    accumulate: bool = False,
) -> Cells:
    flat, where = x.cells.reshape(-1), index.reshape(-1).numpy()
    where = np.where(where < 0, where + flat.size, where)
    if accumulate:
        return added(tape, flat, source.cells.reshape(-1), where).reshape(x.shape)
    flat = flat.copy()
    flat[where] = source.cells.reshape(-1)
    return flat.reshape(x.shape)


@handles(aten.scatter_reduce)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    dim: int,
    index: torch.Tensor,
    source: Operand,
    reduce: str,
    *,
    include_self: bool = True,
) -> Cells:
    shape = x.shape or (1,)
    places = places_along(shape, dim, index.reshape(index.shape or (1,))).reshape(-1)
    cells = _cut(source.cells, index).reshape(-1)
    flat = x.cells.reshape(-1)
    named = np.unique(places)
    if include_self:
        places, cells = np.append(named, places), np.append(flat[named], cells)
    result_cells = flat.copy()
    for count, (where, which) in grouped(places).items():
        result_cells[where] = _reduced(tape, cells[which], reduce, count)
    return result_cells.reshape(x.shape)


def _reduced(tape: Tape, terms: Cells, reduce: str, count: int) -> Cells:
    """Over the last axis."""
    if count == 1:
        return terms[:, 0]
    if reduce == "sum":
        return tape.sum(terms, [-1])
    if reduce == "mean":
        return tape.row("div", tape.sum(terms, [-1]), float(count))
    if reduce == "prod":
        return product(tape, terms)
    if reduce == "amax":
        return tape.largest_of(terms, [-1])
    return tape.row("neg", tape.largest_of(tape.row("neg", terms), [-1]))


@handles(aten.embedding)
def _(
    tape: Tape,
    result: Any,
    weight: Operand,
    index: torch.Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Cells:
    """Rows of the table; by what PyTorch documents no gradient flows to that of
    `padding_idx`, and `scale_grad_by_freq` divides by how often a row is read."""
    where = index.numpy()
    cells: Cells = weight.cells[where]
    if scale_grad_by_freq:
        counts = np.bincount(where.reshape(-1), minlength=weight.shape[0])[where]
        cells = _flatter(tape, cells, counts[..., None].astype(np.float64))
    if padding_idx >= 0 and (where == padding_idx).any():
        is_padding = (where == padding_idx)[..., None]
        cells = np.where(is_padding, tape.stop(cells), cells)
    return cells


def _flatter(tape: Tape, cells: Cells, divisor: Any) -> Cells:
    """The same numbers, whose derivative is divided."""
    still = tape.stop(cells)
    shift = tape.row("div", tape.row("sub", cells, still), divisor)
    return np.where(divisor == 1, cells, tape.row("add", still, shift))


@handles(aten.embedding_renorm)
def _(
    tape: Tape,
    result: torch.Tensor,
    weight: Operand,
    index: torch.Tensor,
    maximum: float,
    p: float,
) -> Cells:
    """The rows that are read, cut to the largest norm."""
    norms = torch.linalg.vector_norm(weight.values, p, 1)
    is_read = torch.zeros(weight.shape[0], dtype=torch.bool)
    is_read[index.reshape(-1)] = True
    rows = np.flatnonzero((is_read & (norms > maximum)).numpy())
    cells = weight.cells[rows]
    if p == 2:
        sizes = tape.row("sqrt", tape.sum(tape.row("square", cells), [1], keep=True))
    else:
        powers = tape.row("pow", tape.row("abs", cells), p)
        sizes = tape.row("pow", tape.sum(powers, [1], keep=True), 1 / p)
    factors = tape.row("div", maximum, tape.row("add", sizes, 1e-7))
    every = weight.cells.copy()
    every[rows] = tape.row("mul", cells, factors)
    return every


@handles(aten.embedding_dense_backward)
def _(
    tape: Tape,
    result: Any,
    gradient: Operand,
    index: torch.Tensor,
    rows: int,
    padding_idx: int,
    by_frequency: bool,
) -> Cells:
    width = gradient.shape[-1]
    flat, where = gradient.cells.reshape(-1, width), index.reshape(-1).numpy()
    if by_frequency:
        counts = np.bincount(where, minlength=rows)[where].astype(np.float64)
        flat = tape.row("div", flat, counts[:, None])
    is_counted = where != padding_idx
    places = where[is_counted][:, None] * width + np.arange(width)
    base: Cells = np.full(rows * width, ZERO, np.int64)
    sums = added(tape, base, flat[is_counted].reshape(-1), places.reshape(-1))
    return sums.reshape(rows, width)


@handles(aten.col2im)
def _(
    tape: Tape,
    result: torch.Tensor,
    x: Operand,
    size: Any,
    kernel: Any,
    dilation: Any,
    padding: Any,
    stride: Any,
) -> Cells:
    def run(t: torch.Tensor) -> torch.Tensor:
        return aten.im2col(t, kernel, dilation, padding, stride)  # type: ignore[no-any-return]

    return transposed(tape, run, result.shape, x.cells)


@handles(aten.max_unpool2d, aten.max_unpool3d)
def _(
    tape: Tape, result: torch.Tensor, x: Operand, indices: torch.Tensor, *sizes: Any
) -> Cells:
    rank = len(sizes[0])
    batch = x.shape[:-rank]
    flat = torch.full((*batch, int(np.prod(sizes[0]))), ZERO, dtype=torch.int64)
    where = indices.reshape(*batch, -1)
    moved = flat.scatter(-1, where, tensor_of(x.cells.reshape(tuple(where.shape))))
    cells: Cells = moved.reshape(result.shape).numpy()
    return cells
