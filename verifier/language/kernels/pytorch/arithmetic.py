"""PyTorch's kernels of arithmetic, roots and magnitudes."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import BASIC_ULP, Kernel

VECTOR_SQRT_ULP = Fraction(1)
"""On long contiguous tensors PyTorch's CPU kernel is MKL's vector square root, faithful
but not correctly rounded (oneMKL, Vector Mathematical Functions, high accuracy mode:
below 1 ulp; 0.506 ulp was seen)."""
COMPLEX_PRODUCT = Fraction(9, 4)
"""√5 < 9/4: R. Brent, C. Percival and P. Zimmermann, Error bounds on complex
floating-point multiplication, Math. Comp. 76, 2007."""
COMPLEX_QUOTIENT = Fraction(8)
"""Smith's algorithm, two products and sums over a third; no more than 3.1u was seen."""

ROWS = (
    # Arithmetic
    Kernel(
        "add",
        "operator.add",
        ("grad", "grad"),
        forward_ulp=BASIC_ULP,
        exact_if_representable=True,
        takes_numbers=True,
        complex_error=Fraction(1),
    ),
    Kernel(
        "sub",
        "operator.sub",
        ("grad", "-grad"),
        forward_ulp=BASIC_ULP,
        exact_if_representable=True,
        takes_numbers=True,
        complex_error=Fraction(1),
    ),
    Kernel(
        "mul",
        "operator.mul",
        ("grad * y", "grad * x"),
        forward_ulp=BASIC_ULP,
        exact_if_representable=True,
        takes_numbers=True,
        complex_error=COMPLEX_PRODUCT,
    ),
    Kernel(
        "div",
        "operator.truediv",
        ("grad / y", "-grad * ((x / y) / y)"),
        tangent="(x_t - y_t * result) / y",
        forward_ulp=BASIC_ULP,
        exact_if_representable=True,
        takes_numbers=True,
        complex_error=COMPLEX_QUOTIENT,
    ),
    Kernel(
        "pow",
        "operator.pow",
        (
            "where(y == 0, 0, grad * (y * x**(y - 1)))",
            "where(x == 0 and y >= 0, 0, grad * (result * log(x)))",
        ),
        takes_numbers=True,
        complex_backward=("grad * (y * x**(y - 1))", "grad * (result * log(x))"),
        convention="0 for y = 0, and by y at x = 0 where y ≥ 0",
    ),
    Kernel(
        "neg",
        "operator.neg",
        ("-grad",),
        forward_ulp=BASIC_ULP,
        exact=True,
        complex_error=Fraction(0),
    ),
    Kernel(
        "square",
        "torch.square",
        ("grad * (2 * x)",),
        forward_ulp=BASIC_ULP,
        exact_if_representable=True,
        complex_error=COMPLEX_PRODUCT,
    ),
    Kernel(
        "reciprocal",
        "torch.reciprocal",
        ("-grad * (result * result)",),
        forward_ulp=BASIC_ULP,
        exact_if_representable=True,
        complex_error=COMPLEX_QUOTIENT,
    ),
    Kernel(
        "identity",
        "torch.Tensor.view_as",
        ("grad",),
        forward_ulp=Fraction(0),
        exact=True,
        complex_error=Fraction(0),
    ),
    # Roots, magnitudes
    Kernel(
        "sqrt",
        "torch.sqrt",
        ("grad / (2 * result)",),
        forward_ulp=VECTOR_SQRT_ULP,
        exact_if_representable=True,
        convention="inf at 0",
    ),
    Kernel("rsqrt", "torch.rsqrt", ("-1/2 * grad * result**3",)),
    Kernel("cbrt", composition="sign(x) * abs(x)**(1/3)"),
    Kernel(
        "abs",
        "torch.abs",
        ("grad * sign(x)",),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 at 0",
    ),
    Kernel(
        "sign",
        "torch.sign",
        (None,),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 everywhere",
    ),
    Kernel(
        "hypot",
        "torch.hypot",
        ("grad * x / result", "grad * y / result"),
        convention="NaN at x = y = 0",
    ),
    Kernel(
        "floor",
        "torch.floor",
        (None,),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 everywhere",
    ),
    Kernel(
        "ceil",
        "torch.ceil",
        (None,),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 everywhere",
    ),
)
