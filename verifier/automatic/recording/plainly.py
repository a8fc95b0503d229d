"""What is switched off while a program is recorded: what would hide it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch


@contextmanager
def plainly() -> Iterator[None]:
    """Leave out oneDNN, whose operations are whole layers in one dtype, and what
    TorchScript makes of a function that it has run before: it differentiates parts of
    it by itself, on tensors that need no gradient. What `torch.compile` has compiled
    runs as it was written."""
    # `backends.mkldnn.flags` warns, of another flag that it sets too.
    before = torch._C._get_mkldnn_enabled(), torch._C._get_graph_executor_optimize()
    torch._C._set_mkldnn_enabled(False)
    torch._C._set_graph_executor_optimize(False)
    _forget_plans()
    try:
        with _uncompiled():
            yield
    finally:
        torch._C._set_mkldnn_enabled(before[0])
        torch._C._set_graph_executor_optimize(before[1])


def _uncompiled() -> AbstractContextManager[None]:
    """Have what is compiled run as it was written; where the compiler was not even
    imported, which takes a second, nothing is."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    stance: Any = torch.compiler.set_stance
    return stance("force_eager")  # type: ignore[no-any-return]


def _forget_plans() -> None:
    """Have TorchScript forget how it has run what it compiled."""
    jit: Any = torch.jit
    functions = jit._state._jit_caching_layer
    if not functions and not jit._recursive.concrete_type_store.type_store:
        return
    for thing in gc.get_objects():
        sort = type(thing)  # `isinstance` would ask objects that pose as others
        if issubclass(sort, torch.jit.ScriptFunction):
            thing._debug_flush_compilation_cache()
        elif issubclass(sort, jit.RecursiveScriptModule):
            for name in thing._c._method_names():
                thing._c._get_method(name)._debug_flush_compilation_cache()
