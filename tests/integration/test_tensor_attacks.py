"""Wrong backwards that once passed, each for the kind of its fault, and right ones that
were once accused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch

import verifier
from verifier.records import Verdict

Tensor = torch.Tensor
Subject = Callable[..., Any]
HERE = "verifier/verification"


def function(forward: Callable[..., Any], backward: Callable[..., Any]) -> Subject:
    """The `apply` of a Function made of the two."""
    body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    made: Any = type("Attack", (torch.autograd.Function,), body)
    apply: Subject = made.apply
    return apply


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def verdict(subject: Subject, *tensors: Tensor, dtype: str = "float32") -> Verdict:
    (result,) = verifier.check(subject, *tensors, dtype=dtype).results
    return result.verdict


def scaled(slope: Callable[[Any, Tensor, Tensor], Tensor]) -> Subject:
    """x², whose backward is what `slope` makes of ctx, x and the upstream gradient."""

    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return slope(ctx, x, grad)

    return function(forward, backward)


# ── what depends on how it is called ──────────────────────────────────────────────────


def looks_at_its_caller() -> Subject:
    def slope(ctx: Any, x: Tensor, grad: Tensor) -> Tensor:
        frame: Any = sys._getframe()
        while frame is not None:
            if HERE in frame.f_code.co_filename:
                return 2 * x * grad
            frame = frame.f_back
        return x * grad

    return scaled(slope)


def looks_for_leaves() -> Subject:
    right = scaled(lambda ctx, x, grad: 2 * x * grad)
    wrong = scaled(lambda ctx, x, grad: x * grad)
    return lambda x: right(x) if x.is_leaf else wrong(x)


def other_value_without_gradients() -> Subject:
    right = scaled(lambda ctx, x, grad: 2 * x * grad)
    return lambda x: right(x) if torch.is_grad_enabled() else x


def other_value_of_what_requires_none() -> Subject:
    right = scaled(lambda ctx, x, grad: 2 * x * grad)
    return lambda x: right(x) if x.requires_grad else x


def reads_memory_as_contiguous() -> Subject:
    def slope(ctx: Any, x: Tensor, grad: Tensor) -> Tensor:
        flat = x.as_strided((x.numel(),), (1,), x.storage_offset())
        return 2 * flat.reshape(x.shape) * grad

    return scaled(slope)


def views_the_upstream() -> Subject:
    return scaled(lambda ctx, x, grad: (2 * x.reshape(-1) * grad.view(-1)).view_as(x))


def odd_rows() -> Subject:
    def slope(ctx: Any, x: Tensor, grad: Tensor) -> Tensor:
        found = 2 * x * grad
        return found[:1].expand_as(x) if len(x) % 2 else found

    return scaled(slope)


def nothing_at_all() -> Subject:
    return scaled(lambda ctx, x, grad: None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    "make",
    [
        looks_at_its_caller,
        looks_for_leaves,
        other_value_without_gradients,
        other_value_of_what_requires_none,
        reads_memory_as_contiguous,
        views_the_upstream,
        odd_rows,
        nothing_at_all,
    ],
    ids=lambda make: make.__name__,
)
def test_another_way_of_calling_shows_it(make: Callable[[], Subject]) -> None:
    assert verdict(make(), numbers(4, 6)).family == "differ"


def product(backward: Callable[[Any, Tensor, Tensor, Tensor], Any]) -> Subject:
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return x * w

    return function(forward, lambda ctx, grad: backward(ctx, *ctx.saved_tensors, grad))


def exchanged_where_one_is_wanted(ctx: Any, x: Tensor, w: Tensor, grad: Tensor) -> Any:
    if ctx.needs_input_grad[0]:
        return grad * w, grad * x
    return grad * x, None


def wrong_where_one_is_wanted(ctx: Any, x: Tensor, w: Tensor, grad: Tensor) -> Any:
    factor = 1.0 if all(ctx.needs_input_grad) else 1.1
    return grad * w * factor, grad * x


@pytest.mark.parametrize(
    "backward", [exchanged_where_one_is_wanted, wrong_where_one_is_wanted]
)
def test_each_input_is_asked_for_alone(backward: Callable[..., Any]) -> None:
    assert verdict(product(backward), numbers(3, 4), numbers(3, 4)).family == "differ"


@pytest.mark.parametrize("is_right", [True, False])
def test_each_output_has_an_upstream_gradient_alone(is_right: bool) -> None:
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x * x, 3 * x

    def backward(ctx: Any, first: Tensor | None, second: Tensor | None) -> Any:
        (x,) = ctx.saved_tensors
        if first is not None and second is not None:
            return 2 * x * first + 3 * second
        if not is_right:
            return None
        return 2 * x * first if second is None else 3 * second

    found = verdict(function(forward, backward), numbers(3, 4))
    assert found.family == ("match" if is_right else "differ")


def test_a_module_is_tried_as_eval_has_it() -> None:
    class Scale(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            factor = 2.0 if self.training else 1.0
            return scaled(lambda ctx, x, grad: factor * x * grad)(x)  # type: ignore[no-any-return]

    assert verdict(Scale(), numbers(3, 4)).family == "differ"
    assert verdict(Scale().eval(), numbers(3, 4)).family == "differ"


# ── right ones ────────────────────────────────────────────────────────────────────────


def tanh_from_its_result() -> Subject:
    """1 − y² is 0 where y rounds to 1, long before the derivative is."""

    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grad * (1 - y * y)

    return function(forward, backward)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize(
    "subject",
    [
        tanh_from_its_result(),
        lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        lambda x: 1 - torch.sigmoid(x),
    ],
    ids=["tanh", "gelu", "sigmoid"],
)
def test_saturated_functions_are_no_fault(subject: Subject, dtype: str) -> None:
    """tanh(20) is 1 in float64 too, and was taken for a number that nothing rounded."""
    assert verdict(subject, 8 * numbers(4, 6), dtype=dtype).family == "match"


def test_tensors_keep_the_gaps_between_their_elements() -> None:
    wide = numbers(4, 12)
    right = scaled(lambda ctx, x, grad: 2 * x * grad)
    assert verdict(right, wide[:, ::2]).family == "match"
    assert verdict(reads_memory_as_contiguous(), wide[:, ::2]).family == "differ"


def test_another_thread_may_round_otherwise() -> None:
    """MKL keeps the number of its threads by thread."""
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert verdict(layer, numbers(2, 3, 8)).family == "match"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_overflows_within_a_kernel_is_range(dtype: str) -> None:
    """silu(-89) is -2e-37, and 1 + exp(89) is no float32."""
    x = torch.tensor([-93.0, -100.0, -89.0, 1.0])
    assert verdict(torch.nn.functional.silu, x, dtype=dtype) is Verdict.DIFFER_RANGE
