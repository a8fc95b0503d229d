"""Whole parts, remainders, signs, scalings and sums in one call: the small arithmetic of torch.

What jumps is written by `floor`, `ceil` and `sign` of exact arithmetic, so that a tie of rationals is decided exactly.
"""

from __future__ import annotations

from fractions import Fraction

from verifier.language.operations.operation import (
    BASIC_ULP,
    LINE,
    POSITIVE,
    defined,
    unary,
)

SCALED_ULP = Fraction(3, 2)
"""A product with a rounded constant: half an ulp each, and the constant's may count double in the product."""

ROWS = (
    # Whole parts
    defined(
        "trunc",
        "x",
        "x without its fraction, towards 0",
        "sign(x) * floor(abs(x))",
        (None,),
        "torch.trunc",
        aliases=("fix",),
        forward_ulp=BASIC_ULP,
        jumps=("integers but 0",),
        convention="0 everywhere",
    ),
    defined(
        "frac",
        "x",
        "x − trunc(x)",
        "x - trunc(x)",
        ("grad",),
        "torch.frac",
        forward_ulp=BASIC_ULP,
        jumps=("integers but 0",),
        convention="1 everywhere",
    ),
    defined(
        "rint",
        "x",
        "the nearest integer, of two the even one",
        # The last two terms make 0 where x + 1/2 is an odd integer, which only half of the ties are, and 1 elsewhere.
        "floor(x + 1/2) - 1 + ceil(x/2 - 1/4) - floor(x/2 - 1/4)",
        (None,),
        "IEEE 754-2019, section 5.9 (roundToIntegralTiesToEven); torch.round",
        forward_ulp=BASIC_ULP,
        jumps=("halves of odd integers",),
        convention="0 everywhere",
    ),
    defined(
        "round",
        "x",
        "x rounded to so many decimals, a tie to the even digit",
        "rint(x * 10**decimals) / 10**decimals",
        (None,),
        "torch.round",
        parameters="decimals = 0",
        forward=(
            "where(decimals < 0, rint(x / 10**-decimals) * 10**-decimals,"
            " where(decimals > 0, rint(x * 10**decimals) / 10**decimals, rint(x)))"
        ),
        jumps=("midway between two results",),
        convention="0 everywhere",
    ),
    # Remainders
    defined(
        "fmod",
        "x, y",
        "x − y · trunc(x / y): of x's sign",
        "x - y * trunc(x / y)",
        ("grad", "-grad * trunc(x / y)"),
        "torch.fmod; C11, section 7.12.10.1",
        forward_ulp=BASIC_ULP,
        jumps=("x a multiple of y, but 0",),
        poles=("y = 0",),
        convention="that of where x is no multiple",
    ),
    defined(
        "remainder",
        "x, y",
        "x − y · floor(x / y): of y's sign",
        "x - y * floor(x / y)",
        ("grad", "-grad * floor(x / y)"),
        "torch.remainder",
        forward_ulp=BASIC_ULP,
        jumps=("x a multiple of y",),
        poles=("y = 0",),
        convention="that of where x is no multiple",
    ),
    # Signs
    defined(
        "copysign",
        "x, y",
        "|x| with the sign of y, that of a zero too",
        # The angle is −π at −0 and π at 0 (IEEE 754-2019, section 9.2.1), and between them of the sign of y.
        "abs(x) * sign(atan2(y, -1))",
        ("where(x == 0, 0, grad * (result / x))", None),
        "IEEE 754-2019, section 5.5.1",
        forward_ulp=BASIC_ULP,
        kinks=("x = 0",),
        jumps=("y = 0",),
        convention="0 at x = 0; 0 by y",
    ),
    defined(
        "angle",
        "x",
        "0, or π for a negative x",
        "where(x < 0, pi, 0)",
        (None,),
        "torch.angle",
        forward_ulp=BASIC_ULP,
        jumps=("0",),
        convention="0 everywhere",
    ),
    # Choices
    defined(
        "fmax",
        "x, y",
        "the larger; NaN gives way",
        # What stands in the place of NaN or an infinity is left undecided.
        "max(nan_to_num(x), nan_to_num(y))",
        ("where(x >= y, grad, 0)", "where(x >= y, 0, grad)"),
        "torch.fmax",
        tangent="y_t + where(x > y, 1, 0) * (x_t - y_t)",
        forward_ulp=BASIC_ULP,
        kinks=("x = y",),
        convention="all to the first at x = y",
    ),
    defined(
        "fmin",
        "x, y",
        "the smaller; NaN gives way",
        "min(nan_to_num(x), nan_to_num(y))",
        ("where(x <= y, grad, 0)", "where(x <= y, 0, grad)"),
        "torch.fmin",
        tangent="y_t + where(x <= y, 1, 0) * (x_t - y_t)",
        forward_ulp=BASIC_ULP,
        kinks=("x = y",),
        convention="all to the first at x = y",
    ),
    defined(
        "clamp_min",
        "x, low",
        "x, but no less than low",
        "max(x, low)",
        ("where(x >= low, grad, 0)", "where(x < low, grad, 0)"),
        "torch.clamp",
        forward_ulp=BASIC_ULP,
        kinks=("x = low",),
        convention="1 by x at x = low",
    ),
    defined(
        "clamp_max",
        "x, high",
        "x, but no more than high",
        "min(x, high)",
        ("where(x <= high, grad, 0)", "where(x > high, grad, 0)"),
        "torch.clamp",
        forward_ulp=BASIC_ULP,
        kinks=("x = high",),
        convention="1 by x at x = high",
    ),
    unary(
        "nan_to_num",
        "x itself; what is no finite number is replaced",
        "grad",
        "torch.nan_to_num",
        forward_ulp=Fraction(0),
        convention="0 at ±inf and NaN",
    ),
    # Scalings
    defined(
        "deg2rad",
        "x",
        "degrees in radians, x · π / 180",
        "x * pi / 180",
        ("grad * (pi / 180)",),
        "torch.deg2rad",
        forward_ulp=SCALED_ULP,
    ),
    defined(
        "rad2deg",
        "x",
        "radians in degrees, x · 180 / π",
        "x * 180 / pi",
        ("grad * (180 / pi)",),
        "torch.rad2deg",
        forward_ulp=SCALED_ULP,
    ),
    defined(
        "ldexp",
        "x, y",
        "x · 2ʸ",
        "x * exp2(y)",
        ("grad * 2**y", "grad * result * log(2)"),
        "torch.ldexp",
        forward="x * 2**y",
    ),
    defined(
        "float_power",
        "x, y",
        "x to the power y, computed in float64 and rounded to the dtype",
        "x**y",
        (
            "where(y == 0, 0, grad * (y * x**(y - 1)))",
            "where(x == 0 and y >= 0, 0, grad * (result * log(x)))",
        ),
        "torch.float_power",
        domain=(POSITIVE, LINE),
        poles=("x = 0 where y < 0",),
        convention="0 for y = 0, and by y at x = 0 where y ≥ 0",
    ),
    # Sums and products in one call
    defined(
        "rsub",
        "x, y",
        "y − alpha · x",
        "y - alpha * x",
        ("-grad * alpha", "grad"),
        "torch.rsub",
        parameters="alpha = 1",
        forward="y - alpha * x",
    ),
    defined(
        "addcmul",
        "x, y, z",
        "x + value · y · z",
        "x + value * y * z",
        ("grad", "grad * (z * value)", "grad * (y * value)"),
        "torch.addcmul",
        tangent="x_t + y_t * z * value + z_t * y * value",
        parameters="value = 1",
        forward="x + value * y * z",
    ),
    defined(
        "addcdiv",
        "x, y, z",
        "x + value · y / z",
        "x + value * y / z",
        (
            "grad",
            "grad * (reciprocal(z) * value)",
            "-grad * (value * y / (z * z))",
        ),
        "torch.addcdiv",
        tangent="x_t + y_t / z * value - z_t * (y / z) / z * value",
        parameters="value = 1",
        forward="x + value * y / z",
        poles=("z = 0",),
    ),
    defined(
        "lerp",
        "x, y, weight",
        "x + weight · (y − x)",
        "x + weight * (y - x)",
        ("grad * (1 - weight)", "grad * weight", "grad * (y - x)"),
        "torch.lerp",
        tangent=(
            "where(abs(weight) < 1/2, x_t + weight * (y_t - x_t), y_t - (y_t - x_t) * (1 - weight))"
            " + weight_t * (y - x)"
        ),
        forward=(
            "where(abs(weight) < 1/2, x + weight * (y - x), y - (y - x) * (1 - weight))"
        ),
    ),
)
