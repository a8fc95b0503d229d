"""What cannot be seen is told by its name and the user's line, never guessed."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
import torch
from recorded import check_derivative, drawn, recorded

from verifier.automatic.recording.errors import RecordingError, TooManyCellsError
from verifier.automatic.recording.record import record

C_TYPES = {torch.float64: ctypes.c_double, torch.float32: ctypes.c_float}


def memory(tensor: torch.Tensor):
    """What a kernel sees of a tensor: its memory."""
    sort = C_TYPES[tensor.dtype] * tensor.numel()
    return np.ctypeslib.as_array(sort.from_address(tensor.data_ptr()))


class Exponential(torch.autograd.Function):
    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0]


class ByNumPy(Exponential):
    @staticmethod
    def forward(ctx, x):
        y = torch.from_numpy(np.exp(x.detach().numpy()))
        ctx.save_for_backward(y)
        return y


class ByNewTensor(Exponential):
    @staticmethod
    def forward(ctx, x):
        y = torch.tensor(np.exp(x.detach().numpy()))
        ctx.save_for_backward(y)
        return y


class IntoEmpty(Exponential):
    @staticmethod
    def forward(ctx, x):
        y = torch.empty_like(x)
        np.exp(memory(x), out=memory(y))
        ctx.save_for_backward(y)
        return y


class IntoZeros(Exponential):
    @staticmethod
    def forward(ctx, x):
        y = torch.zeros_like(x)
        np.exp(memory(x), out=memory(y))
        ctx.save_for_backward(y)
        return y


class IntoAClone(Exponential):
    @staticmethod
    def forward(ctx, x):
        y = x.clone()
        np.exp(memory(x), out=memory(y))
        ctx.save_for_backward(y)
        return y


class AsInterpreted(Exponential):
    """As Triton's interpreter runs a kernel: on a tensor over a copy of the storage,
    which is copied back."""

    @staticmethod
    def forward(ctx, x):
        y = torch.empty_like(x)
        beside = y.new_empty(0)
        beside.set_(y.untyped_storage().clone(), 0, y.size(), y.stride())
        np.exp(memory(x), out=memory(beside))
        y.untyped_storage().copy_(beside.untyped_storage())
        ctx.save_for_backward(y)
        return y


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "function",
    [ByNumPy, ByNewTensor, IntoEmpty, IntoZeros, IntoAClone, AsInterpreted],
)
def test_a_kernel_that_writes_unseen_is_opaque(function, dtype) -> None:
    x = drawn(4, dtype=dtype)
    with pytest.raises(RecordingError, match="reference=") as caught:
        record(lambda x: function.apply(x * 2) * 2, (x,), wrt={"x": x})
    assert caught.value.operation.startswith("aten.")
    assert caught.value.place.file == __file__


def test_a_kernel_is_told_where_it_was_launched() -> None:
    scope: dict[str, Any] = {}
    source = "def launch(kernel, x):\n    return kernel(x)\n"
    file = "/somewhere/site-packages/triton/runtime/interpreter.py"
    exec(compile(source, file, "exec"), scope)

    class Launched(Exponential):
        @staticmethod
        def forward(ctx, x):
            y = torch.empty_like(x)
            np.exp(memory(x), out=memory(y))
            ctx.save_for_backward(y)
            return scope["launch"](torch.neg, y)

    x = drawn(4)
    with pytest.raises(RecordingError) as caught:
        record(Launched.apply, (x,), wrt={"x": x})
    assert caught.value.place.file == __file__


def test_an_opaque_backward_leaves_the_forward() -> None:
    class Half(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.exp()

        @staticmethod
        def backward(ctx, upstream):
            power = np.exp(ctx.saved_tensors[0].numpy())
            return torch.tensor(upstream.numpy() * power)

    program, _ = recorded(lambda x: Half.apply(x * 2), drawn(3))
    assert program.gradients == {}
    assert "reference=" in program.notes["backward"]
    assert list(program.upstream) == ["output"]


def test_constants_of_python_are_no_kernels_work() -> None:
    table = torch.arange(3, dtype=torch.float64)

    def function(x):
        assert x.data_ptr() % 8 == 0
        largest = float(x.detach().numpy().max())
        return x * largest + x * table

    with pytest.raises(RecordingError):  # the table may be NumPy's
        recorded(function, drawn(3))
    program, _ = recorded(lambda x: x * float(x.detach().numpy().max()), drawn(3))
    assert len(program.notes["items"]) == 1


def test_what_comes_back_of_constants_is_constant() -> None:
    table = torch.tensor([1.0, 0.5], dtype=torch.float64)

    def function(x):
        weights = torch.tensor([2.0, 3.0, 4.0], dtype=x.dtype)
        for weight in weights.tolist():
            x = x * weight
        mantissa = torch.from_numpy(np.frexp(weights.numpy())[0])
        return x * mantissa * torch.tensor(0.7, dtype=x.dtype) + table.sum()

    program = check_derivative(function, drawn(3))
    assert not program.notes.get("items")


def test_memory_that_was_handed_out_may_be_written_later() -> None:
    def function(x):
        room = torch.zeros(3, dtype=x.dtype)
        outside = room.numpy()
        room.copy_(x.detach())
        return x * torch.from_numpy(np.exp(outside))

    with pytest.raises(RecordingError, match="reference="):
        recorded(function, drawn(3))


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda x: torch.fft.fft(x).abs(), "complex"),
        (lambda x: x[None].to_sparse() @ x[:, None], "_to_sparse"),
        (lambda x: x * x.detach().view(torch.int16).sum(), "bits"),
    ],
)
def test_other_numbers_are_named(function, what) -> None:
    x = drawn(4)
    with pytest.raises(RecordingError, match=what):
        record(function, (x,), wrt={"x": x})


def test_too_many_cells_are_told() -> None:
    x = drawn(100)
    with pytest.raises(TooManyCellsError, match="at most 150 cells"):
        record(lambda x: x.exp(), (x,), wrt={"x": x}, largest=150)


def test_the_body_of_an_operation_of_the_users_is_looked_through() -> None:
    @torch.library.custom_op("verifier_tests::twice_exp", mutates_args=())
    def twice_exp(x: torch.Tensor) -> torch.Tensor:
        return x.exp() * 2

    def keep(ctx, inputs, output):
        ctx.save_for_backward(output)

    twice_exp.register_autograd(
        lambda ctx, upstream: upstream * ctx.saved_tensors[0], setup_context=keep
    )
    program = check_derivative(lambda x: twice_exp(x) * x, drawn(3))
    assert {r.kind for r in program.records} >= {"exp", "mul"}


def test_a_subject_that_refuses_float64_is_recorded_in_its_own_dtype() -> None:
    def function(x):
        if x.dtype != torch.float32:
            raise TypeError("only float32")
        return x.exp()

    program, _ = recorded(function, drawn(3, dtype=torch.float32))
    assert program.notes["dtypes"]["output"] == "float32"


def test_all_is_as_it_was_after_an_error() -> None:
    x = drawn(3)
    buffer = torch.zeros(3, dtype=torch.float64)
    state = torch.get_rng_state()

    def function(x):
        buffer.add_(1)
        torch.rand(3)
        raise ValueError("of the function's own")

    method = torch.Tensor.numpy
    with pytest.raises(ValueError, match="own"):
        record(function, (x,), wrt={"x": x})
    assert torch.Tensor.numpy is method
    assert torch._C._get_mkldnn_enabled() == torch.backends.mkldnn.is_available()
    assert buffer.tolist() == [0] * 3
    assert torch.equal(torch.get_rng_state(), state)
    assert torch._C._len_torch_dispatch_stack() == 0


def test_inputs_that_share_memory_are_told() -> None:
    x = drawn(4)
    y = x.detach()[:2].requires_grad_()
    with pytest.raises(RecordingError, match="shares its memory"):
        record(lambda x, y: x.sum() + y.sum(), (x, y), wrt={"x": x, "y": y})


class Lost(Exponential):
    """Numbers of its own, which hang on nothing that is seen."""

    @staticmethod
    def forward(ctx, x):
        y = torch.full_like(x, 2.0)
        ctx.save_for_backward(y)
        return y


class Step(Exponential):
    """Its numbers were decided by the input."""

    @staticmethod
    def forward(ctx, x):
        y = (x > 0).to(x.dtype)
        ctx.save_for_backward(y)
        return y


def test_an_output_with_a_derivative_of_which_nothing_is_seen_is_refused() -> None:
    x = drawn(3)
    with pytest.raises(RecordingError, match="`output` of `LostBackward` has a deriv"):
        record(Lost.apply, (x,), wrt={"x": x})
    record(Step.apply, (x,), wrt={"x": x})
    other = drawn(3, seed=1)
    record(lambda x, y: y * 2, (x, other), wrt={"x": x})
