"""What the schema of an operation says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch._ops import OpOverload

aten = torch.ops.aten

_UNDECLARED = {
    "aten::native_batch_norm": ("running_mean", "running_var"),
    "aten::cudnn_batch_norm": ("running_mean", "running_var"),
    "aten::miopen_batch_norm": ("running_mean", "running_var"),
    "aten::batch_norm_update_stats": ("running_mean", "running_var"),
}
"""Operations that write arguments of which their schema does not say so."""

_OVERWRITTEN = {
    "aten::copy_",
    "aten::fill_",
    "aten::zero_",
    "aten::bernoulli_",
    "aten::normal_",
    "aten::uniform_",
    "aten::exponential_",
    "aten::random_",
    "aten::geometric_",
    "aten::cauchy_",
    "aten::log_normal_",
}
"""Operations in place that do not read what they write."""

_PLACES = {"aten::set_", "aten::resize_", "aten::resize_as_", "aten::as_strided_"}
"""Operations on what a tensor is a view of."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one overload of an operation."""

    name: str
    """As messages name it: `aten.add`."""
    is_view: bool
    """Whether its results lie in the memory of its arguments."""
    changed: tuple[str, ...]
    """The arguments that it writes."""
    overwritten: frozenset[str]
    """Those of them that it does not read."""
    undeclared: tuple[str, ...]
    """Those of them that the schema does not name."""
    outputs: tuple[str, ...]
    """Those of them that are there to be written."""
    is_random: bool
    functional: OpOverload
    """The operation that does the same and writes nothing; itself, where there is
    none."""
    names: tuple[str, ...]
    """Of all arguments, in order."""


@cache
def facts_of(op: OpOverload) -> Facts:
    """What the schema says, and what it should."""
    schema = op._schema
    out = [a.name for a in schema.arguments if a.is_out]
    declared = [
        a.name for a in schema.arguments if a.alias_info and a.alias_info.is_write
    ]
    is_view = (
        schema.name in _PLACES
        or torch.Tag.inplace_view in op.tags
        or (not declared and any(r.alias_info for r in schema.returns))
    )
    overwritten = set(out)
    if schema.name in _OVERWRITTEN:
        overwritten |= set(declared)
    return Facts(
        name=schema.name.replace("::", "."),
        is_view=is_view,
        changed=(*declared, *_UNDECLARED.get(schema.name, ())),
        overwritten=frozenset(overwritten),
        undeclared=_UNDECLARED.get(schema.name, ()),
        outputs=tuple(out),
        is_random=torch.Tag.nondeterministic_seeded in op.tags,
        functional=_functional(op, bool(out)) if declared else op,
        names=tuple(a.name for a in schema.arguments),
    )


def _functional(op: OpOverload, has_out: bool) -> OpOverload:
    """The same operation without writing: `add.Tensor` of `add_.Tensor` and of
    `add.out`."""
    namespace, _, name = op._schema.name.partition("::")
    packet: Any = getattr(getattr(torch.ops, namespace), name.rstrip("_"), None)
    if name.startswith("__") or packet is None:
        return op
    wanted = [_signature(a) for a in op._schema.arguments if not a.is_out]
    for overload in packet.overloads():
        other: OpOverload = getattr(packet, overload)
        given = [_signature(a) for a in other._schema.arguments]
        writes = any(
            a.alias_info and a.alias_info.is_write for a in other._schema.arguments
        )
        if given == wanted and not writes:
            return other
    return op


def _signature(argument: Any) -> tuple[str, str]:
    """Name and type, without the marks of what is written."""
    return argument.name, str(argument.type)
