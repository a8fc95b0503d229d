"""Digits that the dtype takes, and outputs in a wider one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from backwards import function
from torch import sin
from tried import Tensor, checked, messages, verdicts

DIGITS: dict[str, tuple[str, str, Callable[[Tensor], Tensor]]] = {
    "logsigmoid through 1 - sigmoid": (
        "-log1p(exp(-x))", "[2, 12]",
        function(
            torch.nn.functional.logsigmoid, lambda g, x: g * (1 - torch.sigmoid(x))
        ),
    ),
    "expm1 as a difference": (
        "expm1(x)", "[1e-4, 1e-2]", function(lambda x: torch.exp(x) - 1, lambda g, x: g * torch.exp(x)),
    ),
}  # fmt: skip


def _swish_gradient(g: Tensor, x: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    s = torch.sigmoid(b * x)
    return g * (s + b * x * s * (1 - s)), g * x * x * s * (1 - s)


def _loss(x: Tensor) -> Tensor:
    return (x.float() - 1).square() / 3


# ── dtypes and digits ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", DIGITS)
def test_right_mathematics_that_loses_digits_is_unstable(name: str) -> None:
    expression, domain, subject = DIGITS[name]
    run = checked(subject, expression, domain={"x": domain}, points=24)
    assert verdicts(run) == {"differ.unstable"}
    assert "the subject loses digits in float32: in float64 it is right" in messages(
        run
    )


def test_a_parameter_of_swish_through_s_times_1_minus_s_is_unstable() -> None:
    run = checked(
        function(lambda x, b: x * torch.sigmoid(b * x), _swish_gradient),
        "x/(1 + exp(-b*x))",
        domain={"x": "[3, 6]", "b": "[1, 2]"},
        inputs=["x", "b"],
    )
    assert verdicts(run) == {"differ.unstable"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_wrong_mathematics_is_wrong_in_every_dtype(dtype: str) -> None:
    run = checked(
        function(torch.nn.functional.logsigmoid, lambda g, x: g * (1.05 - torch.sigmoid(x))),
        "-log1p(exp(-x))",
        domain={"x": "[2, 12]"},
        dtype=dtype,
    )  # fmt: skip
    assert verdicts(run) == {"differ.wrong"}


def test_a_subject_that_overflows_on_the_way_leaves_the_range() -> None:
    run = checked(
        function(lambda x: x.clone(), lambda g, x: g * 4096 * 4096 / (4096 * 4096)),
        "x",
        dtype="float16",
    )
    assert verdicts(run) == {"differ.range"}


# ── wider outputs ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("points", [12, 2_200])
def test_a_value_is_judged_in_the_dtype_in_which_it_comes(
    dtype: str, points: int
) -> None:
    run = checked(_loss, "(x - 1)**2/3", dtype=dtype, points=points)
    assert run.ok, run
    coarse = checked(
        lambda x: _loss(x) * (1 + 1e-4), "(x - 1)**2/3", dtype=dtype, points=12
    )
    (result,) = coarse.results
    found = {(c.quantity, c.verdict.value) for c in result.comparisons}
    assert ("value", "differ.wrong") in found
    assert ("gradient", "differ.wrong") not in found


def test_a_value_that_was_only_cast_has_lost_its_digits() -> None:
    run = checked(lambda x: (x / 3).float(), "x/3", dtype="bfloat16")
    (result,) = run.results
    assert result.verdict.value == "differ.unstable"


def test_a_narrower_output_takes_an_upstream_gradient_of_its_own_dtype() -> None:
    run = checked(
        lambda x: sin(x).bfloat16(), dtype="float32", upstream="1/3", points=12
    )
    gradients = [c for c in run.results[0].comparisons if c.quantity == "gradient"]
    assert all(c.verdict.family == "match" for c in gradients), run
