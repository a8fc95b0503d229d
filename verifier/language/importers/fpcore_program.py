"""An expression of FPCore → nodes of a program of ours, operation by operation as
written.

Nothing here recurses, so that no nesting is too deep.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from verifier.language.importers.fpcore_nodes import Nodes, count_of
from verifier.language.importers.fpcore_operations import (
    CONSTANTS,
    OPERATIONS,
    TRUTHS,
    Chain,
    Fold,
    Form,
    Row,
    Unsupported,
)
from verifier.language.importers.fpcore_words import (
    binding,
    number,
    precision,
    properties,
    refuse,
)
from verifier.language.importers.sexpr import Atom, Datum, Group, Kind
from verifier.language.operations.table import Sort
from verifier.language.points.scalars import LARGEST_NUMBER_BITS
from verifier.language.programs.constants import bits

Work = Generator[Datum, int, int]
"""Yields a datum, is sent the node that it became, and returns a node."""
Emit = Callable[[list[int]], int]
"""What adds an operation on the nodes of its operands."""


class Translator:
    """Translates expressions over the same arguments, which it calls by our names."""

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.nodes = Nodes()
        self.notes: dict[str, None] = {}
        self._scope = {
            symbol: self.nodes.variable(name) for symbol, name in arguments.items()
        }

    def translate(self, root: Datum, sort: Sort) -> int:
        """The node that an expression becomes.

        Raises `FormulaFileError` for what our language cannot say.
        """
        working: list[Work] = []
        pending: Datum | None = root
        node: int | None = None
        while True:
            if isinstance(pending, Atom):
                node = self._atom(pending)
            elif pending is not None:
                working.append(self._group(pending))
                node = None
            if not working:
                assert node is not None
                shown = "its body" if sort is Sort.NUMBER else "`:pre`"
                self.nodes.check_sort(node, sort, shown, root)
                return node
            try:
                # A generator takes nothing where it begins, and then the node of the
                # datum that it asked for.
                pending = working[-1].send(node)  # type: ignore[arg-type]
            except StopIteration as end:
                working.pop()
                pending, node = None, end.value

    def _atom(self, atom: Atom) -> int:
        if atom.kind is Kind.STRING:
            refuse("expected an expression, found a string", atom)
        if atom.kind is Kind.NUMBER:
            return self.nodes.number(number(atom), atom)
        if atom.text in self._scope:
            return self._scope[atom.text]
        if atom.text in CONSTANTS:
            return self.nodes.formula(CONSTANTS[atom.text], {}, atom)
        if atom.text in TRUTHS:
            ones = [self.nodes.number(Fraction(1), atom) for _ in range(2)]
            return self.nodes.apply(TRUTHS[atom.text], ones, atom)
        if atom.text == "NAN":
            refuse("the constant `NAN` is not supported", atom)
        refuse(f"`{atom.text}` has no value", atom)

    # ── groups ──────────────────────────────────────────────────────────────────────

    def _group(self, group: Group) -> Work:
        head = group.items[0] if group.items else group
        if not isinstance(head, Atom) or head.kind is not Kind.SYMBOL:
            refuse("expected an operation after the bracket", group)
        operands = group.items[1:]
        match head.text:
            case "if":
                _check_count(operands, 3, head)
                return _of_operands(group, lambda nodes: self._choice(nodes, head))
            case "let" | "let*":
                return self._let(group, head)
            case "!":
                return self._annotated(group)
            case "cast":
                _check_count(operands, 1, head)
                self.notes["`cast` rounds only, and is left away"] = None
                return _of_operands(group, lambda nodes: nodes[0])
            case "digits":
                return self._digits(group)
        return _of_operands(group, self._operation(head, len(operands)))

    def _operation(self, head: Atom, count: int) -> Emit:
        """What adds an operation of the table of FPCore's."""
        nodes = self.nodes
        match OPERATIONS.get(head.text):
            case Row(row):
                return lambda operands: nodes.apply(row, operands, head)
            case Fold(_, _, str(row)) if count == 1:
                return lambda operands: nodes.apply(row, operands, head)
            case Fold(row, least):
                _check_least(count, least, head)
                return lambda operands: nodes.fold(row, operands, head)
            case Chain(row, all_pairs):
                _check_least(count, 2, head)
                return lambda operands: self._chain(row, operands, all_pairs, head)
            case Form(names, formula):
                return self._written_out(names, formula, count, head)
            case Unsupported():
                refuse(f"`{head.text}` is not supported", head)
        refuse(f"`{head.text}` is no operation of FPCore's", head)

    def _written_out(
        self, names: Sequence[str], formula: str, count: int, head: Atom
    ) -> Emit:
        if count != len(names):
            refuse(f"`{head.text}` takes {count_of(len(names))}, found {count}", head)
        call = f"({head.text} {' '.join(names)})"
        self.notes[f"`{call}` is written as `{formula}`"] = None
        return lambda operands: self.nodes.formula(
            formula, dict(zip(names, operands, strict=True)), head
        )

    def _chain(
        self, row: str, operands: Sequence[int], all_pairs: bool, head: Atom
    ) -> int:
        """A chain of comparisons."""
        pairs = list(pairwise(operands))
        if all_pairs:
            pairs = [(a, b) for i, a in enumerate(operands) for b in operands[i + 1 :]]
        links = [self.nodes.apply(row, pair, head) for pair in pairs]
        return self.nodes.fold("logical_and", links, head)

    def _choice(self, operands: Sequence[int], head: Atom) -> int:
        """`(if p x y)` of numbers, or of conditions: p and x, or not p and y."""
        nodes, (p, x, y) = self.nodes, operands
        if nodes.is_number(x) or nodes.is_number(y):
            return nodes.apply("where", operands, head)
        chosen = nodes.apply("logical_and", [p, x], head)
        negated = nodes.apply("logical_not", [p], head)
        other = nodes.apply("logical_and", [negated, y], head)
        return nodes.apply("logical_or", [chosen, other], head)

    def _let(self, group: Group, head: Atom) -> Work:
        if len(group.items) != 3 or not isinstance(group.items[1], Group):
            refuse(f"expected `({head.text} ([name value] …) body)`", group)
        shadowed: list[tuple[str, int | None]] = []
        fresh: list[tuple[str, int]] = []
        for symbol, value in map(binding, group.items[1].items):
            index = yield value
            self.nodes.call(index, symbol)
            fresh.append((symbol, index))
            if head.text == "let*":
                shadowed += self._bind(fresh)
        shadowed += self._bind(fresh)
        body = yield group.items[2]
        for symbol, before in reversed(shadowed):
            if before is None:
                del self._scope[symbol]
            else:
                self._scope[symbol] = before
        return body

    def _bind(self, fresh: list[tuple[str, int]]) -> list[tuple[str, int | None]]:
        """Give symbols their nodes; what each of them meant before."""
        shadowed = []
        for symbol, index in fresh:
            shadowed.append((symbol, self._scope.get(symbol)))
            self._scope[symbol] = index
        fresh.clear()
        return shadowed

    def _annotated(self, group: Group) -> Work:
        annotations, rest = properties(group.items[1:])
        _check_count(rest, 1, group.items[0])
        for name, value in annotations:
            shown = f":{name}"
            if name == "precision":
                shown += f" {precision(value)}"
            note = f"`(! {shown} …)` is not taken over: all runs in the case's dtype"
            self.notes[note] = None
        return (yield rest[0])

    def _digits(self, group: Group) -> Work:
        """`(digits m e b)` is m times b to the power e."""
        operands = [
            a for a in group.items[1:] if isinstance(a, Atom) and a.kind is Kind.NUMBER
        ]
        if len(operands) != 3 or len(group.items) != 4:
            refuse("`digits` takes three numbers", group)
        mantissa, exponent, base = map(number, operands)
        if (
            exponent.denominator != 1
            or bits(base) * abs(exponent) > LARGEST_NUMBER_BITS
            or (base == 0 and exponent < 0)
        ):
            refuse(
                f"`digits` takes an integer exponent, and numbers of at most {LARGEST_NUMBER_BITS} bits",
                group,
            )
        return self.nodes.number(mantissa * base**exponent.numerator, group)
        yield


def _of_operands(group: Group, emit: Emit) -> Work:
    operands: list[int] = []
    for operand in group.items[1:]:
        operands.append((yield operand))
    return emit(operands)


def _check_count(operands: Sequence[Datum], count: int, head: Datum) -> None:
    if len(operands) != count:
        shown = head.text if isinstance(head, Atom) else "it"
        refuse(f"`{shown}` takes {count_of(count)}, found {len(operands)}", head)


def _check_least(count: int, least: int, head: Atom) -> None:
    if count < least:
        refuse(f"`{head.text}` takes at least {count_of(least)}, found {count}", head)
