"""One run of a call: gradients, and what a callable does besides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from verifier.automatic.tensors.calls import Call, call_of
from verifier.automatic.tensors.measuring import (
    Asked,
    TensorMeasurement,
    measure,
    same_bits,
)
from verifier.automatic.tensors.upstreams import upstream
from verifier.errors import UsageError
from verifier.records import Verdict

Tensor = torch.Tensor
X = torch.tensor([[0.5, -1.25, 2.0], [3.0, 0.125, -0.75]])


def run(
    function: Callable[..., Any], *args: Any, word: str = "random", **asked: Any
) -> TensorMeasurement:
    call = call_of(function, args)
    return measure(call, asking(call, word, **asked))


def asking(call: Call, word: str = "random", **asked: Any) -> Asked:
    return Asked(
        wrt=call.checked_wrt(None),
        choose=partial(upstream, word=word, seed=1),
        **asked,
    )


class Square(torch.autograd.Function):
    """x², of which the backward does what `faulty` says."""

    faulty = ""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.calls = 0
        return x * x

    @classmethod
    def backward(cls, ctx: Any, *grads: Tensor) -> Any:
        (x,), (g,) = ctx.saved_tensors, grads
        ctx.calls += 1
        match cls.faulty:
            case "upstream":
                return g.mul_(2) * x
            case "input":
                x.data.mul_(2)
                return g * x
            case "second":
                return 2 * g * x * ctx.calls
            case "released":
                if ctx.calls > 1:
                    raise RuntimeError("the buffers are gone")
            case "none":
                return None
            case "shape":
                return (g * x)[0, :1]
            case "dtype":
                return (2 * g * x).double()
        return 2 * g * x


def faulty(how: str) -> Callable[..., Any]:
    kind = type(f"Square{how.title()}", (Square,), {"faulty": how})
    return kind.apply  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    "word", ["random", "ones", "zeros", "expanded", "noncontiguous"]
)
def test_the_gradient_is_that_of_the_upstream_gradient(word: str) -> None:
    found = run(Square.apply, X, word=word)
    given = found.upstream["output"].double().numpy()
    gradient = found.gradients["x"]
    assert gradient is not None
    assert gradient.dtype == "float32"
    assert abs(gradient.numbers - 2 * X.numpy() * given).max() < 1e-6
    assert found.changed is None


def test_the_upstream_gradient_has_the_outputs_dtype() -> None:
    found = run(lambda x: x.bfloat16().float(), X)
    assert found.upstream["output"].dtype == torch.float32


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            "upstream",
            "the upstream gradient of `output` was changed in place by the backward",
        ),
        ("input", "`x` was changed in place by the backward"),
    ],
)
def test_what_is_changed_in_place_is_found(how: str, words: str) -> None:
    changed = run(faulty(how), X).changed
    assert changed == ("x", words)


def test_an_input_that_the_forward_writes_past_autograd_is_found() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x * 1
        x.data[0, 0] = 9.0
        return y

    assert run(forward, X).changed == ("x", "`x` was changed in place by the forward")


def test_state_that_a_forward_keeps_is_told_and_no_fault() -> None:
    def normed(x: Tensor, mean: Tensor) -> Tensor:
        return nn.functional.batch_norm(x, mean, torch.ones(3), training=True)

    call = call_of(normed, (X.clone().requires_grad_(), torch.zeros(3)))
    found = measure(call, asking(call))
    assert found.changed is None
    assert found.touched == "`mean` was changed in place by the forward"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("second", "another backward through the retained graph gives other bits"),
        ("released", "raises RuntimeError: the buffers are gone"),
    ],
)
def test_a_second_backward_is_made(how: str, words: str) -> None:
    other = partial(upstream, word="random", seed=2)
    found = run(faulty(how), X, other=other).unsteady
    assert found is not None
    assert words in found[1]
    assert run(Square.apply, X, other=other).unsteady is None


def test_none_is_none() -> None:
    assert run(faulty("none"), X).gradients == {"x": None}


def test_a_gradient_of_another_dtype_is_told() -> None:
    found = run(faulty("dtype"), X).returned
    assert found == (
        "the backward of SquareDtype returned a gradient at place 0 of float64 for an input of float32",
    )


def test_a_gradient_that_pytorch_refuses_is_wrong() -> None:
    failure = run(faulty("shape"), X).failure
    assert failure is not None
    assert failure.verdict is Verdict.DIFFER_WRONG
    assert "invalid gradient" in failure.message


def test_what_pytorch_cannot_differentiate_is_unsupported() -> None:
    failure = run(lambda x: torch.heaviside(x, x), X).failure
    assert failure is not None
    assert failure.verdict is Verdict.DIFFER_UNSUPPORTED


def test_what_the_callable_raises_passes() -> None:
    def raising(x: Tensor) -> Tensor:
        raise LookupError("own")

    with pytest.raises(LookupError, match="own"):
        run(raising, X)


def test_what_returns_no_tensor_of_numbers_is_refused() -> None:
    with pytest.raises(UsageError, match="found `int`"):
        run(lambda x: 3, X)


def test_an_input_that_is_returned_is_seen() -> None:
    assert run(lambda x: x, X).aliased == ("output",)
    assert run(lambda x: x.clone(), X).aliased == ()


def test_random_numbers_are_the_same_in_every_run() -> None:
    call = call_of(nn.Dropout(0.5), (torch.ones(64),))
    assert same_bits(measure(call, asking(call)), measure(call, asking(call))) is None


def test_state_between_runs_shows() -> None:
    count = iter(range(9))
    call = call_of(lambda x: x * next(count), (X,))
    first = measure(call, asking(call))
    assert same_bits(first, measure(call, asking(call))) == "output"


def test_several_outputs_have_each_an_upstream_gradient() -> None:
    found = run(lambda x: (x * 2, {"s": x.sum()}), X)
    assert list(found.upstream) == ["output[0]", "output[1].s"]
    first, second = (found.upstream[name].double().numpy() for name in found.upstream)
    gradient = found.gradients["x"]
    assert gradient is not None
    assert abs(gradient.numbers - (2 * first + second)).max() < 1e-6


def test_a_hessian_vector_product_is_measured() -> None:
    found = run(
        lambda x: x**3,
        X.double(),
        order=2,
        direct=partial(upstream, word="random", seed=3),
    )
    given, along = found.upstream["output"].numpy(), found.direction["x"].numpy()
    hessian = found.hessian["x"]
    assert hessian is not None
    assert abs(hessian.numbers - 6 * X.double().numpy() * given * along).max() < 1e-13


@pytest.mark.parametrize("route", ["reverse", "func"])
def test_routes_give_the_same(route: str) -> None:
    found = run(torch.sin, X, word="ones", route=route).gradients["x"]
    assert found is not None
    assert abs(found.numbers - X.double().cos().numpy()).max() < 1e-6
