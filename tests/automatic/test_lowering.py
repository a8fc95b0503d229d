"""PyTorch is given the program as written, in the case's dtype and in no other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import texts
from rows import call

from verifier.automatic import lowering
from verifier.automatic.lowering import DTYPES, Lowered
from verifier.floats import FORMATS, nearest
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse, parse_steps

BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def run(
    text: str, dtype: str = "float32", **point: float | list[float]
) -> tuple[Lowered, list[Any]]:
    program = parse_steps(text) if "\n" in text else parse(text)
    lowered = Lowered(program, dtype)
    inputs = {
        name: torch.tensor(
            value if isinstance(value, list) else [value], dtype=DTYPES[dtype]
        )
        for name, value in point.items()
    }
    return lowered, lowered.run(inputs)


def value(text: str, dtype: str = "float32", **point: float) -> float:
    lowered, nodes = run(text, dtype, **point)
    return float(
        torch.as_tensor(nodes[lowered.program.output], dtype=torch.float64).reshape(-1)[
            0
        ]
    )


def tensors(nodes: list[Any]) -> Iterator[torch.Tensor]:
    return (node for node in nodes if isinstance(node, torch.Tensor))


# ── dtypes ────────────────────────────────────────────────────────────────────────────


@BOTH
@pytest.mark.parametrize(
    "text", ["0.1", "1/3", "2**-0.5 * 1", "1e-5", "(0.1 + 0.2)*3", "-(1/7)"]
)
def test_a_constant_reaches_pytorch_in_the_dtype(text: str, dtype: str) -> None:
    """A float32 constant in a float64 run would be off by 10⁻⁹ relative."""
    exact = {
        "0.1": Fraction(1, 10),
        "1/3": Fraction(1, 3),
        "1e-5": Fraction(1, 100000),
        "(0.1 + 0.2)*3": Fraction(9, 10),
        "-(1/7)": Fraction(-1, 7),
    }
    found = value(f"x * ({text})", dtype, x=1.0)
    if text in exact:
        assert found == nearest(exact[text], FORMATS[dtype])
    else:
        assert abs(found - 2**-0.5) < 2.0 ** (2 - FORMATS[dtype].precision_bits)


@BOTH
@pytest.mark.parametrize("name", ["pi", "e"])
def test_a_named_constant_is_rounded_to_the_dtype(name: str, dtype: str) -> None:
    # DLMF 3.12.1 and 4.2.11.
    digits = {
        "pi": "3.14159265358979323846264338327950288",
        "e": "2.71828182845904523536028747135266250",
    }
    assert value(f"x * {name}", dtype, x=1.0) == nearest(
        Fraction(digits[name]), FORMATS[dtype]
    )


@BOTH
@pytest.mark.parametrize(
    "row",
    [row for row in operations.OPERATIONS.values() if not PYTORCH[row.name].absent],
    ids=lambda row: row.name,
)
def test_no_operation_leaves_the_dtype(row: operations.Operation, dtype: str) -> None:
    """Neither on tensors, nor on a tensor and a number, nor on constants alone."""
    if row.name == "where":
        pattern = "where(x < y, {a}, {b})"
    elif row.sorts[0] is operations.Sort.CONDITION:
        inner = (
            f" {row.symbol} ".join(["{a} < x", "y < {b}"][: row.arity])
            if row.arity == 2
            else "not x < {b}"
        )
        pattern = f"where({inner}, x, y)"
    elif row.result is operations.Sort.CONDITION:
        pattern = f"where({{a}} {row.symbol} {{b}}, x, y)"
    else:
        pattern = call(row, ("{a}", "{b}", "{c}"))
    pairs = (
        ("x", "y"),
        ("x", "0.3"),
        ("0.4", "y"),
        ("0.4", "0.3"),
        ("pi/4", "x"),
        ("0.5/y", "1/3"),
    )
    thirds = ("y*y", "0.7", "pi") if "{c}" in pattern else ("",)
    for (a, b), c in itertools.product(pairs, thirds):
        text = pattern.format(a=a, b=b, c=c) + " + 0*x*y"
        _, nodes = run(text, dtype, x=0.5, y=0.75)
        found = {tensor.dtype for tensor in tensors(nodes)} - {torch.bool}
        assert found == {DTYPES[dtype]}, (a, b, c)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(texts(leaves=8), st.sampled_from(["float32", "float64"]))
def test_every_node_of_a_random_program_has_the_dtype(text: str, dtype: str) -> None:
    _, nodes = run(text + " + 0*x*y", dtype, x=0.5, y=0.75)
    assert {tensor.dtype for tensor in tensors(nodes)} - {torch.bool} == {DTYPES[dtype]}


def test_pytorchs_default_dtype_changes_nothing() -> None:
    before = torch.get_default_dtype()
    text = "x*0.1 + pi/3 + max(x, 1/3) + where(x > 0.2, 0.7, 0.9) + sqrt(2)"
    expected = [value(text, dtype, x=0.3) for dtype in ("float32", "float64")]
    try:
        torch.set_default_dtype(torch.float64)
        assert [
            value(text, dtype, x=0.3) for dtype in ("float32", "float64")
        ] == expected
    finally:
        torch.set_default_dtype(before)


# ── as written ────────────────────────────────────────────────────────────────────────


def test_the_program_runs_as_it_is_written() -> None:
    """In float32 the order of operations shows: (x + 2²⁵) − 2²⁵ loses x, x + (2²⁵ −
    2²⁵) does not."""
    assert value("(x + y) - y", x=1.0, y=2.0**25) == 0.0
    assert value("x + (y - y)", x=1.0, y=2.0**25) == 1.0
    assert value("(x * y) / y", x=3.0, y=2.0**127) == float("inf")


def test_a_number_over_a_tensor_is_pytorchs_own_quotient() -> None:
    for n in range(1, 200):
        x = torch.tensor([float(n)], dtype=torch.float32)
        assert value("3/x", x=float(n)) == float((3 / x).item())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where(x < 2 and y > 0, 1, 2)*x", 1.0),
        ("where(x > 2 or y > 9, 1, 2)*x", 2.0),
        ("where(not x > 2, 3, 4)*x", 3.0),
        ("where(0 < x <= 1 < y, 5, 6)*x", 5.0),
        ("where(x == 1, 7, 8)*x", 7.0),
        ("where(x != 1, 7, 8)*x", 8.0),
        ("max(x, y, 2)", 3.0),
        ("min(x, y, 2)", 1.0),
        ("atan2(y - 3, x)", 0.0),
        ("hypot(x + 2, y + 1)", 5.0),
        ("polygamma(0, x) - digamma(x)", 0.0),
        ("2**y", 8.0),
        ("x - y", -2.0),
        ("y / 2", 1.5),
        ("relu(x - y)", 0.0),
        ("sign(x - y)", -1.0),
        ("floor(x - y/2)", -1.0),
        ("ceil(x - y/2)", 0.0),
        ("floor(-y)", -3.0),
        ("ceil(y + 1/4)", 4.0),
        ("clamp(x, 2, y)", 2.0),
        ("clamp(5, x, y)", 3.0),
        ("clamp(y, x, 2)", 2.0),
        ("clamp(y, -1, 2)", 2.0),
        ("clamp(x, y, 2)", 2.0),  # its ends crossed, the upper one
    ],
)
def test_operands_keep_their_places(text: str, expected: float) -> None:
    assert value(text + " + 0*x*y", x=1.0, y=3.0) == expected


def test_all_points_are_computed_in_one_batch() -> None:
    lowered, nodes = run("x*x + 1", x=[1.0, 2.0, 3.0])
    assert nodes[lowered.program.output].tolist() == [2.0, 5.0, 10.0]


def test_a_step_keeps_its_name() -> None:
    lowered, nodes = run("b = 1/x\nc = cbrt(b)\nd = b*c", x=8.0)
    assert nodes[lowered.program.steps["b"]].item() == 0.125
    assert nodes[lowered.program.steps["c"]].item() == pytest.approx(0.5, rel=1e-6)


def test_each_operation_is_pytorchs_own_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row is looked up in the table when it runs, so that a fault planted there is a
    fault of PyTorch's."""
    monkeypatch.setitem(lowering.OPERATIONS, "sin", torch.cos)
    assert value("sin(x)", x=0.0) == 1.0


def test_a_composition_is_not_lowered_as_itself() -> None:
    lowered, _ = run("sec(x) + cbrt(x) + coth(x)", x=1.0)
    used = {node.operation for node in lowered.program.nodes}
    assert all(PYTORCH[name].function for name in used - {"variable", "constant"})


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_number_beside_a_16_bit_tensor_is_not_rounded_to_its_dtype(
    dtype: str,
) -> None:
    """PyTorch's kernels compute in float32 and round once: a user's `x * 0.1` is off by
    half an ulp at most."""
    points = torch.arange(1, 513, dtype=torch.float32).to(DTYPES[dtype])
    lowered = Lowered(parse("x * 0.1"), dtype)
    found = lowered.run({"x": points})[lowered.program.output]
    assert torch.equal(found, points * 0.1)
    exact = [
        nearest(Fraction(x) / 10, FORMATS[dtype])
        for x in points.to(torch.float64).tolist()
    ]
    assert found.to(torch.float64).tolist() == exact
