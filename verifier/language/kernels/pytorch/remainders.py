"""PyTorch's kernels of whole parts, remainders, signs, scalings and sums in one
call."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import BASIC_ULP, NO_DERIVATIVE, Kernel
from verifier.language.kernels.pytorch.choice import TIES_SHARED, TIES_TO_ONE

SCALED_ULP = Fraction(3, 2)
"""A product with a rounded constant: half an ulp each, and the constant's may count
double in the product."""

LDEXP_AS_TWO, LDEXP_AS_ONE = "<2.11", ">=2.11"
"""Up to 2.10 derivatives.yaml has no `ldexp`: a product and a power, each with its
own derivative."""

ROWS = (
    # Whole parts
    Kernel(
        "trunc",
        "torch.trunc",
        (None,),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 everywhere",
    ),
    Kernel(
        "frac",
        "torch.frac",
        ("grad",),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="1 everywhere",
    ),
    Kernel(
        "rint",
        "torch.round",
        (None,),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 everywhere",
    ),
    Kernel(
        "round",
        "torch.round",
        (None,),
        forward=(
            "where(decimals < 0, rint(x / 10**-decimals) * 10**-decimals,"
            " where(decimals > 0, rint(x * 10**decimals) / 10**decimals, rint(x)))"
        ),
        convention="0 everywhere",
    ),
    # Quotients and remainders
    Kernel(
        "floor_divide",
        "torch.floor_divide",
        (None, None),
        forward_ulp=BASIC_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "fmod",
        "torch.fmod",
        ("grad", "-grad * trunc(x / y)"),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="that of where x is no multiple",
    ),
    Kernel(
        "remainder",
        "torch.remainder",
        ("grad", "-grad * floor(x / y)"),
        forward_ulp=BASIC_ULP,
        convention="that of where x is no multiple",
    ),
    # Signs
    Kernel(
        "copysign",
        "torch.copysign",
        ("where(x == 0, 0, grad * (result / x))", None),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="0 at x = 0; 0 by y",
    ),
    Kernel(
        "angle",
        "torch.angle",
        (None,),
        forward_ulp=BASIC_ULP,
        convention="0 everywhere",
    ),
    Kernel(
        "heaviside",
        "torch.heaviside",
        (None, "where(x == 0, grad, 0)"),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention=NO_DERIVATIVE,
    ),
    # Choices
    Kernel(
        "fmax",
        "torch.fmax",
        ("where(x >= y, grad, 0)", "where(x >= y, 0, grad)"),
        tangent="y_t + where(x > y, 1, 0) * (x_t - y_t)",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="all to the first at x = y",
        releases=TIES_TO_ONE,
    ),
    Kernel(
        "fmax",
        "torch.fmax",
        (
            "where(x > y, grad, where(x < y, 0, grad / 2))",
            "where(x < y, grad, where(x > y, 0, grad / 2))",
        ),
        tangent="where(x == y, (x_t + y_t) / 2, where(x > y, x_t, y_t))",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="half to each at x = y",
        releases=TIES_SHARED,
    ),
    Kernel(
        "fmin",
        "torch.fmin",
        ("where(x <= y, grad, 0)", "where(x <= y, 0, grad)"),
        tangent="y_t + where(x <= y, 1, 0) * (x_t - y_t)",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="all to the first at x = y",
        releases=TIES_TO_ONE,
    ),
    Kernel(
        "fmin",
        "torch.fmin",
        (
            "where(x < y, grad, where(x > y, 0, grad / 2))",
            "where(x > y, grad, where(x < y, 0, grad / 2))",
        ),
        tangent="where(x == y, (x_t + y_t) / 2, where(x < y, x_t, y_t))",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="half to each at x = y",
        releases=TIES_SHARED,
    ),
    Kernel(
        "clamp_min",
        "torch.clamp_min",
        ("where(x >= low, grad, 0)", "where(x < low, grad, 0)"),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="1 by x at x = low",
        releases=TIES_TO_ONE,
    ),
    Kernel(
        "clamp_min",
        "torch.clamp_min",
        (
            "where(x > low, grad, where(x < low, 0, grad / 2))",
            "where(x < low, grad, where(x > low, 0, grad / 2))",
        ),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="half to each at x = low",
        releases=TIES_SHARED,
    ),
    Kernel(
        "clamp_max",
        "torch.clamp_max",
        ("where(x <= high, grad, 0)", "where(x > high, grad, 0)"),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="1 by x at x = high",
        releases=TIES_TO_ONE,
    ),
    Kernel(
        "clamp_max",
        "torch.clamp_max",
        (
            "where(x < high, grad, where(x > high, 0, grad / 2))",
            "where(x > high, grad, where(x < high, 0, grad / 2))",
        ),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="half to each at x = high",
        releases=TIES_SHARED,
    ),
    Kernel(
        "nan_to_num",
        "torch.nan_to_num",
        ("grad",),
        forward_ulp=Fraction(0),
        exact=True,
        convention="0 at ±inf and NaN",
    ),
    # Scalings
    Kernel("deg2rad", "torch.deg2rad", ("grad * (pi / 180)",), forward_ulp=SCALED_ULP),
    Kernel("rad2deg", "torch.rad2deg", ("grad * (180 / pi)",), forward_ulp=SCALED_ULP),
    Kernel(
        "ldexp",
        "torch.ldexp",
        ("grad * 2**y", "grad * result * log(2)"),
        forward="x * 2**y",
        releases=LDEXP_AS_ONE,
    ),
    Kernel(
        "ldexp",
        "torch.ldexp",
        ("grad * 2**y", "grad * x * (2**y * log(2))"),
        forward="x * 2**y",
        releases=LDEXP_AS_TWO,
    ),
    Kernel(
        "float_power",
        "torch.float_power",
        (
            "where(y == 0, 0, grad * (y * x**(y - 1)))",
            "where(x == 0 and y >= 0, 0, grad * (result * log(x)))",
        ),
        convention="0 for y = 0, and by y at x = 0 where y ≥ 0",
    ),
    # Sums and products in one call
    Kernel("rsub", "torch.rsub", ("-grad * alpha", "grad"), forward="y - alpha * x"),
    Kernel(
        "addcmul",
        "torch.addcmul",
        ("grad", "grad * (z * value)", "grad * (y * value)"),
        tangent="x_t + y_t * z * value + z_t * y * value",
        forward="x + value * y * z",
    ),
    Kernel(
        "addcdiv",
        "torch.addcdiv",
        (
            "grad",
            "grad * (reciprocal(z) * value)",
            "-grad * (value * y / (z * z))",
        ),
        tangent="x_t + y_t / z * value - z_t * (y / z) / z * value",
        forward="x + value * y / z",
    ),
    Kernel(
        "lerp",
        "torch.lerp",
        ("grad * (1 - weight)", "grad * weight", "grad * (y - x)"),
        tangent=(
            "where(abs(weight) < 1/2, x_t + weight * (y_t - x_t), y_t - (y_t - x_t) * (1 - weight))"
            " + weight_t * (y - x)"
        ),
        forward="where(abs(weight) < 1/2, x + weight * (y - x), y - (y - x) * (1 - weight))",
    ),
)
