"""What a callable does beside what it returns: what it changes in place, and gradients
of a wrong shape or dtype that its backward hands to PyTorch.

A kernel, or `.data`, goes past PyTorch's version counter, so copies are compared, bit
by bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

Tensor = torch.Tensor
Returned = tuple[str, ...]
"""What was wrong with a gradient that a backward returned, in words."""
MOST_NODES = 1_000
"""The most nodes of a graph that are searched for the user's own backwards."""


def bits(tensor: Tensor) -> Tensor:
    """The numbers as bytes, which tell -0 from 0 and find NaN equal to NaN; contiguous
    numbers are shared, not copied."""
    flat = tensor.detach().reshape(-1)
    # Not by `contiguous`, which leaves a single expanded number its stride 0, and so
    # its bytes cannot be viewed.
    if flat.stride(0) != 1 or flat.is_conj() or flat.is_neg():
        flat = flat.clone(memory_format=torch.contiguous_format)
    return (torch.view_as_real(flat) if flat.is_complex() else flat).view(torch.uint8)


class Watch:
    """Copies of tensors that a run is given, to see what it leaves of them."""

    def __init__(self, given: Mapping[str, Tensor]) -> None:
        self._given = [
            (name, tensor, bits(tensor).clone()) for name, tensor in given.items()
        ]
        self.changed: str | None = None

    def look(self, when: str) -> None:
        """Note the first tensor that is not as it was; `when` says after what."""
        if self.changed is None:
            self.changed = next(
                (
                    f"{name} was changed in place by the {when}"
                    for name, tensor, copy in self._given
                    if not torch.equal(bits(tensor), copy)
                ),
                None,
            )


def watch_backwards(output: Tensor) -> list[str]:
    """A list that fills as the custom backwards below the output run: of every gradient
    whose shape or dtype is not that of its input.

    PyTorch silently casts a gradient of another dtype and sums one of a larger shape,
    before any hook.
    """
    misfits: list[str] = []
    for node in _custom_nodes(output):
        node.apply = _WatchedBackward(node, misfits)
    return misfits


def _custom_nodes(output: Tensor) -> list[Any]:
    """The nodes of the graph that are `torch.autograd.Function`s."""
    waiting: list[Any] = [output.grad_fn]
    seen: set[Any] = set()
    while waiting and len(seen) < MOST_NODES:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [following for following, _ in node.next_functions]
    custom = torch.autograd.function.BackwardCFunction
    return [node for node in seen if isinstance(node, custom)]


class _WatchedBackward:
    """Takes the place of a node's `apply`, and compares the gradients that it returns
    with the tensors that they belong to."""

    def __init__(self, node: Any, misfits: list[str]) -> None:
        self._apply = node.apply
        self._name = type(node).__name__.removesuffix("Backward")
        self._expected = [_metadata(*edge) for edge in node.next_functions]
        self._misfits = misfits

    def __call__(self, *gradients: Any) -> Any:
        returned = self._apply(*gradients)
        each = returned if isinstance(returned, tuple) else (returned,)
        for place, (gradient, expected) in enumerate(
            zip(each, self._expected, strict=False)
        ):
            if not isinstance(gradient, Tensor) or expected is None:
                continue
            dtype, shape = expected
            where = f"the backward of {self._name} returned a gradient at place {place}"
            if tuple(gradient.shape) != shape:
                self._misfits.append(
                    f"{where} of shape {list(gradient.shape)} for an input of shape {list(shape)}"
                )
            elif dtype_name(gradient) != dtype:
                self._misfits.append(
                    f"{where} of {dtype_name(gradient)} for an input of {dtype}"
                )
        return returned


def _metadata(node: Any, place: int) -> tuple[str, tuple[int, ...]] | None:
    """The dtype and shape of the tensor at the end of an edge of the graph."""
    if node is None:
        return None
    known = getattr(node, "variable", None)
    if known is None:
        known = node._input_metadata[place]
    return dtype_name(known), tuple(known.shape)


def dtype_name(tensor: Any) -> str:
    """The name of a tensor's dtype, as a case says it."""
    return str(tensor.dtype).removeprefix("torch.")
