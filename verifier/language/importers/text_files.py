"""A file of another format as text: UTF-8 of bounded size, or the error that says why
it is none."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from verifier.errors import FormulaFileError, Place

LARGEST_FILE = 10_000_000
"""Bytes of a file to import: hundreds of times the largest public suite of
benchmarks."""


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark and with line breaks as `\\n`."""
    place = Place(file=path.as_posix())
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)  # of a pipe or a device, too
        text = data.decode("utf-8-sig")
    except IsADirectoryError as error:
        message = "expected a file, found a folder. Give a file of it."
        raise FormulaFileError(message, place=place) from error
    except OSError as error:
        message = f"expected a file that can be read, found none: {error.strerror}. Check the path."
        raise FormulaFileError(message, place=place) from error
    except UnicodeDecodeError as error:
        if len(error.object) > LARGEST_FILE:
            _too_large(place)
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"expected UTF-8, found the byte 0x{error.object[error.start]:02x}. Save the file as UTF-8."
        raise FormulaFileError(
            message, place=Place(file=place.file, line=line)
        ) from error
    if len(data) > LARGEST_FILE:
        _too_large(place)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _too_large(place: Place) -> NoReturn:
    raise FormulaFileError(
        f"expected at most {LARGEST_FILE // 10**6} megabytes, found more. Split the file.",
        place=place,
    )
