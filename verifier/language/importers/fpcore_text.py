"""Nodes of a program → text: names that our language can hold, and steps where parts
have a name or are used twice."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from verifier.errors import FormulaFileError
from verifier.language.operations import table as operations
from verifier.language.operations.table import OPERATIONS, Sort
from verifier.language.programs.printing import render
from verifier.language.programs.program import Node, Program
from verifier.language.programs.source import LONGEST_TEXT

MOST_PRINTED = 10_000_000
"""Operations and operands that may be printed, counting those inside others again:
printing joins texts to texts."""


class Names:
    """Names of our language for FPCore's symbols, each of them once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.counts: dict[str, int] = {}
        self.notes: list[str] = []

    def give(self, symbol: str, *, silently: bool = False) -> str:
        """A name that nothing else has, like the symbol if that can be; a note says so
        where it cannot."""
        name = re.sub(r"[^A-Za-z0-9_]", "_", symbol)
        if not name.strip("_") or not name.isidentifier() or name.startswith("__"):
            name = f"v_{name.strip('_')}".rstrip("_")
        if _means_something(name):
            name += "_"
        unique, stem = name, name.rstrip("_")
        self.counts.setdefault(stem, 1)
        while unique in self.taken or _means_something(unique):
            self.counts[stem] += 1
            unique = f"{stem}_{self.counts[stem]}"
        self.taken.add(unique)
        if unique != symbol and not silently:
            self.notes.append(f"`{symbol}` is called `{unique}`")
        return unique


def _means_something(name: str) -> bool:
    """Whether a name means something in our language or in Python's."""
    known = name in operations.CONSTANTS or operations.find(name) is not None
    return known or keyword.iskeyword(name) or name in ("Piecewise", "Rational", "true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A program as text: an expression, or one `name = expression` a line, and the
    inputs that occur in it."""

    text: str
    in_steps: bool
    inputs: tuple[str, ...]


def variables(nodes: Sequence[Node], index: int) -> set[str]:
    """The variables that a node depends on."""
    return {
        nodes[i].name or ""
        for i in _reached(nodes, index)
        if nodes[i].operation == "variable"
    }


def expression(nodes: Sequence[Node], index: int) -> str:
    """A node as one expression, whatever is called by a name in the source written
    out."""
    reached = _reached(nodes, index)
    _check_size(nodes, reached, ())
    return render(_program(nodes, reached, {}))


def text(
    nodes: Sequence[Node], output: int, named: Mapping[int, str], names: Names
) -> Text:
    """The program that ends in a node. `named` says what nodes are called in the
    source, "" if not by a name."""
    reached = _reached(nodes, output)
    uses = Counter(argument for i in reached for argument in nodes[i].arguments)
    steps = {
        index: named.get(index, "")
        for index in reached[:-1]
        if (index in named or uses[index] > 1) and _may_be_a_step(nodes[index])
    }
    _check_size(nodes, reached, steps)
    if steps:
        steps[output] = named.get(output) or "result"
    called = {
        names.give(symbol or "t", silently=not symbol): index
        for index, symbol in steps.items()
    }
    inputs = [nodes[i].name or "" for i in reached if nodes[i].operation == "variable"]
    return Text(
        text=render(_program(nodes, reached, called)),
        in_steps=bool(steps),
        inputs=tuple(inputs),
    )


def _may_be_a_step(node: Node) -> bool:
    """Whether a node is an operation that yields a number."""
    row = OPERATIONS.get(node.operation)
    return row is not None and row.result is Sort.NUMBER


def _reached(nodes: Sequence[Node], output: int) -> list[int]:
    """The nodes that a node depends on and itself, operands first."""
    needed = {output}
    work = [output]
    while work:
        fresh = set(nodes[work.pop()].arguments) - needed
        needed |= fresh
        work.extend(fresh)
    return sorted(needed)


def _check_size(
    nodes: Sequence[Node], reached: Sequence[int], steps: Collection[int]
) -> None:
    """Refuse, before anything is printed, what would be printed again and again."""
    sizes: dict[int, int] = {}
    for index in reached:
        arguments = nodes[index].arguments
        sizes[index] = 1 + sum(1 if i in steps else sizes[i] for i in arguments)
        if sizes[index] > LONGEST_TEXT:
            raise FormulaFileError(f"it is longer than {LONGEST_TEXT} characters")
    if sum(sizes.values()) > MOST_PRINTED:
        raise FormulaFileError("it is too deeply nested to be written")


def _program(
    nodes: Sequence[Node], reached: Sequence[int], steps: Mapping[str, int]
) -> Program:
    """The program of the nodes that are reached, the last of which is its output."""
    moved = {index: at for at, index in enumerate(reached)}
    kept = tuple(
        replace(nodes[i], arguments=tuple(moved[a] for a in nodes[i].arguments))
        for i in reached
    )
    return Program(
        source="",
        nodes=kept,
        inputs=tuple(node.name or "" for node in kept if node.operation == "variable"),
        steps={name: moved[index] for name, index in steps.items()},
        output=len(kept) - 1,
    )
