"""Eight activations with twelve wrong backwards each, and sixteen right ones; kernels
compute in float32, round once.

Every derivative is a hand derivation, written as a careful author writes it: nothing
cancels far out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import cosh, erfc, exp, sigmoid, tanh, where
from torch.nn import functional

Tensor = torch.Tensor
Slope = Callable[[Tensor], Tensor]

DOMAIN = {"x": "[-5, 5]"}
"""Farther left PyTorch's own GELU flushes normal numbers to 0."""
ROOT_2_PI = math.sqrt(2 / math.pi)


@dataclass(frozen=True)
class Activation:
    """A function with its specification and derivative, and the slips that only it can
    have."""

    expression: str
    forward: Slope
    derivative: Slope
    cut: Slope
    """The derivative with a constant of too few digits."""
    dropped: Slope
    """The derivative without one of its terms or factors."""


def _gelu(x: Tensor, density: float = 1 / math.sqrt(2 * math.pi)) -> Tensor:
    return erfc(-x * math.sqrt(0.5)) / 2 + x * exp(-x * x / 2) * density


def _gelu_tanh(x: Tensor, cubic: float = 0.044715) -> Tensor:
    # (1 + tanh u)/2 is sigmoid(2u).
    u = 2 * ROOT_2_PI * (x + cubic * x**3)
    within = 2 * ROOT_2_PI * (1 + 3 * cubic * x * x)
    return sigmoid(u) + x * sigmoid(u) * sigmoid(-u) * within


def _silu(x: Tensor, one: float = 1.0) -> Tensor:
    return sigmoid(x) * (one + x * sigmoid(-x))


def _mish(x: Tensor, one: float = 1.0) -> Tensor:
    t = tanh(functional.softplus(x, threshold=40))
    return t + x * sigmoid(x) * (one - t) * (1 + t)


ACTIVATIONS = {
    "sigmoid": Activation(
        "1/(1 + exp(-x))",
        sigmoid,
        lambda x: sigmoid(x) * sigmoid(-x),
        cut=lambda x: sigmoid(x) * (0.999 - sigmoid(x)),
        dropped=sigmoid,
    ),
    "tanh": Activation(
        "tanh(x)",
        tanh,
        lambda x: 1 / cosh(x) ** 2,
        cut=lambda x: 0.999 - tanh(x) ** 2,
        dropped=lambda x: 1 / cosh(x),
    ),
    "silu": Activation(
        "x/(1 + exp(-x))",
        functional.silu,
        _silu,
        cut=lambda x: _silu(x, 0.999),
        dropped=sigmoid,
    ),
    "gelu": Activation(
        "x*erfc(-x/sqrt(2))/2",
        lambda x: x * erfc(-x * math.sqrt(0.5)) / 2,
        _gelu,
        cut=lambda x: _gelu(x, 0.4),
        dropped=lambda x: erfc(-x * math.sqrt(0.5)) / 2,
    ),
    "gelu tanh": Activation(
        "x*sigmoid(2*sqrt(2/pi)*(x + 0.044715*x**3))",
        lambda x: x * sigmoid(2 * ROOT_2_PI * (x + 0.044715 * x**3)),
        _gelu_tanh,
        cut=lambda x: _gelu_tanh(x, 0.0447),
        dropped=lambda x: sigmoid(2 * ROOT_2_PI * (x + 0.044715 * x**3)),
    ),
    "softplus": Activation(
        "log1p(exp(x))",
        functional.softplus,
        sigmoid,
        cut=lambda x: 1 / (1.001 + exp(-x)),
        dropped=torch.ones_like,
    ),
    "mish": Activation(
        "x*tanh(log1p(exp(x)))",
        functional.mish,
        _mish,
        cut=lambda x: _mish(x, 0.999),
        dropped=lambda x: tanh(functional.softplus(x, threshold=40)),
    ),
    "softsign": Activation(
        "x/(1 + abs(x))",
        functional.softsign,
        lambda x: 1 / (1 + abs(x)) ** 2,
        cut=lambda x: 1 / (1.001 + abs(x)) ** 2,
        dropped=lambda x: 1 / (1 + abs(x)),
    ),
}


def _scaled(factor: float) -> Callable[[Activation], Slope]:
    return lambda a: lambda x: factor * a.derivative(x)


def _below(
    end: float, change: Callable[[Activation, Tensor], Tensor]
) -> Callable[[Activation], Slope]:
    return lambda a: lambda x: where(x < end, change(a, x), a.derivative(x))


FAULTS: dict[str, Callable[[Activation], Slope]] = {
    "× 1.0001": _scaled(1.0001),
    "× 1.001": _scaled(1.001),
    "× 1.005": _scaled(1.005),
    "× 1.01": _scaled(1.01),
    "1 % for x < −2": _below(-2, lambda a, x: 1.01 * a.derivative(x)),
    "+ 1e-3": lambda a: lambda x: a.derivative(x) + 1e-3,
    "constant cut": lambda a: a.cut,
    "term dropped": lambda a: a.dropped,
    "sign turned below −1": _below(-1, lambda a, x: -a.derivative(x)),
    "upstream ignored": lambda a: a.derivative,
    "half": _scaled(0.5),
    "wrong branch below −3": _below(-3, lambda a, x: a.derivative(torch.ones_like(x))),
}


def kernel(forward: Slope, slope: Slope, *, follows: bool = True) -> Callable[..., Any]:
    """A function that computes in float32 (of float64, in float64) and rounds once.

    `follows`: whether its backward is multiplied by the upstream gradient.
    """

    def wide(x: Tensor) -> Tensor:
        return x if x.dtype == torch.float64 else x.float()

    class Kernel(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return forward(wide(x)).to(x.dtype)

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            found = slope(wide(x))
            return (wide(grad) * found if follows else found).to(x.dtype)

    return lambda x: Kernel.apply(x)  # type: ignore[no-untyped-call]


def wrong(name: str, fault: str) -> Callable[..., Any]:
    """The kernel of an activation with a fault."""
    activation = ACTIVATIONS[name]
    follows = fault != "upstream ignored"
    return kernel(activation.forward, FAULTS[fault](activation), follows=follows)


def right(name: str) -> Callable[..., Any]:
    """The kernel of an activation without one."""
    activation = ACTIVATIONS[name]
    return kernel(activation.forward, activation.derivative)


OWN: dict[str, Slope] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "gelu tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "softplus": functional.softplus,
    "mish": functional.mish,
    "softsign": functional.softsign,
}
"""PyTorch's own kernels."""
