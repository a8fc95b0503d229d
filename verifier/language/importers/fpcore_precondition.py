"""A precondition of FPCore's → bounds of single variables, and a condition for the
rest."""

from __future__ import annotations

from collections.abc import Sequence, Set

from verifier.errors import ExpressionError, FormulaFileError
from verifier.language.importers.fpcore_nodes import Nodes, spelt
from verifier.language.importers.fpcore_text import expression, variables
from verifier.language.operations import table as operations
from verifier.language.points.bounds import Bounds, End
from verifier.language.points.scalars import Scalar, scalar


class Precondition:
    """A condition taken apart: bounds of single variables, and all else.

    `inputs` are the variables that the formula has.
    """

    def __init__(self, nodes: Nodes, inputs: Sequence[str]) -> None:
        self._nodes = nodes
        self.bounds = dict.fromkeys(inputs, Bounds())
        self._rest: list[int] = []
        self.notes: list[str] = []

    def take(self, condition: int) -> None:
        """Add a condition, both halves of every `and` apart."""
        work = [condition]
        while work:
            index = work.pop()
            node = self._nodes.nodes[index]
            if node.operation == "logical_and":
                work.extend(reversed(node.arguments))
            else:
                self._take(index)

    def where(self) -> str | None:
        """What no interval says."""
        if not self._rest:
            return None
        return expression(self._nodes.nodes, self._nodes.join(self._rest))

    def _take(self, index: int) -> None:
        names = variables(self._nodes.nodes, index)
        foreign = sorted(names - self.bounds.keys())
        if foreign and len(foreign) < len(names):
            shown = expression(self._nodes.nodes, index)
            self.notes.append(
                f"the precondition `{shown}` is not taken over: the formula has no {', '.join(foreign)}"
            )
        elif foreign:
            pass  # nothing that the formula depends on
        elif not names:
            self._take_constant(index)
        elif not self._take_bound(index):
            self._rest.append(index)

    def _take_constant(self, index: int) -> None:
        """A comparison of numbers says nothing where it is true, and that nothing is
        left where it is not."""
        node = self._nodes.nodes[index]
        sides = [self._constant(i) for i in node.arguments]
        holds = _compare(node.operation, sides)
        if holds is None:
            self._rest.append(index)
        elif not holds:
            shown = expression(self._nodes.nodes, index)
            raise FormulaFileError(f"its precondition holds nowhere: `{shown}`")

    def _take_bound(self, index: int) -> bool:
        """Whether the condition bounds one variable by a number, and is taken so."""
        node = self._nodes.nodes[index]
        signs = operations.row(node.operation).holds_for
        if not signs or {-1, 1} <= signs:
            return False
        left, right = (self._nodes.nodes[i] for i in node.arguments)
        if left.operation == "variable":
            return self._bound(
                left.name or "", signs, self._constant(node.arguments[1])
            )
        if right.operation == "variable":
            flipped = {-sign for sign in signs}
            return self._bound(
                right.name or "", flipped, self._constant(node.arguments[0])
            )
        return False

    def _constant(self, index: int) -> Scalar | None:
        """The number that a node is; None where it is none that the end of an interval
        can be."""
        if variables(self._nodes.nodes, index):
            return None
        try:
            number = scalar(expression(self._nodes.nodes, index))
        except ExpressionError:
            return None
        return number if number.exact is None else scalar(spelt(number.exact))

    def _bound(self, name: str, signs: Set[int], at: Scalar | None) -> bool:
        """Whether a variable minus a number, having one of the signs, is bounded."""
        if at is None:
            return False
        if not at.is_finite:
            bounded = (1 if at.text == "-inf" else -1) in signs
            return bounded and at.text in ("inf", "-inf")  # as every number is
        end = End(at=at, closed=0 in signs)
        bounds: Bounds | None = self.bounds[name]
        if bounds is not None and -1 not in signs:
            bounds = bounds.above(end)
        if bounds is not None and 1 not in signs:
            bounds = bounds.below(end)
        if bounds is None:
            return False
        self.bounds[name] = bounds
        return True


def _compare(relation: str, sides: Sequence[Scalar | None]) -> bool | None:
    """Whether a relation holds between two rational numbers; None for anything else."""
    exact = [side.exact for side in sides if side is not None]
    left, right = (*exact, None, None)[:2]
    signs = operations.row(relation).holds_for
    if not signs or left is None or right is None:
        return None
    return (left > right) - (left < right) in signs
