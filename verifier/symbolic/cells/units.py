"""How precisely a program of tensors is computed: by record and by cell, in one of two
models.

`within`: kernels compute in float32 at least, and round what they hand on to its dtype.
`everywhere`: every operation rounds to the dtype that the program runs in. Sums
accumulate in float32 at least in both: an accumulator of 16 bits is no excuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verifier.enclosures import Numbers
from verifier.floats import BINARY32, BINARY64, DTYPES, Format, of_parts
from verifier.language.cells import INPUT, CellProgram, Cells, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """One model for one dtype."""

    dtype: str
    everywhere: bool
    in_range: bool = False
    """Whether results underflow and overflow too."""

    @property
    def format(self) -> Format:
        """Of the dtype's numbers."""
        return of_parts(self.dtype)

    @property
    def inner(self) -> Format:
        """In which kernels compute."""
        return self.format if self.everywhere else self.accumulator

    @property
    def accumulator(self) -> Format:
        """In which sums are accumulated."""
        wide = BINARY64 if self.format is BINARY64 else BINARY32
        return wide

    def stored(self, record: Record) -> Format:
        """In which a record's results are kept."""
        if record.kind == INPUT and record.stored is None:
            return self.format
        if record.stored is None:
            return self.inner
        kept = of_parts(record.stored)
        narrower = kept.precision_bits < self.inner.precision_bits
        return kept if narrower or not self.everywhere else self.inner


def unit(format_: Format) -> float:
    """The unit roundoff."""
    return format_.epsilon / 2


def absolute(format_: Format) -> float:
    """What underflow adds to the error of one operation."""
    return float(format_.smallest_subnormal) / 2


@dataclass(frozen=True, slots=True, eq=False)
class CellUnits:
    """By cell, the format in which the library keeps it, and its gradient."""

    unit: Numbers
    absolute: Numbers
    largest: Numbers


def by_cell(program: CellProgram, precision: Precision) -> CellUnits:
    """Of all cells of a program."""
    columns = np.zeros((3, program.size))
    for record in program.records:
        kept = precision.stored(record)
        here = slice(record.first, record.first + record.count)
        columns[0, here] = unit(kept)
        columns[1, here] = absolute(kept)
        columns[2, here] = float(kept.largest)
    for cells, kept in _given(program):
        columns[:, cells.reshape(-1)] = np.array(
            [[unit(kept)], [absolute(kept)], [float(kept.largest)]]
        )
    return CellUnits(*columns)


def _given(program: CellProgram) -> Iterator[tuple[Cells, Format]]:
    """The inputs and upstream gradients, and the formats of those whose dtype is
    noted."""
    dtypes = program.notes.get("dtypes", {})
    for named in (program.inputs, program.upstream):
        for name, cells in named.items():
            if dtypes.get(name) in DTYPES:
                yield cells, of_parts(dtypes[name])
