"""The text of a program: checked, read by Python's own parser, its places and errors.

Nothing in it is ever evaluated.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import NoReturn

from verifier.errors import ExpressionError, Place, excerpt
from verifier.language.programs.complaints import Complaint
from verifier.language.programs.program import Span
from verifier.language.programs.scanning import LONGEST_NUMBER, Code, Scanner
from verifier.language.programs.tokens import NAME

LONGEST_TEXT = 150_000
"""Characters of one expression.

What is longer is generated, and belongs into named steps.
"""
_STEP = re.compile(rf"(?:^|;)\s*({NAME})\s*=(?!=)", re.MULTILINE)
"""The names of steps."""


class Source:
    """A text, the places in it that Python's tree speaks of, and errors that show
    them."""

    def __init__(self, text: str, scanner: type[Scanner] = Scanner) -> None:
        self.text = text
        self._scanner = scanner
        self.lines = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self._code = Code()
        self._code_starts = [0]
        self._last_span: tuple[ast.expr, Span] | None = None

    # ── text → Python's tree ────────────────────────────────────────────────────────

    def expression(self, what: str, variables: Iterable[str]) -> ast.expr:
        """The tree of a text that is a single expression; `what` names it in errors."""
        code = self._scanned(variables, in_lines=False)
        if not code.strip():
            self.fail(None, f"expected {what}, found nothing")
        tree = self._parse(code, "eval")
        assert isinstance(tree, ast.Expression)
        return tree.body

    def statements(self, variables: Iterable[str]) -> list[ast.stmt]:
        """The trees of a text of statements, one a line, however far indented."""
        tree = self._parse(self._scanned(variables, in_lines=True), "exec")
        assert isinstance(tree, ast.Module)
        return tree.body

    def name(self, node: ast.Name) -> str:
        """A name as it is written."""
        return self._code.names.get(node.id, node.id)

    def _scanned(self, variables: Iterable[str], *, in_lines: bool) -> str:
        """The code that Python's parser may be given."""
        if len(self.text) > LONGEST_TEXT:
            self.fail(
                None,
                f"expected at most {LONGEST_TEXT} characters, found {len(self.text)}. "
                "Name its parts in `steps`.",
            )
        known = {*variables, *_STEP.findall(self.text)} if in_lines else {*variables}
        try:
            self._code = self._scanner(self.text, known, in_lines=in_lines).scan()
        except Complaint as complaint:
            self._fail_at(*self._line_column(complaint.offset), str(complaint))
        code = "".join(self._code.pieces)
        lines = code.split("\n")
        self._code_starts = [0, *accumulate(len(line) + 1 for line in lines)]
        return code

    def _parse(self, code: str, mode: str) -> ast.AST:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of `1or x`: what it means is plain
                return ast.parse(code, mode=mode)
        except SyntaxError as error:
            self._fail_to_parse(error)
        except (RecursionError, MemoryError):
            self._too_deep()
        except ValueError:  # an integer of more digits than Python converts
            self._too_long()

    # ── places ──────────────────────────────────────────────────────────────────────

    def span(self, node: ast.expr) -> Span:
        """Where a part of Python's tree stands."""
        if self._last_span is not None and self._last_span[0] is node:
            return self._last_span[1]  # of `max(x, y, …)`, every link
        start = self._offset(node.lineno, node.col_offset)
        end = self._offset(
            node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        )
        span = self._span_of(self._true_start(start), self._true_end(end))
        self._last_span = node, span
        return span

    def sign_after(self, node: ast.expr) -> Span:
        """Where the sign stands that follows a part, parentheses aside."""
        end = self._offset(
            node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        )
        index = bisect_left(self._code.starts, end)
        spans = self._code.spans
        while self.text[slice(*spans[index])] == ")" and index < len(spans) - 1:
            index += 1
        return self._span_of(*spans[index])

    def member(self, node: ast.Attribute) -> Span:
        """Where the name after the point stands."""
        end = self._true_end(
            self._offset(
                node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
            )
        )
        return self._span_of(end - len(node.attr), end)

    def _span_of(self, start: int, end: int) -> Span:
        line, column = self._line_column(start)
        end_line, end_column = self._line_column(end)
        return Span(line=line, column=column, end_line=end_line, end_column=end_column)

    def at(self, span: Span) -> str:
        """What stands there, to the end of its first line."""
        line = self.lines[span.line - 1]
        end = span.end_column - 1 if span.end_line == span.line else len(line)
        return line[span.column - 1 : end]

    def _offset(self, line: int, column: int) -> int:
        """The offset in the code of a place in Python's tree; it is plain ASCII."""
        return self._code_starts[line - 1] + column

    def _true_start(self, offset: int) -> int:
        """The offset in the text of what begins in the code at, or goes over, this."""
        index = bisect_right(self._code.starts, offset) - 1
        return self._code.spans[index][0] if index >= 0 else 0

    def _true_end(self, offset: int) -> int:
        """The offset in the text where ends what ends in the code at this."""
        index = bisect_left(self._code.starts, offset) - 1
        return self._code.spans[index][1] if index >= 0 else 0

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
        start = self._true_start(self._offset(node.lineno, node.col_offset))
        self._fail_at(*self._line_column(start), message)

    def _fail_at(self, line: int, column: int, message: str) -> NoReturn:
        shown = self.lines[line - 1] if line <= len(self.lines) else ""
        where = f"line {line}: " if len(self.lines) > 1 else ""
        raise ExpressionError(
            f"{where}{message}\n{excerpt(shown, column)}", place=Place(column=column)
        )

    def _fail_to_parse(self, error: SyntaxError) -> NoReturn:
        """Python's own complaint, in its true place."""
        message = (error.msg or "invalid syntax").replace("'", "`")
        if "nested parentheses" in message or "levels of indentation" in message:
            self._too_deep()
        if "integer string conversion" in message:
            self._too_long()
        line = min(error.lineno or 1, len(self._code_starts) - 1)
        offset = self._offset(line, max((error.offset or 1) - 1, 0))
        place = self._line_column(self._true_start(offset))
        self._fail_at(*place, f"expected an expression: {message}")

    def _too_deep(self) -> NoReturn:
        self.fail(None, "nested too deeply. Name its parts in `steps`.")

    def _too_long(self) -> NoReturn:
        self.fail(None, f"expected numbers of at most {LONGEST_NUMBER} digits")
