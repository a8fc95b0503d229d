"""The Clarke set of a program at a kink: the gradients of the smooth functions that
meet there, and their convex hull.

Where every selection is continuously differentiable at the point, the Clarke set lies
in the convex hull of their gradients (S. Scholtes, Introduction to Piecewise
Differentiable Equations, 2012, section 4.3). A norm √(p₁² + … + pₖ²) that vanishes at
the point has no finite number of selections: by the Cauchy-Schwarz inequality its
gradient is Σ sᵢ∇pᵢ with |s| ≤ 1. What is returned is never smaller than the Clarke set;
it may be larger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.floats import Format
from verifier.language.kernels.compositions import expand
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.records import ClarkePiece, Enclosure, Entry
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.calculus.stepwise import Stepwise
from verifier.symbolic.limits.selections import (
    Choices,
    NotPiecewise,
    OpenTie,
    PointValues,
    Selection,
    Tie,
)
from verifier.symbolic.rounding.model import RoundingModel

PRECISION_BITS = 256
"""The gradients of selections are regular: these bits are far more than any tolerance
asks for."""
MOST_SELECTIONS = 256
"""Eight independent ties; beyond that nothing is said."""


class Clarke:
    """A program, ready to be taken apart into its selections at any point."""

    def __init__(self, program: Program) -> None:
        defined = rewriting.define(program)
        self.program = rewriting.define(expand(defined))
        self.stepwise = Stepwise(self.program)

    def pieces(
        self, point: Mapping[str, float], upstream: float, wrt: Sequence[str]
    ) -> tuple[ClarkePiece, ...] | None:
        """Sets of which the convex hull contains upstream × every gradient by the
        inputs `wrt` in the Clarke set.

        Proved. None where the program is not known to be made of finitely many smooth
        functions and norms there.
        """
        with balls.workprec(PRECISION_BITS):
            try:
                selections = self._selections(point)
                return tuple(
                    _piece(selection, point, upstream, wrt) for selection in selections
                )
            except NotPiecewise:
                return None

    def rounding(
        self,
        point: Mapping[str, float],
        upstream: float,
        wrt: Sequence[str],
        format_: Format,
    ) -> tuple[Fraction, ...] | None:
        """For each input of `wrt` how wide rounding spreads the derivative of any one
        selection; None: no bound."""
        with balls.workprec(PRECISION_BITS):
            try:
                selections = self._selections(point)
            except NotPiecewise:
                return None
        widest = [Fraction(0)] * len(wrt)
        for selection in selections:
            model = RoundingModel(selection.program, wrt, format_, limited_range=False)
            spread = model.spread(point, upstream).reach
            for at, name in enumerate(wrt):
                reach = spread[Entry("gradient", (name,))]
                if reach is None:
                    return None
                widest[at] = max(widest[at], reach.upper - reach.lower)
        return tuple(widest)

    # ── selections ────────────────────────────────────────────────────────────────────

    def _selections(self, point: Mapping[str, float]) -> list[Selection]:
        if not all(math.isfinite(point[name]) for name in self.program.inputs):
            raise NotPiecewise
        at_point = PointValues(self.program, self.stepwise.values(point), point)
        open_: list[dict[Tie, int]] = [{}]
        selections: list[Selection] = []
        while open_:
            signs = open_.pop()
            try:
                selections.append(Choices(self.program, at_point, signs).selection())
            except OpenTie as open_tie:
                open_ += [{**signs, open_tie.tie: side} for side in (1, -1)]
            if len(open_) + len(selections) > MOST_SELECTIONS:
                raise NotPiecewise
        return selections


def _piece(
    selection: Selection,
    point: Mapping[str, float],
    upstream: float,
    wrt: Sequence[str],
) -> ClarkePiece:
    center = _gradient(selection.program, point, upstream, wrt)
    norms: list[tuple[tuple[Enclosure, ...], ...]] = []
    for places, components in selection.norms.items():
        vectors: list[tuple[Enclosure, ...]] = []
        for component, weight in components:
            taken = _with_component(selection.program, places, component)
            moved = _gradient(taken, point, upstream, wrt)
            root = balls.OPERATIONS["sqrt"](balls.exact(weight))
            pairs = zip(moved, center, strict=True)
            vectors.append(tuple(balls.enclosure(root * (a - b)) for a, b in pairs))
        norms.append(tuple(vectors))
    return ClarkePiece(
        gradient=tuple(balls.enclosure(ball) for ball in center), norms=tuple(norms)
    )


def _gradient(
    program: Program, point: Mapping[str, float], upstream: float, wrt: Sequence[str]
) -> list[Ball]:
    adjoints = Stepwise(program).evaluate(point, upstream).adjoints
    leaves = {
        node.name: adjoints[index]
        for index, node in enumerate(program.nodes)
        if node.operation == "variable"
    }
    gradient = [leaves.get(name) or Known(balls.zero()) for name in wrt]
    if any(
        known.standing is not Standing.REGULAR or not balls.is_finite(known.ball)
        for known in gradient
    ):
        raise NotPiecewise
    return [known.ball for known in gradient]


def _with_component(program: Program, places: Sequence[int], component: int) -> Program:
    """The program with one component in the place of a norm."""
    nodes = list(program.nodes)
    for place in places:
        nodes[place] = replace(
            nodes[place], operation="identity", arguments=(component,), number=None
        )
    return replace(program, nodes=tuple(nodes))
