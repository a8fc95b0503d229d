"""The reverse pass of a program written out as a program, so that what rounding does to a Hessian can be told.

PyTorch's double backward differentiates the operations that its backward has run. These are the rows' `backward`
formulas; inlined one after the other they are a program of the language, and the rounding model of that program is the
one of the double backward.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from verifier.floats import Format
from verifier.language import expression, operations
from verifier.language.expression import Node, Program, Span
from verifier.records import Enclosure
from verifier.symbolic import balls
from verifier.symbolic.balls import Ball
from verifier.symbolic.rounding import GUARD_BITS, RoundingModel, _ends

DIFFERENTIATED_FORMS = {
    # Activations
    "softplus": "where(x * beta > threshold, grad, grad * sigmoid(x * beta))",
    "logsigmoid": "grad * (1 - sigmoid(x))",
}
"""Formulas whose own derivative is what PyTorch computes, where it does not differentiate the row's `backward`.

`softplus_double_backward` is `sigmoid_backward(grad, x.sigmoid())`, and `log_sigmoid_double_backward` is
`grad * (z - 1) * z` of z = sigmoid(x) (FunctionsManual.cpp of PyTorch 2.13).
"""


def reverse(program: Program, wrt: Sequence[str]) -> Program:
    """The program that computes the gradient of the expanded program, operation by operation as PyTorch does.

    Its inputs are the program's and, last, the upstream gradient; its steps are the gradients, in the order of `wrt`.
    """
    return _Writer(expression.expand(program)).write(wrt)


class HessianRounding:
    """What rounding alone may do to the Hessian by double backward (`reverse-reverse`), in one format."""

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str],
        format_: Format,
        *,
        limited_range: bool,
    ) -> None:
        self.wrt = tuple(wrt)
        gradient = reverse(program, wrt)
        self.upstream = gradient.inputs[-1]
        self.model = _AnyOrder(gradient, wrt, format_, limited_range=limited_range)

    def spread(
        self, point: Mapping[str, float], upstream: float
    ) -> dict[tuple[str, str], Enclosure | None]:
        """Where rounding may bring the derivative of gradient i by input j; None where it may bring it anywhere."""
        rows = self.model.jacobian({**point, self.upstream: upstream})
        return {
            (first, second): row[second]
            for first, row in zip(self.wrt, rows, strict=True)
            for second in self.wrt
        }


class _AnyOrder(RoundingModel):
    """A rounding model that holds in whatever order PyTorch multiplies.

    `tanh_backward` and its kin have derivative formulas of their own: the same factors as in the derivative of the
    row's formula, in another order. Half an ulp of one partial product may be a whole one of another; so the
    error is relative here, as it is at most in any order.
    """

    def jacobian(self, point: Mapping[str, float]) -> list[dict[str, Enclosure | None]]:
        """The spread of every step's gradient, the cotangent being 1."""
        with balls.workprec(self.format.precision_bits + GUARD_BITS):
            values = self._forward(point)
            return [
                self._row(values, index) for index in tuple(self.program.steps.values())
            ]

    def _row(self, values: Sequence[Any], output: int) -> dict[str, Enclosure | None]:
        self.program = replace(self.program, output=output)
        adjoints = self._backward(values, balls.exact(1.0))
        return {
            name: _ends(adjoints[self.leaves[name]])
            if name in self.leaves
            else _ends(balls.zero())
            for name in self.wrt
        }

    def _widen(self, ball: Ball, scale: Ball, error_ulp: Fraction) -> Ball:
        usual = super()._widen(ball, scale, error_ulp)
        if not balls.is_finite(usual) or not balls.is_finite(scale):
            return usual
        unit = balls.dyadic(1 - self.format.precision_bits)
        relative = balls.exact(error_ulp) * unit * scale.abs_upper()
        # The usual one prevails among subnormals, where errors are absolute.
        return usual.union(balls.around(ball, relative))


class _Writer:
    """Appends the reverse pass to an expanded program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.nodes = list(program.nodes)
        self.reached = expression.reached(program)
        self.span = program.nodes[program.output].span

    def write(self, wrt: Sequence[str]) -> Program:
        program = self.program
        taken = {*program.inputs, *program.steps, *wrt}
        upstream = _fresh("upstream", taken)
        leaf = self._add(Node(operation="variable", name=upstream, span=self.span))
        adjoints = self._adjoints(leaf)
        steps: dict[str, int] = {}
        for name in wrt:
            step = _fresh(f"gradient_{name}", {*taken, upstream, *steps})
            steps[step] = self._gradient(name, adjoints)
        return Program(
            source=program.source,
            nodes=tuple(self.nodes),
            inputs=(*program.inputs, upstream),
            steps=steps,
            output=len(self.nodes) - 1,
        )

    def _adjoints(self, upstream: int) -> dict[int, int]:
        """The node that holds the adjoint of each node that has one."""
        program = self.program
        found = {program.output: upstream}
        for index in range(program.output, -1, -1):
            if index not in found or not self.reached[index]:
                continue
            node = program.nodes[index]
            for argument, share in self._shares(index, node, found[index]):
                if argument in found:  # in the order in which the engine adds them up
                    both = (found[argument], share)
                    share = self._add(
                        Node(operation="add", arguments=both, span=node.span)
                    )
                found[argument] = share
        return found

    def _shares(
        self, index: int, node: Node, adjoint: int
    ) -> Iterable[tuple[int, int]]:
        if not node.arguments:
            return
        row = operations.OPERATIONS[node.operation]
        backward = (DIFFERENTIATED_FORMS.get(row.name),) * row.arity
        bound = dict(zip(row.operands, node.arguments, strict=True))
        bound |= {"result": index, "grad": adjoint}
        for operand, written in enumerate(row.backward):
            if written is None or not self.reached[node.arguments[operand]]:
                continue
            form = expression.parse_form(backward[operand] or written, row)
            yield (
                node.arguments[operand],
                self._inline(form, bound, node.span),
            )

    def _inline(self, form: Program, bound: Mapping[str, int], span: Span) -> int:
        """The node that computes a form of operands, `result` and `grad`."""
        placed: list[int] = []
        for node in form.nodes:
            if node.operation == "variable":
                placed.append(bound[node.name or ""])
                continue
            arguments = tuple(placed[argument] for argument in node.arguments)
            placed.append(self._add(replace(node, arguments=arguments, span=span)))
        return placed[form.output]

    def _gradient(self, name: str, adjoints: Mapping[int, int]) -> int:
        """A node of its own for the gradient by one input; 0 where nothing flows back."""
        for index, node in enumerate(self.program.nodes):
            if node.operation == "variable" and node.name == name and index in adjoints:
                found = (adjoints[index],)
                return self._add(
                    Node(operation="identity", arguments=found, span=node.span)
                )
        return self._add(Node(operation="constant", number=Fraction(0), span=self.span))

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1


def _fresh(name: str, taken: Iterable[str]) -> str:
    """The name, lengthened until it is not taken."""
    while name in taken:
        name += "_"
    return name
