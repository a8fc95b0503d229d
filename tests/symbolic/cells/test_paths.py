"""Comparisons that rounding may turn, of a program written by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from cell_programs import Builder

from verifier.floats import BFLOAT16
from verifier.language.cells import CellProgram, Decision, SourceLine
from verifier.rounded import nearest
from verifier.symbolic.cells.paths import hanging

LINE = SourceLine(file="kernel.py", line=7)


def program(offset: float) -> CellProgram:
    """x·y < z at three entries, of which the second is `offset` from equal."""
    x = nearest(np.array([1.1, 1.3, 1.7]), BFLOAT16)
    b = Builder()
    cell = b.input("x", x)
    unused = b.input("w", np.ones(3))
    product = b.row("mul", cell, b.constant(np.full(3, 1.703125)))
    limit = b.constant(np.array([9.0, 1.703125 * x[1] + offset, 0.0]))
    made = b.program({"output": b.row("add", product, unused)})
    decision = Decision(
        kind="lt",
        left=product,
        right=limit,
        outcome=np.array([True, False, False]),
        source=LINE,
    )
    return replace(made, decisions=(decision,))


def test_what_rounding_may_turn_is_named_with_its_entries() -> None:
    found = hanging(program(2.0**-9), "bfloat16")
    assert found is not None
    assert (found.count, found.kind, found.source) == (1, "lt", LINE)
    assert found.inputs["x"].tolist() == [False, True, False]
    assert not found.inputs["w"].any()
    assert "`lt` at kernel.py:7 compares 1 pairs" in found.words


def test_what_it_may_not_turn_is_no_matter() -> None:
    assert hanging(program(2.0**-9), "float32") is None
    assert hanging(program(0.5), "bfloat16") is None
    assert hanging(replace(program(0.0), decisions=()), "bfloat16") is None


def test_exact_ties_are_decided_alike() -> None:
    """Inputs that are compared as they are."""
    b = Builder()
    x = b.input("x", np.ones(2))
    decision = Decision(kind="ge", left=x, right=x, outcome=np.ones(2, dtype=bool))
    made = replace(b.program({"output": x}), decisions=(decision,))
    assert hanging(made, "bfloat16") is None
