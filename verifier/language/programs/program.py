"""A program *as written*: a straight line of nodes, each with its place in the source.

SymPy would rewrite it (`(a+2)*3` becomes `3*a+6`), and PyTorch would then be tested on
another program than the one written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

IMAGINARY_UNIT = "1j"
"""The name of the constant i, which only complex dtypes have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of source text; lines and columns count from 1.

    `end_column` is the first column past it.
    """

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation as written, or a leaf.

    `operation` is a row's name, or `constant` (then `number`, or `name` for pi, e, inf,
    1j) or `variable` (`name`). `arguments` are indices of earlier nodes.
    """

    operation: str
    arguments: tuple[int, ...] = ()
    name: str | None = None
    number: Fraction | None = None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A written program: nodes in the order of evaluation.

    `inputs` are the variables in order of first appearance; `steps` maps each named
    step to its node, in order.
    """

    source: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    steps: Mapping[str, int] = field(default_factory=dict)
    output: int

    def text(self, index: int) -> str:
        """The source text of a node, on one line."""
        span = self.nodes[index].span
        lines = list(_code_lines(self.source)[span.line - 1 : span.end_line])
        if not lines:
            return ""
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return " ".join(line.strip() for line in lines)


@lru_cache(maxsize=8)
def _code_lines(text: str) -> tuple[str, ...]:
    """The lines of a text without its comments."""
    return tuple(without_comments(text).split("\n"))


def without_comments(text: str) -> str:
    """The text with every comment blanked out, so that places stay true.

    The language has no strings that could hold a `#`.
    """
    return re.sub(r"#[^\n]*", lambda comment: " " * len(comment.group()), text)
