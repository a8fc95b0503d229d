"""Which function says what an operation is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import torch
from torch._ops import OpOverload

Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Treatment:
    """How the results of an operation are made."""

    function: Function
    is_composition: bool
    """Whether it is written in PyTorch's operations, not in cells."""
    is_drawn: bool = False


_TREATMENTS: dict[str, Treatment] = {}


def _names(ops: tuple[Any, ...]) -> list[str]:
    found = []
    for op in ops:
        if isinstance(op, OpOverload):
            found.append(f"{op._schema.name}.{op._overloadname}")
        else:
            found.append(op._qualified_op_name)
    return found


def handles(*ops: Any) -> Callable[[Function], Function]:
    """Register a function that says in cells what the operations (overloads, or
    packets with all of their overloads) compute."""

    def register(function: Function) -> Function:
        for name in _names(ops):
            _TREATMENTS[name] = Treatment(function, False)
        return function

    return register


def composes(*ops: Any, drawn: bool = False) -> Callable[[Function], Function]:
    """Register a function that says in PyTorch's operations what others compute."""

    def register(function: Function) -> Function:
        for name in _names(ops):
            _TREATMENTS[name] = Treatment(function, True, drawn)
        return function

    return register


_ROUNDING: set[str] = set()


def rounds_inside(*ops: Any) -> None:
    """Declare operations that PyTorch puts together of others of its own, or whose
    kernel computes in 16 bits: each step inside rounds to the dtype."""
    _ROUNDING.update(_names(ops))


def is_rounding_inside(op: OpOverload) -> bool:
    """Whether each step inside an operation rounds to the dtype."""
    name = op._schema.name
    return name in _ROUNDING or f"{name}.{op._overloadname}" in _ROUNDING


def own(op: OpOverload) -> Treatment | None:
    """What is registered for an operation."""
    name = op._schema.name
    found = _TREATMENTS.get(f"{name}.{op._overloadname}")
    return found if found is not None else _TREATMENTS.get(name)


@cache
def decomposition(op: OpOverload) -> Treatment | None:
    """PyTorch's own decomposition of an operation."""
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    if op.has_kernel_for_dispatch_key(key):
        return Treatment(op.decompose, True)
    from torch._decomp import decomposition_table  # takes a second to import

    function = decomposition_table.get(op)
    return None if function is None else Treatment(function, True)
