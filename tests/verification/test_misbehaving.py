"""Callables that end, close or leave what is not theirs: the run goes on, and never passes for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HEAD = """
import atexit, builtins, ctypes, os, signal, sys, threading, time, torch
class Own(BaseException): pass
class Mute(Exception):
    def __str__(self): raise ValueError
"""
AFTER = """
[[case]]
name = "after"
expression = "x*y"
at = { x = 2, y = 3 }
dtype = ["float32"]
"""


def case(name: str, subject: str) -> str:
    return f"""
[[case]]
name = "{name}"
expression = "x*x"
at = {{ x = 2 }}
dtype = ["float32"]
subject = "bad:{subject}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.verifier]\nsubjects = ["bad"]\n')
    return tmp_path


def start(folder: Path, *bodies: str, arguments: tuple[str, ...] = ()) -> Any:
    """The command on cases whose subjects have these bodies, and on one after them."""
    code, cases = HEAD, ""
    for index, body in enumerate(bodies):
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        code += f"def f{index}(x):\n{lines}    return x*x\n"
        cases += case(f"bad{index}", f"f{index}")
    (folder / "bad.py").write_text(code)
    (folder / "a.toml").write_text(cases + AFTER)
    return subprocess.Popen(
        [sys.executable, "-m", "verifier", "run", "a.toml", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


ENDINGS = [
    "sys.exit(0)",
    "raise SystemExit",
    "exit()",
    "os._exit(0)",
    "raise KeyboardInterrupt",
    "raise GeneratorExit",
    "raise Own",
    "try:\n  sys.exit(0)\nfinally:\n  sys.stdout.close()",
    "raise Mute",
    "os.close(1)\nraise ValueError",
    "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)\nraise ValueError",
    "torch.set_default_device('meta')\nraise ValueError",
    "os.fork() or os._exit(0)\nraise ValueError",
    "raise StopIteration",
]


def test_a_callable_that_ends_the_process_is_an_error_and_the_next_case_runs(
    folder: Path,
) -> None:
    with start(folder, *ENDINGS) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    lines = out.splitlines()
    for index in range(len(ENDINGS)):
        assert lines[index].startswith(f"ERROR a.toml::bad{index}")
    assert lines[len(ENDINGS)].startswith("ok    a.toml::after")


BEHIND = [
    "atexit.register(os._exit, 0)\nraise ValueError",
    "threading.Thread(target=lambda: (time.sleep(1), os._exit(0)), daemon=True).start()\nraise ValueError",
    "signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))\nsignal.setitimer(signal.ITIMER_REAL, 0.02)",
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\nraise ValueError",
    "threading.Thread(target=sys.exit).start()\nraise ValueError",
    "sys.exit = lambda *_: None\nraise ValueError",
]


@pytest.mark.parametrize("body", BEHIND)
def test_what_a_callable_leaves_behind_makes_no_pass_of_a_failure(
    folder: Path, body: str
) -> None:
    with start(folder, body) as process:
        process.communicate(timeout=120)
    assert process.returncode in (1, 2)


def test_what_a_callable_prints_is_not_in_the_report(folder: Path) -> None:
    with start(
        folder, "print('noise', flush=True)", arguments=("--format", "json")
    ) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert json.loads(out)["summary"]["cases"] == 2
    assert "noise" in err


def test_a_traceback_is_on_the_screen_where_it_is_asked_for(folder: Path) -> None:
    with start(folder, "{}['missing']", arguments=("--debug",)) as process:
        out, _ = process.communicate(timeout=120)
    assert "Traceback of a.toml::bad0 float32" in out
    assert "bad.py" in out


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no POSIX signals")
@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(30)",
        "try:\n  time.sleep(30)\nexcept BaseException:\n  pass",
        "try:\n  time.sleep(30)\nexcept BaseException:\n  sys.exit(0)",
        "try:\n  time.sleep(30)\nexcept BaseException:\n  raise ValueError",
    ],
)
def test_control_c_ends_the_run_whatever_a_callable_makes_of_it(
    folder: Path, body: str
) -> None:
    with start(folder, f"open('here', 'w').close()\n{body}") as process:
        deadline = time.monotonic() + 100
        while not (folder / "here").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "after" not in out
    assert "interrupted before the end" in out
    assert "Traceback" not in err
