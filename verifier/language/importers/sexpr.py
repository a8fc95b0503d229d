"""S-expressions as FPCore writes them: text → nested groups of atoms, each with its
place.

FPCore 2.0, section "Syntax": symbols, numbers, strings, round or square brackets, and
comments from `;` to the end of the line. Racket's comment `#;`, which hides the next
datum, is read as well, since the standard's own tools are written in Racket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from verifier.errors import FormulaFileError, Place, excerpt

MOST_TOKENS = 1_000_000
"""Atoms and brackets of one file."""


class Kind(Enum):
    """What an atom is."""

    NUMBER = "a number"
    SYMBOL = "a symbol"
    STRING = "a string"


@dataclass(slots=True, kw_only=True, eq=False)
class Atom:
    """A symbol or number as written, or what a string says; line and column count from
    1."""

    kind: Kind
    text: str
    line: int
    column: int


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Group:
    """What stands between brackets."""

    items: list[Atom | Group]
    line: int
    column: int


Datum = Atom | Group

NUMBER = re.compile(
    r"[+-]?(?:\d+/\d*[1-9]\d*"
    r"|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
    r"|0[xX](?:[\da-fA-F]+(?:\.[\da-fA-F]*)?|\.[\da-fA-F]+)(?:[pP][+-]?\d+)?)",
    re.ASCII,
)
"""FPCore's `rational`, `decnum` and `hexnum`; also `1.` and capital letters, as the
standard's tools take them."""

_TOKEN = re.compile(
    r'(?P<blank>[\s]+|;[^\n]*)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<hide>\#;)|(?P<atom>[^\s()\[\]\";]+)",
    re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]"}
_ESCAPES = {"n": "\n", "t": "\t"}
_HIDE = Group(items=[], line=0, column=0)
"""Stands where `#;` stood until the datum that it hides is read."""


def read(text: str, file: str) -> list[Datum]:
    """The data that a text holds, in order. Raises `FormulaFileError`, with line and
    column, for anything else."""
    return _Reader(text, file).read()


@dataclass(slots=True, frozen=True, kw_only=True)
class _Token:
    sort: str
    text: str
    line: int
    column: int


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    def read(self) -> list[Datum]:
        whole = Group(items=[], line=1, column=1)
        opened: list[tuple[Group, str]] = [(whole, "")]
        for token in self._tokens():
            group, bracket = opened[-1]
            if token.sort == "open":
                inner = Group(items=[], line=token.line, column=token.column)
                opened.append((inner, token.text))
            elif token.sort == "hide":
                group.items.append(_HIDE)
            elif token.sort == "close":
                if token.text != _CLOSING.get(bracket):
                    self._fail(token.line, token.column, _unexpected(token, bracket))
                self._check_hidden(group)
                opened.pop()
                _add(opened[-1][0], group)
            else:
                _add(group, self._atom(token))
        if len(opened) > 1:
            group, bracket = opened[-1]
            expected = f"expected `{_CLOSING[bracket]}`, found the end of the file. Close this bracket."
            self._fail(group.line, group.column, expected)
        self._check_hidden(whole)
        return whole.items

    def _tokens(self) -> Iterator[_Token]:
        line, start, place = 1, 0, 0
        count = 0
        while place < len(self.text):
            column = place - start + 1
            match = _TOKEN.match(self.text, place)
            if match is None:
                self._fail(line, column, _unreadable(self.text[place]))
            assert match.lastgroup is not None
            text = match.group()
            if match.lastgroup != "blank":
                count += 1
                yield _Token(sort=match.lastgroup, text=text, line=line, column=column)
            if count > MOST_TOKENS:
                expected = f"expected at most {MOST_TOKENS} symbols, numbers and brackets, found more. Split the file."
                self._fail(line, column, expected)
            if "\n" in text:
                line += text.count("\n")
                start = place + text.rindex("\n") + 1
            place = match.end()

    def _atom(self, token: _Token) -> Atom:
        text, kind = token.text, Kind.SYMBOL
        if token.sort == "string":
            kind = Kind.STRING
            text = re.sub(
                r"\\(.)",
                lambda escape: _ESCAPES.get(escape[1], escape[1]),
                text[1:-1],
                flags=re.DOTALL,
            )
        elif NUMBER.fullmatch(text):
            kind = Kind.NUMBER
        elif text[0].isdigit() or not text.isprintable():
            expected = f"expected a symbol or a number, found `{text[:40]}`. Mend it."
            self._fail(token.line, token.column, expected)
        return Atom(kind=kind, text=text, line=token.line, column=token.column)

    def _check_hidden(self, group: Group) -> None:
        if group.items and group.items[-1] is _HIDE:
            expected = "expected something after the last `#;` in these brackets, found nothing. Drop it."
            self._fail(group.line, group.column, expected)

    def _fail(self, line: int, column: int, message: str) -> NoReturn:
        shown = self.text.split("\n")[line - 1]
        raise FormulaFileError(
            f"{message}\n{excerpt(shown, column)}",
            place=Place(file=self.file, line=line, column=column),
        )


def _add(group: Group, datum: Datum) -> None:
    """Append a datum, unless a `#;` hides it."""
    if group.items and group.items[-1] is _HIDE:
        group.items.pop()
    else:
        group.items.append(datum)


def _unexpected(token: _Token, bracket: str) -> str:
    if not bracket:
        return f"expected no `{token.text}`, found one that closes nothing. Drop it."
    return f"expected `{_CLOSING[bracket]}`, found `{token.text}`. Close brackets by their own kind."


def _unreadable(character: str) -> str:
    if character == '"':
        return 'expected `"` at the end of this string, found the end of the file. Close it.'
    return f"expected FPCore, found `{character}`. Mend it."
