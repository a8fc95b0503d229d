"""Functions of each element that are rows of the table of operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten

UNARY = {
    name: name
    for name in "exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh "
    "tanh asinh acosh atanh sqrt rsqrt abs neg reciprocal sigmoid relu erf erfc lgamma digamma "
    "sign floor ceil trunc frac erfinv i0 sinc deg2rad rad2deg silu mish hardswish "
    "hardsigmoid relu6 special_i0e special_i1 special_i1e special_ndtri special_entr "
    "special_erfcx special_log_ndtr special_bessel_j0 special_bessel_j1 special_bessel_y0 "
    "special_bessel_y1 special_modified_bessel_i0 special_modified_bessel_i1 "
    "special_modified_bessel_k0 special_modified_bessel_k1 special_scaled_modified_bessel_k0 "
    "special_scaled_modified_bessel_k1 special_spherical_bessel_j0".split()
} | {"sgn": "sign", "round": "rint", "special_log_ndtr": "log_ndtr"}
"""Rows by the name that ATen has for them."""

BINARY = {
    name: name
    for name in "mul div atan2 hypot fmod remainder copysign "
    "logaddexp logaddexp2 fmax fmin heaviside special_zeta".split()
} | {
    "maximum": "max",
    "minimum": "min",
    "clamp_min": "max",
    "clamp_max": "min",
    "_prelu_kernel": "prelu",
}


def _row(kind: str) -> Any:
    def handler(tape: Tape, result: Any, *operands: Any) -> Cells:
        return tape.row(kind, *operands)

    return handler


for _name, _kind in (UNARY | BINARY).items():
    if hasattr(aten, _name):
        handles(getattr(aten, _name))(_row(_kind.removeprefix("special_")))


def _scaled(tape: Tape, operand: Any, factor: Any) -> Cells:
    return tape.cells(operand) if factor == 1 else tape.row("mul", factor, operand)


@handles(aten.add)
def _(tape: Tape, result: Any, x: Any, y: Any, *, alpha: float = 1) -> Cells:
    return tape.row("add", x, _scaled(tape, y, alpha))


@handles(aten.sub)
def _(tape: Tape, result: Any, x: Any, y: Any, *, alpha: float = 1) -> Cells:
    return tape.row("sub", x, _scaled(tape, y, alpha))


@handles(aten.rsub)
def _(tape: Tape, result: Any, x: Any, y: Any, alpha: float = 1) -> Cells:
    return tape.row("sub", y, _scaled(tape, x, alpha))


@handles(aten.div.Tensor_mode, aten.div.Scalar_mode)
def _(tape: Tape, result: Any, x: Any, y: Any, *, rounding_mode: str | None) -> Cells:
    quotient = tape.row("div", x, y)
    kind = {None: None, "floor": "floor", "trunc": "trunc"}[rounding_mode]
    return quotient if kind is None else tape.row(kind, quotient)


@handles(aten.floor_divide)
def _(tape: Tape, result: Any, x: Any, y: Any) -> Cells:
    return tape.row("floor", tape.row("div", x, y))


_POWERS = {2: "square", 0.5: "sqrt", -1: "reciprocal", -0.5: "rsqrt"}


@handles(aten.pow)
def _(tape: Tape, result: Any, x: Any, y: Any) -> Cells:
    if isinstance(y, int | float):
        if y == 1:
            return tape.cells(x)
        if y == 0:
            return tape.constants(np.ones(x.shape))
        if y in _POWERS:
            return tape.row(_POWERS[y], x)
        if y == 3:
            return tape.row("mul", tape.row("square", x), x)
        if y == -2:
            return tape.row("reciprocal", tape.row("square", x))
    return tape.row("pow", x, y)


@handles(aten.clamp)
def _(tape: Tape, result: Any, x: Any, low: Any = None, high: Any = None) -> Cells:
    if low is not None and high is not None:
        return tape.row("clamp", x, low, high)
    return tape.row("min", x, high) if low is None else tape.row("max", x, low)


@handles(aten.hardtanh)
def _(tape: Tape, result: Any, x: Any, low: float = -1, high: float = 1) -> Cells:
    return tape.row("clamp", x, low, high)


@handles(aten.round.decimals)
def _(tape: Tape, result: Any, x: Any, *, decimals: int) -> Cells:
    return tape.row("round", x, decimals) if decimals else tape.row("rint", x)


@handles(aten.polygamma)
def _(tape: Tape, result: Any, n: int, x: Any) -> Cells:
    return tape.row("polygamma", n, x)


@handles(aten.lerp)
def _(tape: Tape, result: Any, x: Any, y: Any, weight: Any) -> Cells:
    return tape.row("lerp", x, y, weight)


@handles(aten.addcmul)
def _(tape: Tape, result: Any, x: Any, y: Any, z: Any, *, value: float = 1) -> Cells:
    return tape.row("addcmul", x, y, z, value)


@handles(aten.addcdiv)
def _(tape: Tape, result: Any, x: Any, y: Any, z: Any, *, value: float = 1) -> Cells:
    return tape.row("addcdiv", x, y, z, value)


@handles(aten.gelu)
def _(tape: Tape, result: Any, x: Any, *, approximate: str = "none") -> Cells:
    return tape.row("gelu" if approximate == "none" else "gelu_tanh", x)


@handles(aten.leaky_relu)
def _(tape: Tape, result: Any, x: Any, slope: float = 0.01) -> Cells:
    return tape.row("leaky_relu", x, slope)


@handles(aten.elu)
def _(
    tape: Tape,
    result: Any,
    x: Any,
    alpha: float = 1,
    scale: float = 1,
    input_scale: float = 1,
) -> Cells:
    if input_scale == 1:
        return _scaled(tape, tape.row("elu", x, alpha), scale)
    if alpha * input_scale == 1:
        return _scaled(tape, tape.row("celu", x, alpha), scale)
    inner = tape.row("elu", tape.row("mul", input_scale, x), alpha)
    # Above 0 the input is not scaled.
    is_above = x.values.numpy() > 0
    return _scaled(tape, np.where(is_above, x.cells, inner), scale)


@handles(aten.softplus)
def _(
    tape: Tape, result: Any, x: Operand, beta: float = 1, threshold: float = 20
) -> Cells:
    """Beyond the threshold PyTorch returns its input."""
    is_beyond = x.values.numpy() * beta > threshold
    if is_beyond.any():
        tape.decide("gt", tape.row("mul", beta, x), threshold, is_beyond)
    return np.where(is_beyond, x.cells, tape.row("softplus", x, beta, threshold))


@handles(aten.log_sigmoid_forward)
def _(tape: Tape, result: Any, x: Any) -> tuple[Cells, Cells]:
    # The second result is e^−|x|, which the kernel keeps on some devices only.
    kept = tape.cells(np.zeros(result[1].shape))
    if kept.size:
        kept = tape.row("exp", tape.row("neg", tape.row("abs", x)))
    return tape.row("logsigmoid", x), kept


@handles(aten._local_scalar_dense)
def _(tape: Tape, result: Any, x: Operand) -> None:
    """A number leaves for Python, which makes constants of it."""
    tape.leave(x)


@handles(aten.softshrink)
def _(tape: Tape, result: Any, x: Any, lambd: float = 0.5) -> Cells:
    return tape.row("softshrink", x, lambd)


@handles(aten.hardshrink)
def _(tape: Tape, result: Any, x: Any, lambd: float = 0.5) -> Cells:
    return tape.row("hardshrink", x, lambd)


@handles(aten.threshold)
def _(tape: Tape, result: Any, x: Any, threshold: float, value: float) -> Cells:
    if threshold == value == 0:
        return tape.row("relu", x)
    return tape.row("threshold", x, threshold, value)


@handles(aten.glu)
def _(tape: Tape, result: Any, x: Operand, dim: int = -1) -> Cells:
    first, second = np.split(x.cells, 2, axis=dim)
    return tape.row("glu", first, second)


@handles(aten.nan_to_num)
def _(
    tape: Tape,
    result: torch.Tensor,
    x: Operand,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Cells:
    """Where it changes nothing it is nothing."""
    is_finite = np.isfinite(x.values.numpy())
    return np.where(is_finite, x.cells, tape.constants(result))


@handles(aten.isnan, aten.isinf, aten.isfinite)
def _(tape: Tape, result: Any, x: Any) -> None:
    return None


def _relation(kind: str) -> Any:
    def handler(tape: Tape, result: torch.Tensor, x: Any, y: Any) -> None:
        tape.decide(kind, x, y, result.bool().numpy())

    return handler


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    handles(getattr(aten, _name))(_relation(_name))
