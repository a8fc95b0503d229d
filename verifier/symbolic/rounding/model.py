"""What rounding alone may do to the program as written, in a dtype: the set of all results that it can bring about.

The written program's reverse mode, or its forward mode, is run in balls. Every operation widens its ball by the local
error that a faithful implementation may have (the kernel's `forward_ulp`: half an ulp of the result for + − × ÷), and
every local vector-Jacobian product, or tangent, is PyTorch's own formula for it, operation by operation. So any
execution whose operations are each that accurate stays inside, and no tolerance is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from fractions import Fraction
from functools import cache, cached_property, reduce
from typing import Any

from verifier.floats import Format
from verifier.language.kernels.compositions import expand
from verifier.language.kernels.kernel import ELEMENTARY_ULP, Kernel
from verifier.language.kernels.table import PYTORCH
from verifier.language.kernels.tangents import tangent_form
from verifier.language.operations import table as operations
from verifier.language.operations.operation import tangent_name
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Node, Program
from verifier.records import VALUE, Enclosure, Entry
from verifier.symbolic.arithmetic import balls, evaluation
from verifier.symbolic.arithmetic.balls import Ball
from verifier.symbolic.calculus import derivative, signed
from verifier.symbolic.rounding.spread import Spread, Unbounded

GUARD_BITS = 24
"""Precision beyond the format's, so that the balls' own rounding does not count."""
REORDERING_ULP = Fraction(1)
"""What taking a formula's factors in another order may add, as PyTorch does from one version or kernel to another."""
SMALLEST_EXACT_POWER, LARGEST_EXACT_POWER = -2, 3
"""Exponents that PyTorch computes by multiplication alone (pow_tensor_scalar of PyTorch 2.13)."""


class Mode(Enum):
    """The direction in which a program is differentiated."""

    REVERSE = "reverse"
    FORWARD = "forward"


class RoundingModel:
    """A program as PyTorch is given it (compositions written out), in one format, differentiated in one mode.

    Forward mode has tangent 1 at one input after the other; the output's is multiplied by the upstream gradient.

    With `limited_range`, results also suffer underflow to the format's subnormals and overflow past its largest
    number; without, exponents are unbounded.
    """

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        format_: Format,
        *,
        limited_range: bool,
        mode: Mode = Mode.REVERSE,
    ) -> None:
        self.program = expand(program)
        self.wrt = tuple(wrt)
        self.format = format_
        self.mode = mode
        self.limited_range = limited_range
        self.reached = rewriting.reached(self.program)
        self.constants = constant_values(self.program)
        self.leaves = {
            node.name: index
            for index, node in enumerate(self.program.nodes)
            if node.operation == "variable"
        }

    def spread(self, point: Mapping[str, float], upstream: float) -> Spread[Enclosure]:
        """All that rounding may make of the program at `point`, whose coordinates are numbers of the format."""
        with balls.workprec(self.working_bits):
            values = self._forward(point)
            if self.mode is Mode.FORWARD:
                return self._spread_forward(values, balls.exact(upstream))
            adjoints = self._backward(values, balls.exact(upstream))
            reach = {VALUE: _ends(values[self.program.output])}
            for name in self.wrt:
                ends = _ends(adjoints[self.leaves[name]])
                reach[Entry("gradient", (name,))] = ends
            for name, index in self.program.steps.items():
                reach[Entry("step", (name,))] = _ends(adjoints[index])
            unbounded = Unbounded(
                values=self._unbounded_values(values),
                derivatives=frozenset(("", index) for index in _unbounded(adjoints)),
            )
            return Spread(reach=reach, unbounded=unbounded)

    def _spread_forward(
        self, values: Sequence[Any], upstream: Ball
    ) -> Spread[Enclosure]:
        """By both ways of PyTorch's users: the tangent is 1, or it is the upstream gradient itself."""
        product = operations.OPERATIONS["mul"]
        reach = {VALUE: _ends(values[self.program.output])}
        unbounded: set[tuple[str, int]] = set()
        for name in self.wrt:
            tangents = self._tangents(values, name, balls.exact(1.0))
            found = _or_zero(tangents[self.program.output])
            ways = [(tangents, self._operate(product, [found, upstream]))]
            if upstream != 1:
                seeded = self._tangents(values, name, upstream)
                ways.append((seeded, _or_zero(seeded[self.program.output])))
            reached = balls.anything()
            if all(balls.is_finite(ball) for _, ball in ways):
                reached = reduce(type(reached).union, (ball for _, ball in ways))
            reach[Entry("gradient", (name,))] = _ends(reached)
            unbounded |= {(name, i) for way, _ in ways for i in _unbounded(way)}
        return Spread(
            reach=reach,
            unbounded=Unbounded(
                values=self._unbounded_values(values),
                derivatives=frozenset(unbounded),
            ),
        )

    @property
    def working_bits(self) -> int:
        """The precision of the balls themselves."""
        return self.format.precision_bits + GUARD_BITS

    @cached_property
    def local_ulp(self) -> tuple[Fraction, Fraction]:
        """What the errors of all operations add up to, in ulps, for the value and for the gradient.

        A derivative that no operation amplifies an error of is off by no more.
        """
        nodes = self.program.nodes
        value = sum((_own_ulp(node.operation) for node in nodes), Fraction(0))
        gradient = sum(
            (
                _ulp_of_form(form, operations.OPERATIONS[node.operation])
                for index, node in enumerate(nodes)
                if self.reached[index] and node.arguments
                for form in self._forms(operations.OPERATIONS[node.operation])
                if form is not None
            ),
            Fraction(0),
        )
        return value, value + gradient

    def _forms(self, row: operations.Operation) -> Sequence[str | None]:
        """The formulas by which an operation is differentiated."""
        kernel = PYTORCH[row.name]
        if self.mode is Mode.FORWARD and kernel.tangent is not None:
            return (kernel.tangent,)
        return kernel.backward

    def _forward(self, point: Mapping[str, float]) -> list[Any]:
        values: list[Any] = []
        for node in self.program.nodes:
            if node.operation == "variable":
                values.append(balls.exact(point[node.name or ""]))
            elif self._is_pole(node, point):
                row = operations.OPERATIONS[node.operation]
                values.append(balls.infinite(row.infinity_at_zero))
            else:
                values.append(self._apply(node, values))
                if node.operation == "atan2":
                    values[-1] = self._on_side(node, values, point)
        return values

    def _on_side(
        self, node: Node, values: Sequence[Any], point: Mapping[str, float]
    ) -> Ball:
        """The angle that was found last, on that side of its cut which the sign of a zero picks (`signed`)."""
        y, x = (values[argument] for argument in node.arguments)
        angle = values[-1]
        if not balls.is_zero(y) or not x < 0:
            return angle
        side = signed.zero_signs(self.program, point)[node.arguments[0]]
        return angle * side if side else angle.union(-angle)

    def _is_pole(self, node: Node, point: Mapping[str, float]) -> bool:
        """Whether an operation meets the input +0, where IEEE 754 gives an infinity: 1/(1 + 1/x) goes on from there."""
        if not operations.row(node.operation).infinity_at_zero:
            return False
        operand = self.program.nodes[node.arguments[-1]]
        if operand.operation != "variable" or str(point[operand.name or ""]) != "0.0":
            return False
        numerators = node.arguments[:-1]
        return all(self.constants.get(index, Fraction(0)) > 0 for index in numerators)

    def _apply(
        self, node: Node, values: Sequence[Any], inside: str | None = None
    ) -> Any:
        """The result of a node; `inside` the formula of its own row, it is the kernel that the formula ends in."""
        if node.operation == "constant":
            return self._literal(balls.constant(node.name, node.number))
        operands = [values[index] for index in node.arguments]
        return self._operate(operations.OPERATIONS[node.operation], operands, inside)

    def _operate(
        self,
        row: operations.Operation,
        operands: Sequence[Any],
        inside: str | None = None,
    ) -> Any:
        kernel = PYTORCH[row.name]
        if kernel.forward is not None and row.name != inside:
            given = dict(zip(row.operands, operands, strict=True))
            form = parsing.parse_form(kernel.forward, row)
            return self._follow(form, given, inside=row.name)
        result = evaluation.apply(row.name, operands)
        if row.result is operations.Sort.CONDITION:
            return result
        if kernel.exact or not balls.is_finite(result):
            return result
        if self._is_exact(kernel, operands, result):
            return result
        if self._overflows_inside(row, kernel, operands):
            return balls.anything()
        return self._widen(result, result, kernel.forward_ulp)

    def _overflows_inside(
        self, row: operations.Operation, kernel: Kernel, operands: Sequence[Ball]
    ) -> bool:
        """Whether an exponential that PyTorch's kernel computes on the way overflows, so that it returns 0 or inf."""
        if not self.limited_range or kernel.inner_exponential is None:
            return False
        form = parsing.parse_form(kernel.inner_exponential, row)
        exponent = evaluation.run(form, dict(zip(row.operands, operands, strict=True)))
        inner = balls.OPERATIONS["exp"](exponent)
        if not balls.is_finite(inner):  # beyond Arb's own exponents
            return True
        top = balls.top_exponent(inner)
        return top is not None and self._may_overflow(inner, top)

    def _is_exact(self, kernel: Kernel, operands: Sequence[Ball], result: Ball) -> bool:
        """Whether every implementation returns this very number, or an operand that it adds nothing to."""
        operation = kernel.operation
        if operations.OPERATIONS[operation].is_sum and any(
            balls.is_zero(ball) for ball in operands
        ):
            return True
        if not result.is_exact() or not self._is_number(result):
            return False
        if kernel.exact_if_representable:
            return True
        if (
            operation == "pow"
            and SMALLEST_EXACT_POWER <= operands[1] <= LARGEST_EXACT_POWER
        ):
            return True
        is_fitted = kernel.forward_ulp > ELEMENTARY_ULP
        return bool(result == 0 or (abs(result) == 1 and not is_fitted))

    def _is_number(self, ball: Ball) -> bool:
        """Whether an exact ball is a number of the format, its exponent apart where the range is unbounded."""
        mantissa, power = ball.man_exp()
        if not mantissa:
            return True
        bits = int(mantissa.bit_length())
        if bits > self.format.precision_bits:
            return False
        if not self.limited_range:
            return True
        smallest = self.format.exponent_min - self.format.precision_bits + 1
        return bool(power >= smallest and bits + power - 1 <= self.format.exponent_max)

    def _literal(self, ball: Ball) -> Ball:
        """A constant, rounded to the format unless it is a number of it."""
        if not balls.is_finite(ball) or (ball.is_exact() and self._is_number(ball)):
            return ball
        return self._widen(ball, ball, Fraction(1, 2))

    def _widen(self, ball: Ball, scale: Ball, error_ulp: Fraction) -> Ball:
        """The ball widened by `error_ulp` ulps of the largest number in `scale`; what may overflow is not known."""
        top = balls.top_exponent(scale)
        if top is None:
            return ball
        if self.limited_range:
            if self._may_overflow(scale, top):
                return balls.anything()
            top = max(top, self.format.exponent_min)
        unit = balls.dyadic(top - self.format.precision_bits + 1)
        return balls.around(ball, balls.exact(error_ulp) * unit)

    def _may_overflow(self, ball: Ball, top: int) -> bool:
        if top < self.format.exponent_max:
            return False
        return not balls.less(abs(ball), balls.exact(self.format.largest))

    def _backward(self, values: Sequence[Any], upstream: Ball) -> list[Ball]:
        nodes = self.program.nodes
        shares: list[list[Ball]] = [[] for _ in nodes]
        shares[self.program.output].append(upstream)
        adjoints: list[Ball] = [balls.zero()] * len(nodes)
        for index in range(self.program.output, -1, -1):
            if not shares[index]:
                continue
            adjoints[index] = self._accumulate(shares[index])
            node = nodes[index]
            if not self.reached[index]:
                continue
            for operand, argument in enumerate(node.arguments):
                if self.reached[argument]:
                    share = self._share(operand, index, adjoints[index], values)
                    if share is not None:
                        shares[argument].append(share)
        return adjoints

    def _accumulate(self, shares: Sequence[Ball]) -> Ball:
        """The sum in whatever order the engine takes: every rounding is at most that of the sum of magnitudes."""
        if len(shares) == 1:
            return shares[0]
        total, magnitude = balls.zero(), balls.zero()
        for share in shares:
            total += share
            magnitude += abs(share)
        if not balls.is_finite(total):
            return balls.anything()
        if total.is_exact() and len(shares) == 2 and self._is_number(total):
            return total
        return self._widen(total, magnitude, Fraction(len(shares) - 1, 2))

    def _share(
        self, operand: int, index: int, adjoint: Ball, values: Sequence[Any]
    ) -> Ball | None:
        """What the operation passes back to one operand, by PyTorch's formula; None where it passes nothing."""
        node = self.program.nodes[index]
        row = operations.OPERATIONS[node.operation]
        form = _backward_form(row.name, operand)
        if form is None:
            return None
        given = dict(
            zip(row.operands, (values[i] for i in node.arguments), strict=True)
        )
        given |= {"result": values[index], "grad": adjoint}
        return self._follow(parsing.parse_form(form, row), given)

    def _unbounded_values(self, values: Sequence[Any]) -> frozenset[int]:
        nothing = balls.exact(self.format.smallest_subnormal / 2)
        vanishing = {
            index
            for index, ball in enumerate(values)
            if not isinstance(ball, bool | None)
            and balls.is_finite(ball)
            and not balls.is_zero(ball)
            and balls.less(abs(ball), nothing) is True
        }
        found = _unbounded(values)
        return frozenset(
            index
            for index in found
            if vanishing.isdisjoint(self.program.nodes[index].arguments)
            or not found.isdisjoint(self.program.nodes[index].arguments)
        )

    def _tangents(
        self, values: Sequence[Any], name: str, seed: Ball
    ) -> list[Ball | None]:
        """The tangent of each node that has one, where that of the input `name` is the seed."""
        tangents: list[Ball | None] = []
        for index, node in enumerate(self.program.nodes):
            if node.operation == "variable":
                tangents.append(seed if node.name == name else None)
            else:
                tangents.append(self._hand_on(index, tangents, values))
        return tangents

    def _hand_on(
        self, index: int, tangents: Sequence[Ball | None], values: Sequence[Any]
    ) -> Ball | None:
        """The tangent of an operation's result, of those of its operands; None where it has none."""
        node = self.program.nodes[index]
        moving = {
            operand: tangent
            for operand, argument in enumerate(node.arguments)
            if (tangent := tangents[argument]) is not None
        }
        row = operations.OPERATIONS.get(node.operation)
        if row is None or not moving or row.result is operations.Sort.CONDITION:
            return None
        if self._has_tangent_form(row):
            kernel = PYTORCH[row.name]
            form = tangent_form(kernel, frozenset(row.operands[i] for i in moving))
            given = {row.operands[i]: values[a] for i, a in enumerate(node.arguments)}
            given |= {tangent_name(row.operands[i]): t for i, t in moving.items()}
            given |= {"result": values[index]}
            return None if form is None else self._follow(form, given)
        shares = [self._share(i, index, t, values) for i, t in moving.items()]
        found = [share for share in shares if share is not None]
        return self._accumulate(found) if found else None

    def _has_tangent_form(self, row: operations.Operation) -> bool:
        """Whether PyTorch has a formula for the tangent that is not the sum of what each operand hands on."""
        return PYTORCH[row.name].tangent is not None

    def _follow(
        self,
        program: Program,
        given: Mapping[str, Any],
        inside: str | None = None,
    ) -> Ball:
        """What a kernel's own formula gives, each of its operations rounding."""
        done: list[Any] = []
        for step in program.nodes:
            if step.operation == "variable":
                done.append(given[step.name or ""])
            else:
                done.append(self._apply(step, done, inside))
        found: Ball = done[program.output]
        if not balls.is_finite(found) or found.is_exact():
            return found
        return self._widen(found, found, REORDERING_ULP)


class IdealModel(RoundingModel):
    """The same program if every operation had as good a derivative as it has a value, in an unlimited range.

    What rounding does even so is the program's; what it does only by PyTorch's own formula is that formula's.
    """

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        format_: Format,
        *,
        mode: Mode = Mode.REVERSE,
    ) -> None:
        super().__init__(program, wrt, format_, limited_range=False, mode=mode)

    def _has_tangent_form(self, row: operations.Operation) -> bool:
        return False

    def _share(
        self, operand: int, index: int, adjoint: Ball, values: Sequence[Any]
    ) -> Ball | None:
        node = self.program.nodes[index]
        form = _backward_form(node.operation, operand)
        if form is None or "where(" in form or _is_multilinear(node.operation):
            return super()._share(operand, index, adjoint, values)
        exponent = None
        if node.operation == "pow":
            exponent = self.constants.get(node.arguments[1])
        formula = derivative.local(node.operation, operand, exponent)
        local = evaluation.evaluate(formula, [values[i] for i in node.arguments])[0]
        product = adjoint * local
        if not balls.is_finite(product):
            return product
        slope_ulp = PYTORCH[node.operation].forward_ulp
        return self._widen(product, product, slope_ulp + Fraction(1, 2))


def _backward_form(operation: str, operand: int) -> str | None:
    """PyTorch's formula for what an operation passes back to one operand."""
    backward = PYTORCH[operation].backward
    return backward[operand] if backward else None


def _is_multilinear(operation: str) -> bool:
    """Whether its derivatives are operands: PyTorch's formula is as good as any."""
    row = operations.OPERATIONS[operation]
    return row.degree is not None and row.degree <= row.arity


@cache
def _own_ulp(operation: str, inside: str | None = None) -> Fraction:
    """What one operation may add to the error of its result; `inside` its own formula, it is a faithful kernel."""
    row = operations.OPERATIONS.get(operation)
    if row is None or row.result is operations.Sort.CONDITION:
        return Fraction(0)
    kernel = PYTORCH[operation]
    if kernel.forward is not None and operation != inside:
        return _ulp_of_form(kernel.forward, row, inside=operation)
    return kernel.local_ulp


def _ulp_of_form(
    form: str, row: operations.Operation, inside: str | None = None
) -> Fraction:
    nodes = parsing.parse_form(form, row).nodes
    return sum((_own_ulp(node.operation, inside) for node in nodes), Fraction(0))


def _unbounded(found: Sequence[Any]) -> frozenset[int]:
    """Where the balls are not finite; conditions are no balls."""
    return frozenset(
        index
        for index, ball in enumerate(found)
        if not isinstance(ball, bool | None) and not balls.is_finite(ball)
    )


def _or_zero(tangent: Ball | None) -> Ball:
    return balls.zero() if tangent is None else tangent


def _ends(ball: Ball) -> Enclosure | None:
    return balls.enclosure(ball) if balls.is_finite(ball) else None
