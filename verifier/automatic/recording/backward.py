"""The backward of a program, as autograd runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

_REENTRANT = "CheckpointFunctionBackward"


def gradients(
    outputs: Sequence[torch.Tensor],
    inputs: Sequence[torch.Tensor],
    upstream: Sequence[torch.Tensor],
    *,
    create_graph: bool = False,
) -> list[torch.Tensor | None]:
    """What `torch.autograd.grad` gives, with None where nothing flows; where the graph
    has a checkpoint of the reentrant sort, which refuses that, what `backward` leaves
    in `grad`, which is then as it was."""
    nodes = list(_nodes(outputs))
    if not any(node.name() == _REENTRANT for node in nodes):
        found = torch.autograd.grad(
            outputs, inputs, upstream, allow_unused=True, create_graph=create_graph
        )
        return list(found)
    leaves = [node.variable for node in nodes if hasattr(node, "variable")]
    before = [(leaf, leaf.grad) for leaf in (*leaves, *inputs)]
    try:
        for leaf, _ in before:
            leaf.grad = None
        torch.autograd.backward(outputs, upstream, create_graph=create_graph)
        return [tensor.grad for tensor in inputs]
    finally:
        for leaf, gradient in before:
            leaf.grad = gradient


def _nodes(outputs: Sequence[torch.Tensor]) -> Iterator[Any]:
    """All nodes of the graph."""
    left: list[Any] = [tensor.grad_fn for tensor in outputs]
    met = set()
    while left:
        node = left.pop()
        if node is not None and node not in met:
            met.add(node)
            yield node
            left += [following for following, _ in node.next_functions]
