"""What PyTorch lacks: the rows of functions that specify a user's own backward."""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import Kernel

NO_FUNCTION = "PyTorch has no such function: a case of it needs a `subject`"

SPECIAL_ULP = Fraction(16)
"""What a user's own implementation is held to; Cephes documents peak relative errors of
1e-15 or so for most of these functions."""


def absent(operation: str, *backward: str | None) -> Kernel:
    """The row of what PyTorch lacks: `backward` is what a faithful derivative would
    compute."""
    return Kernel(
        operation,
        None,
        backward,
        forward_ulp=SPECIAL_ULP,
        absent=True,
        convention=NO_FUNCTION,
    )
