"""Inputs that are drawn, widened, structured, and of other sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from verifier.automatic.tensors import drawing, trials
from verifier.automatic.tensors.calls import call_of
from verifier.automatic.tensors.trials import Plan
from verifier.language.casefile.tensor_case import TensorInput
from verifier.language.points.tensor_domains import tensor_domain


def draw(text: str, *shape: int, dtype: str = "bfloat16") -> torch.Tensor:
    return drawing.draw_one(tensor_domain(text), shape, dtype, 3, "x")


def test_numbers_are_those_of_the_domain_in_the_dtype() -> None:
    assert draw("normal", 40, 50).dtype == torch.bfloat16
    assert abs(draw("normal", 40, 50, dtype="float64").std() - 1) < 0.05
    assert draw("positive", 4000).min() > 0
    rows = draw("simplex", 30, 7, dtype="float64")
    assert torch.allclose(rows.sum(-1), torch.ones(30, dtype=torch.float64))
    whole = draw("2..5", 4000)
    assert whole.dtype == torch.int64
    assert set(whole.tolist()) == {2, 3, 4, 5}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_an_end_that_is_left_out_is_never_drawn(dtype: str) -> None:
    found = draw("(0, 1)", 20_000, dtype=dtype)
    assert found.min() > 0
    assert found.max() < 1
    assert draw("[0, 1]", 20_000, dtype="bfloat16").max() == 1


def test_a_seed_draws_the_same_and_another_others() -> None:
    domain = tensor_domain("normal")
    first = drawing.draw_one(domain, (5,), "float32", 1, "x")
    assert torch.equal(first, drawing.draw_one(domain, (5,), "float32", 1, "x"))
    assert not torch.equal(first, drawing.draw_one(domain, (5,), "float32", 2, "x"))
    assert not torch.equal(first, drawing.draw_one(domain, (5,), "float32", 1, "y"))


def test_zeros_of_both_signs_are_planted() -> None:
    found = drawing.with_zeros(torch.ones(70), 0, "x")
    zeros = found[found == 0]
    assert len(zeros) == 10
    assert 0 < torch.signbit(zeros).sum() < 10


def test_structures() -> None:
    given = torch.randn(6, 12, generator=torch.Generator().manual_seed(0))
    equal = drawing.structured(given, "equal rows")
    assert all(torch.equal(row, equal[0]) for row in equal)
    top = drawing.structured(given, "clustered maxima").sort(-1).values
    assert ((top[:, -1] - top[:, -4]) < 0.02).all()
    ties = drawing.structured(given, "exact ties")
    assert ties.unique().numel() <= 17
    sums = drawing.structured(
        given.abs() / given.abs().sum(-1, True), "sums that are not 1"
    )
    assert (sums.sum(-1) - 1).abs().max() > 0.5
    assert len(sums.sum(-1).round(decimals=3).unique()) == 6


def test_sizes_that_are_equal_stay_so() -> None:
    found = drawing.sizes({"x": (64, 256), "weight": (256,)})
    assert found["odd sizes"] == {"x": (63, 255), "weight": (255,)}
    assert found["no multiple of 8"] == {"x": (67, 259), "weight": (259,)}
    assert found["one row"] == {"x": (1, 256), "weight": (256,)}
    assert found["empty"] == {"x": (0, 256), "weight": (256,)}


def labels(plan: Plan) -> list[tuple[str, str]]:
    return [
        (", ".join(trial.label.values()), trial.upstream_name)
        for trial in trials.others(plan)
    ]


def test_what_is_tried_of_a_layer_in_16_bits() -> None:
    call = call_of(nn.Linear(3, 2), (torch.randn(4, 3),)).cast("bfloat16")
    assert labels(Plan(call=call, dtype="bfloat16")) == [
        ("as given", "ones"),
        ("×3", "random"),
        ("×10", "random"),
        ("zeros planted", "random"),
        ("1", "random"),
        ("37", "random"),
        ("300", "ones"),
        ("as given, as eval() has it", "random"),
        ("as given", "zeros"),
        ("as given", "expanded"),
        ("as given", "noncontiguous"),
    ]


def test_what_is_no_batch_has_no_other_rows() -> None:
    call = call_of(torch.linalg.det, (torch.randn(3, 3),))
    assert not [
        text for text, _ in labels(Plan(call=call, dtype="float32")) if text.isdecimal()
    ]


def test_a_loss_over_a_batch_has_other_rows() -> None:
    call = call_of(nn.MSELoss(), (torch.randn(4, 3), torch.randn(4, 3)))
    trial = next(
        trial
        for trial in trials.others(Plan(call=call, dtype="float32"))
        if trial.label.get("rows") == "1"
    )
    assert {name: len(t) for name, t in trial.call.tensors.items()} == {
        "input": 1,
        "target": 1,
    }


def test_numbers_of_an_interval_are_not_widened() -> None:
    call = call_of(torch.log, (torch.rand(4),))
    inputs = {"x": TensorInput(shape=(4,), domain=tensor_domain("[1/2, 1]"))}
    found = labels(Plan(call=call, dtype="float32", inputs=inputs))
    assert not any("×" in text or "zeros" in text for text, _ in found)


def test_two_inputs_can_share_a_storage() -> None:
    call = call_of(torch.add, (torch.zeros(3), torch.ones(3)))
    shared = trials.shared(call)
    assert shared is not None
    ready = shared.ready(("x0", "x1"))
    assert ready.tensors["x0"].data_ptr() == ready.tensors["x1"].data_ptr()
    assert trials.shared(call_of(torch.add, (torch.zeros(3), torch.ones(2)))) is None
