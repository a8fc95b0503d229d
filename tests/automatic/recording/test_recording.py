"""What is recorded computes what PyTorch computes; and which cells lie where."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cells import evaluate

from verifier.automatic.recording.record import record, seeded

DTYPES = [torch.float64, torch.float32, torch.bfloat16]


def drawn(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return numbers.to(dtype).requires_grad_()


def recorded(function, *arguments, wrt=None, **options):
    """The program, and the value of each of its cells, which are those of PyTorch."""
    if wrt is None:
        wrt = {f"x{at}": a for at, a in enumerate(arguments) if a.requires_grad}
    program = record(function, arguments, wrt=wrt, **options)
    values = evaluate(program)
    is_seen = ~np.isnan(program.values)
    np.testing.assert_allclose(
        values[is_seen], program.values[is_seen], rtol=1e-12, atol=1e-12
    )
    return program, values


def check(function, *arguments, wrt=None):
    """Outputs and gradients are those that PyTorch computes in float64."""
    program, values = recorded(function, *arguments, wrt=wrt)
    if wrt is None:
        wrt = {f"x{at}": a for at, a in enumerate(arguments) if a.requires_grad}
    with seeded(0):
        result = function(*arguments)
    given = [torch.ones_like(result)]
    found = torch.autograd.grad(result, list(wrt.values()), given, allow_unused=True)
    unit = torch.finfo(result.dtype).eps
    np.testing.assert_allclose(
        values[program.outputs["output"]],
        result.detach().double().numpy(),
        rtol=20 * unit,
        atol=20 * unit,
    )
    for name, gradient in zip(wrt, found, strict=True):
        cells = program.gradients[name]
        if gradient is None:
            assert cells is None
        else:
            np.testing.assert_allclose(
                values[cells], gradient.double().numpy(), rtol=40 * unit, atol=40 * unit
            )
    return program


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_mlp_with_softmax(dtype: torch.dtype) -> None:
    x, w, b = (drawn(*shape, dtype=dtype) for shape in ((4, 6), (6, 3), (3,)))
    program = check(
        lambda x, w, b: torch.softmax(torch.relu(x @ w + b) * 0.25, -1).square().sum(),
        x,
        w,
        b,
    )
    kinds = [record.kind for record in program.records if not record.in_backward]
    assert kinds[4:8] == ["contraction", "add", "relu", "constant"]
    stored = {record.stored for record in program.records if record.kind == "relu"}
    assert stored == {str(dtype).removeprefix("torch.")}


def test_writes_in_place_through_views_lie_where_the_memory_is() -> None:
    x = drawn(2, 3)

    def function(x):
        y = torch.zeros(3, 2, dtype=torch.float64)
        y.t()[:, 1:].copy_(x[:, 1:] * 2)
        y[0] = 5
        return y

    program, values = recorded(function, x)
    double = 2 * x.detach().numpy()
    expected = [[5, 5], [double[0, 1], double[1, 1]], [double[0, 2], double[1, 2]]]
    assert values[program.outputs["output"]].tolist() == expected


def test_movement_leaves_no_record() -> None:
    x = drawn(3, 4)
    program, _ = recorded(
        lambda x: torch.cat([x.flip(0).t().contiguous(), x.t()[:, :1]], 1).roll(1), x
    )
    numbers = np.arange(1, 13).reshape(3, 4)
    moved = np.concatenate([numbers[::-1].T, numbers.T[:, :1]], 1)
    expected = np.roll(moved.ravel(), 1).reshape(moved.shape)
    assert program.outputs["output"].tolist() == expected.tolist()
    forward = [record.kind for record in program.records if not record.in_backward]
    assert forward == ["constant", "input", "input"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_layers_with_buffers_get_them_back(dtype: torch.dtype) -> None:
    layer = torch.nn.BatchNorm1d(6).to(dtype)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    x = drawn(5, 6, dtype=dtype)
    program, _ = recorded(layer, x, wrt={"x": x, **dict(layer.named_parameters())})
    assert set(program.gradients) == {"x", "weight", "bias"}
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_random_numbers_are_constants_as_drawn() -> None:
    check(lambda x: torch.nn.functional.dropout(x, 0.5), drawn(40))
