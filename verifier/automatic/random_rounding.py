"""What a program may give whose every operation rounds to a dtype: runs of it with the
roundings moved at random.

Each run evaluates the definition in float64 and rounds the result of every operation,
forward and backward, to as many digits as the dtype has, on a grid of its own: the
dtype's divided by a factor from [1, 2), drawn for the operation. So equal values round
alike and neighbouring ones lean to the same side, as in a real kernel; numbers of the
dtype stay what they are, and no error of one operation exceeds an ulp. In every second
run the constants of the program are rounded too. The results are rounded to the dtype
itself. A model of rounding (heuristic): it bounds nothing, and tells what bias
roundings can bring about.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from verifier.automatic import modes
from verifier.automatic.lowering import Lowered
from verifier.floats import FORMATS, Format
from verifier.language.programs.program import Program
from verifier.language.programs.rewriting import define

Tensor = torch.Tensor
Columns = Mapping[tuple[str, tuple[str, ...]], Sequence[float]]
"""The numbers at all points, by quantity and what it is differentiated by."""


def runs(
    program: Program,
    points: Sequence[Mapping[str, float]],
    upstream: Sequence[float],
    *,
    wrt: Sequence[str],
    format_: Format,
    count: int,
    once: bool = False,
    seed: int = 0,
) -> Iterator[Columns]:
    """The value and the gradient by each of `wrt` at every point, by reverse mode.

    First of the program as PyTorch runs it in the dtype, then of one that rounds
    everything to the nearest numbers, and of others whose roundings are moved. With
    `once` operations round to float32, and only results and, in every second run,
    constants to the dtype. A run that raises is left out.
    """
    if not once:
        plain = Lowered(program, format_.name)
        yield from _columns(plain, points, upstream, wrt, format_, nullcontext())
    inner = FORMATS["float32"] if once else format_
    for number in range(count):
        source = random.Random(f"{seed}:{number}")
        rounds_constants = number % 2 == 0
        outer = format_ if rounds_constants else inner
        lowered = Lowered(define(program), "float64")
        moved = source if number else None
        if rounds_constants:
            _round_constants(lowered, format_, moved)
        mode = Rounding(inner, moved, of_constants=outer)
        yield from _columns(lowered, points, upstream, wrt, format_, mode)


def _columns(
    lowered: Lowered,
    points: Sequence[Mapping[str, float]],
    upstream: Sequence[float],
    wrt: Sequence[str],
    format_: Format,
    mode: AbstractContextManager[Any],
) -> Iterator[Columns]:
    names = tuple(dict.fromkeys((*lowered.program.inputs, *wrt)))
    inputs = [
        torch.tensor([p.get(name, 0.0) for p in points], dtype=lowered.dtype)
        for name in names
    ]
    places = [names.index(name) for name in wrt]
    seeds = torch.tensor(list(upstream), dtype=lowered.dtype)
    try:
        with mode:
            derived = modes.reverse(_run(lowered, names), inputs, places, seeds)
    except RuntimeError:
        return
    tensors = {("value", ()): derived.value} | {
        ("gradient", (name,)): tensor
        for name, tensor in zip(wrt, derived.gradient, strict=True)
    }
    yield {
        key: _numbers(tensor, len(points), format_) for key, tensor in tensors.items()
    }


class Rounding(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Rounds the float64 result of every operation that runs inside, backward passes
    included.

    Without a `source` to the nearest numbers of the format. What has no dimensions is
    made of constants alone.
    """

    def __init__(
        self, format_: Format, source: random.Random | None, *, of_constants: Format
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.format, self.source = format_, source
        self.of_constants = of_constants

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        aliases = [returned.alias_info for returned in func._schema.returns]
        if any(alias is not None for alias in aliases):
            # A view has nothing to round; what was written in place is rounded in
            # place.
            if isinstance(result, Tensor) and aliases[0] and aliases[0].is_write:
                result.copy_(self.rounded(result))
            return result
        if isinstance(result, (tuple, list)):
            return type(result)(self.rounded(part, args) for part in result)
        return self.rounded(result, args)

    def rounded(self, result: Any, operands: Sequence[Any] = ()) -> Any:
        """A result rounded, but where it is an operand or its negative: a copy, a
        choice, a product with 1."""
        if not isinstance(result, Tensor) or result.dtype != torch.float64:
            return result
        format_ = self.format if result.dim() else self.of_constants
        factor = 1.0 if self.source is None else 2.0 ** self.source.random()
        kept = nearest(result, format_) == result
        for operand in operands:
            if isinstance(operand, Tensor) and operand.shape == result.shape:
                kept |= operand.abs() == result.abs()
        moved = nearest(result * factor, format_) / factor
        return torch.where(kept, result, moved)


def nearest(numbers: Tensor, format_: Format) -> Tensor:
    """Float64 numbers rounded to the format's precision, subnormal numbers included;
    its range has no upper end."""
    exponent = torch.frexp(numbers)[1] - 1
    grain = exponent.clamp(min=format_.exponent_min) - format_.precision_bits + 1
    unit = torch.ldexp(torch.ones_like(numbers), grain)
    rounded = torch.round(numbers / unit) * unit
    return torch.where(torch.isfinite(numbers), rounded, numbers)


def _run(lowered: Lowered, names: Sequence[str]) -> modes.Run:
    def run(tensors: Sequence[Tensor]) -> tuple[Tensor, modes.Steps]:
        nodes = lowered.run(dict(zip(names, tensors, strict=True)))
        return lowered.tensor(nodes[lowered.program.output]), {}

    return run


def _round_constants(
    lowered: Lowered, format_: Format, source: random.Random | None
) -> None:
    moved = {
        index: _moved(value, format_, source)
        for index, value in lowered.literals.items()
    }
    lowered.literals = lowered.scalars = moved


def _moved(value: float, format_: Format, source: random.Random | None) -> float:
    """A number next to `value`, as near as a result would be; of a number of the format
    the same."""
    number = torch.tensor(value, dtype=torch.float64)
    return float(Rounding(format_, source, of_constants=format_).rounded(number))


def _numbers(tensor: Tensor | None, count: int, format_: Format) -> Sequence[float]:
    if tensor is None:
        return [0.0] * count
    numbers: Sequence[float] = (
        nearest(tensor.detach().double(), format_).expand(count).tolist()
    )
    return numbers
