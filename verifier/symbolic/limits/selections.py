"""The smooth functions that a program is made of about a point: at every tie one side
is taken, and kept.

Near a tie a program is on either side one of a few smooth functions, its selections:
`max(x, y)` is x or it is y. Ties that are written alike (x > y, y < x, x − y > 0, |x −
y|) are one; others are taken as independent of each other, so that some selections may
be those of no point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Node, Program
from verifier.symbolic.arithmetic import balls, exact_functions
from verifier.symbolic.calculus.chain import Known, Standing

Tie = tuple[int, int]
"""Two classes of nodes, the first below the second, that are equal at the point; −1
stands for the number 0."""
ZERO = -1


class OpenTie(Exception):
    """A selection hangs on a tie of which no side has been taken yet."""

    def __init__(self, tie: Tie) -> None:
        super().__init__()
        self.tie = tie


class NotPiecewise(Exception):
    """Something here is not made of finitely many smooth functions and norms, or it is
    not known to be."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One of the smooth functions, as a program with nodes in the old places.

    `norms` are the nodes of each norm that vanishes at the point, with the nodes of its
    components and the weights of their squares. In the program their place is taken by
    the number 0.
    """

    program: Program
    norms: Mapping[tuple[int, ...], Sequence[tuple[int, Fraction]]]


class PointValues:
    """The values of a program's nodes at the point, and which of them are equal."""

    def __init__(
        self, program: Program, values: Sequence[Known], point: Mapping[str, float]
    ) -> None:
        self.values = values
        self.classes = rewriting.classes(program)
        self.constants = constant_values(program)
        self.rationals = exact_functions.rational_values(program, point)

    def sign(self, first: int, second: int) -> int | None:
        """The sign of the difference of two numbers; None where they are equal, or not
        known to differ."""
        known = [
            Fraction(0) if index == ZERO else self.rationals.get(index)
            for index in (first, second)
        ]
        if known[0] is not None and known[1] is not None:
            return None if known[0] == known[1] else _sign(known[0] - known[1])
        left, right = (
            balls.zero() if index == ZERO else self.values[index].ball
            for index in (first, second)
        )
        if left > right:
            return 1
        return -1 if left < right else None

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


class Taken:
    """The nodes of a program as they are on one side of its ties, as far as a walk over
    it has come."""

    def __init__(self, program: Program, at_point: PointValues) -> None:
        self.program, self.at_point = program, at_point
        self.classes, self.constants = at_point.classes, at_point.constants
        self.nodes: list[Node] = []
        self.source: list[int] = []
        """For each node the one whose value it hands on unchanged: itself, unless it
        chooses."""
        self.moved: list[bool] = []
        """Whether each node may tend to another number on this side than the program
        has at the point."""
        self.norms: dict[int, list[tuple[int, Fraction]]] = {}
        """The components of the norms that vanish, and the weights of their squares, by
        class."""

    def hand_on(self, index: int, argument: int) -> Node:
        """A node that has the value of one of its operands."""
        self.source[index] = self.source[argument]
        node = self.program.nodes[index]
        return replace(node, operation="identity", arguments=(argument,))

    def source_of(self, index: int) -> int:
        """The class of the node whose value a node has; `ZERO` of what is the number
        0."""
        if index == ZERO:
            return ZERO
        source = self.classes[self.source[index]]
        if source not in self.norms and self.nodes[source].number == 0:
            return ZERO
        return ZERO if self.constants.get(source) == 0 else source

    def scaled(self, node: Node) -> tuple[Fraction, int | None]:
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


class Ties:
    """At each tie the side that `signs` says."""

    def __init__(self, taken: Taken, signs: Mapping[Tie, int]) -> None:
        self.taken, self.signs = taken, signs

    def side(self, first: int, second: int) -> int:
        """The sign of the difference of two numbers near the point, 0 where they are
        equal all about it."""
        moved = self.taken.moved
        any_moved = any(index != ZERO and moved[index] for index in (first, second))
        first, second, flip = self._tie(first, second)
        if first == second:
            return 0
        known = None if any_moved else self.taken.at_point.sign(first, second)
        if known is not None:
            return known * flip
        tie = (first, second)
        if tie not in self.signs:
            raise OpenTie(tie)
        return self.signs[tie] * flip

    def _tie(self, first: int, second: int) -> tuple[int, int, int]:
        """Two numbers of which the difference has the same sign, or with −1 the
        opposite one.

        They are the same for x > y, y < x, x − y > 0 and −2(x − y) < 0.
        """
        taken, flip = self.taken, 1
        while True:
            first, second = taken.source_of(first), taken.source_of(second)
            if first == ZERO:
                first, second, flip = second, first, -flip
            if second != ZERO or first == ZERO:
                break
            node = taken.nodes[first]
            scale, inner = taken.scaled(node)
            if inner is not None:
                first, flip = inner, flip * _sign(scale)
            elif node.operation == "sub":
                first, second = node.arguments
            else:
                break
        if second != ZERO and first > second:
            return second, first, -flip
        return first, second, flip


class Norms:
    """The norms that vanish at the point: √ of a sum of squares, and what is made of
    them."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken
        self.places: dict[int, list[int]] = {}
        """The nodes of each norm, by class."""
        self.depends: list[bool] = []
        """Whether each node depends on such a norm."""

    def add(self, index: int, node: Node) -> None:
        """Note whether a node that has been taken depends on a norm."""
        is_norm = self.taken.classes[index] in self.taken.norms
        self.depends.append(is_norm or any(self.depends[a] for a in node.arguments))

    def root(self, index: int, node: Node) -> Node:
        """hypot, a square root or a power; of a number that vanishes at the point its
        derivative is none or 0."""
        base, *rest = node.arguments
        at_point = self.taken.at_point
        if self.taken.moved[index] or not at_point.is_zero(base):
            return node
        power = Fraction(1, 2)
        if node.operation == "hypot":
            if not at_point.is_zero(rest[0]):
                return node
            squares = [self._square(leg, Fraction(1)) for leg in node.arguments]
            return self._vanishing(index, [part for leg in squares for part in leg])
        if node.operation == "pow":
            power = self.taken.constants.get(rest[0], Fraction(0))
        if power.denominator > 1 and power > 1:
            return _number(node, 0)  # flat
        if power != Fraction(1, 2):
            return node
        return self._vanishing(index, list(self._squares(base, Fraction(1))))

    def _squares(self, index: int, weight: Fraction) -> Iterator[tuple[int, Fraction]]:
        """The terms of a sum of squares; fails where it is none."""
        node = self.taken.nodes[self.taken.source[index]]
        arguments = node.arguments
        scale, inner = self.taken.scaled(node)
        if node.operation == "add":
            for argument in arguments:
                yield from self._squares(argument, weight)
        elif self._is_square(node):
            yield from self._square(arguments[0], weight)
        elif inner is not None and scale > 0:
            yield from self._squares(inner, weight * scale)
        elif node.operation != "pow" or not self._is_even(arguments[1]):
            raise NotPiecewise  # a fourth power is the square of what is flat

    def _is_square(self, node: Node) -> bool:
        match node.operation:
            case "square":
                return True
            case "pow":
                return self.taken.constants.get(node.arguments[1]) == 2
            case "mul":
                return len({self.taken.classes[a] for a in node.arguments}) == 1
        return False

    def _is_even(self, exponent: int) -> bool:
        power = self.taken.constants.get(exponent, Fraction(0))
        return power > 0 and power.denominator == 1 and power.numerator % 2 == 0

    def _square(self, index: int, weight: Fraction) -> list[tuple[int, Fraction]]:
        """One term, which may be a norm itself."""
        source = self.taken.classes[self.taken.source[index]]
        if source in self.taken.norms:
            parts = self.taken.norms[source]
            return [(part, weight * inner) for part, inner in parts]
        return [(index, weight)]

    def _vanishing(self, index: int, components: list[tuple[int, Fraction]]) -> Node:
        if any(self.depends[component] for component, _ in components):
            raise NotPiecewise
        of = self.taken.classes[index]
        self.taken.norms.setdefault(of, components)
        self.places.setdefault(of, []).append(index)
        return _number(self.taken.program.nodes[index], 0)


class Choices:
    """One walk over the program that takes at each tie the side that `signs` says."""

    def __init__(
        self, program: Program, at_point: PointValues, signs: Mapping[Tie, int]
    ) -> None:
        self.program, self.at_point = program, at_point
        self.taken = Taken(program, at_point)
        self.ties = Ties(self.taken, signs)
        self.norms = Norms(self.taken)
        self.truths: dict[int, bool] = {}
        """The truth of each condition on this side."""

    def selection(self) -> Selection:
        """The smooth function that the program is on these sides."""
        taken, places = self.taken, self.norms.places
        for index, node in enumerate(self.program.nodes):
            taken.source.append(index)
            taken.moved.append(any(taken.moved[a] for a in node.arguments))
            chosen = self._taken(index, node)
            taken.nodes.append(chosen)
            self.norms.add(index, chosen)
        norms = {tuple(places[of]): parts for of, parts in taken.norms.items()}
        return Selection(replace(self.program, nodes=tuple(taken.nodes)), norms)

    def _taken(self, index: int, node: Node) -> Node:
        """The node, or what it is on this side of the ties."""
        if node.operation == "where":
            return self._branch(index, node)
        if not self.at_point.is_regular(*node.arguments):
            return node  # of no account, or else the selection is not regular
        match node.operation:
            case "max" | "min":
                first, second = node.arguments
                chosen = self._chosen(first, second, larger=node.operation == "max")
                return self.taken.hand_on(index, chosen)
            case "clamp":
                number, low, high = node.arguments
                inner = self._chosen(number, low, larger=True)
                chosen = self._chosen(inner, high, larger=False)
                return self.taken.hand_on(index, chosen)
            case "abs" | "relu" | "sign":
                return self._bent(index, node)
            case "identity" | "nan_to_num":
                return self.taken.hand_on(index, node.arguments[0])
            case "hypot" | "sqrt" | "pow":
                return self.norms.root(index, node)
        row = operations.row(node.operation)
        if row.is_relation:
            self.truths[index] = self.ties.side(*node.arguments) in row.holds_for
        elif row.is_connective:
            self._connect(index, node)
        return node

    def _chosen(self, first: int, second: int, *, larger: bool) -> int:
        return first if (self.ties.side(first, second) > 0) == larger else second

    def _bent(self, index: int, node: Node) -> Node:
        """abs, relu or sign on one side of 0."""
        side = self.ties.side(node.arguments[0], ZERO)
        if node.operation == "sign":
            self.taken.moved[index] = True
            return _number(node, side)
        if side > 0:
            return self.taken.hand_on(index, node.arguments[0])
        if node.operation == "relu":
            return _number(node, 0)
        return replace(node, operation="neg")

    def _branch(self, index: int, node: Node) -> Node:
        condition, *branches = node.arguments
        if condition not in self.truths:
            return node
        if self.at_point.values[condition].ball is not self.truths[condition]:
            self.taken.moved[index] = True
        return self.taken.hand_on(index, branches[not self.truths[condition]])

    def _connect(self, index: int, node: Node) -> None:
        """The truth of a connective whose operands' are known."""
        truths = [self.truths.get(argument) for argument in node.arguments]
        if None in truths:
            return
        settling = operations.row(node.operation).settled_by
        if settling is None:
            self.truths[index] = not truths[0]
        else:
            self.truths[index] = settling if settling in truths else not settling


def _number(node: Node, number: int) -> Node:
    return replace(
        node, operation="constant", arguments=(), name=None, number=Fraction(number)
    )
