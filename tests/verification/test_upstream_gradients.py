"""Backwards that take their upstream gradient otherwise than times the derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from backwards import function, with_forward_mode
from torch import cos, sin, where
from tried import DTYPES, Backward, Tensor, checked, messages, of_sine, verdicts

import verifier

UPSTREAM_FAULTS: dict[str, tuple[Backward, str]] = {
    "ignored": (lambda g, x: cos(x), "wrong"),
    "its size alone": (lambda g, x: g.abs() * cos(x), "wrong"),
    "its sign alone": (lambda g, x: g.sign() * cos(x), "wrong"),
    "squared": (lambda g, x: g * g * cos(x), "wrong"),
    "its root": (lambda g, x: g.abs().sqrt() * g.sign() * cos(x), "wrong"),
    "NaN where negative": (lambda g, x: g.sqrt() * g.sqrt() * cos(x), "nonfinite"),
    "infinite unless 1": (lambda g, x: where(g == 1, g, g / 0) * cos(x), "nonfinite"),
    "clipped to 1": (lambda g, x: g.clamp(-1, 1) * cos(x), "wrong"),
    "clipped to 5": (lambda g, x: g.clamp(-5, 5) * cos(x), "wrong"),
    "clipped to 100": (lambda g, x: g.clamp(-100, 100) * cos(x), "wrong"),
    "clipped above": (lambda g, x: g.clamp(max=2) * cos(x), "wrong"),
    "flushed where small": (lambda g, x: where(g.abs() < 0.02, 0, g) * cos(x), "wrong"),
    "another branch at 0": (lambda g, x: (g + (g == 0)) * cos(x), "wrong"),
    "another branch below 0": (lambda g, x: where(g < 0, 2 * g, g) * cos(x), "wrong"),
    "another branch at 3": (lambda g, x: where(g == 3, 2 * g, g) * cos(x), "wrong"),
    "another branch above 64": (lambda g, x: where(g > 64, 1.5 * g, g) * cos(x), "wrong"),
    "shifted": (lambda g, x: (g + 1e-2 * (g - 1)) * cos(x), "wrong"),
    "through tanh": (lambda g, x: torch.tanh(g) / 0.7615941559557649 * cos(x), "wrong"),
    "rounded to whole numbers": (lambda g, x: g.round() * cos(x), "wrong"),
    "digits lost": (lambda g, x: ((g + 1024) - 1024) * cos(x), "unstable"),
    "missing where negative": (
        lambda g, x: None if g.dim() == 0 and g < 0 else g * cos(x), "missing",
    ),
}  # fmt: skip


def with_jvp(jvp: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """sin with a forward mode of its own, of the tangent and the input."""
    return with_forward_mode(sin, lambda g, x: g * cos(x).conj(), jvp)


JVPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ignored": lambda t, x: cos(x),
    "its mean": lambda t, x: t.mean() * cos(x),
    "clipped": lambda t, x: t.clamp(-5, 5) * cos(x),
    "of the first": lambda t, x: t * cos(x.flatten()[0]),
}


# ── the upstream gradient ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", UPSTREAM_FAULTS)
def test_a_backward_that_mistakes_its_upstream_gradient_is_found(
    name: str, dtype: str
) -> None:
    backward, kind = UPSTREAM_FAULTS[name]
    if name == "digits lost" and dtype in ("float32", "float64"):
        # Below 2^-43 (g + 1024) - 1024 is 0 in float64 too, which has most digits of
        # all.
        kind = "wrong"
    found = verdicts(of_sine(backward, dtype=dtype, points=24))
    assert found == {f"differ.{kind}"}


@pytest.mark.parametrize(
    "name", ["ignored", "clipped to 5", "another branch at 0", "NaN where negative"]
)
def test_so_it_is_where_it_takes_single_numbers_alone(name: str) -> None:
    backward, kind = UPSTREAM_FAULTS[name]
    run = of_sine(backward, elementwise=False)
    assert verdicts(run) == {f"differ.{kind}"}


def test_a_branch_on_a_single_number_is_found_where_there_are_no_batches() -> None:
    run = of_sine(lambda g, x: g * cos(x) * (2 if g > 4 else 1), elementwise=False)
    assert verdicts(run) == {"differ.wrong"}


def test_a_kink_hides_no_upstream_gradient_that_is_ignored() -> None:
    # At 0 any number of [0, 1] is a gradient of relu; at upstream -2 any of [-2, 0].
    run = checked(
        function(torch.relu, lambda g, x: torch.ones_like(x)),
        "relu(x)",
        domain=None,
        points=None,
        boundary=None,
        at={"x": 0},
    )
    assert "differ.convention" in run.results[0].counts


def test_a_second_derivative_that_ignores_its_upstream_gradient_is_found() -> None:
    deaf = function(lambda x: x**3, lambda g, x: 3 * x**2)
    right = function(lambda x: x**3, lambda g, x: 3 * g * x**2)
    assert verdicts(checked(deaf, "x**3", order=2)) == {"differ.wrong"}
    assert checked(right, "x**3", order=2).ok


def test_an_exception_at_another_upstream_gradient_is_told() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        assert (g == 1).all(), "only losses"
        return g * cos(x)

    run = of_sine(backward)
    assert verdicts(run) == {"error.run"}
    assert "at another upstream gradient: AssertionError: only losses" in messages(run)


# ── forward mode ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", JVPS)
def test_a_forward_mode_that_mistakes_its_tangent_is_found(name: str) -> None:
    run = checked(with_jvp(JVPS[name]), routes="forward")
    assert verdicts(run) == {"differ.wrong"}


@pytest.mark.parametrize("dtype", [*DTYPES, "complex64"])
def test_a_right_forward_mode_matches(dtype: str) -> None:
    run = checked(with_jvp(lambda t, x: t * cos(x)), routes="forward", dtype=dtype)
    assert run.ok, run
    wrong = checked(
        with_jvp(lambda t, x: t.conj() * cos(x)), routes="forward", dtype=dtype
    )
    assert wrong.ok is not dtype.startswith("complex")


@pytest.mark.parametrize("text", ["x", "abs(x)", "sqrt(x)", "where(x > 0, x, 2*x)"])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("x", [0, 1])
def test_an_upstream_gradient_that_overflows_leaves_gradients_undecided(
    text: str, order: int, x: int
) -> None:
    """1e20 is infinite in float16."""
    run = verifier.verify(
        text, at={"x": x}, dtype="float16", upstream=1e20, order=order
    )
    (result,) = run.record.results
    assert result.verdict.family == "undecided", result.message
