"""The program → text that reads back as the same tree, with no parenthesis that it does
not need.

Parsed again with the program's inputs declared, the text gives the same operations on
the same operands: `parse` and `render` are inverse on trees. Whatever the source
spelled otherwise (`Max`, a chained comparison, `Piecewise`) is written in the table's
own names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction

from verifier.language.operations import table as operations
from verifier.language.programs.program import Node, Program

SHORTEST_EXPONENT = 7
"""Zeros at the end of an integer, or after the point, from which on a power of ten is
written."""


class _Level(IntEnum):
    """How tightly a text holds together, as Python's grammar has it."""

    OR = 0
    AND = 1
    NOT = 2
    RELATION = 3
    SUM = 4
    PRODUCT = 5
    SIGN = 6
    POWER = 7
    ATOM = 8


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    level: _Level

    def at(self, least: _Level) -> str:
        """The text, in parentheses where it would fall apart beside what it stands next
        to."""
        return self.text if self.level >= least else f"({self.text})"


_LEVELS = {
    "+": _Level.SUM,
    "-": _Level.SUM,
    "*": _Level.PRODUCT,
    "/": _Level.PRODUCT,
    "and": _Level.AND,
    "or": _Level.OR,
}
"""Those that Python reads from the left; their right operand must hold together more
tightly."""


def render(program: Program) -> str:
    """The program as an expression, or where it has named steps as one `name =
    expression` a line."""
    if not program.steps:
        return _Printer(program).text(program.output)
    printer = _Printer(program)
    return "\n".join(
        f"{name} = {printer.step(index)}" for name, index in program.steps.items()
    )


def render_node(program: Program, index: int) -> str:
    """One node as an expression of inputs and named steps."""
    return _Printer(program).step(index)


def render_nodes(program: Program) -> list[str]:
    """Every node as an expression of inputs and named steps, after the name of its own
    if it has one: `b = a + 2`."""
    printer = _Printer(program)
    texts = [printer.step(index) for index in range(len(program.nodes))]
    for name, index in program.steps.items():
        texts[index] = f"{name} = {texts[index]}"
    return texts


def abbreviated(program: Program, longest: int) -> Program:
    """The program with a named step (`v1`, `v2`, …) more for every operand whose text
    is longer than that."""
    printer = _Printer(program)
    prefix = "v"
    while any(re.fullmatch(rf"{prefix}\d+", name) for name in printer.hidden):
        prefix += "_"
    steps = dict(program.steps)
    for index, node in enumerate(program.nodes):
        text = printer.text(index)
        is_operand = node.arguments and index != program.output
        if is_operand and index not in printer.names and len(text) > longest:
            name = f"{prefix}{len(steps) - len(program.steps) + 1}"
            printer.name(index, name)
            steps[name] = index
    return replace(program, steps=steps)


class _Printer:
    """Writes every node once, operands first; a named step is written as its name
    wherever it is used."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names = {index: name for name, index in program.steps.items()}
        self.hidden = {*program.inputs, *program.steps}
        self.texts: dict[int, _Text] = {}

    def text(self, index: int) -> str:
        """The node, by its name if it is a step."""
        return self._texted(index).text

    def name(self, index: int, name: str) -> None:
        """Write the node as a name wherever it is used after this."""
        self.names[index] = name
        self.texts[index] = _Text(name, _Level.ATOM)

    def step(self, index: int) -> str:
        """What the node is made of."""
        self._texted(index)
        return self._write(self.program.nodes[index]).text

    def _texted(self, root: int) -> _Text:
        work = [root]
        while work:
            index = work[-1]
            missing = [
                argument
                for argument in self.program.nodes[index].arguments
                if argument not in self.texts
            ]
            work.extend(missing)
            if missing:
                continue
            work.pop()
            if index in self.names:
                self.texts[index] = _Text(self.names[index], _Level.ATOM)
            elif index not in self.texts:
                self.texts[index] = self._write(self.program.nodes[index])
        return self.texts[root]

    def _write(self, node: Node) -> _Text:
        if node.operation == "variable":
            return _Text(node.name or "", _Level.ATOM)
        if node.operation == "constant":
            return self._constant(node)
        operands = [self.texts[argument] for argument in node.arguments]
        row = operations.OPERATIONS[node.operation]
        level = _LEVELS.get(row.symbol or "")
        if level is not None:
            right = operands[1].at(_Level(level + 1))
            return _Text(f"{operands[0].at(level)} {row.symbol} {right}", level)
        if row.is_relation:
            left, right = (operand.at(_Level.SUM) for operand in operands)
            return _Text(f"{left} {row.symbol} {right}", _Level.RELATION)
        match node.operation:
            case "neg":
                return _Text(f"-{operands[0].at(_Level.SIGN)}", _Level.SIGN)
            case "pow":
                power = operands[1].at(_Level.SIGN)
                return _Text(f"{operands[0].at(_Level.ATOM)}**{power}", _Level.POWER)
            case "logical_not":
                return _Text(f"not {operands[0].at(_Level.NOT)}", _Level.NOT)
        return self._call(node, operands)

    def _call(self, node: Node, operands: Sequence[_Text]) -> _Text:
        row = operations.OPERATIONS[node.operation]
        name = _visible((row.name, *row.aliases), self.hidden)
        given = len(operands)
        for _, default in reversed(
            list(row.defaults.items())
        ):  # they are the last operands
            if self.program.nodes[node.arguments[given - 1]].number != Fraction(
                default
            ):
                break
            given -= 1
        inside = ", ".join(operand.text for operand in operands[:given])
        return _Text(f"{name}({inside})", _Level.ATOM)

    def _constant(self, node: Node) -> _Text:
        if node.number is not None:
            return _number(node.number)
        spellings = [
            spelling
            for spelling, constant in operations.CONSTANTS.items()
            if constant == node.name
        ]
        return _Text(_visible(spellings, self.hidden), _Level.ATOM)


def _visible(spellings: Sequence[str], hidden: Collection[str]) -> str:
    """The first spelling that no variable hides; where all are hidden, no text can say
    it."""
    spelling = next((s for s in spellings if s not in hidden), None)
    if spelling is None:
        raise ValueError(f"every spelling of `{spellings[0]}` is a variable's name")
    return spelling


def _number(value: Fraction) -> _Text:
    """The number as one literal where a decimal spells it, else as a quotient; with a
    sign before it if negative."""
    if value < 0:
        return _Text(f"-{_number(-value).at(_Level.SIGN)}", _Level.SIGN)
    places = _places(value.denominator)
    if places is None:
        return _Text(f"{value.numerator} / {value.denominator}", _Level.PRODUCT)
    digits = str(value.numerator * (10**places // value.denominator))
    return _Text(_decimal(digits, places), _Level.ATOM)


def _places(denominator: int) -> int | None:
    """How many decimal places a fraction of this denominator has; None where it has no
    end."""
    places = 0
    rest = denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    return places if rest == 1 else None


def _decimal(digits: str, places: int) -> str:
    """Digits with the point `places` before their end, or with a power of ten where
    that is shorter."""
    stripped = digits.rstrip("0") or "0"
    zeros = len(digits) - len(stripped)
    if not places:
        return digits if zeros < SHORTEST_EXPONENT else f"{stripped}e{zeros}"
    if places - len(digits) >= SHORTEST_EXPONENT:
        return f"{digits}e-{places}"
    padded = digits.rjust(places + 1, "0")
    return f"{padded[:-places]}.{padded[-places:]}"
