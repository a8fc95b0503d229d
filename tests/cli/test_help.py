"""`verifier help`: the list of topics, a page, and a topic that is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from case_texts import GOOD
from commands import invoke
from rich.text import Text

from verifier.automatic.subjects import SubjectError
from verifier.cli.help import pages
from verifier.errors import VerifierError

pytestmark = pytest.mark.usefixtures("folder")


def test_without_a_topic_every_page_is_a_line() -> None:
    result = invoke("help")
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line.startswith("- `")]
    assert len(lines) == len(pages()) - 1
    assert any(line.startswith("- `verdicts`: ") for line in lines)


def test_a_page_is_plain_markdown_where_it_is_piped() -> None:
    printed = invoke("help", "case_files").stdout
    assert printed.startswith("# ")
    assert "<!--" not in printed
    assert ".md)" not in printed


def test_a_terminal_shows_a_page_at_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "60")
    title = pages()["verdicts"].splitlines()[0]
    shown = Text.from_ansi(invoke("help", "verdicts").stdout).plain
    lines = shown.splitlines()
    assert title.removeprefix("# ") in "\n".join(lines[:2])
    assert "```" not in "".join(lines)
    prose = [line.rstrip() for line in lines if not line.startswith(" ")]
    assert 50 < max(map(len, prose)) <= 60


def test_an_unknown_topic_names_the_nearest_and_all() -> None:
    result = invoke("help", "verdict")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "error: unknown topic `verdict`. Did you mean `verdicts`? The topics are "
    )


def test_a_verdict_has_a_page_too() -> None:
    assert invoke("help", "differ.range").stdout.startswith("# differ.range\n")
    hint = "Did you mean `differ.range`?"
    assert hint in invoke("help", "differ.rnage").stderr


def test_a_mistake_leads_to_the_pages_on_it(case_file: Callable[..., Path]) -> None:
    case_file(GOOD + '[[case]]\nname = "n"\nexpression = "x +"\nat = { x = 1 }\n')
    assert invoke("run").stderr.endswith("\nRead on: `verifier help expressions`.\n")
    case_file("[[cases]]", "cases/b.toml")
    last = "\nRead on: `verifier help expressions`, `verifier help case-files`.\n"
    assert invoke("run").stderr.endswith(last)


def test_every_topic_of_an_error_is_a_page() -> None:
    errors = set(_errors(VerifierError))
    assert SubjectError in errors
    assert {error.TOPIC for error in errors} - {None} <= set(pages())


def _errors(base: type[VerifierError]) -> Iterator[type[VerifierError]]:
    for error in base.__subclasses__():
        yield error
        yield from _errors(error)


def test_a_word_that_is_no_topic_leads_to_the_pages_that_speak_of_it() -> None:
    result = invoke("help", "subgradient")
    assert "`subgradient` is spoken of in: " in result.stderr
    assert "edges" in result.stderr.partition("spoken of in: ")[2]
