"""`verifier help [TOPIC]`: a page of the manual, which lies in `verifier/manual/`."""

from __future__ import annotations

import re
from importlib import resources
from typing import Annotated

import typer

from verifier.cli import verdict_pages
from verifier.cli.command import command
from verifier.errors import UsageError, did_you_mean, did_you_mean_kind
from verifier.records import Verdict
from verifier.reports.outcome import FAMILIES

INDEX = "index"
"""The page that lists the others."""
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
"""What speaks to the tests of the manual."""
_LINK = re.compile(r"\[([^]]+)\]\((?:verdicts/)?([\w.-]+)\.md\)")
"""A link from page to page, which a terminal cannot follow."""


@command
def help_(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC", help="The page to show; without it, all are listed."
        ),
    ] = None,
) -> int:
    """Show a page of the manual, or the list of its topics."""
    from verifier.cli.markdown import show

    show(page(INDEX if topic is None else topic))
    return 0


def pages() -> dict[str, str]:
    """The text of every page by its topic."""
    folder = resources.files("verifier") / "manual"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".md"): file.read_text(encoding="utf-8")
        for file in files
        if file.name.endswith(".md")
    }


def page(topic: str) -> str:
    """The page of a topic, or of a verdict, as a reader meets it, in Markdown."""
    known = pages()
    name = topic.lower().replace("_", "-")
    if name in known:
        return _LINK.sub(_named, _COMMENT.sub("", known[name]))
    if name in (*FAMILIES, *Verdict):
        return verdict_pages.page(name) or ""
    raise UsageError(_unknown(topic, known))


def _named(link: re.Match[str]) -> str:
    """What stands in the place of a link."""
    text, topic = link.groups()
    return f"`{topic}`" if text == topic else f"{text} (`verifier help {topic}`)"


def _unknown(topic: str, known: dict[str, str]) -> str:
    from verifier.language.operations.table import OPERATIONS

    topics = [name for name in known if name != INDEX]
    hint = did_you_mean(topic, topics) or did_you_mean_kind(topic, Verdict)
    message = f"unknown topic `{topic}`.{hint} The topics are {', '.join(topics)}."
    word = re.compile(rf"(?<![\w.-]){re.escape(topic)}(?![\w-])", re.IGNORECASE)
    counts = {name: len(word.findall(text)) for name, text in known.items()}
    naming = sorted(filter(counts.get, counts), key=lambda name: -counts[name])
    if topic in OPERATIONS:
        message += f" `verifier operations {topic}` tells of the operation."
    elif naming:
        message += f" `{topic}` is spoken of in: {', '.join(naming[:3])}."
    return message
