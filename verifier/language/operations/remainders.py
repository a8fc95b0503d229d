"""Whole parts, remainders, signs, scalings and sums in one call: the small arithmetic
of torch.

What jumps is written by `floor`, `ceil` and `sign` of exact arithmetic, so that a tie
of rationals is decided exactly.
"""

from __future__ import annotations

from verifier.language.operations.operation import LINE, POSITIVE, Operation

ROWS = (
    # Whole parts
    Operation(
        "trunc",
        ("x",),
        "x without its fraction, towards 0",
        "torch.trunc",
        definition="sign(x) * floor(abs(x))",
        aliases=("fix",),
        jumps=("integers but 0",),
        piecewise_constant=True,
    ),
    Operation(
        "frac",
        ("x",),
        "x − trunc(x)",
        "torch.frac",
        definition="x - trunc(x)",
        jumps=("integers but 0",),
    ),
    Operation(
        "rint",
        ("x",),
        "the nearest integer, of two the even one",
        "IEEE 754-2019, section 5.9 (roundToIntegralTiesToEven); torch.round",
        definition="floor(x + 1/2) - 1 + ceil(x/2 - 1/4) - floor(x/2 - 1/4)",
        jumps=("halves of odd integers",),
        piecewise_constant=True,
    ),
    Operation(
        "round",
        ("x", "decimals"),
        "x rounded to so many decimals, a tie to the even digit",
        "torch.round",
        definition="rint(x * 10**decimals) / 10**decimals",
        parameters={"decimals": "0"},
        jumps=("midway between two results",),
        integers={"decimals": (-300, 300)},
        piecewise_constant=True,
    ),
    # Quotients and remainders
    Operation(
        "floor_divide",
        ("x", "y"),
        "the largest integer not above x / y",
        "torch.floor_divide",
        definition="floor(x / y)",
        symbol="//",
        jumps=("x a multiple of y",),
        poles=("y = 0",),
        piecewise_constant=True,
    ),
    Operation(
        "fmod",
        ("x", "y"),
        "x − y · trunc(x / y): of x's sign",
        "torch.fmod; C11, section 7.12.10.1",
        definition="x - y * trunc(x / y)",
        jumps=("x a multiple of y, but 0",),
        poles=("y = 0",),
    ),
    Operation(
        "remainder",
        ("x", "y"),
        "x − y · floor(x / y): of y's sign",
        "torch.remainder",
        definition="x - y * floor(x / y)",
        symbol="%",
        jumps=("x a multiple of y",),
        poles=("y = 0",),
    ),
    # Signs
    Operation(
        "copysign",
        ("x", "y"),
        "|x| with the sign of y, that of a zero too",
        "IEEE 754-2019, section 5.5.1",
        definition="abs(x) * sign(atan2(y, -1))",
        kinks=("x = 0",),
        jumps=("y = 0",),
    ),
    Operation(
        "angle",
        ("x",),
        "0, or π for a negative x",
        "torch.angle",
        definition="where(x < 0, pi, 0)",
        jumps=("0",),
        piecewise_constant=True,
    ),
    Operation(
        "heaviside",
        ("x", "h"),
        "0 below 0, 1 above, h at 0",
        "torch.heaviside",
        definition="where(x > 0, 1, where(x < 0, 0, h))",
        jumps=("x = 0",),
    ),
    # Choices
    Operation(
        "fmax",
        ("x", "y"),
        "the larger; NaN gives way",
        "torch.fmax",
        definition="max(nan_to_num(x), nan_to_num(y))",
        kinks=("x = y",),
    ),
    Operation(
        "fmin",
        ("x", "y"),
        "the smaller; NaN gives way",
        "torch.fmin",
        definition="min(nan_to_num(x), nan_to_num(y))",
        kinks=("x = y",),
    ),
    Operation(
        "clamp_min",
        ("x", "low"),
        "x, but no less than low",
        "torch.clamp",
        definition="max(x, low)",
        kinks=("x = low",),
    ),
    Operation(
        "clamp_max",
        ("x", "high"),
        "x, but no more than high",
        "torch.clamp",
        definition="min(x, high)",
        kinks=("x = high",),
    ),
    Operation(
        "nan_to_num",
        ("x",),
        "x itself; what is no finite number is replaced",
        "torch.nan_to_num",
    ),
    # Scalings
    Operation(
        "deg2rad",
        ("x",),
        "degrees in radians, x · π / 180",
        "torch.deg2rad",
        definition="x * pi / 180",
    ),
    Operation(
        "rad2deg",
        ("x",),
        "radians in degrees, x · 180 / π",
        "torch.rad2deg",
        definition="x * 180 / pi",
    ),
    Operation("ldexp", ("x", "y"), "x · 2ʸ", "torch.ldexp", definition="x * exp2(y)"),
    Operation(
        "float_power",
        ("x", "y"),
        "x to the power y, computed in float64 and rounded to the dtype",
        "torch.float_power",
        definition="x**y",
        domain=(POSITIVE, LINE),
        poles=("x = 0 where y < 0",),
    ),
    # Sums and products in one call
    Operation(
        "rsub",
        ("x", "y", "alpha"),
        "y − alpha · x",
        "torch.rsub",
        definition="y - alpha * x",
        parameters={"alpha": "1"},
    ),
    Operation(
        "addcmul",
        ("x", "y", "z", "value"),
        "x + value · y · z",
        "torch.addcmul",
        definition="x + value * y * z",
        parameters={"value": "1"},
    ),
    Operation(
        "addcdiv",
        ("x", "y", "z", "value"),
        "x + value · y / z",
        "torch.addcdiv",
        definition="x + value * y / z",
        parameters={"value": "1"},
        poles=("z = 0",),
    ),
    Operation(
        "lerp",
        ("x", "y", "weight"),
        "x + weight · (y − x)",
        "torch.lerp",
        definition="x + weight * (y - x)",
    ),
)
