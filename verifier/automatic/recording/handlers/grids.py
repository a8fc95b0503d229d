"""`grid_sample`: elements of an image at places that are computed; the derivative by the
places too."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.handlers.resampling import cubic_weights
from verifier.automatic.recording.handlers.scattering import scattered
from verifier.automatic.recording.operands import Operand, name_of
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells, Values

aten = torch.ops.aten

LINEAR, NEAREST, CUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Coordinate:
    """Where in one axis: each as a record, as the number by which the path went, and
    its derivative by what the grid says."""

    cells: Cells
    numbers: Values
    slopes: Values


@dataclass(frozen=True)
class Term:
    """One of the elements of which a sample is the weighted sum."""

    places: Integers
    """In the flattened image of a channel; -1 outside."""
    factors: list[Cells]
    """Its weight, a factor an axis."""
    slopes: list[Cells]
    """Their derivatives by the axis's coordinate."""


def _scaled(
    tape: Tape, grid: Cells, numbers: Values, size: int, corners: bool
) -> Coordinate:
    """From [-1, 1] to elements."""
    up = tape.row("add", grid, 1.0)
    if corners:
        cells = tape.row("mul", tape.row("div", up, 2.0), float(size - 1))
        exact, slope = (numbers + 1) / 2 * (size - 1), (size - 1) / 2
    else:
        cells = tape.row("sub", tape.row("mul", up, float(size)), 1.0)
        cells = tape.row("div", cells, 2.0)
        exact, slope = ((numbers + 1) * size - 1) / 2, size / 2
    return Coordinate(cells, exact, np.full(numbers.shape, slope))


def _reflected(at: Values, size: int, corners: bool) -> tuple[Values, Values]:
    """The sign and the shift by which a coordinate comes to lie inside."""
    low, high = (0.0, size - 1.0) if corners else (-0.5, size - 0.5)
    span = high - low
    if span == 0:
        return np.zeros(at.shape), np.zeros(at.shape)
    sign = np.where(at < low, -1.0, 1.0)
    distance = np.abs(at - low)
    flips = np.floor(distance / span)
    is_even = flips % 2 == 0
    # |x - low| - flips·span + low, or span less that
    shift = -sign * low - flips * span
    return (
        np.where(is_even, sign, -sign),
        np.where(is_even, shift + low, span - shift + low),
    )


def _padded(
    tape: Tape, at: Coordinate, size: int, padding: int, corners: bool
) -> Coordinate:
    cells, numbers, slopes = at.cells, at.numbers, at.slopes
    if padding == ZEROS:
        return at
    if padding == REFLECTION:
        sign, shift = _reflected(numbers, size, corners)
        cells = tape.row("add", tape.row("mul", sign, cells), shift)
        numbers, slopes = sign * numbers + shift, sign * slopes
    low, high = numbers <= 0, numbers >= size - 1
    tape.decide("le", cells, 0.0, low)
    tape.decide("ge", cells, float(size - 1), high)
    is_cut = low | high
    edge = np.where(low, 0.0, size - 1.0)
    return Coordinate(
        np.where(is_cut, tape.constants(edge), cells),
        np.where(is_cut, edge, numbers),
        np.where(is_cut, 0.0, slopes),
    )


def _inside(at: Integers, size: int) -> npt.NDArray[np.bool_]:
    return (at >= 0) & (at < size)


def _flat(axes: list[Integers], shape: tuple[int, ...]) -> Integers:
    total: Integers = np.zeros((1,), np.int64)
    is_there: npt.NDArray[np.bool_] = np.ones((1,), np.bool_)
    for at, size in zip(axes, shape, strict=True):
        total = total * size + at
        is_there = is_there & _inside(at, size)
    return np.where(is_there, total, -1)


def _linear_terms(
    tape: Tape, axes: list[Coordinate], shape: tuple[int, ...]
) -> list[Term]:
    lows = [np.floor(axis.numbers).astype(np.int64) for axis in axes]
    one, less = tape.constants(1.0), tape.constants(-1.0)
    sides = []
    for axis, low in zip(axes, lows, strict=True):
        behind = tape.row("sub", axis.cells, low.astype(np.float64))
        before = tape.row("sub", (low + 1).astype(np.float64), axis.cells)
        sides.append(((low, before, less), (low + 1, behind, one)))
    return [
        Term(
            _flat([side[0] for side in chosen], shape),
            [side[1] for side in chosen],
            [np.broadcast_to(side[2], side[1].shape) for side in chosen],
        )
        for chosen in itertools.product(*sides)
    ]


def _nearest_terms(
    tape: Tape, axes: list[Coordinate], shape: tuple[int, ...]
) -> list[Term]:
    at = [np.rint(axis.numbers).astype(np.int64) for axis in axes]
    for axis, near in zip(axes, at, strict=True):
        tape.decide("ge", axis.cells, near - 0.5, True)
        tape.decide("le", axis.cells, near + 0.5, True)
    one, nothing = tape.constants(np.ones(at[0].shape)), np.zeros(at[0].shape)
    return [
        Term(_flat(at, shape), [one] * len(axes), [tape.constants(nothing)] * len(axes))
    ]


def _cubic_slopes(tape: Tape, t: Cells, a: float = -0.75) -> Cells:
    def quadratic(x: Cells, p: float, q: float, r: float) -> Cells:
        inner = tape.row("add", tape.row("mul", x, p), q)
        return tape.row("add", tape.row("mul", inner, x), r)

    def far(x: Cells) -> Cells:
        return quadratic(x, 3 * a, -10 * a, 8 * a)

    def near(x: Cells) -> Cells:
        return quadratic(x, 3 * (a + 2), -2 * (a + 3), 0.0)

    rest = tape.row("sub", 1.0, t)
    parts = [
        far(tape.row("add", t, 1.0)),
        near(t),
        tape.row("neg", near(rest)),
        tape.row("neg", far(tape.row("add", rest, 1.0))),
    ]
    return np.stack(parts, -1)


def _cubic_terms(
    tape: Tape,
    axes: list[Coordinate],
    shape: tuple[int, ...],
    padding: int,
    corners: bool,
) -> list[Term]:
    sides = []
    for axis, size in zip(axes, shape, strict=True):
        low = np.floor(axis.numbers)
        part = tape.row("sub", axis.cells, low)
        weights, slopes = cubic_weights(tape, part), _cubic_slopes(tape, part)
        taps = []
        for k in range(4):
            at = low + k - 1
            if padding == REFLECTION:
                sign, shift = _reflected(at, size, corners)
                at = sign * at + shift
            if padding != ZEROS:
                at = np.clip(at, 0, size - 1)
            taps.append((at.astype(np.int64), weights[..., k], slopes[..., k]))
        sides.append(taps)
    return [
        Term(
            _flat([tap[0] for tap in chosen], shape),
            [tap[1] for tap in chosen],
            [tap[2] for tap in chosen],
        )
        for chosen in itertools.product(*sides)
    ]


@dataclass(frozen=True)
class Sampling:
    """What a call of `grid_sample` reads: axes from the first of the image."""

    terms: list[Term]
    slopes: list[Values]


def _sampling(
    tape: Tape, image: Operand, grid: Operand, mode: int, padding: int, corners: bool
) -> Sampling:
    shape = image.shape[2:]
    axes = []
    for k, size in enumerate(shape):
        at = len(shape) - 1 - k  # the grid has the last axis first
        cells, numbers = grid.cells[..., at], grid.values[..., at].numpy()
        axis = _scaled(tape, cells, numbers, size, corners)
        if mode != CUBIC:
            axis = _padded(tape, axis, size, padding, corners)
        axes.append(axis)
    if mode == CUBIC:
        terms = _cubic_terms(tape, axes, shape, padding, corners)
    elif mode == NEAREST:
        terms = _nearest_terms(tape, axes, shape)
    else:
        terms = _linear_terms(tape, axes, shape)
    return Sampling(terms, [axis.slopes for axis in axes])


def _values(image: Cells, places: Integers) -> Cells:
    """The elements of all channels, (batch, channels, …)."""
    batch, channels = image.shape[:2]
    flat = image.reshape(batch, channels, -1)
    flat = np.concatenate([flat, np.full((batch, channels, 1), ZERO, np.int64)], -1)
    at = np.broadcast_to(places[:, None], (batch, channels, *places.shape[1:]))
    taken = np.take_along_axis(
        flat, np.where(at < 0, flat.shape[-1] - 1, at).reshape(batch, channels, -1), -1
    )
    return taken.reshape(at.shape)


def _product(tape: Tape, cells: list[Cells]) -> Cells:
    total = cells[0]
    for other in cells[1:]:
        total = tape.row("mul", total, other)
    return total


@handles(aten.grid_sampler_2d, aten.grid_sampler_3d)
def _(
    tape: Tape,
    result: torch.Tensor,
    image: Operand,
    grid: Operand,
    mode: int,
    padding: int,
    corners: bool,
) -> Cells:
    terms = _sampling(tape, image, grid, mode, padding, corners).terms
    parts = [
        tape.row(
            "mul",
            _values(image.cells, term.places),
            _product(tape, term.factors)[:, None],
        )
        for term in terms
    ]
    return tape.sum(np.stack(parts, -1), [-1])


@handles(aten.grid_sampler_2d_backward, aten.grid_sampler_3d_backward)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, torch.Tensor],
    gradient: Operand,
    image: Operand,
    grid: Operand,
    mode: int,
    padding: int,
    corners: bool,
    mask: list[bool],
) -> tuple[Cells | None, Cells]:
    sampling = _sampling(tape, image, grid, mode, padding, corners)
    by_image = _by_image(tape, sampling, gradient, image) if mask[0] else None
    by_axis = []
    for axis, slopes in enumerate(sampling.slopes):
        parts = []
        for term in sampling.terms:
            factors = [*term.factors]
            factors[axis] = term.slopes[axis]
            values = _values(image.cells, term.places)
            weighted = tape.row("mul", values, gradient.cells)
            parts.append(tape.row("mul", weighted, _product(tape, factors)[:, None]))
        total = tape.sum(np.stack(parts, -1), [1, -1])
        by_axis.append(tape.row("mul", total, slopes))
    return by_image, np.stack(by_axis[::-1], -1)


def _by_image(
    tape: Tape, sampling: Sampling, gradient: Operand, image: Operand
) -> Cells:
    batch, channels = image.shape[:2]
    size = int(np.prod(image.shape[2:]))
    shares, places = [], []
    for term in sampling.terms:
        weight = _product(tape, term.factors)[:, None]
        shares.append(
            tape.row("mul", gradient.cells, weight).reshape(batch, channels, -1)
        )
        places.append(term.places.reshape(batch, -1))
    each, where = np.concatenate(shares, -1), np.concatenate(places, -1)
    sums = [scattered(tape, each[n], where[n], size) for n in range(batch)]
    return np.stack(sums).reshape(image.shape)


def _base_axis(tape: Tape, size: int, corners: bool, kept: str) -> Cells:
    """The places along an axis, step by step, as the kernel has them in its dtype."""
    if size <= 1:
        return tape.constants(np.zeros(1))
    line = tape.constants(torch.linspace(-1, 1, size, dtype=torch.float64), kept)
    if corners:
        return line
    return tape.row("div", tape.row("mul", line, float(size - 1)), float(size))


@handles(aten.affine_grid_generator)
def _(
    tape: Tape, result: torch.Tensor, theta: Operand, size: Any, corners: bool
) -> Cells:
    """The places in the image, times each matrix."""
    inner = list(size[2:])
    kept = name_of(theta.dtype)
    lines = [_base_axis(tape, n, corners, kept) for n in inner]
    axes = np.meshgrid(*lines, indexing="ij")[::-1]
    base = np.stack([*axes, tape.constants(np.ones(inner))], -1)
    rows = base.reshape(1, -1, len(inner) + 1)
    product = tape.contract(rows, np.swapaxes(theta.cells, 1, 2))
    return product.reshape(tuple(result.shape))
