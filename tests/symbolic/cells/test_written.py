"""The formula of a recorded backward is read off its cells."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.record import record
from verifier.language.cells import CellProgram
from verifier.symbolic.cells.written import written

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
        return torch.where(x > 2, grads[0], grads[0] * (s + x * s * (1 - s) * 1.0009))


def program(*numbers: float) -> CellProgram:
    x = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    return record(Swish.apply, (x,), wrt={"x": x})


def test_the_users_own_formula_stands_beside_the_derivative() -> None:
    found = written(program(0.5, -1.0, 1.5), "x", [0, 1, 2])
    assert found is not None
    assert found.computed == (
        "grad * (sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)) * 1.0009)"
    )
    assert found.true == "grad*(x*(1 - sigmoid(x)) + 1)*sigmoid(x)"


def test_entries_of_two_formulas_have_none_in_common() -> None:
    both = program(0.5, 3.0, 1.0)
    assert written(both, "x", [0, 1, 2]) is None
    alone = written(both, "x", [1])
    assert alone is not None
    assert alone.computed == "grad"


def test_an_entry_of_many_numbers_is_left_alone() -> None:
    x = torch.randn(9, 9, dtype=torch.float64).requires_grad_()
    softmax = record(lambda x: x.softmax(-1), (x,), wrt={"x": x})
    assert written(softmax, "x", [0]) is None
