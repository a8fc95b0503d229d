"""PyTorch's state around a measurement: what would change a number is put aside, and
put back afterwards.

Of what lies around: modes, hooks, autocast, anomaly mode, a default device, denormals
flushed to zero, a rounding mode, the number of threads (where a tensor is cut decides
which of its numbers the vectorised kernels get). What a callable leaves behind of these
ends with its measurement.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    with (
        floating_point.usual(),
        _settings(),
        torch.autograd.set_detect_anomaly(False),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
    ):
        yield


def _check_outside_transforms() -> None:
    inside = None
    if _functorch.peek_interpreter_stack() is not None:
        inside = "a transform of `torch.func` (`vmap`, `grad`, `vjp`, `jvp`)"
    elif _forward._current_level >= 0:
        inside = "`torch.autograd.forward_ad.dual_level()`"
    elif _c._get_tracing_state() is not None:
        inside = "`torch.jit.trace`"
    elif not _SHOWS_HOOKS and _has_hooks():
        inside = (
            "`saved_tensors_hooks`, which this release of PyTorch cannot put aside,"
        )
    if inside is not None:
        raise UsageError(
            f"expected to be called outside of PyTorch's transforms, found {inside} around the call. "
            "Move the call out of it."
        )


@contextmanager
def seeded() -> Iterator[None]:
    """PyTorch's random numbers are the same in every run; afterwards they go on as they
    would have."""
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(0)
    try:
        yield
    finally:
        generator.set_state(before)


# ── PyTorch's settings ────────────────────────────────────────────────────────────────


@contextmanager
def _settings() -> Iterator[None]:
    """One thread, nondeterministic kernels, and no mode, hook, level or default device;
    then what there was.

    One function for all of them: it is entered for each call of a callable.
    """
    threads = torch.get_num_threads()
    dtype = torch.get_default_dtype()
    deterministic = torch.get_deterministic_debug_mode()
    device = _exchange_device(None, None)
    modes, dispatchers, hooks = _modes_taken(), _dispatchers_taken(), _hooks_taken()
    _set_plain(1, 0)
    try:
        yield
    finally:
        _close_levels()
        _hooks_taken()
        for pair in reversed(hooks):
            _hooks._push_saved_tensors_default_hooks(*pair)
        _dispatchers_taken()
        for mode in reversed(dispatchers):
            _modes._push_mode(mode)
        _modes_taken()
        for mode in reversed(modes):
            _overrides._push_mode(mode)
        _exchange_device(*device)
        _set_plain(threads, deterministic)
        torch.set_default_dtype(dtype)


def _set_plain(threads: int, deterministic: int) -> None:
    """The settings that are numbers, where they are others."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    if torch.get_deterministic_debug_mode() != deterministic:
        torch.set_deterministic_debug_mode(deterministic)


def _exchange_device(context: Any, current: Any) -> tuple[Any, Any]:
    """Set the default device; what it was before. Its mode is one of the function
    modes."""
    before = getattr(_global, "device_context", None), _devices.CURRENT_DEVICE
    _global.device_context, _devices.CURRENT_DEVICE = context, current
    return before


def _modes_taken() -> list[Any]:
    """The `TorchFunctionMode`s, the topmost first, taken off their stack."""
    return [_overrides._pop_mode() for _ in range(_c._len_torch_function_stack())]


def _dispatchers_taken() -> list[Any]:
    """The `TorchDispatchMode`s, the topmost first, taken off their stack."""
    return [_modes._pop_mode() for _ in range(_c._len_torch_dispatch_stack())]


def _hooks_taken() -> list[Any]:
    """The hooks of saved tensors, the topmost first, taken off their stack."""
    taken: list[Any] = []
    if not _SHOWS_HOOKS:  # those of a callable; none was there before
        while _has_hooks():
            _hooks._pop_saved_tensors_default_hooks()
        return taken
    while (top := _hooks._top_saved_tensors_default_hooks(True)) is not None:
        taken.append(top)
        _hooks._pop_saved_tensors_default_hooks()
    return taken


_SHOWS_HOOKS = hasattr(_hooks, "_top_saved_tensors_default_hooks")
"""PyTorch before 2.8 does not tell which hooks it has."""


def _has_hooks() -> bool:
    """Whether there are hooks of saved tensors: PyTorch refuses to disable them
    then."""
    if not _hooks._saved_tensors_hooks_is_enabled():
        return False
    try:
        _hooks._saved_tensors_hooks_disable("hooks")
    except RuntimeError:
        return True
    finally:
        _hooks._saved_tensors_hooks_enable()
    return False


def _close_levels() -> None:
    """Close the levels of `torch.func` and of forward mode."""
    while _functorch.peek_interpreter_stack() is not None:
        _functorch.pop_dynamic_layer_stack()
    while _forward._current_level >= 0:
        _forward.exit_dual_level()
