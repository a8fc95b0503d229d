"""Backwards of scalar and elementwise subjects as formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import planted
import pytest
import torch
from torch.nn import functional

import verifier
from verifier.records import Comparison, Result

DOMAIN = {"x": "[0.1, 1.3]"}
ROOT = -0.7517915246935645
"""The double nearest to where the derivative of GELU vanishes."""
GELU = "x*erfc(-x/sqrt(2))/2"


def checked(
    function: Callable[..., Any], expression: str, dtype: str, **options: Any
) -> tuple[Result, Comparison | None]:
    asked = {"expression": expression, "dtype": dtype, **options}
    result = verifier.check(function, **asked).results[0]
    found = [c for c in result.comparisons if c.quantity == "formula"]
    return result, found[0] if found else None


@pytest.mark.parametrize("fault", ["× 1.001", "× 1.0001"])
def test_a_fault_below_what_bfloat16_shows_is_proved(fault: str) -> None:
    _, found = checked(
        planted.wrong("silu", fault),
        planted.ACTIVATIONS["silu"].expression,
        "bfloat16",
        domain={"x": "[1, 2]"},
        points=8,
        inputs=["x"],
    )
    assert found is not None
    assert found.verdict.value == "differ.wrong"
    assert "a proof" in (found.message or "")


def test_a_straight_through_term_is_no_derivative_of_the_forward() -> None:
    _, found = checked(
        lambda x: torch.sin(x) + 1e-3 * (x - x.detach()),
        "sin(x)",
        "bfloat16",
        domain=DOMAIN,
        points=8,
    )
    assert found is not None
    assert found.verdict.value == "differ.wrong"


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_a_right_backward_is_told_without_words(dtype: str) -> None:
    result, found = checked(functional.silu, "x/(1 + exp(-x))", dtype, at={"x": 0.5})
    assert found is not None
    assert (found.verdict.value, found.message) == ("match.exact", None)
    assert result.verdict.family == "match"


def test_where_terms_cancel_rounded_constants_are_no_fault() -> None:
    _, found = checked(functional.gelu, GELU, "float64", at={"x": ROOT})
    assert found is not None
    assert found.verdict.value == "match.exact"


def test_the_derivative_of_an_approximation_is_a_note() -> None:
    """softplus is x beyond 20: e⁻²² too little, in value and derivative."""
    _, found = checked(functional.softplus, "log1p(exp(x))", "float64", at={"x": 22.0})
    assert found is not None
    assert found.verdict.value == "match.exact"


def test_a_constant_in_the_dtype_is_a_note() -> None:
    root = torch.tensor(math.sqrt(2 / math.pi), dtype=torch.float32)
    result, found = checked(
        lambda x: root * x**2, "sqrt(2/pi)*x**2", "float32", domain=DOMAIN, points=8
    )
    assert found is not None
    assert found.verdict.value == "match.exact"
    assert result.verdict.family == "match"


def test_at_a_kink_the_formula_says_nothing() -> None:
    _, found = checked(functional.relu, "max(x, 0)", "float32", at={"x": 0.0})
    assert found is None


def test_what_cannot_be_recorded_stays_as_it_is() -> None:
    result, found = checked(
        lambda x: torch.from_numpy(np.zeros_like(x.detach().numpy())) + x,
        "x",
        "float64",
        at={"x": 2.0},
    )
    assert found is None
    assert result.verdict.family == "match"
    assert any("not looked at as a formula" in note for note in result.notes)


def test_single_numbers_are_recorded_one_after_the_other() -> None:
    result, found = checked(
        lambda x: x * x if x.item() > 0 else 3 * x,
        "where(x > 0, x*x, 3*x)",
        "float32",
        at=[{"x": 1.5}, {"x": -1.5}],
        elementwise=False,
    )
    assert found is not None
    assert found.verdict.value == "match.exact"
    assert result.verdict.family == "match"
