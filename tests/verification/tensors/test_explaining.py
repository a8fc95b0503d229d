"""What differs has its culprit and its formula in the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import verifier
from verifier.records import Comparison

Tensor = torch.Tensor


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grads[0] * (s + x * s * (1 - s) * 1.0009)


def worst(run: verifier.Run, quantity: str) -> Comparison:
    (result,) = run.results
    return next(
        c
        for c in result.comparisons
        if c.quantity == quantity and c.verdict.family == "differ"
    )


def test_a_wrong_backward_is_told_with_its_line_and_its_formula() -> None:
    x = torch.tensor([[0.5, -1.0, 1.5], [2.0, 0.25, -0.75]])
    run = verifier.check(Swish.apply, x)
    found = worst(run, "formula")
    assert found.culprit is not None
    assert found.culprit.startswith("`Swish.backward` (")
    assert Path(__file__).name in found.culprit
    assert found.message is not None
    assert "the backward is grad * (sigmoid(x) + x * sig" in found.message
    assert "the derivative grad*(x*(1 - sigmoid(x)) + 1)*sigmoid(x)" in found.message
    assert "times 0.999100809, would make it right" in found.message
    assert worst(run, "gradient").culprit == found.culprit


def test_with_a_reference_the_derivative_is_the_references() -> None:
    def plain(x: Tensor) -> Tensor:
        return x / (1 + torch.exp(-x))

    run = verifier.check(Swish.apply, torch.tensor([0.5, -1.0, 1.5]), reference=plain)
    found = worst(run, "formula")
    assert found.message is not None
    assert "the backward is grad * (sigmoid(x) + x * sig" in found.message


def test_digits_that_a_program_loses_are_put_down_to_an_operation() -> None:
    def slope(x: Tensor) -> Tensor:
        return (torch.exp(x) - 1) / x

    run = verifier.check(slope, torch.tensor([1e-4, 3e-4]), widen=(1,))
    (result,) = run.results
    assert run
    place = f"{Path(__file__).name}:{slope.__code__.co_firstlineno + 1}"
    (note,) = [n for n in result.notes if n.startswith("digits of the value")]
    assert "`aten.exp`" in note
    assert place in note
