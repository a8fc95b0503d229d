"""Of planted faults the Function is named, and the line where a factor mends it; of right
backwards nothing is."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.planted_tensors import PLANTED, draw
from verifier.automatic.recording.record import record
from verifier.language.cells import CellProgram
from verifier.symbolic.cells.suspects import Suspect, suspect

Tensor = torch.Tensor


def program_of(name: str, fault: str = "") -> CellProgram:
    tensors, upstream = draw(name, fault)
    given = {key: tensor.requires_grad_() for key, tensor in tensors.items()}
    return record(
        PLANTED[name].run(fault), (), given, wrt=given, upstream={"output": upstream}
    )


def accused(name: str, fault: str, by: str) -> Suspect:
    found = suspect(program_of(name, fault), by)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["layer_norm", "softmax", "attention", "linear"])
def test_a_right_backward_has_no_suspect(name: str) -> None:
    program = program_of(name)
    assert [suspect(program, by) for by in program.inputs] == [None] * len(
        program.inputs
    )


@pytest.mark.parametrize(
    ("name", "fault", "by", "line", "factor"),
    [
        ("layer_norm", "scale of 1e-3", "x", "dx = dx * 1.001", 1 / 1.001),
        ("rms_norm", "sum for the mean", "x", "inner = inner * x.shape[-1]", 1 / 64),
        ("softmax", "mean for the sum", "x", "inner = inner / p.shape[-1]", 48.0),
        ("swiglu", "scale of 1e-3", "gate", "da = da * 1.001", 1 / 1.001),
    ],
)
def test_the_line_of_a_factor_is_named(
    name: str, fault: str, by: str, line: str, factor: float
) -> None:
    found = accused(name, fault, by)
    assert found.source is not None
    assert found.source.text == line
    assert found.factor == pytest.approx(factor)


@pytest.mark.parametrize(
    ("name", "fault", "by"),
    [
        ("layer_norm", "no projection", "x"),
        ("softmax", "sign turned", "x"),
        ("swiglu", "exchanged", "up"),
        ("attention", "row sums forgotten", "q"),
    ],
)
def test_where_no_line_stands_out_the_function_is_named(
    name: str, fault: str, by: str
) -> None:
    found = accused(name, fault, by)
    assert found.node.name == f"{PLANTED[name].function.__name__}.backward"
    assert found.source == found.node.source
    assert found.factor is None


class Sine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] * x.cos()


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] * (2 * x * x)


def test_of_several_functions_the_wrong_one_is_named() -> None:
    x = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64, requires_grad=True)

    def call(x: Tensor) -> Tensor:
        return Sine.apply(Cube.apply(Sine.apply(x)).exp())

    found = suspect(record(call, (x,), wrt={"x": x}), "x")
    assert found is not None
    assert found.node.name == "Cube.backward"
    right = record(lambda x: Sine.apply(Sine.apply(x)), (x,), wrt={"x": x})
    assert suspect(right, "x") is None
