"""A written program as PyTorch runs it: operation by operation, in one dtype, on all points at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from verifier.floats import FORMATS, nearest
from verifier.language import expression, operations
from verifier.language.expression import Node, Program

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}

Value = Any
"""A tensor, or a Python float: a literal constant reaches PyTorch as a Python number, as it would from a program."""

SCALAR_OPERATIONS = frozenset(
    ("add", "sub", "mul", "div", "pow", "lt", "le", "gt", "ge", "eq", "ne")
)
"""Those that take a Python number beside a tensor; for the others a constant becomes a tensor."""


def _of_one_shape(*tensors: Value) -> Sequence[Value]:
    shaped: Sequence[Value] = torch.broadcast_tensors(*tensors)  # type: ignore[no-untyped-call]
    return shaped


def _prelu(x: Value, weight: Value) -> Value:
    """Every element a channel of its own, with its own weight."""
    x, weight = _of_one_shape(x, weight)
    return functional.prelu(x[None], weight)[0]


def _glu(first: Value, second: Value) -> Value:
    """PyTorch's own takes both halves as one tensor."""
    return functional.glu(torch.stack(list(_of_one_shape(first, second))), 0)[0]


def _loss(function: Callable[..., Any], *parameters: str) -> Callable[..., Any]:
    """The loss of each element, by operands of one shape, as the losses want them, and then its parameters."""

    def of_each(*operands: Value) -> Value:
        cut = len(operands) - len(parameters)
        named = dict(zip(parameters, operands[cut:], strict=True))
        return function(*_of_one_shape(*operands[:cut]), reduction="none", **named)

    return of_each


def _of_label(function: Callable[..., Any], *parameters: str) -> Callable[..., Any]:
    """A loss whose target is a number, the same for all elements: PyTorch does not differentiate by it."""
    loss = _loss(function, *parameters)
    return lambda x, target, *rest: loss(x, torch.full_like(x, target), *rest)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x.view_as(x),
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "square": torch.square,
    "reciprocal": torch.reciprocal,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "abs": torch.abs,
    "sign": torch.sign,
    "hypot": torch.hypot,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "log": torch.log,
    "log2": torch.log2,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "atan2": torch.atan2,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "asinh": torch.asinh,
    "acosh": torch.acosh,
    "atanh": torch.atanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "lgamma": torch.lgamma,
    "digamma": torch.digamma,
    "logit": torch.special.logit,
    "polygamma": lambda order, x: torch.polygamma(int(order), x),
    "max": torch.maximum,
    "min": torch.minimum,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "clamp": torch.clamp,
    "where": torch.where,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_not": torch.logical_not,
    # Activations
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softplus": functional.softplus,
    "logsigmoid": functional.logsigmoid,
    "softsign": functional.softsign,
    "tanhshrink": functional.tanhshrink,
    "elu": functional.elu,
    "celu": functional.celu,
    "selu": functional.selu,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "hardtanh": functional.hardtanh,
    "relu6": functional.relu6,
    "leaky_relu": functional.leaky_relu,
    "rrelu": functional.rrelu,
    "prelu": _prelu,
    "softshrink": functional.softshrink,
    "hardshrink": functional.hardshrink,
    "threshold": functional.threshold,
    "glu": _glu,
    # Losses
    "mse_loss": _loss(functional.mse_loss),
    "l1_loss": _loss(functional.l1_loss),
    "huber_loss": _loss(functional.huber_loss, "delta"),
    "smooth_l1_loss": _loss(functional.smooth_l1_loss, "beta"),
    "binary_cross_entropy": _loss(functional.binary_cross_entropy),
    "binary_cross_entropy_with_logits": _loss(
        functional.binary_cross_entropy_with_logits
    ),
    "kl_div": _loss(functional.kl_div),
    "kl_div_log": _loss(partial(functional.kl_div, log_target=True)),
    "poisson_nll_loss": _loss(functional.poisson_nll_loss),
    "poisson_nll_loss_rate": _loss(
        partial(functional.poisson_nll_loss, log_input=False), "eps"
    ),
    "gaussian_nll_loss": _loss(functional.gaussian_nll_loss, "eps"),
    "soft_margin_loss": _of_label(functional.soft_margin_loss),
    "hinge_embedding_loss": _of_label(functional.hinge_embedding_loss, "margin"),
    "margin_ranking_loss": _loss(functional.margin_ranking_loss, "margin"),
}
"""PyTorch's function for each row without a composition."""


class Lowered:
    """A program ready to run on tensors of one dtype."""

    def __init__(self, program: Program, dtype: str) -> None:
        self.program = expression.expand(program)
        self.dtype = DTYPES[dtype]
        format_ = FORMATS[dtype]
        # Rational arithmetic among literals is rounded once, to the dtype: Python would do it before PyTorch sees it.
        constants = expression.constant_values(self.program)
        self.literals = {
            index: nearest(value, format_) for index, value in constants.items()
        }
        # A parameter reaches PyTorch's kernel as a Python number, whatever the dtype.
        self.parameters = {
            index: nearest(value, FORMATS["float64"])
            for index, value in constants.items()
        }

    def run(self, inputs: Mapping[str, torch.Tensor]) -> list[Value]:
        """The value of every node, in order; inputs have shape `(points,)`."""
        values: list[Value] = []
        for index, node in enumerate(self.program.nodes):
            if index in self.literals:
                values.append(self.literals[index])
            elif node.operation == "variable":
                values.append(inputs[node.name or ""])
            elif node.operation == "constant":
                values.append(self._named(node.name or ""))
            else:
                values.append(self._apply(node, values))
        return values

    def _named(self, name: str) -> torch.Tensor:
        number = {"pi": torch.pi, "e": torch.e, "inf": torch.inf}[name]
        return torch.tensor(number, dtype=self.dtype)

    def _apply(self, node: Node, values: Sequence[Value]) -> Value:
        operation = node.operation
        function = OPERATIONS[operation]
        operands = [values[argument] for argument in node.arguments]
        row = operations.OPERATIONS[operation]
        if row.parameters:
            return function(
                *(
                    self.parameters[argument]
                    if name in row.parameters
                    else self._tensor(operand)
                    for name, argument, operand in zip(
                        row.operands, node.arguments, operands, strict=True
                    )
                )
            )
        if operation == "clamp" and not any(
            isinstance(end, torch.Tensor) for end in operands[1:]
        ):
            return function(self._tensor(operands[0]), *operands[1:])
        tensors = any(isinstance(operand, torch.Tensor) for operand in operands)
        if operation in SCALAR_OPERATIONS and tensors:
            return function(*operands)
        return function(*[self._tensor(operand) for operand in operands])

    def _tensor(self, operand: Value) -> torch.Tensor:
        if isinstance(operand, torch.Tensor):
            return operand
        return torch.tensor(operand, dtype=self.dtype)
