"""What can go wrong that the user must mend, and where it went wrong.

Every message reads: place, expected, found, mend. The command line prints it and exits
with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the user's files something stands; `column` counts from 1, within the
    value of `key`."""

    file: str | None = None
    line: int | None = None
    case: str | None = None
    key: str | None = None
    column: int | None = None

    def __str__(self) -> str:
        file = self.file
        if file is not None and self.line is not None:
            file = f"{file}:{self.line}"
        inner = self.key
        if inner is not None and self.column is not None:
            inner = f"{inner}, column {self.column}"
        elif self.column is not None:
            inner = f"column {self.column}"
        case = f"[{self.case}]" if self.case is not None else None
        tail = " ".join(part for part in (case, inner) if part)
        return ": ".join(part for part in (file, tail) if part)


class VerifierError(Exception):
    """The base of all errors that a user can mend."""

    def __init__(self, message: str, *, place: Place | None = None) -> None:
        self.message = message
        self.place = place if place is not None else Place()
        super().__init__(str(self))

    def __str__(self) -> str:
        place = str(self.place)
        return f"{place}: {self.message}" if place else self.message

    def at(self, place: Place) -> VerifierError:
        """The same error with the parts of the place that it did not know filled in."""
        known = self.place
        return type(self)(
            self.message,
            place=Place(
                file=known.file or place.file,
                line=known.line or place.line,
                case=known.case or place.case,
                key=known.key or place.key,
                column=known.column or place.column,
            ),
        )


class ExpressionError(VerifierError):
    """The text of an expression is not one of the language."""


class CaseFileError(VerifierError):
    """A case file cannot be read, or says something that no case may say."""


class FormulaFileError(VerifierError):
    """A file of formulas to import cannot be read, or one of its formulas cannot become
    a case."""


class SelectionError(VerifierError):
    """Nothing was left to verify: no file, no case, no tag of that name."""


class BaselineError(VerifierError):
    """A baseline, or an earlier run, cannot be read or written."""


class UsageError(VerifierError):
    """An option or argument has a value that it cannot have."""


def did_you_mean(
    name: str, known: Iterable[str], otherwise: str = "", *, prefix: str = ""
) -> str:
    """The sentence that suggests the known name nearest in spelling, else `otherwise`.

    It follows another sentence: where there is one, a blank leads to it. `prefix` is
    written before the suggested name.
    """
    near = _nearest(name, list(known))
    sentence = otherwise if near is None else f"Did you mean `{prefix}{near}`?"
    return f" {sentence}" if sentence else ""


def did_you_mean_kind(name: str, known: Iterable[str]) -> str:
    """The same for names such as `differ.wrong`: what follows the point tells them
    apart."""
    whole = {other.rpartition(".")[2]: other for other in known}
    near = _nearest(name.rpartition(".")[2], list(whole))
    return "" if near is None else f" Did you mean `{whole[near]}`?"


def _nearest(name: str, known: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return near[0]
    return next((other for other in known if other.lower() == name.lower()), None)


def check_option(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UsageError` unless an option of the command line names what is known."""
    choices = list(known)
    for name in names:
        if name not in choices:
            raise UsageError(
                f"{option}: expected one of {', '.join(choices)}, found `{name}`."
                f"{did_you_mean(name, choices)}"
            )


def excerpt(line: str, column: int) -> str:
    """A line of the user's text with a caret below a column; a long one around it."""
    start = max(0, column - 40)
    caret = " " * (column - 1 - start) + "^"
    return f"    {line[start : start + 80]}\n    {caret}"


def shortened(text: str) -> str:
    """A text as a message quotes it."""
    return text if len(text) <= 40 else f"{text[:37]}..."


def listed(names: Iterable[str]) -> str:
    """Names as a message lists them."""
    return ", ".join(f"`{name}`" for name in names)
