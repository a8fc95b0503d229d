"""What is surveyed: operations, their parameters, and mistakes in asking for them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from verifier.errors import SelectionError, UsageError
from verifier.floats import (
    FORMATS,
)
from verifier.language.operations import table as operations
from verifier.survey import plan


def test_every_row_of_the_table_is_surveyed_or_it_says_why_not() -> None:
    tasks, skipped = plan.plan()
    names = {task.operation for task in tasks}
    assert names | set(skipped) == set(operations.OPERATIONS)
    assert not names & set(skipped)
    assert "condition" in skipped["where"]
    assert "condition" in skipped["lt"]
    assert {task.dtype for task in tasks} == set(FORMATS)
    forms = {task.expression for task in tasks if task.operation == "polygamma"}
    assert forms == {"polygamma(1, x)", "polygamma(2, x)", "polygamma(3, x)"}


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("elu", {"elu(x)"}),
        ("softplus", {"softplus(x)"}),
        ("mvlgamma", {"mvlgamma(x, 2)", "mvlgamma(x, 3)"}),
        ("threshold", {"threshold(x, 1/10, 20)"}),
        ("soft_margin_loss", {"soft_margin_loss(x, 1)", "soft_margin_loss(x, -1)"}),
        ("besselj", {"besselj(0, x)", "besselj(1, x)"}),
    ],
)
def test_parameters_are_numbers_and_no_inputs(name: str, calls: set[str]) -> None:
    tasks, _ = plan.plan(names=[name])
    assert {task.expression for task in tasks} == calls
    assert {task.operands for task in tasks} == {("x",)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"names": ["sigmiod"]},
            "no operation is called `sigmiod`. Did you mean `sigmoid`?",
        ),
        ({"dtypes": ["float23"]}, "--dtype: expected one of float16"),
        ({"dtypes": ["bfloat"]}, "Did you mean `bfloat16`?"),
        ({"routes": ["revers"]}, "Did you mean `reverse`?"),
        ({"sample": 0}, "--points: expected 1 to"),
        ({"names": ["where"]}, "nothing is left to survey"),
    ],
)
def test_a_mistake_is_reported_before_anything_runs(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises((UsageError, SelectionError)) as caught:
        plan.plan(**options)
    assert message in str(caught.value)


def test_a_mistake_is_reported_before_anything_heavy_is_loaded() -> None:
    script = (
        "import sys\nfrom verifier.survey import execution, plan\n"
        "plan.plan(names=['exp'])\n"
        "assert not {'torch', 'sympy', 'flint'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
