"""Options that several commands have, and what their values may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from verifier.errors import UsageError, did_you_mean

Growth = Annotated[
    float,
    typer.Option(
        metavar="FACTOR",
        help="Call an error larger when it is so many times the old one.",
    ),
]


def _checked_seed(seed: int) -> int:
    from verifier.language.casefile.case import LEAST_SEED, MOST_SEED

    if not LEAST_SEED <= seed <= MOST_SEED:
        raise typer.BadParameter("expected an integer of at most 64 bits.")
    return seed


Seed = Annotated[
    int,
    typer.Option(
        metavar="N", help="Draw the points of this seed.", callback=_checked_seed
    ),
]
Dtypes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DTYPE", help="Take only this dtype; repeatable.", show_default=False
    ),
]
AllowSubject = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-subject",
        metavar="PATTERN",
        help="Import subjects from these modules too (`mylib.*`), not only from those that pyproject.toml allows.",
    ),
]

At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="X=1,Y=2",
        help="Take this point of a formula; repeat it for another point.",
    ),
]
Drawn = Annotated[
    list[str] | None,
    typer.Option(
        "--domain",
        metavar="X=[0,1]",
        help="Draw the points of a formula from these intervals.",
    ),
]
Shapes = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        metavar="X=64x256",
        help="Take an input of a formula as an array of this shape; [] for a number.",
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="CONDITION", help="Draw only points that satisfy this: `x < y`."
    ),
]
Upstream = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER", help="Use this upstream gradient for a formula, not 1."
    ),
]
Wrt = Annotated[
    list[str] | None,
    typer.Option(metavar="X,Y", help="Differentiate a formula by these inputs alone."),
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


_SHAPE = re.compile(r"\d+(?:x\d+)*|")


def shapes(options: Sequence[str]) -> dict[str, list[int]]:
    """The shapes of `--shape x=64x256`, in order; `s=[]` is a number's."""
    found: dict[str, list[int]] = {}
    for text in options:
        for part in text.split(","):
            name, equals, spelt = part.strip().partition("=")
            spelt = spelt.strip().replace("×", "x").replace("*", "x")
            spelt = "" if spelt == "[]" else spelt
            if not equals or not name.isidentifier() or not _SHAPE.fullmatch(spelt):
                raise UsageError(
                    f"--shape: expected a name and sizes such as `x=64x256`, found `{part.strip()}`."
                )
            if name in found:
                raise UsageError(
                    f"--shape: expected each name once, found `{name}` twice."
                )
            found[name] = [int(size) for size in spelt.split("x") if size]
    return found
