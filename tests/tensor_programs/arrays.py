"""Reductions, orders, gathers and scatters, cumulative operations, movement, distances."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tensor_programs.program import (
    at,
    fixed,
    given,
    indices,
    inner,
    mask,
    named,
    normal,
    orders,
    plain,
    positive,
)

Tensor = torch.Tensor
SHAPE = (3, 5)

REDUCTIONS = named(
    {
        "sum": plain(torch.sum, normal(*SHAPE)),
        "sum dim": plain(lambda x: x.sum((0, 2), keepdim=True), normal(2, 3, 4)),
        "mean": plain(torch.mean, normal(*SHAPE)),
        "mean dim": plain(lambda x: x.mean(1), normal(*SHAPE)),
        "nansum": plain(torch.nansum, normal(*SHAPE)),
        "nanmean": plain(torch.nanmean, normal(*SHAPE)),
        "var": plain(torch.var, normal(*SHAPE)),
        "var dim, correction 0": plain(
            lambda x: x.var(1, correction=0), normal(*SHAPE)
        ),
        "std": plain(torch.std, normal(*SHAPE)),
        "std dim": plain(lambda x: x.std(0, keepdim=True), normal(*SHAPE)),
        "var_mean": plain(lambda x: torch.var_mean(x, 1), normal(*SHAPE)),
        "std_mean": plain(torch.std_mean, normal(*SHAPE)),
        "prod": plain(torch.prod, normal(7)),
        "prod dim": plain(lambda x: x.prod(1), normal(*SHAPE)),
        "prod with a zero": plain(torch.prod, at(1.3, 0.0, -0.7, 1.9)),
        "logsumexp": plain(lambda x: x.logsumexp(-1), normal(*SHAPE)),
        "norm": plain(torch.norm, normal(*SHAPE)),
        "norm 1": plain(lambda x: x.norm(1, 0), normal(*SHAPE)),
        "norm inf": plain(lambda x: x.norm(torch.inf, 1), normal(*SHAPE)),
        "norm 3.5": plain(lambda x: x.norm(3.5), normal(*SHAPE)),
        "renorm": plain(lambda x: torch.renorm(x, 2, 0, 1.1), normal(*SHAPE)),
        "aminmax": plain(lambda x: torch.aminmax(x, dim=1), normal(*SHAPE)),
        "amax": plain(lambda x: x.amax((0, 1)), normal(3, 4, 2)),
        "amin": plain(lambda x: x.amin(1), normal(*SHAPE)),
        "max": plain(torch.max, normal(*SHAPE)),
        "max dim": plain(lambda x: x.max(1), normal(*SHAPE)),
        "min dim": plain(lambda x: x.min(0), normal(*SHAPE)),
        "median": plain(torch.median, normal(7)),
        "median dim": plain(lambda x: x.median(1), normal(*SHAPE)),
        "nanmedian": plain(lambda x: x.nanmedian(1), normal(*SHAPE)),
        "mode": plain(lambda x: x.mode(1), normal(*SHAPE)),
        "quantile": plain(lambda x: torch.quantile(x, 0.37, dim=1), normal(*SHAPE)),
        "kthvalue": plain(lambda x: x.kthvalue(2, 1), normal(*SHAPE)),
        "sort": plain(lambda x: x.sort(1), normal(*SHAPE)),
        "sort descending": plain(lambda x: x.sort(0, descending=True), normal(*SHAPE)),
        "msort": plain(torch.msort, normal(*SHAPE)),
        "topk": plain(lambda x: x.topk(3), normal(*SHAPE)),
        "trace": plain(torch.trace, normal(4, 4)),
        "cov": plain(torch.cov, normal(3, 6)),
        "corrcoef": plain(torch.corrcoef, normal(3, 6)),
        "count_nonzero product": plain(lambda x: x * torch.count_nonzero(x), normal(5)),
    }
)

CUMULATIVE = named(
    {
        "cumsum": plain(lambda x: x.cumsum(1), normal(*SHAPE)),
        "cumsum 512": plain(lambda x: x.cumsum(0), normal(512)),
        "cumprod": plain(lambda x: x.cumprod(1), normal(*SHAPE)),
        "cumprod with a zero": plain(lambda x: x.cumprod(0), at(1.3, 0.0, -0.7, 1.9)),
        "cummax": plain(lambda x: x.cummax(1), normal(*SHAPE)),
        "cummin": plain(lambda x: x.cummin(0), normal(*SHAPE)),
        "logcumsumexp": plain(lambda x: x.logcumsumexp(1), normal(*SHAPE)),
        "diff": plain(torch.diff, normal(*SHAPE)),
        "trapezoid": plain(torch.trapezoid, normal(*SHAPE), normal(*SHAPE)),
        "cumulative_trapezoid": plain(torch.cumulative_trapezoid, normal(*SHAPE)),
        "gradient": plain(lambda x: torch.gradient(x, spacing=0.7)[0], normal(6)),
    }
)

_INDEX = indices(3, 2, 5)
_UNIQUE = orders(3, 5, 2)


def _indexed(x: Tensor, i: Tensor, v: Tensor) -> Tensor:
    x = x * 1.3
    x[i] = v
    return x


INDEXING = named(
    {
        "index": plain(lambda x, i: x[i], normal(6, 3), indices(6, 9)),
        "index one of 2048": plain(lambda x, i: x[i], normal(3, 2), indices(1, 2048)),
        "index two": plain(
            lambda x, i, j: x[i, :, j], normal(4, 2, 3), indices(4, 6), indices(3, 6)
        ),
        "index boolean": plain(lambda x, m: x[m], normal(4, 5), mask(4, 5)),
        "index_select": plain(
            lambda x, i: x.index_select(1, i), normal(3, 5), indices(5, 8)
        ),
        "gather": plain(lambda x, i: x.gather(0, i), normal(*SHAPE), _INDEX),
        "take": plain(torch.take, normal(*SHAPE), indices(15, 2, 4)),
        "take_along_dim": plain(
            lambda x, i: torch.take_along_dim(x, i, 1), normal(*SHAPE), indices(5, 3, 2)
        ),
        "masked_select": plain(torch.masked_select, normal(*SHAPE), mask(*SHAPE)),
        "masked_scatter": plain(
            torch.masked_scatter, normal(*SHAPE), mask(*SHAPE), normal(15)
        ),
        "scatter": plain(
            lambda x, i, s: x.scatter(0, i.T, s),
            normal(*SHAPE),
            _UNIQUE,
            normal(2, 5),
        ),
        "scatter repeated": plain(
            lambda x, i, s: x.scatter(0, i, s), normal(*SHAPE), _INDEX, normal(2, 5)
        ),
        "scatter number": plain(
            lambda x, i: x.scatter(0, i, 0.7), normal(*SHAPE), _INDEX
        ),
        "scatter_add": plain(
            lambda x, i, s: x.scatter_add(0, i, s), normal(*SHAPE), _INDEX, normal(2, 5)
        ),
        "scatter_add 2048": plain(
            lambda x, i, s: x.scatter_add(0, i, s),
            normal(3),
            indices(2, 2048),
            normal(2048),
        ),
        **{
            f"scatter_reduce {kind}": plain(
                lambda x, i, s, kind=kind: x.scatter_reduce(0, i, s, kind),
                normal(*SHAPE),
                _INDEX,
                normal(2, 5),
            )
            for kind in ("sum", "prod", "mean", "amax", "amin")
        },
        "scatter_reduce mean, without": plain(
            lambda x, i, s: x.scatter_reduce(0, i, s, "mean", include_self=False),
            normal(*SHAPE),
            _INDEX,
            normal(2, 5),
        ),
        "index_add": plain(
            lambda x, i, s: x.index_add(0, i, s, alpha=1.7),
            normal(3, 4),
            indices(3, 5),
            normal(5, 4),
        ),
        "index_reduce prod": plain(
            lambda x, i, s: x.index_reduce(0, i, s, "prod"),
            normal(3, 2),
            indices(3, 4),
            normal(4, 2),
        ),
        "index_copy": plain(
            lambda x, i, s: x.index_copy(0, i, s),
            normal(4, 3),
            orders(4, 2),
            normal(2, 3),
        ),
        "index_fill": plain(
            lambda x, i: x.index_fill(1, i, 0.7), normal(*SHAPE), orders(5, 2)
        ),
        "index_put": plain(
            lambda x, i, s: x.index_put((i,), s),
            normal(4, 3),
            orders(4, 2),
            normal(2, 3),
        ),
        "index_put accumulate": plain(
            lambda x, i, s: x.index_put((i,), s, accumulate=True),
            normal(4, 3),
            indices(4, 6),
            normal(6, 3),
        ),
        "setitem": plain(_indexed, normal(5, 3), orders(5, 2), normal(2, 3)),
        "slice_scatter": plain(
            lambda x, s: x.slice_scatter(s, 1, 1, 4), normal(*SHAPE), normal(3, 3)
        ),
        "select_scatter": plain(
            lambda x, s: x.select_scatter(s, 1, 2), normal(*SHAPE), normal(3)
        ),
        "diagonal_scatter": plain(torch.diagonal_scatter, normal(4, 4), normal(4)),
        "put": plain(
            lambda x, i, s: x.put(i, s), normal(*SHAPE), orders(15, 4), normal(4)
        ),
        "bincount weights": plain(
            lambda x, i: torch.zeros(4, dtype=x.dtype).index_add(0, i, x),
            normal(9),
            indices(4, 9),
        ),
        "segment_reduce": plain(
            lambda x, n: torch.segment_reduce(x, "sum", lengths=n),
            normal(7),
            given(2, 4, 1),
        ),
    }
)

MOVEMENT = named(
    {
        "cat": plain(lambda x, y: torch.cat([x, y, x], 1), normal(3, 2), normal(3, 4)),
        "stack": plain(lambda x, y: torch.stack([x, y, y]), normal(5), normal(5)),
        "split": plain(lambda x: x.split([2, 3], 1), normal(*SHAPE)),
        "chunk": plain(lambda x: x.chunk(2, 1), normal(*SHAPE)),
        "unbind": plain(lambda x: x.unbind(0), normal(*SHAPE)),
        "view, permute": plain(
            lambda x: x.view(3, 2, 2).permute(2, 0, 1).contiguous(), normal(3, 4)
        ),
        "expand": plain(lambda x: x.expand(4, 3, 5), normal(3, 1)),
        "expand 2048": plain(lambda x: x.expand(2048, 2), normal(2)),
        "repeat": plain(lambda x: x.repeat(3, 2), normal(2, 2)),
        "repeat_interleave": plain(
            lambda x, n: x.repeat_interleave(n, 0), normal(3, 2), given(2, 1, 3)
        ),
        "tile": plain(lambda x: x.tile(2, 3), normal(2, 2)),
        "flip": plain(lambda x: x.flip(0, 1), normal(*SHAPE)),
        "roll": plain(lambda x: x.roll((1, 2), (0, 1)), normal(*SHAPE)),
        "rot90": plain(torch.rot90, normal(*SHAPE)),
        "tril": plain(lambda x: x.tril(-1), normal(4, 4)),
        "triu": plain(torch.triu, normal(4, 4)),
        "diag": plain(torch.diag, normal(4)),
        "diag_embed": plain(torch.diag_embed, normal(*SHAPE)),
        "diagonal": plain(lambda x: x.diagonal(1), normal(4, 5)),
        "unfold": plain(lambda x: x.unfold(1, 3, 1), normal(3, 6)),
        "unfold 2048": plain(lambda x: x.unfold(0, 4, 1), normal(2048)),
        "as_strided": plain(lambda x: x.as_strided((3, 3), (2, 1), 1), normal(9)),
        "meshgrid": plain(
            lambda x, y: torch.meshgrid(x, y, indexing="ij"), normal(3), normal(4)
        ),
        "cartesian_prod": plain(torch.cartesian_prod, normal(3), normal(2)),
        "combinations": plain(torch.combinations, normal(5)),
        "block_diag": plain(torch.block_diag, normal(2, 2), normal(1, 3)),
        "pad reflect": plain(
            lambda x: F.pad(x, (2, 1), mode="reflect"), normal(2, 2, 4)
        ),
        "squeeze, in place": plain(
            lambda x: (x * 1.7).unsqueeze_(0).squeeze_(0).t_(), normal(*SHAPE)
        ),
        "write to a view": plain(
            lambda x: (y := x * 1.3, y[1:, ::2].mul_(x[:2, ::2]))[0], normal(*SHAPE)
        ),
        "detach": plain(lambda x: x * x.detach().exp(), normal(*SHAPE)),
        "straight-through": plain(
            lambda x: x + (x.round() - x).detach(), normal(*SHAPE)
        ),
        "clone, fill": plain(
            lambda x: torch.zeros_like(x).copy_(x).fill_diagonal_(0.7), normal(4, 4)
        ),
        "used 2048 times": plain(
            lambda x: torch.cat([x * 1.7 for _ in range(64)]).repeat(32), normal(2)
        ),
        "branch on data": plain(
            lambda x: x.sin() if x.sum() > 0 else x.exp(), normal(*SHAPE)
        ),
        "half and back": plain(
            lambda x: x.to(torch.float64).mul(1.7).to(x.dtype), normal(*SHAPE)
        ),
    }
)

DISTANCES = named(
    {
        "cdist": plain(torch.cdist, normal(4, 3), normal(5, 3)),
        "cdist 1": plain(
            lambda x, y: torch.cdist(x, y, 1.0), normal(4, 3), normal(5, 3)
        ),
        "cdist 3": plain(
            lambda x, y: torch.cdist(x, y, 3.0), normal(4, 3), normal(5, 3)
        ),
        "cdist by matrix product": plain(
            lambda x, y: torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist"),
            normal(4, 3),
            normal(5, 3),
        ),
        "pdist": plain(torch.pdist, normal(5, 3)),
        "pdist 3": plain(lambda x: torch.pdist(x, 3.0), normal(5, 3)),
        "pairwise_distance 1": plain(
            lambda x, y: F.pairwise_distance(x, y, 1.0), normal(3, 4), normal(3, 4)
        ),
        "cosine_similarity dim 0": plain(
            lambda x, y: F.cosine_similarity(x, y, dim=0), normal(4, 3), normal(4, 3)
        ),
        "cross": plain(torch.linalg.cross, normal(4, 3), normal(4, 3)),
        "bucketize product": plain(
            lambda x, e: x * torch.bucketize(x.detach(), e),
            inner(6),
            fixed(at(-0.4, 0.1, 0.6)),
        ),
        "histogram of softmax": plain(
            lambda x, y: (x.softmax(0)[:, None] * y.softmax(0)).sum(0).log(),
            normal(4),
            normal(3),
        ),
        "weights of positives": plain(
            lambda x, w: (x * w).sum() / w.sum(), normal(6), positive(6)
        ),
    }
)

PROGRAMS = (*REDUCTIONS, *CUMULATIVE, *INDEXING, *MOVEMENT, *DISTANCES)
