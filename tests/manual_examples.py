"""The examples of README and of the manual: read from the pages, run, and their output compared or rewritten.

What a block is, its language says:

- `console`: lines `$ command`, each followed by what it prints, at 80 columns;
- `python`: a program; what it prints stands in the block `text` behind it. The blocks of
  a page share their names;
- `toml` that holds `[[case]]`: a case file, which must be one;
- `sh`: commands to copy, which are only parsed.

A comment in the line above a block says more about it, and no reader sees it:

- `<!-- file: NAME -->`: the block is a file of that name in the folder in which the
  page's examples run;
- `<!-- shown: N -->` or `<!-- shown: N M -->`: only the first N lines, or those and the
  last M, of each output are shown, with `…` for the others;
- `<!-- raises -->`: the program ends with an exception, whose last line is shown;
- `<!-- not run: REASON -->`: an example that no test can run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from commands import invoke
from markdown_it import MarkdownIt
from places import CASES, ROOT

MANUAL = ROOT / "verifier" / "manual"
PAGES = (ROOT / "README.md", *sorted(MANUAL.glob("*.md")))
COLUMNS = "80"
ELISION = "…"
_MARK = re.compile(r"<!-- ([\w ]+?)(?:: (.*?))? -->")
_VARYING = (
    (re.compile(r"\b\d+(\.\d+)? ?s\b"), "… s"),
    (re.compile(r"\((\w+ \d+\.\d+(, )?)+\)"), "(…)"),
    (re.compile(r"^  alike  .*?(?=\n\n)", re.MULTILINE | re.DOTALL), "  alike …"),
    (
        re.compile(r"\b(torch|sympy|python-flint|verifier) \d+(\.\d+)+(\+\w+)?"),
        r"\1 …",
    ),
    (re.compile(r"\b(AVX2|AVX512|NO AVX|DEFAULT)\b"), "…"),
)
"""What differs from machine to machine: times, versions, environments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    language: str
    content: str
    first: int
    """The line of the page, from 0, in which the content begins."""
    marks: dict[str, str]

    @property
    def end(self) -> int:
        return self.first + self.content.count("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a block shows, and what running it printed."""

    line: int
    """The line of the page, from 1, in which what is shown begins."""
    end: int
    shown: str
    printed: str

    @property
    def is_true(self) -> bool:
        return settled(self.shown) == settled(self.printed)


def settled(text: str) -> str:
    """A text without what differs from machine to machine."""
    for pattern, constant in _VARYING:
        text = pattern.sub(constant, text)
    return "\n".join(line.rstrip() for line in text.rstrip("\n").split("\n"))


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page in order."""
    found = []
    marks: dict[str, str] = {}
    for token in MarkdownIt().parse(page):
        if token.type == "html_block":
            marks |= {key: value or "" for key, value in _MARK.findall(token.content)}
        elif token.type == "fence":
            assert token.map is not None
            found.append(
                Block(
                    language=token.info,
                    content=token.content,
                    first=token.map[0] + 1,
                    marks=marks,
                )
            )
            marks = {}
        else:
            marks = {}
    return found


@dataclass(slots=True)
class Session:
    """Runs the examples of a page, one after the other, in a folder of their own."""

    folder: Path
    names: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0

    def examples(self, page: str) -> Iterator[Example]:
        """What each block of the page shows, and what it printed."""
        found = blocks(page)
        (self.folder / CASES.name).symlink_to(CASES)
        with contextlib.chdir(self.folder), _environment():
            for block, after in zip(found, [*found[1:], None], strict=False):
                if "not run" in block.marks:
                    continue
                if "file" in block.marks:
                    file = Path(block.marks["file"])
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(block.content, "utf-8")
                elif block.language == "console":
                    yield from self._console(block)
                elif block.language == "python":
                    yield from self._python(block, after)
                elif block.language == "toml":
                    _check_case_file(block)

    def _console(self, block: Block) -> Iterator[Example]:
        lines = block.content.splitlines()
        starts = [i for i, line in enumerate(lines) if line.startswith("$ ")]
        assert starts[:1] == [0], "expected `$ command` in the first line"
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            printed = self._call(lines[start].removeprefix("$ "))
            yield Example(
                line=block.first + start + 2,
                end=block.first + end + 1,
                shown="\n".join(lines[start + 1 : end]),
                printed=_cut(printed, block.marks.get("shown")),
            )

    def _call(self, command: str) -> str:
        if command == "echo $?":
            return f"{self.exit_code}"
        program, *arguments = shlex.split(command)
        if program == "verifier":
            result = invoke(*arguments)
            self.exit_code = result.exit_code
            return str(result.output)
        if program == "cat":
            return Path(*arguments).read_text("utf-8")
        assert program == "pytest", f"no example may call `{program}`"
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            # In this process, where PyTorch is loaded.
            self.exit_code = pytest.main(["-p", "no:cacheprovider", *arguments])
        return output.getvalue()

    def _python(self, block: Block, after: Block | None) -> Iterator[Example]:
        output = io.StringIO()
        code = compile(block.content, f"<line {block.first + 1}>", "exec")
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            try:
                exec(code, self.names)
            except Exception as error:
                if "raises" not in block.marks:
                    raise
                kind = type(error)
                module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
                output.write(f"{module}{kind.__qualname__}: {error}\n")
        if after is None or after.language != "text":
            assert not output.getvalue(), f"no block shows {output.getvalue()!r}"
            return
        yield Example(
            line=after.first + 1,
            end=after.end + 1,
            shown=after.content,
            printed=_cut(output.getvalue(), after.marks.get("shown")),
        )


def _check_case_file(block: Block) -> None:
    """Refuses what is no case file; other TOML is a file, or says why it is not run."""
    assert "[[case]]" in block.content, (
        f"line {block.first}: what is this TOML? Name it by `<!-- file: NAME -->`."
    )
    written = Path("shown.toml")
    written.write_text(block.content, "utf-8")
    from verifier.language.casefile.loading import load_paths

    load_paths([written])
    written.unlink()


def _cut(printed: str, shown: str | None) -> str:
    """The lines of an output that are shown."""
    lines = printed.rstrip("\n").split("\n")
    if shown is not None:
        first, last = map(int, f"{shown} 0".split()[:2])
        if len(lines) > first + last + 1:
            lines = [*lines[:first], ELISION, *(lines[-last:] if last else ())]
    return "\n".join(line.rstrip() for line in lines)


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """A terminal of 80 columns without colours; modules of a page's folder go with it."""
    before, modules = dict(os.environ), set(sys.modules)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "CI"):
        os.environ.pop(name, None)
    os.environ["COLUMNS"] = COLUMNS
    here = Path.cwd()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None and Path(file).is_relative_to(here):
                del sys.modules[name]


def rewritten(page: str, examples: list[Example]) -> str:
    """The page with what its examples printed in the place of what it shows."""
    lines = page.split("\n")
    for example in sorted(examples, key=lambda example: -example.line):
        if not example.is_true:
            printed = example.printed.split("\n") if example.printed else []
            lines[example.line - 1 : example.end - 1] = printed
    return "\n".join(lines)
