"""Correct layers of PyTorch, on small shapes: programs on which nothing may alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Layer = tuple[Callable[..., Any], dict[str, tuple[int, ...]]]


def rms_norm_by_hand(x: Tensor, w: Tensor) -> Tensor:
    """As models write it: float32 inside."""
    wide = x.float() if x.dtype != torch.float64 else x
    y = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)
    return y.to(x.dtype) * w


def swiglu(x: Tensor, g: Tensor) -> Tensor:
    return F.silu(g) * x


def lstm_cell(
    x: Tensor, h: Tensor, c: Tensor, wi: Tensor, wh: Tensor, bi: Tensor, bh: Tensor
) -> Tensor:
    i, f, g, o = (F.linear(x, wi, bi) + F.linear(h, wh, bh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh()


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = F.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1)
    return weights @ v


def labels(x: Tensor) -> Tensor:
    return torch.arange(x.shape[0]) * 7 % x.shape[1]


def mlp(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    logits = F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)
    return F.cross_entropy(logits, labels(logits), reduction="none")


LAYERS: dict[str, Layer] = {
    "linear": (F.linear, {"input": (32, 64), "weight": (48, 64), "bias": (48,)}),
    "matmul": (torch.matmul, {"input": (48, 48), "other": (48, 48)}),
    "softmax": (lambda x: F.softmax(x, -1), {"x": (16, 64)}),
    "log_softmax": (lambda x: F.log_softmax(x, -1), {"x": (16, 64)}),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, (64,), w, b),
        {"x": (16, 64), "w": (64,), "b": (64,)},
    ),
    "rms_norm": (
        lambda x, w: F.rms_norm(x, (64,), w, 1e-6),
        {"x": (16, 64), "w": (64,)},
    ),
    "rms_norm_by_hand": (rms_norm_by_hand, {"x": (16, 64), "w": (64,)}),
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        {"x": (32, 16), "w": (16,), "b": (16,)},
    ),
    "gelu": (F.gelu, {"input": (1024,)}),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), {"x": (1024,)}),
    "swiglu": (swiglu, {"x": (16, 64), "g": (16, 64)}),
    "lstm_cell": (
        lstm_cell,
        {
            "x": (8, 16),
            "h": (8, 16),
            "c": (8, 16),
            "wi": (64, 16),
            "wh": (64, 16),
            "bi": (64,),
            "bh": (64,),
        },
    ),
    "attention": (attention, {"q": (2, 16, 16), "k": (2, 16, 16), "v": (2, 16, 16)}),
    "sdpa": (
        F.scaled_dot_product_attention,
        {"query": (1, 2, 16, 16), "key": (1, 2, 16, 16), "value": (1, 2, 16, 16)},
    ),
    "conv2d": (F.conv2d, {"input": (2, 4, 9, 9), "weight": (6, 4, 3, 3), "bias": (6,)}),
    "cross_entropy": (
        lambda x: F.cross_entropy(x, labels(x), reduction="none"),
        {"x": (32, 40)},
    ),
    "cross_entropy_mean": (lambda x: F.cross_entropy(x, labels(x)), {"x": (32, 40)}),
    "mlp": (
        mlp,
        {"x": (16, 32), "w1": (48, 32), "b1": (48,), "w2": (10, 48), "b2": (10,)},
    ),
    "tanh": (torch.tanh, {"input": (512,)}),
    "max_pool": (lambda x: F.max_pool2d(x, 2), {"x": (2, 3, 8, 8)}),
    "replication_pad": (
        lambda x: F.pad(x, (2, 2), mode="replicate"),
        {"x": (2, 3, 16)},
    ),
    "unfold": (lambda x: F.unfold(x, 3), {"x": (2, 2, 8, 8)}),
    "prod": (lambda x: x.prod(-1), {"x": (16, 6)}),
    "cumsum": (lambda x: x.cumsum(-1), {"x": (8, 24)}),
    "std": (lambda x: x.std(-1), {"x": (16, 24)}),
    "logsumexp": (lambda x: x.logsumexp(-1), {"x": (16, 24)}),
    "silu_twice": (lambda x: F.silu(F.silu(x)), {"x": (256,)}),
    "used_often": (
        lambda x: x * x + x.sin() * x + x.exp() / (x * x + 1),
        {"x": (256,)},
    ),
}


def draw(name: str, seed: int = 0) -> tuple[dict[str, Tensor], Tensor]:
    """Inputs in float64 (weights scaled as layers have them), and an upstream gradient."""
    function, shapes = LAYERS[name]
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for key, shape in shapes.items():
        numbers = torch.randn(shape, generator=generator, dtype=torch.float64)
        if key.startswith("w") and len(shape) > 1:
            numbers /= shape[-1] ** 0.5
        tensors[key] = numbers
    output = function(**tensors)
    return tensors, torch.randn(output.shape, generator=generator, dtype=torch.float64)
