"""Sums, means, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import composes, handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten


def axes_of(dim: Any, rank: int) -> tuple[int, ...]:
    """The axes that an argument `dim` names: None and an empty list name all."""
    if dim is None or (isinstance(dim, Sequence) and not dim):
        return tuple(range(rank))
    named = [dim] if isinstance(dim, int) else dim
    return tuple(axis % rank if rank else 0 for axis in named)


@handles(aten.sum)
def _(
    tape: Tape,
    result: torch.Tensor,
    x: Operand,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Cells | None:
    if not result.is_floating_point():
        return None
    return tape.sum(x, axes_of(dim, x.dim), keep=keepdim)


@handles(aten.mean)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Cells:
    axes = axes_of(dim, x.dim)
    total = tape.sum(x, axes, keep=keepdim)
    return tape.row(
        "div", total, int(np.prod([x.shape[axis] for axis in axes])) if x.dim else 1
    )


def variance(x: torch.Tensor, dim: Any, correction: Any, keepdim: bool) -> Any:
    """The mean of the squared distances from the mean, with n − correction terms; and
    the mean."""
    axes = axes_of(dim, x.dim())
    count = int(np.prod([x.shape[axis] for axis in axes])) if x.dim() else 1
    divisor = count - (1 if correction is None else correction)
    mean = x.sum(axes, keepdim=True) / count
    total = (x - mean).square().sum(axes, keepdim=keepdim)
    left = mean if keepdim else mean.sum(axes)
    return total / max(divisor, 0), left


@composes(aten.var.correction)
def _(x: Any, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> Any:
    return variance(x, dim, correction, keepdim)[0]


@composes(aten.std.correction)
def _(x: Any, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> Any:
    return variance(x, dim, correction, keepdim)[0].sqrt()


@composes(aten.var_mean.correction)
def _(x: Any, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> Any:
    return variance(x, dim, correction, keepdim)


@composes(aten.std_mean.correction)
def _(x: Any, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> Any:
    found, mean = variance(x, dim, correction, keepdim)
    return found.sqrt(), mean
