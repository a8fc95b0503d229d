"""Backwards that mix, sort or sum the elements of a batch, and how points lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from backwards import function
from torch import cos, sin
from tried import Backward, Tensor, checked, messages, of_sine, verdicts

import verifier
from verifier.language.casefile.loading import from_mapping
from verifier.running.plan import plan
from verifier.running.run import execute

MIXING: dict[str, Backward] = {
    "mean of the upstream": lambda g, x: g.mean() * cos(x),
    "cosine of the first": lambda g, x: g * cos(x.flatten()[0]),
    "flipped": lambda g, x: (g * cos(x)).flip(0) if g.dim() else g * cos(x),
    "rolled": lambda g, x: g.roll(1) * cos(x) if g.dim() else g * cos(x),
    "sorted": lambda g, x: g * cos(x.flatten().sort()[0].reshape(x.shape)),
    "summed up": lambda g, x: (g * cos(x)).cumsum(-1) if g.dim() else g * cos(x),
    "largest upstream": lambda g, x: g.max() * cos(x),
    "a share of the mean": lambda g, x: (g + 0.01 * (g.mean() - g)) * cos(x),
    "one row for all": lambda g, x: g[..., :1, :] * cos(x) if g.dim() > 1 else g * cos(x),
    "scaled to the largest": lambda g, x: g * cos(x) * (x.max() / x.max().clamp(max=x.flatten()[0])),
}  # fmt: skip


def _as_it_lies(g: Tensor, x: Tensor) -> Tensor:
    """As a kernel that walks through memory from the first element."""
    walked = torch.as_strided(g, g.shape, x.contiguous().stride()) if g.dim() else g
    return walked * cos(x)


# ── batches ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", MIXING)
def test_a_backward_that_mixes_elements_is_found(name: str) -> None:
    run = of_sine(MIXING[name])
    assert verdicts(run) == {"differ.wrong"}
    assert "the gradient at one element depends on others" in messages(run)
    assert of_sine(MIXING[name], elementwise=False).ok


def test_a_forward_that_mixes_elements_is_found() -> None:
    run = checked(lambda x: sin(x) + (x - x.mean()))
    assert verdicts(run) == {"differ.wrong"}
    assert "the value at one element depends on others" in messages(run)


def test_a_kernel_for_many_numbers_that_is_wrong_mixes_nothing() -> None:
    run = of_sine(lambda g, x: g * cos(x) * (2 if x.dim() else 1))
    assert verdicts(run) == {"differ.wrong"}
    assert "the gradient in one tensor is another than that of a single" in messages(
        run
    )
    assert "depends" not in messages(run)


def test_a_kernel_that_is_deaf_to_strides_is_found() -> None:
    assert verdicts(of_sine(_as_it_lies)) <= {"differ.wrong", "differ.nonfinite"}


def test_a_backward_of_another_shape_in_a_batch_is_wrong() -> None:
    run = of_sine(lambda g, x: (g * cos(x)).sum())
    assert verdicts(run) == {"differ.wrong"}
    assert (
        "returned a gradient at place 0 of shape [] for an input of shape [12]"
        in messages(run)
    )


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (lambda x: sin(x) if x > 0 else x, "RuntimeError: Boolean value of Tensor"),
        (lambda x: torch.stack([sin(x)]).sum(), "found float32 of shape []"),
        (lambda x: sin(x.reshape(1)), "RuntimeError: shape '[1]' is invalid"),
    ],
)
def test_what_takes_no_batch_is_told_to_say_so(subject: Any, told: str) -> None:
    run = checked(subject)
    assert verdicts(run) == {"error.run"}
    assert told in messages(run)
    assert "`elementwise = false`" in messages(run)
    assert checked(subject, elementwise=False).ok


def test_a_single_point_asks_for_no_batch() -> None:
    run = verifier.check(
        lambda x: torch.stack([sin(x)]).sum(), 0.5, expression="sin(x)"
    )
    assert run.ok


def test_a_single_point_is_given_in_copies_to_what_takes_them() -> None:
    run = verifier.check(
        function(sin, lambda g, x: g.mean() * cos(x)), 0.5, expression="sin(x)"
    )
    assert verdicts(run) == {"differ.wrong"}


# ── layouts ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layout", ["single", "strided", "expanded"])
def test_a_layout_is_that_of_the_first_run_of_a_callable(layout: str) -> None:
    seen: list[tuple[int, ...]] = []

    def subject(x: Tensor) -> Tensor:
        seen.append(tuple(x.stride()) if x.dim() else ())
        return sin(x)

    case = from_mapping(
        {
            "name": "n",
            "expression": "sin(x)",
            "at": [{"x": 0.5}] * 3,
            "dtype": "float32",
        }
    )
    (task,) = plan([case], layout=layout)
    result = execute([replace(task, function=subject)]).results[0]
    assert result.verdict.family == "match"
    assert seen[0] == {"single": (), "strided": (2,), "expanded": (0,)}[layout]


def test_a_layout_of_many_points_is_refused_by_what_takes_single_numbers_alone() -> (
    None
):
    case = from_mapping(
        {"name": "n", "expression": "sin(x)", "at": {"x": 0.5}, "elementwise": False}
    )
    tasks = plan([case], layout="strided", dtypes=["float32"])
    result = execute([replace(tasks[0], function=sin)]).results[0]
    assert result.verdict.value == "error.run"
    assert "found one with `elementwise = false`" in (result.message or "")
