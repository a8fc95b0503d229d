"""PyTorch's kernels, by derivatives.yaml and FunctionsManual.cpp of PyTorch 2.13, and of
2.6 and 2.14 where those differ. Knows formulas, and no torch."""

from __future__ import annotations

from verifier.language.kernels.pytorch import (
    activations,
    arithmetic,
    choice,
    elementary,
    families,
    integrals,
    losses,
    remainders,
    special,
)

ROWS = (
    *arithmetic.ROWS,
    *elementary.ROWS,
    *choice.ROWS,
    *remainders.ROWS,
    *special.ROWS,
    *integrals.ROWS,
    *families.ROWS,
    *activations.ROWS,
    *losses.ROWS,
)
