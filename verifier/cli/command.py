"""What every command shares: how it ends, and how it prints."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TextIO

import typer

from verifier.errors import VerifierError

_BROKEN_PIPE = 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1
_P = ParamSpec("_P")


def command(function: Callable[_P, int]) -> Callable[_P, NoReturn]:
    """The command whose exit code `function` returns; the user's mistakes are reported
    without a traceback."""

    @functools.wraps(function)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> NoReturn:
        raise typer.Exit(_exit_code(functools.partial(function, *args, **kwargs)))

    return wrapped


def _exit_code(function: Callable[[], int]) -> int:
    from verifier.reports.outcome import INTERRUPTED, UNUSABLE

    try:
        code = function()
        sys.stdout.flush()
    except VerifierError as error:
        complain(error.told("error: "))
        if error.topics:
            pages = (f"`verifier help {topic}`" for topic in error.topics)
            complain(f"Read on: {', '.join(pages)}.")
        return UNUSABLE
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except SystemExit as error:
        # Only a callable's: of a handler of signals that it left behind, say.
        complain(f"error: the run was ended by `SystemExit({error.code!r})`.")
        return UNUSABLE
    except BrokenPipeError:  # the reader has seen enough (`| head`)
        _discard_output()
        return _BROKEN_PIPE
    except OSError as error:  # the disk is full, say
        _discard_output()
        complain(f"error: expected to write the report, found: {error.strerror}.")
        return UNUSABLE
    return code


def _discard_output() -> None:
    """Let what Python flushes at its end go nowhere, where standard output takes no
    more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str) -> None:
    """Prints a line for the user on standard error."""
    # Text from a case file must not command the terminal.
    shown = "".join(
        c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message
    )
    sys.stderr.write(f"{shown}\n")


def say(text: str, stream: TextIO | None = None) -> None:
    """Prints text, by default on standard output, and flushes it."""
    stream = stream or sys.stdout
    stream.write(text)
    stream.flush()


def page() -> tuple[int | None, bool]:
    """The width of standard output where it is a terminal or COLUMNS gives it, and
    whether it shows colours."""
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        return console.width, not console.no_color and not console.is_dumb_terminal
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else None, False
