"""What a handler gets for a tensor, and how numbers reach NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from verifier.language.cells import Cells, Values


@dataclass(slots=True, eq=False)
class Operand:
    """A tensor of floating-point numbers that an operation reads."""

    cells: Cells
    """In its shape; may be a view of what changes later, and is never written to."""
    values: torch.Tensor
    """Its numbers, in float64."""
    dtype: torch.dtype
    """The dtype that it has."""
    is_as_read: bool = False
    """Whether these are the cells that its memory has."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.cells.shape

    @property
    def dim(self) -> int:
        """How many axes it has."""
        return self.cells.ndim


def float64_of(numbers: Any) -> Values:
    """Numbers, or a tensor of them, as a float64 array; its own memory where it has
    that dtype already."""
    if isinstance(numbers, torch.Tensor):
        if numbers.dtype != torch.float64:
            numbers = numbers.detach().to(torch.float64)
        array: Values = numbers.detach().numpy()
        return array
    return np.asarray(numbers, np.float64)


def name_of(dtype: torch.dtype) -> str:
    """A dtype's name, as formats are called."""
    return str(dtype).removeprefix("torch.")


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """Arguments with each part replaced."""
    if isinstance(value, tuple | list):
        return type(value)([mapped(function, part) for part in value])
    return function(value)


def tensor_of(cells: Cells) -> torch.Tensor:
    """Cells as a tensor, for what is run on their numbers."""
    is_turned = any(stride < 0 for stride in cells.strides)  # an axis of one element
    plain = cells.flags.writeable and not is_turned
    return torch.from_numpy(cells if plain else cells.copy())
