"""The smooth functions that a program is made of about a point: at every tie one side is taken, and kept.

Near a tie a program is on either side one of a few smooth functions, its selections: `max(x, y)` is x or it is y. Ties
that are written alike (x > y, y < x, x − y > 0, |x − y|) are one; others are taken as independent of each other, so
that some selections may be those of no point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, exact
from verifier.symbolic.calculus.chain import Known, Standing

Tie = tuple[int, int]
"""Two classes of nodes, the first below the second, that are equal at the point; −1 stands for the number 0."""
ZERO = -1


class Undecided(Exception):
    """A selection hangs on a tie of which no side has been taken yet."""

    def __init__(self, tie: Tie) -> None:
        super().__init__()
        self.tie = tie


class Unknown(Exception):
    """Something here is not made of finitely many smooth functions and norms, or it is not known to be."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One of the smooth functions, as a program with nodes in the old places.

    `norms` are the nodes of each norm that vanishes at the point, with the nodes of its components and the weights of
    their squares. In the program their place is taken by the number 0.
    """

    program: Program
    norms: Mapping[tuple[int, ...], Sequence[tuple[int, Fraction]]]


class Here:
    """The values of a program's nodes at the point, and which of them are equal."""

    def __init__(
        self, program: Program, values: Sequence[Known], point: Mapping[str, float]
    ) -> None:
        self.values = values
        self.classes = rewriting.classes(program)
        self.constants = constant_values(program)
        self.rationals = exact.rational_values(program, point)

    def sign(self, first: int, second: int) -> int | None:
        """The sign of the difference of two numbers; None where they are equal, or not known to differ."""
        known = [
            Fraction(0) if index == ZERO else self.rationals.get(index)
            for index in (first, second)
        ]
        if known[0] is not None and known[1] is not None:
            return None if known[0] == known[1] else _sign(known[0] - known[1])
        one, other = (
            balls.zero() if index == ZERO else self.values[index].ball
            for index in (first, second)
        )
        if one > other:
            return 1
        return -1 if one < other else None

    def is_zero(self, index: int) -> bool:
        """Whether a number is exactly 0."""
        if index in self.rationals:
            return self.rationals[index] == 0
        return self.is_regular(index) and balls.is_zero(self.values[index].ball)

    def is_regular(self, *indices: int) -> bool:
        """Whether all these have a value."""
        return all(
            index == ZERO or self.values[index].standing is Standing.REGULAR
            for index in indices
        )


def _sign(number: Fraction) -> int:
    return (number > 0) - (number < 0)


class Choices:
    """One walk over the program that takes at each tie the side that `signs` says."""

    def __init__(self, program: Program, here: Here, signs: Mapping[Tie, int]) -> None:
        self.program, self.here, self.signs = program, here, signs
        self.classes, self.constants = here.classes, here.constants
        self.nodes: list[Node] = []
        self.source: list[int] = []
        """For each node the one whose value it hands on unchanged: itself, unless it chooses."""
        self.truths: dict[int, bool] = {}
        self.norms: dict[int, list[tuple[int, Fraction]]] = {}
        self.places: dict[int, list[int]] = {}
        self.on_norm: list[bool] = []
        """Whether each node depends on a norm that vanishes."""
        self.moved: list[bool] = []
        """Whether each node may tend to another number on this side than the program has at the point."""

    def selection(self) -> Selection:
        for index, node in enumerate(self.program.nodes):
            self.source.append(index)
            self.moved.append(any(self.moved[a] for a in node.arguments))
            taken = self._taken(index, node)
            self.nodes.append(taken)
            is_norm = self.classes[index] in self.norms
            self.on_norm.append(
                is_norm or any(self.on_norm[a] for a in taken.arguments)
            )
        norms = {tuple(self.places[of]): parts for of, parts in self.norms.items()}
        program = replace(self.program, nodes=tuple(self.nodes))
        return Selection(program, norms)

    def _taken(self, index: int, node: Node) -> Node:
        """The node, or what it is on this side of the ties."""
        if node.operation == "where":
            return self._branch(index, node)
        if not self.here.is_regular(*node.arguments):
            return node  # of no account, or else the selection is not regular
        match node.operation:
            case "max" | "min":
                first, second = node.arguments
                chosen = self._chosen(first, second, larger=node.operation == "max")
                return self._hand_on(index, chosen)
            case "clamp":
                number, low, high = node.arguments
                inner = self._chosen(number, low, larger=True)
                return self._hand_on(index, self._chosen(inner, high, larger=False))
            case "abs" | "relu" | "sign":
                return self._bent(index, node)
            case "identity" | "nan_to_num":
                return self._hand_on(index, node.arguments[0])
            case "hypot" | "sqrt" | "pow":
                return self._root(index, node)
        row = operations.row(node.operation)
        if row.is_relation:
            self.truths[index] = self._side(*node.arguments) in row.holds_for
        elif row.is_connective:
            self._connect(index, node)
        return node

    def _chosen(self, first: int, second: int, *, larger: bool) -> int:
        return first if (self._side(first, second) > 0) == larger else second

    def _hand_on(self, index: int, argument: int) -> Node:
        self.source[index] = self.source[argument]
        node = self.program.nodes[index]
        return replace(node, operation="identity", arguments=(argument,))

    def _bent(self, index: int, node: Node) -> Node:
        """abs, relu or sign on one side of 0."""
        side = self._side(node.arguments[0], ZERO)
        if node.operation == "sign":
            self.moved[index] = True
            return _number(node, side)
        if side > 0:
            return self._hand_on(index, node.arguments[0])
        if node.operation == "relu":
            return _number(node, 0)
        return replace(node, operation="neg")

    def _branch(self, index: int, node: Node) -> Node:
        condition, *branches = node.arguments
        if condition not in self.truths:
            return node
        chosen = branches[not self.truths[condition]]
        if self.here.values[condition].ball is not self.truths[condition]:
            self.moved[index] = True
        return self._hand_on(index, chosen)

    def _connect(self, index: int, node: Node) -> None:
        found = [self.truths.get(argument) for argument in node.arguments]
        if None in found:
            return
        combined = {
            "logical_and": all(found),
            "logical_or": any(found),
            "logical_not": not found[0],
        }
        self.truths[index] = combined[node.operation]

    # ── ties ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _side(self, first: int, second: int) -> int:
        """The sign of the difference of two numbers near the point, 0 where they are equal all about it."""
        moved = any(index != ZERO and self.moved[index] for index in (first, second))
        first, second, flip = self._tie(first, second)
        if first == second:
            return 0
        known = None if moved else self.here.sign(first, second)
        if known is not None:
            return known * flip
        tie = (first, second)
        if tie not in self.signs:
            raise Undecided(tie)
        return self.signs[tie] * flip

    def _tie(self, first: int, second: int) -> tuple[int, int, int]:
        """Two numbers of which the difference has the same sign, or with −1 the opposite one.

        They are the same for x > y, y < x, x − y > 0 and −2(x − y) < 0.
        """
        flip = 1
        while True:
            first, second = self._source_of(first), self._source_of(second)
            if first == ZERO:
                first, second, flip = second, first, -flip
            if second != ZERO or first == ZERO:
                break
            node = self.nodes[first]
            scale, inner = self._scaled(node)
            if inner is not None:
                first, flip = inner, flip * _sign(scale)
            elif node.operation == "sub":
                first, second = node.arguments
            else:
                break
        if second != ZERO and first > second:
            return second, first, -flip
        return first, second, flip

    def _source_of(self, index: int) -> int:
        if index == ZERO:
            return ZERO
        found = self.classes[self.source[index]]
        if found not in self.norms and self.nodes[found].number == 0:
            return ZERO
        return ZERO if self.constants.get(found) == 0 else found

    def _scaled(self, node: Node) -> tuple[Fraction, int | None]:
        """A constant factor that is not 0, and what it multiplies."""
        if node.operation == "neg":
            return Fraction(-1), node.arguments[0]
        if node.operation not in ("mul", "div"):
            return Fraction(0), None
        first, second = node.arguments
        scale = self.constants.get(second)
        if scale:
            return (scale if node.operation == "mul" else 1 / scale), first
        scale = self.constants.get(first)
        if scale and node.operation == "mul":
            return scale, second
        return Fraction(0), None

    # ── norms ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _root(self, index: int, node: Node) -> Node:
        """hypot, a square root or a power; of a number that vanishes at the point its derivative is none or 0."""
        base, *rest = node.arguments
        if self.moved[index] or not self.here.is_zero(base):
            return node
        power = Fraction(1, 2)
        if node.operation == "hypot":
            if not self.here.is_zero(rest[0]):
                return node
            squares = [self._square(one, Fraction(1)) for one in node.arguments]
            return self._vanishing(index, [part for one in squares for part in one])
        if node.operation == "pow":
            power = self.constants.get(rest[0], Fraction(0))
        if power.denominator > 1 and power > 1:
            return _number(node, 0)  # flat
        if power != Fraction(1, 2):
            return node
        return self._vanishing(index, list(self._squares(base, Fraction(1))))

    def _squares(self, index: int, weight: Fraction) -> Iterator[tuple[int, Fraction]]:
        """The terms of a sum of squares; fails where it is none."""
        node = self.nodes[self.source[index]]
        arguments = node.arguments
        scale, inner = self._scaled(node)
        if node.operation == "add":
            for argument in arguments:
                yield from self._squares(argument, weight)
        elif (
            node.operation == "square"
            or (node.operation == "pow" and self.constants.get(arguments[1]) == 2)
            or (
                node.operation == "mul"
                and len({self.classes[a] for a in arguments}) == 1
            )
        ):
            yield from self._square(arguments[0], weight)
        elif inner is not None and scale > 0:
            yield from self._squares(inner, weight * scale)
        elif node.operation != "pow" or not self._is_even(arguments[1]):
            raise Unknown  # a fourth power is the square of what is flat

    def _is_even(self, exponent: int) -> bool:
        power = self.constants.get(exponent, Fraction(0))
        return power > 0 and power.denominator == 1 and power.numerator % 2 == 0

    def _square(self, index: int, weight: Fraction) -> list[tuple[int, Fraction]]:
        """One term, which may be a norm itself."""
        found = self.classes[self.source[index]]
        if found in self.norms:
            return [(part, weight * own) for part, own in self.norms[found]]
        return [(index, weight)]

    def _vanishing(self, index: int, components: list[tuple[int, Fraction]]) -> Node:
        if any(self.on_norm[component] for component, _ in components):
            raise Unknown
        of = self.classes[index]
        self.norms.setdefault(of, components)
        self.places.setdefault(of, []).append(index)
        return _number(self.program.nodes[index], 0)


def _number(node: Node, number: int) -> Node:
    return replace(
        node, operation="constant", arguments=(), name=None, number=Fraction(number)
    )
