"""What the callers of `torch.autograd.gradcheck` expect of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.gradcheck import GradcheckError


def error(message: str) -> Exception:
    """The exception that a failed check raises."""
    found: Exception = GradcheckError(message)
    return found


def check_inputs(inputs: Sequence[Any]) -> None:
    """Raise `ValueError`, as PyTorch's own does, unless an input requires a gradient."""
    leaves = torch.utils._pytree.tree_leaves(tuple(inputs))
    if not any(isinstance(x, torch.Tensor) and x.requires_grad for x in leaves):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of the them have requires_grad=True."
        )
