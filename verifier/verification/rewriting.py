"""Parts of a written tree: read by their form, replaced by others, written out
again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.errors import ExpressionError
from verifier.language.programs import parsing
from verifier.language.programs.constants import constant_values
from verifier.language.programs.printing import render, render_node
from verifier.language.programs.program import Node, Program

# ── trees ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A rewritten program that has been tried."""

    before: str
    """The part that is replaced; `after` is what takes its place."""
    after: str
    program: Program

    def __str__(self) -> str:
        return f"write `{self.after}` for `{self.before}`"


@dataclass(frozen=True, slots=True)
class Tree:
    """An operation to be written; its operands are trees, or nodes of the program that
    stay."""

    operation: str
    operands: tuple[Tree | int, ...] = ()
    number: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """A node and what is written in its place."""

    index: int
    tree: Tree


def call(operation: str, *operands: Tree | int) -> Tree:
    return Tree(operation, operands)


def number(value: int | Fraction) -> Tree:
    return Tree("constant", number=Fraction(value))


def apart(program: Program, edits: Sequence[Edit]) -> list[Edit]:
    """The edits that do not lie within one another or on the same node, the outermost
    first."""
    kept: list[Edit] = []
    covered: set[int] = set()
    for edit in sorted(edits, key=lambda edit: -edit.index):
        inside = below(program, edit.index)
        if edit.index not in covered and not (inside & {e.index for e in kept}):
            kept.append(edit)
            covered |= inside
    return kept


def below(program: Program, root: int) -> set[int]:
    """The nodes that a node is computed from, and itself."""
    work, seen = [root], set[int]()
    while work:
        index = work.pop()
        if index not in seen:
            seen.add(index)
            work.extend(program.nodes[index].arguments)
    return seen


def written(program: Program, edits: Sequence[Edit]) -> Iterator[Suggestion]:
    """The program with the edits made, written out and read again, so that every node
    has its place."""
    rewritten, places = _rebuilt(program, {edit.index: edit.tree for edit in edits})
    try:
        text = render(rewritten)
        read = parsing.parse_steps if program.steps else parsing.parse
        result = read(text, variables=program.inputs)
    except (ExpressionError, ValueError):  # a variable hides a name that the rule needs
        return
    if set(result.inputs) != set(program.inputs):
        return
    yield Suggestion(
        before=", ".join(render_node(program, edit.index) for edit in edits),
        after=", ".join(render_node(rewritten, places[edit.index]) for edit in edits),
        program=result,
    )


def _rebuilt(
    program: Program, trees: Mapping[int, Tree]
) -> tuple[Program, dict[int, int]]:
    nodes: list[Node] = []
    places: dict[int, int] = {}

    def write(tree: Tree | int, span_of: Node) -> int:
        if isinstance(tree, int):
            return places[tree]
        arguments = tuple(write(operand, span_of) for operand in tree.operands)
        nodes.append(
            Node(
                operation=tree.operation,
                arguments=arguments,
                number=tree.number,
                span=span_of.span,
            )
        )
        return len(nodes) - 1

    for index, node in enumerate(program.nodes):
        if index in trees:
            places[index] = write(trees[index], node)
            continue
        arguments = tuple(places[argument] for argument in node.arguments)
        nodes.append(replace(node, arguments=arguments))
        places[index] = len(nodes) - 1
    return (
        Program(
            source=program.source,
            nodes=tuple(nodes),
            inputs=program.inputs,
            steps={name: places[index] for name, index in program.steps.items()},
            output=places[program.output],
        ),
        places,
    )


# ── rules ─────────────────────────────────────────────────────────────────────────────


class Reader:
    """Questions about a program's nodes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.constants = constant_values(program)

    def operands(self, index: int, operation: str) -> tuple[int, ...] | None:
        """The operands of a node, if that is what it does."""
        node = self.program.nodes[index]
        return node.arguments if node.operation == operation else None

    def operand(self, index: int, operation: str) -> int | None:
        """The only operand of a node, if that is what it does."""
        operands = self.operands(index, operation)
        return operands[0] if operands else None

    def is_number(self, index: int, value: int) -> bool:
        return self.constants.get(index) == value

    def other(self, index: int, operation: str, value: int) -> int | None:
        """The operand beside a number, on whichever side, of an operation that
        commutes."""
        operands = self.operands(index, operation)
        if operands is None:
            return None
        left, right = operands
        if self.is_number(left, value):
            return right
        return left if self.is_number(right, value) else None

    def same(self, first: int, second: int) -> bool:
        """Whether two nodes are the same tree."""
        if first == second:
            return True
        one, two = self.program.nodes[first], self.program.nodes[second]
        return (one.operation, one.name, one.number, len(one.arguments)) == (
            two.operation,
            two.name,
            two.number,
            len(two.arguments),
        ) and all(map(self.same, one.arguments, two.arguments))

    def squared(self, index: int) -> int | None:
        """The a of a², however it is written."""
        if (operand := self.operand(index, "square")) is not None:
            return operand
        if (pair := self.operands(index, "mul")) and self.same(*pair):
            return pair[0]
        power = self.operands(index, "pow")
        return power[0] if power and self.is_number(power[1], 2) else None

    def negated(self, index: int) -> Tree | int:
        """−u, without a second sign."""
        operand = self.operand(index, "neg")
        return call("neg", index) if operand is None else operand


Rule = Callable[[Reader, int], Tree | None]
