"""The tables of kernels: by library and version, a row for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from verifier.language.kernels import pytorch
from verifier.language.kernels.kernel import Kernel
from verifier.language.operations.table import OPERATIONS


def by_operation(rows: Iterable[Kernel]) -> dict[str, Kernel]:
    """The rows by the names of their operations."""
    return {row.operation: complete(row) for row in rows}


def complete(row: Kernel) -> Kernel:
    """The row with a place in `backward` for each operand."""
    missing = OPERATIONS[row.operation].arity - len(row.backward)
    if not row.backward or not missing:
        return row
    return replace(row, backward=row.backward + (None,) * missing)


PYTORCH = by_operation(pytorch.ROWS)

LIBRARIES: Mapping[str, Mapping[str, Mapping[str, Kernel]]] = {
    "pytorch": {"2.13": PYTORCH}
}
"""By library and the version from which they hold, oldest first."""


def of(library: str, version: str | None = None) -> Mapping[str, Kernel]:
    """The kernels of a library in a version; by default in the newest that is known."""
    versions = LIBRARIES[library]
    return versions[version or list(versions)[-1]]
