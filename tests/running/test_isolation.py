"""Nothing from outside changes a verdict: the state of the process, what a callable
leaves behind, other threads."""

from __future__ import annotations

import contextlib
import ctypes
import decimal
import io
import os
import random
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import flint
import numpy
import pytest
import sympy
import torch
from backwards import function
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import verifier
from verifier.automatic import settings
from verifier.errors import UsageError
from verifier.records import Result, Verdict
from verifier.running.isolation import isolated

C: Any = ctypes.CDLL(None)
UPWARD, DOWNWARD, TOWARD_ZERO = 0x800, 0x400, 0xC00
"""Of x86-64, as glibc has them."""


def hooks_of_torch() -> Any:
    if settings._SHOWS_HOOKS:
        return torch._C._autograd._top_saved_tensors_default_hooks(True)
    return settings._has_hooks()


def plain(result: Result) -> Result:
    return replace(result, elapsed_s=0.0, stages_s={})


def results(run: verifier.Run) -> list[Result]:
    return [plain(result) for result in run.results]


# ── a dozen tasks ─────────────────────────────────────────────────────────────────────

TASKS: list[dict[str, Any]] = [
    {"expression": "x + y", "at": {"x": "1e-39", "y": "2e-39"}, "dtype": "float32"},
    {"expression": "x * y", "at": {"x": "1e-30", "y": "1e-12"}, "dtype": "float32"},
    {"expression": "x / 3 + y", "at": {"x": "5e-324", "y": "1e-310"}, "dtype": "float64"},
    {"expression": "sin(x)*exp(y)/3", "domain": {"x": "[-3, 3]", "y": "[0, 2]"}, "points": 6, "dtype": "float32"},
    {"expression": "x/(1 + exp(-x))", "domain": {"x": "[-9, 9]"}, "points": 8, "dtype": "float64"},
    {"expression": "log(x)*x**3", "domain": {"x": "(0, 9]"}, "points": 5, "dtype": "bfloat16"},
    {"expression": "sqrt(x**2 + y**2)", "at": {"x": 3, "y": "1/3"}, "dtype": "float16"},
    {"expression": "(exp(x) - 1)/x", "at": {"x": "1e-7"}, "dtype": "float32"},
    {"expression": "abs(x)*y", "at": {"x": 0, "y": 2}, "dtype": "float32"},
    {"expression": "x**3/y", "at": {"x": 2, "y": 3}, "order": 2, "dtype": "float64", "routes": "forward-reverse"},
    {"steps": "b = a + 2\ny = b*3\nloss = (y - 290)**2", "at": {"a": "0.1"}, "dtype": "float32"},
    {"expression": "exp(z)*z", "at": {"z": "1+2j"}, "dtype": "complex64"},
    {"expression": "tanh(x)*y", "at": {"x": 2, "y": 3}, "dtype": "float32", "routes": ["forward", "func", "vmap"]},
    {"expression": "log(x)", "at": {"x": -1}, "dtype": "float32"},
]  # fmt: skip


def swish_gradient(grad: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    s = torch.sigmoid(x)
    return grad * (s + x * s * (1 - s))


def all_of_them() -> list[Result]:
    found = [result for task in TASKS for result in results(verifier.verify(**task))]
    own = function(lambda x: x * torch.sigmoid(x), swish_gradient)
    swish = {"expression": "x/(1 + exp(-x))", "domain": {"x": "[-4, 4]"}, "points": 4}
    return found + results(verifier.check(own, dtype="float32", **swish))


@pytest.fixture(scope="module")
def undisturbed() -> list[Result]:
    return all_of_them()


# ── the state of the process ──────────────────────────────────────────────────────────


class _Passing(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        return found * 1.01 if func is torch.Tensor.mul else found


class _Doubling(TorchDispatchMode):
    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        return found * 2 if func is torch.ops.aten.sin.default else found


@contextmanager
def _put(put: Callable[[Any], object], value: Any, before: Any) -> Iterator[None]:
    put(value)
    try:
        yield
    finally:
        put(before)


@contextmanager
def _default_device(name: str) -> Iterator[None]:
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def _numpy_raises() -> Iterator[None]:
    with numpy.errstate(all="raise"):
        yield


@contextmanager
def _warnings_raise() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


STATES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "denormals flushed": lambda: _put(torch.set_flush_denormal, True, False),
    "rounding up": lambda: _put(C.fesetround, UPWARD, 0),
    "rounding down": lambda: _put(C.fesetround, DOWNWARD, 0),
    "rounding toward zero": lambda: _put(C.fesetround, TOWARD_ZERO, 0),
    "default device meta": lambda: _default_device("meta"),
    "device context meta": lambda: torch.device("meta"),
    "anomaly mode": lambda: torch.autograd.set_detect_anomaly(True),
    "sympy without evaluation": lambda: sympy.evaluate(False),
    "default dtype float64": lambda: _put(
        torch.set_default_dtype, torch.float64, torch.float32
    ),
    "no_grad": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "function mode": _Passing,
    "dispatch mode": _Doubling,
    "saved tensors in half": lambda: torch.autograd.graph.saved_tensors_hooks(
        lambda x: x.to(torch.float16) if x.is_floating_point() else x, lambda x: x
    ),
    "deterministic algorithms": lambda: _put(
        torch.use_deterministic_algorithms, True, False
    ),
    "five threads": lambda: _put(torch.set_num_threads, 5, torch.get_num_threads()),
    "warnings raise": _warnings_raise,
    "numpy raises": _numpy_raises,
    "flint's precision": lambda: _put(
        lambda bits: setattr(flint.ctx, "prec", bits), 7, 53
    ),
    "decimal's precision": lambda: decimal.localcontext(decimal.Context(prec=2)),
    "few digits of an integer": lambda: _put(sys.set_int_max_str_digits, 640, 4300),
}  # fmt: skip


if not settings._SHOWS_HOOKS:
    del STATES["saved tensors in half"]


@pytest.mark.skipif(settings._SHOWS_HOOKS, reason="this PyTorch tells its hooks")
def test_hooks_that_cannot_be_put_aside_are_refused() -> None:
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x)
    with hooks, pytest.raises(UsageError, match="found `saved_tensors_hooks`, which"):
        verifier.verify("x*y", at={"x": 1, "y": 2})


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_the_process_changes_no_result(
    state: str, undisturbed: list[Result]
) -> None:
    with STATES[state]():
        found = all_of_them()
    assert found == undisturbed


def test_a_subnormal_number_is_read_as_it_is_though_denormals_are_flushed() -> None:
    task: dict[str, Any] = {"at": {"x": 5e-324, "y": 2}, "dtype": "float64"}
    alone = results(verifier.verify("x*y", **task))
    with STATES["denormals flushed"]():
        assert results(verifier.verify("x*y", **task)) == alone
    assert alone[0].comparisons[0].point["x"] == "5e-324"


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_the_process_is_there_again_afterwards(state: str) -> None:
    def look() -> tuple[Any, ...]:
        tiny, one = 5e-324, float(len(TASKS) > 0)
        return (
            tiny * 1.0,
            one + 2.0**-60,
            one - 2.0**-60,
            torch.get_default_device(),
            torch.ones(1).device,
            torch.is_anomaly_enabled(),
            sympy.Symbol("x") + sympy.Symbol("x") == 2 * sympy.Symbol("x"),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_num_threads(),
            torch._C._len_torch_function_stack(),
            torch._C._len_torch_dispatch_stack(),
            hooks_of_torch(),
            flint.ctx.prec,
            decimal.getcontext().prec,
            sys.get_int_max_str_digits(),
            numpy.geterr(),
            warnings.filters[0],
        )

    with STATES[state]():
        before = look()
        with isolated():
            pass
        assert look() == before


def _inside_vmap(call: Callable[[], object]) -> None:
    def lane(x: torch.Tensor) -> torch.Tensor:
        call()
        return x

    torch.func.vmap(lane)(torch.ones(3))


def _inside_grad(call: Callable[[], object]) -> None:
    def f(x: torch.Tensor) -> torch.Tensor:
        call()
        return x * 1.0

    torch.func.grad(f)(torch.tensor(1.0))


def _inside_dual_level(call: Callable[[], object]) -> None:
    with torch.autograd.forward_ad.dual_level():
        call()


@pytest.mark.parametrize("inside", [_inside_vmap, _inside_grad, _inside_dual_level])
def test_inside_a_transform_nothing_is_judged(
    inside: Callable[[Callable[[], object]], None],
) -> None:
    with pytest.raises(
        UsageError, match=r"outside of PyTorch's transforms, found .*Move"
    ):
        inside(lambda: verifier.verify("sin(x)", at={"x": 1}))


# ── what a callable leaves behind ─────────────────────────────────────────────────────


class _Left(TorchDispatchMode):
    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


LEAVINGS: dict[str, Callable[[], object]] = {
    "denormals flushed": lambda: torch.set_flush_denormal(True),
    "rounding up": lambda: C.fesetround(UPWARD),
    "default device": lambda: torch.set_default_device("meta"),
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "threads": lambda: torch.set_num_threads(3),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "function mode": lambda: _Passing().__enter__(),
    "dispatch mode": lambda: _Left().__enter__(),
    "level of torch.func": lambda: torch._C._functorch._vmap_increment_nesting(
        3, "error"
    ),
    "dual level": lambda: torch.autograd.forward_ad.enter_dual_level(),
    "stdout": lambda: setattr(sys, "stdout", io.StringIO()),
    "stdout closed": lambda: sys.stdout.close(),
    "stderr": lambda: setattr(sys, "stderr", None),
    "warnings": lambda: warnings.simplefilter("error"),
    "environment": lambda: os.environ.update(OMP_NUM_THREADS="9", HOME="/nowhere"),
    "folder": lambda: os.chdir("/"),
    "random numbers": lambda: (random.seed(7), torch.manual_seed(7), numpy.random.seed(7)),
    "decimal": lambda: decimal.setcontext(decimal.Context(prec=1)),
    "flint": lambda: setattr(flint.ctx, "prec", 2),
    "recursion": lambda: sys.setrecursionlimit(700),
    "digits": lambda: sys.set_int_max_str_digits(640),
    "hooks": lambda: torch.autograd.graph.saved_tensors_hooks(
        lambda x: x, lambda x: x
    ).__enter__(),
}  # fmt: skip


def state() -> tuple[Any, ...]:
    tiny, one = 5e-324, float(len(TASKS) > 0)
    return (
        tiny * 1.0,
        one + 2.0**-60,
        torch.ones(1).device,
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
        torch.autograd.forward_ad._current_level,
        hooks_of_torch(),
        sys.stdin,
        sys.stdout,
        sys.stderr,
        list(warnings.filters),
        dict(os.environ),
        Path.cwd(),
        random.getstate(),
        torch.get_rng_state().tolist(),
        decimal.getcontext().prec,
        flint.ctx.prec,
        sys.getrecursionlimit(),
        sys.get_int_max_str_digits(),
        os._exit,
    )


@pytest.mark.parametrize("leaving", LEAVINGS)
def test_what_a_callable_leaves_behind_ends_with_its_case(leaving: str) -> None:
    def leaves(x: torch.Tensor) -> torch.Tensor:
        LEAVINGS[leaving]()
        return x * x

    before = state()
    run = verifier.check(leaves, 2, expression="x*x", dtype="float32")
    after = state()
    assert [one == two for one, two in zip(before, after, strict=True)] == [True] * len(
        before
    )
    assert len(run.results) == 1
    assert not sys.stdout.closed
    tiny = {"x": "1e-39", "y": "2e-39"}
    assert verifier.verify("x + y", at=tiny, dtype="float32").ok


def test_a_callable_that_prints_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    def prints(x: torch.Tensor) -> torch.Tensor:
        sys.stdout.write("here\n")
        return x * x

    verifier.check(prints, 2, expression="x*x", dtype="float32")
    assert "here" in capsys.readouterr().out


def test_a_random_callable_gets_the_same_verdict_every_time() -> None:
    def noisy(x: torch.Tensor) -> torch.Tensor:
        return x * (1 + torch.rand(()) / 4)

    def verdict() -> list[Result]:
        torch.seed()
        return results(verifier.check(noisy, 2, expression="x", dtype="float32"))

    assert verdict() == verdict()


# ── what a callable raises ────────────────────────────────────────────────────────────


class _Own(BaseException):
    pass


def _exits_in_backward(error: BaseException) -> Callable[..., Any]:
    def leaves(grad: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        raise error

    return function(torch.clone, leaves)


def _exits_in_forward(error: BaseException) -> Callable[..., Any]:
    def function(x: torch.Tensor) -> torch.Tensor:
        raise error

    return function


ERRORS = [
    SystemExit(0), SystemExit(3), SystemExit("text"), KeyboardInterrupt(), GeneratorExit(), _Own("own"),
    StopIteration(), MemoryError(), RecursionError(), AssertionError(),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("make", [_exits_in_forward, _exits_in_backward])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_whatever_a_callable_raises_is_its_cases_error(
    error: BaseException, make: Callable[..., Any], dtype: str
) -> None:
    run = verifier.check(make(error), 2, expression="x", dtype=dtype)
    (result,) = run.results
    assert not run.ok
    assert not run.record.interrupted
    assert result.verdict is Verdict.ERROR_RUN
    assert type(error).__name__ in (result.message or "")
    assert "raised by the subject itself" in (result.message or "")


def test_an_exit_of_the_process_is_an_exception() -> None:
    def leaves(x: torch.Tensor) -> torch.Tensor:
        os._exit(0)

    run = verifier.check(leaves, 2, expression="x", dtype="float32")
    assert run.results[0].verdict is Verdict.ERROR_RUN


def test_a_child_that_a_callable_forks_may_end() -> None:
    def forks(x: torch.Tensor) -> torch.Tensor:
        child = os.fork()
        if not child:
            os._exit(0)
        _, status = os.waitpid(child, 0)
        return x * (1 if status == 0 else 2)

    run = verifier.check(forks, 2, expression="x", dtype="float32")
    assert run.ok


# ── threads ───────────────────────────────────────────────────────────────────────────


def test_verifications_in_threads_give_what_they_give_alone(
    undisturbed: list[Result],
) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda task: results(verifier.verify(**task)), TASKS * 3))
    flat = [result for one in found[: len(TASKS)] for result in one]
    assert flat == undisturbed[: len(flat)]
    assert found[: len(TASKS)] * 3 == found


def test_a_callable_may_verify_something_itself() -> None:
    def asks(x: torch.Tensor) -> torch.Tensor:
        assert verifier.verify("sin(y)", at={"y": 1}, dtype="float32").ok
        return x * x

    assert verifier.check(asks, 2, expression="x*x", dtype="float32").ok


def test_one_verification_waits_for_another() -> None:
    entered, leave = threading.Event(), threading.Event()

    def holds() -> None:
        with isolated():
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=holds)
    other = threading.Thread(target=lambda: verifier.verify("x", at={"x": 1}))
    holder.start()
    assert entered.wait(30)
    other.start()
    other.join(0.3)
    assert other.is_alive()
    leave.set()
    other.join(30)
    holder.join(30)
    assert not other.is_alive()


def test_contexts_close_even_where_one_is_refused() -> None:
    before = state()
    with (
        contextlib.suppress(UsageError),
        torch.autograd.forward_ad.dual_level(),
        isolated(),
    ):
        raise AssertionError
    assert state()[:12] == before[:12]


def test_what_is_imported_late_is_imported_with_subnormal_numbers() -> None:
    """Else 5e-324 is read as 0, and stays so in the compiled file of the module."""
    code = (
        "import torch, verifier.running.run\n"
        "from verifier import floating_point\nfrom verifier.running import isolation\n"
        "torch.set_flush_denormal(True)\n"
        "seen = []\n"
        "import importlib.abc, sys\n"
        "class Look(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None): seen.append(floating_point.is_usual())\n"
        "sys.meta_path.insert(0, Look())\n"
        "with isolation.isolated(): pass\n"
        "assert len(seen) > 9 and all(seen) and not floating_point.is_usual()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
