"""Activations of torch.nn.functional, each by its documented formula, written so that
balls keep its digits."""

from __future__ import annotations

from verifier.language.operations.operation import Operation

SELU_ALPHA = "1.6732632423543772848170429916717"
SELU_SCALE = "1.0507009873554804934193349852946"

ROWS = (
    # Smooth
    Operation(
        "gelu",
        ("x",),
        "x · Φ(x), Φ the normal distribution function",
        "torch.nn.functional.gelu",
        definition="x * erfc(-x / sqrt(2)) / 2",
    ),
    Operation(
        "gelu_tanh",
        ("x",),
        "x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): gelu with approximate='tanh'",
        "torch.nn.functional.gelu",
        definition="x * sigmoid(2 * sqrt(2/pi) * (x + 0.044715 * x**3))",
    ),
    Operation(
        "silu",
        ("x",),
        "x · sigmoid(x)",
        "torch.nn.functional.silu",
        definition="x * sigmoid(x)",
        aliases=("swish",),
    ),
    Operation(
        "mish",
        ("x",),
        "x · tanh(softplus(x))",
        "torch.nn.functional.mish",
        definition="x * tanh(log1p(exp(x)))",
    ),
    Operation(
        "softplus",
        ("x", "beta", "threshold"),
        "log(1 + e^(beta · x)) / beta",
        "torch.nn.functional.softplus",
        definition="log1p(exp(beta * x)) / beta",
        parameters={"beta": "1", "threshold": "20"},
    ),
    Operation(
        "logsigmoid",
        ("x",),
        "log(sigmoid(x))",
        "torch.nn.functional.logsigmoid",
        definition="-log1p(exp(-x))",
    ),
    Operation(
        "softsign",
        ("x",),
        "x / (1 + |x|)",
        "torch.nn.functional.softsign",
        definition="x / (1 + abs(x))",
    ),
    Operation(
        "tanhshrink",
        ("x",),
        "x − tanh x",
        "torch.nn.functional.tanhshrink",
        definition="x - tanh(x)",
    ),
    # Exponential below 0
    Operation(
        "elu",
        ("x", "alpha"),
        "x above 0, else alpha · (eˣ − 1)",
        "torch.nn.functional.elu",
        definition="where(x > 0, x, alpha * expm1(x))",
        parameters={"alpha": "1"},
        kinks=("0 where alpha ≠ 1",),
    ),
    Operation(
        "celu",
        ("x", "alpha"),
        "x above 0, else alpha · (e^(x / alpha) − 1)",
        "torch.nn.functional.celu",
        definition="where(x > 0, x, alpha * expm1(x / alpha))",
        parameters={"alpha": "1"},
    ),
    Operation(
        "selu",
        ("x",),
        f"x above 0, else {SELU_ALPHA} · (eˣ − 1), times {SELU_SCALE}",
        "torch.nn.functional.selu",
        definition=f"{SELU_SCALE} * where(x > 0, x, {SELU_ALPHA} * expm1(x))",
        kinks=("0",),
    ),
    # Piecewise polynomial
    Operation(
        "hardswish",
        ("x",),
        "x · min(max(x + 3, 0), 6) / 6",
        "torch.nn.functional.hardswish",
        definition="x * clamp(x + 3, 0, 6) / 6",
        kinks=("−3", "3"),
    ),
    Operation(
        "hardsigmoid",
        ("x",),
        "min(max(x + 3, 0), 6) / 6",
        "torch.nn.functional.hardsigmoid",
        definition="clamp(x + 3, 0, 6) / 6",
        kinks=("−3", "3"),
    ),
    Operation(
        "hardtanh",
        ("x", "min_val", "max_val"),
        "x, or the end of [min_val, max_val] that it lies beyond",
        "torch.nn.functional.hardtanh",
        definition="clamp(x, min_val, max_val)",
        parameters={"min_val": "-1", "max_val": "1"},
        kinks=("min_val", "max_val"),
    ),
    Operation(
        "relu6",
        ("x",),
        "min(max(x, 0), 6)",
        "torch.nn.functional.relu6",
        definition="clamp(x, 0, 6)",
        kinks=("0", "6"),
    ),
    Operation(
        "leaky_relu",
        ("x", "negative_slope"),
        "x above 0, else negative_slope · x",
        "torch.nn.functional.leaky_relu",
        definition="where(x > 0, x, negative_slope * x)",
        parameters={"negative_slope": "1/100"},
        kinks=("0",),
    ),
    Operation(
        "rrelu",
        ("x", "lower", "upper"),
        "leaky_relu of the slope (lower + upper) / 2: out of training",
        "torch.nn.functional.rrelu",
        definition="where(x > 0, x, (lower + upper) / 2 * x)",
        parameters={"lower": "1/8", "upper": "1/3"},
        kinks=("0",),
    ),
    Operation(
        "prelu",
        ("x", "weight"),
        "x above 0, else weight · x",
        "torch.nn.functional.prelu",
        definition="where(x > 0, x, weight * x)",
        kinks=("x = 0",),
    ),
    Operation(
        "softshrink",
        ("x", "lambd"),
        "x moved towards 0 by lambd, 0 within",
        "torch.nn.functional.softshrink",
        definition="where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0))",
        parameters={"lambd": "1/2"},
        kinks=("±lambd",),
    ),
    Operation(
        "hardshrink",
        ("x", "lambd"),
        "0 within ±lambd, else x",
        "torch.nn.functional.hardshrink",
        definition="where(x >= -lambd and x <= lambd, 0, x)",
        parameters={"lambd": "1/2"},
        jumps=("±lambd",),
    ),
    Operation(
        "threshold",
        ("x", "threshold", "value"),
        "x above the threshold, else value",
        "torch.nn.functional.threshold",
        definition="where(x > threshold, x, value)",
        parameters={"threshold": None, "value": None},
        jumps=("threshold",),
        examples={"threshold": ("1/10",), "value": ("20",)},
    ),
    # Gated
    Operation(
        "glu",
        ("a", "b"),
        "a · sigmoid(b): the halves that torch.nn.functional.glu splits its input into",
        "torch.nn.functional.glu",
        definition="a * sigmoid(b)",
    ),
)
