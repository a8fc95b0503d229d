"""Further runs of right callables, whose mistake a failure is, and complex ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from backwards import function
from torch import cos, sin, where
from tried import DTYPES, Backward, Tensor, checked, messages, of_sine, verdicts

from verifier.api import Run


def in_float32(
    forward: Callable[..., Tensor], backward: Callable[..., Tensor]
) -> Callable[..., Any]:
    """A kernel that computes in float32 and rounds once."""
    wide = torch.float64

    def narrow(of: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def run(*tensors: Tensor) -> Tensor:
            dtype = tensors[-1].dtype
            inner = wide if dtype == wide else torch.float32
            return of(*(one.to(inner) for one in tensors)).to(dtype)

        return run

    return function(narrow(forward), narrow(backward))


def _own_buffer(g: Tensor, x: Tensor) -> Tensor:
    buffer = torch.empty_like(x)
    buffer.copy_(x).cos_().mul_(g)
    return buffer


class SavedOutput(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        output = torch.exp(x)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * ctx.saved_tensors[0]


def _flat(g: Tensor, x: Tensor) -> Tensor:
    return (g.reshape(-1) * cos(x.reshape(-1))).reshape(x.shape)


RIGHT: dict[str, tuple[str, Callable[..., Any]]] = {
    "as it is written": ("sin(x)", function(sin, lambda g, x: g * cos(x))),
    "the other way round": ("sin(x)", function(sin, lambda g, x: cos(x) * g)),
    "in float32": ("sin(x)", in_float32(sin, lambda g, x: g * cos(x))),
    "on an own buffer": ("sin(x)", function(sin, _own_buffer)),
    "in a loop of its own": ("sin(x)", function(sin, _flat)),
    "of contiguous copies": (
        "sin(x)", function(sin, lambda g, x: g.contiguous() * cos(x.contiguous())),
    ),
    "with a saved output": ("exp(x)", SavedOutput.apply),
    "with where": (
        "relu(x - 1)", function(lambda x: torch.relu(x - 1), lambda g, x: where(x > 1, g, 0)),
    ),
    "with a mask that multiplies": (
        "relu(x - 1)", function(lambda x: torch.relu(x - 1), lambda g, x: g * (x > 1)),
    ),
    "with masked_fill": (
        "relu(x - 1)", function(lambda x: torch.relu(x - 1), lambda g, x: g.masked_fill(x <= 1, 0)),
    ),
    "tanh, kept in float32": (
        "tanh(x)", in_float32(torch.tanh, lambda g, x: g / torch.cosh(x) ** 2),
    ),
    "silu, kept in float32": (
        "x/(1 + exp(-x))",
        in_float32(
            lambda x: x * torch.sigmoid(x),
            lambda g, x: g * torch.sigmoid(x) * (1 + x * torch.sigmoid(-x)),
        ),
    ),
    "gelu, kept in float32": (
        "x*erfc(-x/sqrt(2))/2",
        in_float32(
            lambda x: x * torch.special.ndtr(x),
            lambda g, x: g * (torch.special.ndtr(x) + x * torch.exp(-x * x / 2) / 2.5066282746310002),
        ),
    ),
    "softplus": ("log1p(exp(x))", in_float32(torch.nn.functional.softplus, lambda g, x: g * torch.sigmoid(x))),
    "PyTorch's silu": ("x/(1 + exp(-x))", torch.nn.functional.silu),
    "PyTorch's gelu": ("gelu(x)", torch.nn.functional.gelu),
    "PyTorch's tanh": ("tanh(x)", torch.tanh),
    "a square by two factors": ("x*x", function(lambda x: x * x, lambda g, x: g * x + x * g)),
    "a constant factor": ("3*x", function(lambda x: 3 * x, lambda g, x: 3 * g)),
    "a view of its upstream": ("x + 1", function(lambda x: x + 1, lambda g, x: g)),
    "a view of its input": ("x", lambda x: x.view_as(x)),
    "in place on its own": ("sin(x) + 1", lambda x: sin(x).add_(1)),
    "through a list": ("sin(x)", lambda x: [sin(x)][0]),
    "a gradient of more digits": ("sin(x)", function(sin, lambda g, x: g.double() * cos(x.double()))),
}  # fmt: skip


def _raises(error: Exception) -> Callable[..., Tensor]:
    def subject(x: Tensor) -> Tensor:
        raise error

    return subject


USERS: dict[str, Callable[..., Any]] = {
    "a shape in the forward": lambda x: sin(x) * torch.ones(3) @ torch.ones(2),
    "a shape in the backward": function(sin, lambda g, x: g * cos(x) + torch.ones(2) @ torch.ones(3)),
    "a key": _raises(KeyError("gamma")),
    "a type": lambda x: sin(x) + "1",
    "an attribute": function(sin, lambda g, x: g.nothing),
    "a RuntimeError by hand": _raises(RuntimeError("no kernel")),
    "a NotImplementedError by hand": _raises(NotImplementedError("float32 only")),
    "an assertion in the backward": function(sin, lambda g, x: _raises(AssertionError("no"))(x)),
}  # fmt: skip


def _leaf(x: Tensor) -> Tensor:
    return x.add_(1)


PYTORCHS: dict[str, Callable[..., Any]] = {
    "no derivative": lambda x: torch.igamma(x, x),
    "nothing that needs a gradient": lambda x: sin(x.detach()),
    "a leaf in place": _leaf,
}


Z = {"z": "[1/2, 2] + [-1, 1]j"}


def of_exponential(backward: Backward, **options: Any) -> Run:
    usual: dict[str, Any] = {
        "domain": Z, "boundary": None, "dtype": "complex64", "points": 8,
    }  # fmt: skip
    return checked(function(torch.exp, backward), "exp(z)", **usual | options)


def _slope(z: Tensor) -> Tensor:
    return torch.exp(z).conj()


COMPLEX_FAULTS: dict[str, tuple[Backward, str]] = {
    "ignored": (lambda g, z: _slope(z), "wrong"),
    "its real part": (lambda g, z: g.real * _slope(z), "wrong"),
    "its modulus": (lambda g, z: g.abs() * _slope(z), "wrong"),
    "its conjugate": (lambda g, z: g.conj() * _slope(z), "wrong"),
    "clipped to 5": (lambda g, z: g / (g.abs() / 5).clamp(min=1) * _slope(z), "wrong"),
    "another branch at 0": (lambda g, z: (g + (g == 0)) * _slope(z), "wrong"),
    "NaN off the real axis": (lambda g, z: where(g.imag == 0, g, g / 0) * _slope(z), "nonfinite"),
    "mixed": (lambda g, z: g.mean() * _slope(z), "wrong"),
    "of the first": (lambda g, z: g * _slope(z.flatten()[0]), "wrong"),
    "upstream doubled": (lambda g, z: (g * _slope(z), g.mul_(2))[0], "mutated"),
    "input shifted": (lambda g, z: (g * _slope(z), z.data.add_(1))[0], "mutated"),
    "random": (lambda g, z: g * _slope(z) * (1 + 1e-3 * torch.rand_like(z.real)), "nondeterministic"),
    "missing": (lambda g, z: None, "missing"),
    "no conjugate": (lambda g, z: g * torch.exp(z + 0.5j), "wrong"),
}  # fmt: skip


COMPLEX_RIGHT: dict[str, tuple[str, Callable[..., Any]]] = {
    "as it is written": ("exp(z)", function(torch.exp, lambda g, z: g * _slope(z))),
    "PyTorch's exp": ("exp(z)", torch.exp),
    "a square": ("z*z", function(lambda z: z * z, lambda g, z: 2 * g * z.conj())),
    "on an own buffer": (
        "exp(z)", function(torch.exp, lambda g, z: torch.empty_like(z).copy_(z).exp_().conj().resolve_conj().mul_(g)),
    ),
    "PyTorch's sine": ("sin(z)", torch.sin),
    "composed": ("sin(z)*z", lambda z: torch.sin(z) * z),
}  # fmt: skip


# ── right ones ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_backward_is_accused_of_nothing(name: str, dtype: str) -> None:
    expression, subject = RIGHT[name]
    run = checked(subject, expression, dtype=dtype)
    assert run.ok, run


@pytest.mark.parametrize("route", ["func", "forward", "vmap", "compile-aot_eager"])
def test_routes_of_a_composed_callable_match(route: str) -> None:
    run = checked(lambda x: sin(x) * x, "sin(x)*x", routes=route)
    assert run.ok, run


def test_what_takes_single_numbers_alone_matches_when_it_says_so() -> None:
    def horner(x: Tensor) -> Tensor:
        total = x * 0
        for coefficient in (1.0, -2.0, 3.0):
            total = total * x + coefficient if bool(x > 0) else total
        return total

    run = checked(horner, "x*x - 2*x + 3", elementwise=False, dtype=DTYPES)
    assert run.ok, run


def test_an_input_that_needs_no_gradient_may_get_none() -> None:
    masked = function(lambda x, m: x * m, lambda g, x, m: (g * m, None))
    run = checked(
        masked,
        "x*m",
        domain={"x": "[1, 2]", "m": "[1, 2]"},
        inputs=["x", "m"],
        wrt=["x"],
        dtype=DTYPES,
    )
    assert run.ok, run


# ── whose mistake ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", USERS)
def test_a_mistake_of_the_callable_is_told_as_such(name: str) -> None:
    run = checked(USERS[name])
    assert verdicts(run) == {"error.run"}
    assert "raised by the subject itself" in messages(run)


@pytest.mark.parametrize("name", PYTORCHS)
def test_what_pytorch_cannot_differentiate_stays_unsupported(name: str) -> None:
    assert verdicts(checked(PYTORCHS[name])) == {"differ.unsupported"}


def test_a_gradient_of_another_shape_or_dtype_is_told() -> None:
    refused = of_sine(lambda g, x: torch.stack([g * cos(x)] * 2).reshape(2, -1)[:, :0])
    assert verdicts(refused) == {"differ.wrong"}
    assert "of shape [2, 0] for an input of shape []" in messages(refused)
    cast = of_sine(lambda g, x: (g * cos(x)).double())
    assert cast.ok
    assert "a gradient at place 0 of float64 for an input of float32" in messages(cast)


# ── complex ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX_FAULTS)
def test_a_complex_fault_is_found(name: str, dtype: str) -> None:
    backward, kind = COMPLEX_FAULTS[name]
    run = of_exponential(backward, dtype=dtype)
    assert f"differ.{kind}" in verdicts(run), run


def test_a_complex_input_that_the_forward_changes_is_told() -> None:
    changing = function(
        lambda z: (torch.exp(z), z.data.mul_(2))[0], lambda g, z: g * torch.exp(z / 2).conj()
    )  # fmt: skip
    run = checked(changing, "exp(z)", domain=Z, boundary=None, dtype="complex64")
    assert verdicts(run) == {"differ.mutated"}


def test_a_change_in_place_that_is_accepted_hides_nothing_else() -> None:
    """Right at the upstream gradient 1, of either sign alike at any other; and its
    upstream gradient is doubled."""
    faulty = function(
        torch.sin, lambda g, x: (g.abs() * torch.cos(x), g.mul_(2))[0]
    )  # fmt: skip
    run = checked(faulty, "sin(x)", accept="mutated", dtype="float32")
    assert verdicts(run) == {"differ.wrong"}
    assert not run.ok


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX_RIGHT)
def test_a_right_complex_backward_is_accused_of_nothing(name: str, dtype: str) -> None:
    expression, subject = COMPLEX_RIGHT[name]
    run = checked(subject, expression, domain=Z, boundary=None, dtype=dtype)
    assert run.ok, run


def test_a_complex_callable_that_takes_no_batch_is_told_to_say_so() -> None:
    def subject(z: Tensor) -> Tensor:
        return torch.stack([torch.exp(z)]).sum()

    options: dict[str, Any] = {"domain": Z, "boundary": None, "dtype": "complex64"}
    run = checked(subject, "exp(z)", **options)
    assert verdicts(run) == {"error.run"}
    assert "`elementwise = false`" in messages(run)
    assert checked(subject, "exp(z)", elementwise=False, **options).ok
