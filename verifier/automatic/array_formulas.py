"""Formulas of arrays as callables of tensors of whatever shapes they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from verifier.automatic.array_definitions import definition
from verifier.automatic.array_lowering import ArrayCallable, lowered
from verifier.automatic.faults import FaultError
from verifier.errors import ExpressionError
from verifier.language.programs.arrays.parsing import parse_array_steps, parse_arrays
from verifier.language.programs.arrays.program import ArrayProgram, Shape

Make = Callable[[ArrayProgram], ArrayCallable]


class ArrayFormula:
    """A formula of tensors in a given order, read anew for each of their shapes."""

    def __init__(
        self, text: str, names: Sequence[str], make: Make, *, in_steps: bool = False
    ) -> None:
        self.text, self.names = text, tuple(names)
        self._make = make
        self._read = parse_array_steps if in_steps else parse_arrays
        self._known: dict[tuple[Shape, ...], ArrayCallable] = {}

    def __call__(self, *tensors: Tensor) -> Tensor:
        """Its value. Raises `FaultError` at shapes that do not fit it."""
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        if shapes not in self._known:
            named = dict(zip(self.names, shapes, strict=True))
            try:
                program = self._read(self.text, named)
            except ExpressionError as error:
                raise FaultError(error.message.partition("\n")[0]) from error
            self._known[shapes] = self._make(program)
        return self._known[shapes](**dict(zip(self.names, tensors, strict=True)))


def as_pytorch(text: str, names: Sequence[str], *, in_steps: bool) -> ArrayFormula:
    """The formula as PyTorch computes it."""
    return ArrayFormula(text, names, lowered, in_steps=in_steps)


def as_defined(text: str, names: Sequence[str], *, in_steps: bool) -> ArrayFormula:
    """The formula by definitions in scalars."""
    return ArrayFormula(text, names, definition, in_steps=in_steps)
