"""An operation with a definition is added by its row and its kernel; nothing else in
the package names it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from typer.testing import CliRunner

import verifier
from verifier.cli.main import app
from verifier.language.kernels.kernel import Kernel
from verifier.language.kernels.table import PYTORCH, complete
from verifier.language.operations.operation import Operation
from verifier.language.operations.table import OPERATIONS
from verifier.records import Verdict

SQUAREPLUS = Operation(
    "squareplus",
    ("x", "b"),
    "(x + √(x² + b)) / 2",
    "arXiv:2112.11687",
    definition="(x + sqrt(x*x + b)) / 2",
    parameters={"b": "4"},
)
"""PyTorch has no such function: it is given the definition."""

GATE = Operation(
    "gate",
    ("x",),
    "1 / (1 + e⁻ˣ), as another function of PyTorch's has it",
    "torch.special.expit",
    definition="1 / (1 + exp(-x))",
)
GATE_KERNEL = Kernel("gate", "torch.special.expit", ("grad * ((1 - result) * result)",))

CASES = """
[[case]]
name = "squareplus"
expression = "squareplus(x, b=9) * gate(y)"
at = { x = 4, y = 0 }
expect = { value = 2.25, gradient = { x = 0.45 } }
dtype = ["float64"]
"""


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two more rows of the table, and their kernels, while a test runs."""
    for row, kernel in ((SQUAREPLUS, Kernel("squareplus")), (GATE, GATE_KERNEL)):
        monkeypatch.setitem(OPERATIONS, row.name, row)
        monkeypatch.setitem(PYTORCH, row.name, complete(kernel))


@pytest.mark.parametrize("route", ["reverse", "forward", "func", "vmap"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    "text", ["squareplus(x)", "gate(x)", "gate(x) * squareplus(y)"]
)
def test_an_added_operation_is_verified(text: str, dtype: str, route: str) -> None:
    names = [name for name in "xy" if name in text]
    points = [dict.fromkeys(names, value) for value in ("1/2", "3", "-2")]
    run = verifier.verify(text, at=points, dtype=dtype, routes=[route])
    assert run.ok
    (result,) = run.results
    assert result.verdict.family == "match"
    assert result.derivations >= 2  # SymPy's, and the power series


def test_its_second_derivative_is_verified() -> None:
    run = verifier.verify("gate(x) * squareplus(x, 1)", at={"x": 0.75}, order=2)
    assert run.ok


def test_its_limits_are_taken() -> None:
    """0/0, which only an expansion of the definition decides."""
    run = verifier.verify("(gate(x) - 1/2) / x", at={"x": 0.0}, dtype="float64")
    values = [c for c in run.results[0].comparisons if c.quantity == "value"]
    assert [c.true for c in values] == ["0.25"]


def test_a_case_of_it_is_run_and_explained_and_it_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "cases.toml"
    path.write_text(CASES, encoding="utf-8")
    runner = CliRunner()
    run = runner.invoke(app, ["run", str(path)])
    assert run.exit_code == 0, run.output
    told = runner.invoke(app, ["explain", f"{path}::squareplus"])
    assert told.exit_code == 0, told.output
    assert "squareplus" in told.output
    listed = runner.invoke(app, ["operations", "--format", "json"])
    assert '"squareplus"' in listed.output


@pytest.mark.parametrize(
    "kernel",
    [
        dataclasses.replace(GATE_KERNEL, function="torch.tanh"),
        dataclasses.replace(GATE_KERNEL, function="torch.square"),
    ],
    ids=["tanh", "square"],
)
def test_a_kernel_that_names_another_function_is_found_out(
    monkeypatch: pytest.MonkeyPatch, kernel: Kernel
) -> None:
    from verifier.automatic import lowering

    monkeypatch.delitem(lowering.OPERATIONS, "gate", raising=False)
    monkeypatch.setitem(PYTORCH, "gate", complete(kernel))
    (result, *_) = verifier.verify("gate(x)", at={"x": 0.75}).results
    assert result.verdict is Verdict.DIFFER_WRONG
    monkeypatch.delitem(lowering.OPERATIONS, "gate", raising=False)


def test_no_module_of_the_package_names_it() -> None:
    folder = Path(verifier.__file__).parent
    for path in folder.rglob("*.py"):
        assert "squareplus" not in path.read_text(encoding="utf-8"), path
