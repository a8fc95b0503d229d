"""What a caller from Python gives, beside the keys of a case: tensors and callables.

Imported by the doors: nothing heavy here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Given:
    """The arguments of a callable, and what it is held to."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    """Plain PyTorch of the same arguments, which says what it should compute."""
    backward: Callable[..., Any] | None = None
    """What its gradients are meant to be: of the upstream gradient, then the
    arguments."""
    upstream: Any = None
    """A tensor in the output's shape, or several; None where the case says it."""
    is_cast: bool = True
    """Whether the tensors are cast to the dtype, or stay in their own."""
