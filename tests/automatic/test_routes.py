"""The measurement is what PyTorch computes: values, gradients, the adjoint of every
step, or its exception."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
import torch

from verifier.automatic import lowering, routes
from verifier.language.programs.parsing import parse, parse_steps
from verifier.measurements import Measurement


def reverse(
    text: str,
    points: Sequence[Mapping[str, float]],
    *,
    upstream: float = 1.0,
    dtype: str = "float32",
) -> Measurement:
    program = parse_steps(text) if "=" in text else parse(text)
    return routes.reverse(program, points, upstream, dtype=dtype, wrt=program.inputs)


def test_the_notebooks_gradients_are_measured() -> None:
    found = reverse("(a + 2) * 3", [{"a": 100.0}], upstream=123.0)
    assert found.values == (306.0,)
    assert found.gradient == {"a": (369.0,)}
    assert found.failure is None


def test_every_named_step_has_its_adjoint() -> None:
    found = reverse(
        "b = a + 2\ny_pred = b*3\nloss = (y_pred - t)**2", [{"a": 100.0, "t": 290.0}]
    )
    assert found.gradient == {"a": (96.0,), "t": (-32.0,)}
    assert found.steps["y_pred"] == (32.0,)
    assert found.steps["b"] == (96.0,)


def test_a_second_name_for_a_value_has_an_adjoint_of_its_own() -> None:
    found = reverse("b = a\nc = b*b + a\nd = c", [{"a": 3.0}])
    assert found.steps["b"] == (6.0,)
    assert found.gradient["a"] == (7.0,)


def test_points_of_a_batch_do_not_mix() -> None:
    points = [{"x": float(n), "y": 2.0} for n in range(1, 6)]
    found = reverse("x*x*y", points)
    assert found.values == tuple(2.0 * n * n for n in range(1, 6))
    assert found.gradient["x"] == tuple(4.0 * n for n in range(1, 6))
    assert found.gradient["y"] == tuple(float(n * n) for n in range(1, 6))


def test_an_input_through_which_nothing_flows_has_gradient_zero() -> None:
    found = reverse(
        "x + 0*sign(y) + where(z > 0, 1, 2)", [{"x": 1.0, "y": 2.0, "z": 3.0}]
    )
    assert found.gradient == {"x": (1.0,), "y": (0.0,), "z": (0.0,)}


def test_a_step_through_which_nothing_flows_has_adjoint_zero() -> None:
    found = reverse("b = x*2\nc = x*3", [{"x": 1.0}])
    assert found.steps["b"] == (0.0,)


def test_nan_and_infinity_are_measured_as_they_are() -> None:
    found = reverse("x - x", [{"x": math.inf}])
    assert math.isnan(found.values[0])
    found = reverse("1/x", [{"x": 0.0}])
    assert found.values == (math.inf,)
    assert found.gradient["x"] == (-math.inf,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_numbers_are_those_of_the_dtype(dtype: str) -> None:
    x = torch.tensor([0.1], dtype=lowering.DTYPES[dtype], requires_grad=True)
    torch.sin(x).backward(torch.full_like(x, 3.0))
    found = reverse("sin(x)", [{"x": x.item()}], upstream=3.0, dtype=dtype)
    assert x.grad is not None
    assert found.gradient["x"] == (x.grad.item(),)


# ── failures ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RuntimeError("derivative for sin is not implemented\nsecond line"),
            "RuntimeError: derivative for sin is not",
        ),
        (NotImplementedError(), "NotImplementedError"),
    ],
)
def test_an_exception_of_pytorchs_is_the_result(
    monkeypatch: pytest.MonkeyPatch, error: Exception, expected: str
) -> None:
    def broken(_: torch.Tensor) -> torch.Tensor:
        raise error

    monkeypatch.setitem(lowering.OPERATIONS, "sin", broken)
    found = reverse("sin(x)", [{"x": 1.0}])
    assert found.failure is not None
    assert found.failure.startswith(expected)
    assert "second line" not in found.failure
    assert found.values == ()
    assert found.gradient == {}


def test_an_exception_in_backward_is_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, grad: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no backward for you")

    monkeypatch.setitem(lowering.OPERATIONS, "sin", Broken.apply)
    found = reverse("sin(x) * 2", [{"x": 1.0}])
    assert found.failure is not None
    assert "no backward for you" in found.failure


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_result(
    monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def interrupted(_: torch.Tensor) -> torch.Tensor:
        raise kind

    monkeypatch.setitem(lowering.OPERATIONS, "sin", interrupted)
    with pytest.raises(kind):
        reverse("sin(x)", [{"x": 1.0}])


def test_a_measurement_leaves_no_trace_in_pytorch() -> None:
    before = (
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.random.get_rng_state(),
    )
    reverse("sin(x)", [{"x": 1.0}])
    after = (
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.random.get_rng_state(),
    )
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


def test_gradients_are_measured_even_inside_no_grad() -> None:
    with torch.no_grad():
        assert reverse("x*x", [{"x": 3.0}]).gradient == {"x": (6.0,)}


def test_a_measurement_is_the_same_every_time() -> None:
    points = [{"x": n / 7, "y": n / 3} for n in range(1, 40)]
    assert reverse("exp(sin(x)*y)/y", points) == reverse("exp(sin(x)*y)/y", points)
