"""Options that several commands have, and what their values may be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from verifier.errors import UsageError, did_you_mean

Growth = Annotated[
    float,
    typer.Option(metavar="FACTOR", help="By which an error may exceed the stored one."),
]
Seed = Annotated[int, typer.Option(help="Of the points that are drawn.")]
AllowSubject = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-subject",
        metavar="PATTERN",
        help="Modules from which a subject may be imported, beside those that pyproject.toml allows.",
    ),
]


def unknown(what: str, found: str, known: Iterable[str]) -> str:
    """The message for a name that is none of those known."""
    names = list(known)
    hint = did_you_mean(found, names)
    return f"unknown {what} `{found}`.{hint} Expected one of {', '.join(names)}."


def checked_growth(factor: float) -> float:
    """The value of `--growth`."""
    if not 1 <= factor < float("inf"):
        raise UsageError(
            f"--growth: expected a factor from 1, found {factor}. Leave it out for the usual one."
        )
    return factor


def relative(path: Path) -> Path:
    """The path as it is on every machine: relative to the working folder, where it lies
    in that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
