"""Formulas of tensors of whatever shapes they take."""

from __future__ import annotations

import pytest
import torch

from verifier.automatic.array_formulas import as_defined, as_pytorch
from verifier.automatic.faults import FaultError


def test_a_formula_is_read_at_the_shapes_of_its_tensors() -> None:
    for make in (as_pytorch, as_defined):
        formula = make("sum(x, axis=0) + b", ["b", "x"], in_steps=False)
        for rows in (1, 3):
            result = formula(torch.ones(2), torch.ones(rows, 2))
            assert result.tolist() == [rows + 1] * 2


def test_shapes_that_do_not_fit_are_a_fault() -> None:
    formula = as_pytorch("y = x @ x\nz = 2*y", ["x"], in_steps=True)
    assert formula(torch.ones(2, 2)).tolist() == [[4, 4], [4, 4]]
    with pytest.raises(FaultError, match="the inner sizes are 3 and 2"):
        formula(torch.ones(2, 3))
