"""Activations of torch.nn.functional, each by its documented formula.

A definition is written so that balls keep its digits, `forward` and `backward` as PyTorch 2.13 computes them (kernels
in aten/src/ATen/native/cpu/Activation.cpp and Elu.h; softsign and tanhshrink are compositions in Python).
"""

from __future__ import annotations

from fractions import Fraction

from verifier.language.operations.operation import defined

_TANH_FORM = "sqrt(2/pi) * (x + 0.044715 * (x * x * x))"
_TAIL = "exp(-abs(x)) / (1 + exp(-abs(x)))"
_SELU_ALPHA = "1.6732632423543772848170429916717"
_SELU_SCALE = "1.0507009873554804934193349852946"

ROWS = (
    # Smooth
    defined(
        "gelu",
        "x",
        "x · Φ(x), Φ the normal distribution function",
        "x * erfc(-x / sqrt(2)) / 2",
        (
            "grad * (1/2 * (1 + erf(x * sqrt(1/2)))"
            " + x * (sqrt(1/(2*pi)) * exp(x * x * (-1/2))))",
        ),
        "torch.nn.functional.gelu",
        forward="x * (1/2) * (1 + erf(x * sqrt(1/2)))",
    ),
    defined(
        "gelu_tanh",
        "x",
        "x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): gelu with approximate='tanh'",
        "x * sigmoid(2 * sqrt(2/pi) * (x + 0.044715 * x**3))",
        (
            f"grad * (1/2 * (1 + tanh({_TANH_FORM}))"
            f" + 1/2 * x * (1 - tanh({_TANH_FORM}) * tanh({_TANH_FORM}))"
            " * (sqrt(2/pi) * (1 + 3 * 0.044715 * (x * x))))",
        ),
        "torch.nn.functional.gelu",
        forward=f"1/2 * x * (1 + tanh({_TANH_FORM}))",
    ),
    defined(
        "silu",
        "x",
        "x · sigmoid(x)",
        "x * sigmoid(x)",
        ("grad * sigmoid(x) * (1 + x * (1 - sigmoid(x)))",),
        "torch.nn.functional.silu",
        aliases=("swish",),
        forward="x / (1 + exp(-x))",
    ),
    defined(
        "mish",
        "x",
        "x · tanh(softplus(x))",
        "x * tanh(log1p(exp(x)))",
        (
            "grad * (tanh(log1p(exp(x))) + x * sigmoid(x)"
            " * (1 - tanh(log1p(exp(x))) * tanh(log1p(exp(x)))))",
        ),
        "torch.nn.functional.mish",
        forward="x * tanh(log1p(exp(x)))",
    ),
    defined(
        "softplus",
        "x",
        "log(1 + e^(beta · x)) / beta",
        "log1p(exp(beta * x)) / beta",
        (
            "where(x * beta > threshold, grad,"
            " grad * exp(x * beta) / (exp(x * beta) + 1))",
        ),
        "torch.nn.functional.softplus",
        parameters="beta = 1, threshold = 20",
        forward_ulp=Fraction(3),
        convention="x itself where beta · x is above the threshold",
    ),
    defined(
        "logsigmoid",
        "x",
        "log(sigmoid(x))",
        "-log1p(exp(-x))",
        (f"where(x < 0, 1 - {_TAIL}, {_TAIL}) * grad",),
        "torch.nn.functional.logsigmoid",
        forward="min(x, 0) - log1p(exp(-abs(x)))",
    ),
    defined(
        "softsign",
        "x",
        "x / (1 + |x|)",
        "x / (1 + abs(x))",
        ("grad / (abs(x) + 1) + -grad * (x / (abs(x) + 1) / (abs(x) + 1)) * sign(x)",),
        "torch.nn.functional.softsign",
        tangent="(x_t - x_t * sign(x) * result) / (abs(x) + 1)",
        forward="x / (abs(x) + 1)",
    ),
    defined(
        "tanhshrink",
        "x",
        "x − tanh x",
        "x - tanh(x)",
        ("grad + -grad * (1 - tanh(x) * tanh(x))",),
        "torch.nn.functional.tanhshrink",
        forward="x - tanh(x)",
    ),
    # Exponential below 0
    defined(
        "elu",
        "x",
        "x above 0, else alpha · (eˣ − 1)",
        "where(x > 0, x, alpha * expm1(x))",
        ("where(x <= 0, grad * alpha * exp(x), grad)",),
        "torch.nn.functional.elu",
        parameters="alpha = 1",
        kinks=("0 where alpha ≠ 1",),
        convention="alpha at 0",
        forward="where(x < 0, expm1(x) * alpha, x)",
    ),
    defined(
        "celu",
        "x",
        "x above 0, else alpha · (e^(x / alpha) − 1)",
        "where(x > 0, x, alpha * expm1(x / alpha))",
        ("where(x <= 0, grad * (1 / alpha) * alpha * exp(x * (1 / alpha)), grad)",),
        "torch.nn.functional.celu",
        parameters="alpha = 1",
        forward="where(x < 0, expm1(x * (1 / alpha)) * alpha, x)",
    ),
    defined(
        "selu",
        "x",
        f"x above 0, else {_SELU_ALPHA} · (eˣ − 1), times {_SELU_SCALE}",
        f"{_SELU_SCALE} * where(x > 0, x, {_SELU_ALPHA} * expm1(x))",
        (
            f"where(x <= 0, grad * ({_SELU_ALPHA} * {_SELU_SCALE}) * exp(x),"
            f" grad * {_SELU_SCALE})",
        ),
        "torch.nn.functional.selu",
        kinks=("0",),
        convention="the slope from the left at 0",
        forward=f"where(x < 0, expm1(x) * {_SELU_ALPHA} * {_SELU_SCALE}, x * {_SELU_SCALE})",
    ),
    # Piecewise polynomial
    defined(
        "hardswish",
        "x",
        "x · min(max(x + 3, 0), 6) / 6",
        "x * clamp(x + 3, 0, 6) / 6",
        ("where(x <= -3, 0, where(x < 3, grad * (x / 3 + 1/2), grad))",),
        "torch.nn.functional.hardswish",
        kinks=("−3", "3"),
        convention="0 at −3, 1 at 3",
        forward="x * clamp(x + 3, 0, 6) / 6",
    ),
    defined(
        "hardsigmoid",
        "x",
        "min(max(x + 3, 0), 6) / 6",
        "clamp(x + 3, 0, 6) / 6",
        ("where(x > -3 and x < 3, grad * (1/6), 0)",),
        "torch.nn.functional.hardsigmoid",
        kinks=("−3", "3"),
        convention="0 at both",
        forward="clamp(x + 3, 0, 6) / 6",
    ),
    defined(
        "hardtanh",
        "x",
        "x, or the end of [min_val, max_val] that it lies beyond",
        "clamp(x, min_val, max_val)",
        ("where(x <= min_val or x >= max_val, 0, grad)",),
        "torch.nn.functional.hardtanh",
        parameters="min_val = -1, max_val = 1",
        kinks=("min_val", "max_val"),
        convention="0 at both ends",
        forward="clamp(x, min_val, max_val)",
    ),
    defined(
        "relu6",
        "x",
        "min(max(x, 0), 6)",
        "clamp(x, 0, 6)",
        ("where(x <= 0 or x >= 6, 0, grad)",),
        "torch.nn.functional.relu6",
        kinks=("0", "6"),
        convention="0 at both",
        forward="clamp(x, 0, 6)",
    ),
    defined(
        "leaky_relu",
        "x",
        "x above 0, else negative_slope · x",
        "where(x > 0, x, negative_slope * x)",
        ("where(x > 0, grad, grad * negative_slope)",),
        "torch.nn.functional.leaky_relu",
        parameters="negative_slope = 1/100",
        kinks=("0",),
        convention="negative_slope at 0",
        forward="where(x > 0, x, x * negative_slope)",
    ),
    defined(
        "rrelu",
        "x",
        "leaky_relu of the slope (lower + upper) / 2: out of training",
        "where(x > 0, x, (lower + upper) / 2 * x)",
        ("where(x > 0, grad, grad * ((lower + upper) / 2))",),
        "torch.nn.functional.rrelu",
        parameters="lower = 1/8, upper = 1/3",
        kinks=("0",),
        convention="(lower + upper) / 2 at 0",
        forward="where(x > 0, x, x * ((lower + upper) / 2))",
    ),
    defined(
        "prelu",
        "x, weight",
        "x above 0, else weight · x",
        "where(x > 0, x, weight * x)",
        ("where(x > 0, grad, weight * grad)", "where(x > 0, 0, x * grad)"),
        "torch.nn.functional.prelu",
        tangent="where(x >= 0, x_t, weight * x_t + weight_t * x)",
        kinks=("x = 0",),
        convention="weight at x = 0",
        forward="where(x > 0, x, weight * x)",
    ),
    defined(
        "softshrink",
        "x",
        "x moved towards 0 by lambd, 0 within",
        "where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0))",
        ("where(x >= -lambd and x <= lambd, 0, grad)",),
        "torch.nn.functional.softshrink",
        parameters="lambd = 1/2",
        kinks=("±lambd",),
        convention="0 at both",
        forward="where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0))",
    ),
    defined(
        "hardshrink",
        "x",
        "0 within ±lambd, else x",
        "where(x >= -lambd and x <= lambd, 0, x)",
        ("where(x >= -lambd and x <= lambd, 0, grad)",),
        "torch.nn.functional.hardshrink",
        parameters="lambd = 1/2",
        jumps=("±lambd",),
        convention="0 at both",
        forward="where(x >= -lambd and x <= lambd, 0, x)",
    ),
    defined(
        "threshold",
        "x",
        "x above the threshold, else value",
        "where(x > threshold, x, value)",
        ("where(x <= threshold, 0, grad)",),
        "torch.nn.functional.threshold",
        parameters="threshold, value",
        jumps=("threshold",),
        convention="0 at the threshold",
        forward="where(x > threshold, x, value)",
    ),
    # Gated
    defined(
        "glu",
        "a, b",
        "a · sigmoid(b): the halves that torch.nn.functional.glu splits its input into",
        "a * sigmoid(b)",
        ("sigmoid(b) * grad", "(1 - sigmoid(b)) * sigmoid(b) * a * grad"),
        "torch.nn.functional.glu",
        tangent="a_t * sigmoid(b) + result * (b_t - sigmoid(b) * b_t)",
        forward="a * (1 / (1 + exp(-b)))",
    ),
)
