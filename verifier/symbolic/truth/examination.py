"""What each operation should have given at PyTorch's *own* operands, and what it would
have given at the true ones.

PyTorch's numbers come in as a record of exact floats. Each is compared with balls, so
that the error that an operation makes itself is told apart from the error of its
operands; and of the latter, what each operand brings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from verifier.floats import Format, power_of_two, ulp
from verifier.language.kernels.compositions import expand
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.language.programs.single_operation import isolate, operand_name
from verifier.records import Enclosure, Entry, Truth, TruthStatus
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.arithmetic.precision import attempts
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.rounding.model import RoundingModel
from verifier.symbolic.truth.deciding import STATUS
from verifier.symbolic.truth.one_operation import apply, is_condition, product
from verifier.traces import Event, EventKind, Source, Trace

GUARD_BITS = 64
"""Precision beyond the format's at the first attempt: the shares of errors are
differences of near numbers."""
LARGEST_PRECISION_BITS = 3_000
TIGHT_BITS = 20
"""By how many bits an enclosure is finer than the format, so that errors in ulps are
errors of PyTorch's."""
EXPLAINABLE_ULP = 1
"""Local errors above this are compared with the operation's documented formula."""

_NOTHING = Known(balls.zero())
"""What flows back where nothing does."""


def examine(
    program: Program,
    trace: Trace,
    point: Mapping[str, float],
    upstream: float,
    format_: Format,
) -> tuple[Event, ...]:
    """Every number of a program's trace beside the local and the true one, in order of
    execution.

    Only nodes that the output depends on have adjoints, and only operands that depend
    on an input have products. Precision is raised until every enclosure is `TIGHT_BITS`
    finer than the format, or a cap is reached.
    """
    expanded = expand(program)

    def examination() -> _Examination:
        work = _Examination(expanded, trace, point, upstream, format_)
        work.run()
        return work

    first = format_.precision_bits + GUARD_BITS
    for _, work in attempts(examination, first, LARGEST_PRECISION_BITS):
        if work.is_tight:
            break
    return tuple(work.events)


@dataclass(frozen=True, slots=True)
class _Pair:
    """What PyTorch has of a number, and what it truly is."""

    measured: Known
    true: Known | None
    event: int

    @property
    def same(self) -> bool:
        """Whether both are proved to be the same number."""
        true = _NOTHING if self.true is None else self.true
        if self.measured.standing or true.standing:
            return False
        if isinstance(self.measured.ball, bool):
            return bool(self.measured.ball == true.ball)
        return balls.equal(self.measured.ball, true.ball) is True


class _Examination:
    """One walk over the trace at one precision."""

    def __init__(
        self,
        program: Program,
        trace: Trace,
        point: Mapping[str, float],
        upstream: float,
        format_: Format,
    ) -> None:
        self.trace, self.point, self.format = trace, point, format_
        self.upstream = Known(balls.exact(upstream))
        self.program = program
        self.constants = constant_values(self.program)
        self.depends = _depends(self.program)
        self.events: list[Event] = []
        self.values: list[_Pair] = []
        self.adjoints: dict[int, _Pair] = {}
        self.shares: dict[int, list[_Pair]] = {}
        self.is_tight = True

    def run(self) -> None:
        for index in range(len(self.program.nodes)):
            self._value(index)
        if not self.depends[self.program.output]:
            return
        reached = {self.program.output}
        for index in range(self.program.output, -1, -1):
            if index not in reached:
                continue
            self._adjoint(index)
            for operand, argument in enumerate(self.program.nodes[index].arguments):
                if self.depends[argument]:
                    reached.add(argument)
                    self._product(index, operand)

    def _value(self, index: int) -> None:
        node = self.program.nodes[index]
        measured = self.trace.values[index]
        pairs = [self.values[argument] for argument in node.arguments]
        sources: tuple[Source, ...] = ()
        if index in self.constants:  # rounded once, whatever it is made of
            local = true = Known(balls.exact(self.constants[index]))
        elif node.operation == "variable":
            local = true = _measured(self.point[node.name or ""], condition=False)
        elif node.operation == "constant":
            local = true = _named(node.name or "")
        else:
            local = apply(node.operation, [pair.measured for pair in pairs])
            operands = [pair.true or _NOTHING for pair in pairs]
            true = apply(node.operation, operands)
            sources = _sources(pairs, operands, true, partial(apply, node.operation))
            if node.operation == "atan2":
                side = self.trace.values[node.arguments[0]]
                local, true = (_on_side(known, side) for known in (local, true))
        known = _measured(measured, condition=is_condition(node.operation))
        self.values.append(_Pair(known, true, len(self.events)))
        self._add(EventKind.VALUE, index, None, measured, local, true, sources)

    def _adjoint(self, index: int) -> None:
        measured = self.trace.adjoints[index] or 0.0
        pairs = self.shares.get(index, [])
        local: Known = _NOTHING
        true: Known | None = None
        if index == self.program.output:
            local, true = self.upstream, self.upstream
        for pair in pairs:
            local = _sum(local, pair.measured)
            true = pair.true if true is None else _sum(true, pair.true or _NOTHING)
        sources = tuple(
            Source(event=pair.event, share=_difference(pair.measured, pair.true))
            for pair in pairs
        )
        known = _measured(measured, condition=False)
        self.adjoints[index] = _Pair(known, true, len(self.events))
        self._add(EventKind.ADJOINT, index, None, measured, local, true, sources)

    def _product(self, index: int, operand: int) -> None:
        node = self.program.nodes[index]
        measured = self.trace.products[index][operand] or 0.0
        adjoint = self.adjoints[index]
        pairs = [self.values[argument] for argument in node.arguments]
        operands = [pair.true or _NOTHING for pair in pairs]
        measured_operands = [pair.measured for pair in pairs]
        exponent, measured_exponent = self._exponents(index)

        def back(operands: Sequence[Known], adjoint: Known | None) -> Known | None:
            return product(node.operation, operand, operands, adjoint, exponent)

        local = product(
            node.operation,
            operand,
            measured_operands,
            adjoint.measured,
            measured_exponent,
        )
        true = back(operands, adjoint.true)
        share = _share(adjoint, true, lambda known: back(operands, known))
        sources = [Source(event=adjoint.event, share=share)]
        sources += _sources(
            pairs, operands, true, lambda operands: back(operands, adjoint.true)
        )
        # PyTorch's formula may use the result: it brings no error of its own, but an
        # infinity.
        sources.append(Source(event=self.values[index].event, share=Fraction(0)))
        known = _measured(measured, condition=False)
        argument = node.arguments[operand]
        self.shares.setdefault(argument, []).append(
            _Pair(known, true, len(self.events))
        )
        explained = self._explained(index, operand, measured, local)
        self._add(
            EventKind.PRODUCT,
            index,
            operand,
            measured,
            local,
            true,
            tuple(sources),
            explained,
        )

    def _exponents(self, index: int) -> tuple[Fraction | None, Fraction | None]:
        """A power's constant exponent, exactly and as PyTorch has it."""
        node = self.program.nodes[index]
        if node.operation != "pow" or node.arguments[1] not in self.constants:
            return None, None
        power = node.arguments[1]
        measured = self.trace.values[power]
        exact = self.constants[power]
        return exact, Fraction(measured) if math.isfinite(measured) else exact

    def _explained(
        self, index: int, operand: int, measured: float, local: Known | None
    ) -> bool | None:
        """Whether rounding inside PyTorch's documented formula brings about what it
        handed back."""
        truth = _truth(local, self.format)
        if truth.status is not TruthStatus.FINITE or truth.interval is None:
            return None
        middle = (truth.interval.lower + truth.interval.upper) / 2
        if math.isfinite(measured):
            error = abs(Fraction(measured) - middle)
            if error <= EXPLAINABLE_ULP * ulp(middle, self.format):
                return None
        return self._is_in_spread(index, operand, measured)

    def _is_in_spread(self, index: int, operand: int, measured: float) -> bool | None:
        node = self.program.nodes[index]
        operands = {at: self.trace.values[at] for at in node.arguments}
        adjoint = self.trace.adjoints[index] or 0.0
        if not all(math.isfinite(value) for value in (*operands.values(), adjoint)):
            return None
        if is_condition(self.program.nodes[node.arguments[0]].operation):
            return None
        literals = {
            at: Fraction(operands[at]) for at in operands if at in self.constants
        }
        alone = isolate(self.program, index, literals)
        name = operand_name(operand)
        point = {
            operand_name(at): operands[argument]
            for at, argument in enumerate(node.arguments)
        }
        model = RoundingModel(alone, [name], self.format, limited_range=True)
        spread = model.spread(point, adjoint).reach
        reach = spread[Entry("gradient", (name,))]
        if reach is None:
            return True
        return (
            math.isfinite(measured) and reach.lower <= Fraction(measured) <= reach.upper
        )

    def _add(
        self,
        kind: EventKind,
        node: int,
        operand: int | None,
        measured: float,
        local: Known | None,
        true: Known | None,
        sources: tuple[Source, ...],
        explained: bool | None = None,
    ) -> None:
        truths = [_truth(known, self.format) for known in (local, true)]
        self.is_tight &= all(t.status is not TruthStatus.PRECISION for t in truths)
        self.events.append(
            Event(
                kind=kind,
                node=node,
                operand=operand,
                measured=measured,
                local=truths[0],
                true=truths[1],
                sources=sources,
                explained=explained,
            )
        )


def _depends(program: Program) -> list[bool]:
    """Whether each node is a number that depends on an input, so that a gradient may
    flow back to it."""
    depends: list[bool] = []
    for node in program.nodes:
        is_moved = node.operation == "variable" or any(
            depends[argument] for argument in node.arguments
        )
        depends.append(is_moved and not is_condition(node.operation))
    return depends


def _measured(value: float, *, condition: bool) -> Known:
    if condition:
        return Known(bool(value))
    if math.isfinite(value):
        return Known(balls.exact(value))
    return Known(balls.anything(), Standing.UNDEFINED, "an operand is not finite")


def _named(name: str) -> Known:
    if name == "inf":
        return Known(balls.anything(), Standing.LIMIT, "an infinite constant")
    return Known(balls.constant(name, None))


def _on_side(angle: Known, y: float) -> Known:
    """An angle of ±π on that side of the cut of atan2 which PyTorch's own zero
    picks."""
    if angle.standing or y != 0 or angle.ball.contains(0):
        return angle
    return Known(abs(angle.ball) * math.copysign(1, y))


def _sources(
    pairs: Sequence[_Pair],
    operands: Sequence[Known],
    true: Known | None,
    result: Callable[[Sequence[Known]], Known | None],
) -> tuple[Source, ...]:
    """What each operand brings to a result that is `true` of the true ones."""

    def moved(at: int, known: Known) -> Known | None:
        return result([*operands[:at], known, *operands[at + 1 :]])

    return tuple(
        Source(event=pair.event, share=_share(pair, true, partial(moved, at)))
        for at, pair in enumerate(pairs)
    )


def _share(
    pair: _Pair, true: Known | None, result: Callable[[Known], Known | None]
) -> Fraction | None:
    """How far the truth moves with PyTorch's number in the place of one operand's."""
    if pair.same:
        return Fraction(0)
    return _difference(result(pair.measured), true)


def _difference(first: Known | None, second: Known | None) -> Fraction | None:
    """The distance of two results; of two conditions, whether they differ; None where
    one says nothing."""
    first = _NOTHING if first is None else first
    second = _NOTHING if second is None else second
    if first.standing or second.standing:
        return None
    if isinstance(first.ball, bool) or isinstance(second.ball, bool):
        return Fraction(int(first.ball != second.ball))
    if first.ball is None or second.ball is None:
        return None
    difference = first.ball - second.ball
    if not balls.is_finite(difference):
        return None
    ends = balls.enclosure(difference)
    return (ends.lower + ends.upper) / 2


def _sum(first: Known, second: Known) -> Known:
    if first.standing or second.standing:
        worst = max(first, second, key=lambda known: known.standing)
        return Known(balls.anything(), worst.standing, worst.reason)
    return Known(first.ball + second.ball)


def _truth(known: Known | None, format_: Format) -> Truth:
    """What a ball says, as a record; conditions are 1 or 0."""
    if known is None:
        known = _NOTHING
    if known.standing is not Standing.REGULAR or known.ball is None:
        status = STATUS.get(known.standing, TruthStatus.PRECISION)
        return Truth(status=status, reason=known.reason)
    if isinstance(known.ball, bool):
        number = Fraction(int(known.ball))
        return Truth(
            status=TruthStatus.FINITE, enclosure=Enclosure(lower=number, upper=number)
        )
    if not balls.is_finite(known.ball):  # as what an infinite upstream gradient makes
        return Truth(status=TruthStatus.PRECISION)
    ends = balls.enclosure(known.ball)
    tight = _is_tight(known.ball, ends, format_)
    status = TruthStatus.FINITE if tight else TruthStatus.PRECISION
    return Truth(status=status, enclosure=ends)


def _is_tight(ball: Ball, ends: Enclosure, format_: Format) -> bool:
    """Whether the enclosure is far finer than the format, or than its smallest
    number."""
    if balls.is_known_to(ball, format_.precision_bits + TIGHT_BITS):
        return True
    width = ends.upper - ends.lower
    return width * power_of_two(TIGHT_BITS) <= format_.smallest_subnormal
