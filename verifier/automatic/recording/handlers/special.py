"""Special functions that PyTorch has under names or with operands of its own, and
activations that draw."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import composes, handles
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten


@handles(aten.igamma, aten.special_gammainc)
def _(tape: Tape, result: Any, a: Any, x: Any) -> Cells:
    return tape.row("gammainc", a, x)


@handles(aten.igammac, aten.special_gammaincc)
def _(tape: Tape, result: Any, a: Any, x: Any) -> Cells:
    return tape.row("gammaincc", a, x)


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
    return x * noise
