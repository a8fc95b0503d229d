"""Formulas of arrays from the door to the verdict: what is known by hand holds, wrong
numbers and wrong subjects are found."""

from __future__ import annotations

import torch

import verifier
from verifier.records import Result, Verdict

SHAPES = {"x": [3, 4], "W": [4, 2]}


def test_a_formula_of_arrays_is_verified() -> None:
    run = verifier.verify(
        "sigmoid(x @ W).sum(0)", shapes=SHAPES, dtype=["float32", "bfloat16"]
    )
    assert run.ok
    assert {result.dtype for result in run.results} == {"float32", "bfloat16"}


def test_numbers_known_by_hand_hold_both_sides() -> None:
    """d(x·x)/dx = 2x."""
    given = {"shapes": {"x": [2]}, "at": {"x": [1, 2]}, "dtype": "float64"}
    right = {"value": 5, "gradient": {"x": [2, 4]}}
    assert verifier.verify("sum(x*x)", **given, expect=right).ok  # type: ignore[arg-type]
    wrong = {"value": 6, "gradient": {"x": [2, 5]}}
    (result,) = verifier.verify("sum(x*x)", **given, expect=wrong).results  # type: ignore[arg-type]
    assert result.broken == ("expect.value", "expect.gradient.x[1]")
    assert not result.as_expected


class Halved(torch.autograd.Function):
    """x @ W with half of the gradient by W."""

    @staticmethod
    def forward(ctx, x, W):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x, W)
        return x @ W

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        x, W = ctx.saved_tensors
        return grad @ W.T, x.T @ grad / 2


def halved(x: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    product: torch.Tensor = Halved.apply(x, W)
    return product


def test_a_subject_is_held_to_the_definition_at_shapes() -> None:
    keys = {"expression": "x @ W", "shapes": SHAPES, "dtype": "float32"}
    assert verifier.check(torch.matmul, **keys).ok  # type: ignore[arg-type]
    (result,) = verifier.check(halved, **keys).results  # type: ignore[arg-type]
    check_halved(result)


def test_a_subject_is_held_to_the_definition_at_tensors() -> None:
    tensors = torch.randn(3, 4), torch.randn(4, 2)
    (result,) = verifier.check(halved, *tensors, expression="x @ W").results
    check_halved(result)


def check_halved(result: Result) -> None:
    assert result.verdict is Verdict.DIFFER_WRONG
    differing = {c.wrt for c in result.comparisons if c.verdict.family == "differ"}
    assert differing == {("W",)}


def test_a_formula_that_does_not_fit_the_tensors_is_said() -> None:
    tensors = torch.ones(3, 4), torch.ones(4, 2)
    (result,) = verifier.check(halved, *tensors, expression="x @ W.T").results
    assert result.verdict is Verdict.ERROR_RUN
    assert "the inner sizes are 4 and 2" in (result.message or "")


def test_steps_and_indices() -> None:
    run = verifier.verify(
        steps="h = W[i]\nloss = mean(h*h)",
        shapes={"W": [5, 2], "i": [4]},
        dtype="float32",
    )
    assert run.ok
