"""How strongly a named step depends on the inputs: what an error of its adjoint is multiplied by on the way to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.floats import Format
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls, complex_balls
from verifier.symbolic.calculus import complex_stepwise as complex_chain
from verifier.symbolic.calculus import stepwise

GUARD_BITS = 100
"""Precision beyond the format's: a bound need not be tight, but no cancellation should make it useless."""


def slopes(
    program: Program,
    step: str,
    wrt: Sequence[str],
    point: Mapping[str, float],
    format_: Format,
) -> dict[str, Fraction | None]:
    """A proved upper bound of |d step / d input| for each input of `wrt` that the step depends on.

    None where there is none: the step has an edge there, or no derivative.
    """
    inner = rewriting.define(_until(program, step))
    with balls.workprec(format_.precision_bits + GUARD_BITS):
        adjoints = stepwise.Stepwise(inner).evaluate(point, 1.0).adjoints
        found: dict[str, Fraction | None] = {}
        for name, index in _leaves(inner, wrt).items():
            known = adjoints[index]
            if known is None:
                found[name] = Fraction(0)
            elif known.standing is stepwise.Standing.REGULAR and balls.is_finite(
                known.ball
            ):
                found[name] = balls.enclosure(abs(known.ball)).upper
            else:
                found[name] = None
        return found


def complex_slopes(
    program: Program,
    step: str,
    wrt: Sequence[str],
    point: Mapping[str, complex],
    format_: Format,
) -> dict[str, Fraction | None]:
    """The same of a holomorphic program."""
    inner = _until(program, step)
    with balls.workprec(format_.precision_bits + GUARD_BITS):
        adjoints = complex_chain.Chain(inner).evaluate(point, 1.0).adjoints
        found: dict[str, Fraction | None] = {}
        for name, index in _leaves(inner, wrt).items():
            known = adjoints[index]
            if known is None:
                found[name] = Fraction(0)
            elif (
                known.standing is complex_chain.Standing.REGULAR
                and complex_balls.is_finite(known.ball)
            ):
                size = complex_balls.magnitude(known.ball)
                found[name] = balls.enclosure(size).upper
            else:
                found[name] = None
        return found


def _until(program: Program, step: str) -> Program:
    """The part of a program that ends in a step."""
    output = program.steps[step]
    return replace(program, nodes=program.nodes[: output + 1], steps={}, output=output)


def _leaves(program: Program, wrt: Sequence[str]) -> dict[str, int]:
    """The variables that the output depends on."""
    needed = {program.output}
    for index in range(program.output, -1, -1):
        if index in needed:
            needed.update(program.nodes[index].arguments)
    leaves = {node.name: i for i, node in enumerate(program.nodes) if i in needed}
    return {name: leaves[name] for name in wrt if name in leaves}
