"""Activations and losses: gradients that vanish, over every bfloat16 number, and what a
planted fault shows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import torch
from rows import call
from torch.autograd import Function

import verifier
from verifier.automatic import lowering
from verifier.floats import FORMATS, nearest
from verifier.language.operations import activations, losses
from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.calculus import derivative

BFLOAT16 = FORMATS["bfloat16"]


def every_finite_bfloat16() -> torch.Tensor:
    bits = torch.arange(2**16, dtype=torch.int32).to(torch.int16)
    numbers = bits.view(torch.bfloat16)
    return numbers[torch.isfinite(numbers)]


def gradient(name: str, x: torch.Tensor) -> torch.Tensor:
    leaf = x.clone().requires_grad_()
    lowered = lowering.Lowered(parse(f"{name}(x)"), "bfloat16")
    value = lowered.run({"x": leaf})[lowered.program.output]
    (found,) = torch.autograd.grad(value, leaf, torch.ones_like(value))
    return found


def is_normal(ball: balls.Ball) -> bool:
    """Whether a number rounds to a normal bfloat16."""
    ends = balls.enclosure(ball)
    sizes = {abs(nearest(end, BFLOAT16)) for end in (ends.lower, ends.upper)}
    assert len(sizes) == 1, ball
    return sizes.pop() >= BFLOAT16.smallest_normal


@pytest.mark.parametrize(
    ("name", "zeros"),
    [
        *[("softsign", 14_056), ("tanh", 936), ("sigmoid", 487), ("silu", 6)],
        ("gelu", 145 if "AVX512" in torch.backends.cpu.get_cpu_capability() else 0),
    ],
)
def test_zeros_where_the_true_gradient_is_a_normal_number(
    name: str, zeros: int
) -> None:
    """The counts of PyTorch 2.13 on a CPU, found without this verifier."""
    x = every_finite_bfloat16()
    formula = derivative.local(name, 0)
    vanishing = x[gradient(name, x) == 0].tolist()
    with balls.workprec(400):
        slopes = [evaluation.evaluate(formula, [balls.exact(v)])[0] for v in vanishing]
    assert sum(map(is_normal, slopes)) == zeros


# ── planted faults ────────────────────────────────────────────────────────────────────


class Scaled(Function):
    """The identity, whose gradient is wrong by two parts in a million."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        return grads[0] * (1 + 2e-6)


def scaled(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *operands: Scaled.apply(function(*operands))  # type: ignore[no-untyped-call]


POINTS = [
    {"x": "9/16", "y": "1/8", "z": "5/4"},
    {"x": "3/16", "y": "7/8", "z": "1/2"},
    {"x": "-9/16", "y": "7/8", "z": "1/2"},
]


@pytest.mark.parametrize(
    "row", [*activations.ROWS, *losses.ROWS], ids=lambda row: row.name
)
def test_a_gradient_slightly_wrong_is_found(
    row: operations.Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "xyz"[: len(row.tensors)]
    points = [
        {name: point[name] for name in names}
        for point in POINTS
        if row.domain[0].lower is None or Fraction(point["x"]) > 0
    ]
    right = lowering.OPERATIONS[row.name]
    monkeypatch.setitem(lowering.OPERATIONS, row.name, scaled(right))
    run = verifier.verify(call(row, names), at=points, dtype="float64")
    (result,) = run.results
    found = {one.wrt for one in result.comparisons if one.verdict.family == "differ"}
    assert found == {(name,) for name in names}
