"""Softmax, and what is chosen by an order: largest and smallest elements, sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.reductions import axes_of
from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand, name_of
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells

aten = torch.ops.aten


def _chosen(cells: Cells, index: torch.Tensor, dim: int) -> Cells:
    if cells.ndim == 0:
        return cells
    return np.take_along_axis(cells, index.numpy(), axis=dim)


def _shifted(tape: Tape, x: Operand, dim: int) -> tuple[Cells, Cells]:
    """x less the row's largest, which is a constant; and its exponentials, in which
    what is masked by −∞ is the exact 0."""
    if x.dim == 0:
        x = Operand(x.cells[None], x.values[None], x.dtype)
        dim = 0
    index = x.values.argmax(dim, keepdim=True)
    shift = tape.stop(_chosen(x.cells, index, dim))
    shifted = tape.row("sub", x, shift)
    since = len(tape.entries)
    powers = tape.row("exp", shifted)
    if dim % len(x.shape) != len(x.shape) - 1:
        # Kernels for other axes than the last keep these in the dtype.
        tape.store(powers, name_of(x.dtype), since)
    is_masked = (x.values == -torch.inf).numpy()
    is_lost = ~np.isfinite(x.values.amax(dim, keepdim=True).numpy())
    return shifted, np.where(is_masked & ~is_lost, ZERO, powers)


@handles(aten._softmax, aten._safe_softmax)
def _(tape: Tape, result: torch.Tensor, x: Operand, dim: int, *rest: Any) -> Cells:
    _, powers = _shifted(tape, x, dim)
    total = tape.sum(powers, (dim,), keep=True)
    cells = tape.row("div", powers, total)
    # Of a row of −∞ alone _safe_softmax makes zeros, _softmax NaN.
    is_masked = (x.values == -torch.inf).numpy().reshape(cells.shape)
    is_zero = is_masked & (result == 0).numpy().reshape(cells.shape)
    cells = np.where(is_zero, ZERO, cells)
    is_nothing = is_masked & result.isnan().numpy().reshape(cells.shape)
    return np.where(is_nothing, tape.cells(np.nan), cells).reshape(x.shape)


@handles(aten._log_softmax)
def _(tape: Tape, result: torch.Tensor, x: Operand, dim: int, *rest: Any) -> Cells:
    shifted, powers = _shifted(tape, x, dim)
    total = tape.sum(powers, (dim,), keep=True)
    # vec_log_softmax_lastdim_kernel keeps sums and their logarithms in arrays of the
    # tensor's own dtype, 16 bits where it has them (SoftMaxKernel.cpp of PyTorch 2.13).
    tape.entries[-1].stored = name_of(x.dtype)
    logarithm = tape.row("log", total)
    tape.entries[-1].stored = name_of(x.dtype)
    return tape.row("sub", shifted, logarithm).reshape(x.shape)


@handles(aten.logsumexp)
def _(
    tape: Tape, result: torch.Tensor, x: Operand, dim: Any, keepdim: bool = False
) -> Cells:
    axes = axes_of(dim, x.dim)
    largest = x.values.amax(axes, keepdim=True) if x.dim else x.values
    finite = torch.where(largest.isfinite(), largest, 0.0)
    shift = tape.constants(finite)
    powers = tape.row("exp", tape.row("sub", x, shift))
    powers = np.where((x.values == -torch.inf).numpy(), ZERO, powers)
    total = tape.sum(powers, axes, keep=keepdim)
    return tape.row("add", tape.row("log", total), shift.reshape(total.shape))


def _decide(tape: Tape, chosen: Cells, cells: Cells, index: Any, dim: int) -> None:
    """The chosen against all others."""
    others = np.ones(cells.shape, np.bool_)
    if cells.ndim:
        np.put_along_axis(others, index.numpy(), False, axis=dim)
    else:
        others[...] = False
    left = np.broadcast_to(chosen, cells.shape)
    tape.decide("choice", left[others], cells[others], True)


def _one(tape: Tape, result: Any, x: Operand, dim: int, keepdim: bool = False) -> Any:
    index = result[1]
    if x.dim == 0:
        return x.cells, None
    kept = index if keepdim else index.unsqueeze(dim)
    chosen = _chosen(x.cells, kept, dim)
    _decide(tape, chosen, x.cells, kept, dim)
    return chosen if keepdim else chosen.squeeze(dim % x.dim), None


handles(aten.max.dim, aten.min.dim)(_one)


@handles(aten.argmax, aten.argmin)
def _(
    tape: Tape, result: Any, x: Operand, dim: int | None = None, keepdim: bool = False
) -> None:
    if dim is None:
        cells, index, dim = x.cells.reshape(-1), result.reshape(1), 0
    elif x.dim == 0:
        return
    else:
        cells, index = x.cells, result if keepdim else result.unsqueeze(dim)
    _decide(tape, _chosen(cells, index, dim), cells, index, dim)


@handles(aten.kthvalue)
def _(
    tape: Tape, result: Any, x: Operand, k: Any, dim: int = -1, keepdim: bool = False
) -> tuple[Cells, None]:
    return _one(tape, result, x, dim, keepdim)  # type: ignore[no-any-return]


@handles(aten.mode, aten.median.dim, aten.nanmedian.dim)
def _(
    tape: Tape, result: Any, x: Operand, dim: int = -1, keepdim: bool = False
) -> tuple[Cells, None]:
    return _one(tape, result, x, dim, keepdim)  # type: ignore[no-any-return]


@handles(aten.median.default, aten.nanmedian.default)
def _(tape: Tape, result: torch.Tensor, x: Operand) -> Cells:
    """The first of those that are it; PyTorch's backward shares among them."""
    flat, cells = x.values.reshape(-1), x.cells.reshape(-1)
    at = torch.nonzero(flat == result).reshape(-1)[:1]
    if not len(at):
        return tape.constants(result)
    _decide(tape, cells[at.numpy()], cells, at, 0)
    return cells[int(at)]  # type: ignore[no-any-return]


def _ordered(tape: Tape, result: Any, x: Operand, dim: int) -> tuple[Cells, None]:
    chosen = _chosen(x.cells, result[1], dim)
    if x.dim and chosen.shape[dim] > 1:
        count = chosen.shape[dim]
        earlier = np.take(chosen, range(count - 1), axis=dim)
        tape.decide("choice", earlier, np.take(chosen, range(1, count), axis=dim), True)
    return chosen, None


@handles(aten.sort.default)
def _(
    tape: Tape, result: Any, x: Operand, dim: int = -1, descending: bool = False
) -> tuple[Cells, None]:
    return _ordered(tape, result, x, dim)


@handles(aten.sort.stable)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    *,
    stable: bool | None,
    dim: int = -1,
    descending: bool = False,
) -> tuple[Cells, None]:
    return _ordered(tape, result, x, dim)


@handles(aten.topk)
def _(
    tape: Tape, result: Any, x: Operand, k: int, dim: int = -1, *rest: Any, **more: Any
) -> tuple[Cells, None]:
    if (
        x.dim and k and k < x.shape[dim]
    ):  # the last that was taken, and all that were not
        chosen = _chosen(x.cells, result[1], dim)
        last = np.take(chosen, [int(chosen.shape[dim]) - 1], axis=dim)
        left = np.ones(x.shape, np.bool_)
        np.put_along_axis(left, result[1].numpy(), False, axis=dim)
        tape.decide("choice", np.broadcast_to(last, x.shape)[left], x.cells[left], True)
    return _chosen(x.cells, result[1], dim), None


@handles(aten._unique2, aten._unique)
def _(tape: Tape, result: Any, x: Operand, *args: Any, **options: Any) -> Any:
    """The first of those that are equal."""
    order, at = np.unique(x.values.reshape(-1).numpy(), return_index=True)
    found = np.searchsorted(order, result[0].numpy())
    return (x.cells.reshape(-1)[at[found]], *(None for _ in result[1:]))


def _extreme(sign: int) -> Any:
    def handler(
        tape: Tape, result: Any, x: Operand, dim: Any = None, keepdim: bool = False
    ) -> Cells:
        axes = axes_of(dim, x.dim)
        cells = x.cells if sign > 0 else tape.row("neg", x)
        found = tape.largest_of(cells, axes, keep=keepdim)
        return found if sign > 0 else tape.row("neg", found)

    return handler


handles(aten.amax, aten.max.default)(_extreme(1))
handles(aten.amin, aten.min.default)(_extreme(-1))
