"""The table of operations: what each one is, and where it is defined.

One row an operation. How a library computes it stands in the tables of
`language.kernels`; back ends read the row, each by a dictionary from its name to a
function of theirs. Nothing here computes.
"""

from __future__ import annotations

import fnmatch

from verifier.errors import SelectionError, did_you_mean
from verifier.language.operations import (
    activations,
    arithmetic,
    choice,
    elementary,
    families,
    integrals,
    losses,
    remainders,
    special,
)
from verifier.language.operations.operation import LINE as LINE
from verifier.language.operations.operation import Interval as Interval
from verifier.language.operations.operation import Operation as Operation
from verifier.language.operations.operation import Sort as Sort
from verifier.language.operations.operation import interval as interval

_ROWS = (
    *arithmetic.ROWS,
    *elementary.ROWS,
    *choice.ROWS,
    *remainders.ROWS,
    *special.ROWS,
    *integrals.ROWS,
    *families.ROWS,
    *activations.ROWS,
    *losses.ROWS,
)

OPERATIONS = {row.name: row for row in _ROWS}

CONSTANTS = {
    "pi": "pi",
    "e": "e",
    "inf": "inf",
    "Pi": "pi",
    "E": "e",
    "oo": "inf",
    "infinity": "inf",
}
"""Named constants and their aliases."""

_ALIASES = {alias: row for row in _ROWS for alias in row.aliases}
_SYMBOLS = {row.symbol: row for row in _ROWS if row.symbol is not None}

if len(OPERATIONS | _ALIASES) != sum(1 + len(row.aliases) for row in _ROWS):
    raise RuntimeError("two rows of the table share a name or alias")


def find(name: str) -> Operation | None:
    """The row of that name or alias."""
    return OPERATIONS.get(name) or _ALIASES.get(name)


def matching(pattern: str) -> list[Operation]:
    """The rows of which the name or an alias matches a pattern of the shell's (`log*`);
    a name that is none is an error, which suggests the nearest."""
    rows = [
        row
        for row in _ROWS
        if any(fnmatch.fnmatchcase(n, pattern) for n in (row.name, *row.aliases))
    ]
    if not rows:
        hint = did_you_mean(pattern, [*OPERATIONS, *_ALIASES])
        raise SelectionError(
            f"no operation is called `{pattern}`.{hint} `verifier operations` lists them."
        )
    return rows


LEAF = Operation("leaf", (), "a variable or a constant", "")


def row(operation: str) -> Operation:
    """The row of a node's operation; that of a leaf, and of what is no operation of the
    table, has no properties."""
    return OPERATIONS.get(operation, LEAF)


def of_symbol(symbol: str) -> Operation:
    """The row written with an infix or prefix symbol."""
    return _SYMBOLS[symbol]


def known_names() -> list[str]:
    """Every name that an expression may call or use as a constant."""
    names = (name for row in OPERATIONS.values() for name in (row.name, *row.aliases))
    return [*names, *CONSTANTS, "Piecewise"]
