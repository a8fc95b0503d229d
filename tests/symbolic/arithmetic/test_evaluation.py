"""A formula is evaluated in balls."""

from __future__ import annotations

from fractions import Fraction

from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.formula import Formula, Instruction


def test_a_formula_is_evaluated_by_name_and_by_position() -> None:
    formula = Formula(
        instructions=(
            Instruction(operation="input", name="x"),
            Instruction(operation="input", name="y"),
            Instruction(operation="constant", number=Fraction(10)),
            Instruction(operation="mul", arguments=(2, 0)),
            Instruction(operation="sub", arguments=(3, 1)),
        ),
        outputs=(4, 3),
    )
    by_name = evaluation.evaluate(formula, {"y": balls.exact(1), "x": balls.exact(4)})
    by_position = evaluation.evaluate(formula, [balls.exact(4), balls.exact(1)])
    for values in (by_name, by_position):
        assert [balls.enclosure(ball).lower for ball in values] == [39, 40]
