"""All that is known by symbols of one program, by one interface for real and complex
numbers.

A side is pure and can be pickled. It remembers one thing: which entries turned out to
be 0 at other points (`deciding.Zeros`), so that an identity is not worked out again at
each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, Protocol

from verifier.fields import COMPLEX, REAL, Field
from verifier.floats import Format, Point
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.records import VALUE, Enclosure, Entry, PointTruth, Truth, TruthStatus
from verifier.symbolic.calculus.chain import Chain, Known
from verifier.symbolic.calculus.complex_chain import ComplexChain
from verifier.symbolic.calculus.real_chain import RealChain
from verifier.symbolic.calculus.slopes import slopes
from verifier.symbolic.rounding.complex_neighbourhood import ComplexNeighbourhood
from verifier.symbolic.rounding.models import (
    Modes,
    Rounding,
    complex_rounding,
    real_rounding,
)
from verifier.symbolic.rounding.neighbourhood import Neighbourhood
from verifier.symbolic.truth.clarke import Clarke
from verifier.symbolic.truth.complex_oracle import ComplexOracle
from verifier.symbolic.truth.descent import trajectory
from verifier.symbolic.truth.hessian import HessianOracle
from verifier.symbolic.truth.many_points import BatchOracle, BatchTruths
from verifier.symbolic.truth.oracle import Oracle
from verifier.symbolic.truth.whole import terms

AnyOracle = Oracle | ComplexOracle


class Nearby(Protocol):
    """What is true of one entry at inputs within a few ulps of a point."""

    def holds(
        self, number: Any, steps: int, *, relative: Fraction, absolute: Fraction
    ) -> bool:
        """Whether a finite number is true there, to a relative or an absolute
        tolerance."""

    def ends(self, steps: int) -> bool:
        """Whether a pole or an end of the domain lies there."""


class SymbolicSide(Protocol):
    """What is true of a program, and what rounding may make of it."""

    @property
    def field(self) -> Field:
        """The numbers that it is about."""

    @property
    def program(self) -> Program:
        """As it is written."""

    @property
    def wrt(self) -> tuple[str, ...]:
        """What it is differentiated by; by an argument that the program lacks the
        derivative is 0."""

    @property
    def order(self) -> int:
        """1, or 2 with a Hessian."""

    @property
    def most_derivations(self) -> int:
        """How many derivations may speak for a derivative."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The numbers of a point that are worth a comparison."""

    @property
    def clarke(self) -> Clarke | None:
        """What the program is made of about a kink; None where that is not known of its
        field."""

    def forget(self) -> None:
        """Forget which entries turned out to be 0, so that nothing depends on what was
        asked before."""

    def truths(self, point: Point, upstream: Any, format_: Format) -> PointTruth:
        """What is true at a point, to what the format can tell apart."""

    def attested(self, point: Point, upstream: Any, truths: PointTruth) -> PointTruth:
        """The truths as the witness leaves them: a gradient that it contradicts becomes
        undecided."""

    def many(
        self, points: Sequence[Point], upstream: Any, format_: Format
    ) -> BatchTruths | None:
        """The value and gradient at many points, found together; None where there is no
        way to."""

    def over(self, inputs: Point, upstream: Any, entry: Entry) -> Known:
        """What is known of an entry over balls of inputs, at the precision in force."""

    def nearby(
        self, point: Point, upstream: Any, entry: Entry, format_: Format
    ) -> Nearby:
        """What is true of an entry at inputs within a few ulps of a point."""

    def slopes(
        self, step: str, point: Point, format_: Format
    ) -> Mapping[str, Fraction | None]:
        """A bound of |d step / d input| for each input that a named step depends on;
        None where there is none."""

    def terms(self, name: str, points: Sequence[Point]) -> Mapping[str, list[float]]:
        """The terms of SymPy's derivative by an input; none of what is no sum of real
        terms."""

    def trajectory(
        self, start: Point, parameter: str, learning_rate: Fraction, epochs: int
    ) -> list[tuple[Enclosure, Enclosure] | None]:
        """Loss before and weight after each epoch of an exact descent; None from where
        it is not known."""

    def rounding(self, format_: Format, modes: Modes) -> Rounding:
        """What rounding in a format may do by the outer and inner mode of a route."""


class _Side(ABC):
    """What both fields do alike."""

    field: ClassVar[Field]
    most_derivations: ClassVar[int]
    _chain: ClassVar[type[Chain]]

    def __init__(
        self, program: Program, wrt: Sequence[str], order: int, oracle: type[AnyOracle]
    ) -> None:
        self.program, self.wrt, self.order = program, tuple(wrt), order
        self._known_wrt = tuple(name for name in wrt if name in program.inputs)
        self._oracle = oracle(program, self._known_wrt)
        self.entries = tuple(self._compared())
        self._lacking = {
            entry: self._zero
            for entry in self.entries
            if entry.quantity != "step" and not set(entry.wrt) <= {*self._known_wrt}
        }

    def _compared(self) -> Iterator[Entry]:
        program, wrt = self.program, self.wrt
        yield VALUE
        yield from (Entry("gradient", (name,)) for name in wrt)
        reached = rewriting.reached(program)
        for name, index in program.steps.items():
            if index != program.output and reached[index]:
                yield Entry("step", (name,))
        if self.order == 2:
            yield from (Entry("hessian", pair) for pair in product(wrt, repeat=2))

    @property
    def _zero(self) -> Truth:
        """The derivative by an argument that the program lacks: however it is
        derived."""
        return Truth(
            status=TruthStatus.FINITE,
            enclosure=self.field.zero_enclosure,
            derivations=self.most_derivations,
        )

    def _inputs(self, point: Point) -> dict[str, Any]:
        return {name: point[name] for name in self.program.inputs}

    def forget(self) -> None:
        self._oracle.zeros.forget()

    def truths(self, point: Point, upstream: Any, format_: Format) -> PointTruth:
        truths = self._truths(self._inputs(point), upstream, format_)
        return {**truths, **self._lacking}

    @abstractmethod
    def _truths(self, inputs: Point, upstream: Any, format_: Format) -> PointTruth: ...

    def attested(self, point: Point, upstream: Any, truths: PointTruth) -> PointTruth:
        return self._oracle.attested(self._inputs(point), upstream, truths)

    def over(self, inputs: Point, upstream: Any, entry: Entry) -> Known:
        return self._oracle.over(inputs, upstream, entry)

    def slopes(
        self, step: str, point: Point, format_: Format
    ) -> Mapping[str, Fraction | None]:
        inputs, wrt = self._inputs(point), self._known_wrt
        return slopes(self.program, step, wrt, inputs, format_, self._chain)


class RealSide(_Side):
    """Real numbers: SymPy's derivative of the whole expression, step by step, and a
    witness."""

    field = REAL
    most_derivations = 3
    _chain = RealChain
    _oracle: Oracle

    def __init__(self, program: Program, wrt: Sequence[str], order: int = 1) -> None:
        super().__init__(program, wrt, order, Oracle)
        self._hessian: HessianOracle | None = None
        if order == 2:
            limits = self._oracle.limits
            self._hessian = HessianOracle(program, self._known_wrt, limits)

    @cached_property
    def clarke(self) -> Clarke:
        return Clarke(self.program)

    @cached_property
    def _batch(self) -> BatchOracle:
        return BatchOracle(self._oracle)

    def forget(self) -> None:
        super().forget()
        if self._hessian is not None:
            self._hessian.zeros.forget()

    def _truths(self, inputs: Point, upstream: float, format_: Format) -> PointTruth:
        first = self._oracle.at(inputs, upstream, format_)
        if self._hessian is None:
            return first
        return {**first, **self._hessian.at(inputs, upstream, format_, first)}

    def many(
        self, points: Sequence[Point], upstream: float, format_: Format
    ) -> BatchTruths | None:
        is_plain = self.order == 1 and not self._lacking and not self.program.steps
        if not is_plain:
            return None
        inputs = [self._inputs(point) for point in points]
        return self._batch.truths(inputs, upstream, format_)

    def over(self, inputs: Point, upstream: float, entry: Entry) -> Known:
        if entry.quantity == "hessian" and self._hessian is not None:
            return self._hessian.over(inputs, upstream, entry)
        return super().over(inputs, upstream, entry)

    def nearby(
        self, point: Point, upstream: float, entry: Entry, format_: Format
    ) -> Neighbourhood:
        return Neighbourhood(
            lambda inputs: self.over(inputs, upstream, entry),
            self._inputs(point),
            format_,
            by_interval=entry != VALUE,
        )

    def terms(self, name: str, points: Sequence[Point]) -> Mapping[str, list[float]]:
        return terms(self.program, name, [self._inputs(point) for point in points])

    def trajectory(
        self, start: Point, parameter: str, learning_rate: Fraction, epochs: int
    ) -> list[tuple[Enclosure, Enclosure] | None]:
        return trajectory(
            self._oracle.derivative, start, parameter, learning_rate, epochs
        )

    def rounding(self, format_: Format, modes: Modes) -> Rounding:
        return real_rounding(self.program, self._known_wrt, self.order, format_, modes)


class ComplexSide(_Side):
    """Complex numbers: the derivative of a holomorphic program, step by step, and a
    witness."""

    field = COMPLEX
    most_derivations = 2
    clarke = None
    _chain = ComplexChain
    _oracle: ComplexOracle

    def __init__(self, program: Program, wrt: Sequence[str], order: int = 1) -> None:
        super().__init__(program, wrt, order, ComplexOracle)

    def _truths(self, inputs: Point, upstream: complex, format_: Format) -> PointTruth:
        if all(map(self.field.is_finite, inputs.values())):
            return self._oracle.at(inputs, upstream, format_)
        unknown = Truth(status=TruthStatus.LIMIT, reason="an infinite input, or NaN")
        return dict.fromkeys(self._oracle.entries, unknown)

    def many(self, points: Sequence[Point], upstream: Any, format_: Format) -> None:
        return None

    def nearby(
        self, point: Point, upstream: complex, entry: Entry, format_: Format
    ) -> ComplexNeighbourhood:
        return ComplexNeighbourhood(
            lambda inputs: self.over(inputs, upstream, entry),
            self._inputs(point),
            format_,
        )

    def terms(self, name: str, points: Sequence[Point]) -> Mapping[str, list[float]]:
        return {}

    def trajectory(
        self, start: Point, parameter: str, learning_rate: Fraction, epochs: int
    ) -> list[tuple[Enclosure, Enclosure] | None]:
        return [None] * epochs

    def rounding(self, format_: Format, modes: Modes) -> Rounding:
        return complex_rounding(self.program, self._known_wrt, format_, modes)


def side_of(
    field: Field, program: Program, wrt: Sequence[str], order: int = 1
) -> SymbolicSide:
    """The symbolic side of a program over a field."""
    kind: type[RealSide | ComplexSide] = RealSide if field is REAL else ComplexSide
    return kind(program, wrt, order)
