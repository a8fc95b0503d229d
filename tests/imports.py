"""What becomes of a text that is imported."""

from __future__ import annotations

from pathlib import Path

from verifier.language.importers import fpcore
from verifier.language.importers.case_drafts import Draft, Imported, checked


def imported(tmp_path: Path, text: str) -> Imported:
    source = tmp_path / "sample.fpcore"
    source.write_text(text, encoding="utf-8")
    return checked(fpcore.read(source), None)


def draft_of(tmp_path: Path, text: str) -> Draft:
    found = imported(tmp_path, text)
    assert not found.left_out, found.left_out
    assert len(found.drafts) == 1
    return found.drafts[0]


def refusal(tmp_path: Path, text: str) -> str:
    found = imported(tmp_path, text)
    assert not found.drafts
    assert len(found.left_out) == 1
    return str(found.left_out[0])
