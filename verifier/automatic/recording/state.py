"""What is known while a program of tensors runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from verifier.automatic.recording.errors import REFERENCE, RecordingError
from verifier.automatic.recording.memory import Memory
from verifier.automatic.recording.sources import Sources
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import SourceLine

_next_sequence_number: Any = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]


class State:
    """The tape, the memory, and what the operation at hand is."""

    def __init__(self, mode: AbstractContextManager[Any], largest: int) -> None:
        self.mode = mode
        self.tape = Tape(largest)
        self.memory = Memory(self.tape)
        self.sources = Sources()
        self.depth = 0
        """How many operations are being taken apart; 0 in the program itself."""
        self.is_inside = False
        """Whether the program runs the body of an operation of the user's, in which
        autograd sees nothing."""
        self.is_busy = False
        """Whether it is the recorder that runs, not the program."""

    def begin(self, operation: str) -> None:
        """An operation of the program's begins."""
        self.tape.operation = operation
        node: Any = torch._C._current_autograd_node()
        self.tape.source = self._source(node)
        self.tape.node = None if node is None else self.sources.node(node)

    def hand_out(self, tensor: torch.Tensor, method: str) -> None:
        """A tensor's memory is handed to what is not seen here."""
        if self.memory.knows(tensor):
            self.memory.hand_out(tensor, method)
            self.tape.source = self.sources.here()
            if method != "data_ptr":
                self.tape.leave(self.memory.glance(tensor))

    def error(self, what: str) -> RecordingError:
        """What is told of the operation at hand."""
        operation = self.tape.operation
        return RecordingError(
            f"`{operation}` {what}: {REFERENCE}",
            operation=operation,
            source=self.tape.source,
        )

    @property
    def is_differentiated(self) -> bool:
        """Whether autograd records here: not where the program switched it off, nor
        within a function with a backward of its own, whatever that switches on (there
        forward mode is off)."""
        return (
            self.depth == 0
            and not self.is_inside
            and torch.is_grad_enabled()
            and torch._C._is_fwd_grad_enabled()
        )

    @contextmanager
    def within(self) -> Iterator[None]:
        """Run operations as parts of the one at hand."""
        self.depth += 1
        try:
            with self.mode:
                yield
        finally:
            self.depth -= 1

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Run the body of an operation of the user's."""
        was_inside, was_busy = self.is_inside, self.is_busy
        self.is_inside, self.is_busy = True, False
        try:
            with self.mode:
                yield
        finally:
            self.is_inside, self.is_busy = was_inside, was_busy

    def _source(self, node: Any) -> SourceLine | None:
        here = self.sources.here()
        if node is None:
            self.sources.of_node[_next_sequence_number() - 1] = here
        elif here is None:
            here = self.sources.of_node.get(node._sequence_nr())
        return here
