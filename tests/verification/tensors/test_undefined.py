"""What is no number by the program's own infinities, and a gradient that vanishes wrongly."""

from __future__ import annotations

import pytest
import torch

import verifier
from verifier.records import Verdict

MASK = torch.tensor([[False, False, True], [True, True, True]])


def masked(x: torch.Tensor) -> torch.Tensor:
    return x.masked_fill(MASK, -torch.inf)


def by_hand(x: torch.Tensor) -> torch.Tensor:
    shifted = masked(x) - masked(x).amax(-1, keepdim=True)
    return shifted.exp() / shifted.exp().sum(-1, keepdim=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.softmax(masked(x), -1),
        lambda x: torch.log_softmax(masked(x), -1),
        by_hand,
        lambda x: torch.softmax(masked(x), -1) @ torch.ones(3, 2),
    ],
    ids=["softmax", "log_softmax", "by-hand", "attention"],
)
def test_a_row_that_is_wholly_masked_has_no_value(function) -> None:
    x = torch.tensor([[0.3, -1.2, 0.5], [0.1, 0.7, -0.4]], requires_grad=True)
    run = verifier.check(function, x)
    assert run
    assert run.results[0].counts[Verdict.MATCH_UNDEFINED] > 0


def zero_filled(x: torch.Tensor) -> torch.Tensor:
    return torch.nan_to_num(torch.softmax(masked(x), -1)) + 0 * x


def test_zeros_in_the_place_of_a_row_without_a_value_are_spurious() -> None:
    """A kernel that gives zeros, where its reference is a softmax over nothing."""
    x = torch.tensor([[0.3, -1.2, 0.5], [0.1, 0.7, -0.4]], requires_grad=True)
    run = verifier.check(
        zero_filled, x, reference=lambda x: torch.softmax(masked(x), -1)
    )
    assert run.results[0].counts[Verdict.DIFFER_SPURIOUS] > 0


def test_a_gradient_of_zero_of_a_singular_determinant_is_proved_wrong() -> None:
    """PyTorch's gradient of the determinant of a singular matrix is 0; it is the
    adjugate."""
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    run = verifier.check(torch.linalg.det, x, upstream="ones", widen=(1,))
    assert not run
    formula = next(t for t in run.results[0].quantities if t.quantity == "formula")
    assert set(formula.counts) == {Verdict.DIFFER_WRONG}


def test_a_backward_that_is_ill_conditioned_excuses_no_nan() -> None:
    """Its own r/r is 0/0 where rounding takes the last digit of x²; the derivative of
    x² moves no further than x."""
    number = torch.tensor(1.1)
    while number.double() ** 2 <= (number * number).double():
        number = torch.nextafter(number, torch.tensor(2.0))
    rounded = number * number

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            r = (x * x - rounded).sqrt()
            return grad * 2 * x * (r / r)

    x = number.clone().requires_grad_()
    run = verifier.check(Square.apply, x, upstream="ones", widen=(1,))
    gradient = next(t for t in run.results[0].quantities if t.quantity == "gradient")
    assert set(gradient.counts) == {Verdict.DIFFER_NONFINITE}
