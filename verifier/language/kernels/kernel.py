"""What a row of a library's table of kernels holds: how that library computes and
differentiates one operation."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from fractions import Fraction

BASIC_ULP = Fraction(1, 2)
"""+ − × ÷ are correctly rounded (IEEE 754-2019, section 5.4.1)."""
ELEMENTARY_ULP = Fraction(2)
"""Twice the 1.0 ulp that SLEEF documents for the `u10` functions PyTorch calls on a
CPU."""
COMPLEX_ULP = Fraction(8)
"""glibc documents at most 4 ulps a component for its complex functions (manual, section
19.7); a component's ulp is at most 2u of the norm. On 1,500 points a function, no
kernel of PyTorch 2.13's was seen beyond 4.4u, but `acos` near 1."""

NO_DERIVATIVE = "PyTorch has no derivative: it raises, or in a sum leaves the term out"
"""The `convention` of a kernel without any."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A row of a library's table; every formula is in this language, in the operation's
    operands."""

    operation: str
    function: str | None = None
    """Where the library has the operation as one function, by its dotted name."""
    backward: tuple[str | None, ...] = ()
    """For each operand the library's formula for the vector-Jacobian product, of
    `result` and `grad` too; None where nothing flows back. Parameters at the end may be
    left out."""
    _: KW_ONLY
    releases: str | None = None
    """The releases of the library for which the row holds, as `verifier.releases`
    writes a range; the others have a row of their own. None: all that are
    supported."""
    tangent: str | None = None
    """Its formula for the Jacobian-vector product, of `result` and the operands'
    tangents `x_t`, … too, where that is not the sum of `backward`'s with the tangents
    in the place of `grad`."""
    differentiated: str | None = None
    """The formula whose derivative is the second one that the library computes, where
    that is not `backward`'s."""
    composition: str | None = None
    """What it is given in the place of an operation that it lacks as one function; else
    the row's definition."""
    forward: str | None = None
    """The kernel where it is a formula, each of whose operations rounds (the operation
    itself, within its own formula, is a faithful implementation)."""
    forward_ulp: Fraction = ELEMENTARY_ULP
    """A bound of the local error of a faithful implementation."""
    exact: bool = False
    """It returns an operand, its negative or a part of it that is a number of the
    format: nothing is rounded."""
    exact_if_representable: bool = False
    """Where the true result is a number of the format, it returns that."""
    inner_exponential: str | None = None
    """The exponent of an exponential that the kernel multiplies or divides by, and that
    may overflow."""
    takes_numbers: bool = False
    """It takes a Python number beside a tensor; for other kernels a constant becomes a
    tensor."""
    options: tuple[tuple[str, object], ...] = ()
    """Keywords of every call of the function."""
    same_shape: bool = False
    """It wants operands of one shape."""
    labels: tuple[str, ...] = ()
    """Parameters that it wants as a tensor, and does not differentiate by."""
    complex_backward: tuple[str, ...] = ()
    """Its formulas for complex operands, where they are not `backward`."""
    complex_error: Fraction = COMPLEX_ULP
    """A bound of its local error on complex numbers, in u of the result's norm."""
    absent: bool = False
    """The library has no such function, nor others that make it: a program of it cannot
    be run."""
    convention: str | None = None
    """What it gives where there is no derivative."""

    @property
    def local_ulp(self) -> Fraction:
        """A bound of what the kernel's own rounding adds to the error of its result."""
        return Fraction(0) if self.exact else self.forward_ulp
