"""The nodes of a program as they are added, each checked against its row of the
table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.operations.table import Operation, Sort
from verifier.language.programs.constants import (
    LARGEST_CONSTANT_BITS,
    LARGEST_CONSTANTS_BITS,
    bits,
    fold,
    largest_bits,
)
from verifier.language.programs.program import IMAGINARY_UNIT, Node, Program, Span
from verifier.language.programs.source import Source

_ARITHMETIC = frozenset("+ - * / **".split())
"""The signs of operations where a condition is a number, as in NumPy; PyTorch refuses
`-` of one."""
LONGEST_PROGRAM = 100_000
"""Operations and leaves of one program."""


class Builder:
    """Adds nodes, operands first, and knows the sort and the constant value of each.

    `form_of` is the row whose own formula is read, if one is: its parameters may be
    variables there.
    """

    def __init__(self, source: Source, form_of: Operation | None = None) -> None:
        self.source = source
        self.form_of = form_of
        self.nodes: list[Node] = []
        self._sorts: list[Sort] = []
        self._constants: dict[int, Fraction] = {}
        self._bits = 0  # of all constants

    # ── operations ──────────────────────────────────────────────────────────────────

    def apply(self, row: Operation, operands: Sequence[int], span: Span) -> int:
        """Add an operation on earlier nodes."""
        if len(operands) != row.arity:
            count = "1 operand" if row.arity == 1 else f"{row.arity} operands"
            self.source.fail(
                span,
                f"`{row.name}` takes {count} "
                f"({', '.join(row.operands)}), found {len(operands)}",
            )
        for operand, sort in zip(operands, row.sorts, strict=True):
            if self._sorts[operand] is not sort:
                if row.symbol in _ARITHMETIC or row.name == "neg":
                    return self._apply_to_masks(row, operands, span)
                self._refuse_sort(operand, sort, row, span)
        if row.parameters and self.form_of is None:
            self._check_parameters(row, operands, span)
        index = self._add(
            Node(operation=row.name, arguments=tuple(operands), span=span), row.result
        )
        # The first operand is looked up first, since most are no constants.
        constants = self._constants
        if operands[0] in constants and all(i in constants for i in operands):
            self._fold(row, index, [constants[operand] for operand in operands], span)
        return index

    def _apply_to_masks(
        self, row: Operation, operands: Sequence[int], span: Span
    ) -> int:
        """Arithmetic with conditions, each 0 or 1; a product of two holds where both
        do."""
        if row.arity == 2 and not any(map(self.is_number, operands)):
            if row.name == "mul":
                return self.apply(operations.of_symbol("and"), operands, span)
            self.source.fail(
                span,
                f"`{row.symbol}` of two conditions is to PyTorch no number, or an error. "
                "Write each as `where(condition, 1, 0)`, or join them by `and`, `or`.",
            )
        numbers = [
            index if self.is_number(index) else self._mask(index) for index in operands
        ]
        return self.apply(row, numbers, span)

    def _mask(self, condition: int) -> int:
        """1 where a condition holds, else 0."""
        span = self.nodes[condition].span
        ends = [self.constant(Fraction(number), span) for number in (1, 0)]
        return self.apply(operations.OPERATIONS["where"], [condition, *ends], span)

    def apply_to_all(self, row: Operation, operands: Sequence[int], span: Span) -> int:
        """Add an operation that may take more operands than one application does."""
        if not row.variadic:
            return self.apply(row, operands, span)
        if len(operands) == 1 and not row.nonnegative:  # hypot of one is no identity
            if self._sorts[operands[0]] is not row.sorts[0]:
                self._refuse_sort(operands[0], row.sorts[0], row, span)
            return operands[0]
        if len(operands) <= row.arity:
            return self.apply(row, operands, span)
        result = operands[0]
        for operand in operands[1:]:
            result = self.apply(row, [result, operand], span)
        return result

    def _fold(
        self, row: Operation, index: int, operands: Sequence[Fraction], span: Span
    ) -> None:
        """Note the value of an operation on constants, or refuse one too large."""
        size = largest_bits(row.name, operands)
        if size > LARGEST_CONSTANT_BITS:
            self.source.fail(
                span,
                f"expected constants of at most {LARGEST_CONSTANT_BITS} bits, "
                f"found one of about {_rough(size)}",
            )
        value = fold(row.name, operands)
        if value is not None:
            self._note(index, value, span)

    def _check_parameters(
        self, row: Operation, operands: Sequence[int], span: Span
    ) -> None:
        """PyTorch takes no tensor in the place of a parameter."""
        self._check_ranges(row, operands, span)
        for name, index in zip(row.operands, operands, strict=True):
            if name in row.parameters and index not in self._constants:
                written = self.source.at(self.nodes[index].span)
                self.source.fail(
                    span, f"`{row.name}` takes a number as `{name}`, found `{written}`"
                )

    def _check_ranges(
        self, row: Operation, operands: Sequence[int], span: Span
    ) -> None:
        for name, (least, most) in {**row.integers, **row.ranges}.items():
            place = row.operands.index(name)
            number = self._constants.get(operands[place])
            whole = name in row.integers
            if (
                number is None
                or (whole and number.denominator != 1)
                or not least <= number <= most
            ):
                words = f"`{name}`" if place else "first operand"
                kind = "an integer constant" if whole else "a constant"
                self.source.fail(
                    span,
                    f"expected {kind} from {least} to {most} as {words} of `{row.name}`",
                )

    def _refuse_sort(self, index: int, sort: Sort, row: Operation, span: Span) -> None:
        actual = self._sorts[index].value
        self.source.fail(span, f"`{row.name}` expects {sort.value}, found {actual}")

    # ── leaves ──────────────────────────────────────────────────────────────────────

    def constant(self, number: Fraction, span: Span) -> int:
        """Add a rational constant."""
        node = Node(operation="constant", number=number, span=span)
        index = self._add(node, Sort.NUMBER)
        self._note(index, number, span)
        return index

    def named_constant(self, name: str, span: Span) -> int:
        """Add pi, e, inf or the imaginary unit."""
        node = Node(operation="constant", name=name, span=span)
        return self._add(node, Sort.NUMBER)

    def imaginary(self, number: Fraction, span: Span) -> int:
        """Add `2.5j`: the product of an exact number and the imaginary unit."""
        if number == 1:
            return self.named_constant(IMAGINARY_UNIT, span)
        factor = self.constant(number, span)
        pair = (factor, self.named_constant(IMAGINARY_UNIT, span))
        return self._add(Node(operation="mul", arguments=pair, span=span), Sort.NUMBER)

    def variable(self, name: str, span: Span) -> int:
        """Add an input."""
        sort = Sort.NUMBER
        if self.form_of is not None and name in self.form_of.operands:
            sort = self.form_of.sorts[self.form_of.operands.index(name)]
        return self._add(Node(operation="variable", name=name, span=span), sort)

    def alias(self, index: int, span: Span) -> int:
        """Add a node of its own that has the value of another one."""
        node = Node(operation="identity", arguments=(index,), span=span)
        return self._add(node, Sort.NUMBER)

    def inline(self, form: Program, operands: Mapping[str, int], span: Span) -> int:
        """Add the nodes of a formula of operands that have nodes."""
        placed: list[int] = []
        for node in form.nodes:
            if node.operation == "variable":
                placed.append(operands[node.name or ""])
            elif node.number is not None:
                placed.append(self.constant(node.number, span))
            elif node.operation == "constant":
                placed.append(self.named_constant(node.name or "", span))
            else:
                row = operations.OPERATIONS[node.operation]
                arguments = [placed[index] for index in node.arguments]
                placed.append(self.apply(row, arguments, span))
        return placed[form.output]

    def is_number(self, index: int) -> bool:
        """Whether a node is a number, and no condition."""
        return self._sorts[index] is Sort.NUMBER

    def _add(self, node: Node, sort: Sort) -> int:
        if len(self.nodes) >= LONGEST_PROGRAM:
            self.source.fail(
                node.span,
                f"expected at most {LONGEST_PROGRAM} operations and operands, found more",
            )
        self.nodes.append(node)
        self._sorts.append(sort)
        return len(self.nodes) - 1

    def _note(self, index: int, value: Fraction, span: Span) -> None:
        """Keep the value of a constant node."""
        self._constants[index] = value
        self._bits += bits(value)
        if self._bits > LARGEST_CONSTANTS_BITS:
            self.source.fail(
                span,
                f"expected constants of at most {LARGEST_CONSTANTS_BITS} bits in all, found more",
            )


def _rough(count: int) -> str:
    """A count for the eye; a float would overflow."""
    return f"{count:.1e}" if count < 10**18 else f"2**{count.bit_length() - 1}"
