"""Resampling along axes (`interpolate`): each element a weighted sum of a few; and
their transposes.

The weights are records, exact for the scale that was asked for: a kernel's are rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.handlers.scattering import (
    Places,
    run_on_cells,
    scattered,
    transposed,
)
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten


@dataclass(frozen=True)
class Taps:
    """Along one axis: where the terms of each element are, and their weights."""

    places: Places
    weights: Cells


Weighing = Callable[[Tape, int, int, "float | None", bool], Taps]


def _source(
    tape: Tape, size: int, out: int, scale: float | None, corners: bool
) -> tuple[list[Fraction], Cells]:
    """Where in the axis each element is taken from: exact, and as records."""
    index = np.arange(out, dtype=np.float64)
    if corners:
        ratio = Fraction(size - 1, out - 1) if out > 1 else Fraction(0)
        exact = [ratio * i for i in range(out)]
        step = tape.row("div", float(size - 1), float(max(out - 1, 1)))
        return exact, tape.row("mul", step, index)
    if scale is not None and scale > 0:
        ratio = 1 / Fraction(scale)
        step = tape.row("div", 1.0, scale)
    else:
        ratio = Fraction(size, out)
        step = tape.row("div", float(size), float(out))
    half = Fraction(1, 2)
    exact = [ratio * (i + half) - half for i in range(out)]
    return exact, tape.row("sub", tape.row("mul", step, index + 0.5), 0.5)


def _linear(
    tape: Tape, size: int, out: int, scale: float | None, corners: bool
) -> Taps:
    exact, source = _source(tape, size, out, scale, corners)
    if size == out:
        places = np.arange(size)[:, None]
        return Taps(places, tape.constants(np.ones((size, 1))))
    first = np.array([min(max(math.floor(s), 0), size - 1) for s in exact])
    second = np.minimum(first + 1, size - 1)
    part = tape.row("sub", source, first.astype(np.float64))
    # Before the first element and behind the last there is one term only.
    is_between = np.array([s > 0 for s in exact]) & (first < size - 1)
    part = np.where(is_between, part, tape.constants(np.zeros(out)))
    rest = tape.row("sub", 1.0, part)
    return Taps(np.stack([first, second], 1), np.stack([rest, part], 1))


def cubic_weights(tape: Tape, t: Cells, a: float = -0.75) -> Cells:
    """Of the four elements around a point that is `t` behind the second of them."""

    def polynomial(x: Cells, *coefficients: float) -> Cells:
        total = tape.row("mul", x, coefficients[0])
        for number in coefficients[1:-1]:
            total = tape.row("mul", tape.row("add", total, number), x)
        return tape.row("add", total, coefficients[-1])

    def near(x: Cells) -> Cells:
        return polynomial(x, a + 2, -(a + 3), 0.0, 1.0)

    def far(x: Cells) -> Cells:
        return polynomial(x, a, -5 * a, 8 * a, -4 * a)

    rest = tape.row("sub", 1.0, t)
    parts = far(tape.row("add", t, 1.0)), near(t), near(rest)
    return np.stack([*parts, far(tape.row("add", rest, 1.0))], -1)


def _cubic(tape: Tape, size: int, out: int, scale: float | None, corners: bool) -> Taps:
    exact, source = _source(tape, size, out, scale, corners)
    first = np.array([math.floor(s) for s in exact])
    part = tape.row("sub", source, first.astype(np.float64))
    places = np.clip(first[:, None] + np.arange(-1, 3), 0, size - 1)
    return Taps(places, cubic_weights(tape, part))


def _smoothed(filter_of: Callable[[Tape, Cells, Any], Cells], width: int) -> Weighing:
    """With anti-aliasing: a filter that is as wide as what one element stands for."""

    def weigh(
        tape: Tape, size: int, out: int, scale: float | None, corners: bool
    ) -> Taps:
        if corners:
            ratio = Fraction(size - 1, out - 1) if out > 1 else Fraction(0)
        elif scale is not None and scale > 0:
            ratio = 1 / Fraction(scale)
        else:
            ratio = Fraction(size, out)
        wide = max(ratio, Fraction(1))
        support = Fraction(width, 2) * wide
        centres = [ratio * (i + Fraction(1, 2)) for i in range(out)]
        lows = [max(int(c - support + Fraction(1, 2)), 0) for c in centres]
        highs = [min(int(c + support + Fraction(1, 2)), size) for c in centres]
        most = max(h - lo for lo, h in zip(lows, highs, strict=True))
        places = np.array(lows)[:, None] + np.arange(most)
        distance = [
            [abs((int(p) - c + Fraction(1, 2)) / wide) for p in row]
            for row, c in zip(places, centres, strict=True)
        ]
        nearness = np.array([[float(d) for d in row] for row in distance])
        top = np.array([[float(d.numerator) for d in row] for row in distance])
        bottom = np.array([[float(d.denominator) for d in row] for row in distance])
        weights = filter_of(tape, tape.row("div", top, bottom), nearness)
        is_there = places < np.array(highs)[:, None]
        nothing = tape.constants(np.zeros(places.shape))
        weights = np.where(is_there, weights, nothing)
        total = tape.sum(weights, [1], keep=True)
        return Taps(np.where(is_there, places, 0), tape.row("div", weights, total))

    return weigh


def _triangle(tape: Tape, x: Cells, numbers: Any) -> Cells:
    nothing = tape.constants(np.zeros(numbers.shape))
    return np.where(numbers < 1, tape.row("sub", 1.0, x), nothing)


def _keys(tape: Tape, x: Cells, numbers: Any) -> Cells:
    a = -0.5

    def horner(*coefficients: float) -> Cells:
        total = tape.constants(np.full(numbers.shape, coefficients[0]))
        for number in coefficients[1:]:
            total = tape.row("add", tape.row("mul", total, x), number)
        return total

    near, far = horner(a + 2, -(a + 3), 0.0, 1.0), horner(a, -5 * a, 8 * a, -4 * a)
    nothing = tape.constants(np.zeros(numbers.shape))
    return np.where(numbers < 1, near, np.where(numbers < 2, far, nothing))


# ── one axis after the other ──────────────────────────────────────────────────────────


def _along(tape: Tape, cells: Cells, axis: int, taps: Taps) -> Cells:
    last = np.moveaxis(cells, axis, -1)[..., taps.places]
    total = tape.sum(tape.row("mul", last, taps.weights), [-1])
    return np.moveaxis(total, -1, axis)


def _back_along(tape: Tape, cells: Cells, axis: int, taps: Taps, size: int) -> Cells:
    shares = tape.row("mul", np.moveaxis(cells, axis, -1)[..., None], taps.weights)
    flat = shares.reshape(*shares.shape[:-2], -1)
    total = scattered(tape, flat, taps.places.reshape(-1), size)
    return np.moveaxis(total, -1, axis)


def _resampling(rank: int, forward: Any, backward: Any, weigh: Weighing) -> None:
    """Both directions of one; the arguments after the sizes are `align_corners`, where
    there is such, and a scale for each axis."""
    has_corners = "align_corners" in {a.name for a in forward.default._schema.arguments}

    def taps_of(
        tape: Tape, shape: Sequence[int], size: Sequence[int], options: Sequence[Any]
    ) -> list[Taps]:
        corners = bool(options[0]) if has_corners else False
        scales = [*options[1:], *[None] * rank]
        return [
            weigh(tape, n, o, scale, corners)
            for n, o, scale in zip(shape[-rank:], size, scales, strict=False)
        ]

    @handles(forward.default)
    def _(
        tape: Tape, result: torch.Tensor, x: Operand, size: Sequence[int], *options: Any
    ) -> Cells:
        cells = x.cells
        for k, taps in enumerate(taps_of(tape, x.shape, size, options)):
            cells = _along(tape, cells, k - rank, taps)
        return cells

    @handles(backward.default)
    def _(
        tape: Tape,
        result: torch.Tensor,
        gradient: Operand,
        size: Sequence[int],
        shape: Sequence[int],
        *options: Any,
    ) -> Cells:
        cells = gradient.cells
        for k, taps in enumerate(taps_of(tape, shape, size, options)):
            cells = _back_along(tape, cells, k - rank, taps, shape[k - rank])
        return cells


_resampling(1, aten.upsample_linear1d, aten.upsample_linear1d_backward, _linear)
_resampling(2, aten.upsample_bilinear2d, aten.upsample_bilinear2d_backward, _linear)
_resampling(3, aten.upsample_trilinear3d, aten.upsample_trilinear3d_backward, _linear)
_resampling(2, aten.upsample_bicubic2d, aten.upsample_bicubic2d_backward, _cubic)
_resampling(
    2,
    aten._upsample_bilinear2d_aa,
    aten._upsample_bilinear2d_aa_backward,
    _smoothed(_triangle, 2),
)
_resampling(
    2,
    aten._upsample_bicubic2d_aa,
    aten._upsample_bicubic2d_aa_backward,
    _smoothed(_keys, 4),
)


def _nearest(forward: Any, backward: Any) -> None:
    @handles(forward.default)
    def _(
        tape: Tape, result: torch.Tensor, x: Operand, size: Sequence[int], *scales: Any
    ) -> Cells:
        return run_on_cells(lambda t: forward.default(t, size, *scales), x.cells)

    @handles(backward.default)
    def _(
        tape: Tape,
        result: torch.Tensor,
        gradient: Operand,
        size: Sequence[int],
        shape: Sequence[int],
        *scales: Any,
    ) -> Cells:
        def run(t: torch.Tensor) -> torch.Tensor:
            return forward.default(t, size, *scales)  # type: ignore[no-any-return]

        return transposed(tape, run, shape, gradient.cells)


for _axes in (1, 2, 3):
    for _name in (f"upsample_nearest{_axes}d", f"_upsample_nearest_exact{_axes}d"):
        _nearest(getattr(aten, _name), getattr(aten, f"{_name}_backward"))
