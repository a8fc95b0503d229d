"""What PyTorch lacks: the rows of functions that specify a user's own backward."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import Kernel
from verifier.language.operations.table import OPERATIONS

NO_FUNCTION = "PyTorch has no such function: a case of it needs a `subject`"

SPECIAL_ULP = Fraction(16)
"""What a user's own implementation is held to; Cephes documents peak relative errors of
1e-15 or so for most of these functions."""


def about_roots(operation: str) -> str:
    """The kernel of a function of x with roots: about them no implementation has a
    small relative error, but it is right at an x some units of rounding away."""
    operands = OPERATIONS[operation].operands
    given = ("x * (pi / pi)" if name == "x" else name for name in operands)
    return f"{operation}({', '.join(given)})"


def absent(operation: str, *backward: str | None, has_roots: bool = False) -> Kernel:
    """The row of what PyTorch lacks: `backward` is what a faithful derivative would
    compute."""
    return Kernel(
        operation,
        None,
        backward,
        forward=about_roots(operation) if has_roots else None,
        forward_ulp=SPECIAL_ULP,
        absent=True,
        convention=NO_FUNCTION,
    )
