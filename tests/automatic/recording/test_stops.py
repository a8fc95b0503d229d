"""Where autograd does not look: through which tensors a derivative flows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cells import evaluate
from recorded import check, check_derivative, drawn
from torch.utils.checkpoint import checkpoint

from verifier.automatic.recording.record import record


def without_gradient(x):
    with torch.no_grad():
        mean = x.exp().mean()
    return (x - mean) * mean


def by_data(x):
    scale = x.data.sigmoid()
    return x * scale + x.data


def straight_through(x):
    return x * 2 + (x.round() - x).detach()


def moving_average(x):
    buffer = torch.ones(3, dtype=x.dtype)
    with torch.no_grad():
        buffer.mul_(0.5).add_(x.detach().mean(0))
    return x * buffer


def inner_gradient(x):
    (slope,) = torch.autograd.grad(x.exp().sum(), x, create_graph=True)
    return slope * x


def inner_gradient_as_constant(x):
    (slope,) = torch.autograd.grad(x.exp().sum(), x)
    return slope * x


def checkpointed(x):
    return checkpoint(lambda z: z.tanh() * z.detach(), x, use_reentrant=False)


def by_functions(x):
    inner = torch.func.grad(lambda z: (z.sin() * z).sum())(x)
    _, pull = torch.func.vjp(torch.exp, x)
    return inner + pull(x)[0]


def mapped(x):
    return torch.func.vmap(torch.func.grad(lambda z: z.softmax(0)[0] * z.sum()))(x)


@pytest.mark.parametrize(
    ("function", "has_stops"),
    [
        (without_gradient, True),
        (by_data, True),
        (straight_through, True),
        (moving_average, True),
        (inner_gradient, False),
        (inner_gradient_as_constant, True),
        (checkpointed, True),
        (by_functions, False),
    ],
)
def test_what_needs_no_gradient_is_a_constant(function, has_stops) -> None:
    program = check_derivative(function, drawn(2, 3))
    kinds = {r.kind for r in program.records if not r.in_backward}
    assert ("stop" in kinds) == has_stops


def test_a_mapped_function_is_recorded() -> None:
    check_derivative(mapped, drawn(2, 3))


def test_a_checkpoint_of_the_reentrant_sort_is_recorded_and_leaves_no_gradients() -> (
    None
):
    x, w = drawn(3), drawn(3, seed=1)
    x.grad = torch.ones(3, dtype=torch.float64)

    def function(x):
        return checkpoint(lambda z: z.tanh() * w, x, use_reentrant=True)

    program = record(function, (x,), wrt={"x": x, "w": w})
    values = evaluate(program)
    slope = 1 - x.detach().tanh() ** 2
    np.testing.assert_allclose(values[program.gradients["x"]], slope * w.detach())
    np.testing.assert_allclose(values[program.gradients["w"]], x.detach().tanh())
    assert x.grad.tolist() == [1] * 3
    assert w.grad is None


class Inside(torch.autograd.Function):
    """Detaches within: its forward is looked through, whatever it switches on."""

    @staticmethod
    def forward(ctx, x):
        with torch.enable_grad():
            z = x.detach().requires_grad_()
            y = z.exp() * (z * 1).detach()
        ctx.kept = x * 2
        ctx.save_for_backward(x, y)
        return y.detach()

    @staticmethod
    def backward(ctx, upstream):
        _, y = ctx.saved_tensors
        if not ctx.needs_input_grad[0]:
            return None
        return upstream * (y + (ctx.kept / 2).exp())


class Apart(torch.autograd.Function):
    """With `setup_context` and `once_differentiable`; two outputs."""

    @staticmethod
    def forward(x):
        return x.sin(), x.exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output[1])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, first, second):
        x, power = ctx.saved_tensors
        return first * x.cos() + second * power


class InPlace(torch.autograd.Function):
    """Writes its input, and in the backward its upstream gradient."""

    @staticmethod
    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, upstream):
        return upstream.mul_(3)


class Nested(torch.autograd.Function):
    """Calls another, and autograd in its backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return Inside.apply(x) * 2

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            z = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad((z * z.exp()).sum(), z)
        return slope * 2 * upstream


@pytest.mark.parametrize(
    "function",
    [
        Inside.apply,
        lambda x: Apart.apply(x)[0] + Apart.apply(x)[1],
        lambda x: InPlace.apply(x * 1),
        Nested.apply,
    ],
)
def test_functions_with_a_backward_of_their_own_are_looked_through(function) -> None:
    program = check_derivative(function, drawn(4))
    assert all(r.kind != "stop" for r in program.records)


def test_a_returned_gradient_that_lies_in_an_input_is_read_at_once() -> None:
    class Aliasing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, upstream):
            x, y = ctx.saved_tensors
            return y, x

    x, y = drawn(3), drawn(3, seed=1)
    program = check(lambda x, y: Aliasing.apply(x, y), x, y)
    assert program.gradients["x0"].tolist() == program.inputs["x1"].tolist()


def test_a_plan_of_torchscript_is_not_used() -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(_scripted)
    x = drawn(3)
    for _ in range(3):
        scripted(x).sum().backward()
    program = check_derivative(lambda x: scripted(x), x)
    assert all(r.kind != "stop" for r in program.records)


def _scripted(x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(x) * x + 1
