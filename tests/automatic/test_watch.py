"""What is compared bit by bit to see what a run changes."""

from __future__ import annotations

import pytest
import torch

from verifier.automatic.watch import bits


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5),
        torch.tensor(1.5).expand(1),
        torch.tensor(1.5).expand(3),
        torch.arange(6.0).reshape(2, 3).t(),
        torch.tensor([1.5, 0.0, 2.5])[::2],
        torch.tensor([1.5 + 2.5j]),
    ],
    ids=["scalar", "expanded to one", "expanded", "transposed", "strided", "complex"],
)
def test_the_bytes_of_a_tensor_are_those_of_its_numbers_however_it_lies(
    tensor: torch.Tensor,
) -> None:
    found = bits(tensor).numpy().tobytes()
    assert found == tensor.numpy().tobytes()


def test_the_bytes_tell_negative_zero_from_zero() -> None:
    assert not torch.equal(bits(torch.tensor(-0.0)), bits(torch.tensor(0.0)))
