"""Columns of balls: NumPy's arrays of objects, each an `arb`, at the precision in
force."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import Enclosures
from verifier.symbolic.arithmetic import balls, doubles, matrices
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.cells.indices import Places, segments

Column = Any
"""Of balls: an array of objects. Arb takes an array for a matrix: an array is always the
left operand, or the function NumPy's."""
Mask = npt.NDArray[np.bool_]


def lifted(function: Callable[..., Any], count: int = 1) -> Callable[..., Any]:
    """A function of balls, on columns."""
    found: Callable[..., Any] = np.frompyfunc(function, count, 1)
    return found


to_balls = lifted(doubles.of_double)
_is_zero = lifted(operator.methodcaller("is_zero"))
_accuracy = lifted(operator.methodcaller("rel_accuracy_bits"))
_is_finite = lifted(operator.methodcaller("is_finite"))
_is_infinity = lifted(doubles.is_infinity)
_is_exact = lifted(operator.methodcaller("is_exact"))


def is_zero(column: Column) -> Mask:
    """Where a column is the exact zero."""
    return np.asarray(_is_zero(column), dtype=bool)


def is_exact(column: Column) -> Mask:
    """Where a column has no radius."""
    return np.asarray(_is_exact(column), dtype=bool)


def is_finite(column: Column) -> Mask:
    """Where a column says anything."""
    return np.asarray(_is_finite(column), dtype=bool)


def may_vanish(column: Column) -> Mask:
    """Where a column may be zero, or nothing is known."""
    # A ball about zero has a radius beyond its midpoint: not one bit is known.
    vague: Mask = np.asarray(_accuracy(column) < 2, dtype=bool)
    return is_zero(column) | vague


def _pow(base: Column, power: Column) -> Column:
    if power.size == 1:
        exponent = balls.rational(power.flat[0])
        if exponent is not None and exponent.denominator <= 2 and abs(exponent) <= 8:
            return _halves(base, int(2 * exponent), power)
    return _GENERAL_POWER(base, power)


def _halves(base: Column, halves: int, power: Column) -> Column:
    """The power by a number of halves, by products; from Arb's own where a base may
    vanish."""
    count = abs(halves)
    if halves % 2 == 0:
        factor, count = base, count // 2
    else:
        factor = _RSQRT(base) if halves < 0 else _SQRT(base)
    result = None
    for digit in bin(count)[2:]:
        result = None if result is None else np.multiply(result, result)
        if digit == "1":
            result = factor if result is None else np.multiply(result, factor)
    if result is None:
        return np.broadcast_to(to_balls(np.ones(1)), base.shape)
    if halves < 0 and halves % 2 == 0:
        result = _RECIPROCAL(result)
    careful = may_vanish(base)
    if careful.any():
        result = np.array(result)
        result[careful] = _GENERAL_POWER(base[careful], power)
    return result


_GENERAL_POWER = lifted(balls.OPERATIONS["pow"], 2)
_RSQRT = lifted(operator.methodcaller("rsqrt"))
_SQRT = lifted(operator.methodcaller("sqrt"))
_RECIPROCAL = lifted(balls.OPERATIONS["reciprocal"])
_TWO = np.array([2.0])

DIRECT: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "neg": np.negative,
    "pow": _pow,
    "square": lambda x: _pow(x, to_balls(_TWO)),
    "sqrt": _SQRT,
    "rsqrt": _RSQRT,
    **{
        name: lifted(operator.methodcaller(name))
        for name in ("exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "erf")
    },
}


class Table(Mapping[str, Callable[..., Any]]):
    """The functions of columns by the name of the operation: those given, else those of
    balls, one by one."""

    def __init__(
        self, direct: Mapping[str, Callable[..., Any]], single: Mapping[str, Any]
    ) -> None:
        self.direct = dict(direct)
        self.single = single

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in self.direct:
            function = self.single[name]

            def one(*operands: Column) -> Column:
                return np.frompyfunc(function, len(operands), 1)(*operands)

            self.direct[name] = one
        return self.direct[name]

    def __iter__(self) -> Any:
        return iter(self.single)

    def __len__(self) -> int:
        return len(self.single)


TABLE = Table(DIRECT, balls.OPERATIONS)


@lru_cache(maxsize=4096)
def _literal(name: str | None, number: Fraction | None, bits: int) -> Column:
    column = np.empty(1, dtype=object)
    column[0] = balls.constant(name, number)
    return column


class BallArithmetic:
    """What evaluation asks of an arithmetic, for columns of balls."""

    table: Mapping[str, Callable[..., Any]] = TABLE

    settles = True
    """Whether what is special at single points is looked into."""

    def stopped(self, column: Column) -> Column:
        """The same numbers, without how they move."""
        return column

    def begin(self, record: Any) -> None:
        """Told of each record before it is computed."""

    def block(self, record: Any, operand: Column, results: Column) -> Column:
        """The results of a block, as this arithmetic has them."""
        return results

    def store(self, size: int) -> Column:
        """Room for as many cells, each zero."""
        cells = np.empty(size, dtype=object)
        cells.fill(balls.zero())
        return cells

    def numbers(self, numbers: npt.NDArray[np.float64]) -> Column:
        """Exact numbers."""
        return to_balls(np.asarray(numbers, dtype=np.float64))

    def run(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """A formula of columns in the order of its inputs, in the shape of the first."""
        (result,) = evaluate(formula, operands, self.table, self.literal)
        return np.broadcast_to(result, operands[0].shape)

    def literal(self, name: str | None, number: Fraction | None) -> Column:
        """The column of one constant."""
        return _literal(name, number, balls.precision_bits())

    def value(
        self, operation: str, formula: Formula, operands: Sequence[Column]
    ) -> Column:
        """A row's value by its formula; the infinities that are proved."""
        result = self.run(formula, operands)
        if operation in ("log", "log2", "log10") and is_zero(operands[0]).any():
            result = np.array(result)
            result[is_zero(operands[0])] = balls.infinite(-1)
        return result

    def partial(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """A row's partial derivative by its formula."""
        return self.run(formula, operands)

    def total(self, column: Column) -> Column:
        """The sums over the last axis."""
        if column.shape[-1] == 0:
            return self.store(int(np.prod(column.shape[:-1])))
        return np.add.reduce(column, axis=-1)

    def contraction(self, left: Column, right: Column) -> Column:
        """Matrix products, of shapes (batch, rows, inner) and (batch, inner, columns)."""
        batch, rows, inner = left.shape
        columns = right.shape[2]
        if not inner:
            return self.store(batch * rows * columns).reshape(batch, rows, columns)
        if 4 * rows * columns * inner <= 3 * (
            rows * inner + inner * columns + rows * columns
        ):
            return np.add.reduce(
                np.multiply(left[:, :, None, :], right.transpose(0, 2, 1)[:, None]),
                axis=-1,
            )
        result = np.empty((batch, rows * columns), dtype=object)
        for place in range(batch):
            result[place] = matrices.product(
                left[place].ravel().tolist(),
                right[place].ravel().tolist(),
                (rows, inner, columns),
            )
        return result.reshape(batch, rows, columns)

    def times(self, first: Column, second: Column) -> Column:
        """The products."""
        return np.multiply(first, second)

    def negated(self, column: Column) -> Column:
        """The column with its sign turned."""
        return np.negative(column)

    def accumulate(self, store: Column, cells: Places, column: Column) -> None:
        """Add to cells, of which some may be named several times."""
        if cells.unique:
            store[cells.index] = np.add(store[cells.index], column)
            return
        order, starts, firsts = segments(cells.cells)
        sums = np.add.reduceat(column[order], starts)
        store[firsts] = np.add(store[firsts], sums)

    def largest(self, column: Column) -> tuple[Column, Mask]:
        """The largest over the last axis, and which may be it."""
        result = np.frompyfunc(lambda x, y: x.max(y), 2, 1).reduce(column, axis=-1)
        return result, may_vanish(np.subtract(column, result[..., None]))

    def ties(self, operation: str, operands: Sequence[Column]) -> Mask:
        """Where an operation that may turn is at a turn, or may be."""
        return np.asarray(TIES[operation](*operands), dtype=bool)

    def is_known(self, column: Column) -> Mask:
        """Where there is a number: finite, or an infinity that is proved."""
        known = is_finite(column)
        if not known.all():
            known = known | np.asarray(_is_infinity(column), dtype=bool)
        return known

    def is_finite(self, column: Column) -> Mask:
        """Where a column says anything."""
        return is_finite(column)

    def nothing(self, count: int) -> Column:
        """A column that says nothing."""
        column = np.empty(count, dtype=object)
        column.fill(balls.anything())
        return column

    def rational(self, column: Column) -> Fraction | None:
        """The number that a column of one is, where it is exact."""
        return balls.rational(column[0])

    def is_exact(self, column: Column) -> Mask:
        """Where there is no radius."""
        return is_exact(column)

    def is_zero(self, column: Column) -> Mask:
        """Where a column is the exact zero."""
        return is_zero(column)

    def to_balls(self, column: Column) -> Column:
        """The column as one of balls."""
        return column

    def of_balls(self, column: Column) -> Column:
        """A column of balls as one of this arithmetic."""
        return column

    def enclosures(self, column: Column) -> Enclosures:
        """As what passes to the judgement."""
        return enclosures(column)


def _contains_integer(x: Column) -> Column:
    return lifted(operator.methodcaller("contains_integer"))(x)


def _tied(x: Column, y: Column) -> Mask:
    """Where two columns may be equal; equal infinities are far from any turn."""
    return np.asarray(may_vanish(np.subtract(x, y)) & is_finite(x) & is_finite(y))


def _on_cut(y: Column, x: Column) -> Mask:
    positive: Mask = np.asarray(lifted(lambda ball: ball > 0)(x), dtype=bool)
    return may_vanish(y) & ~positive


TIES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("abs", "sign", "relu"), may_vanish),
    **dict.fromkeys(("floor", "ceil"), _contains_integer),
    **dict.fromkeys(("max", "min", "lt", "le", "gt", "ge", "eq", "ne"), _tied),
    "clamp": lambda x, low, high: _tied(x, low) | _tied(x, high),
    "hypot": lambda x, y: may_vanish(x) & may_vanish(y),
    "atan2": _on_cut,
}
"""Where an operation that may turn may be at a turn."""


def enclosures(column: Column) -> Enclosures:
    """A column of balls as float64 midpoints in two parts, and radii outwards."""
    parts: Any = np.frompyfunc(doubles.double, 1, 3)
    high, low, radius = parts(column)
    return Enclosures(
        high=np.asarray(high, dtype=np.float64),
        low=np.asarray(low, dtype=np.float64),
        radius=np.asarray(radius, dtype=np.float64),
    )
