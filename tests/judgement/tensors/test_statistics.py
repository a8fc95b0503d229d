"""Scale and bulk on numbers whose scatter is known: sums of independent roundings and a
factor in common."""

from __future__ import annotations

import numpy as np
import pytest

from verifier.enclosures import Enclosures, Numbers, Samples
from verifier.floats import BFLOAT16, BINARY32
from verifier.judgement.tensors.statistics import (
    Statistic,
    judge_bulk,
    judge_scale,
)
from verifier.records import Verdict

COUNT = 4096


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def exact(true: Numbers) -> Enclosures:
    return Enclosures(true, np.zeros(true.shape), np.zeros(true.shape))


def noise(
    random: np.random.Generator, true: Numbers, sigma: float, common: float = 0.0
) -> Samples:
    """Relative errors, independent and in common."""
    shape = (16, *true.shape)
    relative = sigma * random.normal(size=shape)
    relative += common * random.normal(size=(16,) + (1,) * true.ndim)
    return Samples(deviations=true * relative, floor=np.abs(true) * sigma / 2)


def scale(measured: Numbers, true: Numbers, *samples: Samples) -> Statistic:
    found = judge_scale(measured, exact(true), *samples, BFLOAT16)
    assert found is not None
    return found


def test_a_factor_far_below_one_rounding_is_seen(random: np.random.Generator) -> None:
    true = random.normal(size=COUNT)
    samples = noise(random, true, 1e-3)
    errors = 1e-3 * random.normal(size=COUNT)
    right = scale(true * (1 + errors), true, samples, samples)
    assert right.verdict is Verdict.MATCH_ROUNDING
    assert right.score < 5
    found = scale(true * (1 + errors + 3e-4), true, samples, samples)
    assert found.verdict is Verdict.DIFFER_BIASED
    # By hand, of w = G/σ²: δ · √Σ(G/σ)² = 3e-4 · √4096 / 1e-3 = 19.2.
    assert found.score == pytest.approx(19.2, rel=0.5)
    assert found.delta == pytest.approx(3e-4, rel=0.3)
    assert "a statistic" in found.message


def test_a_factor_that_the_samples_share_is_no_bias(
    random: np.random.Generator,
) -> None:
    true = random.normal(size=COUNT)
    samples = noise(random, true, 1e-3, common=1e-3)
    assert scale(true * 1.002, true, samples, samples).verdict is Verdict.MATCH_ROUNDING


def test_what_the_wider_model_explains_is_inaccurate(
    random: np.random.Generator,
) -> None:
    true = random.normal(size=COUNT)
    within, everywhere = noise(random, true, 1e-4), noise(random, true, 1e-4, 1e-2)
    found = scale(true * 1.002, true, within, everywhere)
    assert found.verdict is Verdict.DIFFER_INACCURATE
    bulk = judge_bulk(true * 1.002, exact(true), within, everywhere, BFLOAT16)
    assert bulk is not None
    assert bulk.verdict is Verdict.DIFFER_INACCURATE


def test_the_bulk_is_not_the_largest(random: np.random.Generator) -> None:
    true = random.normal(size=COUNT)
    samples = noise(random, true, 1e-3)
    flipped = true.copy()
    flipped[: COUNT // 20] *= -1
    few = judge_bulk(flipped, exact(true), samples, samples, BFLOAT16)
    assert few is not None
    assert few.verdict is Verdict.MATCH_ROUNDING
    flipped[: COUNT // 5] = 2 * true[: COUNT // 5]
    many = judge_bulk(flipped, exact(true), samples, samples, BFLOAT16)
    assert many is not None
    assert many.verdict is Verdict.DIFFER_BIASED


def test_few_entries_and_zeros_say_nothing(random: np.random.Generator) -> None:
    true = np.concatenate([random.normal(size=9), np.zeros(100)])
    samples = noise(random, true, 1e-3)
    assert judge_scale(true, exact(true), samples, samples, BINARY32) is None
    assert judge_bulk(true, exact(true), samples, samples, BINARY32) is None


def test_numbers_that_are_not_rounded_at_all(random: np.random.Generator) -> None:
    """No scatter: what is right scores 0, what is not without bound."""
    true = random.normal(size=64)
    still = Samples(deviations=np.zeros((16, 64)), floor=np.zeros(64))
    assert scale(true, true, still, still).score == 0
    assert scale(true * 2, true, still, still).score == np.inf
