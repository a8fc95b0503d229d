"""Faults planted in the backward of 18 activation functions in float64: all are found,
no right backward is flagged.

The right backwards are written as a careful author writes them, not as the expressions
are: in another form and another order of operations.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
import torch
from backwards import function
from torch import cos, erf, erfc, exp, expm1, log1p, sigmoid, sin, sqrt, tanh, where

import verifier
from verifier.api import Run

Tensor = torch.Tensor
Derivative = Callable[[Tensor], Tensor]

LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772
ROOT_TWO_PI, ROOT_2_PI = math.sqrt(2 * math.pi), math.sqrt(2 / math.pi)


def points() -> list[float]:
    """Sixty-four numbers of [−10, 10], eight of them near 0 and four far out."""
    source = random.Random(20)
    found = [source.uniform(-9, 9) for _ in range(52)]
    found += [source.uniform(-0.04, 0.04) for _ in range(8)]
    return [*found, -9.5, -9.25, 9.25, 9.5]


POINTS = points()


@dataclass(frozen=True)
class Activation:
    """A function, its specification, a careful derivative, and wrong ones of its own
    kind."""

    expression: str
    forward: Derivative
    derivative: Derivative
    faults: dict[str, Derivative] = field(default_factory=dict)
    is_even: bool = False
    """Whether the derivative is, so that its mirror image is no fault."""

    def all_faults(self) -> Iterator[tuple[str, Derivative]]:
        """Those of any function, then its own."""
        d = self.derivative
        for name, change in COMMON.items():
            if name == "mirrored" and self.is_even:
                continue
            yield name, partial(change, d)
        yield from self.faults.items()


def _scaled(factor: float) -> Callable[[Derivative, Tensor], Tensor]:
    return lambda d, x: d(x) * factor


def _where(
    condition: Callable[[Tensor], Tensor], wrong: Callable[[Derivative, Tensor], Tensor]
) -> Callable[[Derivative, Tensor], Tensor]:
    return lambda d, x: where(condition(x), wrong(d, x), d(x))


COMMON: dict[str, Callable[[Derivative, Tensor], Tensor]] = {
    "scale 1 + 1e-6": _scaled(1 + 1e-6),
    "scale 1 - 1e-5": _scaled(1 - 1e-5),
    "scale 1 + 1e-4": _scaled(1 + 1e-4),
    "scale 1 + 9e-4": _scaled(1 + 9e-4),
    "scale 1.01": _scaled(1.01),
    "tail left, scale 1.01": _where(lambda x: x < -6, _scaled(1.01)),
    "tail right, scale 1.001": _where(lambda x: x > 6, _scaled(1.001)),
    "tail both, frozen": _where(
        lambda x: abs(x) > 7, lambda d, x: d(7 * torch.sign(x))
    ),
    "tail far, frozen": _where(lambda x: abs(x) > 9, lambda d, x: d(9 * torch.sign(x))),
    "near 0, scale 1.001": _where(lambda x: abs(x) < 0.05, _scaled(1.001)),
    "near 0, zero": _where(lambda x: abs(x) < 0.01, lambda d, x: torch.zeros_like(x)),
    "sign": _scaled(-1.0),
    "sign below 0": _where(lambda x: x < 0, _scaled(-1.0)),
    "dropped factor": lambda d, x: torch.ones_like(x),
    "mirrored": lambda d, x: d(-x),
    "argument shifted by 1e-4": lambda d, x: d(x + 1e-4),
}


def _silu(x: Tensor) -> Tensor:
    return sigmoid(x) * (1 + x * sigmoid(-x))


def _gelu(x: Tensor, c: float = ROOT_TWO_PI, r: float = math.sqrt(0.5)) -> Tensor:
    return erfc(-x * r) / 2 + x * exp(-x * x / 2) / c


def _gelu_tanh(x: Tensor, c: float = ROOT_2_PI, k: float = 0.044715) -> Tensor:
    # (1 + tanh u)/2 is sigmoid(2u): nothing cancels far left.
    u = 2 * c * (x + k * x * x * x)
    return sigmoid(u) + x * sigmoid(u) * sigmoid(-u) * 2 * c * (1 + 3 * k * x * x)


def _mish(x: Tensor) -> Tensor:
    t = tanh(torch.nn.functional.softplus(x, threshold=40))
    return t + x * sigmoid(x) * (1 - t) * (1 + t)


ACTIVATIONS = {
    "sigmoid": Activation(
        "1/(1 + exp(-x))",
        sigmoid,
        lambda x: sigmoid(x) * sigmoid(-x),
        {
            "dropped term": lambda x: sigmoid(x),
            "flipped term": lambda x: sigmoid(x) * (1 + sigmoid(x)),
            "swapped: tanh": lambda x: 1 - tanh(x) ** 2,
            "squared": lambda x: sigmoid(x) ** 2,
        },
        is_even=True,
    ),
    "tanh": Activation(
        "tanh(x)",
        tanh,
        lambda x: 1 / torch.cosh(x) ** 2,
        {
            "dropped square": lambda x: 1 / torch.cosh(x),
            "flipped term": lambda x: 1 + tanh(x) ** 2,
            "swapped: sigmoid": lambda x: 1 - sigmoid(x) ** 2,
            "swapped: atan": lambda x: 1 / (1 + x * x),
        },
        is_even=True,
    ),
    "silu": Activation(
        "x/(1 + exp(-x))",
        lambda x: x * sigmoid(x),
        _silu,
        {
            "dropped term": lambda x: sigmoid(x),
            "flipped term": lambda x: sigmoid(x) * (1 - x * sigmoid(-x)),
            "dropped factor x": lambda x: sigmoid(x) * (1 + sigmoid(-x)),
            "swapped: tanh": lambda x: sigmoid(x) * (1 + x * tanh(-x)),
            "swapped: gelu": lambda x: _gelu(x),
        },
    ),
    "quick gelu": Activation(
        "x*sigmoid(1.702*x)",
        lambda x: x * sigmoid(1.702 * x),
        lambda x: sigmoid(1.702 * x) * (1 + 1.702 * x * sigmoid(-1.702 * x)),
        {
            "constant 1.7020": lambda x: (
                sigmoid(1.70201 * x) * (1 + 1.70201 * x * sigmoid(-1.70201 * x))
            ),
            "constant 1.7": lambda x: (
                sigmoid(1.702 * x) * (1 + 1.7 * x * sigmoid(-1.702 * x))
            ),
            "dropped constant": lambda x: (
                sigmoid(1.702 * x) * (1 + x * sigmoid(-1.702 * x))
            ),
            "flipped term": lambda x: (
                sigmoid(1.702 * x) * (1 - 1.702 * x * sigmoid(-1.702 * x))
            ),
            "swapped: silu": _silu,
        },
    ),
    "gelu": Activation(
        "x*erfc(-x/sqrt(2))/2",
        lambda x: x * erfc(-x * math.sqrt(0.5)) / 2,
        _gelu,
        {
            "constant 2.5066": lambda x: _gelu(x, 2.5066),
            "constant 0.70711": lambda x: _gelu(x, ROOT_TWO_PI, 0.70711),
            "dropped term": lambda x: erfc(-x * math.sqrt(0.5)) / 2,
            "flipped term": lambda x: 2 * erfc(-x * math.sqrt(0.5)) / 2 - _gelu(x),
            "dropped half": lambda x: (
                erfc(-x * math.sqrt(0.5)) / 2 + x * exp(-x * x) / ROOT_TWO_PI
            ),
            "swapped: its tanh form": lambda x: _gelu_tanh(x),
        },
    ),
    "gelu tanh": Activation(
        "x*sigmoid(2*sqrt(2/pi)*(x + 0.044715*x**3))",
        lambda x: x * sigmoid(2 * ROOT_2_PI * (x + 0.044715 * x * x * x)),
        _gelu_tanh,
        {
            "constant 0.79788": lambda x: _gelu_tanh(x, 0.79788),
            "constant 0.04472": lambda x: _gelu_tanh(x, ROOT_2_PI, 0.04472),
            "constant 0.044": lambda x: _gelu_tanh(x, ROOT_2_PI, 0.044),
            "swapped: its erf form": lambda x: _gelu(x),
            "swapped: quick gelu": lambda x: (
                sigmoid(1.702 * x) * (1 + 1.702 * x * sigmoid(-1.702 * x))
            ),
        },
    ),
    "softplus": Activation(
        "log1p(exp(x))",
        lambda x: torch.nn.functional.softplus(x, threshold=40),
        sigmoid,
        {
            "threshold 5": lambda x: where(x > 5, 1 + 0 * x, sigmoid(x)),
            "threshold 8": lambda x: where(x > 8, 1 + 0 * x, sigmoid(x)),
            "flipped sign inside": lambda x: sigmoid(-x),
            "swapped: tanh": lambda x: (1 + tanh(x)) / 2,
            "swapped: erf": lambda x: (1 + erf(x)) / 2,
        },
    ),
    "logsigmoid": Activation(
        "-log1p(exp(-x))",
        torch.nn.functional.logsigmoid,
        lambda x: sigmoid(-x),
        {
            "flipped sign inside": sigmoid,
            "tail cut": lambda x: where(x > 8, 0 * x, sigmoid(-x)),
            "swapped: sigmoid": lambda x: sigmoid(x) * sigmoid(-x),
            "swapped: exp": lambda x: exp(-abs(x)),
        },
    ),
    "mish": Activation(
        "x*tanh(log1p(exp(x)))",
        lambda x: x * tanh(torch.nn.functional.softplus(x, threshold=40)),
        _mish,
        {
            "dropped term": lambda x: tanh(log1p(exp(x))),
            "dropped factor s": lambda x: (
                tanh(log1p(exp(x))) + x * (1 - tanh(log1p(exp(x))) ** 2)
            ),
            "flipped term": lambda x: 2 * tanh(log1p(exp(x))) - _mish(x),
            "swapped: silu": _silu,
        },
    ),
    "elu": Activation(
        "where(x > 0, x, expm1(x))",
        lambda x: where(x > 0, x, expm1(x)),
        lambda x: where(x > 0, 1 + 0 * x, exp(x)),
        {
            "swapped: expm1": lambda x: where(x > 0, 1 + 0 * x, expm1(x)),
            "swapped branches": lambda x: where(x < 0, 1 + 0 * x, exp(x)),
            "dropped branch": exp,
            "flipped exponent": lambda x: where(x > 0, 1 + 0 * x, exp(-x)),
        },
    ),
    "selu": Activation(
        f"{LAMBDA}*where(x > 0, x, {ALPHA}*expm1(x))",
        lambda x: LAMBDA * where(x > 0, x, ALPHA * expm1(x)),
        lambda x: where(x > 0, LAMBDA + 0 * x, LAMBDA * ALPHA * exp(x)),
        {
            "constant 1.0507": lambda x: where(x > 0, 1.0507 + 0 * x, 1.0507 * ALPHA * exp(x)),
            "constant 1.6733": lambda x: where(x > 0, LAMBDA + 0 * x, LAMBDA * 1.6733 * exp(x)),
            "constant 1.7581": lambda x: where(x > 0, LAMBDA + 0 * x, 1.7581 * exp(x)),
            "dropped alpha": lambda x: LAMBDA * where(x > 0, 1 + 0 * x, exp(x)),
            "dropped lambda": lambda x: where(x > 0, 1 + 0 * x, ALPHA * exp(x)),
        },
    ),
    "celu": Activation(
        "where(x > 0, x, 1.5*expm1(x/1.5))",
        lambda x: torch.nn.functional.celu(x, 1.5),
        lambda x: where(x > 0, 1 + 0 * x, exp(x / 1.5)),
        {
            "constant 0.66667": lambda x: where(x > 0, 1 + 0 * x, exp(x * 0.66667)),
            "dropped constant": lambda x: where(x > 0, 1 + 0 * x, exp(x)),
            "extra factor": lambda x: where(x > 0, 1 + 0 * x, 1.5 * exp(x / 1.5)),
            "swapped: expm1": lambda x: where(x > 0, 1 + 0 * x, expm1(x / 1.5)),
        },
    ),
    "softsign": Activation(
        "x/(1 + abs(x))",
        torch.nn.functional.softsign,
        lambda x: 1 / (1 + abs(x)) ** 2,
        {
            "dropped square": lambda x: 1 / (1 + abs(x)),
            "dropped abs": lambda x: 1 / (1 + x) ** 2,
            "swapped: atan": lambda x: 1 / (1 + x * x),
            "cubed": lambda x: (1 + abs(x)) ** -3,
        },
        is_even=True,
    ),
    "gaussian": Activation(
        "exp(-x**2/2)/sqrt(2*pi)",
        lambda x: exp(-x * x / 2) / ROOT_TWO_PI,
        lambda x: -x * (exp(-x * x / 2) / ROOT_TWO_PI),
        {
            "constant 2.5066": lambda x: -x * exp(-x * x / 2) / 2.5066,
            "constant 0.39894": lambda x: -x * exp(-x * x / 2) * 0.39894,
            "dropped factor x": lambda x: -exp(-x * x / 2) / ROOT_TWO_PI,
            "dropped half": lambda x: -x * exp(-x * x) / ROOT_TWO_PI,
            "swapped: logistic": lambda x: -x * sigmoid(x) * sigmoid(-x),
        },
    ),
    "snake": Activation(
        "x + sin(x)**2",
        lambda x: x + sin(x) ** 2,
        lambda x: (sin(x) + cos(x)) ** 2,
        {
            "dropped term": lambda x: sin(2 * x),
            "dropped factor": lambda x: 1 + sin(x) * cos(x),
            "flipped term": lambda x: 1 - sin(2 * x),
            "swapped: cos": lambda x: 1 + cos(2 * x),
            "reduced by 3.1416": lambda x: (
                1 + sin(2 * (x - 3.1416 * torch.round(x / 3.1416)))
            ),
        },
    ),
    "bent identity": Activation(
        "(sqrt(x**2 + 1) - 1)/2 + x",
        lambda x: x * x / (sqrt(x * x + 1) + 1) / 2 + x,
        lambda x: 1 + 0.5 * x / torch.hypot(x, torch.ones_like(x)),
        {
            "dropped term": lambda x: 0.5 * x / sqrt(x * x + 1),
            "dropped half": lambda x: 1 + x / sqrt(x * x + 1),
            "flipped term": lambda x: 1 - 0.5 * x / sqrt(x * x + 1),
            "dropped root": lambda x: 1 + 0.5 * x / (x * x + 1),
        },
    ),
    "isru": Activation(
        "x/sqrt(1 + x**2)",
        lambda x: x * torch.rsqrt(1 + x * x),
        lambda x: (1 + x * x) ** -1.5,
        {
            "wrong power -1": lambda x: (1 + x * x) ** -1.0,
            "wrong power -1.4999": lambda x: (1 + x * x) ** -1.4999,
            "wrong power -0.5": lambda x: (1 + x * x) ** -0.5,
            "flipped sign inside": lambda x: abs(1 - x * x) ** -1.5,
        },
        is_even=True,
    ),
    "lecun tanh": Activation(
        "1.7159*tanh(2*x/3)",
        lambda x: 1.7159 * tanh(2 * x / 3),
        lambda x: (2 * 1.7159 / 3) / torch.cosh(2 * x / 3) ** 2,
        {
            "constant 1.1439": lambda x: 1.1439 / torch.cosh(2 * x / 3) ** 2,
            "constant 0.66667": lambda x: 1.7159 * 0.66667 / torch.cosh(0.66667 * x) ** 2,
            "dropped constant": lambda x: 1.7159 / torch.cosh(2 * x / 3) ** 2,
            "dropped square": lambda x: (2 * 1.7159 / 3) / torch.cosh(2 * x / 3),
            "flipped term": lambda x: (2 * 1.7159 / 3) * (1 + tanh(2 * x / 3) ** 2),
        },
        is_even=True,
    ),
}  # fmt: skip


def verified(activation: Activation, derivative: Derivative) -> Run:
    return verifier.check(
        function(activation.forward, lambda grad, x: grad * derivative(x)),
        expression=activation.expression,
        at=[{"x": x} for x in POINTS],
        dtype="float64",
    )


def gradients_that_differ(run: Run) -> int:
    (result,) = run.results
    assert result.verdict.family in ("match", "differ"), result
    return sum(
        one.quantity == "gradient" and one.verdict.family == "differ"
        for one in result.comparisons
    )


FAULTS = {
    f"{name}: {fault}": (activation, derivative)
    for name, activation in ACTIVATIONS.items()
    for fault, derivative in activation.all_faults()
}
SAMPLE = sorted(FAULTS)[::9]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_right_backward_is_not_flagged(name: str) -> None:
    run = verified(ACTIVATIONS[name], ACTIVATIONS[name].derivative)
    assert run.ok, run


@pytest.mark.parametrize("name", SAMPLE)
def test_a_planted_fault_is_found(name: str) -> None:
    assert gradients_that_differ(verified(*FAULTS[name]))
