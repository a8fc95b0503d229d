"""PyTorch's own numbers at every node, and what each operation alone hands back."""

from __future__ import annotations

import math

import pytest
import torch

from verifier.automatic import lowering
from verifier.automatic.tracing import trace
from verifier.language.programs.parsing import parse, parse_steps
from verifier.language.programs.program import Program


def node(program: Program, operation: str) -> int:
    return next(i for i, n in enumerate(program.nodes) if n.operation == operation)


def test_the_notebook_is_traced_forward_and_backward() -> None:
    program = parse_steps("b = a + 2\ny = b * 3\nloss = (y - 290)**2")
    found = trace(program, {"a": 100.0}, 1.0, dtype="float32")
    steps = program.steps
    assert [found.values[i] for i in steps.values()] == [102, 306, 256]
    assert [found.adjoints[i] for i in steps.values()] == [96, 32, 1]
    assert found.adjoints[node(program, "variable")] == 96
    assert found.products[steps["loss"]] == (32, None)
    assert found.failure is None


def test_a_repeated_operand_gets_a_product_for_each_use() -> None:
    program = parse("x*x")
    found = trace(program, {"x": 3.0}, 1.0, dtype="float64")
    assert found.products[-1] == (3, 3)
    assert found.adjoints[node(program, "variable")] == 6


def test_numbers_are_those_of_the_dtype_exactly() -> None:
    program = parse("x + 0.1")
    found = trace(program, {"x": 1.0}, 1.0, dtype="bfloat16")
    assert found.values[node(program, "constant")] == 0.10009765625
    assert found.values[-1] == 1.1015625


def test_conditions_are_ones_and_zeros() -> None:
    program = parse("where(x > 0, x, -x)")
    found = trace(program, {"x": -2.0}, 1.0, dtype="float32")
    assert found.values[node(program, "gt")] == 0.0
    assert found.adjoints[node(program, "gt")] is None
    assert found.products[-1] == (None, 0, 1)


def test_the_sum_of_products_is_the_adjoint_of_the_run() -> None:
    program = parse("exp(x)*sin(x) + x/y")
    found = trace(program, {"x": 0.7, "y": 3.1}, 0.3, dtype="float64")
    for index in range(len(program.nodes) - 1):
        handed = [
            part
            for n, parts in zip(program.nodes, found.products, strict=True)
            for argument, part in zip(n.arguments, parts, strict=True)
            if argument == index and part is not None
        ]
        if handed:
            assert found.adjoints[index] == pytest.approx(sum(handed), rel=1e-15)


def test_a_masked_branch_hands_back_nan() -> None:
    program = parse("where(x > 0, sqrt(x), 0)")
    found = trace(program, {"x": -1.0}, 1.0, dtype="float32")
    root = node(program, "sqrt")
    assert found.adjoints[root] == 0
    (handed,) = found.products[root]
    assert handed is not None
    assert math.isnan(handed)


def test_a_batch_gives_the_number_of_its_first_copy() -> None:
    one = trace(parse("x*x"), {"x": 3.0}, 1.0, dtype="float32")
    many = trace(parse("x*x"), {"x": 3.0}, 1.0, dtype="float32", batch=64)
    assert one == many


def test_an_exception_becomes_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("not today\nnor tomorrow")

    monkeypatch.setitem(lowering.OPERATIONS, "tanh", refuse)
    program = parse("tanh(x)")
    found = trace(program, {"x": 1.0}, 1.0, dtype="float32")
    assert found.failure == "RuntimeError: not today"
    assert found.values == ()


def test_a_program_without_inputs_fails_as_pytorch_does() -> None:
    program = parse("sin(2)")
    found = trace(program, {}, 1.0, dtype="float32")
    assert found.failure is not None
