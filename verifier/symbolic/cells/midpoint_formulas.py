"""Formulas of float64 midpoints with radii: what NumPy rounds correctly by NumPy, the
rest by tables of polynomials or one by one through balls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from verifier.symbolic.arithmetic import balls, doubles
from verifier.symbolic.arithmetic.evaluation import evaluate
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.arithmetic.straight_lines import CompiledFormula
from verifier.symbolic.cells import midpoint_choices as choices
from verifier.symbolic.cells import rules
from verifier.symbolic.cells.midpoint_columns import (
    BITS,
    UNIT,
    Column,
    Elementary,
    is_finite,
    is_zero,
    only,
)
from verifier.symbolic.cells.tabulated import tabulated


class Formulas(Elementary):
    """Formulas of columns."""

    def __init__(self, *given: float, **named: float) -> None:
        super().__init__(*given, **named)
        native: dict[str, Callable[..., Any]] = {
            "identity": lambda x: x,
            "add": self.plus,
            "sub": lambda x, y: self.plus(x, self.negated(y)),
            "mul": self.times,
            "div": self.over,
            "neg": self.negated,
            "square": lambda x: self.times(x, x),
            "sqrt": self.root,
            "rsqrt": lambda x: self.over(self.one, self.root(x)),
            "reciprocal": lambda x: self.over(self.one, x),
            "pow": self.power,
            "abs": choices.magnitude,
            "relu": choices.positive_part,
            "max": choices.larger,
            "min": choices.smaller,
            "clamp": lambda x, low, high: choices.smaller(choices.larger(x, low), high),
            "above": choices.above,
            "sign": choices.sign,
            **choices.CONDITIONS,
            "where": choices.where,
        }
        self.native = frozenset(native)
        self.table: Mapping[str, Callable[..., Any]] = _Table(native, self)

    def value(
        self, operation: str, formula: Formula, operands: Sequence[Column]
    ) -> Column:
        """A row's value by its formula."""
        column = self.run(formula, operands)
        if operation in ("log", "log2", "log10"):
            zero = is_zero(operands[0])
            if zero.any():
                column[zero] = Column(np.array(-np.inf), np.array(0.0))
        return column

    def partial(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """A row's partial derivative by its formula."""
        return self.run(formula, operands)

    def run(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """A formula of columns in the order of its inputs, in the shape of the first."""
        shape = operands[0].shape
        if not self._is_native(formula, operands):
            return self._tabulated(formula, operands)
        (found,) = evaluate(formula, operands, self.table, self.literal)
        column = Column(
            np.broadcast_to(found.mid, shape).copy(),
            np.broadcast_to(found.rad, shape).copy(),
        )
        bad = ~is_finite(column)
        if bad.any():
            column[bad] = self._one_by_one(formula, [given[bad] for given in operands])
        return column

    def _tabulated(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """By a table where there is one, else by balls."""
        found = tabulated(formula, operands)
        if found is None:
            return self._one_by_one(formula, operands)
        column, known = found
        rest = ~known
        if self.unit > UNIT:
            column = self.rounded(column.mid, column.rad)
        if rest.any():
            column[rest] = self._one_by_one(
                formula, [given[rest] for given in operands]
            )
        return column

    def _is_native(self, formula: Formula, operands: Sequence[Column]) -> bool:
        steps = formula.instructions
        for step in steps:
            if step.operation in ("input", "constant"):
                continue
            if step.operation not in self.native:
                return False
            if step.operation == "pow":
                power = steps[step.arguments[1]]
                number = power.number
                if power.operation == "input":
                    number = only(operands[step.arguments[1]])
                if number is None or (2 * number).denominator != 1 or abs(number) > 8:
                    return False
        return True

    def _one_by_one(self, formula: Formula, operands: Sequence[Column]) -> Column:
        """By balls; a formula of its own ready once for all."""
        names = [s.name or "" for s in formula.instructions if s.operation == "input"]
        with balls.workprec(BITS):
            run = CompiledFormula(formula, names, formula.outputs).ready()
            of_double, back = doubles.of_double, doubles.midpoint_and_radius

            def one(*parts: float) -> tuple[float, float]:
                given = [
                    of_double(m, r)
                    for m, r in zip(parts[::2], parts[1::2], strict=True)
                ]
                return back(run(given)[0])

            parts = [part for given in operands for part in (given.mid, given.rad)]
            every: Any = np.frompyfunc(one, len(parts), 2)
            mid, rad = every(*parts)
        column = Column(
            np.asarray(mid, dtype=np.float64), np.asarray(rad, dtype=np.float64)
        )
        if self.unit > UNIT:
            with np.errstate(all="ignore"):
                column.rad += self.unit * np.abs(column.mid) + self.absolute
                column.rad[np.isnan(column.rad)] = np.inf
        return column


class _Table(dict[str, Callable[..., Any]]):
    """The operations by name; those that are not native one by one through balls."""

    def __init__(
        self, native: Mapping[str, Callable[..., Any]], arithmetic: Formulas
    ) -> None:
        super().__init__(native)
        self.arithmetic = arithmetic

    def __missing__(self, name: str) -> Callable[..., Any]:
        formula = rules.value(name)
        return lambda *operands: self.arithmetic.run(formula, operands)
