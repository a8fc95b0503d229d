"""Formulas as people write them → the code that Python's own parser reads, with the
place of every piece.

Goes through the tokens once, from the left, and knows at each whether an operand or an
operator has to come: so that what is missing is found where it is missing.
"""

from __future__ import annotations

import keyword
from collections.abc import Collection
from dataclasses import dataclass, field

from verifier.language.programs import characters
from verifier.language.programs.complaints import Complaint, Complaints
from verifier.language.programs.reading import Frame, Reading
from verifier.language.programs.tokens import Token

WORDS = frozenset({"and", "or", "not", "if", "else", "in", "is", "for"})
"""Words between operands, unless a variable is called so."""
VALUES = frozenset({"True", "False", "None"})
CLOSING = {"(": ")", "[": "]"}
LONGEST_NUMBER = 4300
"""Digits of one number.

Python converts no more of them by default, since that takes quadratic time.
"""


@dataclass(slots=True)
class Code:
    """What Python's parser is given: plain ASCII, and where each piece of it stands in
    the text."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0
    starts: list[int] = field(default_factory=list)
    """In the code, of the pieces that are more than blanks."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """In the text, of the same."""
    names: dict[str, str] = field(default_factory=dict)
    """Names as they are written, by the names that stand in for them."""

    def add(self, code: str, start: int, end: int) -> None:
        self.starts.append(self.length)
        self.spans.append((start, end))
        self.blank(code)

    def blank(self, code: str = " ") -> None:
        self.pieces.append(code)
        self.length += len(code)


class Scanner(Reading):
    """Reads the tokens of one text."""

    def __init__(self, text: str, known: Collection[str], *, in_lines: bool) -> None:
        super().__init__(text, known, in_lines=in_lines)
        self.code = Code()
        self.roots = 0
        self.rooted = False  # the last operand has a root taken of it
        self._stand_ins: dict[str, str] = {}
        self._taken = {token.text for token in self.tokens if token.kind == "name"}
        self._complaints = Complaints(self)

    def scan(self) -> Code:
        """The code of the whole text; raises `Complaint` at what is no formula."""
        while True:
            token = self.tokens[self.at]
            self.at += 1
            if token.kind in ("blank", "comment", "line") or self._ends_step(token):
                self._pass_over(token)
                continue
            if token.kind == "end":
                self._end(token)
                return self.code
            self._take(token)
            self.before_last, self.last = self.last, token
            self.statement += 1

    def _take(self, token: Token) -> None:
        """Read a token that is part of a formula."""
        kind = token.kind
        if kind == "name" and self._is_word(token.text):
            kind = "operator"
        if kind in ("foreign", "unknown"):
            self._complaints.foreign(token)
        if kind == "operator":
            self._operator(token)
        elif kind == "superscript":
            self._superscript(token)
        else:
            self._operand(token)

    def _pass_over(self, token: Token) -> None:
        if token.kind in ("blank", "comment"):
            if self.statement:  # Python refuses blanks before a formula
                self.code.blank()
        elif self.in_lines and not self.frames:
            if self.statement:
                self._end_line(token)
                self.code.blank("\n")
        elif self.statement:
            self.code.blank()

    def _ends_step(self, token: Token) -> bool:
        """Whether it is a semicolon between steps."""
        return token.text == ";" and self.in_lines and not self.frames

    def _end_line(self, token: Token) -> None:
        if self.wants_operand:
            self._complaints.missing_operand(token)
        self.wants_operand, self.statement = True, 0
        self.last = self.before_last = None

    def _end(self, token: Token) -> None:
        if self.frames:
            frame = self.frames[-1]
            closing = CLOSING[frame.sign]
            raise Complaint(
                frame.start,
                f"expected `{closing}` for this `{frame.sign}`, found none. Close it.",
            )
        if self.statement and self.wants_operand:
            self._complaints.missing_operand(token)

    def _is_word(self, name: str) -> bool:
        return name in WORDS and name not in self.known

    # ── operands ────────────────────────────────────────────────────────────────────

    def _operand(self, token: Token) -> None:
        if not self.wants_operand:
            self._complaints.missing_operator(token)
        if token.kind == "root":
            self.code.add(f"{characters.ROOTS[token.text]}(", token.start, token.end)
            self.roots += 1
            return
        match token.kind:
            case "number":
                self._check_number(token)
                written = token.text
            case "name":
                written = self._name(token)
            case "fraction":
                written = f"({characters.fraction(token.text)})"
            case _:
                written = characters.CONSTANTS[token.text]
        self.code.add(written, token.start, token.end)
        self.wants_operand = False
        if token.kind != "name" or self.next_token().text != "(":
            self._close_roots(self.roots, token.end)
            self.roots = 0
        if token.kind == "number":
            self.code.blank()  # `1if x`, where Python may read `0o` of `0or` otherwise

    def _close_roots(self, count: int, end: int) -> None:
        self.rooted = bool(count)
        if count:
            self.code.add(")" * count, end, end)

    def _check_number(self, token: Token) -> None:
        digits = sum(character.isalnum() for character in token.text)
        if digits > LONGEST_NUMBER:
            raise Complaint(
                token.start,
                f"expected numbers of at most {LONGEST_NUMBER} digits, found one of {digits}",
            )
        text = token.text
        if len(text) > 1 and text[0] == "0" and text.isdigit():
            self._complaints.leading_zero(token)

    def _name(self, token: Token) -> str:
        """The name, or what stands in for it."""
        first, dot, rest = token.text.partition(".")
        return f"{self._plain(first)}{dot}{rest}"

    def _plain(self, name: str) -> str:
        """A name as Python reads it."""
        if name.isascii() and not keyword.iskeyword(name):
            return name
        is_value = name in VALUES and name not in self.known
        return name if is_value else self._stand_in(name)

    def _stand_in(self, name: str) -> str:
        """A name of plain ASCII in the place of another one: Python would change how it
        is spelt, or has a meaning of its own for it."""
        if name not in self._stand_ins:
            number = len(self._stand_ins)
            while f"_{number}" in self._taken:
                number += 1
            stand_in = f"_{number}"
            self._taken.add(stand_in)
            self._stand_ins[name] = stand_in
            self.code.names[stand_in] = name
        return self._stand_ins[name]

    # ── operators ───────────────────────────────────────────────────────────────────

    def _superscript(self, token: Token) -> None:
        exponent = characters.raised(token.text)
        if self.wants_operand or exponent is None:
            self._complaints.superscript(token)
        if self.rooted:
            self._complaints.rooted_power(token)
        self._complaints.check_power(token)
        if self.next_token().text in ("^", "**"):
            self._complaints.power_of_power(token)
        bare = exponent.strip("()")
        if bare.strip("+-").isdigit():
            written = f"**({exponent})"
        else:
            name = bare.lstrip("+-")
            written = f"**({bare.removesuffix(name)}{self._plain(name)})"
        self.code.add(written, token.start, token.end)

    def _operator(self, token: Token) -> None:
        text = characters.OPERATORS.get(token.text, token.text)
        if text in ("(", ")"):
            self._parenthesis(token)
            return
        if self.wants_operand:
            negated = text == "in" and self.last is not None and self.last.text == "not"
            if text not in ("+", "-", "not", "~") and not negated:
                self._complaints.missing_operand(token)
        elif text == "=":
            self._complaints.check_equals(token)
        elif text == ",":
            self._complaints.check_comma(token)
        elif text in ("~", "@"):
            self._complaints.foreign(token)
        elif text == "**" and self.rooted:
            self._complaints.rooted_power(token)
        elif text == "**":
            self._complaints.check_power(token)
        elif text == "|":
            self._complaints.check_bar(token)
        elif text == "/":
            self._complaints.check_quotient(token)
        elif text == "%":
            self._complaints.check_percent(token)
        elif text == "not" and self.next_token().text != "in":
            self._complaints.missing_operator(token)
        if self.roots:
            self._complaints.root(token)
        if text.isalpha():
            blank = " " if self.statement else ""
            text = f"{blank}{text} "  # `∧` needs none beside it
        self.code.add(text, token.start, token.end)
        self.wants_operand = True

    def _parenthesis(self, token: Token) -> None:
        if token.text == "(":
            called = None
            if not self.wants_operand:
                if self.last is None or self.last.kind != "name":
                    self._complaints.missing_operator(token)
                called = self.last.text
            self.frames.append(Frame(token.start, called, self.roots))
            self.roots = 0
            self.wants_operand = True
            self.code.add("(", token.start, token.end)
            return
        if not self.frames:
            raise Complaint(
                token.start, "expected `(` before this `)`, found none. Drop it."
            )
        frame = self.frames[-1]
        if self.wants_operand:
            is_call = frame.called is not None
            may_end = self.last is not None and self.last.text in ("(", ",")
            if not is_call or not may_end:
                self._complaints.missing_operand(token)
        self.frames.pop()
        self.closed = frame.called
        self.code.add(")", token.start, token.end)
        self._close_roots(frame.roots, token.end)
        self.wants_operand = False
