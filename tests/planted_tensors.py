"""Seven Functions written as authors of kernels write them (float32 inside, cast back),
each right and with planted faults.

A fault is told by its name; `ctx.fault` picks it in the backward (or the forward, where
a kernel saves what is wrong).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

RIGHT = ""


def wide(x: Tensor) -> Tensor:
    """As a kernel reads it: float32, of float64 itself."""
    return x if x.dtype == torch.float64 else x.float()


class LayerNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor, fault: str) -> Tensor:
        y = wide(x)
        mean = y.mean(-1, keepdim=True)
        variance = (y - mean).square().mean(-1, keepdim=True)
        rstd = torch.rsqrt(variance + 1e-5)
        ctx.save_for_backward(x, w, mean, rstd)
        ctx.fault = fault
        return ((y - mean) * rstd * wide(w) + wide(b)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, w, mean, rstd = ctx.saved_tensors
        fault, g = ctx.fault, wide(grads[0])
        hat = (wide(x) - mean) * rstd
        gw = g * wide(w)
        n = x.shape[-1]
        projected = (gw * hat).sum(-1, keepdim=True)
        if fault == "divides by n − 1":
            projected = projected / (n - 1)
        else:
            projected = projected / n
        means = gw.mean(-1, keepdim=True)
        if fault == "no mean term":
            means = 0 * means
        if fault == "no projection":
            projected = 0 * projected
        dx = (gw - means - hat * projected) * rstd
        if fault == "scale of 1e-3":
            dx = dx * 1.001
        if fault == "scale of 1e-5":
            dx = dx * 1.00001
        dw, db = (g * hat).sum(0), g.sum(0)
        if fault == "bias of one row":
            db = g[0]
        if fault == "weight by x itself":
            dw = (g * wide(x)).sum(0)
        return dx.to(x.dtype), dw.to(w.dtype), db.to(w.dtype), None


class RMSNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, fault: str) -> Tensor:
        y = wide(x)
        rstd = torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-6)
        ctx.save_for_backward(x, w, rstd)
        ctx.fault = fault
        return (y * rstd * wide(w)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, w, rstd = ctx.saved_tensors
        fault, g, y = ctx.fault, wide(grads[0]), wide(x)
        gw = g * wide(w)
        inner = (gw * y).mean(-1, keepdim=True)
        if fault == "sum for the mean":
            inner = inner * x.shape[-1]
        power = 2 if fault == "rstd squared" else 3
        dx = gw * rstd - y * inner * rstd**power
        if fault == "no projection":
            dx = gw * rstd
        if fault == "scale of 1e-2":
            dx = dx * 0.99
        if fault == "scale of 1e-3":
            dx = dx * 0.999
        dw = (g * y * rstd).sum(0)
        if fault == "upstream ignored":
            dw = (y * rstd).sum(0)
        return dx.to(x.dtype), dw.to(w.dtype), None


class Softmax(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, fault: str) -> Tensor:
        y = wide(x)
        powers = (y - y.amax(-1, keepdim=True).detach()).exp()
        p = powers / powers.sum(-1, keepdim=True)
        ctx.save_for_backward(p)
        ctx.dtype, ctx.fault = x.dtype, fault
        return p.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (p,) = ctx.saved_tensors
        fault, g = ctx.fault, wide(grads[0])
        inner = (p * g).sum(-1, keepdim=True)
        if fault == "no projection":
            inner = 0 * inner
        if fault == "assumes a sum over all":
            inner = (p * g).sum()
        if fault == "mean for the sum":
            inner = inner / p.shape[-1]
        dx = p * (g - inner)
        if fault == "of an upstream of ones":
            dx = p * (1 - p)
        if fault == "sign turned":
            dx = -dx
        return dx.to(ctx.dtype), None


class CrossEntropy(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor, fault: str) -> Tensor:
        y = wide(x)
        shifted = y - y.amax(-1, keepdim=True).detach()
        log_sum = shifted.exp().sum(-1, keepdim=True).log()
        loss = log_sum.squeeze(-1) - shifted.gather(-1, target[:, None]).squeeze(-1)
        ctx.save_for_backward(x, target)
        ctx.fault = fault
        return loss.mean().to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, target = ctx.saved_tensors
        fault, g = ctx.fault, wide(grads[0])
        p = torch.softmax(wide(x), -1)
        if fault != "one-hot forgotten":
            one = torch.nn.functional.one_hot(target, x.shape[-1]).to(p.dtype)
            p = p - one
        if fault != "1/N forgotten":
            p = p / x.shape[0]
        if fault != "upstream taken for 1":
            p = p * g
        return p.to(x.dtype), None, None


class SwiGLU(Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, fault: str) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.fault = fault
        a = wide(gate)
        return (a * torch.sigmoid(a) * wide(up)).to(gate.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        gate, up = ctx.saved_tensors
        fault, g = ctx.fault, wide(grads[0])
        a, b = wide(gate), wide(up)
        s = torch.sigmoid(a)
        slope = s * (1 + a * (1 - s))
        if fault == "sigmoid alone":
            slope = s
        da, db = g * b * slope, g * a * s
        if fault == "scale of 1e-3":
            da = da * 1.001
        if fault == "exchanged":
            da, db = db, da
        return da.to(gate.dtype), db.to(up.dtype), None


_ROOT = math.sqrt(2 / math.pi)


class GELU(Function):
    """By tanh, as most kernels have it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, fault: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.fault = fault
        y = wide(x)
        return (0.5 * y * (1 + torch.tanh(_ROOT * (y + 0.044715 * y**3)))).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        fault, g, y = ctx.fault, wide(grads[0]), wide(x)
        root = 0.79788 if fault == "a constant of five digits" else _ROOT
        cube = 0.044715 if fault != "wrong cubic term" else 0.044
        t = torch.tanh(root * (y + cube * y**3))
        inner = root * (1 + 3 * cube * y**2)
        if fault == "chain rule forgotten":
            inner = torch.full_like(y, root)
        dx = 0.5 * (1 + t) + 0.5 * y * (1 - t * t) * inner
        if fault == "wrong tail":
            dx = torch.where(y > 2.5, 1.0, dx)
        if fault == "wrong branch":
            dx = torch.where(y < 0, 0.0, dx)
        return (g * dx).to(x.dtype), None


class Attention(Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, fault: str) -> Tensor:
        scale = q.shape[-1] ** -0.5
        s = wide(q) @ wide(k).transpose(-1, -2) * scale
        powers = (s - s.amax(-1, keepdim=True).detach()).exp()
        p = powers / powers.sum(-1, keepdim=True)
        o = p @ wide(v)
        ctx.save_for_backward(q, k, v, p, o)
        ctx.scale, ctx.fault = scale, fault
        return o.to(q.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        q, k, v, p, o = ctx.saved_tensors
        fault, g = ctx.fault, wide(grads[0])
        dv = p.transpose(-1, -2) @ g
        dp = g @ wide(v).transpose(-1, -2)
        inner = (g * o).sum(-1, keepdim=True)
        if fault == "row sums forgotten":
            inner = 0 * inner
        ds = p * (dp - inner)
        scale = 1.0 if fault == "dQ without its scale" else ctx.scale
        dq = ds @ wide(k) * scale
        dk = ds.transpose(-1, -2) @ wide(q) * ctx.scale
        if fault == "Jacobian not transposed" and q.shape[-2] == k.shape[-2]:
            dk = ds @ wide(q) * ctx.scale
        if fault == "last block of keys skipped":
            dv = torch.cat([dv[..., :-4, :], 0 * dv[..., -4:, :]], -2)
        return dq.to(q.dtype), dk.to(k.dtype), dv.to(v.dtype), None


class Linear(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor, fault: str) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.fault = fault
        return (wide(x) @ wide(w).transpose(0, 1) + wide(b)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, w = ctx.saved_tensors
        fault, g = ctx.fault, wide(grads[0])
        dx = g @ wide(w)
        dw = g.transpose(0, 1) @ wide(x)
        if fault == "weight transposed":
            dx = g @ wide(w).transpose(0, 1)
        db = g.mean(0) if fault == "mean of the bias" else g.sum(0)
        if fault == "first rows only":
            dw = g[:-1].transpose(0, 1) @ wide(x)[:-1]
        return dx.to(x.dtype), dw.to(w.dtype), db.to(w.dtype), None


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One Function on inputs of some shapes."""

    function: type[Function]
    shapes: dict[str, tuple[int, ...]]
    faults: tuple[str, ...]
    target: int = 0
    """Of cross entropy: how many classes."""

    def run(self, fault: str = RIGHT) -> Callable[..., Tensor]:
        """The Function of named tensors."""

        def call(**tensors: Tensor) -> Tensor:
            given: list[Any] = list(tensors.values())
            if self.target:
                given.append(torch.arange(given[0].shape[0]) * 7 % self.target)
            return self.function.apply(*given, fault)  # type: ignore[no-any-return]

        return call


PLANTED: dict[str, Planted] = {
    "layer_norm": Planted(
        function=LayerNorm,
        shapes={"x": (16, 64), "w": (64,), "b": (64,)},
        faults=(
            "divides by n − 1",
            "no mean term",
            "no projection",
            "scale of 1e-3",
            "scale of 1e-5",
            "bias of one row",
            "weight by x itself",
        ),
    ),
    "rms_norm": Planted(
        function=RMSNorm,
        shapes={"x": (16, 64), "w": (64,)},
        faults=(
            "sum for the mean",
            "rstd squared",
            "no projection",
            "scale of 1e-2",
            "scale of 1e-3",
            "upstream ignored",
        ),
    ),
    "softmax": Planted(
        function=Softmax,
        shapes={"x": (16, 48)},
        faults=(
            "no projection",
            "assumes a sum over all",
            "mean for the sum",
            "of an upstream of ones",
            "sign turned",
        ),
    ),
    "cross_entropy": Planted(
        function=CrossEntropy,
        shapes={"x": (16, 24)},
        faults=("one-hot forgotten", "1/N forgotten", "upstream taken for 1"),
        target=24,
    ),
    "swiglu": Planted(
        function=SwiGLU,
        shapes={"gate": (16, 32), "up": (16, 32)},
        faults=("sigmoid alone", "scale of 1e-3", "exchanged"),
    ),
    "gelu": Planted(
        function=GELU,
        shapes={"x": (1024,)},
        faults=(
            "a constant of five digits",
            "wrong cubic term",
            "chain rule forgotten",
            "wrong tail",
            "wrong branch",
        ),
    ),
    "attention": Planted(
        function=Attention,
        shapes={"q": (2, 12, 16), "k": (2, 12, 16), "v": (2, 12, 16)},
        faults=(
            "row sums forgotten",
            "dQ without its scale",
            "Jacobian not transposed",
            "last block of keys skipped",
        ),
    ),
    "linear": Planted(
        function=Linear,
        shapes={"x": (12, 32), "w": (32, 32), "b": (32,)},
        faults=("weight transposed", "mean of the bias", "first rows only"),
    ),
}
"""By name; 36 faults."""


def draw(
    name: str, fault: str = RIGHT, seed: int = 0
) -> tuple[dict[str, Tensor], Tensor]:
    """Inputs in float64, and an upstream gradient."""
    planted = PLANTED[name]
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        key: torch.randn(shape, generator=generator, dtype=torch.float64)
        for key, shape in planted.shapes.items()
    }
    output = planted.run(fault)(**tensors)
    return tensors, torch.randn(output.shape, generator=generator, dtype=torch.float64)
