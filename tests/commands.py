"""The command `verifier`, called in this process or as one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

from places import ROOT
from typer.testing import CliRunner

from verifier.cli.main import app


def invoke(*arguments: object) -> Any:
    """Calls the command in this process; the result has `exit_code`, `stdout` and
    `stderr`."""
    result = CliRunner().invoke(app, [str(part) for part in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def start(
    *arguments: str,
    code: str = "from verifier.cli.main import main; main()",
    **options: Any,
) -> subprocess.Popen[str]:
    """Starts the command as a process of its own, or other `code`."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    # Where these tests run in the background, Ctrl-C is ignored, which a process
    # inherits.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
            **options,
        )
    finally:
        signal.signal(signal.SIGINT, before)
