"""Products, and what runs along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten


def product(tape: Tape, terms: Cells) -> Cells:
    """Over the last axis, in pairs."""
    if terms.shape[-1] == 0:
        return tape.constants(np.ones(terms.shape[:-1]))
    while terms.shape[-1] > 1:
        count = terms.shape[-1] // 2
        pairs = tape.row("mul", terms[..., :count], terms[..., count : 2 * count])
        terms = np.concatenate([pairs, terms[..., 2 * count :]], -1)
    return terms[..., 0]


@handles(aten.prod.default)
def _(tape: Tape, result: Any, x: Operand, *, dtype: Any = None) -> Cells:
    return product(tape, x.cells.reshape(-1))


@handles(aten.prod.dim_int)
def _(
    tape: Tape,
    result: Any,
    x: Operand,
    dim: int,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Cells:
    if x.dim == 0:
        return x.cells
    total = product(tape, np.moveaxis(x.cells, dim, -1))
    return np.expand_dims(total, dim) if keepdim else total


def _running(kind: str) -> Any:
    def handler(
        tape: Tape, result: Any, x: Operand, dim: int, *, dtype: Any = None
    ) -> Cells | None:
        if x.dim == 0 or not x.cells.size:
            return x.cells
        terms = np.moveaxis(x.cells, dim, 0)
        steps = [terms[:1]]
        for k in range(1, len(terms)):
            steps.append(tape.row(kind, steps[-1], terms[k : k + 1]))
        # The kernel runs in a wider dtype, and rounds what it stores.
        inner = np.concatenate(steps[1:]) if len(steps) > 1 else terms[:0]
        kept = tape.row("identity", inner) if inner.size else inner
        return np.moveaxis(np.concatenate([terms[:1], kept]), 0, dim)

    return handler


handles(aten.cumsum)(_running("add"))
handles(aten.cumprod)(_running("mul"))


@handles(aten.cummax, aten.cummin)
def _(
    tape: Tape, result: tuple[torch.Tensor, torch.Tensor], x: Operand, dim: int
) -> tuple[Cells, None]:
    if x.dim == 0:
        return x.cells, None
    return np.take_along_axis(x.cells, result[1].numpy(), dim), None
