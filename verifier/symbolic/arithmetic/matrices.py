"""Functions of matrices of balls: products, the exponential, and the eigenvectors of
symmetric ones. Matrices are lists of entries, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import acb_mat, arb_mat

from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball


def product(
    left: Sequence[Ball], right: Sequence[Ball], shape: tuple[int, int, int]
) -> list[Ball]:
    """The product; `shape` is rows, inner, columns."""
    rows, inner, columns = shape
    found = arb_mat(rows, inner, left) * arb_mat(inner, columns, right)
    return list(found.entries())


def exponential(entries: Sequence[Ball], size: int) -> list[Ball]:
    """The exponential of a square matrix."""
    return list(arb_mat(size, size, entries).exp().entries())


def eigensystem(
    entries: Sequence[Ball], size: int
) -> tuple[list[Ball], list[list[Ball]]] | None:
    """The eigenvalues of a symmetric matrix in rising order, and to each a vector of
    length 1, of either sign; None where the balls do not tell them apart."""
    with balls.workprec(2 * balls.precision_bits()):
        matrix = acb_mat(arb_mat(size, size, entries))
        try:
            found, vectors = matrix.eig(right=True)
        except ValueError:
            return None
        columns = [[vectors[i, j] for i in range(size)] for j in range(size)]
        # What is symmetric has real eigenvalues, and real vectors but for a factor.
        values = [number.real for number in found]
        order = sorted(range(size), key=lambda place: float(values[place]))
        units = [_unit(columns[place]) for place in order]
    return [+values[place] for place in order], [
        [+part for part in unit] for unit in units
    ]


def _unit(vector: Sequence[Any]) -> list[Ball]:
    """The real vector of length 1 that a complex multiple of it is."""
    largest = max(vector, key=lambda part: float(abs(part).mid()))
    real = [(part / largest).real for part in vector]
    length = sum((part * part for part in real), balls.zero()).sqrt()
    return [part / length for part in real]
