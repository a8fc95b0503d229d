"""An expression of FPCore → nodes of a program of ours, operation by operation as written.

The table of operations is asked at run time: what it lacks is refused by name, never replaced by something near.
Nothing here recurses, so that no nesting is too deep.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from verifier.errors import ExpressionError, FormulaFileError
from verifier.language.importers.fpcore_words import (
    CONNECTIVES,
    CONSTANTS,
    FOLDED,
    FORMS,
    REFUSED,
    RELATIONS,
    ROWS,
    binding,
    number,
    precision,
    properties,
    refuse,
)
from verifier.language.importers.sexpr import Atom, Datum, Group, Kind
from verifier.language.operations import table as operations
from verifier.language.operations.table import Sort
from verifier.language.points.scalars import LARGEST_NUMBER_BITS
from verifier.language.programs.building import LONGEST_PROGRAM
from verifier.language.programs.parsing import parse
from verifier.language.programs.printing import render
from verifier.language.programs.program import Node, Program, Span

DEEPEST = 48
"""Operations inside one another before one of them becomes a step: Python's parser takes 200 parentheses."""

_NOWHERE = Span(line=1, column=1, end_line=1, end_column=1)

Work = Generator[Datum, int, int]
"""Yields a datum, is sent the node that it became, and returns a node."""


class Translator:
    """Translates expressions over the same arguments; holds the nodes so far."""

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.nodes: list[Node] = []
        self.sorts: list[Sort] = []
        self.depths: list[int] = []
        self.named: dict[int, str] = {}  # what a node is called in the source, or ""
        self.notes: dict[str, None] = {}
        self.scope: dict[str, int] = {}
        for symbol, name in arguments.items():
            node = Node(operation="variable", name=name, span=_NOWHERE)
            self.scope[symbol] = self._add(node, Sort.NUMBER)

    def translate(self, root: Datum, sort: Sort) -> int:
        """The node that an expression becomes. Raises `FormulaFileError` for what our language cannot say."""
        working: list[Work] = []
        pending: Datum | None = root
        found: int | None = None
        while True:
            if isinstance(pending, Atom):
                found = self._atom(pending)
            elif pending is not None:
                working.append(self._group(pending))
                found = None
            if not working:
                assert found is not None
                self._check_sort(
                    found, sort, "its body" if sort is Sort.NUMBER else "`:pre`", root
                )
                return found
            try:
                # A generator takes nothing where it begins, and then the node of the datum that it asked for.
                pending = working[-1].send(found)  # type: ignore[arg-type]
            except StopIteration as end:
                working.pop()
                pending, found = None, end.value

    # ── leaves ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _atom(self, atom: Atom) -> int:
        if atom.kind is Kind.STRING:
            refuse("expected an expression, found a string", atom)
        if atom.kind is Kind.NUMBER:
            return self._number(number(atom), atom)
        if atom.text in self.scope:
            return self.scope[atom.text]
        if atom.text in CONSTANTS:
            return self._form(CONSTANTS[atom.text], {}, atom)
        if atom.text in ("TRUE", "FALSE"):
            # Our language has no such constants: 1 == 1 is true, and 1 != 1 is not.
            ones = [self._number(Fraction(1), atom) for _ in range(2)]
            return self._apply("eq" if atom.text == "TRUE" else "ne", ones, atom)
        if atom.text == "NAN":
            refuse("the constant `NAN` is not supported", atom)
        refuse(f"`{atom.text}` has no value", atom)

    def _number(self, value: Fraction, datum: Datum) -> int:
        leaf = Node(operation="constant", number=value, span=_NOWHERE)
        try:
            render(Program(source="", nodes=(leaf,), inputs=(), output=0))
        except ValueError:  # more digits than Python converts
            refuse("a number of too many digits to be written", datum)
        return self._add(leaf, Sort.NUMBER)

    # ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _group(self, group: Group) -> Work:
        head = group.items[0] if group.items else group
        if not isinstance(head, Atom) or head.kind is not Kind.SYMBOL:
            refuse("expected an operation after the bracket", group)
        operands = group.items[1:]
        match head.text:
            case "if":
                self._count(operands, 3, head)
                return self._operation(group, lambda found: self._choice(found, head))
            case "let" | "let*":
                return self._let(group, head)
            case "!":
                return self._annotated(group)
            case "cast":
                self._count(operands, 1, head)
                self.notes["`cast` rounds only, and is left away"] = None
                return self._operation(group, lambda found: found[0])
            case "digits":
                return self._digits(group)
        emit = self._emitter(head, len(operands))
        return self._operation(group, emit)

    def _operation(self, group: Group, emit: Callable[[list[int]], int]) -> Work:
        found: list[int] = []
        for operand in group.items[1:]:
            found.append((yield operand))
        return emit(found)

    def _emitter(self, head: Atom, count: int) -> Callable[[list[int]], int]:
        """What makes a node of an operation's operands."""
        name = head.text
        if name in FOLDED:
            return self._arithmetic(head, count)
        if name in RELATIONS:
            self._count_at_least(count, 2, head)
            return lambda found: self._relation(found, head)
        if name in CONNECTIVES:
            self._count_at_least(count, 1, head)
            return lambda found: self._folded(CONNECTIVES[name], found, head)
        if name == "not":
            return lambda found: self._apply("logical_not", found, head)
        if name in FORMS:
            return self._written_out(head, count)
        if name in ROWS:
            return lambda found: self._apply(ROWS[name], found, head)
        if name in REFUSED:
            refuse(f"`{name}` is not supported", head)
        refuse(f"`{name}` is no operation of FPCore's", head)

    def _arithmetic(self, head: Atom, count: int) -> Callable[[list[int]], int]:
        if count == 1 and head.text == "-":
            return lambda found: self._apply("neg", found, head)
        self._count_at_least(count, 1 if head.text == "+" else 2, head)
        return lambda found: self._folded(FOLDED[head.text], found, head)

    def _written_out(self, head: Atom, count: int) -> Callable[[list[int]], int]:
        names, form = FORMS[head.text]
        if count != len(names):
            refuse(f"`{head.text}` takes {_operands(len(names))}, found {count}", head)
        self.notes[f"`({head.text} {' '.join(names)})` is written as `{form}`"] = None
        return lambda found: self._form(
            form, dict(zip(names, found, strict=True)), head
        )

    def _relation(self, found: list[int], head: Atom) -> int:
        """A chain of comparisons; `!=` holds where all operands differ from each other."""
        pairs = list(pairwise(found))
        if head.text == "!=":
            pairs = [(a, b) for i, a in enumerate(found) for b in found[i + 1 :]]
        links = [self._apply(RELATIONS[head.text], [a, b], head) for a, b in pairs]
        return self._folded("logical_and", links, head)

    def _choice(self, found: list[int], head: Atom) -> int:
        """`(if p x y)` of numbers, or of conditions: p and x, or not p and y."""
        p, x, y = found
        if self.sorts[x] is Sort.NUMBER or self.sorts[y] is Sort.NUMBER:
            return self._apply("where", found, head)
        chosen = self._apply("logical_and", [p, x], head)
        negated = self._apply("logical_not", [p], head)
        other = self._apply("logical_and", [negated, y], head)
        return self._apply("logical_or", [chosen, other], head)

    def _folded(self, row: str, found: list[int], head: Atom) -> int:
        result = found[0]
        for operand in found[1:]:
            result = self._apply(row, [result, operand], head)
        return result

    def _let(self, group: Group, head: Atom) -> Work:
        if len(group.items) != 3 or not isinstance(group.items[1], Group):
            refuse(f"expected `({head.text} ([name value] …) body)`", group)
        bound: list[tuple[str, int | None]] = []
        fresh: list[tuple[str, int]] = []
        for symbol, value in map(binding, group.items[1].items):
            index = yield value
            if self.sorts[index] is Sort.NUMBER and self.nodes[index].arguments:
                self.named.setdefault(index, symbol)
                self.depths[index] = 0
            fresh.append((symbol, index))
            if head.text == "let*":
                self._bind(fresh, bound)
        self._bind(fresh, bound)
        body = yield group.items[2]
        for symbol, before in reversed(bound):
            if before is None:
                del self.scope[symbol]
            else:
                self.scope[symbol] = before
        return body

    def _bind(
        self, fresh: list[tuple[str, int]], bound: list[tuple[str, int | None]]
    ) -> None:
        for symbol, index in fresh:
            bound.append((symbol, self.scope.get(symbol)))
            self.scope[symbol] = index
        fresh.clear()

    def _annotated(self, group: Group) -> Work:
        found, rest = properties(group.items[1:])
        self._count(rest, 1, group.items[0])
        for name, value in found:
            shown = f":{name}"
            if name == "precision":
                shown += f" {precision(value)}"
            self.notes[
                f"`(! {shown} …)` is not taken over: all runs in the case's dtype"
            ] = None
        return (yield rest[0])

    def _digits(self, group: Group) -> Work:
        """`(digits m e b)` is m times b to the power e."""
        operands = [
            a for a in group.items[1:] if isinstance(a, Atom) and a.kind is Kind.NUMBER
        ]
        if len(operands) != 3 or len(group.items) != 4:
            refuse("`digits` takes three numbers", group)
        mantissa, exponent, base = map(number, operands)
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if (
            exponent.denominator != 1
            or bits * abs(exponent) > LARGEST_NUMBER_BITS
            or (base == 0 and exponent < 0)
        ):
            refuse(
                f"`digits` takes an integer exponent, and numbers of at most {LARGEST_NUMBER_BITS} bits",
                group,
            )
        return self._number(mantissa * base**exponent.numerator, group)
        yield

    # ── nodes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _form(self, form: str, bound: Mapping[str, int], datum: Datum) -> int:
        """The nodes of one of our own formulas; its last one is its result."""
        try:
            program = parse(form, variables=bound)
        except ExpressionError as error:
            refuse(
                f"`{form}` cannot be written: {error.message.splitlines()[0]}", datum
            )
        placed: list[int] = []
        for node in program.nodes:
            if node.operation == "variable":
                placed.append(bound[node.name or ""])
            elif node.operation == "constant":
                placed.append(self._add(node, Sort.NUMBER))
            else:
                placed.append(
                    self._apply(
                        node.operation, [placed[i] for i in node.arguments], datum
                    )
                )
        return placed[program.output]

    def _apply(self, name: str, operands: Sequence[int], head: Datum) -> int:
        shown = head.text if isinstance(head, Atom) else name
        row = operations.find(name)
        if row is None:
            refuse(
                f"`{shown}` is not supported: there is no `{name}` among `verifier operations`",
                head,
            )
        if len(operands) != row.arity:
            refuse(
                f"`{shown}` takes {_operands(row.arity)}, found {len(operands)}", head
            )
        for operand, sort in zip(operands, row.sorts, strict=True):
            self._check_sort(operand, sort, f"`{shown}`", head)
        node = Node(operation=row.name, arguments=tuple(operands), span=_NOWHERE)
        index = self._add(node, row.result)
        if self.depths[index] > DEEPEST and row.result is Sort.NUMBER:
            self.named[index] = ""
            self.depths[index] = 0
        return index

    def _add(self, node: Node, sort: Sort) -> int:
        if len(self.nodes) >= LONGEST_PROGRAM:
            raise FormulaFileError(
                f"it has more than {LONGEST_PROGRAM} operations and operands"
            )
        self.nodes.append(node)
        self.sorts.append(sort)
        self.depths.append(
            1 + max((self.depths[i] for i in node.arguments), default=-1)
        )
        return len(self.nodes) - 1

    def _check_sort(self, index: int, sort: Sort, shown: str, datum: Datum) -> None:
        if self.sorts[index] is not sort:
            refuse(
                f"{shown} expects {sort.value}, found {self.sorts[index].value}", datum
            )

    def _count(self, operands: Sequence[Datum], count: int, head: Datum) -> None:
        if len(operands) != count:
            shown = head.text if isinstance(head, Atom) else "it"
            refuse(f"`{shown}` takes {_operands(count)}, found {len(operands)}", head)

    def _count_at_least(self, found: int, count: int, head: Atom) -> None:
        if found < count:
            refuse(
                f"`{head.text}` takes at least {_operands(count)}, found {found}", head
            )

    def join(self, conditions: Sequence[int]) -> int:
        """The condition that holds where all of them do."""
        result = conditions[0]
        for condition in conditions[1:]:
            pair = (result, condition)
            node = Node(operation="logical_and", arguments=pair, span=_NOWHERE)
            result = self._add(node, Sort.CONDITION)
        return result


def _operands(count: int) -> str:
    return "1 operand" if count == 1 else f"{count} operands"
