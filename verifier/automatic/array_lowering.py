"""A program of arrays as PyTorch runs it: a callable of its inputs by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from verifier.automatic.lowering import DTYPES, Lowered, Value
from verifier.language.programs.arrays.program import (
    OPERATIONS,
    ArrayNode,
    ArrayProgram,
)
from verifier.language.programs.program import Node

Function = Callable[[ArrayNode, Sequence[Tensor]], Tensor]
"""What an operation on arrays is, by its options and operands."""
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_HIGHEST = {torch.bfloat16: 0, torch.float16: 0, torch.float32: 1, torch.float64: 2}


def lowered(program: ArrayProgram) -> ArrayCallable:
    """What PyTorch computes: each operation as the function of PyTorch's of that name.

    A literal reaches PyTorch as a Python number, the one of float64 nearest to it.
    """
    return ArrayCallable(program, FUNCTIONS)


class ArrayCallable:
    """Runs a program on tensors given by name, in the dtype in which they come."""

    def __init__(
        self, program: ArrayProgram, functions: Mapping[str, Function]
    ) -> None:
        self.program = program
        self._functions = functions
        self._by_dtype: dict[tuple[str, str], _Run] = {}

    def __call__(self, **inputs: Tensor) -> Tensor:
        """The output; what the program does not name is not looked at."""
        return self.steps(inputs)[""]

    def of(self, names: Sequence[str]) -> Callable[..., Tensor]:
        """The same of inputs in that order."""

        def formula(*tensors: Tensor) -> Tensor:
            return self(**dict(zip(names, tensors, strict=True)))

        return formula

    def steps(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The value of every named step, and of the output under no name."""
        given = {name: inputs[name] for name in self.program.inputs}
        for name, tensor in given.items():
            if tuple(tensor.shape) != self.program.shapes[name]:
                raise ValueError(
                    f"expected `{name}` of shape {list(self.program.shapes[name])}, "
                    f"found {list(tensor.shape)}"
                )
        run = self._run(list(given.values()))
        values = run.run(given)
        program = run.program
        places = {**program.steps, "": program.output}
        return {name: run.tensor(values[index]) for name, index in places.items()}

    def _run(self, tensors: Sequence[Tensor]) -> _Run:
        floating = [t for t in tensors if t.dtype in _HIGHEST]
        dtype = max((t.dtype for t in floating), key=_HIGHEST.__getitem__, default=None)
        device = str(tensors[0].device) if tensors else "cpu"
        name = _NAMES[dtype or torch.float64]
        key = name, device
        if key not in self._by_dtype:
            self._by_dtype[key] = _Run(self.program, name, device, self._functions)
        return self._by_dtype[key]


class _Run(Lowered):
    """A program in one dtype; rows of the table run as in programs of numbers."""

    def __init__(
        self,
        program: ArrayProgram,
        dtype: str,
        device: str,
        functions: Mapping[str, Function],
    ) -> None:
        self._arrays = functions
        super().__init__(program, dtype, device)
        # Not rounded to the dtype beforehand: PyTorch does, and what is recorded in
        # float64 shall have the same literals as the definition.
        self.literals = self.scalars = self.parameters

    def _function(self, operation: str) -> Callable[..., Any]:
        if operation in OPERATIONS:
            return self._arrays[operation]
        return super()._function(operation)

    def _apply(self, node: Node, values: Sequence[Value]) -> Value:
        if not isinstance(node, ArrayNode) or node.operation not in OPERATIONS:
            return super()._apply(node, values)
        operands = [self.tensor(values[index]) for index in node.arguments]
        if not operands:
            return _constant(node, self.dtype, self.device)
        return self._functions[node.operation](node, operands)


def _constant(node: ArrayNode, dtype: torch.dtype, device: str) -> Tensor:
    options: Mapping[str, Any] = node.options
    if node.operation == "eye":
        return torch.eye(node.shape[0], dtype=dtype, device=device)
    if node.operation == "arange":
        start, step = options["start"], options["step"]
        end = start + step * node.shape[0]
        return torch.arange(start, end, step, dtype=dtype, device=device)
    return torch.full(node.shape, float(options["value"]), dtype=dtype, device=device)


# ── PyTorch's functions ───────────────────────────────────────────────────────────────


def _reducing(function: Callable[..., Tensor], *names: str) -> Function:
    """A reduction over the node's axes; `names` are options of its own."""

    def apply(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
        options: Mapping[str, Any] = node.options
        (x,) = operands
        dims = options["dims"]
        if not dims:  # which PyTorch takes for all of them
            x, dims = x[None], (0,)
        given = {name: options[name] for name in names}
        result: Tensor = function(x, dim=dims, keepdim=options["keepdim"], **given)
        return result.reshape(node.shape)

    return apply


def _extreme(whole: Callable[..., Tensor], along: Callable[..., Any]) -> Function:
    """The largest or smallest: shared among ties, or that of one place."""
    shared = _reducing(whole)

    def apply(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
        options: Mapping[str, Any] = node.options
        if not options.get("indexed"):
            return shared(node, operands)
        (dim,) = options["dims"]
        values: Tensor = along(operands[0], dim=dim, keepdim=options["keepdim"]).values
        return values

    return apply


def _prod(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    """PyTorch's takes one axis."""
    options: Mapping[str, Any] = node.options
    (x,) = operands
    if len(options["dims"]) == x.ndim:
        return torch.prod(x).reshape(node.shape)
    for dim in sorted(options["dims"], reverse=True):
        x = torch.prod(x, dim)
    return x.reshape(node.shape)


def _norm(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    p: Any = node.options["p"]
    return _reducing(partial(torch.linalg.vector_norm, ord=float(p)))(node, operands)


def _along(function: Callable[..., Tensor]) -> Function:
    return lambda node, operands: function(operands[0], dim=node.options["dim"])


def _plain(function: Callable[..., Tensor]) -> Function:
    return lambda node, operands: function(*operands)


def _with(function: Callable[..., Tensor], *names: str) -> Function:
    """A function that takes options after its operands."""
    return lambda node, operands: function(
        *operands, *(node.options[name] for name in names)
    )


def _shaped(function: Callable[..., Tensor]) -> Function:
    return lambda node, operands: function(operands[0], node.shape)


def _of_list(function: Callable[..., Tensor]) -> Function:
    return lambda node, operands: function(list(operands), dim=node.options["dim"])


def _norm_layer(function: Callable[..., Tensor]) -> Function:
    def apply(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
        options: Mapping[str, Any] = node.options
        x, *others = operands
        extra = dict(zip(options["extra"], others, strict=True))
        shape = x.shape[x.ndim - options["axes"] :]
        return function(x, shape, eps=float(options["eps"]), **extra)

    return apply


def _cross_entropy(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    options: Mapping[str, Any] = node.options
    x, target = operands
    return functional.cross_entropy(
        x,
        target.long() if options["indexed"] else target,
        reduction=options["reduction"],
        label_smoothing=float(options["label_smoothing"]),
    )


def index(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    """The numbers at an index."""
    items: Any = node.options["items"]
    parts: list[Any] = []
    for kind, *numbers in items:
        match kind:
            case "at":
                parts.append(numbers[0])
            case "slice":
                parts.append(slice(*numbers))
            case "new":
                parts.append(None)
            case "list":
                parts.append(torch.tensor(numbers, device=operands[0].device))
            case _:
                parts.append(operands[1].long())
    return operands[0][tuple(parts)]


def _dot(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    return torch.dot(*operands)


MOVEMENTS: Mapping[str, Function] = {
    "permute": _with(torch.permute, "dims"),
    "reshape": _shaped(torch.reshape),
    "broadcast_to": _shaped(torch.broadcast_to),
    "concatenate": _of_list(torch.cat),
    "stack": _of_list(torch.stack),
    "flip": _with(torch.flip, "dims"),
    "index": index,
    "diag_embed": _with(torch.diag, "offset"),
    "diagonal": _with(torch.diagonal, "offset"),
    "tril": _with(torch.tril, "offset"),
    "triu": _with(torch.triu, "offset"),
}
"""What moves numbers and computes nothing."""
_CONSTANTS: Mapping[str, Function] = dict.fromkeys(
    ("full", "eye", "arange"), lambda node, operands: torch.empty(0)
)
FUNCTIONS: Mapping[str, Function] = {
    **MOVEMENTS,
    **_CONSTANTS,
    "sum": _reducing(torch.sum),
    "mean": _reducing(torch.mean),
    "prod": _prod,
    "amax": _extreme(torch.amax, torch.max),
    "amin": _extreme(torch.amin, torch.min),
    "logsumexp": _reducing(torch.logsumexp),
    "var": _reducing(torch.var, "correction"),
    "std": _reducing(torch.std, "correction"),
    "norm": _norm,
    "cumsum": _along(torch.cumsum),
    "cumprod": _along(torch.cumprod),
    "softmax": _along(torch.softmax),
    "log_softmax": _along(torch.log_softmax),
    "layer_norm": _norm_layer(functional.layer_norm),
    "rms_norm": _norm_layer(functional.rms_norm),
    "cross_entropy": _cross_entropy,
    "matmul": _plain(torch.matmul),
    "dot": _dot,
    "outer": _plain(torch.outer),
    "einsum": lambda node, operands: torch.einsum(node.options["equation"], *operands),
    "trace": _plain(torch.trace),
    "det": _plain(torch.linalg.det),
    "logdet": _plain(torch.logdet),
    "inv": _plain(torch.linalg.inv),
    "solve": _plain(torch.linalg.solve),
}
