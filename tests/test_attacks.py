"""Wrong backwards that once passed, and right ones that were once accused: each line is of a kind of its own.

All are wrong on purpose, or right on purpose, by hand; the true derivative is that of the expression beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import cos, sin, where

import verifier

Tensor = torch.Tensor


def function(
    forward: Callable[..., Tensor], backward: Callable[..., Any]
) -> Callable[..., Tensor]:
    """A function with a backward of its own: of the upstream gradient, then the inputs."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            return backward(grad, *ctx.saved_tensors)

    return lambda *inputs: Planted.apply(*inputs)  # type: ignore[no-untyped-call]


def of_sine(backward: Callable[..., Any]) -> Callable[..., Tensor]:
    return function(sin, backward)


def verdicts(
    subject: Callable[..., Any], expression: str = "sin(x)", **options: Any
) -> set[str]:
    usual: dict[str, Any] = {
        "domain": {"x": "[-3, 3]"},
        "points": 24,
        "dtype": "float32",
    }
    run = verifier.check(subject, expression=expression, **usual | options)
    return {result.verdict.value for result in run.results}


# ── the upstream gradient ────────────────────────────────────────────────────────────────────────────────────────────

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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("most", [2.0, 5.0, 12.0])
def test_what_one_dtype_alone_clips_is_not_taken_for_its_range(
    dtype: str, most: float
) -> None:
    subject = _in_one_dtype(getattr(torch, dtype), most)
    assert verdicts(subject, dtype=dtype) == {"differ.unstable"}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_right_backward_that_leaves_the_range_at_other_upstreams_alone_matches(
    dtype: str,
) -> None:
    # g·2^k/2^k overflows, and g·2^-k·2^k loses digits below the range, at the largest and smallest g alone.
    k = 8 if dtype == "float16" else 66
    up = of_sine(lambda g, x: g * 2.0**k * cos(x) / 2.0**k)
    down = of_sine(lambda g, x: g * 2.0**-k * cos(x) * 2.0**k)
    domain = {"x": "[-1, 1]"}
    for subject in (up, down):
        found = verdicts(subject, dtype=dtype, domain=domain, boundary=False)
        assert found <= {"match.exact", "match.rounding"}


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SIZES: dict[str, Callable[[Tensor], bool]] = {
    "odd": lambda x: x.numel() % 2 == 1,
    "over 1024": lambda x: x.numel() > 1024,
    "over 4096": lambda x: x.numel() > 4096,
    "1024 at once": lambda x: x.numel() == 1024,
    "one alone": lambda x: x.numel() == 1,
    "a few": lambda x: x.numel() <= 16,
    "a power of two": lambda x: x.numel() & (x.numel() - 1) == 0,
    "three dimensions": lambda x: x.dim() == 3,
}


@pytest.mark.parametrize("name", SIZES)
def test_a_kernel_that_is_wrong_for_some_sizes_is_found(name: str) -> None:
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

    found = verdicts(of_sine(backward), dtype=["float32", "float64", "bfloat16"])
    assert found <= {"match.exact", "match.rounding"}
