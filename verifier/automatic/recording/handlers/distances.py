"""Distances of all pairs of rows, and their backwards, as their kernels have them."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import composes

aten = torch.ops.aten


def _distance(difference: Any, p: float) -> Any:
    """Of the last axis."""
    size = difference.abs()
    if p == 0:
        return (difference != 0).to(difference.dtype).sum(-1)
    if p == 1:
        return size.sum(-1)
    if p == 2:
        return difference.square().sum(-1).sqrt()
    if p == float("inf"):
        at = size.argmax(-1, keepdim=True)
        return size.gather(-1, at).squeeze(-1)
    return (size**p).sum(-1) ** (1 / p)


def _slope(difference: Any, gradient: Any, distance: Any, p: float) -> Any:
    """The gradient of a distance by the first of its rows; 0 where the distance is."""
    gradient, distance = gradient.unsqueeze(-1), distance.unsqueeze(-1)
    nothing = torch.zeros_like(difference)
    if p == 0:
        return nothing
    if p == 1:
        return gradient * difference.sign()
    is_there = (distance != 0).expand(difference.shape)
    if p == float("inf"):
        is_largest = difference.abs() == distance
        return torch.where(is_largest, gradient * difference.sign(), nothing)
    safe = torch.where(distance != 0, distance, torch.ones_like(distance))
    if p == 2:
        slope = gradient * difference / safe
    else:
        # |d|^(p - 1) is 0 where d is, whatever p - 1 is.
        size = difference.abs()
        inner = torch.where(size != 0, size, torch.ones_like(size)) ** (p - 1)
        slope = difference.sign() * inner * gradient / safe ** (p - 1)
    return torch.where(is_there, slope, nothing)


@composes(aten._cdist_forward)
def _(x: Any, y: Any, p: float, mode: Any) -> Any:
    return _distance(x.unsqueeze(-2) - y.unsqueeze(-3), p)


@composes(aten._cdist_backward)
def _(gradient: Any, x: Any, y: Any, p: float, distance: Any) -> Any:
    difference = x.unsqueeze(-2) - y.unsqueeze(-3)
    return _slope(difference, gradient, distance, p).sum(-2)


def _pairs(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows, columns = torch.triu_indices(count, count, 1)
    return rows, columns


@composes(aten._pdist_forward)
def _(x: Any, p: float = 2) -> Any:
    rows, columns = _pairs(len(x))
    return _distance(x[rows] - x[columns], p)


@composes(aten._pdist_backward)
def _(gradient: Any, x: Any, p: float, distance: Any) -> Any:
    rows, columns = _pairs(len(x))
    slope = _slope(x[rows] - x[columns], gradient, distance, p)
    places = torch.cat([rows, columns])[:, None].expand(-1, x.shape[1])
    return torch.zeros_like(x).scatter_add(0, places, torch.cat([slope, -slope]))
