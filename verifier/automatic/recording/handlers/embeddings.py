"""Bags of embeddings: sums, means and largest of the rows of a table."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import composes

aten = torch.ops.aten

SUM, MEAN, MAX = range(3)


def _bags(indices: Any, offsets: Any, include_last: bool) -> tuple[Any, int]:
    """The bag of each index, and how many there are."""
    count = len(offsets) - (1 if include_last else 0)
    places = torch.arange(len(indices))
    return torch.bucketize(places, offsets[:count], right=True) - 1, count


def _is_counted(indices: Any, padding: int) -> Any:
    return (
        indices != padding
        if padding >= 0
        else torch.ones_like(indices, dtype=torch.bool)
    )


def _sums(rows: Any, bags: Any, count: int) -> Any:
    at = bags[:, None].expand(-1, rows.shape[1])
    return rows.new_zeros(count, rows.shape[1]).scatter_add(0, at, rows)


@composes(aten._embedding_bag, aten._embedding_bag_forward_only)
def _(
    weight: Any,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int = -1,
) -> Any:
    bags, count = _bags(indices, offsets, include_last_offset)
    is_counted = _is_counted(indices, padding_idx)
    bags, chosen = bags[is_counted], indices[is_counted]
    sizes = torch.bincount(bags, minlength=count)
    if mode == MAX:
        return _largest(weight, chosen, bags, count), bags, sizes, sizes
    rows = weight[chosen]
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[is_counted][:, None]
    total = _sums(rows, bags, count)
    if mode == MEAN:
        total = total / sizes.clamp(min=1)[:, None]
    return total, bags, sizes, sizes


def _largest(weight: Any, chosen: Any, bags: Any, count: int) -> Any:
    outputs = []
    for bag in range(count):
        rows = weight[chosen[bags == bag]]
        if len(rows):
            outputs.append(rows.max(0).values)
        else:
            outputs.append(weight.new_zeros(weight.shape[1]))
    return torch.stack(outputs)


@composes(aten._embedding_bag_backward)
def _(
    gradient: Any,
    indices: Any,
    offsets: Any,
    bags: Any,
    sizes: Any,
    largest: Any,
    rows: int,
    by_frequency: bool,
    mode: int,
    sparse: bool,
    weights: Any,
    padding: int = -1,
) -> Any:
    if len(bags) != len(indices):  # the kernel makes them where they are not there
        bags, _ = _bags(indices, offsets, len(offsets) > len(gradient))
    rest = largest, rows, by_frequency, mode, weights, padding
    return _dense_backward(gradient, indices, bags, sizes, *rest)


@composes(aten._embedding_bag_dense_backward)
def _dense_backward(
    gradient: Any,
    indices: Any,
    bags: Any,
    sizes: Any,
    largest: Any,
    rows: int,
    by_frequency: bool,
    mode: int,
    weights: Any,
    padding: int = -1,
) -> Any:
    if mode == MAX:
        return _largest_backward(gradient, largest, sizes, rows)
    each = gradient[bags]
    if mode == MEAN:
        each = each / sizes[bags].clamp(min=1)[:, None]
    if weights is not None:
        each = each * weights[:, None]
    if by_frequency:
        each = each / torch.bincount(indices, minlength=rows)[indices][:, None]
    is_counted = _is_counted(indices, padding)
    return _sums(each[is_counted], indices[is_counted], rows)


def _largest_backward(gradient: Any, largest: Any, sizes: Any, rows: int) -> Any:
    is_there = (sizes > 0)[:, None].expand(largest.shape)
    zeros = gradient.new_zeros(rows, gradient.shape[1])
    each = torch.where(is_there, gradient, torch.zeros_like(gradient))
    return zeros.scatter_add(0, torch.where(is_there, largest, 0), each)


@composes(aten._embedding_bag_per_sample_weights_backward)
def _(
    gradient: Any,
    weight: Any,
    indices: Any,
    offsets: Any,
    bags: Any,
    mode: int,
    padding_idx: int = -1,
) -> Any:
    if len(bags) != len(indices):
        bags, _ = _bags(indices, offsets, len(offsets) > len(gradient))
    products = (gradient[bags] * weight[indices]).sum(-1)
    nothing = torch.zeros_like(products)
    return torch.where(_is_counted(indices, padding_idx), products, nothing)
