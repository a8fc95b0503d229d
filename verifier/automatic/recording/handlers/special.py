"""Special functions that PyTorch has under names or with operands of its own, and
activations that draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import composes, handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten


@handles(aten.igamma, aten.special_gammainc)
def _(tape: Tape, result: Any, a: Any, x: Any) -> Cells:
    return tape.row("gammainc", a, x)


@handles(aten.igammac, aten.special_gammaincc)
def _(tape: Tape, result: Any, a: Any, x: Any) -> Cells:
    return tape.row("gammaincc", a, x)


def _with_logarithm(tape: Tape, x: Any, y: Any, kind: str, logarithm: str) -> Cells:
    """x log y step by step, as the kernels round it; where x is 0 the row itself."""
    numbers = x.values.numpy() if isinstance(x, Operand) else np.asarray(float(x))
    product = tape.row("mul", x, tape.row(logarithm, y))
    whole = tape.row(kind, x, y)
    return np.where(np.broadcast_to(numbers != 0, whole.shape), product, whole)


@handles(aten.xlogy)
def _(tape: Tape, result: Any, x: Any, y: Any) -> Cells:
    return _with_logarithm(tape, x, y, "xlogy", "log")


@handles(aten.special_xlog1py)
def _(tape: Tape, result: Any, x: Any, y: Any) -> Cells:
    return _with_logarithm(tape, x, y, "xlog1py", "log1p")


@handles(aten.logit, aten.special_logit)
def _(tape: Tape, result: Any, x: Any, eps: float | None = None) -> Cells:
    cells = tape.cells(x)
    if eps is not None and eps >= 0:
        cells = tape.row("clamp", cells, eps, 1 - eps)
    return tape.row("log", tape.row("div", cells, tape.row("sub", 1.0, cells)))


@composes(aten.rrelu_with_noise, drawn=True)
def _(
    drawn: Any,
    x: Any,
    noise: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
) -> Any:
    """The noise is what was drawn: the slope where x is not above 0, else 1."""
    if not training:
        return torch.nn.functional.leaky_relu(x, (lower + upper) / 2)
    return x * (noise + 0)  # what is kept of the noise is rounded
