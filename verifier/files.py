"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read or written, in the system's words."""
    return getattr(error, "strerror", None) or str(error)


def replace_text(path: Path, text: str) -> None:
    """Gives a file its new text in one step: whatever fails on the way, the old text
    stays.

    A pipe or device, which cannot be replaced, is written to.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
