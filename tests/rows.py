"""The rows of the table as the tests call them: with numbers in the place of their
parameters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp

from verifier.language.kernels.kernel import NO_DERIVATIVE
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations.families import DEGREES
from verifier.language.operations.table import OPERATIONS, Interval, Operation, interval

GRID = tuple(Fraction(n, 8) for n in (-37, -19, -8, -5, -2, 1, 4, 7, 8, 11, 16, 41))
HOLOMORPHIC = frozenset(row.name for row in OPERATIONS.values() if row.holomorphic)

PARAMETERS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "polygamma": {"n": ("1", "0", "2", "5")},
    "round": {"decimals": ("0", "2", "-1")},
    "rsub": {"alpha": ("1", "5/2")},
    "addcmul": {"value": ("1", "-3/4")},
    "addcdiv": {"value": ("1", "-3/4")},
    # Special functions
    "mvlgamma": {"p": ("2", "1", "5")},
    "logit": {"eps": ("-1", "1/5")},
    "besselj": {"n": ("0", "1", "2", "5")},
    "bessely": {"n": ("0", "1", "5", "1/3")},
    "besseli": {"n": ("0", "1", "2", "5")},
    "besselk": {"n": ("0", "1", "5", "-5/2")},
    "polylog": {"s": ("2", "-3")},
    "expn": {"n": ("1", "2", "1/3", "0", "-3/2")},
    "struve": {"n": ("0", "1", "4")},
    "modstruve": {"n": ("0", "1", "4")},
    "eval_gegenbauer": {"n": ("2", "0", "1", "5"), "alpha": ("3/4", "2")},
    "eval_jacobi": {
        "n": ("2", "0", "1", "5"),
        "alpha": ("1/2", "-1/4"),
        "beta": ("1", "5/2"),
    },
    "eval_genlaguerre": {"n": ("2", "0", "1", "5"), "alpha": ("1/2", "-3/4")},
    **{
        row.name: {"n": ("2", "0", "1", "5", "12")}
        for row in OPERATIONS.values()
        if row.integers == {"n": DEGREES} and row.arity == 2
    },
    # Activations
    "softplus": {"beta": ("1", "2", "1/3"), "threshold": ("20", "9")},
    "elu": {"alpha": ("1", "3/2", "1/4")},
    "celu": {"alpha": ("1", "3/2", "1/4")},
    "hardtanh": {"min_val": ("-1", "-2/5"), "max_val": ("1", "11/2")},
    "leaky_relu": {"negative_slope": ("1/100", "2")},
    "rrelu": {"lower": ("1/8", "1/4"), "upper": ("1/3", "1/2")},
    "softshrink": {"lambd": ("1/2", "2")},
    "hardshrink": {"lambd": ("1/2", "2")},
    "threshold": {"threshold": ("1/10", "-2"), "value": ("20", "-2")},
    # Losses
    "huber_loss": {"delta": ("1", "1/3")},
    "smooth_l1_loss": {"beta": ("1", "1/3")},
    "poisson_nll_loss_rate": {"eps": ("1e-8", "1/4")},
    "gaussian_nll_loss": {"eps": ("1e-6", "1/4")},
    "soft_margin_loss": {"target": ("1", "-1", "3/2")},
    "hinge_embedding_loss": {"target": ("-1", "1", "2"), "margin": ("1", "1/4")},
    "margin_ranking_loss": {"margin": ("0", "1/4")},
}
"""Values for the parameters of rows; the first is the one of a single call."""

WITHOUT_DERIVATIVE = frozenset(
    name for name, kernel in PYTORCH.items() if kernel.convention == NO_DERIVATIVE
)
"""Rows that PyTorch 2.13 computes and cannot differentiate."""


ABSENT = frozenset(name for name, kernel in PYTORCH.items() if kernel.absent)
"""Rows that PyTorch lacks, which a user's own function is verified against."""

INSIDE: Mapping[str, tuple[Interval, ...]] = {
    # −1/e is no rational number
    "lambertw": (interval("[-1/3, inf)"), interval("[0, 0]")),
}
"""Domains that a row cannot say, as far as points are taken from them."""


def domain_of(row: Operation) -> tuple[Interval, ...]:
    """The domains of the operands that are numbers."""
    return INSIDE.get(row.name, row.domain)


def differentiated(row: Operation) -> list[str]:
    """The operands by which a row is differentiated."""
    return [name for name in row.tensors if name not in row.fixed]


def values_of(row: Operation, parameter: str) -> Sequence[str]:
    """Values of a parameter; where none are chosen here, the row's own."""
    chosen = PARAMETERS.get(row.name, {}).get(parameter)
    default = row.parameters[parameter]
    return chosen or row.examples.get(parameter) or (default or "",)


def parameters_of(row: Operation) -> list[dict[str, str]]:
    """Every combination of a row's parameters; of a row without any, the empty one."""
    choices = [values_of(row, name) for name in row.parameters]
    return [
        dict(zip(row.parameters, values, strict=True))
        for values in itertools.product(*choices)
    ]


def call(
    row: Operation, names: Sequence[str], values: Mapping[str, str] | None = None
) -> str:
    """A call of the row on variables of these names, with the first of its parameters'
    values or with those given."""
    chosen = parameters_of(row)[0] if values is None else values
    unused = iter(names)
    operands = [
        next(unused) if name in row.tensors else chosen[name] for name in row.operands
    ]
    return f"{row.name}({', '.join(operands)})"


def named(rows: Sequence[Operation]) -> pytest.MarkDecorator:
    """A test for each row, by its name."""
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def contains(domain: Interval, value: Fraction) -> bool:
    """Whether a number lies in an interval."""
    if domain.lower is not None and value <= domain.lower:
        return domain.lower_closed and value == domain.lower
    if domain.upper is not None and value >= domain.upper:
        return domain.upper_closed and value == domain.upper
    return True


def having(condition: Callable[[Operation], object]) -> list[Operation]:
    """The rows of which something is true; there are some."""
    rows = [row for row in OPERATIONS.values() if condition(row)]
    assert rows
    return rows


def exactly(value: Fraction) -> Any:
    """A rational as a number of mpmath."""
    return mp.mpf(value.numerator) / value.denominator


def points_of(row: Operation) -> list[tuple[Any, ...]]:
    """Operands inside the domain, by the first of its parameters' values."""
    chosen = parameters_of(row)[0]
    axes = []
    for operand, domain in zip(row.operands, domain_of(row), strict=True):
        inside = [value for value in GRID if contains(domain, value)]
        axes.append([Fraction(chosen[operand])] if operand in chosen else inside)
    return [tuple(map(exactly, values)) for values in itertools.product(*axes)]
