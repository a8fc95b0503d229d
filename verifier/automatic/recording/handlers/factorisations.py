"""Linear algebra, unrolled: triangular systems, LU with the pivots that PyTorch chose,
Cholesky, and what is made of them.

Axes of a batch come first, as in PyTorch. A function of symmetric matrices reads both
triangles: its gradient is symmetric, as PyTorch has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import handles
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import ZERO, Cells

aten = torch.ops.aten

SINGULAR = 2.0**-44
"""A pivot that is smaller than the largest by this is taken for 0."""


def transpose(cells: Cells) -> Cells:
    """Of the last two axes."""
    return np.swapaxes(cells, -1, -2)


def identity(tape: Tape, shape: Any) -> Cells:
    """Of that shape, the last two axes square or not."""
    eye = np.eye(shape[-2], shape[-1])
    return np.broadcast_to(tape.constants(eye), tuple(shape)).copy()


def symmetrised(tape: Tape, x: Operand) -> Cells:
    """Half the sum of the matrix and its transpose, where the two are equal up to
    rounding; else the lower triangle, which alone is read then."""
    values, cells = x.values.numpy(), x.cells
    if not values.size or x.shape[-1] == 1:
        return cells
    gap = np.abs(values - np.swapaxes(values, -1, -2)).max(initial=0)
    lower = np.tril(np.ones(x.shape[-2:], np.bool_))
    if not gap <= 2.0**-40 * np.abs(values).max():
        return np.where(lower, cells, transpose(cells))
    rows, columns = np.tril_indices(x.shape[-1], -1)
    one, other = cells[..., rows, columns], cells[..., columns, rows]
    half = tape.row("mul", tape.row("add", one, other), 0.5)
    both = cells.copy()
    both[..., rows, columns] = both[..., columns, rows] = half
    return both


def over(tape: Tape, x: Cells, divisor: Cells) -> Cells:
    """A quotient as LAPACK has it: times the reciprocal, which rounds twice."""
    return tape.row("mul", x, tape.row("reciprocal", divisor))


# ── triangular systems ────────────────────────────────────────────────────────────────


def substituted(
    tape: Tape, matrix: Cells, right: Cells, *, upper: bool, unit: bool = False
) -> Cells:
    """The solution X of a triangular system A X = B; the other triangle is not read."""
    n = matrix.shape[-1]
    batch = np.broadcast_shapes(matrix.shape[:-2], right.shape[:-2])
    matrix = np.broadcast_to(matrix, (*batch, *matrix.shape[-2:]))
    right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
    solved: Cells = np.full(right.shape, ZERO, np.int64)
    for i in reversed(range(n)) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        row = right[..., i : i + 1, :]
        if known.stop > known.start:
            taken = tape.contract(matrix[..., i : i + 1, known], solved[..., known, :])
            row = tape.row("sub", row, taken)
        if not unit:
            row = over(tape, row, matrix[..., i : i + 1, i : i + 1])
        solved[..., i : i + 1, :] = row
    return solved


@handles(aten.linalg_solve_triangular)
def _(
    tape: Tape,
    result: torch.Tensor,
    matrix: Operand,
    right: Operand,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Cells:
    a, b = matrix.cells, right.cells
    if left:
        return substituted(tape, a, b, upper=upper, unit=unitriangular)
    a, b = transpose(a), transpose(b)
    return transpose(substituted(tape, a, b, upper=not upper, unit=unitriangular))


@handles(aten.triangular_solve)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, torch.Tensor],
    right: Operand,
    matrix: Operand,
    upper: bool = True,
    transpose_: bool = False,
    unitriangular: bool = False,
) -> tuple[Cells, Cells]:
    a = transpose(matrix.cells) if transpose_ else matrix.cells
    is_upper = upper != transpose_
    x = substituted(tape, a, right.cells, upper=is_upper, unit=unitriangular)
    return x, matrix.cells


# ── LU ────────────────────────────────────────────────────────────────────────────────


def _permutations(pivots: torch.Tensor, n: int) -> Any:
    """The order of the rows after the exchanges, by batch."""
    flat = pivots.reshape(-1, pivots.shape[-1]).numpy() - 1
    order = np.tile(np.arange(n), (len(flat), 1))
    for rows, exchanges in zip(order, flat, strict=True):
        for k, other in enumerate(exchanges):
            rows[k], rows[other] = rows[other], rows[k]
    return order.reshape(*pivots.shape[:-1], n)


def _ordered(cells: Cells, order: Any) -> Cells:
    return np.take_along_axis(
        cells, np.broadcast_to(order[..., None], (*order.shape, cells.shape[-1])), -2
    )


def factored(tape: Tape, matrix: Cells, pivots: torch.Tensor) -> Cells:
    """L and U in one matrix, of the rows in the order of the pivots."""
    rows, columns = matrix.shape[-2:]
    a = _ordered(matrix, _permutations(pivots, rows))
    for k in range(min(rows, columns)):
        if k + 1 == rows:
            break
        below = over(tape, a[..., k + 1 :, k], a[..., k, k][..., None])
        a[..., k + 1 :, k] = below
        if k + 1 < columns:
            taken = tape.row("mul", below[..., None], a[..., k, None, k + 1 :])
            a[..., k + 1 :, k + 1 :] = tape.row("sub", a[..., k + 1 :, k + 1 :], taken)
    return a


def solved_by(
    tape: Tape,
    lu: Cells,
    pivots: torch.Tensor,
    right: Cells,
    *,
    left: bool = True,
    adjoint: bool = False,
) -> Cells:
    """The solution of A X = B or of X A = B; `adjoint` takes Aᵀ for A."""
    if not left:  # X A = B is Aᵀ Xᵀ = Bᵀ
        turned = solved_by(tape, lu, pivots, transpose(right), adjoint=not adjoint)
        return transpose(turned)
    order = _permutations(pivots, lu.shape[-1])
    batch = np.broadcast_shapes(lu.shape[:-2], right.shape[:-2])
    order = np.broadcast_to(order, (*batch, order.shape[-1]))
    right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
    if not adjoint:
        half = substituted(tape, lu, _ordered(right, order), upper=False, unit=True)
        return substituted(tape, lu, half, upper=True)
    turned = transpose(lu)
    half = substituted(tape, turned, right, upper=False)
    whole = substituted(tape, turned, half, upper=True, unit=True)
    return _ordered(whole, np.argsort(order, -1))


@handles(aten.linalg_lu_factor_ex)
def _(
    tape: Tape, result: tuple[torch.Tensor, ...], matrix: Operand, **options: Any
) -> tuple[Cells, None, None]:
    return factored(tape, matrix.cells, result[1]), None, None


def _halves(tape: Tape, lu: Cells) -> tuple[Cells, Cells]:
    """The unit lower and the upper factor."""
    rows, columns = lu.shape[-2:]
    few = min(rows, columns)
    row, column = np.arange(rows)[:, None], np.arange(columns)
    upper = np.where(row <= column, lu, ZERO)[..., :few, :]
    lower = np.where(row > column, lu, ZERO)[..., :few]
    one = int(tape.constants(1.0))
    return np.where((row == column)[:, :few], one, lower), upper


@handles(aten.lu_unpack)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, ...],
    lu: Operand,
    pivots: torch.Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
) -> tuple[Cells | None, Cells | None, Cells | None]:
    order = tape.constants(result[0]) if unpack_pivots else None
    lower, upper = _halves(tape, lu.cells) if unpack_data else (None, None)
    return order, lower, upper


@handles(aten.linalg_lu)
def _(
    tape: Tape, result: tuple[torch.Tensor, ...], matrix: Operand, *, pivot: bool = True
) -> tuple[Cells | None, Cells, Cells]:
    rows = matrix.cells
    order = None
    if pivot:
        permutation = result[0]
        order = tape.constants(permutation)
        rows = _ordered(rows, permutation.argmax(-2).numpy())
    identity_pivots = torch.arange(1, min(matrix.shape[-2:]) + 1).expand(
        *matrix.shape[:-2], -1
    )
    return order, *_halves(tape, factored(tape, rows, identity_pivots))


@handles(aten.linalg_lu_solve)
def _(
    tape: Tape,
    result: torch.Tensor,
    lu: Operand,
    pivots: torch.Tensor,
    right: Operand,
    *,
    left: bool = True,
    adjoint: bool = False,
) -> Cells:
    return solved_by(tape, lu.cells, pivots, right.cells, left=left, adjoint=adjoint)


def _factored_as_pytorch(
    tape: Tape, matrix: Operand, found: torch.Tensor, pivots: torch.Tensor
) -> tuple[Cells, bool]:
    """L and U of what these kernels take apart: the matrix or, as its layout in memory
    has it, its transpose; and whether the latter, which what they found tells."""
    order = torch.from_numpy(_permutations(pivots, matrix.shape[-1]))[..., None]
    eye = torch.eye(matrix.shape[-1], dtype=found.dtype)
    product = (found.tril(-1) + eye) @ found.triu()
    gaps = [
        (torch.take_along_dim(values, order, -2) - product).abs().sum()
        for values in (matrix.values, matrix.values.mT)
    ]
    is_turned = bool(gaps[1] < gaps[0])
    cells = transpose(matrix.cells) if is_turned else matrix.cells
    return factored(tape, cells, pivots), is_turned


@handles(aten._linalg_solve_ex)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, ...],
    matrix: Operand,
    right: Operand,
    *,
    left: bool = True,
    check_errors: bool = False,
) -> tuple[Cells, Cells, None, None]:
    pivots = result[2]
    lu, is_turned = _factored_as_pytorch(tape, matrix, result[1], pivots)
    is_vector = right.dim == 1 or (
        right.dim == matrix.dim - 1 and right.shape == matrix.shape[:-1]
    )
    b = right.cells[..., None] if is_vector else right.cells
    x = solved_by(tape, lu, pivots, b, left=left, adjoint=is_turned)
    return (x[..., 0] if is_vector else x), lu, None, None


@handles(aten.linalg_inv_ex)
def _(
    tape: Tape, result: tuple[torch.Tensor, ...], matrix: Operand, **options: Any
) -> tuple[Cells, None]:
    pivots = torch.linalg.lu_factor_ex(matrix.values).pivots
    lu = factored(tape, matrix.cells, pivots)
    eye = identity(tape, matrix.shape)
    return solved_by(tape, lu, pivots, eye), None


def _sign_of(pivots: torch.Tensor) -> Any:
    places = torch.arange(1, pivots.shape[-1] + 1)
    return (1 - 2 * ((pivots != places).sum(-1) % 2)).to(torch.float64).numpy()


def _diagonal(cells: Cells) -> Cells:
    return np.diagonal(cells, axis1=-2, axis2=-1)


def _expanded(tape: Tape, a: Cells) -> Cells:
    """The determinant by its definition along the first row: without a quotient, so
    that it has a derivative where the matrix is singular."""
    n = a.shape[-1]
    if n == 1:
        return a[..., 0, 0]
    parts = []
    for k in range(n):
        rest = np.delete(a[..., 1:, :], k, -1)
        minor = tape.row("mul", a[..., 0, k], _expanded(tape, rest))
        parts.append(minor if k % 2 == 0 else tape.row("neg", minor))
    return tape.sum(np.stack(parts, -1), [-1])


@handles(aten._linalg_det)
def _(
    tape: Tape, result: tuple[torch.Tensor, ...], matrix: Operand
) -> tuple[Cells, Cells, None]:
    lu, _ = _factored_as_pytorch(tape, matrix, result[1], result[2])
    n = matrix.shape[-1]
    sizes = result[1].diagonal(dim1=-2, dim2=-1).abs()
    is_singular = n > 0 and bool((sizes.amin(-1) <= SINGULAR * sizes.amax(-1)).any())
    if is_singular and 1 < n <= 6:
        return _expanded(tape, matrix.cells), lu, None
    sign = tape.constants(_sign_of(result[2]))
    total = sign if n else tape.constants(np.ones(tuple(result[0].shape)))
    for k in range(n):
        total = tape.row("mul", total, _diagonal(lu)[..., k])
    return total, lu, None


@handles(aten._linalg_slogdet)
def _(
    tape: Tape, result: tuple[torch.Tensor, ...], matrix: Operand
) -> tuple[Cells, Cells, Cells, None]:
    lu, _ = _factored_as_pytorch(tape, matrix, result[2], result[3])
    logs = tape.row("log", tape.row("abs", _diagonal(lu)))
    sign = tape.constants(result[0].numpy())
    return sign, tape.sum(logs, [-1]), lu, None


# ── Cholesky ──────────────────────────────────────────────────────────────────────────


def cholesky(tape: Tape, matrix: Cells) -> Cells:
    """The lower factor, of the lower triangle."""
    n = matrix.shape[-1]
    factor: Cells = np.full(matrix.shape, ZERO, np.int64)
    for k in range(n):
        column = matrix[..., k:, k : k + 1]
        if k:
            row = transpose(factor[..., k : k + 1, :k])
            column = tape.row("sub", column, tape.contract(factor[..., k:, :k], row))
        root = tape.row("sqrt", column[..., :1, :])
        factor[..., k : k + 1, k : k + 1] = root
        if k + 1 < n:
            rest = over(tape, column[..., 1:, :], root)
            factor[..., k + 1 :, k : k + 1] = rest
    return factor


@handles(aten.linalg_cholesky_ex)
def _(
    tape: Tape,
    result: tuple[torch.Tensor, ...],
    matrix: Operand,
    *,
    upper: bool = False,
    check_errors: bool = False,
) -> tuple[Cells, None]:
    factor = cholesky(tape, symmetrised(tape, matrix))
    return (transpose(factor) if upper else factor), None


def _solved_by_cholesky(tape: Tape, factor: Cells, right: Cells, upper: bool) -> Cells:
    lower = transpose(factor) if upper else factor
    half = substituted(tape, lower, right, upper=False)
    return substituted(tape, transpose(lower), half, upper=True)


@handles(aten.cholesky_solve)
def _(
    tape: Tape,
    result: torch.Tensor,
    right: Operand,
    factor: Operand,
    upper: bool = False,
) -> Cells:
    return _solved_by_cholesky(tape, factor.cells, right.cells, upper)


@handles(aten.cholesky_inverse)
def _(tape: Tape, result: torch.Tensor, factor: Operand, upper: bool = False) -> Cells:
    eye = identity(tape, factor.shape)
    return _solved_by_cholesky(tape, factor.cells, eye, upper)
