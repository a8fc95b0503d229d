"""A case file as text: TOML with the line of each key, or the error that says why it is
none.

Floats keep the text that was written, so that a decimal is exact and its last digit
known.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from verifier.errors import CaseFileError, Place, excerpt

Keys = tuple[str | int, ...]
"""The way to a value in a document: keys of tables, and positions in lists from 0."""


@dataclass(frozen=True, slots=True)
class WrittenFloat:
    """A TOML float as it was written."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that is TOML, with the line of each of its keys."""

    file: str
    data: dict[str, object]
    lines: Mapping[Keys, int]

    def fail(self, message: str, *keys: str) -> NoReturn:
        place = Place(
            file=self.file, line=self.lines.get(keys), key=".".join(keys) or None
        )
        raise CaseFileError(message, place=place)


def read(path: Path) -> Document:
    """The document that a file holds."""
    file = path.as_posix()
    return _parse(_read_text(path, file), file)


def _read_text(path: Path, file: str) -> str:
    place = Place(file=file)
    try:
        text = path.read_bytes().decode("utf-8")
    except IsADirectoryError as error:
        message = "expected a case file, found a folder. Give a file of it."
        raise CaseFileError(message, place=place) from error
    except OSError as error:
        message = f"expected a case file, found none that can be read: {error.strerror}. Check the path."
        raise CaseFileError(message, place=place) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"expected UTF-8, found the byte 0x{error.object[error.start]:02x}. Save the file as UTF-8."
        raise CaseFileError(message, place=Place(file=file, line=line)) from error
    if text.startswith("\ufeff"):
        message = "expected TOML, found a byte order mark (U+FEFF) before it. Save the file as UTF-8 without one."
        raise CaseFileError(message, place=Place(file=file, line=1, column=1))
    return text.replace("\r\n", "\n")


_TOML_MENDS = {
    "Invalid value": "Text stands in quotes.",
    "Cannot overwrite": "Write each key once.",
    "Cannot declare": "Write each table once.",
    "Expected '=' after a key": "Write `key = value`.",
}
_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")


def _parse(text: str, file: str) -> Document:
    try:
        data = tomllib.loads(text, parse_float=WrittenFloat)
        return Document(file=file, data=data, lines=key_lines(text))
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(str(error), text, file) from error
    except RecursionError as error:
        message = "expected TOML of few levels, found it nested too deeply."
        raise CaseFileError(message, place=Place(file=file)) from error
    except ValueError as error:  # an integer of more digits than Python converts
        most = sys.get_int_max_str_digits()
        message = f"expected integers of at most {most} digits, found a longer one."
        raise CaseFileError(message, place=Place(file=file)) from error


def _not_toml(message: str, text: str, file: str) -> CaseFileError:
    match = _TOML_PLACE.fullmatch(message)
    detail = match[1] if match else message
    lines = text.split("\n")
    line = int(match[2]) if match and match[2] else len(lines)
    column = int(match[3]) if match and match[3] else None
    mends = (mend for start, mend in _TOML_MENDS.items() if detail.startswith(start))
    mend = next(mends, "Mend the line.")
    shown = f"expected TOML, found: {detail.replace(chr(39), '`')}. {mend}"
    if column is not None:
        shown += f"\n{excerpt(lines[line - 1], column)}"
    return CaseFileError(shown, place=Place(file=file, line=line, column=column))


# ── the lines of keys, which `tomllib` does not give ────────────────────────────────

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\n\[\]{}=,.]"
    r"|[^\s\"'\#\[\]{}=,.]+",
    re.DOTALL,
)
_END = ""
"""What stands after the last token; no token is empty."""


def key_lines(text: str) -> dict[Keys, int]:
    """The line of each key, table and entry of a TOML text, from 1. Of a text that is
    no TOML, a guess."""
    return _Scanner(text).scan()


class _Scanner:
    """Walks the tokens of a text that tomllib has accepted; line breaks are tokens,
    comments and blanks are not."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.at_lines: list[int] = []
        self.next = 0
        self.lines: dict[Keys, int] = {}
        self.counts: dict[Keys, int] = {}
        line = 1
        for token in _TOKEN.findall(text):
            if token[0] != "#":
                self.tokens.append(token)
                self.at_lines.append(line)
            line += token.count("\n")
        self.tokens.append(_END)
        self.at_lines.append(line)

    def scan(self) -> dict[Keys, int]:
        table: Keys = ()
        while (token := self.tokens[self.next]) != _END:
            if token == "\n":
                self.next += 1
            elif token == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _header(self) -> Keys:
        line = self.at_lines[self.next]
        is_entry = self.tokens[self.next + 1] == "["
        self.next += 2 if is_entry else 1
        names = self._key("]")
        self.next += 1 if is_entry else 0
        table: Keys = ()
        for index, name in enumerate(names):
            table = (*table, name)
            if is_entry and index == len(names) - 1:
                self.counts[table] = self.counts.get(table, -1) + 1
            if table in self.counts:  # the header speaks of the latest entry
                self.lines.setdefault(table, line)
                table = (*table, self.counts[table])
        self.lines.setdefault(table, line)
        return table

    def _key(self, end: str) -> list[str]:
        """The parts of a dotted key; the next token is then the one after `end`."""
        parts: list[str] = []
        while (token := self.tokens[self.next]) not in (end, _END):
            if token not in (".", "\n"):
                parts.append(token[1:-1] if token[0] in "\"'" else token)
            self.next += 1
        self.next += 1
        return parts

    def _pair(self, table: Keys) -> None:
        line = self.at_lines[self.next]
        keys = table
        for part in self._key("="):
            keys = (*keys, part)
            self.lines.setdefault(keys, line)
        self._value(keys)

    def _value(self, keys: Keys) -> None:
        match self.tokens[self.next]:
            case "[":
                self._container(keys, "]")
            case "{":
                self._container(keys, "}")
            case _:  # a plain value, of one token or several (1.5, a date)
                while self.tokens[self.next] not in ("\n", ",", "]", "}", _END):
                    self.next += 1

    def _container(self, keys: Keys, end: str) -> None:
        """Read a list or an inline table."""
        self.next += 1
        index = 0
        while (token := self.tokens[self.next]) not in (end, _END):
            if token in (",", "\n"):
                self.next += 1
            elif end == "}":
                self._pair(keys)
            else:
                self.lines[(*keys, index)] = self.at_lines[self.next]
                self._value((*keys, index))
                index += 1
        self.next += 1
