"""What a callable changes, draws at random, or does not give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from backwards import function
from torch import cos, sin
from tried import Tensor, checked, messages, verdicts

import verifier


def _doubled(g: Tensor, x: Tensor) -> Tensor:
    found = g * cos(x)
    g.mul_(2)
    return found


def _input_changed(g: Tensor, x: Tensor) -> Tensor:
    found = g * cos(x)
    x.data.add_(1)
    return found


MUTATING: dict[str, Callable[..., Tensor]] = {
    "upstream doubled": function(sin, _doubled),
    "upstream used as a buffer": function(sin, lambda g, x: g.mul_(cos(x))),
    "upstream by its data": function(sin, lambda g, x: (g * cos(x), g.data.zero_())[0]),
    "input by the backward": function(sin, _input_changed),
    "input by the forward": function(lambda x: (sin(x), x.neg_())[0], lambda g, x: g * cos(-x)),
    "input, to a number that compares equal": lambda x: (sin(x), x.data.copy_(x.data * 1.5))[0],
}  # fmt: skip


class Counting(torch.autograd.Function):
    """Right the first time that its graph is walked, and doubled from then on."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.walks = 0
        return sin(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        ctx.walks += 1
        return grad * cos(x) * ctx.walks


class Once(torch.autograd.Function):
    """Lets go of what it saved."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.slope = cos(x)
        return sin(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        slope, ctx.slope = ctx.slope, None
        return grad * slope


def _shaken(x: Tensor) -> Tensor:
    return sin(x) * (1 + 1e-6 * torch.rand_like(x))


UNSTEADY: dict[str, tuple[Callable[..., Any], str]] = {
    "a second backward is doubled": (Counting.apply, "second backward"),
    "a second backward raises": (Once.apply, "second backward"),
    "a random backward": (
        function(sin, lambda g, x: g * cos(x) * (1 + 1e-3 * torch.rand_like(x))),
        "gives",
    ),
    "a random forward": (_shaken, "a second run on the same numbers gives"),
    "random digits within the tolerance": (
        function(sin, lambda g, x: g * cos(x) * (1 + 2e-7 * torch.rand_like(x))),
        "gives",
    ),
    "numbers that are left out at random": (
        lambda x: torch.nn.functional.dropout(sin(x), 0.5),
        "gives",
    ),
    "noise that is added": (lambda x: sin(x) + torch.randn_like(x), "gives"),
}


@pytest.mark.parametrize("name", MUTATING)
def test_what_is_changed_in_place_is_told(name: str) -> None:
    run = checked(MUTATING[name])
    assert "differ.mutated" in run.results[0].counts
    assert "was changed in place by the" in messages(run)


def test_an_output_that_the_backward_changes_is_told() -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            output = x * x
            ctx.output = output
            ctx.save_for_backward(x)
            return output

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            ctx.output.data.mul_(3)
            return 2 * x * grad

    run = checked(Square.apply, "x*x")
    assert verdicts(run) == {"differ.mutated"}
    assert "the output was changed in place by the backward" in messages(run)


def test_a_zero_that_loses_its_sign_has_changed() -> None:
    def forward(x: Tensor) -> Tensor:
        found = x * 1
        x.abs_()
        return found

    run = verifier.check(
        function(forward, lambda g, x: g * 1), -0.0, expression="x", dtype="float32"
    )
    assert verdicts(run) == {"differ.mutated"}


@pytest.mark.parametrize("name", UNSTEADY)
def test_what_is_not_the_same_twice_is_told(name: str) -> None:
    subject, told = UNSTEADY[name]
    run = checked(subject)
    assert verdicts(run) == {"differ.nondeterministic"}
    assert told in messages(run)
    rows = run.results[0].comparisons
    unsteady = [row for row in rows if row.verdict.family == "differ"]
    assert all(row.message for row in unsteady)
    assert "as far as points were drawn" not in messages(run)


def test_none_is_missing_where_the_derivative_is_not_zero() -> None:
    two = {"x": "[1, 2]", "y": "[1, 2]"}
    half = function(lambda x, y: x * y, lambda g, x, y: (g * y, None))
    run = checked(half, "x*y", domain=two, inputs=["x", "y"])
    assert verdicts(run) == {"differ.missing"}
    assert "`None` was returned, where the derivative is not zero" in messages(run)
    deaf = function(lambda x, y: x * 1, lambda g, x, y: (g * 1, None))
    assert checked(deaf, "x + 0*y", domain=two, inputs=["x", "y"]).ok
