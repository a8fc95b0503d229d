"""What is true of a trial is held to witnesses, and to what PyTorch ran."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

import verifier
from verifier.records import Result, Verdict
from verifier.symbolic.cells import rules


def one(run: verifier.Run) -> Result:
    (result,) = run.results
    return result


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_as_many_derivations_are_told_as_spoke() -> None:
    assert one(verifier.check(torch.sin, numbers(3))).derivations == 3
    large = one(verifier.check(functional.softmax, numbers(20, 20), -1))
    assert large.derivations == 2


def test_a_derivation_that_stands_alone_leaves_the_verdict_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = rules.partial

    def wrong(operation: str, operand: int, exponent: Any = None) -> Any:
        return right("cos" if operation == "sin" else operation, operand, exponent)

    monkeypatch.setattr(rules, "partial", wrong)
    result = one(verifier.check(torch.sin, numbers(3)))
    assert result.verdict is Verdict.UNDECIDED_ORACLE
    assert result.message is not None
    assert "reverse mode over the operations stands alone" in result.message


def test_a_backward_that_is_recorded_otherwise_leaves_the_truth_alone() -> None:
    # hardsigmoid's backward has a sixth of float32 in every dtype, float64 too.
    x = torch.tensor([0.5, -1.25, 2.0])
    low = one(verifier.check(functional.hardsigmoid, x, dtype="float32"))
    assert low.as_expected
    assert any("hardsigmoid_backward" in note for note in low.notes)
    high = one(verifier.check(functional.hardsigmoid, x, dtype="float64"))
    assert high.verdict is Verdict.DIFFER_INACCURATE
