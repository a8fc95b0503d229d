"""`verifier import FORMAT FILE`: a case file from a file of formulas of another format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verifier.errors import ExpressionError, FormulaFileError, Place, UsageError
from verifier.language.importers import formulas_csv, fpcore
from verifier.language.importers.case_drafts import case_file, checked
from verifier.language.points.bounds import Bounds, of_domain
from verifier.language.points.scalars import domain

READERS = {"fpcore": fpcore.read, "csv": formulas_csv.read}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The text of the case file, and what was and what was not taken over."""

    text: str
    summary: str


def import_file(format_: str, file: Path, *, limits: str | None = None) -> Outcome:
    """The case file that a file of a format becomes; `limits` is LOW,HIGH for the variables without bounds.

    Raises `FormulaFileError` where the file is none of that format, or nothing in it can become a case.
    """
    bounds = None if limits is None else _limits(limits)
    found = checked(READERS[format_](file), bounds)
    left_out = [f"  {file.as_posix()}:{entry}" for entry in found.left_out]
    count = f"imported {len(found.drafts)}, left out {len(left_out)}"
    lines = [count + (":" if left_out else ""), *left_out, *found.remarks]
    if not found.drafts:
        message = "\n".join(
            ["expected something that can become a case, found none.", *lines]
        )
        raise FormulaFileError(message, place=Place(file=file.as_posix()))
    return Outcome(
        text=case_file(found.drafts, file.name, format_), summary="\n".join(lines)
    )


def _limits(text: str) -> Bounds:
    try:
        return of_domain(domain(f"[{text}]"))
    except ExpressionError as error:
        raise UsageError(
            f"--range: expected two numbers such as `-10,10`, found `{text}`: {error.message.splitlines()[0]}"
        ) from error
