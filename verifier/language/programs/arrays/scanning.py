"""The tokens of formulas of arrays: brackets, slices, strings and members besides those
of formulas of numbers."""

from __future__ import annotations

from collections.abc import Iterator

from verifier.language.operations.arrays import ROOTS
from verifier.language.programs.complaints import Complaint
from verifier.language.programs.reading import Frame
from verifier.language.programs.scanning import Scanner
from verifier.language.programs.tokens import Token, tokens_of

_CALLED = "["
"""What stands for the name before a bracket, in which commas may stand."""


class ArrayScanner(Scanner):
    """Reads the tokens of one text."""

    def _tokens_of(self, text: str) -> list[Token]:
        tokens = tokens_of(text, of_arrays=True)
        return [part for token in tokens for part in self._parts(token)]

    def _parts(self, token: Token) -> Iterator[Token]:
        """The name of an array and its members, of `x.T.sum`; a library's name whole."""
        first, *members = token.text.split(".")
        is_library = first in ROOTS and first not in self.known
        if token.text == "::":
            yield Token("unknown", ":", token.start)
            yield Token("unknown", ":", token.start + 1)
        elif token.kind == "member":
            yield Token("name", token.text, token.start)
        elif token.kind != "name" or is_library:
            yield token
        else:
            yield Token("name", first, token.start)
            at = token.start + len(first)
            for member in members:
                yield Token("name", f".{member}", at)
                at += 1 + len(member)

    def _take(self, token: Token) -> None:
        text = token.text
        top = self.frames[-1] if self.frames else None
        last = self.last.text if self.last is not None else ""
        if token.kind == "string":
            self._string(token)
        elif token.kind == "name" and text.startswith("."):
            self._member(token)
        elif text == "[":
            self._open(token)
        elif text == "]":
            self._close(token, top)
        elif top is not None and top.sign == "[" and text == ":":
            self._colon(token, last)
        elif top is not None and top.sign == "[" and text == "...":
            self._ellipsis(token)
        elif text == "," and self.wants_operand and last == ":":
            self.code.add(",", token.start, token.end)
        elif text == "@" and not self.wants_operand:
            self._product(token)
        elif text == ")":
            self._check_open(token, top, last)
            super()._take(token)
        else:
            super()._take(token)

    def _string(self, token: Token) -> None:
        if not self.frames or not self.wants_operand:
            self._complaints.foreign(Token("unknown", token.text[0], token.start))
        if not token.text.isascii() or "\\" in token.text:
            raise Complaint(
                token.start,
                'expected plain letters in a string, as in `"ij,jk->ik"`, found others',
            )
        self.code.add(token.text, token.start, token.end)
        self.wants_operand = False

    def _member(self, token: Token) -> None:
        if self.wants_operand:
            self._complaints.missing_operand(token)
        self._check_root(token)
        self.code.add(token.text, token.start, token.end)

    def _check_root(self, token: Token) -> None:
        if self.rooted:
            raise Complaint(
                token.start,
                f"expected the root in parentheses, found `{token.text}` after it. Write `sqrt(…)`.",
            )

    def _open(self, token: Token) -> None:
        """A bracket: of a list, or of an index."""
        if not self.wants_operand:
            self._check_root(token)
            if self.last is not None and self.last.kind in ("number", "string"):
                self._complaints.missing_operator(token)
        self.frames.append(Frame(token.start, _CALLED, self.roots, sign="["))
        self.roots = 0
        self.wants_operand = True
        self.code.add("[", token.start, token.end)

    def _close(self, token: Token, top: Frame | None) -> None:
        if top is None:
            raise Complaint(
                token.start, "expected `[` before this `]`, found none. Drop it."
            )
        if top.sign != "[":
            raise Complaint(
                token.start, f"expected `)` for the `{top.sign}` before, found `]`"
            )
        if self.wants_operand:
            last = self.last.text if self.last is not None else ""
            if last == "[":
                raise Complaint(
                    token.start,
                    "expected something between the brackets, found nothing",
                )
            if last not in (",", ":"):
                self._complaints.missing_operand(token)
        self.frames.pop()
        self.closed = _CALLED
        self.code.add("]", token.start, token.end)
        self._close_roots(top.roots, token.end)
        self.wants_operand = False

    def _colon(self, token: Token, last: str) -> None:
        if self.wants_operand and last not in ("[", ",", ":"):
            self._complaints.missing_operand(token)
        self.code.add(":", token.start, token.end)
        self.wants_operand = True

    def _ellipsis(self, token: Token) -> None:
        if not self.wants_operand:
            self._complaints.missing_operator(token)
        self.code.add("...", token.start, token.end)
        self.wants_operand = False

    def _product(self, token: Token) -> None:
        if self.roots:
            self._complaints.root(token)
        self.code.add("@", token.start, token.end)
        self.wants_operand = True

    def _check_open(self, token: Token, top: Frame | None, last: str) -> None:
        """That a parenthesis closes one; a tuple may end with a comma."""
        if top is not None and top.sign == "[":
            raise Complaint(token.start, "expected `]` for the `[` before, found `)`")
        if top is not None and self.wants_operand and last == ",":
            self.wants_operand = False
