"""What rounding in one format may do to one program: one interface to all models, real
and complex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol

from verifier.floats import Format
from verifier.language.programs.program import Program
from verifier.records import VALUE, Entry
from verifier.symbolic.rounding.cancellation import (
    CancellationModel,
    ComplexCancellationModel,
)
from verifier.symbolic.rounding.complex_model import (
    ComplexIdealModel,
    ComplexRoundingModel,
)
from verifier.symbolic.rounding.hessian import HessianRounding
from verifier.symbolic.rounding.local_ulp import complex_local_ulp, local_ulp
from verifier.symbolic.rounding.model import IdealModel, RoundingModel
from verifier.symbolic.rounding.program_model import Mode
from verifier.symbolic.rounding.spread import Spread

AnySpread = Spread[Any]
"""Of enclosures for real numbers, of discs for complex ones."""
Modes = tuple[Mode, Mode]
"""The outer and the inner mode of a route; of order 1 both are the same."""


class FirstOrder(Protocol):
    """A model of value, gradient and step adjoints."""

    def spread(self, point: Mapping[str, Any], upstream: Any) -> AnySpread: ...


class SecondOrder(Protocol):
    """A model of the Hessian."""

    def spread(
        self, point: Mapping[str, Any], upstream: Any
    ) -> Mapping[Entry, Any]: ...


@dataclass(frozen=True, slots=True)
class Model:
    """A model of all entries of a point."""

    first: FirstOrder
    second: SecondOrder | None = None

    def spread(self, point: Mapping[str, Any], upstream: Any) -> AnySpread:
        """How far rounding may bring each entry at a point of the format's numbers."""
        spread = self.first.spread(point, upstream)
        if self.second is None:
            return spread
        second = self.second.spread(point, upstream)
        return replace(spread, reach={**spread.reach, **second})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """What rounding in one format may do to a program."""

    format: Format
    free: Model
    """With unlimited exponents."""
    limited: Model
    """With overflow and underflow on the way."""
    accurate: Model
    """If every operation had as good a derivative as it has a value."""
    cancelling: Model
    """If only the terms that cancel last were rounded, by one ulp each."""
    local: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    """What the operations' own errors add up to, in ulps, of the value and of a
    derivative."""

    def spread(
        self, point: Mapping[str, Any], upstream: Any, *, limited_range: bool
    ) -> AnySpread:
        """How far rounding alone may bring each entry."""
        model = self.limited if limited_range else self.free
        return model.spread(point, upstream)

    def ideal(self, point: Mapping[str, Any], upstream: Any) -> AnySpread:
        """How far it may bring the first derivatives of a program whose operations all
        have accurate ones."""
        return self.accurate.spread(point, upstream)

    def cancelled(self, point: Mapping[str, Any], upstream: Any) -> AnySpread:
        """How far one ulp of the terms that cancel last brings what is truly 0."""
        return self.cancelling.spread(point, upstream)

    def local_ulp(self, entry: Entry) -> Fraction:
        """What the operations' own errors add up to, in ulps, if none is amplified on
        the way."""
        value, derivative = self.local
        return value if entry == VALUE else derivative


def real_rounding(
    program: Program, wrt: Sequence[str], order: int, format_: Format, modes: Modes
) -> Rounding:
    """What rounding may do to a real program, differentiated once or twice."""
    outer, inner = modes

    def hessian(*, limited: bool, cancelling: bool = False) -> HessianRounding | None:
        if order != 2:
            return None
        return HessianRounding(
            program,
            wrt,
            format_,
            limited_range=limited,
            outer=outer,
            inner=inner,
            cancelling=cancelling,
        )

    free, limited = (
        RoundingModel(program, wrt, format_, limited_range=is_limited, mode=inner)
        for is_limited in (False, True)
    )
    cancelling = CancellationModel(
        program, wrt, format_, limited_range=False, mode=inner
    )
    return Rounding(
        format=format_,
        free=Model(free, hessian(limited=False)),
        limited=Model(limited, hessian(limited=True)),
        accurate=Model(IdealModel(program, wrt, format_, mode=inner)),
        cancelling=Model(cancelling, hessian(limited=False, cancelling=True)),
        local=local_ulp(free.program, inner),
    )


def complex_rounding(
    program: Program, wrt: Sequence[str], format_: Format, modes: Modes
) -> Rounding:
    """What rounding may do to a complex program, differentiated once."""
    _, inner = modes
    free, limited = (
        ComplexRoundingModel(
            program, wrt, format_, limited_range=is_limited, mode=inner
        )
        for is_limited in (False, True)
    )
    cancelling = ComplexCancellationModel(
        program, wrt, format_, limited_range=False, mode=inner
    )
    return Rounding(
        format=format_,
        free=Model(free),
        limited=Model(limited),
        accurate=Model(ComplexIdealModel(program, wrt, format_)),
        cancelling=Model(cancelling),
        local=complex_local_ulp(free.program),
    )
