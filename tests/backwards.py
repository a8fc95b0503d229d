"""Functions with a backward written by hand, for the tests that plant faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Tensor = torch.Tensor


def function(
    forward: Callable[..., Tensor], backward: Callable[..., Any]
) -> Callable[..., Tensor]:
    """A function with a backward of its own: of the upstream gradient, then the inputs."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            return backward(grad, *ctx.saved_tensors)

    return lambda *inputs: Planted.apply(*inputs)  # type: ignore[no-untyped-call]
