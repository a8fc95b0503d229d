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

At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="X=1,Y=2",
        help="The point of a formula; one that names a variable again is another point.",
    ),
]
Drawn = Annotated[
    list[str] | None,
    typer.Option(
        "--domain",
        metavar="X=[0,1]",
        help="The interval of each variable of a formula from which points are drawn.",
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="CONDITION", help="What every point of a formula satisfies: `x < y`."
    ),
]
Upstream = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="The upstream gradient of a formula; or 1."),
]
Wrt = Annotated[
    list[str] | None,
    typer.Option(metavar="X,Y", help="Differentiate a formula by these alone."),
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
