"""The table of operations: what each one is, where it is defined, and what PyTorch says of its derivative.

One row an operation, three readings elsewhere (`symbolic.derivative`, `symbolic.balls`, `automatic.lowering`), each a
dictionary keyed by the row's name. Nothing here computes.
"""

from __future__ import annotations

from verifier.language.operations import activations, elementary, losses, special
from verifier.language.operations import remainders as steps
from verifier.language.operations.operation import ELEMENTARY_ULP as ELEMENTARY_ULP
from verifier.language.operations.operation import LINE as LINE
from verifier.language.operations.operation import Interval as Interval
from verifier.language.operations.operation import Operation as Operation
from verifier.language.operations.operation import Sort as Sort
from verifier.language.operations.operation import interval as interval

_ROWS = (
    *elementary.ROWS,
    *steps.ROWS,
    *special.ROWS,
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

HOLOMORPHIC = frozenset(
    "add sub mul div pow neg square reciprocal identity sqrt rsqrt exp exp2 expm1 log log2 log10 log1p "
    "sin cos tan sec csc cot asin acos atan sinh cosh tanh sech csch coth asinh acosh atanh sigmoid".split()
)
"""The rows that are analytic functions of complex operands, away from their cuts and poles."""
ORDERS = {
    "polygamma": (0, 1000),
    "besselj": (-1000, 1000),
    "bessely": (-1000, 1000),
    "besseli": (-1000, 1000),
    "besselk": (-1000, 1000),
}
"""Rows whose first operand is an integer constant: the least and the largest."""

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
