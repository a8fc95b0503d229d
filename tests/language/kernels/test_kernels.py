"""The tables of kernels: complete, and true of the library."""

from __future__ import annotations

import pytest
import torch
from rows import having, named, points_of
from witnesses import WITNESS

from verifier.automatic import lowering
from verifier.language.kernels.compositions import composition_of
from verifier.language.kernels.table import LIBRARIES, PYTORCH, of
from verifier.language.operations.table import OPERATIONS, Operation, Sort

ROWS = list(OPERATIONS.values())


def test_every_operation_has_a_kernel_in_every_library() -> None:
    for versions in LIBRARIES.values():
        for kernels in versions.values():
            assert list(kernels) == list(OPERATIONS)


def test_a_table_of_kernels_is_found_by_library_and_version() -> None:
    assert of("pytorch") is of("pytorch", "2.13") is PYTORCH
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
