"""Where memory, or a number, leaves what is recorded: for NumPy, a kernel, Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from verifier.automatic.recording.state import State

_METHODS = ("numpy", "__array__", "tolist", "__dlpack__", "data_ptr")


@contextmanager
def watched(state: State) -> Iterator[None]:
    """See to it that memory of known cells that is handed out is noticed."""

    def watching(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            if not state.is_busy and tensor.is_floating_point():
                state.hand_out(tensor, name)
            return method(tensor, *args, **kwargs)

        return call

    before = {name: torch.Tensor.__dict__.get(name) for name in _METHODS}
    try:
        for name in _METHODS:
            setattr(torch.Tensor, name, watching(name, getattr(torch.Tensor, name)))
        yield
    finally:
        for name, method in before.items():
            if method is None:
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, method)
