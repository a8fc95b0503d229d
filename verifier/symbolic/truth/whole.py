"""SymPy's derivative of the whole expression, by entry: a second opinion beside the
derivative step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

from verifier.language.programs.program import Node, Program
from verifier.records import VALUE, Enclosure, Entry, Truth
from verifier.symbolic.arithmetic import balls, evaluation, exact_functions
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.formula import Formula
from verifier.symbolic.calculus import derivative
from verifier.symbolic.truth.deciding import may_vanish

MOST_SPELT = 100
"""Operations of a program whose derivative is looked at term by term."""
TERMS_BITS = 256
"""Precision at which the terms are worked out, to be read as doubles."""


class WholeExpression:
    """Value and gradient of a program as SymPy knows them, where its expression is not
    too large."""

    def __init__(
        self, program: Program, wrt: Sequence[str], entries: Sequence[Entry]
    ) -> None:
        self.program, self.entries = program, tuple(entries)
        self.formula = _compiled(program, wrt)

    def derivatives(self) -> dict[str, Formula]:
        """The formula of each derivative, by input."""
        if self.formula is None:
            return {}
        return {
            entry.wrt[0]: replace(self.formula, outputs=(output,))
            for entry, output in zip(self.entries, self.formula.outputs, strict=True)
            if entry != VALUE
        }

    def at(self, point: Mapping[str, float], upstream: float) -> dict[Entry, Ball]:
        """The entries that are finite there, at the precision in force; none where
        SymPy does not know the numbers."""
        if self.formula is None or not all(is_plain(v) for v in point.values()):
            return {}
        inputs = {name: balls.exact(point[name]) for name in self.program.inputs}
        value, *gradient = evaluation.evaluate(self.formula, inputs)
        seed = balls.exact(upstream)
        numbers = [value, *(seed * ball for ball in gradient)]
        return {
            entry: ball
            for entry, ball in zip(self.entries, numbers, strict=True)
            if balls.is_finite(ball)
        }

    def rational(
        self, point: Mapping[str, float], upstream: float, truths: Mapping[Entry, Truth]
    ) -> dict[Entry, Truth]:
        """Of the truths that may vanish those that are known as rational numbers.

        A ball of x/3 − x·(1/3) never tells that it is 0.
        """
        if self.formula is None or self._as_program is None:
            return {}
        if not all(is_plain(v) for v in point.values()):
            return {}
        known = exact_functions.rational_values(self._as_program, point)
        rational: dict[Entry, Truth] = {}
        for entry, index in zip(self.entries, self.formula.outputs, strict=True):
            number, ends = known.get(index), truths[entry].interval
            if number is None or ends is None or not may_vanish([ends]):
                continue
            number *= 1 if entry == VALUE else Fraction(upstream)
            if ends.lower <= number <= ends.upper:
                enclosure = Enclosure(lower=number, upper=number)
                rational[entry] = replace(truths[entry], enclosure=enclosure)
        return rational

    @cached_property
    def _as_program(self) -> Program | None:
        """The formulas as a program, for rational arithmetic."""
        return None if self.formula is None else _program_of(self.formula, self.program)


def is_plain(value: float) -> bool:
    """Whether SymPy's expression knows the number: it has no infinities, and no −0 to
    tell the sides of a cut apart."""
    return math.isfinite(value) and not _is_negative_zero(value)


def _is_negative_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def _compiled(program: Program, wrt: Sequence[str]) -> Formula | None:
    whole = derivative.whole(program)
    if whole is None:
        return None
    try:
        return whole.compile([whole.expression, *whole.gradient(wrt)])
    except derivative.UntranslatableError:
        return None


def terms(
    program: Program, name: str, points: Sequence[Mapping[str, float]]
) -> dict[str, list[float]]:
    """The terms of SymPy's derivative by an input at finite points, in double
    precision; NaN where one has no value.

    None of a derivative that is no sum, or of a program of more than `MOST_SPELT`
    operations: nobody reads its terms.
    """
    if len(program.nodes) > MOST_SPELT or name not in program.inputs:
        return {}
    whole = derivative.whole(program)
    if whole is None:
        return {}
    try:
        formulas = whole.terms(name)
    except derivative.UntranslatableError:
        return {}
    with balls.workprec(TERMS_BITS):
        return {
            text: [_number(formula, point) for point in points]
            for text, formula in formulas.items()
        }


def _number(formula: Formula, point: Mapping[str, float]) -> float:
    if not all(map(math.isfinite, point.values())):
        return math.nan
    inputs = {name: balls.exact(value) for name, value in point.items()}
    (ball,) = evaluation.evaluate(formula, inputs)
    return float(ball.mid()) if balls.is_finite(ball) else math.nan


def _program_of(formula: Formula, program: Program) -> Program:
    """The formula's instructions as nodes, at the same places."""
    span = program.nodes[program.output].span
    words = {"input": "variable"}
    nodes = tuple(
        Node(
            operation=words.get(step.operation, step.operation),
            arguments=step.arguments,
            name=step.name,
            number=step.number,
            span=span,
        )
        for step in formula.instructions
    )
    return replace(program, nodes=nodes, steps={}, output=formula.outputs[0])
