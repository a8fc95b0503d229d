"""The tables of kernels: by library and version, a row for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from verifier import releases
from verifier.language.kernels import pytorch
from verifier.language.kernels.kernel import Kernel
from verifier.language.operations.table import OPERATIONS


def by_operation(rows: Iterable[Kernel]) -> dict[str, Kernel]:
    """The rows by the names of their operations."""
    return {row.operation: complete(row) for row in rows}


def holds(row: Kernel, version: str) -> bool:
    """Whether the row is that of a version of its library."""
    return row.releases is None or releases.holds(row.releases, version)


def complete(row: Kernel) -> Kernel:
    """The row with a place in `backward` for each operand."""
    missing = OPERATIONS[row.operation].arity - len(row.backward)
    if not row.backward or not missing:
        return row
    return replace(row, backward=row.backward + (None,) * missing)


LIBRARIES: Mapping[str, tuple[Kernel, ...]] = {"pytorch": pytorch.ROWS}
"""The rows of all releases of a library."""
DISTRIBUTIONS = {"pytorch": "torch"}
"""What installs a library."""


@cache
def of(library: str, version: str | None = None) -> Mapping[str, Kernel]:
    """The kernels of a library in a version; by default in the one that is
    installed."""
    known = version or releases.installed(DISTRIBUTIONS[library])
    return by_operation(row for row in LIBRARIES[library] if holds(row, known))


PYTORCH = of("pytorch")
"""The kernels of the PyTorch that is installed."""
