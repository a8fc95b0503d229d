"""Eigenvalues and eigenvectors of symmetric matrices, singular values, the exponential
of a matrix: the blocks of a program of cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.errors import REFERENCE, RecordingError
from verifier.automatic.recording.handlers.factorisations import symmetrised, transpose
from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells, Values

aten = torch.ops.aten


def eigen(
    tape: Tape, matrix: Cells, values: Values, vectors: Values
) -> tuple[Cells, Cells]:
    """Eigenvalues (ascending) and vectors (as columns) of symmetric matrices; the
    numbers say about which they are, and which of the two signs a vector has.

    Of each matrix a block `eigh` has the n values, then the n·n elements of the
    vectors, row by row.
    """
    *batch, n, _ = matrix.shape
    count = int(np.prod(batch, dtype=np.int64))
    cells = tape.block("eigh", matrix.reshape(count, n, n), count * (n + n * n))
    near = np.concatenate(
        [values.reshape(count, n), vectors.reshape(count, n * n)], axis=1
    )
    tape.settle_inner(cells, near.reshape(-1))
    rows = cells.reshape(count, n + n * n)
    return rows[:, :n].reshape(*batch, n), rows[:, n:].reshape(*batch, n, n)


@handles(aten._linalg_eigh)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, torch.Tensor],
    matrix: Operand,
    UPLO: str = "L",
    compute_v: bool = True,
) -> tuple[Cells, Cells | None]:
    values, vectors = result
    if not compute_v:
        vectors = torch.linalg.eigh(matrix.values, UPLO).eigenvectors
    found = eigen(
        tape, symmetrised(tape, matrix), values.numpy(), vectors.contiguous().numpy()
    )
    return found[0], (found[1] if compute_v else None)


@handles(aten._linalg_svd)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    matrix: Operand,
    full_matrices: bool = False,
    compute_uv: bool = True,
    *,
    driver: Any = None,
) -> tuple[Cells | None, Cells, Cells | None]:
    """By the eigenvectors of AᵀA or of AAᵀ, whichever is smaller."""
    rows, columns = matrix.shape[-2:]
    if compute_uv and full_matrices and rows != columns:
        raise RecordingError(
            "expected `linalg.svd` with full_matrices=False, found the full one, which "
            f"is not unique: {REFERENCE}",
            operation=tape.operation,
            source=tape.source,
        )
    u, s, vh = result
    if not compute_uv:
        u, s, vh = torch.linalg.svd(matrix.values, full_matrices=False)
    is_wide = columns > rows
    a = transpose(matrix.cells) if is_wide else matrix.cells
    near = (u if is_wide else vh.mT).flip(-1).contiguous().numpy()
    squares = s.square().flip(-1).contiguous().numpy()
    values, vectors = eigen(tape, tape.contract(transpose(a), a), squares, near)
    singular = tape.row("sqrt", values[..., ::-1])
    if not compute_uv:
        return None, singular, None
    right = vectors[..., ::-1]
    left = tape.row("div", tape.contract(a, right), singular[..., None, :])
    if is_wide:
        left, right = right, left
    return left, singular, transpose(right)


@handles(aten.linalg_matrix_exp)
def _(tape: Tape, result: torch.Tensor, matrix: Operand) -> Cells:
    shape = matrix.shape
    flat = matrix.cells.reshape(-1, *shape[-2:])
    return tape.block("matrix_exp", flat, flat.size).reshape(shape)
