"""Another way to write a formula that keeps its digits: rewrites of the written tree,
each tried before it is made.

A rewrite is only a candidate. It becomes a suggestion where its value and gradient
overlap with the original's in balls, at the point and around it, and where PyTorch's
gradient of it is a match by the same judgement.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from verifier.floats import Format, nearest
from verifier.language.programs.program import Program
from verifier.symbolic.truth.agreement import agree
from verifier.verification.rewrite_rules import RULES
from verifier.verification.rewriting import Edit, Reader, Suggestion, apart, written

MOST_CANDIDATES = 24
"""Rewrites tried for one program."""
ASIDE = (Fraction(1023, 1024), Fraction(1025, 1024))
"""By what factors inputs are moved to see whether two programs agree around a point,
and where it is an edge of one."""


def suggest(
    program: Program,
    point: Mapping[str, float],
    upstream: float,
    wrt: Sequence[str],
    format_: Format,
    *,
    is_match: Callable[[Program], bool],
    deadline: float = math.inf,
) -> Iterator[Suggestion]:
    """The rewrites that are equal to the program and whose gradient PyTorch gets right
    at the point; as many as are found until the deadline (of `time.perf_counter`)."""
    for candidate in candidates(program):
        if time.perf_counter() > deadline:
            return
        if not _is_equal(program, candidate.program, point, upstream, wrt, format_):
            continue
        if is_match(candidate.program):
            yield candidate


def candidates(program: Program) -> list[Suggestion]:
    """What the rules make of the program: one rewrite each, then all of one rule's at
    once; not yet tried."""
    rewrites: list[Suggestion] = []
    edits: list[Edit] = []
    for index in range(len(program.nodes)):
        for rule in RULES:
            tree = rule(Reader(program), index)
            if tree is not None:
                edit = Edit(index, tree)
                edits.append(edit)
                rewrites.extend(written(program, [edit]))
    together = apart(program, edits)
    if len(together) > 1:
        rewrites.extend(written(program, together))
    return rewrites[:MOST_CANDIDATES]


def _is_equal(
    first: Program,
    second: Program,
    point: Mapping[str, float],
    upstream: float,
    wrt: Sequence[str],
    format_: Format,
) -> bool:
    """Whether both agree around the point, in value and gradient.

    At the point itself one of them may have an edge (0/0), which is what a rewrite is
    there to take away.
    """
    around = [_moved(point, factor, format_) for factor in ASIDE]
    return any(agree(first, second, point, upstream, wrt) for point in around) and all(
        agree(first, second, there, upstream, wrt) or _has_edge(first, there, upstream)
        for there in (point, *around)
    )


def _has_edge(program: Program, point: Mapping[str, float], upstream: float) -> bool:
    """Whether the program does not even agree with itself at the point."""
    return not agree(program, program, point, upstream, program.inputs)


def _moved(
    point: Mapping[str, float], factor: Fraction, format_: Format
) -> dict[str, float]:
    """The point moved aside: each input by its own amount, so that no relation between
    them is kept."""
    moved: dict[str, float] = {}
    for number, (name, value) in enumerate(point.items(), 1):
        if not math.isfinite(value):
            moved[name] = value
            continue
        base = Fraction(value) or Fraction(1, 1024)
        moved[name] = nearest(base * (1 + (factor - 1) / number), format_)
    return moved
