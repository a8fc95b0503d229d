"""What is recorded of a call: on copies of its tensors on the CPU, in their own
dtypes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from verifier.automatic import settings as ambient
from verifier.automatic.recording.record import record
from verifier.automatic.tensors.calls import Call, tensors_of
from verifier.automatic.tensors.references import gradients_by
from verifier.errors import UsageError, listed
from verifier.language.cells import CellProgram

Tensor = torch.Tensor


class _NarrowError(Exception):
    """An output has fewer digits than the upstream gradient that is meant for it."""


def recorded(
    call: Call,
    wrt: Sequence[str],
    upstream: Mapping[str, Tensor],
    *,
    backward: bool,
    seed: int,
) -> CellProgram:
    """The program of a call, with the upstream gradients of its outputs in order. Raises
    `RecordingError`, and what the callable raises."""
    call = call.moved("cpu")
    missing = [name for name in wrt if name not in call.all]
    if missing:
        raise UsageError(
            f"expected a reference with the parameters {listed(missing)} too, found none. "
            "Name in `wrt` what both have."
        )
    try:
        return _recorded(call, wrt, upstream, backward=backward, seed=seed)
    except _NarrowError:
        return _recorded(call.exact(), wrt, upstream, backward=backward, seed=seed)


def _recorded(
    call: Call,
    wrt: Sequence[str],
    upstream: Mapping[str, Tensor],
    *,
    backward: bool,
    seed: int,
) -> CellProgram:
    given = [tensor.detach().to("cpu") for tensor in upstream.values()]

    def choose(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        chosen = {}
        for (name, output), one in zip(outputs.items(), given, strict=False):
            cast = one.to(output.dtype)
            if not torch.equal(cast.double(), one.double()):
                raise _NarrowError
            chosen[name] = cast
        for name in outputs:
            chosen.setdefault(name, torch.zeros_like(outputs[name]))
        return chosen

    with ambient.undisturbed():
        ready = call.ready(wrt)
        return record(
            ready.function,
            ready.args,
            ready.kwargs,
            wrt=ready.wrt,
            upstream=choose,
            backward=backward,
            seed=seed,
        )


def recorded_second(
    call: Call,
    wrt: Sequence[str],
    upstream: Mapping[str, Tensor],
    direction: Mapping[str, Tensor],
    *,
    seed: int,
) -> CellProgram:
    """The program of the gradients at an upstream gradient, differentiated again along
    a direction."""
    given = [tensor.detach().to("cpu") for tensor in upstream.values()]
    along = {name: tensor.detach().to("cpu") for name, tensor in direction.items()}
    with ambient.undisturbed():
        ready = call.moved("cpu").ready(wrt)

        def gradients() -> dict[str, Tensor]:
            result = tensors_of(ready())
            live = [t for t in result.values() if t.requires_grad]
            found = torch.autograd.grad(
                live,
                list(ready.wrt.values()),
                given,
                create_graph=True,
                allow_unused=True,
            )
            named: Any = zip(ready.wrt, found, strict=True)
            return {n: g for n, g in named if g is not None and g.requires_grad}

        def choose(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: along[name.removeprefix("output.")] for name in outputs}

        return record(gradients, (), wrt=ready.wrt, upstream=choose, seed=seed)


def recorded_backward(
    call: Call,
    backward: Callable[..., Any],
    upstream: Mapping[str, Tensor],
    *,
    seed: int,
) -> CellProgram:
    """The program of a stated backward, of which the outputs are the gradients by
    name: in float64."""
    exact = call.moved("cpu").exact()
    given = {name: tensor.detach().cpu().double() for name, tensor in upstream.items()}
    stated = gradients_by(backward, exact, given)
    with ambient.undisturbed():
        ready = exact.ready(exact.differentiable)
        program = record(
            stated,
            ready.args,
            ready.kwargs,
            wrt=ready.wrt,
            backward=False,
            seed=seed,
        )
    names = {f"output.{name}": name for name in exact.all}
    outputs = {names.get(name, name): cells for name, cells in program.outputs.items()}
    return CellProgram(
        records=program.records,
        inputs=program.inputs,
        outputs=outputs,
        values=program.values,
        decisions=program.decisions,
        notes=program.notes,
    )


def numbers_of(tensors: Mapping[str, Tensor]) -> dict[str, npt.NDArray[np.float64]]:
    """The numbers of tensors, which float64 holds exactly."""
    return {
        name: tensor.detach().cpu().double().numpy() for name, tensor in tensors.items()
    }
