"""Bias: errors that could each be rounding, and cannot be together.

The right side of each case is a hand derivation; what is planted is written beside it.
Right subjects compute in float32 and round once, round every operation, or are
PyTorch's own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from planted import kernel
from torch import cosh, sigmoid, tanh, where
from torch.nn import functional

import verifier
from verifier.automatic.random_rounding import runs
from verifier.floats import FORMATS
from verifier.judgement import bias
from verifier.language.programs import parsing
from verifier.records import Result, Verdict

Tensor = torch.Tensor


def silu_slope(x: Tensor) -> Tensor:
    return sigmoid(x) * (1 + x * sigmoid(-x))


def tanh_slope(x: Tensor) -> Tensor:
    return 1 / cosh(x) ** 2


SILU, TANH = "x/(1 + exp(-x))", "tanh(x)"


@cache
def verified(function: Any, text: str, dtype: str = "bfloat16") -> Result:
    """The result of over four thousand points; what several tests look at is verified
    once."""
    run = verifier.check(
        function, expression=text, domain={"x": "[-5, 5]"}, dtype=dtype, inputs=["x"]
    )
    return run.results[0]


RIGHT = {
    "float32 inside": (kernel(functional.silu, silu_slope), SILU, "bfloat16"),
    "PyTorch's own": (functional.softsign, "x/(1 + abs(x))", "float16"),
    "rounds every operation": (lambda x: x * sigmoid(x), SILU, "bfloat16"),
    "polynomial": (lambda x: x**3 / 3 - 0.1 * x, "x**3/3 - 0.1*x", "bfloat16"),
    # x + 0.1, rounded to the spacing of x, is x + another constant all over a binade:
    # smooth, and no fault.
    "a sum on a grid": (lambda x: (x + 0.1) ** 2, "(x + 0.1)**2", "bfloat16"),
    "a constant in the dtype": (
        lambda x: x.new_tensor(0.1) * x * x,
        "0.1*x*x",
        "bfloat16",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_rounding_is_not_called_bias(name: str) -> None:
    result = verified(*RIGHT[name])
    assert result.verdict.family == "match", result


def test_what_the_specification_leans_as_well_is_said_beside_the_match() -> None:
    result = verified(*RIGHT["a constant in the dtype"])
    told = [one.message for one in result.comparisons if one.quantity == "gradient"]
    assert told == [
        message
        for message in told
        if message
        and "as where the constants of the specification are rounded" in message
    ]


FAULTS: dict[str, tuple[Any, str, str]] = {
    "scale": (
        kernel(tanh, lambda x: 1.001 * tanh_slope(x)),
        TANH,
        "measured / true = 1.00",
    ),
    "tail": (
        kernel(
            functional.silu,
            lambda x: where(x < -2, 1.01, 1.0) * silu_slope(x),
        ),
        SILU,
        "up to x = -2.0",
    ),
    "summand": (
        kernel(functional.silu, lambda x: silu_slope(x) + 1e-3),
        SILU,
        "measured − true = 0.00",
    ),
    "scale of a value": (
        kernel(lambda x: 0.995 * tanh(x), tanh_slope),
        TANH,
        "measured / true = 0.99",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_lean_that_rounding_does_not_explain_is_found(name: str) -> None:
    function, text, message = FAULTS[name]
    result = verified(function, text)
    told = [one.message for one in result.comparisons if one.verdict.kind == "biased"]
    assert result.verdict.family == "differ", result
    assert any(message in (one or "") for one in told), told


def test_one_number_carries_what_is_wrong_with_all() -> None:
    function, text, _ = FAULTS["scale"]
    result = verified(function, text)
    assert result.counts[Verdict.DIFFER_BIASED.value] == 1
    assert result.points > 4000


# ── the test itself ───────────────────────────────────────────────────────────────────


def column(excess: list[float]) -> bias.Column:
    """Truths 1, 1 + ulp, … with so many ulps added to each."""
    ulp = 2.0**-7
    right = [1 + index * ulp / 64 for index in range(len(excess))]
    return bias.Column(
        points=[{"x": x} for x in right],
        measured=[x + e * ulp for x, e in zip(right, excess, strict=True)],
        rounded=right,
        unit=[ulp] * len(right),
        rest=[0.0] * len(right),
    )


def noise(count: int) -> list[float]:
    """As many too large as too small, by turns."""
    return [float((-1) ** index) for index in range(count)]


def model(*runs: list[float]) -> bias.Model:
    return lambda once: [column(run).measured for run in runs]


def test_few_wrong_numbers_are_no_lean() -> None:
    """Not even where all else is rounded once, and every wrong number is evidence."""
    excess = [1.0] * 20 + [0.0] * 440
    assert bias.examine(column(excess), model(noise(460))) is None


def test_a_lean_that_no_run_shows_is_a_bias() -> None:
    found = bias.examine(column([1.0] * 460), model(noise(460), noise(460)))
    assert found is not None
    assert found.biased
    assert "460 are too large and none too small" in found.message


def test_what_jumps_explains_nothing_that_is_smooth() -> None:
    """One column is off by one summand, the other by as much on average, but by
    turns."""
    jumps = [2.0 * (index % 2) for index in range(460)]
    found = bias.examine(column([1.0] * 460), model(jumps))
    assert found is not None
    assert found.biased


def test_what_is_smooth_too_explains_it() -> None:
    found = bias.examine(column([1.0] * 460), model(noise(460), [0.6] * 460))
    assert found is not None
    assert not found.biased


def test_what_float32_leaves_beside_a_tie_is_no_evidence() -> None:
    """Wrong numbers whose truths lie beside a tie, as float32 inside rounds them; next
    to it, they are a bias."""
    for distance, is_told in ((1e-4, False), (0.05, True)):
        one = column([1.0] * 460)
        beside = replace(one, rest=[0.5 - distance] * 460)
        found = bias.examine(beside, model(noise(460)))
        assert (found is not None and found.biased) is is_told


def test_a_lean_that_one_run_shows_is_none() -> None:
    found = bias.examine(
        column([1.0] * 460), model(noise(460), noise(460), [-0.6] * 460)
    )
    assert found is not None
    assert not found.biased


def test_a_small_lean_amid_noise_is_none() -> None:
    """What rounds every operation may lean by less than an ulp where the specification
    does not."""
    excess = [1.0 if index % 16 else -1.0 for index in range(230)] + noise(230)
    found = bias.examine(column(excess), model(noise(460)))
    assert found is None or not found.biased


def test_without_a_run_nothing_is_accused() -> None:
    found = bias.examine(column([1.0] * 460), lambda once: [])
    assert found is not None
    assert not found.biased


# ── the model of rounding ─────────────────────────────────────────────────────────────


def test_runs_round_numbers_of_the_dtype_to_themselves() -> None:
    program = parsing.parse("x + y")
    points = [{"x": 1.0, "y": 0.5}, {"x": 3.0, "y": 0.25}]
    for run in runs(
        program, points, [1.0, 1.0], wrt=["x"], format_=FORMATS["bfloat16"], count=4
    ):
        assert run["value", ()] == [1.5, 3.25]
        assert run["gradient", ("x",)] == [1.0, 1.0]


def test_runs_of_a_single_operation_are_rounded_twice() -> None:
    """On the run's own grid and to the dtype, each by no more than 2^-8 of the
    number."""
    program = parsing.parse("exp(x)")
    points = [{"x": index / 64} for index in range(64)]
    found = list(
        runs(
            program,
            points,
            [1.0] * 64,
            wrt=["x"],
            format_=FORMATS["bfloat16"],
            count=8,
        )
    )
    assert len(found) == 9
    for run in found:
        for point, value in zip(points, run["value", ()], strict=True):
            true = float(torch.tensor(point["x"], dtype=torch.float64).exp())
            assert abs(value - true) <= (2.0**-7 + 2.0**-16) * true
