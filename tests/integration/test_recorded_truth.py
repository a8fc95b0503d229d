"""The truth of programs that PyTorch ran, held against PyTorch's own float64 and against
mpmath; and what a wrong backward comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from verifier.automatic.recording.record import record
from verifier.enclosures import KINK, Enclosures
from verifier.symbolic.cells.truth import CellTruth

D = torch.float64


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(shape, dtype=D, generator=random).requires_grad_()


def upstreams(outputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(7)
    return {
        name: torch.randn(tensor.shape, dtype=tensor.dtype, generator=random)
        for name, tensor in outputs.items()
    }


TARGET = torch.tensor([1, 0, 2])
PROGRAMS: dict[str, tuple[Callable[..., torch.Tensor], tuple[tuple[int, ...], ...]]] = {
    "gelu": (F.gelu, ((3, 7),)),
    "softmax": (lambda x: F.softmax(x, -1), ((3, 5),)),
    "layer norm": (lambda x, w, b: F.layer_norm(x, (6,), w, b), ((4, 6), (6,), (6,))),
    "batch norm": (lambda x: F.batch_norm(x, None, None, training=True), ((5, 4),)),
    "linear": (F.linear, ((3, 4), (5, 4), (5,))),
    "cross entropy": (lambda x: F.cross_entropy(x, TARGET), ((3, 5),)),
    "attention": (F.scaled_dot_product_attention, ((1, 2, 4, 3),) * 3),
    "norm": (lambda x: x.norm(dim=-1), ((3, 5),)),
    "powers": (lambda x, y: x.abs() ** y, ((3, 4), (3, 4))),
    "sort": (lambda x: x.sort(-1).values * torch.arange(5.0), ((3, 5),)),
    "in place": (lambda x: x.clone().mul_(2).exp_().sum(0), ((3, 5),)),
    "solve": (torch.linalg.solve, ((3, 3), (3, 2))),
    "eigenvalues": (lambda x: torch.linalg.eigvalsh(x + x.T), ((3, 3),)),
    "matrix exponential": (torch.matrix_exp, ((3, 3),)),
}


def overlap(first: Enclosures, second: Enclosures, within: float = 0.0) -> bool:
    """Whether all entries have numbers in common; `within` is a relative distance."""
    apart = np.abs((first.high - second.high) + (first.low - second.low))
    room = first.radius + second.radius + within * np.abs(first.high).max(initial=0)
    return bool((apart <= room).all())


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_of_pytorch(name: str) -> None:
    function, shapes = PROGRAMS[name]
    inputs = [drawn(*shape, seed=k) for k, shape in enumerate(shapes)]
    wrt = {f"x{k}": tensor for k, tensor in enumerate(inputs)}
    program = record(function, inputs, wrt=wrt, upstream=upstreams)
    truth = CellTruth(program)
    gradients, recorded = truth.gradients(), truth.recorded_gradients()
    output = function(*inputs)
    given = upstreams({"output": output})["output"]
    measured = torch.autograd.grad(output, inputs, given)
    midpoints = CellTruth(program, largest_balls=0).gradients()
    for key, tensor in zip(wrt, measured, strict=True):
        assert gradients[key].high == pytest.approx(tensor.numpy(), rel=1e-9, abs=1e-11)
        assert overlap(gradients[key], midpoints[key])
        # The library's backward has constants that were rounded to float64.
        assert overlap(gradients[key], recorded[key], 2.0**-50)
    assert not truth.check_recording()
    assert truth.witness(2).agrees
    assert truth.agrees_with_sympy() is not False


def test_hessian_vector_products_are_those_of_pytorch() -> None:
    x, v = drawn(3, 4), drawn(3, 4, seed=9).detach().round(decimals=3)

    def function(x: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(F.gelu(x) @ F.softmax(x, 0).T, TARGET)

    program = record(function, [x], wrt={"x": x})
    found = CellTruth(program).hessian_vector({"x": v.numpy()})["x"]
    hvp: Any = torch.autograd.functional.hvp
    _, expected = hvp(function, x, v)
    assert found.high == pytest.approx(expected.numpy(), rel=1e-10)
    moved = CellTruth(program).jacobian_vector({"x": v.numpy()})["output"]
    _, slope = torch.autograd.functional.jvp(function, x, v)  # type: ignore[no-untyped-call]
    assert moved.high == pytest.approx(slope.item(), rel=1e-12)


class WrongTanh(torch.autograd.Function):
    """Its gradient is 10⁻⁶ too large."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        (y,) = ctx.saved_tensors
        return upstream * (1 - y * y) * (1 + 1e-6)


def test_a_wrong_backward_is_proved_wrong_in_bfloat16() -> None:
    x = drawn(4, 8).detach().to(torch.bfloat16).requires_grad_()
    program = record(WrongTanh.apply, [x], wrt={"x": x})
    truth = CellTruth(program)
    true, recorded = truth.gradients()["x"], truth.recorded_gradients()["x"]
    ratio = recorded.high / true.high
    assert not overlap(true, recorded)
    assert ratio == pytest.approx(np.full((4, 8), 1 + 1e-6), rel=1e-12)
    assert truth.witness().agrees


def test_kinks_are_marked_where_they_are() -> None:
    x = torch.tensor([0.0, 1.0, -1.0], dtype=D, requires_grad=True)
    found = CellTruth(record(F.relu, [x], wrt={"x": x})).gradients()["x"]
    assert found.marks is not None
    assert list(found.marks) == [KINK, 0, 0]
    zeros = torch.zeros(2, 3, dtype=D, requires_grad=True)
    program = record(lambda x: x.norm(dim=-1), [zeros], wrt={"x": zeros})
    found = CellTruth(program).gradients()["x"]
    assert found.marks is not None
    assert (found.marks == KINK).all()


@pytest.mark.parametrize(
    "function",
    [F.gelu, F.silu, F.logsigmoid, F.softplus, torch.special.bessel_j0, torch.digamma],
)
def test_what_pytorch_computes_is_no_disagreement(function: Callable[..., Any]) -> None:
    """The kernels' own rounding, where it cancels too: gelu far to the left."""
    x = torch.linspace(-20, 20, 3001, dtype=D, requires_grad=True)
    assert not CellTruth(record(function, [x], wrt={"x": x})).check_recording()
