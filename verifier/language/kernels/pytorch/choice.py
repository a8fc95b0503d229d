"""PyTorch's kernels of choice and conditions."""

from __future__ import annotations

from verifier.language.kernels.kernel import BASIC_ULP, Kernel

TIES_TO_ONE, TIES_SHARED = "<2.14", ">=2.14"
"""pytorch/pytorch#191142 shares the gradient of every tie between tensors, and takes
it from a number that meets a bound that is none (derivatives.yaml of 2.13 and 2.14)."""

ROWS = (
    # Choice
    Kernel(
        "max",
        "torch.maximum",
        (
            "where(x > y, grad, where(x < y, 0, grad / 2))",
            "where(x < y, grad, where(x > y, 0, grad / 2))",
        ),
        tangent="y_t + where(x == y, 1/2, where(x > y, 1, 0)) * (x_t - y_t)",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="half to each at x = y",
        releases=TIES_TO_ONE,
    ),
    Kernel(
        "max",
        "torch.maximum",
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
        "min",
        "torch.minimum",
        (
            "where(x < y, grad, where(x > y, 0, grad / 2))",
            "where(x > y, grad, where(x < y, 0, grad / 2))",
        ),
        tangent="y_t + where(x == y, 1/2, where(x < y, 1, 0)) * (x_t - y_t)",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="half to each at x = y",
        releases=TIES_TO_ONE,
    ),
    Kernel(
        "min",
        "torch.minimum",
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
        "clamp",
        "torch.clamp",
        (
            "where(x >= low and x <= high, grad, 0)",
            "where(x < low and low < high, grad, 0)",
            "where(x > high or low > high, grad, 0)",
        ),
        tangent="where(low > high, high_t, where(x < low, low_t, where(x > high, high_t, x_t)))",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="1 at both ends",
        releases=TIES_TO_ONE,
    ),
    Kernel(
        "clamp",
        "torch.clamp",
        (
            "where(x > low and x < high or x == low and low == high, grad,"
            " where((x == low or x == high) and low < high, grad / 2, 0))",
            "where(x < low and low <= high, grad, where(x == low and low < high, grad / 2, 0))",
            "where(x > high or low > high, grad, where(x == high and low < high, grad / 2, 0))",
        ),
        tangent=(
            "where(low > high, high_t, where(x < low, low_t, where(x > high, high_t,"
            " where(x == low and low < high, (x_t + low_t) / 2,"
            " where(x == high and low < high, (x_t + high_t) / 2, x_t)))))"
        ),
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="half to each at both ends; 0 where those are numbers",
        releases=TIES_SHARED,
    ),
    Kernel(
        "where",
        "torch.where",
        (None, "where(p, grad, 0)", "where(p, 0, grad)"),
        tangent="where(p, x_t, y_t)",
        forward_ulp=BASIC_ULP,
        exact=True,
        convention="the branch that p takes",
    ),
    # Conditions
    Kernel("lt", "operator.lt", takes_numbers=True),
    Kernel("le", "operator.le", takes_numbers=True),
    Kernel("gt", "operator.gt", takes_numbers=True),
    Kernel("ge", "operator.ge", takes_numbers=True),
    Kernel("eq", "operator.eq", takes_numbers=True),
    Kernel("ne", "operator.ne", takes_numbers=True),
    Kernel("logical_and", "torch.logical_and"),
    Kernel("logical_or", "torch.logical_or"),
    Kernel("logical_not", "torch.logical_not"),
)
