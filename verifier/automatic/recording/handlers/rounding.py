"""Operations that PyTorch's dispatcher shows as one, and that round inside: put together
of other operations in C++, or computed by vectors of 16-bit numbers on a CPU."""

from __future__ import annotations

import torch

from verifier.automatic.recording.handlers.registry import rounds_inside

aten = torch.ops.aten

# Put together of others: aten/src/ATen/native/Loss.cpp, UnaryOps.cpp, ReduceOps.cpp.
rounds_inside(
    aten.binary_cross_entropy_with_logits,
    aten.soft_margin_loss,
    aten.soft_margin_loss_backward,
    aten.mvlgamma,
    aten.logsumexp,
    aten.dist,
    aten.conv_tbc,
    aten._trilinear,
    aten.renorm,
)

# In scalars of the dtype: aten/src/ATen/native/Loss.cpp.
rounds_inside(aten.binary_cross_entropy, aten.binary_cross_entropy_backward)

# By vectors of 16-bit numbers: aten/src/ATen/native/cpu/GridSamplerKernel.cpp.
rounds_inside(
    aten.grid_sampler_2d,
    aten.grid_sampler_2d_backward,
    aten.grid_sampler_3d,
    aten.grid_sampler_3d_backward,
)
