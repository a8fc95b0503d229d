"""The table of operations: what each one is, where it is defined, and what PyTorch says of its derivative.

One row an operation, three readings elsewhere (`symbolic.derivative`, `symbolic.balls`, `automatic.lowering`), each a
dictionary keyed by the row's name. Nothing here computes.
"""

from __future__ import annotations

from verifier.language.operation import LINE as LINE
from verifier.language.operation import Interval as Interval
from verifier.language.operation import Operation as Operation
from verifier.language.operation import Sort as Sort
from verifier.language.operation import interval as interval
from verifier.language.rows import activations, elementary, losses, special

_ROWS = (*elementary.ROWS, *special.ROWS, *activations.ROWS, *losses.ROWS)

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

_NAMES = {alias: row for row in _ROWS for alias in (row.name, *row.aliases)}
_SYMBOLS = {row.symbol: row for row in _ROWS if row.symbol is not None}

if len(_NAMES) != sum(1 + len(row.aliases) for row in _ROWS):
    raise RuntimeError("two rows of the table share a name or alias")


def find(name: str) -> Operation | None:
    """The row of that name or alias."""
    return _NAMES.get(name)


def of_symbol(symbol: str) -> Operation:
    """The row written with an infix or prefix symbol."""
    return _SYMBOLS[symbol]


def known_names() -> list[str]:
    """Every name that an expression may call or use as a constant."""
    return [*_NAMES, *CONSTANTS, "Piecewise"]
