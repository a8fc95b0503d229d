"""README and the manual: every example prints what the page shows, every name of the
language and of the command line is there, and no other.

    EXPECTTEST_ACCEPT=1 python -m pytest tests/integration/test_manual.py

rewrites what the pages show, as it does for PyTorch's own tests.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from commands import invoke
from manual_examples import MANUAL, PAGES, Example, Session, blocks, rewritten, settled
from places import CASES, ROOT
from typer.main import get_command

from verifier import floats
from verifier.api import Options
from verifier.cli.help import INDEX, pages
from verifier.cli.main import GROUPS, TOPICS, app
from verifier.language.casefile.case import LAYOUTS, ROUTES
from verifier.language.casefile.loading import load_paths
from verifier.language.casefile.tables import CaseTable, ExpectTable
from verifier.language.operations.table import OPERATIONS
from verifier.language.points.upstream import WORDS
from verifier.records import Verdict
from verifier.reports.formats import FORMATS, SURVEY_FORMATS

COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
WIDEST = 100
LONGEST = {"README": 180}
"""Lines of a page; a page of the manual has at most 200."""
FOREIGN = ("-m", "-c", "-e", "-n", "-q", "--lf", "--verifier-baseline")
"""Options of pip's, pytest's and its plugin's."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def text_of(topic: str) -> str:
    return (MANUAL / f"{topic}.md").read_text("utf-8")


@every_page
def test_every_example_prints_what_the_page_shows(page: Path, folder: Path) -> None:
    text = page.read_text("utf-8")
    examples = list(Session(folder).examples(text))
    if os.environ.get("EXPECTTEST_ACCEPT"):
        page.write_text(rewritten(text, examples), "utf-8")
        return
    for example in examples:
        place = f"{page.relative_to(ROOT)}:{example.line}"
        assert settled(example.printed) == settled(example.shown), place


def test_a_false_example_is_found_and_rewritten(folder: Path) -> None:
    page = "```console\n$ cat a.txt\nbe\n$ verifier help a\n```\n\n```python\nprint(1)\n```\n\n```text\n2\n3\n```\n"
    (folder / "a.txt").write_text("bee\n2 s")
    cat, unknown, python = Session(folder).examples(page)
    assert cat.printed == "bee\n2 s"
    assert unknown.printed.startswith("error: unknown topic `a`.")
    assert not any(example.is_true for example in (cat, unknown, python))
    again = rewritten(page, [cat, python])
    assert again == (
        "```console\n$ cat a.txt\nbee\n2 s\n$ verifier help a\n```\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n"
    )


def test_times_and_versions_are_not_compared() -> None:
    shown = Example(line=1, end=2, shown="in 1.4 s (torch 2.13.0+cpu)", printed="")
    assert settled(shown.shown) == settled("in 17 s (torch 2.6.0)  \n")
    assert settled("1 s") != settled("1 ulp")


@every_page
def test_a_page_is_short_and_narrow(page: Path) -> None:
    text = page.read_text("utf-8")
    lines = text.splitlines()
    assert len(lines) <= LONGEST.get(page.stem, 200)
    for block in blocks(text):  # errors and concise lines are as long as they are
        if page.parent == MANUAL and block.language in ("console", "text"):
            lines[block.first : block.end] = [""] * (block.end - block.first)
    assert [line for line in lines if len(line) > WIDEST] == []


# ── what is there is named, and nothing else ──────────────────────────────────────────


def options() -> set[str]:
    """Every option of the command line."""
    tree = [get_command(app), *COMMANDS.values(), *COMMANDS["import"].commands.values()]
    named = (option for command in tree for p in command.params for option in p.opts)
    plugin = (ROOT / "verifier" / "pytest_plugin.py").read_text("utf-8")
    return {
        "--help",
        "-h",
        *re.findall(r"\"(--[a-z-]+)\"", plugin),
        *(option for option in named if option.startswith("-")),
    }


def environment_variables() -> set[str]:
    """Every variable that the package reads, by name."""
    read = re.compile(r"environ(?:\.get\(|\[)\s*\"(\w+)\"")
    sources = (ROOT / "verifier").rglob("*.py")
    found = {name for file in sources for name in read.findall(file.read_text("utf-8"))}
    return found | {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}  # rich's, and Python's


def groups_of_operations() -> set[str]:
    """The modules of the table."""
    from verifier.language.operations import table

    rows = {row.name: row for row in OPERATIONS.values()}
    return {
        name
        for name, module in vars(table).items()
        if any(row in rows.values() for row in getattr(module, "ROWS", ()))
    }


NAMES = {
    "commands": ("run", sorted(COMMANDS)),
    "options": (None, sorted(options())),
    "keys of a case": ("case-files", sorted(CaseTable.model_fields)),
    "keys of expect": ("expectations", sorted(ExpectTable.model_fields)),
    "verdicts": ("verdicts", [verdict.value for verdict in Verdict]),
    "dtypes": ("dtypes", list(floats.DTYPES)),
    "routes": ("routes", [name for names in ROUTES.values() for name in names]),
    "layouts": ("routes", list(LAYOUTS)),
    "words of upstream": ("upstream", sorted(WORDS)),
    "groups of operations": ("operations", sorted(groups_of_operations())),
    "formats": ("reports", [*FORMATS]),
    "formats of a survey": ("survey", [*SURVEY_FORMATS]),
    "environment variables": ("run", sorted(environment_variables())),
    "keywords": ("python", sorted(Options.__annotations__)),
}
"""What must be named, and on which page; None is any."""


@pytest.mark.parametrize("what", NAMES)
def test_every_name_stands_in_the_manual(what: str) -> None:
    topic, names = NAMES[what]
    assert names
    text = "\n".join(pages().values()) if topic is None else text_of(topic)
    missing = [
        name
        for name in names
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
    ]
    assert missing == []


@every_page
def test_no_page_names_an_option_that_is_not_there(page: Path) -> None:
    named = re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text("utf-8"))
    assert set(named) - options() - set(FOREIGN) == set()


@every_page
def test_every_command_to_copy_is_one(page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        if block.language in ("sh", "console"):
            for line in block.content.splitlines():
                for part in line.removeprefix("$ ").split("&&"):
                    check_command(part.strip())


def check_command(text: str) -> None:
    """Raises where the command line would not understand a call of it."""
    if text.startswith("verifier "):
        _, name, *arguments = shlex.split(text)
        command = COMMANDS[name]
        command.make_context(name, arguments, resilient_parsing=False)


def test_what_no_test_runs_is_of_the_shape_of_what_one_does() -> None:
    """README's `verifier run cases`, which takes a minute: the number of cases is true,
    and its last line that of a run."""
    skipped, run = (
        settled(" ".join(re.split(r"\n\n|…\n", block.content)[-1].split()))
        for block in blocks((ROOT / "README.md").read_text("utf-8"))
        if block.content.startswith("$ verifier run cases")
    )
    shape = re.compile(r"\d+")
    assert shape.sub("N", skipped) == shape.sub("N", run)
    assert skipped.startswith(f"{len(load_paths([CASES]))} cases")


def test_the_index_lists_every_page_once() -> None:
    listed = re.findall(r"^- \[(.+?)\]\((.+?)\.md\): ", text_of(INDEX), re.MULTILINE)
    assert all(name == file for name, file in listed)
    assert sorted(name for name, _ in listed) == sorted(set(pages()) - {INDEX})


@every_page
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_the_help_of_every_command_leads_to_a_page() -> None:
    assert set(TOPICS) == set(COMMANDS) - {"help"}
    assert set(TOPICS.values()) <= set(pages())
    assert "Read on: `verifier help baselines`." in invoke("compare", "--help").stdout


def test_help_groups_every_command_with_an_example_that_is_one() -> None:
    examples = {k: v for group in GROUPS.values() for k, v in group.items()}
    assert set(examples) == set(COMMANDS)
    for name, example in examples.items():
        assert example.startswith(f"verifier {name}")
        check_command(example)
