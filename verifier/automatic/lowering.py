"""A written program as PyTorch runs it: operation by operation, in one dtype, on all points at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import special
from torch.nn import functional

from verifier.automatic.faults import FaultError
from verifier.floats import COMPLEX, FORMATS, nearest
from verifier.language.operations import table as operations
from verifier.language.programs import rewriting
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Node, Program

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
    "complex64": torch.complex64,
    "complex128": torch.complex128,
}

Value = Any
"""A tensor, or a Python float: a literal constant reaches PyTorch as a Python number, as it would from a program."""

SCALAR_OPERATIONS = frozenset(
    ("add", "sub", "mul", "div", "pow", "lt", "le", "gt", "ge", "eq", "ne")
)
"""Those that take a Python number beside a tensor; for the others a constant becomes a tensor."""


def _by_order(name: str, *functions: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of an integer order, of which PyTorch has the first ones."""

    def apply(order: float, x: Any) -> Any:
        if not 0 <= order < len(functions):
            raise FaultError(f"PyTorch has no {name} of order {int(order)}")
        return functions[int(order)](x)

    return apply


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
    "mvlgamma": lambda x, p: torch.mvlgamma(x, int(p)),
    "digamma": torch.digamma,
    "polygamma": lambda order, x: torch.polygamma(int(order), x),
    # Special functions
    "erfinv": special.erfinv,
    "erfcx": special.erfcx,
    "ndtr": special.ndtr,
    "ndtri": special.ndtri,
    "log_ndtr": special.log_ndtr,
    "logit": lambda x, eps: special.logit(x, eps if eps >= 0 else None),
    "entr": special.entr,
    "xlogy": special.xlogy,
    "xlog1py": special.xlog1py,
    "logaddexp": torch.logaddexp,
    "logaddexp2": torch.logaddexp2,
    "besselj": _by_order("Bessel function J", special.bessel_j0, special.bessel_j1),
    "bessely": _by_order("Bessel function Y", special.bessel_y0, special.bessel_y1),
    "besseli": _by_order("modified Bessel function I", special.i0, special.i1),
    "besselk": _by_order(
        "modified Bessel function K",
        special.modified_bessel_k0,
        special.modified_bessel_k1,
    ),
    "i0": special.i0,
    "i1": special.i1,
    "i0e": special.i0e,
    "i1e": special.i1e,
    "bessel_j0": special.bessel_j0,
    "bessel_j1": special.bessel_j1,
    "bessel_y0": special.bessel_y0,
    "bessel_y1": special.bessel_y1,
    "modified_bessel_i0": special.modified_bessel_i0,
    "modified_bessel_i1": special.modified_bessel_i1,
    "modified_bessel_k0": special.modified_bessel_k0,
    "modified_bessel_k1": special.modified_bessel_k1,
    "scaled_modified_bessel_k0": special.scaled_modified_bessel_k0,
    "scaled_modified_bessel_k1": special.scaled_modified_bessel_k1,
    "spherical_bessel_j0": special.spherical_bessel_j0,
    "sinc": special.sinc,
    "max": torch.maximum,
    "min": torch.minimum,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "clamp": torch.clamp,
    "where": torch.where,
    # rows/steps.py
    "trunc": torch.trunc,
    "frac": torch.frac,
    "rint": torch.round,
    "round": lambda x, decimals: torch.round(x, decimals=int(decimals)),
    "fmod": torch.fmod,
    "remainder": torch.remainder,
    "copysign": torch.copysign,
    "angle": torch.angle,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "clamp_min": torch.clamp_min,
    "clamp_max": torch.clamp_max,
    "nan_to_num": torch.nan_to_num,
    "deg2rad": torch.deg2rad,
    "rad2deg": torch.rad2deg,
    "ldexp": torch.ldexp,
    "float_power": lambda x, y: torch.float_power(x, y).to(x.dtype),
    "rsub": lambda x, y, alpha: torch.rsub(x, y, alpha=alpha),
    "addcmul": lambda x, y, z, value: torch.addcmul(x, y, z, value=value),
    "addcdiv": lambda x, y, z, value: torch.addcdiv(x, y, z, value=value),
    "lerp": torch.lerp,
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

    def __init__(self, program: Program, dtype: str, device: str = "cpu") -> None:
        self.program = rewriting.expand(program)
        self.dtype, self.device = DTYPES[dtype], device
        format_ = COMPLEX[dtype] if dtype in COMPLEX else FORMATS[dtype]
        # Rational arithmetic among literals is rounded once, to the dtype: Python would do it before PyTorch sees it.
        constants = constant_values(self.program)
        self.literals = {
            index: nearest(value, format_) for index, value in constants.items()
        }
        # A parameter reaches PyTorch's kernel as a Python number, whatever the dtype.
        self.parameters = {
            index: nearest(value, FORMATS["float64"])
            for index, value in constants.items()
        }
        # So does a number beside a tensor; the kernels of the 16-bit dtypes, which compute in float32, take it there.
        self.scalars = self.literals
        if dtype in ("float16", "bfloat16"):
            self.scalars = {
                index: nearest(value, FORMATS["float32"])
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
        number = {"pi": torch.pi, "e": torch.e, "inf": torch.inf, "1j": 1j}[name]
        return torch.tensor(number, dtype=self.dtype, device=self.device)

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
            return function(
                *(
                    self.scalars.get(argument, operand)
                    for argument, operand in zip(node.arguments, operands, strict=True)
                )
            )
        return function(*[self._tensor(operand) for operand in operands])

    def _tensor(self, operand: Value) -> torch.Tensor:
        if isinstance(operand, torch.Tensor):
            return operand
        return torch.tensor(operand, dtype=self.dtype, device=self.device)
