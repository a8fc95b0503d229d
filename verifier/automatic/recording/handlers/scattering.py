"""Sums of cells that go to the same place: what the transpose of a movement is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells

Places = npt.NDArray[np.int64]


def scattered(tape: Tape, cells: Cells, places: Places, size: int) -> Cells:
    """Along the last axis: of each of `size` places the sum of the cells that go
    there. A cell of a negative place goes nowhere."""
    cells = cells[..., places >= 0]
    places = places[places >= 0]
    counts = np.bincount(places, minlength=size)
    most = int(counts.max(initial=0))
    if most == 0:
        return np.full((*cells.shape[:-1], size), ZERO, np.int64)
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(counts)
    within = np.arange(places.size) - np.repeat(ends - counts, counts)
    table = np.full((size, most), places.size, np.int64)
    table[places[order], within] = order
    nothing = np.full((*cells.shape[:-1], 1), ZERO, np.int64)
    return tape.sum(np.concatenate([cells, nothing], -1)[..., table], [-1])


def moved(forward: Callable[[torch.Tensor], torch.Tensor], shape: Any) -> Places:
    """Where each element of what a movement gives comes from in a tensor of that shape
    (flat); -1 for a 0 of its own. Found by running it on the places."""
    count = int(np.prod(tuple(shape), dtype=np.int64))
    places = torch.arange(1, count + 1, dtype=torch.float64).reshape(tuple(shape))
    return forward(places).to(torch.int64).numpy() - 1


def run_on_cells(
    forward: Callable[[torch.Tensor], torch.Tensor], cells: Cells
) -> Cells:
    """A movement that PyTorch has for floating-point numbers only, on the numbers of
    the cells; an element of its own is 0."""
    numbers = torch.from_numpy(np.ascontiguousarray(cells)).to(torch.float64)
    return forward(numbers).to(torch.int64).numpy()


def transposed(
    tape: Tape,
    forward: Callable[[torch.Tensor], torch.Tensor],
    shape: Any,
    gradient: Cells,
) -> Cells:
    """The transpose of a movement from a tensor of that shape, of a gradient."""
    places = moved(forward, shape)
    size = int(np.prod(tuple(shape), dtype=np.int64))
    sums = scattered(tape, gradient.reshape(-1), places.reshape(-1), size)
    return sums.reshape(tuple(shape))


def added(tape: Tape, base: Cells, cells: Cells, places: Places) -> Cells:
    """A flat array with cells added at places, of which some may be named several
    times."""
    if not places.size:
        return base
    touched, where = np.unique(places, return_inverse=True)
    has_own = np.flatnonzero(base[touched] != ZERO)
    every = np.concatenate([base[touched[has_own]], cells])
    sums = scattered(tape, every, np.concatenate([has_own, where]), touched.size)
    result = base.copy()
    result[touched] = sums
    return result


def places_along(shape: Any, dim: int, index: torch.Tensor) -> Places:
    """Where `gather` along an axis reads, in the flattened tensor of that shape."""
    every = torch.arange(int(np.prod(tuple(shape), dtype=np.int64))).reshape(shape)
    return every.gather(dim, index).numpy()


def grouped(places: Places) -> dict[int, tuple[Places, Places]]:
    """The places that are named, by how often: they, and which cells go there, as
    (places, times)."""
    touched, where, counts = np.unique(places, return_inverse=True, return_counts=True)
    order = np.argsort(where, kind="stable")
    starts = np.cumsum(counts) - counts
    found = {}
    for count in np.unique(counts):
        chosen = np.flatnonzero(counts == count)
        found[int(count)] = (
            touched[chosen],
            order[starts[chosen][:, None] + np.arange(count)],
        )
    return found
