"""The processor's floating point: rounded to nearest, with subnormal numbers, whatever
a process made of it.

Other modules are imported only once it is so: where the processor takes subnormal numbers for zero, Python reads
`5e-324` as 0, and keeps that in the compiled file.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from verifier.errors import UsageError

ROOM = 512
"""Bytes for C's `fenv_t`, which has 32 on x86-64."""
(SMALLEST,) = struct.unpack("<d", b"\1" + bytes(7))
(TINY,) = struct.unpack("<d", bytes(6) + b"\x30\x3c")
"""2**-60."""


@contextmanager
def usual() -> Iterator[None]:
    """IEEE 754 as C starts with it; then what it was before.

    Raises `UsageError` where neither is so, nor C's library there to change it.
    """
    before = ctypes.create_string_buffer(ROOM)
    if _LIBRARY is not None:
        _LIBRARY.fegetenv(before)
        _LIBRARY.fesetenv(_DEFAULT)
    if not is_usual():
        raise UsageError(
            "expected floating-point numbers rounded to nearest and subnormal ones kept, "
            "found that this process does otherwise, and nothing here that changes it. Start a fresh one."
        )
    try:
        yield
    finally:
        if _LIBRARY is not None:
            _LIBRARY.fesetenv(before)


def is_usual() -> bool:
    """Whether numbers are rounded to nearest and subnormal ones kept: by the processor,
    so by all who compute on it."""
    one, tiny, smallest = float(bool(ROOM)), TINY, SMALLEST  # no compiler folds these
    return bool(one + tiny == one - tiny == one and smallest * one != 0.0)


def _library() -> tuple[Any, Any]:
    """C's library with its default environment; None where they go by other names
    (Windows)."""
    try:
        library = ctypes.CDLL(None)
        if not hasattr(library, "fesetenv"):
            return None, None
    except (OSError, TypeError):
        return None, None
    if hasattr(library, "_FE_DFL_ENV"):  # macOS
        return library, ctypes.byref(ctypes.c_char.in_dll(library, "_FE_DFL_ENV"))
    return library, ctypes.c_void_p(-1)  # glibc, musl


_LIBRARY, _DEFAULT = _library()
