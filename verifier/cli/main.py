"""The command line: arguments in, reports and an exit code out.

Nothing heavy is imported until a command needs it, so that `verifier --help` is there
at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from verifier.cli.check import check
from verifier.cli.command import say
from verifier.cli.compare import compare
from verifier.cli.explain import explain
from verifier.cli.help import help_
from verifier.cli.import_formulas import imports
from verifier.cli.operations import operations
from verifier.cli.run import run
from verifier.cli.schema import schema
from verifier.cli.survey import survey

GROUPS = {
    "Verify": {
        "run": "verifier run cases/notebook.toml --dtype float32",
        "check": "verifier check mylib.kernels:rms_norm --reference mylib.plain:rms_norm --shape x=64x256",
        "explain": "verifier explain cases/notebook.toml::example-two",
        "compare": "verifier compare old.json new.json",
        "survey": "verifier survey --operation softsign --dtype bfloat16",
    },
    "Write case files": {
        "operations": "verifier operations",
        "import": "verifier import csv formulas.csv -o cases/formulas.toml",
        "schema": "verifier schema case",
    },
    "Read on": {
        "help": "verifier help verdicts",
    },
}
"""The commands as `--help` groups them, each with an example."""


class _Commands(TyperGroup):
    """The commands in groups, each with what it does and an example."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(len(name) for examples in GROUPS.values() for name in examples)
        for group, examples in GROUPS.items():
            rows = []
            for name, example in examples.items():
                command = self.get_command(ctx, name)
                assert command is not None
                rows += [(name.ljust(width), command.help or ""), ("", example)]
            with formatter.section(group):
                formatter.write_dl(rows)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Is the gradient that PyTorch computes the true one?",
    epilog="Exit codes: 0 all as expected; 1 something is not; 2 usage; 3 nothing is wrong, but something could not be "
    "judged; 130 interrupted.\n\nThe manual: `verifier help` lists its topics, `verifier COMMAND --help` the options "
    "of a command.",
)
TOPICS = {
    "run": "run",
    "check": "kernels",
    "explain": "explain",
    "compare": "baselines",
    "survey": "survey",
    "operations": "operations",
    "import": "importers",
    "schema": "case-files",
}
"""The page of the manual to which the help of a command leads."""


def _read_on(command: str) -> str:
    return f"Read on: `verifier help {TOPICS[command]}`."


for _function in (run, check, explain, compare, survey, operations, schema):
    app.command(epilog=_read_on(_function.__name__))(_function)
app.command("help")(help_)
app.add_typer(imports, name="import", epilog=_read_on("import"))


def main() -> None:
    """Runs the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is spelled out, and never the end of the
        # run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    from verifier.reports.outcome import UNUSABLE

    with _guarded_exit():
        app()
        raise SystemExit(UNUSABLE)  # not reached, unless a callable replaced `sys.exit`


@contextmanager
def _guarded_exit() -> Iterator[None]:
    """`os._exit`, wherever a callable has put it (in `atexit`, in a thread), ends this
    process with no better code."""
    from verifier.reports.outcome import UNUSABLE

    leave, owner = os._exit, os.getpid()
    code = UNUSABLE

    def leave_no_better(status: int = 0) -> NoReturn:
        leave(status or code if os.getpid() == owner else status)

    os._exit = leave_no_better
    try:
        yield
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        raise


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib import metadata

    try:
        version = metadata.version("gradient-verifier")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    say(f"verifier {version}\n")
    raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    del version
