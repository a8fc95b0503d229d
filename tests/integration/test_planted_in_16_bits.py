"""Planted faults that hide in rounding, against right kernels: what is found of them,
and by what else.

A sample by default; all 96 faults and 16 right kernels of each dtype with `pytest -m
slow`.
"""

from __future__ import annotations

import planted
import pytest

import verifier
from verifier.records import Result

SUBTLE = [
    ("tanh", "1 % for x < −2"),
    ("sigmoid", "× 1.001"),
    ("gelu", "1 % for x < −2"),
    ("softsign", "× 1.0001"),
]
GROSS = [
    ("silu", "term dropped"),
    ("mish", "sign turned below −1"),
    ("softplus", "upstream ignored"),
    ("gelu tanh", "half"),
    ("tanh", "wrong branch below −3"),
]


def verified(
    function: object, name: str, dtype: str, points: int | None = None
) -> Result:
    assert callable(function)
    run = verifier.check(
        function,
        expression=planted.ACTIVATIONS[name].expression,
        domain=planted.DOMAIN,
        dtype=dtype,
        inputs=["x"],
        points=points,
    )
    return run.results[0]


def is_accused(result: Result) -> bool:
    """Whether something else differs than digits that are lost, which PyTorch's own
    16-bit kernels do lose."""
    return any(
        verdict.startswith("differ.") and verdict != "differ.unstable"
        for verdict in result.counts
    )


@pytest.mark.parametrize(("name", "fault"), SUBTLE)
def test_what_hides_in_rounding_is_found_in_bfloat16(name: str, fault: str) -> None:
    result = verified(planted.wrong(name, fault), name, "bfloat16")
    assert result.verdict.value == "differ.biased", result.counts


@pytest.mark.parametrize(("name", "fault"), GROSS)
def test_what_is_larger_than_rounding_is_found_at_few_points(
    name: str, fault: str
) -> None:
    result = verified(planted.wrong(name, fault), name, "bfloat16", points=64)
    assert result.verdict.family == "differ", result.counts


@pytest.mark.parametrize("name", ["sigmoid", "gelu"])
def test_a_right_kernel_is_not_accused(name: str) -> None:
    result = verified(planted.right(name), name, "bfloat16")
    assert result.verdict.family == "match", result.counts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "least", "points"),
    [("bfloat16", 80, None), ("float16", 88, None), ("float32", 96, 64)],
)
def test_the_whole_table(dtype: str, least: int, points: int | None) -> None:
    """Of 96 faults, so many at the least are found; of the right kernels, none is
    accused."""
    found = [
        (name, fault)
        for name in planted.ACTIVATIONS
        for fault in planted.FAULTS
        if is_accused(verified(planted.wrong(name, fault), name, dtype, points))
    ]
    accused = [
        name
        for kernels in (map(planted.right, planted.ACTIVATIONS), planted.OWN.values())
        for name, kernel in zip(planted.ACTIVATIONS, kernels, strict=True)
        if is_accused(verified(kernel, name, dtype, points))
    ]
    assert accused == []
    assert len(found) >= least, sorted(set(_all()) - set(found))


def _all() -> list[tuple[str, str]]:
    return [(name, fault) for name in planted.ACTIVATIONS for fault in planted.FAULTS]
