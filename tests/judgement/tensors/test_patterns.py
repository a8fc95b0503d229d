"""Patterns over the entries of faults that are planted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from verifier.enclosures import Numbers
from verifier.floats import BFLOAT16, BINARY32, BINARY64
from verifier.judgement.tensors.patterns import Surroundings, describe
from verifier.rounded import nearest

RANDOM = np.random.default_rng(3)
SQUARE = RANDOM.normal(size=(8, 8))
WIDE = RANDOM.normal(size=(6, 32))


def noisy(numbers: Numbers) -> Numbers:
    """As float32 gives them, a rounding or two away."""
    return nearest(
        numbers * (1 + 2.0**-24 * RANDOM.normal(size=numbers.shape)), BINARY32
    )


@pytest.mark.parametrize(
    ("measured", "true", "words"),
    [
        (-SQUARE, SQUARE, "the sign is turned at all 64 of 64 entries"),
        (2 * WIDE, WIDE, "twice the true one"),
        (32 * WIDE, WIDE, "the size of axis 1: a mean is missing"),
        (WIDE / 192, WIDE, "the size of all entries: a mean for a sum"),
        (WIDE * 32 / 31, WIDE, "n − 1 for n of axis 1"),
        (1.25 * WIDE, WIDE, "measured / true = 1.25"),
        (SQUARE.T, SQUARE, "the true one transposed"),
        (WIDE[:, ::-1], WIDE, "axis 1 turned round"),
        (0 * WIDE, WIDE, "it is 0 at all 192 entries"),
        (WIDE + 3, WIDE, "measured − true is one number along each row"),
    ],
)
def test_patterns_of_one_tensor(measured: Numbers, true: Numbers, words: str) -> None:
    assert words in (describe(noisy(measured), true, BINARY32) or "")


def test_right_numbers_have_no_pattern() -> None:
    assert describe(noisy(WIDE), WIDE, BINARY32) is None
    assert describe(nearest(WIDE, BFLOAT16), WIDE, BFLOAT16) is None


def test_another_gradient() -> None:
    other = RANDOM.normal(size=(6, 32))
    around = Surroundings(others={"k": other})
    found = describe(noisy(other), WIDE, BINARY32, surroundings=around)
    assert (found or "").startswith("it is the gradient by k at all 192")
    ones = Surroundings(alternatives={"the upstream gradient is taken for ones": other})
    found = describe(noisy(other), WIDE, BINARY32, surroundings=ones)
    assert (found or "").startswith("the upstream gradient is taken for ones at all")


def test_a_missing_projection() -> None:
    """Softmax without Σ y·g: y·g instead of y·(g − Σ y·g)."""
    y = np.exp(WIDE) / np.exp(WIDE).sum(axis=-1, keepdims=True)
    g = RANDOM.normal(size=(6, 32))
    true = y * (g - (y * g).sum(axis=-1, keepdims=True))
    around = Surroundings(outputs={"output": y}, upstream={"output": g})
    found = describe(noisy(y * g), true, BINARY32, surroundings=around)
    assert "proportional to output along each row" in (found or "")


def test_both_terms_of_a_layer_norm() -> None:
    """g without its mean and without its projection on x̂, which is affine in x."""
    mean, deviation = (
        WIDE.mean(axis=-1, keepdims=True),
        WIDE.std(axis=-1, keepdims=True),
    )
    hat = (WIDE - mean) / deviation
    g = RANDOM.normal(size=(6, 32))
    means = (g.mean(axis=-1, keepdims=True), (g * hat).mean(axis=-1, keepdims=True))
    true = (g - means[0] - hat * means[1]) / deviation
    around = Surroundings(inputs={"x": WIDE}, upstream={"output": g})
    found = describe(noisy(g / deviation), true, BINARY32, surroundings=around)
    assert "a + b · x along each row" in (found or "")


def test_a_forgotten_one_hot_vector() -> None:
    p = np.exp(WIDE) / np.exp(WIDE).sum(axis=-1, keepdims=True)
    one_hot = np.eye(32)[RANDOM.integers(0, 32, 6)]
    found = describe(noisy(p), p - one_hot, BINARY32)
    assert "one entry a row differs, by 1, in 6 of 6 rows" in (found or "")


def test_a_bias_that_was_not_summed() -> None:
    upstream = RANDOM.normal(size=(5, 32))
    around = Surroundings(upstream={"output": upstream})
    found = describe(
        noisy(upstream[0]), upstream.sum(axis=0), BINARY32, surroundings=around
    )
    assert "the first slice of the upstream gradient" in (found or "")


def test_a_tail_and_a_block() -> None:
    tail = np.where(WIDE > 1, WIDE * 1.1, WIDE)
    found = describe(
        noisy(tail), WIDE, BINARY32, surroundings=Surroundings(inputs={"x": WIDE})
    )
    least = WIDE[WIDE > 1].min()
    assert f"all where x ≥ {least:.6g}, none below" in (found or "")
    block = WIDE.copy()
    block[:, 24:] = RANDOM.normal(size=(6, 8))
    found = describe(noisy(block), WIDE, BINARY32)
    assert "all from index 24 of axis 1 on (of 32)" in (found or "")


def test_a_factor_that_rounding_may_make_is_no_pattern() -> None:
    true = np.linspace(1.0, 2.0, 12)
    # Up to three ulps off, all to one side: near any factor close to 1.
    ulps = np.array([1, 3, 2, 1, 3, 1, 2, 3, 1, 2, 1, 3])
    measured = true * (1 + ulps * 2.0**-8)
    differs = np.ones(12, dtype=bool)
    assert describe(measured, true, BFLOAT16, differs=differs) is None


def test_a_factor_near_one_is_told_with_its_digits() -> None:
    true = np.linspace(1.0, 2.0, 12)
    found = describe(true * (1 + 2.98e-8), true, BINARY64)
    assert found is not None
    assert "measured / true = 1.0000000298" in found


def test_where_one_entry_stands_is_no_pattern() -> None:
    true = np.ones(6)
    measured = true.copy()
    measured[5] = 2.0
    assert describe(measured, true, BINARY64) is None
