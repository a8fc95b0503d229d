"""Functions of a matrix that are no straight line of scalar operations: the eigenvalues
and eigenvectors of a symmetric one, and the exponential.

Derivatives are the formulas of M. B. Giles, Collected matrix derivative results for
forward and reverse mode algorithmic differentiation (2008), section 3.1, and, of the
exponential, those of R. Mathias, A chain rule for matrix functions and applications,
SIAM J. Matrix Anal. Appl. 17, 1996: of a block matrix. Where eigenvalues are not told
apart, nothing is said.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from verifier.language.cells import Record, Values
from verifier.symbolic.arithmetic import balls, matrices
from verifier.symbolic.cells.columns import BallArithmetic
from verifier.symbolic.cells.series_columns import SeriesArithmetic, joined, slopes

Column = Any
_BALLS = BallArithmetic()


def value(arithmetic: Any, record: Record, operand: Column, guess: Values) -> Column:
    """The results of a block, as a flat column; `guess` is what the library has, which
    tells the sign of eigenvectors."""
    if isinstance(arithmetic, SeriesArithmetic):
        return _moving(arithmetic, record, operand, guess)
    matrix = arithmetic.to_balls(operand)
    if record.kind == "matrix_exp":
        return arithmetic.of_balls(_exponential(matrix).reshape(-1))
    return arithmetic.of_balls(_eigh(matrix, guess))


def pullback(
    arithmetic: Any, record: Record, operand: Column, result: Column, adjoint: Column
) -> Column:
    """The adjoint of the operand, as a flat column."""
    batch, size, _ = operand.shape
    if record.kind == "matrix_exp":
        given = adjoint.reshape(operand.shape)
        return _exponential_pullback(arithmetic, operand, given).reshape(-1)
    every = size + size * size
    found, given = result.reshape(batch, every), adjoint.reshape(batch, every)
    vectors = found[:, size:].reshape(batch, size, size)
    given_vectors = given[:, size:].reshape(batch, size, size)
    times, product = arithmetic.times, arithmetic.contraction
    inner = product(vectors.transpose(0, 2, 1), given_vectors)
    if not arithmetic.is_zero(given[:, size:].reshape(-1)).all():
        inner = times(inner, _gaps(arithmetic, found[:, :size]))
    place = np.arange(size)
    inner[:, place, place] = given[:, :size]
    full = product(product(vectors, inner), vectors.transpose(0, 2, 1))
    turned = full.transpose(0, 2, 1)
    half = arithmetic.numbers(np.array([0.5])).reshape(1, 1, 1)
    return times(arithmetic.table["add"](full, turned), half).reshape(-1)


def _gaps(arithmetic: Any, values: Column) -> Column:
    """1/(λⱼ − λᵢ), and 0 on the diagonal."""
    batch, size = values.shape
    place = np.arange(size)
    gaps = arithmetic.table["sub"](values[:, None, :], values[:, :, None])
    gaps[:, place, place] = arithmetic.numbers(np.ones((batch, size)))
    inverse = arithmetic.table["reciprocal"](gaps)
    inverse[:, place, place] = arithmetic.numbers(np.zeros((batch, size)))
    return inverse


def _symmetric(matrix: Column) -> Column:
    half = _BALLS.numbers(np.array([0.5]))
    return np.multiply(np.add(matrix, matrix.transpose(0, 2, 1)), half)


def _eigh(matrix: Column, guess: Values) -> Column:
    batch, size, _ = matrix.shape
    guesses = guess.reshape(batch, size + size * size)
    found = np.empty((batch, size + size * size), dtype=object)
    for place, entries in enumerate(_symmetric(matrix)):
        found[place] = balls.anything()
        system = matrices.eigensystem(list(entries.reshape(-1)), size)
        if system is None:
            continue
        values, vectors = system
        if any(not a < b for a, b in pairwise(values)):
            continue
        found[place, :size] = values
        computed = guesses[place, size:].reshape(size, size)
        components = found[place, size:].reshape(size, size)
        for j, vector in enumerate(vectors):
            components[:, j] = _with_sign(vector, computed[:, j])
    return found.reshape(-1)


def _with_sign(vector: list[Any], computed: Values) -> list[Any]:
    """The vector, or its negative: what the library has lies on its side."""
    if np.isnan(computed).any():
        return [balls.anything()] * len(vector)
    numbers = np.array([float(part) for part in vector])
    return vector if numbers @ computed > 0 else [-part for part in vector]


def _exponential(matrix: Column) -> Column:
    found = np.empty(matrix.shape, dtype=object)
    for place, entries in enumerate(matrix):
        size = len(entries)
        result = matrices.exponential(list(entries.reshape(-1)), size)
        found[place].reshape(-1)[:] = result
    return found


def _block(corner: Column, right: Column) -> Column:
    """[[corner, right], [0, corner]]."""
    batch, size, _ = corner.shape
    block = _BALLS.store(batch * 4 * size * size).reshape(batch, 2 * size, 2 * size)
    block[:, :size, :size] = block[:, size:, size:] = corner
    block[:, :size, size:] = right
    return block


def _exponential_pullback(arithmetic: Any, operand: Column, given: Column) -> Column:
    """The upper right of exp [[Aᵀ, G], [0, Aᵀ]]."""
    size = operand.shape[1]
    turned = operand.transpose(0, 2, 1)
    if not isinstance(arithmetic, SeriesArithmetic):
        block = _block(arithmetic.to_balls(turned), arithmetic.to_balls(given))
        found = _exponential(block)[:, :size, size:]
        return arithmetic.of_balls(found)
    still = _block(arithmetic.first(turned), arithmetic.first(given))
    by = _block(slopes(turned), slopes(given))
    found = _exponential(_block(still, by))
    middle = 2 * size
    return joined(found[:, :size, size:middle], found[:, :size, middle + size :])


def _moving(
    arithmetic: SeriesArithmetic, record: Record, operand: Column, guess: Values
) -> Column:
    """The results of a block whose operand moves."""
    still, by = arithmetic.first(operand), slopes(operand)
    size = operand.shape[1]
    if record.kind == "matrix_exp":
        found = _exponential(_block(still, by))
        whole = joined(found[:, :size, :size], found[:, :size, size:])
        return whole.reshape(-1)
    batch = len(operand)
    at = _eigh(still, guess).reshape(batch, size + size * size)
    vectors = at[:, size:].reshape(batch, size, size)
    product = _BALLS.contraction
    turned = product(product(vectors.transpose(0, 2, 1), _symmetric(by)), vectors)
    place = np.arange(size)
    values_by = turned[:, place, place]
    mixing = np.multiply(turned, _gaps(_BALLS, at[:, :size]))
    vectors_by = product(vectors, mixing).reshape(batch, size * size)
    return joined(at, np.concatenate([values_by, vectors_by], axis=1)).reshape(-1)
