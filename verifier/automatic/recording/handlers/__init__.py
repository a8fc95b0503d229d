"""What operations are, one function each.

A handler says what an operation computes in cells::

    @handles(aten.mv)
    def _(tape, result, matrix, vector):
        return tape.contract(matrix.cells, vector.cells[:, None])[:, 0]

It gets the `Tape`, whose words make records; what the operation gave in float64 (a
tensor, or a tuple of them: indices that PyTorch chose, masks); and the arguments, where
a tensor of floating-point numbers is an `Operand` (`cells`, an int64 array in its shape;
`values`, a float64 tensor; `dtype`), and all else (tensors of integers, numbers, None)
is itself. It returns the cells of the result in its shape: of several results a tuple,
with None for one that has no floating-point numbers. Cells that it only moves it
returns as they are; it never writes to an operand's. `handles(aten.add)` is for all
overloads, `handles(aten.add.Tensor)` for one; in place and `out=` are handled by the
same function. An operation that only moves elements is one line of `movement.py`, a
function of each element that is a row of the table one line of `pointwise.py`.

A composition says what an operation computes in other operations of PyTorch's::

    @composes(aten.linalg_vector_norm)
    def _(x, ord=2, dim=None, keepdim=False, *, dtype=None): return ...

It gets the arguments as float64 tensors, and its operations are recorded; what it
computes is held against what PyTorch itself computed. `composes(…, drawn=True)` is for
operations that draw random numbers: what PyTorch gave comes first.

What has neither, PyTorch's own table of decompositions says; what is not there either
cannot be recorded. `load` imports the modules of this package.
"""

from __future__ import annotations

from verifier.automatic.recording.handlers.registry import composes as composes
from verifier.automatic.recording.handlers.registry import handles as handles


def load() -> None:
    """Import all modules of handlers: a new one is named here."""
    from verifier.automatic.recording.handlers import (  # noqa: F401
        attention,
        choices,
        contractions,
        convolutions,
        cumulative,
        distances,
        embeddings,
        factorisations,
        grids,
        lists,
        margins,
        movement,
        norms,
        orthogonal,
        pointwise,
        reductions,
        resampling,
        rounding,
        scatters,
        sequences,
        special,
        spectra,
        transposes,
        windows,
    )
