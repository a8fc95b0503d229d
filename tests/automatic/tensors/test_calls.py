"""Calls: names of what is given, copies for every run, dtypes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from verifier.automatic.tensors.calls import call_of, holds_tensors, tensors_of
from verifier.errors import UsageError


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factor: float) -> torch.Tensor:
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        return grads[0] * ctx.factor, None


def nested(x: torch.Tensor, state: list[torch.Tensor], *, more: dict[str, Any]) -> Any:
    return x + state[0] + more["mask"]


def test_arguments_are_named_as_the_function_names_them() -> None:
    one = torch.ones(2)
    call = call_of(nested, (one, [one * 2]), {"more": {"mask": one * 3, "n": 4}})
    assert list(call.tensors) == ["x", "state[0]", "more.mask"]
    assert call.ready(())().tolist() == [6.0, 6.0]


@pytest.mark.parametrize(
    ("function", "count", "names"),
    [
        (Scale.apply, 1, ["x"]),
        (nn.Linear(2, 2), 1, ["input"]),
        (torch.add, 2, ["x0", "x1"]),
        (torch.exp, 1, ["x"]),
        (lambda *xs: xs[0] + xs[1], 2, ["xs[0]", "xs[1]"]),
    ],
)
def test_names_of_functions_of_all_kinds(
    function: Any, count: int, names: list[str]
) -> None:
    call = call_of(function, [torch.ones(2, 2) + i for i in range(count)])
    assert list(call.tensors) == names


def test_what_is_marked_is_judged_and_parameters_are() -> None:
    x, y = torch.ones(2, 3, requires_grad=True), torch.ones(2, 3)
    assert call_of(lambda x, y: x * y, (x, y)).judged == ("x",)
    assert call_of(lambda x, y: x * y, (y, y + 1)).judged == ("x", "y")
    layer = nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    assert call_of(layer, (x,)).judged == ("input", "weight")


def test_a_parameter_that_is_named_as_an_argument_is_told_apart() -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return self.weight * weight

    assert call_of(Weighted(), (torch.ones(2),)).judged == ("weight", "self.weight")


def test_no_run_shares_a_number_with_another_or_with_the_caller() -> None:
    x, layer = torch.ones(2, 3), nn.BatchNorm1d(3)
    call = call_of(layer, (x,))
    first = call.ready(call.judged)
    first()
    with torch.no_grad():
        first.tensors["input"].mul_(7)
        first.tensors["weight"].mul_(7)
    second = call.ready(call.judged)
    assert x.tolist() == second.tensors["input"].tolist() == [[1.0] * 3] * 2
    assert second.tensors["weight"].tolist() == [1.0] * 3
    assert layer.num_batches_tracked is not None
    assert layer.num_batches_tracked.item() == 0


def test_one_tensor_that_is_given_twice_is_one_input() -> None:
    x = torch.full((2,), 3.0)
    call = call_of(lambda a, b: a * b, (x, x))
    ready = call.ready(("a",))
    (gradient,) = torch.autograd.grad(ready().sum(), list(ready.wrt.values()))
    assert gradient.tolist() == [6.0, 6.0]


def test_casting_rounds_numbers_and_leaves_integers() -> None:
    call = call_of(nn.Embedding(4, 2), (torch.tensor([1, 3]),)).cast("bfloat16")
    assert call.dtype_of("weight") == "bfloat16"
    assert call.dtype_of("input") == "int64"
    third = call_of(torch.exp, (torch.tensor([1 / 3]),))
    assert third.exact().tensors["x"].item() == torch.tensor(1 / 3).item()


def test_storage_and_strides_stay_as_they_are() -> None:
    turned = torch.ones(3, 2).t()
    ready = call_of(torch.exp, (turned,)).ready(("x",))
    assert ready.tensors["x"].stride() == turned.stride()


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        (torch.ones(2).to_sparse(), "sparse"),
        (torch.ones(2, dtype=torch.complex64), "complex"),
        (torch.ones(2, device="meta"), "meta"),
        (torch.ones(2).to(torch.float8_e4m3fn), "float8_e4m3fn"),
    ],
)
def test_tensors_that_cannot_be_verified_are_refused(
    tensor: torch.Tensor, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        call_of(torch.exp, (tensor,))


def test_a_name_that_is_none_is_refused() -> None:
    call = call_of(nn.Linear(2, 2), (torch.ones(1, 2),))
    with pytest.raises(UsageError, match=r"found `wieght`\. Did you mean `weight`"):
        call.checked_wrt(["wieght"])
    with pytest.raises(UsageError, match="to differentiate by, found none"):
        call_of(lambda n: n, (torch.ones(2, dtype=torch.int64),)).checked_wrt(None)


def test_a_module_that_cannot_be_copied_is_named() -> None:
    class Held(nn.Module):
        def __deepcopy__(self, memo: Any) -> Any:
            raise RuntimeError("no")

    with pytest.raises(UsageError, match="`Held` raises RuntimeError: no"):
        call_of(Held(), (torch.ones(2),)).ready(())


def test_outputs_are_named_by_their_way() -> None:
    one = torch.ones(1)
    assert list(tensors_of(one)) == ["output"]
    assert list(tensors_of((one, {"loss": one}))) == ["output[0]", "output[1].loss"]


def test_what_holds_tensors() -> None:
    assert holds_tensors([1, {"a": (torch.ones(1),)}])
    assert holds_tensors([nn.ReLU()])
    assert not holds_tensors([1, {"a": "b"}])
