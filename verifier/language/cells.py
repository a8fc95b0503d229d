"""A program of tensors as it ran: a straight line of records over numbered scalars
(*cells*). The array twin of `Program`; no logic but what reads it.

A cell is one element of one tensor at one moment. Whatever only moves numbers (views,
copies, gathers, in-place writes) leaves no record: it is in the cells' numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Cells: TypeAlias = npt.NDArray[np.int64]
"""Numbers of cells, in some shape."""
Values: TypeAlias = npt.NDArray[np.float64]

ZERO = 0
"""The cell that every program has first: the exact 0."""

CONSTANT = "constant"
"""Numbers of the program's own: `numbers` has them."""
INPUT = "input"
"""Numbers that the program is given, and may be differentiated by: `numbers` has those
that it was recorded at."""
SUM = "sum"
"""Of the last axis of its operand, of shape (count, terms)."""
CONTRACTION = "contraction"
"""Matrix products: of operands of shapes (batch, rows, inner) and (batch, inner,
columns), in the order (batch, rows, columns)."""
LARGEST = "largest"
"""The largest along the last axis of its operand, of shape (count, candidates)."""
STOP = "stop"
"""The same number, through which no derivative flows: `detach`, or read where autograd
records but of a tensor that needs no gradient."""
BLOCKS = frozenset({"eigh", "matrix_exp"})
"""Functions of a matrix that are no straight line, of an operand of shape (batch, n, n).

Of `matrix_exp` the results stand in that order. `eigh` is of the symmetric part of the
operand; its results are, for each of the batch, the n eigenvalues in rising order and
then the n × n components of the eigenvectors, which are the columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line of the user's: where an operation was asked for."""

    file: str
    line: int
    text: str = ""
    """The line itself, without blanks around it."""
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A node of the graph of autograd, as the backward ran it."""

    name: str
    """`Swish.backward` of a Function of the user's, else PyTorch's own
    (`MulBackward0`)."""
    number: int
    """Which of those of its name."""
    source: SourceLine | None = None
    """Where the user wrote the backward; None of PyTorch's own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """One operation on many cells at once; its results are the cells from `first` on,
    `count` of them."""

    kind: str
    """A row of the table of operations, or one of the kinds above."""
    first: int
    count: int
    operands: tuple[Cells, ...] = ()
    """Of a row: one array of shape (count,) an operand, in the order of the row's."""
    numbers: Values | None = None
    """Of constants and inputs: the exact numbers."""
    operation: str = ""
    """The operation of the library that it is of, as its messages name it
    (`aten.native_layer_norm`)."""
    source: SourceLine | None = None
    stored: str | None = None
    """The dtype in which the library keeps these results when the program runs in its
    own dtype; None where they are within one of its kernels."""
    in_backward: bool = False
    """Whether it is of the recorded backward."""
    node: GraphNode | None = None
    """Of which node of autograd's; None of the forward, and of sums of gradients."""

    @property
    def cells(self) -> Cells:
        """The cells of the results."""
        return np.arange(self.first, self.first + self.count, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """A comparison on which the path of the program hung: which of two numbers was less,
    and whether so."""

    kind: str
    """A relation of the table (`lt`, `le`, …), or `choice`: a place in an order (of
    sort, topk, a pool)."""
    left: Cells
    right: Cells
    outcome: npt.NDArray[np.bool_]
    operation: str = ""
    source: SourceLine | None = None
    in_backward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellProgram:
    """What ran: the forward and, where it was recorded, the backward that the library
    or the user's own code computed."""

    records: tuple[Record, ...]
    """In the order in which they ran; the first is the constant 0."""
    inputs: Mapping[str, Cells]
    """By name, in the shape of the tensor."""
    outputs: Mapping[str, Cells]
    """By name (`output`, or `output[0]` …), in the shape of the tensor."""
    upstream: Mapping[str, Cells] = field(default_factory=dict)
    """By output, the cells of its upstream gradient: inputs of the program too."""
    gradients: Mapping[str, Cells | None] = field(default_factory=dict)
    """By input, what the recorded backward returned; None where that was None. Empty
    where no backward was recorded."""
    directions: Mapping[str, Cells] = field(default_factory=dict)
    """By input, the cells of the direction v of a recorded double backward: inputs of
    the program too."""
    products: Mapping[str, Cells | None] = field(default_factory=dict)
    """By input, what the double backward returned: the gradient of <gradients, v>."""
    decisions: tuple[Decision, ...] = ()
    values: Values
    """What the recording itself computed, in float64, by cell; NaN where it was within
    an operation, and was not seen."""
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.values)
