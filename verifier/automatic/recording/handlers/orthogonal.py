"""Linear algebra, unrolled: QR, Householder's reflections, pseudo-inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.errors import REFERENCE, RecordingError
from verifier.automatic.recording.handlers.factorisations import (
    identity,
    substituted,
    transpose,
)
from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells

aten = torch.ops.aten

# ── QR ────────────────────────────────────────────────────────────────────────────────


def orthogonalised(tape: Tape, a: Cells, signs: Any) -> tuple[Cells, Cells]:
    """Q and R of a matrix with no fewer rows than columns, the diagonal of R with those
    signs: Gram and Schmidt's way."""
    n = a.shape[-1]
    q, r = a.copy(), np.full((*a.shape[:-2], n, n), ZERO, np.int64)
    for k in range(n):
        column = q[..., :, k : k + 1]
        square = tape.sum(tape.row("square", column), [-2], keep=True)
        size = tape.row("mul", tape.row("sqrt", square), signs[..., k, None, None])
        r[..., k : k + 1, k : k + 1] = size
        column = q[..., :, k : k + 1] = tape.row("div", column, size)
        if k + 1 < n:
            shares = tape.contract(transpose(column), q[..., :, k + 1 :])
            r[..., k : k + 1, k + 1 :] = shares
            taken = tape.row("mul", column, shares)
            q[..., :, k + 1 :] = tape.row("sub", q[..., :, k + 1 :], taken)
    return q, r


@handles(aten.linalg_qr)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, torch.Tensor],
    matrix: Operand,
    mode: str = "reduced",
) -> tuple[Cells, Cells]:
    rows, columns = matrix.shape[-2:]
    if mode != "reduced" and rows > columns:
        raise RecordingError(
            f'expected `linalg.qr` with mode="reduced", found {mode!r}, '
            f"of which Q is not unique: {REFERENCE}",
            operation=tape.operation,
            source=tape.source,
        )
    few = min(rows, columns)
    diagonal = result[1].diagonal(dim1=-2, dim2=-1)[..., :few].numpy()
    q, r = orthogonalised(
        tape, matrix.cells[..., :few], np.where(diagonal < 0, -1.0, 1.0)
    )
    if columns > rows:
        r = np.concatenate(
            [r, tape.contract(transpose(q), matrix.cells[..., few:])], -1
        )
    return q, r


@handles(aten.geqrf)
def _(
    tape: Tape, result: tuple[torch.Tensor, torch.Tensor], matrix: Operand
) -> tuple[Cells, Cells]:
    """By Householder's reflections, as LAPACK keeps them."""
    a, scales = matrix.cells.copy(), []
    rows, columns = a.shape[-2:]
    diagonal = result[0].diagonal(dim1=-2, dim2=-1).numpy()
    for k in range(min(rows, columns)):
        column = a[..., k:, k]
        if k + 1 == rows:  # there is nothing to reflect
            scales.append(np.broadcast_to(np.int64(ZERO), column.shape[:-1]))
            break
        size = tape.row("sqrt", tape.sum(tape.row("square", column), [-1]))
        beta = tape.row("mul", size, np.where(diagonal[..., k] < 0, -1.0, 1.0))
        gap = tape.row("sub", column[..., 0], beta)
        tau = tape.row("div", tape.row("neg", gap), beta)
        below = tape.row("div", column[..., 1:], gap[..., None])
        one = np.broadcast_to(tape.constants(1.0), (*below.shape[:-1], 1))
        v = np.concatenate([one, below], -1)[..., None]
        if k + 1 < columns:
            rest = a[..., k:, k + 1 :]
            shares = tape.row(
                "mul", tape.contract(transpose(v), rest), tau[..., None, None]
            )
            a[..., k:, k + 1 :] = tape.row("sub", rest, tape.row("mul", v, shares))
        a[..., k, k], a[..., k + 1 :, k] = beta, below
        scales.append(tau)
    return a, np.stack(scales, -1)


@handles(aten.linalg_householder_product)
def _(tape: Tape, result: torch.Tensor, reflectors: Operand, scales: Operand) -> Cells:
    v, tau = reflectors.cells, scales.cells
    product = identity(tape, v.shape)
    for k in reversed(range(tau.shape[-1])):
        column = v[..., :, k : k + 1].copy()
        column[..., :k, :] = ZERO
        column[..., k, :] = tape.constants(1.0)
        shares = tape.contract(transpose(column), product)
        shares = tape.row("mul", shares, tau[..., k, None, None])
        product = tape.row("sub", product, tape.row("mul", column, shares))
    return product


# ── pseudo-inverses ───────────────────────────────────────────────────────────────────


def _of_full_rank(tape: Tape, matrix: Operand) -> Cells:
    """The pseudo-inverse of a matrix of full rank, by its normal equations."""
    rank = torch.linalg.matrix_rank(matrix.values)
    if not bool((rank == min(matrix.shape[-2:])).all()):
        raise RecordingError(
            f"expected a matrix of full rank in `{tape.operation}`, found one of less: "
            f"{REFERENCE}",
            operation=tape.operation,
            source=tape.source,
        )
    a = matrix.cells
    is_wide = a.shape[-1] > a.shape[-2]
    a = transpose(a) if is_wide else a
    q, r = orthogonalised(tape, a, np.ones((*a.shape[:-2], a.shape[-1])))
    inverse = substituted(tape, r, transpose(q), upper=True)
    return transpose(inverse) if is_wide else inverse


@handles(aten.linalg_pinv.atol_rtol_tensor)
def _(
    tape: Tape,
    result: torch.Tensor,
    matrix: Operand,
    *,
    hermitian: bool = False,
    **rest: Any,
) -> Cells:
    # Of symmetric matrices PyTorch's gradient is that of the inverse of any matrix.
    return _of_full_rank(tape, matrix)


@handles(aten.linalg_lstsq)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, ...],
    matrix: Operand,
    right: Operand,
    *rest: Any,
    **options: Any,
) -> tuple[Cells, Cells | None, None, Cells | None]:
    inverse = _of_full_rank(tape, matrix)
    is_vector = right.dim == matrix.dim - 1
    b = right.cells[..., None] if is_vector else right.cells
    solution = tape.contract(inverse, b)
    residuals: Cells = np.full(tuple(result[1].shape), ZERO, np.int64)
    if residuals.size:
        left = tape.row("sub", b, tape.contract(matrix.cells, solution))
        residuals = tape.sum(tape.row("square", left), [-2]).reshape(residuals.shape)
    singular = tape.constants(result[3].numpy()) if result[3].numel() else None
    return solution.reshape(tuple(result[0].shape)), residuals, None, singular
