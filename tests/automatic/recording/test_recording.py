"""What is recorded computes what PyTorch computes; and which cells lie where."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from recorded import check, drawn, recorded

DTYPES = [torch.float64, torch.float32, torch.bfloat16]


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


def test_a_cast_to_fewer_digits_is_a_record_and_one_to_more_is_none() -> None:
    x = drawn(5, dtype=torch.bfloat16)
    program, _ = recorded(lambda x: (x.float().exp() * 2).to(x.dtype), x)
    forward = [r for r in program.records if not r.in_backward and r.operands]
    assert [(r.kind, r.stored) for r in forward] == [
        ("exp", "float32"),
        ("mul", "float32"),
        ("identity", "bfloat16"),
    ]


def test_pythons_numbers_are_exact_and_told_to_be_rounded_by_the_library() -> None:
    program, _ = recorded(lambda x: x * 0.1 * 2, drawn(5, dtype=torch.float32))
    constants = {
        float(r.numbers[0]): r.stored for r in program.records if r.kind == "constant"
    }
    assert constants == {0.0: None, 0.1: "float32", 2.0: None}


def test_a_path_is_that_of_exact_numbers_not_of_rounded_ones() -> None:
    # In bfloat16 1 + 2^-10 is 1, which is not above 1.
    x = torch.ones(1, dtype=torch.bfloat16, requires_grad=True)

    def function(x):
        y = x + 2**-10
        return y * 3 if y > 1 else y * 5

    program, values = recorded(function, x)
    assert values[program.gradients["x0"]].tolist() == [3]
    (decision,) = program.decisions
    assert decision.kind == "gt"
    assert decision.outcome.tolist() == [True]


def test_a_loop_runs_as_often_as_its_numbers_say() -> None:
    def function(x):
        while x.abs().sum() > 1:
            x = x / 2
        return x.sum() if x.max().item() < 10 else x

    x = drawn(4)
    program = check(function, x)
    halves = [r for r in program.records if r.kind == "div" and not r.in_backward]
    assert len(program.decisions) == len(halves) + 1
    (line,) = program.notes["items"]
    assert "item()" in line.text


def test_several_outputs_have_names_and_those_without_gradient_no_upstream() -> None:
    x = drawn(3)
    program, _ = recorded(lambda x: {"a": (x * 2, x.detach()), "n": 3}, x)
    assert list(program.outputs) == ["output.a[0]", "output.a[1]"]
    assert list(program.upstream) == ["output.a[0]"]
    assert program.notes["undifferentiable"] == ("output.a[1]",)


def test_upstream_gradients_are_inputs_by_any_layout() -> None:
    x = drawn(2, 3)
    given = torch.tensor([[1.0], [2.0]], dtype=torch.float64).expand(2, 3)
    program, values = recorded(lambda x: x * 7, x, upstream={"output": given})
    assert values[program.gradients["x0"]].tolist() == [[7] * 3, [14] * 3]
    assert program.upstream["output"].shape == (2, 3)


def test_a_double_backward_is_recorded() -> None:
    x = drawn(4)
    along = drawn(4, seed=1).detach()
    program, values = recorded(lambda x: x**3, x, order=2, directions={"x0": along})
    expected = 6 * x.detach() * along
    np.testing.assert_allclose(values[program.products["x0"]], expected.numpy())


def test_lines_are_those_of_the_user_in_forward_and_backward() -> None:
    x = drawn(3)

    def function(x):
        y = x.exp()
        return y.sin()

    program, _ = recorded(function, x)
    lines = {
        (r.operation, r.in_backward): r.source.text for r in program.records if r.source
    }
    assert lines == {
        ("aten.exp", False): "y = x.exp()",
        ("aten.sin", False): "return y.sin()",
        ("aten.cos", True): "return y.sin()",
        ("aten.mul", True): "y = x.exp()",
    }


def test_operations_on_lists_are_those_on_each_tensor() -> None:
    def function(x, y):
        first, second = torch._foreach_mul([x, y], [2.0, 3.0])
        lists = [first * 1, second * 1]
        torch._foreach_add_(lists, [y, x], alpha=0.5)
        torch._foreach_sigmoid_(lists)
        return sum(torch._foreach_norm(lists))

    check(function, drawn(3), drawn(3, seed=1))


def test_shapes_that_change_in_place_and_overlapping_views() -> None:
    def function(x):
        z = x * 1
        z.t_()
        z.unsqueeze_(0)
        z = z.squeeze(0).clone().transpose_(0, 1)
        return z.as_strided((3, 3), (6, 2), 1) * z.unfold(1, 4, 1).sum((0, 1))[:3]

    check(function, drawn(4, 6))


def test_writes_through_slices_masks_and_indices() -> None:
    def function(x, y):
        z = torch.zeros(4, 6, dtype=x.dtype)
        z[1:3, ::2] = x[1:3, ::2]
        z[0] = y[0] * 2
        z[x > 0.5] = 0.25
        z[:, 1] += y[:, 2]
        z[[0, 2], [1, 1]] = y[:2, 0]
        left, right = z[:, :3], z[:, 3:]
        left.mul_(2)
        right.add_(left.clone())
        z.index_put_((torch.tensor([0, 0]),), y[:2], accumulate=True)
        z.clamp_(-1, 1).lerp_(y, 0.25).tril_().sub_(x, alpha=2)
        return z

    check(function, drawn(4, 6), drawn(4, 6, seed=1))


def test_a_layer_under_autocast_and_amps_decorators() -> None:
    class Power(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.exp()

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, upstream):
            return upstream * ctx.saved_tensors[0].exp()

    def function(x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return Power.apply(x) * torch.mm(x, x.t()).sum()

    program, _ = recorded(function, drawn(3, 3, dtype=torch.float32))
    stored = [r.stored for r in program.records if r.operation == "aten.mm"]
    assert stored[0] == "bfloat16"
