"""What rounding alone may do to the Hessian by a route of order 2, in one format: of both modes, in either order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from verifier.floats import Format
from verifier.language.programs.program import Program
from verifier.records import Enclosure, Entry
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.rounding import passes
from verifier.symbolic.rounding.cancellation import CancellationModel
from verifier.symbolic.rounding.model import Mode, RoundingModel, _ends


class HessianRounding:
    """What rounding alone may do to the Hessian in one format, by one mode over another.

    The `inner` mode's program of the gradient is written out, and the `outer` one differentiates it. With `cancelling`,
    what one ulp of the terms that cancel last may leave of an entry that is 0.
    """

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        format_: Format,
        *,
        limited_range: bool,
        outer: Mode = Mode.REVERSE,
        inner: Mode = Mode.REVERSE,
        cancelling: bool = False,
    ) -> None:
        self.wrt, self.outer = tuple(wrt), outer
        if inner is Mode.REVERSE:
            written = passes.reverse(program, wrt)
        else:
            zeros = outer is Mode.REVERSE
            written = passes.forward(program, wrt, keeping_zeros=zeros)
        self.upstream = written.inputs[-1]
        if outer is Mode.FORWARD:
            written = passes.tangents(written, wrt)
        kind = CancellationModel if cancelling else _AnyOrder
        self.model = kind(written, wrt, format_, limited_range=limited_range)

    def spread(
        self, point: Mapping[str, float], upstream: float
    ) -> dict[Entry, Enclosure | None]:
        """Where rounding may bring the derivative of gradient i by input j; None where it may bring it anywhere."""
        given = {**point, self.upstream: upstream}
        if self.outer is Mode.FORWARD:
            pairs = [(first, second) for first in self.wrt for second in self.wrt]
            entries = [Entry("hessian", pair) for pair in pairs]
            return dict(zip(entries, self._steps(given), strict=True))
        return {
            Entry("hessian", (first, second)): row[second]
            for first, row in zip(self.wrt, self._jacobian(given), strict=True)
            for second in self.wrt
        }

    def _steps(self, point: Mapping[str, float]) -> list[Enclosure | None]:
        """The spread of every step's value."""
        model = self.model
        with balls.workprec(model.working_bits):
            values = model._forward(point)
            return [_ends(values[index]) for index in model.program.steps.values()]

    def _jacobian(
        self, point: Mapping[str, float]
    ) -> list[dict[str, Enclosure | None]]:
        """The spread of every step's gradient, the cotangent being 1."""
        model = self.model
        with balls.workprec(model.working_bits):
            values = model._forward(point)
            return [
                self._row(values, index)
                for index in tuple(model.program.steps.values())
            ]

    def _row(self, values: Sequence[Any], output: int) -> dict[str, Enclosure | None]:
        model = self.model
        model.program = replace(model.program, output=output)
        adjoints = model._backward(values, balls.exact(1.0))
        return {
            name: _ends(adjoints[model.leaves[name]])
            if name in model.leaves
            else _ends(balls.zero())
            for name in self.wrt
        }


class _AnyOrder(RoundingModel):
    """A rounding model that holds in whatever order PyTorch multiplies.

    `tanh_backward` and its kin have derivative formulas of their own: the same factors as in the derivative of the
    row's formula, in another order. Half an ulp of one partial product may be a whole one of another; so the
    error is relative here, as it is at most in any order.
    """

    def _widen(self, ball: Ball, scale: Ball, error_ulp: Fraction) -> Ball:
        usual = super()._widen(ball, scale, error_ulp)
        if not balls.is_finite(usual) or not balls.is_finite(scale):
            return usual
        unit = balls.dyadic(1 - self.format.precision_bits)
        relative = balls.exact(error_ulp) * unit * scale.abs_upper()
        # The usual one prevails among subnormals, where errors are absolute.
        return usual.union(balls.around(ball, relative))
