"""Activations, special functions, arithmetic of two tensors, choices."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from tensor_programs.program import (
    above_1,
    fixed,
    inner,
    layer,
    mask,
    named,
    normal,
    plain,
    positive,
    scaled,
    unit,
)

SHAPE = (3, 5)

ACTIVATIONS = named(
    {
        **{
            made.__name__: layer(made, normal(*SHAPE))
            for made in (
                nn.CELU,
                nn.ELU,
                nn.GELU,
                nn.Hardshrink,
                nn.Hardsigmoid,
                nn.Hardswish,
                nn.Hardtanh,
                nn.LeakyReLU,
                nn.LogSigmoid,
                nn.Mish,
                nn.PReLU,
                nn.ReLU,
                nn.ReLU6,
                nn.SELU,
                nn.SiLU,
                nn.Sigmoid,
                nn.Softplus,
                nn.Softshrink,
                nn.Softsign,
                nn.Tanh,
                nn.Tanhshrink,
            )
        },
        "GELU tanh": layer(lambda: nn.GELU(approximate="tanh"), normal(*SHAPE)),
        "ELU alpha": layer(lambda: nn.ELU(alpha=0.7), normal(*SHAPE)),
        "CELU alpha": layer(lambda: nn.CELU(alpha=1.7), normal(*SHAPE)),
        "LeakyReLU 0.3": layer(lambda: nn.LeakyReLU(0.3), normal(*SHAPE)),
        "Softplus beta": layer(lambda: nn.Softplus(1.7, 2.3), normal(*SHAPE)),
        "PReLU channels": layer(lambda: nn.PReLU(4), normal(2, 4, 3)),
        "PReLU 2048": layer(nn.PReLU, normal(2048)),
        "Threshold": layer(lambda: nn.Threshold(0.3, -0.7), normal(*SHAPE)),
        "GLU": layer(nn.GLU, normal(3, 6)),
        "Softmax": layer(lambda: nn.Softmax(dim=-1), normal(*SHAPE)),
        "Softmax dim 0": layer(lambda: nn.Softmax(dim=0), normal(*SHAPE)),
        "Softmax 1000": layer(lambda: nn.Softmax(dim=-1), normal(1000)),
        "Softmax2d": layer(nn.Softmax2d, normal(2, 3, 2, 2)),
        "Softmin": layer(lambda: nn.Softmin(dim=-1), normal(*SHAPE)),
        "LogSoftmax": layer(lambda: nn.LogSoftmax(dim=-1), normal(*SHAPE)),
        "softmax masked": plain(
            lambda x, m: x.masked_fill(~m, -torch.inf).softmax(-1),
            normal(*SHAPE),
            mask(*SHAPE),
        ),
        "relu in place": plain(lambda x: F.relu_(x * 1.3), normal(*SHAPE)),
        "SwiGLU": plain(lambda x, g: x * F.silu(g), normal(*SHAPE), normal(*SHAPE)),
        "gelu 4096": plain(F.gelu, normal(4096)),
    }
)

_REAL = (
    "abs arctan asinh atan cos cosh deg2rad digamma erf erfc exp exp2 expm1 lgamma nan_to_num neg "
    "rad2deg sigmoid sign sin sinc sinh square tan tanh floor ceil trunc frac round positive"
).split()
_SPECIAL_REAL = "erfcx expit i0 i0e i1 i1e log_ndtr ndtr".split()
_POSITIVE = "log log10 log1p log2 reciprocal rsqrt sqrt".split()

FUNCTIONS = named(
    {
        **{name: plain(getattr(torch, name), normal(*SHAPE)) for name in _REAL},
        **{name: plain(getattr(torch, name), positive(*SHAPE)) for name in _POSITIVE},
        **{
            f"special.{name}": plain(getattr(torch.special, name), normal(*SHAPE))
            for name in _SPECIAL_REAL
        },
        **{
            name: plain(getattr(torch, name), inner(*SHAPE))
            for name in ("asin", "acos", "atanh", "erfinv")
        },
        "acosh": plain(torch.acosh, above_1(*SHAPE)),
        "special.ndtri": plain(torch.special.ndtri, unit(*SHAPE)),
        "special.entr": plain(torch.special.entr, unit(*SHAPE)),
        "logit": plain(torch.logit, unit(*SHAPE)),
        "logit eps": plain(lambda x: torch.logit(x, eps=0.1), unit(*SHAPE)),
        "polygamma 1": plain(lambda x: torch.polygamma(1, x), positive(*SHAPE)),
        "polygamma 3": plain(lambda x: torch.polygamma(3, x), positive(*SHAPE)),
        "mvlgamma": plain(lambda x: torch.mvlgamma(x, 2), above_1(*SHAPE)),
        "pow 2.5": plain(lambda x: x**2.5, positive(*SHAPE)),
        "pow 3": plain(lambda x: x**3, normal(*SHAPE)),
        "pow -1.3": plain(lambda x: x**-1.3, positive(*SHAPE)),
        "pow of number": plain(lambda x: 1.7**x, normal(*SHAPE)),
        "clamp": plain(lambda x: x.clamp(-0.5, 0.8), normal(*SHAPE)),
        "clamp tensors": plain(
            torch.clamp, normal(*SHAPE), scaled(normal(5), 0.1, -0.6), normal(*SHAPE)
        ),
        "clamp_min in place": plain(
            lambda x: (x * 1.1).clamp_min_(0.2), normal(*SHAPE)
        ),
        "threshold": plain(lambda x: F.threshold(x, 0.1, 20.0), normal(*SHAPE)),
    }
)

_TWO = (
    "add sub mul maximum minimum fmax fmin atan2 hypot copysign logaddexp logaddexp2 ldexp"
).split()

PAIRS = named(
    {
        **{
            name: plain(getattr(torch, name), normal(*SHAPE), normal(*SHAPE))
            for name in _TWO
            if name != "ldexp"
        },
        "add broadcast": plain(torch.add, normal(3, 1, 4), normal(5, 1)),
        "add alpha": plain(
            lambda x, y: torch.add(x, y, alpha=1.7), normal(*SHAPE), normal(5)
        ),
        "rsub": plain(lambda x: 1.3 - x, normal(*SHAPE)),
        "mul broadcast 2048": plain(torch.mul, normal(2048, 2), normal(1)),
        "div": plain(torch.div, normal(*SHAPE), positive(*SHAPE)),
        "div floor": plain(
            lambda x, y: torch.div(x, y, rounding_mode="floor") + x,
            normal(*SHAPE),
            positive(*SHAPE),
        ),
        "fmod": plain(torch.fmod, scaled(normal(*SHAPE), 3.1), positive(*SHAPE)),
        "remainder": plain(
            torch.remainder, scaled(normal(*SHAPE), 3.1), positive(*SHAPE)
        ),
        "pow": plain(torch.pow, positive(*SHAPE), normal(*SHAPE)),
        "float_power": plain(
            torch.float_power, positive(*SHAPE), fixed(normal(*SHAPE))
        ),
        "xlogy": plain(torch.xlogy, normal(*SHAPE), positive(*SHAPE)),
        "xlog1py": plain(torch.special.xlog1py, normal(*SHAPE), positive(*SHAPE)),
        "gammainc": plain(
            torch.special.gammainc, fixed(positive(*SHAPE)), positive(*SHAPE)
        ),
        "gammaincc": plain(
            torch.special.gammaincc, fixed(positive(*SHAPE)), positive(*SHAPE)
        ),
        "zeta": plain(torch.special.zeta, fixed(above_1(*SHAPE)), positive(*SHAPE)),
        "lerp": plain(torch.lerp, normal(*SHAPE), normal(*SHAPE), unit(*SHAPE)),
        "lerp 0.3": plain(
            lambda x, y: torch.lerp(x, y, 0.3), normal(*SHAPE), normal(*SHAPE)
        ),
        "addcmul": plain(
            lambda x, y, z: torch.addcmul(x, y, z, value=1.7),
            normal(*SHAPE),
            normal(*SHAPE),
            normal(*SHAPE),
        ),
        "addcdiv": plain(
            lambda x, y, z: torch.addcdiv(x, y, z, value=0.7),
            normal(*SHAPE),
            normal(*SHAPE),
            positive(*SHAPE),
        ),
        "where": plain(torch.where, mask(*SHAPE), normal(*SHAPE), normal(*SHAPE)),
        "where of comparison": plain(
            lambda x, y: torch.where(x > y, x.sin(), y.exp()),
            normal(*SHAPE),
            normal(*SHAPE),
        ),
        "masked_fill": plain(
            lambda x, m: x.masked_fill(m, 0.7), normal(*SHAPE), mask(*SHAPE)
        ),
        "heaviside product": plain(
            lambda x: torch.heaviside(x.detach(), torch.tensor(0.3, dtype=x.dtype)) * x,
            normal(*SHAPE),
        ),
        "dist": plain(torch.dist, normal(6), normal(6)),
    }
)

PROGRAMS = (*ACTIVATIONS, *FUNCTIONS, *PAIRS)
