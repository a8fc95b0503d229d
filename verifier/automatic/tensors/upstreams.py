"""Upstream gradients of tensors, in the shape and dtype of what a call returns.

| word             | what it is                                                                        |
|------------------|-----------------------------------------------------------------------------------|
| `random`         | of either sign, normal, rounded to the dtype                                      |
| `ones`           | 1 everywhere, as `sum().backward()` has it                                        |
| `zeros`          | 0 everywhere                                                                      |
| `expanded`       | one number with stride 0, as the gradient of a sum is                             |
| `noncontiguous`  | that of `random`, every second element of a larger tensor                         |
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch

from verifier.errors import UsageError, did_you_mean, listed
from verifier.language.casefile.tensor_case import UPSTREAM_WORDS

Tensor = torch.Tensor
Upstream = Mapping[str, Tensor]
"""By output."""


def generator(seed: int, key: str) -> torch.Generator:
    """The source of the random numbers of one name."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def upstream(outputs: Mapping[str, Tensor], word: str, seed: int) -> dict[str, Tensor]:
    """The upstream gradient that a word means, for outputs of these shapes and dtypes."""
    return {name: _of(tensor, word, seed, name) for name, tensor in outputs.items()}


def _of(output: Tensor, word: str, seed: int, name: str) -> Tensor:
    options = {"dtype": output.dtype, "device": output.device}
    if word == "ones":
        return torch.ones(output.shape, **options)  # type: ignore[call-overload, no-any-return]
    if word == "zeros":
        return torch.zeros(output.shape, **options)  # type: ignore[call-overload, no-any-return]
    source = generator(seed, f"upstream {name}")
    if word == "expanded":
        one = torch.randn((), generator=source, dtype=torch.float64)
        return one.to(**options).expand(output.shape)  # type: ignore[call-overload, no-any-return]
    drawn = torch.randn(output.shape, generator=source, dtype=torch.float64)
    drawn = drawn.to(**options)  # type: ignore[call-overload]
    return _apart(drawn) if word == "noncontiguous" else drawn


def _apart(tensor: Tensor) -> Tensor:
    """The same numbers as every second element of a larger tensor, NaN between, and its
    dimensions in reverse order in memory: there is no view of it in another shape."""
    if not tensor.dim():
        return tensor
    order = tuple(reversed(range(tensor.dim())))
    tensor = tensor.permute(order)
    wide = torch.full((*tensor.shape, 2), torch.nan, dtype=tensor.dtype)
    wide = wide.to(tensor.device)
    wide[..., 0] = tensor
    return wide[..., 0].permute(order)


def check_word(word: str) -> str:
    """The word, once it is one of those above."""
    if word in UPSTREAM_WORDS:
        return word
    raise UsageError(
        f"upstream: expected a tensor in the output's shape, or one of {listed(UPSTREAM_WORDS)}, found `{word}`."
        f"{did_you_mean(word, UPSTREAM_WORDS)}"
    )


def given(outputs: Mapping[str, Tensor], value: object) -> dict[str, Tensor]:
    """The upstream gradient that a user gave: a tensor, or one for each output."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if isinstance(value, Mapping):
        values = [value.get(name) for name in outputs]
    if len(values) != len(outputs):
        raise UsageError(
            f"upstream: expected one tensor for each of {listed(outputs)}, found {len(values)}."
        )
    return {
        name: _checked(name, output, one)
        for (name, output), one in zip(outputs.items(), values, strict=True)
    }


def _checked(name: str, output: Tensor, one: object) -> Tensor:
    if not isinstance(one, Tensor):
        one = torch.as_tensor(one, dtype=output.dtype).expand(output.shape)
    if one.shape != output.shape:
        raise UsageError(
            f"upstream: expected a tensor of shape {list(output.shape)}, as `{name}` is, "
            f"found one of {list(one.shape)}."
        )
    return one.detach().to(dtype=output.dtype, device=output.device)
