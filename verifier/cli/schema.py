"""`verifier schema`: the JSON Schema of a kind of file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from verifier.cli.command import command, say
from verifier.cli.options import unknown
from verifier.errors import UsageError


@command
def schema(
    of: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="The kind of file: case, report (of a run) or survey.",
        ),
    ] = "case",
) -> int:
    """Print the JSON Schema of case files, or of the report of a run or survey."""
    if of not in SCHEMAS:
        raise UsageError(unknown("schema", of, SCHEMAS))
    say(f"{json.dumps(SCHEMAS[of](), indent=2)}\n")
    return 0


def _case() -> dict[str, Any]:
    from verifier.language.casefile import tables

    return tables.schema()


def _report() -> dict[str, Any]:
    from verifier.reports import json

    return json.schema()


def _survey() -> dict[str, Any]:
    from verifier.reports import survey

    return survey.schema()


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "case": _case,
    "report": _report,
    "survey": _survey,
}
"""The schema of each kind of file."""
