"""Callables that end, close or leave what is not theirs: the run goes on, and never
passes for it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commands
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


def write(folder: Path, *bodies: str) -> None:
    """Cases whose subjects have these bodies, and one after them."""
    code, cases = HEAD, ""
    for index, body in enumerate(bodies):
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        code += f"def f{index}(x):\n{lines}    return x*x\n"
        cases += case(f"bad{index}", f"f{index}")
    (folder / "bad.py").write_text(code)
    (folder / "a.toml").write_text(cases + AFTER)


def start(folder: Path, *bodies: str) -> Any:
    """The command on them, as a process of its own."""
    write(folder, *bodies)
    code = "from verifier.__main__ import main; main()"
    return commands.start("run", "a.toml", code=code, cwd=folder)


@pytest.fixture
def invoke(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The command on a case whose subject has a body, in this process."""

    def call(body: str, *arguments: str) -> Any:
        write(folder, body)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", [*sys.path])
        return commands.invoke("run", "a.toml", *arguments)

    yield call
    sys.modules.pop("bad", None)


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
    lines = out.splitlines()[1:]
    for index in range(len(ENDINGS)):
        assert lines[index].startswith("ERROR error.run")
        assert f"  bad{index}  " in lines[index]
    assert lines[len(ENDINGS)].startswith("ok    ")
    assert "  after  " in lines[len(ENDINGS)]


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


def test_what_a_callable_prints_is_not_in_the_report(invoke: Any) -> None:
    run = invoke("print('noise', flush=True)", "--format", "json")
    assert run.exit_code == 0
    assert json.loads(run.stdout)["summary"]["cases"] == 2
    assert "noise" in run.stderr


def test_a_traceback_is_on_the_screen_where_it_is_asked_for(invoke: Any) -> None:
    run = invoke("{}['missing']", "--debug")
    assert "Traceback of a.toml::bad0 float32" in run.stdout
    assert "bad.py" in run.stdout


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
