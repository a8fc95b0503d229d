"""PyTorch's kernels of activations.

`forward` and `backward` are what aten/src/ATen/native/cpu/Activation.cpp and Elu.h compute; softsign and tanhshrink are
compositions in Python. `differentiated`: `softplus_double_backward` is `sigmoid_backward(grad, x.sigmoid())`, and
`log_sigmoid_double_backward` is `grad * (z - 1) * z` of z = sigmoid(x) (FunctionsManual.cpp).
"""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import Kernel
from verifier.language.operations.activations import SELU_ALPHA, SELU_SCALE

_TANH_FORM = "sqrt(2/pi) * (x + 0.044715 * (x * x * x))"
_TAIL = "exp(-abs(x)) / (1 + exp(-abs(x)))"
_SELU_BACKWARD = (
    f"where(x <= 0, grad * ({SELU_ALPHA} * {SELU_SCALE}) * exp(x), grad * {SELU_SCALE})"
)
EXP, EXPM1 = "<2.8", ">=2.8"
"""Activation.cpp of PyTorch 2.6 has `exp() - one` for elu, celu and selu; Elu.h, which
came with 2.8, has `expm1()`."""
INNER_SLOPES, OUTER_SLOPES = "<2.8", ">=2.8"
"""pytorch/pytorch#148049 gave hardswish the outer slopes at its kinks
(torch/_decomp/decompositions.py has the inner ones in 2.7, the outer ones in 2.8)."""

ROWS = (
    # Smooth
    Kernel(
        "gelu",
        "torch.nn.functional.gelu",
        (
            "grad * (1/2 * (1 + erf(x * sqrt(1/2)))"
            " + x * (sqrt(1/(2*pi)) * exp(x * x * (-1/2))))",
        ),
        forward="x * (1/2) * (1 + erf(x * sqrt(1/2)))",
    ),
    Kernel(
        "gelu_tanh",
        "torch.nn.functional.gelu",
        (
            f"grad * (1/2 * (1 + tanh({_TANH_FORM}))"
            f" + 1/2 * x * (1 - tanh({_TANH_FORM}) * tanh({_TANH_FORM}))"
            " * (sqrt(2/pi) * (1 + 3 * 0.044715 * (x * x))))",
        ),
        forward=f"1/2 * x * (1 + tanh({_TANH_FORM}))",
        options=(("approximate", "tanh"),),
    ),
    Kernel(
        "silu",
        "torch.nn.functional.silu",
        ("grad * sigmoid(x) * (1 + x * (1 - sigmoid(x)))",),
        forward="x / (1 + exp(-x))",
    ),
    Kernel(
        "mish",
        "torch.nn.functional.mish",
        (
            "grad * (tanh(log1p(exp(x))) + x * sigmoid(x)"
            " * (1 - tanh(log1p(exp(x))) * tanh(log1p(exp(x)))))",
        ),
        forward="x * tanh(log1p(exp(x)))",
    ),
    Kernel(
        "softplus",
        "torch.nn.functional.softplus",
        (
            "where(x * beta > threshold, grad,"
            " grad * exp(x * beta) / (exp(x * beta) + 1))",
        ),
        differentiated="where(x * beta > threshold, grad, grad * sigmoid(x * beta))",
        forward_ulp=Fraction(3),
        convention="x itself where beta · x is above the threshold",
    ),
    Kernel(
        "logsigmoid",
        "torch.nn.functional.logsigmoid",
        (f"where(x < 0, 1 - {_TAIL}, {_TAIL}) * grad",),
        differentiated="grad * (1 - sigmoid(x))",
        forward="min(x, 0) - log1p(exp(-abs(x)))",
    ),
    Kernel(
        "softsign",
        "torch.nn.functional.softsign",
        ("grad / (abs(x) + 1) + -grad * (x / (abs(x) + 1) / (abs(x) + 1)) * sign(x)",),
        tangent="(x_t - x_t * sign(x) * result) / (abs(x) + 1)",
        forward="x / (abs(x) + 1)",
    ),
    Kernel(
        "tanhshrink",
        "torch.nn.functional.tanhshrink",
        ("grad + -grad * (1 - tanh(x) * tanh(x))",),
        forward="x - tanh(x)",
    ),
    # Exponential below 0
    Kernel(
        "elu",
        "torch.nn.functional.elu",
        ("where(x <= 0, grad * alpha * exp(x), grad)",),
        forward="where(x < 0, expm1(x) * alpha, x)",
        convention="alpha at 0",
        releases=EXPM1,
    ),
    Kernel(
        "elu",
        "torch.nn.functional.elu",
        ("where(x <= 0, grad * alpha * exp(x), grad)",),
        forward="where(x <= 0, (exp(x) - 1) * alpha, x)",
        convention="alpha at 0",
        releases=EXP,
    ),
    Kernel(
        "celu",
        "torch.nn.functional.celu",
        ("where(x <= 0, grad * (1 / alpha) * alpha * exp(x * (1 / alpha)), grad)",),
        forward="where(x < 0, expm1(x * (1 / alpha)) * alpha, x)",
        releases=EXPM1,
    ),
    Kernel(
        "celu",
        "torch.nn.functional.celu",
        ("where(x <= 0, grad * (1 / alpha) * alpha * exp(x * (1 / alpha)), grad)",),
        forward="where(x <= 0, (exp(x * (1 / alpha)) - 1) * alpha, x)",
        releases=EXP,
    ),
    Kernel(
        "selu",
        "torch.nn.functional.selu",
        (_SELU_BACKWARD,),
        forward=f"where(x < 0, expm1(x) * {SELU_ALPHA} * {SELU_SCALE}, x * {SELU_SCALE})",
        convention="the slope from the left at 0",
        releases=EXPM1,
    ),
    Kernel(
        "selu",
        "torch.nn.functional.selu",
        (_SELU_BACKWARD,),
        forward=f"where(x <= 0, (exp(x) - 1) * ({SELU_ALPHA} * {SELU_SCALE}), x * {SELU_SCALE})",
        convention="the slope from the left at 0",
        releases=EXP,
    ),
    # Piecewise polynomial
    Kernel(
        "hardswish",
        "torch.nn.functional.hardswish",
        ("where(x <= -3, 0, where(x < 3, grad * (x / 3 + 1/2), grad))",),
        forward="x * clamp(x + 3, 0, 6) / 6",
        convention="0 at −3, 1 at 3",
        releases=OUTER_SLOPES,
    ),
    Kernel(
        "hardswish",
        "torch.nn.functional.hardswish",
        ("where(x < -3, 0, where(x <= 3, grad * (x / 3 + 1/2), grad))",),
        forward="x * clamp(x + 3, 0, 6) / 6",
        convention="the inner slope at both; in vectors of PyTorch 2.6 the outer at 3",
        releases=INNER_SLOPES,
    ),
    Kernel(
        "hardsigmoid",
        "torch.nn.functional.hardsigmoid",
        ("where(x > -3 and x < 3, grad * (1/6), 0)",),
        forward="clamp(x + 3, 0, 6) / 6",
        convention="0 at both",
    ),
    Kernel(
        "hardtanh",
        "torch.nn.functional.hardtanh",
        ("where(x <= min_val or x >= max_val, 0, grad)",),
        forward="clamp(x, min_val, max_val)",
        convention="0 at both ends",
    ),
    Kernel(
        "relu6",
        "torch.nn.functional.relu6",
        ("where(x <= 0 or x >= 6, 0, grad)",),
        forward="clamp(x, 0, 6)",
        convention="0 at both",
    ),
    Kernel(
        "leaky_relu",
        "torch.nn.functional.leaky_relu",
        ("where(x > 0, grad, grad * negative_slope)",),
        forward="where(x > 0, x, x * negative_slope)",
        convention="negative_slope at 0",
    ),
    Kernel(
        "rrelu",
        "torch.nn.functional.rrelu",
        ("where(x > 0, grad, grad * ((lower + upper) / 2))",),
        forward="where(x > 0, x, x * ((lower + upper) / 2))",
        convention="(lower + upper) / 2 at 0",
    ),
    Kernel(
        "prelu",
        "torch.nn.functional.prelu",
        ("where(x > 0, grad, weight * grad)", "where(x > 0, 0, x * grad)"),
        tangent="where(x >= 0, x_t, weight * x_t + weight_t * x)",
        forward="where(x > 0, x, weight * x)",
        convention="weight at x = 0",
    ),
    Kernel(
        "softshrink",
        "torch.nn.functional.softshrink",
        ("where(x >= -lambd and x <= lambd, 0, grad)",),
        forward="where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0))",
        convention="0 at both",
    ),
    Kernel(
        "hardshrink",
        "torch.nn.functional.hardshrink",
        ("where(x >= -lambd and x <= lambd, 0, grad)",),
        forward="where(x >= -lambd and x <= lambd, 0, x)",
        convention="0 at both",
    ),
    Kernel(
        "threshold",
        "torch.nn.functional.threshold",
        ("where(x <= threshold, 0, grad)",),
        forward="where(x > threshold, x, value)",
        convention="0 at the threshold",
    ),
    # Gated
    Kernel(
        "glu",
        "torch.nn.functional.glu",
        ("sigmoid(b) * grad", "(1 - sigmoid(b)) * sigmoid(b) * a * grad"),
        tangent="a_t * sigmoid(b) + result * (b_t - sigmoid(b) * b_t)",
        forward="a * (1 / (1 + exp(-b)))",
    ),
)
