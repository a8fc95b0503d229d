"""Functions of arrays by their definitions in scalars: what a program of arrays is held
to, made of elementary operations, sums and products alone.

None calls the function of PyTorch's of that name; sources are the definitions in its
documentation. Determinants and inverses are by Faddeev and LeVerrier (Gantmacher, The
Theory of Matrices I, chapter IV, section 5): products, sums and divisions by integers,
with no pivots and so no branches, and right for singular matrices too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from verifier.automatic.array_lowering import (
    FUNCTIONS,
    MOVEMENTS,
    ArrayCallable,
    Function,
)
from verifier.language.programs.arrays.program import ArrayNode, ArrayProgram


def definition(program: ArrayProgram) -> ArrayCallable:
    """The program with every function of arrays by its definition in scalars; literals
    as in `lowered`."""
    return ArrayCallable(program, DEFINITIONS)


# ── reductions ────────────────────────────────────────────────────────────────────────


def _lined(x: Tensor, dims: Sequence[int]) -> Tensor:
    """The numbers of some axes, in the order of those, as one last axis."""
    kept = [at for at in range(x.ndim) if at not in dims]
    moved = x.permute(*kept, *dims) if x.ndim else x
    return moved.reshape(*(x.shape[at] for at in kept), -1)


def _by_lines(function: Callable[[Tensor, Mapping[str, Any]], Tensor]) -> Function:
    """A reduction, defined for the last axis."""

    def apply(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
        options: Mapping[str, Any] = node.options
        return function(_lined(operands[0], options["dims"]), options).reshape(
            node.shape
        )

    return apply


def _mean(x: Tensor) -> Tensor:
    return x.sum(-1) / x.shape[-1]


def _product(x: Tensor) -> Tensor:
    result, *others = x.unbind(-1)
    for factor in others:
        result = result * factor
    return result


def _variance(x: Tensor, correction: int) -> Tensor:
    away = x - _mean(x)[..., None]
    return (away * away).sum(-1) / (x.shape[-1] - correction)


def _log_sum_exp(x: Tensor) -> Tensor:
    """The largest number is taken out as a constant, which changes nothing but the range."""
    shift = x.detach().amax(-1)
    return torch.log(torch.exp(x - shift[..., None]).sum(-1)) + shift


def _norm(x: Tensor, p: float) -> Tensor:
    if p == math.inf:
        return x.abs().amax(-1)
    if p == -math.inf:
        return -((-x.abs()).amax(-1))
    if p == 1:
        return x.abs().sum(-1)
    if p == 2:
        return torch.sqrt((x * x).sum(-1))
    return (x.abs() ** p).sum(-1) ** (1 / p)


# ── along an axis ─────────────────────────────────────────────────────────────────────


def _along(function: Callable[[Tensor], Tensor]) -> Function:
    """A function of each line along an axis, defined for the last one."""

    def apply(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
        dim: Any = node.options["dim"]
        return function(operands[0].movedim(dim, -1)).movedim(-1, dim)

    return apply


def _running(combine: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """Sums or products of all numbers up to each."""

    def lines(x: Tensor) -> Tensor:
        result = [x[..., 0]]
        for number in x.unbind(-1)[1:]:
            result.append(combine(result[-1], number))
        return torch.stack(result, -1)

    return _along(lines)


def _softmax(x: Tensor) -> Tensor:
    powers = torch.exp(x - x.detach().amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def _log_softmax(x: Tensor) -> Tensor:
    return x - _log_sum_exp(x)[..., None]


# ── networks ──────────────────────────────────────────────────────────────────────────


def _normalised(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    """The normalised numbers, scaled and shifted; of `rms_norm` not centred."""
    options: Mapping[str, Any] = node.options
    x, *others = operands
    count = options["axes"]
    lines = x.reshape(*x.shape[: x.ndim - count], -1)
    if node.operation == "layer_norm":
        lines = lines - _mean(lines)[..., None]
    scale = torch.sqrt(_mean(lines * lines) + float(options["eps"]))
    result = (lines / scale[..., None]).reshape(x.shape)
    extra = dict(zip(options["extra"], others, strict=True))
    if "weight" in extra:
        result = result * extra["weight"]
    return result + extra["bias"] if "bias" in extra else result


def _cross_entropy(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    """−Σ target · log softmax, of indices as the probabilities 0 and 1."""
    options: Mapping[str, Any] = node.options
    x = operands[0].movedim(options["dim"], -1)
    classes = x.shape[-1]
    if options["indexed"]:
        places = torch.arange(classes, device=x.device)
        target = (operands[1].long()[..., None] == places).to(x.dtype)
    else:
        target = operands[1].movedim(options["dim"], -1)
    smoothing = float(options["label_smoothing"])
    if smoothing:
        target = (1 - smoothing) * target + smoothing / classes
    losses = -(target * _log_softmax(x)).sum(-1)
    if options["reduction"] == "none":
        return losses
    total = losses.sum()
    return total / losses.numel() if options["reduction"] == "mean" else total


# ── products ──────────────────────────────────────────────────────────────────────────


def _matrix_product(x: Tensor, y: Tensor) -> Tensor:
    left = x if x.ndim > 1 else x[None, :]
    right = y if y.ndim > 1 else y[:, None]
    result = (left[..., :, :, None] * right[..., None, :, :]).sum(-2)
    if y.ndim == 1:
        result = result[..., 0]
    return result if x.ndim > 1 else result[..., 0, :] if y.ndim > 1 else result[..., 0]


def _einsum(node: ArrayNode, operands: Sequence[Tensor]) -> Tensor:
    equation = str(node.options["equation"])
    inputs, _, output = equation.partition("->")
    others = dict.fromkeys(c for c in inputs if c != "," and c not in output)
    letters = [*output, *others]
    product: Tensor | None = None
    for term, operand in zip(inputs.split(","), operands, strict=True):
        spread = _aligned(operand, term, letters)
        product = spread if product is None else product * spread
    assert product is not None
    if others:
        return product.sum(list(range(len(output), len(letters))))
    return product.expand(node.shape)


def _aligned(operand: Tensor, term: str, letters: Sequence[str]) -> Tensor:
    """The operand with one axis a letter, in order, of size 1 where it lacks one."""
    names = list(term)
    for letter in dict.fromkeys(term):
        while names.count(letter) > 1:
            first = names.index(letter)
            second = names.index(letter, first + 1)
            operand = operand.diagonal(dim1=first, dim2=second)
            del names[second], names[first]
            names.append(letter)
    order = sorted(range(len(names)), key=lambda at: letters.index(names[at]))
    operand = operand.permute(order)
    for at, letter in enumerate(letters):
        if letter not in names:
            operand = operand.unsqueeze(at)
    return operand


def _trace(x: Tensor) -> Tensor:
    return x.diagonal(dim1=-2, dim2=-1).sum(-1)


def _adjugate(x: Tensor) -> tuple[Tensor, Tensor]:
    """The adjugate and the determinant: M₁ = 1, Mₖ₊₁ = x Mₖ − (tr(x Mₖ)/k) 1."""
    size = x.shape[-1]
    unit = torch.eye(size, dtype=x.dtype, device=x.device)
    matrix = unit.expand(x.shape)
    for k in range(1, size):
        product = _matrix_product(x, matrix)
        matrix = product - (_trace(product) / k)[..., None, None] * unit
    sign = -1 if size % 2 == 0 else 1
    determinant = _trace(_matrix_product(x, matrix)) / size
    return sign * matrix, sign * determinant


def _inverse(x: Tensor) -> Tensor:
    adjugate, determinant = _adjugate(x)
    return adjugate / determinant[..., None, None]


def _solve(x: Tensor, y: Tensor) -> Tensor:
    adjugate, determinant = _adjugate(x)
    product = _matrix_product(adjugate, y)
    return product / (determinant[..., None, None] if y.ndim > 1 else determinant)


def _plain(function: Callable[..., Tensor]) -> Function:
    return lambda node, operands: function(*operands)


DEFINITIONS: Mapping[str, Function] = {
    **MOVEMENTS,
    **{name: FUNCTIONS[name] for name in ("full", "eye", "arange")},
    "sum": _by_lines(lambda x, options: x.sum(-1)),
    "mean": _by_lines(lambda x, options: _mean(x)),
    "prod": _by_lines(lambda x, options: _product(x)),
    "amax": _by_lines(lambda x, options: x.amax(-1)),
    "amin": _by_lines(lambda x, options: -((-x).amax(-1))),
    "logsumexp": _by_lines(lambda x, options: _log_sum_exp(x)),
    "var": _by_lines(lambda x, options: _variance(x, options["correction"])),
    "std": _by_lines(
        lambda x, options: torch.sqrt(_variance(x, options["correction"]))
    ),
    "norm": _by_lines(lambda x, options: _norm(x, float(options["p"]))),
    "cumsum": _running(torch.add),
    "cumprod": _running(torch.mul),
    "softmax": _along(_softmax),
    "log_softmax": _along(_log_softmax),
    "layer_norm": _normalised,
    "rms_norm": _normalised,
    "cross_entropy": _cross_entropy,
    "matmul": _plain(_matrix_product),
    "dot": _plain(lambda x, y: (x * y).sum(-1)),
    "outer": _plain(lambda x, y: x[:, None] * y[None, :]),
    "einsum": _einsum,
    "trace": _plain(_trace),
    "det": _plain(lambda x: _adjugate(x)[1]),
    "logdet": _plain(lambda x: torch.log(_adjugate(x)[1])),
    "inv": _plain(_inverse),
    "solve": _plain(_solve),
}
