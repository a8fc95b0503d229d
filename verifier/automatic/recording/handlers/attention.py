"""The attention kernel of the CPU, forward and backward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells

aten = torch.ops.aten


def _swapped(cells: Cells) -> Cells:
    return np.swapaxes(cells, -1, -2)


def _scores(
    tape: Tape,
    query: Cells,
    key: Cells,
    mask: Operand | None,
    causal: bool,
    scale: float | None,
) -> tuple[Cells, Any]:
    """What the weights are made of, and which are left out."""
    factor: Any = scale
    if scale is None:
        root = math.isqrt(query.shape[-1])
        if root * root == query.shape[-1]:
            factor = tape.row("div", 1.0, float(root))
        else:
            factor = tape.row("rsqrt", float(query.shape[-1]))
    scores = tape.row("mul", tape.contract(query, _swapped(key)), factor)
    is_out = np.zeros(scores.shape, np.bool_)
    if mask is not None:
        is_out |= (mask.values == -torch.inf).numpy()
        shown = np.where(np.isneginf(mask.values.numpy()), ZERO, mask.cells)
        scores = tape.row("add", scores, shown)
    if causal:
        rows, columns = np.arange(scores.shape[-2]), np.arange(scores.shape[-1])
        is_out |= columns > rows[:, None]
    return scores, is_out


def _weights(tape: Tape, scores: Cells, is_out: Any) -> tuple[Cells, Cells, Cells]:
    """e to the scores less the largest of a row, their sums, and the largest."""
    numbers = np.where(is_out, -np.inf, tape.values(scores))
    numbers = np.where(np.isnan(numbers), -np.inf, numbers)
    at = numbers.argmax(-1)[..., None]
    shift = tape.stop(np.take_along_axis(scores, at, -1))
    powers = tape.row("exp", tape.row("sub", scores, shift))
    powers = np.where(is_out, ZERO, powers)
    return powers, tape.sum(powers, [-1], keep=True), shift


def _repeated(cells: Cells, heads: int) -> Cells:
    """Keys or values for each head of the queries."""
    return np.repeat(cells, heads // cells.shape[1], axis=1)


@handles(aten._scaled_dot_product_flash_attention_for_cpu)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, torch.Tensor],
    query: Operand,
    key: Operand,
    value: Operand,
    dropout: float = 0.0,
    causal: bool = False,
    *,
    attn_mask: Operand | None = None,
    scale: float | None = None,
) -> tuple[Cells, Cells]:
    heads = query.shape[1]
    keys, values = _repeated(key.cells, heads), _repeated(value.cells, heads)
    scores, is_out = _scores(tape, query.cells, keys, attn_mask, causal, scale)
    powers, totals, shift = _weights(tape, scores, is_out)
    is_empty = is_out.all(-1, keepdims=True)
    weights = np.where(is_empty, ZERO, tape.row("div", powers, totals))
    logs = tape.row("add", tape.row("log", totals), shift)[..., 0]
    logs = np.where(
        is_empty[..., 0],
        tape.constants(result[1].double().numpy().reshape(logs.shape)),
        logs,
    )
    return tape.contract(weights, values), logs.reshape(tuple(result[1].shape))


@handles(aten._scaled_dot_product_flash_attention_for_cpu_backward)
def _(
    tape: Tape,
    result: Any,
    gradient: Operand,
    query: Operand,
    key: Operand,
    value: Operand,
    out: Operand,
    logsumexp: Operand,
    dropout: float,
    causal: bool,
    *,
    attn_mask: Operand | None = None,
    scale: float | None = None,
) -> tuple[Cells, Cells, Cells]:
    heads = query.shape[1]
    keys, values = _repeated(key.cells, heads), _repeated(value.cells, heads)
    scores, is_out = _scores(tape, query.cells, keys, attn_mask, causal, scale)
    logs = logsumexp.cells.reshape(*scores.shape[:-1], 1)
    weights = np.where(is_out, ZERO, tape.row("exp", tape.row("sub", scores, logs)))
    by_value = tape.contract(_swapped(weights), gradient)
    by_weights = tape.contract(gradient, _swapped(values))
    products = tape.row("mul", gradient, out)
    rest = tape.row("sub", by_weights, tape.sum(products, [-1], keep=True))
    by_scores = tape.row("mul", weights, rest)
    factor = scale if scale is not None else tape.row("rsqrt", float(query.shape[-1]))
    by_query = tape.row("mul", tape.contract(by_scores, keys), factor)
    by_key = tape.row("mul", tape.contract(_swapped(by_scores), query), factor)
    return (
        by_query,
        _summed(tape, by_key, key.shape[1]),
        _summed(tape, by_value, value.shape[1]),
    )


def _summed(tape: Tape, cells: Cells, heads: int) -> Cells:
    """Over the heads that shared one."""
    batch, many, *rest = cells.shape
    if many == heads:
        return cells
    return tape.sum(cells.reshape(batch, heads, many // heads, *rest), [2])
