"""How far a run has come: in a terminal, in a notebook, and nowhere else."""

from __future__ import annotations

import re
import sys
import threading
from types import ModuleType
from typing import Any

import pytest
import rich.console

import verifier
from verifier.reports import progress
from verifier.reports.progress import progress as shown

CODE = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")


class Terminal:
    """What was written to standard error, which is a terminal of 80 columns."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self.captured = captured

    def text(self) -> str:
        return self.captured.readouterr().err

    def lines(self) -> list[str]:
        parts = re.split(r"[\r\n]+", CODE.sub("\n", self.text()))
        return [line.rstrip() for line in parts if line.strip()]


@pytest.fixture
def terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    monkeypatch.setattr(progress, "LONG_RUN_S", 0.0)
    monkeypatch.setattr(progress, "REFRESH_S", 0.0)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal(capsys)


def run(names: list[str], **options: Any) -> None:
    with shown(len(names), **options) as (advance, on_point):
        for name in names:
            if on_point is not None:
                on_point(name, 0, 0)
                on_point(name, 3, 8)
            advance(None)


def test_the_bar_names_the_case_in_hand_and_its_points(terminal: Terminal) -> None:
    run(["gauss float32", "gauss float64"])
    lines = terminal.lines()
    assert any(re.search(r"0/2 \S+ gauss float32$", line) for line in lines)
    assert any(
        re.search(r"0/2 \S+ gauss float32, point 3 of 8$", line) for line in lines
    )
    assert any(re.search(r"1/2 \S+ gauss float64$", line) for line in lines)


def test_the_bar_moves_within_a_case(terminal: Terminal) -> None:
    with shown(1) as (_, on_point):
        assert on_point is not None
        for done in range(8):
            on_point("x", done, 8)
    lengths = [line.count("━") for line in terminal.lines()]
    assert lengths[0] < lengths[-1]
    assert lengths == sorted(lengths)


def test_a_long_name_stays_on_its_line(terminal: Terminal) -> None:
    run(["a" * 200])
    assert max(map(len, terminal.lines())) <= 80


def test_a_short_run_shows_nothing(terminal: Terminal) -> None:
    run(["x"], after_s=60.0)
    assert terminal.text() == ""


def test_nothing_is_shown_in_ci(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    run(["x"])
    assert terminal.text() == ""


def test_nothing_is_shown_of_another_thread(terminal: Terminal) -> None:
    thread = threading.Thread(target=run, args=(["x"],))
    thread.start()
    thread.join()
    assert terminal.text() == ""


def test_a_call_from_python_shows_how_far_it_is(terminal: Terminal) -> None:
    result = verifier.verify(
        "sin(x)", domain={"x": (0, 1)}, points=8, dtype="float32", boundary=False
    )
    assert result.ok
    assert any("float32" in line and "0/1" in line for line in terminal.lines())


def test_a_call_from_python_shows_nothing_where_it_is_piped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LONG_RUN_S", 0.0)
    assert verifier.verify("sin(x)", at={"x": 1}, dtype="float32").ok
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_a_line_that_goes(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    class Handle:
        def update(self, shown: dict[str, str], *, raw: bool) -> None:
            assert raw
            written.append(shown["text/plain"])

    def display(shown: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        written.append(shown["text/plain"])
        return Handle()

    module: Any = ModuleType("IPython.display")
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    run(["x float32"])
    assert written[:2] == ["0/1 x float32", "0/1 x float32, point 3 of 8"]
    assert written[-1] == ""
    assert terminal.text() == ""
