"""The nodes of a program that an expression of FPCore becomes, as they are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verifier.errors import ExpressionError, FormulaFileError
from verifier.language.importers.fpcore_words import refuse
from verifier.language.importers.sexpr import Atom, Datum
from verifier.language.operations import table as operations
from verifier.language.operations.table import Sort
from verifier.language.programs.building import LONGEST_PROGRAM
from verifier.language.programs.parsing import parse
from verifier.language.programs.printing import render
from verifier.language.programs.program import Node, Program, Span

DEEPEST = 48
"""Operations inside one another before one of them becomes a step.

Python's parser takes 200 parentheses.
"""

_NOWHERE = Span(line=1, column=1, end_line=1, end_column=1)


class Nodes:
    """Adds nodes, operands first, and knows the sort of each.

    The table of operations is asked at run time: what it lacks is refused by name,
    never replaced by something near. `names` has those nodes that are to be steps, with
    what each is called in the source, or nothing.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.names: dict[int, str] = {}
        self._sorts: list[Sort] = []
        self._depths: list[int] = []

    def variable(self, name: str) -> int:
        return self._add(
            Node(operation="variable", name=name, span=_NOWHERE), Sort.NUMBER
        )

    def number(self, value: Fraction, datum: Datum) -> int:
        try:
            spelt(value)
        except ValueError:  # more digits than Python converts
            refuse("a number of too many digits to be written", datum)
        leaf = Node(operation="constant", number=value, span=_NOWHERE)
        return self._add(leaf, Sort.NUMBER)

    def formula(self, text: str, bound: Mapping[str, int], datum: Datum) -> int:
        """Add a formula of our language over nodes, and say which is its result."""
        try:
            program = parse(text, variables=bound)
        except ExpressionError as error:
            message = error.message.splitlines()[0]
            refuse(f"`{text}` cannot be written: {message}", datum)
        placed: list[int] = []
        for node in program.nodes:
            if node.operation == "variable":
                placed.append(bound[node.name or ""])
            elif node.operation == "constant":
                placed.append(self._add(node, Sort.NUMBER))
            else:
                arguments = [placed[i] for i in node.arguments]
                placed.append(self.apply(node.operation, arguments, datum))
        return placed[program.output]

    def apply(self, name: str, operands: Sequence[int], head: Datum) -> int:
        """Add one operation; `head` is what the source calls it."""
        shown = head.text if isinstance(head, Atom) else name
        row = operations.find(name)
        if row is None:
            refuse(
                f"`{shown}` is not supported: there is no `{name}` among `verifier operations`",
                head,
            )
        if len(operands) != row.arity:
            refuse(
                f"`{shown}` takes {count_of(row.arity)}, found {len(operands)}", head
            )
        for operand, sort in zip(operands, row.sorts, strict=True):
            self.check_sort(operand, sort, f"`{shown}`", head)
        node = Node(operation=row.name, arguments=tuple(operands), span=_NOWHERE)
        index = self._add(node, row.result)
        if self._depths[index] > DEEPEST and row.result is Sort.NUMBER:
            self.names[index] = ""
            self._depths[index] = 0
        return index

    def fold(self, name: str, operands: Sequence[int], head: Datum) -> int:
        """Add an operation of two operands, from the left over all of them."""
        result = operands[0]
        for operand in operands[1:]:
            result = self.apply(name, [result, operand], head)
        return result

    def join(self, conditions: Sequence[int]) -> int:
        """Add the condition that holds where all of them do."""
        result = conditions[0]
        for condition in conditions[1:]:
            pair = (result, condition)
            node = Node(operation="logical_and", arguments=pair, span=_NOWHERE)
            result = self._add(node, Sort.CONDITION)
        return result

    def call(self, index: int, symbol: str) -> None:
        """Make a step of a number that the source gives a name, unless it is a leaf."""
        if self.is_number(index) and self.nodes[index].arguments:
            self.names.setdefault(index, symbol)
            self._depths[index] = 0

    def is_number(self, index: int) -> bool:
        return self._sorts[index] is Sort.NUMBER

    def check_sort(self, index: int, sort: Sort, shown: str, datum: Datum) -> None:
        if self._sorts[index] is not sort:
            actual = self._sorts[index].value
            refuse(f"{shown} expects {sort.value}, found {actual}", datum)

    def _add(self, node: Node, sort: Sort) -> int:
        if len(self.nodes) >= LONGEST_PROGRAM:
            raise FormulaFileError(
                f"it has more than {LONGEST_PROGRAM} operations and operands"
            )
        self.nodes.append(node)
        self._sorts.append(sort)
        depths = (self._depths[i] for i in node.arguments)
        self._depths.append(1 + max(depths, default=-1))
        return len(self.nodes) - 1


def spelt(value: Fraction) -> str:
    """A number as a formula has it, without blanks.

    Raises `ValueError` where it has more digits than Python converts.
    """
    leaf = Node(operation="constant", number=value, span=_NOWHERE)
    program = Program(source="", nodes=(leaf,), inputs=(), output=0)
    return render(program).replace(" ", "")


def count_of(operands: int) -> str:
    return "1 operand" if operands == 1 else f"{operands} operands"
