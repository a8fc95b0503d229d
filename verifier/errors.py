"""What can go wrong that the user must mend, and where it went wrong.

Every message reads: place, expected, found, mend. The command line prints it and exits
with code 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import NoReturn, ParamSpec, TypeVar, cast
from unicodedata import combining

_P = ParamSpec("_P")
_R = TypeVar("_R")
MOST_TOLD = 50
"""Mistakes that one message shows; how many more there are is said."""


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
        return printable(": ".join(part for part in (file, tail) if part))


def writable(text: str) -> str:
    """The text without half characters, which no output takes."""
    return text.encode(errors="replace").decode()


def printable(text: str) -> str:
    """The text in one line: line breaks and other control characters are escaped, so
    that nothing quoted begins a line, which could command what reads the log."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in writable(text))


def _laid_out(message: str) -> str:
    """The message, printable, with the excerpt that it may end with on its lines."""
    found = _EXCERPT.search(message)
    lines = message[found.start() :].split("\n") if found else []
    start = message[: found.start()] if found else message
    return "\n".join(map(printable, [start, *lines[1:]]))


class VerifierError(Exception):
    """The base of all errors that a user can mend."""

    TOPIC: str | None = None
    """The page of the manual that says more."""

    def __init__(self, message: str, *, place: Place | None = None) -> None:
        self.message = _laid_out(message)
        self.place = place if place is not None else Place()
        super().__init__(str(self))

    def __str__(self) -> str:
        return self.told()

    def told(self, prefix: str = "") -> str:
        """The place and the message, after a prefix."""
        place = str(self.place)
        return f"{prefix}{place}: {self.message}" if place else prefix + self.message

    @property
    def topics(self) -> list[str]:
        """The pages of the manual that say more."""
        return [] if self.TOPIC is None else [self.TOPIC]

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


class Mistakes(VerifierError):
    """Two mistakes or more that were found together; `errors` holds them all."""

    def __init__(self, errors: Iterable[VerifierError]) -> None:
        self.errors = tuple(errors)
        super().__init__("")
        self.message = self.told()

    def told(self, prefix: str = "") -> str:
        """Every mistake, those beyond `MOST_TOLD` as a number, and how many there
        are."""
        lines = [error.told(prefix) for error in self.errors[:MOST_TOLD]]
        files = {error.place.file for error in self.errors} - {None}
        count = f"{len(self.errors)} mistakes"
        if len(files) > 1:
            count += f" in {len(files)} files"
        more = len(self.errors) - len(lines)
        return "\n".join([*lines, f"and {more} more: {count}" if more else count])

    @property
    def topics(self) -> list[str]:
        return list(dict.fromkeys(t for error in self.errors for t in error.topics))

    def at(self, place: Place) -> Mistakes:
        return Mistakes(error.at(place) for error in self.errors)

    def __reduce__(self) -> tuple[type[Mistakes], tuple[tuple[VerifierError, ...]]]:
        return Mistakes, (self.errors,)


class Gathering:
    """Calls what may find mistakes, one after the other, so that all can be told."""

    def __init__(self) -> None:
        self.errors: list[VerifierError] = []

    def __call__(
        self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        """What the function gives. Where it fails, its mistakes are kept, and what it
        gives is missing; one that is given what is missing is not called."""
        if any(value is _MISSING for value in (*args, *kwargs.values())):
            return cast("_R", _MISSING)
        try:
            return function(*args, **kwargs)
        except Mistakes as mistakes:
            self.errors += mistakes.errors
        except VerifierError as error:
            self.errors.append(error)
        return cast("_R", _MISSING)

    def check(self) -> None:
        """Raise what was found: a mistake that is alone as itself."""
        if self.errors:
            fail_together(self.errors)


class _Missing:
    """What a function would have given; a loop over it ends at once."""

    def __iter__(self) -> Iterator[NoReturn]:
        return iter(())


_MISSING = _Missing()


def fail_together(errors: Sequence[VerifierError]) -> NoReturn:
    """Raise all of one error or more."""
    if len(errors) == 1:
        raise errors[0]
    raise Mistakes(errors)


class ExpressionError(VerifierError):
    """The text of an expression is not one of the language."""

    TOPIC = "expressions"


class CaseFileError(VerifierError):
    """A case file cannot be read, or says something that no case may say."""

    TOPIC = "case-files"


class FormulaFileError(VerifierError):
    """A file of formulas to import cannot be read, or one of its formulas cannot become
    a case."""

    TOPIC = "importers"


class SelectionError(VerifierError):
    """Nothing was left to verify: no file, no case, no tag of that name."""


class BaselineError(VerifierError):
    """A baseline, or an earlier run, cannot be read or written."""

    TOPIC = "baselines"


class UsageError(VerifierError):
    """An option or argument has a value that it cannot have."""


class ArgumentError(UsageError, TypeError):
    """A call from Python lacks an argument, or has one that there is not."""


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
    """The known name that differs by case alone, or by so few letters that it is likely
    meant; of several, the one that begins most alike."""
    alike = [other for other in known if other.lower() == name.lower()]
    if alike:
        return alike[0]
    measured = [(_distance(name, other), other) for other in dict.fromkeys(known)]
    near = [
        (steps, -_same_start(name, other), other)
        for steps, other in measured
        if steps <= _most_steps(name, other)
    ]
    return min(near)[2] if near else None


def _same_start(name: str, other: str) -> int:
    """How many letters both begin with."""
    pairs = zip(name, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _most_steps(name: str, other: str) -> int:
    """How many letters a misspelling may have wrong; in short names not the first one,
    and in the shortest only doubled ones."""
    length = min(len(name), len(other))
    same_start = name[:1] == other[:1]
    if length < 3:
        singles = [[letter for letter, _ in groupby(text)] for text in (name, other)]
        return int(singles[0] == singles[1])
    if length <= 4:
        return length - 2 if same_start else 0
    if length <= 6:
        return 2 if same_start else 1
    return 2 if length <= 9 else 3


def _distance(name: str, other: str) -> int:
    """How many letters are missing, too many, wrong, or exchanged with the next."""
    if abs(len(name) - len(other)) > 3 or len(name) > 60:
        return len(name) + len(other)
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(name, 1):
        last, row = row, [at]
        for to, target in enumerate(other, 1):
            steps = min(last[to] + 1, row[-1] + 1, last[to - 1] + (letter != target))
            swapped = at > 1 and to > 1 and letter == other[to - 2]
            if swapped and name[at - 2] == target:
                steps = min(steps, before[to - 2] + 1)
            row.append(steps)
        before = last
    return row[-1]


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
    cut = line[start : start + 80].expandtabs(1)
    shown = "".join(c if c.isprintable() else "�" for c in cut)
    if shown.lstrip().startswith("::"):  # would command a runner of GitHub's
        shown = shown.replace(":", "�", 1)
    before = shown[: column - 1 - start].ljust(column - 1 - start)
    caret = " " * sum(not combining(c) for c in before) + "^"
    return f"    {shown}\n    {caret}"


_EXCERPT = re.compile(r"\n {4}[^\n]*\n {4,}\^[^\n]*\Z")


def shortened(text: str) -> str:
    """A text as a message quotes it."""
    return text if len(text) <= 40 else f"{text[:37]}..."


def listed(names: Iterable[str]) -> str:
    """Names as a message lists them."""
    return ", ".join(f"`{name}`" for name in names)
