"""A function as `torch.compile` makes it: compiled whole, or an exception; it never
runs as it was written instead."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import torch

from verifier.automatic.faults import first_line
from verifier.automatic.modes import Run, Steps
from verifier.errors import VerifierError

BACKENDS = {"compile-aot_eager": "aot_eager", "compile-inductor": "inductor"}
"""The backend of `torch.compile` that a route goes through."""
LARGEST_PROGRAM = 2_000
"""Operations past which compiling takes minutes."""


class CompileError(VerifierError):
    """What compiling needs is not there: no fault of PyTorch's, nor of the program."""


class Compiled:
    """A run compiled for a backend: once for each shape, its backward when that is
    first asked for.

    Only the output is returned: to hand out the steps as well would change how they are
    fused.
    """

    def __init__(self, run: Run, backend: str) -> None:
        from torch._dynamo.utils import counters

        _check_enabled()
        # PyTorch counts recompilations by code object, which all runs share.
        torch._dynamo.reset()
        self._run = run
        self._statistics = counters["stats"]
        self._is_compiled = False
        compiling: Any = torch.compile
        self._function = compiling(
            lambda *tensors: run(tensors)[0],
            backend=backend,
            fullgraph=True,
            dynamic=False,
        )

    def __call__(self, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, Steps]:
        before = self._statistics["unique_graphs"]
        with _settings().patch(suppress_errors=False, **{_fail_on_limit(): True}):
            output = self._function(*tensors)
        self._is_compiled |= self._statistics["unique_graphs"] > before
        if not self._is_compiled:
            raise CompileError(
                "expected `torch.compile` to compile, found that nothing was compiled."
            )
        return output, {}

    def explain(self, error: Exception, tensors: Sequence[torch.Tensor]) -> NoReturn:
        """Raise what an exception of the compiled run means.

        A missing compiler is reported as such, a mistake in a user's callable as the
        exception that it raises by itself, and everything else as PyTorch's own.
        """
        if isinstance(error, VerifierError):
            raise error
        if any(
            type(cause).__name__ == "InvalidCxxCompiler" for cause in _causes(error)
        ):
            raise CompileError(
                "expected a C++ compiler for the route `compile-inductor`, found none. "
                "Install g++ or clang++, or name one in the environment variable CXX."
            ) from error
        self._run(tensors)
        raise RuntimeError(f"torch.compile: {first_line(error)}") from error


def check_size(operations: int) -> None:
    """Refuse a program that would take minutes to compile."""
    if operations > LARGEST_PROGRAM:
        raise CompileError(
            f"expected a program of at most {LARGEST_PROGRAM} operations to compile, found {operations}. "
            "Choose another route."
        )


def _check_enabled() -> None:
    if _settings().disable or os.environ.get("TORCHDYNAMO_DISABLE") == "1":
        raise CompileError(
            "expected `torch.compile` to compile, found it switched off. "
            "Unset TORCH_COMPILE_DISABLE and TORCHDYNAMO_DISABLE."
        )


def _settings() -> Any:
    import torch._dynamo.config

    return torch._dynamo.config


def _fail_on_limit() -> str:
    """The setting by which too many recompilations are an error; PyTorch 2.6 calls it
    otherwise."""
    names = ("fail_on_recompile_limit_hit", "fail_on_cache_limit_hit")
    return next(name for name in names if hasattr(_settings(), name))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
