"""Whose line asked for an operation: the innermost frame of the user's."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import FrameType

import torch

import verifier
from verifier.language.cells import SourceLine

_OURS = str(Path(verifier.__file__).parent) + "/"
BOUNDARY = str(Path(__file__).with_name("record.py"))
"""Where what is recorded is called from."""
_TORCH = str(Path(torch.__file__).parent) + "/"
_FUNCTIONAL = str(Path(torch.__file__).parent / "nn" / "functional.py")
_LIBRARY = str(Path(linecache.__file__).parent) + "/"
_PACKAGES = ("/site-packages/", "/dist-packages/")


class Sources:
    """Finds lines, and keeps each once."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], SourceLine] = {}
        self._is_users: dict[str, bool] = {}
        self.of_node: dict[int, SourceLine | None] = {}
        """The line that asked for the operation of a node of autograd's, by its
        sequence number."""

    def here(self) -> SourceLine | None:
        """The innermost line outside of PyTorch, of Python's own library and of the
        verifier, of what is being recorded; None where there is none."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            is_users = self._is_users.get(file)
            if is_users is None:
                is_users = self._is_users[file] = _is_of_user(file)
            if file == BOUNDARY:
                return None
            if is_users:
                return self._line(file, frame.f_lineno, frame.f_code.co_qualname)
            frame = frame.f_back
        return None

    def is_library(self) -> bool:
        """Whether it is a function of `torch.nn.functional` that asks, which in C++
        may write small tensors of numbers itself."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(_OURS):
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename == _FUNCTIONAL

    def _line(self, file: str, line: int, function: str) -> SourceLine:
        key = file, line
        found = self._lines.get(key)
        if found is None:
            text = linecache.getline(file, line).strip()
            found = SourceLine(file=file, line=line, text=text, function=function)
            self._lines[key] = found
        return found


def _is_of_user(file: str) -> bool:
    if file.startswith((_OURS, _TORCH, "<frozen")):
        return False
    # Packages may lie within the folder of Python's own library.
    return any(part in file for part in _PACKAGES) or not file.startswith(_LIBRARY)
