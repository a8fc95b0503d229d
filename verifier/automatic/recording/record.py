"""Recording a program of tensors: the forward, and the backward that the library or the
user's own code computes for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch

from verifier.automatic.recording import handlers
from verifier.automatic.recording.backward import gradients
from verifier.automatic.recording.errors import RecordingError
from verifier.automatic.recording.escapes import watched
from verifier.automatic.recording.mode import Recorder
from verifier.automatic.recording.plainly import plainly
from verifier.language.cells import CellProgram, Cells

Upstream: TypeAlias = (
    Mapping[str, torch.Tensor]
    | Callable[[Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]]
)

LARGEST = 10_000_000
"""Cells that a program may have."""


def record(
    function: Callable[..., Any],
    arguments: Sequence[Any] = (),
    keywords: Mapping[str, Any] | None = None,
    *,
    wrt: Mapping[str, torch.Tensor],
    upstream: Upstream | None = None,
    backward: bool = True,
    seed: int = 0,
    largest: int = LARGEST,
) -> CellProgram:
    """Call the function once, on `arguments` and `keywords` as they are, in their own
    dtypes, and record what it computes, exactly at the numbers that they hold.

    Beside every operation in the program's own dtype runs the same in float64, on the
    numbers that were computed so far, unrounded. Comparisons, indices, `.item()` and all
    else by which the program goes its way are those of float64.

    `wrt` names the tensors (CPU, real, leaves that require a gradient, found among the
    arguments, a module's parameters, or what the function closes over) that become
    inputs. All other tensors are constants. `upstream` holds the upstream gradients by
    the names of the outputs (`output`; `output[0]`, `output.loss` within a container),
    or is a function from the outputs to them; without it they are ones. They become
    inputs too. With `backward`, `torch.autograd.grad` is recorded on the same tape.
    Random numbers are drawn as after `seeded(seed)`, and are constants.

    Buffers and arguments that the program writes get their numbers back in the end.
    `notes` of the program may have

    - `backward`: the message of the `RecordingError` because of which there is no
      recorded backward (its `gradients` are empty);
    - `undifferentiable`: the outputs that require no gradient, and have no upstream;
    - `items`: lines where a number that varies left as a Python number;
    - `dtypes`: by output, and by input, the dtype that it has.

    Raises `RecordingError`, which names the operation and the user's line, where
    something of the forward is not seen, `TooManyCellsError` beyond `largest` cells,
    and whatever the function itself raises, in the forward or the backward.
    """
    handlers.load()
    recorder = Recorder(largest)
    state = recorder.state
    memory, tape = state.memory, state.tape
    state.is_busy = True
    notes: dict[str, Any] = {}
    with ExitStack() as stack:
        stack.enter_context(seeded(seed))
        stack.callback(memory.restore)
        stack.enter_context(plainly())
        stack.enter_context(watched(state))
        inputs = {name: memory.declare(tensor) for name, tensor in wrt.items()}
        with _running(recorder):
            result = function(*arguments, **(keywords or {}))
        outputs = dict(named_outputs(result))
        cells = {name: memory.read(tensor).copy() for name, tensor in outputs.items()}
        notes["dtypes"] = _dtypes(outputs) | _dtypes(wrt)
        seeds, found = _backward(recorder, outputs, wrt, upstream, backward, notes)
    if tape.exits:
        notes["items"] = tuple(tape.exits)
    return CellProgram(
        records=tuple(entry.finished() for entry in tape.entries),
        inputs=inputs,
        outputs=cells,
        upstream=seeds,
        gradients=found,
        decisions=tuple(tape.decisions),
        values=tape.seen_values(),
        notes=notes,
    )


def _backward(
    recorder: Recorder,
    outputs: Mapping[str, torch.Tensor],
    wrt: Mapping[str, torch.Tensor],
    upstream: Upstream | None,
    backward: bool,
    notes: dict[str, Any],
) -> tuple[dict[str, Cells], dict[str, Cells | None]]:
    """The cells of the upstream gradients, and of what the backward makes of them."""
    memory = recorder.state.memory
    live = {n: tensor for n, tensor in outputs.items() if tensor.requires_grad}
    if len(live) < len(outputs):
        notes["undifferentiable"] = tuple(n for n in outputs if n not in live)
    detached = {name: tensor.detach() for name, tensor in live.items()}
    if upstream is None:
        given: Mapping[str, torch.Tensor] = {
            name: torch.ones_like(tensor) for name, tensor in detached.items()
        }
    else:
        given = upstream(detached) if callable(upstream) else upstream
    # A copy of its own, lest an upstream shares memory with another or an input.
    own = {name: given[name].detach().clone() for name in live}
    seeds = {name: memory.declare(tensor) for name, tensor in own.items()}
    if not backward or not live:
        return seeds, {}
    recorder.state.tape.in_backward = True
    try:
        with _running(recorder):
            found = gradients(
                list(live.values()),
                list(wrt.values()),
                [own[name] for name in live],
            )
    except RecordingError as error:
        notes["backward"] = str(error)
        return seeds, {}
    return seeds, {
        name: None if gradient is None else memory.read(gradient).copy()
        for name, gradient in zip(wrt, found, strict=True)
    }


@contextmanager
def _running(recorder: Recorder) -> Iterator[None]:
    """The program runs."""
    recorder.state.is_busy = False
    try:
        with recorder:
            yield
    finally:
        recorder.state.is_busy = True


def named_outputs(
    result: Any, name: str = "output"
) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of floating-point numbers that a function returned, by name."""
    if isinstance(result, torch.Tensor):
        if result.is_floating_point():
            yield name, result
    elif isinstance(result, Mapping):
        for key, value in result.items():
            yield from named_outputs(value, f"{name}.{key}")
    elif isinstance(result, tuple | list):
        for at, value in enumerate(result):
            yield from named_outputs(value, f"{name}[{at}]")
    elif hasattr(result, "__dataclass_fields__"):
        for key in result.__dataclass_fields__:
            yield from named_outputs(getattr(result, key), f"{name}.{key}")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the same random numbers, of PyTorch, NumPy and Python, whenever the seed is
    the same; afterwards all are where they were."""
    python, array = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(array)


def _dtypes(tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    return {n: str(t.dtype).removeprefix("torch.") for n, t in tensors.items()}
