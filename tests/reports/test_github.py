"""Annotations of GitHub workflows, read as the runner reads them.

`ActionCommand.TryParseV2` in src/Runner.Common/ActionCommand.cs of actions/runner: a line that
begins with `::` after blanks, up to the next `::` the command and after a blank its
properties, split at commas and the first `=`; then the data. Escapes are undone one after the
other, `%25` last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from verifier.records import Change, ChangeKind, Verdict
from verifier.reports import github

IN_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
IN_PROPERTIES = (*IN_DATA[:2], ("%3A", ":"), ("%2C", ","), IN_DATA[2])


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def commands(output: str) -> list[Command]:
    """The commands that the runner finds in what a step prints."""
    return [found for line in output.split("\n") if (found := command(line))]


def command(line: str) -> Command | None:
    line = line.lstrip()
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    name, _, listed = line[2:end].partition(" ")
    pairs = (part.split("=", 1) for part in listed.strip().split(",") if part)
    properties = {
        pair[0]: undone(pair[1], IN_PROPERTIES) for pair in pairs if all(pair)
    }
    return Command(name, properties, undone(line[end + 2 :], IN_DATA))


def undone(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for escaped, char in escapes:
        text = text.replace(escaped, char)
    return text


def test_each_finding_is_annotated_at_its_line(mixed: Any) -> None:
    output = github.render(mixed.record, mixed.options)
    found = commands(output)
    assert [(c.name, c.properties["title"]) for c in found] == [
        ("error", "error.run: broken float32"),
        ("error", "differ.wrong: wrong float64"),
        ("error", "differ.wrong: wrong float32"),
        ("error", "expect.gradient.a: promise float32"),
        ("warning", "undecided.limit: open float32"),
        ("notice", "verifier"),
    ]
    assert found[2].properties["file"] == "cases/notebook.toml"
    assert found[2].properties["line"] == "12"
    assert found[3].properties["line"] == "20"
    assert "the sign is turned" in found[2].data
    assert "369.0" in found[2].data.split("\n")[2]
    assert found[-1].data == "2 known or accepted, which fail nothing"
    assert output.splitlines()[-1].startswith(
        "8 cases, 11 comparisons: 5 match, 4 differ"
    )


def test_what_a_baseline_holds_is_counted_alone(against_baseline: Any) -> None:
    better = Change(
        result="cases/notebook.toml::routes float32 reverse 1",
        kind=ChangeKind.IMPROVED,
        regression=False,
        before="differ.wrong",
        after="match.exact",
    )
    options = replace(
        against_baseline.options, changes=(*against_baseline.options.changes, better)
    )
    found = commands(github.render(against_baseline.record, options))
    titles = {c.properties["title"] for c in found if c.name == "error"}
    assert titles == {
        "differ.wrong: wrong float32",
        "larger error: fine float32",
        "vanished: gone float32",
        "expect.gradient.a: promise float32",
    }
    assert [c.name for c in found if c.name != "error"] == ["notice"]
    assert found[-1].data.startswith("5 known or accepted")
    assert "1 better than the baseline" in found[-1].data


def test_at_most_ten_of_a_kind_and_the_last_counts_the_rest(
    mixed: Any, make_result: Any, make_comparison: Any, make_record: Any
) -> None:
    results = [
        make_result(
            f"case-{number}",
            "differ.wrong",
            comparisons=(
                make_comparison(verdict=Verdict.DIFFER_WRONG, error_ulp=float(number)),
            ),
        )
        for number in range(24)
    ]
    record = make_record(*results, planned=25)
    found = commands(github.render(record, mixed.options))
    assert [c.name for c in found] == ["error"] * 10
    assert found[0].properties == {"title": "verifier"}
    assert found[0].data == "not all was run: only 24 of 25 results"
    assert found[1].properties["title"] == "differ.wrong: case-23 float32"
    assert found[9].properties["title"] == "differ.wrong: case-15 float32"
    assert found[9].data.endswith("\n\nand 15 errors more, not shown here")


def test_an_interrupted_run_is_an_error(interrupted: Any) -> None:
    (found,) = commands(github.render(interrupted.record, interrupted.options))
    assert (found.name, found.properties) == (
        "error",
        {"title": "verifier"},
    )
    assert (
        found.data
        == "not all was run: interrupted before the end, with 2 of 11 results"
    )


def test_no_text_commands_the_runner(hostile: Any) -> None:
    output = github.render(hostile.record, hostile.options)
    found = commands(output)
    assert [c.name for c in found] == ["error", "error", "notice"]
    assert output.count("\n") == 4
    for one in found[:2]:
        assert set(one.properties) == {"file", "line", "title"}
        assert one.properties["file"].startswith("cases/a|b `c` ``d`` <b>@octocat</b>")
        assert "%0A%25:error file=x,line=1:q" in one.properties["file"]
        assert one.properties["line"] == "12"
        assert len(one.properties["title"]) <= 255
        assert len(one.data) <= 4096


@pytest.mark.parametrize("length", [5_000, 50_000])
def test_a_long_message_is_cut_and_says_so(
    length: int, make_result: Any, make_record: Any, mixed: Any
) -> None:
    result = make_result("long", "error.run", comparisons=(), message="word " * length)
    (found,) = commands(github.render(make_record(result), mixed.options))
    assert len(found.data) <= 4096
    assert "characters more" in found.data
