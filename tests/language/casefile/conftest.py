"""What every test of case files may use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from casefiles import DESIGN

from verifier.language.casefile.case import Case
from verifier.language.casefile.loading import load

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "c.toml") -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    return write


@pytest.fixture
def design(write: Write) -> dict[str, Case]:
    return {case.name: case for case in load(write(DESIGN))}
