"""The text of a program: checked, read by Python's own parser, its places and errors.

Nothing in it is ever evaluated.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
import warnings
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, takewhile
from typing import NoReturn

from verifier.errors import ExpressionError, Place, excerpt
from verifier.language.programs.program import Span, without_comments

LONGEST_TEXT = 150_000
"""Characters of one expression.

What is longer is generated, and belongs into named steps.
"""
LONGEST_NUMBER = 4300
"""Digits of one number.

Python converts no more of them by default, since that takes quadratic time.
"""
_FIRST_STAND_IN = 0x0430
"""The first of 48 Cyrillic letters, two bytes each, that stand in for keywords."""


class Source:
    """A text, the places in it that Python's tree speaks of, and errors that show
    them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self._shift = 0  # blanks taken off the front of every line
        self._flat = False  # line breaks replaced by blanks
        self._last_span: tuple[ast.expr, Span] | None = None
        self._keywords: dict[str, str] = {}  # variables called so, by stand-in

    # ── text → Python's tree ────────────────────────────────────────────────────────

    def expression(self, what: str, variables: Iterable[str]) -> ast.expr:
        """The tree of a text that is a single expression; `what` names it in errors."""
        # A line break inside an expression means no more than a blank; offsets stay.
        code = self._checked(variables).replace("\n", " ").rstrip()
        if not code:
            self.fail(None, f"expected {what}, found nothing")
        self._flat = True
        self._shift = len(code) - len(code.lstrip())  # Python refuses leading blanks
        tree = self._parse(code[self._shift :], "eval")
        assert isinstance(tree, ast.Expression)
        return tree.body

    def statements(self, variables: Iterable[str]) -> list[ast.stmt]:
        """The trees of a text of statements, which may be indented as a whole."""
        lines = [line.rstrip() for line in self._checked(variables).split("\n")]
        self._shift = _common_indent(lines)
        tree = self._parse("\n".join(line[self._shift :] for line in lines), "exec")
        assert isinstance(tree, ast.Module)
        return tree.body

    def name(self, node: ast.Name) -> str:
        """A name as it is written."""
        return self._keywords.get(node.id, node.id)

    def _checked(self, variables: Iterable[str]) -> str:
        """The code that Python's parser may be given."""
        if len(self.text) > LONGEST_TEXT:
            self.fail(
                None,
                f"expected at most {LONGEST_TEXT} characters, found {len(self.text)}. "
                "Name its parts in `steps`.",
            )
        foreign = re.search(r"[^\x20-\x7e\n\t]", self.text)
        if foreign:
            character = foreign.group()
            name = unicodedata.name(character, "a control character")
            self._fail_at(
                *self._line_column(foreign.start()),
                f"expected plain ASCII, found U+{ord(character):04X} ({name})",
            )
        code = without_comments(self.text)
        self._check_numbers(code)
        return self._with_stand_ins(code, variables)

    def _check_numbers(self, code: str) -> None:
        """Refuse numbers too long for Python, which would give no place."""
        for number in re.finditer(
            rf"(?<![\w.])\.?\d[\w.]{{{LONGEST_NUMBER - 1},}}", code
        ):
            digits = sum(character.isalnum() for character in number.group())
            if digits > LONGEST_NUMBER:
                self._fail_at(
                    *self._line_column(number.start()),
                    f"expected numbers of at most {LONGEST_NUMBER} digits, found one of {digits}",
                )

    def _with_stand_ins(self, code: str, variables: Iterable[str]) -> str:
        """The code with variables that are Python's keywords (`lambda`) spelt as names.

        A stand-in begins with a letter that no checked text holds, and is as many bytes
        long as its keyword: Python's parser counts columns in bytes, so that places
        stay true.
        """
        for name in variables:
            if keyword.iskeyword(name):
                letter = chr(_FIRST_STAND_IN + keyword.kwlist.index(name))
                stand_in = letter + "_" * (len(name) - 2)
                self._keywords[stand_in] = name
                code = re.sub(rf"\b{name}\b", stand_in, code)
        return code

    def _parse(self, code: str, mode: str) -> ast.AST:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of `1or x`: what it means is plain
                return ast.parse(code, mode=mode)
        except SyntaxError as error:
            self._fail_to_parse(code, error)
        except (RecursionError, MemoryError):
            self._too_deep()
        except ValueError:  # an integer of more digits than Python converts
            self._too_long()

    # ── places ──────────────────────────────────────────────────────────────────────

    def span(self, node: ast.expr) -> Span:
        """Where a part of Python's tree stands."""
        if self._last_span is not None and self._last_span[0] is node:
            return self._last_span[1]  # of `max(x, y, …)`, every link
        line, column = self._true_place(node.lineno, node.col_offset)
        end_line, end_column = self._true_place(
            node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        )
        span = Span(line=line, column=column, end_line=end_line, end_column=end_column)
        self._last_span = node, span
        return span

    def at(self, span: Span) -> str:
        """What stands there, to the end of its first line."""
        line = self.lines[span.line - 1]
        end = span.end_column - 1 if span.end_line == span.line else len(line)
        return line[span.column - 1 : end]

    def _true_place(self, line: int, offset: int) -> tuple[int, int]:
        """Line and column in the text, from 1, of a place in what Python was given."""
        offset += self._shift
        return self._line_column(offset) if self._flat else (line, offset + 1)

    def _line_column(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset, hi=len(self.lines))
        return line, offset - self._starts[line - 1] + 1

    # ── errors ──────────────────────────────────────────────────────────────────────

    def fail(
        self, node: ast.expr | ast.stmt | ast.keyword | Span | None, message: str
    ) -> NoReturn:
        """Raise with the place of the part at fault; None is the text as a whole."""
        if node is None:
            raise ExpressionError(message)
        if isinstance(node, Span):
            self._fail_at(node.line, node.column, message)
        self._fail_at(*self._true_place(node.lineno, node.col_offset), message)

    def _fail_at(self, line: int, column: int, message: str) -> NoReturn:
        shown = self.lines[line - 1] if line <= len(self.lines) else ""
        where = f"line {line}: " if len(self.lines) > 1 else ""
        raise ExpressionError(
            f"{where}{message}\n{excerpt(shown, column)}", place=Place(column=column)
        )

    def _fail_to_parse(self, code: str, error: SyntaxError) -> NoReturn:
        """Python's own complaint, in its true place."""
        message = (error.msg or "invalid syntax").replace("'", "`")
        if "nested parentheses" in message or "levels of indentation" in message:
            self._too_deep()
        if "integer string conversion" in message:
            self._too_long()
        lines = code.split("\n")
        line = min(error.lineno or 1, len(lines))
        shown = lines[line - 1]
        # Python counts characters here, from 1; at the end of the text it may give 0.
        before = shown[: error.offset - 1] if error.offset else shown
        place = self._true_place(line, len(before.encode()))
        self._fail_at(*place, f"expected an expression: {message}")

    def _too_deep(self) -> NoReturn:
        self.fail(None, "nested too deeply. Name its parts in `steps`.")

    def _too_long(self) -> NoReturn:
        self.fail(None, f"expected numbers of at most {LONGEST_NUMBER} digits")


def _common_indent(lines: Iterable[str]) -> int:
    """How many blanks and tabs all lines that say something begin with."""
    indents = [line[: len(line) - len(line.lstrip())] for line in lines if line]
    columns = zip(*indents, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
