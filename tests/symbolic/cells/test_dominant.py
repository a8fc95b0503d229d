"""Whose rounding dominates, by hand."""

from __future__ import annotations

import math

import pytest

from tests.cell_programs import Builder
from verifier.symbolic.cells.dominant import dominant


def test_the_function_before_a_cancellation_loses_the_digits() -> None:
    b = Builder()
    x = b.input("x", [2.0**-13])
    b.given("output", [1.0])
    result = b.row("div", b.row("sub", b.row("exp", x), 1.0), x)
    program = b.program({"output": result})
    found = dominant(program, int(result[0]), "float32", error=1e-7, everywhere=True)
    assert found is not None
    assert found.operation == "test.exp"
    # The rounding of exp(x) beside exp(x) − 1.
    assert found.growth == pytest.approx(
        math.exp(2.0**-13) / math.expm1(2.0**-13), rel=1e-9
    )


def test_nobody_is_named_where_rounding_does_not_come_to_the_error() -> None:
    b = Builder()
    x = b.input("x", [2.0**-13])
    b.given("output", [1.0])
    result = b.row("sub", b.row("exp", x), 1.0)
    program = b.program({"output": result})
    cell = int(result[0])
    assert dominant(program, cell, "float32", error=1.0, everywhere=True) is None


def test_rounding_that_does_not_grow_is_nobodys_fault() -> None:
    b = Builder()
    x = b.input("x", [0.5])
    b.given("output", [1.0])
    result = b.row("exp", x)
    program = b.program({"output": result})
    cell = int(result[0])
    assert dominant(program, cell, "float32", error=0.0, everywhere=True) is None
