"""Whether two programs are the same function about a point, as far as balls tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.calculus.stepwise import Stepwise

LARGEST_PRECISION_BITS = 3_000


def agree(
    first: Program,
    second: Program,
    point: Mapping[str, float],
    upstream: float,
    wrt: Sequence[str],
    *,
    known_bits: int = 128,
) -> bool:
    """Whether value and gradient of two programs overlap in balls of relative radius
    2**-known_bits at a point.

    False where one of them has an edge there, or where no precision below a cap makes
    its balls that small.
    """

    def compare() -> list[bool | None]:
        pairs = [_outcome(each, point, upstream, wrt) for each in (first, second)]
        return [_compare(a, b, known_bits) for a, b in zip(*pairs, strict=True)]

    for _, verdicts in attempts(compare, 2 * known_bits, LARGEST_PRECISION_BITS):
        if False in verdicts:
            return False
        if None not in verdicts:
            return True
    return False


def _outcome(
    program: Program, point: Mapping[str, float], upstream: float, wrt: Sequence[str]
) -> list[Known]:
    """Value and gradient; an input that does not occur has the derivative 0."""
    program = rewriting.define(program)
    done = Stepwise(program).evaluate(point, upstream)
    leaves = {
        node.name: done.adjoints[index] for index, node in enumerate(program.nodes)
    }
    return [
        done.values[program.output],
        *(leaves.get(name) or Known(balls.zero()) for name in wrt),
    ]


def _compare(first: Known, second: Known, known_bits: int) -> bool | None:
    """Whether two results agree; None where more precision may tell."""
    for known in (first, second):
        if known.standing is Standing.UNSURE:
            return None
        if known.standing is not Standing.REGULAR:
            return False
    if not balls.overlaps(first.ball, second.ball):
        return False
    tight = all(balls.is_known_to(known.ball, known_bits) for known in (first, second))
    return True if tight else None
