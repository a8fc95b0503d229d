"""How strongly a named step depends on the inputs: what an error of its adjoint is
multiplied by on the way to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from verifier.floats import Format
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.calculus.chain import Chain, Standing
from verifier.symbolic.calculus.real_chain import RealChain
from verifier.symbolic.calculus.stepwise import Stepwise

GUARD_BITS = 100
"""Precision beyond the format's: a bound need not be tight, but no cancellation should
make it useless."""


def slopes(
    program: Program,
    step: str,
    wrt: Sequence[str],
    point: Mapping[str, Any],
    format_: Format,
    arithmetic: type[Chain] = RealChain,
) -> dict[str, Fraction | None]:
    """A proved upper bound of |d step / d input| for each input of `wrt` that the step
    depends on.

    None where there is none: the step has an edge there, or no derivative.
    """
    inner = arithmetic.written_out(_until(program, step))
    bounds: dict[str, Fraction | None] = {}
    with balls.workprec(format_.precision_bits + GUARD_BITS):
        adjoints = Stepwise(inner, arithmetic).evaluate(point, 1.0).adjoints
        for name, index in _leaves(inner, wrt).items():
            known = adjoints[index]
            if known is None:
                bounds[name] = Fraction(0)
            elif known.standing is Standing.REGULAR and known.ball.is_finite():
                bounds[name] = balls.enclosure(arithmetic.size(known.ball)).upper
            else:
                bounds[name] = None
    return bounds


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
