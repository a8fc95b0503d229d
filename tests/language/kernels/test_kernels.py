"""The tables of kernels: complete, and true of the library."""

from __future__ import annotations

import pytest
import torch
from rows import having, named, points_of
from witnesses import WITNESS

from verifier.automatic import lowering
from verifier.language.kernels.compositions import composition_of
from verifier.language.kernels.table import LIBRARIES, PYTORCH, holds, of
from verifier.language.operations.table import OPERATIONS, Operation, Sort

ROWS = list(OPERATIONS.values())


RELEASES = [f"2.{minor}.{patch}" for minor in range(6, 16) for patch in (0, 1)]


@pytest.mark.parametrize("version", [*RELEASES, "2.15.0.dev20261101+cpu", "unknown"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_every_operation_has_one_kernel_in_every_release(
    library: str, version: str
) -> None:
    rows = [row.operation for row in LIBRARIES[library] if holds(row, version)]
    assert rows == list(of(library, version)) == list(OPERATIONS)


def test_a_table_of_kernels_is_found_by_library_and_version() -> None:
    assert of("pytorch") is PYTORCH == of("pytorch", torch.__version__)
    with pytest.raises(KeyError):
        of("jax")


@named(ROWS)
def test_a_kernel_is_one_function_or_a_composition(row: Operation) -> None:
    kernel = PYTORCH[row.name]
    assert (kernel.function is None) == (composition_of(row.name) is not None)
    if kernel.function is not None:
        assert callable(lowering.OPERATIONS[row.name])
    assert set(kernel.labels) <= row.parameters.keys()


@named(having(lambda row: PYTORCH[row.name].exact and row.result is Sort.NUMBER))
def test_an_exact_kernel_rounds_nothing(row: Operation) -> None:
    kernel = PYTORCH[row.name]
    assert kernel.local_ulp == 0
    if row.sorts[0] is Sort.CONDITION:
        return
    for operands in points_of(row):
        if row.name in ("fmod", "frac") and operands[-1] == 0:
            continue
        given = [torch.tensor(float(x), dtype=torch.float64) for x in operands]
        measured = lowering.OPERATIONS[row.name](*given).item()
        assert measured == WITNESS[row.name](*operands), operands
