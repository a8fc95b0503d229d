"""Which cells an operand reads, made ready for fast reading and adding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.language.cells import Cells


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Cells, in one dimension."""

    cells: Cells
    index: Any
    """What reads them: a slice where they stand side by side."""
    unique: bool
    """Whether none is named twice."""


def places(cells: Cells) -> Places:
    """The cells of an operand, in the order of its elements."""
    flat = cells.reshape(-1)
    count = len(flat)
    if not count:
        return Places(flat, slice(0, 0), True)
    first, last = int(flat[0]), int(flat[-1])
    if last - first == count - 1 and bool((np.diff(flat) == 1).all()):
        return Places(flat, slice(first, last + 1), True)
    return Places(flat, flat, _are_unique(flat))


def _are_unique(flat: Cells) -> bool:
    low, high = int(flat.min()), int(flat.max())
    if high - low > 8 * len(flat) + 1024:
        return len(np.unique(flat)) == len(flat)
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[flat - low] = True
    return int(np.count_nonzero(seen)) == len(flat)


def segments(
    cells: Cells,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Cells]:
    """An order in which equal cells stand together, where each begins, and which it
    is."""
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    begins = np.empty(len(cells), dtype=bool)
    begins[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    return order, starts, ordered[starts]
