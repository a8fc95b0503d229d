"""Columns of truncated power series: the rules of reverse mode over them give second
derivatives, and the forward pass alone a witness that shares no rule with reverse
mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Enclosures
from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, series, series_operations
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.series import Series, SingularError
from verifier.symbolic.cells import rules
from verifier.symbolic.cells.columns import (
    BallArithmetic,
    Column,
    Mask,
    Table,
    enclosures,
    is_finite,
    lifted,
)

LENGTH = 2
"""Terms: a number, and how it moves along one direction."""


def _operation(name: str, length: int) -> Callable[..., Any]:
    """An operation of series; raises `SingularError` where there is none."""
    if name == "above":
        return lambda x, y: _number(
            float(series_operations.decide("gt", (x, y))), length
        )
    if operations.row(name).is_condition:
        return lambda *operands: series_operations.decide(name, operands)
    return lambda *operands: series_operations.apply(name, operands, length)


def _number(number: float, length: int = LENGTH) -> Series:
    return series.constant(balls.exact(number), length)


def _nothing() -> Series:
    return series.of_coefficients([balls.anything(), balls.anything()], LENGTH)


FAILURES = (SingularError, KeyError, ValueError, ZeroDivisionError)
"""What says that there is no power series."""


class Operations(Mapping[str, Callable[..., Any]]):
    """The operations of series by name; `total` ones say nothing instead of raising."""

    def __init__(self, length: int, *, total: bool) -> None:
        self.length = length
        self.total = total

    def __getitem__(self, name: str) -> Callable[..., Any]:
        function = _operation(name, self.length)
        if not self.total:
            return function

        def tried(*operands: Any) -> Any:
            try:
                return function(*operands)
            except FAILURES:
                return None if operations.row(name).is_condition else _nothing()

        return tried

    def __iter__(self) -> Iterator[str]:
        return iter(operations.OPERATIONS)

    def __len__(self) -> int:
        return len(operations.OPERATIONS)


def _literal(name: str | None, number: Fraction | None) -> Series:
    return series.constant(balls.constant(name, number), LENGTH)


def slope(operation: str, operand: int, operands: Sequence[Any]) -> Any:
    """The partial derivative of a row by a power series, for where a formula has 0/0
    (sinc at 0) or SymPy has none; a ball that says nothing, where there is no
    series."""
    moving = [
        series.variable(ball, balls.exact(float(place == operand)), LENGTH)
        for place, ball in enumerate(operands)
    ]
    try:
        (result,) = evaluate(
            rules.value(operation), moving, Operations(LENGTH, total=False), _literal
        )
    except FAILURES:
        return balls.anything()
    return series.as_ball(result[1])


_first = lifted(lambda terms: series.as_ball(terms[0]))
_second = lifted(lambda terms: series.as_ball(terms[1]))


_standing = lifted(
    lambda ball: series.of_coefficients([ball, balls.anything()], LENGTH)
)
"""Series of which only the constant term is known."""


class SeriesArithmetic(BallArithmetic):
    """What evaluation asks of an arithmetic, for columns of series of two terms.

    To be used with Arb's own truncation set to as many (`balls.capped`).
    """

    table = Table(
        {"add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative},
        Operations(LENGTH, total=True),
    )

    settles = False

    def stopped(self, column: Column) -> Column:
        return lifted(lambda ball: series.constant(ball, LENGTH))(_first(column))

    def rational(self, column: Column) -> Fraction | None:
        return balls.rational(_first(column)[0])

    def is_exact(self, column: Column) -> Mask:
        return np.zeros(column.shape, dtype=bool)

    def store(self, size: int) -> Column:
        cells = np.empty(size, dtype=object)
        cells.fill(_number(0.0))
        return cells

    def numbers(self, numbers: npt.NDArray[np.float64]) -> Column:
        return lifted(_number)(np.asarray(numbers, dtype=np.float64))

    def moving(
        self, numbers: npt.NDArray[np.float64], slopes: npt.NDArray[np.float64]
    ) -> Column:
        """Numbers that move."""
        return np.frompyfunc(
            lambda number, by: series.variable(
                balls.exact(number), balls.exact(by), LENGTH
            ),
            2,
            1,
        )(numbers, slopes)

    def literal(self, name: str | None, number: Fraction | None) -> Column:
        column = np.empty(1, dtype=object)
        column[0] = _literal(name, number)
        return column

    def value(self, operation: str, formula: Any, operands: Sequence[Column]) -> Column:
        return self.run(formula, operands)

    def contraction(self, left: Column, right: Column) -> Column:
        a, b = (_first(left), _second(left)), (_first(right), _second(right))
        multiply = super().contraction
        values = multiply(a[0], b[0])
        slopes = np.add(multiply(a[0], b[1]), multiply(a[1], b[0]))
        return joined(values, slopes)

    def largest(self, column: Column) -> tuple[Column, Mask]:
        values, may_be = super().largest(_first(column))
        chosen = may_be.argmax(axis=-1)
        result = np.take_along_axis(column, chosen[..., None], axis=-1)[..., 0]
        tied = may_be.sum(axis=-1) > 1
        result[tied] = _standing(values[tied])
        return result, may_be

    def ties(self, operation: str, operands: Sequence[Column]) -> Mask:
        return np.zeros(operands[0].shape, dtype=bool)

    def is_known(self, column: Column) -> Mask:
        return is_finite(_first(column))

    def is_finite(self, column: Column) -> Mask:
        return is_finite(_first(column)) & is_finite(_second(column))

    def is_zero(self, column: Column) -> Mask:
        return np.zeros(column.shape, dtype=bool)

    def first(self, column: Column) -> Column:
        """The constant terms, as balls."""
        return _first(column)

    def slopes(self, column: Column) -> Enclosures:
        """How each moves along the direction."""
        return enclosures(_second(column))

    def enclosures(self, column: Column) -> Enclosures:
        return enclosures(_first(column))


def joined(values: Column, by: Column) -> Column:
    """Series by their two terms."""
    return np.frompyfunc(
        lambda value, slope: series.of_coefficients([value, slope], LENGTH), 2, 1
    )(values, by)


def slopes(column: Column) -> Column:
    """How each series moves, as balls."""
    return _second(column)
