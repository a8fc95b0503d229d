"""A case file as text: TOML with the line of each key, or the error that says why it is none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from verifier.errors import CaseFileError, Place
from verifier.language.casefile.key_lines import Keys, key_lines
from verifier.language.casefile.spelling import WrittenFloat


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
        message = f"expected shorter numbers: {error}"
        raise CaseFileError(message, place=Place(file=file)) from error


def _not_toml(message: str, text: str, file: str) -> CaseFileError:
    found = _TOML_PLACE.fullmatch(message)
    detail = found[1] if found else message
    lines = text.split("\n")
    line = int(found[2]) if found and found[2] else len(lines)
    column = int(found[3]) if found and found[3] else None
    mends = (mend for start, mend in _TOML_MENDS.items() if detail.startswith(start))
    mend = next(mends, "Mend the line.")
    shown = f"expected TOML, found: {detail.replace(chr(39), '`')}. {mend}"
    if column is not None:
        start = max(0, column - 40)  # a long line is shown around the place
        excerpt = lines[line - 1][start : start + 80]
        shown += f"\n    {excerpt}\n    {' ' * (column - 1 - start)}^"
    return CaseFileError(shown, place=Place(file=file, line=line, column=column))
