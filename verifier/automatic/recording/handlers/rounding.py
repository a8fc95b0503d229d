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
    aten.affine_grid_generator,
)

# In scalars or vectors of the dtype: aten/src/ATen/native/Loss.cpp and, below
# native/cpu, BinaryOpsKernel.cpp, PowKernel.cpp, PointwiseOpsKernel.cpp,
# CrossKernel.cpp, UpSampleKernel.cpp (which keeps its weights in the dtype).
rounds_inside(
    aten.binary_cross_entropy,
    aten.binary_cross_entropy_backward,
    aten.mse_loss,
    aten.mse_loss_backward,
    aten.huber_loss,
    aten.huber_loss_backward,
    aten.smooth_l1_loss,
    aten.smooth_l1_loss_backward,
    aten.xlogy,
    aten.special_xlog1py,
    aten.logit,
    aten.pow,
    aten.linalg_cross,
    aten.addr,
    aten.rrelu_with_noise,
    aten.upsample_linear1d,
    aten.upsample_linear1d_backward,
    aten.upsample_bilinear2d,
    aten.upsample_bilinear2d_backward,
    aten.upsample_trilinear3d,
    aten.upsample_trilinear3d_backward,
    aten.upsample_bicubic2d,
    aten.upsample_bicubic2d_backward,
)

# By vectors of 16-bit numbers: aten/src/ATen/native/cpu/GridSamplerKernel.cpp.
rounds_inside(
    aten.grid_sampler_2d,
    aten.grid_sampler_2d_backward,
    aten.grid_sampler_3d,
    aten.grid_sampler_3d_backward,
)
