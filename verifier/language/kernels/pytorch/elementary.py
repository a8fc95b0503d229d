"""PyTorch's kernels of elementary functions."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import BASIC_ULP, Kernel

GAMMA_ULP = Fraction(8)
"""PyTorch's digamma follows Cephes' `psi`, which documents a peak relative error of
1.3e-15, some 6 ulps."""
ABOUT_ROOTS = "(8 + {}) - 8"
"""A kernel that adds up terms of some units: about its roots the error is that of the
terms, not of the result.

PyTorch's `calc_digamma` (aten/src/ATen/native/Math.h of PyTorch 2.13) steps up to x ≥
10 by −1/x and adds log x; about the roots of log |Γ| the C library's Lanczos sums do
alike. Heuristic: 3 units of 2⁻⁵³ were seen at the root of ψ.
"""

ROWS = (
    # Exponentials and logarithms
    Kernel("exp", "torch.exp", ("grad * result",)),
    Kernel("exp2", "torch.exp2", ("grad * result * log(2)",)),
    Kernel("expm1", "torch.expm1", ("grad * (result + 1)",)),
    Kernel("log", "torch.log", ("grad / x",)),
    Kernel("log2", "torch.log2", ("grad / (x * log(2))",)),
    Kernel("log10", "torch.log10", ("grad / (x * log(10))",)),
    Kernel("log1p", "torch.log1p", ("grad / (x + 1)",)),
    # Trigonometry
    Kernel("sin", "torch.sin", ("grad * cos(x)",)),
    Kernel("cos", "torch.cos", ("grad * -sin(x)",)),
    Kernel("tan", "torch.tan", ("grad * (1 + result**2)",)),
    Kernel("sec", composition="1 / cos(x)"),
    Kernel("csc", composition="1 / sin(x)"),
    Kernel("cot", composition="1 / tan(x)"),
    Kernel("asin", "torch.asin", ("grad * rsqrt(-x * x + 1)",), convention="inf at ±1"),
    Kernel(
        "acos", "torch.acos", ("grad * -rsqrt(-x * x + 1)",), convention="−inf at ±1"
    ),
    Kernel("atan", "torch.atan", ("grad / (x * x + 1)",)),
    Kernel(
        "atan2",
        "torch.atan2",
        ("grad * x * (1 / (y*y + x*x))", "grad * -y * (1 / (y*y + x*x))"),
        tangent="(-y * x_t + x * y_t) / (y**2 + x**2)",
        convention="0 at x = y = 0, NaN before PyTorch 2.10 and in forward mode",
    ),
    # Hyperbolic functions
    Kernel("sinh", "torch.sinh", ("grad * cosh(x)",)),
    Kernel("cosh", "torch.cosh", ("grad * sinh(x)",)),
    Kernel("tanh", "torch.tanh", ("grad * (1 - result * result)",)),
    Kernel("sech", composition="1 / cosh(x)"),
    Kernel("csch", composition="1 / sinh(x)"),
    Kernel("coth", composition="1 / tanh(x)"),
    Kernel("asinh", "torch.asinh", ("grad * rsqrt(x**2 + 1)",)),
    Kernel(
        "acosh",
        "torch.acosh",
        ("grad * rsqrt(x * x - 1)",),
        complex_backward=("grad * (rsqrt(x + 1) * rsqrt(x - 1))",),
        convention="inf at 1",
    ),
    Kernel("atanh", "torch.atanh", ("grad * 1 / (1 - x**2)",)),
    # Activations
    Kernel(
        "sigmoid",
        "torch.sigmoid",
        ("grad * ((1 - result) * result)",),
        forward_ulp=Fraction(3),
        inner_exponential="-x",
    ),
    Kernel(
        "relu",
        "torch.relu",
        ("where(x > 0, grad, 0)",),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 at 0",
    ),
    # Special functions
    Kernel("erf", "torch.erf", ("2/sqrt(pi) * exp(-x**2) * grad",)),
    Kernel("erfc", "torch.erfc", ("-2/sqrt(pi) * exp(-x**2) * grad",)),
    Kernel(
        "lgamma",
        "torch.lgamma",
        ("grad * digamma(x)",),
        forward=ABOUT_ROOTS.format("lgamma(x)"),
    ),
    Kernel(
        "digamma",
        "torch.digamma",
        ("grad * polygamma(1, x)",),
        forward=ABOUT_ROOTS.format("digamma(x)"),
        forward_ulp=GAMMA_ULP,
    ),
    Kernel(
        "polygamma",
        "torch.polygamma",
        (None, "grad * polygamma(n + 1, x)"),
        forward_ulp=GAMMA_ULP,
    ),
)
