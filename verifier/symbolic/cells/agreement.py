"""Whether the derivations of one program's gradients agree: reverse mode, power series,
and SymPy's derivative of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.symbolic.cells.truth import CellTruth, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What came of holding the gradients to other derivations."""

    derivations: int
    """How many said something, reverse mode among them."""
    dispute: str | None = None
    """Which stands alone, in words; None where none is known to."""


def agreement(truth: CellTruth, *, whole: bool = True, seed: int = 0) -> Agreement:
    """Hold the gradients that reverse mode gives to power series, and, of a small program
    if `whole`, to SymPy's derivative of it.

    At a kink, or where a number is undefined, a witness says nothing and is not counted.
    """
    series = truth.witness(seed)
    sympy = truth.agrees_with_sympy() if whole else None
    spoke = 1 + (series.agrees is not None) + (sympy is not None)
    return Agreement(derivations=spoke, dispute=_dispute(series, sympy))


def _dispute(series: Witness, sympy: bool | None) -> str | None:
    if series.agrees is not False and sympy is not False:
        return None
    if series.agrees:
        return (
            "SymPy's derivative of the whole program stands alone: reverse mode over "
            "the operations and power series agree"
        )
    if series.agrees is None:
        return (
            "reverse mode over the operations and SymPy's derivative of the whole "
            "program are disjoint, and no third speaks"
        )
    apart = (
        f"<u, Jv> = {series.forward[0]:.9g}, <Jᵀu, v> = {series.reverse[0]:.9g} "
        "for one random v"
    )
    if sympy is None:
        return (
            "reverse mode over the operations and power series are disjoint, and no "
            f"third speaks: {apart}"
        )
    if sympy:
        return (
            "power series stand alone: reverse mode over the operations and SymPy's "
            f"derivative of the whole program agree: {apart}"
        )
    return (
        "reverse mode over the operations stands alone, against power series and "
        f"SymPy's derivative of the whole program: {apart}"
    )
