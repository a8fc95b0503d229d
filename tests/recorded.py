"""Programs that tests record, each held against what PyTorch computes."""

from __future__ import annotations

import numpy as np
import torch
from cells import evaluate, gradient

from verifier.automatic.recording.record import record, seeded


def drawn(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0):
    """A leaf of normal numbers that requires a gradient."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return numbers.to(dtype).requires_grad_()


def named(arguments):
    """The arguments that require a gradient, by `x0`, `x1` …"""
    tensors = [a for a in arguments if isinstance(a, torch.Tensor)]
    return {f"x{at}": a for at, a in enumerate(tensors) if a.requires_grad}


def recorded(function, *arguments, wrt=None, **options):
    """The program, and the value of each of its cells, which are those of PyTorch."""
    program = record(function, arguments, wrt=wrt or named(arguments), **options)
    values = evaluate(program)
    is_seen = ~np.isnan(program.values)
    np.testing.assert_allclose(
        values[is_seen], program.values[is_seen], rtol=1e-12, atol=1e-12
    )
    return program, values


def check(function, *arguments, wrt=None):
    """Outputs and gradients are those that PyTorch computes in the dtype."""
    wrt = wrt or named(arguments)
    program, values = recorded(function, *arguments, wrt=wrt)
    with seeded(0):
        result = function(*arguments)
    given = [torch.ones_like(result)]
    found = torch.autograd.grad(result, list(wrt.values()), given, allow_unused=True)
    unit = 40 * torch.finfo(result.dtype).eps
    np.testing.assert_allclose(
        values[program.outputs["output"]],
        result.detach().double().numpy(),
        rtol=unit,
        atol=unit,
    )
    for name, one in zip(wrt, found, strict=True):
        cells = program.gradients[name]
        if one is None:
            assert cells is None
        else:
            np.testing.assert_allclose(
                values[cells], one.detach().double().numpy(), rtol=unit, atol=unit
            )
    return program


def check_derivative(function, *arguments):
    """The derivative of the recorded forward, by differences, is what PyTorch's
    autograd computes: nothing is stopped that flows, nothing flows that is stopped."""
    program = check(function, *arguments)
    values = evaluate(program)
    for name, cells in program.gradients.items():
        np.testing.assert_allclose(
            gradient(program, name), values[cells], rtol=1e-7, atol=1e-8
        )
    return program
