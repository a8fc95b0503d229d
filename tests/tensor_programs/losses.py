"""Losses: each reduction, weights, targets that are numbers or classes."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from tensor_programs.program import (
    bits,
    fixed,
    given,
    indices,
    layer,
    log_probabilities,
    named,
    normal,
    plain,
    positive,
    scaled,
    signs,
    simplex,
    unit,
)

REDUCTIONS = ("none", "sum", "mean")
SHAPE = (4, 5)

_ARGUMENTS = {
    "l1_loss": (normal(*SHAPE), normal(*SHAPE)),
    "mse_loss": (normal(*SHAPE), normal(*SHAPE)),
    "smooth_l1_loss": (normal(*SHAPE), normal(*SHAPE)),
    "huber_loss": (normal(*SHAPE), normal(*SHAPE)),
    "binary_cross_entropy": (unit(*SHAPE), fixed(unit(*SHAPE))),
    "binary_cross_entropy_with_logits": (normal(*SHAPE), fixed(unit(*SHAPE))),
    "kl_div": (log_probabilities(*SHAPE), simplex(*SHAPE)),
    "poisson_nll_loss": (normal(*SHAPE), fixed(positive(*SHAPE))),
    "gaussian_nll_loss": (normal(*SHAPE), normal(*SHAPE), positive(*SHAPE)),
    "cross_entropy": (normal(*SHAPE), indices(5, 4)),
    "nll_loss": (log_probabilities(*SHAPE), indices(5, 4)),
    "soft_margin_loss": (normal(*SHAPE), signs(*SHAPE)),
    "hinge_embedding_loss": (normal(*SHAPE), signs(*SHAPE)),
    "margin_ranking_loss": (normal(4), normal(4), signs(4)),
    "cosine_embedding_loss": (normal(*SHAPE), normal(*SHAPE), signs(4)),
    "triplet_margin_loss": (normal(*SHAPE), normal(*SHAPE), normal(*SHAPE)),
    "triplet_margin_with_distance_loss": (
        normal(*SHAPE),
        normal(*SHAPE),
        normal(*SHAPE),
    ),
    "multi_margin_loss": (normal(*SHAPE), indices(5, 4)),
    "multilabel_margin_loss": (
        normal(3, 4),
        given([3, 0, -1, 1], [1, 2, 0, -1], [-1, 0, 1, 2]),
    ),
    "multilabel_soft_margin_loss": (normal(*SHAPE), fixed(bits(*SHAPE))),
}

BY_REDUCTION = named(
    {
        f"{name} {reduction}": plain(
            partial(getattr(F, name), reduction=reduction),
            *arguments,
        )
        for name, arguments in _ARGUMENTS.items()
        for reduction in REDUCTIONS
    }
)

CLASSES = ("L1Loss MSELoss SmoothL1Loss HuberLoss BCEWithLogitsLoss").split()


def _ctc(reduction: str) -> object:
    return lambda scores: F.ctc_loss(
        scores.log_softmax(-1),
        torch.tensor([[1, 2, 2], [3, 1, 0]]),
        torch.tensor([6, 5]),
        torch.tensor([3, 2]),
        reduction=reduction,
    )


OTHERS = named(
    {
        **{
            name: layer(getattr(nn, name), normal(*SHAPE), fixed(unit(*SHAPE)))
            for name in CLASSES
        },
        "HuberLoss delta": layer(
            lambda: nn.HuberLoss(delta=0.7), normal(*SHAPE), normal(*SHAPE)
        ),
        "SmoothL1Loss beta": layer(
            lambda: nn.SmoothL1Loss(beta=0.3), normal(*SHAPE), normal(*SHAPE)
        ),
        "BCELoss weight": plain(
            lambda x, t, w: F.binary_cross_entropy(x, t, w),
            unit(*SHAPE),
            fixed(unit(*SHAPE)),
            fixed(positive(*SHAPE)),
        ),
        "BCEWithLogitsLoss pos_weight": plain(
            lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, pos_weight=w),
            normal(*SHAPE),
            fixed(unit(*SHAPE)),
            fixed(positive(5)),
        ),
        "CrossEntropyLoss weight, smoothing": plain(
            lambda x, t, w: F.cross_entropy(x, t, weight=w, label_smoothing=0.13),
            normal(*SHAPE),
            indices(5, 4),
            fixed(positive(5)),
        ),
        "CrossEntropyLoss ignore_index": layer(
            lambda: nn.CrossEntropyLoss(ignore_index=2),
            normal(*SHAPE),
            given(1, 2, 4, 0),
        ),
        "CrossEntropyLoss probabilities": layer(
            nn.CrossEntropyLoss, normal(*SHAPE), simplex(*SHAPE)
        ),
        "CrossEntropyLoss 2d": layer(
            nn.CrossEntropyLoss, normal(2, 3, 2, 2), indices(3, 2, 2, 2)
        ),
        "CrossEntropyLoss 300": layer(
            nn.CrossEntropyLoss, normal(300, 5), indices(5, 300)
        ),
        "NLLLoss weight": plain(
            lambda x, t, w: F.nll_loss(x, t, w),
            log_probabilities(*SHAPE),
            indices(5, 4),
            fixed(positive(5)),
        ),
        "NLLLoss 2d": layer(nn.NLLLoss, normal(2, 3, 2, 2), indices(3, 2, 2, 2)),
        "KLDivLoss log_target batchmean": layer(
            lambda: nn.KLDivLoss(reduction="batchmean", log_target=True),
            log_probabilities(*SHAPE),
            log_probabilities(*SHAPE),
        ),
        "PoissonNLLLoss full": layer(
            lambda: nn.PoissonNLLLoss(log_input=False, full=True),
            positive(*SHAPE),
            fixed(scaled(positive(*SHAPE), 1.9)),
        ),
        "GaussianNLLLoss full": layer(
            lambda: nn.GaussianNLLLoss(full=True),
            normal(*SHAPE),
            normal(*SHAPE),
            positive(4, 1),
        ),
        "MultiMarginLoss p 2, weight": plain(
            lambda x, t, w: F.multi_margin_loss(x, t, p=2, margin=0.7, weight=w),
            normal(*SHAPE),
            indices(5, 4),
            fixed(positive(5)),
        ),
        "TripletMarginLoss swap": layer(
            lambda: nn.TripletMarginLoss(margin=0.7, p=3, swap=True),
            normal(*SHAPE),
            normal(*SHAPE),
            normal(*SHAPE),
        ),
        "CTCLoss mean": plain(_ctc("mean"), normal(6, 2, 4)),
        "CTCLoss none": plain(_ctc("none"), normal(6, 2, 4)),
        "AdaptiveLogSoftmaxWithLoss": layer(
            lambda: nn.AdaptiveLogSoftmaxWithLoss(5, 8, [3, 5], div_value=1.5),
            normal(6, 5),
            given(0, 3, 7, 2, 5, 4),
        ),
        "LinearCrossEntropyLoss": layer(
            lambda: nn.LinearCrossEntropyLoss(4, 5, bias=True),
            normal(6, 4),
            indices(5, 6),
        ),
    }
)

PROGRAMS = (*BY_REDUCTION, *OTHERS)
