"""Wrong backwards that once passed, and right ones that were once accused: each line is
of a kind of its own.

All are wrong on purpose, or right on purpose, by hand; the true derivative is that of
the expression beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from backwards import function, with_forward_mode
from torch import cos, sin, where

import verifier

Tensor = torch.Tensor


def of_sine(backward: Callable[..., Any]) -> Callable[..., Tensor]:
    return function(sin, backward)


def verdicts(
    subject: Callable[..., Any], expression: str = "sin(x)", **options: Any
) -> set[str]:
    usual: dict[str, Any] = {
        "domain": {"x": "[-3, 3]"},
        "points": 16,
        "dtype": "float32",
    }
    run = verifier.check(subject, expression=expression, **usual | options)
    return {result.verdict.value for result in run.results}


# ── the upstream gradient ─────────────────────────────────────────────────────────────

FAR: dict[str, Callable[..., Tensor]] = {
    "flushed below 1e-12": lambda g, x: where(g.abs() < 1e-12, 0 * g, g) * cos(x),
    "clipped at 1e15": lambda g, x: g.clamp(-1e15, 1e15) * cos(x),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FAR)
def test_upstream_gradients_reach_over_half_the_range(name: str, dtype: str) -> None:
    assert verdicts(of_sine(FAR[name]), dtype=dtype) == {"differ.wrong"}


def _in_one_dtype(dtype: torch.dtype, most: float) -> Callable[..., Tensor]:
    """Clips in one dtype, and is right in all others."""

    def backward(g: Tensor, x: Tensor) -> Tensor:
        clipped = g.clamp(-most, most) if g.dtype == dtype else g
        return clipped * cos(x)

    return of_sine(backward)


@pytest.mark.parametrize(
    ("dtype", "most"), [("float16", 2.0), ("float16", 12.0), ("bfloat16", 5.0)]
)
def test_what_one_dtype_alone_clips_is_not_taken_for_its_range(
    dtype: str, most: float
) -> None:
    subject = _in_one_dtype(getattr(torch, dtype), most)
    assert verdicts(subject, dtype=dtype) == {"differ.unstable"}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_right_backward_that_leaves_the_range_at_other_upstreams_alone_matches(
    dtype: str,
) -> None:
    # g·2^k/2^k overflows, and g·2^-k·2^k loses digits below the range, at the largest
    # and smallest g alone.
    k = 8 if dtype == "float16" else 66
    up = of_sine(lambda g, x: g * 2.0**k * cos(x) / 2.0**k)
    down = of_sine(lambda g, x: g * 2.0**-k * cos(x) * 2.0**k)
    domain = {"x": "[-1, 1]"}
    for subject in (up, down):
        found = verdicts(subject, dtype=dtype, domain=domain, boundary=False)
        assert found <= {"match.exact", "match.rounding"}


# ── batches ───────────────────────────────────────────────────────────────────────────

SIZES: dict[str, Callable[[Tensor], bool]] = {
    "odd": lambda x: x.numel() % 2 == 1,
    "over 1024": lambda x: x.numel() > 1024,
    "over 4096": lambda x: x.numel() > 4096,
    "1024 at once": lambda x: x.numel() == 1024,
    "one alone": lambda x: x.numel() == 1,
    "a few": lambda x: x.numel() <= 16,
    "a power of two": lambda x: x.numel() & (x.numel() - 1) == 0,
    "three dimensions": lambda x: x.dim() == 3,
    "four dimensions": lambda x: x.dim() == 4,
    "one row": lambda x: x.dim() == 2 and x.shape[0] == 1,
    "many rows": lambda x: x.dim() == 2 and x.shape[0] > 2,
    "not at the beginning of its memory": lambda x: x.storage_offset() > 0,
    "one number with stride 0": lambda x: 0 in x.stride(),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_kernel_that_is_wrong_for_some_sizes_and_layouts_is_found(name: str) -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        return g * cos(x) * (2 if x.dim() and SIZES[name](x) else 1)

    assert verdicts(of_sine(backward)) == {"differ.wrong"}


def test_a_tail_that_is_left_out_is_found() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        if x.numel() < 32:
            return g * cos(x)
        found = torch.zeros_like(x).reshape(-1)
        whole = x.numel() // 32 * 32
        found[:whole] = (g * cos(x)).reshape(-1)[:whole]
        return found.reshape(x.shape)

    assert verdicts(of_sine(backward)) == {"differ.wrong"}


def test_what_is_kept_for_a_shape_is_found() -> None:
    kept: dict[Any, Tensor] = {}

    def backward(g: Tensor, x: Tensor) -> Tensor:
        if not x.dim():
            return g * cos(x)
        return g * kept.setdefault(x.shape, cos(x))

    assert verdicts(of_sine(backward)) == {"differ.wrong"}


def test_a_right_kernel_takes_every_size_and_layout() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        return (g.reshape(-1) * cos(x).reshape(-1)).reshape(x.shape)

    found = verdicts(of_sine(backward), dtype=["float32", "bfloat16"])
    assert found <= {"match.exact", "match.rounding"}


# ── tangents, and derivatives of derivatives ──────────────────────────────────────────


def with_rule(rule: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A sine with a forward mode of its own: of the tangent, then the input."""
    return with_forward_mode(sin, lambda g, x: g * cos(x), rule)


RULES: dict[str, Callable[..., Tensor]] = {
    "ignored": lambda t, x: cos(x) * torch.ones_like(t),
    "squared": lambda t, x: cos(x) * t * t,
    "clipped to 5": lambda t, x: cos(x) * t.clamp(-5, 5),
    "its size alone": lambda t, x: cos(x) * t.abs(),
    "its mean": lambda t, x: cos(x) * t.mean(),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_not_linear_in_its_tangent_is_found(name: str) -> None:
    assert verdicts(with_rule(RULES[name]), routes="forward") == {"differ.wrong"}


def test_a_right_rule_matches_in_every_dtype() -> None:
    right = with_rule(lambda t, x: t * cos(x))
    for dtype in ("float32", "float64"):
        found = verdicts(right, dtype=dtype, routes=["reverse", "forward"])
        assert found <= {"match.exact", "match.rounding"}
    square = "z**2"
    found = verdicts(
        lambda z: z * z,
        square,
        domain={"z": "[-2, 2] + [-2, 2]j"},
        dtype="complex64",
        routes="forward",
    )
    assert found <= {"match.exact", "match.rounding"}


slope = function(
    lambda g, x: g * cos(x), lambda above, g, x: (above * cos(x), -g * sin(x))
)
"""g·cos(x), of which the derivative by x ignores what comes from above."""


def test_a_second_backward_that_ignores_its_upstream_gradient_is_found() -> None:
    subject = of_sine(slope)
    assert verdicts(subject, order=2) == {"differ.wrong"}
    right = of_sine(lambda g, x: g * cos(x))
    assert verdicts(right, order=2) <= {"match.exact", "match.rounding"}


# ── what needs a gradient ─────────────────────────────────────────────────────────────


class Product(torch.autograd.Function):
    """x·y; where y needs no gradient, that by x is multiplied by `factor`."""

    factor = 1.0

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x, y)
        return x * y

    @classmethod
    def _backward(cls, ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        by_x, by_y = ctx.needs_input_grad
        factor = 1.0 if by_y else cls.factor
        return grad * y * factor if by_x else None, grad * x if by_y else None

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Product._backward(ctx, grad)


class Doubled(Product):
    factor = 2.0

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Doubled._backward(ctx, grad)


@pytest.mark.parametrize("wrt", [["x", "y"], ["x"]])
def test_a_gradient_that_is_wrong_where_it_alone_is_needed_is_found(
    wrt: list[str],
) -> None:
    domain = {"x": "[1, 3]", "y": "[1, 3]"}
    options: dict[str, Any] = {"domain": domain, "wrt": wrt, "inputs": ["x", "y"]}
    assert verdicts(Doubled.apply, "x*y", **options) == {"differ.wrong"}
    assert verdicts(Product.apply, "x*y", **options) == {"match.exact"}


def test_a_value_that_is_another_without_a_gradient_is_found() -> None:
    by_mode = verdicts(lambda x: sin(x) if torch.is_grad_enabled() else cos(x))
    by_tensor = verdicts(lambda x: sin(x) if x.requires_grad else cos(x))
    assert by_mode == by_tensor == {"differ.wrong"}


def test_what_differentiates_inside_may_need_a_gradient_to_run() -> None:
    def slope(x: Tensor) -> Tensor:
        return torch.autograd.grad((x**3).sum(), x, create_graph=True)[0]

    found = verdicts(slope, "3*x**2", domain={"x": "[1, 2]"})
    assert found <= {"match.exact", "match.rounding"}


# ── other inputs ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wrt", [["x"], ["x", "y"]])
@pytest.mark.parametrize("order", [1, 2])
def test_an_output_without_a_graph_is_unsupported_whatever_is_asked_for(
    wrt: list[str], order: int
) -> None:
    """The true derivative is 0 there, which nothing computes."""
    run = verifier.check(
        lambda x, y: x.detach() ** 2 * y.detach(),
        expression="x**2*y",
        at={"x": 0, "y": 1},
        wrt=wrt,
        order=order,
        dtype="float64",
    )
    assert run.results[0].verdict.value == "differ.unsupported"


def test_a_value_that_is_another_where_other_inputs_need_a_gradient() -> None:
    found = verdicts(
        lambda x, y: 2 * x * y if y.requires_grad else x * y,
        "x*y",
        domain={"x": "[1, 3]", "y": "[1, 3]"},
        wrt=["x"],
    )
    assert found == {"differ.wrong"}
