"""The passes of a derivative written out as programs, so that a model can say what
rounding does to a Hessian.

PyTorch's second derivatives differentiate the operations that its first ones have run.
These are the kernels' `backward` and `tangent` formulas; inlined one after the other
they are a program of the language, which is differentiated in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.language.kernels.compositions import expand
from verifier.language.kernels.kernel import Kernel
from verifier.language.kernels.table import PYTORCH
from verifier.language.kernels.tangents import tangent_form
from verifier.language.operations import table as operations
from verifier.language.operations.operation import tangent_name
from verifier.language.programs import parsing, rewriting
from verifier.language.programs.program import Node, Program, Span


def reverse(program: Program, wrt: Sequence[str]) -> Program:
    """The program that computes the gradient by reverse mode, operation by operation as
    PyTorch does.

    Its inputs are the program's and, last, the upstream gradient; its steps are the
    gradients, in the order of `wrt`.
    """
    program = expand(program)
    writer = _Writer(program)
    upstream = _fresh("upstream", {*program.inputs, *program.steps, *wrt})
    adjoints = writer.adjoints(program.output, writer.variable(upstream))
    leaves = {node.name: index for index, node in enumerate(program.nodes)}
    gradient = {name: adjoints.get(leaves.get(name, -1)) for name in wrt}
    return writer.finish(gradient, upstream)


def forward(
    program: Program, wrt: Sequence[str], *, keeping_zeros: bool = False
) -> Program:
    """The same by forward mode: tangent 1 at one input after the other, the output's
    times the upstream gradient.

    Terms with an operand that has no tangent are left out, unless `keeping_zeros`:
    PyTorch's zero tensor stays zero whatever multiplies it, but reverse mode over it
    hands 0 back to the other factor, where it may meet an infinity.
    """
    program = expand(program)
    writer = _Writer(program)
    upstream = _fresh("upstream", {*program.inputs, *program.steps, *wrt})
    leaf = writer.variable(upstream)
    gradient: dict[str, int | None] = {}
    for name in wrt:
        by_node = writer.tangents(name, keeping_zeros=keeping_zeros)
        tangent = by_node.get(program.output)
        gradient[name] = None if tangent is None else writer.apply("mul", tangent, leaf)
    return writer.finish(gradient, upstream)


def tangents(program: Program, wrt: Sequence[str]) -> Program:
    """The program of the tangents of a program's steps, by one input after the other.

    Its steps are those of the first step by every input of `wrt`, then those of the
    second, and so on.
    """
    program = expand(program)
    writer = _Writer(program)
    columns = {name: writer.tangents(name) for name in wrt}
    steps = {
        f"{step}_{name}": columns[name].get(index)
        for step, index in program.steps.items()
        for name in wrt
    }
    return writer.finish(steps)


class _Writer:
    """Appends passes to an expanded program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.nodes = list(program.nodes)
        self.reached = rewriting.reached(program)
        self.span = program.nodes[program.output].span

    def finish(
        self, results: Mapping[str, int | None], upstream: str | None = None
    ) -> Program:
        """The program whose steps are a node of its own for each result; 0 where there
        is none."""
        program = self.program
        taken = {*program.inputs, *program.steps, *results, upstream}
        steps: dict[str, int] = {}
        for name, index in results.items():
            step = _fresh(f"gradient_{name}", {*taken, *steps})
            steps[step] = (
                self._zero() if index is None else self.apply("identity", index)
            )
        return Program(
            source=program.source,
            nodes=tuple(self.nodes),
            inputs=(*program.inputs, *([upstream] if upstream is not None else [])),
            steps=steps,
            output=len(self.nodes) - 1,
        )

    def variable(self, name: str) -> int:
        return self._add(Node(operation="variable", name=name, span=self.span))

    def _zero(self) -> int:
        node = Node(operation="constant", number=Fraction(0), span=self.span)
        return self._add(node)

    def apply(self, operation: str, *arguments: int) -> int:
        span = self.nodes[arguments[0]].span
        return self._add(Node(operation=operation, arguments=arguments, span=span))

    # ── reverse mode ──────────────────────────────────────────────────────────────────

    def adjoints(self, output: int, upstream: int) -> dict[int, int]:
        """The node that holds the adjoint of each node that has one."""
        adjoints = {output: upstream}
        for index in range(output, -1, -1):
            if index not in adjoints or not self.reached[index]:
                continue
            for argument, share in self._shares(index, adjoints[index]):
                # In the order in which the engine adds them up.
                if argument in adjoints:
                    share = self.apply("add", adjoints[argument], share)
                adjoints[argument] = share
        return adjoints

    def _shares(self, index: int, adjoint: int) -> Iterable[tuple[int, int]]:
        node = self.program.nodes[index]
        if not node.arguments:
            return
        row = operations.OPERATIONS[node.operation]
        bound = dict(zip(row.operands, node.arguments, strict=True))
        bound |= {"result": index, "grad": adjoint}
        forms = _differentiated(PYTORCH[row.name])
        for argument, form in zip(node.arguments, forms, strict=False):
            if form is not None and self.reached[argument]:
                program = parsing.parse_form(form, row)
                yield argument, self._inline(program, bound, node.span)

    # ── forward mode ──────────────────────────────────────────────────────────────────

    def tangents(self, name: str, *, keeping_zeros: bool = False) -> dict[int, int]:
        """The node that holds the tangent of each node that has one, where that of the
        input `name` is 1."""
        tangents: dict[int, int] = {}
        for index, node in enumerate(self.program.nodes):
            if node.operation == "variable" and node.name == name:
                one = Node(operation="constant", number=Fraction(1), span=node.span)
                tangents[index] = self._add(one)
                continue
            moving = [
                i for i, argument in enumerate(node.arguments) if argument in tangents
            ]
            if not moving:
                continue
            handed = {i: tangents[node.arguments[i]] for i in moving}
            if keeping_zeros:  # constants are numbers to PyTorch, and have no tangents
                handed |= {
                    operand: self._zero()
                    for operand, argument in enumerate(node.arguments)
                    if operand not in handed and self.reached[argument]
                }
            tangent = self._tangent(index, handed)
            if tangent is not None:
                tangents[index] = tangent
        return tangents

    def _tangent(self, index: int, handed: Mapping[int, int]) -> int | None:
        """The node of an operation's tangent, of those that its operands hand on."""
        node = self.program.nodes[index]
        row = operations.OPERATIONS[node.operation]
        if row.result is operations.Sort.CONDITION:
            return None
        names = frozenset(row.operands[operand] for operand in handed)
        kernel = PYTORCH[row.name]
        form = tangent_form(kernel, names, _differentiated(kernel))
        if form is None:
            return None
        bound = dict(zip(row.operands, node.arguments, strict=True))
        bound |= {"result": index}
        bound |= {tangent_name(row.operands[i]): node for i, node in handed.items()}
        return self._inline(form, bound, node.span)

    # ── nodes ─────────────────────────────────────────────────────────────────────────

    def _inline(self, form: Program, bound: Mapping[str, int], span: Span) -> int:
        """The node that computes a form of operands, `result` and adjoint or
        tangents."""
        placed: list[int] = []
        for node in form.nodes:
            if node.operation == "variable":
                placed.append(bound[node.name or ""])
                continue
            arguments = tuple(placed[argument] for argument in node.arguments)
            placed.append(self._add(replace(node, arguments=arguments, span=span)))
        return placed[form.output]

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1


def _differentiated(kernel: Kernel) -> tuple[str | None, ...]:
    """The kernel's `backward`, as PyTorch differentiates it."""
    form = kernel.differentiated
    if form is None:
        return kernel.backward
    return tuple(None if written is None else form for written in kernel.backward)


def _fresh(name: str, taken: Iterable[str | None]) -> str:
    """The name, lengthened until it is not taken."""
    while name in taken:
        name += "_"
    return name
