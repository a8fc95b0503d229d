"""What rounding alone may do to the Hessian by a route of order 2, in one format: of
both modes, in either order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.floats import Format
from verifier.language.programs.program import Program
from verifier.records import Enclosure, Entry
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.rounding import passes
from verifier.symbolic.rounding.cancellation import CancellationModel
from verifier.symbolic.rounding.model import RoundingModel
from verifier.symbolic.rounding.program_model import Mode
from verifier.symbolic.rounding.real_arithmetic import RealArithmetic


class HessianRounding:
    """What rounding alone may do to the Hessian in one format, by one mode over
    another.

    The `inner` mode's program of the gradient is written out, and the `outer` one
    differentiates it. With `cancelling`, what one ulp of the terms that cancel last may
    leave of an entry that is 0.
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
        kind = CancellationModel if cancelling else _AnyOrderModel
        self.model = kind(written, wrt, format_, limited_range=limited_range)

    def spread(
        self, point: Mapping[str, float], upstream: float
    ) -> dict[Entry, Enclosure | None]:
        """Where rounding may bring the derivative of gradient i by input j; None where
        it may bring it anywhere."""
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
        with balls.workprec(model.arithmetic.working_bits):
            values = model.values(point)
            return [model.reach(values[node]) for node in model.program.steps.values()]

    def _jacobian(
        self, point: Mapping[str, float]
    ) -> list[dict[str, Enclosure | None]]:
        """The spread of every step's gradient, the cotangent being 1."""
        model = self.model
        rows: list[dict[str, Enclosure | None]] = []
        with balls.workprec(model.arithmetic.working_bits):
            values, zero = model.values(point), model.exact(0.0)
            for node in model.program.steps.values():
                adjoints = model.adjoints(values, node, model.exact(1.0))
                by_name = {name: adjoints[leaf] for name, leaf in model.leaves.items()}
                rows.append({n: model.reach(by_name.get(n, zero)) for n in self.wrt})
        return rows


class _AnyOrderArithmetic(RealArithmetic):
    """Rounding that holds in whatever order PyTorch multiplies.

    `tanh_backward` and its kin have derivative formulas of their own: the same factors
    as in the derivative of the row's formula, in another order. Half an ulp of one
    partial product may be a whole one of another; so the error is relative here, as it
    is at most in any order.
    """

    def widen(self, ball: Ball, scale: Ball, error_ulp: Fraction) -> Ball:
        usual = super().widen(ball, scale, error_ulp)
        if not balls.is_finite(usual) or not balls.is_finite(scale):
            return usual
        unit = balls.dyadic(1 - self.format.precision_bits)
        relative = balls.exact(error_ulp) * unit * scale.abs_upper()
        # The usual one prevails among subnormals, where errors are absolute.
        return usual.union(balls.around(ball, relative))


class _AnyOrderModel(RoundingModel):
    """A real program in that arithmetic."""

    arithmetic_of = _AnyOrderArithmetic
