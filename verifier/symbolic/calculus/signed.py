"""A program and its reverse mode in exact arithmetic with the zeros and infinities of IEEE 754.

Over the reals a zero has no sign, and a limit comes from the side on which the function is defined. Arithmetic gives
every zero a sign and a pole the sign of its zero (IEEE 754-2019, sections 6.3 and 7.3): of log(−x) at 0 the slope is
−∞ from the left, and 1/−0 · −1 = +∞ as it is computed. Both are right answers. Here nothing is rounded: what is no zero
and no infinity is a ball, and the backward formulas are PyTorch's own (`operations`). Where a zero's sign hangs on
rounding it may be either; what no rule decides is left unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from verifier.language.kernels.compositions import expand
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.program import Node, Program
from verifier.records import Truth, TruthStatus
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.arithmetic import expansions as germs
from verifier.symbolic.arithmetic.balls import Regularity

PRECISION_BITS = 256


class Unknown(Exception):
    """No rule of IEEE 754 decides, or rounding does."""


class Kind(Enum):
    """What is no number with digits."""

    ZERO = "a zero"
    INFINITY = "an infinity"
    NAN = "not a number"


@dataclass(frozen=True, slots=True)
class Special:
    """A zero or an infinity of a sign, 0 where it may be either; or NaN."""

    kind: Kind
    sign: int = 0


Value = Any
"""A ball that is proved not to contain 0, a `Special`, or a truth value."""
NAN = Special(Kind.NAN)
ONE = 1.0


def _zero(sign: int) -> Special:
    return Special(Kind.ZERO, sign)


def _infinity(sign: int) -> Special:
    return Special(Kind.INFINITY, sign)


def _is_zero(value: Value) -> bool:
    return isinstance(value, Special) and value.kind is Kind.ZERO


def _is_infinite(value: Value) -> bool:
    return isinstance(value, Special) and value.kind is Kind.INFINITY


def sign(value: Value) -> int:
    """1 or −1; 0 where it may be either."""
    if isinstance(value, Special):
        return value.sign
    return 1 if value > 0 else -1


def of_ball(ball: Any) -> Value:
    """The value of a result without rounding; an exact zero of operands that are none is +0."""
    if not balls.is_finite(ball):
        raise Unknown
    if balls.is_zero(ball):
        return _zero(1)
    if not (ball > 0 or ball < 0):
        raise Unknown
    return ball


def of_number(number: float) -> Value:
    """The value of a float."""
    if math.isnan(number):
        return NAN
    if math.isinf(number):
        return _infinity(int(math.copysign(1, number)))
    return balls.exact(number) if number else _zero(int(math.copysign(1, number)))


def zero_signs(program: Program, point: Mapping[str, float]) -> list[int]:
    """The sign of the zero that each node is; 0 where it is none, or may have either."""
    with balls.workprec(PRECISION_BITS):
        values = _Evaluation(program, point).values
    return [sign(value) if _is_zero(value) else 0 for value in values]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Value and gradient; None of what is unknown."""

    value: Value | None
    gradient: Mapping[str, Value | None]
    is_bounded: bool
    """Whether every step of the program as written is known to be no infinity, nor NaN."""


def evaluate(program: Program, point: Mapping[str, float], upstream: float) -> Found:
    """What exact arithmetic with signed zeros and infinities makes of the program as PyTorch is given it."""
    with balls.workprec(PRECISION_BITS):
        written = _Evaluation(program, point).values
        work = _Evaluation(expand(program), point)
        value = work.values[work.program.output]
        adjoints = work.backward(of_number(upstream))
    names = {
        node.name or "": index
        for index, node in enumerate(work.program.nodes)
        if node.operation == "variable"
    }
    return Found(
        value=value,
        gradient={name: adjoints.get(index, _zero(1)) for name, index in names.items()},
        is_bounded=all(_is_bounded(step) for step in written),
    )


def _is_bounded(value: Value | None) -> bool:
    return value is not None and (not isinstance(value, Special) or _is_zero(value))


def truth(value: Value | None) -> Truth | None:
    """A value as a true one; None where it is NaN or not known."""
    if value is None or value is NAN:
        return None
    if _is_infinite(value):
        return Truth(status=TruthStatus.INFINITE, sign=value.sign)
    with balls.workprec(PRECISION_BITS):
        ball = balls.zero() if isinstance(value, Special) else value
        return Truth(status=TruthStatus.FINITE, enclosure=balls.enclosure(ball))


class _Evaluation:
    def __init__(self, program: Program, point: Mapping[str, float]) -> None:
        self.program = program
        self.reached = rewriting.reached(program)
        self.rationals = exact.rational_values(program, point)
        self.values: list[Value | None] = []
        for index, node in enumerate(program.nodes):
            try:
                self.values.append(self._value(index, node, point))
            except Unknown:
                self.values.append(None)

    def _value(self, index: int, node: Node, point: Mapping[str, float]) -> Value:
        if node.operation == "variable":
            return of_number(point[node.name or ""])
        operands = [self.values[argument] for argument in node.arguments]
        try:
            found = self._apply(node, operands)
        except Unknown:
            if self.rationals.get(index) != 0:
                raise
            return _zero(0)  # a zero for the reals, which rounding gives a sign
        return found

    def _apply(
        self, node: Node, operands: Sequence[Value | None], inside: str | None = None
    ) -> Value:
        if node.operation == "constant":
            if node.name == "inf":
                return _infinity(1)
            return of_ball(balls.constant(node.name, node.number))
        if node.operation == "where":
            return _known(operands[1] if _known(operands[0]) else operands[2])
        found = [_known(operand) for operand in operands]
        row = operations.OPERATIONS[node.operation]
        form = PYTORCH[row.name].forward or row.definition
        if form is not None and row.name != inside:
            given = dict(zip(row.operands, found, strict=True))
            return self._follow(form, row, given, inside=row.name)
        return apply(node.operation, found)

    def _follow(
        self,
        form: str,
        row: operations.Operation,
        given: Mapping[str, Value],
        inside: str | None = None,
    ) -> Value:
        program = parsing.parse_form(form, row)
        done: list[Value | None] = []
        for step in program.nodes:
            if step.operation == "variable":
                done.append(given[step.name or ""])
                continue
            try:
                operands = [done[argument] for argument in step.arguments]
                done.append(self._apply(step, operands, inside))
            except Unknown:
                done.append(None)
        return _known(done[program.output])

    def backward(self, upstream: Value) -> dict[int, Value | None]:
        """The adjoint of every node that something flows back to."""
        adjoints: dict[int, Value | None] = {self.program.output: upstream}
        for index in range(self.program.output, -1, -1):
            node = self.program.nodes[index]
            if index not in adjoints or not self.reached[index] or not node.arguments:
                continue
            row = operations.OPERATIONS[node.operation]
            backward = PYTORCH[row.name].backward
            for form, argument in zip(backward, node.arguments, strict=False):
                if form is None or not self.reached[argument]:
                    continue
                share = self._share(form, row, index, adjoints[index])
                if argument in adjoints:
                    share = _sum(adjoints[argument], share)
                adjoints[argument] = share
        return adjoints

    def _share(
        self, form: str, row: operations.Operation, index: int, adjoint: Value | None
    ) -> Value | None:
        arguments = self.program.nodes[index].arguments
        given = dict(
            zip(row.operands, (self.values[a] for a in arguments), strict=True)
        )
        given |= {"result": self.values[index], "grad": adjoint}
        try:
            return self._follow(form, row, given)
        except Unknown:
            return None


def _known(value: Value | None) -> Value:
    if value is None:
        raise Unknown
    return value


def _sum(first: Value | None, second: Value | None) -> Value | None:
    try:
        return _add(_known(first), _known(second))
    except Unknown:
        return None


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────


def apply(operation: str, operands: Sequence[Value]) -> Value:
    """The result of one operation of the table that has no formula of its own."""
    if operations.OPERATIONS[operation].is_condition:
        return _condition(operation, operands)
    if any(operand is NAN for operand in operands):
        return NAN
    rule = _RULES.get(operation)
    if rule is not None:
        return rule(*operands)
    if any(isinstance(operand, Special) for operand in operands):
        if len(operands) > 1:
            raise Unknown
        return _limit(operation, operands[0])
    return _of_balls(operation, operands)


def _of_balls(operation: str, operands: Sequence[Any]) -> Value:
    if balls.regularity(operation, operands, 0) is Regularity.OUTSIDE:
        return NAN
    return of_ball(balls.OPERATIONS[operation](*operands))


def _limit(operation: str, operand: Special) -> Value:
    """A function at ±0 or ±∞: what it tends to from that side."""
    if not operand.sign:
        raise Unknown
    side = balls.exact(float(operand.sign))
    path = germs.monomial(side, 1 if operand.kind is Kind.ZERO else -1)
    try:
        found = germs.apply(operation, [path])
        tends = germs.limit(found)
        if tends.ball is None:
            return _infinity(tends.infinite)
        if balls.is_zero(tends.ball):
            return _zero(germs.sign(found) or 1)
        return of_ball(tends.ball)
    except germs.Outside:
        return NAN
    except (germs.Unresolved, germs.NoLimit) as failure:
        raise Unknown from failure


def _extended(value: Value) -> Any:
    """The value as a number that may be compared."""
    if not isinstance(value, Special):
        return value
    if value.kind is Kind.ZERO:
        return balls.zero()
    if not value.sign:
        raise Unknown
    return balls.infinite(value.sign)


def _condition(operation: str, operands: Sequence[Value]) -> bool:
    if any(operand is NAN for operand in operands):
        return operation == "ne"
    if operations.OPERATIONS[operation].is_relation:
        operands = [_extended(operand) for operand in operands]
        if operation in ("eq", "ne") and any(not one.is_finite() for one in operands):
            return bool(operands[0] == operands[1]) is (operation == "eq")
    found = balls.OPERATIONS[operation](*operands)
    if found is None:
        raise Unknown
    return bool(found)


def _neg(value: Value) -> Value:
    if isinstance(value, Special):
        return Special(value.kind, -value.sign)
    return -value


def _abs(value: Value) -> Value:
    return Special(value.kind, 1) if isinstance(value, Special) else abs(value)


def _add(first: Value, second: Value) -> Value:
    if first is NAN or second is NAN:
        return NAN
    if _is_zero(first) and _is_zero(second):
        both = first.sign if first.sign == second.sign else 0
        return _zero(both or int(1 in (first.sign, second.sign)))
    for one, other in ((first, second), (second, first)):
        if _is_infinite(one):
            if not _is_infinite(other) or one.sign == other.sign != 0:
                return one
            if 0 in (one.sign, other.sign):
                raise Unknown
            return NAN
        if _is_zero(other):
            return one
    return of_ball(first + second)


def _mul(first: Value, second: Value) -> Value:
    special = [v for v in (first, second) if isinstance(v, Special)]
    kinds = {v.kind for v in special}
    if len(kinds) == 2:
        return NAN
    if kinds:
        return Special(kinds.pop(), sign(first) * sign(second))
    return of_ball(first * second)


def _reciprocal(value: Value) -> Value:
    if _is_zero(value):
        return _infinity(value.sign)
    if _is_infinite(value):
        return _zero(value.sign)
    return of_ball(1 / value)


def _div(first: Value, second: Value) -> Value:
    if isinstance(first, Special) or isinstance(second, Special):
        return _mul(first, _reciprocal(second))
    return of_ball(first / second)


def _sqrt(value: Value) -> Value:
    if _is_zero(value):
        return value
    if sign(value) < 0:
        return NAN
    return value if _is_infinite(value) else of_ball(value.sqrt())


def _logarithm(operation: str) -> Callable[[Value], Value]:
    def of(value: Value) -> Value:
        if _is_zero(value):
            return _infinity(-1)
        if sign(value) < 0:
            return NAN
        return value if _is_infinite(value) else _of_balls(operation, [value])

    return of


def _kept(operation: str) -> Callable[[Value], Value]:
    """sign, floor, ceil, relu: a zero stays what it is."""

    def of(value: Value) -> Value:
        if _is_zero(value):
            return value
        if not _is_infinite(value):
            return of_ball(balls.OPERATIONS[operation](value))
        if operation == "sign":
            return balls.exact(float(_signed(value)))
        return value if operation != "relu" or _signed(value) > 0 else _zero(0)

    return of


def _signed(value: Value) -> int:
    if not sign(value):
        raise Unknown
    return sign(value)


def _power(base: Value, exponent: Value) -> Value:
    """0⁰, ∞⁰ and 1^∞ are left unknown: as limits they may be anything.

    So is (−0)^±½, +0 or +∞ by the standard's pow and −0 or −∞ by its square root, which PyTorch takes for it.
    """
    if isinstance(exponent, Special):
        raise Unknown
    odd = (
        exponent.is_exact()
        and exponent.is_integer()
        and not (exponent / 2).is_integer()
    )
    if not isinstance(base, Special):
        whole = exponent.is_exact() and exponent.is_integer()
        if base < 0 and not whole:
            return NAN
        return of_ball(balls.OPERATIONS["pow"](base, exponent))
    flips = base.sign if odd else 1
    if base.sign < 0 and balls.equal(abs(exponent), balls.exact(0.5)):
        if base.kind is Kind.INFINITY:
            raise Unknown
        flips = 0
    grows = (base.kind is Kind.INFINITY) == (exponent > 0)
    return _infinity(flips) if grows else _zero(flips)


def _larger(first: Value, second: Value) -> Value:
    one, other = _extended(first), _extended(second)
    if one > other or other > one:
        return first if one > other else second
    if first == second:
        return first
    if _is_zero(first) and _is_zero(second):
        return _zero(0)
    raise Unknown


def _smaller(first: Value, second: Value) -> Value:
    return _neg(_larger(_neg(first), _neg(second)))


def _hypot(first: Value, second: Value) -> Value:
    if _is_infinite(first) or _is_infinite(second):
        return _infinity(1)
    return _sqrt(_add(_mul(first, first), _mul(second, second)))


def _atan2(y: Value, x: Value) -> Value:
    """IEEE 754-2019, section 9.2.1."""
    pi = balls.constant("pi", None)
    if _is_infinite(y) and _is_infinite(x):
        return pi * _signed(y) * (2 - _signed(x)) / 4
    if _is_infinite(y):
        return pi * _signed(y) / 2
    if _is_zero(y) or _is_infinite(x):
        if _signed(x) > 0:
            return _zero(sign(y))
        return pi * _signed(y)
    if _is_zero(x):
        return pi / 2 * sign(y)
    return of_ball(balls.OPERATIONS["atan2"](y, x))


def _refuse(value: Value) -> Value:
    if isinstance(value, Special) and value.kind is not Kind.ZERO:
        raise Unknown
    return value


_RULES: dict[str, Callable[..., Value]] = {
    "identity": lambda x: x,
    "neg": _neg,
    "abs": _abs,
    "add": _add,
    "sub": lambda x, y: _add(x, _neg(y)),
    "mul": _mul,
    "div": _div,
    "reciprocal": _reciprocal,
    "square": lambda x: _mul(x, x),
    "sqrt": _sqrt,
    "rsqrt": lambda x: _reciprocal(_sqrt(x)) if _sqrt(x) is not NAN else NAN,
    "pow": _power,
    "log": _logarithm("log"),
    "log2": _logarithm("log2"),
    "log10": _logarithm("log10"),
    "sign": _kept("sign"),
    "floor": _kept("floor"),
    "ceil": _kept("ceil"),
    "relu": _kept("relu"),
    "max": _larger,
    "min": _smaller,
    "clamp": lambda x, low, high: _smaller(_larger(x, low), high),
    "hypot": _hypot,
    "atan2": _atan2,
    "nan_to_num": _refuse,
}
