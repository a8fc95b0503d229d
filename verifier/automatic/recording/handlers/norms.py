"""Batch norm outside of training, as its kernel has it: one factor and one summand a
channel."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import composes

aten = torch.ops.aten


@composes(aten.native_batch_norm)
def _(
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    if training:
        from torch._decomp import decomposition_table  # takes a second to import

        whole = decomposition_table[aten.native_batch_norm.default]
        return whole(x, weight, bias, mean, variance, training, momentum, eps)
    factor = 1 / (variance + eps).sqrt()
    factor = factor if weight is None else factor * weight
    summand = -mean * factor if bias is None else bias - mean * factor
    shape = (1, -1, *(1,) * (x.dim() - 2))
    nothing = x.new_zeros(0)
    return x * factor.reshape(shape) + summand.reshape(shape), nothing, nothing
