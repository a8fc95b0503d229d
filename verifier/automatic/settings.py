"""PyTorch's state around a measurement: what would change a number is put aside, and put back afterwards.

Of what lies around: modes, hooks, autocast, anomaly mode, a default device, denormals flushed to zero, a rounding mode,
the number of threads (where a tensor is cut decides which of its numbers the vectorised kernels get). What a callable
leaves behind of these ends with its measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.autograd import forward_ad
from torch.utils import _device, _python_dispatch

from verifier import floating_point
from verifier.errors import UsageError

# PyTorch leaves these unannotated.
_c: Any = torch._C
_hooks: Any = torch._C._autograd
_functorch: Any = torch._C._functorch
_overrides: Any = torch.overrides
_modes: Any = _python_dispatch
_devices: Any = _device
_global: Any = torch._GLOBAL_DEVICE_CONTEXT
_forward: Any = forward_ad


@contextmanager
def undisturbed() -> Iterator[None]:
    """PyTorch as it starts, but for the default dtype, which a callable may rely on.

    Raises `UsageError` where it cannot be had: inside a transform of `torch.func`, say.
    """
    _check_outside_transforms()
    with ExitStack() as stack:
        for state in (
            floating_point.usual,
            _threads,
            _default_dtype,
            _deterministic,
            _function_modes,
            _dispatch_modes,
            _saved_tensors_hooks,
            _levels,
        ):
            stack.enter_context(state())
        stack.enter_context(torch.autograd.set_detect_anomaly(False))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        yield


def _check_outside_transforms() -> None:
    inside = None
    if _functorch.peek_interpreter_stack() is not None:
        inside = "a transform of `torch.func` (`vmap`, `grad`, `vjp`, `jvp`)"
    elif _forward._current_level >= 0:
        inside = "`torch.autograd.forward_ad.dual_level()`"
    elif _c._get_tracing_state() is not None:
        inside = "`torch.jit.trace`"
    if inside is not None:
        raise UsageError(
            f"expected to be called outside of PyTorch's transforms, found {inside} around the call. "
            "Move the call out of it."
        )


@contextmanager
def seeded() -> Iterator[None]:
    """PyTorch's random numbers are the same in every run; afterwards they go on as they would have."""
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(0)
    try:
        yield
    finally:
        generator.set_state(before)


# ── PyTorch's settings ───────────────────────────────────────────────────────────────────────────────────────────


def _setting(
    get: Callable[[], Any], put: Callable[[Any], object], inside: Any
) -> Callable[[], Any]:
    """A context in which a setting has the value `inside`."""

    @contextmanager
    def context() -> Iterator[None]:
        before = get()
        if before != inside:
            put(inside)
        try:
            yield
        finally:
            if get() != before:
                put(before)

    return context


_threads = _setting(torch.get_num_threads, torch.set_num_threads, 1)
_deterministic = _setting(
    torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0
)


@contextmanager
def _default_dtype() -> Iterator[None]:
    before = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _function_modes() -> Iterator[None]:
    """Without `TorchFunctionMode`s, of which the default device is one."""
    default = getattr(_global, "device_context", None)
    current = _devices.CURRENT_DEVICE
    before = _taken(_c._len_torch_function_stack, _overrides._pop_mode)
    _global.device_context, _devices.CURRENT_DEVICE = None, None
    try:
        yield
    finally:
        _taken(_c._len_torch_function_stack, _overrides._pop_mode)
        for mode in reversed(before):
            _overrides._push_mode(mode)
        _global.device_context, _devices.CURRENT_DEVICE = default, current


@contextmanager
def _dispatch_modes() -> Iterator[None]:
    before = _taken(_c._len_torch_dispatch_stack, _modes._pop_mode)
    try:
        yield
    finally:
        _taken(_c._len_torch_dispatch_stack, _modes._pop_mode)
        for mode in reversed(before):
            _modes._push_mode(mode)


def _taken(count: Callable[[], int], pop: Callable[[], Any]) -> list[Any]:
    """All that lies on a stack, the topmost first, taken off it."""
    return [pop() for _ in range(count())]


@contextmanager
def _saved_tensors_hooks() -> Iterator[None]:
    before = _hooks_taken()
    try:
        yield
    finally:
        _hooks_taken()
        for hooks in reversed(before):
            _hooks._push_saved_tensors_default_hooks(*hooks)


def _hooks_taken() -> list[Any]:
    taken: list[Any] = []
    while (top := _hooks._top_saved_tensors_default_hooks(True)) is not None:
        taken.append(top)
        _hooks._pop_saved_tensors_default_hooks()
    return taken


@contextmanager
def _levels() -> Iterator[None]:
    """No level of `torch.func` or of forward mode stays open."""
    try:
        yield
    finally:
        while _functorch.peek_interpreter_stack() is not None:
            _functorch.pop_dynamic_layer_stack()
        while _forward._current_level >= 0:
            _forward.exit_dual_level()
