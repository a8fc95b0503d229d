"""The operations of the table on float64 arrays, for the models of rounding: as accurate
as the C library, never a truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.symbolic.arithmetic import balls

Array = npt.NDArray[Any]
BITS = 60
"""The precision of balls where the C library has no such function."""


def _lifted(function: Callable[..., float], count: int = 1) -> Callable[..., Array]:
    run = np.frompyfunc(function, count, 1)

    def lifted(*operands: Array) -> Array:
        return np.asarray(run(*operands), dtype=np.float64)

    return lifted


def _gamma_logarithm(x: float) -> float:
    try:
        return math.lgamma(x)
    except ValueError:  # a pole
        return math.inf


def _power(x: Array, y: Array) -> Array:
    return np.asarray(np.power(x, y))


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, small, 1.0) / (1 + small))


DIRECT: dict[str, Callable[..., Array]] = {
    "identity": lambda x: x,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "neg": np.negative,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "cbrt": np.cbrt,
    "pow": _power,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "hypot": np.hypot,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "sigmoid": _sigmoid,
    "relu": lambda x: np.maximum(x, 0),
    "max": np.maximum,
    "min": np.minimum,
    "clamp": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "above": lambda x, y: (x > y).astype(np.float64),
    "erf": _lifted(math.erf),
    "erfc": _lifted(math.erfc),
    "lgamma": _lifted(_gamma_logarithm),
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "where": np.where,
}


@cache
def function(operation: str) -> Callable[..., Array]:
    """An operation on arrays; of balls' midpoints, one by one, where NumPy has none.

    Raises KeyError for an operation that no arithmetic has but by its definition.
    """
    if operation in DIRECT:
        return DIRECT[operation]
    single = balls.OPERATIONS[operation]

    def one(*operands: float) -> float:
        with balls.workprec(BITS):
            return float(single(*map(balls.exact, operands)))

    def lifted(*operands: Array) -> Array:
        found = np.frompyfunc(one, len(operands), 1)(*operands)
        return np.asarray(found, dtype=np.float64)

    return lifted
