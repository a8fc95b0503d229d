"""Gradients at kinks judged as vectors, against Clarke sets worked out by hand.

Each comment says the set. What lies outside it must be refuted, and nothing inside it
ever may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

import verifier
from verifier.judgement import vectors
from verifier.language.programs.parsing import parse
from verifier.symbolic.truth.clarke import Clarke

Case = tuple[str, dict[str, float], tuple[float, ...]]
ONES = {"x": 1.0, "y": 1.0}
ORIGIN = {"x": 0.0, "y": 0.0}
SPACE = {"x": 0.0, "y": 0.0, "z": 0.0}

IMPOSSIBLE: list[Case] = [
    # the segment from (1, 0) to (0, 1)
    ("max(x, y)", ONES, (1, 1)),
    ("max(x, y)", ONES, (0, 0)),
    ("max(x, y)", ONES, (0.5, 0.25)),
    ("min(x, y)", ONES, (1, 1)),
    ("where(x > y, x, y)", ONES, (1, 1)),
    ("where(x <= y, y, x)", ONES, (0, 0)),
    ("fmax(x, y)", ONES, (1, 1)),
    ("clamp_min(x, y)", ONES, (1, 1)),
    ("clamp_max(x, y)", ONES, (0, 0)),
    ("clamp(x, y, 3)", ONES, (1, 1)),
    ("clamp(x, -3, y)", ONES, (0, 0)),
    ("y + relu(x - y)", ONES, (0, 0)),
    ("(x + y + abs(x - y))/2", ONES, (1, 1)),
    # the segment from (1, −1) to (−1, 1)
    ("abs(x - y)", ONES, (1, 1)),
    ("abs(x - y)", ONES, (0, 1)),
    ("abs(y - x)", ONES, (-1, -1)),
    ("max(x, y) - min(x, y)", ONES, (0.5, 0.5)),
    ("abs(2*x - 2*y)/2", ONES, (0.5, 0)),
    # the unit disc
    ("sqrt(x**2 + y**2)", ORIGIN, (1, 1)),
    ("hypot(x, y)", ORIGIN, (1, 1)),
    ("hypot(x, y)", ORIGIN, (0.8, -0.7)),
    ("(x*x + y*y)**0.5", ORIGIN, (-1, 0.1)),
    ("sqrt(square(x - 1) + square(y - 1))", ONES, (0.71, 0.71)),
    # ellipses: 4(g₁/4)² + (g₂)² ≤ 1 and the disc of radius 1/2
    ("sqrt(4*x**2 + y**2)", ORIGIN, (1.5, 0.8)),
    ("sqrt((x**2 + y**2)/4)", ORIGIN, (0.4, 0.4)),
    # the disc about (1, 1)
    ("x + y + hypot(x, y)", ORIGIN, (2, 2)),
    # the segment from 0 to (−y, −x) and its like
    ("relu(1 - x*y)", {"x": 2.0, "y": 0.5}, (-0.5, 0)),
    ("max(0, 1 - x*y)", {"x": 2.0, "y": 0.5}, (0, -2)),
    ("abs(x**2 - y)", {"x": 3.0, "y": 9.0}, (6, 1)),
    ("abs(x*y - 6)", {"x": 2.0, "y": 3.0}, (3, -2)),
    ("max(exp(x - 1), y)", ONES, (1, 1)),
    ("where(x > y, x**2, y**3)", ONES, (2, 3)),
    ("leaky_relu(x - y, 0.1)", ONES, (0.1, -1)),
    ("where(y - x < 0, 2*x, x + y)", ONES, (1, 0)),
    # triangles and other polytopes
    ("max(x, y, z)", dict.fromkeys("xyz", 1.0), (1, 1, 1)),
    ("max(x, y, z)", dict.fromkeys("xyz", 1.0), (0.5, 0.5, 0.5)),
    ("min(min(x, y), z)", dict.fromkeys("xyz", 1.0), (0, 0, 0)),
    ("max(x, y) + abs(z)", SPACE, (1, 1, 0)),
    ("max(abs(x), abs(y))", ORIGIN, (1, 1)),
    ("max(0, x, y)", ORIGIN, (1, 1)),
    ("min(max(x, y), max(y, z), max(x, z))", dict.fromkeys("xyz", 1.0), (1, 1, 1)),
    ("sqrt(x**2 + y**2 + z**2)", SPACE, (0.6, 0.6, 0.6)),
    ("hypot(hypot(x, y), z)", SPACE, (0.6, 0.6, 0.6)),
    ("max(x, y) + 1000*abs(z)", SPACE, (1, 1, 0)),
]  # fmt: skip

POSSIBLE: list[Case] = [
    ("max(x, y)", ONES, (0.5, 0.5)),
    ("max(x, y)", ONES, (1, 0)),
    ("max(x, y)", ONES, (0.25, 0.75)),
    ("min(x, y)", ONES, (0, 1)),
    ("min(x, y)", ONES, (0.3, 0.7)),
    ("where(x > y, x, y)", ONES, (0, 1)),
    ("where(x > y, x, y)", ONES, (0.9, 0.1)),
    ("clamp(x, y, 3)", ONES, (1, 0)),
    ("clamp(x, -3, y)", ONES, (0.5, 0.5)),
    ("y + relu(x - y)", ONES, (0, 1)),
    ("abs(x - y)", ONES, (0, 0)),
    ("abs(x - y)", ONES, (1, -1)),
    ("abs(x - y)", ONES, (-0.5, 0.5)),
    # the whole square: x and y turn by themselves
    ("abs(x) - abs(y)", ORIGIN, (1, 1)),
    ("abs(x) + abs(y)", ORIGIN, (-1, 1)),
    ("relu(x) + relu(y)", ORIGIN, (1, 1)),
    ("abs(x) + abs(y)", ORIGIN, (0, 0)),
    ("hypot(x, y)", ORIGIN, (0, 0)),
    ("hypot(x, y)", ORIGIN, (0.6, 0.8)),
    ("hypot(x, y)", ORIGIN, (-1, 0)),
    ("sqrt(x**2 + y**2)", ORIGIN, (0.7, 0.7)),
    ("sqrt(4*x**2 + y**2)", ORIGIN, (1.5, 0.6)),
    ("sqrt(x**2 + y**2 + z**2)", SPACE, (0.57, 0.57, 0.57)),
    ("hypot(hypot(x, y), z)", SPACE, (0.57, -0.57, 0.57)),
    ("x + y + hypot(x, y)", ORIGIN, (1.6, 1.8)),
    ("hypot(x, y) + hypot(x, -y)", ORIGIN, (2, 0)),
    ("relu(1 - x*y)", {"x": 2.0, "y": 0.5}, (-0.25, -1)),
    ("relu(1 - x*y)", {"x": 2.0, "y": 0.5}, (0, 0)),
    ("abs(x**2 - y)", {"x": 3.0, "y": 9.0}, (3, -0.5)),
    ("where(x > y, x**2, y**3)", ONES, (1, 1.5)),
    ("max(exp(x - 1), y)", ONES, (0.5, 0.5)),
    ("max(x, y, z)", dict.fromkeys("xyz", 1.0), (0.25, 0.25, 0.5)),
    ("max(x, y, z)", dict.fromkeys("xyz", 1.0), (1 / 3, 1 / 3, 1 / 3)),
    ("max(x, y, z)", dict.fromkeys("xyz", 1.0), (0, 0, 1)),
    ("max(x, y) + max(x, z)", dict.fromkeys("xyz", 1.0), (1, 0.5, 0.5)),
    ("max(x, y) + max(x, z)", dict.fromkeys("xyz", 1.0), (0, 1, 1)),
    ("max(0, x, y)", ORIGIN, (0.5, 0.5)),
    ("max(0, x, y)", ORIGIN, (0, 0)),
    ("max(abs(x), abs(y))", ORIGIN, (0.5, -0.5)),
    ("max(x, y) + 1000*abs(z)", SPACE, (0.5, 0.5, -1000)),
    # with x − y = t it is |t| + 2·max(t, 0): from (−1, 1) to (3, −3)
    ("abs(x - y) + 2*relu(x - y)", ONES, (2, -2)),
    # x > y on one side of the tie in both: (2, −1), and (0, 1)
    ("max(x, y) + relu(x - y)", ONES, (0.5, 0.5)),
    # of three ties any two may hold without the third: (½, ½, 0) is the middle of x and
    # y
    ("min(max(x, y), max(y, z), max(x, z))", dict.fromkeys("xyz", 1.0), (0.5, 0.5, 0)),
]  # fmt: skip

# What is not made of finitely many smooth functions and norms: nothing is said of it.
UNKNOWN: list[Case] = [
    ("sqrt(x**2 + x*y + y**2)", ORIGIN, (9, 9)),
    ("cbrt(abs(x)**3 + abs(y)**3)", ORIGIN, (9, 9)),
    ("sqrt(abs(x)) + abs(y)", ORIGIN, (9, 9)),
    ("hypot(x, y + hypot(x, y))", ORIGIN, (9, 9)),
]


def _is_refuted(text: str, point: dict[str, float], vector: Sequence[float]) -> bool:
    program = parse(text, variables=list(point))
    pieces = Clarke(program).pieces(point, 1.0, list(point))
    assert pieces is not None
    slack = [vectors.largest(pieces, at) / 2**24 for at in range(len(vector))]
    return vectors.is_refuted(vector, pieces, slack)


@pytest.mark.parametrize(("text", "point", "vector"), IMPOSSIBLE)
def test_what_is_no_subgradient_as_a_vector_is_refuted(
    text: str, point: dict[str, float], vector: tuple[float, ...]
) -> None:
    assert _is_refuted(text, point, vector)


@pytest.mark.parametrize(("text", "point", "vector"), POSSIBLE)
def test_no_subgradient_is_refuted(
    text: str, point: dict[str, float], vector: tuple[float, ...]
) -> None:
    assert not _is_refuted(text, point, vector)


@pytest.mark.parametrize(("text", "point", "vector"), UNKNOWN)
def test_nothing_is_said_of_what_is_not_known_to_be_piecewise_smooth(
    text: str, point: dict[str, float], vector: tuple[float, ...]
) -> None:
    assert Clarke(parse(text, variables=list(point))).pieces(point, 1.0, "xy") is None


# ── verdicts ──────────────────────────────────────────────────────────────────────────


def _kernel(
    text: str, names: Sequence[str], vector: Sequence[float]
) -> Callable[..., Any]:
    """PyTorch's own value of a formula with a fixed gradient."""
    scope = {"where": torch.where, "sqrt": torch.sqrt, "relu": torch.relu}
    scope |= {"abs": torch.abs, "max": torch.maximum, "min": torch.minimum}
    scope |= {"hypot": torch.hypot}

    class Kernel(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: torch.Tensor) -> torch.Tensor:
            found = eval(text, {}, scope | dict(zip(names, tensors, strict=True)))
            return found.clone()

        @staticmethod
        def backward(ctx: Any, upstream: torch.Tensor) -> Any:
            return tuple(upstream * number for number in vector)

    return Kernel.apply


JUDGED = [
    ("max(x, y)", ONES, (1, 1), (0.5, 0.5)),
    ("max(x, y)", ONES, (0, 0), (0, 1)),
    ("abs(x - y)", ONES, (1, 1), (0, 0)),
    ("sqrt(x**2 + y**2)", ORIGIN, (1, 1), (0, 0)),
    ("relu(1 - x*y)", {"x": 2.0, "y": 0.5}, (-0.5, 0), (-0.5, -2)),
    ("max(max(x, y), z)", dict.fromkeys("xyz", 1.0), (1, 1, 1), (0.25, 0.25, 0.5)),
    ("where(x > y, 2*x, x + y)", ONES, (1, 0), (1.5, 0.5)),
    ("hypot(x, y)", ORIGIN, (0.75, 0.75), (0.5, 0.75)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("upstream", [1, -2])
@pytest.mark.parametrize(("text", "point", "wrong", "right"), JUDGED)
def test_a_gradient_is_judged_as_a_vector(
    text: str,
    point: dict[str, float],
    wrong: tuple[float, ...],
    right: tuple[float, ...],
    upstream: int,
    dtype: str,
) -> None:
    for vector, verdict in ((wrong, "differ.convention"), (right, "match.subgradient")):
        kernel = _kernel(text, list(point), vector)
        run = verifier.check(
            kernel, expression=text, at=point, upstream=upstream, dtype=dtype,
            inputs=list(point),
        )  # fmt: skip
        found = run.results[0].counts
        assert found[verdict] == len(point), (vector, found)
        assert run.results[0].verdict == verdict


def test_the_message_says_what_the_set_is() -> None:
    kernel = _kernel("max(x, y)", "xy", (1, 1))
    run = verifier.check(kernel, expression="max(x, y)", at=ONES, dtype="float32")
    messages = [c.message for c in run.results[0].comparisons if c.wrt == ("x",)]
    assert messages == [
        "each could be one of a subgradient, but together they are none: "
        "outside the convex hull of (0, 1) and (1, 0)"
    ]


@pytest.mark.parametrize(
    ("subgradient", "vector", "verdict"),
    [
        (0, (0, 0), "match.subgradient"),
        (0, (0.5, 0.5), "differ.convention"),
        ("right", (1, 1), "match.subgradient"),
        ("left", (0, 0), "match.subgradient"),
        ("any", (1, 1), "differ.convention"),
        ("any", (1, 0), "match.subgradient"),
    ],
)
def test_a_demanded_convention_is_all_that_is_demanded(
    subgradient: Any, vector: tuple[float, ...], verdict: str
) -> None:
    run = verifier.check(
        _kernel("max(x, y)", "xy", vector),
        expression="max(x, y)",
        at=ONES,
        dtype="float32",
        subgradient=subgradient,
    )
    assert run.results[0].verdict == verdict


# PyTorch's own gradients at ties: derivatives.yaml and FunctionsManual.cpp of PyTorch
# 2.13.
OWN = [
    ("max(x, y)", ONES), ("min(x, y)", ONES), ("max(x, y, z)", dict.fromkeys("xyz", 1.0)),
    ("abs(x - y)", ONES), ("relu(1 - x*y)", {"x": 2.0, "y": 0.5}), ("clamp(x, y, 3)", ONES),
    ("max(x, y) - min(x, y)", ONES), ("fmax(x, y)", ONES), ("clamp_max(x, y)", ONES),
    ("abs(x) + abs(y) + max(x, y)", ORIGIN), ("leaky_relu(x - y, 0.1)", ONES),
    ("log(exp(max(x, y)) + 1)", ONES), ("max(x, y)**2*min(x, y)", {"x": 3.0, "y": 3.0}),
    ("abs(0.1*x - 0.1*y)", {"x": 7.0, "y": 7.0}), ("x*max(x/3, y/3)", {"x": 1.0, "y": 1.0}),
    ("where(x >= y, x**2, y**2)", {"x": 3.0, "y": 3.0}), ("hardtanh(x - y)", {"x": 2.0, "y": 1.0}),
    ("max(abs(x), abs(y), abs(z))", {"x": 1.5, "y": -1.5, "z": 1.5}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "point"), OWN)
def test_pytorchs_own_choice_is_a_subgradient(
    text: str, point: dict[str, float]
) -> None:
    for dtype in ("bfloat16", "float32", "float64"):
        for upstream in (1, -2, "1/3"):
            run = verifier.verify(text, at=point, dtype=dtype, upstream=upstream)
            assert run.ok, str(run)
            assert run.results[0].counts["match.subgradient"] >= 2
