"""A written program as PyTorch runs it: operation by operation, in one dtype, on all
points at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import special
from torch.nn import functional

from verifier.automatic.faults import FaultError
from verifier.floats import COMPLEX, FORMATS, nearest
from verifier.language.kernels.compositions import expand
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
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
"""A tensor, or a Python float: a literal constant reaches PyTorch as a Python number,
as it would from a program."""

SUBJECT = "name a `subject`, an implementation of your own, to verify that"


def _by_order(name: str, *functions: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of an integer order, of which PyTorch has the first ones."""

    def apply(order: float, x: Any) -> Any:
        if order not in range(len(functions)):
            raise FaultError(f"PyTorch has no {name} of order {order:g}: {SUBJECT}")
        return functions[int(order)](x)

    return apply


def _by_degree(function: Callable[..., Any]) -> Callable[..., Any]:
    """A polynomial of PyTorch's, which takes the degree last."""
    return lambda degree, x: function(x, int(degree))


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


ADAPTED: Mapping[str, Callable[..., Any]] = {
    "identity": lambda x: x.view_as(x),
    "polygamma": lambda order, x: torch.polygamma(int(order), x),
    "logit": lambda x, eps: special.logit(x, eps if eps >= 0 else None),
    "besselj": _by_order("Bessel function J", special.bessel_j0, special.bessel_j1),
    "bessely": _by_order("Bessel function Y", special.bessel_y0, special.bessel_y1),
    "besseli": _by_order("modified Bessel function I", special.i0, special.i1),
    "besselk": _by_order(
        "modified Bessel function K",
        special.modified_bessel_k0,
        special.modified_bessel_k1,
    ),
    "eval_legendre": _by_degree(special.legendre_polynomial_p),
    "eval_chebyt": _by_degree(special.chebyshev_polynomial_t),
    "eval_chebyu": _by_degree(special.chebyshev_polynomial_u),
    "eval_hermite": _by_degree(special.hermite_polynomial_h),
    "eval_hermitenorm": _by_degree(special.hermite_polynomial_he),
    "eval_laguerre": _by_degree(special.laguerre_polynomial_l),
    "float_power": lambda x, y: torch.float_power(x, y).to(x.dtype),
    "prelu": _prelu,
    "glu": _glu,
}
"""PyTorch's functions that take something else than an operation's operands."""


class _Functions(dict[str, Callable[..., Any]]):
    """PyTorch's function for each operation, by its operands in order; found when it is
    first looked up."""

    def __missing__(self, operation: str) -> Callable[..., Any]:
        self[operation] = function = ADAPTED.get(operation) or _function_of(operation)
        return function


OPERATIONS = _Functions()


def _lacking(operation: str) -> Callable[..., Any]:
    """What stands for a function that PyTorch lacks: a run ends there."""

    def raising(*operands: Value) -> Value:
        raise FaultError(f"PyTorch has no function `{operation}`: {SUBJECT}")

    return raising


def _function_of(operation: str) -> Callable[..., Any]:
    """The function that the kernel names, called as the kernel says."""
    row, kernel = operations.OPERATIONS[operation], PYTORCH[operation]
    if kernel.absent:
        return _lacking(operation)
    function = _named(kernel.function or "")
    if not (row.parameters or kernel.options or kernel.same_shape):
        return function
    count, options = len(row.tensors), dict(kernel.options)

    def call(*operands: Value) -> Value:
        tensors = operands[:count]
        if kernel.same_shape:
            tensors = tuple(_of_one_shape(*tensors))
        given = dict(zip(row.parameters, operands[count:], strict=True))
        for name in kernel.labels:
            given[name] = torch.full_like(tensors[0], given[name])
        for name in row.integers:
            given[name] = int(given[name])
        return function(*tensors, **options, **given)

    return call


def _named(name: str) -> Callable[..., Any]:
    """The function of a dotted name, such as `torch.nn.functional.softplus`."""
    module, *path = name.split(".")
    function: Any = {"torch": torch, "operator": operator}[module]
    for part in path:
        function = getattr(function, part)
    return function  # type: ignore[no-any-return]


class Lowered:
    """A program ready to run on tensors of one dtype."""

    def __init__(self, program: Program, dtype: str, device: str = "cpu") -> None:
        self.program = expand(program)
        self.dtype, self.device = DTYPES[dtype], device
        format_ = COMPLEX[dtype] if dtype in COMPLEX else FORMATS[dtype]
        # Looked up before `torch.compile` traces the run: PyTorch 2.6 cannot guard it.
        self._functions = {
            node.operation: self._function(node.operation)
            for node in self.program.nodes
            if node.operation not in ("variable", "constant")
        }
        # Rational arithmetic among literals is rounded once, to the dtype: Python would
        # do it before PyTorch sees it.
        constants = constant_values(self.program)
        self.literals = {
            index: nearest(value, format_) for index, value in constants.items()
        }
        # A parameter reaches PyTorch's kernel as a Python number, whatever the dtype.
        self.parameters = {
            index: nearest(value, FORMATS["float64"])
            for index, value in constants.items()
        }
        # So does a number beside a tensor; the kernels of the 16-bit dtypes, which
        # compute in float32, take it there.
        self.scalars = self.literals
        if format_.is_small:
            self.scalars = {
                index: nearest(value, FORMATS["float32"])
                for index, value in constants.items()
            }

    def _function(self, operation: str) -> Callable[..., Any]:
        return OPERATIONS[operation]

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
        function = self._functions[operation]
        operands = [values[argument] for argument in node.arguments]
        row = operations.OPERATIONS[operation]
        if row.parameters:
            return function(
                *(
                    self.parameters[argument]
                    if name in row.parameters
                    else self.tensor(operand)
                    for name, argument, operand in zip(
                        row.operands, node.arguments, operands, strict=True
                    )
                )
            )
        if operation.startswith("clamp") and not any(
            isinstance(end, torch.Tensor) for end in operands[1:]
        ):
            return function(self.tensor(operands[0]), *operands[1:])
        tensors = any(isinstance(operand, torch.Tensor) for operand in operands)
        if PYTORCH[operation].takes_numbers and tensors:
            return function(
                *(
                    self.scalars.get(argument, operand)
                    for argument, operand in zip(node.arguments, operands, strict=True)
                )
            )
        return function(*[self.tensor(operand) for operand in operands])

    def tensor(self, operand: Value) -> torch.Tensor:
        """A result that may be a number, as a tensor of the dtype."""
        if isinstance(operand, torch.Tensor):
            return operand
        return torch.tensor(operand, dtype=self.dtype, device=self.device)
