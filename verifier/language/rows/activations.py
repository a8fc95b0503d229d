"""Activations of torch.nn.functional, each by its documented formula."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.operation import defined

ROWS = (
    defined(
        "silu",
        "x",
        "x · sigmoid(x)",
        "x * sigmoid(x)",
        ("grad * (sigmoid(x) * (1 + x * (1 - sigmoid(x))))",),
        "torch.nn.functional.silu",
        aliases=("swish",),
        forward="x * sigmoid(x)",
    ),
    defined(
        "elu",
        "x",
        "x above 0, else alpha · (eˣ − 1)",
        "where(x > 0, x, alpha * expm1(x))",
        ("where(x > 0, grad, grad * (alpha * exp(x)))",),
        "torch.nn.functional.elu",
        parameters="alpha = 1",
        kinks=("0 where alpha ≠ 1",),
        forward_ulp=Fraction(3),
    ),
)
