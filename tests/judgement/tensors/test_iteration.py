"""Forwards that are iterations, and those that only look like it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from verifier.automatic.recording.record import record
from verifier.judgement.tensors.iteration import found
from verifier.language.cells import CellProgram


class CubeRoot(torch.autograd.Function):
    """By bisection."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        low, high = torch.zeros_like(x), x + 1
        for _ in range(20):
            middle = (low + high) / 2
            less = middle * middle * middle < x
            low, high = torch.where(less, middle, low), torch.where(less, high, middle)
        ctx.save_for_backward(low)
        return low

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grads[0] / (3 * y * y)


class Root(torch.autograd.Function):
    """By Newton's method."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.ones_like(x)
        for _ in range(12):
            y = (y + x / y) / 2
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grads[0] / (2 * y)


class Polynomial(torch.autograd.Function):
    """exp by its series, by Horner's scheme; the backward is the limit's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.ones_like(x)
        for step in range(12, 0, -1):
            y = 1 + y * (x / step)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grads[0] * y


class Scan(torch.autograd.Function):
    """h = a·h + x over the steps, forward and back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        h, steps = torch.zeros_like(x[0]), []
        for row in x:
            h = 0.5 * h + row
            steps.append(h)
        return torch.stack(steps)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        g, rows = torch.zeros_like(grads[0][0]), []
        for row in grads[0].flip(0):
            g = 0.5 * g + row
            rows.append(g)
        return torch.stack(rows[::-1])


def program(function: Any, *shape: int) -> CellProgram:
    x = torch.linspace(0.5, 3, int(np.prod(shape))).reshape(shape).requires_grad_()
    return record(function, (x,), wrt={"x": x})


def test_bisection_is_known_by_its_comparisons() -> None:
    iteration = found(program(CubeRoot.apply, 4))
    assert iteration is not None
    assert iteration.excused == np.inf
    assert "20 comparisons at" in iteration.words
    assert "`reference=`" in iteration.words


def test_newton_is_known_by_a_line_that_feeds_itself() -> None:
    iteration = found(program(Root.apply, 4))
    assert iteration is not None
    assert iteration.excused < 0.1


def test_what_loops_back_too_is_none() -> None:
    assert found(program(Scan.apply, 12, 3)) is None


def test_a_polynomial_is_none() -> None:
    assert found(program(Polynomial.apply, 4)) is None


def test_blocks_side_by_side_are_none() -> None:
    def blocks(x: Tensor) -> Tensor:
        return torch.cat([torch.exp(part) * 2 for part in x.split(1)])

    assert found(program(blocks, 16, 3)) is None


def test_a_single_comparison_is_none() -> None:
    assert found(program(lambda x: torch.where(x * x > 2, x, x.sin()), 5)) is None
