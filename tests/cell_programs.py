"""Programs of cells written by hand, for tests of both of their readers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from verifier.language.cells import (
    CONSTANT,
    CONTRACTION,
    INPUT,
    LARGEST,
    STOP,
    SUM,
    CellProgram,
    Cells,
    Record,
)


class Builder:
    """Writes records; every method gives the cells of its results, in their shape."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.inputs: dict[str, Cells] = {}
        self.upstream: dict[str, Cells] = {}
        self.size = 0
        self.in_backward = False
        self.constant(0.0)

    def _add(
        self,
        kind: str,
        shape: Sequence[int],
        operands: Sequence[Cells] = (),
        numbers: npt.ArrayLike | None = None,
    ) -> Cells:
        count = int(np.prod(shape))
        record = Record(
            kind=kind,
            first=self.size,
            count=count,
            operands=tuple(operands),
            numbers=None
            if numbers is None
            else np.array(numbers, dtype=np.float64).reshape(-1),
            operation=f"test.{kind}",
            in_backward=self.in_backward,
        )
        self.records.append(record)
        self.size += count
        return record.cells.reshape(shape)

    def constant(self, numbers: npt.ArrayLike) -> Cells:
        return self._add(CONSTANT, np.shape(numbers), numbers=numbers)

    def input(self, name: str, numbers: npt.ArrayLike) -> Cells:
        self.inputs[name] = self._add(INPUT, np.shape(numbers), numbers=numbers)
        return self.inputs[name]

    def given(self, output: str, numbers: npt.ArrayLike) -> Cells:
        """The upstream gradient of an output."""
        self.upstream[output] = self._add(INPUT, np.shape(numbers), numbers=numbers)
        return self.upstream[output]

    def row(self, name: str, *operands: Cells | float) -> Cells:
        """A row of the table, elementwise, its operands broadcast."""
        arrays = [
            self.constant(operand) if isinstance(operand, float) else operand
            for operand in operands
        ]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        flat = [np.broadcast_to(array, shape).reshape(-1) for array in arrays]
        return self._add(name, shape, flat)

    def sum(self, operand: Cells, axis: int | None = None) -> Cells:
        """Over one axis, or over all."""
        moved = (
            operand.reshape(1, -1) if axis is None else np.moveaxis(operand, axis, -1)
        )
        shape = () if axis is None else moved.shape[:-1]
        return self._add(SUM, shape, [moved.reshape(-1, moved.shape[-1])])

    def largest(self, operand: Cells) -> Cells:
        """Along the last axis."""
        flat = operand.reshape(-1, operand.shape[-1])
        return self._add(LARGEST, operand.shape[:-1], [flat])

    def matmul(self, left: Cells, right: Cells) -> Cells:
        shape = (*left.shape[:-1], right.shape[-1])
        return self._add(
            CONTRACTION,
            shape,
            [
                left.reshape(-1, *left.shape[-2:]),
                right.reshape(-1, *right.shape[-2:]),
            ],
        )

    def stop(self, operand: Cells) -> Cells:
        return self._add(STOP, operand.shape, [operand.reshape(-1)])

    def block(self, kind: str, operand: Cells, count: int) -> Cells:
        return self._add(kind, (count,), [operand])

    def softmax(self, x: Cells) -> Cells:
        shift = self.stop(self.largest(x))
        powers = self.row("exp", self.row("sub", x, shift[..., None]))
        return self.row("div", powers, self.sum(powers, -1)[..., None])

    def program(
        self,
        outputs: dict[str, Cells],
        gradients: dict[str, Cells | None] | None = None,
        values: npt.NDArray[np.float64] | None = None,
    ) -> CellProgram:
        return CellProgram(
            records=tuple(self.records),
            inputs=self.inputs,
            outputs=outputs,
            upstream=self.upstream,
            gradients=gradients or {},
            values=np.full(self.size, np.nan) if values is None else values,
        )


def layer_norm(
    rows: int, width: int, *, affine: bool = True, seed: int = 0
) -> CellProgram:
    """Layer norm with its upstream gradient, without a backward."""
    random = np.random.default_rng(seed)
    b = Builder()
    x = b.input("x", random.standard_normal((rows, width)))
    mean = b.row("div", b.sum(x, 1), float(width))
    centred = b.row("sub", x, mean[:, None])
    variance = b.row("div", b.sum(b.row("square", centred), 1), float(width))
    scale = b.row("rsqrt", b.row("add", variance, 1e-5))
    y = b.row("mul", centred, scale[:, None])
    if affine:
        weight = b.input("weight", random.standard_normal(width))
        bias = b.input("bias", random.standard_normal(width))
        y = b.row("add", b.row("mul", y, weight), bias)
    b.given("output", random.standard_normal((rows, width)))
    return b.program({"output": y})
