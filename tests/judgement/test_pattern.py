"""What all numbers of a subject that differs have in common, told once for each
gradient.

The specification is x² y, with the gradients 2xy and x²; each wrong backward is written
beside what must be told of it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from backwards import function

import verifier
from verifier.judgement.pattern import of_gradients

Tensor = torch.Tensor
Slopes = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def subject(slopes: Slopes) -> Callable[[Tensor, Tensor], Tensor]:
    def backward(grad: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return tuple(grad * slope for slope in slopes(x, y))

    return function(lambda x, y: x * x * y, backward)


def told(slopes: Slopes, **domain: str) -> list[str]:
    run = verifier.check(
        subject(slopes),
        expression="x**2*y",
        domain={"x": "[1, 2]", "y": "[1, 3]"} | domain,
        dtype="float32",
        inputs=["x", "y"],
        points=16,
        boundary=False,
    )
    assert not run.ok
    (result,) = run.results
    return [one.message or "" for one in result.comparisons if one.wrt]


PATTERNS: dict[str, Slopes] = {
    "measured / true = 1.0009 at all 16 points": lambda x, y: (
        2 * x * y * 1.0009,
        x * x,
    ),
    "the sign is turned at all 16 points": lambda x, y: (-2 * x * y, x * x),
    "half of the true one at all 16 points": lambda x, y: (x * y, x * x),
    "twice the true one at all 16 points": lambda x, y: (2 * x * y, 2 * x * x),
    "the gradients of x and y are exchanged": lambda x, y: (x * x, 2 * x * y),
    "measured − true = 0.25 at all 16 points": lambda x, y: (2 * x * y, x * x + 0.25),
    "it is 0 at all 16 points": lambda x, y: (2 * x * y, 0 * x),
}


@pytest.mark.parametrize("message", PATTERNS)
def test_a_pattern_is_told_once(message: str) -> None:
    messages = told(PATTERNS[message])
    once = 2 if "exchanged" in message else 1  # of either gradient
    assert sum(one.startswith(message) for one in messages) == once, messages


def test_what_one_point_breaks_is_no_pattern() -> None:
    slopes: Slopes = lambda x, y: (2 * x * y * torch.where(x > 1.9, 3.0, 2.0), x * x)  # noqa: E731
    assert not any("at all" in one for one in told(slopes))


def test_a_factor_is_told_with_its_count_where_rounding_hides_it_at_some_points() -> (
    None
):
    """At one of nine points no more than rounding is seen; at two of nine it is no
    pattern."""
    true = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1e-9]
    measured = [1.01 * t for t in true[:8]] + [1.4e-9]
    found = of_gradients({"x": measured}, {"x": true}, 2.0**-23)
    assert found == {"x": "measured / true = 1.01 at 8 of 9 points"}
    measured[0] = 1.0
    assert of_gradients({"x": measured}, {"x": true}, 2.0**-23) == {}


without_slope = function(
    lambda x: x * torch.sin(x), lambda grad, x: grad * torch.sin(x)
)
"""x·sin(x) whose backward forgets x·cos(x)."""


@pytest.mark.parametrize("upstream", [1, 3])
def test_a_term_that_is_missing_is_named(upstream: int) -> None:
    run = verifier.check(
        without_slope,
        expression="x*sin(x)",
        domain={"x": "[1/2, 3/2]"},
        dtype="float32",
        upstream=upstream,
    )
    messages = [one.message or "" for one in run.results[0].comparisons]
    term = "a term is missing: true − measured = x*cos(x) at all"
    assert any(term in message for message in messages)
