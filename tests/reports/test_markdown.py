"""Markdown, read by markdown-it with GitHub's tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from verifier.reports import markdown
from verifier.reports.page import plain

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {
    "<details><summary>Known or accepted: 2</summary>\n",
    "<details><summary>Known or accepted: 1</summary>\n",
    "<details><summary>Known or accepted: 5</summary>\n",
    "</details>\n",
}
"""The HTML that a report may hold."""


def tables(report: str) -> dict[str, list[list[str]]]:
    """The rows of each table, by the heading or summary before it."""
    found: dict[str, list[list[str]]] = {}
    title = ""
    for token, after in pairs(READER.parse(report)):
        if token.type == "heading_open":
            title = after.content
        elif token.type == "html_block" and "summary" in token.content:
            title = token.content.partition("<summary>")[2].partition("</")[0]
        elif token.type == "tr_open":
            found.setdefault(title, []).append([])
        elif token.type in ("td_open", "th_open"):
            found[title][-1].append(shown(after))
    return found


def pairs(tokens: list[Token]) -> Iterator[tuple[Token, Token]]:
    return zip(tokens, [*tokens[1:], tokens[-1]], strict=True)


def shown(inline: Token) -> str:
    """The text that a reader sees."""
    return "".join(child.content for child in inline.children or ())


def test_tables_tell_what_fails_and_what_does_not(mixed: Any) -> None:
    report = markdown.render(mixed.record, mixed.options)
    assert report.startswith("## verifier: 4 not as expected, 1 not judged\n")
    found = tables(report)
    assert list(found) == [
        "Not as expected: 4",
        "Not judged: 1",
        "Known or accepted: 2",
    ]
    assert found["Not as expected: 4"] == [
        ["verdict", "case", "dtype", "error", "place", "what"],
        [
            "error.run",
            "broken",
            "float32",
            "",
            "cases/notebook.toml:12",
            "ValueError: no",
        ],
        ["differ.wrong", "wrong", "float64", "9 ulp", "cases/notebook.toml:12", ""],
        [
            "differ.wrong",
            "wrong",
            "float32",
            "7 ulp",
            "cases/notebook.toml:12",
            "the sign is turned",
        ],
        [
            "expect.gradient.a",
            "promise",
            "float32",
            "",
            "cases/notebook.toml:20",
            "expected 1, found 2",
        ],
    ]
    assert [row[:3] for row in found["Known or accepted: 2"][1:]] == [
        ["accepted", "differ.unstable", "accepted"],
        ["as the case expects", "differ.nonfinite", "pinned"],
    ]
    fences = [t.content for t in READER.parse(report) if t.type == "fence"]
    assert len(fences) == 5
    assert "   because  the sign is turned\n" in fences[2]


def test_what_a_baseline_holds_is_folded(against_baseline: Any) -> None:
    report = markdown.render(against_baseline.record, against_baseline.options)
    found = tables(report)
    new = found["Not as expected, new or worse than in the baseline: 4"]
    assert {row[0] for row in new[1:]} == {
        "differ.wrong",
        "larger error",
        "vanished",
        "expect.gradient.a",
    }
    known = found["Known or accepted: 5"][1:]
    assert ["as in the baseline", "differ.wrong", "wrong", "float64"] in [
        row[:4] for row in known
    ]


def test_an_interrupted_run_says_so(interrupted: Any) -> None:
    report = markdown.render(interrupted.record, interrupted.options)
    assert report.startswith("## verifier: not all was run\n")
    assert (
        "**Not all was run: interrupted before the end, with 2 of 11 results.**"
        in report
    )


def test_hostile_text_stays_text(hostile: Any) -> None:
    report = markdown.render(hostile.record, hostile.options)
    report.encode("utf-8")
    tokens = READER.parse(report)
    every = [token for one in tokens for token in (one, *(one.children or ()))]
    types = {token.type for token in every}
    assert not types & {"link_open", "image", "em_open", "strong_open", "s_open"}
    assert {t.content for t in every if t.type.startswith("html")} <= OURS
    for title, rows in tables(report).items():
        assert len({len(row) for row in rows}) == 1, title
    (name,) = {row[1] for row in tables(report)["Not as expected: 2"][1:]}
    case = plain(hostile.record.results[0].case.partition("::")[2])
    assert name.startswith(case[:60])


def test_no_mention_stands_outside_of_code(hostile: Any) -> None:
    """GitHub links what mentions somebody, an issue or a page, but in code."""
    for token in READER.parse(markdown.render(hostile.record, hostile.options)):
        for child in token.children or ():
            if child.type == "text":
                assert not set(child.content) & set("@#$"), child.content
                assert "http" not in child.content


@pytest.mark.parametrize("room", [3_000, 6_000, 20_000])
def test_a_long_report_is_cut_and_says_so(
    room: int,
    make_result: Any,
    make_record: Any,
    mixed: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = [
        make_result(
            f"é-{number}", "differ.wrong", expected=pinned, as_expected=bool(pinned)
        )
        for number in range(100)
        for pinned in (None, "differ.wrong")
    ]
    monkeypatch.setattr(markdown, "MOST_BYTES", room)
    report = markdown.render(make_record(*results), mixed.options)
    assert len(report.encode()) <= room
    found = tables(report)
    rows = len(found["Not as expected: 100"]) - 1
    if rows < 100:
        assert f"… and {100 - rows} more, for which there is no room" in report
    assert report.count("<details>") == report.count("</details>")
