"""The mode under which a program of tensors is recorded."""

from __future__ import annotations

from typing import Any

from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from verifier.automatic.recording.run import Run
from verifier.automatic.recording.schemas import facts_of
from verifier.automatic.recording.state import State


class _Dispatching:
    """The method of the mode. In a class of its own it is not wrapped by what keeps
    `torch.compile` off it, which takes a second to import."""

    state: State

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        state = self.state
        if not isinstance(func, OpOverload):
            state.begin(str(func))
            raise state.error("is an operation of operations, whose inside is not seen")
        facts = facts_of(func)
        if state.depth == 0:
            state.begin(facts.name)
        was_busy, state.is_busy = state.is_busy, True
        try:
            return Run(state, func, facts, args, kwargs or {}).result()
        finally:
            state.is_busy = was_busy


class Recorder(_Dispatching, TorchDispatchMode):
    """Runs every operation twice: in its own dtype, of which the program sees dtypes,
    shapes and layouts, and in float64 at exactly the numbers that were computed so far,
    of which it sees all else: comparisons, integers, Python numbers.

    What lies in the program's memory is the float64 number rounded to the dtype.
    """

    def __init__(self, largest: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.state = State(self, largest)
