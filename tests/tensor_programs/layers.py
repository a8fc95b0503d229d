"""Linear layers, convolutions, norms, pools, padding, dropout, embeddings."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

from tensor_programs.program import (
    evaluated,
    fixed,
    given,
    indices,
    layer,
    named,
    normal,
    orders,
    plain,
    scaled,
    unit,
)

LINEAR = named(
    {
        "Linear": layer(lambda: nn.Linear(5, 3), normal(4, 5)),
        "Linear 300 rows": layer(lambda: nn.Linear(3, 2), normal(300, 3)),
        "Linear 3d, no bias": layer(
            lambda: nn.Linear(5, 3, bias=False), normal(2, 3, 5)
        ),
        "Bilinear": layer(lambda: nn.Bilinear(3, 4, 2), normal(5, 3), normal(5, 4)),
        "Identity": layer(nn.Identity, normal(3, 4)),
        "Flatten": layer(nn.Flatten, normal(2, 3, 2)),
        "Unflatten": layer(lambda: nn.Unflatten(1, (2, 3)), normal(2, 6)),
        "CosineSimilarity": layer(nn.CosineSimilarity, normal(3, 5), normal(3, 5)),
        "PairwiseDistance": layer(nn.PairwiseDistance, normal(3, 5), normal(3, 5)),
        "PairwiseDistance 3": layer(
            lambda: nn.PairwiseDistance(3.0), normal(3, 5), normal(3, 5)
        ),
        "Sequential MLP": layer(
            lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)),
            normal(4, 6),
        ),
    }
)

CONVOLUTIONS = named(
    {
        "Conv1d": layer(lambda: nn.Conv1d(3, 4, 3), normal(2, 3, 8)),
        "Conv1d circular": layer(
            lambda: nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular"),
            normal(2, 2, 6),
        ),
        "Conv1d causal depthwise": layer(
            lambda: nn.Conv1d(3, 3, 3, padding=2, groups=3), normal(2, 3, 6)
        ),
        "Conv2d": layer(lambda: nn.Conv2d(2, 3, 3, padding=1), normal(2, 2, 5, 5)),
        "Conv2d stride, dilation": layer(
            lambda: nn.Conv2d(2, 4, 3, stride=2, dilation=2, padding=2, groups=2),
            normal(2, 2, 7, 7),
        ),
        "Conv2d reflect": layer(
            lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"),
            normal(1, 2, 4, 5),
        ),
        "Conv2d same": layer(
            lambda: nn.Conv2d(2, 2, (3, 2), padding="same"), normal(1, 2, 4, 5)
        ),
        "Conv2d 1x1": layer(lambda: nn.Conv2d(4, 3, 1, bias=False), normal(2, 4, 3, 3)),
        "Conv3d": layer(lambda: nn.Conv3d(2, 2, 2), normal(1, 2, 3, 4, 3)),
        "ConvTranspose1d": layer(
            lambda: nn.ConvTranspose1d(2, 3, 3, stride=2), normal(2, 2, 5)
        ),
        "ConvTranspose2d": layer(
            lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1),
            normal(1, 2, 3, 4),
        ),
        "ConvTranspose2d groups": layer(
            lambda: nn.ConvTranspose2d(4, 2, 2, groups=2, dilation=2),
            normal(1, 4, 3, 3),
        ),
        "ConvTranspose3d": layer(
            lambda: nn.ConvTranspose3d(2, 1, 2, stride=2), normal(1, 2, 2, 2, 3)
        ),
        "LazyConv2d": plain(
            lambda x, w: F.conv2d(x, w, stride=(2, 1)),
            normal(3, 5, 4),
            normal(2, 3, 2, 2),
        ),
        "conv_tbc": plain(F.conv_tbc, normal(6, 2, 3), normal(3, 3, 4), normal(4)),
        "Unfold": layer(
            lambda: nn.Unfold((2, 3), dilation=1, padding=1, stride=2),
            normal(2, 2, 5, 6),
        ),
        "Fold": layer(lambda: nn.Fold((4, 5), (2, 3), stride=1), normal(2, 12, 9)),
    }
)

NORMS = named(
    {
        "LayerNorm": layer(lambda: nn.LayerNorm(7), normal(5, 7)),
        "LayerNorm 300 rows": layer(lambda: nn.LayerNorm(6), normal(300, 6)),
        "LayerNorm 2d": layer(lambda: nn.LayerNorm((3, 4)), normal(2, 3, 4)),
        "LayerNorm plain": layer(
            lambda: nn.LayerNorm(6, elementwise_affine=False), normal(3, 6)
        ),
        "RMSNorm": layer(lambda: nn.RMSNorm(7), normal(5, 7)),
        "RMSNorm eps": layer(lambda: nn.RMSNorm(7, eps=1e-3), normal(5, 7)),
        "GroupNorm": layer(lambda: nn.GroupNorm(2, 4), normal(3, 4, 5)),
        "GroupNorm 2d": layer(lambda: nn.GroupNorm(3, 6), normal(2, 6, 3, 2)),
        "BatchNorm1d": layer(lambda: nn.BatchNorm1d(4), normal(8, 4)),
        "BatchNorm1d 3d": layer(lambda: nn.BatchNorm1d(3), normal(4, 3, 5)),
        "BatchNorm1d eval": evaluated(lambda: nn.BatchNorm1d(4), normal(6, 4)),
        "BatchNorm1d no stats": layer(
            lambda: nn.BatchNorm1d(4, track_running_stats=False), normal(6, 4)
        ),
        "BatchNorm2d": layer(lambda: nn.BatchNorm2d(3), normal(2, 3, 3, 4)),
        "BatchNorm2d eval": evaluated(lambda: nn.BatchNorm2d(3), normal(2, 3, 3, 4)),
        "BatchNorm3d": layer(
            lambda: nn.BatchNorm3d(2, affine=False), normal(2, 2, 2, 3, 2)
        ),
        "InstanceNorm1d": layer(
            lambda: nn.InstanceNorm1d(3, affine=True), normal(2, 3, 6)
        ),
        "InstanceNorm2d": layer(lambda: nn.InstanceNorm2d(3), normal(2, 3, 3, 4)),
        "InstanceNorm2d stats": evaluated(
            lambda: nn.InstanceNorm2d(3, track_running_stats=True), normal(2, 3, 3, 4)
        ),
        "InstanceNorm3d": layer(lambda: nn.InstanceNorm3d(2), normal(2, 2, 2, 2, 3)),
        "LocalResponseNorm": layer(lambda: nn.LocalResponseNorm(3), normal(2, 5, 4)),
        "CrossMapLRN2d": layer(lambda: nn.CrossMapLRN2d(3), normal(2, 5, 2, 2)),
        "normalize": plain(F.normalize, normal(3, 6)),
        "normalize 3": plain(lambda x: F.normalize(x, p=3.0, dim=0), normal(4, 3)),
        "weight_norm": layer(
            lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), normal(5, 4)
        ),
        "spectral_norm": evaluated(
            lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)),
            normal(5, 4),
        ),
    }
)

POOLS = named(
    {
        "AvgPool1d": layer(
            lambda: nn.AvgPool1d(3, stride=2, padding=1), normal(2, 2, 8)
        ),
        "AvgPool2d": layer(
            lambda: nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True),
            normal(1, 2, 6, 5),
        ),
        "AvgPool2d excluded": layer(
            lambda: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
            normal(1, 2, 4, 4),
        ),
        "AvgPool2d divisor": layer(
            lambda: nn.AvgPool2d(2, divisor_override=3), normal(1, 2, 4, 5)
        ),
        "AvgPool3d": layer(
            lambda: nn.AvgPool3d(2, stride=1, padding=1), normal(1, 2, 3, 3, 2)
        ),
        "MaxPool1d": layer(lambda: nn.MaxPool1d(3, stride=2), normal(2, 2, 9)),
        "MaxPool2d": layer(
            lambda: nn.MaxPool2d(3, stride=2, padding=1), normal(1, 2, 6, 5)
        ),
        "MaxPool2d dilated": layer(
            lambda: nn.MaxPool2d(2, stride=1, dilation=2, return_indices=True),
            normal(1, 2, 5, 5),
        ),
        "MaxPool3d": layer(lambda: nn.MaxPool3d(2, stride=1), normal(1, 2, 3, 4, 3)),
        "LPPool1d": layer(lambda: nn.LPPool1d(2, 3, stride=2), normal(2, 2, 9)),
        "LPPool2d": layer(lambda: nn.LPPool2d(3, 2), unit(1, 2, 4, 4)),
        "LPPool3d": layer(lambda: nn.LPPool3d(2, 2), normal(1, 2, 4, 4, 2)),
        "AdaptiveAvgPool1d": layer(lambda: nn.AdaptiveAvgPool1d(3), normal(2, 2, 7)),
        "AdaptiveAvgPool2d": layer(
            lambda: nn.AdaptiveAvgPool2d((2, 3)), normal(1, 2, 5, 7)
        ),
        "AdaptiveAvgPool2d 1": layer(
            lambda: nn.AdaptiveAvgPool2d(1), normal(2, 2, 3, 4)
        ),
        "AdaptiveAvgPool3d": layer(
            lambda: nn.AdaptiveAvgPool3d((2, 1, 2)), normal(1, 2, 3, 3, 4)
        ),
        "AdaptiveMaxPool1d": layer(lambda: nn.AdaptiveMaxPool1d(3), normal(2, 2, 7)),
        "AdaptiveMaxPool2d": layer(
            lambda: nn.AdaptiveMaxPool2d((2, 3)), normal(1, 2, 5, 7)
        ),
        "AdaptiveMaxPool3d": layer(
            lambda: nn.AdaptiveMaxPool3d((2, 1, 2)), normal(1, 2, 3, 3, 4)
        ),
        "FractionalMaxPool2d": plain(
            lambda x, s: F.fractional_max_pool2d(
                x, 2, output_size=3, _random_samples=s
            ),
            normal(1, 2, 6, 7),
            fixed(unit(1, 2, 2)),
        ),
        "FractionalMaxPool3d": plain(
            lambda x, s: F.fractional_max_pool3d(
                x, 2, output_size=2, _random_samples=s
            ),
            normal(1, 2, 4, 5, 4),
            fixed(unit(1, 2, 3)),
        ),
        "MaxUnpool1d": plain(
            lambda x, i: F.max_unpool1d(x, i, 2),
            normal(1, 2, 3),
            given([[0, 2, 5], [1, 3, 4]]),
        ),
        "MaxUnpool2d": plain(
            lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
            normal(1, 2, 4, 4),
        ),
        "MaxUnpool3d": plain(
            lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2),
            normal(1, 1, 4, 2, 4),
        ),
    }
)

PADDING = named(
    {
        "ConstantPad1d": layer(lambda: nn.ConstantPad1d((2, 1), 0.7), normal(2, 2, 4)),
        "ConstantPad2d": layer(
            lambda: nn.ConstantPad2d((1, -1, 2, 0), 0.7), normal(2, 3, 4)
        ),
        "ConstantPad3d": layer(
            lambda: nn.ConstantPad3d(1, -0.3), normal(1, 2, 2, 2, 3)
        ),
        "ZeroPad1d": layer(lambda: nn.ZeroPad1d(2), normal(2, 2, 4)),
        "ZeroPad2d": layer(lambda: nn.ZeroPad2d((1, 2, 0, 1)), normal(2, 3, 4)),
        "ZeroPad3d": layer(lambda: nn.ZeroPad3d(1), normal(1, 2, 2, 2, 2)),
        "ReflectionPad1d": layer(lambda: nn.ReflectionPad1d((2, 1)), normal(2, 2, 4)),
        "ReflectionPad2d": layer(
            lambda: nn.ReflectionPad2d((2, 1, 1, 0)), normal(2, 3, 4)
        ),
        "ReflectionPad3d": layer(lambda: nn.ReflectionPad3d(1), normal(1, 1, 2, 3, 2)),
        "ReplicationPad1d": layer(lambda: nn.ReplicationPad1d((2, 1)), normal(2, 2, 4)),
        "ReplicationPad1d wide": layer(
            lambda: nn.ReplicationPad1d((1024, 0)), normal(1, 2, 3)
        ),
        "ReplicationPad2d": layer(
            lambda: nn.ReplicationPad2d((2, 1, 1, 0)), normal(2, 3, 4)
        ),
        "ReplicationPad3d": layer(
            lambda: nn.ReplicationPad3d(1), normal(1, 1, 2, 3, 2)
        ),
        "CircularPad1d": layer(lambda: nn.CircularPad1d((2, 1)), normal(2, 2, 4)),
        "CircularPad2d": layer(
            lambda: nn.CircularPad2d((2, 1, 1, 0)), normal(1, 2, 3, 4)
        ),
        "CircularPad3d": layer(lambda: nn.CircularPad3d(1), normal(1, 1, 2, 3, 2)),
        "PixelShuffle": layer(lambda: nn.PixelShuffle(2), normal(1, 8, 2, 3)),
        "PixelUnshuffle": layer(lambda: nn.PixelUnshuffle(2), normal(1, 2, 4, 6)),
        "ChannelShuffle": layer(lambda: nn.ChannelShuffle(2), normal(1, 4, 2, 2)),
    }
)

DROPOUT = named(
    {
        "Dropout": layer(lambda: nn.Dropout(0.3), normal(4, 5)),
        "Dropout eval": evaluated(lambda: nn.Dropout(0.3), normal(4, 5)),
        "Dropout1d": layer(lambda: nn.Dropout1d(0.3), normal(3, 4, 5)),
        "Dropout2d": layer(lambda: nn.Dropout2d(0.3), normal(2, 4, 2, 3)),
        "Dropout3d": layer(lambda: nn.Dropout3d(0.3), normal(2, 3, 2, 2, 2)),
        "AlphaDropout": layer(lambda: nn.AlphaDropout(0.3), normal(4, 5)),
        "FeatureAlphaDropout": layer(
            lambda: nn.FeatureAlphaDropout(0.3), normal(3, 4, 5)
        ),
        "RReLU": layer(nn.RReLU, normal(4, 5)),
        "RReLU eval": evaluated(nn.RReLU, normal(4, 5)),
        "gumbel_softmax": plain(F.gumbel_softmax, normal(3, 5)),
        "gumbel_softmax hard": plain(
            lambda x: F.gumbel_softmax(x, tau=0.7, hard=True), normal(3, 5)
        ),
    }
)

EMBEDDINGS = named(
    {
        "Embedding": layer(lambda: nn.Embedding(7, 4), indices(7, 3, 5)),
        "Embedding padding_idx": layer(
            lambda: nn.Embedding(6, 3, padding_idx=2), given([0, 2, 5], [1, 3, 1])
        ),
        "Embedding one of 2048": layer(lambda: nn.Embedding(3, 2), indices(1, 2048)),
        "Embedding max_norm": layer(
            lambda: nn.Embedding(6, 3, max_norm=0.9), orders(6, 4)
        ),
        "Embedding scale_grad_by_freq": layer(
            lambda: nn.Embedding(6, 3, scale_grad_by_freq=True), given(1, 3, 3, 0)
        ),
        "EmbeddingBag mean": layer(lambda: nn.EmbeddingBag(7, 4), indices(7, 3, 5)),
        "EmbeddingBag sum": layer(
            lambda: nn.EmbeddingBag(7, 4, mode="sum"), indices(7, 9), given(0, 3, 4)
        ),
        "EmbeddingBag max": layer(
            lambda: nn.EmbeddingBag(7, 4, mode="max"), indices(7, 3, 5)
        ),
        "EmbeddingBag one of 2048": layer(
            lambda: nn.EmbeddingBag(3, 2, mode="sum"), indices(1, 512, 4)
        ),
        "EmbeddingBag weights": plain(
            lambda i, w, s: F.embedding_bag(i, w, mode="sum", per_sample_weights=s),
            indices(7, 3, 4),
            normal(7, 4),
            normal(3, 4),
        ),
        "one_hot": plain(
            lambda i, x: F.one_hot(i, 5).to(x.dtype) @ x, indices(5, 6), normal(5, 3)
        ),
    }
)

RESAMPLING = named(
    {
        **{
            f"interpolate {mode}": plain(
                lambda x, mode=mode: F.interpolate(x, scale_factor=2.0, mode=mode),
                normal(1, 2, *(3,) * axes),
            )
            for mode, axes in {
                "nearest": 2,
                "nearest-exact": 2,
                "linear": 1,
                "bilinear": 2,
                "bicubic": 2,
                "trilinear": 3,
                "area": 2,
            }.items()
        },
        "interpolate linear down": plain(
            lambda x: F.interpolate(x, size=3, mode="linear"), normal(1, 2, 7)
        ),
        "interpolate bilinear corners": plain(
            lambda x: F.interpolate(x, (5, 7), mode="bilinear", align_corners=True),
            normal(1, 2, 3, 4),
        ),
        "interpolate bicubic corners": plain(
            lambda x: F.interpolate(x, (3, 7), mode="bicubic", align_corners=True),
            normal(1, 1, 4, 4),
        ),
        "interpolate bilinear antialias": plain(
            lambda x: F.interpolate(x, (3, 3), mode="bilinear", antialias=True),
            normal(1, 1, 7, 6),
        ),
        "interpolate bicubic antialias": plain(
            lambda x: F.interpolate(x, (3, 3), mode="bicubic", antialias=True),
            normal(1, 1, 7, 6),
        ),
        "interpolate nearest 1d": plain(
            lambda x: F.interpolate(x, size=7), normal(1, 2, 4)
        ),
        "interpolate nearest 3d": plain(
            lambda x: F.interpolate(x, size=(3, 2, 5)), normal(1, 1, 2, 2, 3)
        ),
        "Upsample": layer(lambda: nn.Upsample(scale_factor=1.7), normal(1, 2, 3, 4)),
        "UpsamplingBilinear2d": layer(
            lambda: nn.UpsamplingBilinear2d(scale_factor=2), normal(1, 2, 3, 3)
        ),
        "UpsamplingNearest2d": layer(
            lambda: nn.UpsamplingNearest2d(scale_factor=2), normal(1, 2, 3, 3)
        ),
        **{
            f"grid_sample {mode} {padding}": plain(
                lambda x, g, mode=mode, padding=padding: F.grid_sample(
                    x, g, mode=mode, padding_mode=padding, align_corners=False
                ),
                normal(1, 2, 4, 5),
                scaled(normal(1, 3, 3, 2), 0.6),
            )
            for mode, padding in (
                ("bilinear", "zeros"),
                ("bilinear", "border"),
                ("bilinear", "reflection"),
                ("nearest", "zeros"),
                ("bicubic", "zeros"),
            )
        },
        "grid_sample 3d": plain(
            lambda x, g: F.grid_sample(x, g, align_corners=True),
            normal(1, 1, 3, 3, 4),
            scaled(normal(1, 2, 2, 2, 3), 0.5),
        ),
        "affine_grid": plain(
            lambda t: F.affine_grid(t, [2, 1, 3, 4], align_corners=False),
            normal(2, 2, 3),
        ),
        "grid of affine_grid": plain(
            lambda x, t: F.grid_sample(
                x,
                F.affine_grid(t, [1, 2, 3, 3], align_corners=False),
                align_corners=False,
            ),
            normal(1, 2, 4, 4),
            scaled(normal(1, 2, 3), 0.5),
        ),
    }
)

PROGRAMS = (
    *LINEAR,
    *CONVOLUTIONS,
    *NORMS,
    *POOLS,
    *PADDING,
    *DROPOUT,
    *EMBEDDINGS,
    *RESAMPLING,
)
