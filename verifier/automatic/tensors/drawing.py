"""Inputs of tensors: drawn from a domain, widened, with zeros planted, of other sizes,
and structured as random ones never are.

They are made in float64 and rounded to the dtype at once, so that what is measured and
what is true are of the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch

from verifier.automatic.lowering import DTYPES
from verifier.automatic.tensors.upstreams import generator
from verifier.floats import FORMATS
from verifier.language.casefile.tensor_case import TensorInput
from verifier.language.points.tensor_domains import POSITIVE, SIMPLEX, TensorDomain

Tensor = torch.Tensor
ZEROS_EVERY = 7
"""Of so many numbers one becomes an exact zero."""
LEAST = 2.0**-10
"""What a positive number is at least, so that no rounding makes it 0."""


def drawn(
    inputs: Mapping[str, TensorInput], dtype: str, seed: int, draw: int
) -> dict[str, Tensor]:
    """A tensor for each input."""
    return {
        name: draw_one(one.domain, one.shape, dtype, seed, f"{name} {draw}")
        if one.numbers is None
        else _given(one, dtype)
        for name, one in inputs.items()
    }


def _given(one: TensorInput, dtype: str) -> Tensor:
    """The numbers of the dtype nearest to those that are given; indices in int64."""
    assert one.numbers is not None
    if one.domain.integers is not None:
        whole = [int(number.lower) for number in one.numbers]
        return torch.tensor(whole).reshape(one.shape)
    format_ = FORMATS[dtype]
    numbers = [number.nearest(format_) for number in one.numbers]
    # By way of float64, which holds every number of every format.
    return (
        torch.tensor(numbers, dtype=torch.float64).reshape(one.shape).to(DTYPES[dtype])
    )


def draw_one(
    domain: TensorDomain, shape: tuple[int, ...], dtype: str, seed: int, key: str
) -> Tensor:
    """A tensor of a shape drawn from a domain: of integers in int64."""
    source = generator(seed, key)
    if domain.integers is not None:
        lower, upper = domain.integers
        return torch.randint(lower, upper + 1, shape, generator=source)
    if domain.interval is not None:
        ends = domain.interval.lower, domain.interval.upper
        low, high = (float((end.lower + end.upper) / 2) for end in ends)
        uniform = torch.rand(shape, generator=source, dtype=torch.float64)
        return _inside(low + (high - low) * uniform, domain, dtype)
    numbers = torch.randn(shape, generator=source, dtype=torch.float64)
    if domain.word in (POSITIVE, SIMPLEX):
        numbers = numbers.abs() + LEAST
    if domain.word == SIMPLEX and shape:
        numbers = numbers / numbers.sum(-1, keepdim=True)
    return numbers.to(DTYPES[dtype])


def _inside(numbers: Tensor, domain: TensorDomain, dtype: str) -> Tensor:
    """The numbers in the dtype, none of them rounded onto an end that is left out."""
    assert domain.interval is not None
    rounded = numbers.to(DTYPES[dtype])
    ends = (
        (domain.interval.lower, domain.interval.lower_closed, math.inf),
        (domain.interval.upper, domain.interval.upper_closed, -math.inf),
    )
    for end, closed, towards in ends:
        limit = torch.tensor(float((end.lower + end.upper) / 2), dtype=torch.float64)
        beyond = rounded.double() <= limit if towards > 0 else rounded.double() >= limit
        if not closed and bool(beyond.any()):
            inner = torch.nextafter(
                limit.to(rounded.dtype), torch.tensor(towards, dtype=rounded.dtype)
            )
            rounded = torch.where(beyond, inner, rounded)
    return rounded


def widened(tensor: Tensor, factor: float) -> Tensor:
    """The numbers times a factor, in their dtype."""
    if not tensor.is_floating_point():
        return tensor
    return (tensor.double() * factor).to(tensor.dtype)


def with_zeros(tensor: Tensor, seed: int, key: str) -> Tensor:
    """Some of the numbers exact zeros of either sign."""
    if not tensor.is_floating_point() or not tensor.numel():
        return tensor
    source = generator(seed, f"zeros {key}")
    places = torch.randperm(tensor.numel(), generator=source)
    places = places[: max(1, tensor.numel() // ZEROS_EVERY)]
    flat = tensor.detach().clone().reshape(-1)
    flat[places[0::2]] = 0.0
    flat[places[1::2]] = -0.0
    return flat.reshape(tensor.shape)


def rows(tensor: Tensor, count: int, seed: int, key: str) -> Tensor:
    """So many rows, each one of the tensor's own at random."""
    source = generator(seed, f"rows {key}")
    places = torch.randint(0, len(tensor), (count,), generator=source)
    return tensor.detach()[places.to(tensor.device)]


# ── structured inputs ─────────────────────────────────────────────────────────────────


def _clustered(numbers: Tensor) -> Tensor:
    """The largest number of each row and others just below it."""
    largest = numbers.amax(-1, keepdim=True)
    near = largest - 1e-3 * torch.arange(numbers.shape[-1], dtype=numbers.dtype)
    take = torch.arange(numbers.shape[-1]) % 3 == 0
    return torch.where(take, near, numbers)


def _large_prefix(numbers: Tensor) -> Tensor:
    """A first quarter of each row that dwarfs the rest."""
    size = numbers.shape[-1]
    factor = torch.where(torch.arange(size) < max(1, size // 4), 30.0, 1.0)
    return numbers * factor


def _equal_rows(numbers: Tensor) -> Tensor:
    """Every row the first one."""
    return numbers[:1].expand(numbers.shape).clone()


def _ties(numbers: Tensor) -> Tensor:
    """Few different numbers, so that each row's largest is there several times."""
    return (numbers * 2).round().clamp(-4, 4) / 2


def _constant(numbers: Tensor) -> Tensor:
    """One number all along each row."""
    return numbers[..., :1].expand(numbers.shape).clone()


def _unequal_sums(numbers: Tensor) -> Tensor:
    """Rows of which the sums are not 1, nor alike."""
    factors = torch.linspace(0.3, 2.7, numbers.shape[0], dtype=numbers.dtype)
    return numbers * factors.reshape(-1, *([1] * (numbers.dim() - 1)))


STRUCTURES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "clustered maxima": _clustered,
    "large prefix": _large_prefix,
    "equal rows": _equal_rows,
    "exact ties": _ties,
    "constant rows": _constant,
    "sums that are not 1": _unequal_sums,
}
"""What is made of a random tensor of at least one dimension."""


def structured(tensor: Tensor, name: str) -> Tensor:
    """A tensor of real numbers with the structure of that name, in its dtype; one
    without dimensions, or empty, stays as it is."""
    if not tensor.is_floating_point() or not tensor.dim() or not tensor.numel():
        return tensor
    return STRUCTURES[name](tensor.double()).to(tensor.dtype)


def sizes(
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, dict[str, tuple[int, ...]]]:
    """The same shapes at other sizes, by name: where two sizes are equal they stay
    so."""
    known = list(dict.fromkeys(size for shape in shapes.values() for size in shape))
    if not known:
        return {}
    first = next(shape[0] for shape in shapes.values() if shape)
    changes: dict[str, dict[int, int]] = {
        "odd sizes": {s: s - 1 if s % 2 == 0 else s for s in known if s > 1},
        "no multiple of 8": {s: s + 3 if s % 8 == 0 else s for s in known},
        "one row": {first: 1},
        "empty": {first: 0},
    }
    made = {
        name: {n: tuple(change.get(s, s) for s in shape) for n, shape in shapes.items()}
        for name, change in changes.items()
    }
    return {name: other for name, other in made.items() if other != dict(shapes)}
