"""Functions with a backward written by hand, for the tests that plant faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Tensor = torch.Tensor


def function(
    forward: Callable[..., Tensor], backward: Callable[..., Any]
) -> Callable[..., Tensor]:
    """A function with a backward of its own: of the upstream gradient, then the
    inputs."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            return backward(grad, *ctx.saved_tensors)

    return lambda *inputs: Planted.apply(*inputs)  # type: ignore[no-untyped-call]


def with_forward_mode(
    forward: Callable[..., Tensor],
    backward: Callable[..., Any],
    rule: Callable[..., Tensor],
) -> Callable[..., Tensor]:
    """The same of one input, with a forward mode of its own: of the tangent, then the
    input."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(x: Tensor) -> Tensor:
            return forward(x)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            return backward(grad, *ctx.saved_tensors)

        @staticmethod
        def jvp(ctx: Any, tangent: Tensor) -> Tensor:
            return rule(tangent, *ctx.saved_tensors)

    return lambda x: Planted.apply(x)  # type: ignore[no-untyped-call]


_slope_of_cube = function(
    lambda x, upstream: 3 * x * x * upstream,
    lambda grad, x, upstream: (grad * 6.5 * x * upstream, grad * 3 * x * x),
)
cube = function(lambda x: x * x * x, lambda grad, x: _slope_of_cube(x, grad))
"""Right at order 1; its second derivative is 6.5x where 6x is right."""
