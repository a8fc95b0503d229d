"""A program of cells by plain float64 arithmetic, with NumPy: a second reading of the
records, which has nothing from the verifier but their definition."""

from __future__ import annotations

import math

import numpy as np

from verifier.language.cells import (
    CONSTANT,
    CONTRACTION,
    INPUT,
    LARGEST,
    STOP,
    SUM,
    CellProgram,
    Record,
    Values,
)


def _erfc(x):
    return np.vectorize(math.erfc, otypes=[float])(x)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


ROWS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "neg": np.negative,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "identity": lambda x: x,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "abs": np.abs,
    "sign": np.sign,
    "hypot": np.hypot,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
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
    "erfc": _erfc,
    "erf": lambda x: 1 - _erfc(x),
    "lgamma": np.vectorize(math.lgamma, otypes=[float]),
    "max": np.maximum,
    "min": np.minimum,
    "clamp": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "lerp": lambda x, y, weight: x + weight * (y - x),
    "addcmul": lambda x, y, z, value: x + value * y * z,
    "addcdiv": lambda x, y, z, value: x + value * y / z,
    "gelu": lambda x: x * _erfc(-x / math.sqrt(2)) / 2,
    "gelu_tanh": lambda x: (
        x * _sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    ),
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "softplus": lambda x, beta, threshold: np.log1p(np.exp(beta * x)) / beta,
    "logsigmoid": lambda x: -np.log1p(np.exp(-x)),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "celu": lambda x, alpha: np.where(
        x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)
    ),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "prelu": lambda x, weight: np.where(x > 0, x, weight * x),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "relu6": lambda x: np.clip(x, 0, 6),
    "softshrink": lambda x, c: np.sign(x) * np.maximum(np.abs(x) - c, 0),
    "hardshrink": lambda x, c: np.where(np.abs(x) > c, x, 0),
    "threshold": lambda x, threshold, value: np.where(x > threshold, x, value),
    "glu": lambda a, b: a * _sigmoid(b),
    "fmod": np.fmod,
    "remainder": np.mod,
    "logaddexp": np.logaddexp,
    "logit": lambda x, eps: np.log(x / (1 - x)),
}


def evaluate(
    program: CellProgram,
    inputs: dict[int, float] | None = None,
    stopped: Values | None = None,
) -> Values:
    """The value of every cell; `inputs` replaces numbers of inputs, by cell, `stopped`
    those of all that no derivative flows through."""
    values = np.full(program.size, np.nan)
    with np.errstate(all="ignore"):
        for record in program.records:
            span = slice(record.first, record.first + record.count)
            if record.kind == STOP and stopped is not None:
                values[span] = stopped[span]
            else:
                values[span] = _result(record, values)
            for cell in inputs or ():
                if span.start <= cell < span.stop:
                    values[cell] = inputs[cell]
    return values


def gradient(program: CellProgram, name: str, step: float = 1e-5) -> Values:
    """The gradient of <upstream, outputs> by an input, by central differences, an entry
    at a time; nothing flows through a stop."""
    base = evaluate(program)
    cells = program.inputs[name]
    found = np.zeros(cells.size)
    for at, cell in enumerate(cells.ravel()):
        ends = []
        for sign in (1, -1):
            moved = {int(cell): base[cell] + sign * step}
            values = evaluate(program, moved, base)
            ends.append(
                sum(
                    (base[program.upstream[output]] * values[outputs]).sum()
                    for output, outputs in program.outputs.items()
                    if output in program.upstream
                )
            )
        found[at] = (ends[0] - ends[1]) / (2 * step)
    return found.reshape(cells.shape)


def _result(record: Record, values: Values) -> Values:
    if record.kind in (CONSTANT, INPUT):
        return record.numbers
    operands = [values[cells] for cells in record.operands]
    if record.kind == SUM:
        return operands[0].sum(axis=1)
    if record.kind == LARGEST:
        return operands[0].max(axis=1)
    if record.kind == CONTRACTION:
        return (operands[0] @ operands[1]).ravel()
    if record.kind == STOP:
        return operands[0]
    return ROWS[record.kind](*operands)
