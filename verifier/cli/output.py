"""Where reports go: `--format FORMAT[=FILE]`, and files that are written whole or not
at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier.cli.command import say
from verifier.cli.options import unknown
from verifier.errors import Place, UsageError
from verifier.files import reason, replace_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A format, and the file it goes to; None is standard output."""

    format: str
    file: Path | None = None


TEXT = Target(format="text")
"""The text report on standard output."""


def format_help(known: Iterable[str]) -> str:
    """What `--format` says of the formats that there are."""
    *others, last = known
    return f"Report as {', '.join(others)} or {last}, to a file or standard output; repeatable."


def targets(formats: Sequence[str], known: Collection[str]) -> tuple[Target, ...]:
    """The formats asked for; where none goes to standard output, the text report
    does."""
    wanted = tuple(_target(text, known) for text in formats)
    files = [target.file for target in wanted]
    for index, file in enumerate(files):
        if file in files[:index]:
            where = "standard output" if file is None else f"`{file}`"
            raise UsageError(
                f"--format: expected one format to {where}, found two. Give the other one a file: `--format json=FILE`."
            )
    return wanted if None in files else (TEXT, *wanted)


def _target(text: str, known: Collection[str]) -> Target:
    name, equals, file = text.partition("=")
    if name not in known:
        raise UsageError(f"--format: {unknown('format', name, known)}")
    if not equals:
        return Target(format=name)
    if not file:
        raise UsageError(
            f"--format: expected a file after `{name}=`. Leave `=` out for standard output."
        )
    check_folder(Path(file))
    return Target(format=name, file=Path(file))


def check_folder(file: Path) -> None:
    """Refuses, before anything runs, a file that cannot be written when all is done."""
    if file.is_dir():
        raise UsageError(f"expected a file to write, found the folder `{file}`.")
    if not file.parent.is_dir():
        raise UsageError(
            f"no such folder: `{file.parent}`. Create it, or write `{file.name}` elsewhere."
        )


def deliver(wanted: Iterable[Target], render: Callable[[Target], str]) -> None:
    """Renders the report for every target, and puts it there."""
    # Files first: a reader who closes the pipe must not cost them.
    for target in sorted(wanted, key=lambda target: target.file is None):
        if target.file is None:
            say(render(target))
        else:
            write(target.file, render(target))


def write(file: Path, content: str) -> None:
    """Gives a file its content in one step."""
    try:
        replace_text(file, content)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {reason(error)}. Choose another place.",
            place=Place(file=str(file)),
        ) from error
