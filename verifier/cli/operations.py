"""`verifier operations`: the table of operations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verifier.cli.command import command, say
from verifier.cli.command import page as standard_page
from verifier.cli.options import unknown
from verifier.errors import UsageError

if TYPE_CHECKING:
    from verifier.language.operations.table import Operation


@command
def operations(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Tell all about the operations of this name; * and ? match.",
            show_default="all, a line each",
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="Print as text or json.")
    ] = "text",
) -> int:
    """List the operations that a formula may use, or tell all about some."""
    from verifier.language.operations import table

    if format_ not in ("text", "json"):
        raise UsageError(f"--format: {unknown('format', format_, ('text', 'json'))}")
    rows = list(table.OPERATIONS.values())
    if names:
        chosen = [row for name in names for row in table.matching(name)]
        rows = [row for row in rows if row in chosen]
    if format_ == "json":
        say(_json(rows))
    else:
        say(_details(rows) if names else _list(rows))
    return 0


def _list(rows: Sequence[Operation]) -> str:
    """A line for each operation."""
    from verifier.language.operations.table import CONSTANTS
    from verifier.reports import page

    width, color = standard_page()
    columns = page.columns(width)
    cells = [(_name(row), row.meaning) for row in rows]
    listed = page.table(("name", "meaning"), cells, width=columns, color=color)
    more = "`verifier operations NAME` tells the domain, kinks, aliases and source."
    notes = [f"Constants: {', '.join(CONSTANTS)}", more]
    told = (line for note in notes for line in page.wrapped(note, columns))
    return "\n".join([listed, *told]) + "\n"


def _name(row: Operation) -> str:
    return row.name if row.symbol is None else f"{row.name} ({row.symbol})"


def _details(rows: Sequence[Operation]) -> str:
    """A block for each operation."""
    from verifier.reports import page

    width, color = standard_page()
    columns = page.columns(width)
    parts = [page.block(_call(row), _facts(row), columns) for row in rows]
    return page.printed(page.apart(parts), width=columns, color=color)


def _call(row: Operation) -> str:
    call = f"{row.name}({_operands(row)})"
    return call if row.symbol is None else f"{call}, written {row.symbol}"


def _facts(row: Operation) -> dict[str, str]:
    from verifier.language.kernels.table import PYTORCH

    return {
        "meaning": row.meaning,
        "definition": row.definition or "",
        "domain": " × ".join(_domains(row)),
        "kinks": ", ".join(row.kinks),
        "jumps": ", ".join(row.jumps),
        "poles": ", ".join(row.poles),
        "convention": PYTORCH[row.name].convention or "",
        "aliases": ", ".join(row.aliases),
        "source": row.source,
    }


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
