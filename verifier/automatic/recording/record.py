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
from verifier.automatic.recording.errors import (
    REFERENCE,
    RecordingError,
    TooManyCellsError,
)
from verifier.automatic.recording.escapes import watched
from verifier.automatic.recording.mode import Recorder
from verifier.automatic.recording.plainly import plainly
from verifier.language.cells import CellProgram, Cells

Upstream: TypeAlias = (
    Mapping[str, torch.Tensor]
    | Callable[[Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]]
)

LARGEST = 20_000_000
"""Cells that a program may have: a layer norm of 1,024² has 17 million, with its
backward. One takes about 40 bytes."""


def record(
    function: Callable[..., Any],
    arguments: Sequence[Any] = (),
    keywords: Mapping[str, Any] | None = None,
    *,
    wrt: Mapping[str, torch.Tensor],
    upstream: Upstream | None = None,
    backward: bool = True,
    order: int = 1,
    directions: Mapping[str, torch.Tensor] | None = None,
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
    inputs too. With `backward`, `torch.autograd.grad` is recorded on the same tape; of
    `order` 2 also its gradient, along `directions` by the names of the inputs (without
    them ones).

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
        _refuse_lost(recorder, outputs, wrt, cells)
        notes["dtypes"] = _dtypes(outputs) | _dtypes(wrt)
        passes = _Passes(recorder, outputs, wrt, notes)
        passes.seed(upstream)
        if backward:
            passes.run(order, directions or {})
    if tape.exits:
        notes["items"] = tuple(tape.exits)
    return CellProgram(
        records=tuple(entry.finished() for entry in tape.entries),
        inputs=inputs,
        outputs=cells,
        upstream=passes.upstream,
        gradients=passes.gradients,
        directions=passes.directions,
        products=passes.products,
        decisions=tuple(tape.decisions),
        values=tape.seen_values(),
        notes=notes,
    )


class _Passes:
    """The backward passes over a program that ran."""

    def __init__(
        self,
        recorder: Recorder,
        outputs: Mapping[str, torch.Tensor],
        wrt: Mapping[str, torch.Tensor],
        notes: dict[str, Any],
    ) -> None:
        self.recorder, self.memory = recorder, recorder.state.memory
        self.wrt, self.notes = wrt, notes
        self.live = {n: tensor for n, tensor in outputs.items() if tensor.requires_grad}
        if len(self.live) < len(outputs):
            notes["undifferentiable"] = tuple(n for n in outputs if n not in self.live)
        self.seeds: dict[str, torch.Tensor] = {}
        self.upstream: dict[str, Cells] = {}
        self.gradients: dict[str, Cells | None] = {}
        self.directions: dict[str, Cells] = {}
        self.products: dict[str, Cells | None] = {}

    def seed(self, upstream: Upstream | None) -> None:
        """Make inputs of the upstream gradients."""
        detached = {name: tensor.detach() for name, tensor in self.live.items()}
        given = upstream(detached) if callable(upstream) else upstream or {}
        for name, tensor in detached.items():
            # A copy of its own, lest it shares memory with another or an input.
            seed = given.get(name, torch.ones_like(tensor)).detach().clone()
            self.seeds[name], self.upstream[name] = seed, self.memory.declare(seed)

    def run(self, order: int, directions: Mapping[str, torch.Tensor]) -> None:
        """Record the backward, and of order 2 the double backward."""
        if not self.live or not self.wrt:
            return
        self.recorder.state.tape.in_backward = True
        try:
            live = [self.live[name] for name in self.seeds]
            found = self._pass(live, list(self.seeds.values()), order > 1)
            self.gradients = self._cells(found)
            if order > 1:
                self._second(found, directions)
        except TooManyCellsError:
            raise
        except RecordingError as error:
            self.notes["backward"] = str(error)

    def _second(
        self,
        found: Sequence[torch.Tensor | None],
        directions: Mapping[str, torch.Tensor],
    ) -> None:
        heads, along = [], []
        for (name, tensor), gradient in zip(self.wrt.items(), found, strict=True):
            ones = torch.ones_like(tensor.detach())
            direction = directions.get(name, ones).detach().clone()
            self.directions[name] = self.memory.declare(direction)
            if gradient is not None and gradient.requires_grad:
                heads.append(gradient)
                along.append(direction)
        none: list[torch.Tensor | None] = [None] * len(self.wrt)
        again = self._pass(heads, along, False) if heads else none
        self.products = self._cells(again)

    def _pass(
        self,
        outputs: Sequence[torch.Tensor],
        upstream: Sequence[torch.Tensor],
        create_graph: bool,
    ) -> list[torch.Tensor | None]:
        inputs = list(self.wrt.values())
        with _running(self.recorder):
            return gradients(outputs, inputs, upstream, create_graph=create_graph)

    def _cells(self, found: Sequence[torch.Tensor | None]) -> dict[str, Cells | None]:
        return {
            name: None if gradient is None else self.memory.read(gradient).copy()
            for name, gradient in zip(self.wrt, found, strict=True)
        }


def _refuse_lost(
    recorder: Recorder,
    outputs: Mapping[str, torch.Tensor],
    wrt: Mapping[str, torch.Tensor],
    cells: Mapping[str, Cells],
) -> None:
    """Raise where autograd has an output that hangs on an input, and nothing that was
    seen says so: neither a cell of it, nor a comparison or number by which the program
    went its way."""
    tape = recorder.state.tape
    if tape.decisions or tape.exits:
        return
    for name, tensor in outputs.items():
        if not tensor.requires_grad or not tensor.numel():
            continue
        if not tape.varies(cells[name]).any() and _reaches(tensor, wrt):
            node = tensor.grad_fn
            of = "" if node is None else f" of `{node.name()}`"
            raise RecordingError(
                f"`{name}`{of} has a derivative, and nothing was seen of how it hangs on "
                f"the inputs: {REFERENCE}"
            )


def _reaches(tensor: torch.Tensor, wrt: Mapping[str, torch.Tensor]) -> bool:
    """Whether autograd leads from a tensor to one of the inputs."""
    leaves = {id(leaf) for leaf in wrt.values()}
    work: list[Any] = [tensor.grad_fn]
    seen: set[Any] = set()
    while work:
        node = work.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if id(getattr(node, "variable", None)) in leaves:
            return True
        work += [following for following, _ in node.next_functions]
    return False


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
