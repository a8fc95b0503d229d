"""`torch.compile`: that what is measured was compiled, and what is said where it cannot
be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from places import ROOT
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.utils import counters

import verifier
from verifier.automatic import compiled, routes
from verifier.automatic.compiled import CompileError
from verifier.automatic.subjects import SubjectError
from verifier.errors import UsageError
from verifier.language.casefile.loading import from_mapping
from verifier.language.programs.parsing import parse
from verifier.measurements import Batch, Measurement
from verifier.records import Result
from verifier.running.plan import plan
from verifier.running.run import execute

AOT_EAGER = "compile-aot_eager"
POINTS = [{"x": 0.5}, {"x": 2.0}]


def runner(subject: Any, route: str = AOT_EAGER) -> routes.Runner:
    return routes.Runner(subject, dtype="float32", wrt=("x",), route=route)


def measure(
    function: Callable[..., Any], points: Sequence[dict[str, float]] = POINTS
) -> Measurement:
    subject = routes.Subject(function=function, inputs=("x",))
    return runner(subject).measure(Batch.of(points, 1.0))


def verdict(function: Callable[..., Any], expression: str, **keys: Any) -> Result:
    usual = {"at": {"x": 0.5}, "dtype": "float32", "routes": AOT_EAGER}
    run = verifier.check(function, expression=expression, **usual | keys)
    return run.results[0]


def graphs() -> int:
    return int(counters["stats"]["unique_graphs"])


# ── it ran compiled ───────────────────────────────────────────────────────────────────


def _miscompiling(graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> Any:
    """A backend in which every sine comes out as a cosine."""

    def compile_(module: torch.fx.GraphModule, _: Sequence[Any]) -> Any:
        for node in module.graph.nodes:
            if node.target is torch.ops.aten.sin.default:
                node.target = torch.ops.aten.cos.default
        module.recompile()
        return module

    return aot_autograd(fw_compiler=compile_)(graph, inputs)


@pytest.mark.parametrize("made", ["program", "callable"])
def test_a_fault_of_the_compilers_is_found(
    made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(compiled.BACKENDS, AOT_EAGER, _miscompiling)
    if made == "callable":
        run = verifier.check(
            torch.sin,
            expression="sin(x)",
            at={"x": 0.5},
            dtype="float32",
            routes=["reverse", AOT_EAGER],
        )
    else:
        run = verifier.verify(
            "sin(x)", at={"x": 0.5}, dtype="float32", routes=["reverse", AOT_EAGER]
        )
    eager, faulty = run.results
    assert eager.verdict.family == "match"
    assert faulty.verdict.value == "differ.wrong"
    (told,) = run.record.disagreements
    assert told.routes == ("reverse", AOT_EAGER)


@pytest.mark.parametrize("route", [AOT_EAGER, "compile-inductor"])
def test_the_gradient_flows_through_compiled_code(
    route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    original = routes.modes.seed

    def spy(output: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
        names.append(type(output.grad_fn).__name__)
        return original(output, upstream)

    monkeypatch.setattr(routes.modes, "seed", spy)
    runner(parse("exp(x)*x"), route).measure(Batch.of(POINTS, 1.0))
    assert names == ["CompiledFunctionBackward"]


def test_each_shape_is_compiled_once() -> None:
    tool = runner(parse("exp(x)*x"))
    before = graphs()
    tool.measure(Batch.of(POINTS, 1.0))
    assert graphs() == before + 1
    tool.measure(Batch.of(POINTS, -2.0))
    tool.measure(Batch.of([{"x": 7.0}, {"x": 8.0}], [1.0, 3.0]))
    assert graphs() == before + 1
    tool.measure(Batch.of(POINTS[:1], 1.0))
    assert graphs() == before + 2


def test_any_number_of_programs_is_compiled() -> None:
    # More than PyTorch recompiles one function before it gives up on it.
    for power in range(2, 16):
        before = graphs()
        found = runner(parse(f"x**{power}")).measure(Batch.of([{"x": 2.0}], 1.0))
        assert found.values == (2.0**power,)
        assert found.gradient == {"x": (power * 2.0 ** (power - 1),)}
        assert graphs() == before + 1


def test_a_callable_that_is_another_each_time_is_never_run_as_it_is() -> None:
    class Counter:
        count = 0

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            self.count += 1
            return x * self.count

    points = [{"x": float(n)} for n in range(1, 40)]
    found = measure(Counter(), points)
    assert found.failure is not None
    assert "recompil" in found.failure.lower()


def test_compiled_code_is_kept_for_a_case() -> None:
    case = from_mapping(
        {"expression": "x*x", "domain": {"x": "[1, 2]"}, "routes": AOT_EAGER}
    )
    before = graphs()
    result = execute(plan([case], dtypes=["float32"])).results[0]
    assert result.verdict.family == "match"
    assert graphs() == before + 1  # for both of the upstream gradients


# ── names ─────────────────────────────────────────────────────────────────────────────


def test_compile_is_the_inductor() -> None:
    case = from_mapping({"expression": "x", "at": {"x": 1}, "routes": "compile"})
    assert case.routes == ("compile-inductor",)
    (task, _) = plan([case], routes=["compile"])
    assert task.route == "compile-inductor"


def test_an_unknown_route_is_refused_with_the_nearest() -> None:
    case = from_mapping({"expression": "x", "at": {"x": 1}})
    with pytest.raises(UsageError, match=r"Did you mean `compile-aot_eager`"):
        plan([case], routes=["compile-aoteager"])


# ── what cannot be compiled ───────────────────────────────────────────────────────────


def test_what_pytorch_cannot_compile_is_unsupported() -> None:
    found = verdict(lambda x: x * x if x > 0 else x, "x*x")
    assert found.verdict.value == "differ.unsupported"
    assert found.message is not None
    assert found.message.startswith("RuntimeError: torch.compile: Unsupported")


def test_a_callables_own_mistake_is_told_as_it_is() -> None:
    found = verdict(lambda x: x * (1 // 0), "x*x")
    assert found.verdict.value == "error.run"
    assert found.message is not None
    assert found.message.startswith("ZeroDivisionError")


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(SubjectError, match="expected the subject to return a tensor"):
        measure(lambda x: 3)


def test_a_compiler_that_is_switched_off_is_no_route(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def message() -> str:
        run = verifier.verify("x*x", at={"x": 1}, dtype="float32", routes=AOT_EAGER)
        assert run.results[0].verdict.value == "error.run"
        return str(run.results[0].message)

    with torch._dynamo.config.patch(disable=True):
        assert "found it switched off" in message()
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    assert "found it switched off" in message()


def test_a_run_that_was_not_compiled_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    with pytest.raises(CompileError, match="nothing was compiled"):
        runner(parse("x*x")).measure(Batch.of(POINTS, 1.0))


def test_a_program_too_large_to_compile_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "LARGEST_PROGRAM", 3)
    assert runner(parse("x*x")).measure(Batch.of(POINTS, 1.0)).failure is None
    with pytest.raises(CompileError, match="at most 3 operations to compile, found 4"):
        runner(parse("x*x*x*x"))


@pytest.fixture
def without_compiler(tmp_path: Path) -> dict[str, str]:
    """An environment in which no C++ compiler is found, nor code that one made
    before."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    return {
        **os.environ,
        "PATH": str(folder),
        "CXX": "no-such-compiler",
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
    }


def test_a_missing_compiler_is_told_as_such(
    without_compiler: dict[str, str],
) -> None:
    script = (
        "import verifier\n"
        "run = verifier.verify('x*x', at={'x': 1}, dtype='float32', routes='compile')\n"
        "print(run.results[0].verdict, run.results[0].message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=without_compiler,
    )
    assert done.stdout == (
        "error.run CompileError: expected a C++ compiler for the route `compile-inductor`, found none. "
        "Install g++ or clang++, or name one in the environment variable CXX.\n"
    )


# ── the inductor's own arithmetic ─────────────────────────────────────────────────────


def test_fewer_roundings_are_a_match() -> None:
    run = verifier.verify(
        "exp(sin(x)*y)/y",
        domain={"x": "[-3, 3]", "y": "[1, 3]"},
        points=16,
        dtype="bfloat16",
        routes=["reverse", "compile"],
    )
    eager, fused = run.results
    assert eager.verdict.family == fused.verdict.family == "match"
    assert eager.max_error_ulp is not None
    assert fused.max_error_ulp is not None
    assert fused.max_error_ulp < eager.max_error_ulp


def test_a_wrong_backward_is_found_in_compiled_code() -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad * ctx.saved_tensors[0] * 1.999

    found = verdict(Square.apply, "x*x")
    assert found.verdict.value == "differ.wrong"
