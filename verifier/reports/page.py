"""The page that text is printed on: what a terminal obeys is written out, numbers are
never cut, tables fold.

Nothing is ever shortened to fit: names and numbers keep their natural width, and only
words fold.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

from rich.cells import cell_len
from rich.console import (
    Console,
    ConsoleOptions,
    Group,
    RenderableType,
    RenderResult,
)
from rich.table import Table
from rich.text import Text

Part = RenderableType
"""What a page is made of."""
PLAIN_WIDTH = 200
"""Columns where nobody has said how wide the page is."""
DEFAULT_WIDTH = 80
"""Columns that a text is made for where nobody has said more."""
MOST_COLUMNS = 100
"""A wider page is not filled: a number stands near what it is the number of."""
LEAST_WIDTH = 60
"""A narrower page is overrun: there, folding would break numbers in two."""
WORDS_WIDTH = 12
"""The least width to which a column of words is folded."""
GAP = 2
"""Blanks between columns, and before what is indented."""


def plain(text: str, *, keep: str = "") -> str:
    """The text with every character that a terminal would obey written out."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in keep
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def name_width(names: Iterable[str]) -> int:
    """The width of the longest name as it is printed."""
    return max((cell_len(plain(name)) for name in names), default=0)


_KEPT = re.compile(
    r"`[^`]*`|[\w.]+ = \S+|[\d.e+-]+ (?:ulp|bits|points)|[\w.]+ in \[[^]]*\]"
    r"|\([\d,]+ of [\d,]+\)"
)
_LONGEST_KEPT = 42
_BLANK = "\N{NO-BREAK SPACE}"


def wrapped(text: str, width: int, label: str = "") -> list[str]:
    """The text in lines of at most so many columns behind its label.

    Lines are broken between words alone, and neither in a number, nor in `x = 1` or
    `x in [1, 2]`, nor in a short formula in backticks: what is longer than a line
    overruns it.
    """
    kept = _KEPT.sub(_unbroken, plain(text))
    lines = textwrap.wrap(
        kept,
        max(width - cell_len(label), 1),
        break_long_words=False,
        break_on_hyphens=False,
    )
    blank = " " * cell_len(label)
    return [
        f"{blank if number else label}{line}".replace(_BLANK, " ").rstrip()
        for number, line in enumerate(lines or [""])
    ]


def _unbroken(found: re.Match[str]) -> str:
    text = found[0]
    return text if len(text) > _LONGEST_KEPT else text.replace(" ", _BLANK)


def indented(text: str, width: int, indent: str = " " * GAP) -> list[str]:
    """The text in lines of at most so many columns; all are indented as it is itself
    and besides, and those that follow the first by as much again."""
    first = indent + " " * (len(text) - len(text.lstrip()))
    further = first + indent
    folded = wrapped(text.lstrip(), width - len(further))
    return [
        f"{further if number else first}{line}".rstrip()
        for number, line in enumerate(folded)
    ]


def beside(left: str, right: str, width: int) -> list[str]:
    """Two texts on one line, the second at its end, or on two lines where they do not
    fit."""
    left, right = plain(left), plain(right)
    room = width - cell_len(left) - cell_len(right)
    if not right:
        return [left]
    if room < GAP:
        return [left, f"{' ' * (width - cell_len(right))}{right}"]
    return [f"{left}{' ' * room}{right}"]


def heading(text: str) -> Text:
    """The title of a part."""
    return Text(text, style="bold")


def lines(texts: Iterable[str], style: str = "") -> Iterator[Text]:
    """Texts that are laid out already, a line each."""
    return (Text(text, style=style) for text in texts)


def columns(width: int | None) -> int:
    """The columns to lay out for on a page of that width; the usual ones, where it has
    none."""
    return (
        DEFAULT_WIDTH if width is None else min(max(width, LEAST_WIDTH), MOST_COLUMNS)
    )


def group(parts: Iterable[RenderableType]) -> RenderableType:
    """The parts as one."""
    return Group(*parts)


def block(
    title: str, facts: Mapping[str, str], columns: int, style: str = ""
) -> RenderableType:
    """A title with what there is to say below it, each by its name."""
    known = {name: text for name, text in facts.items() if text}
    widest = GAP + name_width(known) + GAP
    told = (
        line
        for name, text in known.items()
        for line in wrapped(text, columns, f"{' ' * GAP}{name}".ljust(widest))
    )
    return group((*lines(wrapped(title, columns), f"bold {style}"), *lines(told)))


def apart(parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    """The parts with an empty line before each but the first."""
    for index, part in enumerate(parts):
        if index:
            yield Text("")
        yield part


def printed(
    parts: Iterable[RenderableType], *, width: int | None = None, color: bool = False
) -> str:
    """The parts as they are printed, line by line, without blanks at the ends of
    lines."""
    stream = StringIO()
    page = Console(
        file=stream,
        width=PLAIN_WIDTH if width is None else max(width, LEAST_WIDTH),
        force_terminal=color,
        color_system="standard" if color else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        page.print(part, soft_wrap=isinstance(part, Text))
    lines = stream.getvalue().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    width: int | None = None,
    color: bool = False,
) -> str:
    """A table of words: every column but the first and those of `numbers` may fold."""
    cells = [[plain(cell) for cell in row] for row in rows]
    words = (i for i in range(1, len(headers)) if i not in numbers)
    folding = dict.fromkeys(words, WORDS_WIDTH)
    grid = Grid(headers=headers, rows=cells, right=numbers, folding=folding)
    return printed([grid], width=width, color=color)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table without lines, or, where the page is too narrow for it, a block of lines
    for each of its rows.

    A column is never narrower than its cells, for a number cut short is another number.
    Only those named in `folding` may fold, down to the width given there.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[int] = ()
    folding: Mapping[int, int] = field(default_factory=dict)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        del console
        widths = self._widths()
        least = (min(w, self.folding.get(i, w)) for i, w in enumerate(widths))
        if sum(least) + GAP * len(widths) <= options.max_width:
            yield self._table(widths)
        else:
            yield from map(self._block, self.rows)

    def _widths(self) -> list[int]:
        return [
            max(map(cell_len, column))
            for column in zip(self.headers, *self.rows, strict=True)
        ]

    def _table(self, widths: Sequence[int]) -> Table:
        grid = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
        for index, header in enumerate(self.headers):
            grid.add_column(
                Text(header, style="dim"),
                width=None if index in self.folding else widths[index],
                min_width=min(widths[index], self.folding.get(index, 0)),
                overflow="fold",
                justify="right" if index in self.right else "left",
            )
        for row in self.rows:
            grid.add_row(*(Text(cell) for cell in row))
        return grid

    def _block(self, row: Sequence[str]) -> Text:
        first, *others = (
            f"{header}: {cell}".removeprefix(": ")
            for header, cell in zip(self.headers, row, strict=True)
            if cell
        )
        return Text("\n    ".join([first, *others]))
