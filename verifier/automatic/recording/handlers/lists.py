"""Operations on lists of tensors, each of which is the operation on a tensor, many
times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import composes

aten = torch.ops.aten

_ALIKE = (
    "abs acos add asin atan ceil clamp_max clamp_min clone cos cosh div erf erfc exp "
    "expm1 floor frac lerp lgamma log log10 log1p log2 max maximum minimum mul neg pow "
    "reciprocal round rsqrt sigmoid sign sin sinh sqrt sub tan tanh trunc"
).split()

_OTHERS: dict[str, Callable[..., Any]] = {
    "norm": torch.linalg.vector_norm,
    "zero": torch.zeros_like,
    "copy": lambda x, source, *rest: source.to(x.dtype),
    "addcmul": lambda x, y, z, value=1: x + value * (y * z),
    "addcdiv": lambda x, y, z, value=1: x + value * (y / z),
}


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    def composed(*args: Any, **kwargs: Any) -> list[Any]:
        given = (*args, *kwargs.values())
        lists = [a for a in given if isinstance(a, list | tuple)]

        def at(value: Any, index: int) -> Any:
            return value[index] if isinstance(value, list | tuple) else value

        return [
            function(
                *(at(value, index) for value in args),
                **{name: at(value, index) for name, value in kwargs.items()},
            )
            for index in range(len(lists[0]))
        ]

    return composed


for _name in _ALIKE:
    if hasattr(aten, f"_foreach_{_name}"):
        composes(getattr(aten, f"_foreach_{_name}"))(_each(getattr(torch, _name)))
for _name, _function in _OTHERS.items():
    if hasattr(aten, f"_foreach_{_name}"):
        composes(getattr(aten, f"_foreach_{_name}"))(_each(_function))
