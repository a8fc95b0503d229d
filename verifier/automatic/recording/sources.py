"""Whose line asked for an operation: the innermost frame of the user's."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import torch

import verifier
from verifier.language.cells import GraphNode, SourceLine

_OURS = str(Path(verifier.__file__).parent) + "/"
BOUNDARY = str(Path(__file__).with_name("record.py"))
"""Where what is recorded is called from."""
_TORCH = str(Path(torch.__file__).parent) + "/"
_FUNCTIONAL = str(Path(torch.__file__).parent / "nn" / "functional.py")
_LIBRARY = str(Path(linecache.__file__).parent) + "/"
_MOST_DECORATORS = 8
"""Lines above a `def` that belong to it."""
_PACKAGES = ("/site-packages/", "/dist-packages/")
_LAUNCHERS = tuple(f"{folder}triton/" for folder in _PACKAGES)
"""Packages that run the kernels of others."""


class Sources:
    """Finds lines, and keeps each once."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], SourceLine] = {}
        self._is_users: dict[str, bool] = {}
        self._nodes: dict[int, tuple[str, GraphNode]] = {}
        self.of_node: dict[int, SourceLine | None] = {}
        """The line that asked for the operation of a node of autograd's, by its
        sequence number."""

    def node(self, node: Any) -> GraphNode:
        """What is known of a node of autograd's that runs."""
        number = node._sequence_nr()
        found = self._nodes.get(number)
        if found is None or found[0] != node.name():
            known = _of_function(getattr(type(node), "_forward_cls", None), number)
            known = known or GraphNode(name=node.name(), number=number)
            found = self._nodes[number] = node.name(), known
        return found[1]

    def here(self) -> SourceLine | None:
        """The innermost line outside of PyTorch, of Triton, of Python's own library and
        of the verifier, of what is being recorded; None where there is none."""
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


def _of_function(kind: Any, number: int) -> GraphNode | None:
    """The node of a Function of the user's."""
    backward: Any = getattr(kind, "backward", None)
    while hasattr(backward, "__wrapped__"):  # decorators, such as of mixed precision
        backward = backward.__wrapped__
    code = getattr(backward, "__code__", None)
    if code is None or not _is_of_user(code.co_filename):
        return None
    name = f"{kind.__name__}.backward"
    lines = range(code.co_firstlineno, code.co_firstlineno + _MOST_DECORATORS)
    texts = [linecache.getline(code.co_filename, line).strip() for line in lines]
    past = next((n for n, t in enumerate(texts) if t.startswith("def ")), 0)
    source = SourceLine(
        file=code.co_filename, line=lines[past], text=texts[past], function=name
    )
    return GraphNode(name=name, number=number, source=source)


def _is_of_user(file: str) -> bool:
    if file.startswith((_OURS, _TORCH, "<frozen")):
        return False
    if any(part in file for part in _LAUNCHERS):
        return False
    # Packages may lie within the folder of Python's own library.
    return any(part in file for part in _PACKAGES) or not file.startswith(_LIBRARY)
