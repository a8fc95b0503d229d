"""Markdown in a terminal: rich's, but code keeps its lines and no heading is centred."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.text import Text
from rich.theme import Theme

from verifier.cli.command import say

STYLES = Theme(
    {
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
    }
)
"""Readable on dark and on light ground: rich's own puts code on black."""

MOST_COLUMNS = 100
"""Columns beyond which prose is hard to read."""


class _Code(CodeBlock):
    """Reports are laid out for the whole width: no margin, no background, no line
    broken."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        shown = Text(str(self.text).rstrip(), no_wrap=True, overflow="ignore")
        # Of a session, what is typed; of an output, nothing.
        written = {"console": r"^\$ .*", "text": r"(?!)"}.get(
            self.lexer_name, r"(?s).+"
        )
        shown.highlight_regex(f"(?m){written}", self.style_name)
        yield shown


class _Heading(Heading):
    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class Page(Markdown):
    """A page of the manual."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "fence": _Code,
        "code_block": _Code,
        "heading_open": _Heading,
    }


def show(text: str) -> None:
    """Prints a page at the terminal's width, or as it stands where it is piped."""
    console = Console()
    if not console.is_terminal:
        say(text)
        return
    console.width = min(console.width, MOST_COLUMNS)
    with console.use_theme(STYLES):
        console.print(Page(text), crop=False)
