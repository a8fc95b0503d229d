"""No alarm on correct layers of PyTorch, in their own dtypes, but for what is known."""

from __future__ import annotations

import pytest
from tensor_checks import check
from tensor_layers import LAYERS, draw

from verifier.automatic.recording.errors import RecordingError
from verifier.records import Verdict

KNOWN = {
    *(("layer_norm", dtype, "b") for dtype in ("bfloat16", "float16")),
    *(("conv2d", dtype, "weight") for dtype in ("bfloat16", "float16")),
}
"""What is added up in 16 bits on a CPU: F.layer_norm's bias gradient over its rows, and
F.conv2d's weight gradient over the batch (of two: the first is rounded, then the sum of
both, bit by bit as computed by hand)."""


def examine(name: str, dtype: str, seed: int) -> None:
    tensors, upstream = draw(name, seed)
    try:
        found = check(LAYERS[name][0], tensors, upstream, dtype)
    except RecordingError as error:
        pytest.skip(str(error))
    for key, checked in found.items():
        if (name, dtype, key) in KNOWN:
            continue
        assert not checked.verdicts, (key, checked.entries.counts())
        for statistic in (checked.scale, checked.bulk):
            assert statistic is None or statistic.score < 6, (key, statistic)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_no_alarm(name: str, dtype: str) -> None:
    examine(name, dtype, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float16", "float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_no_alarm_at_other_draws(name: str, dtype: str, seed: int) -> None:
    examine(name, dtype, seed)


def test_a_bias_gradient_that_is_added_up_in_16_bits_comes_out() -> None:
    """256 for 1,024 on one thread, 512 on two."""
    import torch
    from torch.nn import functional as F

    tensors = {
        "x": torch.randn(1024, 16, dtype=torch.float64),
        "w": torch.ones(16, dtype=torch.float64),
        "b": torch.zeros(16, dtype=torch.float64),
    }
    found = check(
        lambda x, w, b: F.layer_norm(x, (16,), w, b),
        tensors,
        torch.ones(1024, 16, dtype=torch.float64),
        "bfloat16",
    )
    assert found["b"].entries.worst is Verdict.DIFFER_WRONG
    assert (found["b"].true.high == 1024).all()
