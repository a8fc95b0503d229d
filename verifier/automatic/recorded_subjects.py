"""A user's callable on single numbers, recorded at many points."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import torch

from verifier.automatic import settings as ambient
from verifier.automatic.lowering import DTYPES
from verifier.automatic.recording.record import record
from verifier.automatic.subjects import Subject
from verifier.language.cells import CellProgram

Tensor = torch.Tensor
LARGEST = 200_000
"""Cells that such a program may have."""


def recorded_subject(
    subject: Subject,
    inputs: Mapping[str, Sequence[float]],
    upstream: Sequence[float],
    *,
    dtype: str,
    at_once: bool,
) -> CellProgram:
    """The forward and the backward of a callable at points, whose numbers are those of
    the dtype; each tensor has a number a point. `at_once`: the callable takes all as one
    tensor, else single numbers one after the other.

    Raises `RecordingError`, and what the callable raises.
    """
    tensors = {
        name: torch.tensor(list(inputs[name]), dtype=DTYPES[dtype])
        for name in subject.inputs
    }
    wrt = {name: one for name, one in tensors.items() if name not in subject.fixed}
    for tensor in wrt.values():
        tensor.requires_grad_()
    count = len(upstream)

    def one_by_one(*columns: Tensor) -> Tensor:
        results = [
            subject.function(*(column[place] for column in columns)).reshape(())
            for place in range(count)
        ]
        return torch.stack(results)

    def seeds(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: torch.tensor(list(upstream), dtype=output.dtype)
            for name, output in outputs.items()
        }

    with warnings.catch_warnings(), ambient.undisturbed():
        warnings.simplefilter("ignore")
        return record(
            subject.function if at_once else one_by_one,
            tuple(tensors.values()),
            wrt=wrt,
            upstream=seeds,
            largest=LARGEST,
        )
