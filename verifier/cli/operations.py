"""`verifier operations`: the table of operations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verifier.cli.command import command, page, say
from verifier.cli.options import unknown
from verifier.errors import UsageError

if TYPE_CHECKING:
    from verifier.language.operations.table import Operation

HEADERS = (
    "name",
    "operands",
    "meaning",
    "domain",
    "kinks and poles",
    "convention",
    "aliases",
    "source",
)


@command
def operations(
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text or json.")
    ] = "text",
) -> int:
    """List the operations that an expression may use."""
    from verifier.language.operations.table import OPERATIONS

    formats = {"text": _text, "json": _json}
    if format_ not in formats:
        raise UsageError(f"--format: {unknown('format', format_, formats)}")
    say(formats[format_](list(OPERATIONS.values())))
    return 0


def _text(rows: Sequence[Operation]) -> str:
    from verifier.language.kernels.table import PYTORCH
    from verifier.language.operations.table import CONSTANTS
    from verifier.reports.page import table

    cells = [
        [
            row.name if row.symbol is None else f"{row.name} ({row.symbol})",
            _operands(row),
            row.meaning,
            " × ".join(_domains(row)),
            ", ".join((*row.kinks, *row.jumps, *row.poles)),
            PYTORCH[row.name].convention or "",
            ", ".join(row.aliases),
            row.source,
        ]
        for row in rows
    ]
    width, color = page()
    listed = table(HEADERS, cells, width=width, color=color)
    return f"{listed}\nConstants: {', '.join(CONSTANTS)}\n"


def _operands(row: Operation) -> str:
    """As they are written in a call; a parameter, which takes a number, with its
    default."""
    defaults = row.defaults
    written = (
        f"{name} = {defaults[name]}" if name in defaults else name
        for name in row.operands
    )
    return ", ".join(written)


def _domains(row: Operation) -> list[str]:
    """The domain of each operand that is a tensor of numbers."""
    from verifier.language.operations.table import Sort

    named = zip(row.operands, row.sorts, strict=True)
    numbers = (name for name, sort in named if sort is Sort.NUMBER)
    return [
        str(interval)
        for name, interval in zip(numbers, row.domain, strict=True)
        if name not in row.parameters
    ]


def _json(rows: Sequence[Operation]) -> str:
    return f"{json.dumps(list(map(_row, rows)), indent=2)}\n"


def _row(row: Operation) -> dict[str, Any]:
    from verifier.language.kernels.compositions import composition_of
    from verifier.language.kernels.table import PYTORCH

    return {
        "name": row.name,
        "symbol": row.symbol,
        "operands": row.operands,
        "meaning": row.meaning,
        "domain": [str(interval) for interval in row.domain],
        "kinks": row.kinks,
        "jumps": row.jumps,
        "poles": row.poles,
        "convention": PYTORCH[row.name].convention,
        "parameters": row.parameters,
        "composition": composition_of(row.name),
        "definition": row.definition,
        "complex": row.holomorphic,
        "aliases": row.aliases,
        "source": row.source,
    }
