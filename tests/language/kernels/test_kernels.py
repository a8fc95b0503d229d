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
from verifier.language.programs.parsing import parse_form

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
    ways = [kernel.function, composition_of(row.name), kernel.absent or None]
    assert sum(way is not None for way in ways) == 1
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


TIES = {
    "max": (2.0, 2.0),
    "min": (2.0, 2.0),
    "fmax": (2.0, 2.0),
    "fmin": (2.0, 2.0),
    "clamp_min": (2.0, 2.0),
    "clamp_max": (2.0, 2.0),
    "relu": (0.0,),
    "elu": (0.0,),
    "celu": (0.0,),
    "selu": (0.0,),
    "hardswish": (-3.0,),
    "relu6": (6.0,),
}


@pytest.mark.parametrize("name", TIES)
def test_a_kernel_gives_at_a_kink_what_it_does_in_the_installed_release(
    name: str,
) -> None:
    row, kernel = OPERATIONS[name], PYTORCH[name]
    tensors = [
        torch.tensor([x], dtype=torch.float64, requires_grad=True) for x in TIES[name]
    ]
    parameters = [float(row.defaults[p]) for p in row.parameters]
    result = lowering.OPERATIONS[name](*tensors, *parameters)
    measured = torch.autograd.grad(result, tensors)
    for formula, found in zip(kernel.backward, measured, strict=False):
        assert formula is not None
        lowered = lowering.Lowered(parse_form(formula, row), "float64")
        given = dict(
            zip(row.operands, [*tensors, *map(torch.tensor, parameters)], strict=True)
        )
        given |= {"grad": torch.ones(1, dtype=torch.float64), "result": result}
        expected = lowered.run(given)[lowered.program.output]
        assert found.item() == pytest.approx(expected.item(), rel=1e-15)


@pytest.mark.parametrize(
    ("version", "elu", "tie"),
    [
        ("2.6.0", "exp(x) - 1", "where(x >= y, grad, 0)"),
        ("2.8.0", "expm1(x)", "where(x >= y, grad, 0)"),
        ("2.13.0", "expm1(x)", "where(x >= y, grad, 0)"),
        ("2.14.1", "expm1(x)", "where(x > y, grad, where(x < y, 0, grad / 2))"),
    ],
)  # fmt: skip
def test_a_formula_is_that_of_the_release(version: str, elu: str, tie: str) -> None:
    kernels = of("pytorch", version)
    assert elu in (kernels["elu"].forward or "")
    assert kernels["fmax"].backward[0] == tie
