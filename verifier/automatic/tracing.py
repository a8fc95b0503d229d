"""PyTorch's own number at every node of a program, forward and backward, and what each
operation alone hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import torch

from verifier.automatic.faults import first_line, is_pytorchs
from verifier.automatic.lowering import DTYPES, Lowered, Value
from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.language.programs.single_operation import isolate, operand_name
from verifier.traces import Trace


def trace(
    program: Program,
    point: Mapping[str, float],
    upstream: float,
    *,
    dtype: str,
    batch: int = 1,
    device: str = "cpu",
) -> Trace:
    """Values, adjoints and local vector-Jacobian products at `point`, in the order of
    the expanded program.

    The point is repeated `batch` times, and the first copy read: PyTorch's vectorised
    kernels, which a batch takes, may round otherwise than those for a single number. An
    exception of PyTorch's becomes the trace's failure.
    """
    lowered = Lowered(program, dtype, device)
    inputs = {
        name: torch.full(
            (batch,),
            point[name],
            dtype=DTYPES[dtype],
            device=device,
            requires_grad=True,
        )
        for name in program.inputs
    }
    try:
        return _trace(lowered, inputs, upstream, dtype)
    except Exception as error:
        if not is_pytorchs(error):
            raise
        return Trace(failure=first_line(error))


def _trace(
    lowered: Lowered, inputs: Mapping[str, torch.Tensor], upstream: float, dtype: str
) -> Trace:
    values = lowered.run(inputs)
    for value in values:
        if _is_differentiated(value):
            value.retain_grad()
    output = values[lowered.program.output]
    output.backward(torch.full_like(output, upstream))
    adjoints = [value.grad if _is_differentiated(value) else None for value in values]
    literals = constant_values(lowered.program)
    products = [
        _products(lowered.program, index, values, adjoint, literals, dtype)
        for index, adjoint in enumerate(adjoints)
    ]
    return Trace(
        values=tuple(_number(value) for value in values),
        adjoints=tuple(_optional(adjoint) for adjoint in adjoints),
        products=tuple(tuple(_optional(part) for part in parts) for parts in products),
    )


def _products(
    program: Program,
    index: int,
    values: Sequence[Value],
    adjoint: torch.Tensor | None,
    literals: Mapping[int, Fraction],
    dtype: str,
) -> list[torch.Tensor | None]:
    """What the operation hands back to each operand, run by itself on detached copies
    of them."""
    arguments = program.nodes[index].arguments
    products: list[torch.Tensor | None] = [None] * len(arguments)
    if adjoint is None or not arguments:
        return products
    inputs: dict[str, torch.Tensor] = {}
    differentiated: list[int] = []
    for operand, argument in enumerate(arguments):
        value = values[argument]
        if argument in literals:
            continue
        inputs[operand_name(operand)] = value.detach().clone()
        if _is_differentiated(value):
            inputs[operand_name(operand)].requires_grad_()
            differentiated.append(operand)
    alone = Lowered(isolate(program, index, literals), dtype, str(adjoint.device))
    result = alone.run(inputs)[alone.program.output]
    leaves = [inputs[operand_name(operand)] for operand in differentiated]
    parts = torch.autograd.grad(result, leaves, adjoint, allow_unused=True)
    for operand, part in zip(differentiated, parts, strict=True):
        products[operand] = part
    return products


def _is_differentiated(value: Value) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad


def _number(value: Value) -> float:
    """The first copy's number, exactly."""
    if not isinstance(value, torch.Tensor):
        return float(value)
    return float(value.detach().to(torch.float64).reshape(-1)[0].item())


def _optional(value: torch.Tensor | None) -> float | None:
    return None if value is None else _number(value)
