"""The same numbers by another way of calling, of which the results must not depend: from
elsewhere, without gradients, laid out otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils import _pytree

from verifier.automatic import settings as ambient
from verifier.automatic.recording.record import seeded
from verifier.automatic.tensors.calls import Call, Ready, tensors_of
from verifier.automatic.tensors.measuring import (
    Asked,
    Column,
    TensorMeasurement,
    column,
    column_or_none,
)

Tensor = torch.Tensor
Through = Callable[[Callable[[], None]], None]
"""What calls the function that it is given."""
_pytree_: Any = _pytree

_SOURCE = """
def run(function, args, kwargs, found):
    def inner():
        try:
            found.append(function(*args, **kwargs))
        except BaseException as error:
            found.append(error)
    return inner
"""
_NAMES: dict[str, Any] = {}
exec(compile(_SOURCE, "<stdin>", "exec"), {"__name__": "__main__"}, _NAMES)


def _elsewhere(
    function: Callable[..., Any], *args: Any, through: Through | None, **kwargs: Any
) -> Any:
    """What a call gives in a thread of its own, on whose stack nothing of this package
    stands but what it is called through."""
    found: list[Any] = []
    run = _NAMES["run"](function, args, kwargs, found)
    thread = threading.Thread(target=run if through is None else lambda: through(run))
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def in_a_thread(
    call: Call, asked: Asked, *, through: Through | None = None
) -> TensorMeasurement:
    """What a call gives in a thread. Unless it is called through a function of this
    package, a subject that looks at its caller sees nothing of it, and is given the
    results of other operations, no leaves. Raises what the call raises.

    Of the two the bits are alike; of the main thread they need not be, for libraries
    keep settings by thread.
    """
    with ambient.undisturbed(), seeded(asked.seed):
        ready = call.ready(asked.wrt)
        args, kwargs = _no_leaves(ready)
        if through is not None:
            args, kwargs = ready.args, ready.kwargs
        result = _elsewhere(ready.function, *args, through=through, **kwargs)
        outputs = {n: t for n, t in tensors_of(result).items() if t.is_floating_point()}
        judged = {n: t for n, t in outputs.items() if t.requires_grad}
        upstream = dict(asked.choose(judged))
        columns = {name: column(tensor) for name, tensor in outputs.items()}
        gradients: Any = dict.fromkeys(ready.wrt)
        if judged:
            found = _elsewhere(
                torch.autograd.grad,
                list(judged.values()),
                list(ready.wrt.values()),
                [upstream[name] for name in judged],
                through=through,
                allow_unused=True,
            )
            gradients = dict(zip(ready.wrt, found, strict=True))
        return TensorMeasurement(
            outputs=columns,
            gradients={name: column_or_none(g) for name, g in gradients.items()},
        )


def _no_leaves(ready: Ready) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The arguments with copies that autograd knows in the place of what requires a
    gradient; parameters stay."""
    known: dict[int, Tensor] = {}

    def of(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor) or not leaf.requires_grad:
            return leaf
        if isinstance(leaf, torch.nn.Parameter):
            return leaf
        return known.setdefault(id(leaf), leaf.clone())

    structure = (ready.args, dict(ready.kwargs))
    found: tuple[tuple[Any, ...], Mapping[str, Any]] = _pytree_.tree_map(of, structure)
    return found


def without_gradients(call: Call, asked: Asked) -> dict[str, Column]:
    """The values under `torch.no_grad()`, of tensors that require no gradient. Raises
    what the call raises."""
    with ambient.undisturbed(), seeded(asked.seed), torch.no_grad():
        result = call.ready(())()
        return {
            name: column(tensor)
            for name, tensor in tensors_of(result).items()
            if tensor.is_floating_point()
        }


def laid_out(call: Call) -> Call | None:
    """The call with its tensors of the same numbers, none of them contiguous; None
    where that changes nothing."""
    changed = {name: _apart(tensor) for name, tensor in call.tensors.items()}
    if all(changed[name] is tensor for name, tensor in call.tensors.items()):
        return None
    return call.with_tensors(changed)


def _apart(tensor: Tensor) -> Tensor:
    """With its dimensions in reverse order in memory; of one dimension, every second
    element of a larger tensor."""
    if tensor.numel() < 2 or tensor.layout != torch.strided:
        return tensor
    if tensor.dim() == 1:
        wide = tensor.repeat_interleave(2)
        if wide.is_floating_point():
            wide[1::2] = torch.nan
        return wide[::2]
    order = tuple(reversed(range(tensor.dim())))
    return tensor.permute(order).contiguous().permute(order)
