"""The text of a formula → its tokens, in the spelling of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifier.language.programs import characters

_DIGITS = "[0-9]+(?:_[0-9]+)*"
NAME = (
    f"[{characters.LETTERS}]"
    f"[{characters.LETTERS}{characters.SUBSCRIPTS}{characters.MARKS}0-9]*"
)
_PATTERN = rf"""
    (?P<blank>[{characters.BLANKS}]+)
    | (?P<line>\r?\n)
    | (?P<comment>\#[^\n]*)
    | (?P<number>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
        |(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})
         (?:[eE][+-]?{_DIGITS})?(?:[jJ](?!\w))?)
    | (?P<name>{NAME}(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<superscript>[{characters.SUPERSCRIPTS}]+)
    | (?P<fraction>[{characters.FRACTIONS}])
    | (?P<root>[{"".join(characters.ROOTS)}])
    | (?P<constant>[{"".join(characters.CONSTANTS)}])
    | (?P<foreign>\*\*\*|%%|::|<>|=<|=>|:=|->|~=|&&|\|\||\.\*|\./|\.\^|\.\(|\.\.\.|<<|>>)
    | (?P<operator>\*\*|//|<=|>=|==|!=
        |[-+*/%<>=&|~,()@{"".join(map(re.escape, characters.OPERATORS))}])
    | (?P<unknown>.)
    """
_STRING = """(?P<string>"[^"\\n\\#]*"|'[^'\\n\\#]*')"""
_MEMBER = r"(?P<member>\.[A-Za-z_][A-Za-z0-9_]*)"
_TOKEN = re.compile(_PATTERN, re.VERBOSE | re.DOTALL)
_ARRAY_TOKEN = re.compile(
    _PATTERN.replace("| (?P<foreign>", f"| {_STRING} | {_MEMBER} | (?P<foreign>"),
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text; `start` is its offset. Of what the language lacks, `kind` is
    `foreign` or, of a single character, `unknown`."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset of what follows."""
        return self.start + len(self.text)


def tokens_of(text: str, *, of_arrays: bool = False) -> list[Token]:
    """All tokens of a text, blanks and comments too; the last one is its end.

    Formulas of arrays have two kinds more: `string`, and `member`, as `.T` of `(x*y).T`.
    """
    found: list[Token] = []
    pattern = _ARRAY_TOKEN if of_arrays else _TOKEN
    for match in pattern.finditer(text):
        kind = match.lastgroup or ""
        found.append(Token(kind, match.group(), match.start()))
    found.append(Token("end", "", len(text)))
    return found
