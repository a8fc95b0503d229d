"""How far the tokens of a text have been read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from verifier.language.programs.tokens import Token, tokens_of


@dataclass(slots=True)
class Frame:
    """A parenthesis that is open."""

    start: int
    called: str | None
    """The name before it."""
    roots: int
    """How many roots are taken of what it holds."""
    sign: str = "("
    """What opened it."""


class Reading:
    """What is known of the tokens up to the one in hand.

    `known` are the names that are variables or steps, whatever else they could mean.
    """

    def __init__(self, text: str, known: Collection[str], *, in_lines: bool) -> None:
        self.known = known
        self.in_lines = in_lines
        self.tokens = self._tokens_of(text)
        self.at = 0
        self.frames: list[Frame] = []
        self.closed: str | None = None
        """What stands before the parenthesis that was closed last."""
        self.wants_operand = True
        self.last: Token | None = None
        self.before_last: Token | None = None
        self.statement = 0
        """Tokens of the line so far."""

    def _tokens_of(self, text: str) -> list[Token]:
        return tokens_of(text)

    def next_token(self) -> Token:
        """The token to come, blanks and comments aside, in the same formula."""
        at = self.at
        goes_on = not self.in_lines or bool(self.frames)
        while self.tokens[at].kind in ("blank", "comment") or (
            goes_on and self.tokens[at].kind == "line"
        ):
            at += 1
        return self.tokens[at]
