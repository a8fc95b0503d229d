"""Functions of one column by tables of Taylor polynomials about multiples of 1/16, with
a proved bound on all that is left: for columns too long to go through balls one by
one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.symbolic.arithmetic import balls, series
from verifier.symbolic.arithmetic.doubles import INFLATION
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells.columns import Mask
from verifier.symbolic.cells.midpoint_columns import UNIT, Column, only
from verifier.symbolic.cells.series_columns import FAILURES, Operations

LEAST = 4096
"""Numbers from which on a table is worth it."""
LEAST_IN_CELL = 16
WIDTH = 2.0**-4
"""Of a cell of the table; numbers lie within half of it about its centre, and their
radii reach no further than to the next centres."""
HALF = WIDTH / 2
FARTHEST = 64.0
TERMS = 12
BITS = 160


def tabulated(
    formula: Formula, operands: Sequence[Column]
) -> tuple[Column, Mask] | None:
    """The formula where a table has it, and where that is; None where no table is worth
    it.

    All operands but one are one number each.
    """
    size = operands[0].size
    if size < LEAST or len(operands[0].shape) != 1:
        return None
    numbers = [only(column) for column in operands]
    varying = [place for place, number in enumerate(numbers) if number is None]
    if len(varying) != 1:
        return None
    (place,) = varying
    column = operands[place]
    others = tuple(number for number in numbers if number is not None)
    with np.errstate(all="ignore"):
        near = (np.abs(column.mid) <= FARTHEST) & (column.rad <= HALF)
    index = np.rint(np.where(near, column.mid, 0.0) / WIDTH).astype(np.int64)
    cells, inverse, counts = np.unique(index, return_inverse=True, return_counts=True)
    table = _table(formula, place, others)
    rows = np.array(
        [
            table.row(int(cell)) if count >= LEAST_IN_CELL else _NOTHING
            for cell, count in zip(cells, counts, strict=True)
        ]
    )
    result = _polynomials(rows, inverse.reshape(-1), column, index)
    return result, near & np.isfinite(result.rad)


def _polynomials(
    rows: npt.NDArray[np.float64],
    inverse: npt.NDArray[np.intp],
    column: Column,
    index: npt.NDArray[np.int64],
) -> Column:
    with np.errstate(all="ignore"):
        # Exact, by Sterbenz's lemma.
        move = column.mid - index * WIDTH
        inner = rows[inverse, TERMS - 1]
        for power in range(TERMS - 2, 0, -1):
            inner *= move
            inner += rows[inverse, power]
        mid = rows[inverse, 0] + move * inner
        fixed, moving, slope = (rows[inverse, TERMS + k] for k in range(3))
        rad = fixed + np.abs(move) * moving + column.rad * slope + UNIT * np.abs(mid)
        rad *= INFLATION
        rad[np.isnan(mid) | np.isnan(rad)] = np.inf
    return Column(mid, rad)


_NOTHING = (*(np.nan,) * TERMS, np.inf, np.inf, np.inf)


class _Table:
    """Rows by the number of the cell: the coefficients; what they err by at the centre,
    and for each unit of distance from it; the largest slope in reach."""

    def __init__(
        self, formula: Formula, place: int, others: tuple[Fraction, ...]
    ) -> None:
        self.formula = formula
        self.place = place
        self.others = others
        self.rows: dict[int, tuple[float, ...]] = {}

    def row(self, cell: int) -> tuple[float, ...]:
        """Of one cell; what says nothing, where the formula has no power series."""
        if cell not in self.rows:
            with balls.workprec(BITS):
                try:
                    self.rows[cell] = self._row(balls.exact(cell * WIDTH))
                except FAILURES:
                    self.rows[cell] = _NOTHING
        return self.rows[cell]

    def _row(self, centre: Any) -> tuple[float, ...]:
        terms = self._terms(centre, TERMS)
        wide = self._terms(balls.around(centre, balls.exact(WIDTH)), TERMS + 1)
        numbers = [float(term) for term in terms]
        errors = [
            _upper(term - number) for term, number in zip(terms, numbers, strict=True)
        ]
        size = sum(abs(number) * HALF**k for k, number in enumerate(numbers[1:]))
        lost = sum(error * HALF**k for k, error in enumerate(errors[1:]))
        rest = _upper(wide[TERMS]) * HALF ** (TERMS - 1)
        # Of each power a product and a sum are rounded, and the last product.
        moving = lost + (2 * TERMS + 2) * UNIT * size + rest
        return (*numbers, errors[0], moving, _upper(wide[1]))

    def _terms(self, at: Any, length: int) -> list[Any]:
        constants = iter(self.others)
        count = len(self.others) + 1
        operands = [
            series.variable(at, balls.exact(1.0), length)
            if place == self.place
            else series.constant(balls.exact(next(constants)), length)
            for place in range(count)
        ]
        (result,) = evaluate(
            self.formula,
            operands,
            Operations(length, total=False),
            lambda name, number: series.constant(balls.constant(name, number), length),
        )
        return series.coefficients(result)


def _upper(ball: Any) -> float:
    return float(ball.abs_upper()) * INFLATION


@lru_cache(maxsize=256)
def _table(formula: Formula, place: int, others: tuple[Fraction, ...]) -> _Table:
    return _Table(formula, place, others)
