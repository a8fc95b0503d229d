"""One program of the census: a callable or the factory of a module, and how its tensors
are drawn.

Numbers are drawn in float64 and rounded once to the dtype that is asked for. Parameters
and buffers are moved off their defaults (0, 1), which would hide faults.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

Tensor = torch.Tensor
Sampler = Callable[[torch.Generator], Tensor]


@dataclass(frozen=True)
class Draw:
    """How one argument comes about."""

    sample: Sampler
    bounded: bool = False
    """Whether its numbers leave the domain where they are multiplied by 3."""
    constant: bool = False
    """Whether it asks for no gradient."""

    def tensor(self, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
        drawn = self.sample(generator)
        if not drawn.is_floating_point():
            return drawn
        return drawn.to(dtype).requires_grad_(not self.constant)


def _floats(number: Callable[[Tensor], Tensor], *shape: int, bounded: bool) -> Draw:
    def sample(generator: torch.Generator) -> Tensor:
        return number(torch.randn(*shape, generator=generator, dtype=torch.float64))

    return Draw(sample, bounded=bounded)


def normal(*shape: int) -> Draw:
    return _floats(lambda x: x, *shape, bounded=False)


def positive(*shape: int) -> Draw:
    return _floats(lambda x: (0.7 * x).exp() + 0.1, *shape, bounded=True)


def unit(*shape: int) -> Draw:
    """Between 0 and 1, neither included."""
    return _floats(lambda x: 0.02 + 0.96 * torch.special.ndtr(x), *shape, bounded=True)


def inner(*shape: int) -> Draw:
    """Between -1 and 1, neither included."""
    return _floats(lambda x: 0.95 * torch.tanh(x), *shape, bounded=True)


def above_1(*shape: int) -> Draw:
    return _floats(lambda x: x.exp() + 1.1, *shape, bounded=True)


def simplex(*shape: int) -> Draw:
    return _floats(lambda x: x.softmax(-1), *shape, bounded=True)


def log_probabilities(*shape: int) -> Draw:
    return _floats(lambda x: x.log_softmax(-1), *shape, bounded=True)


def symmetric(*shape: int) -> Draw:
    """Of eigenvalues that are apart."""

    def spread(x: Tensor) -> Tensor:
        n = shape[-1]
        return 0.4 * (x + x.mT) + torch.diag(torch.arange(n, dtype=x.dtype) * 1.7 - 1.3)

    return _floats(spread, *shape, bounded=False)


def definite(*shape: int) -> Draw:
    """Symmetric, positive definite, well away from singular."""

    def square(x: Tensor) -> Tensor:
        product = x @ x.mT / shape[-1] + 0.6 * torch.eye(shape[-1], dtype=x.dtype)
        return (product + product.mT) / 2

    return _floats(square, *shape, bounded=True)


def regular(*shape: int) -> Draw:
    """A matrix well away from singular."""
    eye = torch.eye(shape[-2], shape[-1], dtype=torch.float64)
    return _floats(lambda x: 0.5 * x + 1.9 * eye, *shape, bounded=False)


def signs(*shape: int) -> Draw:
    def sample(generator: torch.Generator) -> Tensor:
        bits = torch.randint(2, shape, generator=generator)
        return bits.to(torch.float64) * 2 - 1

    return Draw(sample, bounded=True, constant=True)


def bits(*shape: int) -> Draw:
    def sample(generator: torch.Generator) -> Tensor:
        return torch.randint(2, shape, generator=generator).to(torch.float64)

    return Draw(sample, bounded=True, constant=True)


def indices(high: int, *shape: int) -> Draw:
    def sample(generator: torch.Generator) -> Tensor:
        return torch.randint(high, shape, generator=generator)

    return Draw(sample)


def orders(size: int, *shape: int) -> Draw:
    """Permutations of 0 … size - 1 along the last axis, cut to the shape's length."""

    def sample(generator: torch.Generator) -> Tensor:
        keys = torch.rand(*shape[:-1], size, generator=generator)
        return keys.argsort(-1)[..., : shape[-1]]

    return Draw(sample)


def mask(*shape: int) -> Draw:
    """Booleans, true for about two of three; the first of each row always."""

    def sample(generator: torch.Generator) -> Tensor:
        chosen = torch.rand(*shape, generator=generator) < 0.66
        chosen[..., 0] = True
        return chosen

    return Draw(sample)


def given(*numbers: Any, dtype: torch.dtype | None = None) -> Draw:
    """These numbers, asked for no gradient."""
    return Draw(lambda _: torch.tensor(numbers, dtype=dtype), constant=True)


def at(*numbers: Any) -> Draw:
    """These numbers, which a gradient is asked for."""
    return Draw(lambda _: torch.tensor(numbers, dtype=torch.float64), bounded=True)


def scaled(draw: Draw, factor: float, shift: float = 0.0) -> Draw:
    return replace(draw, sample=lambda g: draw.sample(g) * factor + shift)


def fixed(draw: Draw) -> Draw:
    return replace(draw, constant=True)


@dataclass(frozen=True)
class TensorProgram:
    name: str
    call: Callable[..., Any] | None
    """None where `factory` makes it."""
    draws: tuple[Draw, ...]
    factory: Callable[[], nn.Module] | None = None

    @property
    def may_be_widened(self) -> bool:
        return not any(draw.bounded for draw in self.draws)

    def make(
        self, dtype: torch.dtype = torch.float64, seed: int = 0
    ) -> tuple[Callable[..., Any], tuple[Tensor, ...]]:
        """What to call, and with which tensors: the same numbers at every call, up to
        the rounding to the dtype."""
        generator = torch.Generator().manual_seed(seed + zlib.crc32(self.name.encode()))
        subject = self.call
        if self.factory is not None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                module = self.factory()
            subject = _moved(module.to(torch.float64), generator).to(dtype)
        assert subject is not None
        return subject, tuple(draw.tensor(generator, dtype) for draw in self.draws)


def _moved(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """The module with parameters and buffers off their defaults."""

    def noise(like: Tensor) -> Tensor:
        return 0.3 * torch.randn(like.shape, generator=generator, dtype=torch.float64)

    with torch.no_grad():
        for parameter in module.parameters():
            parameter += noise(parameter)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer *= noise(buffer).exp()
            elif buffer.is_floating_point():
                buffer += noise(buffer)
    return module


def layer(factory: Callable[[], nn.Module], *draws: Draw) -> TensorProgram:
    return TensorProgram("", None, draws, factory)


def plain(call: Callable[..., Any], *draws: Draw) -> TensorProgram:
    return TensorProgram("", call, draws)


def evaluated(factory: Callable[[], nn.Module], *draws: Draw) -> TensorProgram:
    """A layer as it is when not in training."""
    return layer(lambda: factory().eval(), *draws)


def named(programs: Mapping[str, TensorProgram]) -> tuple[TensorProgram, ...]:
    return tuple(replace(program, name=name) for name, program in programs.items())
