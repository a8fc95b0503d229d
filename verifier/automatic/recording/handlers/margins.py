"""Losses with margins, and other backwards that PyTorch's table of decompositions lacks
or has wrong."""

from __future__ import annotations

from typing import Any

import torch

from verifier.automatic.recording.handlers.registry import composes

aten = torch.ops.aten

NONE, MEAN, SUM = range(3)


def _reduced(losses: Any, reduction: int) -> Any:
    if reduction == MEAN:
        return losses.sum() / losses.numel()
    return losses.sum() if reduction == SUM else losses


def _spread(gradient: Any, count: int, reduction: int) -> Any:
    """The gradient of each of the losses."""
    if reduction == MEAN:
        gradient = gradient / count
    return (
        gradient.reshape(-1).expand(count)
        if reduction != NONE
        else gradient.reshape(-1)
    )


def _margins(x: Any, target: Any, margin: Any) -> tuple[Any, Any]:
    """margin − x[y] + x[k], and whether k is another class than y with a loss."""
    gaps = margin - x.gather(1, target[:, None]) + x
    is_other = torch.arange(x.shape[1]) != target[:, None]
    return gaps, (gaps > 0) & is_other


@composes(aten.multi_margin_loss)
def _(
    x: Any,
    target: Any,
    p: Any = 1,
    margin: Any = 1,
    weight: Any = None,
    reduction: int = MEAN,
) -> Any:
    shape = target.shape
    x, target = x.reshape(-1, x.shape[-1]), target.reshape(-1)
    gaps, is_lost = _margins(x, target, margin)
    losses = gaps if p == 1 else gaps.square()
    if weight is not None:
        losses = losses * weight[target][:, None]
    losses = torch.where(is_lost, losses, torch.zeros_like(losses))
    each = losses.sum(1) / x.shape[1]
    return _reduced(each.reshape(shape), reduction)


@composes(aten.multi_margin_loss_backward)
def _(
    gradient: Any,
    x: Any,
    target: Any,
    p: Any,
    margin: Any,
    weight: Any = None,
    reduction: int = MEAN,
) -> Any:
    shape = x.shape
    x, target = x.reshape(-1, shape[-1]), target.reshape(-1)
    gaps, is_lost = _margins(x, target, margin)
    slopes = (torch.ones_like(gaps) if p == 1 else 2 * gaps) / x.shape[1]
    if weight is not None:
        slopes = slopes * weight[target][:, None]
    slopes = slopes * _spread(gradient, len(target), reduction)[:, None]
    slopes = torch.where(is_lost, slopes, torch.zeros_like(slopes))
    whole = slopes.scatter_add(1, target[:, None], -slopes.sum(1, keepdim=True))
    return whole.reshape(shape)


def _labels(target: Any) -> Any:
    """Which of the targets come before the first −1."""
    return (target < 0).cumsum(-1) == 0


def _label_gaps(x: Any, target: Any, is_target: Any) -> tuple[Any, Any]:
    """1 − x[y] + x[k] by row, y and k; and whether that counts."""
    safe = torch.where(target < 0, 0, target)
    is_label = _labels(target)
    gaps = 1 - x.gather(1, safe)[:, :, None] + x[:, None, :]
    is_lost = (gaps > 0) & is_label[:, :, None] & (is_target == 0)[:, None, :]
    return gaps, is_lost


def _is_target(x: Any, target: Any) -> Any:
    safe = torch.where(target < 0, 0, target)
    marks = torch.zeros(x.shape, dtype=torch.int64)
    return marks.scatter_reduce(1, safe, _labels(target).to(torch.int64), "amax")


@composes(aten.multilabel_margin_loss_forward)
def _(x: Any, target: Any, reduction: int) -> Any:
    shape = x.shape
    x, labels = x.reshape(-1, shape[-1]), target.reshape(-1, shape[-1])
    marks = _is_target(x, labels)
    gaps, is_lost = _label_gaps(x, labels, marks)
    losses = torch.where(is_lost, gaps, torch.zeros_like(gaps))
    each = losses.sum((1, 2)) / shape[-1]
    kept = marks.to(x.dtype).reshape(target.shape)
    return _reduced(each.reshape(shape[:-1]), reduction), kept


@composes(aten.multilabel_margin_loss_backward)
def _(gradient: Any, x: Any, target: Any, reduction: int, is_target: Any) -> Any:
    shape = x.shape
    x, labels = x.reshape(-1, shape[-1]), target.reshape(-1, shape[-1])
    marks = is_target.detach().reshape(x.shape) != 0
    _, is_lost = _label_gaps(x, labels, marks.to(torch.int64))
    each = _spread(gradient, len(x), reduction)[:, None, None] / shape[-1]
    slopes = torch.where(is_lost, each, torch.zeros_like(each))
    safe = torch.where(labels < 0, 0, labels)
    whole = slopes.sum(1).scatter_add(1, safe, -slopes.sum(2))
    return whole.reshape(shape)


@composes(aten.hardshrink_backward, aten.softshrink_backward)
def _(gradient: Any, x: Any, lambd: Any) -> Any:
    is_within = (x >= -lambd) & (x <= lambd)
    return torch.where(is_within, torch.zeros_like(gradient), gradient)


@composes(aten._weight_norm_interface_backward)
def _(gradient: Any, v: Any, g: Any, norms: Any, dim: int) -> Any:
    axes = [axis for axis in range(v.dim()) if axis != dim % v.dim()]
    product = (gradient * v).sum(axes, keepdim=True)
    by_v = g / norms * (gradient - v * (product / norms.square()))
    return by_v, product / norms
