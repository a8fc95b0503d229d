"""Where in a tensor the entries stand that differ: beyond a number of an input, from an
index on, in some rows."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from verifier.enclosures import Numbers
from verifier.judgement.pattern import FEWEST
from verifier.judgement.tensors.entries import Mask

LEAST_CHOICES = 200
"""Ways to choose as many entries, below which where they stand may well be chance."""


def where_they_stand(differs: Mask, inputs: Mapping[str, Numbers]) -> str | None:
    """In words what the places of the entries that differ have in common; None where
    that is nothing, few differ, or all do."""
    count = int(differs.sum())
    if count < FEWEST or math.comb(differs.size, count) < LEAST_CHOICES:
        return None
    found = _by_index(differs) or _by_number(differs, inputs)
    return (
        None if found is None else f"{count} of {differs.size} entries differ, {found}"
    )


def _by_index(differs: Mask) -> str | None:
    """All on one side of an index, or in one row."""
    for axis, size in enumerate(differs.shape):
        others = tuple(a for a in range(differs.ndim) if a != axis)
        touched = np.flatnonzero(differs.any(axis=others))
        first, last = int(touched[0]), int(touched[-1])
        if first == last and size > 1:
            return f"all at index {first} of axis {axis} (of {size})"
        if len(touched) < last - first + 1 or last - first + 1 > size // 2:
            continue
        if last == size - 1:
            return f"all from index {first} of axis {axis} on (of {size})"
        if first == 0:
            return f"all up to index {last} of axis {axis} (of {size})"
    return None


def _by_number(differs: Mask, inputs: Mapping[str, Numbers]) -> str | None:
    """All where an input of the same shape is beyond a number, and none elsewhere."""
    for name, values in inputs.items():
        if values.shape != differs.shape or not np.isfinite(values).all():
            continue
        for text, numbers in ((name, values), (f"|{name}|", np.abs(values))):
            inside, outside = numbers[differs], numbers[~differs]
            if inside.min() > outside.max():
                return f"all where {text} ≥ {inside.min():.6g}, none below"
            if inside.max() < outside.min():
                return f"all where {text} ≤ {inside.max():.6g}, none above"
    return None
