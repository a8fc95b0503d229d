"""`verifier explain VERDICT`: every verdict has a page, and its example gives it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from commands import invoke

from verifier.cli import verdict_pages
from verifier.language.casefile.loading import load_paths
from verifier.records import Verdict
from verifier.running.plan import plan
from verifier.running.run import execute

WITHOUT_EXAMPLE = {Verdict.UNDECIDED_ORACLE, Verdict.UNDECIDED_BUDGET}
"""No case is known that gives these."""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("verdict", Verdict)
def test_the_example_of_a_page_gives_its_verdict(
    verdict: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = verdict_pages.page(verdict.value)
    assert page is not None
    cases = blocks(page, "toml")
    assert bool(cases) == (verdict not in WITHOUT_EXAMPLE)
    if not cases:
        return
    file = tmp_path / "a.toml"
    file.write_text(cases[0], encoding="utf-8")
    for code in blocks(page, "python"):
        (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    record = execute(plan(load_paths([file]), allowed=("mine",)))
    sys.modules.pop("mine", None)
    assert [result.verdict for result in record.results] == [verdict]


@pytest.mark.parametrize("verdict", Verdict)
def test_a_page_has_its_parts_within_80_columns(verdict: Verdict) -> None:
    page = verdict_pages.page(verdict.value)
    assert page is not None
    titles = [line for line in page.splitlines() if line.startswith("#")]
    assert titles[0] == f"# {verdict.value}"
    assert [t for t in titles if t.startswith("##")] == [
        "## Example",
        "## The way out",
    ]
    assert max(map(len, page.splitlines())) <= 80


def test_the_command_shows_the_page_of_a_verdict() -> None:
    found = invoke("explain", "differ.unstable")
    assert found.exit_code == 0
    assert found.stdout == verdict_pages.page("differ.unstable")


def test_a_family_lists_its_verdicts() -> None:
    found = invoke("explain", "undecided")
    assert found.exit_code == 0
    for name in ("limit", "precision", "oracle", "budget"):
        assert f"undecided.{name}" in found.stdout
    assert "differ.wrong" not in found.stdout


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("differ.unstabel", "differ.unstable"),
        ("match.unstable", "differ.unstable"),
        ("unstable", "differ.unstable"),
        ("diffr", "differ"),
        ("wrong", "differ.wrong"),
    ],
)
def test_a_wrong_verdict_suggests_the_right_one(name: str, suggested: str) -> None:
    found = invoke("explain", name)
    assert found.exit_code == 2
    assert f"unknown verdict `{name}`. Did you mean `{suggested}`?" in found.stderr


def test_a_kind_that_is_near_none_suggests_nothing() -> None:
    found = invoke("explain", "match.float32")
    assert found.exit_code == 2
    assert "unknown verdict `match.float32`." in found.stderr
    assert "Did you mean" not in found.stderr
