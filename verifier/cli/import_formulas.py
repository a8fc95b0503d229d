"""`verifier import FORMAT FILE`: a case file from a file of formulas of another
format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.cli.command import command, complain, say
from verifier.cli.output import check_folder, write
from verifier.errors import ExpressionError, FormulaFileError, Place, UsageError

if TYPE_CHECKING:
    from verifier.language.importers.case_drafts import Imported
    from verifier.language.points.bounds import Bounds

imports = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make a case file of formulas in another format.",
)

_Source = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file of formulas to read.")
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write the case file there, not to standard output.",
    ),
]
_Force = Annotated[
    bool, typer.Option("--force", help="Overwrite the file of --output.")
]
_Range = Annotated[
    str | None,
    typer.Option(
        "--range",
        metavar="LOW,HIGH",
        help="Draw variables between these numbers where the file leaves an end open.",
    ),
]


@imports.command("fpcore")
@command
def import_fpcore(
    file: _Source,
    output: _Output = None,
    force: _Force = False,
    range_: _Range = None,
) -> int:
    """Make a case file of FPCore 2.0 benchmarks."""
    from verifier.language.importers import fpcore

    return _import("fpcore", fpcore.read, file, output, force, range_)


@imports.command("csv")
@command
def import_csv(
    file: _Source,
    output: _Output = None,
    force: _Force = False,
    range_: _Range = None,
) -> int:
    """Make a case file of a CSV of formulas.

    Its columns are `name`, `formula` and `x_low`, `x_high` or `domain`.
    """
    from verifier.language.importers import formulas_csv

    return _import("csv", formulas_csv.read, file, output, force, range_)


def _import(
    format_: str,
    read: Callable[[Path], Imported],
    file: Path,
    output: Path | None,
    force: bool,
    limits: str | None,
) -> int:
    if output is not None:
        check_folder(output)
        if output.exists() and not force:
            raise UsageError(
                f"expected a new file to write, found `{output}`. Choose another, or give `--force`."
            )
    case_file = _converted(format_, read, file, limits)
    if output is None:
        say(case_file.text)
    else:
        write(output, case_file.text)
    complain(case_file.summary)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _CaseFile:
    """The text of a case file, and what became a case and what did not."""

    text: str
    summary: str


def _converted(
    format_: str, read: Callable[[Path], Imported], file: Path, limits: str | None
) -> _CaseFile:
    """The case file that a file of a format becomes; `limits` is LOW,HIGH for the
    variables without bounds.

    Raises `FormulaFileError` where the file is none of that format, or nothing in it
    can become a case.
    """
    from verifier.language.importers.case_drafts import case_file, checked

    bounds = None if limits is None else _bounds(limits)
    imported = checked(read(file), bounds)
    left_out = [f"  {file.as_posix()}:{entry}" for entry in imported.left_out]
    count = f"imported {len(imported.drafts)}, left out {len(left_out)}"
    lines = [count + (":" if left_out else ""), *left_out, *imported.remarks]
    if not imported.drafts:
        message = "\n".join(
            ["expected something that can become a case, found none.", *lines]
        )
        raise FormulaFileError(message, place=Place(file=file.as_posix()))
    return _CaseFile(
        text=case_file(imported.drafts, file.name, format_), summary="\n".join(lines)
    )


def _bounds(limits: str) -> Bounds:
    from verifier.language.points.bounds import of_domain
    from verifier.language.points.domains import domain

    try:
        return of_domain(domain(f"[{limits}]"))
    except ExpressionError as error:
        raise UsageError(
            f"--range: expected two numbers such as `-10,10`, found `{limits}`: {error.message.splitlines()[0]}"
        ) from error
